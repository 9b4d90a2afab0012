//! The rules of the house that no compiler keeps: what decides and what folds is pure, and an engine's own word
//! stands in its adapter alone.
//!
//! The files are read, not compiled, so this is quick. Code for tests is free to do as it likes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "purity/rules.rs"]
mod rules;
#[path = "purity/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{IMPURE, UNORDERED, names, strangers};
use source::{Source, read};

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of source, named from the repository's root.
struct File {
    name: String,
    source: Source,
}

/// A module's file with those of all modules in it that are not for tests.
fn module(file: &Path) -> Vec<File> {
    let source = read(&fs::read_to_string(file).unwrap());
    let root = file.ends_with("lib.rs") || file.ends_with("main.rs");
    let folder = if root { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    let inner: Vec<_> =
        source.modules.iter().flat_map(|name| module(&folder.join(name).with_extension("rs"))).collect();
    let name = file.strip_prefix(home()).unwrap().to_str().unwrap().replace('\\', "/");
    let mut files = vec![File { name, source }];
    files.extend(inner);
    files
}

/// The rooms in which everything is pure.
fn pure_rooms() -> Vec<File> {
    ["events/src/lib.rs", "projections/src/lib.rs", "src/domain.rs"]
        .iter()
        .flat_map(|file| module(&home().join(file)))
        .collect()
}

/// All that the product is made of.
fn everything() -> Vec<File> {
    ["events/src/lib.rs", "projections/src/lib.rs", "src/lib.rs", "src/main.rs"]
        .iter()
        .flat_map(|file| module(&home().join(file)))
        .collect()
}

fn manifest(folder: &str) -> toml::Table {
    fs::read_to_string(home().join(folder).join("Cargo.toml")).unwrap().parse().unwrap()
}

/// The names of a manifest's table, as they stand there.
fn dependencies(manifest: &toml::Table, table: &str) -> BTreeSet<String> {
    manifest.get(table).and_then(toml::Value::as_table).unwrap().keys().cloned().collect()
}

/// Every crate that some room depends on, as code names it.
fn crates() -> Vec<String> {
    let named = ["", "events", "projections"].map(|folder| dependencies(&manifest(folder), "dependencies"));
    named.into_iter().flatten().map(|name| name.replace('-', "_")).collect()
}

fn report(found: Vec<(String, Vec<String>)>, rule: &str) {
    let broken: Vec<String> = found
        .into_iter()
        .flat_map(|(file, lines)| lines.into_iter().map(move |line| format!("{file}:{line}")))
        .collect();
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn what_decides_and_what_folds_reaches_out_to_nothing() {
    let files = pure_rooms();
    // The list would be empty too if nothing was read.
    for name in ["events/src/event/access.rs", "projections/src/organisation/fold.rs", "src/domain/person.rs"]
    {
        assert!(files.iter().any(|file| file.name == name), "{name} was not read");
    }
    let found = files.iter().map(|file| (file.name.clone(), names(&file.source, IMPURE))).collect();
    report(
        found,
        "no I/O, clock, randomness or environment in events, projections and domain: make it an argument",
    );
}

#[test]
fn what_decides_and_what_folds_has_the_same_order_in_each_run() {
    // The one place where a hash map is given a hasher without a seed, and is written in order.
    let files = pure_rooms().into_iter().filter(|file| file.name != "projections/src/hash.rs");
    let found = files.map(|file| (file.name, names(&file.source, UNORDERED))).collect();
    report(found, "a hash map has another order in each run: take a BTreeMap, or projections' own Map");
}

#[test]
fn each_room_imports_only_what_lies_below_it() {
    let crates = crates();
    let domain: &[&str] = &["vouchsafe_events", "thiserror", "serde"];
    let rooms: [(&str, &[&str], &[&str]); 2] = [
        ("projections/src/lib.rs", &["vouchsafe_events", "serde"], &[]),
        ("src/domain.rs", domain, &["domain"]),
    ];
    for (room, allowed, own) in rooms {
        let files = module(&home().join(room));
        let found = files
            .into_iter()
            .map(|file| (file.name, strangers(&file.source, &crates, allowed, own)))
            .collect();
        report(found, &format!("{room} and what is in it may import only {allowed:?}"));
    }
}

#[test]
fn the_crates_below_depend_on_no_more_than_is_agreed() {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let events = dependencies(&manifest("events"), "dependencies");
    assert_eq!(events, names(&["idna", "jiff", "serde", "serde_json", "thiserror", "uuid"]));
    let projections = dependencies(&manifest("projections"), "dependencies");
    assert_eq!(projections, names(&["serde", "vouchsafe-events"]));
    for folder in ["events", "projections"] {
        let manifest = manifest(folder);
        for table in ["build-dependencies", "target", "features"] {
            assert!(!manifest.contains_key(table), "{folder} has {table}");
        }
    }
}

/// Each engine's crate, or a part of it, and where it may be named.
const ADAPTERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/store/", "src/privacy/", "src/privacy.rs", "src/audit/", "src/audit.rs"]),
    ("eventstore", &["src/store/eventstoredb/", "src/store/eventstoredb.rs"]),
    ("tonic", &["src/store/eventstoredb/", "src/store/eventstoredb.rs"]),
    ("lettre", &["src/reactors/mail/", "src/reactors/mail.rs"]),
    ("openidconnect", &["src/identity/", "src/identity.rs", "src/demo/", "src/demo.rs"]),
    (
        "reqwest",
        &["src/identity/", "src/identity.rs", "src/demo/", "src/demo.rs", "src/traces/", "src/traces.rs"],
    ),
    ("lapin", &["src/reactors/broker/"]),
    ("schemars", &["src/reactors/broker/"]),
    ("mail_parser", &["src/demo/", "src/demo.rs"]),
    ("metrics::counter", &["src/metrics/"]),
    ("metrics::gauge", &["src/metrics/"]),
    ("metrics::histogram", &["src/metrics/"]),
    ("metrics_exporter_prometheus", &["src/metrics/"]),
    ("opentelemetry", &["src/traces/", "src/traces.rs"]),
    ("opentelemetry_http", &["src/traces/", "src/traces.rs"]),
    ("opentelemetry_otlp", &["src/traces/", "src/traces.rs"]),
    ("opentelemetry_sdk", &["src/traces/", "src/traces.rs"]),
    ("tracing_opentelemetry", &["src/traces/", "src/traces.rs"]),
];

/// Where an engine is named outside its adapters.
fn strayed(file: &str, source: &Source) -> Vec<String> {
    let elsewhere = ADAPTERS.iter().filter(|(_, places)| !places.iter().any(|place| file.starts_with(place)));
    let found = |engine: &str| names(source, &[&engine.split("::").collect::<Vec<_>>()]);
    elsewhere.flat_map(|(engine, _)| found(engine)).collect()
}

#[test]
fn an_engine_is_named_in_its_adapter_alone() {
    let found =
        everything().into_iter().map(|file| (file.name.clone(), strayed(&file.name, &file.source))).collect();
    report(found, "an engine-specific word appears only inside its adapter");
}

#[test]
fn what_breaks_a_rule_is_found() {
    let impure = |text: &str| names(&read(text), IMPURE);
    assert_eq!(impure("use std::fs;"), ["1: std::fs"]);
    assert_eq!(impure("use std::{collections::BTreeMap, io::{self, Write as W}};").len(), 2);
    assert_eq!(impure("fn f() {\n    std::env::var(\"A\");\n}"), ["2: std::env::var"]);
    assert_eq!(impure("let now = jiff::Timestamp::now();"), ["1: jiff::Timestamp::now"]);
    assert_eq!(impure("let id = Uuid::now_v7();").len(), 1);
    assert_eq!(impure("use std::time::{Duration, SystemTime as Clock};"), ["1: std::time::SystemTime"]);
    assert_eq!(impure("println!(\"{}\", r#\"a\"#); 'a: loop { tokio::spawn(f) }").len(), 2);
    assert_eq!(impure("#[cfg(test)]\nmod tests { fn f() {} }\nuse getrandom::fill;"), ["3: getrandom::fill"]);
    assert_eq!(impure("fn f<'a>(c: char) { if c == '\"' { rand::random() } }").len(), 1);
    assert_eq!(names(&read("use std::collections::{BTreeMap, HashMap};"), UNORDERED).len(), 1);
}

#[test]
fn what_breaks_no_rule_is_passed_over() {
    for text in [
        "// std::fs::read\n/* tokio /* rand */ axum */",
        "let a = \"std::fs \\\" tokio\"; let b = r##\"rand \"# tokio\"##; let c = b\"rand\";",
        "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f() { if true { println!() } }\n}",
        "#[cfg(test)]\nuse std::fs;\nuse std::fmt;",
        "struct Grand; fn instant() {} let timestamp = clock.now(); let rando = 1;",
        "fn f(r: u8) -> char { let r#use = r; '\\'' }",
        "use std::time::Duration;",
    ] {
        assert_eq!(names(&read(text), IMPURE), [""; 0], "{text}");
    }
}

#[test]
fn modules_for_tests_are_not_read() {
    let modules = read("mod a;\npub(crate) mod b;\n#[cfg(test)]\nmod tests;\nmod inline { mod c; }").modules;
    assert_eq!(modules, ["a", "b", "c"]);
}

#[test]
fn a_stranger_is_found() {
    let crates = ["serde".to_owned(), "url".to_owned(), "vouchsafe_projections".to_owned()];
    let found = |text: &str| strangers(&read(text), &crates, &["serde"], &["domain"]);
    assert_eq!(found("use serde::Serialize; use super::State; use crate::domain::Terms;"), [""; 0]);
    assert_eq!(found("use url::Url;\nuse crate::{domain::Terms, store::EventStore};").len(), 2);
    assert_eq!(found("fn f(lists: &vouchsafe_projections::Lists) { let url = 1; }").len(), 1);
}

#[test]
fn an_engine_outside_its_adapter_is_found() {
    let source = read("use rusqlite::Connection;");
    assert_eq!(strayed("src/store.rs", &source), ["1: rusqlite::Connection"]);
    assert_eq!(strayed("src/web/people.rs", &source).len(), 1);
    assert_eq!(strayed("src/store/sqlite/writer.rs", &source), [""; 0]);
}
