//! Values that must never be shown.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

/// A secret text: wiped from memory when dropped and redacted wherever it might be printed.
///
/// It deserialises from a plain string so that a configuration can hold one, and has no `Serialize`
/// and no `Display`, so that nothing writes it out again by accident.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_redacted_in_debug_output() {
        assert_eq!(format!("{:?}", Secret::from("hunter2".to_owned())), "[secret]");
    }
}
