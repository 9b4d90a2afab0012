//! How the history is proven.

use serde::Deserialize;
use url::Url;

use super::checkpoint::is_origin;

/// How the history is proven.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProofSettings {
    /// The name of the log in checkpoints. None: the host of the service's address, followed by `/log`.
    pub origin: Option<String>,
    /// Every how many minutes a checkpoint is signed, if there is anything new; 0 signs on demand alone.
    pub every_minutes: u32,
    /// Whether the tree's hashes are served to everybody, as C2SP tlog-tiles. They tell nothing of what happened, but
    /// how much.
    pub tiles: bool,
    /// Whether the events are served to everybody too, as they are stored. Personal data is sealed in them; who did what
    /// at which school is not.
    pub entries: bool,
}

impl Default for ProofSettings {
    fn default() -> Self {
        Self { origin: None, every_minutes: 60, tiles: false, entries: false }
    }
}

impl ProofSettings {
    /// The name of the log in checkpoints.
    pub fn origin(&self, base_url: &Url) -> String {
        self.origin.clone().unwrap_or_else(|| {
            let host = base_url.host_str().unwrap_or("localhost");
            base_url.port().map_or_else(|| format!("{host}/log"), |port| format!("{host}:{port}/log"))
        })
    }

    /// What is wrong with the settings, if anything is.
    pub fn fault(&self) -> Option<&'static str> {
        let wrong = self.origin.as_deref().is_some_and(|origin| !is_origin(origin));
        if wrong {
            return Some(
                "origin must not be empty nor hold spaces or a +: write something like access.example/log",
            );
        }
        (self.entries && !self.tiles)
            .then_some("entries needs tiles = true: nobody could check them otherwise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_follows_from_the_address_unless_it_is_set() {
        let settings = ProofSettings::default();
        let origin = |url: &str| settings.origin(&Url::parse(url).unwrap());
        assert_eq!(origin("https://access.example"), "access.example/log");
        assert_eq!(origin("http://localhost:8080/"), "localhost:8080/log");
        let named = ProofSettings { origin: Some("other/2".to_owned()), ..settings.clone() };
        assert_eq!(named.origin(&Url::parse("https://access.example").unwrap()), "other/2");
        assert_eq!((named.fault(), settings.fault()), (None, None));
        for origin in ["", "a b", "a+b"] {
            let named = ProofSettings { origin: Some(origin.to_owned()), ..settings.clone() };
            assert!(named.fault().is_some(), "{origin}");
        }
        assert!(ProofSettings { entries: true, ..settings }.fault().is_some());
    }
}
