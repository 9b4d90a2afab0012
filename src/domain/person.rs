//! Who somebody is, and their sessions.

mod one_time_password;

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{
    Email, EmailChanged, EmailHeldByAnother, EmailReleased, EmailReserved, Event, Held, Introduction,
    KeyedHash, NameChanged, OrganisationChosen, OrganisationId, PersonId, PersonIntroduced, Plain, Recorded,
    Refusal, SessionHash, SignInRefused, SignOut, SignedIn, SignedOut, Slot, StaffAppointed, StaffRole,
    StaffStoodDown, Stream, SubjectLinked, SubjectReserved, Timestamp,
};

use super::{Decided, PersonName, State};

pub use one_time_password::{
    GOOD_FOR, LiftRefused, MAILS_AN_HOUR, TRIES, Try, TryRefused, Unrecorded, Verdict, wait_to_resend,
};

/// One person, as far as decisions need to know them.
#[derive(Clone, Debug, Default)]
pub struct Person {
    hash: Option<KeyedHash>,
    email: Option<Held>,
    name: Option<Held>,
    /// The accounts that are theirs: issuer and subject, sealed, by their keyed hash.
    subjects: BTreeMap<KeyedHash, Held>,
    /// Whose record holds the email that this person last came with, if it could not become theirs.
    held_by: Option<PersonId>,
    roles: BTreeSet<StaffRole>,
    sessions: BTreeMap<SessionHash, Session>,
    codes: one_time_password::Codes,
}

/// A session that has not been ended by an event.
#[derive(Clone, Debug)]
struct Session {
    expires: Timestamp,
    organisations: Vec<OrganisationId>,
    acting_for: Option<OrganisationId>,
}

/// What a sign-in says about the session that begins.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The session.
    pub session: SessionHash,
    /// When it ends at the latest.
    pub expires: Timestamp,
    /// How the person showed who they are.
    pub method: vouchsafe_events::Method,
    /// The organisation that they act for first.
    pub organisation: Option<OrganisationId>,
    /// All that they may act for.
    pub organisations: Vec<OrganisationId>,
    /// The network address that they came from.
    pub network: String,
    /// The browser that they came with.
    pub device: String,
}

/// Why a person cannot act for an organisation in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChooseRefused {
    /// The session has ended, or is not theirs.
    NoSession,
    /// The provider did not name them for it when they signed in.
    NotTheirs,
}

/// Why a session cannot be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutRefused {
    /// It has ended already, or is not theirs.
    NoSession,
}

/// Why a staff role cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppointRefused {
    /// They have it already.
    #[error("this person already has that role")]
    AlreadyAppointed,
}

/// Why a staff role cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StaffStandDownRefused {
    /// They do not have it.
    #[error("this person does not have that role")]
    NotAppointed,
}

impl Person {
    /// Whether the person is known at all.
    pub fn is_known(&self) -> bool {
        self.hash.is_some()
    }

    /// The keyed hash of the person's email.
    pub fn email_hash(&self) -> Option<KeyedHash> {
        self.hash
    }

    /// The person's email.
    pub fn email(&self) -> Option<&Held> {
        self.email.as_ref()
    }

    /// The person's name.
    pub fn name(&self) -> Option<&Held> {
        self.name.as_ref()
    }

    /// Whether an account at a provider is linked.
    pub fn is_linked(&self) -> bool {
        !self.subjects.is_empty()
    }

    /// The accounts that are the person's: each is issuer and subject, parted by a line feed.
    pub fn accounts(&self) -> impl Iterator<Item = &Held> {
        self.subjects.values()
    }

    /// Whether the person has a staff role.
    pub fn is_staff(&self) -> bool {
        !self.roles.is_empty()
    }

    /// A person becomes known. Nothing happens if they are already.
    pub fn introduce(
        &self,
        person: PersonId,
        email: &Email,
        hash: KeyedHash,
        name: Option<&PersonName>,
        how: Introduction,
    ) -> Decided {
        if self.is_known() {
            return Vec::new();
        }
        let email = Plain::about(person, email.as_str());
        let name = name.map(|name| Plain::about(person, name.as_str()));
        vec![Event::PersonIntroduced(PersonIntroduced { email, hash, name, how })]
    }

    /// An account at a provider is found to be this person's. `subject` is issuer and subject.
    pub fn link(&self, person: PersonId, subject: &str, hash: KeyedHash) -> Decided {
        if self.subjects.contains_key(&hash) {
            return Vec::new();
        }
        vec![Event::SubjectLinked(SubjectLinked { subject: Plain::about(person, subject), hash })]
    }

    /// The person has another email, which has been reserved for them.
    pub fn change_email(&self, person: PersonId, email: &Email, hash: KeyedHash) -> Decided {
        if self.hash == Some(hash) {
            return Vec::new();
        }
        vec![Event::EmailChanged(EmailChanged { email: Plain::about(person, email.as_str()), hash })]
    }

    /// The person came with the email that they are recorded with, which is reserved for them. That another's record
    /// held what they came with is over, and the same email is said again so that everybody hears of it.
    pub fn confirm_email(&self, person: PersonId, email: &Email, hash: KeyedHash) -> Decided {
        if self.held_by.is_none() || self.hash != Some(hash) {
            return Vec::new();
        }
        vec![Event::EmailChanged(EmailChanged { email: Plain::about(person, email.as_str()), hash })]
    }

    /// The person came with an email that is another's. Noted once for each such other.
    pub fn note_held_email(&self, person: PersonId, email: &Email, other: PersonId) -> Decided {
        if self.held_by == Some(other) {
            return Vec::new();
        }
        let email = Plain::about(person, email.as_str());
        vec![Event::EmailHeldByAnother(EmailHeldByAnother { email, other })]
    }

    /// The person has another name.
    pub fn rename(&self, person: PersonId, name: &PersonName) -> Decided {
        vec![Event::NameChanged(NameChanged { name: Plain::about(person, name.as_str()) })]
    }

    /// The person signs in. A session that the same browser had (`replaced`) ends.
    pub fn sign_in(&self, person: PersonId, sign_in: SignIn, replaced: Option<SessionHash>) -> Decided {
        let mut decided = Decided::new();
        if let Some(session) = replaced.filter(|session| self.sessions.contains_key(session)) {
            decided.push(Event::SignedOut(SignedOut { session, how: SignOut::Replaced }));
        }
        decided.push(Event::SignedIn(SignedIn {
            session: sign_in.session,
            expires: sign_in.expires,
            method: sign_in.method,
            organisation: sign_in.organisation,
            organisations: sign_in.organisations,
            network: Plain::about(person, sign_in.network),
            device: Plain::about(person, sign_in.device),
        }));
        decided
    }

    /// The person was recognised and is not let in.
    pub fn refuse_sign_in(
        &self,
        person: PersonId,
        reason: Refusal,
        organisation: Option<OrganisationId>,
        network: &str,
    ) -> Decided {
        let network = Plain::about(person, network);
        vec![Event::SignInRefused(SignInRefused { reason, organisation, network })]
    }

    /// The person chooses which of their organisations to act for.
    pub fn choose(
        &self,
        session: SessionHash,
        organisation: OrganisationId,
        now: Timestamp,
    ) -> Result<Decided, ChooseRefused> {
        let found = self.sessions.get(&session).filter(|found| found.expires > now);
        let found = found.ok_or(ChooseRefused::NoSession)?;
        if !found.organisations.contains(&organisation) {
            return Err(ChooseRefused::NotTheirs);
        }
        if found.acting_for == Some(organisation) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::OrganisationChosen(OrganisationChosen { session, organisation })])
    }

    /// The person ends one of their sessions.
    pub fn sign_out(&self, session: SessionHash, how: SignOut) -> Result<Decided, SignOutRefused> {
        if self.sessions.contains_key(&session) {
            Ok(vec![Event::SignedOut(SignedOut { session, how })])
        } else {
            Err(SignOutRefused::NoSession)
        }
    }

    /// An operator gives the person a staff role.
    pub fn appoint(&self, role: StaffRole) -> Result<Decided, AppointRefused> {
        if self.roles.contains(&role) {
            return Err(AppointRefused::AlreadyAppointed);
        }
        Ok(vec![Event::StaffAppointed(StaffAppointed { role })])
    }

    /// An operator takes a staff role from the person.
    pub fn stand_down(&self, role: StaffRole) -> Result<Decided, StaffStandDownRefused> {
        if !self.roles.contains(&role) {
            return Err(StaffStandDownRefused::NotAppointed);
        }
        Ok(vec![Event::StaffStoodDown(StaffStoodDown { role })])
    }
}

impl State for Person {
    fn apply(&mut self, recorded: &Recorded) {
        let Stream::Person(person) = recorded.envelope.stream else { return };
        match &recorded.event {
            Event::PersonIntroduced(data) => {
                self.hash = Some(data.hash);
                self.email = Some(recorded.hold(person, Slot::IntroducedEmail, &data.email));
                self.name = data.name.as_ref().map(|name| recorded.hold(person, Slot::IntroducedName, name));
            }
            Event::SubjectLinked(data) => {
                let account = recorded.hold(person, Slot::LinkedSubject, &data.subject);
                self.subjects.insert(data.hash, account);
            }
            Event::EmailChanged(data) => {
                self.hash = Some(data.hash);
                self.email = Some(recorded.hold(person, Slot::ChangedEmail, &data.email));
                self.held_by = None;
            }
            Event::EmailHeldByAnother(data) => self.held_by = Some(data.other),
            Event::NameChanged(data) => {
                self.name = Some(recorded.hold(person, Slot::ChangedName, &data.name));
            }
            Event::StaffAppointed(data) => {
                self.roles.insert(data.role);
            }
            Event::StaffStoodDown(data) => {
                self.roles.remove(&data.role);
            }
            Event::SignedIn(data) => {
                // Sessions whose time has passed are of no more use to any decision.
                self.sessions.retain(|_, session| session.expires > recorded.envelope.at);
                let session = Session {
                    expires: data.expires,
                    organisations: data.organisations.clone(),
                    acting_for: data.organisation,
                };
                self.sessions.insert(data.session, session);
            }
            Event::OrganisationChosen(data) => {
                if let Some(session) = self.sessions.get_mut(&data.session) {
                    session.acting_for = Some(data.organisation);
                }
            }
            Event::SignedOut(data) => {
                self.sessions.remove(&data.session);
            }
            _ => self.codes.apply(recorded),
        }
    }
}

/// To whom an email, or an account at a provider, belongs. Its stream's first event decides a race between
/// two instances.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reservation {
    holder: Option<PersonId>,
}

impl Reservation {
    /// Whose it is.
    pub fn holder(&self) -> Option<PersonId> {
        self.holder
    }

    /// Reserves an email for a person, if nobody has it. Otherwise nothing happens: ask for the holder.
    pub fn reserve_email(&self, person: PersonId) -> Decided {
        match self.holder {
            Some(_) => Vec::new(),
            None => vec![Event::EmailReserved(EmailReserved { person })],
        }
    }

    /// Lets an email go that a person has no more.
    pub fn release_email(&self, person: PersonId) -> Decided {
        if self.holder == Some(person) {
            vec![Event::EmailReleased(EmailReleased { person })]
        } else {
            Vec::new()
        }
    }

    /// Reserves an account for a person, if nobody has it.
    pub fn reserve_subject(&self, person: PersonId) -> Decided {
        match self.holder {
            Some(_) => Vec::new(),
            None => vec![Event::SubjectReserved(SubjectReserved { person })],
        }
    }
}

impl State for Reservation {
    fn apply(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::EmailReserved(data) => self.holder = Some(data.person),
            Event::SubjectReserved(data) => self.holder = Some(data.person),
            Event::EmailReleased(_) => self.holder = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
