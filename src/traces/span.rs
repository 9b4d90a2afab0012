//! The spans, and what may stand in them.

use http::{HeaderMap, Method, StatusCode};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use vouchsafe_events::{MailKind, Reactor, Stream};

use super::{TARGET, TRUSTS_PARENT};

/// A request for a page, by its pattern. `id` is the request's, which the log's lines and events have too.
pub fn request(method: &Method, route: &str, id: &str) -> Span {
    // A method is whatever a browser sends; what is none of the usual is not repeated.
    let known = [Method::GET, Method::HEAD, Method::POST];
    let method = if known.contains(method) { method.as_str() } else { "_OTHER" };
    info_span!(
        target: TARGET,
        "request",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        vouchsafe.request = id,
    )
}

/// Goes on with the trace that a proxy began, if the configuration says so. Only for a request that comes from a
/// trusted proxy: anybody else could choose what is traced.
pub fn continued(span: &Span, headers: &HeaderMap) {
    if TRUSTS_PARENT.get().is_some_and(|trusts| *trusts) {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        if parent.span().span_context().is_valid() {
            // It fails only where the span is not traced.
            let _ = span.set_parent(parent);
        }
    }
}

/// The request was answered.
pub fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        failed(span);
    }
}

/// What the span is of failed.
pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

/// The id of the trace that a span is in, if it is traced: for the log's lines.
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let found = context.span().span_context().clone();
    (found.is_valid() && found.is_sampled()).then(|| found.trace_id().to_string())
}

/// Deciding something on a stream, and appending it.
pub fn decide(stream: Stream) -> Span {
    info_span!(
        target: TARGET,
        "decide",
        otel.name = format_args!("decide {}", stream.kind()),
        otel.status_code = Empty,
        vouchsafe.stream = stream.kind(),
        vouchsafe.outcome = Empty,
        vouchsafe.events = Empty,
    )
}

/// What a decision came to: the types of the events that were appended.
pub fn decided(span: &Span, outcome: &'static str, kinds: &[&'static str]) {
    span.record("vouchsafe.outcome", outcome);
    if !kinds.is_empty() {
        span.record("vouchsafe.events", kinds.join(" "));
    }
}

/// One append to the log.
pub fn append(stream: Stream, events: usize) -> Span {
    info_span!(
        target: TARGET,
        "append",
        otel.kind = "client",
        otel.status_code = Empty,
        vouchsafe.stream = stream.kind(),
        vouchsafe.event_count = events,
    )
}

/// Waiting until the lists show what was appended.
pub fn wait_for_lists() -> Span {
    info_span!(target: TARGET, "wait for lists", otel.status_code = Empty)
}

/// Somebody whom DfE Sign-in has recognised signs in.
pub fn sign_in() -> Span {
    info_span!(target: TARGET, "sign in")
}

/// What a request has done beside it, so that its answer takes the same time whatever there is to do.
pub fn beside() -> Span {
    info_span!(target: TARGET, "beside the request")
}

/// A one-time password is asked for, or tried.
pub fn code(name: &'static str) -> Span {
    info_span!(target: TARGET, "one-time password", otel.name = name)
}

/// A reactor's round.
pub fn reactor(reactor: Reactor) -> Span {
    info_span!(
        target: TARGET,
        parent: None,
        "reactor",
        otel.name = format_args!("reactor {}", reactor.name()),
        vouchsafe.reactor = reactor.name(),
    )
}

/// A mail that is delivered.
pub fn mail(kind: MailKind) -> Span {
    info_span!(
        target: TARGET,
        parent: None,
        "mail",
        otel.kind = "client",
        otel.status_code = Empty,
        vouchsafe.mail = ?kind,
    )
}
