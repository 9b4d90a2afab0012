//! Puts the parts together and runs them: what `serve` and `demo` share.

mod messaging;
mod proof;
mod reactors;
mod storage;
mod watched;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::{App, Following, Unavailable};
use crate::audit::proof::ProofError;
use crate::audit::{Timeline, TimelineError};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, WrongEventLog};
use crate::identity::dfe::{DfeSignIn, SettingsError};
use crate::identity::dfe_api::DfeApi;
use crate::metrics::serve::{self as metrics_server, Sources};
use crate::metrics::{self, MetricsSettings};
use crate::privacy::{
    CookieSealer, CryptoError, KeyRing, KeyStoreError, MasterKey, MasterKeyError, PostgresSettingsError,
    RingError,
};
use crate::reactors::broker::BrokerError;
use crate::reactors::mail::{Mailer, MailerError};
use crate::reactors::postman::{Deliverer, MailHealth, Wording};
use crate::store::StoreError;
use crate::web::{History, Limits, Parts, Site, WebSettings, router};
use messaging::Messaging;
pub use proof::{open_proof, proof_key};
use reactors::{Asked, Reactors};
pub use storage::open_log;
use watched::Watched;

/// How long a stop waits for requests that are under way.
const GRACE: Duration = Duration::from_secs(20);

/// Why the service did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A folder cannot be made.
    #[error("the folder {0} cannot be made")]
    Folder(std::path::PathBuf, #[source] std::io::Error),
    /// The event log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The key ring's file.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    /// The key ring.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// A key could not be derived.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// There is a log, but not the ring that its personal data is sealed with.
    #[error(
        "the event log has events, but the key ring {} is not there: put it back from its own backup. Without it no name can be read; to go on all the same, make an empty file of that name",
        .0.display()
    )]
    NoKeyRing(std::path::PathBuf),
    /// There is a log, but the ring's database has no keys.
    #[error(
        "the event log has events, but the key ring at {0} is empty: restore it from its own backup, or correct storage.key_ring. Without it no name can be read"
    )]
    EmptyKeyRing(String),
    /// The event log's server.
    #[error("[storage]: {0}")]
    EventLogSettings(#[from] WrongEventLog),
    /// The key ring's database.
    #[error("storage.key_ring: {0}")]
    KeyRingSettings(#[from] PostgresSettingsError),
    /// The lists could not be folded.
    #[error("the lists cannot be folded from the event log")]
    Lists(#[from] Unavailable),
    /// The index of the history.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// The proof of the history.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// DfE Sign-in's settings.
    #[error(transparent)]
    DfeSignIn(#[from] SettingsError),
    /// The mail settings.
    #[error(transparent)]
    Mail(#[from] MailerError),
    /// RabbitMQ's settings.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The address to listen on.
    #[error("vouchsafe cannot listen on {0}: stop what uses the port, or set server.listen")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The address to serve metrics on.
    #[error("metrics cannot be served on {0}: stop what uses the port, or set metrics.listen")]
    ListenMetrics(SocketAddr, #[source] std::io::Error),
    /// Metrics.
    #[error(transparent)]
    Metrics(#[from] metrics::NotCounting),
    /// What is to run for as long as the service does has ended.
    #[error("{0} ended, so the service stops: start it again, and read in the log why")]
    Ended(&'static str),
    /// The web server failed.
    #[error("the web server stopped")]
    Serve(#[source] std::io::Error),
}

/// The use cases over what is stored, with what they need: also for commands that are no service.
pub struct Core {
    /// The use cases.
    pub app: Arc<App>,
    /// The master key, for what else is derived from it.
    pub master: MasterKey,
    ring: Arc<KeyRing>,
    follower: tokio::task::JoinHandle<()>,
}

impl Core {
    /// Opens what is stored, folds the lists and follows the log.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, RuntimeError> {
        crate::folder::private(&config.storage.folder)
            .map_err(|error| RuntimeError::Folder(config.storage.folder.clone(), error))?;
        let master = storage::open_master_key(config)?;
        let store = open_log(config).await?;
        let ring = storage::open_ring(config, &master, store.as_ref()).await?;
        let following = Following::begin(store.as_ref(), Some(config.storage.snapshots())).await?;
        let follower = tokio::spawn(following.clone().follow(Arc::clone(&store)));
        let app = App::new(
            store,
            following,
            Arc::clone(&ring),
            clock,
            config.terms.clone(),
            config.sessions.limits(),
        );
        Ok(Self { app: Arc::new(app), master, ring, follower })
    }

    /// Stops following, leaves a snapshot and closes the log: everything acknowledged is on disk already.
    pub async fn close(self) -> Result<(), StoreError> {
        // One that has ended was awaited already, and must not be awaited twice.
        if !self.follower.is_finished() {
            self.follower.abort();
            // Aborted is what it is to be.
            let _ = self.follower.await;
        }
        self.app.following().snapshot().await;
        self.app.store().close().await
    }
}

/// Runs the service until `until` is done, then finishes what it holds. `ready` is told where it listens.
pub async fn serve(
    config: Config,
    until: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), RuntimeError> {
    serve_by(Arc::new(SystemClock), config, until, ready).await
}

/// The same, where the address is bound already.
pub async fn serve_at(
    listener: TcpListener,
    config: Config,
    until: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), RuntimeError> {
    run(Arc::new(SystemClock), Some(listener), config, until, ready).await
}

/// Binds the address to listen on.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, RuntimeError> {
    TcpListener::bind(address).await.map_err(|error| RuntimeError::Listen(address, error))
}

/// The same as [`serve`], by a clock of one's own.
pub async fn serve_by(
    clock: Arc<dyn Clock>,
    config: Config,
    until: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), RuntimeError> {
    run(clock, None, config, until, ready).await
}

async fn run(
    clock: Arc<dyn Clock>,
    listener: Option<TcpListener>,
    config: Config,
    until: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), RuntimeError> {
    let mut core = Core::open(&config, Arc::clone(&clock)).await?;
    let outcome = serve_on(&mut core, listener, config, clock, until, ready).await;
    let closed = core.close().await;
    outcome?;
    closed?;
    tracing::info!("stopped");
    Ok(())
}

async fn serve_on(
    core: &mut Core,
    listener: Option<TcpListener>,
    config: Config,
    clock: Arc<dyn Clock>,
    until: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), RuntimeError> {
    let app = &Arc::clone(&core.app);
    let credentials = &config.secrets.dfe_sign_in;
    let dfe = Arc::new(DfeSignIn::new(&config.dfe_sign_in, credentials, Arc::clone(&clock))?);
    let configured = config.dfe_sign_in.api.as_ref().zip(credentials.api_secret.as_ref());
    let api = if let Some((settings, secret)) = configured {
        let client_id = &config.dfe_sign_in.client_id;
        Some(Arc::new(DfeApi::new(settings, client_id, secret.clone(), Arc::clone(&clock))?))
    } else {
        tracing::warn!("dfe_sign_in.api is not configured: nobody becomes an approver through DfE Sign-in");
        None
    };
    let notary = proof::open(&config, &core.master, Arc::clone(&core.ring), Arc::clone(app.store())).await?;
    notary.check().await?;
    let mailer = Mailer::new(&config.mail, config.secrets.mail_password.as_ref())?;
    let timeline = Arc::new(Timeline::open(&config.storage.timeline())?);
    let health = Arc::new(MailHealth::default());
    let deliverer =
        Arc::new(Deliverer::new(Arc::clone(app), mailer, config.mail.clone(), wording(&config.web)));
    let messaging = Messaging::new(&config, app, &deliverer, &health)?;
    let site = Site::new(Parts {
        mail: Arc::clone(&health),
        app: Arc::clone(app),
        timeline: Arc::clone(&timeline),
        history: Some(History { notary: Arc::clone(&notary), settings: config.proof.clone() }),
        dfe,
        api: api.clone(),
        dfe_origin: config.dfe_sign_in.issuer.url().origin().ascii_serialization(),
        cookies: CookieSealer::new(&core.master)?,
        limits: Limits::default(),
        settings: config.web.clone(),
    });

    let listener = match listener {
        Some(listener) => listener,
        None => listen(config.server.listen).await?,
    };
    let address = listener.local_addr().map_err(RuntimeError::Serve)?;

    let (stop, stopped) = watch::channel(false);
    let mut parts = Watched::default();
    if let Some(settings) = config.metrics {
        let sources =
            Sources { app: Arc::clone(app), timeline: Arc::clone(&timeline), mail: Arc::clone(&health) };
        serve_metrics(settings, sources, &mut parts, &stopped).await?;
    }
    let reactors = Reactors {
        app: Arc::clone(app),
        deliverer,
        publisher: messaging.publisher,
        jobs: messaging.jobs,
        health,
        notary: (config.proof.every_minutes > 0)
            .then(|| (Arc::clone(&notary), Duration::from_secs(60 * u64::from(config.proof.every_minutes)))),
        approvers: api.filter(|_| config.approvers.poll_seconds > 0).map(|api| Asked {
            api,
            issuer: config.dfe_sign_in.issuer.as_str().to_owned(),
            every: Duration::from_secs(config.approvers.poll_seconds.into()),
        }),
    };
    let own = app.random().uuid(app.now()).map_err(Unavailable::from)?;
    let lease = reactors.lease(config.storage.reactors_lock(), own);
    parts.run("the index of the history", timeline.follow(Arc::clone(app.store()), stopped.clone()));
    parts.run(
        "the tree of hashes",
        Arc::clone(notary.tree()).follow(Arc::clone(app.store()), stopped.clone()),
    );
    if let Some(worker) = messaging.worker {
        parts.run("the sender of mail jobs", worker.run(stopped.clone()));
    }
    parts.run("the reactors", reactors.run(lease, stopped.clone()));

    tracing::info!(%address, "listening");
    ready(address);
    let missed = parts.missed_with(&mut core.follower);
    let served = run_http(listener, site, stopped, until, missed, &stop).await;
    // Reactors finish the piece they are at.
    if tokio::time::timeout(GRACE, parts.finish()).await.is_err() {
        tracing::warn!("a reactor did not stop in time");
    }
    served
}

/// Begins to count, and serves what was counted, on an address of its own.
async fn serve_metrics(
    settings: MetricsSettings,
    sources: Sources,
    tasks: &mut Watched,
    stopped: &watch::Receiver<bool>,
) -> Result<(), RuntimeError> {
    let bound = TcpListener::bind(settings.listen).await;
    let listener = bound.map_err(|error| RuntimeError::ListenMetrics(settings.listen, error))?;
    let address = listener.local_addr().map_err(RuntimeError::Serve)?;
    let counting = metrics_server::begin(sources.app.now())?;
    tasks.run("the server of metrics", counting.serve(listener, sources, stopped.clone()));
    tracing::info!(%address, "metrics are served");
    Ok(())
}

/// Answers requests until it is time to stop, or something is missed; those under way are finished, for as long as
/// grace lasts.
async fn run_http(
    listener: TcpListener,
    site: Site,
    mut stopped: watch::Receiver<bool>,
    until: impl Future<Output = ()> + Send + 'static,
    missed: impl Future<Output = RuntimeError>,
    stop: &watch::Sender<bool>,
) -> Result<(), RuntimeError> {
    let service = router(&site).into_make_service_with_connect_info::<SocketAddr>();
    let gone = async move {
        crate::stop::stopped(&mut stopped).await;
    };
    let mut server = tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(gone).into_future());
    let outcome = tokio::select! {
        ended = &mut server => {
            let _ = stop.send(true);
            return ended.unwrap_or(Ok(())).map_err(RuntimeError::Serve);
        }
        error = missed => Err(error),
        () = until => {
            tracing::info!("stopping");
            Ok(())
        }
    };
    let _ = stop.send(true);
    if let Ok(ended) = tokio::time::timeout(GRACE, &mut server).await {
        let ended = ended.unwrap_or(Ok(())).map_err(RuntimeError::Serve);
        return outcome.and(ended);
    }
    tracing::warn!("some requests did not finish in time");
    server.abort();
    outcome
}

/// What mails need to know of the service.
fn wording(web: &WebSettings) -> Wording {
    Wording {
        service_name: web.service_name.clone(),
        base_url: web.base_url.clone(),
        contact_email: web.contact_email.clone(),
    }
}

/// Done when the process is asked to stop: by the terminal or by whoever runs it.
pub async fn asked_to_stop() {
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot wait for SIGTERM");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
