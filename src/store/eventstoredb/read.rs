//! Reading: one stream, everything, and what stands at a position.

use std::time::Duration;

use eventstore::{
    Client, ReadAllOptions, ReadEvent, ReadStream, ReadStreamOptions, ResolvedEvent, StreamPosition,
};
use vouchsafe_events::{Position, Stream, Version};

use super::connection::Connection;
use super::record::{LAST_NUMBER, Place, Seen, own, seen, weight};
use super::trouble::{Failure, no_such_position};
use crate::store::{StoreError, StoredEvent};

/// The most records that one request asks for.
const MOST: usize = 2048;

/// After how many bytes a read of everything takes no more, though more records were asked for. They are counted
/// whether they are ours or not: another application's can be a thousand times as large.
pub(super) const MOST_BYTES: usize = 8 * 1024 * 1024;

/// How many times as long as one message a whole answer may take.
const WHOLE: u32 = 12;

/// Records one after another: what was read of everything, and how far.
#[derive(Debug)]
pub(super) struct Page {
    /// Our events in it.
    pub(super) events: Vec<StoredEvent>,
    /// The last record in it, ours or not; where the page began if it is empty.
    pub(super) upto: Option<Place>,
    /// Whether there was no more when it was read.
    pub(super) ended: bool,
}

/// What an answer to a read of everything holds. Of records that are not ours only the place is kept.
#[derive(Debug)]
struct Records {
    seen: Vec<Seen>,
    /// Whether there was no more when it was read.
    ended: bool,
}

/// The next record of an answer, if there is one. Each wait is bounded, so that a long answer may take its time.
async fn next(connection: &Connection, answer: &mut ReadStream) -> Result<Option<ResolvedEvent>, Failure> {
    loop {
        match connection.answer(answer.next_read_event()).await? {
            None => return Ok(None),
            Some(ReadEvent::Event(event)) => return Ok(Some(event)),
            Some(_) => {}
        }
    }
}

impl Connection {
    /// Asks for `count` records, and takes fewer where they are large; two at least, so that who asks from a record
    /// on comes further. To take no more the answer is dropped, which tells the server to stop.
    async fn ask_all(
        &self,
        client: Client,
        from: StreamPosition<eventstore::Position>,
        backwards: bool,
        count: usize,
    ) -> Result<Result<Records, StoreError>, Failure> {
        let mut options =
            ReadAllOptions::default().max_count(count).position(from).deadline(WHOLE * self.deadline());
        options = if backwards { options.backwards() } else { options.forwards() };
        if let Some(credentials) = self.credentials() {
            options = options.authenticated(credentials);
        }
        let mut answer = self.answer(client.read_all(&options)).await?;
        let mut records = Records { seen: Vec::new(), ended: false };
        let (mut taken, mut bytes) = (0, 0);
        while let Some(record) = next(self, &mut answer).await? {
            taken += 1;
            bytes += weight(&record);
            match seen(record) {
                Ok(seen) => records.seen.extend(seen),
                Err(damage) => return Ok(Err(damage)),
            }
            if bytes >= MOST_BYTES && taken >= 2 {
                return Ok(Ok(records));
            }
        }
        records.ended = taken < count;
        Ok(Ok(records))
    }

    async fn ask_stream(
        &self,
        client: Client,
        stream: String,
        from: StreamPosition<u64>,
        count: usize,
    ) -> Result<Vec<ResolvedEvent>, Failure> {
        let mut options = ReadStreamOptions::default().max_count(count).deadline(WHOLE * self.deadline());
        options = match from {
            StreamPosition::End => options.position(from).backwards(),
            from => options.position(from).forwards(),
        };
        if let Some(credentials) = self.credentials() {
            options = options.authenticated(credentials);
        }
        let mut answer = self.answer(client.read_stream(stream, &options)).await?;
        let mut events = Vec::new();
        while let Some(event) = next(self, &mut answer).await? {
            events.push(event);
        }
        Ok(events)
    }

    /// At most `count` records of a stream: from a number on, or the last ones, newest first. None at all where
    /// the stream does not exist.
    pub(super) async fn stream(
        &self,
        stream: &str,
        from: StreamPosition<u64>,
        count: usize,
    ) -> Result<Vec<ResolvedEvent>, StoreError> {
        let read = self.persist(|client| {
            let from = match &from {
                StreamPosition::Position(number) => StreamPosition::Position(*number),
                StreamPosition::Start => StreamPosition::Start,
                StreamPosition::End => StreamPosition::End,
            };
            self.ask_stream(client, stream.to_owned(), from, count)
        });
        match read.await? {
            Ok(events) => Ok(events),
            Err(Failure::Missing) => Ok(Vec::new()),
            Err(failure) => Err(failure.told(Some(stream))),
        }
    }

    /// Our events of a stream, at most `limit` from `from` on.
    pub(super) async fn events(
        &self,
        stream: Stream,
        from: Version,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let name = stream.to_string();
        let mut found: Vec<StoredEvent> = Vec::new();
        let mut next = from.number();
        while found.len() < limit && next <= LAST_NUMBER {
            let count = (limit - found.len()).min(MOST);
            let page = self.stream(&name, StreamPosition::Position(next), count).await?;
            let ended = page.len() < count;
            for event in page {
                let event = own(stream, event)?;
                if event.version.number() != next {
                    return Err(StoreError::Damaged(format!(
                        "event {next} of the stream {stream} is not there: somebody set $maxCount, $maxAge or \
                         $tb on it, or scavenged it"
                    )));
                }
                next += 1;
                found.push(event);
            }
            if ended {
                break;
            }
        }
        Ok(found)
    }

    /// The last version in a stream.
    pub(super) async fn last_version(&self, stream: Stream) -> Result<Option<Version>, StoreError> {
        let last = self.stream(&stream.to_string(), StreamPosition::End, 1).await?;
        last.into_iter().next().map(|event| own(stream, event).map(|event| event.version)).transpose()
    }

    /// At most `count` records after a place; from the beginning if there is none.
    ///
    /// The server begins with the record at the place itself, which is asked for once more and left out.
    pub(super) async fn page(&self, after: Option<Place>, count: usize) -> Result<Page, StoreError> {
        self.page_within(self.patience(), after, count).await
    }

    /// The same, with a patience of its own.
    pub(super) async fn page_within(
        &self,
        patience: Duration,
        after: Option<Place>,
        count: usize,
    ) -> Result<Page, StoreError> {
        if after.is_some_and(|place| !place.is_countable()) {
            return Ok(Page { events: Vec::new(), upto: after, ended: true });
        }
        let asked = count.clamp(1, MOST) + usize::from(after.is_some());
        let read = self.persist_for(patience, |client| {
            let from = after.map_or(StreamPosition::Start, |at| StreamPosition::Position(at.position()));
            self.ask_all(client, from, false, asked)
        });
        let records = match read.await? {
            Ok(records) => records?,
            Err(Failure::NoSuchPosition) => {
                let at = after.map_or(0, |place| place.position().commit);
                return Err(no_such_position(Position::new(at)));
            }
            Err(failure) => return Err(failure.told(None)),
        };
        let mut page = Page { events: Vec::new(), upto: after, ended: records.ended };
        for record in records.seen {
            if after == Some(record.place) {
                continue;
            }
            if page.upto.is_some_and(|upto| record.place <= upto) {
                return Err(StoreError::Damaged(format!(
                    "the server gives the event at {:?} after one that stands no earlier",
                    record.place
                )));
            }
            page.upto = Some(record.place);
            page.events.extend(record.ours);
        }
        Ok(page)
    }

    /// At most `limit` of our events after a place, and how far was read. The server counts foreign events
    /// too, so a page of it may hold few of ours: the pages grow until there are enough. Who can do with fewer
    /// events than there are names a number of bytes that are enough.
    pub(super) async fn gather_events(
        &self,
        after: Option<Place>,
        limit: usize,
        enough: Option<usize>,
    ) -> Result<Page, StoreError> {
        let mut bytes = 0;
        let mut all = Page { events: Vec::new(), upto: after, ended: limit == 0 };
        let mut count = limit.clamp(1, MOST);
        while all.events.len() < limit && !all.ended {
            let page = self.page(all.upto, count).await?;
            let room = limit - all.events.len();
            if page.events.len() > room {
                // What does not fit is read again by whoever goes on from the last that does.
                all.events.extend(page.events.into_iter().take(room));
                all.upto = all.events.last().map(|event| Place::of(event.position));
                return Ok(all);
            }
            bytes += page.events.iter().map(|event| event.bytes.len()).sum::<usize>();
            all.events.extend(page.events);
            (all.upto, all.ended) = (page.upto, page.ended);
            if enough.is_some_and(|enough| bytes >= enough) {
                break;
            }
            count = (count * 2).min(MOST);
        }
        Ok(all)
    }

    /// Our event at a position; none where none of ours begins.
    pub(super) async fn event_at(&self, position: Position) -> Result<Option<StoredEvent>, StoreError> {
        let place = Place::of(position);
        if position == Position::START || !place.is_countable() {
            return Ok(None);
        }
        let read =
            self.persist(|client| self.ask_all(client, StreamPosition::Position(place.position()), false, 1));
        let records = match read.await? {
            Ok(records) => records?,
            Err(Failure::NoSuchPosition | Failure::Unreadable(_)) => return Ok(None),
            Err(failure) => return Err(failure.told(None)),
        };
        // Where a scavenge took the record away, the server gives the next one.
        let first = records.seen.into_iter().next();
        Ok(first.and_then(|record| record.ours).filter(|event| event.position == position))
    }

    /// Reads backwards from the end until the last of our events is found: where it stands, and where the last
    /// record of all does.
    pub(super) async fn ends(&self) -> Result<(Position, Option<Place>), StoreError> {
        let (mut before, mut last) = (None::<Place>, None::<Place>);
        let mut count = 32;
        loop {
            let read = self.persist(|client| {
                let from = before.map_or(StreamPosition::End, |at| StreamPosition::Position(at.position()));
                self.ask_all(client, from, true, count)
            });
            let records = read.await?.map_err(|failure| failure.told(None))??;
            for record in records.seen {
                last = last.or(Some(record.place));
                before = Some(record.place);
                if let Some(event) = record.ours {
                    return Ok((event.position, last));
                }
            }
            if records.ended {
                return Ok((Position::START, last));
            }
            count = (count * 2).min(MOST);
        }
    }
}
