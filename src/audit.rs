//! What auditors ask of the history: which events there were, and what each of them says in plain words.
//!
//! The history is the log and nothing else. [`Timeline`] is an index of it that can be thrown away, and
//! [`tell`] puts one event into words.

mod changes;
mod details;
pub mod instant;
pub mod lineage;
pub mod proof;
mod replay;
mod sentence;
mod timeline;
mod words;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use changes::{Change, Changes, Standing, standing};
pub use details::{Detail, Told, Value, tell};
pub use replay::Replay;
pub use sentence::{actor, sentence};
pub use timeline::{Filter, Found, Interrupted, PAGE, Timeline, TimelineError, Total};
pub use words::{GROUPS, Group, kind_words};
