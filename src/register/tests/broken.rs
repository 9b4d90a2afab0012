//! A broken row is told and passed over; a broken file is not taken.

use super::*;

#[test]
fn a_broken_row_is_told_with_its_line_and_column_and_the_rest_goes_on() {
    let file = "URN,EstablishmentName,UKPRN,OpenDate,TypeOfEstablishment (code),LA (code),LA (name)\n\
        12345x,A,,,,,\n\
        100001,,,,,,\n\
        100002,\"B\n(two lines)\",1,,,,\n\
        100003,C,,31-02-2020,,,\n\
        100004,D,,,x,,\n\
        100005,E,,,,12345,Leeds\n\
        100006,F\n\
        100007,G,,,,,,,\n\
        100008,Good,10000001,1/9/2020,01,383,Leeds\n\
        100008,Twice,,,,,\n\
        ,H,,,,,\n";
    assert_eq!(
        faults(file),
        [
            "line 2, column URN: \"12345x\": a URN is six digits, like 123456",
            "line 3, column EstablishmentName: there is nothing in it",
            "line 4, column UKPRN: \"1\": a UKPRN is eight digits, like 10012345",
            "line 6, column OpenDate: \"31-02-2020\": a date is written as 31-08-2021",
            "line 7, column TypeOfEstablishment (code): \"x\": a type is two digits, like 01",
            "line 8, column LA (code): \"12345\": a local authority is three digits, like 383",
            "line 9, column URN: the row has 2 columns, and the file 7",
            "line 10, column URN: the row has 9 columns, and the file 7",
            "line 12, column URN: line 11 is about the same school",
            "line 13, column URN: there is nothing in it",
        ]
    );
    assert_eq!(names(&[file.as_bytes()]), ["Good"]);
}

#[test]
fn a_broken_link_is_told_too() {
    let rows = "100001,x,B,Successor,\n100001,100002,B,Successor,soon\n100001,100001,A,Successor,\n100001,100002,B,,\n";
    assert_eq!(
        faults(&format!("{LINKS}{rows}")),
        [
            "line 2, column LinkURN: \"x\": a URN is six digits, like 123456",
            "line 3, column LinkEstablishedDate: \"soon\": a date is written as 31-08-2021",
            "line 4, column LinkURN: a school cannot succeed itself",
            "line 5, column LinkType: there is nothing in it",
        ]
    );
}

/// Why a file is not taken.
fn why(file: &[u8]) -> String {
    match take_in(&[file]) {
        Ok(_) => "it is taken".to_owned(),
        Err(broken) => broken.to_string(),
    }
}

#[test]
fn a_broken_file_is_not_taken() {
    let header = b"URN,EstablishmentName\n100001,Pl\xc3\xa2s\n".as_slice();
    for (rest, said) in [
        (b"100002,St Mary\xc3".as_slice(), "it ends in the middle of a character: it is not whole"),
        (b"100002,St \xe2\x80 Mary\n", "it is UTF-8 with damage: some of its characters are broken"),
        (
            b"100002,\"St Mary\n100003,C\n",
            "the quote that opens on line 3 is never closed: the file is not whole",
        ),
        (b"100002", "it ends in the middle of line 3: it is not whole"),
        (b"100002,\0\n", "it is no text file: save it as CSV, in UTF-8 or as the register gives it"),
    ] {
        assert_eq!(why(&[header, rest].concat()), said);
    }
    let unknown = b"URN,EstablishmentName\n100001,St\xe9 \x81\n";
    assert_eq!(why(unknown), "it is neither UTF-8 nor Windows-1252: line 2 has a byte that neither knows");
    let marked = b"\xef\xbb\xbfURN,EstablishmentName\n100001,St\xe9 \xe9\xe9\n";
    assert_eq!(why(marked), "it is UTF-8 with damage: some of its characters are broken");
}

#[test]
fn a_file_without_known_columns_is_not_taken() {
    for file in [
        b"".as_slice(),
        b"\n",
        b"URN,Name\n100001,A\n",
        b"<html><body>Sign in</body></html>",
        b"PK\x03\x04zip",
    ] {
        assert!(why(file).starts_with("its first line does not have the columns"), "{file:?}: {}", why(file));
    }
}

#[test]
fn a_quote_within_a_field_opens_nothing() {
    let file = b"URN,EstablishmentName\n100001,The 'A' \"B\" School\n100002,\"The \"\"B\"\" School\"\n100003,\"\"\n100004,C\n";
    assert_eq!(names(&[file]), ["The 'A' \"B\" School", "The \"B\" School", "C"]);
    assert_eq!(names(&[b"URN,EstablishmentName\n100001,\"A\""]), ["A"]);
}
