//! What the EventStoreDB engine promises beyond the contract, with a stand-in for the server that can be made to
//! fail: see `tests/eventstoredb/README.md`.

#[path = "eventstoredb/appends.rs"]
mod appends;
#[path = "eventstoredb/cells.rs"]
mod cells;
#[path = "eventstoredb/follows.rs"]
mod follows;
#[path = "eventstoredb/leases.rs"]
mod leases;
#[path = "eventstoredb/reads.rs"]
mod reads;
#[path = "eventstoredb/relay.rs"]
mod relay;
#[path = "eventstoredb/settings.rs"]
mod settings;
#[path = "eventstoredb/tls.rs"]
mod tls;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use vouchsafe::secret::Secret;
use vouchsafe::store::StoreError;
use vouchsafe::store::eventstoredb::{EventStoreDbOptions, EventStoreDbStore, Trouble};
use vouchsafe_eventstoredb_stand_in::{Setup, StandIn};

/// The server that the environment names, with who to be there.
pub(crate) fn real_server() -> Option<EventStoreDbOptions> {
    #[expect(clippy::disallowed_methods, reason = "a test is configured by its environment alone")]
    let setting = |name: &str| std::env::var(format!("VOUCHSAFE_TEST_EVENTSTOREDB{name}")).ok();
    let mut options = EventStoreDbOptions::new(setting("")?);
    options.credentials =
        setting("_USER").map(|user| (user, Secret::from(setting("_PASSWORD").unwrap_or_default())));
    Some(options)
}

/// How a stand-in is reached.
pub(crate) fn options_for(server: &StandIn) -> EventStoreDbOptions {
    options_at(server.address())
}

/// How a stand-in is reached at an address.
fn options_at(address: SocketAddr) -> EventStoreDbOptions {
    EventStoreDbOptions {
        pace: Duration::from_millis(20),
        ..EventStoreDbOptions::new(format!("esdb://{address}?tls=false"))
    }
}

/// A stand-in, and a log on it that gives up sooner than the product does.
async fn impatient() -> (StandIn, EventStoreDbStore) {
    let server = StandIn::start(Setup::default()).unwrap();
    let options = EventStoreDbOptions {
        deadline: Duration::from_millis(400),
        patience: Duration::from_secs(2),
        ..options_for(&server)
    };
    let store = EventStoreDbStore::open(&options).await.unwrap();
    (server, store)
}

/// The trouble under an error.
fn trouble(error: &StoreError) -> &Trouble {
    error.source().and_then(|source| source.downcast_ref()).unwrap_or_else(|| panic!("no trouble: {error}"))
}
