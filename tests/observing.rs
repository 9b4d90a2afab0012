//! What the service tells about itself, run as an operator runs it: metrics, traces, and what is deployed to read them.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "what is skipped says so")]
#![expect(clippy::float_cmp, reason = "what is counted is a whole number")]

#[path = "observing/collector.rs"]
mod collector;
#[path = "observing/deploy.rs"]
mod deploy;
#[path = "observing/exposition.rs"]
mod exposition;
#[path = "observing/metrics.rs"]
mod metrics;
#[path = "support/port.rs"]
mod port;
#[path = "observing/service.rs"]
mod service;
#[path = "observing/traces.rs"]
mod traces;
