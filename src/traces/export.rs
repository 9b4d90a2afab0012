//! The way to the collector.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use super::TraceHeaders;
use crate::metrics::{self, Outcome};

/// The most bytes of an answer that are read.
const MOST_ANSWER: usize = 64 * 1024;

/// The collector, as the exporter's own thread speaks to it.
pub(super) struct Collector {
    client: reqwest::Client,
    headers: TraceHeaders,
    /// The client needs tokio, which the exporter's thread knows nothing of.
    tokio: Handle,
    /// Whether the last batch was lost: said once, not with each.
    away: Arc<AtomicBool>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[collector]")
    }
}

impl Collector {
    /// A client that follows nobody elsewhere. It must be made where tokio runs.
    pub(super) fn new(headers: TraceHeaders, timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Proxies come from the environment, which only the configuration reads.
            .no_proxy()
            .referer(false)
            .connect_timeout(timeout)
            .timeout(timeout)
            .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, headers, tokio: Handle::current(), away: Arc::default() })
    }
}

/// Sends one batch.
async fn send(
    client: reqwest::Client,
    headers: TraceHeaders,
    address: String,
    body: Bytes,
) -> Result<Response<Bytes>, HttpError> {
    let mut request = client.post(address).header(header::CONTENT_TYPE, "application/x-protobuf").body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut answer = request.send().await?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MOST_ANSWER {
            return Err("the collector's answer is too large".into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    Ok(response)
}

impl HttpClient for Collector {
    fn send_bytes<'c, 'f>(
        &'c self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'c: 'f,
        Self: 'f,
    {
        // What else the exporter sets comes from the environment, which only the configuration reads.
        let (parts, body) = request.into_parts();
        let address = parts.uri.to_string();
        let sending = self.tokio.spawn(send(self.client.clone(), self.headers.clone(), address, body));
        let away = Arc::clone(&self.away);
        Box::pin(async move {
            let sent = sending.await.unwrap_or_else(|error| Err(error.into()));
            let taken = sent.as_ref().is_ok_and(|answer| answer.status().is_success());
            metrics::traces_exported(if taken { Outcome::Done } else { Outcome::Failed });
            if away.swap(!taken, Ordering::Relaxed) == taken {
                match &sent {
                    Ok(_) if taken => tracing::info!("the collector takes traces again"),
                    Ok(answer) => {
                        tracing::warn!(
                            status = answer.status().as_u16(),
                            "the collector takes no traces: they are lost until it does"
                        );
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the collector takes no traces: they are lost until it does");
                    }
                }
            }
            sent
        })
    }
}
