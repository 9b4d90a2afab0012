//! Takes jobs from the queues and sends the mails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, Consumer};
use tokio::task::{Id, JoinSet};
use vouchsafe_events::{Event, MailGivenUp, MailSent, Position, Reactor};

use super::topology::{self, CODES, LETTERS};
use super::{Job, Key, Report, What};
use crate::app::App;
use crate::errors::Chain;
use crate::reactors::backoff::spread;
use crate::reactors::broker::dial::{self, Dialer, LinkError};
use crate::reactors::broker::{BrokerError, BrokerHealth, BrokerSettings};
use crate::reactors::postman::{Deliverer, MailHealth, Outcome};
use crate::reactors::{Stop, pause, stopped, why};
use crate::secret::Secret;

/// How many jobs of each queue this instance has at once.
const PREFETCH: u16 = 8;

/// After how long recording is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// How long a job rests before it is handed back because the lists are behind.
const BEHIND: Duration = Duration::from_secs(5);

/// The most that is waited for a connection after the first failure, and the most that is ever waited.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// What became of a job, and what RabbitMQ is to be told.
enum Done {
    /// It is over for this time: acknowledge it, after the report.
    Handled(Report),
    /// The lists do not come as far as they must: somebody else may be further.
    Behind,
}

/// A delivery with what became of it, and the number of the connection that it came on.
type Finished = (u64, Delivery, Done);

/// Sends what jobs say. Every instance has one.
pub struct Worker {
    app: Arc<App>,
    deliverer: Arc<Deliverer>,
    dialer: Dialer,
    health: Arc<BrokerHealth>,
    mail: Arc<MailHealth>,
}

/// The jobs that are under way here, each a task of its own: they go on when the connection is lost, since what was
/// sent must be recorded.
#[derive(Default)]
struct UnderWay {
    jobs: JoinSet<Finished>,
    keys: HashMap<Id, Key>,
    /// The number of the present connection.
    connection: u64,
}

impl UnderWay {
    /// The next that is over; none while there is none under way. An error is a job that broke off.
    async fn next(&mut self) -> Option<Result<Finished, LinkError>> {
        let over = self.jobs.join_next_with_id().await?;
        let id = over.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
        self.keys.remove(&id);
        Some(over.map(|(_, finished)| finished).map_err(|_| LinkError::Ended("handling of a mail job")))
    }
}

impl Worker {
    /// A worker that has not connected yet.
    pub fn new(
        app: Arc<App>,
        deliverer: Arc<Deliverer>,
        settings: &BrokerSettings,
        password: Secret,
        health: Arc<BrokerHealth>,
        mail: Arc<MailHealth>,
    ) -> Result<Self, BrokerError> {
        Ok(Self { app, deliverer, dialer: Dialer::new(settings, password)?, health, mail })
    }

    /// Works until it is told to stop. The mails that are under way then are finished.
    pub async fn run(self, mut stop: Stop) {
        let mut under_way = UnderWay::default();
        let mut failures = 0;
        while !*stop.borrow() {
            let dialled = tokio::select! {
                dialled = self.dialer.dial("vouchsafe: mail") => dialled,
                () = stopped(&mut stop) => break,
            };
            let ended = match dialled {
                Ok(connection) => {
                    failures = 0;
                    let ended = self.session(&connection, &mut under_way, &mut stop).await;
                    dial::hang_up(connection).await;
                    ended
                }
                Err(error) => Some(error),
            };
            let Some(error) = ended else { break };
            failures += 1;
            self.health.add_failure();
            tracing::warn!(error = %Chain(&error), "no mail jobs can be taken for now");
            let random = self.app.random().bytes().map_or(u32::MAX, u32::from_be_bytes);
            if !pause(&mut stop, spread(WAITS.0, WAITS.1, failures, random)).await {
                break;
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Works on one connection until it is lost, or, which is no error, it is time to stop.
    async fn session(
        &self,
        connection: &Connection,
        under_way: &mut UnderWay,
        stop: &mut Stop,
    ) -> Option<LinkError> {
        let opened = async {
            topology::declare(connection).await?;
            Ok::<_, LinkError>((consume(connection, CODES).await?, consume(connection, LETTERS).await?))
        };
        let ((channel, mut codes), (_letters, mut letters)) = match opened.await {
            Ok(opened) => opened,
            Err(error) => return Some(error),
        };
        tracing::info!("taking mail jobs from RabbitMQ");
        under_way.connection += 1;
        loop {
            let taken = tokio::select! {
                () = stopped(stop) => break,
                Some(finished) = under_way.next() => self.finish(finished, &channel, under_way.connection).await,
                job = codes.next() => self.take(job, under_way).await,
                job = letters.next() => self.take(job, under_way).await,
            };
            if let Err(error) = taken {
                return Some(error);
            }
        }
        // What came and was not begun goes to others when the connection ends; what was begun is finished.
        while let Some(finished) = under_way.next().await {
            if self.finish(finished, &channel, under_way.connection).await.is_err() {
                break;
            }
        }
        None
    }

    /// Begins a job. One that cannot be read goes where the dead are.
    async fn take(
        &self,
        job: Option<Result<Delivery, lapin::Error>>,
        under_way: &mut UnderWay,
    ) -> Result<(), LinkError> {
        let delivery = job.ok_or(LinkError::Ended("mail jobs"))??;
        let job: Job = match serde_json::from_slice(&delivery.data) {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(%error, queue = topology::DEAD, "a mail job cannot be read and is put aside");
                self.health.add_job_put_aside();
                delivery.reject(BasicRejectOptions { requeue: false }).await?;
                return Ok(());
            }
        };
        if under_way.keys.values().any(|key| *key == job.key()) {
            // The first of the two reports for both.
            delivery.ack(BasicAckOptions::default()).await?;
            return Ok(());
        }
        let (app, deliverer) = (Arc::clone(&self.app), Arc::clone(&self.deliverer));
        let (mail, connection) = (Arc::clone(&self.mail), under_way.connection);
        let task = under_way.jobs.spawn(async move {
            let done = handle(&app, &deliverer, &mail, job).await;
            (connection, delivery, done)
        });
        under_way.keys.insert(task.id(), job.key());
        Ok(())
    }

    /// Reports a job that is over, and acknowledges it where it still can be: when the connection that it came on is
    /// gone, it is handed out again, and whoever takes it finds that it is over.
    async fn finish(
        &self,
        finished: Result<Finished, LinkError>,
        channel: &Channel,
        connection: u64,
    ) -> Result<(), LinkError> {
        let (came_on, delivery, done) = finished?;
        let present = came_on == connection;
        match done {
            Done::Handled(report) => {
                if let Some(to) = delivery.properties.reply_to().clone() {
                    let body =
                        serde_json::to_vec(&report).map_err(|_| LinkError::Ended("writing of reports"))?;
                    let properties = BasicProperties::default()
                        .with_content_type("application/json".into())
                        .with_delivery_mode(2);
                    // Not mandatory: whoever handed the job out may be gone, and needs no report then.
                    let options = BasicPublishOptions::default();
                    channel.basic_publish("".into(), to, options, &body, properties).await?.await?;
                }
                if present {
                    delivery.ack(BasicAckOptions::default()).await?;
                }
            }
            Done::Behind => {
                if present {
                    delivery.nack(BasicNackOptions { multiple: false, requeue: true }).await?;
                }
            }
        }
        Ok(())
    }
}

/// Takes part in a queue, on a channel of its own: so that codes have room however many letters there are.
async fn consume(connection: &Connection, queue: &str) -> Result<(Channel, Consumer), LinkError> {
    let channel = dial::confirming(connection).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let consumer = channel
        .basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    Ok((channel, consumer))
}

/// Sends what a job says, if it is still to be sent, and records what came of it.
async fn handle(app: &App, deliverer: &Deliverer, health: &MailHealth, job: Job) -> Done {
    let report = |what| Done::Handled(Report { event: job.event, to: job.to, mail: job.mail, what });
    if let Err(error) = app.following().reach(job.position).await {
        tracing::warn!(%error, "a mail job waits for lists that have come further");
        tokio::time::sleep(BEHIND).await;
        return Done::Behind;
    }
    let (pending, position) =
        app.lists(|lists| (lists.outbox().find(job.event, job.to, job.mail).cloned(), lists.position()));
    let Some(pending) = pending else { return report(What::Over { position, sent: false }) };
    let outcome = deliverer.deliver(&pending).await;
    health.learn(&outcome);
    let event = match outcome {
        Outcome::Sent => Event::MailSent(MailSent { event: job.event, to: job.to, mail: job.mail }),
        Outcome::GivenUp(reason) => {
            Event::MailGivenUp(MailGivenUp { event: job.event, to: job.to, mail: job.mail, reason })
        }
        Outcome::Later | Outcome::Away | Outcome::Over { .. } | Outcome::Unheard => {
            return report(What::of(&outcome, Position::START));
        }
    };
    loop {
        match app.record(Reactor::Mail, vec![event.clone()]).await {
            Ok(done) => return report(What::of(&outcome, done.position)),
            Err(failure) => {
                tracing::error!(error = %why(&failure), "a sent mail could not be recorded yet");
                tokio::time::sleep(RECORD_AGAIN).await;
            }
        }
    }
}
