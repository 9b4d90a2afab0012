//! What the lists say of somebody, in words.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{
    Actor, ApproverBasis, EventId, Held, OrganisationId, OrganisationKind, PersonId, Sealed, Slot, Timestamp,
};
use vouchsafe_projections::{Access, Approver, Ended, HowEnded, Organisation, Outcome, Request};

use super::super::stands::Words;
use super::*;
use crate::domain::Terms;

const ANN: PersonId = PersonId::from_uuid(Uuid::from_u128(1));
const DEE: PersonId = PersonId::from_uuid(Uuid::from_u128(4));

struct Known;

impl Words for Known {
    fn name(&self, person: PersonId) -> String {
        if person == ANN { "Ann Lee".to_owned() } else { "somebody".to_owned() }
    }

    fn text(&self, held: &Held) -> String {
        held.sealed.as_base64().to_owned()
    }

    fn organisation(&self, _: OrganisationId) -> String {
        "Old Greenhill".to_owned()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn school() -> Organisation {
    Organisation {
        id: OrganisationId::from_uuid(Uuid::from_u128(9)),
        name: "Greenhill School".into(),
        kinds: vec![OrganisationKind::School],
        urn: None,
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
        closed: false,
        registered: at("2026-01-05T09:00:00Z"),
        approvers: BTreeMap::new(),
        stood_down: BTreeSet::new(),
        users: BTreeMap::new(),
        listed: BTreeMap::new(),
        proposed: BTreeMap::new(),
        successors: Vec::new(),
        carried: BTreeMap::new(),
        ended: BTreeMap::new(),
        last_signed_in: BTreeMap::new(),
        requests: BTreeMap::new(),
        review: None,
        reviewed: None,
        review_from: None,
        first_access: None,
    }
}

fn held(slot: Slot, text: &str) -> Held {
    Held { subject: DEE, event: EventId::from_uuid(Uuid::nil()), slot, sealed: Sealed::from_base64(text) }
}

fn request(number: u128, day: &str, outcome: Outcome) -> (RequestId, Request) {
    let id = RequestId::from_uuid(Uuid::from_u128(number));
    let event = EventId::from_uuid(id.uuid());
    let message = Some(held(Slot::RequestMessage, "please"));
    (id, Request { id, person: DEE, at: at(day), event, from: None, message, reminders: 0, outcome })
}

fn access(ends: Option<&str>) -> Access {
    let since = at("2026-02-01T09:00:00Z");
    Access {
        since,
        by: Actor::Person(ANN),
        request: None,
        from: None,
        ends: ends.map(at),
        warned: false,
        confirmed: None,
    }
}

fn stands(organisation: &Organisation) -> Stands {
    Stands::of(organisation, DEE, at("2026-03-04T12:00:00Z"), &Terms::default(), &Known)
}

#[test]
fn an_open_request_says_what_happens_when() {
    let mut school = school();
    school.requests.extend([request(1, "2026-03-03T14:05:00Z", Outcome::Open)]);
    let Stands::Waiting(waits) = stands(&school) else { panic!("{:?}", stands(&school)) };
    assert_eq!(waits.asked, "3 March 2026 at 2:05pm");
    assert_eq!(waits.message.as_deref(), Some("please"));
    assert_eq!(waits.reminded.as_deref(), Some("6 March 2026"));
    assert_eq!(waits.expires, "31 March 2026");
    let later = Stands::of(&school, DEE, at("2026-03-20T12:00:00Z"), &Terms::default(), &Known);
    let Stands::Waiting(waits) = later else { panic!("{later:?}") };
    assert_eq!(waits.reminded, None, "every reminder has been sent");
}

#[test]
fn access_says_who_gave_it_and_when_it_ends() {
    let mut school = school();
    school.users.insert(DEE, access(Some("2026-06-30T22:59:59Z")));
    let Stands::User(uses) = stands(&school) else { panic!("{:?}", stands(&school)) };
    assert_eq!((uses.by.as_deref(), uses.ends.as_deref()), (Some("Ann Lee"), Some("30 June 2026")));
    assert!(!uses.asked);
}

#[test]
fn who_was_carried_over_reads_from_where() {
    let old = OrganisationId::from_uuid(Uuid::from_u128(0x01d));
    let mut school = school();
    school.users.insert(DEE, Access { from: Some(old), ..access(None) });
    let Stands::User(uses) = stands(&school) else { panic!("{:?}", stands(&school)) };
    assert_eq!(uses.closed.as_deref(), Some("Old Greenhill"));
    let html = page(Stands::User(uses)).render().unwrap();
    assert!(html.contains("since 1 February 2026 because Old Greenhill closed"));
    school.carried.insert(old, BTreeSet::from([DEE]));
    let since = at("2026-01-05T09:00:00Z");
    let by = Actor::Reactor(vouchsafe_events::Reactor::Successions);
    let basis = ApproverBasis::Predecessor;
    school.approvers.insert(DEE, Approver { since, basis, by, made_by: None });
    let Stands::Approver(approves) = stands(&school) else { panic!("{:?}", stands(&school)) };
    let html = page(Stands::Approver(approves)).render().unwrap();
    assert!(html.contains("because Old Greenhill closed") && !html.contains("in DfE Sign-in. You"));
}

#[test]
fn an_end_that_has_come_ends_access_before_the_log_says_so() {
    let mut school = school();
    school.users.insert(DEE, access(Some("2026-03-03T23:59:59Z")));
    assert_eq!(stands(&school), Stands::Out(Last::Ended { on: "3 March 2026".to_owned() }));
}

#[test]
fn an_approver_needs_no_request() {
    let mut school = school();
    let since = at("2026-01-05T09:00:00Z");
    school
        .approvers
        .insert(DEE, Approver { since, basis: ApproverBasis::DfeSignIn, by: Actor::System, made_by: None });
    let (id, open) = request(1, "2026-01-03T09:00:00Z", Outcome::Open);
    school.requests.insert(id, open);
    let Stands::Approver(approves) = stands(&school) else { panic!("{:?}", stands(&school)) };
    assert_eq!((approves.by, approves.waiting, approves.own_request), (None, 0, Some(id)));
}

#[test]
fn the_newest_request_says_what_was_last() {
    let day = at("2026-02-20T09:00:00Z");
    let (by, on) = (Actor::Person(ANN), "20 February 2026".to_owned());
    let reason = held(Slot::DeclineReason, "not yet");
    let declined = Outcome::Declined { by, at: day, reason };
    let words =
        Last::Declined { on: on.clone(), by: Some("Ann Lee".to_owned()), reason: "not yet".to_owned() };
    for (outcome, last) in [
        (declined, words),
        (Outcome::Withdrawn { at: day }, Last::Withdrawn { on: on.clone() }),
        (Outcome::Expired { at: day }, Last::Expired { on }),
    ] {
        let mut school = school();
        school.requests.extend([
            request(2, "2026-01-10T09:00:00Z", Outcome::Expired { at: at("2026-02-07T09:00:00Z") }),
            request(1, "2026-02-10T09:00:00Z", outcome),
        ]);
        assert_eq!(stands(&school), Stands::Out(last));
    }
    assert_eq!(stands(&school()), Stands::Out(Last::Nothing));
}

#[test]
fn access_that_ended_is_told_rather_than_the_request_that_it_was_granted_for() {
    let (by, on) = (Actor::Person(ANN), "20 February 2026".to_owned());
    let granted = Outcome::Granted { by, at: at("2026-02-11T09:00:00Z"), ends: None };
    let mut school = school();
    school.requests.extend([request(1, "2026-02-10T09:00:00Z", granted)]);
    let ends = |how| Ended { at: at("2026-02-20T09:00:00Z"), how };
    school.ended.insert(DEE, ends(HowEnded::EndDate));
    assert_eq!(stands(&school), Stands::Out(Last::Ended { on: on.clone() }));
    school.ended.insert(DEE, ends(HowEnded::Revoked { by }));
    let revoked = Last::Revoked { on, by: Some("Ann Lee".to_owned()) };
    assert_eq!(stands(&school), Stands::Out(revoked.clone()));
    school.requests.clear();
    assert_eq!(stands(&school), Stands::Out(revoked), "who was added without asking");
    let day = at("2026-03-01T09:00:00Z");
    school.requests.extend([request(2, "2026-02-25T09:00:00Z", Outcome::Withdrawn { at: day })]);
    assert_eq!(stands(&school), Stands::Out(Last::Withdrawn { on: "1 March 2026".to_owned() }));
}
