//! How the mail server is reached, as the configuration says it.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use vouchsafe_events::Email;

use crate::loopback::is_this_machine;

/// How the mail server is reached and whom mail comes from. The password, which is a secret, stands apart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The mail server's name, as its certificate has it.
    pub host: String,
    /// Its port. By default 587 with `starttls`, 465 with `implicit`, 25 with `none`.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is encrypted. By default `starttls`.
    #[serde(default)]
    pub tls: MailTls,
    /// A file of certificates (PEM). If there is one, only these are trusted; by default the machine's own.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The name to sign in to the mail server with. By default there is no sign-in.
    #[serde(default)]
    pub username: Option<String>,
    /// How many seconds a delivery may take. By default 30.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u16,
    /// The address that mail comes from.
    pub from_address: Email,
    /// The name that mail comes from: the service's.
    pub from_name: String,
    /// The address that answers go to. By default they go to `from_address`.
    #[serde(default)]
    pub reply_to: Option<Email>,
}

const fn default_timeout() -> u16 {
    30
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Not at all: only for a server on this machine.
    None,
    /// By the STARTTLS command, without which nothing is sent (RFC 3207).
    #[default]
    StartTls,
    /// From the first byte (RFC 8314).
    Implicit,
}

/// Why the settings cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Mail would cross a network in the clear.
    #[error(
        "mail without encryption is for a server on this machine only: set `tls` to starttls or implicit"
    )]
    InTheClear,
    /// There is no server to go to.
    #[error("`host` is empty: name the mail server")]
    NoHost,
    /// Nothing could be delivered in no time.
    #[error("`timeout_seconds` must be at least 1")]
    NoTime,
    /// A password without a name, or a name without a password.
    #[error("the mail server's `username` and password belong together: set both or neither")]
    HalfASignIn,
}

impl MailSettings {
    /// Whether the settings make sense, together with whether there is a password.
    pub fn check(&self, password: bool) -> Result<(), SettingsError> {
        if self.host.trim().is_empty() {
            Err(SettingsError::NoHost)
        } else if self.tls == MailTls::None && !self.is_on_this_machine() {
            Err(SettingsError::InTheClear)
        } else if self.timeout_seconds == 0 {
            Err(SettingsError::NoTime)
        } else if self.username.is_some() != password {
            Err(SettingsError::HalfASignIn)
        } else {
            Ok(())
        }
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            MailTls::None => 25,
            MailTls::StartTls => 587,
            MailTls::Implicit => 465,
        })
    }

    /// How long a delivery may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }

    fn is_on_this_machine(&self) -> bool {
        is_this_machine(&self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "
        host = 'mail.example'
        from_address = 'no-reply@service.example'
        from_name = 'Vouchsafe'
    ";

    fn settings(more: &str) -> Result<MailSettings, toml::de::Error> {
        toml::from_str(&format!("{LEAST}\n{more}"))
    }

    #[test]
    fn what_is_not_said_is_safe() {
        let settings = settings("").unwrap();
        assert_eq!((settings.tls, settings.port()), (MailTls::StartTls, 587));
        assert_eq!(settings.timeout(), Duration::from_secs(30));
        assert_eq!(settings.check(false), Ok(()));
    }

    #[test]
    fn each_way_of_encryption_has_its_port() {
        assert_eq!(settings("tls = 'implicit'").unwrap().port(), 465);
        assert_eq!(settings("tls = 'none'").unwrap().port(), 25);
        assert_eq!(settings("tls = 'starttls'\nport = 2525").unwrap().port(), 2525);
        assert!(settings("tls = 'opportunistic'").is_err());
        assert!(settings("tsl = 'none'").is_err());
    }

    #[test]
    fn mail_in_the_clear_stays_on_the_machine() {
        let plain = settings("tls = 'none'").unwrap();
        assert_eq!(plain.check(false), Err(SettingsError::InTheClear));
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"] {
            assert_eq!(
                MailSettings { host: host.to_owned(), ..plain.clone() }.check(false),
                Ok(()),
                "{host}"
            );
        }
        for host in ["localhost.example", "10.0.0.1", "127.0.0.1.example"] {
            let remote = MailSettings { host: host.to_owned(), ..plain.clone() };
            assert_eq!(remote.check(false), Err(SettingsError::InTheClear), "{host}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let good = settings("").unwrap();
        assert_eq!(good.check(true), Err(SettingsError::HalfASignIn));
        let named = MailSettings { username: Some("u".to_owned()), ..good.clone() };
        assert_eq!((named.check(false), named.check(true)), (Err(SettingsError::HalfASignIn), Ok(())));
        let nowhere = MailSettings { host: " ".to_owned(), ..good.clone() };
        assert_eq!(nowhere.check(false), Err(SettingsError::NoHost));
        let hurried = MailSettings { timeout_seconds: 0, ..good };
        assert_eq!(hurried.check(false), Err(SettingsError::NoTime));
    }
}
