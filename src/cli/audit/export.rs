//! `vouchsafe audit export`: events with what proves them.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use vouchsafe_events::{OrganisationId, PersonId, Timestamp};

use super::{Configured, Failed, log};
use crate::audit::proof::{Wanted, export};
use crate::runtime::open_proof;
use crate::web::when;

/// Signs the history as it stands and writes events of it to a folder, with what proves them and how to check it. Names
/// and other personal data are sealed in it. The service may run meanwhile.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  vouchsafe audit export --config vouchsafe.toml --out 2026-03\n  vouchsafe audit export --config vouchsafe.toml --out st-marys --organisation 6b7e2a50-5c6e-5d0a-9a9e-0d8f3c1f2b11"
)]
pub(super) struct Export {
    #[command(flatten)]
    configured: Configured,
    /// The folder, which is made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only events of this organisation.
    #[arg(long, value_name = "ID")]
    organisation: Option<OrganisationId>,
    /// Only events about this person, and those that they caused.
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// Only events of this day or later, such as 2026-03-01, by London's time.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Only events of this day or earlier.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = self.configured.load()?;
        let wanted = Wanted {
            organisation: self.organisation,
            person: self.person,
            from: self
                .from
                .map(|day| day.yesterday().ok().and_then(after).ok_or_else(|| odd(day)))
                .transpose()?,
            to: self.to.map(|day| after(day).ok_or_else(|| odd(day))).transpose()?,
        };
        let notary = open_proof(&config).await?;
        let exported = export(&notary, &wanted, &self.out).await?;
        notary.store().close().await?;
        log::say(&format!(
            "Wrote {} events to {}, proven by a checkpoint of {} events.",
            exported.events,
            self.out.display(),
            exported.signed.size
        ));
        log::say(
            "Whoever gets it checks it with `vouchsafe audit verify`, and should get the key by another way:",
        );
        log::data(notary.verifier().as_str());
        Ok(())
    }
}

/// The first instant in London after a day.
fn after(day: Date) -> Option<Timestamp> {
    when::end_of(day).map(|last| Timestamp::from_micros(last.micros() + 1))
}

fn odd(day: Date) -> Failed {
    Failed::new(format!("{day} is out of range"))
}
