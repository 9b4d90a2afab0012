//! All lists, and which of them each event goes to.

use serde::{Deserialize, Serialize};
use vouchsafe_events::{
    Event, EventId, KeyedHash, OrganisationId, PersonId, Position, Reactor, Recorded, RequestId, SessionHash,
    StaffRole, Stream, Timestamp,
};

use crate::codes::{Challenge, Codes, Delay};
use crate::measures::Measures;
use crate::organisation::Organisation;
use crate::organisations::Organisations;
use crate::outbox::Outbox;
use crate::people::{People, Person};
use crate::sessions::{Session, Sessions};
use crate::turned_away::{AllTurnedAway, TurnedAway};

/// Everything that pages, the API and the reactors ask, as it stands after [`Lists::position`].
///
/// Its serialised form is a snapshot: folding on from it gives what folding from the start gives. Equal lists
/// have equal bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    position: Position,
    last: Option<EventId>,
    events: u64,
    people: People,
    organisations: Organisations,
    sessions: Sessions,
    outbox: Outbox,
    codes: Codes,
    turned_away: AllTurnedAway,
    measures: Measures,
}

impl Lists {
    /// Takes in the next event of the log. One that was taken in already, or does not fit, changes nothing else
    /// than that it is counted (once).
    pub fn apply(&mut self, recorded: &Recorded) {
        if recorded.position <= self.position {
            return;
        }
        self.position = recorded.position;
        self.last = Some(recorded.envelope.id);
        self.events += 1;
        self.sessions.pass(recorded.envelope.at);
        self.codes.pass(recorded.envelope.at, &mut self.measures);
        self.measures.apply(recorded);
        match &recorded.event {
            Event::OrganisationRegistered(_)
            | Event::OrganisationRenamed(_)
            | Event::OrganisationClosed(_)
            | Event::OrganisationReopened(_)
            | Event::OrganisationKindsChanged(_)
            | Event::OrganisationDescribed(_)
            | Event::OrganisationSucceeded(_)
            | Event::UserAdded(_)
            | Event::UserRemoved(_)
            | Event::UserProposed(_)
            | Event::UserProposalDismissed(_)
            | Event::ApproverCarriedOver(_)
            | Event::AccessCarriedOver(_)
            | Event::AccessRequestedOnClosure(_)
            | Event::ApproverEstablished(_)
            | Event::ApproverStoodDown(_)
            | Event::AccessRequested(_)
            | Event::AccessRequestWithdrawn(_)
            | Event::AccessRequestExpired(_)
            | Event::ApproversReminded(_)
            | Event::AccessGranted(_)
            | Event::AccessDeclined(_)
            | Event::AccessEndDateChanged(_)
            | Event::AccessEndingSoon(_)
            | Event::AccessEnded(_)
            | Event::AccessRevoked(_)
            | Event::ReviewOpened(_)
            | Event::AccessConfirmed(_)
            | Event::ReviewReminded(_)
            | Event::ReviewCompleted(_) => self.of_organisation(recorded),
            Event::PersonIntroduced(_)
            | Event::SubjectLinked(_)
            | Event::EmailChanged(_)
            | Event::EmailHeldByAnother(_)
            | Event::NameChanged(_)
            | Event::StaffAppointed(_)
            | Event::StaffStoodDown(_)
            | Event::SignedIn(_)
            | Event::OrganisationChosen(_)
            | Event::SignedOut(_) => self.of_person(recorded),
            Event::EmailReserved(_) | Event::EmailReleased(_) | Event::SubjectReserved(_) => {
                self.people.reserve(recorded);
            }
            Event::MailSent(_) | Event::MailGivenUp(_) => self.of_mail(recorded),
            Event::SignInRefused(_)
            | Event::OneTimePasswordIssued(_)
            | Event::OneTimePasswordWithheld(_)
            | Event::OneTimePasswordUsed(_)
            | Event::OneTimePasswordRefused(_)
            | Event::OneTimePasswordDelayed(_)
            | Event::OneTimePasswordDelayLifted(_) => self.of_sign_in(recorded),
        }
    }

    fn of_organisation(&mut self, recorded: &Recorded) {
        if let Stream::Organisation(id) = recorded.envelope.stream {
            self.organisations.apply(id, recorded, &mut self.outbox, &mut self.measures);
        }
    }

    fn of_person(&mut self, recorded: &Recorded) {
        let Stream::Person(id) = recorded.envelope.stream else { return };
        let organisation = match &recorded.event {
            Event::SignedIn(data) => data.organisation,
            Event::OrganisationChosen(data) => Some(data.organisation),
            _ => None,
        };
        // The person and the organisation lie far apart in memory: looked for one right after the other, the
        // processor waits for both at once.
        self.people.apply(id, recorded);
        if let Some(organisation) = organisation {
            self.organisations.signed_in(organisation, id, recorded.envelope.at);
        }
        self.sessions.apply(id, recorded);
    }

    fn of_sign_in(&mut self, recorded: &Recorded) {
        let Stream::Person(id) = recorded.envelope.stream else { return };
        self.turned_away.apply(id, recorded);
        if self.codes.apply(id, recorded, &mut self.measures) {
            crate::mails::arise_at_sign_in(id, recorded, &mut self.outbox);
        }
    }

    fn of_mail(&mut self, recorded: &Recorded) {
        if recorded.envelope.stream == Stream::Reactor(Reactor::Mail) {
            self.outbox.apply(recorded);
        }
    }

    /// The position of the last event taken in: the lists show everything up to and including it.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// The last event taken in. A log that has another one at [`Lists::position`] is not the log that these lists
    /// were folded from.
    pub const fn last(&self) -> Option<EventId> {
        self.last
    }

    /// How many of our own events were taken in. The last one's index among the log's leaves is one less.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// A person.
    pub fn person(&self, id: PersonId) -> Option<&Person> {
        self.people.get(id)
    }

    /// Everyone who is known, in the order in which they became known.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.all()
    }

    /// Whose the email with this keyed hash is.
    pub fn person_by_email(&self, hash: KeyedHash) -> Option<PersonId> {
        self.people.by_email(hash)
    }

    /// Whose the account with this keyed hash (of issuer and subject) is.
    pub fn person_by_subject(&self, hash: KeyedHash) -> Option<PersonId> {
        self.people.by_subject(hash)
    }

    /// Who has a staff role.
    pub fn staff(&self, role: StaffRole) -> impl Iterator<Item = PersonId> {
        self.people.staff(role)
    }

    /// Whether a person has a staff role.
    pub fn is_staff(&self, person: PersonId, role: StaffRole) -> bool {
        self.person(person).is_some_and(|person| person.roles.contains(&role))
    }

    /// An organisation.
    pub fn organisation(&self, id: OrganisationId) -> Option<&Organisation> {
        self.organisations.get(id)
    }

    /// Every organisation that is known, closed ones too, in the order in which they became known.
    pub fn organisations(&self) -> impl Iterator<Item = &Organisation> {
        self.organisations.all()
    }

    /// Where a request was made, as long as it is kept: see [`DECIDED_KEPT`](crate::DECIDED_KEPT).
    pub fn organisation_of_request(&self, id: RequestId) -> Option<OrganisationId> {
        self.organisations.of_request(id)
    }

    /// Where a person is user or approver, or has a request that is kept; in the order in which the organisations
    /// became known.
    pub fn organisations_of(&self, person: PersonId) -> impl Iterator<Item = OrganisationId> {
        self.organisations.of_person(person)
    }

    /// A session that is good at `now`: neither ended nor run out.
    pub fn session(&self, hash: SessionHash, now: Timestamp) -> Option<&Session> {
        self.sessions.get(hash, now)
    }

    /// A person's sessions that are good at `now`, in the order in which they began.
    pub fn sessions_of(&self, person: PersonId, now: Timestamp) -> impl Iterator<Item = &Session> {
        self.sessions.of(person, now)
    }

    /// The challenge of a person that a code can still answer at `now`.
    pub fn challenge(&self, person: PersonId, now: Timestamp) -> Option<&Challenge> {
        self.codes.challenge(person, now)
    }

    /// Until when one-time passwords are off for a person, if they are at `now`.
    pub fn delay(&self, person: PersonId, now: Timestamp) -> Option<&Delay> {
        self.codes.delay(person, now)
    }

    /// The last [`TURNED_AWAY_KEPT`](crate::TURNED_AWAY_KEPT) people who came and were not let in, oldest first.
    pub fn turned_away(&self) -> impl DoubleEndedIterator<Item = &TurnedAway> {
        self.turned_away.all()
    }

    /// What support's work is measured by.
    pub const fn measures(&self) -> &Measures {
        &self.measures
    }

    /// The mails to send, and what became of the others.
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}
