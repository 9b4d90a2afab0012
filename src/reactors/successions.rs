//! Brings the people of closed schools to the schools that go on with their work.
//!
//! It looks through the lists for closed organisations whose people have not all come, whenever the lists change. What
//! happens is decided on the streams. An import only records what the register says, so the service may run meanwhile
//! or start later.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;
use vouchsafe_events::{OrganisationId, PersonId, Reactor, Timestamp};
use vouchsafe_projections::{Lists, Organisation};

use super::{Stop, pause, stopped, why};
use crate::app::{App, Way};
use crate::domain::organisation::{End, Outlook, Standing, outlook};
use crate::{metrics, traces};

/// How long it rests between two looks: an import makes thousands of changes.
const REST: Duration = Duration::from_secs(1);

/// After how long it looks again though nothing changed: something may not have done its part.
const AGAIN: Duration = Duration::from_mins(1);

/// Runs until it is told to stop.
pub async fn run(app: Arc<App>, mut stop: Stop) {
    let mut successions = Successions::default();
    loop {
        let seen = app.following().position();
        let begun = std::time::Instant::now();
        successions.look(&app).instrument(traces::reactor(Reactor::Successions)).await;
        metrics::reactor_round(Reactor::Successions, begun.elapsed(), app.now());
        if !pause(&mut stop, REST).await {
            return;
        }
        tokio::select! {
            () = app.following().moved(seen) => {}
            () = tokio::time::sleep(AGAIN) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// People who may have to come to one place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    from: OrganisationId,
    end: End,
    way: Way,
    people: BTreeSet<PersonId>,
}

/// What a look finds.
#[derive(Debug, Default)]
struct Found {
    left: Vec<Left>,
    /// Closed organisations with people whose successors succeed each other in a circle.
    circles: BTreeSet<OrganisationId>,
}

/// Looks for people who are left behind, and remembers of whom nothing came.
#[derive(Debug, Default)]
pub struct Successions {
    /// For whom a look has done all there was to do. The lists cannot tell all reasons why somebody does not come, and
    /// their streams need not be read at each look.
    done: BTreeMap<(OrganisationId, OrganisationId), Left>,
    /// Which circles were told of.
    told: BTreeSet<OrganisationId>,
}

impl Successions {
    /// Looks once. Answers how many events came of it.
    pub async fn look(&mut self, app: &App) -> usize {
        let now = app.now();
        let found = app.lists(|lists| find(lists, now));
        for circle in found.circles.difference(&self.told) {
            tracing::warn!(organisation = %circle, "the register has its successors in a circle: its people stay where they are");
        }
        self.told = found.circles;
        let mut happened = 0;
        let mut done = BTreeMap::new();
        for left in found.left {
            let key = (left.from, left.end.at);
            if self.done.get(&key) == Some(&left) {
                done.insert(key, left);
                continue;
            }
            match app.succeed(left.from, &left.end, left.way).await {
                Ok(events) => {
                    happened += events;
                    done.insert(key, left);
                }
                Err(failure) => {
                    metrics::reactor_failed(Reactor::Successions.name());
                    tracing::error!(
                        organisation = %left.from, successor = %left.end.at, error = %why(&failure),
                        "the people of a closed organisation could not be brought to its successor"
                    );
                }
            }
        }
        // What is no longer found is forgotten, so that a school that reopens and closes again is looked at anew.
        self.done = done;
        happened
    }
}

/// All who may be left behind: never wrongly nobody.
fn find(lists: &Lists, now: Timestamp) -> Found {
    let look = |id| {
        lists
            .organisation(id)
            .map(|found| Standing { closed: found.closed, successors: found.successors.clone() })
    };
    let mut found = Found::default();
    for old in lists.organisations().filter(|old| old.closed && !old.successors.is_empty()) {
        let people = people(old, now);
        if people.is_empty() {
            continue;
        }
        let (ends, way) = match outlook(old.id, look) {
            Outlook::One(end) => (vec![end], Way::Carried),
            Outlook::Several(ends) => (ends, Way::Asked),
            Outlook::Circle => {
                found.circles.insert(old.id);
                continue;
            }
            Outlook::Waits | Outlook::Nowhere => continue,
        };
        for end in ends {
            let places: Vec<_> =
                end.via.iter().chain([&end.at]).filter_map(|id| lists.organisation(*id)).collect();
            let came = |person: &PersonId| {
                places
                    .iter()
                    .any(|place| place.carried.get(&old.id).is_some_and(|came| came.contains(person)))
            };
            let there = lists.organisation(end.at);
            let stands = |person: &PersonId| there.is_some_and(|there| stands(old, there, *person, way, now));
            let left = people.iter().filter(|person| !came(person) && !stands(person));
            let left: BTreeSet<_> = left.copied().collect();
            if !left.is_empty() {
                found.left.push(Left { from: old.id, end, way, people: left });
            }
        }
    }
    found
}

/// Whether somebody has at a successor what they would come to, or waits for it.
fn stands(old: &Organisation, there: &Organisation, person: PersonId, way: Way, now: Timestamp) -> bool {
    let has_access = there.has_access(person, now);
    match way {
        Way::Asked => has_access || there.open_request_of(person).is_some(),
        Way::Carried => {
            let approves = !old.approvers.contains_key(&person) || there.is_approver(person);
            let goes_on_list = old.listed.contains_key(&person) && there.has_user_list();
            has_access && approves && (!goes_on_list || there.is_listed(person))
        }
    }
}

/// Everybody who had access to a closed organisation, each once.
fn people(old: &Organisation, now: Timestamp) -> BTreeSet<PersonId> {
    let users = old.users.iter().filter(|(_, access)| access.lasts(now)).map(|(person, _)| person);
    old.approvers.keys().chain(old.listed.keys()).chain(users).copied().collect()
}
