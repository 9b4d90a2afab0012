//! Signing in with DfE Sign-in, against a provider that misbehaves in every way we could think of.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "JSON values are indexed by their keys")]
#![expect(unreachable_pub, reason = "a test binary exports nothing; `pub` is for its own modules")]

#[path = "identity/api.rs"]
mod api;
#[path = "identity/callback.rs"]
mod callback;
#[path = "identity/endpoints.rs"]
mod endpoints;
#[path = "identity/id_token.rs"]
mod id_token;
#[path = "identity/keys.rs"]
mod keys;
#[path = "identity/misbehaving.rs"]
mod misbehaving;
#[path = "identity/person.rs"]
mod person;
#[path = "identity/world.rs"]
mod world;
