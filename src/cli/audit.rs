//! `vouchsafe audit`: what auditors ask of the history, and the proof that nobody altered it.

mod checkpoint;
mod diff;
mod export;
mod lineage;
mod timeline;
mod users;
mod verify;

use clap::{Args, Subcommand};
use vouchsafe_events::{OrganisationId, PersonId, Timestamp};

use super::{Configured, Failed, log};
use crate::app::App;
use crate::audit::instant;
use crate::config::Config;
use crate::runtime::Core;

/// Answers what auditors ask of the history. It only reads, and may run beside the service. People and organisations
/// go by the names that they have today.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tells what happened, newest first: position, time (UTC) and a sentence, parted by tabs.
    Timeline(timeline::Timeline),
    /// Tells who had access at an instant, as what, since when, and who let them in, parted by tabs.
    Users(users::Users),
    /// Compares who had access at two instants: who came, who left, and by whom.
    Diff(diff::Diff),
    /// Follows a person's access back to where its authority began, and forward to whose access rests on them.
    Lineage(lineage::Lineage),
    /// Prints the key that checkpoints and exports are checked with. It is public.
    Key(checkpoint::Key),
    /// Signs the history as it stands and prints the checkpoint. The service may run meanwhile.
    Checkpoint(checkpoint::Checkpoint),
    /// Writes events with what proves them, for somebody who has neither the log nor the service.
    Export(export::Export),
    /// Checks an exported folder, anywhere; or, without one, the log itself. Leaves with 0 if all is as it was signed,
    /// 3 if not, and 1 if that could not be found out.
    Verify(verify::Verify),
}

impl Audit {
    pub(super) async fn run(self) -> Result<(), Failed> {
        match self.what {
            What::Timeline(command) => command.run().await,
            What::Users(command) => command.run().await,
            What::Diff(command) => command.run().await,
            What::Lineage(command) => command.run().await,
            What::Key(command) => command.run(),
            What::Checkpoint(command) => command.run().await,
            What::Export(command) => command.run().await,
            What::Verify(command) => command.run().await,
        }
    }
}

/// Reads an instant from the command line.
fn an_instant(text: &str) -> Result<Timestamp, &'static str> {
    instant::parse(text).ok_or(HOW)
}

/// The same for where a time begins.
fn a_start(text: &str) -> Result<Timestamp, &'static str> {
    instant::parse_start(text).ok_or(HOW)
}

/// How to say an instant.
const HOW: &str = "say it as 2026-03-14, \"2026-03-14 14:30\" (in London) or 2026-03-14T14:30:00Z";

/// Opens what is stored, to read it.
async fn open(config: &Config) -> Result<Core, Failed> {
    super::staff::open(config).await
}

/// An instant that has come: of one that has not, nothing can be said.
fn past(app: &App, at: Timestamp) -> Result<Timestamp, Failed> {
    if at > app.now() {
        return Err(Failed::new(format!("{at} is in the future"))
            .hint("a date alone is the end of that day: say the time too, as \"2026-03-14 14:30\""));
    }
    Ok(at)
}

/// An organisation that is known.
fn known(app: &App, id: OrganisationId) -> Result<(), Failed> {
    if app.lists(|lists| lists.organisation(id).is_some()) {
        return Ok(());
    }
    Err(Failed::new(format!("no organisation has the id {id}"))
        .hint("the history page shows a school's id in its address; `vouchsafe organisations list` shows those of organisations with a user list"))
}

/// A person in columns: id, email address and name, as they are today.
fn columns(app: &App, person: PersonId) -> String {
    format!("{person}\t{}\t{}", app.email_of(person), app.name_of(person))
}

/// The same for JSON.
fn object(app: &App, person: PersonId) -> serde_json::Value {
    serde_json::json!({ "id": person, "email": app.email_of(person), "name": app.name_of(person) })
}
