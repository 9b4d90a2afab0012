//! Tests of the lists: events are given, lists are looked at.

mod access;
mod any;
mod outbox;
mod people;
mod sessions;

use vouchsafe_events::*;

use crate::Lists;

/// A log that is folded while it is written.
#[derive(Default)]
struct World {
    lists: Lists,
    log: Vec<Recorded>,
    now: i64,
}

const ANN: PersonId = person(1);
const BOB: PersonId = person(2);
const CAI: PersonId = person(3);
const GREENHILL: OrganisationId = organisation(1);
const R1: RequestId = request(1);
const R2: RequestId = request(2);

const fn person(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(0x1_0000 + number))
}

const fn organisation(number: u128) -> OrganisationId {
    OrganisationId::from_uuid(Uuid::from_u128(0x2_0000 + number))
}

const fn request(number: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(0x3_0000 + number))
}

const fn review(number: u128) -> ReviewId {
    ReviewId::from_uuid(Uuid::from_u128(0x4_0000 + number))
}

const fn event(number: usize) -> EventId {
    EventId::from_uuid(Uuid::from_u128(0x5_0000 + number as u128))
}

const fn hash(number: u8) -> KeyedHash {
    KeyedHash::from_bytes([number; 32])
}

const fn session(number: u8) -> SessionHash {
    SessionHash::from_bytes([number; 32])
}

fn sealed(text: &str) -> Sealed {
    Sealed::from_base64(text)
}

fn hour(number: i64) -> Timestamp {
    Timestamp::from_micros(1_750_000_000_000_000).plus_seconds(number * 3600)
}

impl World {
    /// A school with Ann as its approver.
    fn greenhill() -> Self {
        let mut world = Self::default();
        world.registered(GREENHILL);
        world.approver(GREENHILL, ANN, ApproverBasis::DfeSignIn);
        world
    }

    fn now(&self) -> Timestamp {
        hour(self.now)
    }

    /// One event, an hour after the one before.
    fn happens(&mut self, stream: Stream, actor: Actor, what: Event<Sealed>) -> EventId {
        self.now += 1;
        let number = self.log.len();
        let position = Position::new(2 * number as u64 + 1);
        let version = Version::new(number as u64);
        let (id, at) = (event(number), self.now());
        let envelope = Envelope { id, stream, version, at, actor, causation: None, correlation: None };
        let recorded = Recorded { position, envelope, event: what };
        self.lists.apply(&recorded);
        self.log.push(recorded);
        id
    }

    fn at(&mut self, organisation: OrganisationId, by: PersonId, what: Event<Sealed>) -> EventId {
        self.happens(Stream::Organisation(organisation), Actor::Person(by), what)
    }

    fn by_itself(&mut self, organisation: OrganisationId, what: Event<Sealed>) -> EventId {
        self.happens(Stream::Organisation(organisation), Actor::Reactor(Reactor::Timekeeper), what)
    }

    fn of(&mut self, person: PersonId, what: Event<Sealed>) -> EventId {
        self.happens(Stream::Person(person), Actor::Person(person), what)
    }

    fn registered(&mut self, id: OrganisationId) -> EventId {
        let what = OrganisationRegistered {
            name: "Greenhill School".into(),
            kinds: vec![OrganisationKind::School],
            urn: "123456".parse().ok(),
            ukprn: None,
            dfe_sign_in: None,
            establishment_type: Some("01".into()),
            local_authority: None,
        };
        self.happens(Stream::Organisation(id), Actor::System, Event::OrganisationRegistered(what))
    }

    fn approver(&mut self, at: OrganisationId, person: PersonId, basis: ApproverBasis) -> EventId {
        let by = if basis == ApproverBasis::Colleague { Actor::Person(ANN) } else { Actor::System };
        let what = Event::ApproverEstablished(ApproverEstablished { person, basis });
        self.happens(Stream::Organisation(at), by, what)
    }

    fn stands_down(&mut self, person: PersonId) -> EventId {
        let reason = StandDownReason::Own;
        self.at(GREENHILL, person, Event::ApproverStoodDown(ApproverStoodDown { person, reason }))
    }

    fn asks(&mut self, person: PersonId, request: RequestId) -> EventId {
        let message = Some(sealed("please"));
        self.at(GREENHILL, person, Event::AccessRequested(AccessRequested { request, person, message }))
    }

    fn withdraws(&mut self, person: PersonId, request: RequestId) -> EventId {
        let what = AccessRequestWithdrawn { request, person };
        self.at(GREENHILL, person, Event::AccessRequestWithdrawn(what))
    }

    fn grants(&mut self, person: PersonId, request: Option<RequestId>) -> EventId {
        self.grants_until(person, request, None)
    }

    fn grants_until(
        &mut self,
        person: PersonId,
        request: Option<RequestId>,
        ends: Option<Timestamp>,
    ) -> EventId {
        self.at(GREENHILL, ANN, Event::AccessGranted(AccessGranted { person, request, ends }))
    }

    fn declines(&mut self, person: PersonId, request: RequestId) -> EventId {
        let what = AccessDeclined { request, person, reason: sealed("not ours") };
        self.at(GREENHILL, ANN, Event::AccessDeclined(what))
    }

    fn revokes(&mut self, person: PersonId) -> EventId {
        let what = AccessRevoked { person, reason: sealed("left"), review: None };
        self.at(GREENHILL, ANN, Event::AccessRevoked(what))
    }

    fn opens_review(&mut self, id: ReviewId) -> EventId {
        let due = hour(1000);
        self.by_itself(GREENHILL, Event::ReviewOpened(ReviewOpened { review: id, due }))
    }

    fn greenhill_now(&self) -> &crate::Organisation {
        self.lists.organisation(GREENHILL).unwrap()
    }
}
