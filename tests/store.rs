//! The event log: the contract that every engine keeps, and what each engine promises beyond it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and says so when it is skipped"
)]

#[path = "store/contract.rs"]
mod contract;
#[path = "store/crash.rs"]
mod crash;
#[path = "store/eventstoredb.rs"]
mod eventstoredb;
#[path = "store/follow.rs"]
mod follow;
#[path = "store/model.rs"]
mod model;
#[path = "support/small_disk.rs"]
mod small_disk;
#[path = "store/sqlite_disk.rs"]
mod sqlite_disk;
#[path = "store/sqlite_faults.rs"]
mod sqlite_faults;
#[path = "store/sqlite_ids.rs"]
mod sqlite_ids;
#[path = "store/support.rs"]
mod support;
