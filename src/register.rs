//! Reads the register's own downloads: establishments, and the links between them.
//!
//! A file is read twice. The first pass takes it as bytes and finds whether it is whole and how its characters are
//! written; the second takes it row by row. Nothing is recorded before both are through, so that a broken file changes
//! nothing. A broken row is told and passed over.

mod date;
mod decode;
mod establishments;
mod file;
mod links;
mod news;
#[cfg(test)]
mod tests;

pub use decode::Encoding;
pub use file::{Broken, Fault};
pub use links::Links;
pub use news::{Counts, FileCounts, News, Said, What};
