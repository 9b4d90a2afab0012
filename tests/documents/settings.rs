//! Every setting is explained, in the example, and has the default that both say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use vouchsafe::config;

use super::{documents, read, rows, under};

/// Where each section's keys are declared.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("server", "src/config.rs", "ServerSettings"),
    ("web", "src/web.rs", "WebSettings"),
    ("storage", "src/config.rs", "StorageSettings"),
    ("sessions", "src/config.rs", "SessionSettings"),
    ("terms", "src/domain/terms.rs", "Terms"),
    ("dfe_sign_in", "src/identity/dfe/settings.rs", "DfeSettings"),
    ("dfe_sign_in.http", "src/identity/http.rs", "HttpSettings"),
    ("dfe_sign_in.api", "src/identity/dfe/settings.rs", "ApiSettings"),
    ("dfe_sign_in.api.http", "src/identity/http.rs", "HttpSettings"),
    ("approvers", "src/config.rs", "ApproverSettings"),
    ("proof", "src/audit/proof/settings.rs", "ProofSettings"),
    ("mail", "src/reactors/mail/settings.rs", "MailSettings"),
    ("broker", "src/reactors/broker/settings.rs", "BrokerSettings"),
    ("log", "src/config.rs", "LogSettings"),
    ("metrics", "src/metrics/settings.rs", "MetricsSettings"),
    ("traces", "src/traces/settings.rs", "TracesSettings"),
];

/// The public fields of a struct, as its source declares them.
fn fields(file: &str, name: &str) -> BTreeSet<String> {
    let source = read(file);
    let start = source.find(&format!("pub struct {name} {{")).unwrap_or_else(|| panic!("{name} in {file}"));
    let body = source[start..].lines().skip(1).take_while(|line| *line != "}");
    let field = |line: &str| Some(line.trim().strip_prefix("pub ")?.split_once(':')?.0.to_owned());
    let found: BTreeSet<_> = body.filter_map(field).collect();
    assert!(!found.is_empty(), "{name} in {file} has no fields");
    found
}

/// The keys of a section: its struct's fields, but for those that are sections of their own.
fn keys(section: &str, file: &str, name: &str) -> BTreeSet<String> {
    let mut found = fields(file, name);
    found.retain(|key| !SECTIONS.iter().any(|(other, ..)| *other == format!("{section}.{key}")));
    // Passwords are no settings of whoever connects: `src/config/read.rs` takes their files out of the section.
    match section {
        "storage" => {
            found.extend(["event_log_password_file", "key_ring_password_file"].map(str::to_owned));
        }
        "mail" | "broker" => drop(found.insert("password_file".to_owned())),
        _ => {}
    }
    found
}

/// Rows of the section's table in docs/configuration.md.
fn table(section: &str) -> Vec<Vec<String>> {
    let text = read("docs/configuration.md");
    rows(under(&text, &format!("### `[{section}]`:")).unwrap_or_else(|| panic!("[{section}] has no heading")))
}

fn key(row: &[String]) -> String {
    row[0].trim_matches('`').to_owned()
}

#[test]
fn every_section_is_known_here() {
    let mut named: BTreeSet<String> = fields("src/config.rs", "Config");
    assert!(named.remove("secrets"));
    let top = SECTIONS.iter().filter(|(section, ..)| !section.contains('.'));
    assert_eq!(named, top.map(|(section, ..)| (*section).to_owned()).collect());
}

#[test]
fn every_setting_is_explained_and_nothing_else_is() {
    for (section, file, name) in SECTIONS {
        let explained: BTreeSet<_> = table(section).iter().map(|row| key(row)).collect();
        assert_eq!(explained, keys(section, file, name), "[{section}] in docs/configuration.md");
        for row in table(section) {
            assert!(row.len() == 3 && row[2].len() > 8, "{section}: {row:?}");
        }
    }
}

/// The example by section: its lines, with `#key = value` (a default) as they stand.
fn example() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut at = String::new();
    for line in read("docs/vouchsafe.example.toml").lines() {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(section) => section.clone_into(&mut at),
            None => found.entry(at.clone()).or_default().push(line.to_owned()),
        }
    }
    found
}

/// A default that is written out: the key and its value.
fn default(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))?
        .split_once(" = ")
}

#[test]
fn the_example_has_every_setting() {
    let example = example();
    for (section, file, name) in SECTIONS {
        let lines = &example[*section];
        let set =
            lines.iter().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
        let set = set.chain(lines.iter().filter_map(|line| default(line)));
        let found: BTreeSet<_> = set.map(|(key, _)| key.to_owned()).collect();
        assert_eq!(found, keys(section, file, name), "[{section}] in docs/vouchsafe.example.toml");
    }
}

#[test]
fn both_documents_name_the_same_defaults() {
    let mut compared = 0;
    for (section, lines) in example() {
        for (name, value) in lines.iter().filter_map(|line| default(line)) {
            let row = table(&section).into_iter().find(|row| key(row) == name).unwrap();
            let written = if value == "none" { value.to_owned() } else { format!("`{value}`") };
            assert_eq!(row[1], written, "[{section}] {name}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

/// Loads the example with its secrets in `folder`, changed as `change` says.
fn load(folder: &tempfile::TempDir, change: impl Fn(&str) -> String) -> String {
    let secrets = folder.path().to_str().unwrap();
    for name in ["dfe-client", "dfe-api", "smtp", "amqp"] {
        fs::write(folder.path().join(name), format!("the {name} secret\n")).unwrap();
    }
    fs::write(folder.path().join("traces"), "authorization: the traces secret\n").unwrap();
    let text = read("docs/vouchsafe.example.toml").replace("/etc/vouchsafe/secrets", secrets);
    let file = folder.path().join("vouchsafe.toml");
    fs::write(&file, change(&text)).unwrap();
    let config = config::load(Some(&file), &BTreeMap::new()).unwrap();
    format!("{config:#?}")
}

#[test]
fn the_example_can_be_used_and_the_defaults_that_it_writes_out_are_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let as_it_is = load(&folder, str::to_owned);
    let written_out = load(&folder, |text| {
        // What is left out by default cannot be written out.
        let out = |line| default(line).is_some_and(|(_, value)| value != "none");
        text.lines().flat_map(|line| [if out(line) { &line[1..] } else { line }, "\n"]).collect()
    });
    assert_eq!(as_it_is, written_out);
    assert!(
        as_it_is.contains("Register early career teachers")
            && !as_it_is.contains("the dfe-client secret")
            && !as_it_is.contains("the traces secret")
    );
}

#[test]
fn every_variable_that_a_document_names_is_one() {
    let settings: BTreeSet<String> = SECTIONS
        .iter()
        .flat_map(|(section, file, name)| {
            let section = section.replace('.', "__");
            keys(section.replace("__", ".").as_str(), file, name)
                .into_iter()
                .map(move |key| format!("{section}__{key}").to_ascii_uppercase())
        })
        .collect();
    let mut found = 0;
    for (path, text) in documents() {
        for rest in text.split("VOUCHSAFE_").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
                .collect();
            let own =
                name.is_empty() || name == "CONFIG" || name == "MASTER_KEY" || name.starts_with("TEST_");
            assert!(own || settings.contains(&name), "{path} names VOUCHSAFE_{name}");
            found += 1;
        }
    }
    assert!(found > 5, "{found}");
}

#[test]
fn the_configuration_of_the_compose_file_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let text = read("deploy/vouchsafe.toml");
    let secrets = text.lines().filter_map(|line| {
        let (key, value) = line.split_once(" = \"")?;
        key.ends_with("_file").then(|| value.trim_end_matches('"').to_owned())
    });
    let mut named: Vec<String> = secrets.collect();
    named.sort();
    named.dedup();
    assert!(named.len() > 4, "{named:?}");
    for path in &named {
        let name = path.strip_prefix("/etc/vouchsafe/").unwrap();
        let authority = rcgen::generate_simple_self_signed(["vouchsafe.test".to_owned()]).unwrap().cert.pem();
        let held = if name == "ca.crt" { authority } else { "secret\n".to_owned() };
        fs::write(folder.path().join(name), held).unwrap();
    }
    let file = folder.path().join("vouchsafe.toml");
    fs::write(&file, text.replace("/etc/vouchsafe", folder.path().to_str().unwrap())).unwrap();
    let config = config::load(Some(&file), &BTreeMap::new()).unwrap();
    assert!(config.storage.event_log.is_some() && config.broker.is_some() && config.metrics.is_some());
}
