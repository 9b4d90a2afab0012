//! Traces, as a collector gets them.

use std::time::Duration;

use crate::collector::{Collector, Span};
use crate::port::free_port;
use crate::service::Service;

/// The span in `spans` that is called so.
#[track_caller]
fn called<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not among {names:?}"))
}

/// Whether one span is in another, however deep.
fn is_in(spans: &[Span], inner: &Span, outer: &Span) -> bool {
    let parent = spans.iter().find(|span| span.id == inner.parent && span.trace == inner.trace);
    parent.is_some_and(|parent| parent.id == outer.id || is_in(spans, parent, outer))
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn traceparent(sampled: bool) -> String {
    format!("00-{TRACE}-{PARENT}-{:02}", u8::from(sampled))
}

#[tokio::test]
async fn a_request_is_traced_down_to_the_log_and_nothing_personal_with_it() {
    let (collector, endpoint) = Collector::start().await;
    let more = format!(
        "[traces]\nendpoint = \"{endpoint}\"\nsample_ratio = 1.0\nservice_name = \"access\"\nheaders_file = \"@HOME@/headers\"\n[log]\nfilter = \"warn,vouchsafe=info\""
    );
    let service = Service::start(&more, &[("headers", "Authorization: Bearer s3cret-token\n")]).await;
    let page = format!("{}/privacy?who=ada.lovelace", service.base);
    // Nobody said that a proxy's word on traces counts.
    assert_eq!(service.get(&page, &[("traceparent", &traceparent(true))]).await.status, 200);
    service.asks_for_code("ada.lovelace@northern.example").await;
    let (_, lines) = service.stop().await;

    let spans = collector.spans();
    let page = called(&spans, "GET /privacy");
    assert_eq!((page.parent.as_str(), page.kind, page.failed), ("", 2, false));
    assert_ne!(page.trace, TRACE);
    let of_page: Vec<(&str, &str)> =
        page.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(
        of_page.contains(&("http.route", "/privacy"))
            && of_page.contains(&("http.response.status_code", "200"))
    );
    assert_eq!(page.resource["service.name"], "access");
    assert_eq!(page.resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(page.resource["service.instance.id"].len(), 16);

    // Request, use case, decision, append, and the wait until the lists show it.
    let request = called(&spans, "POST /sign-in/code");
    let asked = called(&spans, "ask for a one-time password");
    let decided = called(&spans, "decide person");
    assert!(is_in(&spans, asked, request) && is_in(&spans, decided, asked), "{spans:#?}");
    assert_eq!(decided.attributes["vouchsafe.outcome"], "done");
    let within =
        |name: &str| spans.iter().filter(|span| span.name == name && is_in(&spans, span, asked)).count();
    assert!(within("append") >= 2 && within("wait for lists") >= 2, "{spans:#?}");
    // Reactors have traces of their own.
    let mail = called(&spans, "mail");
    assert!(mail.failed && mail.parent.is_empty());
    called(&spans, "reactor timekeeper");

    // The request's id leads from a trace to the log's lines, and the trace's id back.
    let line = lines.lines().find(|line| line.contains("\"answered\"") && line.contains("/privacy")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["trace"], page.trace.as_str());
    assert_eq!(line["span"]["request"], page.attributes["vouchsafe.request"].as_str());
    assert_eq!(line["span"]["name"], "request");

    let text = collector.text();
    for personal in ["lovelace", "northern", "who=", "127.0.0.1", "s3cret"] {
        assert!(!text.contains(personal), "{personal} is in a trace");
    }
    let headers = collector.headers();
    assert!(headers.iter().all(|headers| headers["authorization"] == "Bearer s3cret-token"));
    assert!(headers.iter().all(|headers| headers["content-type"] == "application/x-protobuf"));
    assert!(!lines.contains("s3cret"));
}

#[tokio::test]
async fn a_trusted_proxy_decides_what_is_traced_where_the_configuration_says_so() {
    let (collector, endpoint) = Collector::start().await;
    let more = format!("[traces]\nendpoint = \"{endpoint}\"\nsample_ratio = 0.0\ntrust_traceparent = true");
    let service = Service::start(&more, &[]).await;
    let page = |path: &str| format!("{}{path}", service.base);
    service.get(&page("/privacy"), &[]).await;
    service.get(&page("/cookies"), &[("traceparent", &traceparent(false))]).await;
    service.get(&page("/accessibility-statement"), &[("traceparent", "nonsense")]).await;
    service.get(&page("/sign-in/code"), &[("traceparent", &traceparent(true))]).await;
    service.stop().await;
    let spans = collector.spans();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["GET /sign-in/code"]);
    assert_eq!((spans[0].trace.as_str(), spans[0].parent.as_str()), (TRACE, PARENT));
}

#[tokio::test]
async fn a_collector_that_is_away_is_told_once_and_hurts_nobody() {
    let more = format!("[traces]\nendpoint = \"http://127.0.0.1:{}\"\nsample_ratio = 1.0", free_port());
    let service = Service::start(&more, &[]).await;
    for _ in 0..20 {
        let page = service.get(&format!("{}/privacy", service.base), &[]).await;
        assert_eq!(page.status, 200);
    }
    let lost = |seen: &crate::exposition::Exposed| {
        seen.sum("vouchsafe_traces_exported_total", &[("outcome", "failed")])
    };
    let once = lost(&service.until("a batch is lost", |seen| lost(seen) >= 1.0).await);
    service.get(&format!("{}/privacy", service.base), &[]).await;
    service.until("another batch is lost", |seen| lost(seen) > once).await;
    let (took, lines) = service.stop().await;
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(lines.matches("the collector takes no traces").count(), 1, "{lines}");
}
