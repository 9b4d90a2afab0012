//! Numbers by which public registers know an organisation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares a register number of a fixed count of digits.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $digits:literal, $first:literal, $error:ident, $why:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u32);

        #[doc = concat!("Why a text is not a [`", stringify!($name), "`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error($why)]
        pub struct $error;

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let text = text.trim();
                if text.len() != $digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err($error);
                }
                match text.parse() {
                    Ok(number) if ($first..=u32::MAX).contains(&number) => Ok(Self(number)),
                    _ => Err($error),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

number! {
    /// Unique reference number of an establishment, as Get Information about Schools gives it: six digits.
    Urn, 6, 100_000, NotAUrn, "a URN is six digits, like 123456"
}

number! {
    /// UK provider reference number, as the UK Register of Learning Providers gives it: eight digits.
    /// DfE's test data has ones with leading zeros, which are kept.
    Ukprn, 8, 0, NotAUkprn, "a UKPRN is eight digits, like 10012345"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_digits() {
        assert_eq!("123456".parse::<Urn>().unwrap().to_string(), "123456");
        assert_eq!(" 00000002 ".parse::<Ukprn>().unwrap().to_string(), "00000002");
    }

    #[test]
    fn what_is_not_the_registers_form_is_refused() {
        for text in ["", "12345", "1234567", "012345", "12345a", "+12345", "１２３４５６"] {
            assert_eq!(text.parse::<Urn>(), Err(NotAUrn), "{text}");
        }
        assert_eq!("1001234".parse::<Ukprn>(), Err(NotAUkprn));
    }
}
