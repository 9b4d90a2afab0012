//! The one way in which a decision gets into the log.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tracing::Instrument as _;
use vouchsafe_events::{
    Actor, Envelope, Event, EventId, Plain, Position, Reactor, Sealed, Stream, Timestamp, Version, decode,
    encode,
};

use super::correlation::correlation as correlation_now;
use super::{App, Cause, Failure, Unavailable};
use crate::domain::{Decided, State};
use crate::metrics::{self, Append, Command};
use crate::store::{Appended, Expected, NewEvent, StoreError};
use crate::traces;

/// How often a decision is made anew when others write to its stream meanwhile.
const TRIES: usize = 16;

/// How often an append whose answer is unclear is repeated, byte for byte.
const REPEATS: usize = 3;

/// After how long to look again whether the lists show what was recorded.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How many events are read from a stream at once.
const PAGE: usize = 1000;

/// What was decided, each event with its cause.
pub(super) type Caused = Vec<(Cause, Event<Plain>)>;

/// What was decided, all of one cause.
pub(super) fn caused(cause: Cause, decided: Decided) -> Caused {
    decided.into_iter().map(|event| (cause, event)).collect()
}

/// What a decision led to.
#[derive(Clone, Debug)]
pub struct Done {
    /// The position of the last event; of the log's head as the lists know it if nothing needed to happen.
    pub position: Position,
    /// The ids of the events, in order.
    pub events: Vec<EventId>,
    /// Their types, in order.
    pub kinds: Vec<&'static str>,
}

impl Done {
    fn of(position: Position, events: &[NewEvent]) -> Self {
        let (events, kinds) = events.iter().map(|event| (event.id, event.kind)).unzip();
        Self { position, events, kinds }
    }
}

impl App {
    /// Loads a stream, decides, appends what was decided, and waits until the lists show it. When others
    /// wrote to the stream meanwhile, it decides anew on what is there then.
    pub(super) async fn decide<S: State, R>(
        &self,
        stream: Stream,
        cause: Cause,
        decide: impl Fn(&S, Timestamp) -> Result<Decided, R>,
    ) -> Result<Done, Failure<R>> {
        let decide = |state: &S, now| decide(state, now).map(|decided| (caused(cause, decided), ()));
        self.decide_with(stream, decide).await.map(|(done, ())| done)
    }

    /// The same where each event has a cause of its own, and where the caller learns more of the decision than its
    /// events: whatever the one that counts answered beside them.
    pub(super) async fn decide_with<S: State, T, R>(
        &self,
        stream: Stream,
        decide: impl Fn(&S, Timestamp) -> Result<(Caused, T), R>,
    ) -> Result<(Done, T), Failure<R>> {
        let span = traces::decide(stream);
        let decided = self.decide_anew(stream, decide).instrument(span.clone()).await;
        tell(stream, &span, decided.as_ref().map(|(done, _)| done));
        decided
    }

    /// Decides, and decides anew on what is there then when others write meanwhile.
    async fn decide_anew<S: State, T, R>(
        &self,
        stream: Stream,
        decide: impl Fn(&S, Timestamp) -> Result<(Caused, T), R>,
    ) -> Result<(Done, T), Failure<R>> {
        for _ in 0..TRIES {
            let (state, expected) = self.load::<S>(stream).await?;
            let now = self.now();
            let (decided, more) = decide(&state, now).map_err(Failure::Refused)?;
            if decided.is_empty() {
                let position = self.following.position();
                return Ok((Done { position, events: Vec::new(), kinds: Vec::new() }, more));
            }
            let events = self.seal(stream, expected, now, decided)?;
            match self.append(stream, expected, &events).await {
                Ok(Appended { position, .. }) => {
                    self.reach(position).await?;
                    return Ok((Done::of(position, &events), more));
                }
                Err(StoreError::WrongVersion { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Contended)
    }

    /// Folds a stream. Answers too what the next append must expect.
    pub(super) async fn load<S: State>(&self, stream: Stream) -> Result<(S, Expected), Unavailable> {
        let mut state = S::default();
        let mut expected = Expected::NoStream;
        loop {
            let page = self.store.read(stream, expected.next(), PAGE).await?;
            for stored in &page {
                state.apply(&decode(stored.position, &stored.bytes)?);
                expected = Expected::Exact(stored.version);
            }
            if page.len() < PAGE {
                return Ok((state, expected));
            }
        }
    }

    /// Gives what was decided its envelopes and seals what is personal.
    fn seal(
        &self,
        stream: Stream,
        expected: Expected,
        at: Timestamp,
        decided: Caused,
    ) -> Result<Vec<NewEvent>, Unavailable> {
        let mut version: Version = expected.next();
        let mut events = Vec::with_capacity(decided.len());
        for (cause, event) in decided {
            let id = EventId::from_uuid(self.random.uuid(at)?);
            let event: Event<Sealed> = event.seal(|slot, plain| self.ring.seal(id, slot, plain))?;
            let Cause { actor, causation, correlation } = cause;
            let correlation = correlation.or_else(correlation_now);
            let envelope = Envelope { id, stream, version, at, actor, causation, correlation };
            let bytes = Bytes::from(encode(&envelope, &event)?);
            events.push(NewEvent { id, kind: event.kind(), bytes });
            version = version.next();
        }
        Ok(events)
    }

    /// Appends. When the answer is unclear the same bytes are sent again, which the log takes once.
    async fn append(
        &self,
        stream: Stream,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, StoreError> {
        let mut repeats = 0;
        loop {
            let span = traces::append(stream, events.len());
            let begun = std::time::Instant::now();
            let answer = self.store.append(stream, expected, events.to_vec()).instrument(span.clone()).await;
            let how = how(&answer);
            metrics::append(stream, how, begun.elapsed());
            match answer {
                Ok(appended) => {
                    metrics::appended(events.iter().map(|event| event.kind));
                    return Ok(appended);
                }
                Err(error) => {
                    if !matches!(how, Append::Conflict) {
                        traces::failed(&span);
                    }
                    if !matches!(error, StoreError::Unavailable(_)) || repeats >= REPEATS {
                        return Err(error);
                    }
                    metrics::append_repeated();
                    repeats += 1;
                }
            }
        }
    }

    /// Appends what a reactor did. Nothing is decided on such a stream, so it is never read: where it ends is
    /// remembered, and learnt from the log's answer when that turns out wrong. It grows with every mail.
    pub async fn record(
        &self,
        reactor: Reactor,
        decided: Decided,
    ) -> Result<Done, Failure<std::convert::Infallible>> {
        let stream = Stream::Reactor(reactor);
        let span = traces::decide(stream);
        let recorded = self.record_anew(reactor, decided).instrument(span.clone()).await;
        tell(stream, &span, recorded.as_ref());
        recorded
    }

    async fn record_anew(
        &self,
        reactor: Reactor,
        decided: Decided,
    ) -> Result<Done, Failure<std::convert::Infallible>> {
        let stream = Stream::Reactor(reactor);
        let cause = |event: &Event<Plain>| Cause::by(Actor::Reactor(reactor)).since(causation(event));
        let caused: Caused = decided.into_iter().map(|event| (cause(&event), event)).collect();
        let mut expected = self.ends().get(&reactor).copied().unwrap_or(Expected::NoStream);
        for _ in 0..TRIES {
            let events = self.seal(stream, expected, self.now(), caused.clone())?;
            match self.append(stream, expected, &events).await {
                Ok(appended) => {
                    self.ends().insert(reactor, Expected::Exact(appended.version));
                    // It is recorded: whoever asked must neither record it again nor go on from lists that do not show
                    // it. If they never come to show it, another instance is given the reactors.
                    while self.reach(appended.position).await.is_err() {
                        tokio::time::sleep(LOOK_AGAIN).await;
                    }
                    return Ok(Done::of(appended.position, &events));
                }
                Err(StoreError::WrongVersion { actual, .. }) => {
                    expected = actual.map_or(Expected::NoStream, Expected::Exact);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Contended)
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<Reactor, Expected>> {
        self.reactor_ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an append went.
const fn how(answer: &Result<Appended, StoreError>) -> Append {
    match answer {
        Ok(_) => Append::Appended,
        Err(StoreError::WrongVersion { .. }) => Append::Conflict,
        Err(error) if error.retryable() => Append::Unavailable,
        Err(_) => Append::Refused,
    }
}

/// Tells metrics and traces what a command came to.
fn tell<R>(stream: Stream, span: &tracing::Span, outcome: Result<&Done, &Failure<R>>) {
    let how = match outcome {
        Ok(done) if done.events.is_empty() => Command::Nothing,
        Ok(_) => Command::Done,
        Err(Failure::Refused(_)) => Command::Refused,
        Err(Failure::Contended) => Command::Contended,
        Err(Failure::Unavailable(_)) => Command::Unavailable,
    };
    metrics::command(stream, how);
    traces::decided(span, how.as_str(), outcome.map_or(&[][..], |done| done.kinds.as_slice()));
    if matches!(how, Command::Contended | Command::Unavailable) {
        traces::failed(span);
    }
}

/// The event that a mail, of which a reactor takes note, was about.
fn causation(event: &Event<Plain>) -> Option<EventId> {
    match event {
        Event::MailSent(data) => Some(data.event),
        Event::MailGivenUp(data) => Some(data.event),
        _ => None,
    }
}

#[cfg(test)]
mod writing {
    use std::convert::Infallible;

    use vouchsafe_events::{Recorded, Stream};

    use super::{App, Cause, Decided, Done, Failure, State};

    /// A state that knows nothing.
    #[derive(Default)]
    struct Unread;

    impl State for Unread {
        fn apply(&mut self, _: &Recorded) {}
    }

    impl App {
        /// Appends events that no use case decided: for tests that need a history of every kind.
        pub(crate) async fn write(
            &self,
            stream: Stream,
            cause: Cause,
            decided: Decided,
        ) -> Result<Done, Failure<Infallible>> {
            self.decide::<Unread, _>(stream, cause, |_, _| Ok(decided.clone())).await
        }
    }
}
