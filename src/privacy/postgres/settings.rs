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
        if config.get_ssl_mode() != SslMode::Disable {
            config.ssl_mode(SslMode::Require);
        } else if !config.get_hosts().iter().all(is_here) {
            return Err(PostgresSettingsError::Insecure);
        }
        if let Some(password) = password {
            config.password(password.expose());
        }
        config
            .application_name("vouchsafe")
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
