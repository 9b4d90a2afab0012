//! Cells and the lease while the way to the server falls silent: with the product's own times.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use vouchsafe::reactors::lease::{Lease, Terms};
use vouchsafe::reactors::postman::MailHealth;
use vouchsafe::store::eventstoredb::EventStoreDbStore;
use vouchsafe::store::{Cell, CellName, EventStore, Expected};
use vouchsafe_eventstoredb_stand_in::{AppendFault, Setup, StandIn};

use super::relay::Relay;
use super::{options_at, options_for};
use crate::support::{events, new_stream, new_uuid};

fn name() -> CellName {
    "lease-reactors".parse().unwrap()
}

/// A server, a way to it, and a log that goes this way.
async fn by_relay() -> (StandIn, Relay, EventStoreDbStore) {
    let server = StandIn::start(Setup::default()).unwrap();
    let relay = Relay::to(server.address()).await;
    let store = EventStoreDbStore::open(&options_at(relay.address())).await.unwrap();
    (server, relay, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_is_read_and_set_soon_though_the_connection_fell_silent() {
    let (_server, relay, store) = by_relay().await;
    let soon = Terms::default().gives_up.saturating_sub(Terms::default().renew);
    let mut version = store.set_cell(&name(), None, Bytes::from_static(b"0")).await.unwrap();
    for text in ["1", "2"] {
        let bytes = Bytes::from_static(text.as_bytes());
        relay.hush();
        let begun = Instant::now();
        version = store.set_cell(&name(), Some(version), bytes.clone()).await.unwrap();
        assert!(begun.elapsed() < soon, "set after {:?}", begun.elapsed());
        relay.hush();
        let begun = Instant::now();
        assert_eq!(store.cell(&name()).await.unwrap(), Some(Cell { version, bytes }));
        assert!(begun.elapsed() < soon, "read after {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_is_slow_breaks_off_nothing_else() {
    let (server, store) = super::impatient().await;
    store.set_cell(&name(), None, Bytes::from_static(b"0")).await.unwrap();
    let connections = || server.faults().asked().features;
    let before = connections();
    // Done, and answered too late; the second try is taken for the same.
    server.faults().append(AppendFault::Slow(Duration::from_secs(3)));
    assert_eq!(store.set_cell(&name(), Some(0), Bytes::from_static(b"1")).await.unwrap(), 1);
    assert_eq!(store.cell(&name()).await.unwrap().unwrap().bytes, "1");
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    let anew = connections() - before;
    assert!(anew <= 1, "{anew}: only the cells' connection may be made anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_gives_up_before_a_lease_does() {
    let (mut server, relay, store) = by_relay().await;
    let options = options_at(relay.address());
    // The last try begins while there is patience. The rest is for a busy machine.
    let bound = options.cell_patience + options.cell_deadline + Duration::from_millis(350);
    assert!(bound < Terms::default().gives_up);
    let version = store.set_cell(&name(), None, Bytes::from_static(b"0")).await.unwrap();
    server.stop();
    for _ in 0..2 {
        let begun = Instant::now();
        store.set_cell(&name(), Some(version), Bytes::from_static(b"1")).await.unwrap_err();
        assert!(begun.elapsed() < bound, "set: {:?}", begun.elapsed());
        let begun = Instant::now();
        store.cell(&name()).await.unwrap_err();
        assert!(begun.elapsed() < bound, "read: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_far_away_gets_the_lease_and_keeps_it() {
    let server = StandIn::start(Setup::default()).unwrap();
    // Longer than a try may take on a connection that is there.
    let relay = Relay::slow_to(server.address(), Duration::from_secs(1)).await;
    let options = options_at(relay.address());
    assert!(options.cell_deadline < Duration::from_secs(1));
    let instance = Instance::start(EventStoreDbStore::open(&options).await.unwrap());
    let begun = Instant::now();
    while instance.taken() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "no try finishes");
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Terms::default().lasts + Terms::default().renew).await;
    assert_eq!(instance.taken(), 1);
    instance.stop().await;
}

/// One who wants the lease, and how often it was had.
struct Instance {
    taken: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Option<()>>,
}

impl Instance {
    fn start(store: EventStoreDbStore) -> Self {
        let (stop, told) = watch::channel(false);
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let lease = Lease::of_cell(Arc::new(store), name(), new_uuid(), Arc::new(MailHealth::default()));
        let work = move |mut stop: watch::Receiver<bool>| {
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                let _ = stop.wait_for(|stop| *stop).await;
            }
        };
        Self { taken, stop, task: tokio::spawn(lease.run(told, || true, work)) }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_holds_the_lease_on_though_connections_fall_silent_and_answers_are_lost() {
    let (server, relay, store) = by_relay().await;
    let holder = Instance::start(store);
    while holder.taken() == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    let rival = Instance::start(EventStoreDbStore::open(&options_for(&server)).await.unwrap());
    let begun = Instant::now();
    // One trouble at a time, for longer than a lease lasts.
    for trouble in [
        None,
        Some(AppendFault::AnswerLost),
        None,
        Some(AppendFault::Slow(Duration::from_secs(2))),
        None,
        Some(AppendFault::Dropped(Duration::from_millis(500))),
    ] {
        match trouble {
            Some(fault) => server.faults().append(fault),
            None => relay.hush(),
        }
        sleep(Terms::default().renew + Duration::from_millis(500)).await;
        assert_eq!((holder.taken(), rival.taken()), (1, 0), "after {:?}", begun.elapsed());
    }
    assert_eq!(server.faults().left(), 0);
    holder.stop().await;
    while rival.taken() == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1));
        sleep(Duration::from_millis(20)).await;
    }
    rival.stop().await;
}
