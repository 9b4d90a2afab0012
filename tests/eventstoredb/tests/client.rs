//! What the client `eventstore` does that the product steps round. When one of these fails, a newer client may have
//! mended it, and the product's way round may go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventstore::{Client, SubscribeToAllOptions};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use vouchsafe_eventstoredb_stand_in::{Setup, StandIn};

/// Counts what the client says.
struct Count(Arc<AtomicU64>);

impl Subscriber for Count {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("eventstore::commands")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscription_that_the_server_ends_is_asked_for_ever_and_cannot_be_stopped() {
    let server = StandIn::start(Setup::default()).unwrap();
    let url = format!("esdb://{}?tls=false", server.address());
    let said = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&said);
    // The thread is lost: it ends with the test's process.
    let lost = std::thread::spawn(move || {
        tracing::subscriber::with_default(Count(count), || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = Client::new(url.parse().unwrap()).unwrap();
                let mut subscription = client.subscribe_to_all(&SubscribeToAllOptions::default()).await;
                // A time limit does not help: the client never gives way to it.
                let _ = tokio::time::timeout(Duration::from_millis(1500), subscription.next()).await;
            });
        });
    });
    std::thread::sleep(Duration::from_secs(4));
    assert!(!lost.is_finished(), "the time limit was kept");
    assert!(said.load(Ordering::Relaxed) > 10_000, "{said:?}");
}
