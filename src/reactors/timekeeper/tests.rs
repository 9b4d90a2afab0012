//! What the timekeeper takes from the lists is what the organisation's stream decides: day by day, for years.

use uuid::Uuid;
use vouchsafe_events::{
    AccessConfirmed, AccessGranted, AccessRequested, Actor, ApproverBasis, ApproverCarriedOver,
    ApproverEstablished, ApproverStoodDown, Event, OrganisationId, OrganisationKind, OrganisationRegistered,
    PersonId, Reactor, Recorded, RequestId, ReviewId, StandDownReason, Stream, Timestamp,
};
use vouchsafe_projections::Lists;

use super::may_be_due;
use crate::domain::harness::{Happened, History, day, person};
use crate::domain::{Organisation, State, Terms};

const SCHOOL: OrganisationId = OrganisationId::from_uuid(Uuid::from_u128(1));
const ANN: PersonId = person(1);
const BOB: PersonId = person(2);
const CAI: PersonId = person(3);

/// One stream as decisions see it, and as the lists do.
#[derive(Default)]
struct Both {
    decides: Organisation,
    lists: Lists,
}

impl State for Both {
    fn apply(&mut self, recorded: &Recorded) {
        self.decides.apply(recorded);
        self.lists.apply(recorded);
    }
}

impl Both {
    fn looks_due(&self, now: Timestamp) -> bool {
        may_be_due(self.lists.organisation(SCHOOL).unwrap(), &Terms::default(), now)
    }
}

fn registered() -> Happened {
    Event::OrganisationRegistered(OrganisationRegistered {
        name: "Greenhill School".into(),
        kinds: vec![OrganisationKind::School],
        urn: "123456".parse().ok(),
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
    })
}

fn approver(person: PersonId, basis: ApproverBasis) -> Happened {
    Event::ApproverEstablished(ApproverEstablished { person, basis })
}

fn granted(person: PersonId, ends: Option<Timestamp>) -> Happened {
    Event::AccessGranted(AccessGranted { person, request: None, ends })
}

/// Lets the years go by from what happens on which day, and looks each day. Answers how often something was due
/// by the stream.
#[track_caller]
fn years_go_by(happens: &[(i64, Happened)]) -> usize {
    let mut history: History<Both> = History::of(Stream::Organisation(SCHOOL));
    history.record(day(0), Actor::System, [registered()]);
    let mut times = 0;
    for today in 0..1200 {
        let now = day(today);
        for (_, event) in happens.iter().filter(|(on, _)| *on == today) {
            history.record(now, Actor::Person(ANN), [event.clone()]);
        }
        let review = ReviewId::from_uuid(Uuid::from_u128(0x100 + u128::try_from(today).unwrap()));
        // What falls due with a completed review may show only then.
        for _ in 0..3 {
            let decided = history.state().decides.keep_time(&Terms::default(), review, now);
            let looks = history.state().looks_due(now);
            assert_eq!(looks, !decided.is_empty(), "on day {today}: {decided:?}");
            times += usize::from(looks);
            history.record(now, Actor::Reactor(Reactor::Timekeeper), decided);
        }
        assert!(!history.state().looks_due(now), "on day {today} for ever");
    }
    times
}

#[test]
fn an_approver_alone_does_not_begin_the_year_to_the_first_review() {
    let dfe = approver(ANN, ApproverBasis::DfeSignIn);
    assert_eq!(years_go_by(&[(0, dfe.clone())]), 0);
    assert_eq!(years_go_by(&[(0, dfe.clone()), (1, approver(BOB, ApproverBasis::Colleague))]), 0);
    // The review opens a year after the grant, and is reminded of every week from its due day on.
    assert!(years_go_by(&[(0, dfe), (100, granted(BOB, None))]) > 50);
}

#[test]
fn whoever_has_access_for_less_than_the_warning_time_is_not_looked_at_in_vain() {
    let dfe = approver(ANN, ApproverBasis::DfeSignIn);
    assert_eq!(years_go_by(&[(0, dfe.clone()), (10, granted(BOB, Some(day(13))))]), 1, "the end");
    assert_eq!(years_go_by(&[(0, dfe), (10, granted(BOB, Some(day(40))))]), 2, "the warning and the end");
}

#[test]
fn approvers_from_a_closed_school_are_reviewed_like_those_whom_a_colleague_made() {
    let from = OrganisationId::from_uuid(Uuid::from_u128(9));
    let carried = Event::ApproverCarriedOver(ApproverCarriedOver { person: ANN, from });
    let gone = granted(BOB, Some(day(50)));
    assert!(years_go_by(&[(0, carried), (0, gone)]) > 3);
}

#[test]
fn requests_and_reviews_are_looked_at_when_something_is_due_and_only_then() {
    let dfe = approver(ANN, ApproverBasis::DfeSignIn);
    let request = RequestId::from_uuid(Uuid::from_u128(5));
    let asked = Event::AccessRequested(AccessRequested { request, person: CAI, message: None });
    let left = ApproverStoodDown { person: ANN, reason: StandDownReason::DfeSignIn };
    let review = ReviewId::from_uuid(Uuid::from_u128(0x100 + 385));
    let confirmed = Event::AccessConfirmed(AccessConfirmed { review, person: BOB });
    let happens = [
        (20, dfe.clone()),
        (20, granted(BOB, None)),
        (22, asked),
        (26, Event::ApproverStoodDown(left)),
        (30, dfe),
        (400, confirmed),
    ];
    // Two reminders, of which one comes late; the request expires; a review opens and is completed; a review
    // opens a year later, and is reminded of.
    assert!(years_go_by(&happens) > 6);
}
