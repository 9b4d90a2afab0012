//! The yearly review: who still needs access.

use askama::Template;
use axum::extract::State;
use vouchsafe_events::{PersonId, Timestamp};
use vouchsafe_projections::{Organisation, Review};

use super::members::{self, Member};
use super::{Names, by_whom, school};
use crate::domain::Terms;
use crate::domain::organisation::ConfirmRefused;
use crate::web::form::{Checked, Empty};
use crate::web::path::Id;
use crate::web::problem::{Forbidden, refused};
use crate::web::words::counted;
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links, when};

/// Somebody about whom nothing has been said yet.
struct Waiting {
    name: String,
    email: String,
    last: String,
    since: String,
    /// Where they are confirmed, unless another approver has to do it.
    confirm: Option<String>,
    end: String,
}

/// Somebody who was confirmed.
struct Confirmed {
    name: String,
    email: String,
    /// By whom and when, if the lists know.
    by: Option<String>,
}

/// How the review stands.
enum Stage {
    /// It is open.
    Open { due: String, overdue: bool, progress: String, waiting: Vec<Waiting>, confirmed: Vec<Confirmed> },
    /// None is open.
    Closed { last: Option<String>, next: String },
}

/// The page.
#[derive(Template)]
#[template(path = "web/approver/review.html")]
struct Page {
    frame: Frame,
    school: String,
    stage: Stage,
}

impl Page {
    fn of(
        frame: Frame,
        organisation: &Organisation,
        me: PersonId,
        terms: &Terms,
        names: &dyn Names,
        now: Timestamp,
    ) -> Self {
        let stage = match &organisation.review {
            Some(review) => Stage::open(organisation, review, me, names, now),
            None => Stage::closed(organisation, terms),
        };
        Self { frame, school: organisation.name.to_string(), stage }
    }
}

impl Stage {
    fn open(
        organisation: &Organisation,
        review: &Review,
        me: PersonId,
        names: &dyn Names,
        now: Timestamp,
    ) -> Self {
        let mut asked = members::all(organisation, names, now);
        asked.retain(Member::is_reviewed);
        let total = asked.len();
        let (confirmed, waiting): (Vec<Member>, Vec<Member>) =
            asked.into_iter().partition(|member| review.confirmed.contains(&member.person));
        let has_others = organisation.approvers.len() > 1;
        let people = counted(total, "person", "people");
        Self::Open {
            due: when::date(review.due),
            overdue: review.due <= now,
            progress: format!("{} of {people} confirmed", confirmed.len()),
            waiting: waiting
                .iter()
                .map(|member| Waiting::of(member, member.person != me || !has_others))
                .collect(),
            confirmed: confirmed.iter().map(|member| Confirmed::of(member, review, names)).collect(),
        }
    }

    fn closed(organisation: &Organisation, terms: &Terms) -> Self {
        let every = i64::from(terms.review_every_days);
        let next = match organisation.reviewed {
            Some(last) => format!("The next review opens on {}.", when::date(last.plus_days(every))),
            None => {
                format!("The first review opens {every} days after the first colleague was given access.")
            }
        };
        Self::Closed { last: organisation.reviewed.map(when::date), next }
    }
}

impl Waiting {
    fn of(member: &Member, may_confirm: bool) -> Self {
        Self {
            name: member.name.clone(),
            email: member.email.clone(),
            last: member.last_in_words(),
            since: when::date(member.since),
            confirm: may_confirm.then(|| links::confirm(&member.person)),
            end: format!("{}?from=review", links::end_access(&member.person)),
        }
    }
}

impl Confirmed {
    fn of(member: &Member, review: &Review, names: &dyn Names) -> Self {
        // A confirmation from an earlier review says nothing of this one.
        let confirmation = member.confirmed.filter(|confirmation| confirmation.at >= review.opened);
        let by = confirmation.map(|confirmation| {
            format!("by {} on {}", by_whom(confirmation.by, names), when::date(confirmation.at))
        });
        Self { name: member.name.clone(), email: member.email.clone(), by }
    }
}

/// Shows the review, or when the last was and the next will be.
pub(super) async fn show(State(site): State<Site>, by: ApproverOf, frame: Frame) -> Result<Reply, Problem> {
    let organisation = school(&site, &by)?;
    let page = Page::of(frame, &organisation, by.person, site.app.terms(), &*site.app, site.app.now());
    Reply::page(&page)
}

/// Confirms that somebody still needs access.
pub(super) async fn confirm(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    _: Checked<Empty>,
) -> Result<Reply, Problem> {
    match site.app.confirm(by.organisation(), person, by.person).await {
        Ok(done) => {
            let name = site.app.name_of(person);
            let over = school(&site, &by)?.review.is_none();
            let rest = if over { " The review is complete." } else { "" };
            let text = format!("You have confirmed that {name} still needs access.{rest}");
            Ok(Reply::to(links::REVIEW).wrote(done.position).done(text))
        }
        Err(failure) => not_confirmed(refused(failure)?),
    }
}

/// What an approver reads when somebody was not confirmed. They are not named: whoever is not asked about
/// here may be known elsewhere alone.
fn not_confirmed(refusal: ConfirmRefused) -> Result<Reply, Problem> {
    let text = match refusal {
        ConfirmRefused::OrganisationClosed => return Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
        ConfirmRefused::NotAnApprover => return Err(Problem::Forbidden(Forbidden::NotAnApprover)),
        ConfirmRefused::NoReview => {
            "The review is over. Everybody has been confirmed, or has no access any more."
        }
        ConfirmRefused::NotListed => {
            "That person is not part of this review. Their access may have ended meanwhile."
        }
        ConfirmRefused::AlreadyConfirmed => "That person has been confirmed already.",
        ConfirmRefused::Oneself => "You cannot confirm your own access. Another approver has to.",
    };
    Ok(Reply::to(links::REVIEW).notes(text))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::fixture::{ANN, BOB, CAI, Known, at, frame, greenhill, in_review, now};
    use super::*;

    fn page(organisation: &Organisation, me: PersonId) -> Page {
        Page::of(frame(), organisation, me, &Terms::default(), &Known, now())
    }

    /// Greenhill with nobody left to confirm.
    fn all_confirmed() -> Organisation {
        let mut school = in_review("2026-12-20T09:00:00Z");
        school.review.as_mut().unwrap().confirmed.insert(BOB);
        school
    }

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let reviewed = Organisation { reviewed: Some(at("2026-06-01T09:00:00Z")), ..greenhill() };
        [
            page(&in_review("2026-12-20T09:00:00Z"), ANN),
            page(&in_review("2026-11-20T09:00:00Z"), BOB),
            page(&all_confirmed(), ANN),
            page(&greenhill(), ANN),
            page(&reviewed, ANN),
        ]
        .iter()
        .map(|page| page.render().unwrap())
        .collect()
    }

    #[test]
    fn an_open_review_lists_who_waits_and_who_is_confirmed() {
        let Stage::Open { due, overdue, progress, waiting, confirmed } =
            page(&in_review("2026-12-20T09:00:00Z"), ANN).stage
        else {
            panic!("the review is open")
        };
        assert_eq!(
            (due.as_str(), overdue, progress.as_str()),
            ("20 December 2026", false, "1 of 2 people confirmed")
        );
        let waiting: Vec<_> = waiting.into_iter().map(|row| (row.name, row.confirm, row.end)).collect();
        let end = format!("{}?from=review", links::end_access(&BOB));
        assert_eq!(waiting, [("bob Hill".to_owned(), Some(links::confirm(&BOB)), end)]);
        assert_eq!(confirmed.len(), 1);
    }

    #[test]
    fn nobody_confirms_themselves_while_another_approver_can() {
        let confirms_self = |organisation: &Organisation| match page(organisation, BOB).stage {
            Stage::Open { waiting, .. } => waiting.iter().all(|row| row.confirm.is_some()),
            Stage::Closed { .. } => panic!("the review is open"),
        };
        let mut school = in_review("2026-12-20T09:00:00Z");
        assert!(!confirms_self(&school));
        school.approvers.remove(&ANN);
        assert!(confirms_self(&school));
    }

    #[test]
    fn who_confirmed_is_told_for_this_review_alone() {
        use vouchsafe_events::Actor;
        use vouchsafe_projections::Confirmation;
        for (day, expected) in [
            ("2026-11-10T09:00:00Z", Some("by bob Hill on 10 November 2026")),
            ("2025-11-10T09:00:00Z", None),
        ] {
            let mut school = in_review("2026-12-20T09:00:00Z");
            school.users.get_mut(&CAI).unwrap().confirmed =
                Some(Confirmation { at: at(day), by: Actor::Person(BOB) });
            let Stage::Open { confirmed, .. } = page(&school, ANN).stage else {
                panic!("the review is open")
            };
            assert_eq!(confirmed.first().unwrap().by.as_deref(), expected);
        }
    }

    #[test]
    fn between_reviews_the_page_says_when_the_last_was_and_the_next_will_be() {
        let reviewed = Organisation { reviewed: Some(at("2026-06-01T09:00:00Z")), ..greenhill() };
        let Stage::Closed { last, next } = page(&reviewed, ANN).stage else { panic!("no review is open") };
        assert_eq!(last.as_deref(), Some("1 June 2026"));
        assert_eq!(next, "The next review opens on 1 June 2027.");
    }
}
