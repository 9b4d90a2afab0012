//! Which mails are pending.

use super::*;
use crate::{GIVEN_UP_KEPT, PendingMail};

fn pending(world: &World) -> Vec<(EventId, PersonId, MailKind)> {
    world.lists.outbox().pending().map(|mail| (mail.event, mail.to, mail.mail)).collect()
}

fn last(world: &World) -> &PendingMail {
    world.lists.outbox().pending().last().unwrap()
}

impl World {
    fn mailed(&mut self, event: EventId, to: PersonId, mail: MailKind) {
        let what = Event::MailSent(MailSent { event, to, mail });
        self.happens(Stream::Reactor(Reactor::Mail), Actor::Reactor(Reactor::Mail), what);
    }

    /// Sends whatever is pending.
    fn post(&mut self) {
        for (event, to, mail) in pending(self) {
            self.mailed(event, to, mail);
        }
    }
}

#[test]
fn every_approver_but_the_one_who_asks_is_told_of_a_request() {
    let mut world = World::greenhill();
    world.approver(GREENHILL, BOB, ApproverBasis::DfeSignIn);
    let asked = world.asks(BOB, R1);
    assert_eq!(pending(&world), [(asked, ANN, MailKind::RequestToDecide)]);
    let mail = last(&world);
    assert_eq!((mail.about, mail.request, mail.organisation), (Some(BOB), Some(R1), Some(GREENHILL)));
    assert_eq!(mail.text.as_ref().unwrap().sealed, sealed("please"));
    world.mailed(asked, ANN, MailKind::RequestToDecide);
    assert_eq!((pending(&world), world.lists.outbox().sent()), (vec![], 1));
}

#[test]
fn a_new_approver_is_told_of_what_waits_once_and_that_they_are_one() {
    let mut world = World::greenhill();
    let asked = world.asks(CAI, R1);
    world.post();
    let made = world.approver(GREENHILL, BOB, ApproverBasis::Colleague);
    let expected = [(made, BOB, MailKind::MadeApprover), (asked, BOB, MailKind::RequestToDecide)];
    assert_eq!(pending(&world), expected);
    assert_eq!(last(&world).about, Some(CAI));
    assert_eq!(last(&world).text.as_ref().unwrap().event, asked);
    world.post();
    world.stands_down(BOB);
    world.approver(GREENHILL, BOB, ApproverBasis::DfeSignIn);
    assert_eq!(pending(&world), []);
    world.approver(GREENHILL, CAI, ApproverBasis::DfeSignIn);
    assert_eq!(pending(&world), [], "nobody is asked to decide their own request");
}

#[test]
fn who_stands_down_before_a_mail_went_is_not_asked_and_is_asked_once_they_are_back() {
    let mut world = World::greenhill();
    let asked = world.asks(CAI, R1);
    world.stands_down(ANN);
    assert_eq!(pending(&world), []);
    world.approver(GREENHILL, ANN, ApproverBasis::DfeSignIn);
    assert_eq!(pending(&world), [(asked, ANN, MailKind::RequestToDecide)]);
}

#[test]
fn nobody_is_asked_to_decide_what_is_decided() {
    let mut world = World::greenhill();
    for (number, decide) in
        [World::withdraws as fn(&mut World, _, _) -> _, World::declines].iter().enumerate()
    {
        let request = request(10 + number as u128);
        world.asks(CAI, request);
        let reminder = Event::ApproversReminded(ApproversReminded { request, reminder: 1 });
        let event = world.by_itself(GREENHILL, reminder);
        assert_eq!(pending(&world).last(), Some(&(event, ANN, MailKind::RequestReminder)));
        assert_eq!(pending(&world).len(), 2);
        decide(&mut world, CAI, request);
        assert!(pending(&world).iter().all(|(_, to, _)| *to == CAI));
        world.post();
    }
}

#[test]
fn the_person_who_asked_hears_what_became_of_it() {
    let mut world = World::greenhill();
    world.asks(BOB, R1);
    let declined = world.declines(BOB, R1);
    assert_eq!(pending(&world), [(declined, BOB, MailKind::RequestDeclined)]);
    assert_eq!(last(&world).text.as_ref().unwrap().sealed, sealed("not ours"));
    assert_eq!(last(&world).about, Some(ANN));
    world.post();
    world.asks(BOB, R2);
    let granted = world.grants_until(BOB, Some(R2), Some(hour(99)));
    assert_eq!(pending(&world), [(granted, BOB, MailKind::RequestGranted)]);
    assert_eq!((last(&world).ends, last(&world).request), (Some(hour(99)), Some(R2)));
    world.post();
    world.asks(CAI, request(3));
    let what = AccessRequestExpired { request: request(3), person: CAI };
    let expired = world.by_itself(GREENHILL, Event::AccessRequestExpired(what));
    assert_eq!(pending(&world), [(expired, CAI, MailKind::RequestExpired)]);
    assert_eq!(last(&world).about, None);
}

#[test]
fn a_person_hears_of_access_that_they_did_not_ask_for_and_of_its_end() {
    let mut world = World::greenhill();
    world.grants(ANN, None);
    assert_eq!(pending(&world), [], "who gives themselves access knows");
    let added = world.grants_until(BOB, None, Some(hour(50)));
    assert_eq!(pending(&world), [(added, BOB, MailKind::AddedByColleague)]);
    world.post();
    let soon = AccessEndingSoon { person: BOB, ends: hour(50) };
    let soon = world.by_itself(GREENHILL, Event::AccessEndingSoon(soon));
    let ended = world.by_itself(GREENHILL, Event::AccessEnded(AccessEnded { person: BOB }));
    let of_bob = [(soon, BOB, MailKind::AccessEndingSoon), (ended, BOB, MailKind::AccessEnded)];
    assert_eq!(pending(&world), of_bob);
    world.post();
    world.grants(CAI, None);
    world.post();
    let revoked = world.revokes(CAI);
    assert_eq!(pending(&world), [(revoked, CAI, MailKind::AccessRevoked)]);
    assert_eq!(last(&world).text.as_ref().unwrap().slot, Slot::RevokeReason);
    world.revokes(CAI);
    assert_eq!(pending(&world).len(), 1, "an event that does not fit gives rise to nothing");
}

#[test]
fn approvers_are_asked_for_the_review_while_it_is_open() {
    let mut world = World::greenhill();
    let opened = world.opens_review(review(1));
    let reminder = Event::ReviewReminded(ReviewReminded { review: review(1), reminder: 1 });
    let event = world.by_itself(GREENHILL, reminder);
    let both = [(opened, ANN, MailKind::ReviewOpened), (event, ANN, MailKind::ReviewReminder)];
    assert_eq!(pending(&world), both);
    assert!(world.lists.outbox().pending().all(|mail| mail.due == Some(hour(1000))));
    world.at(GREENHILL, ANN, Event::ReviewCompleted(ReviewCompleted { review: review(1) }));
    assert_eq!(pending(&world), []);
}

#[test]
fn the_last_mails_that_were_given_up_on_are_kept() {
    let mut world = World::greenhill();
    let asked = world.asks(BOB, R1);
    for number in 0..=GIVEN_UP_KEPT {
        let event = if number == GIVEN_UP_KEPT { asked } else { event(1_000_000 + number) };
        let (to, mail, reason) = (ANN, MailKind::RequestToDecide, MailFailure::Refused);
        let what = Event::MailGivenUp(MailGivenUp { event, to, mail, reason });
        world.happens(Stream::Reactor(Reactor::Mail), Actor::Reactor(Reactor::Mail), what);
    }
    let outbox = world.lists.outbox();
    assert_eq!((outbox.failed(), outbox.given_up().count()), (GIVEN_UP_KEPT as u64 + 1, GIVEN_UP_KEPT));
    assert_eq!(outbox.given_up().next().unwrap().event, event(1_000_001));
    let newest = outbox.given_up().last().unwrap();
    assert_eq!((newest.event, newest.organisation), (asked, Some(GREENHILL)));
    assert_eq!(pending(&world), []);
}
