//! Cells: each a stream of its own, whose last event is the document and whose revision is the version. The
//! server is told to forget all but the last few.
//!
//! They are read and set on a connection of their own ([`Connection::for_cells`]). When a set fails for want of an
//! answer, whether it was done is not known: whoever set it finds out from what the cell holds then.

use bytes::Bytes;
use eventstore::{EventData, ExpectedRevision, StreamPosition};
use uuid::Builder;
use vouchsafe_events::Version;

use super::connection::Connection;
use super::record::LAST_NUMBER;
use super::trouble::{Failure, Trouble};
use crate::random::Random;
use crate::store::{Cell, CellName, StoreError, check_cell};

/// The type of the events that hold documents.
const KIND: &str = "vouchsafe-cell";

/// How many documents the server keeps of each cell: enough for one that is set between two looks to be seen.
pub(super) const KEPT: u64 = 8;

/// The stream of a cell. It is not the name of any stream of the log.
pub(super) fn stream_of(name: &CellName) -> String {
    format!("vouchsafe-cell-{name}")
}

impl Connection {
    /// The document in a cell.
    pub(super) async fn cell(&self, name: &CellName) -> Result<Option<Cell>, StoreError> {
        let last = self.stream(&stream_of(name), StreamPosition::End, 1).await?;
        let recorded = last.into_iter().next().and_then(|resolved| resolved.link.or(resolved.event));
        Ok(recorded.map(|recorded| Cell { version: recorded.revision, bytes: recorded.data }))
    }

    /// Replaces the document in a cell.
    pub(super) async fn set_cell(
        &self,
        random: &Random,
        name: &CellName,
        expected: Option<u64>,
        bytes: Bytes,
    ) -> Result<u64, StoreError> {
        check_cell(&bytes)?;
        let moved = |actual| StoreError::CellMoved { name: name.clone(), expected, actual };
        let revision = match expected {
            None => ExpectedRevision::NoStream,
            Some(version) if version < LAST_NUMBER => ExpectedRevision::Exact(version),
            // The server would take it for something else.
            Some(_) => return Err(moved(self.cell(name).await?.map(|cell| cell.version))),
        };
        let stream = stream_of(name);
        if expected.is_none() {
            self.keep_few(random, &stream).await?;
        }
        // One id for all tries: the server takes them for one.
        let id = new_id(random)?;
        let sent =
            self.send(&stream, revision, || vec![EventData::binary(KIND, bytes.clone()).id(id)]).await?;
        match sent {
            Ok(_) => Ok(expected.map_or(0, |version| version + 1)),
            Err(Failure::Conflict(actual)) => Err(moved(actual.map(Version::number))),
            Err(failure) => Err(failure.told(Some(&stream))),
        }
    }

    /// Tells the server to forget old documents, unless it was told something about the stream already. That the
    /// service may not say so is no reason to stop: the stream then grows until an operator says it.
    async fn keep_few(&self, random: &Random, stream: &str) -> Result<(), StoreError> {
        let metadata = format!("$${stream}");
        let id = new_id(random)?;
        let few = serde_json::json!({ "$maxCount": KEPT });
        let told =
            EventData::json("$metadata", &few).map_err(|error| Trouble::Refused(error.to_string()))?.id(id);
        match self.send(&metadata, ExpectedRevision::NoStream, || vec![told.clone()]).await? {
            Ok(_) | Err(Failure::Conflict(_)) => Ok(()),
            Err(Failure::Denied) => {
                tracing::warn!(
                    stream,
                    "the service may not set $maxCount on a cell's stream: an operator should"
                );
                Ok(())
            }
            Err(failure) => Err(failure.told(Some(&metadata))),
        }
    }
}

/// An id that nothing else has.
pub(super) fn new_id(random: &Random) -> Result<uuid::Uuid, StoreError> {
    let bytes = random.bytes().map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    Ok(Builder::from_random_bytes(bytes).into_uuid())
}
