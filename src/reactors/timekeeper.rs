//! Does what time brings: reminders, expiries, ends and reviews.
//!
//! It looks through the lists for organisations where something may be due, and lets the organisation's own
//! stream decide whether it is.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe_events::{ApproverBasis, OrganisationId, Timestamp};
use vouchsafe_projections::Organisation;

use super::{Stop, pause, why};
use crate::app::App;
use crate::domain::Terms;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(30);

/// Runs until it is told to stop.
pub async fn run(app: Arc<App>, mut stop: Stop) {
    loop {
        look(&app).await;
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
                tracing::error!(%organisation, error = %why(&failure), "what time brings could not be done");
            }
        }
    }
    happened
}

/// Whether anything may be due: never wrongly false, and not true for long where nothing happens, since each
/// time the organisation's stream is read.
fn may_be_due(found: &Organisation, terms: &Terms, now: Timestamp) -> bool {
    let past = |since: Timestamp, days: u16| since.plus_days(days.into()) <= now;
    let request = found.open_requests().any(|request| {
        let next = terms.remind_after_days.get(usize::from(request.reminders));
        let reminder = next.is_some_and(|days| past(request.at, *days)) && !found.approvers.is_empty();
        past(request.at, terms.request_expires_after_days) || reminder
    });
    let end = found.users.values().any(|access| {
        let warn = -i64::from(terms.warn_before_end_days);
        access.ends.is_some_and(|ends| ends <= now || (!access.warned && ends.plus_days(warn) <= now))
    });
    let review = if let Some(review) = &found.review {
        let every = i64::from(terms.review_remind_every_days) * i64::from(review.reminders);
        let overdue = review.due.plus_days(every) <= now && !found.approvers.is_empty();
        overdue || found.waiting_for_review(now).next().is_none()
    } else {
        let made = found.approvers.values().any(|approver| approver.basis == ApproverBasis::Colleague);
        let anyone = !found.approvers.is_empty() && (made || !found.users.is_empty());
        let since = found.reviewed.or(found.first_access);
        anyone && since.is_some_and(|since| past(since, terms.review_every_days))
    };
    !found.closed && (request || end || review)
}
