//! Asking for one-time passwords, and trying codes.

use proptest::prelude::*;
use vouchsafe_events::{
    ChallengeId, CodeRefusal, Nonce, OneTimePasswordDelayLifted, OneTimePasswordDelayed,
    OneTimePasswordIssued, OneTimePasswordRefused, OneTimePasswordUsed, OneTimePasswordWithheld, Withheld,
};

use super::*;
use crate::domain::Decided;
use crate::domain::person::{GOOD_FOR, LiftRefused, MAILS_AN_HOUR, TRIES, Try, TryRefused, Verdict};

const C1: ChallengeId = ChallengeId::from_uuid(Uuid::from_u128(0xc1));
const C2: ChallengeId = ChallengeId::from_uuid(Uuid::from_u128(0xc2));
const FROM: &str = "192.0.2.7";

/// The instant so many seconds after the history begins.
fn after(seconds: i64) -> Timestamp {
    day(0).plus_seconds(seconds)
}

fn network() -> Plain {
    Plain::about(ANN, FROM)
}

fn issued(challenge: ChallengeId, seconds: i64) -> Happened {
    let (nonce, expires) = (Nonce::new(1), after(seconds + GOOD_FOR));
    Event::OneTimePasswordIssued(OneTimePasswordIssued { challenge, nonce, expires, network: network() })
}

fn withheld(challenge: ChallengeId, reason: Withheld) -> Happened {
    Event::OneTimePasswordWithheld(OneTimePasswordWithheld { challenge, reason, network: network() })
}

fn refused(challenge: ChallengeId, reason: CodeRefusal) -> Happened {
    Event::OneTimePasswordRefused(OneTimePasswordRefused { challenge, reason, network: network() })
}

fn used(challenge: ChallengeId) -> Happened {
    Event::OneTimePasswordUsed(OneTimePasswordUsed { challenge, session: S1 })
}

fn delayed(until: Timestamp, failures: u16) -> Happened {
    Event::OneTimePasswordDelayed(OneTimePasswordDelayed { until, failures })
}

fn asks(ann: &Person, listed: bool, challenge: ChallengeId, seconds: i64) -> Decided {
    ann.ask_for_code(ANN, listed, challenge, Nonce::new(1), FROM, after(seconds))
}

fn by_code() -> SignIn {
    SignIn { method: Method::OneTimePassword, network: FROM.to_owned(), ..sign_in(S1, day(1)) }
}

/// Tries a code that is that of the challenge `of`, in the browser that holds `held`.
fn tries(
    ann: &Person,
    held: ChallengeId,
    of: Option<ChallengeId>,
    seconds: i64,
) -> Result<(Decided, Verdict), TryRefused> {
    let is_code_of = |challenge, _| Some(challenge) == of;
    let tried =
        Try { challenge: held, is_code_of: &is_code_of, listed: true, begins: by_code(), replaces: None };
    ann.try_code(ANN, &tried, after(seconds))
}

fn why(ann: &Person, held: ChallengeId, of: Option<ChallengeId>, seconds: i64) -> CodeRefusal {
    match tries(ann, held, of, seconds) {
        Ok((_, Verdict::Refused { why, .. })) => why,
        other => panic!("{other:?}"),
    }
}

fn ann() -> History<Person> {
    given([introduced(None)])
}

#[test]
fn who_is_on_a_list_is_issued_a_code_for_ten_minutes() {
    ann().when(|ann| asks(ann, true, C1, 0)).then([issued(C1, 0)]);
}

#[test]
fn who_is_on_no_list_is_issued_none_and_that_is_recorded() {
    ann().when(|ann| asks(ann, false, C1, 0)).then([withheld(C1, Withheld::NotListed)]);
}

#[test]
fn the_next_code_comes_after_a_wait_that_grows_whether_listed_or_not() {
    for listed in [true, false] {
        let mut history = ann();
        let mut at = 0;
        for (number, wait) in [60, 120, 300, 600].into_iter().enumerate() {
            let challenge = ChallengeId::from_uuid(Uuid::from_u128(number as u128));
            let decided = asks(history.state(), listed, challenge, at);
            assert_eq!(decided.len(), 1);
            history.record(after(at), Actor::System, decided);
            assert!(matches!(
                asks(history.state(), listed, C2, at + wait - 1).as_slice(),
                [Event::OneTimePasswordWithheld(data)] if data.reason == Withheld::TooSoon
            ));
            at += wait;
        }
        let fifth = asks(history.state(), listed, C1, at);
        history.record(after(at), Actor::System, fifth);
        history.when(|ann| asks(ann, listed, C2, 3_599)).then([withheld(C2, Withheld::TooMany)]);
        // An hour after the first there is room for one more.
        assert!(asks(history.state(), listed, C2, 3_601).iter().any(|event| match event {
            Event::OneTimePasswordIssued(_) => listed,
            Event::OneTimePasswordWithheld(data) => !listed && data.reason == Withheld::NotListed,
            _ => false,
        }));
    }
}

#[test]
fn a_flood_of_asking_is_not_recorded_each_time() {
    let history =
        ann().later(after(0), ANN, [issued(C1, 0)]).later(after(1), ANN, [withheld(C2, Withheld::TooSoon)]);
    history.when(|ann| asks(ann, true, C2, 30)).then_nothing();
}

#[test]
fn the_right_code_signs_in_at_once_and_once() {
    let history = ann().later(after(0), ANN, [issued(C1, 0)]);
    let (decided, verdict) = tries(history.state(), C1, Some(C1), 30).unwrap();
    assert_eq!(verdict, Verdict::Right);
    assert_eq!(decided.len(), 2);
    assert_eq!(decided[0], used(C1));
    assert!(matches!(&decided[1], Event::SignedIn(data) if data.method == Method::OneTimePassword));
    let history = history.later(after(30), ANN, [used(C1)]);
    assert_eq!(why(history.state(), C1, Some(C1), 31), CodeRefusal::Used);
    assert_eq!(why(history.state(), C1, None, 31), CodeRefusal::Wrong);
}

#[test]
fn a_code_is_good_until_the_last_second_and_not_a_second_longer() {
    let history = ann().later(after(0), ANN, [issued(C1, 0)]);
    assert_eq!(tries(history.state(), C1, Some(C1), GOOD_FOR - 1).unwrap().1, Verdict::Right);
    assert_eq!(why(history.state(), C1, Some(C1), GOOD_FOR), CodeRefusal::Expired);
    assert_eq!(why(history.state(), C1, Some(C1), GOOD_FOR + 7_199), CodeRefusal::Expired);
    assert_eq!(why(history.state(), C1, Some(C1), GOOD_FOR + 7_200), CodeRefusal::Wrong);
}

#[test]
fn a_code_is_worth_nothing_in_another_browser() {
    let history = ann().later(after(0), ANN, [issued(C1, 0)]);
    assert_eq!(why(history.state(), C2, Some(C1), 30), CodeRefusal::Wrong);
}

#[test]
fn a_newer_code_replaces_the_one_before_in_either_browser() {
    let history = ann().later(after(0), ANN, [issued(C1, 0)]).later(after(60), ANN, [issued(C2, 60)]);
    assert_eq!(why(history.state(), C1, Some(C1), 61), CodeRefusal::Superseded);
    assert_eq!(why(history.state(), C2, Some(C1), 61), CodeRefusal::Superseded);
    assert_eq!(tries(history.state(), C2, Some(C2), 61).unwrap().1, Verdict::Right);
}

#[test]
fn who_is_taken_off_the_list_meanwhile_does_not_get_in() {
    let history = ann().later(after(0), ANN, [issued(C1, 0)]);
    let is_code_of = |_, _| true;
    let tried =
        Try { challenge: C1, is_code_of: &is_code_of, listed: false, begins: by_code(), replaces: None };
    let (decided, verdict) = history.state().try_code(ANN, &tried, after(30)).unwrap();
    assert_eq!(decided, [refused(C1, CodeRefusal::NotListed)]);
    assert_eq!(verdict, Verdict::Refused { why: CodeRefusal::NotListed, until: None, left: 4 });
}

#[test]
fn after_five_tries_a_challenge_is_over_even_for_the_right_code() {
    for challenge in [issued(C1, 0), withheld(C1, Withheld::NotListed)] {
        let mut history = ann().later(after(0), ANN, [challenge]);
        for left in (0..TRIES).rev() {
            let (decided, verdict) = tries(history.state(), C1, None, 30).unwrap();
            assert_eq!(decided, [refused(C1, CodeRefusal::Wrong)]);
            assert_eq!(verdict, Verdict::Refused { why: CodeRefusal::Wrong, until: None, left });
            history.record(after(30), Actor::System, decided);
        }
        assert_eq!(tries(history.state(), C1, Some(C1), 30).unwrap_err(), TryRefused::TooManyTries);
    }
}

#[test]
fn wrong_codes_beyond_five_cost_waits_that_grow_and_are_kept_across_codes() {
    let mut history = ann();
    let mut at = 0;
    let mut waits = Vec::new();
    for number in 1..=13 {
        let held = ChallengeId::from_uuid(Uuid::from_u128(number));
        let (decided, verdict) = tries(history.state(), held, None, at).unwrap();
        history.record(after(at), Actor::System, decided);
        let Verdict::Refused { until, .. } = verdict else { panic!("{verdict:?}") };
        if let Some(until) = until {
            let wait = until.seconds_since(after(at));
            waits.push(wait);
            let early = tries(history.state(), C1, Some(C1), at + wait - 1).unwrap_err();
            assert_eq!(early, TryRefused::MustWait { until });
            history.when(|ann| asks(ann, true, C2, at + wait - 1)).then([withheld(C2, Withheld::MustWait)]);
            at += wait;
        }
    }
    assert_eq!(waits, [60, 300, 600, 3_600, 14_400, 86_400, 86_400, 86_400]);
}

#[test]
fn the_right_code_ends_counting_and_so_does_support() {
    let history = ann().later(after(0), ANN, [delayed(after(60), 6), issued(C1, 0)]);
    let history = history.later(after(60), ANN, [used(C1), issued(C2, 60)]);
    let (decided, verdict) = tries(history.state(), C2, None, 61).unwrap();
    assert_eq!(decided, [refused(C2, CodeRefusal::Wrong)]);
    assert_eq!(verdict, Verdict::Refused { why: CodeRefusal::Wrong, until: None, left: 4 });

    let mut history = ann();
    for _ in 0..6 {
        history.record(after(0), Actor::System, [refused(C1, CodeRefusal::Wrong)]);
    }
    history.record(after(0), Actor::System, [delayed(after(60), 6)]);
    let lifted = Event::OneTimePasswordDelayLifted(OneTimePasswordDelayLifted {});
    history.when(|ann| ann.lift_delay(after(59))).then([lifted.clone()]);
    history.when(|ann| ann.lift_delay(after(60))).then_refused(LiftRefused::NoWait);
    let history = history.later(after(30), BEA, [lifted]);
    history.when(|ann| ann.lift_delay(after(59))).then_refused(LiftRefused::NoWait);
    assert!(tries(history.state(), C2, None, 31).is_ok());
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let mut history = ann().later(after(0), ANN, [issued(C1, 0)]);
    // A day back: the code still works, and another can be asked for.
    assert_eq!(tries(history.state(), C1, Some(C1), -86_400).unwrap().1, Verdict::Right);
    assert_eq!(asks(history.state(), true, C2, -86_400).len(), 1);
    for _ in 0..6 {
        history.record(after(0), Actor::System, [refused(C2, CodeRefusal::Wrong)]);
    }
    history.record(after(0), Actor::System, [delayed(after(60), 6)]);
    assert!(tries(history.state(), C1, Some(C1), -86_400).is_ok());
}

#[test]
fn decoys_do_not_make_a_code_forgotten() {
    let mut history = ann().later(after(0), ANN, [issued(C1, 0)]);
    for number in 0..100 {
        let decoy = ChallengeId::from_uuid(Uuid::from_u128(0x1000 + number));
        history.record(after(1), Actor::System, [withheld(decoy, Withheld::TooSoon)]);
    }
    assert_eq!(tries(history.state(), C1, Some(C1), 30).unwrap().1, Verdict::Right);
}

/// What somebody does: asks, or tries a code, the right one or not, on one of a few challenges.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Ask { challenge: u128, listed: bool },
    Try { challenge: u128, right: bool },
    Pass { seconds: i64 },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        2 => (0..6_u128, any::<bool>()).prop_map(|(challenge, listed)| Deed::Ask { challenge, listed }),
        6 => (0..6_u128, prop::bool::weighted(0.1))
            .prop_map(|(challenge, right)| Deed::Try { challenge, right }),
        2 => (0..2_000_i64).prop_map(|seconds| Deed::Pass { seconds }),
    ];
    prop::collection::vec(deed, 0..120)
}

proptest! {
    #[test]
    fn tries_are_counted_and_a_code_signs_in_once(deeds in deeds()) {
        let mut history = ann();
        let mut now = 0;
        let mut signed_in = std::collections::BTreeMap::<ChallengeId, usize>::new();
        let mut tried = std::collections::BTreeMap::<ChallengeId, usize>::new();
        let mut mails = Vec::new();
        for deed in deeds {
            let id = |challenge| ChallengeId::from_uuid(Uuid::from_u128(challenge));
            let decided = match deed {
                Deed::Pass { seconds } => {
                    now += seconds;
                    continue;
                }
                Deed::Ask { challenge, listed } => asks(history.state(), listed, id(challenge), now),
                Deed::Try { challenge, right } => {
                    let held = id(challenge);
                    let Ok((decided, verdict)) = tries(history.state(), held, right.then_some(held), now) else {
                        continue;
                    };
                    match verdict {
                        Verdict::Right => *signed_in.entry(held).or_default() += 1,
                        Verdict::Refused { .. } => *tried.entry(held).or_default() += 1,
                    }
                    decided
                }
            };
            if decided.iter().any(|event| matches!(event, Event::OneTimePasswordIssued(_))) {
                mails.push(now);
            }
            history.record(after(now), Actor::System, decided);
        }
        prop_assert!(signed_in.values().all(|times| *times == 1));
        prop_assert!(tried.values().all(|times| *times <= usize::from(TRIES)));
        for (at, mail) in mails.iter().enumerate() {
            let within = mails[at..].iter().filter(|later| *later - mail < 3_600).count();
            prop_assert!(within <= MAILS_AN_HOUR);
        }
    }
}
