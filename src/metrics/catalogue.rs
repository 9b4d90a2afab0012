//! Every metric: its name, its kind, its labels and what it means. No other place writes a name.
//!
//! Names follow Prometheus' conventions (prometheus.io, "Metric and label naming"): base units as suffixes, `_total`
//! for counters. What belongs to the process has the names that all of Prometheus' client libraries share.

use vouchsafe_events::Stream;

use super::label::{
    Append, Call, Code, Command, KeyRing, LEASES, Limit, METHODS, Mail, MailClass, Outcome, REACTORS,
    STATUSES, SignIn, Way,
};

/// What kind of metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size, up to each of these bounds, in seconds.
    Histogram(&'static [f64]),
}

/// A label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Every value that it takes. Empty where another closed set of the product's own says them: the routes of the
    /// pages, the types of events, the hosts that the configuration names.
    pub values: &'static [&'static str],
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [Label],
    /// What it means, in a sentence.
    pub help: &'static str,
    /// Whether each combination of values is there from the start, with 0: then the first failure of a kind is a
    /// change, which an alert sees.
    pub from_start: bool,
}

/// What the log, its lists and what waits for them take.
const QUICK: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What a page takes; it is given up on after 30 seconds.
const PAGE: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What a key takes: microseconds from a file, milliseconds across a network.
const KEY: &[f64] = &[0.000_025, 0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

/// How long mails take, from a few seconds to the five days after which they are given up on.
const MAIL: &[f64] = &[1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 432_000.0];

/// Rounds of a reactor.
const ROUND: &[f64] = &[0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0];

macro_rules! catalogue {
    ($($name:ident: $kind:expr, $text:literal, [$($label:literal of $values:expr),*], $start:ident, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $name: Metric = Metric {
                name: $text,
                kind: $kind,
                labels: &[$(Label { name: $label, values: $values }),*],
                help: $help,
                from_start: catalogue!(@$start),
            };
        )*

        /// Every metric.
        pub const ALL: &[Metric] = &[$($name),*];
    };
    (@from_start) => { true };
    (@when_met) => { false };
}

use Kind::{Counter, Gauge, Histogram};

catalogue! {
    BUILD_INFO: Gauge, "vouchsafe_build_info", ["version" of &[]], when_met,
        "Which version runs; the value is always 1.";

    LOG_UP: Gauge, "vouchsafe_log_up", [], when_met,
        "Whether the event log answered when the metrics were asked for: 1 or 0.";
    LOG_HEAD: Gauge, "vouchsafe_log_head_position", [], when_met,
        "The position of the last event in the log, as last seen. An engine's own number: it may have gaps.";
    LISTS_POSITION: Gauge, "vouchsafe_lists_position", [], when_met,
        "The position up to which the lists are folded.";
    LISTS_EVENTS: Gauge, "vouchsafe_lists_events", [], when_met,
        "How many events the lists are folded from.";
    LISTS_LAG: Gauge, "vouchsafe_lists_lag_seconds", [], when_met,
        "The age of the oldest event in the log that the lists do not show yet; 0 if they show all.";
    LISTS_IN_STEP: Gauge, "vouchsafe_lists_in_step", [], when_met,
        "Whether the lists follow the log and have caught up with it: 1 or 0.";
    LISTS_STUCK: Gauge, "vouchsafe_lists_stuck", [], when_met,
        "Whether the log holds an event that this version cannot read, so that the lists stay before it: 1 or 0.";
    LISTS_INTERRUPTIONS: Counter, "vouchsafe_lists_interruptions_total", [], from_start,
        "How often following the log was interrupted.";
    LISTS_WAIT: Histogram(QUICK), "vouchsafe_lists_wait_seconds", [], when_met,
        "How long a caller waited until the lists showed what had been appended.";
    LISTS_WAITS_FAILED: Counter, "vouchsafe_lists_waits_failed_total", [], from_start,
        "How often a caller gave up waiting for the lists.";
    TIMELINE_POSITION: Gauge, "vouchsafe_timeline_position", [], when_met,
        "The position up to which the auditors' index has taken in the log.";
    TIMELINE_LAG: Gauge, "vouchsafe_timeline_lag_seconds", [], when_met,
        "The age of the oldest event in the log that the auditors' index does not have yet; 0 if it has all.";
    TIMELINE_INTERRUPTIONS: Counter, "vouchsafe_timeline_interruptions_total", [], from_start,
        "How often the auditors' index was interrupted in following the log.";
    SNAPSHOTS: Counter, "vouchsafe_snapshots_total", ["outcome" of Outcome::VALUES], from_start,
        "Snapshots of the lists that were written, or could not be.";

    APPEND_DURATION: Histogram(QUICK), "vouchsafe_append_duration_seconds", ["outcome" of Append::VALUES], when_met,
        "How long an append to the log took, repeats not counted, by how it went.";
    APPEND_CONFLICTS: Counter, "vouchsafe_append_conflicts_total", ["stream" of &Stream::KINDS], from_start,
        "Appends that found that somebody else had written to the stream; the decision is then made anew.";
    APPEND_REPEATS: Counter, "vouchsafe_append_repeats_total", [], from_start,
        "Appends that were sent again, byte for byte, because the log's answer was not clear.";
    COMMANDS: Counter, "vouchsafe_commands_total", ["stream" of &Stream::KINDS, "outcome" of Command::VALUES], from_start,
        "Commands, by the kind of stream that they were decided on and by what became of them.";
    EVENTS: Counter, "vouchsafe_events_appended_total", ["type" of &[]], when_met,
        "Events that this instance appended, by type.";

    SIGN_INS: Counter, "vouchsafe_sign_ins_total", ["way" of Way::VALUES, "outcome" of SignIn::VALUES], from_start,
        "Sign-ins that came to an end, by way and by what became of them.";
    CODES: Counter, "vouchsafe_one_time_passwords_total", ["outcome" of Code::VALUES], from_start,
        "One-time passwords asked for, used, refused, and not looked at.";
    DFE_DURATION: Histogram(PAGE), "vouchsafe_dfe_request_duration_seconds", ["host" of &[], "outcome" of Call::VALUES], when_met,
        "How long calls to DfE Sign-in and its API took, by host and by what they came to.";

    HTTP_REQUESTS: Counter, "vouchsafe_http_requests_total", ["route" of &[], "method" of METHODS, "status" of STATUSES], when_met,
        "Requests for pages that were answered, by the page's pattern, method and class of status.";
    HTTP_DURATION: Histogram(PAGE), "vouchsafe_http_request_duration_seconds", ["route" of &[]], when_met,
        "How long answering took, by the page's pattern.";
    HTTP_IN_FLIGHT: Gauge, "vouchsafe_http_requests_in_flight", [], when_met,
        "Requests for pages that are being answered.";
    RATE_LIMITED: Counter, "vouchsafe_rate_limited_total", ["limit" of Limit::VALUES], from_start,
        "What was refused, or passed over, because a network had done too much of it.";

    MAIL_ATTEMPTS: Counter, "vouchsafe_mail_attempts_total", ["class" of MailClass::VALUES, "outcome" of Mail::VALUES], from_start,
        "Attempts to deliver a mail, by what became of them. One mail may be delayed many times.";
    MAIL_DELIVERY: Histogram(MAIL), "vouchsafe_mail_delivery_seconds", ["class" of MailClass::VALUES], when_met,
        "How long after it became due a mail was taken by the mail server.";
    MAIL_OUTBOX: Gauge, "vouchsafe_mail_outbox_length", ["class" of MailClass::VALUES], when_met,
        "Mails that are due and have not been sent.";
    MAIL_OLDEST: Gauge, "vouchsafe_mail_outbox_oldest_seconds", ["class" of MailClass::VALUES], when_met,
        "The age of the oldest mail that is due and has not been sent; 0 if there is none.";
    MAIL_UP: Gauge, "vouchsafe_mail_server_up", [], when_met,
        "Whether this instance last heard from the mail server that it takes mail: 1 or 0. It is 1 where no mail was sent.";

    REACTOR_ROUND: Histogram(ROUND), "vouchsafe_reactor_round_duration_seconds", ["reactor" of REACTORS], when_met,
        "How long a reactor's rounds took.";
    REACTOR_FAILURES: Counter, "vouchsafe_reactor_failures_total", ["reactor" of REACTORS], from_start,
        "Pieces of a reactor's work that failed and will be tried again.";
    REACTOR_LAST: Gauge, "vouchsafe_reactor_last_round_timestamp_seconds", ["reactor" of REACTORS], when_met,
        "When a reactor's last round on this instance ended, in seconds since 1970.";
    LEASE_HELD: Gauge, "vouchsafe_lease_held", ["lease" of LEASES], when_met,
        "Whether this instance has the lease, and so does the work that one at a time does: 1 or 0. One of all instances should.";
    LEASE_TAKEN: Counter, "vouchsafe_lease_taken_total", ["lease" of LEASES], from_start,
        "How often this instance got the lease.";

    BROKER_PUBLISHED: Counter, "vouchsafe_broker_published_total", [], from_start,
        "Messages handed to the broker.";
    BROKER_CONFIRMED: Counter, "vouchsafe_broker_confirmed_total", [], from_start,
        "Messages that the broker confirmed to have taken.";
    BROKER_RETURNED: Counter, "vouchsafe_broker_returned_total", [], from_start,
        "Mail jobs that the broker gave back because their queue is not there.";
    BROKER_REFUSED: Counter, "vouchsafe_broker_refused_total", [], from_start,
        "Messages that the broker refused to take; they are sent again.";
    BROKER_RECONNECTS: Counter, "vouchsafe_broker_reconnects_total", [], from_start,
        "How often the connection to the broker was made anew.";
    BROKER_CONNECTED: Gauge, "vouchsafe_broker_connected", [], when_met,
        "Whether this instance is connected to the broker: 1 or 0. Only the instance that publishes needs to be.";
    BROKER_BLOCKED: Gauge, "vouchsafe_broker_blocked", [], when_met,
        "Whether the broker takes nothing for now because it lacks memory or disk: 1 or 0.";
    BROKER_STUCK: Gauge, "vouchsafe_broker_stuck", [], when_met,
        "Whether publishing stands still before an event that cannot be published: 1 or 0.";
    BROKER_INCOMPLETE: Counter, "vouchsafe_broker_incomplete_total", [], from_start,
        "Messages that went without personal data that should have been in them, because no key opened it.";
    BROKER_DEAD: Gauge, "vouchsafe_broker_dead_letters", [], when_met,
        "Jobs that lie in the dead-letter queue, as last seen.";
    BROKER_UNCONFIRMED: Gauge, "vouchsafe_broker_unconfirmed", [], when_met,
        "Messages handed to the broker that it has not confirmed yet.";
    BROKER_POSITION: Gauge, "vouchsafe_broker_position", [], when_met,
        "The position up to which the log has been published and confirmed.";
    BROKER_LAG: Gauge, "vouchsafe_broker_lag_seconds", [], when_met,
        "The age of the oldest event that is to be published and is not confirmed; 0 if there is none.";
    BROKER_CONFIRM: Histogram(QUICK), "vouchsafe_broker_confirm_duration_seconds", [], when_met,
        "How long the broker took to confirm a message.";

    KEY_RING: Histogram(KEY), "vouchsafe_key_ring_duration_seconds", ["operation" of KeyRing::VALUES], when_met,
        "How long the key ring took, by what it was asked. Keys that are at hand already are not asked for.";
    KEY_RING_FAILURES: Counter, "vouchsafe_key_ring_failures_total", ["operation" of KeyRing::VALUES], from_start,
        "What the key ring could not do.";

    TRACES: Counter, "vouchsafe_traces_exported_total", ["outcome" of Outcome::VALUES], from_start,
        "Batches of traces that the collector took, or that were lost because it did not.";

    PROCESS_START: Gauge, "process_start_time_seconds", [], when_met,
        "When the service started, in seconds since 1970.";
}

/// What the operating system says of the process. Written beside the others, because time on the processor is a
/// counter with a fraction.
pub const PROCESS: &[Metric] =
    &[PROCESS_CPU, PROCESS_RESIDENT, PROCESS_VIRTUAL, PROCESS_FDS, PROCESS_MAX_FDS, PROCESS_THREADS];

const fn of_process(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, labels: &[], help, from_start: false }
}

/// Time on the processor.
pub const PROCESS_CPU: Metric =
    of_process("process_cpu_seconds_total", Counter, "Time on the processor, the kernel's for it included.");
/// Memory in use.
pub const PROCESS_RESIDENT: Metric =
    of_process("process_resident_memory_bytes", Gauge, "Memory that is in use.");
/// Address space.
pub const PROCESS_VIRTUAL: Metric =
    of_process("process_virtual_memory_bytes", Gauge, "Address space that is in use.");
/// Open files.
pub const PROCESS_FDS: Metric = of_process("process_open_fds", Gauge, "Open files and connections.");
/// How many there may be.
pub const PROCESS_MAX_FDS: Metric =
    of_process("process_max_fds", Gauge, "How many open files and connections there may be.");
/// Threads.
pub const PROCESS_THREADS: Metric = of_process("process_threads", Gauge, "Threads that the process has.");
