//! Finding events: walks back from the newest along the index that says most, and stops at a page's end.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Params, Row};
use vouchsafe_events::{Actor, OrganisationId, PersonId, Position, Timestamp};

use super::write::{actor_number, day};

/// How many events a search finds at once.
pub const PAGE: usize = 50;

/// How far events are counted.
const COUNTED: usize = 10_000;

/// Which events are looked for: those for which all that is said here holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// They belong to one of these organisations; none if it does not matter.
    pub organisations: Option<Vec<OrganisationId>>,
    /// They concern this person: happened to them, name them, or were done by them.
    pub person: Option<PersonId>,
    /// They were done by this one.
    pub actor: Option<Actor>,
    /// They are of one of these types, by their names in the stored form; empty if it does not matter.
    pub kinds: Vec<&'static str>,
    /// They happened at or after this instant.
    pub from: Option<Timestamp>,
    /// They happened before this instant.
    pub to: Option<Timestamp>,
}

/// How many events pass a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(usize),
    /// So many or more: they were not counted further.
    AtLeast(usize),
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the events stand, newest first; at most [`PAGE`].
    pub positions: Vec<Position>,
    /// If there are older ones: search for those before this position.
    pub older: Option<Position>,
    /// How many pass the filter in all, on this page and on others.
    pub total: Total,
}

/// A row of the index as a walk meets it.
const COLUMNS: &str = "e.position, e.at, e.kind, e.organisation, e.actor";

/// An index to walk along, with what to look for in it.
enum Walk {
    Person(PersonId),
    /// What a person did.
    Acts(PersonId),
    /// What somebody did who is no person, by their number.
    Actor(i64),
    Organisation(OrganisationId),
    Kind(i64),
    Everything,
}

/// A filter, ready to be held against rows.
struct Sieve {
    organisations: Option<HashSet<[u8; 16]>>,
    kinds: Option<HashSet<i64>>,
    /// By this actor's number.
    actor: Option<i64>,
    /// By this person, where the walk is not along what they did.
    acted: Option<[u8; 16]>,
    from: i64,
    to: i64,
    /// Between which positions (both included) what happened in the range of dates lies.
    first: i64,
    last: i64,
}

/// See [`super::Timeline::search`].
pub(super) fn search(
    connection: &Connection,
    filter: &Filter,
    before: Option<Position>,
) -> rusqlite::Result<Found> {
    // One transaction: the pages, and the count, of one state of the index.
    let connection = connection.unchecked_transaction()?;
    let nothing = Found { positions: Vec::new(), older: None, total: Total::Exactly(0) };
    let Some(sieve) = Sieve::of(&connection, filter)? else { return Ok(nothing) };
    let walks = walks(filter, &sieve);
    let last = before.map_or(sieve.last, |before| as_i64(before).saturating_sub(1).min(sieve.last));
    let mut found = Vec::new();
    for walk in &walks {
        walk.collect(&connection, &sieve, last, PAGE + 1, &mut found)?;
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let positions: Vec<Position> = found.into_iter().map(Position::new).collect();
    let older = positions.last().copied().filter(|_| more);
    Ok(Found { positions, older, total: count(&connection, &walks, &sieve)? })
}

fn as_i64(position: Position) -> i64 {
    i64::try_from(position.number()).unwrap_or(i64::MAX)
}

/// The walks that together meet every event that passes, each of them once.
fn walks(filter: &Filter, sieve: &Sieve) -> Vec<Walk> {
    if let Some(person) = acts(filter) {
        vec![Walk::Acts(person)]
    } else if let Some(person) = filter.person {
        vec![Walk::Person(person)]
    } else if let Some(organisations) = &filter.organisations {
        let each: HashSet<_> = organisations.iter().copied().collect();
        each.into_iter().map(Walk::Organisation).collect()
    } else if let Some(actor) =
        filter.actor.filter(|actor| *actor == Actor::Operator || sieve.kinds.is_none())
    {
        // An operator does little; of what the others do there is a great deal.
        vec![Walk::Actor(actor_number(actor))]
    } else if let Some(kinds) = &sieve.kinds {
        kinds.iter().copied().map(Walk::Kind).collect()
    } else {
        vec![Walk::Everything]
    }
}

/// Whose acts are all that can pass, if that is so.
fn acts(filter: &Filter) -> Option<PersonId> {
    match filter.actor {
        Some(Actor::Person(actor)) if filter.person.is_none_or(|person| person == actor) => Some(actor),
        _ => None,
    }
}

fn count(connection: &Connection, walks: &[Walk], sieve: &Sieve) -> rusqlite::Result<Total> {
    let mut found = Vec::new();
    for walk in walks {
        let room = COUNTED + 1 - found.len();
        walk.collect(connection, sieve, sieve.last, room, &mut found)?;
        if found.len() > COUNTED {
            return Ok(Total::AtLeast(COUNTED));
        }
    }
    Ok(Total::Exactly(found.len()))
}

impl Walk {
    /// Adds the newest positions that pass, at most `limit` of them, to `found`.
    fn collect(
        &self,
        connection: &Connection,
        sieve: &Sieve,
        last: i64,
        limit: usize,
        found: &mut Vec<u64>,
    ) -> rusqlite::Result<()> {
        let first = sieve.first;
        match self {
            Self::Person(id) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM people p CROSS JOIN entries e USING (position)
                     WHERE p.person = ?1 AND p.position BETWEEN ?2 AND ?3 ORDER BY p.position DESC"
                );
                sieve.sift(connection, &sql, (id.uuid().as_bytes(), first, last), limit, found)
            }
            Self::Acts(id) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM people p CROSS JOIN entries e USING (position)
                     WHERE p.person = ?1 AND p.position BETWEEN ?2 AND ?3 AND p.acted = 1
                     ORDER BY p.position DESC"
                );
                sieve.sift(connection, &sql, (id.uuid().as_bytes(), first, last), limit, found)
            }
            Self::Actor(number) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM entries e INDEXED BY entries_by_actor
                     WHERE e.actor = ?1 AND e.actor > 0 AND e.position BETWEEN ?2 AND ?3
                     ORDER BY e.position DESC"
                );
                sieve.sift(connection, &sql, (number, first, last), limit, found)
            }
            Self::Organisation(id) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM entries e INDEXED BY entries_by_organisation
                     WHERE e.organisation = ?1 AND e.position BETWEEN ?2 AND ?3 ORDER BY e.position DESC"
                );
                sieve.sift(connection, &sql, (id.uuid().as_bytes(), first, last), limit, found)
            }
            Self::Kind(kind) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM entries e INDEXED BY entries_by_kind
                     WHERE e.kind = ?1 AND e.position BETWEEN ?2 AND ?3 ORDER BY e.position DESC"
                );
                sieve.sift(connection, &sql, (kind, first, last), limit, found)
            }
            Self::Everything => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM entries e NOT INDEXED
                     WHERE e.position BETWEEN ?1 AND ?2 ORDER BY e.position DESC"
                );
                sieve.sift(connection, &sql, (first, last), limit, found)
            }
        }
    }
}

impl Sieve {
    /// None if no event can pass.
    fn of(connection: &Connection, filter: &Filter) -> rusqlite::Result<Option<Self>> {
        let kinds = if filter.kinds.is_empty() { None } else { Some(kinds(connection, &filter.kinds)?) };
        let organisations =
            filter.organisations.as_ref().map(|ids| ids.iter().map(|id| id.uuid().into_bytes()).collect());
        let from = filter.from.map_or(i64::MIN, Timestamp::micros);
        let to = filter.to.map_or(i64::MAX, Timestamp::micros);
        let (first, last) = if filter.from.is_none() && filter.to.is_none() {
            (Some(0), Some(i64::MAX))
        } else {
            let days = (filter.from.map_or(i64::MIN, day), filter.to.map_or(i64::MAX, day));
            connection
                .prepare_cached("SELECT min(first), max(last) FROM days WHERE day BETWEEN ?1 AND ?2")?
                .query_row(days, |row| Ok((row.get(0)?, row.get(1)?)))?
        };
        let actor = filter.actor.map(actor_number);
        let acted = match filter.actor {
            Some(Actor::Person(person)) if acts(filter).is_none() => Some(person.uuid().into_bytes()),
            _ => None,
        };
        let sieve = |(first, last)| Self { organisations, kinds, actor, acted, from, to, first, last };
        Ok(first.zip(last).map(sieve))
    }

    /// Reads rows until `limit` of them have passed.
    fn sift(
        &self,
        connection: &Connection,
        sql: &str,
        params: impl Params,
        limit: usize,
        found: &mut Vec<u64>,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut passed = 0;
        while passed < limit
            && let Some(row) = rows.next()?
        {
            if self.passes(connection, row)? {
                found.push(row.get(0)?);
                passed += 1;
            }
        }
        Ok(())
    }

    fn passes(&self, connection: &Connection, row: &Row<'_>) -> rusqlite::Result<bool> {
        let at: i64 = row.get(1)?;
        if at < self.from || at >= self.to {
            return Ok(false);
        }
        if let Some(kinds) = &self.kinds
            && !kinds.contains(&row.get(2)?)
        {
            return Ok(false);
        }
        if let Some(organisations) = &self.organisations {
            let organisation: Option<[u8; 16]> = row.get(3)?;
            if !organisation.is_some_and(|id| organisations.contains(&id)) {
                return Ok(false);
            }
        }
        if let Some(actor) = self.actor
            && actor != row.get::<_, i64>(4)?
        {
            return Ok(false);
        }
        let Some(acted) = &self.acted else { return Ok(true) };
        connection
            .prepare_cached("SELECT 1 FROM people WHERE person = ?1 AND position = ?2 AND acted = 1")?
            .exists((acted, row.get::<_, i64>(0)?))
    }
}

/// See [`super::Timeline::sign_ins`].
pub(super) fn sign_ins(
    connection: &Connection,
    organisation: OrganisationId,
    people: &[PersonId],
    limit: usize,
) -> rusqlite::Result<Vec<(PersonId, Timestamp)>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.at FROM people p CROSS JOIN entries e USING (position)
         WHERE p.person = ?1 AND e.organisation = ?2
           AND e.kind IN (SELECT kind FROM kinds WHERE name IN ('signed-in', 'organisation-chosen'))
         ORDER BY p.position DESC LIMIT ?3",
    )?;
    let mut found = Vec::new();
    for person in people {
        let (id, place) = (person.uuid().into_bytes(), organisation.uuid().into_bytes());
        let mut rows = statement.query((id, place, limit))?;
        while let Some(row) = rows.next()? {
            found.push((*person, Timestamp::from_micros(row.get(0)?)));
        }
    }
    Ok(found)
}

/// The numbers of types in the index.
fn kinds(connection: &Connection, names: &[&str]) -> rusqlite::Result<HashSet<i64>> {
    let mut statement = connection.prepare_cached("SELECT name, kind FROM kinds")?;
    let known: HashMap<String, i64> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(names.iter().filter_map(|name| known.get(*name).copied()).collect())
}
