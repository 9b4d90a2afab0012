//! Email addresses and the one form in which they are compared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An email address in the form in which addresses are compared.
///
/// The normalisation is the same everywhere: white space around it is trimmed, the whole is lower-cased,
/// and the domain is brought to its IDNA (UTS 46) ASCII form. Nothing that only one mail provider does
/// (dots, `+` tags) is applied. What is accepted is what mail can be sent to in practice: a dot-atom of
/// RFC 5321's printable ASCII, at most 64 octets, before the `@`; a domain of at least two labels after
/// it; 254 octets in all. Control characters, quotes and white space inside are refused, so an address
/// cannot carry a header with it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// Why a text is not an email address. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an email address, like name@example.com")]
pub struct NotAnEmail;

impl Email {
    /// The address in its normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What RFC 5321 lets stand in a dot-atom beside letters and digits.
const ATOM: &[u8] = b"!#$%&'*+-/=?^_`{|}~.";

impl FromStr for Email {
    type Err = NotAnEmail;

    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let (local, domain) = text.trim().rsplit_once('@').ok_or(NotAnEmail)?;
        let local = local.to_ascii_lowercase();
        let atoms = local.bytes().all(|byte| byte.is_ascii_alphanumeric() || ATOM.contains(&byte));
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        if local.is_empty() || local.len() > 64 || !atoms || dots {
            return Err(NotAnEmail);
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| NotAnEmail)?;
        let named = domain.rsplit('.').next().is_some_and(|top| top.bytes().any(|b| b.is_ascii_alphabetic()));
        if !domain.contains('.') || domain.ends_with('.') || !named {
            return Err(NotAnEmail);
        }
        let whole = format!("{local}@{domain}");
        if whole.len() > 254 { Err(NotAnEmail) } else { Ok(Self(whole)) }
    }
}

impl TryFrom<String> for Email {
    type Error = NotAnEmail;

    fn try_from(text: String) -> Result<Self, NotAnEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

/// Personal data: never printed by accident.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[email]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_differ_only_in_case_space_or_idna_form_are_equal() {
        let plain: Email = "c.darling@bücher.example".parse().unwrap();
        assert_eq!(plain.as_str(), "c.darling@xn--bcher-kva.example");
        for same in [
            " C.Darling@BÜCHER.example ",
            "c.darling@xn--bcher-kva.EXAMPLE",
            "c.darling@bu\u{308}cher.example",
        ] {
            assert_eq!(same.parse::<Email>().unwrap(), plain, "{same}");
        }
    }

    #[test]
    fn no_provider_specific_trick_is_applied() {
        assert_ne!("a.b+c@gmail.com".parse::<Email>().unwrap(), "ab@gmail.com".parse::<Email>().unwrap());
    }

    #[test]
    fn what_mail_cannot_be_sent_to_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "@",
            "a@",
            "@b.example",
            "a@b",
            "a b@c.example",
            "a@b c.example",
            "a@@b.example",
            ".a@b.example",
            "a.@b.example",
            "a..b@c.example",
            "a\r\nBcc: x@y.example",
            "a@b.example\r\nBcc: x",
            "\"a\"@b.example",
            "a@-b.example",
            "a@b..example",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "аnn@b.example",
            "a@b.example.",
            &long,
        ] {
            assert_eq!(text.parse::<Email>(), Err(NotAnEmail), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_normal(text in "\\PC{0,40}@\\PC{1,20}\\.[a-z]{2,5}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.as_str().parse::<Email>(), Ok(email.clone()));
                prop_assert!(email.as_str().is_ascii());
            }
        }
    }
}
