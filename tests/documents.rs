//! What the documents say is so: settings, defaults, commands, event types and the files that they point to.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "documents/commands.rs"]
mod commands;
#[path = "documents/events.rs"]
mod events;
#[path = "documents/pointers.rs"]
mod pointers;
#[path = "documents/settings.rs"]
mod settings;

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root.
fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(home().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All documents: their paths and texts.
fn documents() -> Vec<(String, String)> {
    let mut found: Vec<String> =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(str::to_owned).into_iter().collect();
    for folder in ["docs", "docs/decisions"] {
        let files = fs::read_dir(home().join(folder)).unwrap().map(|file| file.unwrap().path());
        let pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        found.extend(pages.map(|path| format!("{folder}/{}", name(&path))));
    }
    found.sort();
    found.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The text of every `code span`, outside of code blocks.
fn code_spans(text: &str) -> Vec<String> {
    let mut block = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            block = !block;
        } else if !block && !line.starts_with("    ") {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
}

/// Every line of a code block, fenced or indented.
fn code_lines(text: &str) -> Vec<String> {
    let mut block = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            block = !block;
        } else if block || line.starts_with("    ") {
            found.push(line.trim().to_owned());
        }
    }
    found
}

/// The rows of the tables in a text, cell by cell, without those that only rule lines or name columns.
fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    text.lines().filter(|line| line.starts_with("| `")).map(cells).collect()
}

/// The part of a text under a heading, up to the next one of the same or a higher level.
fn under<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let level = heading.bytes().take_while(|byte| *byte == b'#').count();
    let start = text.find(&format!("\n{heading}"))? + 1;
    let body = &text[start + heading.len()..];
    let higher = |line: &str| {
        let marks = line.bytes().take_while(|byte| *byte == b'#').count();
        (1..=level).contains(&marks)
    };
    let mut length = 0;
    for line in body.split_inclusive('\n') {
        if length > 0 && higher(line) {
            break;
        }
        length += line.len();
    }
    Some(&body[..length])
}
