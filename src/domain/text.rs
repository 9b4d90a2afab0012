//! Free text that people type, parsed at the edge.

use std::fmt;

/// Why a text cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextRefused {
    /// There is nothing in it.
    #[error("enter some text")]
    Empty,
    /// It is longer than the limit, in characters.
    #[error("use {limit} characters or fewer")]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

/// Trims, unifies line ends, drops what cannot be seen but changes how a line reads (control characters and
/// bidirectional overrides), and checks the length in characters.
fn tidy(text: &str, limit: usize, lines: bool) -> Result<String, TextRefused> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = text
        .chars()
        .map(|c| if c == '\t' || (c == '\n' && !lines) { ' ' } else { c })
        .filter(|c| {
            (*c == '\n' || !c.is_control())
                && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        })
        .collect();
    let kept = kept.trim();
    if kept.is_empty() {
        Err(TextRefused::Empty)
    } else if kept.chars().count() > limit {
        Err(TextRefused::TooLong { limit })
    } else {
        Ok(kept.to_owned())
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $limit:literal, lines: $lines:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The most characters that it may have.
            pub const LIMIT: usize = $limit;

            /// Tidies and checks a text.
            pub fn parse(text: &str) -> Result<Self, TextRefused> {
                tidy(text, Self::LIMIT, $lines).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Personal data: never printed by accident.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[personal data]")
            }
        }
    };
}

text! {
    /// What a person writes to the approvers when they ask for access.
    Message, 500, lines: true
}

text! {
    /// Why a request is declined or access is ended. The person whom it concerns reads it.
    Reason, 500, lines: true
}

text! {
    /// A person's name as it is written, in one line.
    PersonName, 100, lines: false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_tidied() {
        assert_eq!(Message::parse("  a\r\nb\u{7} \u{202e}c ").unwrap().as_str(), "a\nb c");
        assert_eq!(PersonName::parse("Ann\r\nBcc: x").unwrap().as_str(), "Ann Bcc: x");
        assert_eq!(PersonName::parse("Zoë\tO’Brien").unwrap().as_str(), "Zoë O’Brien");
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert_eq!(Reason::parse(" \n\u{feff} "), Err(TextRefused::Empty));
        assert_eq!(Reason::parse(&"é".repeat(501)), Err(TextRefused::TooLong { limit: 500 }));
        assert!(Reason::parse(&"é".repeat(500)).is_ok());
    }
}
