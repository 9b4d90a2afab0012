//! Granting and declining requests.

use super::*;
use crate::domain::organisation::{DecideRefused, Settled};

/// Bea's request waits for Ann.
fn given_beas_request() -> History<Organisation> {
    given_anns_school().later(day(1), BEA, [asked(R1, BEA)])
}

#[test]
fn an_approver_grants_a_request() {
    given_beas_request().when(|org| org.grant(R1, ANN, None, day(2))).then([granted(R1, BEA, None)]);
}

#[test]
fn an_approver_grants_a_request_until_a_date() {
    given_beas_request().when(|org| org.grant(R1, ANN, Some(day(9)), day(2))).then([granted(
        R1,
        BEA,
        Some(day(9)),
    )]);
}

#[test]
fn an_approver_made_by_a_colleague_grants_a_request() {
    given_beas_request()
        .later(day(1), ANN, [added(CAI, None), made_approver(CAI)])
        .when(|org| org.grant(R1, CAI, None, day(2)))
        .then([granted(R1, BEA, None)]);
}

#[test]
fn an_approver_declines_a_request_with_a_reason_that_is_the_persons_own_data() {
    given_beas_request().when(|org| org.decline(R1, ANN, &reason())).then([declined(R1, BEA)]);
}

#[test]
fn who_was_granted_access_has_it_until_the_end_date_and_not_at_it() {
    let history = given_beas_request().later(day(2), ANN, [granted(R1, BEA, Some(day(9)))]);
    let org = history.state();
    assert!(org.has_access(BEA, day(2)));
    assert!(org.has_access(BEA, just_before(day(9))));
    assert!(!org.has_access(BEA, day(9)));
    assert!(!org.is_approver(BEA));
}

#[test]
fn who_only_asked_has_no_access() {
    assert!(!given_beas_request().state().has_access(BEA, day(1)));
}

#[test]
fn an_end_date_exactly_now_or_before_is_not_in_the_future() {
    let history = given_beas_request();
    for ends in [day(1), just_before(day(2)), day(2)] {
        history.when(|org| org.grant(R1, ANN, Some(ends), day(2))).then_refused(DecideRefused::EndsInThePast);
    }
    let next = Timestamp::from_micros(day(2).micros() + 1);
    history.when(|org| org.grant(R1, ANN, Some(next), day(2))).then([granted(R1, BEA, Some(next))]);
}

#[test]
fn who_is_not_an_approver_decides_nothing() {
    let history = given_beas_request().later(day(1), ANN, [added(CAI, None)]);
    for by in [BEA, CAI, DAN] {
        history.when(|org| org.grant(R1, by, None, day(2))).then_refused(DecideRefused::NotAnApprover);
        history.when(|org| org.decline(R1, by, &reason())).then_refused(DecideRefused::NotAnApprover);
    }
}

#[test]
fn who_is_no_longer_an_approver_decides_nothing() {
    let history = given_beas_request().later(day(2), ANN, [stood_down(ANN, StandDownReason::Own)]);
    history.when(|org| org.grant(R1, ANN, None, day(3))).then_refused(DecideRefused::NotAnApprover);
    history.when(|org| org.decline(R1, ANN, &reason())).then_refused(DecideRefused::NotAnApprover);
}

#[test]
fn a_request_that_is_not_there_is_not_decided() {
    let history = given_beas_request();
    history.when(|org| org.grant(R2, ANN, None, day(2))).then_refused(DecideRefused::NoSuchRequest);
    history.when(|org| org.decline(R2, ANN, &reason())).then_refused(DecideRefused::NoSuchRequest);
}

#[test]
fn whoever_becomes_an_approver_does_not_decide_the_request_that_they_made_before() {
    let mut history = given_beas_request();
    history.record(day(2), Actor::System, [named_approver(BEA)]);
    history.when(|org| org.grant(R1, BEA, None, day(3))).then_refused(DecideRefused::OwnRequest);
    history.when(|org| org.decline(R1, BEA, &reason())).then_refused(DecideRefused::OwnRequest);
    history.when(|org| org.grant(R1, ANN, None, day(3))).then([granted(R1, BEA, None)]);
}

#[test]
fn a_settled_request_cannot_be_decided_again() {
    let at = day(2);
    let by = Actor::Person(ANN);
    for (settled, how) in [
        (granted(R1, BEA, None), Settled::Granted { by, at }),
        (declined(R1, BEA), Settled::Declined { by, at }),
        (withdrawn(R1, BEA), Settled::Withdrawn { at }),
        (expired(R1, BEA), Settled::Expired { at }),
    ] {
        let mut history = given_beas_request();
        history.record(day(1), Actor::System, [named_approver(CAI)]);
        let history = history.later(at, ANN, [settled]);
        for by in [ANN, CAI] {
            history.when(|org| org.grant(R1, by, None, day(3))).then_refused(DecideRefused::Settled(how));
            history.when(|org| org.decline(R1, by, &reason())).then_refused(DecideRefused::Settled(how));
        }
    }
}

#[test]
fn that_a_request_is_settled_is_told_before_what_is_wrong_with_the_end_date() {
    let how = Settled::Withdrawn { at: day(2) };
    given_beas_request()
        .later(day(2), BEA, [withdrawn(R1, BEA)])
        .when(|org| org.grant(R1, ANN, Some(day(0)), day(3)))
        .then_refused(DecideRefused::Settled(how));
}
