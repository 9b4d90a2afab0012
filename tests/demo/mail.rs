//! The mail server, driven by lettre and by hand, and the inbox.

use std::sync::Arc;

use lettre::message::MultiPart;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport as _, Message, Tokio1Executor};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use vouchsafe::clock::SystemClock;
use vouchsafe::demo::Listen;

use crate::World;

impl World {
    fn sender(&self) -> AsyncSmtpTransport<Tokio1Executor> {
        let smtp = self.running.smtp;
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.ip().to_string())
            .port(smtp.port())
            .build()
    }

    /// The source of the newest message.
    async fn newest(&self) -> String {
        let mail = &self.running.mailbox.list(None)[0];
        String::from_utf8(self.running.mailbox.raw(&mail.id).await.unwrap().unwrap()).unwrap()
    }
}

fn to_two() -> lettre::message::MessageBuilder {
    Message::builder()
        .from("Vouchsafe <no-reply@service.example>".parse().unwrap())
        .to("Siobhan Doyle <siobhan.doyle@alderbrook.example>".parse().unwrap())
        .to("gareth.pritchard@alderbrook.example".parse().unwrap())
}

#[tokio::test]
async fn a_mail_to_two_comes_with_its_dots_and_its_subject() {
    let world = World::new().await;
    let body = "Line one\r\n.\r\n..two dots\r\n.one dot\r\nThe end\r\n";
    let message = to_two().subject("Caffè at St Mary’s: zażółć").body(body.to_owned()).unwrap();
    world.sender().send(message).await.unwrap();

    let mails = world.running.mailbox.list(None);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Caffè at St Mary’s: zażółć");
    assert_eq!(mails[0].from, "no-reply@service.example");
    assert_eq!(mails[0].to, ["siobhan.doyle@alderbrook.example", "gareth.pritchard@alderbrook.example"]);
    let stored = world.newest().await;
    assert!(stored.contains(&format!("\r\n\r\n{body}")), "{stored}");
    let one = world.running.mailbox.list(Some("Gareth.Pritchard@alderbrook.example"));
    assert_eq!(one, mails);
    assert_eq!(world.running.mailbox.list(Some("nobody@alderbrook.example")), []);
}

#[tokio::test]
async fn the_inbox_shows_text_with_links_and_html_in_a_sandbox() {
    let world = World::new().await;
    let text = "Decide here: http://localhost:8080/requests/1?a=b&c=d.\r\n<script>alert(1)</script>";
    let html = "<p>Decide <a href=\"http://localhost:8080/requests/1\">here</a></p><script>alert(1)</script>";
    let message = to_two()
        .subject("<b>Bold</b>")
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), html.to_owned()));
    world.sender().send(message.unwrap()).await.unwrap();

    let inbox = &world.running.inbox_url;
    let list = world.get(inbox).await;
    assert!(list.body.contains("1 message,") && !list.body.contains("<b>Bold"), "{}", list.body);
    let filtered = world.get(&format!("{inbox}/?to=siobhan.doyle%40alderbrook.example")).await;
    assert!(filtered.body.contains("/message/"));
    assert!(!world.get(&format!("{inbox}/?to=other%40x.example")).await.body.contains("/message/"));

    let id = &world.running.mailbox.list(None)[0].id;
    let page = world.get(&format!("{inbox}/message/{id}")).await;
    let link = "href=\"http://localhost:8080/requests/1?a=b&amp;c=d\"";
    assert!(page.body.contains(link), "{}", page.body);
    assert!(!page.body.contains("<script>"), "{}", page.body);
    assert!(page.body.contains("<iframe title="));
    let framed = world.get(&format!("{inbox}/message/{id}/html")).await;
    assert!(framed.body.contains("href=\"http://localhost:8080/requests/1\""));
    let policy = framed.header("content-security-policy");
    assert!(policy.starts_with("sandbox ") && !policy.contains("allow-scripts"), "{policy}");
    let source = world.get(&format!("{inbox}/message/{id}/source")).await;
    assert!(source.header("content-type").starts_with("text/plain"));
    for missing in ["message/..%2F..%2Fsecret", "message/1-1", "message/x/html"] {
        assert_eq!(world.get(&format!("{inbox}/{missing}")).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn a_mail_without_html_has_no_frame() {
    let world = World::new().await;
    world.sender().send(to_two().subject("x").body("Only text".to_owned()).unwrap()).await.unwrap();
    let id = &world.running.mailbox.list(None)[0].id;
    let page = world.get(&format!("{}/message/{id}", world.running.inbox_url)).await;
    assert!(page.body.contains("Only text") && !page.body.contains("<iframe"), "{}", page.body);
}

#[tokio::test]
async fn a_mail_that_is_too_large_is_refused_for_good_and_the_next_one_taken() {
    let world = World::new().await;
    let sender = world.sender();
    let large = to_two().subject("Large").body("A line of the message\r\n".repeat(60_000)).unwrap();
    let error = sender.send(large).await.unwrap_err();
    assert!(error.is_permanent(), "{error:?}");
    assert_eq!(error.status().map(|code| code.to_string()).as_deref(), Some("552"));
    assert_eq!(world.running.mailbox.list(None), []);
    sender.send(to_two().subject("Small").body("x".to_owned()).unwrap()).await.unwrap();
    assert_eq!(world.running.mailbox.list(None).len(), 1);
}

#[tokio::test]
async fn mail_is_still_there_after_a_restart_and_new_mail_comes_after_it() {
    let world = World::new().await;
    for subject in ["First", "Second"] {
        world.sender().send(to_two().subject(subject).body("x".to_owned()).unwrap()).await.unwrap();
    }
    let before = world.running.mailbox.list(None);
    let World { running, folder, .. } = world;
    running.shutdown().await;

    let world = World::again(folder, Arc::new(SystemClock), Listen::anywhere()).await;
    assert_eq!(world.running.mailbox.list(None), before);
    world.sender().send(to_two().subject("Third").body("x".to_owned()).unwrap()).await.unwrap();
    let subjects: Vec<_> = world.running.mailbox.list(None).into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["Third", "Second", "First"]);
}

/// Says lines to the server, one after another or at once, and gives the first three characters of its
/// replies' last lines.
async fn replies(world: &World, said: &[u8]) -> Vec<String> {
    let stream = TcpStream::connect(world.running.smtp).await.unwrap();
    let (from, mut to) = stream.into_split();
    to.write_all(said).await.unwrap();
    to.shutdown().await.unwrap();
    let mut lines = BufReader::new(from).lines();
    let mut codes = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.as_bytes().get(3) == Some(&b' ') {
            codes.push(line.chars().take(3).collect());
        }
    }
    codes
}

#[tokio::test]
async fn commands_may_come_all_at_once() {
    let world = World::new().await;
    let said = b"EHLO x\r\nMAIL FROM:<a@x.example> SIZE=5 BODY=8BITMIME\r\nRCPT TO:<b@y.example>\r\nDATA\r\n\
                 Subject: Hi\r\n\r\n..x\r\n.\r\nNOOP\r\nRSET\r\nQUIT\r\n";
    assert_eq!(replies(&world, said).await, ["220", "250", "250", "250", "354", "250", "250", "250", "221"]);
    assert!(world.newest().await.ends_with("Subject: Hi\r\n\r\n.x\r\n"));
}

#[tokio::test]
async fn commands_out_of_order_or_out_of_form_are_refused() {
    let world = World::new().await;
    for (said, code) in [
        ("MAIL FROM:<a@x.example>", "503"),
        ("EHLO", "501"),
        ("EHLO x\r\nRCPT TO:<a@x.example>", "503"),
        ("EHLO x\r\nDATA", "503"),
        ("EHLO x\r\nMAIL FROM:a@x.example", "501"),
        ("EHLO x\r\nMAIL FROM:<a@x.example> SIZE=9999999", "552"),
        ("EHLO x\r\nMAIL FROM:<a@x.example> NOTIFY=NEVER", "555"),
        ("EHLO x\r\nMAIL FROM:<a>", "553"),
        ("EHLO x\r\nMAIL FROM:<a@x.example>\r\nMAIL FROM:<a@x.example>", "503"),
        ("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<>", "553"),
        ("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRSET\r\nDATA", "503"),
        ("STARTTLS", "502"),
        ("NOOP\nMAIL FROM:<a@x.example>", "500"),
    ] {
        let found = replies(&world, format!("{said}\r\n").as_bytes()).await;
        assert_eq!(found.last().map(String::as_str), Some(code), "{said}: {found:?}");
    }
    let long = format!("NOOP {}\r\nNOOP\r\n", "x".repeat(5000));
    assert_eq!(replies(&world, long.as_bytes()).await, ["220", "500", "250"]);
}

#[tokio::test]
async fn a_second_message_hidden_behind_a_bare_line_feed_is_not_taken() {
    let world = World::new().await;
    let said = b"EHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n\
                 Subject: One\r\n\r\nx\n.\nMAIL FROM:<evil@x.example>\r\n.\r\nQUIT\r\n";
    assert_eq!(replies(&world, said).await, ["220", "250", "250", "250", "354", "554", "221"]);
    assert_eq!(world.running.mailbox.list(None), []);
}

#[tokio::test]
async fn a_message_that_breaks_off_or_has_an_endless_line_is_not_kept() {
    let world = World::new().await;
    let head = "EHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n";
    replies(&world, format!("{head}Subject: x\r\n\r\nhalf").as_bytes()).await;
    let long = format!("{head}Subject: x\r\n\r\n{}\r\n.\r\nNOOP\r\n", "y".repeat(2000));
    assert_eq!(replies(&world, long.as_bytes()).await, ["220", "250", "250", "250", "354", "554", "250"]);
    assert_eq!(world.running.mailbox.list(None), []);
}

#[tokio::test]
async fn a_message_cannot_add_to_its_own_recipients() {
    let world = World::new().await;
    let said = b"EHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n\
                 X-Stand-In-Recipients: c@y.example\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n";
    replies(&world, said).await;
    assert_eq!(world.running.mailbox.list(None)[0].to, ["b@y.example"]);
}
