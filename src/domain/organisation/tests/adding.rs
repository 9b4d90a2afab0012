//! Giving access without being asked, changing its end, and ending it.

use super::*;
use crate::domain::organisation::{AddRefused, EndDateRefused, RevokeRefused};

/// Ann gave Bea access until day 30.
fn given_bea_until_day_30() -> History<Organisation> {
    given_anns_school().later(day(1), ANN, [added(BEA, Some(day(30)))])
}

#[test]
fn an_approver_adds_a_colleague() {
    given_anns_school().when(|org| org.add(BEA, ANN, None, day(1))).then([added(BEA, None)]);
}

#[test]
fn an_approver_adds_a_colleague_until_a_date() {
    given_anns_school().when(|org| org.add(BEA, ANN, Some(day(9)), day(1))).then([added(BEA, Some(day(9)))]);
}

#[test]
fn adding_a_colleague_who_has_asked_grants_their_open_request() {
    let history =
        given_anns_school().later(day(1), CAI, [asked(R2, CAI)]).later(day(1), BEA, [asked(R1, BEA)]);
    history.when(|org| org.add(BEA, ANN, None, day(2))).then([granted(R1, BEA, None)]);
}

#[test]
fn adding_a_colleague_leaves_a_settled_request_as_it_is() {
    given_anns_school()
        .later(day(1), BEA, [asked(R1, BEA)])
        .later(day(2), ANN, [declined(R1, BEA)])
        .when(|org| org.add(BEA, ANN, None, day(3)))
        .then([added(BEA, None)]);
}

#[test]
fn a_colleague_whose_access_ends_exactly_now_can_be_added_again() {
    let history = given_bea_until_day_30();
    history.when(|org| org.add(BEA, ANN, None, just_before(day(30)))).then_refused(AddRefused::HasAccess);
    history.when(|org| org.add(BEA, ANN, None, day(30))).then([ended(BEA), added(BEA, None)]);
}

#[test]
fn who_is_not_an_approver_adds_nobody() {
    let history = given_bea_until_day_30();
    history.when(|org| org.add(CAI, BEA, None, day(2))).then_refused(AddRefused::NotAnApprover);
    history.when(|org| org.add(CAI, DAN, None, day(2))).then_refused(AddRefused::NotAnApprover);
    history.when(|org| org.add(DAN, DAN, None, day(2))).then_refused(AddRefused::NotAnApprover);
}

#[test]
fn an_approver_does_not_add_themselves() {
    given_anns_school().when(|org| org.add(ANN, ANN, None, day(1))).then_refused(AddRefused::Oneself);
}

#[test]
fn who_has_access_is_not_added() {
    let mut history = given_bea_until_day_30();
    history.record(day(2), Actor::System, [named_approver(CAI)]);
    history.when(|org| org.add(BEA, ANN, None, day(2))).then_refused(AddRefused::HasAccess);
    history.when(|org| org.add(CAI, ANN, None, day(2))).then_refused(AddRefused::HasAccess);
}

#[test]
fn nobody_is_added_until_now_or_before() {
    for ends in [day(0), day(1)] {
        given_anns_school()
            .when(|org| org.add(BEA, ANN, Some(ends), day(1)))
            .then_refused(AddRefused::EndsInThePast);
    }
}

#[test]
fn an_approver_changes_or_takes_away_an_end_date() {
    let history = given_bea_until_day_30();
    for ends in [Some(day(10)), Some(day(60)), None] {
        history.when(|org| org.change_end_date(BEA, ANN, ends, day(2))).then([end_date_changed(BEA, ends)]);
    }
}

#[test]
fn an_end_date_that_stands_already_changes_nothing() {
    given_bea_until_day_30().when(|org| org.change_end_date(BEA, ANN, Some(day(30)), day(2))).then_nothing();
}

#[test]
fn access_ends_at_the_changed_date() {
    let history = given_bea_until_day_30().later(day(2), ANN, [end_date_changed(BEA, Some(day(10)))]);
    assert!(history.state().has_access(BEA, just_before(day(10))));
    assert!(!history.state().has_access(BEA, day(10)));
    let history = history.later(day(3), ANN, [end_date_changed(BEA, None)]);
    assert!(history.state().has_access(BEA, day(10_000)));
}

#[test]
fn who_is_not_an_approver_changes_no_end_date() {
    let history = given_bea_until_day_30();
    for by in [BEA, DAN] {
        history
            .when(|org| org.change_end_date(BEA, by, None, day(2)))
            .then_refused(EndDateRefused::NotAnApprover);
    }
}

#[test]
fn nobody_extends_their_own_access() {
    given_bea_until_day_30()
        .later(day(2), ANN, [made_approver(BEA)])
        .when(|org| org.change_end_date(BEA, BEA, None, day(3)))
        .then_refused(EndDateRefused::Oneself);
}

#[test]
fn access_that_was_not_granted_or_has_ended_has_no_end_date() {
    let mut history = given_bea_until_day_30();
    history.record(day(2), Actor::System, [named_approver(CAI)]);
    for (person, now) in [(DAN, day(2)), (CAI, day(2)), (BEA, day(30))] {
        history
            .when(|org| org.change_end_date(person, ANN, None, now))
            .then_refused(EndDateRefused::NoAccess);
    }
}

#[test]
fn an_end_date_is_not_moved_to_now_or_before() {
    let history = given_bea_until_day_30();
    for ends in [day(1), day(2)] {
        history
            .when(|org| org.change_end_date(BEA, ANN, Some(ends), day(2)))
            .then_refused(EndDateRefused::EndsInThePast);
    }
}

#[test]
fn an_approver_ends_a_colleagues_access() {
    given_bea_until_day_30().when(|org| org.revoke(BEA, ANN, &reason(), day(2))).then([revoked(BEA, None)]);
}

#[test]
fn access_that_was_ended_is_gone_at_once() {
    let history = given_bea_until_day_30().later(day(2), ANN, [revoked(BEA, None)]);
    assert!(!history.state().has_access(BEA, day(2)));
}

#[test]
fn ending_the_access_of_an_approver_made_by_a_colleague_stands_them_down_too() {
    let history = given_bea_until_day_30().later(day(2), ANN, [made_approver(BEA)]);
    let stood_down = || stood_down(BEA, StandDownReason::AccessRevoked);
    history.when(|org| org.revoke(BEA, ANN, &reason(), day(3))).then([revoked(BEA, None), stood_down()]);
    let history = history.later(day(3), ANN, [revoked(BEA, None), stood_down()]);
    assert!(!history.state().has_access(BEA, day(3)));
    assert!(!history.state().is_approver(BEA));
}

#[test]
fn who_is_not_an_approver_ends_no_access() {
    let history = given_bea_until_day_30().later(day(1), ANN, [added(CAI, None)]);
    for by in [BEA, CAI, DAN] {
        history.when(|org| org.revoke(BEA, by, &reason(), day(2))).then_refused(RevokeRefused::NotAnApprover);
    }
}

#[test]
fn an_approver_does_not_end_their_own_access() {
    given_anns_school()
        .when(|org| org.revoke(ANN, ANN, &reason(), day(1)))
        .then_refused(RevokeRefused::Oneself);
}

#[test]
fn where_there_is_no_access_there_is_none_to_end() {
    let history = given_bea_until_day_30().later(day(2), CAI, [asked(R1, CAI)]);
    for (person, now) in [(CAI, day(2)), (DAN, day(2)), (BEA, day(30))] {
        history.when(|org| org.revoke(person, ANN, &reason(), now)).then_refused(RevokeRefused::NoAccess);
    }
}

#[test]
fn the_access_of_an_approver_named_by_dfe_sign_in_is_not_ended_here() {
    let mut history = given_bea_until_day_30();
    history.record(day(2), Actor::System, [named_approver(BEA)]);
    history
        .when(|org| org.revoke(BEA, ANN, &reason(), day(3)))
        .then_refused(RevokeRefused::ApproverInDfeSignIn);
}
