//! `vouchsafe import`: what registers say.

mod summary;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use futures_util::{StreamExt, stream};
use vouchsafe_events::{Event, OrganisationId};
use vouchsafe_projections::Lists;

use super::{Configured, Failed, log};
use crate::app::{App, Failure, Unavailable};
use crate::clock::{Clock, SystemClock};
use crate::domain::Organisation;
use crate::domain::organisation::InRegister;
use crate::register::{News, Said};
use crate::runtime::Core;
use crate::web::when;
use summary::{Happened, Summary};

/// Reads the register's downloads into the history. The service may run meanwhile.
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Takes schools from the downloads of Get Information about Schools: establishments, and links between them.
    ///
    /// A file is known by its columns. All files are read before anything is recorded: a broken file changes nothing,
    /// a broken row is told and passed over. Importing a file again records only what has changed.
    #[command(
        after_help = "Example, with both files from https://get-information-schools.service.gov.uk/Downloads:\n  vouchsafe import organisations --config vouchsafe.toml --dry-run edubasealldata20261125.csv links_edubasealldata20261125.csv\n  vouchsafe import organisations --config vouchsafe.toml edubasealldata20261125.csv links_edubasealldata20261125.csv"
    )]
    Organisations {
        #[command(flatten)]
        configured: Configured,
        /// Says what would be recorded, and records nothing.
        #[arg(long)]
        dry_run: bool,
        /// The downloads, as CSV. Of two that differ about a school the later one counts.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// How many schools are decided on at once: their events are then written to the disk together.
const AT_ONCE: usize = 256;

/// After how many rows, or schools, progress is told.
const TOLD_EVERY: u64 = 10_000;

impl Import {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let What::Organisations { configured, dry_run, files } = self.what;
        let config = configured.load()?;
        // Before anything is opened, so that a broken file leaves no trace at all.
        let (said, mut summary) = read(&files)?;
        if dry_run && !config.storage.log().exists() {
            // Opening it would make it.
            let today = when::day(SystemClock.now());
            let News { schools, counts } = said.news(&Lists::default(), today);
            summary.counts(counts);
            summary.print(&on_nothing(schools), dry_run);
            return Ok(());
        }
        let core = Core::open(&config, Arc::new(SystemClock)).await?;
        let today = when::day(core.app.now());
        let News { schools, counts } = core.app.lists(|lists| said.news(lists, today));
        summary.counts(counts);
        let (happened, failed) = record(&core.app, schools, dry_run).await;
        core.close().await?;
        summary.print(&happened, dry_run);
        match failed {
            None => Ok(()),
            Some(failed) => {
                let hint = "what is counted above is recorded; import the same files again to go on";
                Err(Failed::from(failed).hint(hint))
            }
        }
    }
}

/// Reads all files, and tells of their broken rows.
fn read(files: &[PathBuf]) -> Result<(Said, Summary), Failed> {
    let (mut said, mut summary) = (Said::default(), Summary::default());
    for path in files {
        let name = path.display();
        let told = |fault: &crate::register::Fault| log::say(&format!("{name}: {fault}"));
        let progress = |rows: u64| {
            if rows.is_multiple_of(TOLD_EVERY) {
                log::say(&format!("{name}: {rows} rows read"));
            }
        };
        match said.take_in(path, told, progress) {
            Ok(counts) => summary.file(path, counts),
            Err(broken) => {
                let text = format!("{name}: {}", crate::errors::Chain(&broken));
                return Err(Failed::new(text).hint("nothing was recorded, of the other files neither"));
            }
        }
    }
    Ok((said, summary))
}

/// What would be recorded where nothing is known yet.
fn on_nothing(schools: Vec<(OrganisationId, InRegister)>) -> Happened {
    let mut happened = Happened::default();
    for (_, said) in schools {
        let decided = Organisation::default().hear_from_register(said);
        happened.add(&decided.iter().map(Event::kind).collect::<Vec<_>>());
    }
    happened
}

/// Records what is new, or finds out what would be. Once that fails with one school, no further ones are begun.
async fn record(
    app: &App,
    schools: Vec<(OrganisationId, InRegister)>,
    dry_run: bool,
) -> (Happened, Option<Unavailable>) {
    let total = schools.len();
    let stop = &AtomicBool::new(false);
    let mut outcomes = stream::iter(schools)
        .map(|(school, said)| async move {
            if stop.load(Ordering::Relaxed) {
                return Ok(Vec::new());
            }
            if dry_run {
                return app.would_hear_from_register(school, &said).await;
            }
            match app.hear_from_register(school, &said).await {
                Ok(done) => Ok(done.kinds),
                Err(Failure::Refused(never)) => match never {},
                Err(Failure::Contended) => Err(Unavailable::Contended),
                Err(Failure::Unavailable(cause)) => Err(cause),
            }
        })
        .buffer_unordered(AT_ONCE);
    let (mut happened, mut failed, mut done) = (Happened::default(), None, 0);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(kinds) => happened.add(&kinds),
            Err(cause) => {
                stop.store(true, Ordering::Relaxed);
                failed.get_or_insert(cause);
            }
        }
        done += 1;
        if failed.is_none() && done % TOLD_EVERY == 0 {
            log::say(&format!(
                "{done} of {total} schools {}",
                if dry_run { "looked at" } else { "recorded" }
            ));
        }
    }
    (happened, failed)
}
