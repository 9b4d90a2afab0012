//! `vouchsafe projections`: the lists that are folded from the history.

use clap::{Args, Subcommand};
use vouchsafe_events::{Position, decode};
use vouchsafe_projections::Lists;

use super::{Configured, Failed, log};
use crate::runtime::open_log;
use crate::snapshot;
use crate::store::EventStore;

/// Looks after the lists that are folded from the history.
#[derive(Debug, Args)]
pub(super) struct Projections {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Folds the lists anew from the first event and compares them with the newest snapshot. Fails if they
    /// differ. The service may run meanwhile.
    Check {
        #[command(flatten)]
        configured: Configured,
    },
}

impl Projections {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let What::Check { configured } = self.what;
        let config = configured.load()?;
        let store = open_log(&config.storage)?;
        let head = store.head().await?;
        let kept = snapshot::newest(&config.storage.snapshots(), head);
        let until = kept.as_ref().map_or(head, Lists::position);
        let folded = fold(store.as_ref(), until).await?;
        store.close().await?;
        log::say(&format!("Folded {} events, up to position {until} of {head}.", folded.events()));
        let Some(kept) = kept else {
            log::say(
                "There is no snapshot that fits; the service folds from the first event when it starts.",
            );
            return Ok(());
        };
        if snapshot::encode(&kept)? == snapshot::encode(&folded)? {
            log::say("The snapshot is what the events give.");
            return Ok(());
        }
        Err(Failed::new("the snapshot differs from what the events give").hint(format!(
            "stop the service, remove the files in {}, and start it again: the lists are then folded anew. Please report it: lists must never differ",
            config.storage.snapshots().display()
        )))
    }
}

async fn fold(store: &dyn EventStore, until: Position) -> Result<Lists, Failed> {
    let mut lists = Lists::default();
    while lists.position() < until {
        let page = store.read_all(lists.position(), 4096).await?;
        if page.is_empty() {
            break;
        }
        for stored in page.iter().take_while(|stored| stored.position <= until) {
            lists.apply(&decode(stored.position, &stored.bytes)?);
        }
    }
    Ok(lists)
}
