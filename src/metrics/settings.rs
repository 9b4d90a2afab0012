//! `[metrics]`.

use std::net::SocketAddr;

use serde::Deserialize;

/// Where metrics are served, for Prometheus to ask for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSettings {
    /// The address and port to serve `/metrics` on: never the one that people reach.
    pub listen: SocketAddr,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9090)) }
    }
}

impl MetricsSettings {
    /// What is wrong with it, beside an address that the pages listen on.
    pub fn fault(&self, pages: SocketAddr) -> Option<String> {
        let same = self.listen.port() == pages.port() && pages.port() != 0;
        same.then(|| {
            format!(
                "listen: {} is the port that the pages are on (server.listen): metrics need one of their own",
                self.listen.port()
            )
        })
    }
}
