//! How long a start takes at a million events: `cargo bench --bench start`.
//!
//! A log is written as the service writes it. Then a process of its own opens it and folds the lists, once from
//! the first event and once from a snapshot, and says how long that took and what memory it holds.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stops when it cannot measure"
)]

#[path = "replay/history.rs"]
mod history;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use vouchsafe::app::Following;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use vouchsafe::store::{EventStore, Expected, NewEvent};
use vouchsafe_events::{Stream, Version, encode};

const EVENTS: usize = 1_000_000;
const CHUNK: usize = 50_000;
/// How many appends are under way at once.
const AT_ONCE: usize = 256;
/// How many events of one stream go into one append: well below what the log takes.
const BATCH: usize = 500;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--start").skip(1);
    if let Some(folder) = arguments.next() {
        return start(Path::new(&folder), arguments.next().map(PathBuf::from)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    write(folder.path()).await;
    println!("{EVENTS} events written in {:.1} s", began.elapsed().as_secs_f64());
    let again = |snapshots: Option<PathBuf>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--start").arg(folder.path()).args(snapshots);
        assert!(command.status().unwrap().success());
    };
    again(None);
    // The first start with a folder for snapshots leaves one.
    let snapshots = folder.path().join("snapshots");
    again(Some(snapshots.clone()));
    again(Some(snapshots));
}

/// Writes the log: within a chunk, what belongs to one stream goes into appends of its own.
async fn write(folder: &Path) {
    let store = SqliteStore::open(&folder.join("events.db"), SqliteOptions::default()).unwrap();
    let mut history = history::History::new();
    let mut written = 0;
    // The history numbers its events as it likes; the log wants each stream without a gap.
    let mut lengths: HashMap<Stream, u64> = HashMap::new();
    while written < EVENTS {
        let mut streams: BTreeMap<Stream, (Version, Vec<NewEvent>)> = BTreeMap::new();
        for (mut envelope, event) in history.more(CHUNK) {
            let length = lengths.entry(envelope.stream).or_default();
            envelope.version = Version::new(*length);
            *length += 1;
            let bytes = Bytes::from(encode(&envelope, &event).unwrap());
            let new = NewEvent { id: envelope.id, kind: event.kind(), bytes };
            streams.entry(envelope.stream).or_insert_with(|| (envelope.version, Vec::new())).1.push(new);
            written += 1;
        }
        let appends = streams.into_iter().map(|(stream, (first, events))| {
            let store = &store;
            async move {
                let mut next = first.number();
                for batch in events.chunks(BATCH) {
                    let before = next.checked_sub(1).map(Version::new);
                    let expected = before.map_or(Expected::NoStream, Expected::Exact);
                    store.append(stream, expected, batch.to_vec()).await.unwrap();
                    next += batch.len() as u64;
                }
            }
        });
        stream::iter(appends).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }
    store.close_now().unwrap();
}

async fn start(folder: &Path, snapshots: Option<PathBuf>) {
    let has_snapshot = snapshots.as_ref().is_some_and(|folder| folder.exists());
    let began = Instant::now();
    let store = SqliteStore::open(&folder.join("events.db"), SqliteOptions::default()).unwrap();
    let following = Following::begin(&store, snapshots).await.unwrap();
    let took = began.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).map_or("unknown", str::trim);
    let how = if has_snapshot { "from a snapshot" } else { "from the first event" };
    println!("ready {how:<22} at position {}: {took:.2} s, resident memory {memory}", following.position());
    store.close_now().unwrap();
}
