use vouchsafe_events::*;

use super::*;

const SCHOOL: u128 = 0x100;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Folds events, each with the instant at which it happened.
fn lists(events: Vec<(&str, Stream, Event<Sealed>)>) -> Lists {
    let mut lists = Lists::default();
    for (number, (when, stream, event)) in (1_u64..).zip(events) {
        let id = EventId::from_uuid(Uuid::from_u128(number.into()));
        let version = Version::new(number);
        let actor = Actor::System;
        let envelope =
            Envelope { id, stream, version, at: at(when), actor, causation: None, correlation: None };
        lists.apply(&Recorded { position: Position::new(number), envelope, event });
    }
    lists
}

fn person(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(number))
}

fn school(number: u128) -> Stream {
    Stream::Organisation(OrganisationId::from_uuid(Uuid::from_u128(SCHOOL + number)))
}

fn registered(number: u128) -> (&'static str, Stream, Event<Sealed>) {
    let event = OrganisationRegistered {
        name: "Greenhill School".into(),
        kinds: vec![OrganisationKind::School, OrganisationKind::AppropriateBody],
        urn: None,
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
    };
    ("2026-01-01T00:00:00.000000Z", school(number), Event::OrganisationRegistered(event))
}

fn asked(number: u128) -> Event<Sealed> {
    let request = RequestId::from_uuid(Uuid::from_u128(number));
    Event::AccessRequested(AccessRequested { request, person: person(number), message: None })
}

fn granted(number: u128) -> Event<Sealed> {
    let request = Some(RequestId::from_uuid(Uuid::from_u128(number)));
    Event::AccessGranted(AccessGranted { person: person(number), request, ends: None })
}

#[test]
fn waits_are_counted_where_requests_end() {
    let lists = lists(vec![
        registered(1),
        ("2026-07-01T09:00:00.000000Z", school(1), asked(1)),
        ("2026-07-01T10:00:00.000000Z", school(1), granted(1)),
        ("2026-07-02T09:00:00.000000Z", school(1), asked(2)),
        ("2026-07-02T12:00:00.000000Z", school(1), granted(2)),
        ("2026-07-02T13:00:00.000000Z", school(1), asked(3)),
        // One second after midnight in London.
        ("2026-07-03T23:00:01.000000Z", school(1), granted(3)),
        ("2026-07-04T09:00:00.000000Z", school(1), asked(4)),
    ]);
    let now = at("2026-07-20T09:00:00.000000Z");
    let report = Report::of(&lists, Period::new(day("2026-07-01"), day("2026-07-03")).unwrap(), now);
    assert_eq!(report.whole.waits, Waits { answered: 2, median: Some(3600), ninetieth: Some(3 * 3600) });
    assert_eq!((report.whole.granted, report.whole.schools_alone, report.whole.schools_helped), (2, 1, 0));
    assert_eq!(report.parts.iter().map(|part| part.granted).collect::<Vec<_>>(), [1, 1, 0]);
    let open = Open { longer: 1, without_approver: 1, ..Open::default() };
    assert_eq!((report.now.open, report.now.open.all(), report.now.schools_in), (open, 1, 1));
    let csv = String::from_utf8(report.csv().unwrap()).unwrap();
    assert_eq!(csv.lines().count(), 4);
    assert!(csv.contains("2026-07-02,2026-07-02,0,0,2,1,0,0,0,3.0,3.0,"), "{csv}");
}

#[test]
fn a_school_that_support_had_to_add_is_told_apart_and_who_never_came_is_counted() {
    let added = |number| Event::UserAdded(UserAdded { person: person(number), from: None, instead_of: None });
    let lists = lists(vec![
        registered(1),
        registered(2),
        ("2026-07-01T09:00:00.000000Z", school(1), added(1)),
        ("2026-07-02T09:00:00.000000Z", school(2), added(1)),
        ("2026-07-02T09:00:00.000000Z", school(2), added(2)),
    ]);
    let now = at("2026-07-20T09:00:00.000000Z");
    let report = Report::of(&lists, Period::latest(now), now);
    assert_eq!((report.whole.schools_alone, report.whole.schools_helped), (0, 2));
    assert_eq!((report.now.listed, report.now.never_came), (2, 2));
    assert_eq!(report.parts.len(), 12);
}

#[test]
fn a_code_is_counted_used_or_never_used_in_the_hour_it_was_issued() {
    let challenge = |number| ChallengeId::from_uuid(Uuid::from_u128(number));
    let sealed = || Sealed::from_base64("AA==");
    let issued = |number, expires| {
        Event::OneTimePasswordIssued(OneTimePasswordIssued {
            challenge: challenge(number),
            nonce: Nonce::new(1),
            expires: at(expires),
            network: sealed(),
        })
    };
    let session = SessionHash::from_bytes([1; 32]);
    let used =
        |number| Event::OneTimePasswordUsed(OneTimePasswordUsed { challenge: challenge(number), session });
    let own = Stream::Person(person(1));
    let lists = lists(vec![
        ("2026-07-01T09:00:00.000000Z", own, issued(1, "2026-07-01T09:10:00.000000Z")),
        ("2026-07-01T09:02:00.000000Z", own, issued(2, "2026-07-01T09:12:00.000000Z")),
        ("2026-07-01T09:03:00.000000Z", own, used(2)),
        ("2026-07-01T22:59:00.000000Z", own, issued(3, "2026-07-01T23:09:00.000000Z")),
        // Time passes, so that the third has run out.
        registered(1),
        ("2026-07-03T09:00:00.000000Z", school(1), asked(1)),
    ]);
    let report = |first, last| {
        let period = Period::new(day(first), day(last)).unwrap();
        Report::of(&lists, period, at("2026-07-20T09:00:00.000000Z")).whole.counts
    };
    let first = report("2026-07-01", "2026-07-01");
    assert_eq!((first.asked, first.issued, first.used, first.never_used), (3, 3, 1, 2));
    assert_eq!(report("2026-07-02", "2026-07-02").issued, 0);
}

#[test]
fn a_period_is_cut_into_parts_that_cover_it() {
    for (first, last, parts) in [
        ("2026-07-01", "2026-07-01", 1),
        ("2026-07-01", "2026-07-31", 31),
        ("2026-01-01", "2026-06-30", 26),
        ("2024-01-31", "2026-01-30", 25),
    ] {
        let period = Period::new(day(first), day(last)).unwrap();
        let cut = period.parts();
        assert_eq!(cut.len(), parts, "{first}");
        assert_eq!((cut[0].first, cut[cut.len() - 1].last), (period.first, period.last));
        assert!(cut.windows(2).all(|two| two[0].last.tomorrow().unwrap() == two[1].first));
    }
    assert_eq!(Period::new(day("2026-07-02"), day("2026-07-01")), Err(NotAPeriod::EndsBeforeItBegins));
    assert_eq!(Period::new(day("1926-07-02"), day("2026-07-01")), Err(NotAPeriod::TooLong));
    assert_eq!(Period::new(day("9999-12-31"), day("9999-12-31")), Err(NotAPeriod::OutOfReach));
}

#[test]
fn the_percentiles_are_waits_that_somebody_had() {
    let waits = |all: &[i64]| {
        let waits = Waits::of(all.to_vec());
        (waits.median, waits.ninetieth)
    };
    assert_eq!(waits(&[]), (None, None));
    assert_eq!(waits(&[7]), (Some(7), Some(7)));
    assert_eq!(waits(&[4, 1, 3, 2]), (Some(2), Some(4)));
    assert_eq!(waits(&(1..=10).collect::<Vec<_>>()), (Some(5), Some(9)));
}

#[test]
fn a_wait_is_said_in_words() {
    for (seconds, words) in [
        (0, "less than a minute"),
        (60, "1 minute"),
        (5_399, "90 minutes"),
        (5_400, "2 hours"),
        (90_000, "25 hours"),
        (172_800, "2 days"),
    ] {
        assert_eq!(in_words(seconds), words);
    }
}
