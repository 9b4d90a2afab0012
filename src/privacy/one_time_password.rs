//! The codes that are mailed: HOTP (RFC 4226), six digits, each challenge under a key of its own.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use vouchsafe_events::{ChallengeId, Nonce, PersonId};
use zeroize::Zeroizing;

/// How many digits a code has.
pub const DIGITS: usize = 6;

/// A code. It is never in an event, a log or a list: whoever needs it makes it anew.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// The digits, for the mail.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether somebody typed this code. Takes as long whatever they typed.
    pub fn is(&self, typed: &TypedCode) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), typed.0.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[one-time password]")
    }
}

/// Six digits that somebody typed.
#[derive(Clone)]
pub struct TypedCode(Zeroizing<String>);

/// Why what somebody typed cannot be a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotACode {
    /// Nothing was typed.
    Empty,
    /// Something else than digits, spaces and dashes.
    NotDigits,
    /// Too few digits.
    TooShort,
    /// Too many digits.
    TooLong,
}

impl TypedCode {
    /// Reads what somebody typed or pasted: white space and dashes between the digits do not count.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let dash = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{200b}' | '\u{feff}');
        let mut digits = Zeroizing::new(String::new());
        for c in text.chars().filter(|c| !c.is_whitespace() && !dash(*c)) {
            if !c.is_ascii_digit() {
                return Err(NotACode::NotDigits);
            }
            digits.push(c);
        }
        match digits.len() {
            0 => Err(NotACode::Empty),
            DIGITS => Ok(Self(digits)),
            fewer if fewer < DIGITS => Err(NotACode::TooShort),
            _ => Err(NotACode::TooLong),
        }
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[typed code]")
    }
}

/// Makes codes from the service's secret for them.
pub(super) struct Codes(hmac::Key);

impl Codes {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The code of a challenge: HOTP with the nonce as its counter, under a key that belongs to this person and
    /// this challenge alone.
    pub(super) fn code(&self, person: PersonId, challenge: ChallengeId, nonce: Nonce) -> Code {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"vouchsafe/one-time-password/1");
        context.update(person.uuid().as_bytes());
        context.update(challenge.uuid().as_bytes());
        hotp(context.sign().as_ref(), nonce.bits())
    }
}

/// RFC 4226, 5.3, with six digits.
fn hotp(key: &[u8], counter: u64) -> Code {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
    let four = bytes.iter().skip(offset).take(4);
    let truncated = four.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
    Code(Zeroizing::new(format!("{:06}", truncated % 1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // RFC 4226, appendix D.
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        let codes: Vec<String> =
            (0..10).map(|counter| hotp(b"12345678901234567890", counter).expose().to_owned()).collect();
        assert_eq!(codes, expected);
    }

    #[test]
    fn each_person_and_challenge_has_a_key_of_its_own() {
        let uuid = vouchsafe_events::Uuid::from_u128;
        let (codes, nonce) = (Codes::new(&[7; 32]), Nonce::new(1));
        let code = |person, challenge| {
            let (person, challenge) =
                (PersonId::from_uuid(uuid(person)), ChallengeId::from_uuid(uuid(challenge)));
            codes.code(person, challenge, nonce).expose().to_owned()
        };
        assert_eq!(code(1, 1), code(1, 1));
        assert_ne!(code(1, 1), code(2, 1));
        assert_ne!(code(1, 1), code(1, 2));
        let other = Codes::new(&[8; 32]);
        let same = (PersonId::from_uuid(uuid(1)), ChallengeId::from_uuid(uuid(1)));
        assert_ne!(other.code(same.0, same.1, nonce).expose(), code(1, 1));
    }

    #[test]
    fn a_code_may_be_typed_with_spaces_and_dashes() {
        for text in ["123456", " 123 456\n", "123-456", "1 2 3 4 5 6", "123\u{a0}456", "123\u{2013}456"] {
            assert_eq!(TypedCode::parse(text).unwrap().0.as_str(), "123456", "{text:?}");
        }
        for (text, why) in [
            ("", NotACode::Empty),
            (" - ", NotACode::Empty),
            ("12345", NotACode::TooShort),
            ("1234567", NotACode::TooLong),
            ("12345a", NotACode::NotDigits),
            ("１２３４５６", NotACode::NotDigits),
            ("+12345", NotACode::NotDigits),
        ] {
            assert_eq!(TypedCode::parse(text).unwrap_err(), why, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_printed() {
        let code = hotp(b"12345678901234567890", 0);
        assert!(code.is(&TypedCode::parse("755 224").unwrap()));
        assert!(!code.is(&TypedCode::parse("755225").unwrap()));
        assert!(!format!("{code:?}{:?}", TypedCode::parse("755224").unwrap()).contains('5'));
    }
}
