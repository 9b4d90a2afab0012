//! What the service tells about itself, for Prometheus.
//!
//! Call sites say what happened, by a function with types; names, labels and what they mean stand in
//! [`catalogue`]. Labels take values of closed sets alone: no id, no address, nothing personal. Without `[metrics]`
//! in the configuration nothing is counted and a call costs one read of memory.

mod broker;
pub mod catalogue;
pub mod label;
mod process;
mod recorder;
mod sample;
pub mod serve;
mod settings;

use std::time::Duration;

use vouchsafe_events::{Reactor, Stream, Timestamp};

pub use broker::{
    broker_blocked, broker_confirmed, broker_connected, broker_dead_letters, broker_incomplete, broker_lag,
    broker_position, broker_published, broker_reconnected, broker_refused, broker_returned, broker_stuck,
    broker_unconfirmed,
};
pub use label::{Append, Call, Code, Command, KeyRing, Limit, Mail, MailClass, Outcome, SignIn, Way};
pub use recorder::NotCounting;
pub use settings::MetricsSettings;

use catalogue as c;
use label::METHODS;
use recorder::{count, gauge, observe};

const fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

/// A whole number as metrics have them: beyond 2^53 its last digits are lost.
#[expect(clippy::cast_precision_loss, reason = "what is lost is less than a millionth of a millionth")]
const fn number(whole: u64) -> f64 {
    whole as f64
}

/// An append was answered, after so long.
pub fn append(stream: Stream, how: Append, took: Duration) {
    observe(&c::APPEND_DURATION, &[how.as_str()], took.as_secs_f64());
    if matches!(how, Append::Conflict) {
        count(&c::APPEND_CONFLICTS, &[stream.kind()], 1);
    }
}

/// These types of events were appended, one each.
pub fn appended(kinds: impl IntoIterator<Item = &'static str>) {
    for kind in kinds {
        count(&c::EVENTS, &[kind], 1);
    }
}

/// An append is sent again because its answer was not clear.
pub fn append_repeated() {
    count(&c::APPEND_REPEATS, &[], 1);
}

/// A command came to an end.
pub fn command(stream: Stream, how: Command) {
    count(&c::COMMANDS, &[stream.kind(), how.as_str()], 1);
}

/// A caller waited until the lists showed what it had appended, or gave up.
pub fn waited_for_lists(took: Duration, reached: bool) {
    observe(&c::LISTS_WAIT, &[], took.as_secs_f64());
    if !reached {
        count(&c::LISTS_WAITS_FAILED, &[], 1);
    }
}

/// Following the log was interrupted.
pub fn lists_interrupted() {
    count(&c::LISTS_INTERRUPTIONS, &[], 1);
}

/// The auditors' index was interrupted in following the log.
pub fn timeline_interrupted() {
    count(&c::TIMELINE_INTERRUPTIONS, &[], 1);
}

/// A snapshot was written, or could not be.
pub fn snapshot(how: Outcome) {
    count(&c::SNAPSHOTS, &[how.as_str()], 1);
}

/// A sign-in came to an end.
pub fn sign_in(way: Way, how: SignIn) {
    count(&c::SIGN_INS, &[way.as_str(), how.as_str()], 1);
}

/// Something was done with a one-time password.
pub fn one_time_password(what: Code) {
    count(&c::CODES, &[what.as_str()], 1);
}

/// A call to DfE Sign-in or its API ended. `host` is one that the configuration names.
pub fn dfe_call(host: &str, how: Call, took: Duration) {
    observe(&c::DFE_DURATION, &[host, how.as_str()], took.as_secs_f64());
}

/// A request is being answered, until this is dropped.
#[derive(Debug)]
pub struct InFlight(());

/// A request came.
pub fn request_began() -> InFlight {
    recorder::change(&c::HTTP_IN_FLIGHT, 1.0);
    InFlight(())
}

impl Drop for InFlight {
    fn drop(&mut self) {
        recorder::change(&c::HTTP_IN_FLIGHT, -1.0);
    }
}

/// A request was answered. `route` is the page's pattern, never a path.
pub fn request(route: &str, method: &http::Method, status: http::StatusCode, took: Duration) {
    let method = METHODS.iter().find(|known| **known == method.as_str()).map_or("other", |known| known);
    let class = match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    count(&c::HTTP_REQUESTS, &[route, method, class], 1);
    observe(&c::HTTP_DURATION, &[route], took.as_secs_f64());
}

/// A network had done too much of something.
pub fn rate_limited(limit: Limit) {
    count(&c::RATE_LIMITED, &[limit.as_str()], 1);
}

/// An attempt to deliver a mail ended. `due` says how long ago the mail became due.
pub fn mail(class: MailClass, how: Mail, due: Duration) {
    count(&c::MAIL_ATTEMPTS, &[class.as_str(), how.as_str()], 1);
    if matches!(how, Mail::Sent) {
        observe(&c::MAIL_DELIVERY, &[class.as_str()], due.as_secs_f64());
    }
}

/// A mail that was put off again and again is given up on.
pub fn mail_given_up(class: MailClass) {
    count(&c::MAIL_ATTEMPTS, &[class.as_str(), Mail::GivenUp.as_str()], 1);
}

/// A reactor's round ended.
pub fn reactor_round(reactor: Reactor, took: Duration, now: Timestamp) {
    reactor_round_of(reactor.name(), took, now);
}

/// The same for what has no stream of its own, such as what publishes to the broker: `broker`.
pub fn reactor_round_of(reactor: &'static str, took: Duration, now: Timestamp) {
    observe(&c::REACTOR_ROUND, &[reactor], took.as_secs_f64());
    gauge(&c::REACTOR_LAST, &[reactor], seconds(now));
}

/// A piece of a reactor's work failed, and will be tried again.
pub fn reactor_failed(reactor: &'static str) {
    count(&c::REACTOR_FAILURES, &[reactor], 1);
}

/// Whether this instance has a lease, one of [`label::LEASES`].
pub fn lease(name: &'static str, held: bool) {
    gauge(&c::LEASE_HELD, &[name], flag(held));
}

/// This instance got a lease.
pub fn lease_taken(name: &'static str) {
    count(&c::LEASE_TAKEN, &[name], 1);
}

/// The key ring answered, or could not.
pub fn key_ring(operation: KeyRing, how: Outcome, took: Duration) {
    observe(&c::KEY_RING, &[operation.as_str()], took.as_secs_f64());
    if matches!(how, Outcome::Failed) {
        key_ring_failed(operation);
    }
}

/// The key ring could not do something whose time is not measured, because it is asked for with each name.
pub fn key_ring_failed(operation: KeyRing) {
    count(&c::KEY_RING_FAILURES, &[operation.as_str()], 1);
}

/// A batch of traces was taken by the collector, or lost.
pub fn traces_exported(how: Outcome) {
    count(&c::TRACES, &[how.as_str()], 1);
}

/// Seconds since 1970, with their fraction.
fn seconds(at: Timestamp) -> f64 {
    // Exact for some hundred years: microseconds fit into 53 bits until 2255.
    #[expect(clippy::cast_precision_loss, reason = "exact until 2255")]
    let micros = at.micros() as f64;
    micros / 1_000_000.0
}
