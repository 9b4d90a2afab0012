//! What time brings: reminders, expiries, ends and reviews.

use vouchsafe_events::{
    AccessEnded, AccessEndingSoon, AccessRequestExpired, ApproverBasis, ApproverStoodDown, ApproversReminded,
    Event, EventId, PersonId, Plain, ReviewId, ReviewOpened, ReviewReminded, StandDownReason, Timestamp,
};

use super::{Organisation, Stage};
use crate::domain::{Decided, Terms};

impl Organisation {
    /// All that is due at `now`. A review that opens is `review`. Whatever fell due while nobody looked
    /// happens once: of several reminders, only the last.
    pub fn keep_time(&self, terms: &Terms, review: ReviewId, now: Timestamp) -> Decided {
        if !self.is_open() {
            return Vec::new();
        }
        let mut decided = Decided::new();
        self.requests_due(terms, now, &mut decided);
        self.ends_due(terms, now, &mut decided);
        self.review_due(terms, review, now, &mut decided);
        decided
    }

    /// The event that something which time brings comes of: the request that expires, the grant or the change of its
    /// end that lets access end, the opening of the review that is reminded of.
    pub fn comes_of(&self, brought: &Event<Plain>) -> Option<EventId> {
        let request = |id| self.requests.get(id).map(|request| request.event);
        let access = |person| self.access.get(person).map(|access| access.event);
        let review = self.review.as_ref().map(|review| review.event);
        match brought {
            Event::ApproversReminded(data) => request(&data.request),
            Event::AccessRequestExpired(data) => request(&data.request),
            Event::AccessEndingSoon(data) => access(&data.person),
            Event::AccessEnded(data) => access(&data.person),
            Event::ApproverStoodDown(data) => access(&data.person),
            Event::ReviewReminded(_) | Event::ReviewCompleted(_) => review,
            _ => None,
        }
    }

    fn requests_due(&self, terms: &Terms, now: Timestamp, decided: &mut Decided) {
        for (&request, found) in &self.requests {
            let Stage::Open { since, reminders } = found.stage else { continue };
            let person = found.person;
            if since.plus_days(terms.request_expires_after_days.into()) <= now {
                decided.push(Event::AccessRequestExpired(AccessRequestExpired { request, person }));
                continue;
            }
            let due =
                terms.remind_after_days.iter().filter(|days| since.plus_days((**days).into()) <= now).count();
            let due = u8::try_from(due).unwrap_or(u8::MAX);
            if due > reminders && !self.approvers.is_empty() {
                decided.push(Event::ApproversReminded(ApproversReminded { request, reminder: due }));
            }
        }
    }

    /// Whether a person's access came to its end date, of which note is taken now: a colleague-made approver's role
    /// ends with it.
    pub(super) fn ends_now(&self, person: PersonId, now: Timestamp) -> bool {
        self.access.contains_key(&person) && !self.granted(person, now)
    }

    fn ends_due(&self, terms: &Terms, now: Timestamp, decided: &mut Decided) {
        for (&person, access) in &self.access {
            let Some(ends) = access.ends else { continue };
            let warn_from = ends.plus_days(-i64::from(terms.warn_before_end_days));
            if ends <= now {
                decided.push(Event::AccessEnded(AccessEnded { person }));
                if self.approvers.get(&person).is_some_and(|basis| *basis != ApproverBasis::DfeSignIn) {
                    let reason = StandDownReason::AccessEnded;
                    decided.push(Event::ApproverStoodDown(ApproverStoodDown { person, reason }));
                }
            } else if warn_from <= now && !access.warned && access.since < warn_from {
                // Whoever was given less than the warning time was told the end date at the start.
                decided.push(Event::AccessEndingSoon(AccessEndingSoon { person, ends }));
            }
        }
    }

    fn review_due(&self, terms: &Terms, fresh: ReviewId, now: Timestamp, decided: &mut Decided) {
        let Some(review) = &self.review else {
            let due = |since: Timestamp| since.plus_days(terms.review_every_days.into()) <= now;
            let stays = |(person, basis): (&PersonId, &ApproverBasis)| {
                *basis == ApproverBasis::DfeSignIn || !self.ends_now(*person, now)
            };
            let anyone = self.approvers.iter().any(stays) && self.has_anyone_to_review(now);
            if self.reviewed.is_some_and(due) && anyone {
                let due = now.plus_days(terms.review_takes_days.into());
                decided.push(Event::ReviewOpened(ReviewOpened { review: fresh, due }));
            }
            return;
        };
        if let Some(completed) = self.review_done(|person| self.ends_now(person, now), now) {
            decided.push(completed);
            return;
        }
        if review.due <= now && !self.approvers.is_empty() {
            let every = i64::from(terms.review_remind_every_days.max(1)) * 86_400;
            let reminder = u8::try_from(now.seconds_since(review.due) / every + 1).unwrap_or(u8::MAX);
            if reminder > review.reminders {
                decided.push(Event::ReviewReminded(ReviewReminded { review: review.id, reminder }));
            }
        }
    }
}
