use super::*;

/// What hostile people write: a header, HTML, our own marks, a change of direction, letters from afar.
const HOSTILE: [&str; 7] = [
    "\r\nBcc: x@y.example",
    "<script>alert(1)</script>\" onload='x'&amp;",
    "> [link] Click\n\n[link] here\n> ",
    "\u{202e}drawkcab\u{2066}",
    "عمر الفاروق",
    "Ann 👩‍🏫 {{ letter }} %}",
    "aLongNameWithoutAnySpaceaLongNameWithoutAnySpaceaLongNameWithoutAnySpaceaLongNameWithoutAnySpace",
];

/// A letter of every kind, in which everything that people choose is `text`.
pub(in super::super) fn samples(text: &str) -> Vec<Letter> {
    let line = || Line::new(text);
    let many = || Paragraphs::new(&format!("{text}\nI teach maths.\n{text}"));
    let date = || Line::new("3 March 2026");
    let about = [
        About::RequestToDecide { person: line(), message: Some(many()), closes: date() },
        About::RequestToDecide { person: line(), message: None, closes: date() },
        About::RequestReminder { person: line(), asked: Line::new("3 February 2026"), closes: date() },
        About::RequestGranted { by: line(), ends: None },
        About::RequestGranted { by: line(), ends: Some(date()) },
        About::RequestDeclined { by: line(), reason: many() },
        About::RequestExpired { asked: date() },
        About::AddedByColleague { by: line(), ends: None },
        About::AddedByColleague { by: line(), ends: Some(date()) },
        About::MadeApprover { by: line() },
        About::AccessEndingSoon { ends: date() },
        About::AccessEnded { ended: date() },
        About::AccessRevoked { by: line(), reason: many() },
        About::ReviewOpened { due: date(), people: 1 },
        About::ReviewReminder { due: date(), people: 2 },
        About::OneTimePassword {
            code: Line::new("123456"),
            expires: Line::new("9:10am"),
            host: Line::new("vouchsafe.example"),
        },
        About::HowToGetIn { help: line() },
        About::AddedToList { by: line() },
        About::RemovedFromList { help: line() },
        About::CarriedOver { closed: line(), approver: true, ends: None },
        About::CarriedOver { closed: line(), approver: false, ends: Some(date()) },
    ];
    let letter = |about| Letter {
        service: Line::new("Early career training"),
        organisation: line(),
        to: Some(line()),
        link: LINK.parse().unwrap(),
        about,
    };
    about.into_iter().map(letter).collect()
}

pub(in super::super) const LINK: &str = "https://vouchsafe.example/requests/1?from=mail&at=%3C2%3E";

/// The kinds of a letter's parts, and how many lines its quotes have.
fn shape(letter: &Letter) -> Vec<usize> {
    let size = |block: &Block| match block {
        Block::Paragraph(_) => 0,
        Block::Quote(lines) => lines.len(),
        Block::Link(_) => 1000,
    };
    letter.blocks().unwrap().iter().map(size).collect()
}

#[test]
fn there_is_a_letter_of_every_kind() {
    let kinds: std::collections::BTreeSet<MailKind> =
        samples("Tom Ellis").iter().map(|letter| letter.about.kind()).collect();
    assert_eq!(kinds.len(), MailKind::CarriedOver as usize + 1);
}

#[test]
fn every_letter_says_who_it_is_from_and_why_and_has_one_link() {
    for letter in samples("Tom Ellis") {
        let kind = letter.about.kind();
        let (subject, text, html) = (letter.subject(), letter.text().unwrap(), letter.html().unwrap());
        assert!(subject.contains("Early career training"), "{kind:?}: {subject}");
        for part in [&text, &html] {
            for needle in ["Early career training", "You got this email because", "Department for Education"]
            {
                assert!(part.contains(needle), "{kind:?}: {needle}\n{part}");
            }
            assert!(!part.contains("{{") && !part.contains("{%") && !part.contains("  "), "{kind:?}\n{part}");
        }
        assert_eq!(text.lines().filter(|line| *line == LINK).count(), 1, "{kind:?}\n{text}");
        assert_eq!(text.matches("https://").count(), 1, "{kind:?}\n{text}");
        assert_eq!(html.matches("<a ").count(), 1, "{kind:?}\n{html}");
        let href = html.split_once("href=\"").unwrap().1.split_once('"').unwrap().0;
        assert_eq!(href.replace("&#38;", "&"), LINK, "{kind:?}");
        assert!(text.lines().all(|line| line.chars().count() <= 72), "{kind:?}\n{text}");
        assert!(text.starts_with("Hello Tom Ellis\n\n") && text.ends_with('\n'), "{kind:?}\n{text}");
    }
}

#[test]
fn no_name_can_change_what_a_letter_is() {
    for hostile in HOSTILE {
        for (letter, plain) in samples(hostile).iter().zip(samples("Tom Ellis")) {
            let kind = letter.about.kind();
            let subject = letter.subject();
            assert!(subject.chars().count() <= 78 && !subject.contains(char::is_control), "{subject:?}");
            assert!(subject.contains("Early career") || subject.ends_with('\u{2026}'), "{subject:?}");

            let (text, html) = (letter.text().unwrap(), letter.html().unwrap());
            // What people write at length may have more lines than the plain one, but nothing else may.
            if !matches!(&letter.about, About::RequestToDecide { message: Some(_), .. })
                && !matches!(kind, MailKind::RequestDeclined | MailKind::AccessRevoked)
            {
                assert_eq!(shape(letter), shape(&plain), "{kind:?}\n{text}");
            }
            assert_eq!(shape(letter).iter().filter(|size| **size == 1000).count(), 1, "{kind:?}\n{text}");
            assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{kind:?}\n{text}");
            assert!(!text.contains('\u{202e}') && !text.contains('\r'), "{kind:?}\n{text}");
            for tag in ["<script", "onload='", "onload=\"", "\" onload", "&amp;"] {
                assert!(!html.contains(tag), "{kind:?}: {tag}\n{html}");
            }
            assert_eq!(html.matches("<a ").count(), 1, "{kind:?}\n{html}");
        }
    }
}

#[test]
fn a_subject_names_the_organisation_where_there_is_room() {
    let mut letter = samples("Tom Ellis").remove(0);
    letter.organisation = Line::new("Greenhill School");
    assert_eq!(
        letter.subject(),
        "Tom Ellis has asked for access to Early career training at Greenhill School"
    );
    letter.organisation = Line::new("Greenhill Church of England Voluntary Aided Primary School");
    assert_eq!(letter.subject(), "Tom Ellis has asked for access to Early career training");
}

#[test]
fn a_request_reads_as_a_person_would_write_it() {
    let mut letter = samples("Tom Ellis").remove(0);
    letter.organisation = Line::new("Greenhill School");
    letter.to = Some(Line::new("Ann Reid"));
    if let About::RequestToDecide { message, .. } = &mut letter.about {
        *message = Some(Paragraphs::new("I am the new induction tutor.\r\n\r\nThank you, Tom"));
    }
    assert_eq!(
        letter.text().unwrap(),
        "\
Hello Ann Reid

Your colleague Tom Ellis has asked for access to Early career training
at Greenhill School.

They wrote:

> I am the new induction tutor.
> Thank you, Tom

Grant or decline the request:
https://vouchsafe.example/requests/1?from=mail&at=%3C2%3E

You need to sign in with your DfE Sign-in account.

If nobody decides, the request expires on 3 March 2026.

You got this email because you approve access to this service at
Greenhill School. Every approver there got it. One of you needs to
decide.

From Early career training, a service of the Department for Education
"
    );
}
