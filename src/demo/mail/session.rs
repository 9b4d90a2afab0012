//! One SMTP session.

use std::io::{ErrorKind, Result};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::StandInMailServer;
use super::lines::{Line, read_line};
use super::mailbox::Envelope;

/// How many commands in a row may be refused before the client is sent away.
const PATIENCE: u32 = 20;

/// What the client has said so far of the message to come.
#[derive(Default)]
struct Transaction {
    /// The sender; empty for a bounce.
    from: Option<String>,
    to: Vec<String>,
}

/// Serves one client, or turns it away if there is no `room`.
pub(super) async fn serve(
    server: &StandInMailServer,
    from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    room: bool,
) -> Result<()> {
    if !room {
        return say(&mut to, "421 localhost too many connections, try again later").await;
    }
    let mut from = BufReader::new(from);
    say(&mut to, "220 localhost stand-in mail server: takes everything, delivers nothing").await?;
    match talk(server, &mut from, &mut to).await {
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            say(&mut to, "421 localhost waited too long for you, closing").await
        }
        outcome => outcome,
    }
}

async fn talk(
    server: &StandInMailServer,
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<()> {
    let limits = &server.limits;
    let mut greeted = false;
    let mut mail = Transaction::default();
    let mut refused = 0;
    loop {
        let line = match read_line(from, limits.command_bytes, limits.wait).await? {
            Line::End => return Ok(()),
            Line::TooLong => None,
            // A bare CR or LF hides a second command from whoever looks at the first.
            Line::Text(line) if line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) => None,
            Line::Text(line) => String::from_utf8(line).ok(),
        };
        let Some(line) = line else {
            refused += 1;
            say(to, "500 5.5.2 Line too long or not text").await?;
            if refused > PATIENCE {
                return say(to, "421 localhost too many errors, closing").await;
            }
            continue;
        };
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let rest = rest.trim();
        let reply = match verb.to_ascii_uppercase().as_str() {
            "EHLO" if !rest.is_empty() => {
                (greeted, mail) = (true, Transaction::default());
                let size = limits.message_bytes;
                format!(
                    "250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {size}"
                )
            }
            "HELO" if !rest.is_empty() => {
                (greeted, mail) = (true, Transaction::default());
                "250 localhost".to_owned()
            }
            "EHLO" | "HELO" => "501 5.5.4 Say who you are".to_owned(),
            "NOOP" => "250 2.0.0 OK".to_owned(),
            "RSET" => {
                mail = Transaction::default();
                "250 2.0.0 OK".to_owned()
            }
            "VRFY" => "252 2.1.5 Everybody is taken here".to_owned(),
            "QUIT" => return say(to, "221 2.0.0 Bye").await,
            "MAIL" | "RCPT" | "DATA" if !greeted => "503 5.5.1 Say EHLO first".to_owned(),
            "MAIL" => mail_from(rest, &mut mail, limits.message_bytes),
            "RCPT" => rcpt_to(rest, &mut mail, limits.recipients),
            "DATA" if mail.from.is_none() || mail.to.is_empty() => {
                "503 5.5.1 MAIL and RCPT come first".to_owned()
            }
            "DATA" if !rest.is_empty() => "501 5.5.4 DATA has no parameters".to_owned(),
            "DATA" => {
                say(to, "354 End with a dot on a line of its own").await?;
                let mail = std::mem::take(&mut mail);
                match data(server, from).await? {
                    Data::Gone => return Ok(()),
                    Data::Refused(reply) => reply.to_owned(),
                    Data::Message(message) => keep(server, mail, &message).await,
                }
            }
            _ => "502 5.5.1 Unknown here".to_owned(),
        };
        refused = if reply.starts_with('5') { refused + 1 } else { 0 };
        say(to, &reply).await?;
        if refused > PATIENCE {
            return say(to, "421 localhost too many errors, closing").await;
        }
    }
}

async fn say(to: &mut (impl AsyncWrite + Unpin), reply: &str) -> Result<()> {
    to.write_all(format!("{reply}\r\n").as_bytes()).await?;
    to.flush().await
}

/// `MAIL FROM:<path> [SIZE=n] [BODY=7BIT|8BITMIME]`.
fn mail_from(rest: &str, mail: &mut Transaction, most: usize) -> String {
    if mail.from.is_some() {
        return "503 5.5.1 One sender is enough".to_owned();
    }
    let Some((path, parameters)) = path(rest, "FROM:") else {
        return "501 5.5.4 MAIL FROM:<address> was expected".to_owned();
    };
    if !path.is_empty() && !is_address(path) {
        return "553 5.1.7 That is not an address".to_owned();
    }
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", size) => match size.parse::<u64>() {
                Ok(size) if usize::try_from(size).is_ok_and(|size| size <= most) => {}
                Ok(_) => return "552 5.3.4 The message is too large".to_owned(),
                Err(_) => return "501 5.5.4 SIZE is a number".to_owned(),
            },
            ("BODY", "7BIT" | "8BITMIME") => {}
            _ => return "555 5.5.4 That parameter is not known here".to_owned(),
        }
    }
    mail.from = Some(path.to_owned());
    "250 2.1.0 OK".to_owned()
}

/// `RCPT TO:<path>`.
fn rcpt_to(rest: &str, mail: &mut Transaction, most: usize) -> String {
    if mail.from.is_none() {
        return "503 5.5.1 MAIL comes first".to_owned();
    }
    match path(rest, "TO:") {
        Some((path, "")) if is_address(path) => {
            if mail.to.len() >= most {
                return "452 4.5.3 Too many recipients".to_owned();
            }
            mail.to.push(path.to_owned());
            "250 2.1.5 OK".to_owned()
        }
        Some((_, "")) => "553 5.1.3 That is not an address".to_owned(),
        Some(_) => "555 5.5.4 RCPT has no parameters here".to_owned(),
        None => "501 5.5.4 RCPT TO:<address> was expected".to_owned(),
    }
}

/// What is between angle brackets after the keyword, and what follows.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then_some(())?;
    let (path, parameters) = tail.trim_start().strip_prefix('<')?.split_once('>')?;
    Some((path, parameters.trim()))
}

/// Enough to keep nonsense out: one of each part, nothing that breaks a header, RFC 5321's longest path.
fn is_address(path: &str) -> bool {
    path.len() <= 254
        && path.is_ascii()
        && !path.bytes().any(|byte| byte.is_ascii_control() || b" <>,".contains(&byte))
        && path.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

enum Data {
    Message(Vec<u8>),
    Refused(&'static str),
    /// The client went away in the middle: nothing was sent.
    Gone,
}

/// Reads a message up to the lone dot, also one that is not wanted, and takes the extra dots off
/// (RFC 5321, 4.5.2).
async fn data(server: &StandInMailServer, from: &mut (impl AsyncBufRead + Unpin)) -> Result<Data> {
    let limits = &server.limits;
    let mut message = Vec::new();
    let mut refusal = None;
    loop {
        let line = match read_line(from, limits.line_bytes, limits.wait).await? {
            Line::End => return Ok(Data::Gone),
            Line::TooLong => {
                refusal = refusal.or(Some("554 5.6.0 A line of the message is too long"));
                continue;
            }
            Line::Text(line) => line,
        };
        let line = match line.as_slice() {
            b"." => break,
            [b'.', rest @ ..] => rest,
            whole => whole,
        };
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            refusal = refusal.or(Some("554 5.6.0 The message has a bare CR or LF"));
        }
        if message.len() + line.len() + 2 > limits.message_bytes {
            refusal = refusal.or(Some("552 5.3.4 The message is too large"));
        }
        if refusal.is_none() {
            message.extend_from_slice(line);
            message.extend_from_slice(b"\r\n");
        } else {
            message = Vec::new();
        }
    }
    Ok(refusal.map_or(Data::Message(message), Data::Refused))
}

/// Keeps the message; the answer says yes only when it is on disk.
async fn keep(server: &StandInMailServer, mail: Transaction, message: &[u8]) -> String {
    let envelope = Envelope { from: mail.from.unwrap_or_default(), to: mail.to };
    match server.mailbox.keep(&envelope, message, server.clock.now()).await {
        Ok(id) => format!("250 2.0.0 Kept as {id}"),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the stand-in mail server kept no mail"
            );
            "451 4.3.0 The message could not be kept, try again".to_owned()
        }
    }
}
