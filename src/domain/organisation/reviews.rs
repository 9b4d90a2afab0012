//! The yearly review: approvers say of each user whether they still need access.

use vouchsafe_events::{AccessConfirmed, ApproverBasis, Event, PersonId, ReviewCompleted, Timestamp};

use super::Organisation;
use crate::domain::Decided;

/// Why a user cannot be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// Whoever confirms is not an approver here.
    NotAnApprover,
    /// No review is open.
    NoReview,
    /// The person is not among those to be confirmed.
    NotListed,
    /// They have been confirmed already in this review.
    AlreadyConfirmed,
    /// Nobody confirms themselves while there is another approver to do it.
    Oneself,
}

impl Organisation {
    /// Whom a review asks about: everybody whose place here rests on a colleague's word. Approvers named by
    /// DfE Sign-in without a grant are kept there.
    fn to_review(&self, now: Timestamp) -> impl Iterator<Item = PersonId> {
        let granted = self.access.keys().copied().filter(move |person| self.granted(*person, now));
        let made = self.approvers.iter().filter(move |(person, basis)| {
            **basis != ApproverBasis::DfeSignIn && !self.granted(**person, now)
        });
        granted.chain(made.map(|(person, _)| *person))
    }

    /// Whether anybody is left to be confirmed, leaving those out who are `settled`.
    fn waits(&self, settled: impl Fn(PersonId) -> bool, now: Timestamp) -> bool {
        let Some(review) = &self.review else { return false };
        self.to_review(now).any(|person| !review.confirmed.contains(&person) && !settled(person))
    }

    /// The completion of the open review, if with `person` settled nobody is left.
    pub(super) fn completed_without(
        &self,
        person: PersonId,
        now: Timestamp,
    ) -> Option<Event<vouchsafe_events::Plain>> {
        self.review_done(|settled| settled == person, now)
    }

    /// The completion of the open review, if nobody is left but who is `settled` by what happens now.
    pub(super) fn review_done(
        &self,
        settled: impl Fn(PersonId) -> bool,
        now: Timestamp,
    ) -> Option<Event<vouchsafe_events::Plain>> {
        let review = self.review.as_ref()?;
        (!self.waits(settled, now)).then_some(Event::ReviewCompleted(ReviewCompleted { review: review.id }))
    }

    /// Whether a review would have anybody to ask about.
    pub(super) fn has_anyone_to_review(&self, now: Timestamp) -> bool {
        self.to_review(now).any(|person| !self.ends_now(person, now))
    }

    /// An approver confirms that a person still needs access. With the last one the review is completed.
    pub fn confirm(&self, person: PersonId, by: PersonId, now: Timestamp) -> Result<Decided, ConfirmRefused> {
        if !self.is_open() {
            return Err(ConfirmRefused::OrganisationClosed);
        }
        if !self.is_approver(by) {
            return Err(ConfirmRefused::NotAnApprover);
        }
        let review = self.review.as_ref().ok_or(ConfirmRefused::NoReview)?;
        if !self.to_review(now).any(|listed| listed == person) {
            return Err(ConfirmRefused::NotListed);
        }
        if review.confirmed.contains(&person) {
            return Err(ConfirmRefused::AlreadyConfirmed);
        }
        if person == by && self.approvers.len() > 1 {
            return Err(ConfirmRefused::Oneself);
        }
        let mut decided = vec![Event::AccessConfirmed(AccessConfirmed { review: review.id, person })];
        decided.extend(self.completed_without(person, now));
        Ok(decided)
    }
}
