//! The connection's settings: checked, and refused in plain words, before the client sees them.
//!
//! The client reads a setting that it does not know as none, panics on a certificate that it cannot read, and
//! keeps a user name from the URL as it is escaped there. So the URL is taken apart here, and a new one is
//! made of what was understood.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eventstore::{ClientSettings, Credentials};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::form_urlencoded;

use crate::secret::Secret;

/// How an EventStoreDB server or cluster is reached.
#[derive(Clone, Debug)]
pub struct EventStoreDbOptions {
    /// `esdb://host:2113`, several hosts with commas between them, or `esdb+discover://name:2113` for a cluster
    /// whose nodes all stand behind one name. Settings follow a question mark: `tls`, `tlsCaFile`, and others
    /// that `docs/eventstoredb.md` lists. No user name and no password.
    pub url: String,
    /// Who the server knows this service as: user name and password.
    pub credentials: Option<(String, Secret)>,
    /// How long one request may take.
    pub deadline: Duration,
    /// How long a request is repeated while the server cannot be reached or has no leader.
    pub patience: Duration,
    /// How long one try to read or set a cell may take on a connection that is there. A lease is lost with a few of
    /// these, so it is short, and the connection is then taken for dead. One that is not there yet gets longer where
    /// it needs to, up to `cell_patience`.
    pub cell_deadline: Duration,
    /// How long reading or setting a cell is repeated: less than a lease lasts without being renewed
    /// ([`Terms::gives_up`](crate::reactors::lease::Terms::gives_up)).
    pub cell_patience: Duration,
    /// How long until an event that another instance appended is noticed, at most.
    pub pace: Duration,
}

impl EventStoreDbOptions {
    /// The settings for a URL, with what suits most else.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            credentials: None,
            deadline: Duration::from_secs(5),
            patience: Duration::from_secs(15),
            cell_deadline: Duration::from_millis(800),
            cell_patience: Duration::from_secs(2),
            pace: Duration::from_millis(100),
        }
    }

    /// Checks everything that can be checked without the server.
    pub fn check(&self) -> Result<(), WrongOptions> {
        self.settings().map(drop)
    }

    /// The client's settings.
    pub(super) fn settings(&self) -> Result<ClientSettings, WrongOptions> {
        let Parts { scheme, hosts, query } = Parts::of(&self.url)?;
        let mut taken = Taken::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            taken.take(&name, &value)?;
        }
        taken.finish()?;
        if let Some((user, _)) = &self.credentials {
            if user.is_empty() || user.contains(':') {
                return Err(WrongOptions::UserName);
            }
            if taken.tls == Some(false) && !hosts.iter().all(|host| is_here(host)) {
                return Err(WrongOptions::PasswordInClear);
            }
        }
        let mut made = form_urlencoded::Serializer::new(String::new());
        made.append_pair("nodePreference", "leader");
        for (name, value) in &taken.known {
            made.append_pair(name, value);
        }
        if !taken.has("discoveryInterval") {
            // The client waits this long before each connection, the first and only one too: half a second by itself.
            made.append_pair("discoveryInterval", "50");
        }
        let url = format!("{scheme}://{}?{}", hosts.join(","), made.finish());
        url.parse().map_err(|_| WrongOptions::Url)
    }

    /// What each request carries to say who asks.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let (user, password) = self.credentials.as_ref()?;
        Some(Credentials::new(user.clone(), password.expose().to_owned()))
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WrongOptions {
    /// The URL is not one.
    #[error(
        "the event log's URL is not one of EventStoreDB: write esdb://host:2113, or esdb+discover://name:2113 \
         for a cluster behind one name"
    )]
    Url,
    /// The URL holds a user name or a password.
    #[error("the event log's URL holds a user name or a password: give them in their own settings")]
    CredentialsInUrl,
    /// A host is none, or its port is none.
    #[error("the event log's URL names the host {0:?}: write host or host:port, with commas between several")]
    Host(String),
    /// A setting that is not known.
    #[error("the event log's URL has the setting {0:?}, which is not known")]
    Unknown(String),
    /// A setting that stands twice.
    #[error("the event log's URL has the setting {0} twice")]
    Twice(String),
    /// A setting has a value that it cannot have.
    #[error("the event log's URL has the setting {name}={value}: it takes {takes}")]
    Value {
        /// The setting.
        name: String,
        /// Its value.
        value: String,
        /// What it takes.
        takes: &'static str,
    },
    /// A file cannot be read.
    #[error("{name} names {path}, which cannot be read")]
    File {
        /// The setting.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{name} names {path}, which holds no {what} that can be used: it must be in PEM")]
    NotPem {
        /// The setting.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("userCertFile and userKeyFile go together: give both or neither")]
    HalfCertificate,
    /// TLS settings without TLS.
    #[error("the event log's URL says tls=false and gives certificates all the same: leave one out")]
    CertificatesWithoutTls,
    /// The user name cannot be sent.
    #[error("the event log's user name must not be empty and must hold no colon")]
    UserName,
    /// The password would be readable on the way.
    #[error(
        "with tls=false the event log's password would go over the network in clear: use TLS, or leave the \
         user name and the password out, as a server without TLS asks for none"
    )]
    PasswordInClear,
}

/// A URL, taken apart.
struct Parts<'a> {
    scheme: &'a str,
    hosts: Vec<&'a str>,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Result<Self, WrongOptions> {
        let (scheme, rest) = url.split_once("://").ok_or(WrongOptions::Url)?;
        if scheme != "esdb" && scheme != "esdb+discover" {
            return Err(WrongOptions::Url);
        }
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(WrongOptions::CredentialsInUrl);
        }
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let hosts: Vec<&str> = authority.split(',').collect();
        for host in &hosts {
            if !is_host(host, hosts.len() == 1) {
                return Err(WrongOptions::Host((*host).to_owned()));
            }
        }
        if scheme == "esdb+discover" && hosts.len() > 1 {
            return Err(WrongOptions::Host(authority.to_owned()));
        }
        Ok(Self { scheme, hosts, query })
    }
}

/// Whether a text is a host, or a host and a port. The client takes an IPv6 address only where it stands alone.
fn is_host(text: &str, alone: bool) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, after)) = rest.split_once(']') else { return false };
            if !alone || address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match after {
                "" => return true,
                after => ("v6", after.strip_prefix(':')),
            }
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, Some("2113")),
        },
    };
    let named =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    named && port.and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port > 0)
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost"
        || name == "[::1]"
        || name.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
}

/// What was taken from the URL's settings.
#[derive(Default)]
struct Taken {
    known: Vec<(&'static str, String)>,
    tls: Option<bool>,
}

/// The settings that go to the client as they are, and what each takes.
const SETTINGS: [(&str, Kind); 11] = [
    ("tls", Kind::Switch),
    ("tlsVerifyCert", Kind::Switch),
    ("tlsCaFile", Kind::Authority),
    ("userCertFile", Kind::Certificate),
    ("userKeyFile", Kind::Key),
    ("maxDiscoverAttempts", Kind::Count),
    ("discoveryInterval", Kind::Count),
    ("gossipTimeout", Kind::Count),
    ("keepAliveInterval", Kind::KeepAlive),
    ("keepAliveTimeout", Kind::KeepAlive),
    ("connectionName", Kind::Text),
];

/// What a setting takes.
#[derive(Clone, Copy)]
enum Kind {
    Switch,
    Count,
    KeepAlive,
    Text,
    Authority,
    Certificate,
    Key,
}

impl Taken {
    fn take(&mut self, name: &str, value: &str) -> Result<(), WrongOptions> {
        let wrong = |name: &str, takes| {
            Err(WrongOptions::Value { name: name.to_owned(), value: value.to_owned(), takes })
        };
        if name.eq_ignore_ascii_case("nodePreference") {
            // Only the leader knows the newest events: the others may lag.
            return if value.eq_ignore_ascii_case("leader") { Ok(()) } else { wrong(name, "leader alone") };
        }
        let Some((name, kind)) = SETTINGS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
        else {
            return Err(WrongOptions::Unknown(name.to_owned()));
        };
        if self.known.iter().any(|(known, _)| *known == name) {
            return Err(WrongOptions::Twice(name.to_owned()));
        }
        let path = Path::new(value);
        match kind {
            Kind::Switch => match value {
                "true" | "false" if name == "tls" => self.tls = Some(value == "true"),
                "true" | "false" => {}
                _ => return wrong(name, "true or false"),
            },
            Kind::Count => {
                if !value.parse::<u32>().is_ok_and(|count| count > 0) {
                    return wrong(name, "a whole number from 1 on");
                }
            }
            Kind::KeepAlive => {
                // The client passes over what is shorter, with no more than a warning.
                if value != "-1" && !value.parse::<u32>().is_ok_and(|millis| millis >= 10_000) {
                    return wrong(name, "milliseconds from 10000 on, or -1 for never");
                }
            }
            Kind::Text => {
                let sendable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                if value.is_empty() || !sendable {
                    return wrong(name, "letters, digits and signs of ASCII");
                }
            }
            Kind::Authority => check_authority(path)?,
            Kind::Certificate => {
                certificates(name, path)?;
            }
            Kind::Key => check_key(path)?,
        }
        self.known.push((name, value.to_owned()));
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.known.iter().any(|(known, _)| *known == name)
    }

    fn finish(&self) -> Result<(), WrongOptions> {
        if self.has("userCertFile") != self.has("userKeyFile") {
            return Err(WrongOptions::HalfCertificate);
        }
        if self.tls == Some(false) && (self.has("tlsCaFile") || self.has("userCertFile")) {
            return Err(WrongOptions::CertificatesWithoutTls);
        }
        Ok(())
    }
}

/// The certificates in a file, at least one.
fn certificates(name: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, WrongOptions> {
    let pem =
        std::fs::read(path).map_err(|source| WrongOptions::File { name, path: path.to_owned(), source })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(WrongOptions::NotPem { name, path: path.to_owned(), what: "certificate" }),
    }
}

fn check_authority(path: &Path) -> Result<(), WrongOptions> {
    let name = "tlsCaFile";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(name, path)? {
        roots.add(certificate).map_err(|_| WrongOptions::NotPem {
            name,
            path: path.to_owned(),
            what: "certificate of an authority",
        })?;
    }
    Ok(())
}

fn check_key(path: &Path) -> Result<(), WrongOptions> {
    let name = "userKeyFile";
    let pem =
        std::fs::read(path).map_err(|source| WrongOptions::File { name, path: path.to_owned(), source })?;
    PrivateKeyDer::from_pem_slice(&pem).map(drop).map_err(|_| WrongOptions::NotPem {
        name,
        path: path.to_owned(),
        what: "private key",
    })
}
