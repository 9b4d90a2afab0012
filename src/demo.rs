//! Stand-ins for what the service meets in production, so that `vouchsafe demo` needs nothing else: DfE
//! Sign-in's OpenID provider, its public API, and a mail server with an inbox to look into.
//!
//! **Stand-ins only.** They let anybody be anybody by one click and are for loopback. They speak the real
//! protocols over real sockets, so that the product's own code runs unchanged against them, and they keep the
//! traps of the real things: upper and lower case of ids, rows with parts missing, errors without a `state`.
//!
//! [`StandIns::start`] binds and runs all of them; [`people()`] and [`schools`] are whom they know.

mod api;
mod directory;
pub mod history;
mod mail;
mod pages;
mod people;
mod provider;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::clock::Clock;
use crate::secret::Secret;

pub use directory::{DirectoryError, StandInDirectory};
pub use mail::{MailLimits, MailboxError, StandInMailServer, StandInMailbox, StoredMail};
pub use people::{
    Account, BodyKind, OrganisationRole, SampleBody, SampleOrganisation, SamplePerson, SamplePlace,
    SampleSchool, SchoolStatus, bodies, organisations, people, person, person_by_sub, school, schools,
};
pub use provider::{KeyError, StandInProvider};

/// How long shutting down waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// The service as it is registered with the stand-ins.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The OAuth client id; also the issuer of tokens for the API.
    pub client_id: String,
    /// The secret for the token endpoint.
    pub client_secret: Secret,
    /// Where the provider may send people back to, compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Where the provider may send people to after they signed out, compared byte for byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// The secret that signs tokens for the API.
    pub api_secret: Secret,
    /// DfE Sign-in's id of the service, as it stands in paths of the API.
    pub service_id: String,
}

/// Where the stand-ins listen. Port 0 takes a free port, told by [`Running`].
#[derive(Clone, Debug)]
pub struct Listen {
    /// The OpenID provider.
    pub provider: SocketAddr,
    /// The public API.
    pub api: SocketAddr,
    /// The mail server.
    pub smtp: SocketAddr,
    /// The inbox pages.
    pub inbox: SocketAddr,
    /// The provider's issuer, if it is to be another than its address: DfE Sign-in's own carries `:443`.
    pub issuer: Option<String>,
}

impl Listen {
    /// Free ports on this machine's loopback address.
    pub const fn anywhere() -> Self {
        let free = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self { provider: free, api: free, smtp: free, inbox: free, issuer: None }
    }
}

/// Why the stand-ins did not start.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// An address is taken or not this machine's.
    #[error("the stand-in {what} cannot listen on {address}: stop what uses the port, or choose another")]
    Listen {
        /// Which stand-in.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The demo folder cannot be used.
    #[error("the folder {path} of the demonstration cannot be used", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The provider's key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The kept changes of roles cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The kept mail cannot be read.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
}

/// All stand-ins together.
#[derive(Debug)]
pub struct StandIns;

/// The stand-ins while they run. Dropping it stops them too, without waiting.
#[derive(Debug)]
pub struct Running {
    /// The provider's issuer, as configured or as it came from the address.
    pub issuer: String,
    /// The provider's pages: its root has the controls of the demonstration.
    pub provider_url: String,
    /// The base of the public API.
    pub api_url: String,
    /// Where the mail server listens: SMTP without TLS and without sign-in.
    pub smtp: SocketAddr,
    /// The inbox.
    pub inbox_url: String,
    /// Who is what where, for changing it without the control page.
    pub directory: Arc<StandInDirectory>,
    /// The mail that came, for reading it without the inbox.
    pub mailbox: Arc<StandInMailbox>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// The stand-ins' addresses, which are theirs from here on. Nobody answers yet.
#[derive(Debug)]
pub struct Bound {
    provider: (TcpListener, String),
    api: (TcpListener, String),
    smtp: (TcpListener, SocketAddr),
    inbox: (TcpListener, String),
    issuer: String,
}

impl StandIns {
    /// Binds all addresses, then runs the stand-ins. What they keep is in `folder`, which is made if needed.
    pub async fn start(
        folder: &Path,
        listen: Listen,
        clients: Clients,
        clock: Arc<dyn Clock>,
    ) -> Result<Running, StandInError> {
        Self::bind(listen).await?.run(folder, clients, clock).await
    }

    /// Binds all addresses, and touches nothing else.
    pub async fn bind(listen: Listen) -> Result<Bound, StandInError> {
        let provider = bind("OpenID provider", listen.provider).await?;
        let api = bind("public API", listen.api).await?;
        let (smtp, _) = bind("mail server", listen.smtp).await?;
        let inbox = bind("inbox", listen.inbox).await?;
        let address = smtp.local_addr().map_err(|source| StandInError::Listen {
            what: "mail server",
            address: listen.smtp,
            source,
        })?;
        let issuer = listen.issuer.unwrap_or_else(|| provider.1.clone());
        Ok(Bound { provider, api, smtp: (smtp, address), inbox, issuer })
    }
}

impl Bound {
    /// Runs the stand-ins. What they keep is in `folder`, which is made if needed.
    pub async fn run(
        self,
        folder: &Path,
        clients: Clients,
        clock: Arc<dyn Clock>,
    ) -> Result<Running, StandInError> {
        let own = folder.join("dfe-sign-in");
        let mail = folder.join("mail");
        for path in [&own, &mail] {
            tokio::fs::create_dir_all(path)
                .await
                .map_err(|source| StandInError::Folder { path: path.clone(), source })?;
        }
        let Self { provider, api, smtp, inbox, issuer } = self;
        let ((provider, provider_url), (api, api_url), (inbox, inbox_url)) = (provider, api, inbox);
        let (smtp, smtp_address) = smtp;
        let directory = Arc::new(StandInDirectory::open(&own).await?);
        let mailbox = Arc::new(StandInMailbox::open(&mail).await?);
        let clients = Arc::new(clients);
        let provider_pages = StandInProvider::open(
            &own,
            issuer.clone(),
            Arc::clone(&clients),
            Arc::clone(&directory),
            Arc::clone(&clock),
        )
        .await?
        .router(&inbox_url);
        let api_calls = api::router(clients, Arc::clone(&directory), Arc::clone(&clock));
        let inbox_pages = mail::router(Arc::clone(&mailbox));
        let server = StandInMailServer::new(Arc::clone(&mailbox), clock, MailLimits::default());

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (listener, router) in [(provider, provider_pages), (api, api_calls), (inbox, inbox_pages)] {
            let stopped = stopped.clone();
            tasks.spawn(async move {
                let outcome = axum::serve(listener, router).with_graceful_shutdown(ended(stopped)).await;
                if let Err(error) = outcome {
                    tracing::error!(%error, "a stand-in stopped serving");
                }
            });
        }
        tasks.spawn(server.run(smtp, ended(stopped)));
        Ok(Running {
            issuer,
            provider_url,
            api_url,
            smtp: smtp_address,
            inbox_url,
            directory,
            mailbox,
            stop,
            tasks,
        })
    }
}

impl Running {
    /// Stops all stand-ins: they take no more calls, and those under way have two seconds to end.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// Waits until the stand-ins are to stop, which is also when [`Running`] was dropped.
async fn ended(mut stopped: watch::Receiver<bool>) {
    // An error says that the sender is gone.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Binds, and gives the URL by which a browser on this machine reaches the address.
async fn bind(what: &'static str, address: SocketAddr) -> Result<(TcpListener, String), StandInError> {
    let failed = |source| StandInError::Listen { what, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    // `localhost` and not the number: browsers treat it as secure, and share it as one site with the product.
    let url = if bound.ip().is_loopback() || bound.ip().is_unspecified() {
        format!("http://localhost:{}", bound.port())
    } else {
        format!("http://{bound}")
    };
    Ok((listener, url))
}

/// A new unguessable token of 256 bits, in base64url.
fn random_token() -> Result<String, aws_lc_rs::error::Unspecified> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether two texts are equal, in a time that does not tell where they differ.
fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// DfE Sign-in's way to write an id in tokens: in capitals. Elsewhere it writes them small.
fn capitals(id: Uuid) -> String {
    id.as_hyphenated().encode_upper(&mut Uuid::encode_buffer()).to_owned()
}
