//! The register's own files, where they are at hand beside the repository.

use std::path::PathBuf;

use super::*;

/// Reads files of the register; none if they are not there.
fn read(names: &[&str]) -> Option<Outcome> {
    let mut outcome = Outcome { said: Said::default(), files: Vec::new(), faults: Vec::new() };
    for name in names {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
        if !path.exists() {
            println!("skipped: {} is not there", path.display());
            return None;
        }
        let told = |fault: &Fault| outcome.faults.push(format!("{name}: {fault}"));
        outcome.files.push(outcome.said.take_in(&path, told, |_| {}).unwrap());
    }
    Some(outcome)
}

#[test]
fn the_registers_own_files_are_read_without_a_fault() {
    let names = ["schools_2021.csv", "links_edubasealldata20250422.csv", "schools_2026_sample.csv"];
    let Some(outcome) = read(&names) else { return };
    assert_eq!(outcome.faults, Vec::<String>::new());
    let rows: Vec<_> = outcome.files.iter().map(|file| (file.rows, file.encoding)).collect();
    assert_eq!(rows, [(20_760, Encoding::Utf8), (33_801, Encoding::Windows1252), (1_924, Encoding::Utf8)]);
}

#[test]
fn the_schools_of_2021_have_their_successors() {
    let Some(outcome) = read(&["schools_2021.csv", "links_edubasealldata20250422.csv"]) else { return };
    let news = outcome.said.news(&Lists::default(), date(2025, 4, 22));
    assert_eq!(news.schools.len(), 20_760);
    let succeeded = news.schools.iter().filter(|(_, said)| !said.successors.is_empty()).count();
    assert!((2_300..2_500).contains(&succeeded), "{succeeded}");
    assert!(news.counts.future_links > 0);
    println!("{succeeded} have successors, {:?}", news.counts);
}

#[test]
fn childrens_centres_are_no_schools() {
    let Some(outcome) = read(&["childrens_centres.csv", "childrens_centres_links.csv"]) else { return };
    assert_eq!(outcome.faults, Vec::<String>::new());
    let news = outcome.said.news(&Lists::default(), date(2025, 4, 22));
    assert!(news.schools.is_empty(), "{}", news.schools.len());
}
