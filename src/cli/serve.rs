//! `vouchsafe serve`.

use clap::Args;

use super::{Configured, Failed, check, log};
use crate::{runtime, traces};

/// Runs the service.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    configured: Configured,
    /// Checks the configuration, says what it means, and runs nothing.
    #[arg(long)]
    check: bool,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = self.configured.load().map_err(|faults| {
            Failed::from(faults).hint("docs/configuration.md explains every setting; `vouchsafe serve --check` reads them and runs nothing")
        })?;
        if self.check {
            check::explain(&config);
            return Ok(());
        }
        let headers = config.secrets.trace_headers.clone();
        let traces = config.traces.as_ref().map(|settings| traces::begin(settings, headers)).transpose()?;
        log::start(&config.log, traces.as_ref());
        let served = runtime::serve(config, runtime::asked_to_stop(), |_| {}).await;
        if let Some(traces) = traces {
            traces.finish().await;
        }
        Ok(served?)
    }
}
