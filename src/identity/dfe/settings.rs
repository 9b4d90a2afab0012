//! What an operator says about DfE Sign-in.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use url::Url;

use crate::identity::http::{HttpSettings, is_secure};
use crate::secret::Secret;

/// How this service is known to DfE Sign-in, and how it signs people in there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DfeSettings {
    /// The issuer, letter for letter as the provider's discovery document gives it. DfE's carries its port:
    /// `https://oidc.signin.education.gov.uk:443`.
    pub issuer: Issuer,
    /// The client id that DfE gave this service.
    pub client_id: String,
    /// The file that holds the client secret.
    pub client_secret_file: PathBuf,
    /// Where DfE sends people back to. It must be registered with DfE, letter for letter.
    pub redirect_url: Address,
    /// How the client secret is sent: `basic` or `post`. Left out, it is what the discovery document offers.
    #[serde(default)]
    pub client_authentication: Option<ClientAuthentication>,
    /// Whether an email counts as verified when the provider does not say. DfE Sign-in never says, and has
    /// verified it. One that the provider calls unverified is refused always.
    #[serde(default = "yes")]
    pub trust_unstated_email: bool,
    /// How long a person may take at DfE's pages, in seconds. Each of those pages waits ten minutes, and there
    /// are up to three (password, emailed code, organisation), so this is half an hour.
    #[serde(default = "half_an_hour")]
    pub sign_in_seconds: u32,
    /// How long the discovery document and the keys are used before they are fetched again, in seconds.
    #[serde(default = "an_hour")]
    pub discovery_seconds: u32,
    /// Limits of the calls to the provider.
    #[serde(default)]
    pub http: HttpSettings,
    /// DfE Sign-in's public API. Without it nobody's role can be asked.
    #[serde(default)]
    pub api: Option<ApiSettings>,
}

/// DfE Sign-in's public API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSettings {
    /// Where the API is: `https://api.signin.education.gov.uk`.
    pub base_url: Address,
    /// The file that holds the API secret, which is another than the client secret.
    pub secret_file: PathBuf,
    /// Who our tokens are addressed to.
    #[serde(default = "dfe_audience")]
    pub audience: String,
    /// Limits of the calls: 3 seconds, as the services beside us have it.
    #[serde(default = "api_limits")]
    pub http: HttpSettings,
}

fn yes() -> bool {
    true
}

fn half_an_hour() -> u32 {
    1_800
}

fn an_hour() -> u32 {
    3_600
}

fn dfe_audience() -> String {
    "signin.education.gov.uk".to_owned()
}

fn api_limits() -> HttpSettings {
    HttpSettings { timeout_ms: 3_000, ..HttpSettings::default() }
}

/// The secrets that go with [`DfeSettings`], read from their files by the configuration.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client secret: proves this service at the token endpoint.
    pub client_secret: Secret,
    /// The API secret: signs our tokens for the public API.
    pub api_secret: Option<Secret>,
}

/// How the client secret is sent (RFC 6749, 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// In the `Authorization` header.
    Basic,
    /// In the body.
    Post,
}

/// Why a text is not the address of a web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a web address, like https://example.service.gov.uk, without a user, query or fragment")]
pub struct NotAnAddress;

/// Parses an address of a web server that nothing hangs from.
fn plain_url(text: &str) -> Result<Url, NotAnAddress> {
    let url = Url::parse(text).map_err(|_| NotAnAddress)?;
    let web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    let plain = url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if web && plain && anonymous { Ok(url) } else { Err(NotAnAddress) }
}

/// The address of a web server or a page of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(Url);

impl Address {
    /// The address as a URL.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        plain_url(text).map(Self)
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// A provider's issuer identifier.
///
/// The text is kept beside the URL, because issuers are compared letter for letter (OpenID Connect Core, 3.1.3.7)
/// while a URL loses `:443`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Issuer(String, Url);

impl Issuer {
    /// The identifier, letter for letter.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as a URL, for its host and port.
    pub const fn url(&self) -> &Url {
        &self.1
    }
}

impl FromStr for Issuer {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        plain_url(text).map(|url| Self(text.to_owned(), url))
    }
}

impl TryFrom<String> for Issuer {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A setting that cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// An address must be https.
    #[error("dfe_sign_in.{0} must be an https address")]
    Insecure(&'static str),
    /// A setting is empty.
    #[error("dfe_sign_in.{0} is empty")]
    Empty(&'static str),
    /// The HTTP client cannot start.
    #[error(transparent)]
    Http(#[from] crate::identity::http::HttpError),
}

impl DfeSettings {
    /// Whether sign-in can work with these settings, as far as one can tell without asking DfE.
    pub fn check(&self) -> Result<(), SettingsError> {
        if !is_secure(self.issuer.url(), self.http.allow_insecure_loopback) {
            return Err(SettingsError::Insecure("issuer"));
        }
        if !is_secure(self.redirect_url.url(), self.http.allow_insecure_loopback) {
            return Err(SettingsError::Insecure("redirect_url"));
        }
        if self.client_id.trim().is_empty() {
            return Err(SettingsError::Empty("client_id"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#"
        issuer = "https://oidc.example:443"
        client_id = "ecf2"
        client_secret_file = "/run/secrets/dfe"
        redirect_url = "https://ecf2.example/sign-in/dfe/callback"
    "#;

    #[test]
    fn the_least_that_must_be_said_is_enough_and_the_issuer_keeps_its_port() {
        let settings: DfeSettings = toml::from_str(LEAST).unwrap();
        assert_eq!(settings.issuer.as_str(), "https://oidc.example:443");
        assert!(settings.trust_unstated_email);
        assert!(settings.api.is_none());
        assert!(!settings.http.allow_insecure_loopback);
        settings.check().unwrap();
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(toml::from_str::<DfeSettings>(&format!("{LEAST}\nclient_secert = \"x\"")).is_err());
        assert!(toml::from_str::<DfeSettings>(&format!("{LEAST}\n[http]\nfollow_redirects = true")).is_err());
    }

    #[test]
    fn an_address_without_https_is_refused() {
        let settings: DfeSettings = toml::from_str(&LEAST.replace("https://oidc", "http://oidc")).unwrap();
        assert!(matches!(settings.check(), Err(SettingsError::Insecure("issuer"))));
        let settings: DfeSettings = toml::from_str(&LEAST.replace("https://ecf2", "http://ecf2")).unwrap();
        assert!(matches!(settings.check(), Err(SettingsError::Insecure("redirect_url"))));
    }

    #[test]
    fn what_is_not_a_plain_web_address_is_refused() {
        for text in
            ["", "oidc.example", "https://", "https://u:p@oidc.example", "https://o.example/?a", "ftp://o/"]
        {
            assert_eq!(text.parse::<Issuer>(), Err(NotAnAddress), "{text}");
        }
    }
}
