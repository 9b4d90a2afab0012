//! One connection's worth of publishing.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{FutureExt as _, OptionFuture};
use futures_util::stream::{FuturesUnordered, Stream as FutureStream, StreamExt as _};
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ExchangeKind};
use tokio::time::Instant;
use vouchsafe_events::{Position, Recorded, decode};

use super::reading::{Read, Reading};
use super::{Ended, Publisher};
use crate::errors::Chain;
use crate::metrics;
use crate::reactors::broker::checkpoint::{Checkpoint, CheckpointError};
use crate::reactors::broker::dial::{self, LinkError};
use crate::reactors::broker::message::{CONTENT_TYPE, HEADER_PREFIX, Message, message};
use crate::reactors::broker::public::{Public, Unpublished, public};
use crate::reactors::broker::window::Window;
use crate::reactors::{Stop, stopped};
use crate::store::{Followed, StoreError, Subscription};

/// For how long a message may go unconfirmed while RabbitMQ does not block.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often the checkpoint moves while there is much to publish.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// After how long without news the checkpoint moves in any case.
const QUIET: Duration = Duration::from_millis(200);

/// How often it is looked around while an event waits for the key ring, and while nothing happens.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// For how long a stop waits for what is unconfirmed.
const LAST_CONFIRMS: Duration = Duration::from_secs(5);

/// How long to wait before the key ring that cannot be asked is asked again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// What a message leads to: its number, and RabbitMQ's answer.
type Answer = (u64, Result<Confirmation, lapin::Error>);

/// What happens next in a session.
enum Next {
    Answered(Box<Answer>),
    Followed(Option<Result<Followed, StoreError>>),
    Read(Result<Read, tokio::task::JoinError>),
    Heard(Option<lapin::Event>),
    Time,
    Stop,
}

/// One connection's worth of publishing.
pub(super) struct Session<'a> {
    publisher: &'a Publisher,
    connection: &'a Connection,
    channel: Channel,
    checkpoint: Checkpoint,
    written: Instant,
    /// When it was looked around last. What happens meanwhile does not put the next time off.
    looked: Instant,
    followed: Subscription,
    news: Instant,
    events: Pin<Box<dyn FutureStream<Item = lapin::Event> + Send>>,
    window: Window<Message>,
    unconfirmed: FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// The event whose personal data is being opened. Nothing is read beyond it until that is done.
    reading: Option<Reading>,
    /// Whether the key ring could not be asked the last time.
    ring_is_away: bool,
}

impl<'a> Session<'a> {
    /// Makes what publishing needs on a connection, and begins to read.
    pub(super) async fn open(
        publisher: &'a Publisher,
        checkpoint: Checkpoint,
        connection: &'a Connection,
    ) -> Result<Self, Ended> {
        let exchange = &publisher.settings.exchange;
        dial::declare_exchange(connection, exchange, ExchangeKind::Topic).await?;
        let channel = dial::confirming(connection).await?;
        let position = checkpoint.position().unwrap_or(Position::START);
        publisher.health.set_position(position);
        let now = Instant::now();
        Ok(Self {
            publisher,
            connection,
            channel,
            checkpoint,
            written: now,
            looked: now,
            followed: publisher.app.store().subscribe(position),
            news: now,
            events: Box::pin(connection.events_listener()),
            window: Window::after(position),
            unconfirmed: FuturesUnordered::new(),
            reading: None,
            ring_is_away: false,
        })
    }

    /// Up to where everything is confirmed.
    pub(super) const fn reached(&self) -> Position {
        self.window.reached()
    }

    /// Publishes until something ends it.
    pub(super) async fn run(&mut self, stop: &mut Stop, failures: &mut u32) -> Ended {
        loop {
            let taken = match self.next(stop).await {
                Next::Stop => return Ended::Stopped,
                Next::Answered(answer) => self.answered(*answer).map(|()| *failures = 0),
                Next::Followed(Some(Ok(Followed::Event(stored)))) => {
                    self.news = Instant::now();
                    match decode(stored.position, &stored.bytes) {
                        Ok(recorded) => self.take_in(recorded),
                        Err(error) => Err(error.into()),
                    }
                }
                Next::Read(read) => match read {
                    Ok(read) => self.read(read),
                    Err(error) => Err(error.into()),
                },
                Next::Followed(Some(Err(error))) => Err(error.into()),
                Next::Followed(None) => Err(LinkError::Ended("subscription to the log").into()),
                Next::Heard(Some(lapin::Event::Error(error))) => Err(error.into()),
                Next::Followed(Some(Ok(Followed::CaughtUp(_)))) | Next::Heard(Some(_)) => Ok(()),
                Next::Heard(None) => Err(LinkError::Ended("connection").into()),
                Next::Time => self.look_around().await,
            };
            if let Err(ended) = taken {
                return ended;
            }
        }
    }

    async fn next(&mut self, stop: &mut Stop) -> Next {
        let dirty = !self.window.is_clear() || self.checkpoint.position() != Some(self.window.reached());
        let look = match (dirty, &self.reading) {
            (true, _) => QUIET,
            (false, Some(_)) => LOOKS.0,
            (false, None) => LOOKS.1,
        };
        tokio::select! {
            biased;
            () = stopped(stop) => Next::Stop,
            Some(answer) = self.unconfirmed.next() => Next::Answered(Box::new(answer)),
            heard = self.events.next() => Next::Heard(heard),
            () = tokio::time::sleep_until(self.written + CHECKPOINT_EVERY), if dirty => Next::Time,
            Some(read) = OptionFuture::from(self.reading.as_mut()) => Next::Read(read),
            followed = self.followed.next(), if self.reading.is_none() && self.window.has_room() => {
                Next::Followed(followed)
            }
            () = tokio::time::sleep_until(self.looked + look) => Next::Time,
        }
    }

    /// Takes note of RabbitMQ's answer.
    fn answered(&mut self, (number, answer): Answer) -> Result<(), Ended> {
        match answer? {
            Confirmation::Ack(_) => {
                self.publisher.health.add_confirmed();
                let next = self.window.confirm(number, Instant::now());
                self.publisher.health.set_position(self.window.reached());
                next.map_or(Ok(()), |(number, message)| self.publish(number, message))
            }
            // It could not be kept. All begins again at the checkpoint, after a while.
            Confirmation::Nack(_) => {
                self.publisher.health.add_refused();
                Err(LinkError::Refused.into())
            }
            Confirmation::NotRequested => Err(LinkError::Ended("confirming of messages").into()),
        }
    }

    /// Takes the next event in, at once where the key ring need not be asked for it.
    fn take_in(&mut self, recorded: Recorded) -> Result<(), Ended> {
        if self.publisher.settings.personal_data {
            self.reading = Some(Reading::begin(&self.publisher.app, recorded, Duration::ZERO));
            return Ok(());
        }
        let public = public(&recorded, None)?;
        self.enter(&recorded, public)
    }

    /// Takes in an event whose personal data was opened. Where the key ring cannot be asked the event waits, and with it
    /// all that follow: a message without names that should have them would stay so for ever.
    fn read(&mut self, Read { recorded, public }: Read) -> Result<(), Ended> {
        self.reading = None;
        match public {
            Err(Unpublished::KeyRing(error)) => {
                if !std::mem::replace(&mut self.ring_is_away, true) {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        event = %recorded.envelope.id,
                        "publishing waits for the key ring: messages go with names"
                    );
                }
                self.reading = Some(Reading::begin(&self.publisher.app, recorded, READ_AGAIN));
                Ok(())
            }
            Err(unwritable) => Err(unwritable.into()),
            Ok(public) => {
                if std::mem::take(&mut self.ring_is_away) {
                    tracing::info!("the key ring answers again, and publishing goes on");
                }
                if public.as_ref().is_some_and(|public| public.unreadable) {
                    self.publisher.health.add_incomplete();
                    tracing::error!(
                        event = %recorded.envelope.id,
                        "a message goes without personal data that should be in it: no key opens it"
                    );
                }
                self.enter(&recorded, public)
            }
        }
    }

    /// Puts an event's message into the window, and publishes it if it is to go now.
    fn enter(&mut self, recorded: &Recorded, public: Option<Public>) -> Result<(), Ended> {
        let (position, at, now) = (recorded.position, recorded.envelope.at, Instant::now());
        let Some(public) = public else {
            self.window.pass_over(position, at, now);
            return Ok(());
        };
        let message = message(&self.publisher.source, recorded, public);
        let due = self.window.enter(position, at, recorded.envelope.stream, message, now);
        due.map_or(Ok(()), |(number, message)| self.publish(number, message))
    }

    /// Publishes a message. Nobody need listen: an event that no queue is bound for is published all the same, to
    /// nobody, so these messages are not mandatory.
    fn publish(&mut self, number: u64, message: Message) -> Result<(), Ended> {
        let (channel, exchange) = (self.channel.clone(), self.publisher.settings.exchange.clone());
        let properties = properties(&message);
        let publish = async move {
            let options = BasicPublishOptions::default();
            let key = ShortString::from(message.key.as_str());
            let begun = Instant::now();
            let sent = channel.basic_publish(exchange.into(), key, options, &message.body, properties).await;
            metrics::broker_published();
            let answer = match sent {
                Ok(confirm) => confirm.await,
                Err(error) => Err(error),
            };
            if matches!(answer, Ok(Confirmation::Ack(_))) {
                metrics::broker_confirmed(begun.elapsed());
            }
            (number, answer)
        };
        let mut publish: Pin<Box<dyn Future<Output = Answer> + Send>> = Box::pin(publish);
        // It goes into the connection's queue when it is first polled: here, so that messages go in order.
        if let Some(answer) = (&mut publish).now_or_never() {
            return self.answered(answer);
        }
        self.unconfirmed.push(publish);
        Ok(())
    }

    /// Moves the checkpoint when it is time, and looks whether RabbitMQ still answers.
    async fn look_around(&mut self) -> Result<(), Ended> {
        let now = Instant::now();
        self.looked = now;
        metrics::broker_unconfirmed(self.unconfirmed.len());
        self.publisher.health.set_lag(self.lag());
        let blocked = self.connection.status().blocked();
        if self.publisher.health.set_blocked(blocked) {
            if blocked {
                tracing::warn!("RabbitMQ lacks memory or disk and takes nothing for now");
            } else {
                tracing::info!("RabbitMQ takes messages again");
            }
        }
        if blocked {
            self.window.forgive(now);
        } else if self.window.waited(now) > PATIENCE {
            return Err(LinkError::Unconfirmed(PATIENCE.as_secs()).into());
        }
        let quiet = self.window.is_clear() && now.saturating_duration_since(self.news) >= QUIET;
        if quiet || now.saturating_duration_since(self.written) >= CHECKPOINT_EVERY {
            self.write_checkpoint().await?;
        }
        Ok(())
    }

    /// How old the first event is that was read and is not confirmed. None if all are.
    fn lag(&self) -> Option<Duration> {
        let oldest = self.window.oldest().or_else(|| self.reading.as_ref().map(Reading::at));
        oldest.map(|at| self.publisher.app.age(at))
    }

    async fn write_checkpoint(&mut self) -> Result<(), Ended> {
        self.written = Instant::now();
        match self.checkpoint.write(self.window.reached()).await {
            Err(CheckpointError::Store(error)) if error.retryable() => {
                tracing::warn!(error = %Chain(&error), "the checkpoint of the publisher could not be moved yet");
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }

    /// Waits for the last confirms, moves the checkpoint, and answers why it all ended.
    pub(super) async fn finish(mut self, ended: Ended) -> Ended {
        let in_order = matches!(ended, Ended::Stopped) || ended.is_stuck();
        if in_order && !self.connection.status().blocked() {
            let last = async {
                while let Some(answer) = self.unconfirmed.next().await {
                    if self.answered(answer).is_err() {
                        break;
                    }
                }
            };
            // What is not confirmed by then is published again.
            let _ = tokio::time::timeout(LAST_CONFIRMS, last).await;
        }
        if ended.is_not_alone() {
            return ended;
        }
        match self.write_checkpoint().await {
            Err(moved) if moved.is_not_alone() && !matches!(ended, Ended::Stopped) => moved,
            _ => ended,
        }
    }
}

/// What goes before a message's body.
fn properties(message: &Message) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in &message.attributes {
        let value = AMQPValue::LongString(value.as_str().into());
        headers.insert(format!("{HEADER_PREFIX}{name}").into(), value);
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        // Persistent.
        .with_delivery_mode(2)
        .with_message_id(message.id.as_str().into())
        .with_type(message.kind.as_str().into())
        .with_timestamp(message.seconds)
        .with_app_id("vouchsafe".into())
        .with_headers(headers)
}
