//! Appending: once, however often it takes.
//!
//! The server takes the same ids at the same place for the same append, and answers it as done; it does not
//! compare their content, and does not say whether it wrote anything. So what stands there is read after every
//! append and compared, ids and bytes, and the answer rests on that alone. It costs one more request, and settles
//! all the doubtful cases in the same way: an answer that was lost, a leader that changed in between, and two
//! writers who made different events under one id.

use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision, WriteResult};
use tokio::time::{Instant, sleep, timeout};
use vouchsafe_events::{Stream, Version};

use super::connection::Connection;
use super::record::{LAST_NUMBER, MAX_APPEND, proposed, size};
use super::trouble::{Failure, Trouble};
use crate::store::{Appended, Expected, NewEvent, StoreError, check_append};

/// What stands where an append should have put its events.
enum Standing {
    /// The same events.
    Same(Appended),
    /// Nothing.
    Nothing,
    /// Something else, or only a part.
    Other,
}

impl Connection {
    async fn ask_append(
        &self,
        client: Client,
        stream: String,
        expected: ExpectedRevision,
        events: Vec<EventData>,
    ) -> Result<WriteResult, Failure> {
        let mut options =
            AppendToStreamOptions::default().expected_revision(expected).deadline(self.deadline());
        if let Some(credentials) = self.credentials() {
            options = options.authenticated(credentials);
        }
        self.answer(client.append_to_stream(stream, &options, events)).await
    }

    /// Sends an append until it is answered. Its events have their ids already: without one, the client would
    /// make up another for each try.
    pub(super) async fn send(
        &self,
        stream: &str,
        expected: ExpectedRevision,
        events: impl Fn() -> Vec<EventData> + Sync,
    ) -> Result<Result<WriteResult, Failure>, StoreError> {
        self.persist(|client| self.ask_append(client, stream.to_owned(), expected, events())).await
    }

    /// Appends, or finds that it was done.
    pub(super) async fn append(
        &self,
        stream: Stream,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, StoreError> {
        check_append(events)?;
        let bytes: usize = events.iter().map(size).sum();
        if bytes > MAX_APPEND {
            return Err(StoreError::TooLarge { bytes, limit: MAX_APPEND });
        }
        let wrong = |actual| StoreError::WrongVersion { stream, expected, actual };
        let revision = match expected {
            Expected::NoStream => ExpectedRevision::NoStream,
            Expected::Exact(version) if version.number() < LAST_NUMBER => {
                ExpectedRevision::Exact(version.number())
            }
            // The server would take it for something else.
            Expected::Exact(_) => return Err(wrong(self.last_version(stream).await?)),
        };
        let name = stream.to_string();
        let sent = self.send(&name, revision, || events.iter().map(proposed).collect()).await?;
        match sent {
            Ok(_) => match self.settle(stream, expected, events).await? {
                Standing::Same(appended) => Ok(appended),
                Standing::Other => Err(wrong(self.last_version(stream).await?)),
                Standing::Nothing => Err(Trouble::NotThere(stream).into()),
            },
            Err(Failure::Conflict(actual)) => match self.standing(stream, expected, events).await? {
                Standing::Same(appended) => Ok(appended),
                Standing::Other | Standing::Nothing => Err(wrong(actual)),
            },
            // It was never answered: it may have been done all the same.
            Err(failure @ (Failure::Later(_) | Failure::Broken(_) | Failure::Silent)) => {
                match timeout(self.deadline(), self.standing(stream, expected, events)).await {
                    Ok(Ok(Standing::Same(appended))) => Ok(appended),
                    Ok(Ok(Standing::Other)) => Err(wrong(self.last_version(stream).await?)),
                    Ok(Ok(Standing::Nothing) | Err(_)) | Err(_) => Err(failure.told(Some(&name))),
                }
            }
            Err(Failure::TooLarge { limit }) => Err(StoreError::TooLarge { bytes, limit }),
            Err(failure) => Err(failure.told(Some(&name))),
        }
    }

    /// Looks what stands there once the server said that it is done. A leader that took over meanwhile may need
    /// a moment to know of it.
    async fn settle(
        &self,
        stream: Stream,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Standing, StoreError> {
        let begun = Instant::now();
        loop {
            let standing = self.standing(stream, expected, events).await?;
            if !matches!(standing, Standing::Nothing) || begun.elapsed() > self.deadline() {
                return Ok(standing);
            }
            sleep(self.deadline() / 20).await;
        }
    }

    async fn standing(
        &self,
        stream: Stream,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Standing, StoreError> {
        let first: Version = expected.next();
        let there = self.events(stream, first, events.len()).await?;
        let Some(last) = there.last() else { return Ok(Standing::Nothing) };
        let same = there.len() == events.len()
            && there
                .iter()
                .zip(events)
                .all(|(there, event)| there.id == event.id && there.bytes == event.bytes);
        if same {
            return Ok(Standing::Same(Appended { version: last.version, position: last.position }));
        }
        Ok(Standing::Other)
    }
}
