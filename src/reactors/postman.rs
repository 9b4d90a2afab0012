//! The mail reactor: works off the outbox.
//!
//! What is to be sent is in the lists, folded from the log; what was sent is recorded in the log, and so leaves
//! the outbox. A mail goes out at least once: after a crash between the server's yes and our record it goes
//! again, with the same Message-ID.

mod courier;
mod deliverer;
mod health;
mod letters;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tracing::Instrument as _;
use vouchsafe_events::{
    Event, EventId, MailFailure, MailGivenUp, MailKind, MailSent, PersonId, Plain, Reactor, Timestamp,
};
use vouchsafe_projections::PendingMail;

pub(in crate::reactors) use courier::{Courier, Outcome, Room};
use deliverer::Here;
pub use deliverer::{Deliverer, Wording};
pub use health::MailHealth;

use super::broker::JobCourier;
use super::mail::wait;
use super::{Stop, stopped, why};
use crate::app::App;
use crate::{metrics, traces};

/// After how many days a mail that the server keeps putting off is given up on (RFC 5321, 4.5.4.1).
const GIVE_UP_AFTER_DAYS: i64 = 5;

/// How often a server must have put a mail off before it is given up on: while the whole server is away no mail is.
const ANSWERS_BEFORE_GIVING_UP: u32 = 3;

/// How often the reactor looks even if nothing has happened.
const EVERY: Duration = Duration::from_secs(5);

/// After how long recording is tried again that a mail was sent.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// For how long a stop goes on trying to record that.
const LAST_RECORDS: Duration = Duration::from_secs(3);

/// What names a mail.
type Key = (EventId, PersonId, MailKind);

/// A mail that could not be delivered yet.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    failures: u32,
    /// How often the server answered that it does not take this very mail yet.
    answers: u32,
    /// Whether it waits because no mail goes out at all.
    away: bool,
    until: Timestamp,
}

/// Works off the outbox.
pub struct Postman {
    app: Arc<App>,
    courier: Arc<dyn Courier>,
    health: Arc<MailHealth>,
    waiting: BTreeMap<Key, Waiting>,
    under_way: FuturesUnordered<BoxFuture<'static, (PendingMail, Outcome)>>,
    /// To whom a mail is under way: the next one to them goes out after it, so that they come in order.
    busy: BTreeMap<PersonId, MailKind>,
    /// What is over and could not be recorded yet: these mails are not sent again.
    unrecorded: BTreeMap<Key, Event<Plain>>,
}

fn key(mail: &PendingMail) -> Key {
    (mail.event, mail.to, mail.mail)
}

impl Postman {
    /// A postman who has not failed at anything yet, and takes mails to the server himself.
    pub fn new(app: Arc<App>, deliverer: Arc<Deliverer>, health: Arc<MailHealth>) -> Self {
        // It does not go by RabbitMQ, whatever was heard of whoever sent it before.
        health.set_held_up(false);
        Self::with(app, Arc::new(Here(deliverer)), health)
    }

    /// One who hands mails out as jobs.
    pub fn by_jobs(app: Arc<App>, jobs: Arc<JobCourier>, health: Arc<MailHealth>) -> Self {
        Self::with(app, jobs, health)
    }

    fn with(app: Arc<App>, courier: Arc<dyn Courier>, health: Arc<MailHealth>) -> Self {
        Self {
            app,
            courier,
            health,
            waiting: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
            busy: BTreeMap::new(),
            unrecorded: BTreeMap::new(),
        }
    }

    /// Works until it is told to stop. The mails that are under way then are finished.
    pub async fn run(self, stop: Stop) {
        let courier = Arc::clone(&self.courier);
        tokio::join!(courier.run(stop.clone()), self.work(stop));
    }

    async fn work(mut self, mut stop: Stop) {
        let (app, courier) = (Arc::clone(&self.app), Arc::clone(&self.courier));
        let following = app.following();
        loop {
            // Taken before looking, so that nothing that comes meanwhile is missed.
            let seen = following.position();
            if *stop.borrow() {
                break;
            }
            let begun = std::time::Instant::now();
            self.take_up();
            metrics::reactor_round(Reactor::Mail, begun.elapsed(), app.now());
            let pause = self.pause();
            let over = tokio::select! {
                // Once it is to stop nothing more is taken up.
                biased;
                () = stopped(&mut stop) => break,
                Some(over) = self.under_way.next() => Some(over),
                () = courier.again() => {
                    self.wake(app.now());
                    None
                }
                () = following.moved(seen) => None,
                () = tokio::time::sleep(pause) => None,
            };
            match over {
                Some(over) => self.conclude_all(over).await,
                None => self.record().await,
            }
        }
        while let Some(over) = self.under_way.next().await {
            self.conclude_all(over).await;
        }
        let last = async {
            while !self.unrecorded.is_empty() {
                self.record().await;
            }
        };
        if tokio::time::timeout(LAST_RECORDS, last).await.is_err() {
            let mails = self.unrecorded.len();
            tracing::error!(
                mails,
                "it could not be recorded that mails are over: those that were sent go again"
            );
        }
    }

    /// How long to sleep if nothing happens: until the first of those that wait is due.
    fn pause(&self) -> Duration {
        if !self.unrecorded.is_empty() {
            return RECORD_AGAIN;
        }
        let now = self.app.now();
        let next = self.waiting.values().map(|waiting| waiting.until.seconds_since(now).max(0)).min();
        next.and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(EVERY, |seconds| Duration::from_secs(seconds).clamp(Duration::from_millis(200), EVERY))
    }

    /// Takes up what is due, as far as there is room.
    fn take_up(&mut self) {
        let codes = self.busy.values().filter(|mail| **mail == MailKind::OneTimePassword).count();
        let most = self.courier.room();
        let room = most.letters.saturating_sub(self.busy.len() - codes);
        let room_for_codes = most.codes.saturating_sub(codes);
        if room == 0 && room_for_codes == 0 {
            return;
        }
        let now = self.app.now();
        let due = |mail: &&PendingMail| {
            self.waiting.get(&key(mail)).is_none_or(|waiting| waiting.until <= now)
                && !self.busy.contains_key(&mail.to)
                && !self.unrecorded.contains_key(&key(mail))
        };
        let taken: Vec<PendingMail> = self.app.lists(|lists| {
            let others = |mail: &&PendingMail| mail.mail != MailKind::OneTimePassword;
            let codes = lists.outbox().pending_codes().filter(due).take(room_for_codes);
            let rest = lists.outbox().pending().filter(others).filter(due).take(room);
            codes.chain(rest).cloned().collect()
        });
        for mail in taken {
            if self.busy.contains_key(&mail.to) {
                continue;
            }
            self.busy.insert(mail.to, mail.mail);
            let courier = Arc::clone(&self.courier);
            self.under_way.push(Box::pin(async move {
                let span = traces::mail(mail.mail);
                let outcome = courier.carry(mail.clone()).instrument(span.clone()).await;
                if !matches!(outcome, Outcome::Sent | Outcome::Over { sent: true, .. }) {
                    traces::failed(&span);
                }
                (mail, outcome)
            }));
        }
    }

    /// Takes note of a mail that is over, and of all others that are by now, and records it.
    async fn conclude_all(&mut self, first: (PendingMail, Outcome)) {
        let mut over = vec![first];
        while let Some(Some(more)) = self.under_way.next().now_or_never() {
            over.push(more);
        }
        for (mail, outcome) in over {
            self.busy.remove(&mail.to);
            self.tell(&mail, &outcome);
            if let Some(event) = self.conclude(&mail, &outcome) {
                self.unrecorded.insert(key(&mail), event);
            }
        }
        self.record().await;
    }

    /// Tells metrics of an attempt.
    fn tell(&self, mail: &PendingMail, outcome: &Outcome) {
        let how = match outcome {
            Outcome::Sent | Outcome::Over { sent: true, .. } => metrics::Mail::Sent,
            Outcome::GivenUp(_) => metrics::Mail::GivenUp,
            Outcome::Later | Outcome::Away | Outcome::HeldUp | Outcome::Unheard => metrics::Mail::Delayed,
            // It was over before, or the instance that had it gave it up, and counted that.
            Outcome::Over { sent: false, .. } => return,
        };
        let due = self.app.now().seconds_since(mail.at);
        let due = Duration::from_secs(u64::try_from(due).unwrap_or(0));
        metrics::mail(metrics::MailClass::of(mail.mail), how, due);
    }

    /// What is to be recorded of an attempt, if it was the last one.
    fn conclude(&mut self, mail: &PendingMail, outcome: &Outcome) -> Option<Event<Plain>> {
        let given_up = |reason| {
            Event::MailGivenUp(MailGivenUp { event: mail.event, to: mail.to, mail: mail.mail, reason })
        };
        let now = self.app.now();
        let key = key(mail);
        let before = self.waiting.remove(&key);
        match *outcome {
            Outcome::Sent => {
                self.is_there_again(now);
                Some(Event::MailSent(MailSent { event: mail.event, to: mail.to, mail: mail.mail }))
            }
            Outcome::GivenUp(reason) => Some(given_up(reason)),
            Outcome::Over { sent, .. } => {
                if sent {
                    self.is_there_again(now);
                }
                None
            }
            Outcome::Unheard => {
                let answers = before.map_or(0, |waiting| waiting.answers);
                self.wait_with(key, before, answers, false, now);
                None
            }
            Outcome::Later => {
                self.is_there_again(now);
                let answers = before.map_or(0, |waiting| waiting.answers) + 1;
                if answers >= ANSWERS_BEFORE_GIVING_UP && mail.at.plus_days(GIVE_UP_AFTER_DAYS) <= now {
                    tracing::error!(event = %mail.event, to = %mail.to, kind = ?mail.mail, "mail given up on");
                    metrics::mail_given_up(metrics::MailClass::of(mail.mail));
                    return Some(given_up(MailFailure::TimedOut));
                }
                self.wait_with(key, before, answers, false, now);
                None
            }
            Outcome::Away | Outcome::HeldUp => {
                // The courier itself says what holds it up.
                self.health.learn(outcome);
                let answers = before.map_or(0, |waiting| waiting.answers);
                self.wait_with(key, before, answers, true, now);
                None
            }
        }
    }

    fn wait_with(&mut self, key: Key, before: Option<Waiting>, answers: u32, away: bool, now: Timestamp) {
        let failures = before.map_or(1, |waiting| waiting.failures.saturating_add(1));
        let random = self.app.random().number();
        let seconds = i64::try_from(wait(failures, random).as_secs()).unwrap_or(i64::MAX).max(1);
        self.waiting.insert(key, Waiting { failures, answers, away, until: now.plus_seconds(seconds) });
    }

    /// The server answers.
    fn is_there_again(&mut self, now: Timestamp) {
        self.health.set(false);
        self.wake(now);
    }

    /// What waited because no mail went out need not wait longer. What the server put off itself does.
    fn wake(&mut self, now: Timestamp) {
        for waiting in self.waiting.values_mut().filter(|waiting| waiting.away) {
            waiting.until = waiting.until.min(now.plus_seconds(1));
        }
    }

    /// Records what is over. What cannot be recorded is kept, and is not sent again by this process.
    async fn record(&mut self) {
        if self.unrecorded.is_empty() {
            return;
        }
        let events: Vec<Event<Plain>> = self.unrecorded.values().cloned().collect();
        match self.app.record(Reactor::Mail, events).await {
            Ok(_) => self.unrecorded.clear(),
            Err(failure) => {
                metrics::reactor_failed(Reactor::Mail.name());
                tracing::error!(error = %why(&failure), "sent mails could not be recorded yet");
                tokio::time::sleep(RECORD_AGAIN).await;
            }
        }
    }
}
