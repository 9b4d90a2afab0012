//! The proof that nobody altered the history: by the command line, by a service that runs, on both engines, and by a
//! verifier that was not written here.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says so when it leaves something out"
)]

#[path = "proof/aics.rs"]
mod aics;
#[path = "support/port.rs"]
mod port;
#[path = "proof/sumdb.rs"]
mod sumdb;
#[path = "proof/world.rs"]
mod world;

use std::fs;
use std::sync::Arc;

use vouchsafe::audit::proof::{Tree, VerifierKey};
use vouchsafe::store::EventStore;
use vouchsafe::store::eventstoredb::{EventStoreDbOptions, EventStoreDbStore};
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use vouchsafe_eventstoredb_stand_in::{Setup, StandIn};
use world::{Service, append};

#[tokio::test]
async fn the_tree_is_the_same_on_both_engines_and_after_it_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = StandIn::start(Setup::default()).unwrap();
    let options = EventStoreDbOptions::new(format!("esdb://{}?tls=false", server.address()));
    let stores: [Arc<dyn EventStore>; 2] = [
        Arc::new(SqliteStore::open(&folder.path().join("events.db"), SqliteOptions::default()).unwrap()),
        Arc::new(Box::pin(EventStoreDbStore::open(&options)).await.unwrap()),
    ];
    let mut roots = Vec::new();
    for (number, store) in stores.iter().enumerate() {
        append(store.as_ref(), 0..300).await;
        let path = folder.path().join(format!("tree-{number}"));
        for _ in 0..2 {
            let tree = Arc::new(Tree::open(&path).unwrap());
            let head = tree.catch_up(store.as_ref()).await.unwrap();
            assert_eq!((tree.size(), head), (300, store.head().await.unwrap()));
            roots.push((tree.root(300).unwrap(), tree.root(123).unwrap()));
            drop(tree);
            fs::remove_dir_all(&path).unwrap();
        }
    }
    assert!(roots.iter().all(|root| *root == roots[0]), "{roots:?}");
}

#[test]
fn an_export_is_checked_by_whoever_has_the_key_and_by_nothing_else() {
    let service = Service::with(500);
    let key = service.run(&["audit", "key"]).data;
    let key = key.trim();
    assert_eq!(VerifierKey::parse(key).unwrap().origin(), "access.example/log");
    for (name, narrowed) in [("whole", None), ("one", Some("00000000-0000-0000-0000-000000000001"))] {
        let out = service.path(name);
        let mut arguments = vec!["audit", "export", "--out", &out];
        arguments.extend(narrowed.map(|id| ["--organisation", id]).into_iter().flatten());
        let said = service.run(&arguments);
        assert_eq!((said.code, said.data.trim()), (0, key), "{}", said.talk);
        let verified = service.bare(&["audit", "verify", &out, "--key", key]);
        assert_eq!(verified.code, 0, "{}{}", verified.data, verified.talk);
        assert!(
            verified.data.contains("Proven") && verified.data.contains("Not proven"),
            "{}",
            verified.data
        );
        let json = service.bare(&["audit", "verify", &out, "--key", key, "--json"]);
        let json: serde_json::Value = serde_json::from_str(&json.data).unwrap();
        assert_eq!(
            (json["sound"].as_bool(), json["whole"].as_bool()),
            (Some(true), Some(narrowed.is_none()))
        );
        let events = format!("{out}/events.jsonl");
        let tampered = fs::read_to_string(&events).unwrap().replacen("\"leaf\":", "\"leaf\":1", 1);
        fs::write(&events, tampered).unwrap();
        let refused = service.bare(&["audit", "verify", &out, "--key", key]);
        assert_eq!(refused.code, 3, "{}{}", refused.data, refused.talk);
        let missing = service.bare(&["audit", "verify", "/nowhere", "--key", key]);
        assert_eq!(missing.code, 1, "{}", missing.talk);
    }
    let other = Service::with(1);
    let other = other.run(&["audit", "key"]).data;
    let refused = service.bare(&["audit", "verify", &service.path("whole"), "--key", other.trim()]);
    assert!(refused.code == 1 && refused.talk.contains("forged"), "{}", refused.talk);
}

#[test]
fn the_log_is_held_against_what_was_kept_and_what_was_altered_is_named() {
    let service = Service::with(100);
    let kept = service.run(&["audit", "checkpoint"]);
    assert_eq!(kept.code, 0, "{}", kept.talk);
    let file = service.path("kept");
    fs::write(&file, &kept.data).unwrap();
    let sound = service.run(&["audit", "verify", "--checkpoint", &file]);
    assert!(sound.code == 0 && sound.data.contains("nothing was altered"), "{}{}", sound.data, sound.talk);
    service.tamper(
        "UPDATE events SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"system\"', '\"operator\"') AS BLOB) WHERE position = 42;
         DELETE FROM events WHERE position = 60",
    );
    let altered = service.run(&["audit", "verify", "--checkpoint", &file]);
    assert_eq!(altered.code, 3, "{}{}", altered.data, altered.talk);
    for words in ["altered: position 42", "removed: what stood at position 60", "the log has FEWER"] {
        assert!(altered.data.contains(words), "{words} is not in {}", altered.data);
    }
    let json = service.run(&["audit", "verify", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.data).unwrap();
    assert_eq!(json["differences"][0]["kind"], "altered");
    assert_eq!(json["differences"][0]["position"], 42);
    assert_eq!(json["checkpoints"][0]["outcome"], "shorter");
}

#[test]
fn a_service_whose_log_lost_its_end_does_not_start_but_under_another_name() {
    let service = Service::with(40);
    assert_eq!(service.run(&["audit", "checkpoint"]).code, 0);
    service.tamper("DELETE FROM events WHERE position > 30");
    let refused = service.run(&["serve"]);
    assert_eq!(refused.code, 1, "{}", refused.talk);
    for words in ["30 events", "40 were signed as access.example/log", "Restore the log", "proof.origin"] {
        assert!(refused.talk.contains(words), "{words} is not in {}", refused.talk);
    }
    let running = service.serve(&[
        ("VOUCHSAFE_PROOF__ORIGIN", "access.example/log-2"),
        ("VOUCHSAFE_PROOF__TILES", "true"),
        ("VOUCHSAFE_PROOF__ENTRIES", "true"),
    ]);
    let (status, headers, checkpoint) = running.wait_for("/log/checkpoint");
    assert_eq!(status, 200);
    assert!(headers.contains("content-type: text/plain"), "{headers}");
    let checkpoint = String::from_utf8(checkpoint).unwrap();
    assert!(checkpoint.starts_with("access.example/log-2\n30\n"), "{checkpoint}");
    let (status, headers, tile) = running.get("/log/tile/0/000.p/30");
    assert_eq!((status, tile.len()), (200, 30 * 32));
    assert!(headers.contains("immutable") && headers.contains("application/octet-stream"), "{headers}");
    let (status, _, entries) = running.get("/log/tile/entries/000.p/2");
    assert_eq!(status, 200);
    let first = usize::from(u16::from_be_bytes([entries[0], entries[1]]));
    assert_eq!(vouchsafe::audit::proof::leaf_hash(&entries[2..2 + first]).0, tile[..32]);
    for path in [
        "/log/tile/0/000",
        "/log/tile/0/000.p/31",
        "/log/tile/1/000",
        "/log/tile/0/x",
        "/log/tile/entries/001",
    ] {
        assert_eq!(running.get(path).0, 404, "{path}");
    }
    // Commands run beside it.
    let beside = service.run(&["audit", "verify"]);
    assert_eq!(beside.code, 3, "under its first name the log is not whole: {}", beside.talk);
}

#[test]
fn nothing_but_the_checkpoint_is_served_unless_it_is_wanted() {
    let service = Service::with(3);
    let running = service.serve(&[]);
    assert_eq!(running.wait_for("/log/checkpoint").0, 200);
    for path in ["/log/tile/0/000.p/1", "/log/tile/entries/000.p/1"] {
        assert_eq!(running.get(path).0, 404, "{path}");
    }
}
