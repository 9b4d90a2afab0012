//! One-time passwords: codes that are mailed to somebody who is on a list that support keeps.
//!
//! No event holds a code, or a hash of one. A code follows from a secret of the service, the person, the challenge
//! and its nonce (RFC 4226).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ChallengeId, SessionHash, Timestamp};

/// The counter from which a challenge's code is made: 64 random bits, 16 hexadecimal digits when written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce(u64);

/// Why a text is not a [`Nonce`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a nonce is written as 16 lower-case hexadecimal digits")]
pub struct NotANonce;

impl Nonce {
    /// Takes 64 random bits.
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Nonce {
    type Err = NotANonce;

    fn from_str(text: &str) -> Result<Self, NotANonce> {
        let digits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if digits { u64::from_str_radix(text, 16).map(Self).map_err(|_| NotANonce) } else { Err(NotANonce) }
    }
}

impl TryFrom<String> for Nonce {
    type Error = NotANonce;

    fn try_from(text: String) -> Result<Self, NotANonce> {
        text.parse()
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        nonce.to_string()
    }
}

/// A person asked for a one-time password, and one is mailed. An earlier one is good no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimePasswordIssued<T> {
    /// The challenge that the code answers. The browser that asked holds it.
    pub challenge: ChallengeId,
    /// What the code is made from, with a secret that is not here.
    pub nonce: Nonce,
    /// From when on the code is no longer good.
    pub expires: Timestamp,
    /// The network address that it was asked for from.
    pub network: T,
}

/// Why somebody who asked for a one-time password got none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withheld {
    /// They are on no list. They are mailed how to get in, if they were not of late.
    NotListed,
    /// One was mailed a moment ago.
    TooSoon,
    /// As many as there may be were mailed within the hour.
    TooMany,
    /// After too many wrong codes they must wait first.
    MustWait,
}

/// A person asked for a one-time password and got none. Their browser is told nothing of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimePasswordWithheld<T> {
    /// What the browser that asked holds: no code answers it.
    pub challenge: ChallengeId,
    /// Why.
    pub reason: Withheld,
    /// The network address that it was asked for from.
    pub network: T,
}

/// A person typed the right code, in the browser that asked for it, in time. The sign-in follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimePasswordUsed {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The session that begins.
    pub session: SessionHash,
}

/// Why a code was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeRefusal {
    /// It is not the code.
    Wrong,
    /// It is the code, too late.
    Expired,
    /// It has signed somebody in before.
    Used,
    /// A newer one was mailed since.
    Superseded,
    /// It is the code, but the person is on no list any more.
    NotListed,
}

/// A code was tried and not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimePasswordRefused<T> {
    /// The challenge that it was tried on.
    pub challenge: ChallengeId,
    /// Why.
    pub reason: CodeRefusal,
    /// The network address that it was tried from.
    pub network: T,
}

/// After wrong codes, one-time passwords are off for this person for a while. DfE Sign-in is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimePasswordDelayed {
    /// Until when.
    pub until: Timestamp,
    /// How many wrong codes there were since the last right one.
    pub failures: u16,
}

/// Support ended the wait, and wrong codes count from nothing again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimePasswordDelayLifted {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_has_one_form() {
        let nonce = Nonce::new(0x00ff_0000_0000_0001);
        assert_eq!(nonce.to_string(), "00ff000000000001");
        assert_eq!("00ff000000000001".parse(), Ok(nonce));
        for text in ["", "1", "00FF000000000001", "+0ff000000000001", "00ff0000000000010"] {
            assert_eq!(text.parse::<Nonce>(), Err(NotANonce), "{text}");
        }
    }
}
