//! The SQLite log against a model of it that is a list.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;
use vouchsafe::store::{Appended, EventStore, Expected, NewEvent, StoreError};
use vouchsafe_events::{EventId, PersonId, Position, Stream, Version};

use crate::support::{gapless, open};

/// What is done to the log.
#[derive(Clone, Debug)]
enum Step {
    /// Appends events, each an id and a content from a small choice, at a place that may be wrong.
    Append { stream: u8, place: Place, events: Vec<(u8, u8)> },
    /// Appends what an earlier append of the run appended, with the same expectation.
    Repeat(prop::sample::Index),
    /// Closes the log and opens it again.
    Reopen,
}

/// Where an append is meant to go.
#[derive(Clone, Debug)]
enum Place {
    End,
    NoStream,
    Exact(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = prop_oneof![
        6 => Just(Place::End),
        1 => Just(Place::NoStream),
        2 => (0..8_u64).prop_map(Place::Exact),
    ];
    // Few ids and contents, so that they meet often.
    let append = (0..3_u8, place, vec((0..60_u8, 0..2_u8), 0..4))
        .prop_map(|(stream, place, events)| Step::Append { stream, place, events });
    let step = prop_oneof![
        12 => append,
        3 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        1 => Just(Step::Reopen),
    ];
    vec(step, 1..40)
}

fn stream(number: u8) -> Stream {
    Stream::Person(PersonId::from_uuid(Uuid::from_u128(u128::from(number))))
}

fn event((id, content): (u8, u8)) -> NewEvent {
    NewEvent {
        id: EventId::from_uuid(Uuid::from_u128(0xe0_0000 + u128::from(id))),
        kind: "tested",
        bytes: Bytes::from(vec![content; usize::from(content) * 5000]),
    }
}

/// The log as a list: an event's position is its place in it, from 1.
#[derive(Default)]
struct Model(Vec<(Stream, NewEvent)>);

/// The errors that can be compared.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Empty,
    IdTaken(EventId),
    WrongVersion(Option<Version>),
}

impl Model {
    /// The positions of a stream's events.
    fn positions(&self, stream: Stream) -> Vec<u64> {
        let all = (1..).zip(&self.0);
        all.filter(|(_, (of, _))| *of == stream).map(|(position, _)| position).collect()
    }

    fn last(&self, stream: Stream) -> Option<Version> {
        (self.positions(stream).len() as u64).checked_sub(1).map(Version::new)
    }

    fn append(
        &mut self,
        stream: Stream,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, Refused> {
        if events.is_empty() {
            return Err(Refused::Empty);
        }
        for (number, event) in events.iter().enumerate() {
            if events[..number].iter().any(|earlier| earlier.id == event.id) {
                return Err(Refused::IdTaken(event.id));
            }
        }
        let actual = self.last(stream);
        let first = match expected {
            Expected::NoStream => 0,
            Expected::Exact(version) => version.number() + 1,
        };
        let end = first + events.len() as u64;
        if actual.map_or(0, |last| last.number() + 1) == first {
            if let Some(event) = events.iter().find(|event| self.0.iter().any(|(_, old)| old.id == event.id))
            {
                return Err(Refused::IdTaken(event.id));
            }
            self.0.extend(events.iter().map(|event| (stream, event.clone())));
        } else {
            let there: Vec<_> =
                self.positions(stream).into_iter().skip(first as usize).take(events.len()).collect();
            let same = there.iter().map(|position| &self.0[*position as usize - 1].1).eq(events);
            if !same {
                return Err(Refused::WrongVersion(actual));
            }
        }
        let position = self.positions(stream)[end as usize - 1];
        Ok(Appended { version: Version::new(end - 1), position: Position::new(position) })
    }
}

async fn agree(steps: Vec<Step>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let mut store = open(&path).unwrap();
    let mut model = Model::default();
    let mut done: Vec<(Stream, Expected, Vec<NewEvent>)> = Vec::new();
    for step in steps {
        let (stream, expected, events) = match step {
            Step::Append { stream: number, place, events } => {
                let stream = stream(number);
                let expected = match place {
                    Place::End => model.last(stream).map_or(Expected::NoStream, Expected::Exact),
                    Place::NoStream => Expected::NoStream,
                    Place::Exact(version) => Expected::Exact(Version::new(version)),
                };
                (stream, expected, events.into_iter().map(event).collect())
            }
            Step::Repeat(_) if done.is_empty() => continue,
            Step::Repeat(which) => which.get(&done).clone(),
            Step::Reopen => {
                store.close_now().unwrap();
                store = open(&path).unwrap();
                continue;
            }
        };
        let answer = store.append(stream, expected, events.clone()).await.map_err(|error| match error {
            StoreError::Empty => Refused::Empty,
            StoreError::IdTaken(id) => Refused::IdTaken(id),
            StoreError::WrongVersion { actual, .. } => Refused::WrongVersion(actual),
            other => panic!("{other}"),
        });
        assert_eq!(answer, model.append(stream, expected, &events), "{stream} at {expected:?}");
        done.push((stream, expected, events));
    }
    let all = gapless(&store).await;
    let kept: Vec<_> = all.iter().map(|event| (event.stream, event.id, event.bytes.clone())).collect();
    let meant: Vec<_> =
        model.0.iter().map(|(stream, event)| (*stream, event.id, event.bytes.clone())).collect();
    assert_eq!(kept, meant);
    for number in 0..3 {
        let stream = stream(number);
        let own: Vec<_> = all.iter().filter(|event| event.stream == stream).cloned().collect();
        assert_eq!(store.read(stream, Version::FIRST, usize::MAX).await.unwrap(), own);
        let tail: Vec<_> = own.into_iter().skip(1).take(2).collect();
        assert_eq!(store.read(stream, Version::new(1), 2).await.unwrap(), tail);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_does_what_a_list_would(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(agree(steps));
    }
}
