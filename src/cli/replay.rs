//! `vouchsafe replay`: the history, one event a line.

use clap::Args;
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::value::RawValue;
use vouchsafe_events::{KINDS, OrganisationId, PersonId, Position, Recorded, Stream, decode};

use super::{Configured, Failed, log};
use crate::runtime::{asked_to_stop, open_log};
use crate::store::{EventStore, Followed, Pages, StoredEvent};

/// Writes the history to standard output, one event a line, as JSON: the position, and the event exactly as
/// it is stored. Names and other personal data are sealed in it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  vouchsafe replay --config vouchsafe.toml --from 1000 --type access-granted\n  vouchsafe replay --config vouchsafe.toml --follow | jq .event.type"
)]
pub(super) struct Replay {
    #[command(flatten)]
    configured: Configured,
    /// Begins after this position.
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    from: u64,
    /// Only events of this type, such as `access-granted`. May be given several times.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only events of this organisation.
    #[arg(long, value_name = "ID")]
    organisation: Option<OrganisationId>,
    /// Only events about this person, and those that they caused.
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// Goes on with what comes, until it is stopped.
    #[arg(long)]
    follow: bool,
}

impl Replay {
    pub(super) async fn run(self) -> Result<(), Failed> {
        for name in &self.types {
            if !KINDS.iter().any(|(known, _)| known == name) {
                let known: Vec<_> = KINDS.iter().map(|(known, _)| *known).collect();
                let hint = format!("the types are: {}", known.join(", "));
                return Err(Failed::new(format!("{name} is no type of event")).hint(hint));
            }
        }
        let config = self.configured.load()?;
        let store = open_log(&config).await?;
        let mut pages = Pages::after(store.as_ref(), Position::new(self.from));
        let mut going = true;
        while going {
            let Some(page) = pages.next().await? else { break };
            going = self.write(&page)?;
        }
        if going && self.follow {
            self.follow(store.as_ref(), pages.position()).await?;
        }
        store.close().await?;
        Ok(())
    }

    async fn follow(&self, store: &dyn EventStore, at: Position) -> Result<(), Failed> {
        let mut news = store.subscribe(at);
        let stop = asked_to_stop();
        tokio::pin!(stop);
        loop {
            let next = tokio::select! {
                next = news.next() => next,
                () = &mut stop => return Ok(()),
            };
            match next {
                Some(Ok(Followed::Event(stored))) => {
                    if !self.write(&[stored])? {
                        return Ok(());
                    }
                }
                Some(Ok(Followed::CaughtUp(_))) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            }
        }
    }

    /// Writes those events that are asked for. False if nobody reads any more.
    fn write(&self, page: &[StoredEvent]) -> Result<bool, Failed> {
        #[derive(Serialize)]
        struct Line<'a> {
            position: Position,
            event: &'a RawValue,
        }
        for stored in page {
            if self.wants(&decode(stored.position, &stored.bytes)?) {
                let event: &RawValue = serde_json::from_slice(&stored.bytes)?;
                if !log::data(&serde_json::to_string(&Line { position: stored.position, event })?) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn wants(&self, recorded: &Recorded) -> bool {
        let envelope = &recorded.envelope;
        let kind = self.types.is_empty() || self.types.iter().any(|name| name == recorded.event.kind());
        let organisation = self.organisation.is_none_or(|id| envelope.stream == Stream::Organisation(id));
        let person = self.person.is_none_or(|id| recorded.concerns(id));
        kind && organisation && person
    }
}
