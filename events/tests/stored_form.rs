//! What can be stored is read back as it was, and what cannot be read is told apart.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "stored_form/any.rs"]
mod any;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use vouchsafe_events::*;

const HERE: Position = Position::new(42);

/// An organisation that is renamed, with its payload in another form than it is written in.
fn stored(head: &str, data: &str) -> Vec<u8> {
    let around = r#""id":"0192f5a4-7c1e-7000-8000-000000000001","stream":"organisation-0192f5a4-7c1e-7000-8000-000000000002","version":3,"at":"2026-03-14T09:26:53.589793Z","actor":"system""#;
    format!("{{{around},{head},\"data\":{data}}}").into_bytes()
}

const RENAMED: &str = r#""type":"organisation-renamed","schema":1"#;

fn is_unknown(bytes: &[u8], kind_is: &str, schema_is: u16) -> bool {
    matches!(
        decode(HERE, bytes),
        Err(DecodeError::Unknown { position, kind, schema })
            if position == HERE && kind == kind_is && schema == schema_is
    )
}

fn is_malformed(bytes: &[u8]) -> bool {
    matches!(decode(HERE, bytes), Err(DecodeError::Malformed { position, .. }) if position == HERE)
}

#[test]
fn a_type_or_version_that_is_not_known_is_told_with_its_position() {
    assert!(is_unknown(&stored(r#""type":"moon-landed","schema":1"#, "{}"), "moon-landed", 1));
    let newer = stored(r#""type":"organisation-renamed","schema":2"#, r#"{"names":["Greenhill"]}"#);
    assert!(is_unknown(&newer, "organisation-renamed", 2));
    let message = decode(HERE, &newer).unwrap_err().to_string();
    assert!(message.contains("position 42") && message.contains("upgrade"), "{message}");
}

#[test]
fn what_is_not_the_stored_form_is_malformed() {
    let good = stored(RENAMED, r#"{"name":"Greenhill"}"#);
    assert!(decode(HERE, &good).is_ok());
    assert!(is_malformed(b""));
    assert!(is_malformed(b"[]"));
    assert!(is_malformed(&stored(RENAMED, "{}")));
    assert!(is_malformed(&stored(RENAMED, r#"{"name":7}"#)));
    assert!(is_malformed(&stored(r#""schema":1"#, r#"{"name":"Greenhill"}"#)));
    assert!(is_malformed(&stored(r#""type":"organisation-renamed","schema":-1"#, r#"{"name":"x"}"#)));
    // The type says how the data is to be read, so it must come first.
    assert!(is_malformed(&stored(&format!(r#""data":{{"name":"x"}},{RENAMED}"#), r#"{"name":"x"}"#)));
    let mut more = good;
    more.push(b'x');
    assert!(is_malformed(&more));
}

#[test]
fn the_keys_stand_in_one_order_when_written_and_in_any_when_read() {
    let recorded = decode(HERE, &stored(RENAMED, r#"{"name":"Greenhill"}"#)).unwrap();
    let written = String::from_utf8(encode(&recorded.envelope, &recorded.event).unwrap()).unwrap();
    let expected = r#"{"id":"0192f5a4-7c1e-7000-8000-000000000001","stream":"organisation-0192f5a4-7c1e-7000-8000-000000000002","version":3,"type":"organisation-renamed","schema":1,"at":"2026-03-14T09:26:53.589793Z","actor":"system","data":{"name":"Greenhill"}}"#;
    assert_eq!(written, expected);
    assert_eq!(decode(HERE, expected.as_bytes()).unwrap(), recorded);
}

#[test]
fn a_key_that_is_not_known_is_passed_over() {
    let head = format!(r#"{RENAMED},"note":{{"by":["somebody"]}}"#);
    let with = decode(HERE, &stored(&head, r#"{"name":"Greenhill","old":null}"#)).unwrap();
    assert_eq!(with, decode(HERE, &stored(RENAMED, r#"{"name":"Greenhill"}"#)).unwrap());
}

#[test]
fn every_way_to_write_a_text_is_read_as_the_same_text() {
    let written = [r#"{"name":"à \"B\" \\ \n"}"#, r#"{"name":"\u00e0 \u0022B\u0022 \u005c \u000A"}"#];
    for data in written {
        let recorded = decode(HERE, &stored(RENAMED, data)).unwrap();
        let name = "à \"B\" \\ \n".into();
        assert_eq!(recorded.event, Event::OrganisationRenamed(OrganisationRenamed { name }));
        let again = encode(&recorded.envelope, &recorded.event).unwrap();
        assert!(String::from_utf8(again).unwrap().contains(written[0]), "equal events have equal bytes");
    }
}

#[test]
fn any_event_comes_to_mean_every_type() {
    let (mut runner, strategy) = (TestRunner::deterministic(), any::event());
    let made: BTreeSet<&str> =
        (0..2000).map(|_| strategy.new_tree(&mut runner).unwrap().current().kind()).collect();
    assert_eq!(made, KINDS.iter().map(|(kind, _)| *kind).collect());
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(envelope in any::envelope(), event in any::event(), at: u64) {
        let bytes = encode(&envelope, &event).unwrap();
        let position = Position::new(at);
        let recorded = decode(position, &bytes).unwrap();
        prop_assert_eq!(encode(&recorded.envelope, &recorded.event).unwrap(), bytes);
        prop_assert_eq!(recorded, Recorded { position, envelope, event });
    }

    #[test]
    fn what_is_cut_short_is_malformed(
        envelope in any::envelope(),
        event in any::event(),
        cut: prop::sample::Index,
    ) {
        let bytes = encode(&envelope, &event).unwrap();
        prop_assert!(is_malformed(&bytes[..cut.index(bytes.len())]));
    }

    #[test]
    fn a_changed_byte_is_an_error_or_another_event_and_never_a_panic(
        envelope in any::envelope(),
        event in any::event(),
        place: prop::sample::Index,
        byte: u8,
    ) {
        let mut bytes = encode(&envelope, &event).unwrap();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(recorded) = decode(HERE, &bytes) {
            let again = encode(&recorded.envelope, &recorded.event).unwrap();
            prop_assert_eq!(decode(HERE, &again).unwrap(), recorded);
        }
    }

    #[test]
    fn any_bytes_at_all_are_no_panic(bytes: Vec<u8>) {
        prop_assert!(is_malformed(&bytes));
    }

    #[test]
    fn hashes_and_actors_are_the_same_in_text_and_in_bytes(envelope in any::envelope()) {
        let text = serde_json::to_string(&(envelope.actor, envelope.stream)).unwrap();
        prop_assert_eq!(serde_json::from_str::<(Actor, Stream)>(&text).unwrap(), (envelope.actor, envelope.stream));
    }
}
