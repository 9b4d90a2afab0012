//! Codes over instances, restarts and clocks, and many tries at once.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use vouchsafe_events::{CodeRefusal, Event, OrganisationKind, Uuid, Version, decode};

use super::*;
use crate::app::{Entry, Following, Listing, SessionLimits};
use crate::clock::SetClock;
use crate::domain::Terms;
use crate::domain::organisation::users::Fresh;
use crate::privacy::{KeyRing, MasterKey, SqliteKeyStore};
use crate::store::EventStore;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

const ADA: &str = "ada@northern.example";

/// An instance of the service over what is stored in a folder.
async fn instance(folder: &Path, master: &MasterKey, clock: &Arc<SetClock>) -> Arc<App> {
    let keys = SqliteKeyStore::open(&folder.join("keys")).unwrap();
    let ring = Arc::new(KeyRing::new(Arc::new(keys), master).unwrap());
    let store: Arc<dyn EventStore> =
        Arc::new(SqliteStore::open(&folder.join("log"), SqliteOptions::default()).unwrap());
    let following = Following::begin(store.as_ref(), None).await.unwrap();
    tokio::spawn(following.clone().follow(Arc::clone(&store)));
    let limits = SessionLimits { absolute_seconds: 12 * 3600, idle_seconds: 3600 };
    let clock = Arc::clone(clock) as Arc<dyn crate::clock::Clock>;
    Arc::new(App::new(store, following, ring, clock, Terms::default(), limits))
}

struct World {
    folder: tempfile::TempDir,
    master: MasterKey,
    clock: Arc<SetClock>,
    app: Arc<App>,
    ada: PersonId,
}

fn at(seconds: i64) -> vouchsafe_events::Timestamp {
    let begins: vouchsafe_events::Timestamp = "2026-03-09T10:00:00.000000Z".parse().unwrap();
    begins.plus_seconds(seconds)
}

fn asker(number: u128) -> Asker {
    let challenge = ChallengeId::from_uuid(Uuid::from_u128(number));
    Asker { email: ADA.parse().unwrap(), challenge, network: "203.0.113.9".to_owned() }
}

impl World {
    /// Ada is on a list.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::generate().unwrap();
        let clock = Arc::new(SetClock::at(at(0)));
        let app = instance(folder.path(), &master, &clock).await;
        let kinds = vec![OrganisationKind::LeadProvider];
        let fresh = Fresh { name: "Northern Training".into(), kinds, ukprn: None };
        let organisation = app.register_organisation(&fresh, Actor::Operator).await.unwrap();
        let entry = Entry { email: ADA.parse().unwrap(), name: None };
        let (listing, _) = app.list_user(organisation, &entry, Actor::Operator, true).await.unwrap();
        let Listing::Added(ada) = listing else { panic!("{listing:?}") };
        Self { folder, master, clock, app, ada }
    }

    async fn another_instance(&self) -> Arc<App> {
        instance(self.folder.path(), &self.master, &self.clock).await
    }

    /// The code that Ada's mail would hold.
    fn code(&self) -> String {
        let challenge = self.app.lists(|lists| lists.challenge(self.ada, at(0)).copied()).unwrap();
        self.app.ring().one_time_password(self.ada, challenge.id, challenge.nonce).expose().to_owned()
    }

    /// How many codes were used, and how many refused, by the log.
    async fn counts(&self) -> (usize, usize) {
        let stored = self.app.store().read(Stream::Person(self.ada), Version::FIRST, 1000).await.unwrap();
        let events: Vec<_> =
            stored.iter().map(|event| decode(event.position, &event.bytes).unwrap().event).collect();
        let count = |is: fn(&Event<vouchsafe_events::Sealed>) -> bool| {
            events.iter().filter(|event| is(event)).count()
        };
        (
            count(|event| matches!(event, Event::OneTimePasswordUsed(_))),
            count(|event| matches!(event, Event::OneTimePasswordRefused(_))),
        )
    }
}

async fn tries(app: &App, asker: &Asker, code: &str) -> Result<(), NotLetIn> {
    let typed = TypedCode::parse(code).unwrap();
    match app.try_code(asker, &typed, "device".to_owned(), None).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(refused)) => Err(refused),
        Err(other) => panic!("{other:?}"),
    }
}

fn why(outcome: Result<(), NotLetIn>) -> CodeRefusal {
    match outcome {
        Err(NotLetIn::NotTaken(Verdict::Refused { why, .. })) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_code_outlives_a_restart_and_another_instance_takes_it_and_only_once() {
    let world = World::new().await;
    world.app.ask_for_code(&asker(1), || true).await.unwrap();
    let code = world.code();
    let restarted = world.another_instance().await;
    assert_eq!(tries(&restarted, &asker(1), &code).await, Ok(()));
    assert_eq!(why(tries(&world.app, &asker(1), &code).await), CodeRefusal::Used);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_let_one_try_in_and_count_the_others_exactly() {
    let world = World::new().await;
    world.app.ask_for_code(&asker(1), || true).await.unwrap();
    let code = world.code();
    let other = world.another_instance().await;
    let both = (0..4).map(|number| {
        let app = if number % 2 == 0 { Arc::clone(&world.app) } else { Arc::clone(&other) };
        let code = code.clone();
        async move { tries(&app, &asker(1), &code).await.is_ok() }
    });
    let let_in = join_all(both).await.into_iter().filter(|let_in| *let_in).count();
    assert_eq!(let_in, 1);
    assert_eq!(world.counts().await, (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_tries_at_once_at_most_one_succeeds_and_no_more_than_five_are_wrong() {
    let world = World::new().await;
    world.app.ask_for_code(&asker(1), || true).await.unwrap();
    let right = world.code();
    let wrong = format!("{:06}", (right.parse::<u32>().unwrap() + 1) % 1_000_000);
    let all = (0..200).map(|number| {
        let app = Arc::clone(&world.app);
        let code = if number == 3 { right.clone() } else { wrong.clone() };
        tokio::spawn(async move { (number == 3, tries(&app, &asker(1), &code).await) })
    });
    let outcomes: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();
    let right_one = outcomes.iter().find(|(right, _)| *right).unwrap().1;
    assert!(outcomes.iter().all(|(right, outcome)| *right || outcome.is_err()));
    let looked_at =
        outcomes.iter().filter(|(_, outcome)| matches!(outcome, Err(NotLetIn::NotTaken(_)))).count();
    let (used, refused) = world.counts().await;
    assert_eq!(refused, looked_at);
    assert_eq!(refused, 5);
    // It came within the first five, or it was not looked at.
    match right_one {
        Ok(()) => assert_eq!(used, 1),
        Err(refused) => assert_eq!((refused, used), (NotLetIn::NotTried(TryRefused::TooManyTries), 0)),
    }
}

#[tokio::test]
async fn clocks_that_step_between_asking_and_trying_break_nothing() {
    let world = World::new().await;
    world.app.ask_for_code(&asker(1), || true).await.unwrap();
    let code = world.code();
    world.clock.set(at(601));
    assert_eq!(why(tries(&world.app, &asker(1), &code).await), CodeRefusal::Expired);
    // The clock had run ahead, and is put right.
    world.clock.set(at(-30));
    assert_eq!(tries(&world.app, &asker(1), &code).await, Ok(()));
    assert_eq!(why(tries(&world.app, &asker(1), &code).await), CodeRefusal::Used);
}

#[test]
fn an_address_cannot_carry_a_second_header_or_recipient() {
    for text in [
        "ada@northern.example\r\nBcc: eve@evil.example",
        "ada@northern.example\nSubject: x",
        "ada\r\nBcc:eve@evil.example",
        "ada@northern.example,eve@evil.example",
        "ada@northern.example;eve@evil.example",
        "ada@northern.example eve@evil.example",
        "\"ada\r\n\"@northern.example",
        "ada@northern.example%0d%0aBcc:eve@evil.example",
        "Ada <ada@northern.example>",
    ] {
        assert!(text.parse::<Email>().is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_recorded_nobody_learns_who_is_known() {
    let world = World::new().await;
    let stranger = Asker { email: "stranger@elsewhere.example".parse().unwrap(), ..asker(2) };
    world.app.ask_for_code(&stranger, || false).await.unwrap();
    world.app.store().close().await.unwrap();
    for asker in [asker(1), stranger] {
        let asked = world.app.ask_for_code(&asker, || false).await;
        assert!(matches!(asked, Err(Failure::Unavailable(_))), "{asked:?}");
    }
}
