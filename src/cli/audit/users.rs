//! `vouchsafe audit users`: who had access at an instant.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::Args;
use serde_json::json;
use vouchsafe_events::{OrganisationId, Position, Stream, Timestamp, decode};
use vouchsafe_projections::Lists;

use super::{Configured, Failed, an_instant, columns, known, log, object, open, past};
use crate::app::App;
use crate::audit::Replay;
use crate::audit::lineage::{Ledger, given, role};
use crate::store::Pages;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  vouchsafe audit users --config vouchsafe.toml --organisation 6b7e2a50-5c6e-5d0a-9a9e-0d8f3c1f2b11 --as-at '2026-03-14 09:00'"
)]
pub(super) struct Users {
    #[command(flatten)]
    configured: Configured,
    /// The organisation.
    #[arg(long, value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    organisation: Option<OrganisationId>,
    /// The instant; a date alone is the end of that day in London.
    #[arg(long, value_name = "INSTANT", value_parser = an_instant)]
    as_at: Timestamp,
    /// Every organisation: reads the whole log, and says how long that took.
    #[arg(long)]
    all: bool,
    /// Writes an object a line instead.
    #[arg(long)]
    json: bool,
}

impl Users {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let core = open(&self.configured.load()?).await?;
        let told = self.tell(&core.app).await;
        core.close().await?;
        told
    }

    async fn tell(&self, app: &App) -> Result<(), Failed> {
        let at = past(app, self.as_at)?;
        let Some(id) = self.organisation else { return self.tell_all(app, at).await };
        known(app, id)?;
        let replay = Replay::read(app.store().as_ref(), Stream::Organisation(id)).await?;
        self.write(app, &replay.lists(at), id, &Ledger::of(replay.events()), false);
        Ok(())
    }

    async fn tell_all(&self, app: &App, at: Timestamp) -> Result<(), Failed> {
        let begun = Instant::now();
        let mut lists = Lists::default();
        let mut ledgers: BTreeMap<OrganisationId, Ledger> = BTreeMap::new();
        let mut pages = Pages::after(app.store().as_ref(), Position::START);
        while let Some(page) = pages.next().await? {
            for stored in &page {
                let recorded = decode(stored.position, &stored.bytes)?;
                if recorded.envelope.at > at {
                    continue;
                }
                lists.apply(&recorded);
                if let Stream::Organisation(id) = recorded.envelope.stream {
                    ledgers.entry(id).or_default().apply(&recorded);
                }
            }
        }
        log::say(&format!(
            "Folded {} events in {:.1} seconds.",
            lists.events(),
            begun.elapsed().as_secs_f64()
        ));
        for organisation in lists.organisations() {
            if let Some(ledger) = ledgers.get(&organisation.id)
                && !self.write(app, &lists, organisation.id, ledger, true)
            {
                break;
            }
        }
        Ok(())
    }

    /// False if nobody reads any more.
    fn write(&self, app: &App, lists: &Lists, id: OrganisationId, ledger: &Ledger, named: bool) -> bool {
        let at = self.as_at;
        let Some(organisation) = lists.organisation(id) else { return true };
        for (person, _, _) in organisation.members(at) {
            let spells = ledger.spells_of(person).filter(|spell| ledger.stands(spell, at));
            for spell in spells {
                let grants = ledger.in_force(spell, at);
                let grants = grants.into_iter().filter_map(|grant| ledger.grants.get(grant));
                let by: Vec<String> = grants.map(|grant| given(app, grant)).collect();
                let (role, since, ends) = (role(spell.role), spell.from, ledger.ends(spell, at));
                let line = if self.json {
                    let place = json!({ "id": id, "name": organisation.name });
                    json!({
                        "organisation": place, "person": object(app, person), "as": role,
                        "since": since, "ends": ends, "let_in": by,
                    })
                    .to_string()
                } else {
                    let place = if named { format!("{id}\t{}\t", organisation.name) } else { String::new() };
                    format!("{place}{}\t{role}\t{since}\t{}", columns(app, person), by.join("; "))
                };
                if !log::data(&line) {
                    return false;
                }
            }
        }
        true
    }
}
