//! What time brings: reminders, expiries, warnings, ends and reviews. The terms are the defaults: reminders
//! after 3 and 7 days, expiry after 28, a warning 7 days before the end, a review each 365 days that takes 28,
//! reminders of it each 7.

use super::*;
use crate::domain::Terms;
use crate::domain::harness::Answer;

/// What falls due at `now`, if a review that opens is the second one.
fn due(history: &History<Organisation>, now: Timestamp) -> Answer<std::convert::Infallible> {
    history.when(|org| org.keep_time(&Terms::default(), V2, now))
}

/// Bea asked on day 0.
fn given_beas_request() -> History<Organisation> {
    given_anns_school().later(day(0), BEA, [asked(R1, BEA)])
}

/// Bea was given access on day 0 until day 30.
fn given_bea_until_day_30() -> History<Organisation> {
    given_anns_school().later(day(0), ANN, [added(BEA, Some(day(30)))])
}

#[test]
fn nothing_is_due_where_nothing_waits() {
    due(&given_anns_school(), day(10_000)).then_nothing();
    due(&given([]), day(10_000)).then_nothing();
}

#[test]
fn approvers_are_reminded_after_exactly_the_days_that_were_set() {
    let history = given_beas_request();
    due(&history, just_before(day(3))).then_nothing();
    due(&history, day(3)).then([reminded(R1, 1)]);
    let history = history.later(day(3), ANN, [reminded(R1, 1)]);
    due(&history, day(3)).then_nothing();
    due(&history, just_before(day(7))).then_nothing();
    due(&history, day(7)).then([reminded(R1, 2)]);
    let history = history.later(day(7), ANN, [reminded(R1, 2)]);
    due(&history, just_before(day(28))).then_nothing();
}

#[test]
fn reminders_that_were_missed_happen_once() {
    let history = given_beas_request();
    due(&history, day(20)).then([reminded(R1, 2)]);
    due(&history.later(day(20), ANN, [reminded(R1, 2)]), day(20)).then_nothing();
}

#[test]
fn nobody_is_reminded_where_there_is_no_approver_until_there_is_one() {
    let mut history = given([registered("Greenhill")]).later(day(0), BEA, [asked(R1, BEA)]);
    due(&history, day(10)).then_nothing();
    history.record(day(10), Actor::System, [named_approver(ANN)]);
    due(&history, day(10)).then([reminded(R1, 2)]);
}

#[test]
fn a_request_expires_at_exactly_28_days() {
    let history = given_beas_request().later(day(7), ANN, [reminded(R1, 2)]);
    due(&history, just_before(day(28))).then_nothing();
    due(&history, day(28)).then([expired(R1, BEA)]);
    due(&history.later(day(28), ANN, [expired(R1, BEA)]), day(28)).then_nothing();
}

#[test]
fn a_request_that_expires_is_not_reminded_of_as_well() {
    due(&given_beas_request(), day(40)).then([expired(R1, BEA)]);
}

#[test]
fn a_request_expires_where_there_is_no_approver_too() {
    let history = given([registered("Greenhill")]).later(day(0), BEA, [asked(R1, BEA)]);
    due(&history, day(28)).then([expired(R1, BEA)]);
}

#[test]
fn a_settled_request_neither_is_reminded_of_nor_expires() {
    for settled in [granted(R1, BEA, None), declined(R1, BEA), withdrawn(R1, BEA)] {
        let history = given_beas_request().later(day(1), ANN, [settled]);
        due(&history, day(7)).then_nothing();
        due(&history, day(28)).then_nothing();
    }
}

#[test]
fn each_request_has_its_own_time() {
    let history = given_beas_request().later(day(5), CAI, [asked(R2, CAI)]);
    due(&history, day(8)).then([reminded(R1, 2), reminded(R2, 1)]);
    due(&history, day(28)).then([expired(R1, BEA), reminded(R2, 2)]);
}

#[test]
fn changed_terms_apply_to_what_is_open() {
    let terms = Terms { remind_after_days: vec![1], request_expires_after_days: 2, ..Terms::default() };
    let history = given_beas_request();
    history.when(|org| org.keep_time(&terms, V2, day(1))).then([reminded(R1, 1)]);
    history.when(|org| org.keep_time(&terms, V2, day(2))).then([expired(R1, BEA)]);
}

#[test]
fn a_person_is_warned_once_before_their_access_ends() {
    let history = given_bea_until_day_30();
    due(&history, just_before(day(23))).then_nothing();
    due(&history, day(23)).then([ending_soon(BEA, day(30))]);
    due(&history.later(day(23), ANN, [ending_soon(BEA, day(30))]), day(24)).then_nothing();
}

#[test]
fn access_ends_at_its_end_date() {
    let history = given_bea_until_day_30().later(day(23), ANN, [ending_soon(BEA, day(30))]);
    due(&history, just_before(day(30))).then_nothing();
    due(&history, day(30)).then([ended(BEA)]);
    due(&history.later(day(30), ANN, [ended(BEA)]), day(30)).then_nothing();
}

#[test]
fn whose_end_date_was_missed_is_not_warned_any_more() {
    due(&given_bea_until_day_30(), day(31)).then([ended(BEA)]);
}

#[test]
fn whose_access_is_no_longer_than_the_warning_time_is_not_warned() {
    for ends in [day(3), day(7)] {
        let history = given_anns_school().later(day(0), ANN, [added(BEA, Some(ends))]);
        due(&history, day(0)).then_nothing();
        due(&history, just_before(ends)).then_nothing();
        due(&history, ends).then([ended(BEA)]);
    }
    let longer = Timestamp::from_micros(day(7).micros() + 1);
    let history = given_anns_school().later(day(0), ANN, [added(BEA, Some(longer))]);
    due(&history, day(1)).then([ending_soon(BEA, longer)]);
}

#[test]
fn who_gets_another_end_date_is_warned_of_that_one() {
    let history = given_bea_until_day_30().later(day(23), ANN, [ending_soon(BEA, day(30))]).later(
        day(24),
        ANN,
        [end_date_changed(BEA, Some(day(60)))],
    );
    due(&history, day(30)).then_nothing();
    due(&history, day(53)).then([ending_soon(BEA, day(60))]);
}

#[test]
fn whose_end_date_was_taken_away_is_neither_warned_nor_ended() {
    let history = given_bea_until_day_30().later(day(1), ANN, [end_date_changed(BEA, None)]);
    due(&history, day(23)).then_nothing();
    due(&history, day(30)).then_nothing();
}

#[test]
fn a_review_opens_a_year_after_access_was_first_given() {
    let history =
        given_anns_school().later(day(10), ANN, [added(BEA, None)]).later(day(90), ANN, [added(CAI, None)]);
    due(&history, just_before(day(375))).then_nothing();
    due(&history, day(375)).then([review_opened(V2, day(403))]);
}

#[test]
fn a_review_opens_a_year_after_the_last_was_completed() {
    let history = given_anns_school()
        .later(day(0), ANN, [added(BEA, None)])
        .later(day(365), ANN, [review_opened(V1, day(393))])
        .later(day(370), ANN, [confirmed(V1, BEA), review_completed(V1)]);
    due(&history, just_before(day(735))).then_nothing();
    due(&history, day(735)).then([review_opened(V2, day(763))]);
}

#[test]
fn a_review_that_opens_late_still_gives_its_whole_time() {
    let history = given_anns_school().later(day(0), ANN, [added(BEA, None)]);
    due(&history, day(500)).then([review_opened(V2, day(528))]);
}

#[test]
fn no_review_opens_while_there_is_nobody_to_ask_or_nobody_to_ask_about() {
    let history = given_anns_school().later(day(0), ANN, [added(BEA, None)]);
    due(&history.later(day(1), ANN, [stood_down(ANN, StandDownReason::Own)]), day(365)).then_nothing();
    let history = given_anns_school().later(day(0), ANN, [added(BEA, None), revoked(BEA, None)]);
    due(&history, day(365)).then_nothing();
    // Access that ends as the review would open is not asked about.
    let history = given_anns_school().later(day(0), ANN, [added(BEA, Some(day(365)))]);
    due(&history, day(365)).then([ended(BEA)]);
}

/// A review of Bea's access has been open since day 365 and is due on day 393.
fn given_a_review() -> History<Organisation> {
    given_anns_school().later(day(0), ANN, [added(BEA, None)]).later(
        day(365),
        ANN,
        [review_opened(V1, day(393))],
    )
}

#[test]
fn an_open_review_is_not_opened_again() {
    due(&given_a_review(), day(365)).then_nothing();
}

#[test]
fn approvers_are_reminded_of_a_review_from_when_it_is_due_and_weekly_after() {
    let history = given_a_review();
    due(&history, just_before(day(393))).then_nothing();
    due(&history, day(393)).then([review_reminded(V1, 1)]);
    let history = history.later(day(393), ANN, [review_reminded(V1, 1)]);
    due(&history, just_before(day(400))).then_nothing();
    due(&history, day(400)).then([review_reminded(V1, 2)]);
}

#[test]
fn reminders_of_a_review_that_were_missed_happen_once() {
    let history = given_a_review();
    due(&history, day(415)).then([review_reminded(V1, 4)]);
    due(&history.later(day(415), ANN, [review_reminded(V1, 4)]), day(415)).then_nothing();
}

#[test]
fn nobody_is_reminded_of_a_review_where_there_is_no_approver() {
    let history = given_a_review().later(day(366), ANN, [stood_down(ANN, StandDownReason::Own)]);
    due(&history, day(400)).then_nothing();
}

#[test]
fn reminders_of_a_review_stop_counting_at_255_without_repeating_themselves() {
    let history = given_a_review();
    due(&history, day(393 + 7 * 400)).then([review_reminded(V1, 255)]);
    let history = history.later(day(393 + 7 * 400), ANN, [review_reminded(V1, 255)]);
    due(&history, day(393 + 7 * 401)).then_nothing();
}

#[test]
fn what_time_brings_comes_of_the_event_that_set_it_going() {
    // Events have the number of their place in the stream as their id.
    let nth = |number: u128| Some(EventId::from_uuid(Uuid::from_u128(number)));
    let brought = |history: &History<Organisation>, now| {
        let org = history.state();
        org.keep_time(&Terms::default(), V2, now).iter().map(|event| org.comes_of(event)).collect::<Vec<_>>()
    };
    let before = given_anns_school().version();
    assert_eq!(brought(&given_beas_request(), day(3)), [nth(before)]);
    assert_eq!(brought(&given_beas_request(), day(28)), [nth(before)]);
    let access = given_bea_until_day_30();
    assert_eq!(brought(&access, day(30)), [nth(before)]);
    let changed = access.later(day(1), ANN, [end_date_changed(BEA, Some(day(40)))]);
    assert_eq!(brought(&changed, day(35)), [nth(before + 1)], "the change is why it ends");
    let reviewed = given_anns_school().later(day(0), ANN, [added(BEA, None)]);
    assert_eq!(brought(&reviewed, day(365)), [None], "a review opens by itself");
    let opened = reviewed.later(day(365), ANN, [review_opened(V2, day(393))]);
    assert_eq!(brought(&opened, day(393)), [nth(before + 1)]);
}
