//! Signing in, choosing whom to act for, and signing out.

use super::*;

#[test]
fn a_person_signs_in() {
    given([introduced(None)])
        .when(|ann| ann.sign_in(ANN, sign_in(S1, day(1)), None))
        .then([signed_in(S1, day(1))]);
}

#[test]
fn signing_in_anew_in_the_same_browser_ends_its_session() {
    let history = given([introduced(None), signed_in(S1, day(1))]);
    history
        .when(|ann| ann.sign_in(ANN, sign_in(S2, day(2)), Some(S1)))
        .then([signed_out(S1, SignOut::Replaced), signed_in(S2, day(2))]);
    history.when(|ann| ann.sign_in(ANN, sign_in(S2, day(2)), None)).then([signed_in(S2, day(2))]);
}

#[test]
fn a_session_that_is_gone_or_anothers_is_not_replaced() {
    given([introduced(None), signed_in(S1, day(1)), signed_out(S1, SignOut::Here)])
        .when(|ann| ann.sign_in(ANN, sign_in(S2, day(2)), Some(S1)))
        .then([signed_in(S2, day(2))]);
}

#[test]
fn a_sign_in_that_is_refused_is_recorded() {
    let event = |organisation| {
        let network = Plain::about(ANN, "192.0.2.7");
        let reason = Refusal::OrganisationClosed;
        Event::SignInRefused(SignInRefused { reason, organisation, network })
    };
    for organisation in [None, Some(GREENHILL)] {
        given([introduced(None)])
            .when(|ann| ann.refuse_sign_in(ANN, Refusal::OrganisationClosed, organisation, "192.0.2.7"))
            .then([event(organisation)]);
    }
}

#[test]
fn a_person_chooses_another_of_their_organisations() {
    let history = given([introduced(None), signed_in(S1, day(1))]);
    history.when(|ann| ann.choose(S1, BROOKSIDE, day(0))).then([chosen(BROOKSIDE)]);
    let history = history.later(day(0), ANN, [chosen(BROOKSIDE)]);
    history.when(|ann| ann.choose(S1, GREENHILL, day(0))).then([chosen(GREENHILL)]);
}

#[test]
fn choosing_the_organisation_that_they_act_for_changes_nothing() {
    let history = given([introduced(None), signed_in(S1, day(1))]);
    history.when(|ann| ann.choose(S1, GREENHILL, day(0))).then_nothing();
    let history = history.later(day(0), ANN, [chosen(BROOKSIDE)]);
    history.when(|ann| ann.choose(S1, BROOKSIDE, day(0))).then_nothing();
}

#[test]
fn nobody_chooses_an_organisation_that_the_provider_did_not_name() {
    given([introduced(None), signed_in(S1, day(1))])
        .when(|ann| ann.choose(S1, ELSEWHERE, day(0)))
        .then_refused(ChooseRefused::NotTheirs);
}

#[test]
fn nothing_is_chosen_without_a_session() {
    let history = given([introduced(None), signed_in(S1, day(1))]);
    history.when(|ann| ann.choose(S2, GREENHILL, day(0))).then_refused(ChooseRefused::NoSession);
    history
        .later(day(0), ANN, [signed_out(S1, SignOut::Here)])
        .when(|ann| ann.choose(S1, BROOKSIDE, day(0)))
        .then_refused(ChooseRefused::NoSession);
}

#[test]
fn a_session_that_expires_exactly_now_is_over() {
    let history = given([introduced(None), signed_in(S1, day(1))]);
    history.when(|ann| ann.choose(S1, BROOKSIDE, just_before(day(1)))).then([chosen(BROOKSIDE)]);
    history.when(|ann| ann.choose(S1, BROOKSIDE, day(1))).then_refused(ChooseRefused::NoSession);
}

#[test]
fn a_person_ends_one_of_their_sessions() {
    let history = given([introduced(None), signed_in(S1, day(1)), signed_in(S2, day(1))]);
    history.when(|ann| ann.sign_out(S1, SignOut::Here)).then([signed_out(S1, SignOut::Here)]);
    history.when(|ann| ann.sign_out(S2, SignOut::Elsewhere)).then([signed_out(S2, SignOut::Elsewhere)]);
    let history = history.later(day(0), ANN, [signed_out(S1, SignOut::Here)]);
    history
        .when(|ann| ann.choose(S2, BROOKSIDE, day(0)))
        .then([Event::OrganisationChosen(OrganisationChosen { session: S2, organisation: BROOKSIDE })]);
}

#[test]
fn a_session_that_was_ended_or_is_anothers_is_not_ended() {
    let history = given([introduced(None), signed_in(S1, day(1)), signed_out(S1, SignOut::Here)]);
    for session in [S1, S2] {
        history.when(|ann| ann.sign_out(session, SignOut::Here)).then_refused(SignOutRefused::NoSession);
    }
}

#[test]
fn sessions_whose_time_has_passed_are_forgotten_at_the_next_sign_in() {
    given([introduced(None), signed_in(S1, day(1))])
        .later(day(1), ANN, [signed_in(S2, day(2))])
        .when(|ann| ann.sign_out(S1, SignOut::Elsewhere))
        .then_refused(SignOutRefused::NoSession);
}
