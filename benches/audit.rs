//! How long an auditor waits at a million events: `cargo bench --bench audit`.
//!
//! The lists of one organisation as they stood at an instant, with the account of who let whom in, are folded from its
//! own stream; those of the whole service from the whole log.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stops when it cannot measure"
)]

#[path = "replay/history.rs"]
mod history;
#[path = "start/written.rs"]
mod written;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use vouchsafe::audit::Replay;
use vouchsafe::audit::lineage::Ledger;
use vouchsafe::store::EventStore;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use vouchsafe_events::{OrganisationId, Position, Stream, decode};
use vouchsafe_projections::Lists;
use written::{EVENTS, write};

/// How often each look is taken; the middle one is told.
const TURNS: usize = 51;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    let store = SqliteStore::open(&folder.path().join("events.db"), SqliteOptions::default()).unwrap();
    let began = Instant::now();
    let (mut lists, mut lengths) = (Lists::default(), HashMap::<OrganisationId, usize>::new());
    let (mut at, mut last) = (Position::START, None);
    loop {
        let page = store.read_all(at, 2048).await.unwrap();
        let Some(end) = page.last() else { break };
        at = end.position;
        for stored in &page {
            let recorded = decode(stored.position, &stored.bytes).unwrap();
            if let Stream::Organisation(id) = recorded.envelope.stream {
                *lengths.entry(id).or_default() += 1;
            }
            last = Some(recorded.envelope.at);
            lists.apply(&recorded);
        }
    }
    println!("a log of {EVENTS} events, {} organisations", lists.organisations().count());
    println!("the whole service as at an instant: {:.2} s", began.elapsed().as_secs_f64());
    drop(lists);
    let mut by_length: Vec<_> = lengths.into_iter().collect();
    by_length.sort_by_key(|(id, length)| (*length, *id));
    let middle = by_length.get(by_length.len() / 2).copied();
    for (what, found) in [("the middle", middle), ("the longest", by_length.last().copied())] {
        let ((id, length), at) = (found.unwrap(), last.unwrap());
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..TURNS {
            let began = Instant::now();
            let replay = Replay::read(&store, Stream::Organisation(id)).await.unwrap();
            black_box(replay.lists(at));
            black_box(Ledger::of(replay.events()));
            took.push(began.elapsed());
        }
        took.sort_unstable();
        let middle = took.get(TURNS / 2).unwrap().as_secs_f64() * 1000.0;
        println!("one organisation as at an instant, {what} stream ({length} events): {middle:.2} ms");
    }
    store.close_now().unwrap();
}
