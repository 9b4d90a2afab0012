//! The streams service: requests to the log, and its answers.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::Stream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::access::{Act, User, check};
use crate::faults::{AppendFault, Faults, ReadFault};
use crate::generated::streams_server::Streams;
use crate::log::{AllRead, DELETED, Direction, Expected, Log, Outcome, Proposed, Record, StreamRead};
use crate::wire::{
    AllOption, AppendContent, AppendReq, AppendResp, AppendResult, AppendSuccess, Confirmation, CountOption,
    CurrentRevision, DeletePosition, DeleteReq, DeleteResp, Empty, EventPosition, ExpectedRevision,
    ExpectedWas, FilterOption, Position, ReadContent, ReadEvent, ReadOptions, ReadReq, ReadResp,
    RecordedEvent, RevisionOption, StreamIdentifier, StreamNotFound, StreamOption, SuccessPosition,
    SuccessRevision, Uuid, UuidValue, WriteOptions, WrongExpectedVersion,
};

/// The most bytes of one append, unless the operator sets another limit: 1 MiB.
pub(crate) const MAX_APPEND: usize = 1024 * 1024;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) log: Arc<Mutex<Log>>,
    pub(crate) users: Arc<[User]>,
    pub(crate) faults: Arc<Faults>,
}

type Answers = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;

/// A status as the server's exceptions make it: with the exception's name beside it.
fn exception(code: Code, message: impl Into<String>, name: &'static str) -> Status {
    let mut status = Status::new(code, message);
    status.metadata_mut().insert("exception", MetadataValue::from_static(name));
    status
}

/// What a server says that does not lead.
fn not_leader(host: &str, port: u16) -> Status {
    let mut status = exception(Code::NotFound, "Leader info available", "not-leader");
    if let Ok(host) = host.parse() {
        status.metadata_mut().insert("leader-endpoint-host", host);
    }
    status.metadata_mut().insert("leader-endpoint-port", MetadataValue::from(port));
    status
}

/// What an exception that nobody caught comes to.
fn unhandled() -> Status {
    Status::unknown("Exception was thrown by handler.")
}

/// A connection that breaks, as the client sees it.
fn broken() -> Status {
    Status::unavailable("the connection was lost")
}

fn deleted(stream: &str) -> Status {
    exception(Code::FailedPrecondition, format!("Event stream '{stream}' is deleted."), "stream-deleted")
}

fn from_leader(headers: &MetadataMap) -> bool {
    headers.get("requires-leader").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

fn name(stream: Option<StreamIdentifier>) -> Result<String, Status> {
    let name = stream.map(|stream| stream.stream_name).unwrap_or_default();
    let name = String::from_utf8(name.to_vec()).map_err(|_| unhandled())?;
    if name.is_empty() { Err(unhandled()) } else { Ok(name) }
}

fn uuid(sent: Option<Uuid>) -> Result<uuid::Uuid, Status> {
    let id = match sent.and_then(|id| id.value) {
        Some(UuidValue::String(text)) => text.parse().map_err(|_| unhandled())?,
        Some(UuidValue::Structured(halves)) => uuid::Uuid::from_u64_pair(
            halves.most_significant_bits.cast_unsigned(),
            halves.least_significant_bits.cast_unsigned(),
        ),
        None => return Err(unhandled()),
    };
    if id.is_nil() { Err(unhandled()) } else { Ok(id) }
}

/// A number as the server takes it: the largest one stands for -1, and others that have no sign for nothing.
fn number(sent: u64) -> Result<i64, Status> {
    if sent == u64::MAX { Ok(-1) } else { i64::try_from(sent).map_err(|_| unhandled()) }
}

fn expected(sent: Option<ExpectedRevision>) -> Result<Expected, Status> {
    Ok(match sent {
        Some(ExpectedRevision::Revision(revision)) => match number(revision)? {
            -1 => Expected::NoStream,
            revision => Expected::Exact(revision),
        },
        Some(ExpectedRevision::NoStream(_)) => Expected::NoStream,
        Some(ExpectedRevision::Any(_)) => Expected::Any,
        Some(ExpectedRevision::StreamExists(_)) => Expected::StreamExists,
        None => return Err(Status::invalid_argument("'None' is not a valid expected revision")),
    })
}

/// A record as an answer: both positions are where it stands, as no explicit transaction wrote it.
fn answer(record: &Record) -> ReadResp {
    let created = 17_000_000_000_000_000 + record.position;
    let content = if record.json { "application/json" } else { "application/octet-stream" };
    let event = RecordedEvent {
        id: Some(Uuid { value: Some(UuidValue::String(record.id.to_string())) }),
        stream: Some(StreamIdentifier { stream_name: Bytes::from(record.stream.clone()) }),
        revision: record.number.cast_unsigned(),
        prepare: record.position,
        commit: record.position,
        metadata: HashMap::from([
            ("type".to_owned(), record.kind.clone()),
            ("created".to_owned(), created.to_string()),
            ("content-type".to_owned(), content.to_owned()),
        ]),
        custom_metadata: record.metadata.clone(),
        data: record.data.clone(),
    };
    let position = Some(EventPosition::Commit(record.position));
    // A link whose event cannot be found is answered as a link without an event where links are resolved; here
    // they never are, so a link is an event like any other.
    ReadResp { content: Some(ReadContent::Event(ReadEvent { event: Some(event), link: None, position })) }
}

impl Service {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answers to a read, before anything goes wrong with them.
    fn find(&self, options: ReadOptions, headers: &MetadataMap) -> Result<Vec<ReadResp>, Status> {
        let count = match options.count {
            Some(CountOption::Count(count)) => usize::try_from(count).unwrap_or(usize::MAX),
            Some(CountOption::Subscription(_)) => {
                // It is confirmed and ended, without an error: the one thing that is worth knowing of one.
                self.faults.subscribed();
                let confirmation = Confirmation { subscription_id: "stand-in".to_owned() };
                return Ok(vec![ReadResp { content: Some(ReadContent::Confirmation(confirmation)) }]);
            }
            None => return Err(Status::invalid_argument("The combination is invalid.")),
        };
        if options.uuid.is_none() {
            return Err(Status::invalid_argument(" `uuidOption` is a required argument"));
        }
        if !matches!(options.filter, Some(FilterOption::NoFilter(_))) {
            return Err(Status::unimplemented("the stand-in serves no filters"));
        }
        let direction = if options.direction == 0 { Direction::Forwards } else { Direction::Backwards };
        let log = self.log();
        match options.stream {
            Some(StreamOption::Stream(of)) => {
                let stream = name(of.stream)?;
                check(&self.users, headers, &log, &stream, Act::Read)?;
                let from = match (of.revision, direction) {
                    (Some(RevisionOption::Revision(revision)), _) => match number(revision)? {
                        -1 => None,
                        revision => Some(revision),
                    },
                    // Forwards from the end there is nothing, backwards from the start one event.
                    (Some(RevisionOption::End(_)), Direction::Forwards) => Some(DELETED),
                    (Some(RevisionOption::Start(_)), Direction::Backwards) => Some(0),
                    (Some(_), _) => None,
                    (None, _) => return Err(Status::invalid_argument("'None' is not a valid revision")),
                };
                let compatible = options.control.is_some_and(|control| control.compatibility >= 1);
                match log.read(&stream, from, direction, count) {
                    StreamRead::Deleted => Err(deleted(&stream)),
                    StreamRead::NoStream => {
                        let stream = Some(StreamIdentifier { stream_name: Bytes::from(stream) });
                        Ok(vec![ReadResp {
                            content: Some(ReadContent::StreamNotFound(StreamNotFound { stream })),
                        }])
                    }
                    StreamRead::Found { events, first, last } => {
                        let mut answers: Vec<_> = events.iter().map(answer).collect();
                        if compatible {
                            let content = |content| ReadResp { content: Some(content) };
                            if let Some(first) = first {
                                let first = ReadContent::FirstStreamPosition(first.cast_unsigned());
                                answers.insert(0, content(first));
                            }
                            answers.push(content(ReadContent::LastStreamPosition(last.cast_unsigned())));
                        }
                        Ok(answers)
                    }
                }
            }
            Some(StreamOption::All(all)) => {
                check(&self.users, headers, &log, "$all", Act::Read)?;
                let from = match all.position {
                    Some(AllOption::Position(Position { commit, prepare })) => {
                        if commit < prepare {
                            return Err(unhandled());
                        }
                        match (number(commit)?, number(prepare)?) {
                            (-1, -1) => None,
                            (-1, _) | (_, -1) => {
                                return Err(Status::unknown("Unexpected ReadAllResult: InvalidPosition"));
                            }
                            _ => Some((commit, prepare)),
                        }
                    }
                    Some(AllOption::Start(_)) => Some((0, 0)),
                    Some(AllOption::End(_)) => None,
                    None => return Err(Status::invalid_argument("'None' is not a valid position")),
                };
                match log.read_all(from, direction, count) {
                    AllRead::Found(events) => Ok(events.iter().map(answer).collect()),
                    AllRead::InvalidPosition => {
                        Err(Status::unknown("Unexpected ReadAllResult: InvalidPosition"))
                    }
                }
            }
            None => Err(Status::invalid_argument("'None' is not a valid stream")),
        }
    }

    fn write(&self, options: WriteOptions, events: Vec<Proposed>) -> Result<AppendResp, Status> {
        let stream = name(options.stream)?;
        let expectation = expected(options.expected)?;
        let outcome = self.log().append(&stream, expectation, events);
        let result = match outcome {
            Outcome::Done { last, position } => AppendResult::Success(AppendSuccess {
                revision: Some(if last < 0 {
                    SuccessRevision::NoStream(Empty {})
                } else {
                    SuccessRevision::Current(last.cast_unsigned())
                }),
                position: Some(match position {
                    Some(at) => SuccessPosition::Position(Position { commit: at, prepare: at }),
                    None => SuccessPosition::None(Empty {}),
                }),
            }),
            Outcome::WrongVersion { current } => AppendResult::WrongExpectedVersion(WrongExpectedVersion {
                current: Some(if current < 0 {
                    CurrentRevision::NoStream(Empty {})
                } else {
                    CurrentRevision::Revision(current.cast_unsigned())
                }),
                expected: options.expected.map(|expected| match expected {
                    ExpectedRevision::Revision(revision) => ExpectedWas::Revision(revision),
                    ExpectedRevision::NoStream(_) => ExpectedWas::NoStream(Empty {}),
                    ExpectedRevision::Any(_) => ExpectedWas::Any(Empty {}),
                    ExpectedRevision::StreamExists(_) => ExpectedWas::StreamExists(Empty {}),
                }),
            }),
            Outcome::Deleted => return Err(deleted(&stream)),
        };
        Ok(AppendResp { result: Some(result) })
    }

    fn remove(&self, request: Request<DeleteReq>, hard: bool) -> Result<Response<DeleteResp>, Status> {
        let (headers, _, request) = request.into_parts();
        let options = request.options.ok_or_else(unhandled)?;
        let stream = name(options.stream)?;
        let expectation = expected(options.expected)?;
        let mut log = self.log();
        check(&self.users, &headers, &log, &stream, Act::Delete)?;
        match log.delete(&stream, expectation, hard) {
            Outcome::Done { position, .. } => {
                let at = position.unwrap_or_default();
                let position = Some(DeletePosition::Position(Position { commit: at, prepare: at }));
                Ok(Response::new(DeleteResp { position }))
            }
            Outcome::Deleted => Err(deleted(&stream)),
            // A deletion's conflict is a status, an append's is an answer.
            Outcome::WrongVersion { current } => Err(exception(
                Code::FailedPrecondition,
                format!(
                    "Delete failed due to WrongExpectedVersion. Stream: {stream}, Actual version: {current}"
                ),
                "wrong-expected-version",
            )),
        }
    }
}

/// Reads an append's messages, refusing what the server refuses.
async fn proposed(messages: &mut Streaming<AppendReq>) -> Result<Vec<Proposed>, Status> {
    let (mut events, mut size) = (Vec::new(), 0);
    while let Some(message) = messages.message().await? {
        let Some(AppendContent::Proposed(message)) = message.content else { return Err(unhandled()) };
        let required = |name: &str| {
            message.metadata.get(name).cloned().ok_or_else(|| {
                exception(
                    Code::InvalidArgument,
                    format!("Required Metadata Property '{name}' is missing"),
                    "missing-required-metadata-property",
                )
            })
        };
        let (kind, content) = (required("type")?, required("content-type")?);
        // A type counts twice, as the server keeps texts in UTF-16.
        size += message.data.len() + message.custom_metadata.len() + 2 * kind.encode_utf16().count();
        if size > MAX_APPEND {
            return Err(exception(
                Code::InvalidArgument,
                format!("Maximum Append Size of {MAX_APPEND} Exceeded."),
                "maximum-append-size-exceeded",
            ));
        }
        if kind.is_empty() {
            return Err(unhandled());
        }
        events.push(Proposed {
            id: uuid(message.id)?,
            kind,
            json: content == "application/json",
            data: message.data,
            metadata: message.custom_metadata,
        });
    }
    Ok(events)
}

#[tonic::async_trait]
impl Streams for Service {
    type ReadStream = Answers;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Answers>, Status> {
        let (headers, _, request) = request.into_parts();
        let options = request.options.ok_or_else(unhandled)?;
        let leader = from_leader(&headers);
        let fault = match options.stream {
            Some(StreamOption::All(_)) => self.faults.next_all_read(leader),
            _ => self.faults.next_stream_read(leader),
        };
        let mut ending = None;
        let mut answers = match fault {
            None => self.find(options, &headers)?,
            Some(ReadFault::NotLeader { host, port }) => return Err(not_leader(&host, port)),
            Some(ReadFault::Refused(code, message)) => return Err(Status::new(code, message)),
            Some(ReadFault::Silent(time)) => {
                tokio::time::sleep(time).await;
                self.find(options, &headers)?
            }
            Some(ReadFault::EndedAfter(count)) => {
                let mut answers = self.find(options, &headers)?;
                answers.truncate(count);
                answers
            }
            Some(ReadFault::BrokenAfter(count)) => {
                let mut answers = self.find(options, &headers)?;
                answers.truncate(count);
                ending = Some(Err(broken()));
                answers
            }
        }
        .into_iter()
        .map(Ok)
        .collect::<Vec<_>>();
        answers.extend(ending);
        Ok(Response::new(Box::pin(futures_util::stream::iter(answers))))
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        let (headers, _, mut messages) = request.into_parts();
        let fault = self.faults.next_append(from_leader(&headers));
        let Some(AppendContent::Options(options)) = messages.message().await?.and_then(|first| first.content)
        else {
            return Err(unhandled());
        };
        check(&self.users, &headers, &self.log(), &name(options.stream.clone())?, Act::Write)?;
        let events = proposed(&mut messages).await?;
        let answer = match fault {
            None => self.write(options, events)?,
            Some(AppendFault::Busy) => return Err(Status::unavailable("Server Is Too Busy")),
            Some(AppendFault::AnswerLost) => {
                self.write(options, events)?;
                return Err(broken());
            }
            Some(AppendFault::TimedOutAfterCommit) => {
                self.write(options, events)?;
                return Err(Status::aborted("Operation timed out: Commit phase timeout."));
            }
            Some(AppendFault::Dropped(time)) => {
                tokio::time::sleep(time).await;
                return Err(Status::aborted("Operation timed out: Commit phase timeout."));
            }
            Some(AppendFault::Slow(time)) => {
                let answer = self.write(options, events)?;
                tokio::time::sleep(time).await;
                answer
            }
            Some(AppendFault::NotLeader { host, port }) => return Err(not_leader(&host, port)),
            Some(AppendFault::NoLeader) => {
                return Err(Status::unknown("No leader info available in response"));
            }
            Some(AppendFault::Refused(code, message)) => return Err(Status::new(code, message)),
        };
        Ok(Response::new(answer))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        self.remove(request, false)
    }

    async fn tombstone(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        self.remove(request, true)
    }
}
