//! Who is known.

use super::*;

fn introduced(email: &str, number: u8) -> Event<Sealed> {
    Event::PersonIntroduced(PersonIntroduced {
        email: sealed(email),
        hash: hash(number),
        name: None,
        how: Introduction::Colleague,
    })
}

#[test]
fn a_person_is_what_the_last_events_say() {
    let mut world = World::default();
    let first = world.of(ANN, introduced("ann", 1));
    let person = world.lists.person(ANN).unwrap();
    assert_eq!(
        person.email,
        Held { subject: ANN, event: first, slot: Slot::IntroducedEmail, sealed: sealed("ann") }
    );
    assert!(!person.linked && person.name.is_none());

    world.of(ANN, Event::SubjectLinked(SubjectLinked { subject: sealed("sub"), hash: hash(9) }));
    world.of(ANN, Event::EmailHeldByAnother(EmailHeldByAnother { email: sealed("bob"), other: BOB }));
    assert_eq!(world.lists.person(ANN).unwrap().email_held_by, Some(BOB));
    let named = world.of(ANN, Event::NameChanged(NameChanged { name: sealed("Ann") }));
    let changed = world.of(ANN, Event::EmailChanged(EmailChanged { email: sealed("ann2"), hash: hash(2) }));
    let person = world.lists.person(ANN).unwrap();
    assert!(person.linked && person.email_held_by.is_none());
    assert_eq!((person.email.event, person.email.slot), (changed, Slot::ChangedEmail));
    assert_eq!(person.email_hash, hash(2));
    let name = person.name.as_ref().unwrap();
    assert_eq!((name.event, name.slot), (named, Slot::ChangedName));
    assert_eq!((person.introduced, person.how), (hour(1), Introduction::Colleague));
}

#[test]
fn people_stand_in_the_order_in_which_they_became_known_and_only_once() {
    let mut world = World::default();
    world.of(CAI, introduced("cai", 3));
    world.of(ANN, introduced("ann", 1));
    world.of(CAI, introduced("another", 4));
    let all: Vec<_> = world.lists.people().map(|person| (person.id, person.email_hash)).collect();
    assert_eq!(all, [(CAI, hash(3)), (ANN, hash(1))]);
}

#[test]
fn an_email_and_an_account_are_found_by_the_streams_that_reserve_them() {
    let mut world = World::default();
    let email = |person| Event::EmailReserved(EmailReserved { person });
    world.happens(Stream::Email(hash(1)), Actor::System, email(ANN));
    world.happens(Stream::Email(hash(1)), Actor::System, email(BOB));
    let subject = Event::SubjectReserved(SubjectReserved { person: ANN });
    world.happens(Stream::Subject(hash(7)), Actor::System, subject.clone());
    // In another kind of stream the same event says nothing.
    world.happens(Stream::Email(hash(8)), Actor::System, subject);
    assert_eq!(world.lists.person_by_email(hash(1)), Some(ANN));
    assert_eq!(world.lists.person_by_subject(hash(7)), Some(ANN));
    assert_eq!(world.lists.person_by_subject(hash(1)), None);
    assert_eq!(world.lists.person_by_email(hash(8)), None);

    let released = |person| Event::EmailReleased(EmailReleased { person });
    world.happens(Stream::Email(hash(1)), Actor::System, released(BOB));
    assert_eq!(world.lists.person_by_email(hash(1)), Some(ANN));
    world.happens(Stream::Email(hash(1)), Actor::System, released(ANN));
    assert_eq!(world.lists.person_by_email(hash(1)), None);
}

#[test]
fn staff_are_those_whom_an_operator_appointed_and_did_not_stand_down() {
    let mut world = World::default();
    world.of(ANN, introduced("ann", 1));
    for role in [StaffRole::Support, StaffRole::Auditor] {
        world.of(ANN, Event::StaffAppointed(StaffAppointed { role }));
        world.of(BOB, Event::StaffAppointed(StaffAppointed { role }));
    }
    assert_eq!(world.lists.staff(StaffRole::Support).collect::<Vec<_>>(), [ANN]);
    world.of(ANN, Event::StaffStoodDown(StaffStoodDown { role: StaffRole::Support }));
    assert_eq!(world.lists.staff(StaffRole::Support).count(), 0);
    assert_eq!(world.lists.staff(StaffRole::Auditor).collect::<Vec<_>>(), [ANN]);
    assert_eq!(world.lists.person(ANN).unwrap().roles.len(), 1);
}
