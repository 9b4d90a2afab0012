//! Where metrics are kept: the one place, with the server, that knows of the crates for it.

use std::sync::OnceLock;

use ::metrics as facade;
use facade::{Label, SharedString};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use vouchsafe_events::Timestamp;

use super::catalogue::{self, ALL, Kind, Metric};
use super::seconds;

/// Metrics could not be set up. Nothing about a configuration leads there.
#[derive(Debug, thiserror::Error)]
pub enum NotCounting {
    /// A metric's bounds were not taken.
    #[error("the metrics cannot be set up")]
    Bounds(#[from] BuildError),
    /// Something else in the process counts.
    #[error("something else in this process keeps metrics already")]
    Taken,
}

/// What was installed: once for the process, whose metrics they are.
static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count, unless that was begun before.
pub(super) fn install(now: Timestamp) -> Result<PrometheusHandle, NotCounting> {
    if let Some(handle) = INSTALLED.get() {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for metric in ALL {
        if let Kind::Histogram(bounds) = metric.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)?;
        }
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    facade::set_global_recorder(recorder).map_err(|_| NotCounting::Taken)?;
    for metric in ALL {
        describe(metric);
    }
    // Two that begin at once: the first has installed its own, and the other was told so above.
    let handle = INSTALLED.get_or_init(|| handle).clone();
    begin(now);
    Ok(handle)
}

/// Sets what is known from the start.
fn begin(now: Timestamp) {
    for metric in ALL.iter().filter(|metric| metric.from_start) {
        for values in combinations(metric.labels) {
            count(metric, &values, 0);
        }
    }
    gauge(&catalogue::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
    gauge(&catalogue::PROCESS_START, &[], seconds(now));
}

fn describe(metric: &Metric) {
    match metric.kind {
        Kind::Counter => facade::describe_counter!(metric.name, metric.help),
        Kind::Gauge => facade::describe_gauge!(metric.name, metric.help),
        Kind::Histogram(_) => facade::describe_histogram!(metric.name, metric.help),
    }
}

/// Every combination of the values that labels take.
fn combinations(labels: &[catalogue::Label]) -> Vec<Vec<&'static str>> {
    labels.iter().fold(vec![Vec::new()], |before, label| {
        let with = |values: &Vec<&'static str>| {
            let values = values.clone();
            label.values.iter().map(move |value| [values.as_slice(), &[value]].concat())
        };
        before.iter().flat_map(with).collect()
    })
}

/// Whether anybody counts.
fn is_on() -> bool {
    INSTALLED.get().is_some()
}

/// A metric's labels with their values, which are as many.
fn labels(metric: &Metric, values: &[&str]) -> Vec<Label> {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    let pairs = metric.labels.iter().zip(values);
    pairs.map(|(label, value)| Label::new(label.name, SharedString::from((*value).to_owned()))).collect()
}

/// Adds to a counter.
pub(super) fn count(metric: &Metric, values: &[&str], more: u64) {
    if is_on() {
        facade::counter!(metric.name, labels(metric, values)).increment(more);
    }
}

/// Sets a gauge.
pub(super) fn gauge(metric: &Metric, values: &[&str], value: f64) {
    if is_on() {
        facade::gauge!(metric.name, labels(metric, values)).set(value);
    }
}

/// Changes a gauge by so much.
pub(super) fn change(metric: &Metric, by: f64) {
    if is_on() {
        facade::gauge!(metric.name, labels(metric, &[])).increment(by);
    }
}

/// Adds to a histogram.
pub(super) fn observe(metric: &Metric, values: &[&str], value: f64) {
    if is_on() {
        facade::histogram!(metric.name, labels(metric, values)).record(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_combined_each_with_each() {
        let label = |name, values| catalogue::Label { name, values };
        assert_eq!(combinations(&[]), [[""; 0]]);
        let both = combinations(&[label("a", &["x", "y"]), label("b", &["1", "2"])]);
        assert_eq!(both, [["x", "1"], ["x", "2"], ["y", "1"], ["y", "2"]]);
    }
}
