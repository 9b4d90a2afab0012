use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;
use vouchsafe_events::{EventId, PersonId, Timestamp};

use super::*;
use crate::reactors::mail::templates::tests::samples;

fn settings(more: &str) -> MailSettings {
    toml::from_str(&format!("from_address = 'no-reply@service.example'\nfrom_name = 'Vouchsafe'\n{more}"))
        .unwrap()
}

#[test]
fn only_what_is_the_mails_own_fault_is_final() {
    for (code, enhanced, is_final) in [
        (550, None, true),
        (550, Some((1, 1)), true),
        (552, Some((2, 2)), true),
        (552, Some((3, 4)), true),
        (550, Some((4, 1)), true),
        (554, Some((6, 0)), true),
        (553, None, true),
        (501, None, true),
        (501, Some((1, 3)), true),
        // The sender, relaying, the sign-in, encryption, the protocol, the server.
        (553, Some((1, 8)), false),
        (550, Some((7, 1)), false),
        (535, Some((7, 8)), false),
        (530, None, false),
        (535, None, false),
        (500, None, false),
        (503, Some((5, 1)), false),
        (554, Some((3, 2)), false),
    ] {
        assert_eq!(refuses_for_good(code, enhanced), is_final, "{code} {enhanced:?}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let mailer = |more: &str, password: Option<&Secret>| Mailer::new(&settings(more), password);
    assert!(mailer("host = 'mail.example'", None).is_ok());
    assert!(mailer("host = '::1'\ntls = 'none'", None).is_ok());
    let secret = Secret::from("hunter2".to_owned());
    let signed_in = mailer("host = 'mail.example'\nusername = 'u'", Some(&secret)).unwrap();
    assert!(!format!("{signed_in:?}").contains("hunter2"));

    let error = mailer("host = 'mail.example'\ntls = 'none'", None).unwrap_err();
    assert!(matches!(error, MailerError::Settings(SettingsError::InTheClear)), "{error}");
    let error = mailer("host = 'mail.example'\nca_file = '/nowhere/ca.pem'", None).unwrap_err();
    assert!(matches!(error, MailerError::CaFile { .. }), "{error}");
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, text).unwrap();
        let error =
            mailer(&format!("host = 'mail.example'\nca_file = '{}'", path.display()), None).unwrap_err();
        assert!(matches!(error, MailerError::NotCertificates { .. }), "{text}: {error}");
    }
}

/// What a mail server says at each step.
#[derive(Clone, Copy)]
struct Script {
    greeting: &'static str,
    sender: &'static str,
    recipient: &'static str,
    content: &'static str,
}

const WILLING: Script =
    Script { greeting: "220 hello", sender: "250 ok", recipient: "250 ok", content: "250 taken" };

/// Talks to one client as the script says.
async fn serve(mut client: TcpStream, script: Script) -> io::Result<()> {
    let (read, mut write) = client.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(format!("{}\r\n", script.greeting).as_bytes()).await?;
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split([' ', ':']).next() {
            Some("EHLO") => "250-scripted\r\n250 8BITMIME",
            Some("MAIL") => script.sender,
            Some("RCPT") => script.recipient,
            Some("DATA") => {
                write.write_all(b"354 go on\r\n").await?;
                while lines.next_line().await?.is_some_and(|line| line != ".") {}
                script.content
            }
            _ => "250 ok",
        };
        if answer.is_empty() {
            // Never answers.
            std::future::pending::<()>().await;
        }
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// What comes of sending a mail to a server that follows the script.
async fn sent(script: Script) -> Result<(), SendError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, script));
        }
    });
    let result = send_to(port).await;
    server.abort();
    result
}

async fn send_to(port: u16) -> Result<(), SendError> {
    let settings = settings(&format!("host = '127.0.0.1'\ntls = 'none'\nport = {port}\ntimeout_seconds = 2"));
    let (event, person) = (EventId::from_uuid(Uuid::nil()), PersonId::from_uuid(Uuid::nil()));
    let to = "ann@school.example".parse().unwrap();
    let letter = &samples("Tom Ellis")[0];
    let mail = Mail::new(&settings, event, (person, &to), Timestamp::from_micros(0), letter).unwrap();
    Mailer::new(&settings, None).unwrap().send(&mail).await
}

fn later(reason: &str) -> Result<(), SendError> {
    Err(SendError::Later { reason: reason.to_owned() })
}

fn away(reason: &str) -> Result<(), SendError> {
    Err(SendError::Away { reason: reason.to_owned() })
}

fn never(reason: &str) -> Result<(), SendError> {
    Err(SendError::Never { reason: reason.to_owned() })
}

#[tokio::test]
async fn a_server_that_takes_the_mail_has_it() {
    assert_eq!(sent(WILLING).await, Ok(()));
}

#[tokio::test]
async fn a_recipient_who_is_refused_is_given_up_and_not_named() {
    let script = Script { recipient: "550 5.1.1 <ann@school.example>: no such user", ..WILLING };
    assert_eq!(sent(script).await, never("the mail server answered 550 5.1.1"));
    let script = Script { content: "554 transaction failed for ann@school.example", ..WILLING };
    assert_eq!(sent(script).await, never("the mail server answered 554"));
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let script = Script { recipient: "451 4.7.1 <ann@school.example> is greylisted", ..WILLING };
    assert_eq!(sent(script).await, later("the mail server answered 451 4.7.1"));
    let script = Script { recipient: "550 5.7.1 relaying denied", ..WILLING };
    assert_eq!(sent(script).await, later("the mail server answered 550 5.7.1"));
    let script = Script { sender: "550 5.1.8 bad sender", ..WILLING };
    assert_eq!(sent(script).await, later("the mail server answered 550 5.1.8"));
    let script = Script { content: "", ..WILLING };
    assert_eq!(sent(script).await, away("the mail server took too long"));
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_refuses_no_mail_in_particular() {
    let script = Script { greeting: "554 not today", ..WILLING };
    assert_eq!(sent(script).await, away("the mail server answered 554"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = send_to(port).await.unwrap_err();
    let SendError::Away { reason } = &refused else { panic!("{refused}") };
    assert!(reason.starts_with("no connection to the mail server: "), "{reason}");
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_cannot_encrypt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        serve(client, Script { sender: "250 taken in the clear", ..WILLING }).await
    });
    let settings = settings(&format!("host = '127.0.0.1'\nport = {port}"));
    let (event, person) = (EventId::from_uuid(Uuid::nil()), PersonId::from_uuid(Uuid::nil()));
    let to = "ann@school.example".parse().unwrap();
    let letter = &samples("Tom Ellis")[0];
    let mail = Mail::new(&settings, event, (person, &to), Timestamp::from_micros(0), letter).unwrap();
    let sent = Mailer::new(&settings, None).unwrap().send(&mail).await;
    assert_eq!(sent, away("no connection to the mail server: STARTTLS is not supported on this server"));
    server.abort();
}
