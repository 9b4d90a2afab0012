//! Where the database is, and how it is reached.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::secret::Secret;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the server may take for one statement, and for a lock.
const STATEMENT_MILLIS: u32 = 10_000;

/// How a PostgreSQL database is reached.
#[derive(Clone)]
pub struct PostgresSettings {
    config: Config,
    tls: MakeRustlsConnect,
}

/// Why a database cannot be reached as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum PostgresSettingsError {
    /// The address is none.
    #[error(
        "it is not the address of a PostgreSQL database, such as postgres://vouchsafe@db.example:5432/keys"
    )]
    NotAnAddress(#[source] Error),
    /// The password stands in the address.
    #[error(
        "the password must not stand in the address: put it in a file and name that in key_ring_password_file"
    )]
    Password,
    /// The address names no host, user or database.
    #[error("the address must name a host, a user and a database: postgres://user@host:5432/database")]
    Incomplete,
    /// A password or certificates without a database.
    #[error("key_ring_password_file and key_ring_ca_file are for a key ring in a database, and it is a file")]
    Alone,
    /// The address has parameters that have no meaning here.
    #[error(
        "the address must not have hostaddr or options: name the host itself, and set defaults for the role in the database"
    )]
    Parameters,
    /// The address asks for what the key ring decides itself.
    #[error(
        "the address must not have {0}: the key ring itself says how long a database is waited for, and uses only one \
         that takes writes, as a standby may not know yet which keys were destroyed"
    )]
    Ruled(&'static str),
    /// Without TLS to another machine.
    #[error("a database on another machine must be reached with TLS: leave sslmode=disable out")]
    Insecure,
    /// The file of certificates.
    #[error("{path} is not a file of certificates in PEM form: check key_ring_ca_file")]
    NotCertificates {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("TLS to the database cannot be set up")]
    Tls(#[from] rustls::Error),
}

impl PostgresSettings {
    /// Reads an address (`postgres://user@host:port/database`), without a password. The connection is by TLS, but for
    /// a database on this machine, where `sslmode=disable` may say otherwise. `ca_file` names the certificates that
    /// the server's is signed by, where the system does not know them.
    pub fn new(
        address: &str,
        password: Option<&Secret>,
        ca_file: Option<&Path>,
    ) -> Result<Self, PostgresSettingsError> {
        let mut config: Config = address.parse().map_err(PostgresSettingsError::NotAnAddress)?;
        if config.get_password().is_some() {
            return Err(PostgresSettingsError::Password);
        }
        if config.get_hosts().is_empty() || config.get_user().is_none() || config.get_dbname().is_none() {
            return Err(PostgresSettingsError::Incomplete);
        }
        if !config.get_hostaddrs().is_empty() || !config.get_options().unwrap_or_default().is_empty() {
            return Err(PostgresSettingsError::Parameters);
        }
        if let Some(name) = ruled(address, &config) {
            return Err(PostgresSettingsError::Ruled(name));
        }
        if config.get_ssl_mode() != SslMode::Disable {
            config.ssl_mode(SslMode::Require);
        } else if !config.get_hosts().iter().all(is_here) {
            return Err(PostgresSettingsError::Insecure);
        }
        if let Some(password) = password {
            config.password(password.expose());
        }
        if config.get_application_name().is_none() {
            config.application_name("vouchsafe");
        }
        config
            // A standby does not know yet what was destroyed.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT)
            .tcp_user_timeout(Duration::from_millis(STATEMENT_MILLIS.into()))
            .options(format!(
                "-c statement_timeout={STATEMENT_MILLIS} -c lock_timeout={STATEMENT_MILLIS} -c synchronous_commit=on \
                 -c idle_in_transaction_session_timeout={STATEMENT_MILLIS}"
            ));
        Ok(Self { config, tls: MakeRustlsConnect::new(tls(ca_file)?) })
    }

    /// Connects. What keeps the connection going runs beside, on the same runtime.
    pub(super) async fn connect(&self) -> Result<Client, Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        // Its end is told by what is asked of the client.
        drop(tokio::spawn(connection));
        Ok(client)
    }
}

/// A parameter in an address that would be overruled without a word. A timeout of nothing, and a server of any kind,
/// leave no trace in what was understood: so the text is looked at too.
fn ruled(address: &str, config: &Config) -> Option<&'static str> {
    let said = |name: &str| address.contains(&format!("{name}="));
    let kind = config.get_target_session_attrs();
    [
        ("connect_timeout", config.get_connect_timeout().is_some() || said("connect_timeout")),
        ("tcp_user_timeout", config.get_tcp_user_timeout().is_some() || said("tcp_user_timeout")),
        ("target_session_attrs", kind != TargetSessionAttrs::ReadWrite && said("target_session_attrs")),
    ]
    .into_iter()
    .find_map(|(name, found)| found.then_some(name))
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn tls(ca_file: Option<&Path>) -> Result<ClientConfig, PostgresSettingsError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca_file {
        let not = |_| PostgresSettingsError::NotCertificates { path: path.to_owned() };
        for certificate in CertificateDer::pem_file_iter(path).map_err(not)? {
            roots.add(certificate.map_err(not)?)?;
        }
        if roots.is_empty() {
            return Err(PostgresSettingsError::NotCertificates { path: path.to_owned() });
        }
    } else {
        // Certificates of the system's that cannot be read are as good as not there.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_and_who_but_no_password_and_goes_elsewhere_by_tls_alone() {
        let why = |address: &str| {
            let settings = PostgresSettings::new(address, None, None);
            settings.map_or_else(|error| error.to_string(), |_| String::new())
        };
        for fine in [
            "postgres://vouchsafe@db.example:5432/keys",
            "postgresql://vouchsafe@db.example/keys",
            "postgres://vouchsafe@localhost/keys?sslmode=disable",
            "postgres://vouchsafe@127.0.0.1:5433/keys?sslmode=disable",
        ] {
            assert_eq!(why(fine), "", "{fine}");
        }
        assert!(why("postgres://vouchsafe:hunter2@db.example/keys").contains("password"));
        assert!(!why("postgres://vouchsafe:hunter2@db.example/keys").contains("hunter2"));
        assert!(why("postgres://vouchsafe@db.example/keys?sslmode=disable").contains("TLS"));
        for hidden in ["hostaddr=10.0.0.9&sslmode=disable", "options=-csearch_path%3Dother"] {
            assert!(
                why(&format!("postgres://vouchsafe@localhost/keys?{hidden}")).contains("hostaddr"),
                "{hidden}"
            );
        }
        assert!(why("postgres://db.example/keys").contains("user"));
        assert!(why("postgres://vouchsafe@db.example:port/keys").contains("not the address"));
    }

    #[test]
    fn what_an_address_says_is_kept_or_refused_and_never_overruled_without_a_word() {
        let read = |more: &str| {
            let address = format!("postgres://vouchsafe@db.example/keys{more}");
            PostgresSettings::new(&address, None, None).map(|settings| settings.config)
        };
        assert_eq!(read("").unwrap().get_application_name(), Some("vouchsafe"));
        let named = read("?application_name=access%20one&target_session_attrs=read-write").unwrap();
        assert_eq!(named.get_application_name(), Some("access one"));
        assert_eq!(named.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(named.get_connect_timeout(), Some(&CONNECT));
        let kept = read("?keepalives_idle=30&load_balance_hosts=random").unwrap();
        assert_eq!(kept.get_keepalives_idle(), Duration::from_secs(30));
        for (name, more) in [
            ("connect_timeout", "?connect_timeout=10"),
            ("connect_timeout", "?connect_timeout=0"),
            ("connect_timeout", "?target_session_attrs=read-write&connect_timeout=0"),
            ("tcp_user_timeout", "?application_name=x&tcp_user_timeout=60"),
            ("target_session_attrs", "?target_session_attrs=any"),
            ("target_session_attrs", "?target_session_attrs=read-only"),
        ] {
            let error = read(more).expect_err(more);
            assert!(matches!(error, PostgresSettingsError::Ruled(found) if found == name), "{more}: {error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_file_that_holds_no_certificates_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let address = "postgres://vouchsafe@db.example/keys";
        for text in [None, Some(""), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            assert!(PostgresSettings::new(address, None, Some(&path)).is_err(), "{text:?}");
        }
    }
}
