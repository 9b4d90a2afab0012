//! Traces: how long the parts of a request take, sent to an OpenTelemetry collector where the configuration names one.
//!
//! Spans are made by the functions here and carry nothing personal: a page's pattern and not its path, the kind of a
//! stream and not its name, the types of events and not what is in them. They are apart from the log's lines: one
//! does not show in the other, but for the request's id, which both have. Without `[traces]` in the configuration a
//! span costs next to nothing and goes nowhere.

mod export;
mod settings;
mod span;

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Tracer};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::random::{NoRandomness, Random};
use export::Collector;
pub use settings::{TraceHeaders, TracesSettings, read_headers};
pub use span::{
    answered, append, beside, code, continued, decide, decided, failed, mail, reactor, request, sign_in,
    trace_id, wait_for_lists,
};

/// What marks the spans that are traced. The log's lines do not show them.
pub const TARGET: &str = "vouchsafe::traces";

/// How long a stop waits for what is still to be sent.
const GRACE: Duration = Duration::from_secs(5);

/// How often what has gathered is sent.
const EVERY: Duration = Duration::from_secs(2);

/// How many spans wait to be sent at most. More are dropped: a collector that is away costs no memory.
const MOST_WAITING: usize = 8192;

/// How many are sent at once.
const AT_ONCE: usize = 512;

/// Traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The client.
    #[error("the client for traces cannot start: check that the system's certificate store is installed")]
    Client(#[source] reqwest::Error),
    /// The exporter.
    #[error("traces cannot be exported")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// Whether a trace that a proxy began is gone on with.
static TRUSTS_PARENT: OnceLock<bool> = OnceLock::new();

/// Sends traces.
pub struct Exporting {
    provider: SdkTracerProvider,
    tracer: Tracer,
}

/// Begins. It connects to nothing yet, and must be called where tokio runs.
pub fn begin(settings: &TracesSettings, headers: TraceHeaders) -> Result<Exporting, TracesError> {
    let timeout = Duration::from_secs(settings.timeout_seconds.into());
    let collector = Collector::new(headers, timeout).map_err(TracesError::Client)?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(collector)
        .with_endpoint(settings.address().as_str())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(timeout)
        // What could not be sent is lost: a collector that is away must not make a queue here.
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(TracesError::Exporter)?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(MOST_WAITING)
        .with_max_export_batch_size(AT_ONCE)
        .with_scheduled_delay(EVERY)
        .build();
    let instance =
        Random::default().bytes::<8>().map(|bytes| format!("{:016x}", u64::from_be_bytes(bytes)))?;
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", settings.service_name.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance),
        ])
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio))))
        .with_resource(resource)
        .build();
    // Set once: a second service in the same process, as in a test, has the first one's answer.
    let _ = TRUSTS_PARENT.set(settings.trust_traceparent);
    let tracer = provider.tracer_with_scope(InstrumentationScope::builder("vouchsafe").build());
    Ok(Exporting { provider, tracer })
}

impl Exporting {
    /// What has to be part of the process's subscriber for spans to come here.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET))
    }

    /// Sends what is still to be sent, for as long as grace lasts.
    pub async fn finish(self) {
        let provider = self.provider;
        let finished = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(GRACE)).await;
        match finished {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces could not be sent"),
            Err(error) => tracing::warn!(%error, "the last traces could not be sent"),
        }
    }
}
