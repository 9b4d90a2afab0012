//! Downloads as they come: whole and broken, old and new, in two encodings.

mod broken;
mod real;

use std::fs;

use jiff::civil::date;
use tempfile::TempDir;
use vouchsafe_projections::Lists;

use super::*;
use crate::domain::organisation::InRegister;

/// What came of reading files.
struct Outcome {
    said: Said,
    files: Vec<FileCounts>,
    faults: Vec<String>,
}

/// Reads files with these bytes, one after the other.
fn take_in(files: &[&[u8]]) -> Result<Outcome, Broken> {
    let folder = TempDir::new().unwrap();
    let mut outcome = Outcome { said: Said::default(), files: Vec::new(), faults: Vec::new() };
    for bytes in files {
        let path = folder.path().join("download.csv");
        fs::write(&path, bytes).unwrap();
        let told = |fault: &Fault| outcome.faults.push(fault.to_string());
        outcome.files.push(outcome.said.take_in(&path, told, |_| {})?);
    }
    Ok(outcome)
}

/// What is new of it to a service that knows nothing.
fn news(files: &[&[u8]]) -> Vec<InRegister> {
    let news = take_in(files).unwrap().said.news(&Lists::default(), date(2026, 11, 25));
    news.schools.into_iter().map(|(_, said)| said).collect()
}

/// The names of the schools.
fn names(files: &[&[u8]]) -> Vec<String> {
    news(files).into_iter().map(|said| said.establishment.unwrap().name.into()).collect()
}

fn faults(file: &str) -> Vec<String> {
    take_in(&[file.as_bytes()]).unwrap().faults
}

#[test]
fn columns_are_found_by_name_wherever_they_stand() {
    let found = news(&[b"\"CloseDate\",\"EstablishmentName\",\"LA (name)\",\"UKPRN\",\"EstablishmentStatus (code)\",\"LA (code)\",\"URN\",\"New column\",\"TypeOfEstablishment (code)\"\r\n\"31-08-2021\",\"Greenhill, Leeds\",\"Leeds\",\"10000001\",\"2\",\"383\",\"123456\",\"x\",\"1\"\r\n"]);
    let school = found[0].establishment.clone().unwrap();
    assert_eq!(&*school.name, "Greenhill, Leeds");
    assert_eq!(school.ukprn.unwrap().to_string(), "10000001");
    assert_eq!(school.establishment_type.as_deref(), Some("01"));
    let authority = school.local_authority.unwrap();
    assert_eq!((&*authority.code, &*authority.name), ("383", "Leeds"));
    assert_eq!(school.open, Some(false));
}

#[test]
fn a_file_without_statuses_says_nothing_of_open_or_closed() {
    let found = news(&[b"URN,EstablishmentName\n123456,Greenhill\n"]);
    assert_eq!(found[0].establishment.as_ref().unwrap().open, None);
}

#[test]
fn a_status_is_open_closed_or_not_open_yet() {
    let file = "URN,EstablishmentName,EstablishmentStatus (code)\n100001,A,1\n100002,B,2\n100003,C,3\n100004,D,4\n100005,E,5\n100006,F,\n20001,G,1\n";
    let outcome = take_in(&[file.as_bytes()]).unwrap();
    let what = What::Establishments { schools: 3, not_open_yet: 1, no_school: 1 };
    let counts = FileCounts { encoding: Encoding::Utf8, rows: 7, broken: 2, what };
    assert_eq!(outcome.files, [counts]);
    assert_eq!(
        outcome.faults,
        [
            "line 6, column EstablishmentStatus (code): a status is 1, 2, 3 or 4",
            "line 7, column EstablishmentStatus (code): there is nothing in it",
        ]
    );
    let open: Vec<_> =
        news(&[file.as_bytes()]).into_iter().map(|said| said.establishment.unwrap().open).collect();
    assert_eq!(open, [Some(true), Some(false), Some(true)]);
}

#[test]
fn utf_8_and_windows_1252_are_told_apart() {
    let school = |name: &[u8]| [b"URN,EstablishmentName\n123456,".as_slice(), name, b"\n"].concat();
    for (name, read) in [
        ("Pl\u{e2}s \u{2019}n".as_bytes(), "Plâs ’n"),
        (b"Pl\xe2s \x92n".as_slice(), "Plâs ’n"),
        (b"\x80 \x9f \xff".as_slice(), "€ Ÿ ÿ"),
        ("\u{200b}Greenhill\u{202e} \t School".as_bytes(), "\u{200b}Greenhill School"),
    ] {
        assert_eq!(names(&[&school(name)]), [read]);
    }
    let marked = [b"\xef\xbb\xbf".as_slice(), &school("Plâs".as_bytes())].concat();
    assert_eq!(names(&[&marked]), ["Plâs"]);
    let quoted =
        [b"\xef\xbb\xbf\"URN\",\"EstablishmentName\"\r\n".as_slice(), "\"123456\",\"Plâs\"\r\n".as_bytes()];
    assert_eq!(names(&[&quoted.concat()]), ["Plâs"]);
}

#[test]
fn a_character_may_lie_across_two_chunks() {
    for pad in 65_500..65_560 {
        let mut file = b"URN,EstablishmentName,Other\n123456,Greenhill,".to_vec();
        file.resize(pad, b'x');
        file.extend_from_slice("é’\n100001,Plâs,\n".as_bytes());
        let outcome = take_in(&[&file]).unwrap();
        assert_eq!(outcome.files[0].encoding, Encoding::Utf8);
        assert_eq!(names(&[&file]), ["Plâs", "Greenhill"]);
    }
}

#[test]
fn a_later_file_goes_before_an_earlier_one_and_adds_to_it() {
    let found = news(&[
        b"URN,EstablishmentName,UKPRN,EstablishmentStatus (code)\n123456,Greenhill,10000001,2\n",
        b"URN,EstablishmentName,TypeOfEstablishment (code)\n123456,Greenhill Academy,34\n",
    ]);
    let school = found[0].establishment.clone().unwrap();
    assert_eq!(&*school.name, "Greenhill Academy");
    assert_eq!((school.open, school.ukprn.is_some()), (Some(false), true));
    assert_eq!(school.establishment_type.as_deref(), Some("34"));
}

const LINKS: &str = "URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\n";

fn successors_of(before: &str, rows: &str) -> (usize, usize) {
    let schools = format!("URN,EstablishmentName\n{before},Greenhill\n");
    let outcome = take_in(&[schools.as_bytes(), format!("{LINKS}{rows}").as_bytes()]).unwrap();
    let news = outcome.said.news(&Lists::default(), date(2026, 11, 25));
    (news.schools[0].1.successors.len(), news.counts.future_links)
}

#[test]
fn either_half_of_a_link_is_enough_and_both_are_one() {
    assert_eq!(successors_of("100001", "100001,100002,B,Successor,\n"), (1, 0));
    assert_eq!(successors_of("100001", "100002,100001,A,Predecessor - merged,\n"), (1, 0));
    let both = "100001,100002,B,Successor - merged,\n100002,100001,A,Predecessor,01-09-2020\n100001,100003,C,Successor - Split School,01/09/2020\n";
    assert_eq!(successors_of("100001", both), (2, 0));
}

#[test]
fn a_link_that_begins_later_waits() {
    assert_eq!(successors_of("100001", "100001,100002,B,Successor,26-11-2026\n"), (0, 1));
    assert_eq!(successors_of("100001", "100001,100002,B,Successor,25-11-2026\n"), (1, 0));
    let dated_once = "100001,100002,B,Successor,\n100002,100001,A,Predecessor,26-11-2026\n";
    assert_eq!(successors_of("100001", dated_once), (0, 1));
    let dated_twice = "100001,100002,B,Successor,26-11-2026\n100002,100001,A,Predecessor,01-09-2020\n";
    assert_eq!(successors_of("100001", dated_twice), (1, 0));
}

#[test]
fn other_links_are_no_succession() {
    let rows = "100001,100002,B,Result of Amalgamation,\n100001,100003,C,Sixth Form Centre Link,\n100001,20004,D,Successor,\n";
    assert_eq!(successors_of("100001", rows), (0, 0));
}

#[test]
fn successors_of_a_school_that_nobody_knows_are_not_noted() {
    let outcome = take_in(&[format!("{LINKS}100001,100002,B,Successor,\n").as_bytes()]).unwrap();
    let news = outcome.said.news(&Lists::default(), date(2026, 11, 25));
    assert!(news.schools.is_empty());
    assert_eq!(news.counts.not_registered, 1);
}
