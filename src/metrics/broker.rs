//! What whoever publishes to the broker tells.

use std::time::Duration;

use vouchsafe_events::Position;

use super::catalogue as c;
use super::recorder::{count, gauge, observe};
use super::{flag, number};

/// A message was handed to the broker.
pub fn broker_published() {
    count(&c::BROKER_PUBLISHED, &[], 1);
}

/// The broker confirmed a message, so long after it was handed over.
pub fn broker_confirmed(took: Duration) {
    count(&c::BROKER_CONFIRMED, &[], 1);
    observe(&c::BROKER_CONFIRM, &[], took.as_secs_f64());
}

/// The broker gave a message back: no queue is bound for it.
pub fn broker_returned() {
    count(&c::BROKER_RETURNED, &[], 1);
}

/// The broker refused a message, which is sent again.
pub fn broker_refused() {
    count(&c::BROKER_REFUSED, &[], 1);
}

/// The connection was lost, and made anew.
pub fn broker_reconnected() {
    count(&c::BROKER_RECONNECTS, &[], 1);
}

/// Whether this instance is connected.
pub fn broker_connected(connected: bool) {
    gauge(&c::BROKER_CONNECTED, &[], flag(connected));
}

/// Whether the broker takes nothing for now, because it lacks memory or disk.
pub fn broker_blocked(blocked: bool) {
    gauge(&c::BROKER_BLOCKED, &[], flag(blocked));
}

/// Whether publishing stands still before an event that cannot be published.
pub fn broker_stuck(stuck: bool) {
    gauge(&c::BROKER_STUCK, &[], flag(stuck));
}

/// A message went without personal data that should have been in it.
pub fn broker_incomplete() {
    count(&c::BROKER_INCOMPLETE, &[], 1);
}

/// How many jobs lie in the dead-letter queue.
pub fn broker_dead_letters(jobs: u64) {
    gauge(&c::BROKER_DEAD, &[], number(jobs));
}

/// How many messages are handed over and not confirmed.
pub fn broker_unconfirmed(messages: usize) {
    gauge(&c::BROKER_UNCONFIRMED, &[], number(u64::try_from(messages).unwrap_or(u64::MAX)));
}

/// Up to where the log is published and confirmed.
pub fn broker_position(position: Position) {
    gauge(&c::BROKER_POSITION, &[], number(position.number()));
}

/// The age of the oldest event that is to be published and is not confirmed; none if there is none.
pub fn broker_lag(oldest: Option<Duration>) {
    gauge(&c::BROKER_LAG, &[], oldest.map_or(0.0, |age| age.as_secs_f64()));
}
