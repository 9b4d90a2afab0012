//! `vouchsafe health`: for images that have no other program to ask with.

use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::{Failed, log};

/// The most bytes of an answer that are read: what matters is its first line.
const MOST_ANSWER: u64 = 4096;

/// Asks a running service whether it is ready, and fails if it is not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vouchsafe health http://127.0.0.1:8080/health/live")]
pub(super) struct Health {
    /// Where to ask: plain http, to the service itself.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080/health/ready")]
    url: Url,
    /// After how many seconds it counts as not ready.
    #[arg(long, value_name = "SECONDS", default_value_t = 4)]
    timeout: u64,
}

impl Health {
    pub(super) async fn run(self) -> Result<(), Failed> {
        if self.url.scheme() != "http" {
            return Err(Failed::new("only http:// can be asked")
                .hint("ask the service itself, not the proxy in front"));
        }
        let asked = tokio::time::timeout(Duration::from_secs(self.timeout), ask(&self.url)).await;
        match asked {
            Ok(Ok(answer)) if answer.status == Some(200) => {
                log::data(answer.body.trim());
                Ok(())
            }
            Ok(Ok(answer)) => Err(Failed::new(format!("not ready: {}", answer.body.trim()))),
            Ok(Err(error)) => Err(Failed::new(format!("no answer: {error}"))),
            Err(_) => Err(Failed::new(format!("no answer within {} seconds", self.timeout))),
        }
    }
}

struct Answer {
    status: Option<u16>,
    body: String,
}

async fn ask(url: &Url) -> std::io::Result<Answer> {
    let host = url.host_str().unwrap_or_default();
    let address = (host.trim_matches(['[', ']']), url.port_or_known_default().unwrap_or(80));
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST_ANSWER).read_to_end(&mut answer).await?;
    Ok(read(&String::from_utf8_lossy(&answer)))
}

/// Reads the status and the body of an answer.
fn read(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    Answer { status, body: body.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let answer = read("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nready\n");
        assert_eq!((answer.status, answer.body.as_str()), (Some(200), "ready\n"));
        assert_eq!(read("HTTP/1.0 503 Service Unavailable\r\n\r\nno").status, Some(503));
        assert_eq!(read("SSH-2.0-OpenSSH").status, None);
    }
}
