//! A small world for tests: a log, a key ring, and at least one event of every type, written the way the
//! product writes them.

mod story;

use std::sync::Arc;

use tempfile::TempDir;
use vouchsafe_events::*;

pub(crate) use story::story;

use super::Timeline;
use crate::app::{App, Cause, Following, SessionLimits};
use crate::clock::SetClock;
use crate::domain::Terms;
use crate::privacy::{KeyRing, MasterKey, SqliteKeyStore};
use crate::store::EventStore;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

pub(crate) const FOLA: PersonId = person(1);
pub(crate) const IMRAN: PersonId = person(2);
pub(crate) const DEREK: PersonId = person(3);
pub(crate) const JUDITH: PersonId = person(4);
pub(crate) const ALDERBROOK: OrganisationId = organisation(1);
pub(crate) const ST_MARYS: OrganisationId = organisation(2);
pub(crate) const ELSEWHERE: OrganisationId = organisation(3);

/// Something that people might type, and that must never reach a page as it is.
pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script> & 'Co'";

pub(crate) const fn person(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(0x0192_f5a4_7c1e_7000_8000_0000_0000_1000 + number))
}

pub(crate) const fn organisation(number: u128) -> OrganisationId {
    OrganisationId::from_uuid(Uuid::from_u128(0x0192_f5a4_7c1e_7000_8000_0000_0000_2000 + number))
}

pub(crate) const REQUEST: RequestId = RequestId::from_uuid(Uuid::from_u128(0x30));
const REVIEW: ReviewId = ReviewId::from_uuid(Uuid::from_u128(0x40));

/// 9 March 2026, 10:00 in London.
pub(crate) fn start() -> Timestamp {
    "2026-03-09T10:00:00.000000Z".parse().unwrap()
}

/// A log with all that goes with it. Its files go when it is dropped.
pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) master: MasterKey,
    pub(crate) folder: TempDir,
}

impl World {
    /// Without any event.
    pub(crate) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::generate().unwrap();
        let keys = Arc::new(SqliteKeyStore::open(&folder.path().join("keys.db")).unwrap());
        let ring = Arc::new(KeyRing::new(keys, &master).unwrap());
        let log = SqliteStore::open(&folder.path().join("events.db"), SqliteOptions::default()).unwrap();
        let store: Arc<dyn EventStore> = Arc::new(log);
        let following = Following::begin(store.as_ref(), None).await.unwrap();
        tokio::spawn(following.clone().follow(Arc::clone(&store)));
        let clock = Arc::new(SetClock::at(start()));
        let limits = SessionLimits { absolute_seconds: 36_000, idle_seconds: 3600 };
        let shared = Arc::clone(&clock) as Arc<dyn crate::clock::Clock>;
        let app = App::new(Arc::clone(&store), following, ring, shared, Terms::default(), limits);
        Self { app: Arc::new(app), store, clock, master, folder }
    }

    /// With an hour's history that has every type of event in it.
    pub(crate) async fn lively() -> Self {
        let world = Self::empty().await;
        for (minute, (stream, actor, event, _)) in (0_i64..).zip(story()) {
            world.clock.set(start().plus_seconds(60 * minute));
            world.happens(stream, actor, event).await;
        }
        world
    }

    /// Writes one event.
    pub(crate) async fn happens(&self, stream: Stream, actor: Actor, event: Event<Plain>) -> Position {
        self.app.write(stream, Cause::by(actor), vec![event]).await.unwrap().position
    }

    /// Every event in the log.
    pub(crate) async fn log(&self) -> Vec<Recorded> {
        let stored = self.store.read_all(Position::START, 100_000).await.unwrap();
        stored.iter().map(|event| decode(event.position, &event.bytes).unwrap()).collect()
    }

    /// An index of the history that has caught up.
    pub(crate) async fn timeline(&self) -> Arc<Timeline> {
        let timeline = Timeline::open(&self.folder.path().join("timeline.db")).unwrap();
        timeline.take(&self.log().await).unwrap();
        Arc::new(timeline)
    }
}
