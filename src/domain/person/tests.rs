//! What is decided about a person. This file has the words, and who a person is; each file under `tests/` has
//! one subject more.

mod one_time_password;
mod reservations;
mod sessions;

use uuid::Uuid;
use vouchsafe_events::{
    Actor, Email, EmailChanged, EmailHeldByAnother, EmailReleased, EmailReserved, Event, Introduction,
    KeyedHash, Method, NameChanged, OrganisationChosen, OrganisationId, PersonId, PersonIntroduced, Plain,
    Refusal, SessionHash, SignInRefused, SignOut, SignedIn, SignedOut, Slot, StaffAppointed, StaffRole,
    StaffStoodDown, Stream, SubjectLinked, SubjectReserved, Timestamp,
};

use super::{
    AppointRefused, ChooseRefused, Person, Reservation, SignIn, SignOutRefused, StaffStandDownRefused,
};
use crate::domain::PersonName;
use crate::domain::harness::{Happened, History, day, just_before, person};

const ANN: PersonId = person(0xa);
const BEA: PersonId = person(0xb);
const CAI: PersonId = person(0xc);

const ANNS_EMAIL: KeyedHash = KeyedHash::from_bytes([1; 32]);
const NEW_EMAIL: KeyedHash = KeyedHash::from_bytes([2; 32]);
const ACCOUNT: KeyedHash = KeyedHash::from_bytes([3; 32]);

const S1: SessionHash = SessionHash::from_bytes([1; 32]);
const S2: SessionHash = SessionHash::from_bytes([2; 32]);

const GREENHILL: OrganisationId = OrganisationId::from_uuid(Uuid::from_u128(1));
const BROOKSIDE: OrganisationId = OrganisationId::from_uuid(Uuid::from_u128(2));
const ELSEWHERE: OrganisationId = OrganisationId::from_uuid(Uuid::from_u128(3));

fn given<const N: usize>(events: [Happened; N]) -> History<Person> {
    let mut history = History::of(Stream::Person(ANN));
    history.record(day(0), Actor::System, events);
    history
}

fn given_reservation<const N: usize>(events: [Happened; N]) -> History<Reservation> {
    let mut history = History::of(Stream::Email(ANNS_EMAIL));
    history.record(day(0), Actor::System, events);
    history
}

fn email(text: &str) -> Email {
    text.parse().unwrap()
}

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

fn introduced(name: Option<&str>) -> Happened {
    Event::PersonIntroduced(PersonIntroduced {
        email: Plain::about(ANN, "ann@greenhill.example"),
        hash: ANNS_EMAIL,
        name: name.map(|name| Plain::about(ANN, name)),
        how: Introduction::DfeSignIn,
    })
}

fn linked() -> Happened {
    let subject = Plain::about(ANN, "https://issuer.example\nann");
    Event::SubjectLinked(SubjectLinked { subject, hash: ACCOUNT })
}

fn email_changed() -> Happened {
    Event::EmailChanged(EmailChanged { email: Plain::about(ANN, "ann@new.example"), hash: NEW_EMAIL })
}

fn held_by(other: PersonId) -> Happened {
    Event::EmailHeldByAnother(EmailHeldByAnother { email: Plain::about(ANN, "ann@new.example"), other })
}

fn renamed(name: &str) -> Happened {
    Event::NameChanged(NameChanged { name: Plain::about(ANN, name) })
}

fn signed_in(session: SessionHash, expires: Timestamp) -> Happened {
    Event::SignedIn(SignedIn {
        session,
        expires,
        method: Method::DfeSignIn,
        organisation: Some(GREENHILL),
        organisations: vec![GREENHILL, BROOKSIDE],
        network: Plain::about(ANN, "192.0.2.7"),
        device: Plain::about(ANN, "Firefox"),
    })
}

fn sign_in(session: SessionHash, expires: Timestamp) -> SignIn {
    SignIn {
        session,
        expires,
        method: Method::DfeSignIn,
        organisation: Some(GREENHILL),
        organisations: vec![GREENHILL, BROOKSIDE],
        network: "192.0.2.7".to_owned(),
        device: "Firefox".to_owned(),
    }
}

fn chosen(organisation: OrganisationId) -> Happened {
    Event::OrganisationChosen(OrganisationChosen { session: S1, organisation })
}

fn signed_out(session: SessionHash, how: SignOut) -> Happened {
    Event::SignedOut(SignedOut { session, how })
}

fn appointed(role: StaffRole) -> Happened {
    Event::StaffAppointed(StaffAppointed { role })
}

fn stood_down(role: StaffRole) -> Happened {
    Event::StaffStoodDown(StaffStoodDown { role })
}

#[test]
fn a_person_becomes_known_once() {
    let introduce = |person: &Person| {
        let email = email("ann@greenhill.example");
        person.introduce(ANN, &email, ANNS_EMAIL, Some(&name("Ann Ash")), Introduction::DfeSignIn)
    };
    assert!(!given([]).state().is_known());
    given([]).when(introduce).then([introduced(Some("Ann Ash"))]);
    given([introduced(Some("Ann Ash"))]).when(introduce).then_nothing();
}

#[test]
fn a_person_may_become_known_without_a_name() {
    let email = email("ann@greenhill.example");
    given([])
        .when(|person| person.introduce(ANN, &email, ANNS_EMAIL, None, Introduction::DfeSignIn))
        .then([introduced(None)]);
    assert!(given([introduced(None)]).state().name().is_none());
}

#[test]
fn a_known_person_has_the_email_and_name_that_they_came_with() {
    let history = given([introduced(Some("Ann Ash"))]);
    let ann = history.state();
    assert!(ann.is_known());
    assert_eq!(ann.email_hash(), Some(ANNS_EMAIL));
    let held = ann.email().unwrap();
    assert_eq!((held.subject, held.slot), (ANN, Slot::IntroducedEmail));
    assert_eq!(held.sealed.as_base64(), "ann@greenhill.example");
    let held = ann.name().unwrap();
    assert_eq!((held.subject, held.slot), (ANN, Slot::IntroducedName));
    assert_eq!(held.sealed.as_base64(), "Ann Ash");
}

#[test]
fn an_account_is_linked_once() {
    let link = |person: &Person| person.link(ANN, "https://issuer.example\nann", ACCOUNT);
    let unlinked = given([introduced(None)]);
    assert!(!unlinked.state().is_linked());
    unlinked.when(link).then([linked()]);
    let history = given([introduced(None), linked()]);
    assert!(history.state().is_linked());
    history.when(link).then_nothing();
}

#[test]
fn an_email_that_is_another_than_before_changes() {
    let history = given([introduced(None)]);
    let new = email("ann@new.example");
    history.when(|ann| ann.change_email(ANN, &new, NEW_EMAIL)).then([email_changed()]);
    let same = email("ann@greenhill.example");
    history.when(|ann| ann.change_email(ANN, &same, ANNS_EMAIL)).then_nothing();

    let history = given([introduced(None), email_changed()]);
    assert_eq!(history.state().email_hash(), Some(NEW_EMAIL));
    let held = history.state().email().unwrap();
    assert_eq!((held.slot, held.sealed.as_base64()), (Slot::ChangedEmail, "ann@new.example"));
    history.when(|ann| ann.change_email(ANN, &new, NEW_EMAIL)).then_nothing();
}

#[test]
fn that_an_email_is_anothers_is_noted_once_for_each_other() {
    let note = |other| move |ann: &Person| ann.note_held_email(ANN, &email("ann@new.example"), other);
    given([introduced(None)]).when(note(BEA)).then([held_by(BEA)]);
    let noted = given([introduced(None), held_by(BEA)]);
    noted.when(note(BEA)).then_nothing();
    noted.when(note(CAI)).then([held_by(CAI)]);
    assert_eq!(noted.state().email_hash(), Some(ANNS_EMAIL));
}

#[test]
fn that_an_email_is_anothers_is_noted_anew_after_the_email_has_changed() {
    given([introduced(None), held_by(BEA), email_changed()])
        .when(|ann| ann.note_held_email(ANN, &email("ann@new.example"), BEA))
        .then([held_by(BEA)]);
}

#[test]
fn that_an_email_is_anothers_is_over_when_it_has_become_the_persons_own() {
    let own = email("ann@greenhill.example");
    let confirm = |ann: &Person| ann.confirm_email(ANN, &own, ANNS_EMAIL);
    let again = || {
        let email = Plain::about(ANN, "ann@greenhill.example");
        Event::EmailChanged(EmailChanged { email, hash: ANNS_EMAIL })
    };
    given([introduced(None)]).when(confirm).then_nothing();
    given([introduced(None), held_by(BEA), email_changed()]).when(confirm).then_nothing();
    given([introduced(None), held_by(BEA)]).when(confirm).then([again()]);
    given([introduced(None), held_by(BEA), again()]).when(confirm).then_nothing();
}

#[test]
fn a_person_is_renamed() {
    given([introduced(Some("Ann Ash"))])
        .when(|ann| ann.rename(ANN, &name("Ann Birch")))
        .then([renamed("Ann Birch")]);
    let history = given([introduced(Some("Ann Ash")), renamed("Ann Birch")]);
    let held = history.state().name().unwrap();
    assert_eq!((held.slot, held.sealed.as_base64()), (Slot::ChangedName, "Ann Birch"));
}

#[test]
fn an_operator_appoints_a_person_to_a_staff_role() {
    let history = given([introduced(None)]);
    assert!(!history.state().is_staff());
    history.when(|ann| ann.appoint(StaffRole::Auditor)).then([appointed(StaffRole::Auditor)]);
    let history = given([introduced(None), appointed(StaffRole::Auditor)]);
    assert!(history.state().is_staff());
    history.when(|ann| ann.appoint(StaffRole::Support)).then([appointed(StaffRole::Support)]);
}

#[test]
fn who_has_a_staff_role_is_not_appointed_to_it_again() {
    given([introduced(None), appointed(StaffRole::Auditor)])
        .when(|ann| ann.appoint(StaffRole::Auditor))
        .then_refused(AppointRefused::AlreadyAppointed);
}

#[test]
fn an_operator_takes_a_staff_role_from_a_person() {
    let history = given([introduced(None), appointed(StaffRole::Auditor), appointed(StaffRole::Support)]);
    history.when(|ann| ann.stand_down(StaffRole::Auditor)).then([stood_down(StaffRole::Auditor)]);
    let history = history.later(day(1), BEA, [stood_down(StaffRole::Auditor)]);
    assert!(history.state().is_staff());
    let history = history.later(day(1), BEA, [stood_down(StaffRole::Support)]);
    assert!(!history.state().is_staff());
}

#[test]
fn a_staff_role_that_a_person_does_not_have_is_not_taken() {
    let history = given([introduced(None), appointed(StaffRole::Auditor)]);
    history.when(|ann| ann.stand_down(StaffRole::Support)).then_refused(StaffStandDownRefused::NotAppointed);
    history
        .later(day(1), BEA, [stood_down(StaffRole::Auditor)])
        .when(|ann| ann.stand_down(StaffRole::Auditor))
        .then_refused(StaffStandDownRefused::NotAppointed);
}
