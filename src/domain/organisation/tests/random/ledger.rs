//! A second reading of an organisation's events, apart from the fold that decisions use: it objects to what
//! must never happen.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::*;

/// A plain reading of what happened.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) open: bool,
    pub(super) approvers: BTreeMap<PersonId, ApproverBasis>,
    /// Whom a colleague made an approver.
    made: BTreeSet<PersonId>,
    ends: BTreeMap<PersonId, Option<Timestamp>>,
    pub(super) asked: Vec<RequestId>,
    waiting: BTreeMap<RequestId, PersonId>,
    review: Option<(ReviewId, BTreeSet<PersonId>)>,
    pub(super) kinds: BTreeSet<&'static str>,
}

impl Ledger {
    /// Whether access was given and has not come to its end by `now`.
    pub(super) fn granted(&self, person: PersonId, now: Timestamp) -> bool {
        self.ends.get(&person).is_some_and(|ends| ends.is_none_or(|ends| now < ends))
    }

    /// Whether an approver whom DfE Sign-in no longer names is one on the word of the colleague who made them
    /// one before.
    fn falls_back(&self, event: &Happened, by: Option<PersonId>) -> bool {
        let Event::ApproverEstablished(data) = event else { return false };
        let named = self.approvers.get(&data.person) == Some(&ApproverBasis::DfeSignIn);
        data.basis == ApproverBasis::Colleague && by.is_none() && named && self.made.contains(&data.person)
    }

    /// Somebody becomes an approver, or is one on another word than before.
    fn establish(
        &mut self,
        data: &ApproverEstablished,
        falls_back: bool,
        by: Option<PersonId>,
    ) -> Result<(), TestCaseError> {
        let before = self.approvers.get(&data.person).copied();
        match data.basis {
            ApproverBasis::Colleague if falls_back => {}
            ApproverBasis::Colleague => {
                self.by_another(by, data.person)?;
                prop_assert_eq!(before, None, "an approver twice");
                self.made.insert(data.person);
            }
            ApproverBasis::DfeSignIn => {
                prop_assert_ne!(before, Some(ApproverBasis::DfeSignIn), "named twice");
            }
            ApproverBasis::Predecessor => prop_assert!(false, "a carry-over has an event of its own"),
        }
        self.approvers.insert(data.person, data.basis);
        Ok(())
    }

    /// A request that waits is settled, so it waits no more.
    fn settle(&mut self, request: RequestId, person: PersonId) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.waiting.remove(&request), Some(person), "settled twice, or another's");
        Ok(())
    }

    /// `by` is an approver who does not do this for themselves.
    fn by_another(&self, by: Option<PersonId>, person: PersonId) -> Result<(), TestCaseError> {
        let by = by.ok_or_else(|| TestCaseError::fail("nobody decided this"))?;
        prop_assert!(self.approvers.contains_key(&by), "decided by someone who is no approver");
        prop_assert_ne!(by, person, "decided for oneself");
        Ok(())
    }

    /// Reads one event that was done by `by` at `now`.
    pub(super) fn read(
        &mut self,
        event: &Happened,
        by: Option<PersonId>,
        now: Timestamp,
    ) -> Result<(), TestCaseError> {
        self.kinds.insert(event.kind());
        let whatever_is_closed = matches!(
            event,
            Event::OrganisationRegistered(_)
                | Event::OrganisationRenamed(_)
                | Event::OrganisationReopened(_)
                | Event::AccessRequestWithdrawn(_)
                | Event::ApproverStoodDown(ApproverStoodDown { reason: StandDownReason::DfeSignIn, .. })
        ) || self.falls_back(event, by);
        prop_assert!(self.open || whatever_is_closed, "{} while not open", event.kind());
        match event {
            Event::OrganisationRegistered(_) | Event::OrganisationReopened(_) => self.open = true,
            Event::OrganisationClosed(_) => self.open = false,
            Event::ApproverEstablished(data) => {
                self.establish(data, self.falls_back(event, by), by)?;
            }
            Event::ApproverStoodDown(data) => {
                prop_assert!(self.approvers.remove(&data.person).is_some(), "stood down twice");
                self.made.remove(&data.person);
            }
            Event::AccessRequested(data) => {
                prop_assert!(
                    !self.waiting.values().any(|person| *person == data.person),
                    "two open requests"
                );
                prop_assert!(!self.granted(data.person, now), "asked for what they have");
                self.waiting.insert(data.request, data.person);
                self.asked.push(data.request);
            }
            Event::AccessRequestWithdrawn(data) => self.settle(data.request, data.person)?,
            Event::AccessRequestExpired(data) => self.settle(data.request, data.person)?,
            Event::ApproversReminded(data) => {
                prop_assert!(self.waiting.contains_key(&data.request), "reminded of nothing");
            }
            Event::AccessGranted(data) => {
                self.by_another(by, data.person)?;
                if let Some(request) = data.request {
                    self.settle(request, data.person)?;
                }
                prop_assert!(data.ends.is_none_or(|ends| now < ends), "granted until the past");
                self.ends.insert(data.person, data.ends);
            }
            Event::AccessDeclined(data) => {
                self.by_another(by, data.person)?;
                self.settle(data.request, data.person)?;
            }
            Event::AccessEndDateChanged(data) => {
                self.by_another(by, data.person)?;
                prop_assert!(self.granted(data.person, now), "changed the end of what has ended");
                self.ends.insert(data.person, data.ends);
            }
            Event::AccessEndingSoon(data) => {
                prop_assert_eq!(self.ends.get(&data.person), Some(&Some(data.ends)));
                prop_assert!(now < data.ends, "warned after the end");
            }
            Event::AccessEnded(data) => {
                let ends = self.ends.remove(&data.person).flatten();
                prop_assert!(ends.is_some_and(|ends| ends <= now), "ended before its end");
                self.made.remove(&data.person);
            }
            Event::AccessRevoked(data) => {
                self.by_another(by, data.person)?;
                self.ends.remove(&data.person);
            }
            Event::ReviewOpened(data) => {
                prop_assert!(self.review.is_none(), "two reviews at once");
                self.review = Some((data.review, BTreeSet::new()));
            }
            Event::AccessConfirmed(data) => {
                if self.approvers.len() > 1 {
                    self.by_another(by, data.person)?;
                }
                let Some((review, confirmed)) = &mut self.review else {
                    return Err(TestCaseError::fail("confirmed in no review"));
                };
                prop_assert_eq!(*review, data.review);
                prop_assert!(confirmed.insert(data.person), "confirmed twice");
            }
            Event::ReviewReminded(data) => {
                prop_assert_eq!(self.review.as_ref().map(|open| open.0), Some(data.review));
            }
            Event::ReviewCompleted(data) => {
                let Some((review, confirmed)) = self.review.take() else {
                    return Err(TestCaseError::fail("completed no review"));
                };
                prop_assert_eq!(review, data.review);
                let granted = self.ends.keys().filter(|person| self.granted(**person, now));
                let made = self.approvers.iter().filter(|made| *made.1 == ApproverBasis::Colleague);
                for person in granted.chain(made.map(|made| made.0)) {
                    prop_assert!(confirmed.contains(person), "completed without asking about everybody");
                }
            }
            _ => {}
        }
        Ok(())
    }
}
