//! Taking events in: where and whom each of them concerns.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use vouchsafe_events::{
    Actor, Event, EventId, OrganisationId, PersonId, Position, Reactor, Recorded, RequestId, Stream,
    Timestamp, Uuid,
};

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

/// The day of an instant in UTC, counted from 1970-01-01.
pub(super) const fn day(at: Timestamp) -> i64 {
    at.micros().div_euclid(DAY)
}

/// How the index numbers whoever did something: 0 stands for every person.
pub(super) const fn actor_number(actor: Actor) -> i64 {
    match actor {
        Actor::Person(_) => 0,
        Actor::Operator => 1,
        Actor::System => 2,
        Actor::Reactor(Reactor::Mail) => 3,
        Actor::Reactor(Reactor::Timekeeper) => 4,
        Actor::Reactor(Reactor::Successions) => 5,
        Actor::Reactor(Reactor::Approvers) => 6,
    }
}

/// The position of the last event taken in.
pub(super) fn position(connection: &Connection) -> rusqlite::Result<Position> {
    connection.query_row("SELECT position FROM state", [], |row| row.get(0).map(Position::new))
}

/// Takes events in, all or none. Another process may have taken some of them in already.
pub(super) fn take(connection: &mut Connection, events: &[Recorded]) -> rusqlite::Result<Position> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut at = position(&transaction)?;
    let mut last = None;
    for recorded in events {
        if recorded.position > at {
            take_one(&transaction, recorded)?;
            at = recorded.position;
            last = Some(recorded.envelope.id);
        }
    }
    if let Some(last) = last {
        transaction
            .execute("UPDATE state SET position = ?1, id = ?2", (at.number(), last.uuid().as_bytes()))?;
    }
    transaction.commit()?;
    Ok(at)
}

fn take_one(transaction: &Transaction<'_>, recorded: &Recorded) -> rusqlite::Result<()> {
    let position = recorded.position.number();
    let envelope = &recorded.envelope;
    let organisation = organisation_of(transaction, recorded)?;
    transaction
        .prepare_cached(
            "INSERT INTO entries (position, at, kind, actor, organisation)
             VALUES (?1, ?2, (SELECT kind FROM kinds WHERE name = ?3), ?4, ?5)",
        )?
        .execute((
            position,
            envelope.at.micros(),
            recorded.event.kind(),
            actor_number(envelope.actor),
            organisation.as_ref().map(|id| id.uuid().into_bytes()),
        ))?;
    transaction
        .prepare_cached("INSERT INTO ids (id, position) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute((envelope.id.uuid().as_bytes(), position))?;
    transaction
        .prepare_cached(
            "INSERT INTO days (day, first, last) VALUES (?1, ?2, ?2)
             ON CONFLICT DO UPDATE SET last = excluded.last",
        )?
        .execute((day(envelope.at), position))?;
    if let Event::AccessRequested(data) = &recorded.event {
        transaction
            .prepare_cached("INSERT INTO requests (request, person) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute((data.request.uuid().as_bytes(), data.person.uuid().as_bytes()))?;
    }
    for person in people_of(transaction, recorded)?.into_iter().flatten() {
        transaction
            .prepare_cached(
                "INSERT INTO people (person, position, acted) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute((person.uuid().as_bytes(), position, envelope.actor == Actor::Person(person)))?;
    }
    Ok(())
}

/// The organisation that an event belongs to: that of its stream, the one that somebody acts for or came
/// for, or, for a mail, that of the event which gave rise to it.
fn organisation_of(
    transaction: &Transaction<'_>,
    recorded: &Recorded,
) -> rusqlite::Result<Option<OrganisationId>> {
    if let Stream::Organisation(id) = recorded.envelope.stream {
        return Ok(Some(id));
    }
    match &recorded.event {
        Event::SignedIn(data) => Ok(data.organisation),
        Event::OrganisationChosen(data) => Ok(Some(data.organisation)),
        Event::SignInRefused(data) => Ok(data.organisation),
        Event::MailSent(data) => organisation_of_event(transaction, data.event),
        Event::MailGivenUp(data) => organisation_of_event(transaction, data.event),
        _ => Ok(None),
    }
}

fn organisation_of_event(
    transaction: &Transaction<'_>,
    id: EventId,
) -> rusqlite::Result<Option<OrganisationId>> {
    let found = transaction
        .prepare_cached("SELECT organisation FROM ids JOIN entries USING (position) WHERE id = ?1")?
        .query_row((id.uuid().as_bytes(),), |row| row.get::<_, Option<[u8; 16]>>(0))
        .optional()?
        .flatten();
    Ok(found.map(|id| OrganisationId::from_uuid(Uuid::from_bytes(id))))
}

/// Whom an event concerns: the person whose stream it is in, the one it names, the one who did it, and the
/// one who made the request that it is about.
fn people_of(transaction: &Transaction<'_>, recorded: &Recorded) -> rusqlite::Result<[Option<PersonId>; 4]> {
    let owner = match recorded.envelope.stream {
        Stream::Person(id) => Some(id),
        _ => None,
    };
    let actor = match recorded.envelope.actor {
        Actor::Person(id) => Some(id),
        _ => None,
    };
    let other = match &recorded.event {
        Event::EmailHeldByAnother(data) => Some(data.other),
        Event::ApproversReminded(data) => asked_by(transaction, data.request)?,
        _ => None,
    };
    Ok([owner, recorded.event.subject(), actor, other])
}

/// Who made a request.
fn asked_by(connection: &Connection, request: RequestId) -> rusqlite::Result<Option<PersonId>> {
    connection
        .prepare_cached("SELECT person FROM requests WHERE request = ?1")?
        .query_row((request.uuid().as_bytes(),), |row| {
            row.get(0).map(|id| PersonId::from_uuid(Uuid::from_bytes(id)))
        })
        .optional()
}

/// Forgets everything.
pub(super) fn clear(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "DELETE FROM entries; DELETE FROM people; DELETE FROM requests; DELETE FROM ids; DELETE FROM days;
         UPDATE state SET position = 0, id = NULL;",
    )?;
    transaction.commit()
}
