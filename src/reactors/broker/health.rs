//! How publishing goes: for metrics and pages.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use vouchsafe_events::Position;

use crate::metrics;

/// How publishing goes. Counts are since the start of the process.
#[derive(Debug, Default)]
pub struct BrokerHealth {
    connected: AtomicBool,
    blocked: AtomicBool,
    stuck: AtomicBool,
    lag: Mutex<Option<Duration>>,
    confirmed: AtomicU64,
    refused: AtomicU64,
    failures: AtomicU64,
    incomplete: AtomicU64,
    position: AtomicU64,
    jobs_dead: AtomicU64,
    jobs_put_aside: AtomicU64,
}

impl BrokerHealth {
    /// Whether there is a connection to publish on.
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Whether RabbitMQ takes nothing for now, because it lacks memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Whether publishing stands still before an event that cannot be published.
    pub fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// How old the oldest event is that is to be published and is not confirmed, as last seen. None if there is none, and
    /// while this process does not publish.
    pub fn lag(&self) -> Option<Duration> {
        *self.lag.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages RabbitMQ has confirmed.
    pub fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// How many messages RabbitMQ has refused; each was published again.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How often there was no connection, or one was lost.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// How many messages went without personal data that should have been in them, as no key opened it.
    pub fn incomplete(&self) -> u64 {
        self.incomplete.load(Ordering::Relaxed)
    }

    /// The position up to which everything has been published and confirmed.
    pub fn position(&self) -> Position {
        Position::new(self.position.load(Ordering::Relaxed))
    }

    /// How many mail jobs lie in the dead-letter queue, as last seen.
    pub fn jobs_dead(&self) -> u64 {
        self.jobs_dead.load(Ordering::Relaxed)
    }

    /// How many mail jobs this process could not read and put aside.
    pub fn jobs_put_aside(&self) -> u64 {
        self.jobs_put_aside.load(Ordering::Relaxed)
    }

    pub(super) fn add_job_put_aside(&self) {
        self.jobs_put_aside.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
        metrics::broker_connected(connected);
        if !connected {
            self.set_blocked(false);
        }
    }

    /// Takes note of whether RabbitMQ blocks; answers whether that is news.
    pub(super) fn set_blocked(&self, blocked: bool) -> bool {
        metrics::broker_blocked(blocked);
        self.blocked.swap(blocked, Ordering::Relaxed) != blocked
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        metrics::broker_stuck(stuck);
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    pub(super) fn set_lag(&self, lag: Option<Duration>) {
        metrics::broker_lag(lag);
        *self.lag.lock().unwrap_or_else(PoisonError::into_inner) = lag;
    }

    /// Whoever published has left off, in whatever way, and somebody else may publish from now on: what is told of the
    /// present must not stay as it was.
    pub(super) fn leave(&self) {
        self.set_connected(false);
        self.set_stuck(false);
        self.set_lag(None);
        metrics::broker_unconfirmed(0);
    }

    pub(super) fn add_confirmed(&self) {
        self.confirmed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_refused(&self) {
        metrics::broker_refused();
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_failure(&self) {
        metrics::broker_reconnected();
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_incomplete(&self) {
        metrics::broker_incomplete();
        self.incomplete.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note of how many jobs are dead; answers how many were.
    pub(super) fn set_jobs_dead(&self, dead: u64) -> u64 {
        metrics::broker_dead_letters(dead);
        self.jobs_dead.swap(dead, Ordering::Relaxed)
    }

    pub(super) fn set_position(&self, position: Position) {
        metrics::broker_position(position);
        self.position.store(position.number(), Ordering::Relaxed);
    }
}
