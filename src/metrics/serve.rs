//! Serves the metrics, on an address of their own: whoever can reach the pages must not read them (ASVS 5.0, 13.4.5).

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use vouchsafe_events::Timestamp;

use super::process;
use super::recorder::{NotCounting, install};
use crate::stop::{Stop, stopped};

pub use super::sample::Sources;

/// How often what histograms have gathered is put into their buckets, asked for or not: it would pile up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Counts, and can be asked for what was counted.
#[derive(Clone)]
pub struct Counting(PrometheusHandle);

/// Begins to count. Once begun, it goes on for as long as the process runs.
pub fn begin(now: Timestamp) -> Result<Counting, NotCounting> {
    install(now).map(Counting)
}

#[derive(Clone)]
struct Asked {
    counting: Counting,
    sources: Sources,
}

impl Counting {
    /// Answers on `listener` until it is told to stop.
    pub async fn serve(self, listener: TcpListener, sources: Sources, stop: Stop) {
        let upkeep = self.0.clone();
        let answers = Router::new()
            .route("/metrics", get(answer))
            .with_state(Asked { counting: self, sources })
            .into_make_service_with_connect_info::<SocketAddr>();
        let mut told = stop.clone();
        let gone = async move {
            stopped(&mut told).await;
        };
        let server = axum::serve(listener, answers).with_graceful_shutdown(gone).into_future();
        tokio::select! {
            ended = server => {
                if let Err(error) = ended {
                    tracing::error!(%error, "metrics are served no more");
                }
            }
            () = keep_up(&upkeep) => {}
        }
    }
}

async fn keep_up(handle: &PrometheusHandle) {
    let mut every = tokio::time::interval(UPKEEP);
    loop {
        every.tick().await;
        handle.run_upkeep();
    }
}

/// The metrics in Prometheus' text form, version 0.0.4.
async fn answer(State(Asked { counting, sources }): State<Asked>) -> impl IntoResponse {
    sources.look().await;
    let mut text = counting.0.render();
    text.push_str(&process::render());
    let headers = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
