//! `vouchsafe audit lineage`: on whose authority a person has access, and who has it on theirs.

use clap::Args;
use serde_json::json;
use vouchsafe_events::{OrganisationId, PersonId};

use super::{Configured, Failed, columns, known, log, object, open};
use crate::app::App;
use crate::audit::lineage::{Lineage as Lines, Node, Step, given, role};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  vouchsafe audit lineage --config vouchsafe.toml --organisation 6b7e2a50-5c6e-5d0a-9a9e-0d8f3c1f2b11 --person 0192f5a4-7c1e-7000-8000-000000000002"
)]
pub(super) struct Lineage {
    #[command(flatten)]
    configured: Configured,
    /// The organisation.
    #[arg(long, value_name = "ID")]
    organisation: OrganisationId,
    /// The person.
    #[arg(long, value_name = "ID")]
    person: PersonId,
    /// Writes one object instead.
    #[arg(long)]
    json: bool,
}

impl Lineage {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let core = open(&self.configured.load()?).await?;
        let told = self.tell(&core.app).await;
        core.close().await?;
        told
    }

    async fn tell(&self, app: &App) -> Result<(), Failed> {
        known(app, self.organisation)?;
        if app.lists(|lists| lists.person(self.person).is_none()) {
            return Err(Failed::new(format!("nobody has the id {}", self.person)));
        }
        let lines = Lines::read(app.store().as_ref(), self.organisation).await?;
        let now = app.now();
        let places = lines.places(self.organisation, self.person, now);
        let back: Vec<Step> = places.iter().flat_map(|node| lines.back(*node)).collect();
        let resting = lines.standing(&lines.forward(self.organisation, self.person), now);
        if lines.is_cut() {
            log::say("More organisations succeeded each other here than are looked into: this is not all.");
        }
        if self.json {
            let back: Vec<_> =
                back.iter().map(|step| entry(app, &lines, step.node, Some(step.depth))).collect();
            let resting: Vec<_> = resting.iter().map(|node| entry(app, &lines, *node, None)).collect();
            log::data(
                &json!({ "person": object(app, self.person), "back": back, "resting": resting }).to_string(),
            );
            return Ok(());
        }
        if back.is_empty() {
            log::say("They have no access there now.");
        }
        for step in back {
            let Some(grant) = lines.grant(step.node) else { continue };
            let name = app.name_of(grant.person);
            let line = format!(
                "{}{name}, {}: {} ({})",
                "  ".repeat(step.depth),
                role(grant.role),
                given(app, grant),
                grant.at
            );
            if !log::data(&line) {
                return Ok(());
            }
        }
        log::say(&format!("{} places rest on what they decided, directly or not, and stand:", resting.len()));
        for node in resting {
            let Some(grant) = lines.grant(node) else { continue };
            let place = app.organisation_name(node.organisation);
            let line = format!(
                "{}\t{place}\t{}\t{}\t{}",
                columns(app, grant.person),
                role(grant.role),
                grant.at,
                given(app, grant)
            );
            if !log::data(&line) {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn entry(app: &App, lines: &Lines, node: Node, depth: Option<usize>) -> serde_json::Value {
    let Some(grant) = lines.grant(node) else { return serde_json::Value::Null };
    json!({
        "organisation": node.organisation,
        "person": object(app, grant.person),
        "as": role(grant.role),
        "at": grant.at,
        "position": grant.position,
        "how": given(app, grant),
        "depth": depth,
    })
}
