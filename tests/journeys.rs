//! The whole system, walked as people walk it, against real counterparts: an OpenID provider, a mail server
//! and a browser. `scripts/test` installs what these need.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "journeys/drawing.rs"]
mod drawing;
#[path = "journeys/mail_server.rs"]
mod mail_server;
#[path = "journeys/openid_provider.rs"]
mod openid_provider;
#[path = "journeys/peers.rs"]
mod peers;
