//! `vouchsafe audit diff`: two instants, compared.

use clap::Args;
use serde_json::json;
use vouchsafe_events::{OrganisationId, Stream, Timestamp};

use super::{Configured, Failed, an_instant, columns, known, log, object, open, past};
use crate::app::App;
use crate::audit::lineage::{Ledger, ended, given, role};
use crate::audit::{Change, Changes, Replay, Standing};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  vouchsafe audit diff --config vouchsafe.toml --organisation 6b7e2a50-5c6e-5d0a-9a9e-0d8f3c1f2b11 --from 2026-03-01 --to 2026-03-14"
)]
pub(super) struct Diff {
    #[command(flatten)]
    configured: Configured,
    /// The organisation.
    #[arg(long, value_name = "ID")]
    organisation: OrganisationId,
    /// The first instant; a date alone is the end of that day in London.
    #[arg(long, value_name = "INSTANT", value_parser = an_instant)]
    from: Timestamp,
    /// The second instant; a date alone is the end of that day in London.
    #[arg(long, value_name = "INSTANT", value_parser = an_instant)]
    to: Timestamp,
    /// Writes an object a line instead.
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(super) async fn run(self) -> Result<(), Failed> {
        if self.from > self.to {
            return Err(Failed::new("--to is before --from"));
        }
        let core = open(&self.configured.load()?).await?;
        let told = self.tell(&core.app).await;
        core.close().await?;
        told
    }

    async fn tell(&self, app: &App) -> Result<(), Failed> {
        let (from, to, id) = (self.from, past(app, self.to)?, self.organisation);
        known(app, id)?;
        let replay = Replay::read(app.store().as_ref(), Stream::Organisation(id)).await?;
        let ledger = Ledger::of(replay.events());
        let changes = Changes::between(&replay, &ledger, id, from, to);
        for (what, all) in [("came", &changes.came), ("left", &changes.left), ("changed", &changes.otherwise)]
        {
            for change in all {
                if !log::data(&self.line(app, what, change)) {
                    return Ok(());
                }
            }
        }
        for spell in &changes.between {
            let person = spell.person;
            let (from, to) = (spell.from, ledger.ended(spell, to));
            let line = if self.json {
                json!({ "what": "between", "person": object(app, person), "from": from, "until": to })
                    .to_string()
            } else {
                let until = to.map(|to| to.to_string()).unwrap_or_default();
                format!("between\t{}\t\t{}\t{from} to {until}", columns(app, person), role(spell.role))
            };
            if !log::data(&line) {
                return Ok(());
            }
        }
        if changes.closed.1 && !changes.closed.0 {
            log::say("The organisation closed in between, so nobody has access at the second instant.");
        }
        log::say(&format!("{} people had the same access at both.", changes.same));
        Ok(())
    }

    fn line(&self, app: &App, what: &str, change: &Change) -> String {
        let came = change.came.iter().map(|grant| (grant.at, given(app, grant)));
        let left = change.left.iter().map(|end| (end.at, ended(app, end)));
        let how: Vec<(Timestamp, String)> = came.chain(left).collect();
        let roles = |standing: &Standing| standing.iter().map(|found| role(*found)).collect::<Vec<_>>();
        let (before, after) = (roles(&change.before), roles(&change.after));
        if self.json {
            let how: Vec<_> = how.iter().map(|(at, words)| json!({ "at": at, "how": words })).collect();
            let person = object(app, change.person);
            return json!({ "what": what, "person": person, "before": before, "after": after, "how": how })
                .to_string();
        }
        let how: Vec<String> = how.iter().map(|(at, words)| format!("{at} {words}")).collect();
        let person = columns(app, change.person);
        format!("{what}\t{person}\t{}\t{}\t{}", before.join(", "), after.join(", "), how.join("; "))
    }
}
