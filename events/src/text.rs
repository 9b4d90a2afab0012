//! Personal data in events: plain while it is decided on, sealed once it is stored.
//!
//! [`Event`](crate::Event) is generic over which of the two it holds. [`Plain`] cannot be serialised, so an
//! event that holds it cannot be stored: the compiler keeps the rule that personal data is in the log only
//! sealed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{EventId, PersonId};

/// Personal data in the clear, with whose it is. It is not serialisable and not printable.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain {
    /// Whose data this is: it is sealed under this person's key.
    pub subject: PersonId,
    /// The text.
    pub text: String,
}

impl Plain {
    /// Text about `subject`.
    pub fn about(subject: PersonId, text: impl Into<String>) -> Self {
        Self { subject, text: text.into() }
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal data]")
    }
}

/// Personal data sealed under its subject's own key: base64, opaque here. Clones share the text, since lists keep
/// what events hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sealed(Arc<str>);

impl Sealed {
    /// Takes what the sealing gave, as base64.
    pub fn from_base64(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The sealed value, as base64.
    pub fn as_base64(&self) -> &str {
        &self.0
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Sealed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sealed text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Sealed, E> {
                Ok(Sealed::from_base64(text))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Declares the places in events where personal data stands.
macro_rules! slots {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A field of an event type that holds personal data. With the event's id it is what a sealed value is
        /// bound to: moved to another place, it no longer opens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Slot { $($(#[$doc])* $name,)* }

        impl Slot {
            /// The event type and the field, as they stand in the stored form. Never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Every slot.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

slots! {
    /// The email that a person was introduced with.
    IntroducedEmail = "person-introduced/email";
    /// The name that a person was introduced with.
    IntroducedName = "person-introduced/name";
    /// The issuer and subject of the account that was linked.
    LinkedSubject = "subject-linked/subject";
    /// The new email.
    ChangedEmail = "email-changed/email";
    /// The new name.
    ChangedName = "name-changed/name";
    /// The network address that a person signed in from.
    SignedInNetwork = "signed-in/network";
    /// The browser that a person signed in with.
    SignedInDevice = "signed-in/device";
    /// The network address that a refused sign-in came from.
    RefusedNetwork = "sign-in-refused/network";
    /// The email that could not become this person's, because it is another's.
    HeldEmail = "email-held-by-another/email";
    /// What a person wrote when they asked for access.
    RequestMessage = "access-requested/message";
    /// Why a request was declined.
    DeclineReason = "access-declined/reason";
    /// Why access was ended.
    RevokeReason = "access-revoked/reason";
    /// Why somebody was taken off a user list.
    RemovedReason = "user-removed/reason";
    /// The network address that a one-time password was asked for from.
    IssuedNetwork = "one-time-password-issued/network";
    /// The network address that one was asked for from which was not mailed.
    WithheldNetwork = "one-time-password-withheld/network";
    /// The network address that a code was tried from which was not taken.
    CodeNetwork = "one-time-password-refused/network";
}

/// A sealed value together with all that is needed to open it: what lists keep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Held {
    /// Whose data it is.
    pub subject: PersonId,
    /// The event that it is in.
    pub event: EventId,
    /// The field that it is in.
    pub slot: Slot,
    /// The value.
    pub sealed: Sealed,
}
