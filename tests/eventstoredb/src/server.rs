//! Starting and stopping.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use uuid::Uuid;

use crate::access::User;
use crate::disk::StartError;
use crate::faults::Faults;
use crate::generated::{gossip_server, server_features_server, streams_server};
use crate::log::{Expected, Log, Proposed, Record};
use crate::members::{About, Member};
use crate::service::Service;

/// How a stand-in is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where to keep the log; none keeps it in memory.
    pub folder: Option<PathBuf>,
    /// The certificate chain and its key, in PEM; none serves without TLS.
    pub tls: Option<(String, String)>,
    /// Who may sign in; nobody means insecure mode, where everybody may do everything.
    pub users: Vec<User>,
    /// Whether the server writes events of its own between others'.
    pub own_events: bool,
    /// The version that it says it has.
    pub version: String,
    /// The cluster as it tells of it; none tells of this node alone.
    pub members: Vec<Member>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            folder: None,
            tls: None,
            users: Vec::new(),
            own_events: true,
            version: "24.10.4.0".to_owned(),
            members: Vec::new(),
        }
    }
}

/// A running stand-in, or one that was stopped and can be started again with its log.
#[derive(Debug)]
pub struct StandIn {
    setup: Setup,
    log: Arc<Mutex<Log>>,
    faults: Arc<Faults>,
    /// Its threads; none while it is stopped.
    running: Option<Runtime>,
}

impl StandIn {
    /// Starts a stand-in.
    pub fn start(setup: Setup) -> Result<Self, StartError> {
        let log = Log::open(setup.folder.as_deref(), setup.own_events)?;
        let mut stand_in =
            Self { setup, log: Arc::new(Mutex::new(log)), faults: Arc::default(), running: None };
        stand_in.resume()?;
        Ok(stand_in)
    }

    /// Starts again after [`StandIn::stop`], at the same address and with the same log.
    pub fn resume(&mut self) -> Result<(), StartError> {
        if self.running.is_some() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("stand-in")
            .enable_all()
            .build()
            .map_err(StartError::Listen)?;
        let acceptor = self.setup.tls.as_ref().map(|(certificate, key)| acceptor(certificate, key));
        let acceptor = acceptor.transpose().map_err(StartError::Tls)?;
        let listener = std::net::TcpListener::bind(self.setup.listen).map_err(StartError::Listen)?;
        listener.set_nonblocking(true).map_err(StartError::Listen)?;
        self.setup.listen = listener.local_addr().map_err(StartError::Listen)?;
        let mut members = self.setup.members.clone();
        if members.is_empty() {
            let (host, port) = (self.setup.listen.ip().to_string(), self.setup.listen.port());
            members.push(Member { host, port, leads: true, alive: true });
        }
        let about = About {
            members: members.into(),
            version: self.setup.version.as_str().into(),
            faults: Arc::clone(&self.faults),
        };
        let service = Service {
            log: Arc::clone(&self.log),
            users: self.setup.users.clone().into(),
            faults: Arc::clone(&self.faults),
        };
        let router = Server::builder()
            .add_service(streams_server::StreamsServer::new(service))
            .add_service(gossip_server::GossipServer::new(about.clone()))
            .add_service(server_features_server::ServerFeaturesServer::new(about));
        let guard = runtime.enter();
        let listener = TcpListener::from_std(listener).map_err(StartError::Listen)?;
        // Without a delay for small answers, as Kestrel sends them.
        let incoming = TcpIncoming::from_listener(listener, true, None)
            .map_err(|error| StartError::Listen(std::io::Error::other(error)))?;
        drop(guard);
        match acceptor {
            None => drop(runtime.spawn(router.serve_with_incoming(incoming))),
            Some(acceptor) => {
                let shaken = incoming
                    .map(move |tcp| {
                        let acceptor = acceptor.clone();
                        async move { acceptor.accept(tcp?).await }
                    })
                    .buffer_unordered(64)
                    // Who does not trust the certificate goes away: that is no reason to stop.
                    .filter(|shaken| std::future::ready(shaken.is_ok()));
                drop(runtime.spawn(router.serve_with_incoming(shaken)));
            }
        }
        self.running = Some(runtime);
        Ok(())
    }

    /// Stops as a crash does: connections break, and what was not answered is not.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.running.take() {
            runtime.shutdown_background();
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.setup.listen
    }

    /// What goes wrong, and what was asked.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Everything in the log, the server's own events too.
    pub fn records(&self) -> Vec<Record> {
        self.with(|log| log.records().to_vec())
    }

    /// Writes an event as somebody else would.
    pub fn write(&self, stream: &str, kind: &str, data: impl Into<Bytes>, metadata: impl Into<Bytes>) {
        let (kind, data, metadata) = (kind.to_owned(), data.into(), metadata.into());
        self.with(|log| {
            let id = Uuid::from_u128(0xf0e1_6e00 << 64 | log.records().len() as u128);
            log.append(stream, Expected::Any, vec![Proposed { id, kind, json: true, data, metadata }]);
        });
    }

    /// Deletes a stream: softly, or for good.
    pub fn delete(&self, stream: &str, hard: bool) {
        self.with(|log| {
            log.delete(stream, Expected::Any, hard);
        });
    }

    /// Takes away what streams' metadata hides, as a scavenge does.
    pub fn scavenge(&self) {
        self.with(Log::scavenge);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Log) -> T) -> T {
        act(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What answers TLS. The crypto provider is named, as the process may have none set, and must not get one from here:
/// the product's client would fail to set its own.
fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor, rustls::Error> {
    let not_pem = |_| rustls::Error::General("the certificate or its key is not PEM".to_owned());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(not_pem)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(not_pem)?, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stop();
    }
}
