//! Streams, versions and positions: where an event stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{OrganisationId, PersonId};

/// A reactor that follows the log and acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reactor {
    /// Sends mail.
    Mail,
    /// Does what time brings: reminders, expiries, ends, reviews.
    Timekeeper,
    /// Keeps approvers in step with DfE Sign-in.
    Approvers,
    /// Brings the people of closed organisations to their successors.
    Successions,
}

impl Reactor {
    /// The reactor's name in streams and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Timekeeper => "timekeeper",
            Self::Approvers => "approvers",
            Self::Successions => "successions",
        }
    }

    /// Every reactor.
    pub const ALL: [Self; 4] = [Self::Mail, Self::Timekeeper, Self::Approvers, Self::Successions];
}

impl FromStr for Reactor {
    type Err = NotAStream;

    fn from_str(name: &str) -> Result<Self, NotAStream> {
        Self::ALL.into_iter().find(|reactor| reactor.name() == name).ok_or(NotAStream)
    }
}

/// A keyed hash (HMAC-SHA-256) of a value that must be found again without being kept: an email in its
/// normal form, or a provider's subject. Whoever holds the key can confirm a guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyedHash([u8; 32]);

impl KeyedHash {
    /// Takes the output of the keyed hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// SHA-256 of a session's token: names a session in events without opening it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionHash([u8; 32]);

impl SessionHash {
    /// Takes the SHA-256 of a session's token.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Why a text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is written as 64 lower-case hexadecimal digits")]
pub struct NotAHash;

/// What no hexadecimal digit is worth.
const NO_DIGIT: u8 = 0xff;

/// What each byte is worth as a lower-case hexadecimal digit. A start reads millions of hashes, and a table asks no
/// question whose answer a processor would have to guess.
#[expect(clippy::indexing_slicing, reason = "it is worked out by the compiler")]
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        let byte = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        digits[byte as usize] = digit;
        digit += 1;
    }
    digits
};

/// Reads 64 lower-case hexadecimal digits.
fn unhex(text: &str) -> Result<[u8; 32], NotAHash> {
    let digit = |byte: u8| DIGITS.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT);
    let mut out = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != out.len() || !rest.is_empty() {
        return Err(NotAHash);
    }
    let mut seen = 0;
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        let (high, low) = (digit(*high), digit(*low));
        seen |= high | low;
        *byte = high << 4 | (low & 0x0f);
    }
    if seen > 0x0f { Err(NotAHash) } else { Ok(out) }
}

macro_rules! hex {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAHash;

            fn from_str(text: &str) -> Result<Self, NotAHash> {
                unhex(text).map(Self)
            }
        }

        impl Serialize for $name {
            /// A text of digits where people read it, 32 bytes where they do not.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("64 lower-case hexadecimal digits")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(Visitor)
                } else {
                    <[u8; 32]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

hex!(KeyedHash);
hex!(SessionHash);

/// A stream: the events that one decision must see together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Stream {
    /// All who-may-do-what of one organisation.
    Organisation(OrganisationId),
    /// What happened to one person.
    Person(PersonId),
    /// Reserves one email for one person.
    Email(KeyedHash),
    /// Reserves one account at an identity provider (issuer and subject) for one person.
    Subject(KeyedHash),
    /// What a reactor sent or gave up on.
    Reactor(Reactor),
}

/// Why a text does not name a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stream is named organisation-<uuid>, person-<uuid>, email-<hash>, subject-<hash> or reactor-<name>"
)]
pub struct NotAStream;

impl Stream {
    /// Every kind of stream.
    pub const KINDS: [&'static str; 5] = ["organisation", "person", "email", "subject", "reactor"];

    /// Which kind of stream it is, one of [`KINDS`](Self::KINDS): what its name begins with.
    pub const fn kind(self) -> &'static str {
        let [organisation, person, email, subject, reactor] = Self::KINDS;
        match self {
            Self::Organisation(_) => organisation,
            Self::Person(_) => person,
            Self::Email(_) => email,
            Self::Subject(_) => subject,
            Self::Reactor(_) => reactor,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Organisation(id) => write!(f, "{kind}-{id}"),
            Self::Person(id) => write!(f, "{kind}-{id}"),
            Self::Email(hash) | Self::Subject(hash) => write!(f, "{kind}-{hash}"),
            Self::Reactor(reactor) => write!(f, "{kind}-{}", reactor.name()),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Stream {
    type Err = NotAStream;

    fn from_str(name: &str) -> Result<Self, NotAStream> {
        let (kind, rest) = name.split_once('-').ok_or(NotAStream)?;
        // One stream has one name, so a UUID must be as it is written.
        let uuid = || {
            let canonical = rest.len() == 36 && !rest.bytes().any(|byte| byte.is_ascii_uppercase());
            if canonical { uuid::Uuid::try_parse(rest).map_err(|_| NotAStream) } else { Err(NotAStream) }
        };
        match kind {
            "organisation" => uuid().map(|id| Self::Organisation(OrganisationId::from_uuid(id))),
            "person" => uuid().map(|id| Self::Person(PersonId::from_uuid(id))),
            "email" => rest.parse().map(Self::Email).map_err(|_| NotAStream),
            "subject" => rest.parse().map(Self::Subject).map_err(|_| NotAStream),
            "reactor" => rest.parse().map(Self::Reactor),
            _ => Err(NotAStream),
        }
    }
}

impl TryFrom<String> for Stream {
    type Error = NotAStream;

    fn try_from(name: String) -> Result<Self, NotAStream> {
        name.parse()
    }
}

impl From<Stream> for String {
    fn from(stream: Stream) -> Self {
        stream.to_string()
    }
}

/// How many events stand before this one in its stream: the first has version 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of a stream's first event.
    pub const FIRST: Self = Self(0);

    /// Takes a number for a version.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where an event stands in the whole log. Positions only grow; the engine gives them.
///
/// A position says "everything up to and including the event here"; [`Position::START`] is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// Takes an engine's number for a position.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_one_name() {
        let hash = "0123456789abcdef".repeat(4);
        for name in [
            "organisation-0192f5a4-7c1e-7000-8000-000000000001".to_owned(),
            "person-0192f5a4-7c1e-7000-8000-000000000001".to_owned(),
            format!("email-{hash}"),
            format!("subject-{hash}"),
            "reactor-mail".to_owned(),
        ] {
            assert_eq!(name.parse::<Stream>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_hash_is_sixty_four_lower_case_digits() {
        let good = "00ff7a9f0123456789abcdef".to_owned() + &"5e".repeat(20);
        assert_eq!(good.parse::<KeyedHash>().unwrap().to_string(), good);
        for byte in (0..=127_u8).map(char::from).filter(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
            for place in [0, 63] {
                let mut text = good.clone();
                text.replace_range(place..=place, &byte.to_string());
                assert_eq!(text.parse::<KeyedHash>(), Err(NotAHash), "{text}");
            }
        }
        assert_eq!(good[1..].parse::<SessionHash>(), Err(NotAHash));
        assert_eq!(format!("{good}0").parse::<SessionHash>(), Err(NotAHash));
    }

    #[test]
    fn what_does_not_name_a_stream_is_refused() {
        let upper = format!("email-{}", "0123456789ABCDEF".repeat(4));
        for name in [
            "",
            "person",
            "person-",
            "person-1",
            "people-0192f5a4-7c1e-7000-8000-000000000001",
            "reactor-none",
            "person-0192F5A4-7C1E-7000-8000-000000000001",
            "person-{0192f5a4-7c1e-7000-8000-000000000001}",
            "person-0192f5a47c1e70008000000000000001",
            "$all",
            &upper,
        ] {
            assert_eq!(name.parse::<Stream>(), Err(NotAStream), "{name}");
        }
    }
}
