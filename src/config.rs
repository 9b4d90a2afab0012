//! The configuration: one TOML file, with environment variables over it.
//!
//! A variable `VOUCHSAFE_<SECTION>__<KEY>` stands over the file's `key` in `[section]`; two underscores go one
//! level deeper. Keys that are not known are errors, and everything that is wrong is told at once.

mod read;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::app::SessionLimits;
use crate::audit::proof::ProofSettings;
use crate::domain::Terms;
use crate::identity::dfe::{Credentials, DfeSettings};
use crate::metrics::MetricsSettings;
use crate::privacy::{PostgresSettings, PostgresSettingsError};
use crate::reactors::broker::BrokerSettings;
use crate::reactors::mail::MailSettings;
use crate::secret::Secret;
use crate::store::eventstoredb::{EventStoreDbOptions, WrongOptions};
use crate::traces::{TraceHeaders, TracesSettings};
use crate::web::WebSettings;

pub use read::{ConfigFaults, environment, load};

/// Where the service listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// The address and port to listen on, without TLS: a proxy in front ends TLS.
    pub listen: SocketAddr,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

/// Where a key ring is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum KeyRingPlace {
    /// A file, for instances on one machine.
    File(PathBuf),
    /// A PostgreSQL database, by its address.
    Postgres(String),
}

impl fmt::Display for KeyRingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Postgres(address) => f.write_str(address),
        }
    }
}

impl From<String> for KeyRingPlace {
    fn from(text: String) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(text)
        } else {
            Self::File(PathBuf::from(text))
        }
    }
}

/// Where an event log is, and how it is reached.
#[derive(Clone, Debug)]
pub enum LogPlace {
    /// In a file.
    File(PathBuf),
    /// On an EventStoreDB server.
    EventStoreDb(EventStoreDbOptions),
}

/// How a key ring is opened.
pub enum KeyRingAccess {
    /// It is a file.
    File(PathBuf),
    /// It is in a PostgreSQL database.
    Postgres(Box<PostgresSettings>),
}

/// The name of the event log's file, in its folder.
const LOG_FILE: &str = "events.db";

/// Why the event log's server cannot be used as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum WrongEventLog {
    /// What the engine says.
    #[error(transparent)]
    Options(#[from] WrongOptions),
    /// A user name without a password, or the other way about.
    #[error("event_log_username and event_log_password_file go together: set both or neither")]
    Half,
    /// Credentials without a server.
    #[error(
        "event_log_username and event_log_password_file are for an event log on a server: set event_log too"
    )]
    Alone,
}

/// Where things are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSettings {
    /// The folder of the event log, where that is a file, of the snapshots and of the index for auditors.
    pub folder: PathBuf,
    /// The event log's server, by its address. None: it is a file in the folder.
    pub event_log: Option<String>,
    /// Who the service is to that server. None: the server lets everybody in.
    pub event_log_username: Option<String>,
    /// The file of the key ring, or the address of its PostgreSQL database. Keep its backups apart from those of the
    /// event log.
    pub key_ring: Option<KeyRingPlace>,
    /// The certificates that the key ring's database is believed by, where the system does not know them.
    pub key_ring_ca_file: Option<PathBuf>,
    /// The file of the master key. It is made on first run.
    pub master_key_file: Option<PathBuf>,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("data"),
            event_log: None,
            event_log_username: None,
            key_ring: None,
            key_ring_ca_file: None,
            master_key_file: None,
        }
    }
}

impl StorageSettings {
    /// The file of the event log. None if it is on a server.
    pub fn log_file(&self) -> Option<PathBuf> {
        self.event_log.is_none().then(|| self.folder.join(LOG_FILE))
    }

    /// Where the event log is, and how it is reached.
    pub fn log(&self, password: Option<&Secret>) -> Result<LogPlace, WrongEventLog> {
        let Some(url) = &self.event_log else {
            let alone = self.event_log_username.is_some() || password.is_some();
            let file = LogPlace::File(self.folder.join(LOG_FILE));
            return if alone { Err(WrongEventLog::Alone) } else { Ok(file) };
        };
        let mut options = EventStoreDbOptions::new(url);
        options.credentials = match (&self.event_log_username, password) {
            (Some(name), Some(password)) => Some((name.clone(), password.clone())),
            (None, None) => None,
            _ => return Err(WrongEventLog::Half),
        };
        options.check()?;
        Ok(LogPlace::EventStoreDb(options))
    }

    /// The file that the process which runs the reactors has locked, where the event log is a file too.
    pub fn reactors_lock(&self) -> Option<PathBuf> {
        self.event_log.is_none().then(|| self.folder.join("reactors.lock"))
    }

    /// The folder of the snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.folder.join("snapshots")
    }

    /// The file of the auditors' index.
    pub fn timeline(&self) -> PathBuf {
        self.folder.join("timeline.db")
    }

    /// The folder of the tree of hashes.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Where the key ring is.
    pub fn key_ring(&self) -> KeyRingPlace {
        let file = || KeyRingPlace::File(self.folder.join("keys").join("keys.db"));
        self.key_ring.clone().unwrap_or_else(file)
    }

    /// How the key ring is opened.
    pub fn key_ring_access(&self, password: Option<&Secret>) -> Result<KeyRingAccess, PostgresSettingsError> {
        match self.key_ring() {
            KeyRingPlace::File(_) if password.is_some() || self.key_ring_ca_file.is_some() => {
                Err(PostgresSettingsError::Alone)
            }
            KeyRingPlace::File(file) => Ok(KeyRingAccess::File(file)),
            KeyRingPlace::Postgres(address) => {
                PostgresSettings::new(&address, password, self.key_ring_ca_file.as_deref())
                    .map(|settings| KeyRingAccess::Postgres(Box::new(settings)))
            }
        }
    }

    /// The file of the master key.
    pub fn master_key_file(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.folder.join("keys").join("master.key"))
    }
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// After how many minutes without anything happening a session ends.
    pub idle_minutes: u16,
    /// After how many hours a session ends in any case.
    pub absolute_hours: u16,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { idle_minutes: 60, absolute_hours: 12 }
    }
}

impl SessionSettings {
    /// The limits as the use cases take them.
    pub fn limits(self) -> SessionLimits {
        SessionLimits {
            absolute_seconds: i64::from(self.absolute_hours) * 3600,
            idle_seconds: i64::from(self.idle_minutes) * 60,
        }
    }
}

/// How approvers are kept in step with DfE Sign-in.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApproverSettings {
    /// Every how many seconds DfE Sign-in is asked who the approvers are; 0 asks never.
    pub poll_seconds: u32,
}

impl Default for ApproverSettings {
    fn default() -> Self {
        Self { poll_seconds: 900 }
    }
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// What is logged.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `json` or `text`.
    pub format: LogFormat,
    /// What is logged, in the form of tracing's filters: `info`, or `warn,vouchsafe=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: "info".to_owned() }
    }
}

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`: where the service listens.
    pub server: ServerSettings,
    /// `[web]`: how the pages present themselves.
    pub web: WebSettings,
    /// `[storage]`: where things are kept.
    pub storage: StorageSettings,
    /// `[sessions]`: how long sessions last.
    pub sessions: SessionSettings,
    /// `[terms]`: time limits.
    pub terms: Terms,
    /// `[dfe_sign_in]`: how the service is known to DfE Sign-in.
    pub dfe_sign_in: DfeSettings,
    /// `[approvers]`: how approvers are kept in step.
    pub approvers: ApproverSettings,
    /// `[mail]`: how mail is sent.
    pub mail: MailSettings,
    /// `[broker]`: how RabbitMQ is reached; without it nothing is published.
    pub broker: Option<BrokerSettings>,
    /// `[proof]`: how the history is proven.
    pub proof: ProofSettings,
    /// `[log]`: what is logged.
    pub log: LogSettings,
    /// `[metrics]`: where metrics are served, if they are.
    pub metrics: Option<MetricsSettings>,
    /// `[traces]`: where traces are sent, if they are.
    pub traces: Option<TracesSettings>,
    /// The secrets, from their files.
    pub secrets: Secrets,
}

/// The secrets that the configuration names, read from their files.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// For DfE Sign-in.
    pub dfe_sign_in: Credentials,
    /// The mail server's password.
    pub mail_password: Option<Secret>,
    /// The password of the event log's server.
    pub event_log_password: Option<Secret>,
    /// RabbitMQ's password.
    pub broker_password: Option<Secret>,
    /// The password of the key ring's database.
    pub key_ring_password: Option<Secret>,
    /// The headers that the collector of traces asks for.
    pub trace_headers: TraceHeaders,
    /// The master key, if it comes from the environment (`VOUCHSAFE_MASTER_KEY`) and not from a file.
    pub master_key: Option<Secret>,
}

/// Reads a secret from its file: the first line, without the line's end.
pub fn read_secret(path: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let text = zeroize::Zeroizing::new(text);
    match text.lines().next().map(str::trim_end) {
        Some(line) if !line.is_empty() => Ok(Secret::from(line.to_owned())),
        _ => Err(format!("{} is empty", path.display())),
    }
}
