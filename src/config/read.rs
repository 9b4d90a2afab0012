//! Reads the configuration and tells everything that is wrong with it at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{Config, Secrets, StorageSettings, read_secret};
use crate::audit::proof::ProofSettings;
use crate::identity::dfe::Credentials;
use crate::metrics::MetricsSettings;
use crate::reactors::broker::BrokerSettings;
use crate::secret::Secret;
use crate::traces::{TraceHeaders, TracesSettings, read_headers};

/// What environment variables of ours begin with.
const PREFIX: &str = "VOUCHSAFE_";

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigFaults(Vec<String>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  - {fault}"))
    }
}

impl std::error::Error for ConfigFaults {}

/// The environment variables of ours. Those of `vouchsafe` itself that are no settings are left out.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?.strip_prefix(PREFIX)?.to_owned();
            Some((name, value.into_string().ok()?))
        })
        .filter(|(name, _)| !name.starts_with("TEST_") && name != "CONFIG")
        .collect()
}

/// Reads the configuration from a file, if one is named, and the environment.
pub fn load(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Config, ConfigFaults> {
    let mut table = match file {
        None => Table::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigFaults(vec![format!("{} cannot be read: {error}", path.display())]))?;
            text.parse::<Table>().map_err(|error| {
                ConfigFaults(vec![format!("{}: {}", path.display(), error.to_string().trim_end())])
            })?
        }
    };
    let mut faults = Faults(Vec::new());
    let mut master_key = None;
    for (name, value) in environment {
        if name == "MASTER_KEY" {
            master_key = Some(Secret::from(value.clone()));
        } else {
            faults.lay_over(&mut table, name, value);
        }
    }
    faults.config(table, master_key)
}

/// Gathers faults while the sections are read.
struct Faults(Vec<String>);

impl Faults {
    /// Lays a variable over the file's values. What parses as a TOML value is one; all else is a text.
    fn lay_over(&mut self, table: &mut Table, name: &str, text: &str) {
        let mut path: Vec<String> = name.split("__").map(str::to_ascii_lowercase).collect();
        let Some(key) = path.pop().filter(|_| !path.is_empty()) else {
            self.0.push(format!(
                "the environment variable {PREFIX}{name} names no section: write {PREFIX}SECTION__KEY"
            ));
            return;
        };
        let mut at = table;
        for part in path {
            let next = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(next) = next else {
                self.0.push(format!("the environment variable {PREFIX}{name} goes into what is no section"));
                return;
            };
            at = next;
        }
        let parsed =
            format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
        at.insert(key, parsed.unwrap_or_else(|| Value::String(text.to_owned())));
    }

    /// Reads one section.
    fn section<T: DeserializeOwned>(&mut self, table: &mut Table, name: &str) -> Option<T> {
        let value = table.remove(name).unwrap_or_else(|| Value::Table(Table::new()));
        match value.try_into::<T>() {
            Ok(section) => Some(section),
            Err(error) => {
                self.0.push(format!("[{name}]: {}", error.message()));
                None
            }
        }
    }

    /// Reads one section, if it is there.
    fn section_if_there<T: DeserializeOwned>(&mut self, table: &mut Table, name: &str) -> Option<T> {
        if table.contains_key(name) { self.section(table, name) } else { None }
    }

    /// Looks at what is observed of the service, and reads the headers that the collector of traces asks for.
    fn observed(
        &mut self,
        server: Option<&super::ServerSettings>,
        metrics: Option<&MetricsSettings>,
        traces: Option<&TracesSettings>,
    ) -> TraceHeaders {
        if let (Some(server), Some(metrics)) = (server, metrics) {
            self.0.extend(metrics.fault(server.listen).map(|fault| format!("[metrics]: {fault}")));
        }
        let Some(traces) = traces else { return TraceHeaders::new() };
        self.0.extend(traces.fault().map(|fault| format!("[traces]: {fault}")));
        let read = traces.headers_file.as_deref().map(read_headers).transpose();
        let read = read.map_err(|why| self.0.push(format!("traces.headers_file: {why}")));
        read.ok().flatten().unwrap_or_default()
    }

    /// Takes the file of a password out of its section: the password is no setting.
    fn password_file(&mut self, table: &mut Table, section: &str, key: &str) -> Option<PathBuf> {
        let value = table.get_mut(section).and_then(Value::as_table_mut)?.remove(key)?;
        if let Value::String(path) = value {
            return Some(PathBuf::from(path));
        }
        self.0.push(format!("[{section}]: {key} must be a text"));
        None
    }

    /// RabbitMQ's section, if there is one, and its password.
    fn broker(&mut self, table: &mut Table) -> (Option<BrokerSettings>, Option<Secret>) {
        if !table.contains_key("broker") {
            return (None, None);
        }
        let password_file = self.password_file(table, "broker", "password_file");
        let broker: Option<BrokerSettings> = self.section(table, "broker");
        if let Some(broker) = &broker
            && let Err(error) = broker.check(password_file.is_some())
        {
            self.0.push(format!("[broker]: {error}"));
        }
        let password = password_file.as_deref().and_then(|path| self.secret("broker.password_file", path));
        (broker, password)
    }

    fn secret(&mut self, name: &str, path: &Path) -> Option<Secret> {
        read_secret(path).map_err(|why| self.0.push(format!("{name}: {why}"))).ok()
    }

    /// Reads `[storage]`, and the passwords of the servers that it names.
    fn storage(&mut self, table: &mut Table) -> (Option<StorageSettings>, Option<Secret>, Option<Secret>) {
        let mut password = |key: &str| {
            let file = self.password_file(table, "storage", key)?;
            self.secret(&format!("storage.{key}"), &file)
        };
        let (event_log, key_ring) = (password("event_log_password_file"), password("key_ring_password_file"));
        let storage: Option<StorageSettings> = self.section(table, "storage");
        if let Some(storage) = &storage {
            let wrong = storage.log(event_log.as_ref()).err();
            self.0.extend(wrong.map(|error| format!("[storage]: {error}")));
            let wrong = storage.key_ring_access(key_ring.as_ref()).err();
            self.0.extend(wrong.map(|error| format!("[storage]: key_ring: {error}")));
        }
        (storage, event_log, key_ring)
    }

    fn config(mut self, mut table: Table, master_key: Option<Secret>) -> Result<Config, ConfigFaults> {
        let server: Option<super::ServerSettings> = self.section(&mut table, "server");
        let web = self.section(&mut table, "web");
        let (storage, event_log_password, key_ring_password) = self.storage(&mut table);
        let sessions: Option<super::SessionSettings> = self.section(&mut table, "sessions");
        let terms: Option<crate::domain::Terms> = self.section(&mut table, "terms");
        let dfe: Option<crate::identity::dfe::DfeSettings> = self.section(&mut table, "dfe_sign_in");
        let approvers = self.section(&mut table, "approvers");
        let password_file = self.password_file(&mut table, "mail", "password_file");
        let mail: Option<crate::reactors::mail::MailSettings> = self.section(&mut table, "mail");
        let (broker, broker_password) = self.broker(&mut table);
        let proof: Option<ProofSettings> = self.section(&mut table, "proof");
        let wrong = proof.as_ref().and_then(ProofSettings::fault);
        self.0.extend(wrong.map(|fault| format!("[proof]: {fault}")));
        let log: Option<super::LogSettings> = self.section(&mut table, "log");
        let metrics: Option<MetricsSettings> = self.section_if_there(&mut table, "metrics");
        let traces: Option<TracesSettings> = self.section_if_there(&mut table, "traces");
        for unknown in table.keys() {
            self.0.push(format!("[{unknown}] is not a section that vouchsafe knows"));
        }

        if let Some(sessions) = &sessions
            && (sessions.idle_minutes == 0 || sessions.absolute_hours == 0)
        {
            self.0.push("[sessions]: idle_minutes and absolute_hours must be 1 or more".to_owned());
        }
        if let Some(terms) = &terms {
            self.0.extend(terms.faults().into_iter().map(|fault| format!("[terms]: {fault}")));
        }
        if let Some(log) = &log
            && let Err(error) = log.filter.parse::<tracing_subscriber::EnvFilter>()
        {
            self.0.push(format!("[log]: filter: {error}"));
        }
        let mut credentials = None;
        if let Some(dfe) = &dfe {
            if let Err(error) = dfe.check() {
                self.0.push(error.to_string());
            }
            let client = self.secret("dfe_sign_in.client_secret_file", &dfe.client_secret_file);
            let api =
                dfe.api.as_ref().map(|api| self.secret("dfe_sign_in.api.secret_file", &api.secret_file));
            credentials =
                client.map(|client_secret| Credentials { client_secret, api_secret: api.flatten() });
        }
        let trace_headers = self.observed(server.as_ref(), metrics.as_ref(), traces.as_ref());
        let mut mail_password = None;
        if let Some(mail) = &mail {
            if let Err(error) = mail.check(password_file.is_some()) {
                self.0.push(format!("[mail]: {error}"));
            }
            mail_password = password_file.as_deref().and_then(|path| self.secret("mail.password_file", path));
        }
        match (server, web, storage, sessions, terms, dfe, approvers, mail, proof, log, credentials) {
            (
                Some(server),
                Some(web),
                Some(storage),
                Some(sessions),
                Some(terms),
                Some(dfe_sign_in),
                Some(approvers),
                Some(mail),
                Some(proof),
                Some(log),
                Some(credentials),
            ) if self.0.is_empty() => Ok(Config {
                server,
                web,
                storage,
                sessions,
                terms,
                dfe_sign_in,
                approvers,
                mail,
                broker,
                proof,
                log,
                metrics,
                traces,
                secrets: Secrets {
                    dfe_sign_in: credentials,
                    mail_password,
                    event_log_password,
                    broker_password,
                    key_ring_password,
                    trace_headers,
                    master_key,
                },
            }),
            _ => Err(ConfigFaults(self.0)),
        }
    }
}

#[cfg(test)]
mod tests;
