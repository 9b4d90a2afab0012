//! What holds of any history.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vouchsafe_projections::Lists;

use super::*;
use crate::audit::{Changes, Replay, standing};

fn sealed() -> Sealed {
    Sealed::from_base64("text")
}

/// Any event at one of two organisations, about few enough people that they meet. Request ids are drawn so that no
/// request is made at both: in life they are random.
fn what() -> impl Strategy<Value = (OrganisationId, Actor, Event<Sealed>)> {
    let person = || (1..5_u128).prop_map(person);
    let ends = || proptest::option::of((0..120_i64).prop_map(hour));
    let at_organisation = prop_oneof![
        1 => Just(Event::OrganisationClosed(OrganisationClosed {})),
        2 => Just(Event::OrganisationReopened(OrganisationReopened {})),
        7 => (person(), any::<bool>()).prop_map(|(person, colleague)| {
            approver(person, if colleague { ApproverBasis::Colleague } else { ApproverBasis::DfeSignIn })
        }),
        4 => person().prop_map(|person| stood_down(person, StandDownReason::Own)),
        9 => (person(), ends()).prop_map(|(person, ends)| {
            Event::AccessGranted(AccessGranted { person, request: None, ends })
        }),
        4 => (person(), ends()).prop_map(|(person, ends)| {
            Event::AccessEndDateChanged(AccessEndDateChanged { person, ends })
        }),
        3 => person().prop_map(|person| Event::AccessEnded(AccessEnded { person })),
        4 => person().prop_map(|person| {
            Event::AccessRevoked(AccessRevoked { person, reason: sealed(), review: None })
        }),
        3 => (person(), proptest::option::of(person()), any::<bool>()).prop_map(|(person, instead_of, carried)| {
            Event::UserAdded(UserAdded { person, from: carried.then_some(OLD), instead_of })
        }),
        3 => person().prop_map(|person| Event::UserRemoved(UserRemoved { person, reason: sealed() })),
        3 => person().prop_map(|person| {
            Event::ApproverCarriedOver(ApproverCarriedOver { person, from: OLD })
        }),
        3 => (person(), ends()).prop_map(|(person, ends)| {
            Event::AccessCarriedOver(AccessCarriedOver { person, from: OLD, ends })
        }),
        3 => (1..9_u128, person()).prop_map(|(number, person)| {
            let request = RequestId::from_uuid(Uuid::from_u128(number));
            Event::AccessRequested(AccessRequested { request, person, message: None })
        }),
    ];
    let actor = prop_oneof![
        4 => person().prop_map(by),
        1 => Just(Actor::Reactor(Reactor::Successions)),
        1 => Just(Actor::Operator),
        1 => Just(Actor::System),
    ];
    let place = prop_oneof![Just(OLD), Just(NEW)];
    (place, actor, at_organisation).prop_map(|(place, actor, mut event)| {
        if let Event::AccessRequested(data) = &mut event
            && place == NEW
        {
            data.request = RequestId::from_uuid(Uuid::from_u128(data.request.uuid().as_u128() + 100));
        }
        (place, actor, event)
    })
}

/// A log in which people sign in too, so that it is more than the organisations' own streams.
fn log(events: Vec<(OrganisationId, Actor, Event<Sealed>)>) -> Log {
    let mut log = Log::default();
    log.at(OLD, Actor::System, registered()).at(NEW, Actor::System, registered());
    for (number, (place, actor, event)) in events.into_iter().enumerate() {
        log.at(place, actor, event);
        if number % 7 == 0 {
            let id = person(1 + number as u128 % 4);
            let event = Event::SignedIn(SignedIn {
                session: SessionHash::from_bytes([u8::try_from(number).unwrap(); 32]),
                expires: hour(500),
                method: Method::DfeSignIn,
                organisation: Some(place),
                organisations: vec![place],
                network: sealed(),
                device: sealed(),
            });
            log.happens(Stream::Person(id), by(id), event);
        }
    }
    log
}

proptest! {
    #[test]
    fn lists_as_at_an_instant_are_those_of_the_whole_log_up_to_it(
        events in proptest::collection::vec(what(), 0..80),
        back in 0..90_i64,
    ) {
        let log = log(events);
        let at = hour(log.len() - back);
        let mut whole = Lists::default();
        for recorded in log.0.iter().take_while(|recorded| recorded.envelope.at <= at) {
            whole.apply(recorded);
        }
        for id in [OLD, NEW] {
            let alone = Replay::new(log.of(id)).lists(at);
            let mut expected = whole.organisation(id).cloned();
            if let Some(organisation) = &mut expected {
                organisation.last_signed_in.clear();
            }
            prop_assert_eq!(alone.organisation(id), expected.as_ref());
        }
        for id in (1..5).map(person) {
            let events = log.0.iter().filter(|recorded| recorded.envelope.stream == Stream::Person(id));
            let alone = Replay::new(events.cloned().collect()).lists(at);
            let sessions: Vec<_> = alone.sessions_of(id, at).cloned().collect();
            prop_assert_eq!(sessions, whole.sessions_of(id, at).cloned().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_account_agrees_with_the_lists_at_every_instant(
        events in proptest::collection::vec(what(), 0..80),
    ) {
        let log = log(events);
        for id in [OLD, NEW] {
            let replay = Replay::new(log.of(id));
            let ledger = Ledger::of(replay.events());
            for at in (0..=log.len() + 40).map(hour) {
                let lists = replay.lists(at);
                let Some(found) = lists.organisation(id) else { continue };
                prop_assert_eq!(found.closed, !ledger.is_open(at));
                for person in (1..5).map(person) {
                    let stands = |role| ledger.spells_of(person).any(|spell| spell.role == role && ledger.stands(spell, at));
                    prop_assert_eq!(stands(Role::Approver), found.is_approver(person));
                    prop_assert_eq!(stands(Role::Listed), found.is_listed(person));
                    let user = found.users.get(&person).filter(|access| access.lasts(at) && !found.closed);
                    prop_assert_eq!(stands(Role::User), user.is_some());
                    if let Some(access) = user {
                        let spell = ledger.spells_of(person).find(|spell| spell.role == Role::User && ledger.stands(spell, at));
                        let spell = spell.unwrap();
                        prop_assert_eq!(ledger.ends(spell, at), access.ends);
                        let place = &ledger.grants[ledger.in_force(spell, at)[0]];
                        prop_assert_eq!(place.at, access.since);
                    }
                }
            }
        }
    }

    #[test]
    fn every_chain_goes_back_in_the_log_and_forward_is_its_reverse(
        events in proptest::collection::vec(what(), 0..80),
    ) {
        let log = log(events);
        let lineage = log.lineage();
        let nodes = [OLD, NEW].into_iter().flat_map(|id| at(id, (0..lineage.ledger(id).unwrap().grants.len()).collect()));
        let nodes: Vec<Node> = nodes.collect();
        for node in &nodes {
            let grant = lineage.grant(*node).unwrap();
            for under in lineage.rests_on(*node) {
                prop_assert!(lineage.grant(under).unwrap().position < grant.position);
            }
            prop_assert_eq!(lineage.back(*node)[0].node, *node);
        }
        for person in (1..5).map(person) {
            let forward: BTreeSet<Node> = lineage.forward(OLD, person).iter().map(|step| step.node).collect();
            for node in &nodes {
                let chain = lineage.back(*node);
                let by_them = chain.iter().any(|step| {
                    let grant = lineage.grant(step.node).unwrap();
                    step.node.organisation == OLD
                        && (grant.source == Source::Colleague(person) || grant.source == Source::Support(person))
                });
                let on_theirs = chain.iter().skip(1).any(|step| {
                    let grant = lineage.grant(step.node).unwrap();
                    step.node.organisation == OLD && grant.person == person && grant.role == Role::Approver
                });
                prop_assert_eq!(by_them || on_theirs, forward.contains(node));
            }
        }
    }

    #[test]
    fn a_comparison_says_who_came_and_who_left(
        events in proptest::collection::vec(what(), 0..80),
        from in 0..80_i64,
        after in 0..40_i64,
    ) {
        let log = log(events);
        let replay = Replay::new(log.of(NEW));
        let ledger = Ledger::of(replay.events());
        let (from, to) = (hour(from), hour(from + after));
        let changes = Changes::between(&replay, &ledger, NEW, from, to);
        let (before, after) = (standing(&replay, &ledger, NEW, from), standing(&replay, &ledger, NEW, to));
        let came: BTreeSet<_> = after.keys().filter(|person| !before.contains_key(person)).collect();
        let left: BTreeSet<_> = before.keys().filter(|person| !after.contains_key(person)).collect();
        prop_assert_eq!(changes.came.iter().map(|change| &change.person).collect::<BTreeSet<_>>(), came);
        prop_assert_eq!(changes.left.iter().map(|change| &change.person).collect::<BTreeSet<_>>(), left);
        for change in &changes.came {
            prop_assert_eq!(change.came.len(), change.after.len());
        }
        let all = changes.came.len() + changes.left.len() + changes.otherwise.len() + changes.same;
        prop_assert_eq!(all, before.keys().chain(after.keys()).collect::<BTreeSet<_>>().len());
        for spell in &changes.between {
            prop_assert!(spell.from > from && spell.from <= to);
            prop_assert!(!before.contains_key(&spell.person) && !after.contains_key(&spell.person));
        }
    }
}
