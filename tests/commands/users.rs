//! `vouchsafe users` and `vouchsafe organisations`.

use crate::{Said, Service};

/// A service with one organisation that keeps a list, and one that is a school.
fn service() -> Service {
    let service = Service::new();
    let added = service.run(&["organisations", "add", "--kind", "lead-provider", "Northern Training"]);
    assert!(added.success, "{}", added.talk);
    let schools = service.file("schools.csv", "URN,EstablishmentName\n100002,Greenhill\n");
    assert!(service.run(&["import", "organisations", &schools]).success);
    service
}

fn import(service: &Service, organisation: &str, more: &[&str], csv: &str) -> Said {
    let file = service.file("users.csv", csv);
    service.run(&[&["users", "import", "--organisation", organisation], more, &[&file]].concat())
}

const ROWS: &str = "email,name\n\
    ann@northern.example,Ann\n\
    bea@gmial.com,Bea\n\
    ANN@northern.example,Ann again\n\
    ,Nobody\n\
    not an address,Nobody\n";

#[test]
fn a_file_of_people_comes_on_the_list_row_by_row() {
    let service = service();
    let before = service.events().len();
    let dry = import(&service, "Northern Training", &["--dry-run"], ROWS);
    assert!(dry.success, "{}", dry.talk);
    assert!(
        dry.talk.contains("2 people would be put on the list of Northern Training; 3 rows were left out.")
    );
    assert_eq!(service.events().len(), before, "a dry run wrote");

    let done = import(&service, "Northern Training", &[], ROWS);
    assert!(done.success, "{}", done.talk);
    let rows: Vec<_> = done.data.lines().collect();
    assert_eq!(
        rows,
        [
            "2\tann@northern.example\tadded",
            "3\tbea@gmial.com\tadded, but check it: did you mean gmail.com?",
            "4\tANN@northern.example\tleft out: the same address as in line 2",
            "5\t\tleft out: no email address",
            "6\tnot an address\tleft out: not an email address",
        ]
    );
    let again = import(&service, "Northern Training", &[], "email\nann@northern.example\n");
    assert_eq!(again.data, "2\tann@northern.example\ton the list already\n");
}

#[test]
fn a_list_that_takes_nobody_introduces_nobody() {
    let service = service();
    let before = service.events().len();
    let said = import(&service, "Greenhill", &[], "email\nann@greenhill.example\n");
    assert!(said.data.starts_with("2\tann@greenhill.example\tleft out: "), "{}{}", said.data, said.talk);
    assert!(said.talk.contains("0 people were put on the list"), "{}", said.talk);
    assert_eq!(service.events().len(), before);
}

#[test]
fn one_person_is_added_found_renamed_and_removed() {
    let service = service();
    let at = ["--organisation", "Northern Training"];
    let run = |arguments: &[&str]| {
        let said = service.run(arguments);
        assert!(said.success, "{}", said.talk);
        said
    };
    run(&[&["users", "add"], at.as_slice(), &["--name", "Jane Doe", "jane@northern.example"]].concat());
    run(&["users", "change-email", "jane@northern.example", "jane.doe@northern.example"]);
    let listed = run(&[&["users", "list"], at.as_slice()].concat());
    assert!(listed.data.starts_with("jane.doe@northern.example\tJane Doe\t"), "{}", listed.data);
    run(&[&["users", "remove"], at.as_slice(), &["--reason", "They have left", "jane.doe@northern.example"]]
        .concat());
    assert_eq!(run(&[&["users", "list"], at.as_slice()].concat()).data, "");
}

#[test]
fn what_cannot_be_done_is_told_with_what_helps() {
    let service = service();
    for (arguments, says) in [
        (
            ["users", "add", "--organisation", "Nowhere", "a@b.example"].as_slice(),
            "no organisation is called Nowhere",
        ),
        (&["users", "add", "--organisation", "Northern Training", "a b"], "a b is "),
        (&["users", "change-email", "x@b.example", "y@b.example"], "nobody is known by that address"),
        (&["organisations", "add", "--kind", "lead-provider", "northern training"], "is registered already"),
    ] {
        let said = service.run(arguments);
        assert!(!said.success && said.talk.contains(says), "{arguments:?}: {}", said.talk);
    }
}
