use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::reactors::mail::templates::tests::{LINK, samples};

fn settings() -> MailSettings {
    toml::from_str(
        "
        host = 'localhost'
        tls = 'none'
        from_address = 'no-reply@service.example'
        from_name = 'Vouchsafe, \"beta\"'
        reply_to = 'help@service.example'
        ",
    )
    .unwrap()
}

fn person(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(number))
}

fn event(number: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(number))
}

fn at() -> Timestamp {
    "2026-03-03T09:26:53.589793Z".parse().unwrap()
}

fn mail(event: EventId, person: PersonId, letter: &Letter) -> Mail {
    let to: Email = "ann@school.example".parse().unwrap();
    Mail::new(&settings(), event, (person, &to), at(), letter).unwrap()
}

#[test]
fn a_mail_reads_back_as_it_was_meant() {
    for letter in samples("Tom O’Ellis") {
        let bytes = mail(event(1), person(1), &letter).to_bytes();
        let read = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(read.subject(), Some(letter.subject().as_str()));
        let from = read.from().unwrap().first().unwrap();
        assert_eq!(
            (from.name(), from.address()),
            (Some("Vouchsafe, \"beta\""), Some("no-reply@service.example"))
        );
        let to = read.to().unwrap();
        assert_eq!(to.as_list().unwrap().len(), 1);
        assert_eq!(to.first().unwrap().address(), Some("ann@school.example"));
        assert_eq!(read.reply_to().unwrap().first().unwrap().address(), Some("help@service.example"));
        assert_eq!(read.date().unwrap().to_rfc3339(), "2026-03-03T09:26:53Z");
        assert_eq!(read.header("Auto-Submitted").unwrap().as_text(), Some("auto-generated"));
        assert!(read.message_id().unwrap().ends_with("@service.example"));
        assert_eq!(read.content_type().unwrap().subtype(), Some("alternative"));
        assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), letter.text().unwrap());
        assert_eq!(read.body_html(0).unwrap().replace("\r\n", "\n"), letter.html().unwrap());
        assert!(read.body_text(0).unwrap().contains(LINK));
        assert!(bytes.is_ascii() && bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998));
    }
}

#[test]
fn nobody_can_add_a_header_or_a_recipient() {
    let plain = mail(event(1), person(1), &samples("Tom Ellis")[0]).to_bytes();
    let plain = MessageParser::default().parse(&plain).unwrap();
    for hostile in
        ["Tom\r\nBcc: x@y.example", "\r\n\r\n<b>", "=?utf-8?q?=0D=0ABcc:_x@y.example?=", "é\r\nTo: x@y"]
    {
        for letter in samples(hostile) {
            let mut settings = settings();
            settings.from_name = hostile.to_owned();
            let to: Email = "ann@school.example".parse().unwrap();
            let mail = Mail::new(&settings, event(1), (person(1), &to), at(), &letter).unwrap();
            let envelope = mail.message().envelope();
            assert_eq!(
                envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>(),
                ["ann@school.example"]
            );
            let bytes = mail.to_bytes();
            let read = MessageParser::default().parse(&bytes).unwrap();
            let names: Vec<&str> = read.headers().iter().map(mail_parser::Header::name).collect();
            let expected: Vec<&str> = plain.headers().iter().map(mail_parser::Header::name).collect();
            assert_eq!(names, expected, "{hostile:?}");
            assert_eq!(read.from().unwrap().first().unwrap().address(), Some("no-reply@service.example"));
        }
    }
}

#[test]
fn a_mail_that_is_made_again_can_be_recognised() {
    let letters = samples("Tom Ellis");
    let id = |event_number, person_number, letter: usize| {
        let bytes = mail(event(event_number), person(person_number), &letters[letter]).to_bytes();
        MessageParser::default().parse(&bytes).unwrap().message_id().unwrap().to_owned()
    };
    assert_eq!(id(1, 1, 0), id(1, 1, 0));
    // The one is with a message, the other without: both tell of the same request.
    assert_eq!(id(1, 1, 0), id(1, 1, 1));
    for other in [id(2, 1, 0), id(1, 2, 0), id(1, 1, 2)] {
        assert_ne!(id(1, 1, 0), other);
    }
    assert_eq!(format!("{:?}", mail(event(1), person(1), &letters[0])), "[mail]");
}

proptest::proptest! {
    #[test]
    fn mail_can_be_written_to_every_email(
        local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,10})?",
        domain in "[a-z0-9]{1,20}(-[a-z0-9]{1,10})?\\.(school\\.)?[a-z]{2,10}",
    ) {
        let email: Email = format!("{local}@{domain}").parse().unwrap();
        let letter = &samples("Tom Ellis")[0];
        proptest::prop_assert!(Mail::new(&settings(), event(1), (person(1), &email), at(), letter).is_ok());
    }
}
