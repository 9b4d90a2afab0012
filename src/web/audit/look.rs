//! Where auditors look into the history and into personal data. Each look goes through here with who looks,
//! so that there is one place to keep account of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use vouchsafe_events::{
    Email, EventId, Held, OrganisationId, PersonId, Position, Recorded, Stream, Timestamp, decode,
};

use super::asked::Asked;
use crate::app::Unavailable;
use crate::audit::lineage::{Ledger, Lineage};
use crate::audit::{Replay, TimelineError, Total};
use crate::errors::Chain;
use crate::store::StoredEvent;
use crate::web::{Auditor, Problem, Site};

/// How many people are offered to choose from.
const MOST_PEOPLE: usize = 25;

/// How long a page waits for the index to take in what the lists show already.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many events are read from the log at the same time.
const AT_ONCE: usize = 8;

/// What a look into the history found.
#[derive(Clone, Debug)]
pub(super) struct Results {
    /// The events, newest first.
    pub(super) events: Vec<Recorded>,
    /// Where to look on for older ones.
    pub(super) older: Option<Position>,
    /// How many there are in all.
    pub(super) total: Total,
    /// Whether the newest events may be missing.
    pub(super) behind: bool,
}

/// Who matches what was typed of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) enum Matches {
    TooShort,
    Nobody,
    One(PersonId),
    Several(People),
}

/// People to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct People {
    /// Some of those who match.
    pub(in crate::web) people: Vec<PersonId>,
    /// Whether others match too.
    pub(in crate::web) more: bool,
}

/// One event, with what leads on from it.
#[derive(Clone, Debug)]
pub(super) struct One {
    /// The event.
    pub(super) recorded: Recorded,
    /// Its stored form.
    pub(super) stored: String,
    /// Where those events stand that it names: what it came of, and what a mail was sent for.
    pub(super) others: Vec<(EventId, Position)>,
}

/// Looks into the history.
pub(super) async fn search(site: &Site, by: &Auditor, asked: &Asked) -> Result<Results, Problem> {
    tracing::info!(auditor = %by.person, "an auditor looks into the history");
    let behind = !site.timeline.reach(site.app.following().position(), PATIENCE).await;
    let found =
        site.timeline.search(asked.filter(site), asked.before).await.map_err(|error| index(&error))?;
    let events = stream::iter(found.positions)
        .map(|position| read(site, position))
        .buffered(AT_ONCE)
        .try_filter_map(|found| async { Ok(found.map(|(_, recorded)| recorded)) })
        .try_collect()
        .await?;
    Ok(Results { events, older: found.older, total: found.total, behind })
}

/// The newest events that concern a person, for support.
pub(in crate::web) async fn of_person(
    site: &Site,
    by: PersonId,
    person: PersonId,
) -> Result<Vec<Recorded>, Problem> {
    tracing::info!(%by, %person, "a support agent looks at a person's history");
    site.timeline.reach(site.app.following().position(), PATIENCE).await;
    let filter = crate::audit::Filter { person: Some(person), ..crate::audit::Filter::default() };
    let found = site.timeline.search(filter, None).await.map_err(|error| index(&error))?;
    stream::iter(found.positions)
        .map(|position| read(site, position))
        .buffered(AT_ONCE)
        .try_filter_map(|found| async { Ok(found.map(|(_, recorded)| recorded)) })
        .try_collect()
        .await
}

/// Finds people by a part of their name or email address, as they are today. Nobody who has been erased is
/// found.
pub(in crate::web) async fn people(site: &Site, by: PersonId, who: &str) -> Result<Matches, Problem> {
    tracing::info!(by = %by, "somebody is looked for");
    if who.chars().count() < 2 {
        return Ok(Matches::TooShort);
    }
    if let Ok(email) = who.parse::<Email>() {
        let hash = site.app.ring().hash_email(&email);
        if let Some(person) = site.app.lists(|lists| lists.person_by_email(hash)) {
            return Ok(Matches::One(person));
        }
    }
    let known: Vec<(PersonId, Vec<Held>)> = site.app.lists(|lists| {
        let texts = |email: &Held, name: &Option<Held>| name.iter().chain([email]).cloned().collect();
        lists.people().map(|person| (person.id, texts(&person.email, &person.name))).collect()
    });
    let (app, wanted) = (Arc::clone(&site.app), who.to_lowercase());
    // Opening the names of tens of thousands of people takes a while.
    let found = tokio::task::spawn_blocking(move || {
        let matches = |held: &Held| {
            app.ring().open(held).text().is_some_and(|text| text.to_lowercase().contains(&wanted))
        };
        let found = known.iter().filter(|(_, texts)| texts.iter().any(matches)).map(|(id, _)| *id);
        found.take(MOST_PEOPLE + 1).collect::<Vec<_>>()
    });
    let mut people = found.await.map_err(|error| index(&error.into()))?;
    let more = people.len() > MOST_PEOPLE;
    people.truncate(MOST_PEOPLE);
    Ok(match people.as_slice() {
        [] => Matches::Nobody,
        [person] => Matches::One(*person),
        _ => Matches::Several(People { people, more }),
    })
}

/// Looks at one event.
pub(super) async fn event(site: &Site, by: &Auditor, position: Position) -> Result<Option<One>, Problem> {
    let Some((stored, recorded)) = read(site, position).await? else { return Ok(None) };
    tracing::info!(auditor = %by.person, position = position.number(), "an auditor looks at an event");
    let mut others = Vec::new();
    let mail = match &recorded.event {
        vouchsafe_events::Event::MailSent(data) => Some(data.event),
        vouchsafe_events::Event::MailGivenUp(data) => Some(data.event),
        _ => None,
    };
    for id in recorded.envelope.causation.into_iter().chain(mail) {
        let found = site.timeline.position_of(id).await.map_err(|error| index(&error))?;
        others.extend(found.map(|position| (id, position)));
    }
    let stored = String::from_utf8_lossy(&stored.bytes).into_owned();
    Ok(Some(One { recorded, stored, others }))
}

/// Looks at all that ever happened at an organisation.
pub(super) async fn organisation(site: &Site, by: &Auditor, id: OrganisationId) -> Result<Replay, Problem> {
    if site.app.lists(|lists| lists.organisation(id).is_none()) {
        return Err(Problem::NotFound);
    }
    tracing::info!(auditor = %by.person, organisation = %id, "an auditor looks at an organisation's history");
    replay(site, Stream::Organisation(id)).await
}

/// Looks at all that ever happened to a person.
pub(super) async fn person(site: &Site, by: &Auditor, id: PersonId) -> Result<Replay, Problem> {
    is_known(site, id)?;
    tracing::info!(auditor = %by.person, person = %id, "an auditor looks at a person's history");
    replay(site, Stream::Person(id)).await
}

/// A person who is not known is not found.
pub(super) fn is_known(site: &Site, id: PersonId) -> Result<(), Problem> {
    let known = site.app.lists(|lists| lists.person(id).is_some());
    if known { Ok(()) } else { Err(Problem::NotFound) }
}

async fn replay(site: &Site, stream: Stream) -> Result<Replay, Problem> {
    let read = Replay::read(site.app.store().as_ref(), stream).await;
    read.map_err(|cause| Problem::unavailable(&cause))
}

/// Follows authority from and to an organisation, whose account is there already.
pub(super) async fn lineage(site: &Site, id: OrganisationId, ledger: Ledger) -> Result<Lineage, Problem> {
    let read = Lineage::around(site.app.store().as_ref(), id, ledger).await;
    read.map_err(|cause| Problem::unavailable(&cause))
}

/// When these people signed in for an organisation: of each the newest, at most `limit`.
pub(super) async fn sign_ins(
    site: &Site,
    organisation: OrganisationId,
    people: Vec<PersonId>,
    limit: usize,
) -> Result<Vec<(PersonId, Timestamp)>, Problem> {
    site.timeline.reach(site.app.following().position(), PATIENCE).await;
    site.timeline.sign_ins(organisation, people, limit).await.map_err(|error| index(&error))
}

/// The organisations at which anything ever happened to a person, or was done by them.
pub(super) async fn places(site: &Site, person: PersonId) -> Result<Vec<OrganisationId>, Problem> {
    site.timeline.reach(site.app.following().position(), PATIENCE).await;
    site.timeline.organisations_of(person).await.map_err(|error| index(&error))
}

/// Reads the event at a position, if there is one.
async fn read(site: &Site, position: Position) -> Result<Option<(StoredEvent, Recorded)>, Problem> {
    let Some(before) = position.number().checked_sub(1).map(Position::new) else { return Ok(None) };
    // No engine counts further than this.
    if i64::try_from(position.number()).is_err() {
        return Ok(None);
    }
    let unavailable = |cause: Unavailable| Problem::unavailable(&cause);
    let found = site.app.store().read_all(before, 1).await.map_err(|error| unavailable(error.into()))?;
    let Some(stored) = found.into_iter().next().filter(|found| found.position == position) else {
        return Ok(None);
    };
    let recorded = decode(position, &stored.bytes).map_err(|error| unavailable(error.into()))?;
    Ok(Some((stored, recorded)))
}

/// The index did not do its part.
fn index(error: &TimelineError) -> Problem {
    tracing::error!(error = %Chain(error), "the history cannot be looked into");
    Problem::Unavailable
}
