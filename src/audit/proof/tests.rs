mod difference;
mod hashes;
mod signing;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use vouchsafe_events::*;

use super::*;
use crate::privacy::{KeyRing, MasterKey, SqliteKeyStore};
use crate::secret::Secret;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{EventStore, Expected, NewEvent};

/// A small service: a log, a key ring and a folder for trees.
struct World {
    folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
    next: HashMap<Stream, Version>,
    written: u128,
}

const ORIGIN: &str = "access.example/log";

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open_log(&folder.path().join("events.db"));
        Self { folder, store, next: HashMap::new(), written: 0 }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Appends so many events more, to a few streams in turn.
    async fn write(&mut self, count: u128) {
        for _ in 0..count {
            self.written += 1;
            let number = self.written;
            let stream = Stream::Organisation(OrganisationId::from_uuid(Uuid::from_u128(1 + number % 3)));
            let (version, expected) = match self.next.get(&stream) {
                None => (Version::FIRST, Expected::NoStream),
                Some(last) => (last.next(), Expected::Exact(*last)),
            };
            let event = event(number, stream, version);
            self.store.append(stream, expected, vec![event]).await.unwrap();
            self.next.insert(stream, version);
        }
    }

    fn tree(&self, name: &str) -> Arc<Tree> {
        Arc::new(Tree::open(&self.path(name)).unwrap())
    }

    fn ring(&self) -> Arc<KeyRing> {
        let keys = SqliteKeyStore::open(&self.path("keys.db")).unwrap();
        Arc::new(KeyRing::new(Arc::new(keys), &master()).unwrap())
    }

    fn notary_of(&self, origin: &str, tree: &str) -> Notary {
        let store: Arc<dyn EventStore> = Arc::<SqliteStore>::clone(&self.store);
        Notary::new(origin, &master(), self.tree(tree), self.ring(), store).unwrap()
    }

    fn notary(&self) -> Notary {
        self.notary_of(ORIGIN, "tree")
    }

    /// Changes the log's file behind the engine's back.
    fn tamper(&self, sql: &str) {
        let file = rusqlite::Connection::open(self.path("events.db")).unwrap();
        let triggers: Vec<String> = file
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for trigger in triggers {
            file.execute_batch(&format!("DROP TRIGGER \"{trigger}\"")).unwrap();
        }
        file.execute_batch(sql).unwrap();
    }

    /// The stored bytes of the event at a position.
    async fn bytes(&self, position: u64) -> Vec<u8> {
        self.store.at(Position::new(position)).await.unwrap().unwrap().bytes.to_vec()
    }
}

fn event(number: u128, stream: Stream, version: Version) -> NewEvent {
    let id = EventId::from_uuid(Uuid::from_u128(1000 + number));
    let envelope = Envelope {
        id,
        stream,
        version,
        at: Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(number).unwrap()),
        actor: Actor::System,
        causation: None,
        correlation: None,
    };
    let event = Event::OrganisationClosed(OrganisationClosed {});
    NewEvent { id, kind: event.kind(), bytes: encode(&envelope, &event).unwrap().into() }
}

fn open_log(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap())
}

fn master() -> MasterKey {
    MasterKey::from_secret(&Secret::from("ab".repeat(32))).unwrap()
}

/// A leaf like no other.
fn leaf(number: u64) -> Leaf {
    Leaf { position: Position::new(3 * number + 2), hash: leaf_hash(&number.to_be_bytes()) }
}

fn leaves(range: std::ops::Range<u64>) -> Vec<Leaf> {
    range.map(leaf).collect()
}

/// The root by the definition of RFC 6962, 2.1, and in no other way.
fn by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => tlog_tiles::EMPTY_HASH,
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            tlog_tiles::node_hash(by_definition(left), by_definition(right))
        }
    }
}
