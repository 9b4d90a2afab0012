//! What an organisation allows and refuses. This file has the cast and the words; each file under `tests/`
//! has one subject.

mod adding;
mod approvers;
mod asking;
mod closed;
mod deciding;
mod random;
mod register;
mod reviews;
mod succession;
mod time;
mod users;

use uuid::Uuid;
use vouchsafe_events::{
    AccessConfirmed, AccessDeclined, AccessEndDateChanged, AccessEnded, AccessEndingSoon, AccessGranted,
    AccessRequestExpired, AccessRequestWithdrawn, AccessRequested, AccessRevoked, Actor, ApproverBasis,
    ApproverEstablished, ApproverStoodDown, ApproversReminded, Event, EventId, OrganisationClosed,
    OrganisationId, OrganisationKind, OrganisationRegistered, OrganisationRenamed, OrganisationReopened,
    PersonId, Plain, RequestId, ReviewCompleted, ReviewId, ReviewOpened, ReviewReminded, StandDownReason,
    Stream, Timestamp,
};

use super::Organisation;
use crate::domain::harness::{Happened, History, day, just_before, person};
use crate::domain::{Message, Reason};

/// Ann is an approver in most tests, because DfE Sign-in says so.
const ANN: PersonId = person(0xa);
const BEA: PersonId = person(0xb);
const CAI: PersonId = person(0xc);
const DAN: PersonId = person(0xd);

const R1: RequestId = request(1);
const R2: RequestId = request(2);

const V1: ReviewId = review(1);
/// The review that would be opened next.
const V2: ReviewId = review(2);

const fn request(number: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(number))
}

const fn review(number: u128) -> ReviewId {
    ReviewId::from_uuid(Uuid::from_u128(number))
}

/// An organisation in which this happened on day 0, on what an identity provider said.
fn given<const N: usize>(events: [Happened; N]) -> History<Organisation> {
    let organisation = OrganisationId::from_uuid(Uuid::from_u128(1));
    let mut history = History::of(Stream::Organisation(organisation));
    history.record(day(0), Actor::System, events);
    history
}

/// An open school where Ann is an approver.
fn given_anns_school() -> History<Organisation> {
    given([registered("Greenhill"), named_approver(ANN)])
}

fn message() -> Message {
    Message::parse("I teach year 4").unwrap()
}

fn reason() -> Reason {
    Reason::parse("You have moved to another school").unwrap()
}

fn registered(name: &str) -> Happened {
    Event::OrganisationRegistered(OrganisationRegistered {
        name: name.into(),
        kinds: vec![OrganisationKind::School],
        urn: "123456".parse().ok(),
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
    })
}

fn renamed(name: &str) -> Happened {
    Event::OrganisationRenamed(OrganisationRenamed { name: name.into() })
}

fn closed() -> Happened {
    Event::OrganisationClosed(OrganisationClosed {})
}

fn reopened() -> Happened {
    Event::OrganisationReopened(OrganisationReopened {})
}

/// DfE Sign-in names them as an approver.
fn named_approver(person: PersonId) -> Happened {
    Event::ApproverEstablished(ApproverEstablished { person, basis: ApproverBasis::DfeSignIn })
}

/// A colleague makes them an approver.
fn made_approver(person: PersonId) -> Happened {
    Event::ApproverEstablished(ApproverEstablished { person, basis: ApproverBasis::Colleague })
}

fn stood_down(person: PersonId, reason: StandDownReason) -> Happened {
    Event::ApproverStoodDown(ApproverStoodDown { person, reason })
}

fn asked(request: RequestId, person: PersonId) -> Happened {
    let message = Some(Plain::about(person, message().as_str()));
    Event::AccessRequested(AccessRequested { request, person, message })
}

fn withdrawn(request: RequestId, person: PersonId) -> Happened {
    Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person })
}

fn expired(request: RequestId, person: PersonId) -> Happened {
    Event::AccessRequestExpired(AccessRequestExpired { request, person })
}

fn reminded(request: RequestId, reminder: u8) -> Happened {
    Event::ApproversReminded(ApproversReminded { request, reminder })
}

/// The request is granted.
fn granted(request: RequestId, person: PersonId, ends: Option<Timestamp>) -> Happened {
    Event::AccessGranted(AccessGranted { person, request: Some(request), ends })
}

/// Access is given to a person who had not asked.
fn added(person: PersonId, ends: Option<Timestamp>) -> Happened {
    Event::AccessGranted(AccessGranted { person, request: None, ends })
}

fn declined(request: RequestId, person: PersonId) -> Happened {
    let reason = Plain::about(person, reason().as_str());
    Event::AccessDeclined(AccessDeclined { request, person, reason })
}

fn end_date_changed(person: PersonId, ends: Option<Timestamp>) -> Happened {
    Event::AccessEndDateChanged(AccessEndDateChanged { person, ends })
}

fn ending_soon(person: PersonId, ends: Timestamp) -> Happened {
    Event::AccessEndingSoon(AccessEndingSoon { person, ends })
}

fn ended(person: PersonId) -> Happened {
    Event::AccessEnded(AccessEnded { person })
}

fn revoked(person: PersonId, review: Option<ReviewId>) -> Happened {
    let reason = Plain::about(person, reason().as_str());
    Event::AccessRevoked(AccessRevoked { person, reason, review })
}

fn review_opened(review: ReviewId, due: Timestamp) -> Happened {
    Event::ReviewOpened(ReviewOpened { review, due })
}

fn confirmed(review: ReviewId, person: PersonId) -> Happened {
    Event::AccessConfirmed(AccessConfirmed { review, person })
}

fn review_reminded(review: ReviewId, reminder: u8) -> Happened {
    Event::ReviewReminded(ReviewReminded { review, reminder })
}

fn review_completed(review: ReviewId) -> Happened {
    Event::ReviewCompleted(ReviewCompleted { review })
}
