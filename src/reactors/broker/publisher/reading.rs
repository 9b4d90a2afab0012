//! Opening an event's personal data, aside: a key ring on another machine may take seconds to say that it is away, and
//! meanwhile RabbitMQ's answers are heard, and the word to stop.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use vouchsafe_events::{Recorded, Timestamp};

use crate::app::App;
use crate::reactors::broker::public::{Public, Unpublished, public};

/// An event that was read, and its public form; none of one that is not published.
pub(super) struct Read {
    pub(super) recorded: Recorded,
    pub(super) public: Result<Option<Public>, Unpublished>,
}

/// An event that is being read.
pub(super) struct Reading {
    at: Timestamp,
    read: Pin<Box<dyn Future<Output = Result<Read, JoinError>> + Send>>,
}

impl Reading {
    /// Begins to read an event, after a while.
    pub(super) fn begin(app: &Arc<App>, recorded: Recorded, after: Duration) -> Self {
        let (app, at) = (Arc::clone(app), recorded.envelope.at);
        let read = async move {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            let read: JoinHandle<Read> = spawn_blocking(move || {
                let public = public(&recorded, Some(app.ring()));
                Read { recorded, public }
            });
            read.await
        };
        Self { at, read: Box::pin(read) }
    }

    /// When the event happened.
    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }
}

impl Future for Reading {
    type Output = Result<Read, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.read.as_mut().poll(context)
    }
}
