//! `vouchsafe asyncapi`.

use clap::Args;

use super::{Failed, log};
use crate::reactors::broker;

/// Describes the messages that are published, as an AsyncAPI 3.0 document in JSON.
#[derive(Debug, Args)]
pub(super) struct AsyncApi {
    /// The name of the exchange that the document names.
    #[arg(long, value_name = "NAME", default_value = broker::DEFAULT_EXCHANGE)]
    exchange: String,
}

impl AsyncApi {
    pub(super) fn run(&self) -> Result<(), Failed> {
        log::data(&serde_json::to_string_pretty(&broker::asyncapi(&self.exchange))?);
        Ok(())
    }
}
