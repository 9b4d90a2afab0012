//! A closed organisation: nobody acts for it, nothing falls due, and what it had stays until it reopens.

use super::*;
use crate::domain::Terms;
use crate::domain::organisation::{
    AddRefused, AskRefused, ConfirmRefused, DecideRefused, EndDateRefused, MakeApproverRefused,
    ReturnRefused, RevokeRefused, StandDownRefused,
};

/// Ann decides, Bea has access, Cai asked, Dan stood down, a review is open; then the school closed.
fn given_a_closed_school() -> History<Organisation> {
    let mut history = given_anns_school()
        .later(day(0), ANN, [added(BEA, Some(day(30))), review_opened(V1, day(28))])
        .later(day(1), CAI, [asked(R1, CAI)]);
    history.record(day(1), Actor::System, [named_approver(DAN)]);
    let mut history = history.later(day(2), DAN, [stood_down(DAN, StandDownReason::Own)]);
    history.record(day(3), Actor::System, [closed()]);
    history
}

#[test]
fn a_closed_organisation_is_nobodys() {
    let history = given_a_closed_school();
    let org = history.state();
    assert!(!org.is_open());
    assert!(!org.is_approver(ANN));
    assert!(!org.has_access(ANN, day(4)));
    assert!(!org.has_access(BEA, day(4)));
}

#[test]
fn a_closed_organisation_refuses_everything() {
    let history = given_a_closed_school();
    let now = day(4);
    history.when(|org| org.ask(CAI, R2, None, now)).then_refused(AskRefused::OrganisationClosed);
    history.when(|org| org.grant(R1, ANN, None, now)).then_refused(DecideRefused::OrganisationClosed);
    history.when(|org| org.decline(R1, ANN, &reason())).then_refused(DecideRefused::OrganisationClosed);
    history.when(|org| org.add(CAI, ANN, None, now)).then_refused(AddRefused::OrganisationClosed);
    history
        .when(|org| org.change_end_date(BEA, ANN, None, now))
        .then_refused(EndDateRefused::OrganisationClosed);
    history.when(|org| org.revoke(BEA, ANN, &reason(), now)).then_refused(RevokeRefused::OrganisationClosed);
    history
        .when(|org| org.make_approver(BEA, ANN, now))
        .then_refused(MakeApproverRefused::OrganisationClosed);
    history.when(|org| org.return_as_approver(DAN, true)).then_refused(ReturnRefused::OrganisationClosed);
    history.when(|org| org.confirm(BEA, ANN, now)).then_refused(ConfirmRefused::OrganisationClosed);
    history.when(|org| org.stand_down(ANN, true)).then_refused(StandDownRefused::NotAnApprover);
}

#[test]
fn nothing_falls_due_at_a_closed_organisation() {
    given_a_closed_school().when(|org| org.keep_time(&Terms::default(), V2, day(400))).then_nothing();
}

#[test]
fn a_closed_organisation_gets_no_approvers() {
    given_a_closed_school().when(|org| org.heard_from_dfe_sign_in(BEA, true)).then_nothing();
    given([]).when(|org| org.heard_from_dfe_sign_in(BEA, true)).then_nothing();
}

#[test]
fn what_only_takes_away_still_happens_at_a_closed_organisation() {
    let history = given_a_closed_school();
    history.when(|org| org.withdraw(CAI, R1)).then([withdrawn(R1, CAI)]);
    history
        .when(|org| org.heard_from_dfe_sign_in(ANN, false))
        .then([stood_down(ANN, StandDownReason::DfeSignIn)]);
}

#[test]
fn an_organisation_that_reopens_is_as_it_was() {
    let mut history = given_a_closed_school();
    history.record(day(5), Actor::System, [reopened()]);
    let org = history.state();
    assert!(org.is_approver(ANN));
    assert!(org.has_access(BEA, day(5)));
    history.when(|org| org.grant(R1, ANN, None, day(5))).then([granted(R1, CAI, None)]);
}

#[test]
fn what_fell_due_while_an_organisation_was_closed_happens_once_it_reopens() {
    let mut history = given_a_closed_school();
    history.record(day(40), Actor::System, [reopened()]);
    history.when(|org| org.keep_time(&Terms::default(), V2, day(40))).then([
        expired(R1, CAI),
        ended(BEA),
        review_completed(V1),
    ]);
}
