//! What goes to the terminal: talk to standard error, data to standard output, log lines.

use std::io::{self, Write};

use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::{LogFormat, LogSettings};
use crate::traces::{self, Exporting};

/// Says something to whoever runs the command.
pub(super) fn say(text: &str) {
    // Nobody listens any more if this fails.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a line of data. False if nobody reads any more.
pub(super) fn data(line: &str) -> bool {
    writeln!(io::stdout(), "{line}").is_ok()
}

/// Starts logging, to standard error, and tracing, if there is somewhere to send traces.
pub(super) fn start(settings: &LogSettings, traces: Option<&Exporting>) {
    let mut filter: EnvFilter = settings.filter.parse().unwrap_or_else(|_| EnvFilter::new("info"));
    // An outage of RabbitMQ is told in our words, as a warning; its client would call each an error.
    if !settings.filter.contains("lapin")
        && let Ok(quiet) = "lapin=off".parse()
    {
        filter = filter.add_directive(quiet);
    }
    // What is traced is no line of the log, nor around one: `span` stays the request.
    let filter = filter.and(filter_fn(|metadata| metadata.target() != traces::TARGET));
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).boxed(),
        LogFormat::Text => lines.with_target(false).boxed(),
    };
    Registry::default().with(traces.map(Exporting::layer)).with(lines.with_filter(filter)).init();
}
