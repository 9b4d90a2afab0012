//! Does what time brings: reminders, expiries, ends and reviews.
//!
//! It looks through the lists for organisations where something may be due, and lets the organisation's own
//! stream decide whether it is.

use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;
use vouchsafe_events::{ApproverBasis, OrganisationId, Reactor, Timestamp};
use vouchsafe_projections::Organisation;

use super::{Stop, pause, why};
use crate::app::App;
use crate::domain::Terms;
use crate::{metrics, traces};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(30);

/// Runs until it is told to stop.
pub async fn run(app: Arc<App>, mut stop: Stop) {
    loop {
        let begun = std::time::Instant::now();
        look(&app).instrument(traces::reactor(Reactor::Timekeeper)).await;
        metrics::reactor_round(Reactor::Timekeeper, begun.elapsed(), app.now());
        if !pause(&mut stop, EVERY).await {
            return;
        }
    }
}

/// Looks once. Answers at how many organisations something happened.
pub async fn look(app: &App) -> usize {
    let now = app.now();
    let due: Vec<OrganisationId> = app.lists(|lists| {
        lists
            .organisations()
            .filter(|found| may_be_due(found, app.terms(), now))
            .map(|found| found.id)
            .collect()
    });
    let mut happened = 0;
    for organisation in due {
        match app.keep_time(organisation).await {
            Ok(done) => happened += usize::from(!done.events.is_empty()),
            Err(failure) => {
                metrics::reactor_failed(Reactor::Timekeeper.name());
                tracing::error!(%organisation, error = %why(&failure), "what time brings could not be done");
            }
        }
    }
    happened
}

/// Whether anything may be due: never wrongly false, and true where nothing happens only while an end has come of
/// which no note is taken yet, since each time the organisation's stream is read. The same instants count here as in
/// [`keep_time`](crate::domain::Organisation::keep_time).
fn may_be_due(found: &Organisation, terms: &Terms, now: Timestamp) -> bool {
    let past = |since: Timestamp, days: u16| since.plus_days(days.into()) <= now;
    let request = found.open_requests().any(|request| {
        let due = terms.remind_after_days.iter().filter(|days| past(request.at, **days)).count();
        let reminder = due > usize::from(request.reminders) && !found.approvers.is_empty();
        past(request.at, terms.request_expires_after_days) || reminder
    });
    let end = found.users.values().any(|access| {
        let warn = -i64::from(terms.warn_before_end_days);
        access.ends.is_some_and(|ends| {
            let warn_from = ends.plus_days(warn);
            // Whoever was given less than the warning time is not warned.
            ends <= now || (!access.warned && access.since < warn_from && warn_from <= now)
        })
    });
    !found.closed && (request || end || review_may_be_due(found, terms, now))
}

/// Whether a review may be due to open, to be completed or to be reminded of.
fn review_may_be_due(found: &Organisation, terms: &Terms, now: Timestamp) -> bool {
    if let Some(review) = &found.review {
        let every = i64::from(terms.review_remind_every_days.max(1)) * i64::from(review.reminders);
        let overdue = review.due.plus_days(every) <= now && review.reminders < u8::MAX;
        return (overdue && !found.approvers.is_empty()) || found.waiting_for_review(now).next().is_none();
    }
    let made = found.approvers.values().any(|approver| approver.basis != ApproverBasis::DfeSignIn);
    let anyone = !found.approvers.is_empty() && (made || !found.users.is_empty());
    let due = |since: Timestamp| since.plus_days(terms.review_every_days.into()) <= now;
    anyone && found.review_from.is_some_and(due)
}

#[cfg(test)]
mod tests;
