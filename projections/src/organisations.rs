//! All organisations, found by id, by request and by person.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_events::{Event, OrganisationId, OrganisationKind, PersonId, Recorded, RequestId, Timestamp};

use crate::hash::Map;
use crate::mails;
use crate::measures::{GotIn, Measures, RequestEnd, Waited};
use crate::organisation::Organisation;
use crate::outbox::Outbox;

/// How many requests that no longer wait each organisation keeps: those that were asked last.
///
/// A school has a handful and so keeps all; the bound is for an organisation with thousands of users, whose
/// lists must not grow with every year of its history. It counts requests and not days, so that it does not
/// matter to a list when an event is folded. What is dropped is still in the log, and in its timeline.
pub const DECIDED_KEPT: usize = 200;

/// All organisations, in the order in which they became known. None is ever taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub(crate) struct Organisations {
    list: Vec<Organisation>,
    /// Where each organisation stands in `list`.
    #[serde(skip_serializing)]
    index: Map<OrganisationId, usize>,
    /// Where in `list` each request is that is kept.
    #[serde(skip_serializing)]
    requests: Map<RequestId, usize>,
    /// Where in `list` each person is approver or user, is on support's list, or has a request that is kept.
    #[serde(skip_serializing)]
    people: BTreeSet<(PersonId, usize)>,
}

/// What a snapshot holds of [`Organisations`].
#[derive(Deserialize)]
struct Kept {
    list: Vec<Organisation>,
}

impl From<Kept> for Organisations {
    fn from(Kept { list }: Kept) -> Self {
        let mut all = Self::default();
        for (at, organisation) in list.iter().enumerate() {
            all.index.insert(organisation.id, at);
            all.requests.extend(organisation.requests.keys().map(|request| (*request, at)));
            let people = organisation.approvers.keys().chain(organisation.users.keys());
            let people =
                people.chain(organisation.listed.keys()).chain(organisation.proposed.keys()).copied();
            let asking = organisation.requests.values().map(|request| request.person);
            all.people.extend(people.chain(asking).map(|person| (person, at)));
        }
        Self { list, ..all }
    }
}

impl Organisations {
    pub(crate) fn get(&self, id: OrganisationId) -> Option<&Organisation> {
        self.index.get(&id).and_then(|at| self.list.get(*at))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Organisation> {
        self.list.iter()
    }

    pub(crate) fn of_request(&self, id: RequestId) -> Option<OrganisationId> {
        self.requests.get(&id).and_then(|at| self.list.get(*at)).map(|organisation| organisation.id)
    }

    /// Where a person is approver or user, or has a request, in the order in which the organisations became known.
    pub(crate) fn of_person(&self, person: PersonId) -> impl Iterator<Item = OrganisationId> {
        let places = self.people.range((person, 0)..=(person, usize::MAX));
        places.filter_map(|(_, at)| self.list.get(*at)).map(|organisation| organisation.id)
    }

    /// Notes that a person came in for an organisation.
    pub(crate) fn signed_in(&mut self, id: OrganisationId, person: PersonId, at: Timestamp) {
        if let Some(organisation) = self.index.get(&id).and_then(|at| self.list.get_mut(*at)) {
            organisation.last_signed_in.insert(person, at);
        }
    }

    /// Takes in an event of an organisation's stream, and queues the mails that arise from it.
    pub(crate) fn apply(
        &mut self,
        id: OrganisationId,
        recorded: &Recorded,
        outbox: &mut Outbox,
        measures: &mut Measures,
    ) {
        if let Event::OrganisationRegistered(data) = &recorded.event {
            if !self.index.contains_key(&id) {
                self.index.insert(id, self.list.len());
                self.list.push(Organisation::registered(id, recorded.envelope.at, data));
            }
            return;
        }
        // A request is made at one organisation, once.
        let asked = match &recorded.event {
            Event::AccessRequested(data) => Some(data.request),
            Event::AccessRequestedOnClosure(data) => Some(data.request),
            _ => None,
        };
        if asked.is_some_and(|request| self.requests.contains_key(&request)) {
            return;
        }
        let Some(&at) = self.index.get(&id) else { return };
        let Some(organisation) = self.list.get_mut(at) else { return };
        let had_access = organisation.first_access.is_some();
        if !organisation.apply(recorded) {
            return;
        }
        if !had_access && organisation.first_access.is_some() && organisation.is(OrganisationKind::School) {
            let by_support = matches!(recorded.event, Event::UserAdded(_));
            measures.got_in(GotIn { at: recorded.envelope.at, by_support });
        }
        if let Some((request, how)) = ended(&recorded.event)
            && let Some(request) = organisation.requests.get(&request)
        {
            measures.waited_for(Waited { asked: request.at, ended: recorded.envelope.at, how });
        }
        mails::arise(organisation, recorded, outbox);
        match &recorded.event {
            Event::ApproverEstablished(data) => self.relate(data.person, at),
            Event::ApproverCarriedOver(data) => self.relate(data.person, at),
            Event::AccessRequested(data) => {
                self.requests.insert(data.request, at);
                self.relate(data.person, at);
            }
            Event::AccessRequestedOnClosure(data) => {
                self.requests.insert(data.request, at);
                self.relate(data.person, at);
            }
            Event::AccessCarriedOver(data) => self.relate(data.person, at),
            Event::UserProposed(data) => self.relate(data.person, at),
            Event::UserAdded(data) => {
                self.relate(data.person, at);
                data.instead_of.into_iter().for_each(|old| self.unrelate(old, at));
            }
            Event::UserRemoved(data) => self.unrelate(data.person, at),
            Event::UserProposalDismissed(data) => self.unrelate(data.person, at),
            Event::AccessGranted(data) => {
                self.relate(data.person, at);
                self.prune(at);
            }
            Event::AccessDeclined(_) | Event::AccessRequestWithdrawn(_) | Event::AccessRequestExpired(_) => {
                self.prune(at);
            }
            Event::ApproverStoodDown(data) => self.unrelate(data.person, at),
            Event::AccessEnded(data) => self.unrelate(data.person, at),
            Event::AccessRevoked(data) => self.unrelate(data.person, at),
            _ => {}
        }
    }

    fn relate(&mut self, person: PersonId, at: usize) {
        self.people.insert((person, at));
    }

    /// Forgets that a person has to do with an organisation, if they no longer have.
    fn unrelate(&mut self, person: PersonId, at: usize) {
        let related = self.list.get(at).is_some_and(|organisation| {
            organisation.approvers.contains_key(&person)
                || organisation.users.contains_key(&person)
                || organisation.listed.contains_key(&person)
                || organisation.proposed.contains_key(&person)
                || organisation.requests.values().any(|request| request.person == person)
        });
        if !related {
            self.people.remove(&(person, at));
        }
    }

    /// Drops the oldest decided requests beyond [`DECIDED_KEPT`].
    fn prune(&mut self, at: usize) {
        while let Some(organisation) = self.list.get_mut(at)
            && organisation.requests.len() > DECIDED_KEPT
            && organisation.requests.len() - organisation.open_requests().count() > DECIDED_KEPT
        {
            let decided = organisation.requests.values().filter(|request| !request.outcome.is_open());
            let oldest = decided.min_by_key(|request| (request.at, request.id));
            let Some((id, person)) = oldest.map(|request| (request.id, request.person)) else { return };
            organisation.requests.remove(&id);
            self.requests.remove(&id);
            self.unrelate(person, at);
        }
    }
}

/// Which request an event ends, and how.
fn ended<T>(event: &Event<T>) -> Option<(RequestId, RequestEnd)> {
    match event {
        Event::AccessGranted(data) => data.request.map(|request| (request, RequestEnd::Granted)),
        Event::AccessDeclined(data) => Some((data.request, RequestEnd::Declined)),
        Event::AccessRequestWithdrawn(data) => Some((data.request, RequestEnd::Withdrawn)),
        Event::AccessRequestExpired(data) => Some((data.request, RequestEnd::Expired)),
        _ => None,
    }
}
