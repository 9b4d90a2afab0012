//! A stand-in for an EventStoreDB server, for tests where no real one can be run.
//!
//! It speaks the part of the public gRPC contract that the product's client uses, and answers as the server's
//! source says the server answers: `README.md` beside this crate lists what was checked where. It is not a
//! database, and that the product works with it does not prove that it works with a server: run the same tests
//! against one before relying on it.
//!
//! A log is kept in memory, or in a folder, where an append is on disk before it is answered.

#![expect(clippy::result_large_err, reason = "a gRPC method answers with tonic's own status")]

mod access;
mod disk;
mod faults;
mod log;
mod members;
mod server;
mod service;
mod wire;

/// The servers' traits and routes, written by `build.rs`.
mod generated {
    #![expect(
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::pedantic,
        unreachable_pub,
        unused_qualifications,
        reason = "the code is generated"
    )]
    include!(concat!(env!("OUT_DIR"), "/event_store.client.streams.Streams.rs"));
    include!(concat!(env!("OUT_DIR"), "/event_store.client.gossip.Gossip.rs"));
    include!(concat!(env!("OUT_DIR"), "/event_store.client.server_features.ServerFeatures.rs"));
}

pub use self::access::User;
pub use self::disk::StartError;
pub use self::faults::{AppendFault, Asked, Faults, ReadFault};
pub use self::log::Record;
pub use self::members::Member;
pub use self::server::{Setup, StandIn};
