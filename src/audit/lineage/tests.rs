//! Authority is followed back to where it began, and forward; and the account agrees with the lists, whatever happens.

mod any;

use std::collections::BTreeMap;

use vouchsafe_events::*;

use super::*;

const ANN: PersonId = person(1);
const BOB: PersonId = person(2);
const CAI: PersonId = person(3);
const DEE: PersonId = person(4);
const AGENT: PersonId = person(9);
const OLD: OrganisationId = organisation(1);
const NEW: OrganisationId = organisation(2);

const fn person(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(0x1_0000 + number))
}

const fn organisation(number: u128) -> OrganisationId {
    OrganisationId::from_uuid(Uuid::from_u128(0x2_0000 + number))
}

fn hour(number: i64) -> Timestamp {
    Timestamp::from_micros(1_750_000_000_000_000).plus_seconds(number * 3600)
}

fn by(person: PersonId) -> Actor {
    Actor::Person(person)
}

/// A log: each event an hour after the one before.
#[derive(Default)]
struct Log(Vec<Recorded>);

impl Log {
    fn len(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap()
    }

    fn happens(&mut self, stream: Stream, actor: Actor, event: Event<Sealed>) {
        let number = self.0.len();
        let id = EventId::from_uuid(Uuid::from_u128(0x5_0000 + number as u128));
        let (version, at) = (Version::new(number as u64), hour(self.len()));
        let envelope = Envelope { id, stream, version, at, actor, causation: None, correlation: None };
        self.0.push(Recorded { position: Position::new(2 * number as u64 + 1), envelope, event });
    }

    fn at(&mut self, organisation: OrganisationId, actor: Actor, event: Event<Sealed>) -> &mut Self {
        self.happens(Stream::Organisation(organisation), actor, event);
        self
    }

    fn of(&self, organisation: OrganisationId) -> Vec<Recorded> {
        let stream = Stream::Organisation(organisation);
        self.0.iter().filter(|recorded| recorded.envelope.stream == stream).cloned().collect()
    }

    fn lineage(&self) -> Lineage {
        Lineage::new(BTreeMap::from([OLD, NEW].map(|id| (id, Ledger::of(&self.of(id))))))
    }

    fn now(&self) -> Timestamp {
        hour(self.len())
    }
}

fn registered() -> Event<Sealed> {
    Event::OrganisationRegistered(OrganisationRegistered {
        name: "A school".into(),
        kinds: vec![OrganisationKind::School],
        urn: None,
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
    })
}

fn approver(person: PersonId, basis: ApproverBasis) -> Event<Sealed> {
    Event::ApproverEstablished(ApproverEstablished { person, basis })
}

fn granted(person: PersonId) -> Event<Sealed> {
    Event::AccessGranted(AccessGranted { person, request: None, ends: None })
}

fn stood_down(person: PersonId, reason: StandDownReason) -> Event<Sealed> {
    Event::ApproverStoodDown(ApproverStoodDown { person, reason })
}

fn added(person: PersonId, instead_of: Option<PersonId>) -> Event<Sealed> {
    Event::UserAdded(UserAdded { person, from: None, instead_of })
}

/// Ann, by DfE Sign-in, made Bob an approver, who gave Cai access.
fn chain() -> Log {
    let mut log = Log::default();
    log.at(OLD, Actor::System, registered())
        .at(OLD, Actor::System, approver(ANN, ApproverBasis::DfeSignIn))
        .at(OLD, by(ANN), granted(BOB))
        .at(OLD, by(ANN), approver(BOB, ApproverBasis::Colleague))
        .at(OLD, by(BOB), granted(CAI));
    log
}

/// The chain from a person's first place back: whose grant, and where its authority lies.
fn back(
    lineage: &Lineage,
    organisation: OrganisationId,
    person: PersonId,
    now: Timestamp,
) -> Vec<(PersonId, Source)> {
    let first = lineage.places(organisation, person, now)[0];
    let steps = lineage.back(first);
    steps
        .iter()
        .map(|step| lineage.grant(step.node).unwrap())
        .map(|grant| (grant.person, grant.source))
        .collect()
}

/// Whose places would have to be looked at again if this person should never have decided.
fn resting(
    lineage: &Lineage,
    organisation: OrganisationId,
    person: PersonId,
    now: Timestamp,
) -> Vec<(PersonId, Role)> {
    let nodes = lineage.standing(&lineage.forward(organisation, person), now);
    nodes.iter().map(|node| lineage.grant(*node).unwrap()).map(|grant| (grant.person, grant.role)).collect()
}

#[test]
fn a_chain_goes_back_to_where_authority_began() {
    let log = chain();
    let lineage = log.lineage();
    assert_eq!(
        back(&lineage, OLD, CAI, log.now()),
        [(CAI, Source::Colleague(BOB)), (BOB, Source::Colleague(ANN)), (ANN, Source::DfeSignIn)]
    );
    assert_eq!(
        resting(&lineage, OLD, ANN, log.now()),
        [(BOB, Role::User), (BOB, Role::Approver), (CAI, Role::User)]
    );
    assert_eq!(resting(&lineage, OLD, BOB, log.now()), [(CAI, Role::User)]);
    assert!(resting(&lineage, OLD, CAI, log.now()).is_empty());
    // Before Bob had decided, nothing rested on him.
    assert!(resting(&lineage, OLD, BOB, hour(3)).is_empty());
}

#[test]
fn what_somebody_granted_rests_on_them_also_when_they_are_no_approver_any_more() {
    let mut log = chain();
    log.at(OLD, Actor::System, stood_down(ANN, StandDownReason::DfeSignIn));
    let lineage = log.lineage();
    assert_eq!(
        resting(&lineage, OLD, ANN, log.now()),
        [(BOB, Role::User), (BOB, Role::Approver), (CAI, Role::User)]
    );
    assert!(lineage.places(OLD, ANN, log.now()).is_empty());
}

#[test]
fn an_approver_who_comes_back_has_the_authority_of_each_time() {
    let mut log = chain();
    log.at(OLD, by(BOB), stood_down(BOB, StandDownReason::Own))
        .at(OLD, Actor::System, approver(BOB, ApproverBasis::DfeSignIn))
        .at(OLD, by(BOB), granted(DEE));
    let lineage = log.lineage();
    let now = log.now();
    assert_eq!(back(&lineage, OLD, DEE, now), [(DEE, Source::Colleague(BOB)), (BOB, Source::DfeSignIn)]);
    assert_eq!(back(&lineage, OLD, CAI, now).len(), 3);
    // Bob's new place does not rest on Ann, what he gave before does.
    assert_eq!(resting(&lineage, OLD, ANN, now), [(BOB, Role::User), (CAI, Role::User)]);
    assert_eq!(resting(&lineage, OLD, BOB, now), [(CAI, Role::User), (DEE, Role::User)]);
}

#[test]
fn two_who_made_each_other_approvers_are_no_circle() {
    let mut log = chain();
    // DfE Sign-in names Ann no more: she stays one on Bob's word, who is one on hers.
    log.at(OLD, by(BOB), approver(ANN, ApproverBasis::Colleague)).at(
        OLD,
        Actor::System,
        approver(ANN, ApproverBasis::Colleague),
    );
    let lineage = log.lineage();
    assert_eq!(
        back(&lineage, OLD, ANN, log.now()),
        [(ANN, Source::Colleague(BOB)), (BOB, Source::Colleague(ANN)), (ANN, Source::DfeSignIn)]
    );
    assert!(resting(&lineage, OLD, BOB, log.now()).contains(&(ANN, Role::Approver)));
    assert!(resting(&lineage, OLD, ANN, log.now()).contains(&(ANN, Role::Approver)));
}

#[test]
fn another_end_date_rests_on_whoever_set_it_too() {
    let mut log = chain();
    let ends = Some(hour(1000));
    log.at(OLD, by(ANN), Event::AccessEndDateChanged(AccessEndDateChanged { person: CAI, ends }));
    let lineage = log.lineage();
    let places = lineage.places(OLD, CAI, log.now());
    let sources: Vec<_> =
        places.iter().map(|node| lineage.grant(*node).unwrap()).map(|grant| grant.source).collect();
    assert_eq!(sources, [Source::Colleague(BOB), Source::Colleague(ANN)]);
    assert!(lineage.places(OLD, CAI, hour(1000)).is_empty());
}

#[test]
fn what_was_carried_over_rests_on_what_there_was_at_the_school_that_closed() {
    let mut log = chain();
    let from = OLD;
    let reactor = Actor::Reactor(Reactor::Successions);
    let succeeded = OrganisationSucceeded { successors: vec![NEW] };
    log.at(OLD, Actor::Operator, Event::OrganisationSucceeded(succeeded))
        .at(OLD, Actor::Operator, Event::OrganisationClosed(OrganisationClosed {}))
        .at(NEW, Actor::Operator, registered())
        .at(NEW, reactor, Event::ApproverCarriedOver(ApproverCarriedOver { person: BOB, from }))
        .at(NEW, reactor, Event::AccessCarriedOver(AccessCarriedOver { person: CAI, from, ends: None }))
        .at(NEW, by(BOB), granted(DEE));
    let lineage = log.lineage();
    let now = log.now();
    assert!(lineage.places(OLD, CAI, now).is_empty(), "nobody has access to a school that closed");
    assert_eq!(
        back(&lineage, NEW, DEE, now),
        [
            (DEE, Source::Colleague(BOB)),
            (BOB, Source::CarriedOver(OLD)),
            (BOB, Source::Colleague(ANN)),
            (ANN, Source::DfeSignIn)
        ]
    );
    assert_eq!(back(&lineage, NEW, CAI, now).len(), 4);
    let of_ann = resting(&lineage, OLD, ANN, now);
    assert_eq!(of_ann, [(CAI, Role::User), (BOB, Role::Approver), (DEE, Role::User)]);
    assert_eq!(
        resting(&lineage, OLD, BOB, now),
        [(CAI, Role::User), (BOB, Role::Approver), (DEE, Role::User)]
    );
}

#[test]
fn a_list_that_support_keeps_begins_with_an_agent_or_an_operator() {
    let mut log = Log::default();
    log.at(OLD, Actor::Operator, registered())
        .at(OLD, by(AGENT), added(ANN, None))
        .at(OLD, Actor::Operator, added(BOB, None))
        .at(OLD, by(CAI), added(CAI, Some(ANN)));
    let lineage = log.lineage();
    let now = log.now();
    assert_eq!(back(&lineage, OLD, BOB, now), [(BOB, Source::Operator)]);
    assert_eq!(back(&lineage, OLD, CAI, now), [(CAI, Source::InsteadOf(ANN)), (ANN, Source::Support(AGENT))]);
    assert_eq!(resting(&lineage, OLD, AGENT, now), [(CAI, Role::Listed)]);
}
