//! The mail server answers as a real one does, so that a journey that fails has found a fault of ours.

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::peers::{Failures, Smtp};

type Mailer = AsyncSmtpTransport<Tokio1Executor>;

fn mailer(port: u16, tls: Tls, user: Option<(&str, &str)>) -> Mailer {
    let builder = Mailer::builder_dangerous("127.0.0.1").port(port).tls(tls);
    match user {
        Some((name, password)) => builder.credentials(Credentials::new(name.into(), password.into())).build(),
        None => builder.build(),
    }
}

fn trusting(smtp: &Smtp) -> TlsParameters {
    let ca = Certificate::from_pem(smtp.ca().as_bytes()).unwrap();
    TlsParameters::builder("localhost".into()).add_root_certificate(ca).build().unwrap()
}

fn message(subject: &str) -> Message {
    Message::builder()
        .from("Vouchsafe <no-reply@vouchsafe.example>".parse::<Mailbox>().unwrap())
        .to("Ann <ann@greenhill.example>".parse::<Mailbox>().unwrap())
        .subject(subject)
        .message_id(Some("<one@vouchsafe.example>".into()))
        .body("Cai asks for access.\n".to_owned())
        .unwrap()
}

#[tokio::test]
async fn mail_is_taken_plain_by_starttls_and_by_tls_and_read_back() {
    let smtp = Smtp::start().await;
    mailer(smtp.plain(), Tls::None, None).send(message("plain")).await.unwrap();
    mailer(smtp.starttls(), Tls::Required(trusting(&smtp)), None).send(message("starttls")).await.unwrap();
    mailer(smtp.tls(), Tls::Wrapper(trusting(&smtp)), None).send(message("tls")).await.unwrap();

    let taken = smtp.messages(3).await;
    let seen: Vec<_> = taken.iter().map(|m| (m.subject.as_deref().unwrap(), m.secure)).collect();
    assert_eq!(seen, [("plain", false), ("starttls", true), ("tls", true)]);
    let first = taken.first().unwrap();
    assert_eq!(first.envelope.from.as_deref(), Some("no-reply@vouchsafe.example"));
    assert_eq!(first.envelope.to, ["ann@greenhill.example"]);
    assert_eq!(first.text.as_deref().map(str::trim_end), Some("Cai asks for access."));
    assert_eq!(first.id.as_deref(), Some("<one@vouchsafe.example>"));
    assert_eq!(first.headers.get("to").unwrap(), "Ann <ann@greenhill.example>");

    smtp.clear().await;
    assert!(smtp.messages(0).await.is_empty());
}

#[tokio::test]
async fn mail_is_not_sent_to_a_server_that_an_unknown_authority_vouches_for() {
    let smtp = Smtp::start().await;
    let strangers = || TlsParameters::new("localhost".into()).unwrap();
    mailer(smtp.tls(), Tls::Wrapper(strangers()), None).send(message("no")).await.unwrap_err();
    mailer(smtp.starttls(), Tls::Required(strangers()), None).send(message("no")).await.unwrap_err();
    assert!(smtp.messages(0).await.is_empty());
}

#[tokio::test]
async fn a_mail_server_with_users_takes_mail_from_them_alone() {
    let smtp = Smtp::with_user("vouchsafe", "right").await;
    let by = |user| mailer(smtp.tls(), Tls::Wrapper(trusting(&smtp)), user);
    by(None).send(message("nobody")).await.unwrap_err();
    let wrong = by(Some(("vouchsafe", "wrong"))).send(message("wrong")).await.unwrap_err();
    assert!(wrong.is_permanent());
    by(Some(("vouchsafe", "right"))).send(message("right")).await.unwrap();
    let taken = smtp.messages(1).await;
    assert_eq!(taken.iter().map(|m| m.user.as_deref()).collect::<Vec<_>>(), [Some("vouchsafe")]);
}

#[tokio::test]
async fn a_mail_server_fails_as_it_is_told_and_recovers() {
    let smtp = Smtp::start().await;
    let send = async || mailer(smtp.plain(), Tls::None, None).send(message("again")).await;
    let refusing = |code| Failures {
        recipients: [("ann@greenhill.example".to_owned(), code)].into(),
        ..Failures::default()
    };

    smtp.fail(&refusing(451)).await;
    assert!(send().await.unwrap_err().is_transient());
    smtp.fail(&refusing(550)).await;
    assert!(send().await.unwrap_err().is_permanent());
    smtp.fail(&Failures { refuse: true, ..Failures::default() }).await;
    send().await.unwrap_err();
    assert!(smtp.messages(0).await.is_empty());

    smtp.fail(&Failures { cut: true, ..Failures::default() }).await;
    send().await.unwrap_err();
    assert_eq!(smtp.messages(1).await.len(), 1, "it was taken, though the client can't know");
    smtp.fail(&Failures::default()).await;
    send().await.unwrap();
    assert_eq!(smtp.messages(2).await.len(), 2);
}
