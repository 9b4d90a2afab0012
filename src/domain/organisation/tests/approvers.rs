//! Who decides: named by DfE Sign-in, made by a colleague, standing down and coming back.

use super::*;
use crate::domain::organisation::{MakeApproverRefused, ReturnRefused, RevokeRefused, StandDownRefused};

/// Ann is an approver, and made Bea one too.
fn given_ann_and_bea() -> History<Organisation> {
    given_anns_school().later(day(1), ANN, [added(BEA, None), made_approver(BEA)])
}

/// Ann was named by DfE Sign-in and stood down by choice.
fn given_ann_stood_down() -> History<Organisation> {
    given_anns_school().later(day(1), ANN, [stood_down(ANN, StandDownReason::Own)])
}

#[test]
fn whom_dfe_sign_in_names_becomes_an_approver() {
    given([registered("Greenhill")])
        .when(|org| org.heard_from_dfe_sign_in(ANN, true))
        .then([named_approver(ANN)]);
}

#[test]
fn whom_dfe_sign_in_still_names_or_never_named_stays_as_they_are() {
    given_anns_school().when(|org| org.heard_from_dfe_sign_in(ANN, true)).then_nothing();
    given_anns_school().when(|org| org.heard_from_dfe_sign_in(BEA, false)).then_nothing();
}

#[test]
fn whom_dfe_sign_in_no_longer_names_is_no_longer_an_approver() {
    given_anns_school()
        .when(|org| org.heard_from_dfe_sign_in(ANN, false))
        .then([stood_down(ANN, StandDownReason::DfeSignIn)]);
}

#[test]
fn whom_dfe_sign_in_names_again_is_an_approver_again() {
    given([registered("Greenhill"), named_approver(ANN), stood_down(ANN, StandDownReason::DfeSignIn)])
        .when(|org| org.heard_from_dfe_sign_in(ANN, true))
        .then([named_approver(ANN)]);
}

#[test]
fn an_approver_made_by_a_colleague_rests_on_dfe_sign_ins_word_while_it_names_them() {
    let history = given_ann_and_bea();
    history.when(|org| org.heard_from_dfe_sign_in(BEA, false)).then_nothing();
    history.when(|org| org.heard_from_dfe_sign_in(BEA, true)).then([named_approver(BEA)]);
    let mut history = history;
    history.record(day(2), Actor::System, [named_approver(BEA)]);
    history.when(|org| org.heard_from_dfe_sign_in(BEA, true)).then_nothing();
    history
        .when(|org| org.revoke(BEA, ANN, &reason(), day(3)))
        .then_refused(RevokeRefused::ApproverInDfeSignIn);
    history.when(|org| org.heard_from_dfe_sign_in(BEA, false)).then([made_approver(BEA)]);
    history.record(day(3), Actor::System, [made_approver(BEA)]);
    assert!(history.state().is_approver(BEA));
    history
        .when(|org| org.revoke(BEA, ANN, &reason(), day(3)))
        .then([revoked(BEA, None), stood_down(BEA, StandDownReason::AccessRevoked)]);
}

#[test]
fn a_colleagues_word_ends_with_the_access_that_it_was_given_for() {
    let mut history = given_anns_school().later(day(1), ANN, [added(BEA, Some(day(9))), made_approver(BEA)]);
    history.record(day(2), Actor::System, [named_approver(BEA)]);
    history.record(day(9), Actor::System, [ended(BEA)]);
    assert!(history.state().is_approver(BEA), "DfE Sign-in names her");
    history
        .when(|org| org.heard_from_dfe_sign_in(BEA, false))
        .then([stood_down(BEA, StandDownReason::DfeSignIn)]);
}

#[test]
fn a_colleagues_word_ends_with_standing_down() {
    let mut history = given_ann_and_bea().later(day(2), BEA, [stood_down(BEA, StandDownReason::Own)]);
    history.record(day(3), Actor::Person(BEA), [named_approver(BEA)]);
    history
        .when(|org| org.heard_from_dfe_sign_in(BEA, false))
        .then([stood_down(BEA, StandDownReason::DfeSignIn)]);
}

#[test]
fn an_approver_has_access_while_they_are_one() {
    assert!(given_anns_school().state().is_approver(ANN));
    assert!(given_anns_school().state().has_access(ANN, day(1)));
    assert!(!given_ann_stood_down().state().is_approver(ANN));
    assert!(!given_ann_stood_down().state().has_access(ANN, day(1)));
}

#[test]
fn who_was_given_access_keeps_it_when_they_stand_down() {
    let history = given_ann_and_bea().later(day(2), BEA, [stood_down(BEA, StandDownReason::Own)]);
    assert!(!history.state().is_approver(BEA));
    assert!(history.state().has_access(BEA, day(2)));
}

#[test]
fn only_whom_dfe_sign_in_names_is_told_as_such() {
    let mut history = given_ann_and_bea();
    history.record(day(2), Actor::System, [named_approver(CAI)]);
    assert_eq!(history.state().named_by_dfe_sign_in().collect::<Vec<_>>(), [ANN, CAI]);
}

#[test]
fn an_approver_makes_a_colleague_with_access_an_approver() {
    given_anns_school()
        .later(day(1), ANN, [added(BEA, None)])
        .when(|org| org.make_approver(BEA, ANN, day(2)))
        .then([made_approver(BEA)]);
}

#[test]
fn who_is_not_an_approver_makes_nobody_one() {
    let history = given_anns_school().later(day(1), ANN, [added(BEA, None), added(CAI, None)]);
    for (person, by) in [(CAI, BEA), (BEA, BEA), (BEA, DAN)] {
        history
            .when(|org| org.make_approver(person, by, day(2)))
            .then_refused(MakeApproverRefused::NotAnApprover);
    }
}

#[test]
fn who_is_an_approver_is_not_made_one() {
    let history = given_ann_and_bea();
    for person in [ANN, BEA] {
        history
            .when(|org| org.make_approver(person, ANN, day(2)))
            .then_refused(MakeApproverRefused::AlreadyApprover);
    }
}

#[test]
fn who_has_no_access_is_not_made_an_approver() {
    let history = given_anns_school().later(day(1), ANN, [added(CAI, Some(day(9)))]).later(
        day(1),
        BEA,
        [asked(R1, BEA)],
    );
    for (person, now) in [(BEA, day(2)), (DAN, day(2)), (CAI, day(9))] {
        history.when(|org| org.make_approver(person, ANN, now)).then_refused(MakeApproverRefused::NoAccess);
    }
}

#[test]
fn an_approver_stands_down_while_there_is_another() {
    let history = given_ann_and_bea();
    for person in [ANN, BEA] {
        history.when(|org| org.stand_down(person, false)).then([stood_down(person, StandDownReason::Own)]);
    }
}

#[test]
fn the_last_approver_must_have_been_told_before_they_stand_down() {
    let history = given_anns_school().later(day(1), ANN, [added(BEA, None)]);
    history.when(|org| org.stand_down(ANN, false)).then_refused(StandDownRefused::LastApprover);
    history.when(|org| org.stand_down(ANN, true)).then([stood_down(ANN, StandDownReason::Own)]);
}

#[test]
fn who_is_left_alone_by_another_approvers_standing_down_is_the_last_one() {
    given_ann_and_bea()
        .later(day(2), ANN, [stood_down(ANN, StandDownReason::Own)])
        .when(|org| org.stand_down(BEA, false))
        .then_refused(StandDownRefused::LastApprover);
}

#[test]
fn who_is_not_an_approver_does_not_stand_down() {
    let history = given_anns_school().later(day(1), ANN, [added(BEA, None)]);
    for person in [BEA, DAN] {
        history.when(|org| org.stand_down(person, true)).then_refused(StandDownRefused::NotAnApprover);
    }
}

#[test]
fn who_stood_down_is_not_made_an_approver_again_by_dfe_sign_in_alone() {
    let history = given_ann_stood_down();
    history.when(|org| org.heard_from_dfe_sign_in(ANN, true)).then_nothing();
    history.when(|org| org.heard_from_dfe_sign_in(ANN, false)).then_nothing();
    assert!(history.state().stood_down_by_choice(ANN));
}

#[test]
fn who_stood_down_returns_by_their_own_wish_while_dfe_sign_in_names_them() {
    let history = given_ann_stood_down();
    history.when(|org| org.return_as_approver(ANN, true)).then([named_approver(ANN)]);
    let history = history.later(day(2), ANN, [named_approver(ANN)]);
    assert!(history.state().is_approver(ANN));
    assert!(!history.state().stood_down_by_choice(ANN));
    history
        .when(|org| org.heard_from_dfe_sign_in(ANN, false))
        .then([stood_down(ANN, StandDownReason::DfeSignIn)]);
}

#[test]
fn who_stood_down_does_not_return_when_dfe_sign_in_no_longer_names_them() {
    given_ann_stood_down()
        .when(|org| org.return_as_approver(ANN, false))
        .then_refused(ReturnRefused::NotInDfeSignIn);
}

#[test]
fn who_did_not_stand_down_does_not_return() {
    let history = given_ann_and_bea();
    for person in [ANN, BEA, DAN] {
        history.when(|org| org.return_as_approver(person, true)).then_refused(ReturnRefused::DidNotStandDown);
    }
}

#[test]
fn whom_dfe_sign_in_dropped_did_not_stand_down_by_choice() {
    given([registered("Greenhill"), named_approver(ANN), stood_down(ANN, StandDownReason::DfeSignIn)])
        .when(|org| org.return_as_approver(ANN, true))
        .then_refused(ReturnRefused::DidNotStandDown);
}

#[test]
fn an_approver_made_by_a_colleague_who_stood_down_is_not_made_one_again_by_dfe_sign_in() {
    let history = given_ann_and_bea().later(day(2), BEA, [stood_down(BEA, StandDownReason::Own)]);
    history.when(|org| org.heard_from_dfe_sign_in(BEA, true)).then_nothing();
    history.when(|org| org.return_as_approver(BEA, true)).then([named_approver(BEA)]);
}

#[test]
fn a_request_of_somebody_whom_dfe_sign_in_makes_an_approver_has_no_more_purpose() {
    given([registered("Greenhill"), asked(R1, BEA)])
        .when(|org| org.heard_from_dfe_sign_in(BEA, true))
        .then([named_approver(BEA), withdrawn(R1, BEA)]);
}
