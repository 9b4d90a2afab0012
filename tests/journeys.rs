//! The whole system, walked as people walk it, against real counterparts: an OpenID provider, a mail server
//! and a browser. `scripts/test` installs what these need.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "journeys/access.rs"]
mod access;
#[path = "journeys/browser.rs"]
mod browser;
#[path = "journeys/burst.rs"]
mod burst;
#[path = "journeys/cluster.rs"]
mod cluster;
#[path = "journeys/dfe_api.rs"]
mod dfe_api;
#[path = "journeys/doors.rs"]
mod doors;
#[path = "journeys/drawing.rs"]
mod drawing;
#[path = "journeys/faults.rs"]
mod faults;
#[path = "journeys/figures.rs"]
mod figures;
#[path = "journeys/instances.rs"]
mod instances;
#[path = "broker/listener.rs"]
#[expect(dead_code, reason = "tests of the broker look closer")]
mod listener;
#[path = "journeys/load.rs"]
mod load;
#[path = "journeys/mail_server.rs"]
mod mail_server;
#[path = "broker/node.rs"]
#[expect(dead_code, reason = "tests of the broker look closer")]
mod node;
#[path = "journeys/one_time_password.rs"]
mod one_time_password;
#[path = "journeys/openid_provider.rs"]
mod openid_provider;
#[path = "journeys/peers.rs"]
mod peers;
#[path = "journeys/person.rs"]
mod person;
#[path = "support/port.rs"]
mod port;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "journeys/sign_in.rs"]
mod sign_in;
#[path = "support/small_disk.rs"]
#[expect(dead_code, reason = "tests of the store do more with it")]
mod small_disk;
#[path = "journeys/upkeep.rs"]
mod upkeep;
#[path = "journeys/world.rs"]
mod world;
