//! The metrics endpoint.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use vouchsafe::metrics::catalogue::{ALL, Kind, Metric, PROCESS};

use crate::exposition::{Exposed, is_name};
use crate::service::Service;

fn every_metric() -> impl Iterator<Item = &'static Metric> {
    ALL.iter().chain(PROCESS)
}

#[test]
fn names_follow_the_conventions() {
    let mut names = BTreeSet::new();
    for metric in every_metric() {
        let Metric { name, labels, help, .. } = metric;
        assert!(is_name(name) && names.insert(name), "{name}");
        assert!(name.starts_with("vouchsafe_") || name.starts_with("process_"), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            metric.kind == Kind::Counter,
            "{name}: counters, and they alone, end so"
        );
        for wrong in
            ["_milliseconds", "_ms", "_minutes", "_hours", "_days", "_kilobytes", "_percent", "_info_total"]
        {
            assert!(!name.contains(wrong), "{name}: base units");
        }
        for reserved in ["_bucket", "_sum", "_count", "_created"] {
            assert!(!name.ends_with(reserved), "{name}");
        }
        assert!(help.ends_with('.') && help.len() > 10, "{name}: {help}");
        for label in *labels {
            assert!(is_name(label.name) && !label.name.starts_with("__"), "{name}: {}", label.name);
            assert!(!["le", "quantile", "instance", "job"].contains(&label.name), "{name}: {}", label.name);
        }
        if let Kind::Histogram(bounds) = metric.kind {
            assert!(name.ends_with("_seconds"), "{name}");
            assert!(bounds.is_sorted_by(|a, b| a < b) && bounds.iter().all(|bound| *bound > 0.0), "{name}");
        }
    }
}

#[test]
fn no_metric_can_grow_without_bound_or_name_a_person() {
    let open: BTreeSet<_> = every_metric()
        .flat_map(|metric| metric.labels.iter().map(move |label| (metric.name, label)))
        .filter(|(_, label)| label.values.is_empty())
        .map(|(name, label)| (name, label.name))
        .collect();
    let known = [
        ("vouchsafe_build_info", "version"),
        ("vouchsafe_dfe_request_duration_seconds", "host"),
        ("vouchsafe_events_appended_total", "type"),
        ("vouchsafe_http_request_duration_seconds", "route"),
        ("vouchsafe_http_requests_total", "route"),
    ];
    assert_eq!(open, BTreeSet::from(known), "a label's values are a closed set, or a reason is given here");
    for metric in every_metric() {
        let series: usize = metric.labels.iter().map(|label| label.values.len().max(1)).product();
        assert!(series <= 30, "{}: {series}", metric.name);
    }
}

/// What is exposed is what the catalogue says.
fn check(exposed: &Exposed) {
    for (name, family) in &exposed.0 {
        let metric = every_metric().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"));
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        assert_eq!((family.kind.as_str(), family.help.as_str()), (kind, metric.help), "{name}");
        for sample in &family.samples {
            let named: BTreeSet<_> =
                sample.labels.keys().map(String::as_str).filter(|name| *name != "le").collect();
            assert_eq!(named, metric.labels.iter().map(|label| label.name).collect(), "{sample:?}");
            for label in metric.labels.iter().filter(|label| !label.values.is_empty()) {
                assert!(label.values.contains(&sample.labels[label.name].as_str()), "{sample:?}");
            }
        }
        if let Kind::Histogram(bounds) = metric.kind {
            let ends =
                family.samples.iter().filter(|sample| sample.labels.get("le").is_some_and(|le| le == "+Inf"));
            let buckets = family.samples.iter().filter(|sample| sample.name.ends_with("_bucket")).count();
            assert_eq!(buckets, ends.count() * (bounds.len() + 1), "{name} is a histogram with our bounds");
        }
    }
}

/// Prometheus' own opinion, where it is installed.
fn lint(text: &str) {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn what_happens_is_counted_and_told_in_prometheus_form() {
    let service = Service::start("", &[]).await;
    let before = service.exposed().await;
    check(&before);
    for metric in ALL.iter().filter(|metric| metric.from_start).chain(PROCESS) {
        assert!(before.0.contains_key(metric.name), "{} is there from the start", metric.name);
    }
    assert_eq!(before.sum("vouchsafe_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert_eq!(before.sum("vouchsafe_log_up", &[]), 1.0);

    // Pages, by pattern: what stands in paths and queries is told by nothing.
    let at = |path: &str| format!("{}{path}", service.base);
    assert_eq!(service.get(&at("/privacy?name=ada.lovelace"), &[]).await.status, 200);
    assert_eq!(service.get(&at("/privacy"), &[]).await.status, 200);
    assert_eq!(service.get(&at("/no-such-page-ada"), &[]).await.status, 404);
    let person = "/support/people/0190f5fe-7a3b-7000-8000-00000000ada0";
    service.get(&at(person), &[]).await;
    // DfE Sign-in is not there.
    assert_eq!(service.get(&at("/sign-in"), &[]).await.status, 503);
    service.asks_for_code("ada.lovelace@northern.example").await;

    let seen = service
        .until("the mail is told of", |seen| {
            seen.sum("vouchsafe_mail_attempts_total", &[("outcome", "delayed")]) >= 1.0
                && seen.sum("vouchsafe_mail_outbox_length", &[]) >= 1.0
        })
        .await;
    check(&seen);
    let moved = |name: &str, labels: &[(&str, &str)]| seen.sum(name, labels) - before.sum(name, labels);
    let page = |route, status| {
        moved("vouchsafe_http_requests_total", &[("route", route), ("status", status), ("method", "GET")])
    };
    assert_eq!(page("/privacy", "2xx"), 2.0);
    assert_eq!(page("none", "4xx"), 1.0);
    assert_eq!(page("/sign-in", "5xx"), 1.0);
    assert_eq!(moved("vouchsafe_http_request_duration_seconds_count", &[("route", "/privacy")]), 2.0);
    assert_eq!(moved("vouchsafe_sign_ins_total", &[("way", "dfe_sign_in"), ("outcome", "unavailable")]), 1.0);
    assert_eq!(
        moved(
            "vouchsafe_dfe_request_duration_seconds_count",
            &[("host", "127.0.0.1"), ("outcome", "unreachable")]
        ),
        1.0
    );
    assert_eq!(moved("vouchsafe_one_time_passwords_total", &[("outcome", "asked")]), 1.0);
    assert_eq!(moved("vouchsafe_events_appended_total", &[("type", "person-introduced")]), 1.0);
    assert!(moved("vouchsafe_commands_total", &[("stream", "person"), ("outcome", "done")]) >= 1.0);
    assert!(moved("vouchsafe_append_duration_seconds_count", &[("outcome", "appended")]) >= 2.0);
    assert!(moved("vouchsafe_lists_wait_seconds_count", &[]) >= 2.0);
    assert!(moved("vouchsafe_key_ring_duration_seconds_count", &[("operation", "insert")]) >= 1.0);
    assert_eq!(seen.sum("vouchsafe_lists_position", &[]), seen.sum("vouchsafe_log_head_position", &[]));
    assert!(seen.sum("vouchsafe_lists_events", &[]) >= 2.0);
    for (name, value) in [
        ("vouchsafe_lists_lag_seconds", 0.0),
        ("vouchsafe_lists_in_step", 1.0),
        ("vouchsafe_lists_stuck", 0.0),
        ("vouchsafe_mail_server_up", 0.0),
        ("vouchsafe_http_requests_in_flight", 0.0),
        ("vouchsafe_lease_held", 1.0),
        ("vouchsafe_lease_taken_total", 1.0),
    ] {
        assert_eq!(seen.sum(name, &[]), value, "{name}");
    }
    for reactor in ["mail", "timekeeper", "successions"] {
        assert!(
            seen.sum("vouchsafe_reactor_last_round_timestamp_seconds", &[("reactor", reactor)]) > 1.7e9,
            "{reactor}"
        );
    }
    let text = service.get(&format!("{}/metrics", service.metrics), &[]).await.body;
    lint(&text);
    for personal in ["lovelace", "no-such-page", "ada0", "northern"] {
        assert!(!text.contains(personal), "{personal} is told");
    }
    service.stop().await;
}

#[tokio::test]
async fn metrics_are_on_a_port_of_their_own_with_nothing_else_on_it() {
    let service = Service::start("", &[]).await;
    for path in ["/metrics", "/metrics/", "//metrics"] {
        let seen = service.get(&format!("{}{path}", service.base), &[]).await;
        assert_eq!(seen.status, 404, "{path}");
        assert!(!seen.body.contains("vouchsafe_"), "{path}");
    }
    for path in ["/", "/health/live", "/health/ready", "/sign-in"] {
        assert_eq!(service.get(&format!("{}{path}", service.metrics), &[]).await.status, 404, "{path}");
    }
    let asked = Service::run(&["health", &format!("{}/health/ready", service.base)]);
    assert!(asked.status.success());
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "ready\n");
    let (base, metrics) = (service.base.clone(), service.metrics.clone());
    assert!(!Service::run(&["health", &format!("{metrics}/health/ready")]).status.success());
    service.stop().await;
    let told = Service::run(&["health", &base]);
    assert!(!told.status.success() && String::from_utf8_lossy(&told.stderr).contains("no answer"));
}
