//! People of a school that closed come to the one that succeeds it.

mod random;

use vouchsafe_events::{
    AccessCarriedOver, AccessRequestedOnClosure, ApproverCarriedOver, UserAdded, UserRemoved,
};

use super::*;
use crate::domain::organisation::{End, Leaving, Outlook, Standing, outlook};

/// The school that closed.
const OLD: OrganisationId = school(0x01d);

const fn school(number: u128) -> OrganisationId {
    OrganisationId::from_uuid(Uuid::from_u128(number))
}

fn listed(person: PersonId) -> Happened {
    Event::UserAdded(UserAdded { person, from: None, instead_of: None })
}

fn listed_from_old(person: PersonId) -> Happened {
    Event::UserAdded(UserAdded { person, from: Some(OLD), instead_of: None })
}

fn access_carried(person: PersonId, ends: Option<Timestamp>) -> Happened {
    Event::AccessCarriedOver(AccessCarriedOver { person, from: OLD, ends })
}

fn approver_carried(person: PersonId) -> Happened {
    Event::ApproverCarriedOver(ApproverCarriedOver { person, from: OLD })
}

fn asked_on_closure(person: PersonId) -> Happened {
    Event::AccessRequestedOnClosure(AccessRequestedOnClosure { request: fresh(person), person, from: OLD })
}

/// The request that would be made for a person.
fn fresh(person: PersonId) -> RequestId {
    RequestId::from_uuid(person.uuid())
}

/// A school where this happened on day 0 and that closed on day 10, as it was left on day 11.
fn left_behind<const N: usize>(events: [Happened; N]) -> Leaving {
    let mut history = given([registered("Old Greenhill")]);
    history.record(day(0), Actor::System, events);
    history.record(day(10), Actor::Operator, [closed()]);
    history.state().leaving(OLD, day(11)).unwrap()
}

/// Ann approves, Bea approves and has access that ends, Cai has access.
fn anns_school() -> Leaving {
    left_behind([named_approver(ANN), added(BEA, Some(day(90))), made_approver(BEA), added(CAI, None)])
}

#[test]
fn at_the_only_successor_people_keep_what_they_had() {
    given([registered("Greenhill")]).when(|org| org.carry_over(&anns_school(), day(11))).then([
        approver_carried(ANN),
        access_carried(BEA, Some(day(90))),
        approver_carried(BEA),
        access_carried(CAI, None),
    ]);
}

#[test]
fn whose_access_had_ended_is_left_behind() {
    let leaving = left_behind([added(BEA, Some(day(10))), added(CAI, None), revoked(CAI, None)]);
    assert!(leaving.is_empty());
    assert_eq!(given([registered("Greenhill")]).state().leaving(OLD, day(1)), None);
}

#[test]
fn who_has_it_already_gets_nothing_twice() {
    given([registered("Greenhill"), named_approver(ANN), added(BEA, None), added(CAI, Some(day(20)))])
        .when(|org| org.carry_over(&anns_school(), day(11)))
        .then([approver_carried(BEA)]);
    given([
        registered("Greenhill"),
        approver_carried(ANN),
        access_carried(BEA, Some(day(90))),
        approver_carried(BEA),
        access_carried(CAI, None),
    ])
    .when(|org| org.carry_over(&anns_school(), day(11)))
    .then_nothing();
}

#[test]
fn who_came_and_lost_it_does_not_come_again() {
    let history = given([registered("Greenhill"), named_approver(DAN)])
        .later(day(11), ANN, [access_carried(CAI, None)])
        .later(day(12), DAN, [revoked(CAI, None)]);
    let cai = left_behind([added(CAI, None)]);
    history.when(|org| org.carry_over(&cai, day(13))).then_nothing();
    assert!(cai.beyond(history.state()).is_empty());
}

#[test]
fn what_was_decided_here_after_the_other_school_closed_stands() {
    let cai = left_behind([added(CAI, None)]);
    let school = || given([registered("Greenhill"), named_approver(DAN), added(CAI, None)]);
    let history = school().later(day(11), DAN, [revoked(CAI, None)]);
    history.when(|org| org.carry_over(&cai, day(12))).then_nothing();
    history.when(|org| org.ask_on_closure(&cai, |_| Some(R1), day(12))).then_nothing();
    let earlier = school().later(day(9), DAN, [revoked(CAI, None)]);
    earlier.when(|org| org.carry_over(&cai, day(12))).then([access_carried(CAI, None)]);
}

#[test]
fn who_stood_down_here_by_choice_comes_with_access_alone() {
    let mut history = given([registered("Greenhill"), named_approver(ANN)]);
    history.record(day(1), Actor::Person(ANN), [stood_down(ANN, StandDownReason::Own)]);
    history
        .when(|org| org.carry_over(&left_behind([named_approver(ANN)]), day(11)))
        .then([access_carried(ANN, None)]);
}

#[test]
fn an_open_request_of_theirs_has_no_more_purpose() {
    given([registered("Greenhill"), asked(R1, CAI)])
        .when(|org| org.carry_over(&left_behind([added(CAI, None)]), day(11)))
        .then([access_carried(CAI, None), withdrawn(R1, CAI)]);
}

#[test]
fn access_whose_end_came_a_moment_ago_ends_first() {
    given([registered("Greenhill"), added(CAI, Some(day(11)))])
        .when(|org| org.carry_over(&left_behind([added(CAI, None)]), day(11)))
        .then([ended(CAI), access_carried(CAI, None)]);
}

#[test]
fn who_was_on_supports_list_is_on_the_list_where_there_is_one() {
    let leaving = left_behind([listed(CAI)]);
    let Event::OrganisationRegistered(mut body) = registered("Greenhill Hub") else { unreachable!() };
    body.kinds.push(OrganisationKind::AppropriateBody);
    given([Event::OrganisationRegistered(body.clone())])
        .when(|org| org.carry_over(&leaving, day(11)))
        .then([listed_from_old(CAI)]);
    given([registered("Greenhill")])
        .when(|org| org.carry_over(&leaving, day(11)))
        .then([access_carried(CAI, None)]);
    let removed = Event::UserRemoved(UserRemoved { person: CAI, reason: Plain::about(CAI, "gone") });
    given([Event::OrganisationRegistered(body), listed_from_old(CAI), removed])
        .when(|org| org.carry_over(&leaving, day(11)))
        .then_nothing();
}

#[test]
fn at_one_of_several_successors_the_approvers_are_asked_about_each() {
    let leaving = anns_school();
    let ask = |org: &Organisation| org.ask_on_closure(&leaving, |person| Some(fresh(person)), day(11));
    given([registered("Greenhill")]).when(ask).then([
        asked_on_closure(ANN),
        asked_on_closure(BEA),
        asked_on_closure(CAI),
    ]);
    given([registered("Greenhill"), named_approver(ANN), asked(R1, BEA), asked_on_closure(CAI)])
        .when(ask)
        .then_nothing();
    let declined_then = given([registered("Greenhill"), asked_on_closure(CAI)]);
    declined_then
        .later(day(12), ANN, [declined(fresh(CAI), CAI)])
        .when(|org| org.ask_on_closure(&left_behind([added(CAI, None)]), |_| Some(R2), day(13)))
        .then_nothing();
}

#[test]
fn a_closed_successor_takes_nobody() {
    let history = given([registered("Greenhill"), closed()]);
    history.when(|org| org.carry_over(&anns_school(), day(11))).then_nothing();
    history.when(|org| org.ask_on_closure(&anns_school(), |_| Some(R1), day(11))).then_nothing();
}

/// What becomes of school 0, where each school has a letter: `o` is open, `c` closed, and what is not there is not
/// registered.
fn becomes(states: &str, links: &[(u128, u128)]) -> Outlook {
    let states: Vec<char> = states.chars().collect();
    outlook(school(0), |at| {
        let number = at.uuid().as_u128();
        let closed = *states.get(usize::try_from(number).unwrap())? == 'c';
        let successors = links.iter().filter(|(of, _)| *of == number).map(|(_, to)| school(*to)).collect();
        Some(Standing { closed, successors })
    })
}

fn end(at: u128, via: &[u128]) -> End {
    End { at: school(at), via: via.iter().map(|number| school(*number)).collect() }
}

#[test]
fn successors_are_followed_to_one_that_is_open() {
    assert_eq!(becomes("co", &[(0, 1)]), Outlook::One(end(1, &[])));
    assert_eq!(becomes("ccco", &[(0, 1), (1, 2), (2, 3)]), Outlook::One(end(3, &[1, 2])));
    assert_eq!(becomes("ccco", &[(0, 1), (0, 2), (1, 3), (2, 3)]), Outlook::One(end(3, &[1, 2])));
    assert_eq!(becomes("coo", &[(0, 1), (1, 2)]), Outlook::One(end(1, &[])));
}

#[test]
fn several_successors_are_several_ends() {
    assert_eq!(becomes("coo", &[(0, 1), (0, 2)]), Outlook::Several(vec![end(1, &[]), end(2, &[])]));
    let split_later = becomes("ccoo", &[(0, 1), (1, 2), (1, 3)]);
    assert_eq!(split_later, Outlook::Several(vec![end(2, &[1]), end(3, &[1])]));
    // One more is not known yet, closed without a successor, or leads back.
    assert_eq!(becomes("co", &[(0, 1), (0, 9)]), Outlook::Several(vec![end(1, &[])]));
    assert_eq!(becomes("coc", &[(0, 1), (0, 2)]), Outlook::Several(vec![end(1, &[])]));
    assert_eq!(becomes("coc", &[(0, 1), (0, 2), (2, 0)]), Outlook::Several(vec![end(1, &[])]));
}

#[test]
fn where_nobody_goes_on_nothing_happens() {
    assert_eq!(becomes("c", &[]), Outlook::Nowhere);
    assert_eq!(becomes("cc", &[(0, 1)]), Outlook::Nowhere);
    assert_eq!(becomes("c", &[(0, 9)]), Outlook::Waits);
    assert_eq!(becomes("cc", &[(0, 1), (1, 9)]), Outlook::Waits);
    assert_eq!(becomes("cc", &[(0, 1), (1, 0)]), Outlook::Circle);
    assert_eq!(becomes("ccc", &[(0, 1), (1, 2), (2, 1)]), Outlook::Circle);
}
