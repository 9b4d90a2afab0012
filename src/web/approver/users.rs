//! Who has access now.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;
use vouchsafe_events::{PersonId, Timestamp};
use vouchsafe_projections::Organisation;

use super::members::{self, Member};
use super::{Names, school};
use crate::web::pagination::{self, Item, Pagination};
use crate::web::words::counted;
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links, when};

/// How many people are on one page.
const PER_PAGE: usize = 25;

/// The longest search, in characters.
const LONGEST_SEARCH: usize = 100;

/// Somebody who has access.
struct Row {
    href: String,
    name: String,
    email: String,
    since: String,
    by: String,
    last: String,
    ends: String,
    is_approver: bool,
    is_me: bool,
}

/// How the review stands, if one is open.
pub(super) struct ReviewDue {
    due: String,
    overdue: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "web/approver/users.html")]
struct Page {
    frame: Frame,
    school: String,
    search: String,
    /// "12 people have access".
    count: String,
    rows: Vec<Row>,
    pagination: Pagination,
    review: Option<ReviewDue>,
}

/// What is looked for, and which page of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: String,
}

impl Page {
    fn of(
        frame: Frame,
        organisation: &Organisation,
        me: PersonId,
        wanted: &Wanted,
        names: &dyn Names,
        now: Timestamp,
    ) -> Self {
        let search: String = wanted.q.trim().chars().take(LONGEST_SEARCH).collect();
        let mut members = members::all(organisation, names, now);
        let everybody = counted(members.len(), "person has access", "people have access");
        let lower = search.to_lowercase();
        members.retain(|member| member.matches(&lower));
        let count = if search.is_empty() {
            everybody
        } else {
            format!("{} for “{search}”. {everybody}", counted(members.len(), "result", "results"))
        };
        let query: &[(&str, &str)] = if search.is_empty() { &[] } else { &[("q", &search)] };
        let page = wanted.page.trim().parse().unwrap_or(1);
        let paged = pagination::cut(&members, PER_PAGE, page, links::USERS, query);
        Self {
            frame,
            school: organisation.name.to_string(),
            count,
            rows: paged.items.iter().map(|member| Row::of(member, me)).collect(),
            pagination: paged.pagination,
            review: ReviewDue::of(organisation, now),
            search,
        }
    }
}

impl Row {
    fn of(member: &Member, me: PersonId) -> Self {
        Self {
            href: links::user(&member.person),
            name: member.name.clone(),
            email: member.email.clone(),
            since: when::date(member.since),
            by: member.by.clone(),
            last: member.last_in_words(),
            ends: member.ends_in_words(),
            is_approver: member.approver.is_some(),
            is_me: member.person == me,
        }
    }
}

impl ReviewDue {
    fn of(organisation: &Organisation, now: Timestamp) -> Option<Self> {
        let review = organisation.review.as_ref()?;
        Some(Self { due: when::date(review.due), overdue: review.due <= now })
    }
}

/// Shows who has access.
pub(super) async fn list(
    State(site): State<Site>,
    by: ApproverOf,
    Query(wanted): Query<Wanted>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let organisation = school(&site, &by)?;
    Reply::page(&Page::of(frame, &organisation, by.person, &wanted, &*site.app, site.app.now()))
}

#[cfg(test)]
pub(super) mod tests {
    use vouchsafe_events::Uuid;

    use super::super::fixture::{ANN, HOSTILE, Known, access, frame, greenhill, in_review, now};
    use super::*;

    fn wanted(q: &str, page: &str) -> Wanted {
        Wanted { q: q.to_owned(), page: page.to_owned() }
    }

    fn page(organisation: &Organisation, wanted: &Wanted) -> Page {
        Page::of(frame(), organisation, ANN, wanted, &Known, now())
    }

    /// Greenhill with so many more users that its list has several pages.
    fn crowded() -> Organisation {
        let mut school = greenhill();
        let more = (100..180).map(|id| PersonId::from_uuid(Uuid::from_u128(id)));
        school.users.extend(more.map(|person| (person, access("2026-06-01T09:00:00Z", None))));
        school
    }

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let overdue = in_review("2026-11-20T09:00:00Z");
        let due = in_review("2026-12-20T09:00:00Z");
        let pages = [
            page(&greenhill(), &wanted("", "")),
            page(&greenhill(), &wanted(HOSTILE, "")),
            page(&crowded(), &wanted("dee", "2")),
            page(&overdue, &wanted("", "")),
            page(&due, &wanted("", "x")),
        ];
        pages.iter().map(|page| page.render().unwrap()).collect()
    }

    #[test]
    fn everybody_with_access_is_counted_and_listed() {
        let page = page(&greenhill(), &wanted("", ""));
        assert_eq!(page.count, "3 people have access");
        let rows: Vec<_> =
            page.rows.iter().map(|row| (row.name.as_str(), row.is_approver, row.is_me)).collect();
        assert_eq!(
            rows,
            [("Ann Lee", true, true), ("bob Hill", true, false), ("Cai <b>Vo</b>", false, false)]
        );
        assert!(!page.pagination.is_needed());
    }

    #[test]
    fn names_and_emails_are_searched_without_regard_to_case() {
        for (search, found) in [("BOB", 1), ("p3@", 1), ("greenhill.example", 3), ("nobody", 0)] {
            assert_eq!(page(&greenhill(), &wanted(search, "")).rows.len(), found, "{search}");
        }
        assert_eq!(
            page(&greenhill(), &wanted(" bob ", "")).count,
            "1 result for “bob”. 3 people have access"
        );
    }

    #[test]
    fn a_long_list_is_shown_a_page_at_a_time() {
        let second = page(&crowded(), &wanted("dee", "2"));
        assert_eq!(second.rows.len(), 25);
        assert_eq!(second.pagination.next.as_deref(), Some("/school/users?q=dee&page=3"));
        assert_eq!(page(&crowded(), &wanted("dee", "4")).rows.len(), 5);
    }

    #[test]
    fn an_open_review_is_announced_and_an_overdue_one_as_such() {
        assert!(page(&greenhill(), &Wanted::default()).review.is_none());
        assert!(!page(&in_review("2026-12-20T09:00:00Z"), &Wanted::default()).review.unwrap().overdue);
        assert!(page(&in_review("2026-11-20T09:00:00Z"), &Wanted::default()).review.unwrap().overdue);
    }
}
