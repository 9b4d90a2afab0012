//! What goes to the terminal: talk to standard error, data to standard output, log lines.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Says something to whoever runs the command.
pub(super) fn say(text: &str) {
    // Nobody listens any more if this fails.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a line of data. False if nobody reads any more.
pub(super) fn data(line: &str) -> bool {
    writeln!(io::stdout(), "{line}").is_ok()
}

/// Starts logging, to standard error.
pub(super) fn start(settings: &LogSettings) {
    let mut filter: EnvFilter = settings.filter.parse().unwrap_or_else(|_| EnvFilter::new("info"));
    // An outage of RabbitMQ is told in our words, as a warning; its client would call each an error.
    if !settings.filter.contains("lapin")
        && let Ok(quiet) = "lapin=off".parse()
    {
        filter = filter.add_directive(quiet);
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).init(),
        LogFormat::Text => builder.with_target(false).init(),
    }
}
