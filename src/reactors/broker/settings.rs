//! How RabbitMQ is reached and what is published, as the configuration says it.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use crate::loopback::is_this_machine;

/// How RabbitMQ is reached, and what goes there. The password, which is a secret, stands apart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerSettings {
    /// Where it is: `amqps://host:5671/virtual-host`, without a user and without a password. Without a port: 5671, or
    /// 5672 with `amqp`. Without a virtual host: `/`.
    pub url: Url,
    /// The user to sign in as.
    pub username: String,
    /// A file of certificates (PEM). If there is one, only these are trusted; by default the machine's own.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The topic exchange that events are published to. It is made if it is not there.
    #[serde(default = "default_exchange")]
    pub exchange: String,
    /// Whether names, emails and what people wrote are published, in the clear. By default they are left out.
    #[serde(default)]
    pub personal_data: bool,
    /// Where the very first start begins. Later ones go on where the last one was.
    #[serde(default)]
    pub from: From,
    /// Whether mail is handed out through queues, so that every instance sends.
    #[serde(default)]
    pub mail_jobs: bool,
    /// Whether a connection to another machine may go without encryption.
    #[serde(default)]
    pub allow_unencrypted: bool,
}

/// The exchange that events are published to, if the configuration names no other.
pub const DEFAULT_EXCHANGE: &str = "vouchsafe.events";

fn default_exchange() -> String {
    DEFAULT_EXCHANGE.to_owned()
}

/// Where the very first start begins to publish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// With the first event that there ever was.
    #[default]
    Start,
    /// With the first event that comes after.
    Now,
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Another protocol.
    #[error("`url` must begin with amqps:// or amqp://, not with {0}://")]
    Scheme(String),
    /// There is no server to go to.
    #[error("`url` names no host: write amqps://host:5671/virtual-host")]
    NoHost,
    /// Secrets have files of their own.
    #[error("`url` must hold no user and no password: set `username` and `password_file`")]
    Credentials,
    /// What no part of the address is.
    #[error("`url` must end with the virtual host: what stands after `?` or `#` is not read")]
    Trailing,
    /// The virtual host.
    #[error(
        "`url` names a virtual host with a slash in it: write each slash that belongs to the name as %2F"
    )]
    VirtualHost,
    /// Messages would cross a network in the clear.
    #[error(
        "amqp:// without encryption is for RabbitMQ on this machine only: use amqps://, or set `allow_unencrypted` if the network between encrypts by itself"
    )]
    InTheClear,
    /// Nobody to sign in as.
    #[error("`username` is empty: name the user that RabbitMQ knows the service as")]
    NoUser,
    /// A user without a password.
    #[error("`password_file` is missing: name the file that holds the password of `username`")]
    NoPassword,
    /// The name of the exchange.
    #[error(
        "`exchange` must be 1 to 200 letters, digits and -_.: and must not begin with amq., which RabbitMQ keeps for itself"
    )]
    Exchange,
    /// Certificates for nothing.
    #[error("`ca_file` is only read with amqps://")]
    IdleCertificates,
}

impl BrokerSettings {
    /// Whether the settings make sense, together with whether there is a password.
    pub fn check(&self, password: bool) -> Result<(), SettingsError> {
        let url = &self.url;
        let path = url.path().strip_prefix('/').unwrap_or_else(|| url.path());
        if !matches!(url.scheme(), "amqp" | "amqps") {
            Err(SettingsError::Scheme(url.scheme().to_owned()))
        } else if url.host_str().is_none_or(str::is_empty) {
            Err(SettingsError::NoHost)
        } else if !url.username().is_empty() || url.password().is_some() {
            Err(SettingsError::Credentials)
        } else if url.query().is_some() || url.fragment().is_some() {
            Err(SettingsError::Trailing)
        } else if path.contains('/') {
            Err(SettingsError::VirtualHost)
        } else if !self.is_encrypted() && !self.allow_unencrypted && !self.is_on_this_machine() {
            Err(SettingsError::InTheClear)
        } else if !self.is_encrypted() && self.ca_file.is_some() {
            Err(SettingsError::IdleCertificates)
        } else if self.username.is_empty() {
            Err(SettingsError::NoUser)
        } else if !password {
            Err(SettingsError::NoPassword)
        } else if !is_exchange(&self.exchange) {
            Err(SettingsError::Exchange)
        } else {
            Ok(())
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "amqps"
    }

    /// The host, as a certificate has it.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(if self.is_encrypted() { 5671 } else { 5672 })
    }

    fn is_on_this_machine(&self) -> bool {
        is_this_machine(self.host())
    }
}

fn is_exchange(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..=200).contains(&name.len()) && name.chars().all(known) && !name.starts_with("amq.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, more: &str) -> BrokerSettings {
        toml::from_str(&format!("url = '{url}'\nusername = 'vouchsafe'\n{more}")).unwrap()
    }

    fn fault(url: &str, more: &str) -> SettingsError {
        settings(url, more).check(true).unwrap_err()
    }

    #[test]
    fn what_is_not_said_is_safe() {
        let settings = settings("amqps://rabbit.example/ecf2", "");
        assert_eq!(settings.check(true), Ok(()));
        assert_eq!((settings.exchange.as_str(), settings.from), ("vouchsafe.events", From::Start));
        assert!(!settings.personal_data && !settings.mail_jobs && !settings.allow_unencrypted);
        assert_eq!((settings.host(), settings.port()), ("rabbit.example", 5671));
    }

    #[test]
    fn messages_in_the_clear_stay_on_the_machine() {
        assert_eq!(fault("amqp://rabbit.example", ""), SettingsError::InTheClear);
        assert_eq!(fault("amqp://127.0.0.1.example", ""), SettingsError::InTheClear);
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let settings = settings(&format!("amqp://{host}"), "");
            assert_eq!((settings.check(true), settings.port()), (Ok(()), 5672), "{host}");
        }
        assert_eq!(settings("amqp://rabbit.example", "allow_unencrypted = true").check(true), Ok(()));
    }

    #[test]
    fn an_address_that_says_too_much_or_too_little_is_refused() {
        assert_eq!(fault("https://rabbit.example", ""), SettingsError::Scheme("https".to_owned()));
        assert_eq!(fault("amqps:rabbit.example", ""), SettingsError::NoHost);
        assert_eq!(fault("amqps://user@rabbit.example", ""), SettingsError::Credentials);
        assert_eq!(fault("amqps://:secret@rabbit.example", ""), SettingsError::Credentials);
        assert_eq!(fault("amqps://rabbit.example/?heartbeat=1", ""), SettingsError::Trailing);
        assert_eq!(fault("amqps://rabbit.example/a/b", ""), SettingsError::VirtualHost);
        assert_eq!(settings("amqps://rabbit.example/a%2Fb", "").check(true), Ok(()));
    }

    #[test]
    fn a_user_has_a_name_and_a_password_and_an_exchange_a_name_of_its_own() {
        let good = settings("amqps://rabbit.example", "");
        assert_eq!(good.check(false), Err(SettingsError::NoPassword));
        let nobody = BrokerSettings { username: String::new(), ..good };
        assert_eq!(nobody.check(true), Err(SettingsError::NoUser));
        for name in ["", "amq.topic", "a b", "ä"] {
            assert_eq!(
                fault("amqps://rabbit.example", &format!("exchange = '{name}'")),
                SettingsError::Exchange
            );
        }
        assert_eq!(fault("amqp://localhost", "ca_file = 'ca.pem'"), SettingsError::IdleCertificates);
    }
}
