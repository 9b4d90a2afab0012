//! Somebody on support's list turns out to be a person who is known by another record.

use vouchsafe_events::{Event, PersonId, UserAdded};

use super::Organisation;
use crate::domain::Decided;

impl Organisation {
    /// A person takes the place on the list of a record that turned out to be theirs: support listed an address,
    /// and somebody came for whose account the identity provider vouches that it is theirs.
    pub fn take_place(&self, person: PersonId, instead_of: PersonId) -> Decided {
        if !self.is_open() || !self.listed.contains(&instead_of) || person == instead_of {
            return Vec::new();
        }
        vec![Event::UserAdded(UserAdded { person, from: None, instead_of: Some(instead_of) })]
    }
}
