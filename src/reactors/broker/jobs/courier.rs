//! Puts jobs into the queues, and hears what became of them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Consumer};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use vouchsafe_events::Position;
use vouchsafe_projections::PendingMail;

use super::blockage::Blockage;
use super::topology::{self, CODES, LETTERS};
use super::{Job, Key, Report, What, rest};
use crate::app::App;
use crate::errors::Chain;
use crate::metrics;
use crate::reactors::broker::dial::{self, Dialer, LinkError};
use crate::reactors::broker::{BrokerError, BrokerHealth, BrokerSettings};
use crate::reactors::postman::{Courier, MailHealth, Outcome, Room};
use crate::reactors::{Stop, stopped};
use crate::secret::Secret;

/// How many jobs may be under way at once, over all instances.
const ROOM: Room = Room { codes: 64, letters: 64 };

/// How long nothing may be heard of a job: longer than a mail server may take, and than RabbitMQ takes to notice that
/// whoever had the job is gone.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often whoever waits for a report looks whether the mail is over all the same.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked whether RabbitMQ blocks.
const LOOK_FOR_BLOCKAGE: Duration = Duration::from_secs(1);

/// How often the dead jobs are counted.
const COUNT_EVERY: Duration = Duration::from_secs(30);

/// How long RabbitMQ keeps reports for an instance that is gone, in milliseconds.
const REPORTS_EXPIRE: i32 = 600_000;

/// A job to put into its queue, and whom to tell.
type Order = (Job, oneshot::Sender<Outcome>);

/// Has mails sent by whichever instance takes the job.
pub struct JobCourier {
    app: Arc<App>,
    dialer: Dialer,
    health: Arc<BrokerHealth>,
    mail: Arc<MailHealth>,
    /// Where orders go. Nobody takes them before it runs, nor after.
    orders: Mutex<mpsc::Sender<Order>>,
    /// Who waits to hear of which mail.
    waiting: Mutex<HashMap<Key, oneshot::Sender<Outcome>>>,
    reports: String,
    /// Told when mails can be carried again that could not be.
    again: Notify,
}

impl JobCourier {
    /// A courier that has not connected yet.
    pub fn new(
        app: Arc<App>,
        settings: &BrokerSettings,
        password: Secret,
        health: Arc<BrokerHealth>,
        mail: Arc<MailHealth>,
    ) -> Result<Self, BrokerError> {
        let dialer = Dialer::new(settings, password)?;
        let name = u128::from_be_bytes(app.random().bytes().map_err(|_| BrokerError::NoRandomness)?);
        Ok(Self {
            app,
            dialer,
            health,
            mail,
            orders: Mutex::new(orders().0),
            waiting: Mutex::default(),
            reports: format!("vouchsafe.mail.reports.{name:032x}"),
            again: Notify::new(),
        })
    }

    fn orders(&self) -> MutexGuard<'_, mpsc::Sender<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Key, oneshot::Sender<Outcome>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, and works until the connection is lost; again and again.
    async fn keep_connected(&self, to_do: &mut mpsc::Receiver<Order>) {
        let (mut failures, mut first) = (0, true);
        loop {
            let ended = match self.connect(&mut first).await {
                Ok((connection, post)) => {
                    failures = 0;
                    let ended = self.session(&connection, post, to_do).await;
                    dial::hang_up(connection).await;
                    ended
                }
                Err(error) => error,
            };
            failures += 1;
            self.health.add_failure();
            tracing::warn!(error = %Chain(&ended), "no mail jobs can be handed out for now");
            let length = rest(failures, self.app.random());
            // Whoever wants a mail carried meanwhile is told that none goes out.
            let refuse = async {
                while let Some((_, tell)) = to_do.recv().await {
                    self.hold_up(true);
                    let _ = tell.send(Outcome::HeldUp);
                }
            };
            let _ = tokio::time::timeout(length, refuse).await;
        }
    }

    async fn connect(&self, first: &mut bool) -> Result<(Connection, Post), LinkError> {
        let connection = self.dialer.dial("vouchsafe: mail jobs").await?;
        topology::declare(&connection).await?;
        let channel = dial::confirming(&connection).await?;
        if *first {
            // Jobs that an earlier one of us put there: every mail that is due is handed out anew. A job that somebody
            // has taken is not in the queue any more: if its mail is with a mail server now, it may go twice, both
            // times with the same Message-ID.
            for queue in [CODES, LETTERS] {
                channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await?;
            }
            *first = false;
        }
        let mut arguments = FieldTable::default();
        arguments.insert("x-expires".into(), AMQPValue::LongInt(REPORTS_EXPIRE));
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel
            .queue_declare(self.reports.as_str().into(), durable, arguments)
            .await
            .map_err(dial::declined)?;
        let reports = channel
            .basic_consume(
                self.reports.as_str().into(),
                "reports".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok((connection, Post { channel, reports }))
    }

    async fn session(
        &self,
        connection: &Connection,
        mut post: Post,
        to_do: &mut mpsc::Receiver<Order>,
    ) -> LinkError {
        let mut unconfirmed = HashSet::new();
        let ended = self.hand_out(connection, &mut post, to_do, &mut unconfirmed).await;
        // They may be in a queue or not, and are handed out anew soon. Who takes the second job finds that the mail is
        // over; unless it is with a mail server just then for the first, when it may go twice, both times with the
        // same Message-ID.
        for key in unconfirmed {
            self.tell(key, Outcome::Unheard);
        }
        ended
    }

    async fn hand_out(
        &self,
        connection: &Connection,
        post: &mut Post,
        to_do: &mut mpsc::Receiver<Order>,
        unconfirmed: &mut HashSet<Key>,
    ) -> LinkError {
        // While RabbitMQ blocks, nothing goes out on the connection and nothing that waits for it ends: none of it is
        // waited for alone.
        let (mut posting, mut acknowledging) = (FuturesUnordered::new(), FuturesUnordered::new());
        let (mut count, mut counting) = (Instant::now(), None);
        let (mut look, mut blockage) = (tokio::time::interval(LOOK_FOR_BLOCKAGE), Blockage::default());
        loop {
            tokio::select! {
                Some((key, posted)) = posting.next() => {
                    unconfirmed.remove(&key);
                    if let Err(error) = posted {
                        tracing::error!(error = %Chain(&error), "a mail job was not taken");
                        if matches!(error, LinkError::Failed(_)) {
                            unconfirmed.insert(key);
                            return error;
                        }
                        self.tell(key, Outcome::Away);
                    }
                }
                Some((job, tell)) = to_do.recv() => {
                    if blockage.is_long() {
                        let _ = tell.send(Outcome::HeldUp);
                        continue;
                    }
                    self.waiting().insert(job.key(), tell);
                    unconfirmed.insert(job.key());
                    posting.push(post.put(job, self.reports.clone()));
                }
                report = post.reports.next() => match report {
                    Some(Ok(delivery)) => {
                        match serde_json::from_slice::<Report>(&delivery.data) {
                            Ok(report) => self.hear(&report),
                            Err(error) => tracing::error!(%error, "a report of a mail job cannot be read"),
                        }
                        acknowledging.push(async move { delivery.ack(BasicAckOptions::default()).await });
                    }
                    Some(Err(error)) => return error.into(),
                    None => return LinkError::Ended("reports of mail jobs"),
                },
                Some(acknowledged) = acknowledging.next() => {
                    if let Err(error) = acknowledged {
                        return error.into();
                    }
                }
                () = tokio::time::sleep_until(count), if counting.is_none() => {
                    count = Instant::now() + COUNT_EVERY;
                    // Some were not waited for to the end.
                    self.waiting().retain(|_, tell| !tell.is_closed());
                    counting = Some(Box::pin(topology::dead(connection)));
                }
                Some(dead) = OptionFuture::from(counting.as_mut()) => {
                    counting = None;
                    match dead {
                        Ok(dead) => self.count(dead),
                        Err(error) => return error,
                    }
                }
                // At once on a new connection: what held jobs up on the last one, or before another instance handed
                // them out, is over. RabbitMQ says that it blocks only to whoever has something for it.
                _ = look.tick() => {
                    self.hold_up(blockage.look(connection.status().blocked(), Instant::now()));
                }
            }
        }
    }

    /// Takes note of whether RabbitMQ takes no jobs, and when it takes some again has those go that it did not take.
    fn hold_up(&self, held_up: bool) {
        if self.mail.set_held_up(held_up) && !held_up {
            self.again.notify_one();
        }
    }

    fn hear(&self, report: &Report) {
        let outcome = match report.what {
            What::Over { position, sent } => Outcome::Over { position, sent },
            What::Later => Outcome::Later,
            What::Away => Outcome::Away,
        };
        self.tell((report.event, report.to, report.mail), outcome);
    }

    fn tell(&self, key: Key, outcome: Outcome) {
        if let Some(tell) = self.waiting().remove(&key) {
            // Who waited may have lost patience.
            let _ = tell.send(outcome);
        }
    }

    fn count(&self, dead: u64) {
        if self.health.set_jobs_dead(dead) < dead {
            tracing::error!(dead, queue = topology::DEAD, "mail jobs that nobody could handle");
        }
    }
}

/// A new way for orders.
fn orders() -> (mpsc::Sender<Order>, mpsc::Receiver<Order>) {
    mpsc::channel(ROOM.codes + ROOM.letters)
}

/// Waits until a job's mail has left the outbox, and for a while after that.
async fn over_unheard(app: &App, job: &Job) -> Position {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let over = app.lists(|lists| {
            lists.outbox().find(job.event, job.to, job.mail).is_none().then(|| lists.position())
        });
        if let Some(position) = over {
            // The report may be on its way, and says more.
            tokio::time::sleep(LOOK_EVERY).await;
            return position;
        }
    }
}

/// What one connection is used for.
struct Post {
    channel: Channel,
    reports: Consumer,
}

impl Post {
    /// Puts a job into its queue. There must be one: the message is mandatory.
    fn put(&self, job: Job, reports: String) -> BoxFuture<'static, (Key, Result<(), LinkError>)> {
        let channel = self.channel.clone();
        Box::pin(async move {
            let put = async {
                let body =
                    Bytes::from(serde_json::to_vec(&job).map_err(|_| LinkError::Ended("writing of jobs"))?);
                let properties = BasicProperties::default()
                    .with_content_type("application/json".into())
                    .with_delivery_mode(2)
                    .with_reply_to(reports.into());
                let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
                let queue = topology::queue(job.mail);
                let confirm =
                    channel.basic_publish("".into(), queue.into(), mandatory, &body, properties).await?;
                match confirm.await? {
                    Confirmation::Ack(None) => Ok(()),
                    Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => {
                        metrics::broker_returned();
                        Err(LinkError::Unroutable(queue.to_owned()))
                    }
                    Confirmation::Nack(None) => Err(LinkError::Refused),
                    Confirmation::NotRequested => Err(LinkError::Ended("confirming of messages")),
                }
            };
            (job.key(), put.await)
        })
    }
}

impl Courier for JobCourier {
    fn room(&self) -> Room {
        ROOM
    }

    fn carry(&self, mail: PendingMail) -> BoxFuture<'static, Outcome> {
        let job = Job { event: mail.event, to: mail.to, mail: mail.mail, position: mail.position };
        let (tell, told) = oneshot::channel();
        let ordered = self.orders().try_send((job, tell));
        let app = Arc::clone(&self.app);
        Box::pin(async move {
            if ordered.is_err() {
                return Outcome::Unheard;
            }
            let outcome = tokio::select! {
                biased;
                told = told => told.unwrap_or(Outcome::Unheard),
                // Recorded by somebody whose report went elsewhere or was lost.
                position = over_unheard(&app, &job) => Outcome::Over { position, sent: false },
                () = tokio::time::sleep(PATIENCE) => Outcome::Unheard,
            };
            if let Outcome::Over { position, .. } = outcome {
                // Else it would be taken up again before the lists know.
                let _ = app.following().reach(position).await;
            }
            outcome
        })
    }

    fn again(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.again.notified())
    }

    fn run(&self, mut stop: Stop) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (orders, mut to_do) = orders();
            *self.orders() = orders;
            tokio::select! {
                () = self.keep_connected(&mut to_do) => {}
                () = stopped(&mut stop) => {}
            }
            // Nobody waits for what will not be heard, and no more is taken. Whoever has a job goes on with it.
            drop(to_do);
            self.waiting().clear();
        })
    }
}
