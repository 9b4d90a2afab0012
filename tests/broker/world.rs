//! A log with a history, and a publisher over it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vouchsafe::app::App;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::config;
use vouchsafe::reactors::broker::{BrokerHealth, BrokerSettings, Publisher};
use vouchsafe::runtime::Core;
use vouchsafe::secret::Secret;
use vouchsafe::store::{Expected, NewEvent};
use vouchsafe_events::{
    Actor, Email, Envelope, Event, EventId, Introduction, NameChanged, OrganisationId, OrganisationRenamed,
    PersonId, PersonIntroduced, Plain, Stream, Uuid, Version, encode,
};

use crate::node::Place;

/// A name that nothing else in a message could be.
pub(crate) const UNUSUAL: &str = "Zebulon Quixwhistle";

/// A log in a folder of its own.
pub(crate) struct World {
    pub(crate) app: Arc<App>,
    core: Option<Core>,
    folder: tempfile::TempDir,
}

/// A publisher that runs.
pub(crate) struct Running {
    pub(crate) health: Arc<BrokerHealth>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Answers what it tells when it has left off.
    pub(crate) async fn stop(self) -> Arc<BrokerHealth> {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
        self.health
    }

    /// Drops it where it stands, as when a lease was lost and its grace is over.
    pub(crate) async fn abort(self) -> Arc<BrokerHealth> {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.health
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// One whose key ring is in a database.
    pub(crate) async fn with_ring(address: &str) -> Self {
        Self::with(&format!("key_ring = '{address}'\n")).await
    }

    async fn with(storage: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        std::fs::write(folder.path().join("secret"), "a secret\n").unwrap();
        // Nobody signs in here, and mail goes by settings of its own.
        let text = format!(
            "[storage]\nfolder = '{at}/data'\n{storage}\
             [dfe_sign_in]\nissuer = 'https://oidc.example'\nclient_id = 'vouchsafe'\n\
             client_secret_file = '{at}/secret'\nredirect_url = 'https://access.example/auth/callback'\n\
             [mail]\nhost = 'localhost'\nfrom_address = 'no-reply@vouchsafe.example'\nfrom_name = 'Vouchsafe'\n"
        );
        let file = folder.path().join("vouchsafe.toml");
        std::fs::write(&file, text).unwrap();
        let config = config::load(Some(&file), &BTreeMap::new()).unwrap();
        let core = Core::open(&config, Arc::new(SystemClock)).await.unwrap();
        Self { app: Arc::clone(&core.app), core: Some(core), folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn close(mut self) {
        let core = self.core.take().unwrap();
        drop(self.app);
        core.close().await.unwrap();
    }

    /// Appends events to a stream, after those that are there.
    pub(crate) async fn append(&self, stream: Stream, after: Option<Version>, events: Vec<Event<Plain>>) {
        let expected = after.map_or(Expected::NoStream, Expected::Exact);
        let at = SystemClock.now();
        let mut version = expected.next();
        let mut stored = Vec::new();
        for event in events {
            let id = EventId::from_uuid(self.app.random().uuid(at).unwrap());
            let envelope = Envelope {
                id,
                stream,
                version,
                at,
                actor: Actor::Operator,
                causation: None,
                correlation: None,
            };
            let sealed = event.seal(|slot, plain| self.app.ring().seal(id, slot, plain)).unwrap();
            let bytes = Bytes::from(encode(&envelope, &sealed).unwrap());
            stored.push(NewEvent { id, kind: sealed.kind(), bytes });
            version = version.next();
        }
        self.app.store().append(stream, expected, stored).await.unwrap();
    }

    /// People who became known and changed their names again and again, and organisations that did: `rounds` rounds of
    /// three events in each of `streams` streams, one stream after the other in each round.
    pub(crate) async fn history(&self, streams: u128, from_round: u64, rounds: u64) -> usize {
        let mut count = 0;
        for round in from_round..from_round + rounds {
            for number in 1..=streams {
                let after = (round * 3).checked_sub(1).map(Version::new);
                let person = PersonId::from_uuid(Uuid::from_u128(number));
                let (stream, events) = if number % 4 == 0 {
                    let organisation = OrganisationId::from_uuid(Uuid::from_u128(number));
                    let name = |n: u64| format!("School {number} of round {round}, {n}").into();
                    let renamed = |n| Event::OrganisationRenamed(OrganisationRenamed { name: name(n) });
                    (Stream::Organisation(organisation), (0..3).map(renamed).collect())
                } else {
                    let name = |n: u64| {
                        Event::NameChanged(NameChanged {
                            name: Plain::about(person, format!("{UNUSUAL} {round} {n}")),
                        })
                    };
                    let mut events: Vec<_> = (0..3).map(name).collect();
                    if round == 0 {
                        events[0] = self.introduced(person);
                    }
                    (Stream::Person(person), events)
                };
                count += events.len();
                self.append(stream, after, events).await;
            }
        }
        count
    }

    /// A person becomes known.
    pub(crate) fn introduced(&self, person: PersonId) -> Event<Plain> {
        let email: Email = format!("p{}@quixwhistle.example", person.uuid().as_u128()).parse().unwrap();
        let hash = self.app.ring().hash_email(&email);
        Event::PersonIntroduced(PersonIntroduced {
            email: Plain::about(person, email.as_str()),
            hash,
            name: Some(Plain::about(person, UNUSUAL)),
            how: Introduction::Support,
        })
    }

    /// Runs a publisher.
    pub(crate) fn publish(&self, place: &Place, exchange: &str, more: &str) -> Running {
        self.publish_to(&place.url(), place, exchange, more)
    }

    /// The same to another address.
    pub(crate) fn publish_to(&self, url: &str, place: &Place, exchange: &str, more: &str) -> Running {
        let settings: BrokerSettings = toml::from_str(&format!(
            "url = '{url}'\nusername = '{}'\nexchange = '{exchange}'\n{more}",
            place.user
        ))
        .unwrap();
        settings.check(true).unwrap();
        let health = Arc::new(BrokerHealth::default());
        let publisher = Publisher::new(
            Arc::clone(&self.app),
            settings,
            Secret::from(place.password.clone()),
            "https://access.example/".parse().unwrap(),
            Arc::clone(&health),
        )
        .unwrap();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move { publisher.run(stopped).await });
        Running { health, stop, task }
    }
}
