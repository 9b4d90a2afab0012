//! The index finds what reading the whole log would find, and can be made again from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::watch;
use vouchsafe_events::*;

use super::*;
use crate::audit::samples::{
    ALDERBROOK, ELSEWHERE, FOLA, IMRAN, ST_MARYS, World, organisation, person, start, story,
};
use crate::store::{EventStore, Expected, NewEvent};

const PATIENCE: Duration = Duration::from_secs(20);

fn any_event() -> impl Strategy<Value = (Stream, Actor, Event<Sealed>, i64)> {
    let sealed = || Sealed::from_base64("AAAA");
    let who = || (1..5_u128).prop_map(person);
    let place = || (1..4_u128).prop_map(organisation);
    let request = || (0..4_u128).prop_map(|number| RequestId::from_uuid(Uuid::from_u128(number)));
    let at_place = prop_oneof![
        (request(), who()).prop_map(move |(request, person)| {
            Event::AccessRequested(AccessRequested { request, person, message: Some(sealed()) })
        }),
        request().prop_map(|request| Event::ApproversReminded(ApproversReminded { request, reminder: 1 })),
        who().prop_map(|person| Event::AccessEnded(AccessEnded { person })),
        Just(Event::OrganisationClosed(OrganisationClosed {})),
    ];
    let of_person = prop_oneof![
        proptest::option::of(place()).prop_map(move |organisation| {
            let reason = Refusal::OrganisationClosed;
            Event::SignInRefused(SignInRefused { reason, organisation, network: sealed() })
        }),
        place().prop_map(|organisation| {
            let session = SessionHash::from_bytes([1; 32]);
            Event::OrganisationChosen(OrganisationChosen { session, organisation })
        }),
        who().prop_map(move |other| {
            Event::EmailHeldByAnother(EmailHeldByAnother { email: sealed(), other })
        }),
    ];
    // The event that gave rise to the mail is one of the earlier ones, or none that is known.
    let mail = (0..200_u128, who()).prop_map(|(number, to)| {
        let event = EventId::from_uuid(Uuid::from_u128(number));
        Event::MailSent(MailSent { event, to, mail: MailKind::AccessEnded })
    });
    let placed = prop_oneof![
        4 => (place(), at_place).prop_map(|(at, event)| (Stream::Organisation(at), event)),
        2 => (who(), of_person).prop_map(|(of, event)| (Stream::Person(of), event)),
        2 => mail.prop_map(|event| (Stream::Reactor(Reactor::Mail), event)),
        1 => who().prop_map(|person| {
            let event = Event::EmailReserved(EmailReserved { person });
            (Stream::Email(KeyedHash::from_bytes([2; 32])), event)
        }),
    ];
    let actor = prop_oneof![who().prop_map(Actor::Person), Just(Actor::System), Just(Actor::Operator)];
    // Clocks of several machines differ, so time does not quite follow position.
    (placed, actor, -30_i64..30).prop_map(|((stream, event), actor, hours)| (stream, actor, event, hours))
}

/// Positions have gaps; ids are the events' numbers.
fn recorded(events: Vec<(Stream, Actor, Event<Sealed>, i64)>) -> Vec<Recorded> {
    let number = |(index, (stream, actor, event, hours)): (usize, (Stream, Actor, Event<Sealed>, i64))| {
        let id = EventId::from_uuid(Uuid::from_u128(index as u128));
        let at = start().plus_seconds((i64::try_from(index).unwrap() * 7 + hours) * 3600);
        let envelope =
            Envelope { id, stream, version: Version::FIRST, at, actor, causation: None, correlation: None };
        Recorded { position: Position::new(3 * index as u64 + 2), envelope, event }
    };
    events.into_iter().enumerate().map(number).collect()
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let kinds = ["access-requested", "approvers-reminded", "mail-sent", "sign-in-refused", "review-opened"];
    let instant =
        || proptest::option::of((-40_i64..1500).prop_map(|hours| start().plus_seconds(hours * 3600)));
    (
        proptest::option::of(proptest::collection::vec((1..5_u128).prop_map(organisation), 0..3)),
        proptest::option::of((1..6_u128).prop_map(person)),
        proptest::option::of(prop_oneof![
            3 => (1..6_u128).prop_map(|number| Actor::Person(person(number))),
            1 => Just(Actor::System),
            1 => Just(Actor::Operator),
            1 => Just(Actor::Reactor(Reactor::Mail)),
        ]),
        proptest::sample::subsequence(kinds.to_vec(), 0..3),
        instant(),
        instant(),
    )
        .prop_map(|(organisations, person, actor, kinds, from, to)| Filter {
            organisations,
            person,
            actor,
            kinds,
            from,
            to,
        })
}

/// What the index is to find, by reading everything.
fn naive(log: &[Recorded], filter: &Filter) -> Vec<Position> {
    let mut requests: HashMap<RequestId, PersonId> = HashMap::new();
    let mut places: HashMap<EventId, OrganisationId> = HashMap::new();
    let mut found = Vec::new();
    for recorded in log {
        let envelope = &recorded.envelope;
        let mut people: Vec<PersonId> = recorded.event.subject().into_iter().collect();
        let mut place = None;
        if let Actor::Person(id) = envelope.actor {
            people.push(id);
        }
        match envelope.stream {
            Stream::Organisation(id) => place = Some(id),
            Stream::Person(id) => people.push(id),
            _ => {}
        }
        match &recorded.event {
            Event::AccessRequested(data) => {
                requests.entry(data.request).or_insert(data.person);
            }
            Event::ApproversReminded(data) => people.extend(requests.get(&data.request)),
            Event::EmailHeldByAnother(data) => people.push(data.other),
            Event::SignInRefused(data) => place = data.organisation,
            Event::OrganisationChosen(data) => place = Some(data.organisation),
            Event::MailSent(data) => place = places.get(&data.event).copied(),
            _ => {}
        }
        places.extend(place.map(|place| (envelope.id, place)));
        let there = filter.organisations.as_ref();
        if there.is_none_or(|there| place.is_some_and(|place| there.contains(&place)))
            && filter.person.is_none_or(|person| people.contains(&person))
            && filter.actor.is_none_or(|actor| actor == envelope.actor)
            && (filter.kinds.is_empty() || filter.kinds.contains(&recorded.event.kind()))
            && filter.from.is_none_or(|from| envelope.at >= from)
            && filter.to.is_none_or(|to| envelope.at < to)
        {
            found.push(recorded.position);
        }
    }
    found.reverse();
    found
}

/// Every page, one after the other, and the total that each of them gives.
fn pages(timeline: &Timeline, filter: &Filter) -> (Vec<Vec<Position>>, Vec<Total>) {
    let connection = file::open_reader(&timeline.path).unwrap();
    let (mut pages, mut totals, mut before) = (Vec::new(), Vec::new(), None);
    loop {
        let found = search::search(&connection, filter, before).unwrap();
        pages.push(found.positions);
        totals.push(found.total);
        before = found.older;
        if before.is_none() {
            return (pages, totals);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_index_finds_what_reading_everything_finds(
        events in proptest::collection::vec(any_event(), 0..220),
        filters in proptest::collection::vec(any_filter(), 8),
        batch in 1..60_usize,
    ) {
        let log = recorded(events);
        let folder = tempfile::tempdir().unwrap();
        let timeline = Timeline::open(&folder.path().join("timeline.db")).unwrap();
        for batch in log.chunks(batch) {
            timeline.take(batch).unwrap();
        }
        for filter in filters.iter().chain([&Filter::default()]) {
            let expected = naive(&log, filter);
            let (pages, totals) = pages(&timeline, filter);
            prop_assert_eq!(&pages.concat(), &expected);
            prop_assert!(pages.iter().rev().skip(1).all(|page| page.len() == PAGE));
            prop_assert!(totals.iter().all(|total| *total == Total::Exactly(expected.len())));
        }
    }
}

fn many(number: usize) -> Vec<Recorded> {
    let event = Event::AccessEnded(AccessEnded { person: IMRAN });
    recorded(vec![(Stream::Organisation(ALDERBROOK), Actor::System, event, 0); number])
}

#[test]
fn counting_stops_at_a_number_that_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let timeline = Timeline::open(&folder.path().join("timeline.db")).unwrap();
    let log = many(10_001);
    timeline.take(&log[..10_000]).unwrap();
    let connection = file::open_reader(&timeline.path).unwrap();
    let total = |filter: &Filter| search::search(&connection, filter, None).unwrap().total;
    let all = [
        Filter::default(),
        Filter { person: Some(IMRAN), ..Filter::default() },
        Filter { organisations: Some(vec![ST_MARYS, ALDERBROOK]), ..Filter::default() },
        Filter { kinds: vec!["access-ended"], ..Filter::default() },
    ];
    assert!(all.iter().all(|filter| total(filter) == Total::Exactly(10_000)));
    timeline.take(&log).unwrap();
    assert!(all.iter().all(|filter| total(filter) == Total::AtLeast(10_000)));
}

#[test]
fn events_that_were_taken_in_already_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("timeline.db");
    let log = many(30);
    let timeline = Timeline::open(&path).unwrap();
    timeline.take(&log[..20]).unwrap();
    timeline.take(&log[10..]).unwrap();
    // As another process on the same file would have it.
    let other = Timeline::open(&path).unwrap();
    assert_eq!(other.position(), log[29].position);
    other.take(&log).unwrap();
    timeline.take(&log).unwrap();
    assert_eq!(pages(&other, &Filter::default()).0.concat().len(), 30);
}

#[test]
fn an_index_of_another_form_or_a_damaged_one_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("timeline.db");
    let log = many(5);
    for spoil in [
        "PRAGMA user_version = 99",
        "PRAGMA user_version = 99; DROP TABLE entries",
        "PRAGMA user_version = 0",
    ] {
        let timeline = Timeline::open(&path).unwrap();
        timeline.take(&log).unwrap();
        drop(timeline);
        Connection::open(&path).unwrap().execute_batch(spoil).unwrap();
        let timeline = Timeline::open(&path).unwrap();
        assert_eq!(timeline.position(), Position::START, "{spoil}");
        assert_eq!(pages(&timeline, &Filter::default()).0.concat(), [], "{spoil}");
    }
    std::fs::write(&path, "this is no database, whatever it is called by its name").unwrap();
    let timeline = Timeline::open(&path).unwrap();
    timeline.take(&log).unwrap();
    assert_eq!(pages(&timeline, &Filter::default()).0.concat().len(), 5);
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let world = World::lively().await;
    let path = world.folder.path().join("events.db");
    let before = world.log().await;
    assert!(matches!(Timeline::open(&path), Err(TimelineError::Foreign(_))));
    assert_eq!(world.log().await, before);
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("timeline.db");
    let _timeline = Timeline::open(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn there_is_no_personal_data_in_it() {
    let world = World::lively().await;
    let _timeline = world.timeline().await;
    for file in std::fs::read_dir(world.folder.path()).unwrap().map(Result::unwrap) {
        if file.file_name().to_string_lossy().starts_with("timeline.db") {
            let bytes = std::fs::read(file.path()).unwrap();
            for text in ["Imran", "imran@", "alderbrook.example", "192.0.2.", "Please let me in", "script"] {
                assert!(!bytes.windows(text.len()).any(|found| found == text.as_bytes()), "{text}");
            }
        }
    }
}

struct Follower {
    timeline: Arc<Timeline>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Follower {
    fn begin(world: &World) -> Self {
        Self::on(world, Arc::clone(&world.store))
    }

    fn on(world: &World, store: Arc<dyn EventStore>) -> Self {
        let timeline = Arc::new(Timeline::open(&world.folder.path().join("timeline.db")).unwrap());
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(Arc::clone(&timeline).follow(store, stopped));
        Self { timeline, stop, task }
    }

    async fn finds_all_of(&self, log: &[Recorded]) {
        let head = log.last().unwrap().position;
        assert!(self.timeline.reach(head, PATIENCE).await);
        let found = pages(&self.timeline, &Filter::default()).0.concat();
        let mut expected: Vec<_> = log.iter().map(|recorded| recorded.position).collect();
        expected.reverse();
        assert_eq!(found, expected);
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn it_follows_the_log_and_goes_on_where_it_was() {
    let world = World::empty().await;
    let mut story = story().into_iter();
    for (stream, actor, event, _) in story.by_ref().take(12) {
        world.happens(stream, actor, event).await;
    }
    let follower = Follower::begin(&world);
    follower.finds_all_of(&world.log().await).await;
    for (stream, actor, event, _) in story.by_ref().take(12) {
        world.happens(stream, actor, event).await;
    }
    follower.finds_all_of(&world.log().await).await;
    let reached = follower.timeline.position();
    follower.end().await;
    for (stream, actor, event, _) in story {
        world.happens(stream, actor, event).await;
    }
    let follower = Follower::begin(&world);
    assert!(follower.timeline.position() >= reached);
    follower.finds_all_of(&world.log().await).await;
    follower.end().await;
}

#[tokio::test]
async fn a_log_that_was_restored_from_a_backup_is_read_anew() {
    let world = World::lively().await;
    let follower = Follower::begin(&world);
    follower.finds_all_of(&world.log().await).await;
    follower.end().await;
    // Shorter than what was indexed, then as long but another.
    for length in [7, 70] {
        let restored = World::empty().await;
        for (stream, actor, event, _) in story().into_iter().cycle().skip(3).take(length) {
            restored.happens(stream, actor, event).await;
        }
        let follower = Follower::on(&world, Arc::clone(&restored.store));
        // What the index holds beyond the other log's end would count as reached.
        let head = restored.log().await.last().unwrap().position;
        let mut position = follower.timeline.position.subscribe();
        let there = position.wait_for(|position| *position == head);
        tokio::time::timeout(PATIENCE, there).await.unwrap().unwrap();
        follower.finds_all_of(&restored.log().await).await;
        follower.end().await;
    }
}

#[tokio::test]
async fn an_index_that_is_damaged_while_it_is_in_use_is_made_anew() {
    let world = World::lively().await;
    let follower = Follower::begin(&world);
    let log = world.log().await;
    follower.finds_all_of(&log).await;
    *lock(&follower.timeline.writer) = None;
    follower.timeline.damaged.notify_one();
    let mut position = follower.timeline.position.subscribe();
    position.changed().await.unwrap();
    follower.finds_all_of(&log).await;
    world
        .happens(
            Stream::Organisation(ST_MARYS),
            Actor::System,
            Event::OrganisationClosed(OrganisationClosed {}),
        )
        .await;
    follower.finds_all_of(&world.log().await).await;
    follower.end().await;
}

#[tokio::test]
async fn an_event_is_found_by_its_id_and_mail_by_the_school_that_it_was_about() {
    let world = World::lively().await;
    let granted = world.log().await.into_iter().find(|found| found.event.kind() == "access-granted").unwrap();
    let mail =
        Event::MailSent(MailSent { event: granted.envelope.id, to: IMRAN, mail: MailKind::RequestGranted });
    let at = world.happens(Stream::Reactor(Reactor::Mail), Actor::Reactor(Reactor::Mail), mail).await;
    let timeline = world.timeline().await;
    assert_eq!(timeline.position_of(granted.envelope.id).await.unwrap(), Some(granted.position));
    assert_eq!(timeline.position_of(EventId::from_uuid(Uuid::from_u128(77))).await.unwrap(), None);
    let at_school = |school| Filter { organisations: Some(vec![school]), ..Filter::default() };
    let found = timeline.search(at_school(ALDERBROOK), None).await.unwrap();
    assert_eq!(found.positions.first(), Some(&at));
    let found = timeline.search(at_school(ELSEWHERE), None).await.unwrap();
    assert!(!found.positions.contains(&at));
    let reminders = Filter { person: Some(IMRAN), kinds: vec!["approvers-reminded"], ..Filter::default() };
    assert_eq!(timeline.search(reminders, None).await.unwrap().total, Total::Exactly(1));
    let reminders = Filter { person: Some(FOLA), kinds: vec!["approvers-reminded"], ..Filter::default() };
    assert_eq!(timeline.search(reminders, None).await.unwrap().total, Total::Exactly(0));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_does_not_keep_those_before_it_out() {
    let world = World::lively().await;
    let log = world.log().await;
    let (id, stream) = (EventId::from_uuid(Uuid::from_u128(5)), Stream::Organisation(organisation(9)));
    let bytes = r#"{"id":"x","type":"of-a-later-version","schema":9}"#.into();
    let unknown = NewEvent { id, kind: "of-a-later-version", bytes };
    world.store.append(stream, Expected::NoStream, vec![unknown]).await.unwrap();
    let follower = Follower::begin(&world);
    follower.finds_all_of(&log).await;
    assert!(!follower.timeline.reach(Position::new(u64::MAX), Duration::from_millis(200)).await);
    assert_eq!(follower.timeline.position(), log.last().unwrap().position);
    follower.end().await;
}
