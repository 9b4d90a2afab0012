//! Who a provider says a person is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A person's identifier at a provider: the `sub` claim. With the issuer it names a person for good; an email
/// does not.
///
/// 1 to 255 printable ASCII characters (OpenID Connect Core, 2). DfE's are UUIDs whose case varies from call to
/// call, so a UUID is kept in lower case; anything else is kept, and compared, letter for letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(String);

/// Why a text is not a [`Subject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject has 1 to 255 printable ASCII characters")]
pub struct NotASubject;

impl Subject {
    /// The identifier in the form in which it is compared.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is a UUID in its usual form of 36 characters.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        if text.is_empty() || text.len() > 255 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotASubject);
        }
        Ok(Self(if is_uuid(text) { text.to_ascii_lowercase() } else { text.to_owned() }))
    }
}

impl TryFrom<String> for Subject {
    type Error = NotASubject;

    fn try_from(text: String) -> Result<Self, NotASubject> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[subject]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_compared_without_case_and_other_subjects_with_it() {
        let upper: Subject = "B41B3462-62F8-4B43-8D4B-407F7F115056".parse().unwrap();
        assert_eq!(upper, "b41b3462-62f8-4b43-8d4b-407f7f115056".parse().unwrap());
        assert_ne!("Ann".parse::<Subject>().unwrap(), "ann".parse().unwrap());
    }

    #[test]
    fn what_cannot_be_a_subject_is_refused() {
        for text in ["", " ", "a b", "ann\n", "añn", &"a".repeat(256)] {
            assert_eq!(text.parse::<Subject>(), Err(NotASubject), "{text:?}");
        }
        assert!("a".repeat(255).parse::<Subject>().is_ok());
    }
}
