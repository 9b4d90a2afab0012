//! Identifiers. Each kind is a type of its own, so that one cannot be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares the id kinds: one line each.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID for an id of this kind.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID under the id.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// An event: a UUID v7, or a v5 of the command's id where a retry must be the same event.
    EventId;
    /// What a chain of events has in common, from the request that began it.
    CorrelationId;
    /// A person, whatever email or account they come with.
    PersonId;
    /// An organisation, whatever registers call it.
    OrganisationId;
    /// One request for access.
    RequestId;
    /// One yearly review of an organisation's user list.
    ReviewId;
    /// One asking for a one-time password, as the browser that asked holds it.
    ChallengeId;
}

impl OrganisationId {
    /// The id of the school that has this URN: the same on every instance, so that two that hear of a
    /// school at once register it in one stream.
    pub fn of_school(urn: crate::Urn) -> Self {
        /// The name space of ids that are derived from a URN (a UUID v4 drawn once for this product).
        const SCHOOLS: Uuid = Uuid::from_u128(0x6d0f_5c1e_8a54_4b0b_9c58_2f1f_7a0e_41d3);
        Self(Uuid::new_v5(&SCHOOLS, urn.to_string().as_bytes()))
    }
}
