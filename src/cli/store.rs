//! `vouchsafe store`: what is told to the event log's server.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failed, log};
use crate::config::read_secret;
use crate::store::CellName;
use crate::store::eventstoredb::{EventStoreDbOptions, prepare};

/// Looks after the server that holds the event log, where it is on EventStoreDB.
#[derive(Debug, Args)]
pub(super) struct Store {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tells the server who may read and write the log and how much to keep of what is no history. What is set
    /// already is left alone. It needs no configuration file, and the service may run meanwhile.
    Prepare {
        /// The server or cluster, as esdb://host:2113.
        #[arg(long)]
        url: String,
        /// An administrator of the server.
        #[arg(long, value_name = "NAME")]
        administrator: String,
        /// A file with the administrator's password on its first line.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
        /// The user that the service signs in as.
        #[arg(long, value_name = "NAME")]
        service: String,
        /// A cell that the service uses; once for each. Without it all that this version uses.
        #[arg(long, value_name = "NAME", default_values_t = CellName::ALL)]
        cell: Vec<CellName>,
    },
}

impl Store {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let What::Prepare { url, administrator, password_file, service, cell } = self.what;
        let password = read_secret(&password_file).map_err(Failed::new)?;
        let mut options = EventStoreDbOptions::new(url);
        options.credentials = Some((administrator, password));
        let mut left = false;
        for prepared in prepare(&options, &service, &cell).await? {
            left |= !prepared.set;
            let stream = prepared.stream;
            log::say(&if prepared.set {
                format!("Set {stream}.")
            } else {
                format!("Left {stream} as it was: it was set already.")
            });
        }
        if left {
            log::say("See docs/eventstoredb.md for what should be set, and compare.");
        }
        Ok(())
    }
}
