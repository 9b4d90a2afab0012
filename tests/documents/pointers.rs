//! What a document points to is there: other documents and their headings, files of source, names in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use vouchsafe::metrics::catalogue::ALL;

use super::{code_spans, documents, home};

/// The anchors that GitHub gives to a document's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// The targets of a document's links that are in the repository. Pictures are made apart from the text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).filter(
        |target| !target.contains("://") && !target.starts_with("mailto:") && !target.contains("images/"),
    )
}

#[test]
fn every_link_leads_somewhere() {
    let mut found = 0;
    for (path, text) in documents() {
        let folder = home().join(&path).parent().unwrap().to_owned();
        for target in links(&text) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { home().join(&path) } else { folder.join(file) };
            assert!(file.exists(), "{path} links to {target}");
            if !anchor.is_empty() {
                let known = anchors(&fs::read_to_string(&file).unwrap());
                assert!(known.contains(anchor), "{path} links to {target}; the headings are {known:?}");
            }
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}

#[test]
fn every_file_that_is_named_is_there() {
    let rooms = ["src/", "tests/", "events/", "projections/", "docs/", "scripts/", "benches/"];
    let mut found = 0;
    for (path, text) in documents() {
        for span in code_spans(&text) {
            let named = rooms.iter().any(|room| span.starts_with(room));
            // A pattern, or words that only begin like a path; what tests leave behind is not kept.
            if named
                && !span.contains([' ', '*', '<', '…'])
                && !span.ends_with("NAME.mjs")
                && span != "tests/output/"
            {
                assert!(home().join(&span).exists(), "{path} names {span}");
                found += 1;
            }
        }
    }
    assert!(found > 20, "{found}");
}

fn sources(folder: &Path, all: &mut String) {
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            sources(&file, all);
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(file).unwrap());
        }
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut all = String::new();
    for room in ["src", "tests", "events", "projections"] {
        sources(&home().join(room), &mut all);
    }
    let mut found = 0;
    for (path, text) in documents() {
        for span in code_spans(&text) {
            let plain = span.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if plain && span.starts_with("vouchsafe_") {
                assert!(ALL.iter().any(|metric| metric.name == span), "{path} names the metric {span}");
            } else if plain && span.matches('_').count() >= 4 {
                let (test, field) = (format!("fn {span}("), format!("pub {span}: "));
                assert!(all.contains(&test) || all.contains(&field), "{path} names {span}");
                found += 1;
            }
        }
    }
    assert!(found > 8, "{found}");
}
