//! The yearly review: whom it asks about, who answers, and when it is done.

use super::*;
use crate::domain::Terms;
use crate::domain::organisation::ConfirmRefused;

/// Bea and Cai have access, and a review asks Ann about them.
fn given_a_review() -> History<Organisation> {
    given_anns_school().later(day(1), ANN, [added(BEA, None), added(CAI, Some(day(380)))]).later(
        day(366),
        ANN,
        [review_opened(V1, day(394))],
    )
}

#[test]
fn an_approver_confirms_a_user() {
    given_a_review().when(|org| org.confirm(BEA, ANN, day(367))).then([confirmed(V1, BEA)]);
}

#[test]
fn a_review_is_completed_when_the_last_user_is_confirmed() {
    given_a_review()
        .later(day(367), ANN, [confirmed(V1, BEA)])
        .when(|org| org.confirm(CAI, ANN, day(368)))
        .then([confirmed(V1, CAI), review_completed(V1)]);
}

#[test]
fn a_review_is_completed_when_the_last_user_is_revoked() {
    let history = given_a_review();
    history.when(|org| org.revoke(CAI, ANN, &reason(), day(368))).then([revoked(CAI, Some(V1))]);
    history
        .later(day(367), ANN, [confirmed(V1, BEA)])
        .when(|org| org.revoke(CAI, ANN, &reason(), day(368)))
        .then([revoked(CAI, Some(V1)), review_completed(V1)]);
}

#[test]
fn a_review_is_completed_when_the_access_of_the_last_user_ends() {
    let history = given_a_review().later(day(367), ANN, [confirmed(V1, BEA), ending_soon(CAI, day(380))]);
    let keep_time = |now| history.when(|org| org.keep_time(&Terms::default(), V2, now));
    keep_time(just_before(day(380))).then_nothing();
    keep_time(day(380)).then([ended(CAI), review_completed(V1)]);
}

#[test]
fn who_is_confirmed_and_then_revoked_does_not_keep_a_review_open() {
    given_a_review()
        .later(day(367), ANN, [confirmed(V1, CAI), revoked(CAI, Some(V1))])
        .when(|org| org.confirm(BEA, ANN, day(368)))
        .then([confirmed(V1, BEA), review_completed(V1)]);
}

#[test]
fn who_is_given_access_during_a_review_is_asked_about_too() {
    let history = given_a_review().later(day(367), ANN, [added(DAN, None), confirmed(V1, BEA)]);
    history.when(|org| org.confirm(CAI, ANN, day(368))).then([confirmed(V1, CAI)]);
    history.when(|org| org.confirm(DAN, ANN, day(368))).then([confirmed(V1, DAN)]);
}

#[test]
fn who_is_not_an_approver_confirms_nobody() {
    let history = given_a_review();
    for by in [BEA, CAI, DAN] {
        history.when(|org| org.confirm(CAI, by, day(367))).then_refused(ConfirmRefused::NotAnApprover);
    }
}

#[test]
fn without_a_review_nobody_is_confirmed() {
    let history = given_anns_school().later(day(1), ANN, [added(BEA, None)]);
    history.when(|org| org.confirm(BEA, ANN, day(2))).then_refused(ConfirmRefused::NoReview);
    given_a_review()
        .later(day(367), ANN, [confirmed(V1, BEA), confirmed(V1, CAI), review_completed(V1)])
        .when(|org| org.confirm(BEA, ANN, day(368)))
        .then_refused(ConfirmRefused::NoReview);
}

#[test]
fn who_has_no_granted_access_is_not_asked_about() {
    let mut history = given_a_review();
    history.record(day(367), Actor::System, [named_approver(DAN)]);
    // Dan and Ann are approvers because DfE Sign-in says so: that is kept there, not here.
    for person in [DAN, ANN] {
        history.when(|org| org.confirm(person, ANN, day(368))).then_refused(ConfirmRefused::NotListed);
    }
    history.when(|org| org.confirm(CAI, ANN, day(380))).then_refused(ConfirmRefused::NotListed);
}

#[test]
fn who_is_confirmed_is_not_confirmed_again_in_the_same_review() {
    let history = given_a_review().later(day(367), ANN, [confirmed(V1, BEA)]);
    history.when(|org| org.confirm(BEA, ANN, day(368))).then_refused(ConfirmRefused::AlreadyConfirmed);
    history
        .later(day(368), ANN, [confirmed(V1, CAI), review_completed(V1)])
        .later(day(733), ANN, [review_opened(V2, day(761))])
        .when(|org| org.confirm(BEA, ANN, day(734)))
        .then([confirmed(V2, BEA), review_completed(V2)]);
}

#[test]
fn nobody_confirms_themselves_while_another_can() {
    given_a_review()
        .later(day(367), ANN, [made_approver(BEA)])
        .when(|org| org.confirm(BEA, BEA, day(368)))
        .then_refused(ConfirmRefused::Oneself);
}

#[test]
fn the_only_approver_confirms_themselves() {
    let history = given_a_review().later(day(367), ANN, [made_approver(BEA)]);
    history
        .later(day(367), ANN, [stood_down(ANN, StandDownReason::Own)])
        .when(|org| org.confirm(BEA, BEA, day(368)))
        .then([confirmed(V1, BEA)]);
}

#[test]
fn an_approver_made_by_a_colleague_is_asked_about_even_when_their_own_access_has_ended() {
    let history = given_a_review()
        .later(day(367), ANN, [made_approver(CAI), confirmed(V1, BEA), ending_soon(CAI, day(380))])
        .later(day(380), ANN, [ended(CAI)]);
    history.when(|org| org.keep_time(&Terms::default(), V2, day(381))).then_nothing();
    history.when(|org| org.confirm(CAI, ANN, day(381))).then([confirmed(V1, CAI), review_completed(V1)]);
    history.when(|org| org.revoke(CAI, ANN, &reason(), day(381))).then([
        revoked(CAI, Some(V1)),
        stood_down(CAI, StandDownReason::AccessRevoked),
        review_completed(V1),
    ]);
}
