//! Who may act for an organisation, and who asks to.

use super::*;
use crate::{DECIDED_KEPT, Ended, HowEnded, Outcome};

fn members(world: &World) -> Vec<PersonId> {
    world.greenhill_now().members(world.now()).map(|(person, _, _)| person).collect()
}

#[test]
fn an_approver_has_access_until_they_stand_down() {
    let mut world = World::greenhill();
    assert!(world.greenhill_now().is_approver(ANN));
    assert!(world.greenhill_now().has_access(ANN, world.now()));
    assert_eq!(world.greenhill_now().first_access, Some(hour(2)));
    world.stands_down(ANN);
    assert!(!world.greenhill_now().has_access(ANN, world.now()));
    assert_eq!(world.lists.organisations_of(ANN).count(), 0);
}

#[test]
fn who_stood_down_by_choice_is_known_as_such_until_they_are_an_approver_again() {
    let mut world = World::greenhill();
    let by_choice = |world: &World, person| world.greenhill_now().stood_down.contains(&person);
    world.stands_down(BOB);
    assert!(!by_choice(&world, BOB), "never was one");
    world.stands_down(ANN);
    assert!(by_choice(&world, ANN));
    world.approver(GREENHILL, ANN, ApproverBasis::DfeSignIn);
    assert!(!by_choice(&world, ANN));
    let dropped = ApproverStoodDown { person: ANN, reason: StandDownReason::DfeSignIn };
    world.by_itself(GREENHILL, Event::ApproverStoodDown(dropped));
    assert!(!world.greenhill_now().is_approver(ANN) && !by_choice(&world, ANN));
}

#[test]
fn what_is_said_of_an_approver_last_is_their_basis() {
    let mut world = World::greenhill();
    world.approver(GREENHILL, ANN, ApproverBasis::Colleague);
    let ann = world.greenhill_now().approvers.get(&ANN).unwrap();
    assert_eq!((ann.basis, ann.since), (ApproverBasis::Colleague, hour(2)));
}

#[test]
fn a_colleague_who_made_an_approver_is_known_after_dfe_sign_in_has_named_them_and_dropped_them() {
    let mut world = World::greenhill();
    world.approver(GREENHILL, BOB, ApproverBasis::Colleague);
    let bob = |world: &World| *world.greenhill_now().approvers.get(&BOB).unwrap();
    assert_eq!((bob(&world).by, bob(&world).made_by), (Actor::Person(ANN), Some(ANN)));
    world.approver(GREENHILL, BOB, ApproverBasis::DfeSignIn);
    assert_eq!((bob(&world).by, bob(&world).made_by), (Actor::System, Some(ANN)));
    let again = ApproverEstablished { person: BOB, basis: ApproverBasis::Colleague };
    world.by_itself(GREENHILL, Event::ApproverEstablished(again));
    assert_eq!((bob(&world).by, bob(&world).basis), (Actor::Person(ANN), ApproverBasis::Colleague));
}

#[test]
fn a_granted_request_gives_access_and_stays_as_granted() {
    let mut world = World::greenhill();
    let asked = world.asks(BOB, R1);
    let open = world.greenhill_now().open_request_of(BOB).unwrap();
    assert_eq!((open.id, open.event, open.at), (R1, asked, hour(3)));
    assert_eq!(open.message.as_ref().map(|held| held.slot), Some(Slot::RequestMessage));
    assert_eq!(world.lists.organisation_of_request(R1), Some(GREENHILL));
    assert!(!world.greenhill_now().has_access(BOB, world.now()));
    world.grants(BOB, Some(R1));
    assert!(world.greenhill_now().has_access(BOB, world.now()));
    assert!(world.greenhill_now().open_request_of(BOB).is_none());
    let by = Actor::Person(ANN);
    let outcome = Outcome::Granted { by, at: hour(4), ends: None };
    assert_eq!(world.greenhill_now().latest_request_of(BOB).unwrap().outcome, outcome);
    assert_eq!(world.greenhill_now().users.get(&BOB).unwrap().request, Some(R1));
}

#[test]
fn a_person_has_one_open_request_at_most_and_one_decision_on_each() {
    let mut world = World::greenhill();
    world.asks(BOB, R1);
    world.asks(BOB, R2);
    assert_eq!(world.greenhill_now().open_requests().count(), 1);
    world.declines(CAI, R1);
    assert_eq!(world.greenhill_now().open_requests().count(), 1);
    world.declines(BOB, R1);
    world.withdraws(BOB, R1);
    let outcome = &world.greenhill_now().requests.get(&R1).unwrap().outcome;
    assert!(matches!(outcome, Outcome::Declined { reason, .. } if reason.slot == Slot::DeclineReason));
    world.asks(BOB, R2);
    assert_eq!(world.greenhill_now().latest_request_of(BOB).unwrap().id, R2);
    world.by_itself(GREENHILL, Event::ApproversReminded(ApproversReminded { request: R2, reminder: 2 }));
    assert_eq!(world.greenhill_now().requests.get(&R2).unwrap().reminders, 2);
    let what = AccessRequestExpired { request: R2, person: BOB };
    world.by_itself(GREENHILL, Event::AccessRequestExpired(what));
    assert_eq!(world.greenhill_now().requests.get(&R2).unwrap().outcome.at(), Some(world.now()));
}

#[test]
fn access_ends_when_its_end_has_come_even_before_an_event_says_so() {
    let mut world = World::greenhill();
    world.grants_until(BOB, None, Some(hour(8)));
    let bob = |world: &World, at| world.greenhill_now().has_access(BOB, hour(at));
    assert!(bob(&world, 7) && !bob(&world, 8));
    let soon = |ends| Event::AccessEndingSoon(AccessEndingSoon { person: BOB, ends });
    world.by_itself(GREENHILL, soon(hour(9)));
    assert!(!world.greenhill_now().users.get(&BOB).unwrap().warned);
    world.by_itself(GREENHILL, soon(hour(8)));
    assert!(world.greenhill_now().users.get(&BOB).unwrap().warned);
    let longer = AccessEndDateChanged { person: BOB, ends: Some(hour(20)) };
    world.at(GREENHILL, ANN, Event::AccessEndDateChanged(longer));
    assert!(!world.greenhill_now().users.get(&BOB).unwrap().warned);
    assert!(bob(&world, 19) && !bob(&world, 20));
    world.by_itself(GREENHILL, Event::AccessEnded(AccessEnded { person: BOB }));
    assert!(!bob(&world, 1));
}

#[test]
fn who_was_revoked_has_no_access() {
    let mut world = World::greenhill();
    world.grants(BOB, None);
    world.approver(GREENHILL, BOB, ApproverBasis::Colleague);
    assert_eq!(members(&world), [ANN, BOB]);
    world.revokes(BOB);
    assert!(world.greenhill_now().is_approver(BOB), "the stand-down is an event of its own");
    world.stands_down(BOB);
    assert!(!world.greenhill_now().has_access(BOB, world.now()));
    assert_eq!(members(&world), [ANN]);
    assert_eq!(world.lists.organisations_of(BOB).count(), 0);
}

#[test]
fn how_access_ended_is_known_until_it_is_given_again() {
    let mut world = World::greenhill();
    let bob = |world: &World| world.greenhill_now().ended.get(&BOB).copied();
    world.grants_until(BOB, None, Some(hour(4)));
    world.asks(CAI, R1);
    world.by_itself(GREENHILL, Event::AccessEnded(AccessEnded { person: BOB }));
    assert_eq!(bob(&world), Some(Ended { at: hour(4), how: HowEnded::EndDate }));
    world.grants(BOB, None);
    assert_eq!(bob(&world), None);
    world.revokes(BOB);
    let by = Actor::Person(ANN);
    assert_eq!(bob(&world), Some(Ended { at: world.now(), how: HowEnded::Revoked { by } }));
    world.revokes(CAI);
    assert!(!world.greenhill_now().ended.contains_key(&CAI), "had none");
}

#[test]
fn nobody_has_access_to_a_closed_organisation() {
    let mut world = World::greenhill();
    world.grants(BOB, None);
    world.by_itself(GREENHILL, Event::OrganisationClosed(OrganisationClosed {}));
    assert!(!world.greenhill_now().has_access(ANN, world.now()));
    assert!(!world.greenhill_now().is_approver(ANN));
    assert_eq!(members(&world), []);
    world.by_itself(GREENHILL, Event::OrganisationReopened(OrganisationReopened {}));
    assert_eq!(members(&world), [ANN, BOB]);
    let renamed = OrganisationRenamed { name: "Greenhill Academy".into() };
    world.by_itself(GREENHILL, Event::OrganisationRenamed(renamed));
    assert_eq!(&*world.greenhill_now().name, "Greenhill Academy");
}

#[test]
fn a_review_waits_for_each_member_until_all_are_confirmed_or_gone() {
    let mut world = World::greenhill();
    world.grants(BOB, None);
    world.grants(CAI, None);
    world.approver(GREENHILL, person(4), ApproverBasis::Colleague);
    world.opens_review(review(1));
    let waiting = |world: &World| world.greenhill_now().waiting_for_review(world.now()).collect::<Vec<_>>();
    // DfE Sign-in names Ann: no colleague has to.
    assert_eq!(waiting(&world), [person(4), BOB, CAI]);
    let confirmed = |id, person| Event::AccessConfirmed(AccessConfirmed { review: id, person });
    world.at(GREENHILL, ANN, confirmed(review(2), BOB));
    assert_eq!(waiting(&world).len(), 3);
    world.at(GREENHILL, ANN, confirmed(review(1), person(4)));
    world.at(GREENHILL, ANN, confirmed(review(1), BOB));
    world.revokes(CAI);
    assert_eq!(waiting(&world), []);
    let confirmation = world.greenhill_now().users.get(&BOB).unwrap().confirmed.unwrap();
    assert_eq!(confirmation.by, Actor::Person(ANN));
    let completed = |id| Event::ReviewCompleted(ReviewCompleted { review: id });
    world.at(GREENHILL, ANN, completed(review(2)));
    assert!(world.greenhill_now().review.is_some());
    world.at(GREENHILL, ANN, completed(review(1)));
    assert!(world.greenhill_now().review.is_none());
    assert_eq!(world.greenhill_now().reviewed, Some(world.now()));
}

#[test]
fn a_person_is_found_where_they_have_to_do_with_an_organisation() {
    let mut world = World::greenhill();
    world.registered(organisation(2));
    world.approver(organisation(2), BOB, ApproverBasis::DfeSignIn);
    world.asks(BOB, R1);
    let of = |world: &World, person| world.lists.organisations_of(person).collect::<Vec<_>>();
    assert_eq!(of(&world, BOB), [GREENHILL, organisation(2)]);
    assert_eq!(of(&world, ANN), [GREENHILL]);
    assert_eq!(of(&world, CAI), []);
    world.declines(BOB, R1);
    assert_eq!(of(&world, BOB), [GREENHILL, organisation(2)], "a decided request is still theirs to see");
}

#[test]
fn the_newest_decided_requests_and_all_open_ones_are_kept() {
    let mut world = World::greenhill();
    let count = DECIDED_KEPT as u128 + 3;
    world.asks(person(9), request(9000));
    for number in 100..100 + count {
        world.asks(person(number), request(number));
        world.declines(person(number), request(number));
    }
    let kept = &world.greenhill_now().requests;
    assert_eq!(kept.len(), DECIDED_KEPT + 1);
    assert!(kept.contains_key(&request(9000)) && !kept.contains_key(&request(102)));
    assert!(kept.contains_key(&request(103)));
    assert_eq!(world.lists.organisation_of_request(request(102)), None);
    assert_eq!(world.lists.organisations_of(person(102)).count(), 0);
    assert_eq!(world.lists.organisations_of(person(103)).count(), 1);
}

#[test]
fn an_event_that_comes_twice_is_taken_in_once() {
    let mut world = World::greenhill();
    world.asks(BOB, R1);
    let before = world.lists.clone();
    for recorded in &world.log {
        world.lists.apply(recorded);
    }
    assert_eq!(world.lists, before);
    assert_eq!((world.lists.events(), world.lists.position()), (3, Position::new(5)));
}
