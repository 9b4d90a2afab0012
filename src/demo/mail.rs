//! Stand-in for a mail server and for everybody's inbox: it takes all mail, delivers none, and shows it.
//!
//! SMTP as in RFC 5321, as much as a sender needs, with SIZE (RFC 1870), 8BITMIME (RFC 6152) and PIPELINING
//! (RFC 2920). No TLS and no sign-in: it is for loopback.

mod inbox;
mod lines;
mod linkify;
mod mailbox;
mod session;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::clock::Clock;

pub(super) use inbox::router;
pub use mailbox::{MailboxError, StandInMailbox, StoredMail};

/// What the server bears with.
#[derive(Clone, Copy, Debug)]
pub struct MailLimits {
    /// The most bytes of one message, as it is after its transparency dots are taken off.
    pub message_bytes: usize,
    /// The most bytes of a command, its CRLF included. RFC 5321 asks for 512, and extensions for more.
    pub command_bytes: usize,
    /// The most bytes of a line of a message, its CRLF included (RFC 5321, 4.5.3.1.6).
    pub line_bytes: usize,
    /// The most recipients of one message.
    pub recipients: usize,
    /// How long the server waits for the client's next bytes. RFC 5321, 4.5.3.2.7 asks for five minutes.
    pub wait: Duration,
    /// How many connections there may be at once.
    pub connections: usize,
}

impl Default for MailLimits {
    fn default() -> Self {
        Self {
            message_bytes: 1024 * 1024,
            command_bytes: 1024,
            line_bytes: 1000,
            recipients: 100,
            wait: Duration::from_mins(5),
            connections: 64,
        }
    }
}

/// Stand-in for a mail server.
#[derive(Clone)]
pub struct StandInMailServer {
    mailbox: Arc<StandInMailbox>,
    clock: Arc<dyn Clock>,
    limits: MailLimits,
}

impl StandInMailServer {
    /// A server that keeps what it takes in the mailbox.
    pub fn new(mailbox: Arc<StandInMailbox>, clock: Arc<dyn Clock>, limits: MailLimits) -> Self {
        Self { mailbox, clock, limits }
    }

    /// Serves until `stop` is ready. Sessions that are open then are cut off; a message that was answered
    /// with 250 is on disk.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()> + Send) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut sessions = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                // Ended sessions are taken off the set as they end.
                Some(_) = sessions.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (server, place) = (self.clone(), Arc::clone(&places).try_acquire_owned());
                    sessions.spawn(async move {
                        let (from, to) = stream.into_split();
                        // An error is a client that went away, which is its business.
                        let _ = session::serve(&server, from, to, place.is_ok()).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Most likely there are no file descriptors: others have to end first.
                    tracing::warn!(%error, "the stand-in mail server could not take a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl std::fmt::Debug for StandInMailServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandInMailServer").field("limits", &self.limits).finish_non_exhaustive()
    }
}
