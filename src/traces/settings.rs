//! `[traces]`.

use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use crate::identity::http::is_loopback;

/// Where traces are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracesSettings {
    /// The collector, which takes OTLP over HTTP: the address before `/v1/traces`.
    pub endpoint: Url,
    /// Which share of requests is traced: from 0 to 1.
    #[serde(default = "sample_ratio")]
    pub sample_ratio: f64,
    /// What the service is called in traces.
    #[serde(default = "service_name")]
    pub service_name: String,
    /// How many seconds the collector may take to answer.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u16,
    /// Whether a trusted proxy's `traceparent` is gone on with, its decision whether to trace included.
    #[serde(default)]
    pub trust_traceparent: bool,
    /// A file of headers that the collector asks for, such as `authorization: Bearer …`, one a line.
    pub headers_file: Option<PathBuf>,
}

const fn sample_ratio() -> f64 {
    0.1
}

fn service_name() -> String {
    "vouchsafe".to_owned()
}

const fn timeout_seconds() -> u16 {
    5
}

impl TracesSettings {
    /// Where spans are posted to.
    pub fn address(&self) -> Url {
        let mut address = self.endpoint.clone();
        address.set_path(&format!("{}/v1/traces", address.path().trim_end_matches('/')));
        address
    }

    /// What is wrong with it.
    pub fn fault(&self) -> Option<&'static str> {
        let named = !self.endpoint.username().is_empty() || self.endpoint.password().is_some();
        match self.endpoint.scheme() {
            _ if named || self.endpoint.query().is_some() || self.endpoint.fragment().is_some() => Some(
                "endpoint: an address without a name, a password or a query: secrets go into headers_file",
            ),
            "http" if self.headers_file.is_some() && !is_loopback(&self.endpoint) => Some(
                "headers_file: secrets go to another machine over https alone: write endpoint with https",
            ),
            "https" | "http" => None,
            _ => Some("endpoint: must begin with https:// or http://"),
        }
        .or_else(|| {
            (!(0.0..=1.0).contains(&self.sample_ratio)).then_some("sample_ratio: must be from 0 to 1")
        })
        .or_else(|| (self.timeout_seconds == 0).then_some("timeout_seconds: must be 1 or more"))
        .or_else(|| self.service_name.trim().is_empty().then_some("service_name: must not be empty"))
    }
}

/// Headers that go with every batch. Their values are never shown.
pub type TraceHeaders = Vec<(HeaderName, HeaderValue)>;

/// Reads headers from their file: `name: value`, one a line. Empty lines and those that begin with `#` are passed over.
pub fn read_headers(path: &Path) -> Result<TraceHeaders, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let text = zeroize::Zeroizing::new(text);
    let mut headers = TraceHeaders::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let header = line.split_once(':').and_then(|(name, value)| {
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name.trim()).ok()?, value))
        });
        headers.push(header.ok_or_else(|| format!("{shown}, line {}: write `name: value`", number + 1))?);
    }
    if headers.is_empty() { Err(format!("{shown} has no header: write `name: value`")) } else { Ok(headers) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> TracesSettings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn spans_go_to_the_path_that_the_protocol_names() {
        for (endpoint, address) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("https://otlp.example/base/", "https://otlp.example/base/v1/traces"),
        ] {
            let settings = settings(&format!("endpoint = \"{endpoint}\""));
            assert_eq!(settings.address().as_str(), address);
            assert_eq!(settings.fault(), None);
        }
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        for (wrong, told) in [
            ("endpoint = \"ftp://collector\"", "must begin with"),
            ("endpoint = \"https://me:secret@collector\"", "headers_file"),
            ("endpoint = \"https://collector?key=secret\"", "headers_file"),
            ("endpoint = \"http://collector:4318\"\nheaders_file = \"/run/h\"", "https alone"),
            ("endpoint = \"http://collector:4318\"\nsample_ratio = 1.5", "from 0 to 1"),
            ("endpoint = \"http://collector:4318\"\nsample_ratio = nan", "from 0 to 1"),
            ("endpoint = \"http://collector:4318\"\ntimeout_seconds = 0", "1 or more"),
            ("endpoint = \"http://collector:4318\"\nservice_name = \" \"", "not be empty"),
        ] {
            let fault = settings(wrong).fault().unwrap_or_default();
            assert!(fault.contains(told) && !fault.contains("secret@"), "{wrong}: {fault}");
        }
        let local = "endpoint = \"http://127.0.0.1:4318\"\nheaders_file = \"/run/h\"";
        assert_eq!(settings(local).fault(), None);
    }

    #[test]
    fn headers_are_read_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headers");
        std::fs::write(&file, "# for the collector\nAuthorization: Bearer s3cret\n\nx-scope:a:b\n").unwrap();
        let headers = read_headers(&file).unwrap();
        assert_eq!(headers[0].0, "authorization");
        assert_eq!((headers[0].1.as_bytes(), headers[1].1.as_bytes()), (&b"Bearer s3cret"[..], &b"a:b"[..]));
        assert!(!format!("{headers:?}").contains("s3cret"));
        for (wrong, told) in [("", "no header"), ("a: b\nnonsense\n", "line 2"), ("bad name: x", "line 1")] {
            std::fs::write(&file, wrong).unwrap();
            assert!(read_headers(&file).unwrap_err().contains(told), "{wrong}");
        }
        assert!(read_headers(&folder.path().join("none")).unwrap_err().contains("cannot be read"));
    }
}
