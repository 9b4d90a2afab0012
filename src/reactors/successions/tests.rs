//! People come to the school that goes on, once, and are told.

use std::collections::BTreeSet;

use vouchsafe_events::{
    AccessGranted, AccessRequestWithdrawn, Actor, ApproverBasis, ApproverEstablished, Email, Event,
    Introduction, MailKind, Reactor, StaffRole, Stream, Urn,
};

use super::*;
use crate::app::Cause;
use crate::audit::samples::World;
use crate::domain::PersonName;
use crate::domain::organisation::{Establishment, InRegister};

/// A service with schools of the register.
struct Service {
    world: World,
    successions: Successions,
}

fn school(number: u32) -> OrganisationId {
    OrganisationId::of_school(urn(number))
}

fn urn(number: u32) -> Urn {
    (100_000 + number).to_string().parse().unwrap()
}

impl Service {
    async fn new() -> Self {
        Self { world: World::empty().await, successions: Successions::default() }
    }

    /// The register says this of a school.
    async fn register(&self, number: u32, open: bool, successors: &[u32]) {
        let establishment = Establishment {
            urn: urn(number),
            name: format!("School {number}").into(),
            ukprn: None,
            establishment_type: None,
            local_authority: None,
            open: Some(open),
        };
        let mut successors: Vec<_> = successors.iter().map(|number| school(*number)).collect();
        successors.sort_unstable();
        let said = InRegister { establishment: Some(establishment), successors };
        self.world.app.hear_from_register(school(number), &said).await.unwrap();
    }

    async fn person(&self, name: &str) -> PersonId {
        let email: Email = format!("{name}@greenhill.example").parse().unwrap();
        let name = PersonName::parse(name).unwrap();
        let cause = Cause::by(Actor::Operator);
        self.world.app.introduce(&email, Some(&name), Introduction::Operator, cause).await.unwrap()
    }

    async fn approver(&self, number: u32, name: &str) -> PersonId {
        let person = self.person(name).await;
        let basis = ApproverBasis::DfeSignIn;
        let event = Event::ApproverEstablished(ApproverEstablished { person, basis });
        self.world.happens(Stream::Organisation(school(number)), Actor::System, event).await;
        person
    }

    async fn user(&self, number: u32, name: &str) -> PersonId {
        let person = self.person(name).await;
        let event = Event::AccessGranted(AccessGranted { person, request: None, ends: None });
        self.world.happens(Stream::Organisation(school(number)), Actor::System, event).await;
        person
    }

    async fn look(&mut self) -> usize {
        self.successions.look(&self.world.app).await
    }

    fn approves(&self, number: u32, person: PersonId) -> bool {
        self.world.app.lists(|lists| lists.organisation(school(number)).unwrap().is_approver(person))
    }

    fn has_access(&self, number: u32, person: PersonId) -> bool {
        let now = self.world.app.now();
        self.world.app.lists(|lists| lists.organisation(school(number)).unwrap().has_access(person, now))
    }

    fn waiting(&self, number: u32) -> BTreeSet<PersonId> {
        self.world.app.lists(|lists| {
            lists
                .organisation(school(number))
                .unwrap()
                .open_requests()
                .map(|request| request.person)
                .collect()
        })
    }

    /// Whom the pending mails of a kind go to, by id: a reactor goes through people in no order of meaning.
    fn mails(&self, kind: MailKind) -> Vec<PersonId> {
        let mut to: Vec<_> = self.world.app.lists(|lists| {
            lists.outbox().pending().filter(|mail| mail.mail == kind).map(|mail| mail.to).collect()
        });
        to.sort();
        to
    }
}

#[tokio::test]
async fn people_come_to_the_only_successor_once_and_are_told() {
    let mut service = Service::new().await;
    service.register(1, true, &[2]).await;
    service.register(2, true, &[]).await;
    let (ann, bea) = (service.approver(1, "ann").await, service.user(1, "bea").await);
    assert_eq!(service.look().await, 0, "the school is open");
    service.register(1, false, &[2]).await;
    assert_eq!(service.look().await, 2);
    assert!(service.approves(2, ann) && service.has_access(2, bea) && !service.approves(2, bea));
    let mut told = [ann, bea];
    told.sort();
    assert_eq!(service.mails(MailKind::CarriedOver), told);
    let by: Vec<_> =
        service.world.log().await.iter().rev().take(2).map(|event| event.envelope.actor).collect();
    assert_eq!(by, [Actor::Reactor(Reactor::Successions); 2]);
    assert_eq!(service.look().await, 0);
    assert_eq!(Successions::default().look(&service.world.app).await, 0, "after a start");
}

#[tokio::test]
async fn an_approver_with_access_of_their_own_is_told_once() {
    let mut service = Service::new().await;
    service.register(1, true, &[2]).await;
    service.register(2, true, &[]).await;
    let ann = service.user(1, "ann").await;
    service.approver(1, "ann").await;
    service.register(1, false, &[2]).await;
    assert_eq!(service.look().await, 2);
    assert_eq!(service.mails(MailKind::CarriedOver), [ann]);
}

#[tokio::test]
async fn the_approvers_of_each_of_several_successors_decide() {
    let mut service = Service::new().await;
    service.register(1, true, &[]).await;
    service.register(2, true, &[]).await;
    service.register(3, true, &[]).await;
    let (ann, bea) = (service.approver(1, "ann").await, service.user(1, "bea").await);
    let cai = service.approver(2, "cai").await;
    service.register(1, false, &[2, 3]).await;
    assert_eq!(service.look().await, 4);
    assert_eq!(service.waiting(2), BTreeSet::from([ann, bea]));
    assert_eq!(service.waiting(3), BTreeSet::from([ann, bea]));
    assert_eq!(service.mails(MailKind::RequestToDecide), [cai, cai]);
    assert_eq!(service.look().await, 0);
    // Who took it back is not put there again.
    let theirs = |lists: &Lists| lists.organisation(school(2)).unwrap().open_request_of(bea).unwrap().id;
    let request = service.world.app.lists(theirs);
    let event = Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person: bea });
    service.world.happens(Stream::Organisation(school(2)), Actor::Person(bea), event).await;
    assert_eq!(Successions::default().look(&service.world.app).await, 0);
}

#[tokio::test]
async fn who_was_sent_away_on_the_way_is_not_carried_further() {
    let mut service = Service::new().await;
    service.register(1, true, &[2]).await;
    service.register(2, true, &[3]).await;
    service.register(3, true, &[]).await;
    let (bea, cai) = (service.user(1, "bea").await, service.user(1, "cai").await);
    let dan = service.approver(2, "dan").await;
    service.register(1, false, &[2]).await;
    assert_eq!(service.look().await, 2);
    let reason = crate::domain::Reason::parse("You have left").unwrap();
    service.world.app.revoke(school(2), bea, dan, &reason).await.unwrap();
    assert_eq!(service.look().await, 0);
    service.register(2, false, &[3]).await;
    assert_eq!(service.look().await, 2);
    assert!(service.has_access(3, cai) && service.approves(3, dan) && !service.has_access(3, bea));
}

#[tokio::test]
async fn a_successor_that_is_not_registered_yet_is_waited_for_and_a_circle_changes_nothing() {
    let mut service = Service::new().await;
    service.register(1, true, &[2]).await;
    let bea = service.user(1, "bea").await;
    service.register(1, false, &[2]).await;
    assert_eq!(service.look().await, 0);
    service.register(2, false, &[1]).await;
    assert_eq!(service.look().await, 0);
    assert_eq!(service.successions.told, BTreeSet::from([school(1)]));
    service.register(2, true, &[1]).await;
    assert_eq!(service.look().await, 1);
    assert!(service.has_access(2, bea));
    assert_eq!(service.waiting(2), BTreeSet::new());
}

#[tokio::test]
async fn somebody_with_roles_alone_stays() {
    let mut service = Service::new().await;
    service.register(1, true, &[2]).await;
    service.register(2, true, &[]).await;
    let email: Email = "judith@education.example".parse().unwrap();
    service.world.app.appoint(&email, None, StaffRole::Auditor).await.unwrap();
    service.register(1, false, &[2]).await;
    assert_eq!(service.look().await, 0);
}
