//! What an import came to, in lines of a name and a number.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::log;
use crate::register::{Counts, FileCounts, What};

/// The lines, as they come together.
#[derive(Debug, Default)]
pub(super) struct Summary {
    lines: Vec<String>,
    succeeded: bool,
}

/// The events that came of an import, by type.
#[derive(Debug, Default)]
pub(super) struct Happened(BTreeMap<&'static str, u64>);

impl Happened {
    pub(super) fn add(&mut self, kinds: &[&'static str]) {
        for kind in kinds {
            *self.0.entry(kind).or_default() += 1;
        }
    }

    fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }
}

/// What is told of each type of event, in this order, and in which words.
const TOLD: [(&str, &str); 6] = [
    ("organisation-registered", "registered"),
    ("organisation-renamed", "renamed"),
    ("organisation-described", "described anew (local authority, type or UKPRN)"),
    ("organisation-closed", "closed"),
    ("organisation-reopened", "reopened"),
    ("organisation-succeeded", "given other successors"),
];

impl Summary {
    /// A file that was read.
    pub(super) fn file(&mut self, path: &Path, counts: FileCounts) {
        let FileCounts { encoding, rows, broken, what } = counts;
        self.lines.push(format!("{}: {rows} rows, in {}", path.display(), encoding.name()));
        match what {
            What::Establishments { schools, not_open_yet, no_school } => {
                self.number(schools, "schools");
                self.number(not_open_yet, "passed over: proposed to open, not open yet");
                self.number(no_school, "passed over: children's centres, which are no schools");
            }
            What::Links { successions, other } => {
                self.succeeded = true;
                self.number(successions, "successors and predecessors");
                self.number(other, "passed over: other links");
            }
        }
        self.number(broken, "passed over: broken rows, told above");
    }

    /// What the files say that is not recorded.
    pub(super) fn counts(&mut self, counts: Counts) {
        let Counts { as_known, future_links, not_registered } = counts;
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.lines.push("All files together:".to_owned());
        self.number(number(as_known), "schools as they are known");
        if self.succeeded {
            self.number(
                number(future_links),
                "successions that have not begun yet: import again when they have",
            );
            self.number(number(not_registered), "schools with successors that are not registered here");
        }
    }

    fn number(&mut self, number: u64, of: &str) {
        self.lines.push(format!("{number:>8} {of}"));
    }

    /// Writes all of it, with what came of it.
    pub(super) fn print(mut self, happened: &Happened, dry_run: bool) {
        self.lines.push(if dry_run { "Would be:" } else { "Recorded:" }.to_owned());
        for (kind, words) in TOLD {
            self.number(happened.of(kind), words);
        }
        for line in &self.lines {
            log::data(line);
        }
        if dry_run {
            log::say("Nothing was recorded.");
        } else if happened.of("organisation-closed") + happened.of("organisation-succeeded") > 0 {
            log::say(
                "The service brings the people of closed schools to their successors, now if it runs, or once it does.",
            );
        }
    }
}
