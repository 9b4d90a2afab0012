//! How fast the SQLite log is: `cargo bench --bench store`.
//!
//! Durable appends beside plain SQLite with the same settings and a commit for each append, in turns, so that
//! both meet the same disk; then a replay of a million events.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints a table"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use vouchsafe::store::{EventStore, Expected, NewEvent};
use vouchsafe_events::{EventId, PersonId, Position, Stream};

/// How long one turn lasts, and how many turns each contestant has.
const TURN: Duration = Duration::from_secs(2);
const TURNS: u32 = 3;

/// What a typical event weighs.
const BYTES: usize = 400;

/// How many events are replayed, and how many at a time.
const REPLAYED: usize = 1_000_000;
const PAGE: usize = 2000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(appends(directory.path()));
    runtime.block_on(replay(directory.path()));
}

/// A new id; they grow with time, as the product's do.
fn new_uuid() -> Uuid {
    #[expect(clippy::disallowed_methods, reason = "a benchmark wants ids as they are in use")]
    Uuid::now_v7()
}

fn event() -> NewEvent {
    let id = new_uuid();
    let bytes: Vec<u8> = id.as_bytes().iter().copied().cycle().take(BYTES).collect();
    NewEvent { id: EventId::from_uuid(id), kind: "measured", bytes: Bytes::from(bytes) }
}

fn new_stream() -> Stream {
    Stream::Person(PersonId::from_uuid(new_uuid()))
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default()).unwrap()
}

async fn appends(directory: &Path) {
    let store = open(&directory.join("events.db"));
    let plain = plain(&directory.join("plain.db"));
    let (mut one, mut many, mut each) = (0, 0, 0);
    for _ in 0..TURNS {
        each += commits(&plain);
        one += by(&store, 1).await;
        many += by(&store, 64).await;
    }
    let a_second = |count: u64| count as f64 / (TURN * TURNS).as_secs_f64();
    println!("durable appends of one event of {BYTES} bytes, a second");
    println!("  {:<42} {:>9.0}", "plain SQLite, a commit each", a_second(each));
    println!("  {:<42} {:>9.0}", "the log, 1 writer", a_second(one));
    println!("  {:<42} {:>9.0}", "the log, 64 writers", a_second(many));
    println!("  {:<42} {:>8.1}x", "64 writers against a commit each", a_second(many) / a_second(each));
}

/// How many appends some writers get done in one turn, each waiting for its own.
async fn by(store: &SqliteStore, writers: usize) -> u64 {
    let end = Instant::now() + TURN;
    let writers = (0..writers).map(|_| async {
        let stream = new_stream();
        let mut expected = Expected::NoStream;
        let mut done = 0;
        while Instant::now() < end {
            let appended = store.append(stream, expected, vec![event()]).await.unwrap();
            expected = Expected::Exact(appended.version);
            done += 1;
        }
        done
    });
    futures_util::future::join_all(writers).await.into_iter().sum()
}

/// A table like the log's, with the log's settings, and nothing else.
fn plain(path: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
             PRAGMA cache_size = -16384;
             CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL,
                 id BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL, UNIQUE (stream, version)) STRICT;",
        )
        .unwrap();
    connection
}

/// How many commits of one row each are done in one turn.
fn commits(connection: &rusqlite::Connection) -> u64 {
    let mut insert = connection
        .prepare("INSERT INTO events (stream, version, id, bytes) VALUES (?1, ?2, ?3, ?4)")
        .unwrap();
    let stream = new_stream().to_string();
    let end = Instant::now() + TURN;
    let mut done = 0;
    while Instant::now() < end {
        let event = event();
        insert.execute((&stream, done, event.id.uuid().as_bytes(), event.bytes.as_ref())).unwrap();
        done += 1;
    }
    done
}

async fn replay(directory: &Path) {
    let store = open(&directory.join("replayed.db"));
    let began = Instant::now();
    // Streams of four, as people's and organisations' are short.
    for _ in 0..REPLAYED / 4 / 500 {
        let appends = (0..500)
            .map(|_| store.append(new_stream(), Expected::NoStream, (0..4).map(|_| event()).collect()));
        for appended in futures_util::future::join_all(appends).await {
            appended.unwrap();
        }
    }
    println!(
        "\na log of {REPLAYED} events of {BYTES} bytes, written in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    for turn in 1..=3 {
        let began = Instant::now();
        let (mut at, mut count, mut bytes) = (Position::START, 0, 0);
        loop {
            let page = store.read_all(at, PAGE).await.unwrap();
            let Some(last) = page.last() else { break };
            at = last.position;
            count += page.len();
            bytes += page.iter().map(|event| event.bytes.len()).sum::<usize>();
        }
        let took = began.elapsed().as_secs_f64();
        assert_eq!((count, bytes), (REPLAYED, REPLAYED * BYTES));
        println!("  read whole, time {turn}: {took:.2} s, {:.0} events a second", count as f64 / took);
    }
}
