//! The requests that wait for a decision, and those that were decided lately.

use askama::Template;
use axum::extract::State;
use vouchsafe_events::{PersonId, Timestamp};
use vouchsafe_projections::{Organisation, Request};

use super::{Names, request, school};
use crate::web::words::counted;
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links, when};

/// How many settled requests are shown.
const SETTLED_SHOWN: usize = 20;

/// A request that waits.
struct Waiting {
    href: String,
    name: String,
    email: String,
    since: String,
    /// The school that closed and at which they had access, if they did not ask themselves.
    closed: Option<String>,
    reminders: String,
}

/// A request that was settled.
struct Settled {
    href: String,
    name: String,
    /// What became of it: "Granted by Ann Lee".
    outcome: String,
    when: String,
}

/// The page.
#[derive(Template)]
#[template(path = "web/approver/requests.html")]
pub(super) struct Page {
    frame: Frame,
    school: String,
    waiting: Vec<Waiting>,
    /// Whether the approver has a request of their own that waits.
    own: bool,
    settled: Vec<Settled>,
}

impl Page {
    fn of(frame: Frame, organisation: &Organisation, me: PersonId, names: &dyn Names) -> Self {
        let mut open: Vec<&Request> =
            organisation.open_requests().filter(|request| request.person != me).collect();
        open.sort_by_key(|request| (request.at, request.id));
        let mut over: Vec<(Timestamp, &Request)> = organisation
            .requests
            .values()
            .filter_map(|request| Some((request.outcome.at()?, request)))
            .collect();
        over.sort_by_key(|(at, request)| (std::cmp::Reverse(*at), request.id));
        Self {
            frame,
            school: organisation.name.to_string(),
            waiting: open.into_iter().map(|request| Waiting::of(request, names)).collect(),
            own: organisation.open_request_of(me).is_some(),
            settled: over
                .into_iter()
                .take(SETTLED_SHOWN)
                .map(|(at, request)| Settled::of(request, at, names))
                .collect(),
        }
    }
}

impl Waiting {
    fn of(request: &Request, names: &dyn Names) -> Self {
        let sent = usize::from(request.reminders);
        Self {
            href: links::request(&request.id),
            name: names.name(request.person),
            email: names.email(request.person),
            since: when::date(request.at),
            closed: request.from.map(|from| names.organisation(from)),
            reminders: if sent == 0 { "None yet".to_owned() } else { counted(sent, "reminder", "reminders") },
        }
    }
}

impl Settled {
    fn of(request: &Request, at: Timestamp, names: &dyn Names) -> Self {
        Self {
            href: links::request(&request.id),
            name: names.name(request.person),
            outcome: request::outcome_in_short(&request.outcome, names),
            when: when::date_time(at),
        }
    }
}

/// Shows the requests.
pub(super) async fn list(State(site): State<Site>, by: ApproverOf, frame: Frame) -> Result<Reply, Problem> {
    Reply::page(&Page::of(frame, &school(&site, &by)?, by.person, &*site.app))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::fixture::{ANN, DEE, Known, OPEN, frame, greenhill};
    use super::*;

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let mut empty = greenhill();
        empty.requests.clear();
        let pages = [
            Page::of(frame(), &greenhill(), ANN, &Known),
            Page::of(frame(), &closure(), ANN, &Known),
            Page::of(frame(), &greenhill(), DEE, &Known),
            Page::of(frame(), &empty, ANN, &Known),
        ];
        pages.iter().map(|page| page.render().unwrap()).collect()
    }

    #[test]
    fn open_requests_wait_and_settled_ones_say_who_decided() {
        let page = Page::of(frame(), &greenhill(), ANN, &Known);
        let waiting: Vec<_> = page.waiting.iter().map(|row| (row.href.clone(), row.since.as_str())).collect();
        assert_eq!(waiting, [(links::request(&OPEN), "21 November 2026")]);
        assert!(!page.own);
        let settled: Vec<_> =
            page.settled.iter().map(|row| (row.outcome.as_str(), row.when.as_str())).collect();
        let newest_first =
            [("Declined by bob Hill", "3 May 2026 at 11am"), ("Granted by Ann Lee", "3 April 2026 at 11am")];
        assert_eq!(settled, newest_first);
    }

    /// Greenhill, where Dee had access to a school that closed.
    fn closure() -> Organisation {
        let mut school = greenhill();
        school.requests.get_mut(&OPEN).unwrap().from = Some(greenhill().id);
        school
    }

    #[test]
    fn who_waits_because_their_school_closed_has_not_asked() {
        let html = Page::of(frame(), &closure(), ANN, &Known).render().unwrap();
        assert!(html.contains("has closed. They had access there."));
        assert!(!html.contains("asked for access for"));
    }

    #[test]
    fn nobody_is_asked_about_their_own_request() {
        let page = Page::of(frame(), &greenhill(), DEE, &Known);
        assert!(page.waiting.is_empty());
        assert!(page.own);
    }
}
