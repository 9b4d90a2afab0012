//! Takes jobs from the queues and sends the mails.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, Consumer};
use tokio::task::{Id, JoinSet};
use vouchsafe_events::{Event, MailGivenUp, MailSent, Position, Reactor};

use super::topology::{self, CODES, LETTERS};
use super::{Job, Key, Report, What, rest};
use crate::app::App;
use crate::errors::Chain;
use crate::metrics;
use crate::reactors::broker::dial::{self, Dialer, LinkError};
use crate::reactors::broker::{BrokerError, BrokerHealth, BrokerSettings};
use crate::reactors::postman::{Deliverer, MailHealth, Outcome};
use crate::reactors::{Stop, pause, stopped, why};
use crate::secret::Secret;

/// How many jobs of each queue this instance has at once.
const PREFETCH: u16 = 8;

/// After how long recording is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// How long RabbitMQ may take to confirm a report, while it does not block whoever publishes.
const REPORTING: Duration = Duration::from_secs(10);

/// How long a stop waits for that. Who is not told finds out from the log.
const LAST_REPORTS: Duration = Duration::from_secs(2);

/// How long a job rests before it is handed back because the lists are behind.
const BEHIND: Duration = Duration::from_secs(5);

/// What became of a job, and what RabbitMQ is to be told.
enum Done {
    /// It is over for this time: acknowledge it, after the report.
    Handled(Report),
    /// The lists do not come as far as they must: somebody else may be further.
    Behind,
}

/// A delivery, and the number of the connection that it came on.
type Taken = (u64, Delivery);

/// What became of a job, and every delivery of it.
type Finished = (Vec<Taken>, Done);

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
    jobs: JoinSet<Done>,
    /// What each is about, and its deliveries: more than one where it was handed out again meanwhile.
    taken: HashMap<Id, (Key, Vec<Taken>)>,
    /// The number of the present connection.
    connection: u64,
}

impl UnderWay {
    /// The next that is over; none while there is none under way. An error is a job that broke off.
    async fn next(&mut self) -> Option<Result<Finished, LinkError>> {
        let over = self.jobs.join_next_with_id().await?;
        let id = over.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
        let taken = self.taken.remove(&id).map(|(_, taken)| taken).unwrap_or_default();
        Some(over.map(|(_, done)| (taken, done)).map_err(|_| LinkError::Ended("handling of a mail job")))
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
            if !pause(&mut stop, rest(failures, self.app.random())).await {
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
        let opened = tokio::select! {
            opened = opened => opened,
            () = stopped(stop) => return None,
        };
        let ((channel, mut codes), (_letters, mut letters)) = match opened {
            Ok(opened) => opened,
            Err(error) => return Some(error),
        };
        tracing::info!("taking mail jobs from RabbitMQ");
        under_way.connection += 1;
        let mut settling = FuturesUnordered::new();
        loop {
            let done = tokio::select! {
                () = stopped(stop) => break,
                Some(finished) = under_way.next() => finished.map(|(taken, done)| {
                    settling.push(settle(taken, done, (connection, &channel), under_way.connection));
                }),
                Some(settled) = settling.next() => settled,
                job = codes.next() => self.take(job, under_way, connection).map(|aside| settling.extend(aside)),
                job = letters.next() => self.take(job, under_way, connection).map(|aside| settling.extend(aside)),
            };
            if let Err(error) = done {
                return Some(error);
            }
        }
        // What came and was not begun goes to others when the connection ends; what was begun is finished.
        loop {
            tokio::select! {
                finished = under_way.next() => match finished {
                    Some(Ok((taken, done))) => {
                        settling.push(settle(taken, done, (connection, &channel), under_way.connection));
                    }
                    Some(Err(_)) => {}
                    None => break,
                },
                Some(_) = settling.next() => {}
            }
        }
        let last = async { while settling.next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_REPORTS, last).await;
        None
    }

    /// Begins a job. One that cannot be read goes where the dead are: how is answered.
    fn take<'a>(
        &self,
        job: Option<Result<Delivery, lapin::Error>>,
        under_way: &mut UnderWay,
        connection: &'a Connection,
    ) -> Result<Option<Settling<'a>>, LinkError> {
        let delivery = job.ok_or(LinkError::Ended("mail jobs"))??;
        let job: Job = match serde_json::from_slice(&delivery.data) {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(%error, queue = topology::DEAD, "a mail job cannot be read and is put aside");
                self.health.add_job_put_aside();
                return Ok(Some(in_time(connection, async move {
                    delivery.reject(BasicRejectOptions { requeue: false }).await?;
                    Ok(())
                })));
            }
        };
        let taken = (under_way.connection, delivery);
        if let Some((_, same)) = under_way.taken.values_mut().find(|(key, _)| *key == job.key()) {
            // It is sent once for both. Another instance may have handed it out this time, and is told too.
            same.push(taken);
            return Ok(None);
        }
        let (app, deliverer) = (Arc::clone(&self.app), Arc::clone(&self.deliverer));
        let mail = Arc::clone(&self.mail);
        let task = under_way.jobs.spawn(async move { handle(&app, &deliverer, &mail, job).await });
        under_way.taken.insert(task.id(), (job.key(), vec![taken]));
        Ok(None)
    }
}

/// What is left to be said of a job.
type Settling<'a> = BoxFuture<'a, Result<(), LinkError>>;

/// Gives RabbitMQ some time. What it does not confirm by then is as if the connection were lost; unless it blocks, when
/// another connection would fare no better, and each job would be returned, and at last count as one that nobody can
/// handle.
fn in_time<'a>(
    connection: &'a Connection,
    settle: impl Future<Output = Result<(), LinkError>> + Send + 'a,
) -> Settling<'a> {
    let mut settle = Box::pin(settle);
    Box::pin(async move {
        loop {
            match tokio::time::timeout(REPORTING, settle.as_mut()).await {
                Ok(settled) => return settled,
                Err(_) if connection.status().blocked() => {}
                Err(_) => return Err(LinkError::Unconfirmed(REPORTING.as_secs())),
            }
        }
    })
}

/// Reports a job that is over, and acknowledges it where it still can be: when the connection that it came on is gone, it
/// is handed out again, and whoever takes it finds that it is over.
fn settle<'a>(
    taken: Vec<Taken>,
    done: Done,
    (connection, channel): (&'a Connection, &'a Channel),
    number: u64,
) -> Settling<'a> {
    in_time(connection, report(taken, done, channel, number))
}

/// Tells everybody who handed a job out what became of it, and RabbitMQ of each of its deliveries.
async fn report(taken: Vec<Taken>, done: Done, channel: &Channel, connection: u64) -> Result<(), LinkError> {
    if let Done::Handled(report) = &done {
        let to: HashSet<_> =
            taken.iter().filter_map(|(_, delivery)| delivery.properties.reply_to().clone()).collect();
        let body = serde_json::to_vec(report).map_err(|_| LinkError::Ended("writing of reports"))?;
        for to in to {
            let properties =
                BasicProperties::default().with_content_type("application/json".into()).with_delivery_mode(2);
            // Not mandatory: whoever handed the job out may be gone, and needs no report then.
            let options = BasicPublishOptions::default();
            match channel.basic_publish("".into(), to, options, &body, properties).await?.await? {
                Confirmation::Ack(_) => {}
                Confirmation::Nack(_) => return Err(LinkError::Refused),
                Confirmation::NotRequested => return Err(LinkError::Ended("confirming of reports")),
            }
        }
    }
    for (_, delivery) in taken.iter().filter(|(came_on, _)| *came_on == connection) {
        match done {
            Done::Handled(_) => delivery.ack(BasicAckOptions::default()).await?,
            Done::Behind => delivery.nack(BasicNackOptions { multiple: false, requeue: true }).await?,
        };
    }
    Ok(())
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
        Outcome::Later | Outcome::Away | Outcome::HeldUp | Outcome::Over { .. } | Outcome::Unheard => {
            return report(What::of(&outcome, Position::START));
        }
    };
    loop {
        match app.record(Reactor::Mail, vec![event.clone()]).await {
            Ok(done) => {
                if matches!(outcome, Outcome::GivenUp(_)) {
                    // Counted here: whoever hears the report cannot tell it from a mail that was over before.
                    metrics::mail_given_up(metrics::MailClass::of(job.mail));
                }
                return report(What::of(&outcome, done.position));
            }
            Err(failure) => {
                tracing::error!(error = %why(&failure), "a sent mail could not be recorded yet");
                tokio::time::sleep(RECORD_AGAIN).await;
            }
        }
    }
}
