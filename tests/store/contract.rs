//! What every engine promises. Each behaviour is an async function over the trait; `behaviours!` lists them,
//! and one line there runs them all against one more engine.
//!
//! The log may hold other events already, and positions may have gaps: an engine can be a server that
//! outlives the test.

#[path = "contract/appends.rs"]
mod appends;
#[path = "contract/cells.rs"]
mod cells;
#[path = "contract/follows.rs"]
mod follows;
#[path = "contract/reads.rs"]
mod reads;

use std::any::Any;
use std::sync::Arc;

use vouchsafe::store::{Appended, EventStore, Expected, NewEvent, StoreError, StoredEvent};
use vouchsafe_events::{Position, Stream, Version};

use crate::support::open;

/// A log to test, and what must live as long as it does.
pub(crate) struct Ready {
    /// The log.
    pub(crate) store: Arc<dyn EventStore>,
    /// A directory, a server.
    pub(crate) keep: Box<dyn Any + Send>,
}

/// The embedded engine, on a file of its own.
async fn sqlite() -> Option<Ready> {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    Some(Ready { store: Arc::new(store), keep: Box::new(directory) })
}

/// Runs the behaviours against an engine: the name of an async function that makes it ready, or gives none
/// where it cannot run here.
macro_rules! engine {
    ($engine:ident: $($subject:ident { $($behaviour:ident)* })*) => {
        mod $engine {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    match super::$engine().await {
                        Some(ready) => {
                            super::$subject::$behaviour(ready.store.as_ref()).await;
                            drop(ready.keep);
                        }
                        None => println!(concat!("skipped: ", stringify!($engine), " is not to be had here")),
                    }
                }
            )*)*
        }
    };
}

/// Every behaviour, for each engine named.
macro_rules! behaviours {
    ($($engine:ident),*) => {
        $(engine! { $engine:
            appends {
                an_append_to_a_new_stream_tells_where_it_ended
                an_append_goes_on_from_the_version_that_was_read
                a_conflict_tells_what_was_expected_and_what_is
                the_same_append_again_succeeds_and_writes_nothing
                the_same_append_again_succeeds_after_the_stream_went_on
                another_event_at_the_same_place_is_a_conflict
                the_same_id_with_other_bytes_is_a_conflict
                an_append_that_is_there_only_in_part_is_refused
                an_id_that_stands_elsewhere_is_refused
                an_id_twice_in_one_append_is_refused
                what_is_refused_leaves_nothing_behind
                of_many_who_append_at_one_version_one_wins
                a_retry_beside_its_first_try_is_the_same_append
                an_append_without_events_is_refused
                what_is_too_large_is_refused_for_good
                the_largest_that_is_allowed_is_kept
            }
            reads {
                events_come_back_byte_for_byte
                every_kind_of_stream_keeps_its_events_apart
                a_stream_without_events_is_empty
                a_read_starts_and_ends_where_it_is_told
                the_whole_log_comes_in_order_across_streams
                resuming_neither_skips_nor_repeats
                the_head_is_where_the_last_event_stands
                an_event_is_found_at_its_position_and_nowhere_else
                positions_and_versions_beyond_any_number_are_no_trouble
            }
            cells {
                a_cell_holds_what_was_set_last
                a_cell_that_moved_is_not_set
                of_many_who_set_a_cell_at_one_version_one_wins
                a_document_that_is_too_large_is_refused
                cells_are_no_part_of_the_log
            }
            follows {
                a_follower_gets_what_was_then_the_mark_then_what_comes
                a_follower_starts_after_its_position
                a_follower_that_lags_loses_nothing_and_holds_nobody_up
                followers_do_not_wait_for_each_other
            }
        })*
    };
}

behaviours!(sqlite);

/// Appends events and expects success.
async fn appended(
    store: &dyn EventStore,
    stream: Stream,
    expected: Expected,
    events: &[NewEvent],
) -> Appended {
    store.append(stream, expected, events.to_vec()).await.unwrap()
}

/// The error of an append that must be refused.
async fn refused(
    store: &dyn EventStore,
    stream: Stream,
    expected: Expected,
    events: &[NewEvent],
) -> StoreError {
    let error = store.append(stream, expected, events.to_vec()).await.expect_err("a refusal");
    assert!(!error.retryable(), "a refusal stands until somebody changes something: {error}");
    error
}

/// That an append conflicts.
async fn conflicts(
    store: &dyn EventStore,
    stream: Stream,
    expected: Expected,
    events: &[NewEvent],
    now: Option<Version>,
) {
    match refused(store, stream, expected, events).await {
        StoreError::WrongVersion { stream: of, expected: thought, actual } => {
            assert_eq!((of, thought, actual), (stream, expected, now));
        }
        other => panic!("not a conflict: {other}"),
    }
}

/// The events of some streams after a position, in the log's order, read in pages.
async fn after(store: &dyn EventStore, at: Position, streams: &[Stream], page: usize) -> Vec<StoredEvent> {
    let mut found = Vec::new();
    let mut at = at;
    loop {
        let events = store.read_all(at, page).await.unwrap();
        let Some(last) = events.last() else { return found };
        assert!(events.len() <= page);
        at = last.position;
        found.extend(events.into_iter().filter(|event| streams.contains(&event.stream)));
    }
}

const fn exact(version: u64) -> Expected {
    Expected::Exact(Version::new(version))
}
