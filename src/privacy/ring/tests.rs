use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::privacy::{SqliteKeyStore, WrappedKey};

const TEXT: &str = "Zebedee O\u{2019}Quirk";

fn person(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(number))
}

fn event(number: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(number))
}

/// A key ring's file and its master key: each `ring` is as another process would have it.
struct World {
    directory: TempDir,
    master: MasterKey,
}

impl World {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), master: MasterKey::generate().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("keys.db")
    }

    fn store(&self) -> Arc<SqliteKeyStore> {
        Arc::new(SqliteKeyStore::open(&self.path()).unwrap())
    }

    fn ring(&self) -> KeyRing {
        KeyRing::new(self.store(), &self.master).unwrap()
    }
}

fn seal(ring: &KeyRing, subject: PersonId, text: &str) -> Held {
    let (event, slot) = (event(1), Slot::IntroducedName);
    let sealed = ring.seal(event, slot, Plain::about(subject, text)).unwrap();
    Held { subject, event, slot, sealed }
}

fn text(opened: &Opened) -> &str {
    opened.text().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_was_sealed_opens_again_and_its_length_tells_little(
        texts in proptest::collection::vec(any::<String>(), 16),
        zeros in 0_usize..130,
    ) {
        let world = World::new();
    let ring = world.ring();
        for text in texts.into_iter().chain(["\0".repeat(zeros), "a\u{80}".repeat(zeros)]) {
            let held = seal(&ring, person(1), &text);
            let opened = ring.open(&held);
            prop_assert_eq!(opened.text(), Some(text.as_str()));
            let length = BASE64.decode(held.sealed.as_base64()).unwrap().len();
            prop_assert_eq!((length - 1 - 4 - 12 - 16) % 64, 0);
        }
    }
}

#[test]
fn another_process_opens_what_one_sealed() {
    let world = World::new();
    let held = seal(&world.ring(), person(1), TEXT);
    let opened = world.ring().open(&held);
    assert_eq!(text(&opened), TEXT);
    assert_eq!(opened.to_string(), TEXT);
    assert_eq!(format!("{opened:?} {:?}", world.ring()), "[personal data] [key ring]");
}

#[test]
fn a_value_that_was_moved_does_not_open() {
    let world = World::new();
    let ring = world.ring();
    let held = seal(&ring, person(1), TEXT);
    seal(&ring, person(2), TEXT);
    let moved = [
        Held { event: event(2), ..held.clone() },
        Held { slot: Slot::ChangedName, ..held.clone() },
        Held { subject: person(2), ..held.clone() },
        Held { subject: person(3), ..held.clone() },
    ];
    for held in moved {
        assert_eq!(ring.open(&held), Opened::Unreadable, "{held:?}");
        assert_eq!(ring.try_open(&held).unwrap(), Opened::Unreadable, "waiting does not help");
        assert_eq!(ring.open(&held).to_string(), "[unreadable]");
    }
}

#[test]
fn a_value_that_was_changed_in_any_bit_does_not_open() {
    let world = World::new();
    let ring = world.ring();
    let held = seal(&ring, person(1), TEXT);
    let bytes = BASE64.decode(held.sealed.as_base64()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let sealed = Sealed::from_base64(BASE64.encode(bytes));
        assert_eq!(ring.open(&Held { sealed, ..held.clone() }), Opened::Unreadable, "bit {bit}");
    }
    for length in 0..bytes.len() {
        let sealed = Sealed::from_base64(BASE64.encode(&bytes[..length]));
        assert_eq!(ring.open(&Held { sealed, ..held.clone() }), Opened::Unreadable, "{length} bytes");
    }
    let sealed = Sealed::from_base64("no base64!");
    assert_eq!(ring.open(&Held { sealed, ..held }), Opened::Unreadable);
}

#[test]
fn an_erased_person_cannot_be_read_anywhere_at_once_and_gets_no_new_key() {
    let world = World::new();
    let (here, there) = (world.ring(), world.ring());
    let (erased, other) = (seal(&here, person(1), TEXT), seal(&here, person(2), TEXT));
    assert_eq!(text(&there.open(&erased)), TEXT);
    assert_eq!(text(&here.open(&erased)), TEXT);

    here.destroy(person(1)).unwrap();
    here.destroy(person(1)).unwrap();
    for ring in [here, there, world.ring()] {
        assert_eq!(ring.open(&erased), Opened::Erased);
        assert_eq!(ring.open(&erased).to_string(), "[erased]");
        assert_eq!(text(&ring.open(&other)), TEXT);
        let again = ring.seal(event(9), Slot::ChangedName, Plain::about(person(1), TEXT));
        assert!(matches!(again, Err(SealError::Erased(who)) if who == person(1)));
    }
}

#[test]
fn a_person_who_never_had_a_key_can_be_erased() {
    let world = World::new();
    let ring = world.ring();
    ring.destroy(person(1)).unwrap();
    let sealed = ring.seal(event(1), Slot::ChangedName, Plain::about(person(1), TEXT));
    assert!(matches!(sealed, Err(SealError::Erased(_))));
}

#[test]
fn processes_that_seal_at_once_for_a_new_person_use_one_key() {
    let world = World::new();
    let rings: Vec<KeyRing> = (0..4).map(|_| world.ring()).collect();
    for number in 0..10 {
        let held: Vec<Held> = std::thread::scope(|scope| {
            let sealings: Vec<_> =
                rings.iter().map(|ring| scope.spawn(move || seal(ring, person(number), TEXT))).collect();
            sealings.into_iter().map(|sealing| sealing.join().unwrap()).collect()
        });
        for (held, ring) in held.iter().zip(rings.iter().rev()) {
            assert_eq!(text(&ring.open(held)), TEXT);
        }
    }
}

#[test]
fn another_master_key_is_refused_at_start() {
    let world = World::new();
    seal(&world.ring(), person(1), TEXT);
    let error = KeyRing::new(world.store(), &MasterKey::generate().unwrap()).unwrap_err();
    assert!(matches!(error, RingError::WrongMasterKey), "{error}");
    assert!(error.to_string().contains("restore the master key"));
    world.ring();
}

#[test]
fn a_text_that_is_too_long_is_refused() {
    let world = World::new();
    let ring = world.ring();
    let held = seal(&ring, person(1), &"a".repeat(MAX_TEXT));
    assert_eq!(text(&ring.open(&held)).len(), MAX_TEXT);
    let sealed = ring.seal(event(1), Slot::RequestMessage, Plain::about(person(1), "a".repeat(MAX_TEXT + 1)));
    assert!(matches!(sealed, Err(SealError::TooLong { found }) if found == MAX_TEXT + 1));
}

#[test]
fn a_key_that_was_damaged_says_so_and_breaks_no_page() {
    let world = World::new();
    let held = seal(&world.ring(), person(1), TEXT);
    let file = rusqlite::Connection::open(world.path()).unwrap();
    file.execute("UPDATE keys SET wrapped = zeroblob(49)", []).unwrap();
    let ring = world.ring();
    assert_eq!(ring.open(&held), Opened::Unreadable);
    let error = ring.seal(event(1), Slot::ChangedName, Plain::about(person(1), TEXT)).unwrap_err();
    assert!(matches!(error, SealError::KeyUnusable { .. }), "{error}");
}

/// A store that fails when told to.
struct Failing {
    store: Arc<SqliteKeyStore>,
    failing: AtomicBool,
}

impl Failing {
    fn checked(&self) -> Result<&SqliteKeyStore, KeyStoreError> {
        if self.failing.load(Ordering::Relaxed) {
            Err(KeyStoreError::Unavailable("out of order".into()))
        } else {
            Ok(&self.store)
        }
    }
}

impl KeyStore for Failing {
    fn get(&self, person: PersonId) -> Result<KeyState, KeyStoreError> {
        self.checked()?.get(person)
    }
    fn insert_if_absent(&self, person: PersonId, key: WrappedKey) -> Result<KeyState, KeyStoreError> {
        self.checked()?.insert_if_absent(person, key)
    }
    fn destroy(&self, person: PersonId) -> Result<(), KeyStoreError> {
        self.checked()?.destroy(person)
    }
    fn erasures(&self) -> Result<u64, KeyStoreError> {
        self.checked()?.erasures()
    }
    fn check(&self, check: [u8; 32]) -> Result<[u8; 32], KeyStoreError> {
        self.checked()?.check(check)
    }
}

#[test]
fn a_store_that_does_not_answer_opens_nothing_and_heals() {
    let world = World::new();
    let store = Arc::new(Failing { store: world.store(), failing: AtomicBool::new(false) });
    let ring = KeyRing::new(Arc::<Failing>::clone(&store), &world.master).unwrap();
    let held = seal(&ring, person(1), TEXT);
    assert_eq!(text(&ring.open(&held)), TEXT);

    store.failing.store(true, Ordering::Relaxed);
    // Not even from memory: the person may have been erased meanwhile.
    assert_eq!(ring.open(&held), Opened::Unreadable);
    assert!(ring.try_open(&held).is_err(), "whoever can wait is told that it may open later");
    let sealed = ring.seal(event(1), Slot::ChangedName, Plain::about(person(1), TEXT));
    assert!(matches!(sealed, Err(SealError::Store(_))));
    assert!(matches!(KeyRing::new(Arc::<Failing>::clone(&store), &world.master), Err(RingError::Store(_))));

    store.failing.store(false, Ordering::Relaxed);
    assert_eq!(text(&ring.open(&held)), TEXT);
}

#[test]
fn hashes_are_keyed_and_kept_apart_by_kind() {
    let world = World::new();
    let ring = world.ring();
    let email: Email = "Ann@School.example".parse().unwrap();
    let same: Email = "ann@school.example".parse().unwrap();
    assert_eq!(ring.hash_email(&email), world.ring().hash_email(&same));
    let other = World::new();
    assert_ne!(ring.hash_email(&email), other.ring().hash_email(&email));

    let uuid = "b41b3462-2f6d-4f0a-9c1b-0d2f8a1c7e55";
    assert_eq!(ring.hash_subject("https://i", uuid), ring.hash_subject("https://i", &uuid.to_uppercase()));
    let different = [
        ring.hash_subject("https://i", "ann"),
        ring.hash_subject("https://i", "Ann"),
        ring.hash_subject("https://ia", "nn"),
        ring.hash_subject("https://j", "ann"),
        ring.hash_subject("", "ann@school.example"),
        ring.hash_email(&same),
    ];
    for (index, hash) in different.iter().enumerate() {
        assert!(!different[..index].contains(hash), "{index}");
    }
}

/// A store that waits, when it is given a key, until another task has run.
struct Waits {
    inner: Arc<SqliteKeyStore>,
    other_ran: Mutex<std::sync::mpsc::Receiver<()>>,
    waited: AtomicBool,
}

impl KeyStore for Waits {
    fn get(&self, person: PersonId) -> Result<KeyState, KeyStoreError> {
        self.inner.get(person)
    }

    fn insert_if_absent(&self, person: PersonId, key: WrappedKey) -> Result<KeyState, KeyStoreError> {
        let ran = self.other_ran.lock().unwrap().recv_timeout(std::time::Duration::from_secs(5));
        self.waited.store(ran.is_ok(), Ordering::SeqCst);
        self.inner.insert_if_absent(person, key)
    }

    fn destroy(&self, person: PersonId) -> Result<(), KeyStoreError> {
        self.inner.destroy(person)
    }

    fn erasures(&self) -> Result<u64, KeyStoreError> {
        self.inner.erasures()
    }

    fn check(&self, check: [u8; 32]) -> Result<[u8; 32], KeyStoreError> {
        self.inner.check(check)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_a_first_key_is_written_other_tasks_go_on() {
    let world = World::new();
    let (ran, other_ran) = std::sync::mpsc::channel();
    let waits = Arc::new(Waits {
        inner: world.store(),
        other_ran: Mutex::new(other_ran),
        waited: AtomicBool::new(false),
    });
    let ring = KeyRing::new(Arc::clone(&waits) as Arc<dyn KeyStore>, &world.master).unwrap();
    // Both on the one worker: the other task can run only if the first one makes room for it.
    let sealing = tokio::spawn(async move {
        tokio::spawn(async move { ran.send(()) });
        seal(&ring, person(1), TEXT);
    });
    sealing.await.unwrap();
    assert!(waits.waited.load(Ordering::SeqCst));
}
