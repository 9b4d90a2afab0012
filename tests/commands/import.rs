//! `vouchsafe import organisations`.

use std::path::PathBuf;

use crate::{Said, Service};

fn import(service: &Service, files: &[&str]) -> Said {
    service.run(&[&["import", "organisations"], files].concat())
}

const SCHOOLS: &[u8] = b"\"URN\",\"EstablishmentName\",\"EstablishmentStatus (code)\",\"CloseDate\"\r\n\
    100001,\"St Mary\x92s\",2,\"31-08-2021\"\r\n\
    100002,\"Greenhill\",1,\"\"\r\n\
    100003,\"Yet to come\",4,\"\"\r\n";
const LINKS: &str = "URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\r\n\
    100001,100002,Greenhill,Successor,\r\n\
    100002,100009,Another,Successor,01-09-2999\r\n";

#[test]
fn schools_come_with_their_successors_and_a_second_import_records_nothing() {
    let service = Service::new();
    let (schools, links) = (service.file("schools.csv", SCHOOLS), service.file("links.csv", LINKS));
    let first = import(&service, &[&schools, &links]);
    assert!(first.success, "{}", first.talk);
    assert!(first.data.contains("schools.csv: 3 rows, in Windows-1252"), "{}", first.data);
    assert_eq!((first.number("registered"), first.number("closed")), (2, 1));
    assert_eq!(first.number("given other successors"), 1);
    assert_eq!(first.number("passed over: proposed to open"), 1);
    assert_eq!(first.number("successions that have not begun yet"), 1);
    assert!(first.talk.contains("brings the people of closed schools"), "{}", first.talk);
    let mut events = service.events();
    events.sort();
    let recorded = [
        "organisation-closed",
        "organisation-registered",
        "organisation-registered",
        "organisation-succeeded",
    ];
    assert_eq!(events, recorded);

    let second = import(&service, &[&links, &schools]);
    assert!(second.success, "{}", second.talk);
    assert_eq!(second.number("schools as they are known"), 2);
    assert_eq!(service.events().len(), 4);

    let renamed = service.file("later.csv", "URN,EstablishmentName\n100002,Greenhill Academy\n");
    let third = import(&service, &[&renamed]);
    assert_eq!((third.number("renamed"), third.number("reopened")), (1, 0));
    assert_eq!(service.events().len(), 5);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let service = Service::new();
    let (schools, links) = (service.file("schools.csv", SCHOOLS), service.file("links.csv", LINKS));
    let dry = import(&service, &["--dry-run", &schools, &links]);
    assert!(dry.success, "{}", dry.talk);
    assert!(dry.data.contains("Would be:") && dry.talk.contains("Nothing was recorded."));
    assert!(!service.0.path().join("data").exists(), "it made the log");
    let done = import(&service, &[&schools, &links]);
    let numbers = |said: &Said| {
        said.data
            .lines()
            .map(str::to_owned)
            .filter(|line| !line.ends_with("be:") && line != "Recorded:")
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&dry), numbers(&done));
    let closed =
        service.file("later.csv", "URN,EstablishmentName,EstablishmentStatus (code)\n100002,Greenhill,2\n");
    let dry = import(&service, &["--dry-run", &closed]);
    assert_eq!((dry.number("closed"), service.events().len()), (1, 4));
}

#[test]
fn a_broken_row_is_told_and_the_rest_goes_on() {
    let service = Service::new();
    let file = service
        .file("schools.csv", "URN,EstablishmentName,UKPRN\n10000,A,x\n12x,B,\n100002,C,12\n100003,D,\n");
    let said = import(&service, &[&file]);
    assert!(said.success, "{}", said.talk);
    assert!(
        said.talk.contains("schools.csv: line 3, column URN: \"12x\": a URN is six digits"),
        "{}",
        said.talk
    );
    assert!(said.talk.contains("schools.csv: line 4, column UKPRN:"), "{}", said.talk);
    assert_eq!((said.number("passed over: broken rows"), said.number("registered")), (2, 1));
    assert_eq!(service.events(), ["organisation-registered"]);
}

#[test]
fn a_broken_file_changes_nothing_though_it_comes_last() {
    let service = Service::new();
    let whole = service.file("schools.csv", SCHOOLS);
    for (broken, why) in [
        (b"URN,EstablishmentName\n100007,\"Cut off".as_slice(), "never closed"),
        (b"URN,EstablishmentName\n100007,Pl\xc3\xa2s\n100008,\xc3", "in the middle of a character"),
        (b"URN,EstablishmentName\n100007,\xe9\x81\n", "neither UTF-8 nor Windows-1252"),
        (b"Not,the,register\n1,2,3\n", "does not have the columns"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text file"),
    ] {
        let broken = service.file("broken.csv", broken);
        let said = import(&service, &[&whole, &broken]);
        assert!(!said.success);
        assert!(said.talk.contains("broken.csv: ") && said.talk.contains(why), "{}", said.talk);
        assert!(said.talk.contains("nothing was recorded"), "{}", said.talk);
    }
    let said = import(&service, &["/nowhere.csv"]);
    assert!(!said.success && said.talk.contains("/nowhere.csv: it cannot be read"), "{}", said.talk);
    assert!(!service.0.path().join("data").exists(), "it made the log");
    assert!(import(&service, &[&whole]).success);
    let renamed = service.file("later.csv", "URN,EstablishmentName\n100002,Greenhill Academy\n");
    assert!(!import(&service, &[&renamed, "/nowhere.csv"]).success);
    assert_eq!(service.events().len(), 3);
}

#[test]
fn the_registers_own_files_come_in_once() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = |name: &str| data.join(name).to_str().unwrap().to_owned();
    let (schools, links, later) =
        (path("schools_2021.csv"), path("links_edubasealldata20250422.csv"), path("schools_2026_sample.csv"));
    if [&schools, &links, &later].iter().any(|path| !PathBuf::from(path).exists()) {
        println!("skipped: the register's files are not beside the repository");
        return;
    }
    let service = Service::new();
    // Each is imported twice, one after the other as they came to be, and then all of them.
    let twice = |files: &[&str]| {
        let first = import(&service, files);
        assert!(first.success, "{}", first.talk);
        let again = import(&service, files);
        assert_eq!(NEWS.map(|words| again.number(words)), [0; 6], "{}", again.data);
        first
    };
    assert_eq!(twice(&[&schools]).number("registered"), 20_760);
    let succeeded = twice(&[&links]).number("given other successors");
    assert!((2_300..2_400).contains(&succeeded), "{succeeded}");
    assert!(twice(&[&later]).number("closed") > 0);
    // Schools that only the later file knows have their successors now.
    assert_eq!(twice(&[&schools, &links, &later]).number("renamed"), 0);
}

/// What the summary counts as news.
const NEWS: [&str; 6] =
    ["registered", "renamed", "described anew", "closed", "reopened", "given other successors"];
