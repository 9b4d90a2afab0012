//! A log of a million events, written as the service writes it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use vouchsafe::store::{EventStore, Expected, NewEvent};
use vouchsafe_events::{Stream, Version, encode};

use crate::history;

pub(crate) const EVENTS: usize = 1_000_000;
const CHUNK: usize = 50_000;
/// How many appends are under way at once.
const AT_ONCE: usize = 256;
/// How many events of one stream go into one append: well below what the log takes.
const BATCH: usize = 500;

/// Writes the log: within a chunk, what belongs to one stream goes into appends of its own.
pub(crate) async fn write(folder: &Path) {
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
