//! Asking for access, and taking the request back.

use super::*;
use crate::domain::organisation::{AskRefused, Settled, WithdrawRefused};

#[test]
fn a_person_asks_for_access_with_a_message() {
    given_anns_school().when(|org| org.ask(BEA, R1, Some(&message()), day(1))).then([asked(R1, BEA)]);
}

#[test]
fn a_person_asks_for_access_without_a_message() {
    given_anns_school()
        .when(|org| org.ask(BEA, R1, None, day(1)))
        .then([Event::AccessRequested(AccessRequested { request: R1, person: BEA, message: None })]);
}

#[test]
fn a_person_may_ask_where_nobody_is_an_approver_yet() {
    given([registered("Greenhill")])
        .when(|org| org.ask(BEA, R1, Some(&message()), day(1)))
        .then([asked(R1, BEA)]);
}

#[test]
fn two_people_may_ask_at_once() {
    given_anns_school()
        .later(day(1), BEA, [asked(R1, BEA)])
        .when(|org| org.ask(CAI, R2, Some(&message()), day(1)))
        .then([asked(R2, CAI)]);
}

#[test]
fn nobody_asks_where_nothing_is_known() {
    given([]).when(|org| org.ask(BEA, R1, None, day(1))).then_refused(AskRefused::OrganisationClosed);
}

#[test]
fn who_has_access_does_not_ask() {
    given_anns_school()
        .later(day(1), ANN, [added(BEA, None)])
        .when(|org| org.ask(BEA, R1, None, day(2)))
        .then_refused(AskRefused::HasAccess);
}

#[test]
fn an_approver_has_access_and_does_not_ask() {
    given_anns_school().when(|org| org.ask(ANN, R1, None, day(1))).then_refused(AskRefused::HasAccess);
}

#[test]
fn who_has_asked_does_not_ask_again() {
    given_anns_school()
        .later(day(1), BEA, [asked(R1, BEA)])
        .when(|org| org.ask(BEA, R2, None, day(2)))
        .then_refused(AskRefused::AlreadyAsked { request: R1 });
}

#[test]
fn whose_request_was_declined_withdrawn_or_expired_may_ask_again() {
    for (by, settled) in [(ANN, declined(R1, BEA)), (BEA, withdrawn(R1, BEA)), (ANN, expired(R1, BEA))] {
        given_anns_school()
            .later(day(1), BEA, [asked(R1, BEA)])
            .later(day(2), by, [settled])
            .when(|org| org.ask(BEA, R2, Some(&message()), day(2)))
            .then([asked(R2, BEA)]);
    }
}

#[test]
fn whose_access_ends_exactly_now_may_ask_again() {
    let history = given_anns_school().later(day(1), ANN, [added(BEA, Some(day(9)))]);
    history.when(|org| org.ask(BEA, R1, None, just_before(day(9)))).then_refused(AskRefused::HasAccess);
    history.when(|org| org.ask(BEA, R1, Some(&message()), day(9))).then([asked(R1, BEA)]);
}

#[test]
fn whose_access_was_revoked_may_ask_again() {
    given_anns_school()
        .later(day(1), ANN, [added(BEA, None), revoked(BEA, None)])
        .when(|org| org.ask(BEA, R1, Some(&message()), day(1)))
        .then([asked(R1, BEA)]);
}

#[test]
fn a_person_withdraws_their_request() {
    given_anns_school()
        .later(day(1), BEA, [asked(R1, BEA)])
        .when(|org| org.withdraw(BEA, R1))
        .then([withdrawn(R1, BEA)]);
}

#[test]
fn a_request_that_is_not_there_is_not_withdrawn() {
    given_anns_school().when(|org| org.withdraw(BEA, R1)).then_refused(WithdrawRefused::NoSuchRequest);
}

#[test]
fn another_persons_request_looks_as_if_it_were_not_there() {
    let open = given_anns_school().later(day(1), BEA, [asked(R1, BEA)]);
    open.when(|org| org.withdraw(CAI, R1)).then_refused(WithdrawRefused::NoSuchRequest);
    open.when(|org| org.withdraw(ANN, R1)).then_refused(WithdrawRefused::NoSuchRequest);
    open.later(day(2), ANN, [declined(R1, BEA)])
        .when(|org| org.withdraw(CAI, R1))
        .then_refused(WithdrawRefused::NoSuchRequest);
}

#[test]
fn a_settled_request_is_not_withdrawn() {
    let at = day(2);
    let by = Actor::Person(ANN);
    for (settled, how) in [
        (granted(R1, BEA, None), Settled::Granted { by, at }),
        (declined(R1, BEA), Settled::Declined { by, at }),
        (withdrawn(R1, BEA), Settled::Withdrawn { at }),
        (expired(R1, BEA), Settled::Expired { at }),
    ] {
        given_anns_school()
            .later(day(1), BEA, [asked(R1, BEA)])
            .later(at, ANN, [settled])
            .when(|org| org.withdraw(BEA, R1))
            .then_refused(WithdrawRefused::Settled(how));
    }
}
