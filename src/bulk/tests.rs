use super::*;

fn emails(text: &str) -> Vec<(String, String)> {
    read(text).unwrap().into_iter().map(|row| (row.email, row.name)).collect()
}

fn fate(text: &str) -> Vec<Fate> {
    let own = ["northern.example".to_owned()];
    let known = |email: &Email| match email.as_str() {
        "on@northern.example" => Known::Listed,
        "me@education.gov.uk" => Known::Oneself,
        _ => Known::Nothing,
    };
    fates(read(text).unwrap(), &own, known).into_iter().map(|(_, fate)| fate).collect()
}

#[test]
fn columns_are_read_by_their_names_or_in_the_usual_order() {
    let expected = [("a@b.example".to_owned(), "Ann Lee".to_owned())];
    for text in [
        "email,name\r\na@b.example,Ann Lee\r\n",
        "Name;Email address\na b;\n".replace("a b;", "Ann Lee;a@b.example").as_str(),
        "a@b.example,Ann Lee",
        "role\tname\temail\nx\tAnn Lee\ta@b.example\n\n",
        "\"a@b.example\",\" Ann Lee \"",
    ] {
        assert_eq!(emails(text), expected, "{text}");
    }
    assert_eq!(emails("a@b.example\nc@d.example").len(), 2);
    assert_eq!(emails("email\na@b.example"), [("a@b.example".to_owned(), String::new())]);
}

#[test]
fn what_is_no_list_is_told_with_its_line() {
    assert_eq!(read(""), Err(Unreadable::Empty));
    assert_eq!(read("email,name\n\n"), Err(Unreadable::Empty));
    assert_eq!(read("a@b.example,\"Ann\nc@d.example"), Err(Unreadable::NotCsv { line: 1 }));
    assert_eq!(read("a@b.example\nc@d.example,\"Cai"), Err(Unreadable::NotCsv { line: 2 }));
    let many: Vec<String> = (0..=MOST_ROWS).map(|n| format!("a{n}@b.example")).collect();
    let many = many.join("\n");
    assert_eq!(read(&many), Err(Unreadable::TooManyRows));
}

#[test]
fn files_are_read_in_the_encodings_that_spreadsheets_write() {
    let text = "email,name\nz@b.example,Zoë Ó Briain";
    assert_eq!(decode(text.as_bytes()).unwrap(), text);
    assert_eq!(decode(&[b"\xef\xbb\xbf", text.as_bytes()].concat()).unwrap(), text);
    let little: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(decode(&little).unwrap(), text);
    assert_eq!(decode(b"email,name\nz@b.example,Zo\xeb \xd3 Briain").unwrap(), text);
    for bytes in [&b"\x89PNG\r\n\x1a\n\0\0"[..], b"\xff\xfe\x00\xd8", b"PK\x03\x04"] {
        assert_eq!(decode(bytes), Err(Unreadable::NotText), "{bytes:?}");
    }
}

#[test]
fn every_row_has_its_fate() {
    let text = "email,name\n\
        new@northern.example,Ann\n\
        NEW@Northern.example,Ann again\n\
        on@northern.example,\n\
        me@education.gov.uk,\n\
        bob@gmial.com,\n\
        =cmd()@x.example,\n\
        ,Nobody\n\
        eve@n\u{0456}ce.example,\n\
        not an email,x\n";
    let all = fate(text);
    assert!(matches!(&all[0], Fate::Add { warning: None, .. }));
    assert_eq!(all[1], Fate::Twice { line: 2 });
    assert_eq!(all[2], Fate::Listed);
    assert!(matches!(&all[3], Fate::Propose { .. }));
    let meant = "gmail.com".to_owned();
    assert!(
        matches!(&all[4], Fate::Add { warning: Some(Warning::NearMiss { meant: found }), .. } if *found == meant)
    );
    assert_eq!(all[5], Fate::NotAnEmail);
    assert_eq!(all[6], Fate::NoEmail);
    assert!(matches!(
        &all[7],
        Fate::Add { warning: Some(Warning::OtherAlphabet { ascii }), .. } if ascii.starts_with("xn--")
    ));
    assert_eq!(all[8], Fate::NotAnEmail);
    let long = format!("a@b.example,{}", "x".repeat(101));
    assert_eq!(fate(&long), [Fate::NameTooLong]);
}

#[test]
fn names_keep_their_letters_and_lose_what_turns_them_about() {
    let rows = fate("a@b.example,\u{202e}Zoe\u{0308} عمر\u{202c}");
    let Fate::Add { entry, .. } = &rows[0] else { panic!("{rows:?}") };
    assert_eq!(entry.name.as_ref().unwrap().as_str(), "Zoe\u{0308} عمر");
}
