//! `vouchsafe audit`: what auditors ask of the history, and the proof that nobody altered it.

mod checkpoint;
mod export;
mod verify;

use clap::{Args, Subcommand};

use super::{Configured, Failed, log};

/// Asks the history, and proves it.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
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
            What::Key(command) => command.run(),
            What::Checkpoint(command) => command.run().await,
            What::Export(command) => command.run().await,
            What::Verify(command) => command.run().await,
        }
    }
}
