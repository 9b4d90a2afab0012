//! Events that fill a log and that nobody acts on: organisations that are registered and renamed.

use std::sync::Arc;

use bytes::Bytes;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::store::{EventStore, Expected, NewEvent};
use vouchsafe_events::{
    Actor, Envelope, Event, EventId, OrganisationId, OrganisationKind, OrganisationRegistered,
    OrganisationRenamed, Sealed, Stream, Uuid, Version, encode,
};

use crate::load;

/// How many events stand in one stream, and go into one append.
const PER_STREAM: u64 = 50;

/// Whose stream the next event goes to, and where it stands there.
pub(crate) struct Writer {
    stream: Stream,
    next: u64,
}

fn uuid() -> Uuid {
    #[expect(clippy::disallowed_methods, reason = "a measurement wants ids as they are in use")]
    Uuid::now_v7()
}

impl Writer {
    /// A new organisation.
    pub(crate) fn new() -> Self {
        Self { stream: Stream::Organisation(OrganisationId::from_uuid(uuid())), next: 0 }
    }

    fn event(&mut self, event: &Event<Sealed>) -> NewEvent {
        let id = EventId::from_uuid(uuid());
        let envelope = Envelope {
            id,
            stream: self.stream,
            version: Version::new(self.next),
            at: SystemClock.now(),
            actor: Actor::System,
            causation: None,
            correlation: None,
        };
        self.next += 1;
        NewEvent { id, kind: event.kind(), bytes: Bytes::from(encode(&envelope, event).unwrap()) }
    }

    fn some(&mut self, count: u64) -> (Expected, Vec<NewEvent>) {
        let expected = match self.next.checked_sub(1) {
            Some(last) => Expected::Exact(Version::new(last)),
            None => Expected::NoStream,
        };
        let event = |number| match number {
            0 => Event::OrganisationRegistered(OrganisationRegistered {
                name: "An organisation of no importance".into(),
                kinds: vec![OrganisationKind::DeliveryPartner],
                urn: None,
                ukprn: None,
                dfe_sign_in: None,
                establishment_type: None,
                local_authority: None,
            }),
            _ => Event::OrganisationRenamed(OrganisationRenamed {
                name: format!("An organisation that had {number} other names").into(),
            }),
        };
        let events = (0..count).map(|_| self.event(&event(self.next))).collect();
        (expected, events)
    }

    /// Appends so many events at once.
    pub(crate) async fn appends(&mut self, store: &dyn EventStore, count: u64) {
        let (expected, events) = self.some(count);
        store.append(self.stream, expected, events).await.unwrap();
    }
}

/// Gives a school that is known another name: what people see of it once all before has been taken in.
pub(crate) async fn renames(store: &dyn EventStore, school: OrganisationId, name: &str) {
    let stream = Stream::Organisation(school);
    let known = store.read(stream, Version::FIRST, 4096).await.unwrap();
    let mut writer = Writer { stream, next: u64::try_from(known.len()).unwrap() };
    let expected = Expected::Exact(Version::new(writer.next - 1));
    let event = writer.event(&Event::OrganisationRenamed(OrganisationRenamed { name: name.into() }));
    store.append(stream, expected, vec![event]).await.unwrap();
}

/// Fills a log with so many events, many streams at once.
pub(crate) async fn fill(store: &Arc<dyn EventStore>, events: u64) {
    let streams = (0..events / PER_STREAM).map(|_| Writer::new()).collect();
    load::drive_through(128, streams, async |writer: &mut Writer| {
        writer.appends(store.as_ref(), PER_STREAM).await;
        load::Outcome::Done
    })
    .await;
}
