//! Who is known, by what email and account, and who is staff.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_events::{
    Event, Held, Introduction, KeyedHash, OrganisationId, PersonId, Recorded, Slot, StaffRole, Stream,
    Timestamp,
};

use crate::hash::{Map, sorted};

/// A person as the events about them say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// Their email, sealed.
    pub email: Held,
    /// The keyed hash of their email in its normal form.
    pub email_hash: KeyedHash,
    /// Their name, sealed, if it is known.
    pub name: Option<Held>,
    /// Whether an account at an identity provider is known to be theirs.
    pub linked: bool,
    /// The parts they play for the department.
    pub roles: BTreeSet<StaffRole>,
    /// When they became known.
    pub introduced: Timestamp,
    /// How they became known.
    pub how: Introduction,
    /// When they last signed in, if they ever did.
    pub last_signed_in: Option<Timestamp>,
    /// The organisation that they acted for last.
    pub last_organisation: Option<OrganisationId>,
    /// Whose record holds the email that they came with, if it is not theirs. Cleared once their email changes.
    pub email_held_by: Option<PersonId>,
}

/// All people, in the order in which they became known. Nobody is ever taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub(crate) struct People {
    list: Vec<Person>,
    #[serde(serialize_with = "sorted")]
    emails: Map<KeyedHash, PersonId>,
    #[serde(serialize_with = "sorted")]
    subjects: Map<KeyedHash, PersonId>,
    /// Where each person stands in `list`.
    #[serde(skip_serializing)]
    index: Map<PersonId, usize>,
    #[serde(skip_serializing)]
    staff: BTreeSet<(StaffRole, PersonId)>,
}

/// What a snapshot holds of [`People`]: the rest is made again from it.
#[derive(Deserialize)]
struct Kept {
    list: Vec<Person>,
    emails: Map<KeyedHash, PersonId>,
    subjects: Map<KeyedHash, PersonId>,
}

impl From<Kept> for People {
    fn from(Kept { list, emails, subjects }: Kept) -> Self {
        let index = list.iter().enumerate().map(|(at, person)| (person.id, at)).collect();
        let roles = |person: &Person| {
            let id = person.id;
            person.roles.clone().into_iter().map(move |role| (role, id))
        };
        let staff = list.iter().flat_map(roles).collect();
        Self { list, emails, subjects, index, staff }
    }
}

impl People {
    pub(crate) fn get(&self, id: PersonId) -> Option<&Person> {
        self.index.get(&id).and_then(|at| self.list.get(*at))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Person> {
        self.list.iter()
    }

    pub(crate) fn by_email(&self, hash: KeyedHash) -> Option<PersonId> {
        self.emails.get(&hash).copied()
    }

    pub(crate) fn by_subject(&self, hash: KeyedHash) -> Option<PersonId> {
        self.subjects.get(&hash).copied()
    }

    pub(crate) fn staff(&self, role: StaffRole) -> impl Iterator<Item = PersonId> {
        self.staff.iter().filter(move |(is, _)| *is == role).map(|(_, person)| *person)
    }

    /// Takes in an event of the person's own stream.
    pub(crate) fn apply(&mut self, id: PersonId, recorded: &Recorded) {
        let at = recorded.envelope.at;
        if let Event::PersonIntroduced(data) = &recorded.event {
            if self.index.contains_key(&id) {
                return;
            }
            self.index.insert(id, self.list.len());
            self.list.push(Person {
                id,
                email: recorded.hold(id, Slot::IntroducedEmail, &data.email),
                email_hash: data.hash,
                name: data.name.as_ref().map(|name| recorded.hold(id, Slot::IntroducedName, name)),
                linked: false,
                roles: BTreeSet::new(),
                introduced: at,
                how: data.how,
                last_signed_in: None,
                last_organisation: None,
                email_held_by: None,
            });
            return;
        }
        let Some(person) = self.index.get(&id).and_then(|at| self.list.get_mut(*at)) else { return };
        match &recorded.event {
            Event::SubjectLinked(_) => person.linked = true,
            Event::EmailChanged(data) => {
                person.email = recorded.hold(id, Slot::ChangedEmail, &data.email);
                person.email_hash = data.hash;
                person.email_held_by = None;
            }
            Event::EmailHeldByAnother(data) => person.email_held_by = Some(data.other),
            Event::NameChanged(data) => person.name = Some(recorded.hold(id, Slot::ChangedName, &data.name)),
            Event::StaffAppointed(data) => {
                person.roles.insert(data.role);
                self.staff.insert((data.role, id));
            }
            Event::StaffStoodDown(data) => {
                person.roles.remove(&data.role);
                self.staff.remove(&(data.role, id));
            }
            Event::SignedIn(data) => {
                person.last_signed_in = Some(at);
                person.last_organisation = data.organisation.or(person.last_organisation);
            }
            Event::OrganisationChosen(data) => person.last_organisation = Some(data.organisation),
            _ => {}
        }
    }

    /// Takes in an event of a stream that reserves one email or one account.
    pub(crate) fn reserve(&mut self, recorded: &Recorded) {
        match (&recorded.event, recorded.envelope.stream) {
            (Event::EmailReserved(data), Stream::Email(hash)) => {
                self.emails.entry(hash).or_insert(data.person);
            }
            (Event::EmailReleased(data), Stream::Email(hash))
                if self.emails.get(&hash) == Some(&data.person) =>
            {
                self.emails.remove(&hash);
            }
            (Event::SubjectReserved(data), Stream::Subject(hash)) => {
                self.subjects.entry(hash).or_insert(data.person);
            }
            _ => {}
        }
    }
}
