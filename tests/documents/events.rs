//! Every event type is explained, with its fields, and with what in it is sealed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vouchsafe_events::{KINDS, Slot};

use super::{read, rows};

/// The rows of docs/events.md, by the type that each explains.
fn explained() -> BTreeMap<String, Vec<String>> {
    let text = read("docs/events.md");
    let kinds: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    // Other tables have three columns.
    let found = rows(&text).into_iter().filter(|row| row.len() == 4);
    let found: BTreeMap<_, _> = found.map(|row| (row[0].trim_matches('`').to_owned(), row)).collect();
    assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), kinds);
    found
}

#[test]
fn every_type_is_explained_and_nothing_else_is() {
    for (kind, row) in explained() {
        assert!(row.iter().all(|cell| cell.len() > 2), "{kind}: {row:?}");
    }
}

#[test]
fn every_field_of_a_type_is_named_and_nothing_else_is() {
    for (kind, row) in explained() {
        let (_, schema) = KINDS.iter().find(|(name, _)| *name == kind).unwrap();
        let sample: Value =
            serde_json::from_str(&read(&format!("events/golden/{kind}.v{schema}.json"))).unwrap();
        let fields: BTreeSet<_> = sample["data"].as_object().unwrap().keys().cloned().collect();
        let named: BTreeSet<_> = row[3].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(named, fields, "{kind}");
    }
}

#[test]
fn what_is_sealed_is_told() {
    let explained = explained();
    let mut told = 0;
    for row in explained.values() {
        told += row[3].matches("(sealed").count();
    }
    assert_eq!(told, Slot::ALL.len());
    for slot in Slot::ALL {
        let (kind, field) = slot.as_str().split_once('/').unwrap();
        assert!(explained[kind][3].contains(&format!("`{field}` (sealed")), "{}", slot.as_str());
    }
}

#[test]
fn the_example_of_the_stored_form_is_one() {
    let text = read("docs/events.md");
    let line = text.lines().find(|line| line.starts_with("{\"id\"")).unwrap();
    let recorded = vouchsafe_events::decode(vouchsafe_events::Position::new(1), line.as_bytes()).unwrap();
    let again = vouchsafe_events::encode(&recorded.envelope, &recorded.event).unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), line);
}
