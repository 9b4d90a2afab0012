//! Delivery to the mail server, over SMTP.

use std::io;
use std::path::PathBuf;

use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Mail, MailSettings, MailTls, SettingsError};
use crate::secret::Secret;

/// Hands mail to the mail server. Connections are kept for a while and used again.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: std::time::Duration,
}

/// Why there is no mailer.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file of certificates cannot be read.
    #[error("the certificates in {path} cannot be read: check `ca_file`")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file of certificates has no certificate in it, or one that is damaged.
    #[error("{path} is not a file of certificates in PEM form: check `ca_file`")]
    NotCertificates {
        /// The file.
        path: PathBuf,
    },
    /// Encryption cannot be set up.
    #[error("encryption to the mail server cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a mail was not delivered. The reasons name codes, never people: a mail server's own words often repeat
/// the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No mail goes out at present: the server cannot be reached, or does not let us in.
    #[error("no mail can be delivered at present: {reason}")]
    Away {
        /// What went wrong.
        reason: String,
    },
    /// The server does not take this mail yet: it may go later.
    #[error("the mail cannot be delivered yet: {reason}")]
    Later {
        /// What the server answered.
        reason: String,
    },
    /// The server refused this mail or its recipient for good.
    #[error("the mail was refused: {reason}")]
    Never {
        /// What the server answered.
        reason: String,
    },
}

impl Mailer {
    /// A mailer for the settings. Does not connect yet.
    ///
    /// To be called, and the mailer to be dropped, inside a Tokio runtime: the connections that are kept are
    /// looked after by a task.
    pub fn new(settings: &MailSettings, password: Option<&Secret>) -> Result<Self, MailerError> {
        settings.check(password.is_some())?;
        let host = settings.host.trim();
        let tls = match settings.tls {
            MailTls::None => Tls::None,
            MailTls::StartTls => Tls::Required(tls_parameters(host, settings)?),
            MailTls::Implicit => Tls::Wrapper(tls_parameters(host, settings)?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.port())
            .tls(tls)
            .timeout(Some(settings.timeout()));
        if let (Some(username), Some(password)) = (&settings.username, password) {
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            transport = transport.credentials(credentials);
        }
        Ok(Self { transport: transport.build(), timeout: settings.timeout() })
    }

    /// Hands over one mail. When it is done the server has taken responsibility for it.
    ///
    /// A failure may come after the server took the mail all the same: to send it again is then to send it
    /// twice, with one Message-ID.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let sent = tokio::time::timeout(self.timeout, self.transport.send(mail.message().clone()));
        match sent.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if is_final(&error) && self.is_ready().await => {
                Err(SendError::Never { reason: reason(&error) })
            }
            // An answer may concern this mail, or the server as a whole.
            Ok(Err(error)) if error.status().is_some() && self.is_ready().await => {
                Err(SendError::Later { reason: reason(&error) })
            }
            Ok(Err(error)) => Err(SendError::Away { reason: reason(&error) }),
            Err(_) => Err(SendError::Away { reason: "the mail server took too long".to_owned() }),
        }
    }

    /// Whether the server lets us connect and sign in. If not, a refusal was not the mail's fault: servers use
    /// the same codes for both.
    async fn is_ready(&self) -> bool {
        let tested = tokio::time::timeout(self.timeout, self.transport.test_connection());
        matches!(tested.await, Ok(Ok(true)))
    }
}

fn tls_parameters(host: &str, settings: &MailSettings) -> Result<TlsParameters, MailerError> {
    let mut builder = TlsParameters::builder(host.trim_matches(['[', ']']).to_owned());
    if let Some(path) = &settings.ca_file {
        let not_certificates = || MailerError::NotCertificates { path: path.clone() };
        let pem = std::fs::read(path).map_err(|source| MailerError::CaFile { path: path.clone(), source })?;
        if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
            return Err(not_certificates());
        }
        let certificate = Certificate::from_pem(&pem).map_err(|_| not_certificates())?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
        return builder.build().map_err(|_| not_certificates());
    }
    builder.build().map_err(|error| MailerError::Tls(Box::new(error)))
}

/// Whether an answer refuses the mail or its recipient for good, as far as its codes tell.
fn is_final(error: &smtp::Error) -> bool {
    if !error.is_permanent() {
        return false;
    }
    let code = error.status().map_or(0, u16::from);
    refuses_for_good(code, enhanced(error))
}

/// Judges a reply code (RFC 5321, 4.2) and, where there is one, an enhanced status code (RFC 3463). What
/// blames the sender, the sign-in, the server or the protocol is not the mail's fault, and may be put right.
const fn refuses_for_good(code: u16, enhanced: Option<(u16, u16)>) -> bool {
    match enhanced {
        // The sender's address, or where it comes from.
        Some((1, 7 | 8)) => false,
        // The address, the mailbox, the way there, the content; a mail too large for the server.
        Some((1 | 2 | 4 | 6, _) | (3, 4)) => true,
        // The server, the protocol, security and policy (for instance relaying denied).
        Some(_) => false,
        // No sign-in, no such command, and so on.
        None => matches!(code, 501 | 550..=554),
    }
}

/// The second and third part of the enhanced status code that an answer begins with.
fn enhanced(error: &smtp::Error) -> Option<(u16, u16)> {
    let text = std::error::Error::source(error)?.to_string();
    let mut parts = text.split_whitespace().next()?.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    if !matches!(class, "4" | "5") || parts.next().is_some() {
        return None;
    }
    Some((subject.parse().ok()?, detail.parse().ok()?))
}

/// What went wrong, without anything that the server may have said of people.
fn reason(error: &smtp::Error) -> String {
    let class = if error.is_permanent() { 5 } else { 4 };
    match (error.status(), enhanced(error)) {
        (Some(code), Some((subject, detail))) => {
            format!("the mail server answered {code} {class}.{subject}.{detail}")
        }
        (Some(code), None) => format!("the mail server answered {code}"),
        _ if error.is_timeout() => "the mail server took too long".to_owned(),
        _ if error.is_tls() => match std::error::Error::source(error) {
            Some(source) => format!("no encrypted connection to the mail server: {source}"),
            None => "no encrypted connection to the mail server".to_owned(),
        },
        _ if error.is_response() => "the mail server's answer cannot be understood".to_owned(),
        _ => match std::error::Error::source(error) {
            Some(source) => format!("no connection to the mail server: {source}"),
            None => "no connection to the mail server".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
