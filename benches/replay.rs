//! How fast a start is without a snapshot: a million events, decoded and folded on one core.
//!
//! `cargo bench --bench replay` prints events a second for each part of the work, next to what a plain typed
//! parse of the same JSON costs, and how much memory the lists take.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stops when it cannot measure"
)]

#[path = "replay/history.rs"]
mod history;

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vouchsafe_events::{
    AccessConfirmed, AccessDeclined, AccessGranted, AccessRequested, AccessRevoked, Actor,
    ApproverEstablished, CorrelationId, EmailReserved, EventId, MailSent, OrganisationRegistered,
    PersonIntroduced, Position, ReviewCompleted, ReviewOpened, Sealed, SignedIn, SignedOut, Stream,
    SubjectLinked, SubjectReserved, Timestamp, Version, decode, encode,
};
use vouchsafe_projections::Lists;

const EVENTS: u64 = 1_000_000;
const CHUNK: usize = 50_000;

/// The stored form as serde's derive reads it: what there is to beat.
#[derive(Deserialize)]
struct Typed<'a> {
    id: EventId,
    stream: Stream,
    version: Version,
    r#type: &'a str,
    schema: u16,
    at: Timestamp,
    actor: Actor,
    causation: Option<EventId>,
    correlation: Option<CorrelationId>,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn payload<T: DeserializeOwned>(typed: &Typed<'_>) {
    black_box(serde_json::from_str::<T>(typed.data.get()).unwrap());
}

/// Reads an event with serde's derive alone, into the same types.
fn parse(bytes: &[u8]) {
    let typed: Typed<'_> = serde_json::from_slice(bytes).unwrap();
    match typed.r#type {
        "organisation-registered" => payload::<OrganisationRegistered>(&typed),
        "approver-established" => payload::<ApproverEstablished>(&typed),
        "access-requested" => payload::<AccessRequested<Sealed>>(&typed),
        "access-granted" => payload::<AccessGranted>(&typed),
        "access-declined" => payload::<AccessDeclined<Sealed>>(&typed),
        "access-revoked" => payload::<AccessRevoked<Sealed>>(&typed),
        "review-opened" => payload::<ReviewOpened>(&typed),
        "access-confirmed" => payload::<AccessConfirmed>(&typed),
        "review-completed" => payload::<ReviewCompleted>(&typed),
        "person-introduced" => payload::<PersonIntroduced<Sealed>>(&typed),
        "subject-linked" => payload::<SubjectLinked<Sealed>>(&typed),
        "signed-in" => payload::<SignedIn<Sealed>>(&typed),
        "signed-out" => payload::<SignedOut>(&typed),
        "email-reserved" => payload::<EmailReserved>(&typed),
        "subject-reserved" => payload::<SubjectReserved>(&typed),
        "mail-sent" => payload::<MailSent>(&typed),
        kind => assert_eq!(kind, "", "the history has a type that is not parsed here"),
    }
    black_box((typed.id, typed.stream, typed.version, typed.schema, typed.at, typed.actor));
    black_box((typed.causation, typed.correlation));
}

/// The memory that the process has in use, in MiB; none where Linux' `/proc` is not.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib / 1024)
}

/// How long this thread has had a core, if the machine says so: what other programs do at the same time then
/// counts for little.
fn on_core() -> Option<Duration> {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedule.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let (began, core) = (Instant::now(), on_core());
    let done = work();
    let (elapsed, now) = (began.elapsed(), on_core());
    *total += core.zip(now).map_or(elapsed, |(before, after)| after.saturating_sub(before));
    done
}

fn row(what: &str, events: u64, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    let rate = events as f64 / took.as_secs_f64();
    println!("{what:<44} {rate:>12.0} {:>10.2}", took.as_secs_f64());
}

fn main() {
    let (mut history, mut lists) = (history::History::new(), Lists::default());
    let (mut parsing, mut decoding, mut both) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut events, mut bytes) = (0_u64, 0_usize);
    while events < EVENTS {
        let chunk: Vec<Vec<u8>> =
            history.more(CHUNK).iter().map(|(envelope, event)| encode(envelope, event).unwrap()).collect();
        bytes += chunk.iter().map(Vec::len).sum::<usize>();
        let read = |at: usize, bytes: &[u8]| decode(Position::new(events + at as u64 + 1), bytes).unwrap();
        timed(&mut parsing, || chunk.iter().for_each(|bytes| parse(bytes)));
        timed(&mut decoding, || {
            for (at, bytes) in chunk.iter().enumerate() {
                black_box(read(at, bytes));
            }
        });
        timed(&mut both, || {
            for (at, bytes) in chunk.iter().enumerate() {
                lists.apply(&read(at, bytes));
            }
        });
        events += chunk.len() as u64;
    }
    assert_eq!(lists.events(), events);
    drop(history);
    let resident = resident();

    println!("{events} events, {} bytes each on average\n", bytes as u64 / events);
    println!("{:<44} {:>12} {:>10}", "", "events/s", "core s");
    row("typed parse with serde's derive, no fold", events, parsing);
    row("decode", events, decoding);
    row("decode and fold", events, both);
    let (mut writing, mut reading) = (Duration::ZERO, Duration::ZERO);
    let snapshot = timed(&mut writing, || postcard::to_stdvec(&lists).unwrap());
    let read: Lists = timed(&mut reading, || postcard::from_bytes(&snapshot).unwrap());
    assert!(read == lists, "a snapshot is not what it was made of");
    row("write a snapshot", events, writing);
    row("read a snapshot", events, reading);
    println!(
        "\n{} people, {} organisations, {} mails pending; snapshot {} MiB",
        lists.people().count(),
        lists.organisations().count(),
        lists.outbox().pending().count(),
        snapshot.len() / (1 << 20)
    );
    if let Some(resident) = resident {
        println!("resident memory after the fold: {resident} MiB");
    }
}
