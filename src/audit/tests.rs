//! Every event is put into words, and what is sealed in it is opened as far as it still can be.

use std::collections::BTreeSet;

use vouchsafe_events::{Event, KINDS, Recorded, Sealed};

use super::samples::{HOSTILE, IMRAN, World, story};
use super::{Value, sentence, tell};

#[tokio::test]
async fn every_type_of_event_has_its_sentence() {
    let world = World::lively().await;
    let log = world.log().await;
    let story = story();
    assert_eq!(log.len(), story.len());
    for (recorded, (_, _, _, expected)) in log.iter().zip(&story) {
        assert_eq!(sentence(&world.app, recorded), *expected);
    }
    let told: BTreeSet<_> = log.iter().map(|recorded| recorded.event.kind()).collect();
    assert_eq!(told, KINDS.iter().map(|(kind, _)| *kind).collect());
}

fn typed(world: &World, recorded: &Recorded) -> Vec<String> {
    let details = tell(&world.app, recorded).details;
    details
        .into_iter()
        .filter_map(|detail| if let Value::Typed(text) = detail.value { Some(text) } else { None })
        .collect()
}

/// How many sealed values there are in an event's stored form: nothing else in ours is as long, and base64.
fn sealed_in(recorded: &Recorded) -> usize {
    let stored = serde_json::to_value(&recorded.event).unwrap();
    let fields = stored.as_object().unwrap().values();
    fields.filter(|value| value.as_str().is_some_and(|text| text.len() > 70)).count()
}

#[tokio::test]
async fn whatever_is_sealed_in_an_event_is_opened_once() {
    let world = World::lively().await;
    let mut opened = BTreeSet::new();
    for recorded in world.log().await {
        let texts = typed(&world, &recorded);
        let told = tell(&world.app, &recorded);
        assert_eq!(texts.len(), told.sealed.len(), "{}", recorded.event.kind());
        assert_eq!(texts.len(), sealed_in(&recorded), "{}", recorded.event.kind());
        assert!(!texts.iter().any(|text| text == "[unreadable]"), "{}", recorded.event.kind());
        opened.extend(texts);
    }
    for text in
        [HOSTILE, "Please let me in", "Has moved to another school", "192.0.2.77", "192.0.2.78", "Firefox"]
    {
        assert!(opened.contains(text), "{text}");
    }
}

#[tokio::test]
async fn somebody_who_has_been_erased_is_erased_in_every_sentence_and_detail() {
    let world = World::lively().await;
    world.app.ring().destroy(IMRAN).unwrap();
    let mut seen = 0;
    for recorded in world.log().await {
        let told = tell(&world.app, &recorded);
        let all = format!("{told:?}");
        for text in ["Imran", "Qureshi", "imran", "Please let me in", "Has moved", "192.0.2.77", "Firefox"] {
            assert!(!all.contains(text), "{} still says {text}", recorded.event.kind());
        }
        seen += usize::from(told.sentence.contains("[erased]"));
    }
    assert!(seen > 20);
    let message = world
        .log()
        .await
        .into_iter()
        .find(|found| matches!(found.event, Event::<Sealed>::AccessRequested(_)));
    assert_eq!(typed(&world, &message.unwrap()), ["[erased]"]);
}
