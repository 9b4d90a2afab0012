use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use vouchsafe_events::{KINDS, Position, decode};

use super::*;
use crate::reactors::broker::message::message;

/// The recorded samples of every version of every type.
fn samples() -> Vec<(String, Recorded, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/golden");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let bytes = std::fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let stored = serde_json::from_slice(&bytes).unwrap();
            found.push((name, decode(Position::new(7), &bytes).unwrap(), stored));
        }
    }
    assert!(found.len() > KINDS.len());
    found
}

#[test]
fn every_event_is_published_or_kept_back_for_a_reason() {
    let published: BTreeSet<&str> = SHAPES.iter().map(|shape| shape.name).collect();
    let kept_back: BTreeSet<&str> = KEPT_BACK.iter().map(|(name, _)| *name).collect();
    assert!(published.is_disjoint(&kept_back));
    let all: BTreeSet<&str> = published.union(&kept_back).copied().collect();
    assert_eq!(all, KINDS.iter().map(|(name, _)| *name).collect());
    assert!(KEPT_BACK.iter().all(|(_, why)| why.len() > 10));
    for (file, recorded, _) in samples() {
        let public = public(&recorded, None).unwrap();
        let name = recorded.event.kind();
        assert_eq!(public.is_none(), kept_back.contains(name), "{file}");
        assert!(public.is_none_or(|public| public.name == name), "{file}");
    }
}

#[test]
fn what_is_published_is_as_described() {
    for (shape, schema) in shapes() {
        let schema = Value::from(schema);
        let validator = jsonschema::draft7::new(&schema).unwrap();
        let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut seen = 0;
        for (file, recorded, _) in samples() {
            let Some(public) = public(&recorded, None).unwrap().filter(|public| public.name == shape.name)
            else {
                continue;
            };
            assert_eq!(public.version, shape.version);
            let body: Value = serde_json::from_slice(&public.data).unwrap();
            assert!(validator.is_valid(&body), "{file}: {body} against {schema}");
            for field in body.as_object().unwrap().keys() {
                assert!(fields.contains_key(field), "{file}: {field} is not described");
            }
            seen += 1;
        }
        assert!(seen > 0, "{} has no sample", shape.name);
        // A description that takes anything would find everything valid.
        assert!(!validator.is_valid(&Value::Null), "{}", shape.name);
    }
}

#[test]
fn nothing_secret_and_nothing_sealed_is_in_a_message() {
    let hidden = ["session", "nonce", "hash", "challenge", "network", "device"];
    let mut looked_for = 0;
    for (file, recorded, stored) in samples() {
        let Some(public) = public(&recorded, None).unwrap() else { continue };
        let source = "https://access.example/".parse().unwrap();
        let text = message_as_text(&message(&source, &recorded, public));
        // What a sealed value looks like in the samples.
        assert!(!text.contains("AbCd+/"), "{file}: {text}");
        for name in hidden {
            if let Some(Value::String(value)) = stored["data"].get(name) {
                assert!(!text.contains(value.as_str()), "{file}: {name} is in {text}");
                looked_for += 1;
            }
        }
    }
    assert!(looked_for > 10, "{looked_for}");
}

fn message_as_text(message: &crate::reactors::broker::message::Message) -> String {
    format!("{message:?} {}", String::from_utf8_lossy(&message.body))
}

#[test]
fn what_is_known_of_an_event_is_in_the_attributes() {
    let (_, recorded, _) = samples().into_iter().find(|(file, ..)| file == "access-granted.v1.json").unwrap();
    let public = public(&recorded, None).unwrap().unwrap();
    let message = message(&"https://access.example/".parse().unwrap(), &recorded, public);
    let attribute = |name: &str| {
        message.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let stream = recorded.envelope.stream.to_string();
    assert_eq!(attribute("type").unwrap(), "uk.gov.education.vouchsafe.access-granted.v1");
    assert_eq!(attribute("source").unwrap(), "https://access.example/");
    assert_eq!(attribute("subject").unwrap(), stream);
    assert_eq!(attribute("sequence").unwrap(), "00000000000000000041");
    assert_eq!(attribute("position").unwrap(), "00000000000000000007");
    assert_eq!(attribute("time").unwrap(), "2026-03-14T09:26:53.589793Z");
    assert_eq!(attribute("id"), Some(recorded.envelope.id.to_string()));
    assert_eq!(message.key, format!("access-granted.{}", stream.strip_prefix("organisation-").unwrap()));
    let person = samples().into_iter().find(|(file, ..)| file == "staff-appointed.v1.json").unwrap().1;
    let public = super::public(&person, None).unwrap().unwrap();
    assert_eq!(
        super::super::message::message(&"https://access.example/".parse().unwrap(), &person, public).key,
        "staff-appointed.-"
    );
}
