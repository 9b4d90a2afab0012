use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use aws_lc_rs::rand;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

struct World(TempDir);

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("keys.db")
    }

    fn store(&self) -> SqliteKeyStore {
        SqliteKeyStore::open(&self.path()).unwrap()
    }

    /// Whether any file of the key ring has `needle` in it.
    fn holds(&self, needle: &[u8]) -> bool {
        std::fs::read_dir(self.0.path()).unwrap().any(|file| {
            std::fs::read(file.unwrap().path()).unwrap().windows(needle.len()).any(|w| w == needle)
        })
    }
}

fn person() -> PersonId {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).unwrap();
    PersonId::from_uuid(Uuid::from_bytes(bytes))
}

fn key() -> WrappedKey {
    let mut bytes = vec![0; 49];
    rand::fill(&mut bytes).unwrap();
    WrappedKey::from_bytes(bytes)
}

#[test]
fn a_key_is_none_then_live_then_erased_for_good() {
    let world = World::new();
    let (store, ann) = (world.store(), person());
    let (first, second) = (key(), key());
    assert_eq!(store.get(ann).unwrap(), KeyState::None);
    assert_eq!(store.insert_if_absent(ann, first.clone()).unwrap(), KeyState::Live(first.clone()));
    assert_eq!(world.store().insert_if_absent(ann, second.clone()).unwrap(), KeyState::Live(first.clone()));
    assert_eq!(store.get(ann).unwrap(), KeyState::Live(first));
    assert_eq!(store.erasures().unwrap(), 0);

    world.store().destroy(ann).unwrap();
    assert_eq!(store.erasures().unwrap(), 1);
    store.destroy(ann).unwrap();
    assert_eq!(store.erasures().unwrap(), 1, "nothing more was destroyed");
    assert_eq!(store.get(ann).unwrap(), KeyState::Erased);
    assert_eq!(store.insert_if_absent(ann, second).unwrap(), KeyState::Erased);
    assert_eq!(world.store().get(ann).unwrap(), KeyState::Erased);
}

#[test]
fn of_writers_at_once_one_succeeds_and_all_learn_its_key() {
    let world = World::new();
    let stores: Vec<SqliteKeyStore> = (0..4).map(|_| world.store()).collect();
    for _ in 0..20 {
        let ann = person();
        let states: Vec<KeyState> = std::thread::scope(|scope| {
            let writers: Vec<_> = stores
                .iter()
                .map(|store| scope.spawn(move || store.insert_if_absent(ann, key()).unwrap()))
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert!(matches!(states[0], KeyState::Live(_)));
        assert!(states.iter().all(|state| *state == states[0]));
    }
}

#[test]
fn stores_that_make_the_file_at_once_agree() {
    let world = World::new();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let world = &world;
            scope.spawn(move || world.store().check([number; 32]).unwrap());
        }
    });
    let kept = world.store().check([99; 32]).unwrap();
    assert!(kept[0] < 6);
    assert_eq!(world.store().check([98; 32]).unwrap(), kept);
}

#[test]
fn a_destroyed_key_is_in_no_file_any_more() {
    let world = World::new();
    let (store, watcher) = (world.store(), world.store());
    let mut people: Vec<(PersonId, WrappedKey)> = (0..240).map(|_| (person(), key())).collect();
    for (person, key) in &people {
        store.insert_if_absent(*person, key.clone()).unwrap();
        watcher.get(*person).unwrap();
    }
    assert!(
        people.iter().all(|(_, key)| world.holds(key.as_bytes())),
        "they are looked for in the right place"
    );
    let kept = people.split_off(80);
    for (person, key) in people {
        store.destroy(person).unwrap();
        assert!(!world.holds(key.as_bytes()), "a key can still be found");
    }
    for (person, key) in kept {
        assert_eq!(watcher.get(person).unwrap(), KeyState::Live(key));
    }
}

#[test]
fn a_reader_that_holds_on_to_the_past_is_waited_for_and_told_of() {
    let world = World::new();
    let (store, ann, wrapped) = (world.store(), person(), key());
    store.insert_if_absent(ann, wrapped.clone()).unwrap();
    lock(&store.writer).busy_timeout(std::time::Duration::ZERO).unwrap();
    let reader = Connection::open(world.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM keys;").unwrap();
    assert!(matches!(store.destroy(ann), Err(KeyStoreError::TraceLeft)));
    assert_eq!(store.get(ann).unwrap(), KeyState::Erased, "it is destroyed all the same");

    reader.execute_batch("COMMIT").unwrap();
    store.destroy(ann).unwrap();
    assert!(!world.holds(wrapped.as_bytes()));
}

#[test]
fn only_its_owner_may_read_the_file() {
    let world = World::new();
    let store = world.store();
    store.insert_if_absent(person(), key()).unwrap();
    let files: Vec<_> = std::fs::read_dir(world.0.path()).unwrap().map(|file| file.unwrap()).collect();
    assert!(files.len() >= 2, "the write-ahead log is there too");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn files_that_are_no_key_ring_of_ours_are_refused() {
    let newer = World::new();
    newer.store();
    Connection::open(newer.path()).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = SqliteKeyStore::open(&newer.path()).unwrap_err();
    assert!(matches!(error, KeyStoreError::NewerForm { found: 2, known: 1 }), "{error}");

    let other = World::new();
    Connection::open(other.path()).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let error = SqliteKeyStore::open(&other.path()).unwrap_err();
    assert!(matches!(error, KeyStoreError::NotAKeyRing { .. }), "{error}");

    let text = World::new();
    std::fs::write(text.path(), "not a database, but long enough to be taken for one".repeat(50)).unwrap();
    let error = SqliteKeyStore::open(&text.path()).unwrap_err();
    assert!(matches!(error, KeyStoreError::NotAKeyRing { .. }), "{error}");

    let error = SqliteKeyStore::open(&World::new().0.path().join("none/keys.db")).unwrap_err();
    assert!(matches!(error, KeyStoreError::NotAllowed { .. }), "{error}");
}

#[test]
fn of_those_who_keep_a_checkpoint_at_once_one_succeeds() {
    let world = World::new();
    let (here, there) = (world.store(), world.store());
    assert_eq!(here.checkpoint("one").unwrap(), None);
    assert!(!here.keep_checkpoint("one", Some(b"0"), b"1").unwrap(), "there is none yet");
    assert!(here.keep_checkpoint("one", None, b"1").unwrap());
    assert!(here.keep_checkpoint("one", None, b"1").unwrap(), "asked again, as when the answer was lost");
    assert!(!there.keep_checkpoint("one", None, b"2").unwrap());
    assert_eq!(there.checkpoint("one").unwrap(), Some(b"1".to_vec()));
    assert!(there.keep_checkpoint("one", Some(b"1"), b"2").unwrap());
    assert!(!here.keep_checkpoint("one", Some(b"1"), b"3").unwrap());
    assert_eq!(here.checkpoint("one").unwrap(), Some(b"2".to_vec()));
    assert!(there.keep_checkpoint("other", None, b"9").unwrap());
    let won: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8_u8)
            .map(|number| {
                let store = world.store();
                scope.spawn(move || store.keep_checkpoint("one", Some(b"2"), &[100 + number]).unwrap())
            })
            .collect();
        tries.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(world.store().checkpoint("other").unwrap(), Some(b"9".to_vec()));
}

#[test]
fn a_ring_of_a_version_that_kept_no_checkpoints_goes_on() {
    let world = World::new();
    let (ann, wrapped) = (person(), key());
    world.store().insert_if_absent(ann, wrapped.clone()).unwrap();
    Connection::open(world.path()).unwrap().execute_batch("DROP TABLE checkpoints").unwrap();
    let store = world.store();
    assert!(store.keep_checkpoint("one", None, b"1").unwrap());
    assert_eq!(store.get(ann).unwrap(), KeyState::Live(wrapped));
}
