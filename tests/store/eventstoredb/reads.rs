//! Reading what somebody else put there, or took away.

use bytes::Bytes;
use tonic::Code;
use vouchsafe::secret::Secret;
use vouchsafe::store::eventstoredb::{EventStoreDbOptions, EventStoreDbStore, Trouble, prepare};
use vouchsafe::store::{CellName, EventStore, Expected, StoreError};
use vouchsafe_events::{Position, Version};
use vouchsafe_eventstoredb_stand_in::{ReadFault, Setup, StandIn, User};

use super::{impatient, options_for, trouble};
use crate::support::{event, events, meant, new_stream, told, whole};

#[tokio::test(flavor = "multi_thread")]
async fn type_content_ids_and_metadata_stand_on_the_server_as_meant() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    let json = event(r#"{"id": "é", "list": [1, 2]}"#);
    let other = event("{\"trailing\": 1} \0");
    store.append(stream, Expected::NoStream, vec![json.clone(), other.clone()]).await.unwrap();
    let name = stream.to_string();
    let records: Vec<_> = server.records().into_iter().filter(|record| record.stream == name).collect();
    for (record, (event, json)) in records.iter().zip([(json, true), (other, false)]) {
        assert_eq!((record.id, record.kind.as_str()), (event.id.uuid(), event.kind));
        assert_eq!(record.data, event.bytes);
        assert_eq!(record.metadata, r#"{"vouchsafe":1}"#);
        assert_eq!(record.json, json, "content is called JSON only where it is");
    }
    assert_eq!(records.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_events_links_and_other_applications_are_passed_over() {
    let (server, store) = impatient().await;
    let mut sent = Vec::new();
    let person = new_stream();
    for number in 0..12 {
        let ours = events(2);
        store.append(new_stream(), Expected::NoStream, ours.clone()).await.unwrap();
        sent.extend(meant(&ours));
        server.write("orders-7", "placed", format!("{{\"number\":{number}}}"), r#"{"vouchsafe":1}"#);
        // A link into a stream of ours: its event may be gone, and nobody looks.
        server.write("$ce-person", "$>", format!("99@{person}"), "");
        server.write("vouchsafe-cell-timekeeper", "cell", "{}", "");
        server.write(&format!("$${person}"), "$metadata", "{}", "");
    }
    let all = store.read_all(Position::START, 1000).await.unwrap();
    assert_eq!(told(&all), sent);
    assert!(all.is_sorted_by(|a, b| a.position < b.position));
    // A limit counts our events, and resuming is from our own positions.
    let (mut at, mut got) = (Position::START, Vec::new());
    loop {
        let page = store.read_all(at, 5).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() == 5 || got.len() + page.len() == sent.len());
        at = last.position;
        got.extend(told(&page));
    }
    assert_eq!(got, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_event_in_a_stream_of_ours_is_damage_there_and_passed_over_elsewhere() {
    let (server, store) = impatient().await;
    let (spoilt, sound) = (new_stream(), new_stream());
    let ours = events(1);
    store.append(spoilt, Expected::NoStream, ours.clone()).await.unwrap();
    server.write(&spoilt.to_string(), "planted", r#"{"forged":true}"#, "");
    let more = events(1);
    store.append(sound, Expected::NoStream, more.clone()).await.unwrap();
    let all = store.read_all(Position::START, 100).await.unwrap();
    assert_eq!(told(&all), meant(&[ours, more].concat()));
    let error = store.read(spoilt, Version::FIRST, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(whole(&store, sound).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_11_positions_are_in_order_have_gaps_and_are_the_same_everywhere() {
    let (_server, store) = impatient().await;
    let streams = [new_stream(), new_stream()];
    let (mut ends, mut expected) = (Vec::new(), Expected::NoStream);
    for _ in 0..5 {
        for stream in streams {
            ends.push(store.append(stream, expected, events(3)).await.unwrap());
        }
        expected = Expected::Exact(ends[ends.len() - 1].version);
    }
    let all = store.read_all(Position::START, 100).await.unwrap();
    assert!(all.windows(2).all(|pair| pair[1].position.number() > pair[0].position.number() + 1));
    for end in &ends {
        assert!(all.iter().any(|event| (event.version, event.position) == (end.version, end.position)));
    }
    for stream in streams {
        let own: Vec<_> = all.iter().filter(|event| event.stream == stream).cloned().collect();
        assert_eq!(whole(&store, stream).await, own, "a stream tells the same positions");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_hidden_in_a_stream_of_ours_is_noticed() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    store.append(stream, Expected::NoStream, events(5)).await.unwrap();
    server.write(&format!("$${stream}"), "$metadata", r#"{"$maxCount":2}"#, "");
    let error = store.read(stream, Version::FIRST, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scavenge_of_what_is_not_ours_leaves_the_log_whole() {
    let (server, store) = impatient().await;
    server.write("$$noise", "$metadata", r#"{"$maxCount":1}"#, "");
    let mut sent = Vec::new();
    for _ in 0..10 {
        let ours = events(2);
        store.append(new_stream(), Expected::NoStream, ours.clone()).await.unwrap();
        sent.extend(meant(&ours));
        server.write("noise", "made", "{}", "");
    }
    let mut follower = store.subscribe(Position::START);
    server.scavenge();
    let (got, _) = crate::support::until_caught_up(&mut follower).await;
    assert_eq!(told(&got), sent);
    assert_eq!(told(&store.read_all(Position::START, 1000).await.unwrap()), sent);
}

fn guarded() -> StandIn {
    let user = |name: &str, admin| User { name: name.to_owned(), password: "right".to_owned(), admin };
    StandIn::start(Setup { users: vec![user("ops", true), user("service", false)], ..Setup::default() })
        .unwrap()
}

fn as_user(server: &StandIn, user: Option<(&str, &str)>) -> EventStoreDbOptions {
    let credentials = user.map(|(name, password)| (name.to_owned(), Secret::from(password.to_owned())));
    EventStoreDbOptions { credentials, ..options_for(server) }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_credentials_are_told_at_once() {
    let server = guarded();
    for user in [None, Some(("service", "wrong")), Some(("nobody", "right")), Some(("service", "right"))] {
        let begun = std::time::Instant::now();
        let error = EventStoreDbStore::open(&as_user(&server, user)).await.unwrap_err();
        assert!(matches!(trouble(&error), Trouble::Denied), "{user:?}: {error}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
        assert!(!format!("{error:?} {}", trouble(&error)).contains("right"), "no password is told");
    }
    let cell: CellName = "leases".parse().unwrap();
    let ops = as_user(&server, Some(("ops", "right")));
    let done = prepare(&ops, "service", std::slice::from_ref(&cell)).await.unwrap();
    assert!(done.iter().all(|prepared| prepared.set) && done.len() == 3, "{done:?}");
    let again = prepare(&ops, "service", std::slice::from_ref(&cell)).await.unwrap();
    assert!(again.iter().all(|prepared| !prepared.set), "what is set is left alone: {again:?}");
    let store = EventStoreDbStore::open(&as_user(&server, Some(("service", "right")))).await.unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    assert_eq!(store.read_all(Position::START, 10).await.unwrap().len(), 1);
    // It may not say what is kept, which an administrator did; cells work all the same, others too.
    for name in [cell, "another".parse().unwrap()] {
        store.set_cell(&name, None, Bytes::from_static(b"{}")).await.unwrap();
    }
    // Nobody else may read or write now.
    let denied = prepare(&as_user(&server, Some(("service", "right"))), "service", &[]).await.unwrap_err();
    assert!(matches!(trouble(&denied), Trouble::Denied), "{denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_old_is_told() {
    for (version, old) in
        [("21.10.11.0", true), ("22.6.0.0", true), ("22.10.5.0", false), ("25.1.0-rc.1", false)]
    {
        let server = StandIn::start(Setup { version: version.to_owned(), ..Setup::default() }).unwrap();
        match EventStoreDbStore::open(&options_for(&server)).await {
            Ok(_) => assert!(!old, "{version}"),
            Err(error) => assert!(old && matches!(trouble(&error), Trouble::TooOld(_)), "{version}: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_older_servers_say_of_a_position_that_is_none_is_understood() {
    let (server, store) = impatient().await;
    let end = store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    let said = || ReadFault::Refused(Code::Unknown, "Unexpected ReadAllResult: Error".to_owned());
    // The one that looks for news asks too: whoever comes first gets the fault.
    for _ in 0..200 {
        server.faults().all_read(said());
    }
    assert_eq!(store.at(end.position).await.unwrap(), None);
    let error = store.read_all(Position::START, 10).await.unwrap_err();
    assert!(error.retryable(), "it may be another failure of a read: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_applications_large_events_are_passed_over_a_few_megabytes_at_a_time() {
    const MEBIBYTE: usize = 1 << 20;
    let (server, writer) = impatient().await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        let ours = events(2);
        writer.append(new_stream(), Expected::NoStream, ours.clone()).await.unwrap();
        sent.extend(meant(&ours));
        for _ in 0..12 {
            server.write("films-7", "shown", vec![b'x'; MEBIBYTE], "");
        }
    }
    // Each larger than what is read at a time.
    for _ in 0..2 {
        server.write("films-7", "shown", vec![b'x'; 9 * MEBIBYTE], "");
    }
    let ours = events(1);
    writer.append(new_stream(), Expected::NoStream, ours.clone()).await.unwrap();
    sent.extend(meant(&ours));
    for _ in 0..12 {
        server.write("films-7", "shown", vec![b'x'; MEBIBYTE], "");
    }
    writer.close().await.unwrap();
    // One that does not look for news by itself: every request is asked for here.
    let options = EventStoreDbOptions { pace: std::time::Duration::from_hours(1), ..options_for(&server) };
    let reads = || server.faults().asked().all_reads;
    let before = reads();
    let store = EventStoreDbStore::open(&options).await.unwrap();
    let from_the_end = reads() - before;
    assert!((2..=6).contains(&from_the_end), "{from_the_end} requests for 12 MiB");
    let before = reads();
    let all = store.read_all(Position::START, 2000).await.unwrap();
    assert_eq!(told(&all), sent);
    let asked = reads() - before;
    assert!((10..=25).contains(&asked), "{asked} requests for 78 MiB");
    assert_eq!(Some(store.head().await.unwrap()), all.last().map(|event| event.position));
    let (got, _) = crate::support::until_caught_up(&mut store.subscribe(Position::START)).await;
    assert_eq!(told(&got), sent);
}
