//! The mail reactor: works off the outbox.
//!
//! What is to be sent is in the lists, folded from the log; what was sent is recorded in the log, and so leaves
//! the outbox. A mail goes out at least once: after a crash between the server's yes and our record it goes
//! again, with the same Message-ID.

mod letters;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use url::Url;
use vouchsafe_events::{
    Event, EventId, MailFailure, MailGivenUp, MailKind, MailSent, PersonId, Plain, Reactor, Timestamp,
};
use vouchsafe_projections::PendingMail;

use super::mail::{Mail, MailSettings, Mailer, SendError, wait};
use super::{Stop, why};
use crate::app::App;
use crate::errors::Chain;

/// How many mails are under way at once.
const AT_ONCE: usize = 8;

/// How many mails are taken up in one round.
const ROUND: usize = 64;

/// After how many days a mail that cannot be delivered is given up on.
const GIVE_UP_AFTER_DAYS: i64 = 3;

/// How often the reactor looks even if nothing has happened.
const EVERY: Duration = Duration::from_secs(5);

/// What mails need to know of the service.
#[derive(Clone, Debug)]
pub struct Wording {
    /// The service's name.
    pub service_name: String,
    /// The address that links in mails begin with.
    pub base_url: Url,
    /// The address of whoever helps, if it is known.
    pub contact_email: Option<String>,
}

/// What names a mail.
type Key = (EventId, PersonId, MailKind);

/// A mail that could not be delivered yet.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    failures: u32,
    until: Timestamp,
}

/// What became of one attempt.
enum Outcome {
    Sent,
    GivenUp(MailFailure),
    Later,
}

/// Works off the outbox.
pub struct Postman {
    app: Arc<App>,
    mailer: Mailer,
    settings: MailSettings,
    wording: Wording,
    waiting: BTreeMap<Key, Waiting>,
}

fn key(mail: &PendingMail) -> Key {
    (mail.event, mail.to, mail.mail)
}

impl Postman {
    /// A postman who has not failed at anything yet.
    pub fn new(app: Arc<App>, mailer: Mailer, settings: MailSettings, wording: Wording) -> Self {
        Self { app, mailer, settings, wording, waiting: BTreeMap::new() }
    }

    /// Works until it is told to stop. The mails that are under way then are finished.
    pub async fn run(mut self, mut stop: Stop) {
        loop {
            // Taken before looking, so that nothing that comes meanwhile is missed.
            let seen = self.app.following().position();
            if self.round().await == ROUND {
                continue;
            }
            tokio::select! {
                () = self.app.following().moved(seen) => {}
                () = tokio::time::sleep(self.pause()) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// How long to sleep if nothing happens: until the first of those that wait is due.
    fn pause(&self) -> Duration {
        let now = self.app.now();
        let next = self.waiting.values().map(|waiting| waiting.until.seconds_since(now).max(0)).min();
        next.and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(EVERY, |seconds| Duration::from_secs(seconds).clamp(Duration::from_millis(200), EVERY))
    }

    /// Takes up what is due, once. Answers how many mails that were.
    pub async fn round(&mut self) -> usize {
        let now = self.app.now();
        let pending: Vec<PendingMail> = self.app.lists(|lists| {
            let due =
                |mail: &&PendingMail| self.waiting.get(&key(mail)).is_none_or(|waiting| waiting.until <= now);
            lists.outbox().pending().filter(due).take(ROUND).cloned().collect()
        });
        let count = pending.len();
        let this = &*self;
        let outcomes: Vec<(PendingMail, Outcome)> = stream::iter(pending)
            .map(|mail| async move {
                let outcome = this.deliver(&mail).await;
                (mail, outcome)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let delivered = outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Sent));
        let mut decided = Vec::new();
        for (mail, outcome) in outcomes {
            decided.extend(self.conclude(&mail, &outcome, now));
        }
        if delivered {
            // The server is there again: whatever waits for it need not wait longer.
            for waiting in self.waiting.values_mut() {
                waiting.until = waiting.until.min(now.plus_seconds(1));
            }
        }
        if !decided.is_empty() {
            self.record(decided).await;
        }
        count
    }

    /// What is to be recorded of an attempt, if it was the last one.
    fn conclude(&mut self, mail: &PendingMail, outcome: &Outcome, now: Timestamp) -> Option<Event<Plain>> {
        let given_up = |reason| {
            Event::MailGivenUp(MailGivenUp { event: mail.event, to: mail.to, mail: mail.mail, reason })
        };
        let key = key(mail);
        match *outcome {
            Outcome::Sent => {
                self.waiting.remove(&key);
                Some(Event::MailSent(MailSent { event: mail.event, to: mail.to, mail: mail.mail }))
            }
            Outcome::GivenUp(reason) => {
                self.waiting.remove(&key);
                Some(given_up(reason))
            }
            Outcome::Later if mail.at.plus_days(GIVE_UP_AFTER_DAYS) <= now => {
                self.waiting.remove(&key);
                Some(given_up(MailFailure::TimedOut))
            }
            Outcome::Later => {
                let failures = self.waiting.get(&key).map_or(1, |waiting| waiting.failures.saturating_add(1));
                let random = self.app.random().bytes().map_or(u32::MAX, u32::from_be_bytes);
                let seconds = i64::try_from(wait(failures, random).as_secs()).unwrap_or(i64::MAX).max(1);
                self.waiting.insert(key, Waiting { failures, until: now.plus_seconds(seconds) });
                None
            }
        }
    }

    async fn record(&self, decided: Vec<Event<Plain>>) {
        if let Err(failure) = self.app.record(Reactor::Mail, decided).await {
            // They stay in the outbox and go out again: at least once, not never.
            tracing::error!(error = %why(&failure), "sent mails could not be recorded");
        }
    }

    async fn deliver(&self, pending: &PendingMail) -> Outcome {
        let mail = match self.write(pending) {
            Ok(mail) => mail,
            Err(outcome) => return outcome,
        };
        match self.mailer.send(&mail).await {
            Ok(()) => {
                tracing::info!(event = %pending.event, to = %pending.to, kind = ?pending.mail, "mail sent");
                Outcome::Sent
            }
            Err(SendError::Later { reason }) => {
                tracing::warn!(event = %pending.event, to = %pending.to, kind = ?pending.mail, reason, "mail delayed");
                Outcome::Later
            }
            Err(SendError::Never { reason }) => {
                tracing::error!(event = %pending.event, to = %pending.to, kind = ?pending.mail, reason, "mail refused for good");
                Outcome::GivenUp(MailFailure::Refused)
            }
        }
    }

    /// Writes the mail from how things stand now.
    fn write(&self, pending: &PendingMail) -> Result<Mail, Outcome> {
        let (to, letter) = letters::letter(&self.app, &self.wording, pending).map_err(|missing| match missing {
            letters::Missing::Erased => Outcome::GivenUp(MailFailure::Erased),
            letters::Missing::Outdated => Outcome::GivenUp(MailFailure::Outdated),
            letters::Missing::Unreadable => {
                tracing::error!(event = %pending.event, to = %pending.to, "a mail's names cannot be read");
                Outcome::Later
            }
        })?;
        let (event, at) = (pending.event, self.app.now());
        Mail::new(&self.settings, event, (pending.to, &to), at, &letter).map_err(|error| {
            tracing::error!(error = %Chain(&error), event = %event, "a mail could not be written");
            Outcome::Later
        })
    }
}
