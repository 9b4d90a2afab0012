//! Connects to RabbitMQ, and says in words why it did not work.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::tcp::{AsyncTcpStream, RustlsConnectorConfig};
use lapin::types::FieldTable;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism};
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::settings::BrokerSettings;
use crate::secret::Secret;

/// How long connecting may take, from the name to the open connection.
const CONNECT: Duration = Duration::from_secs(15);

/// Every how many seconds either side says that it is still there (AMQP 0-9-1, 4.2.7): one that went without a word is
/// found out after twice as long at most.
const HEARTBEAT: u16 = 20;

/// Why the service cannot even try to connect.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The certificates cannot be read.
    #[error("broker.ca_file: {0} cannot be read")]
    Certificates(PathBuf, #[source] io::Error),
    /// There are none in the file.
    #[error("broker.ca_file: {0} holds no certificate in PEM form")]
    NoCertificates(PathBuf),
    /// The virtual host.
    #[error("broker.url: the virtual host cannot be read: {0}")]
    VirtualHost(String),
    /// Chance.
    #[error("the machine gives no random numbers")]
    NoRandomness,
}

/// Why there is no connection, or no longer one.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// Nobody answers.
    #[error("RabbitMQ cannot be reached at {0}")]
    Unreachable(String, #[source] lapin::Error),
    /// It takes too long.
    #[error("RabbitMQ did not answer at {0} in {seconds} seconds", seconds = CONNECT.as_secs())]
    TookTooLong(String),
    /// The wrong password.
    #[error("RabbitMQ refuses the user “{0}”: check broker.username and broker.password_file")]
    Credentials(String),
    /// The virtual host.
    #[error(
        "RabbitMQ has no virtual host “{0}” that the user may use: check broker.url and the user's permissions"
    )]
    VirtualHost(String),
    /// The user may not do this.
    #[error("RabbitMQ does not permit this: check the user's permissions: {0}")]
    NotPermitted(String),
    /// Something of that name is there and is of another kind.
    #[error(
        "RabbitMQ has something of another kind under this name: remove it there, or choose another name: {0}"
    )]
    OtherKind(String),
    /// It did not confirm what was published.
    #[error("RabbitMQ has not confirmed a message for {0} seconds")]
    Unconfirmed(u64),
    /// It refused a message.
    #[error("RabbitMQ refused to keep a message")]
    Refused,
    /// No queue takes a message that must be taken.
    #[error("RabbitMQ has no queue for a message that one must take: {0}")]
    Unroutable(String),
    /// It has ended what was going on.
    #[error("RabbitMQ ended the {0}")]
    Ended(&'static str),
    /// Anything else.
    #[error("the connection to RabbitMQ failed")]
    Failed(#[from] lapin::Error),
}

/// Knows how to connect.
pub(super) struct Dialer {
    host: String,
    port: u16,
    virtual_host: String,
    encrypted: bool,
    username: String,
    password: Secret,
    certificates: Option<Vec<CertificateDer<'static>>>,
}

impl Dialer {
    /// Reads what is needed to connect.
    pub(super) fn new(settings: &BrokerSettings, password: Secret) -> Result<Self, BrokerError> {
        let uri: AMQPUri = settings.url.as_str().parse().map_err(BrokerError::VirtualHost)?;
        let virtual_host = if uri.vhost.is_empty() { "/".to_owned() } else { uri.vhost };
        Ok(Self {
            host: settings.host().to_owned(),
            port: settings.port(),
            virtual_host,
            encrypted: settings.is_encrypted(),
            username: settings.username.clone(),
            password,
            certificates: settings.ca_file.as_deref().map(certificates).transpose()?,
        })
    }

    /// Connects. `name` is what RabbitMQ's own pages show.
    pub(super) async fn dial(&self, name: &str) -> Result<Connection, LinkError> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime()?;
        let (host, port) = (self.host.clone(), self.port);
        let encrypted = self.encrypted;
        let certificates = self.certificates.clone();
        let connect = async move |_, runtime| {
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), port)).await?.collect();
            let stream = AsyncTcpStream::connect(&runtime, found).await?;
            if !encrypted {
                return Ok(stream);
            }
            let config = match certificates.clone() {
                Some(only) => RustlsConnectorConfig::default().with_parsable_certificates(only),
                None => RustlsConnectorConfig::new_with_native_certs()?,
            };
            let connector = config.connector_with_no_client_auth()?;
            Ok(stream.into_rustls(&connector, &host).await?)
        };
        let connecting = Connection::connector(self.uri(), runtime, connect, properties);
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(connected) => connected.map_err(|error| self.why(error)),
            Err(_) => Err(LinkError::TookTooLong(self.place())),
        }
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn uri(&self) -> AMQPUri {
        AMQPUri {
            scheme: if self.encrypted { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo {
                    username: self.username.clone(),
                    password: self.password.expose().to_owned(),
                },
                host: self.host.clone(),
                port: self.port,
            },
            vhost: self.virtual_host.clone(),
            query: AMQPQueryString {
                heartbeat: Some(HEARTBEAT),
                auth_mechanism: Some(SASLMechanism::Plain),
                ..AMQPQueryString::default()
            },
        }
    }

    fn why(&self, error: lapin::Error) -> LinkError {
        match error.kind() {
            ErrorKind::ProtocolError(refusal) => match refusal.kind() {
                AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => {
                    LinkError::Credentials(self.username.clone())
                }
                AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED | AMQPHardError::INVALIDPATH) => {
                    LinkError::VirtualHost(self.virtual_host.clone())
                }
                AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(_) => LinkError::Failed(error),
            },
            ErrorKind::IOError(_) => LinkError::Unreachable(self.place(), error),
            _ => LinkError::Failed(error),
        }
    }
}

/// The certificates in a file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BrokerError> {
    let failed = |error| BrokerError::Certificates(path.to_owned(), error);
    let pem = std::fs::read(path).map_err(failed)?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(BrokerError::NoCertificates(path.to_owned())),
    }
}

/// What a refused declaration means.
pub(super) fn declined(error: lapin::Error) -> LinkError {
    let ErrorKind::ProtocolError(refusal) = error.kind() else { return LinkError::Failed(error) };
    match refusal.kind() {
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => LinkError::NotPermitted(refusal.to_string()),
        AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => LinkError::OtherKind(refusal.to_string()),
        AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(_) => LinkError::Failed(error),
    }
}

/// Opens a channel on which what is published is confirmed.
pub(super) async fn confirming(connection: &Connection) -> Result<Channel, LinkError> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Makes a durable exchange if it is not there. A user who may not make one may use one that is there.
pub(super) async fn declare_exchange(
    connection: &Connection,
    name: &str,
    kind: ExchangeKind,
) -> Result<(), LinkError> {
    let declare = async |passive| {
        let options = lapin::options::ExchangeDeclareOptions { durable: true, passive, ..Default::default() };
        // A refusal closes the channel, so each try has its own.
        let channel = connection.create_channel().await?;
        channel.exchange_declare(name.into(), kind.clone(), options, FieldTable::default()).await
    };
    match declare(false).await.map_err(declined) {
        Err(LinkError::NotPermitted(why)) => declare(true).await.map_err(|_| LinkError::NotPermitted(why)),
        outcome => outcome,
    }
}

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Closes a connection in good order, if that can be done quickly.
pub(super) async fn hang_up(connection: Connection) {
    // It ends in either case.
    let _ = tokio::time::timeout(GOODBYE, connection.close(200, "goodbye".into())).await;
}
