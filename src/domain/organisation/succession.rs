//! What becomes of the people of a school that closed, decided at the school that goes on with its work.
//!
//! Where one school goes on, people keep there what they had. Where several do, the approvers of each decide. Each
//! person comes from each closed school once: who came, and lost it here, does not come again.

mod outlook;

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{
    AccessCarriedOver, AccessEnded, AccessRequestWithdrawn, AccessRequestedOnClosure, ApproverCarriedOver,
    Event, OrganisationId, PersonId, RequestId, Timestamp, UserAdded,
};

pub use outlook::{End, Outlook, Standing, outlook};

use super::Organisation;
use crate::domain::Decided;

/// The people of an organisation that closed, with what they had there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    from: OrganisationId,
    closed: Timestamp,
    approvers: BTreeSet<PersonId>,
    /// Who had access that was given and has not ended, with its end.
    users: BTreeMap<PersonId, Option<Timestamp>>,
    /// Who is on the list that support keeps.
    listed: BTreeSet<PersonId>,
}

impl Leaving {
    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.people().is_empty()
    }

    /// Everybody, each once.
    pub fn people(&self) -> BTreeSet<PersonId> {
        self.approvers.iter().chain(self.users.keys()).chain(&self.listed).copied().collect()
    }

    /// These people without those who came to an organisation on the way, or of whom was decided there after the
    /// first one had closed.
    #[must_use]
    pub fn beyond(mut self, on_the_way: &Organisation) -> Self {
        for person in self.people() {
            if on_the_way.has_settled(&self, person) {
                self.approvers.remove(&person);
                self.users.remove(&person);
                self.listed.remove(&person);
            }
        }
        self
    }
}

impl Organisation {
    /// The people of this organisation, which is `from`, if it is closed at `now`.
    pub fn leaving(&self, from: OrganisationId, now: Timestamp) -> Option<Leaving> {
        let closed = self.closed_at.filter(|_| self.closed)?;
        let lasting = self.access.iter().filter(|(person, _)| self.granted(**person, now));
        Some(Leaving {
            from,
            closed,
            approvers: self.approvers.keys().copied().collect(),
            users: lasting.map(|(person, access)| (*person, access.ends)).collect(),
            listed: self.listed.clone(),
        })
    }

    /// Its successors as the register has them.
    pub fn successors(&self) -> &[OrganisationId] {
        &self.successors
    }

    /// Whether nothing more is to be done here for somebody who leaves: they came already, or lost or did not get
    /// something here since the other one closed. What was decided here stands.
    fn has_settled(&self, leaving: &Leaving, person: PersonId) -> bool {
        let came = self.carried.get(&leaving.from).is_some_and(|people| people.contains(&person));
        came || self.lost.get(&person).is_some_and(|at| *at >= leaving.closed)
    }

    /// Takes over the people of an organisation whose only successor this is. Each keeps what they had, unless they
    /// have it here already: approvers approve, access ends when it would have, and who was on support's list is on
    /// the list here or, where there is none, has access. Who stood down here by choice comes without being an
    /// approver. A request of theirs that is still open has no more purpose.
    pub fn carry_over(&self, leaving: &Leaving, now: Timestamp) -> Decided {
        let mut decided = Decided::new();
        if !self.is_open() {
            return decided;
        }
        for person in leaving.people() {
            if !self.has_settled(leaving, person) {
                self.carry_one(leaving, person, now, &mut decided);
            }
        }
        decided
    }

    fn carry_one(&self, leaving: &Leaving, person: PersonId, now: Timestamp, decided: &mut Decided) {
        let from = leaving.from;
        let was_approver = leaving.approvers.contains(&person);
        let stays_approver = was_approver && !self.stood_down.contains(&person);
        let on_list = leaving.listed.contains(&person);
        let goes_on_list = on_list && self.has_user_list();
        let had = leaving.users.get(&person).copied();
        // What else they had must become access, where it cannot become what it was.
        let instead = ((on_list && !goes_on_list) || (was_approver && !stays_approver)).then_some(None);
        let before = decided.len();
        if let Some(ends) = had.or(instead).filter(|_| !self.has_access(person, now)) {
            if self.ends_now(person, now) {
                decided.push(Event::AccessEnded(AccessEnded { person }));
            }
            decided.push(Event::AccessCarriedOver(AccessCarriedOver { person, from, ends }));
        }
        if goes_on_list && !self.is_listed(person) {
            let from = Some(from);
            decided.push(Event::UserAdded(UserAdded { person, from, instead_of: None }));
        }
        if stays_approver && !self.is_approver(person) {
            decided.push(Event::ApproverCarriedOver(ApproverCarriedOver { person, from }));
        }
        if let Some(request) = self.open_request_of(person).filter(|_| decided.len() > before) {
            decided.push(Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person }));
        }
    }

    /// Puts the people of an organisation that closed before the approvers here, where this is one of several
    /// successors: each who has neither access nor a request that waits. `fresh` gives each new request its id.
    pub fn ask_on_closure(
        &self,
        leaving: &Leaving,
        fresh: impl Fn(PersonId) -> Option<RequestId>,
        now: Timestamp,
    ) -> Decided {
        if !self.is_open() {
            return Decided::new();
        }
        let from = leaving.from;
        let stands = |person| self.has_access(person, now) || self.open_request_of(person).is_some();
        let asked = leaving
            .people()
            .into_iter()
            .filter(|person| !self.has_settled(leaving, *person) && !stands(*person));
        asked
            .filter_map(|person| {
                let request = fresh(person)?;
                Some(Event::AccessRequestedOnClosure(AccessRequestedOnClosure { request, person, from }))
            })
            .collect()
    }
}
