//! A school for tests: Greenhill, whose people have names that try to break out of the page.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{
    Actor, ApproverBasis, EventId, Held, OrganisationId, OrganisationKind, PersonId, RequestId, ReviewId,
    Sealed, Slot, Timestamp, Urn, Uuid,
};
use vouchsafe_projections::{Access, Approver, Organisation, Outcome, Request, Review};

use super::Names;
use crate::web::assets::Look;
use crate::web::{Frame, Who};

/// An approver whom DfE Sign-in names. She has no grant.
pub(super) const ANN: PersonId = PersonId::from_uuid(Uuid::from_u128(1));
/// A user whom Ann made an approver.
pub(super) const BOB: PersonId = PersonId::from_uuid(Uuid::from_u128(2));
/// A user whose access ends.
pub(super) const CAI: PersonId = PersonId::from_uuid(Uuid::from_u128(3));
/// Somebody who asks.
pub(super) const DEE: PersonId = PersonId::from_uuid(Uuid::from_u128(4));

/// Dee's request, which is open.
pub(super) const OPEN: RequestId = RequestId::from_uuid(Uuid::from_u128(11));
/// Cai's request, which Ann granted.
pub(super) const GRANTED: RequestId = RequestId::from_uuid(Uuid::from_u128(12));
/// Dee's earlier request, which Bob declined.
pub(super) const DECLINED: RequestId = RequestId::from_uuid(Uuid::from_u128(13));

/// What every text that people type holds in tests.
pub(super) const HOSTILE: &str = "<script>alert('x')</script>";

/// An instant.
pub(super) fn at(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

/// When the tests happen.
pub(super) fn now() -> Timestamp {
    at("2026-11-25T12:00:00Z")
}

/// Everybody's name and email.
pub(super) struct Known;

impl Names for Known {
    fn name(&self, person: PersonId) -> String {
        let known = [(ANN, "Ann Lee"), (BOB, "bob Hill"), (CAI, "Cai <b>Vo</b>")];
        let found = known.iter().find(|(id, _)| *id == person);
        found.map_or_else(|| format!("Dee {HOSTILE}"), |(_, name)| (*name).to_owned())
    }

    fn email(&self, person: PersonId) -> String {
        format!("p{}@greenhill.example", person.uuid().as_u128())
    }

    fn text(&self, held: &Held) -> String {
        held.sealed.as_base64().to_owned()
    }

    fn organisation(&self, _: OrganisationId) -> String {
        format!("Old Greenhill {HOSTILE}")
    }
}

/// A text, as the lists hold it.
fn held(subject: PersonId, slot: Slot, text: &str) -> Held {
    Held { subject, event: EventId::from_uuid(Uuid::nil()), slot, sealed: Sealed::from_base64(text) }
}

fn request(id: RequestId, person: PersonId, day: &str, outcome: Outcome) -> Request {
    Request {
        id,
        person,
        at: at(day),
        event: EventId::from_uuid(id.uuid()),
        from: None,
        message: Some(held(person, Slot::RequestMessage, &format!("Please {HOSTILE}"))),
        reminders: 1,
        outcome,
    }
}

/// Access that Ann gave.
pub(super) fn access(day: &str, ends: Option<&str>) -> Access {
    let request = ends.map(|_| GRANTED);
    Access {
        since: at(day),
        by: Actor::Person(ANN),
        request,
        from: None,
        ends: ends.map(at),
        warned: false,
        confirmed: None,
    }
}

/// Greenhill School: Ann and Bob are its approvers, Bob and Cai its users, and Dee asks.
pub(super) fn greenhill() -> Organisation {
    let (ann, bob) = (Actor::Person(ANN), Actor::Person(BOB));
    let urn: Urn = "123456".parse().unwrap();
    let named = Approver {
        since: at("2026-01-05T09:00:00Z"),
        basis: ApproverBasis::DfeSignIn,
        by: Actor::System,
        made_by: None,
    };
    let made = Approver {
        since: at("2026-03-05T09:00:00Z"),
        basis: ApproverBasis::Colleague,
        by: ann,
        made_by: Some(ANN),
    };
    let granted =
        Outcome::Granted { by: ann, at: at("2026-04-03T10:00:00Z"), ends: Some(at("2027-06-30T22:59:59Z")) };
    let reason = held(DEE, Slot::DeclineReason, &format!("Not yet {HOSTILE}"));
    let declined = Outcome::Declined { by: bob, at: at("2026-05-03T10:00:00Z"), reason };
    Organisation {
        id: OrganisationId::of_school(urn),
        name: format!("Greenhill {HOSTILE}").into(),
        kinds: vec![OrganisationKind::School],
        urn: Some(urn),
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
        closed: false,
        registered: at("2026-01-05T09:00:00Z"),
        approvers: BTreeMap::from([(ANN, named), (BOB, made)]),
        stood_down: BTreeSet::new(),
        users: BTreeMap::from([
            (BOB, access("2026-02-05T09:00:00Z", None)),
            (CAI, access("2026-04-03T10:00:00Z", Some("2027-06-30T22:59:59Z"))),
        ]),
        listed: BTreeMap::new(),
        proposed: BTreeMap::new(),
        successors: Vec::new(),
        carried: BTreeMap::new(),
        ended: BTreeMap::new(),
        last_signed_in: BTreeMap::from([(CAI, at("2026-11-20T08:30:00Z"))]),
        requests: BTreeMap::from([
            (OPEN, request(OPEN, DEE, "2026-11-21T09:00:00Z", Outcome::Open)),
            (GRANTED, request(GRANTED, CAI, "2026-04-01T09:00:00Z", granted)),
            (DECLINED, request(DECLINED, DEE, "2026-05-01T09:00:00Z", declined)),
        ]),
        review: None,
        reviewed: None,
        review_from: Some(at("2026-01-05T09:00:00Z")),
        first_access: Some(at("2026-01-05T09:00:00Z")),
    }
}

/// The same school with a review that is due, or was, at an instant.
pub(super) fn in_review(due: &str) -> Organisation {
    let review = Review {
        id: ReviewId::from_uuid(Uuid::from_u128(21)),
        opened: at("2026-11-01T09:00:00Z"),
        due: at(due),
        reminders: 0,
        confirmed: BTreeSet::from([CAI]),
    };
    Organisation { review: Some(review), ..greenhill() }
}

/// The frame around Ann's pages.
pub(super) fn frame() -> Frame {
    let who = Who {
        name: "Ann Lee".to_owned(),
        organisation: Some(format!("Greenhill {HOSTILE}")),
        may_switch: false,
        is_approver: true,
        waiting: 1,
        is_auditor: false,
        is_support: false,
    };
    Frame {
        service_name: "Vouchsafe".to_owned(),
        look: Look::Plain,
        who: Some(who),
        notice: None,
        form_token: "the-form-token".to_owned(),
        path: "/school/requests".to_owned(),
        idle_minutes: 30,
    }
}
