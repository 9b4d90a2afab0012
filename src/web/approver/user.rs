//! One person who has access: what is known of it, and what an approver can do.

use askama::Template;
use axum::extract::State;
use vouchsafe_events::{ApproverBasis, PersonId};

use super::members::{self, Member};
use super::{Names, by_whom, school};
use crate::web::path::Id;
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links, when};

/// The page.
#[derive(Template)]
#[template(path = "web/approver/user.html")]
struct Page {
    frame: Frame,
    school: String,
    name: String,
    email: String,
    since: String,
    how: String,
    last: String,
    ends: String,
    approver: String,
    confirmed: Option<String>,
    /// Whether it is the approver who looks.
    is_me: bool,
    is_approver: bool,
    /// Whether DfE Sign-in names them as one: their access does not end with the end date.
    is_named: bool,
    /// Where their end date is changed, if they have a grant that can have one.
    end_date: Option<String>,
    /// Where they are made an approver, if they are not one.
    make_approver: Option<String>,
    /// Where their access is ended.
    end_access: String,
}

impl Page {
    fn of(frame: Frame, school: String, member: &Member, me: PersonId, names: &dyn Names) -> Self {
        let is_me = member.person == me;
        let confirmed = member.confirmed.map(|confirmation| {
            format!("By {} on {}", by_whom(confirmation.by, names), when::date(confirmation.at))
        });
        Self {
            frame,
            school,
            name: member.name.clone(),
            email: member.email.clone(),
            since: when::date(member.since),
            how: how(member),
            last: member.last.map_or_else(|| "Never".to_owned(), when::date_time),
            ends: member.ends_in_words(),
            approver: approver(member, names),
            confirmed,
            is_me,
            is_approver: member.approver.is_some(),
            is_named: member.is_named(),
            end_date: (member.granted && !is_me).then(|| links::end_date(&member.person)),
            make_approver: member.approver.is_none().then(|| links::make_approver(&member.person)),
            end_access: links::end_access(&member.person),
        }
    }
}

/// How somebody got access.
fn how(member: &Member) -> String {
    let by = &member.by;
    if let Some(from) = &member.from {
        return format!("They were carried over from {from}, which has closed");
    }
    match (member.granted, member.request) {
        (true, Some(_)) => format!("They asked for access, and it was granted by {by}"),
        (true, None) => format!("They were added by {by} without asking"),
        (false, _) if member.is_named() => "DfE Sign-in says that they are an approver".to_owned(),
        (false, _) if member.is_only_listed() => {
            "They are on the user list that the department’s support team keeps".to_owned()
        }
        (false, _) => format!("They were made an approver by {by}"),
    }
}

/// Whether and how somebody is an approver.
fn approver(member: &Member, names: &dyn Names) -> String {
    let Some(approver) = &member.approver else { return "No".to_owned() };
    let (by, since) = (members::established_by(approver, names), when::date(approver.since));
    match approver.basis {
        ApproverBasis::DfeSignIn => format!("Yes, named by {by}, since {since}"),
        ApproverBasis::Colleague => format!("Yes, made one by {by} on {since}"),
        ApproverBasis::Predecessor => {
            format!("Yes, since {since}, as they were at a school that closed and that this one succeeded")
        }
    }
}

/// Shows a person who has access.
pub(super) async fn show(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let organisation = school(&site, &by)?;
    let member = members::one(&organisation, person, &*site.app, site.app.now())?;
    Reply::page(&Page::of(frame, organisation.name.to_string(), &member, by.person, &*site.app))
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use vouchsafe_events::{OrganisationId, Uuid};

    use super::super::fixture::{ANN, BOB, CAI, HOSTILE, Known, frame, greenhill, now};
    use super::*;

    fn page(person: PersonId, me: PersonId) -> Page {
        let member = members::one(&greenhill(), person, &Known, now()).unwrap();
        Page::of(frame(), HOSTILE.to_owned(), &member, me, &Known)
    }

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        [page(ANN, ANN), page(BOB, ANN), page(CAI, ANN), page(ANN, BOB)]
            .iter()
            .map(|page| page.render().unwrap())
            .collect()
    }

    #[test]
    fn the_page_says_how_somebody_got_in() {
        assert_eq!(page(CAI, ANN).how, "They asked for access, and it was granted by Ann Lee");
        assert_eq!(page(BOB, ANN).how, "They were added by Ann Lee without asking");
        assert_eq!(page(ANN, BOB).how, "DfE Sign-in says that they are an approver");
        assert_eq!(page(BOB, ANN).approver, "Yes, made one by Ann Lee on 5 March 2026");
        assert_eq!(page(ANN, BOB).approver, "Yes, named by DfE Sign-in, since 5 January 2026");
    }

    #[test]
    fn the_page_says_from_which_school_somebody_came() {
        let old = OrganisationId::from_uuid(Uuid::from_u128(0x01d));
        let mut school = greenhill();
        school.carried.insert(old, BTreeSet::from([ANN, CAI]));
        school.users.get_mut(&CAI).unwrap().from = Some(old);
        school.approvers.get_mut(&ANN).unwrap().basis = ApproverBasis::Predecessor;
        let how = |person| how(&members::one(&school, person, &Known, now()).unwrap());
        let carried = format!("They were carried over from Old Greenhill {HOSTILE}, which has closed");
        assert_eq!([how(ANN), how(CAI)], [carried.clone(), carried]);
        assert_eq!(how(BOB), "They were added by Ann Lee without asking");
    }

    #[test]
    fn only_what_can_be_done_is_offered() {
        let cai = page(CAI, ANN);
        assert!(cai.end_date.is_some() && cai.make_approver.is_some() && !cai.is_me);
        let ann = page(ANN, BOB);
        assert!(ann.end_date.is_none() && ann.make_approver.is_none());
        assert!(page(BOB, BOB).end_date.is_none() && page(BOB, BOB).is_me);
    }
}
