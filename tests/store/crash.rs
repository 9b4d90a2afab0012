//! What was acknowledged survives the process: it is killed while many append, again and again.
//!
//! The process that is killed is this test binary, started anew to run [`appends_until_it_is_killed`] alone.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;
use vouchsafe::store::{EventStore, Expected, NewEvent, StoredEvent};
use vouchsafe_events::{EventId, PersonId, Stream, Version};

use crate::support::{gapless, open};

/// Names the log to the process that is killed, and the round.
const PATH: &str = "VOUCHSAFE_TEST_CRASH_LOG";
const ROUND: &str = "VOUCHSAFE_TEST_CRASH_ROUND";

const WRITERS: u64 = 48;

/// A writer's stream: its own in each round.
fn stream(round: u64, writer: u64) -> Stream {
    Stream::Person(PersonId::from_uuid(Uuid::from_u128(u128::from(round) << 64 | u128::from(writer))))
}

/// A well-mixed number.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A writer's append of some number: the same whoever asks, so that what is found can be checked.
fn append(round: u64, writer: u64, number: u64) -> Vec<NewEvent> {
    let seed = mix(round << 40 | writer << 32 | number);
    (0..=seed % 4)
        .map(|event| {
            let own = mix(seed.wrapping_add(event));
            let id = Uuid::from_u64_pair(round << 48 | writer << 32 | number, event);
            // Some are larger than a page of the file.
            let length = if own.is_multiple_of(16) { 9000 } else { own % 600 };
            let bytes: Vec<u8> = (0..length).map(|at| mix(own ^ at).to_le_bytes()[0]).collect();
            NewEvent { id: EventId::from_uuid(id), kind: "tested", bytes: Bytes::from(bytes) }
        })
        .collect()
}

#[test]
#[ignore = "the crash test starts it in a process of its own, and kills it"]
fn appends_until_it_is_killed() {
    let (Some(path), Some(round)) = (std::env::var_os(PATH), std::env::var_os(ROUND)) else {
        println!("skipped: only the crash test runs this");
        return;
    };
    let round = round.to_str().unwrap().parse().unwrap();
    let store = open(Path::new(&path)).unwrap();
    say("\nopen\n");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let writers = (0..WRITERS).map(async |writer| {
            let mut expected = Expected::NoStream;
            for number in 0.. {
                let end = store
                    .append(stream(round, writer), expected, append(round, writer, number))
                    .await
                    .unwrap();
                say(&format!("{writer} {number} {}\n", end.position));
                expected = Expected::Exact(end.version);
            }
        });
        futures_util::future::join_all(writers).await;
    });
}

/// Writes to the parent, in one piece.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// An acknowledgement that the parent saw: writer, number of the append, position of its last event.
type Acknowledged = (u64, u64, u64);

/// Runs a process that appends, kills it, and gives what it acknowledged before. It lives for `delay` after it
/// has opened the log, or after it was started.
fn run_and_kill(path: &Path, round: u64, delay: Duration, once_open: bool) -> Vec<Acknowledged> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::appends_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(PATH, path)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    if once_open {
        assert!(lines.any(|line| line.unwrap() == "open"), "the log opens again after a crash");
    }
    // Reads on while it waits, or the child would stop at a full pipe.
    let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    let lines = reader.join().unwrap();
    lines.iter().filter_map(|line| acknowledged(line)).collect()
}

/// Reads a line of the child's; the test runner's own lines are none, nor is one that was cut off.
fn acknowledged(line: &str) -> Option<Acknowledged> {
    let mut numbers = line.split(' ').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// Checks that a log holds whole appends only, and each that was acknowledged at its place.
fn check(all: &[StoredEvent], rounds: &[Vec<Acknowledged>]) {
    let mut streams: HashMap<Stream, Vec<&StoredEvent>> = HashMap::new();
    for event in all {
        streams.entry(event.stream).or_default().push(event);
    }
    let mut checked = 0;
    for (round, acknowledged) in (0..).zip(rounds) {
        for writer in 0..WRITERS {
            let stored = streams.remove(&stream(round, writer)).unwrap_or_default();
            // The position of each append's last event.
            let mut ends = Vec::new();
            let mut rest = stored.as_slice();
            while !rest.is_empty() {
                let events = append(round, writer, ends.len() as u64);
                assert!(rest.len() >= events.len(), "half an append in {}", stream(round, writer));
                let (own, others) = rest.split_at(events.len());
                for (found, meant) in own.iter().zip(&events) {
                    assert_eq!((found.id, &found.bytes), (meant.id, &meant.bytes));
                }
                assert!(
                    own.windows(2).all(|pair| pair[0].position.number() + 1 == pair[1].position.number())
                );
                ends.push(own[own.len() - 1].position.number());
                rest = others;
            }
            for (_, number, position) in acknowledged.iter().filter(|(by, ..)| *by == writer) {
                let found = usize::try_from(*number).ok().and_then(|number| ends.get(number));
                assert_eq!(
                    found,
                    Some(position),
                    "round {round}: writer {writer}'s append {number} was lost"
                );
                checked += 1;
            }
        }
    }
    assert!(streams.is_empty(), "events that nobody appended");
    assert_eq!(checked, rounds.iter().map(Vec::len).sum::<usize>());
}

/// Opens the log as it was left, and checks it.
async fn reopen_and_check(path: &Path, rounds: &[Vec<Acknowledged>]) {
    let store = open(path).unwrap();
    check(&gapless(&store).await, rounds);
    // It goes on from there.
    let stream = stream(u64::MAX, rounds.len() as u64);
    assert!(store.read(stream, Version::FIRST, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let chance = RandomState::new();
    let mut rounds = Vec::new();
    for round in 0..20 {
        let delay = Duration::from_micros(5_000 + chance.hash_one(round) % 200_000);
        rounds.push(run_and_kill(&path, round, delay, true));
        reopen_and_check(&path, &rounds).await;
    }
    let acknowledged: usize = rounds.iter().map(Vec::len).sum();
    println!("{acknowledged} appends were acknowledged before 20 kills, and all of them were found");
    assert!(acknowledged > 200, "the kills came among appends: {acknowledged}");
}

#[tokio::test]
async fn a_kill_while_the_log_is_made_leaves_one_that_opens() {
    let chance = RandomState::new();
    for round in 0..12_u64 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.db");
        let delay = Duration::from_micros(chance.hash_one(round) % 40_000);
        let acknowledged = run_and_kill(&path, 0, delay, false);
        reopen_and_check(&path, &[acknowledged]).await;
    }
}
