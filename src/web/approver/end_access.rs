//! Ends somebody's access, at once.

use askama::Template;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::PersonId;

use super::members::{self, Member};
use super::request::reason_fault;
use super::school;
use crate::domain::Reason;
use crate::domain::organisation::RevokeRefused;
use crate::web::form::{Checked, Faults};
use crate::web::path::Id;
use crate::web::problem::{Forbidden, refused};
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links};

/// Where the approver comes from and goes back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Origin {
    /// The review.
    Review,
    /// The person's page.
    #[default]
    #[serde(other)]
    User,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Came {
    #[serde(default)]
    from: Origin,
}

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct End {
    #[serde(default)]
    from: Origin,
    #[serde(default)]
    pub(super) reason: String,
}

/// The page.
#[derive(Template)]
#[template(path = "web/approver/end_access.html")]
struct Page {
    frame: Frame,
    school: String,
    name: String,
    email: String,
    action: String,
    back: String,
    from: Origin,
    /// Whether DfE Sign-in names them as an approver, so that their access cannot be ended here.
    named: bool,
    is_approver: bool,
    /// Whether they are here by support's list alone.
    listed: bool,
    help: String,
    reason: String,
    faults: Faults,
}

impl Page {
    fn of(frame: Frame, school: String, member: &Member, help: String, form: End, faults: Faults) -> Self {
        let back = match form.from {
            Origin::User => links::user(&member.person),
            Origin::Review => links::REVIEW.to_owned(),
        };
        Self {
            frame,
            school,
            name: member.name.clone(),
            email: member.email.clone(),
            action: links::end_access(&member.person),
            back,
            from: form.from,
            named: member.is_named(),
            listed: member.is_only_listed(),
            is_approver: member.approver.is_some(),
            help,
            reason: form.reason,
            faults,
        }
    }
}

/// Shows the form, or why access cannot be ended here.
pub(super) async fn form(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    Query(came): Query<Came>,
    frame: Frame,
) -> Result<Reply, Problem> {
    if person == by.person {
        return Ok(oneself());
    }
    let form = End { from: came.from, reason: String::new() };
    page(&site, &by, person, frame, StatusCode::OK, form, Faults::default())
}

fn page(
    site: &Site,
    by: &ApproverOf,
    person: PersonId,
    frame: Frame,
    status: StatusCode,
    form: End,
    faults: Faults,
) -> Result<Reply, Problem> {
    let organisation = school(site, by)?;
    let member = members::one(&organisation, person, &*site.app, site.app.now())?;
    let help = site.settings.dfe_sign_in_help_url.to_string();
    Reply::page_with(status, &Page::of(frame, organisation.name.to_string(), &member, help, form, faults))
}

/// Ends access.
pub(super) async fn end(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    frame: Frame,
    Checked(form): Checked<End>,
) -> Result<Reply, Problem> {
    let reason = match Reason::parse(&form.reason) {
        Ok(reason) => reason,
        Err(error) => {
            let mut faults = Faults::default();
            faults.add("reason", reason_fault(error, "Enter why you end their access"));
            return page(&site, &by, person, frame, StatusCode::UNPROCESSABLE_ENTITY, form, faults);
        }
    };
    let to = match form.from {
        Origin::User => links::USERS,
        Origin::Review => links::REVIEW,
    };
    match site.app.revoke(by.organisation(), person, by.person, &reason).await {
        Ok(done) => {
            let name = site.app.name_of(person);
            let text =
                format!("{name} no longer has access. We are telling them by email, with your reason.");
            Ok(Reply::to(to).wrote(done.position).done(text))
        }
        Err(failure) => not_ended(to, person, refused(failure)?),
    }
}

fn oneself() -> Reply {
    Reply::to(links::STAND_DOWN)
        .notes("You cannot end your own access. You can stand down as an approver instead.")
}

/// What an approver reads when access was not ended.
fn not_ended(to: &str, person: PersonId, refusal: RevokeRefused) -> Result<Reply, Problem> {
    match refusal {
        RevokeRefused::OrganisationClosed => Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
        RevokeRefused::NotAnApprover => Err(Problem::Forbidden(Forbidden::NotAnApprover)),
        RevokeRefused::Oneself => Ok(oneself()),
        // Not named: whoever has no access here may be known elsewhere alone.
        RevokeRefused::NoAccess => {
            Ok(Reply::to(to).notes("That person has no access to end. It may have ended meanwhile."))
        }
        // The page says why, and what to do.
        RevokeRefused::ApproverInDfeSignIn | RevokeRefused::OnSupportsList => {
            Ok(Reply::to(&links::end_access(&person)))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::fixture::{ANN, BOB, CAI, HOSTILE, Known, frame, greenhill, now};
    use super::*;

    fn sample(person: PersonId, from: Origin, faults: Faults) -> Page {
        let member = members::one(&greenhill(), person, &Known, now()).unwrap();
        let form = End { from, reason: HOSTILE.to_owned() };
        Page::of(frame(), HOSTILE.to_owned(), &member, "https://help.example/".to_owned(), form, faults)
    }

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let mut faults = Faults::default();
        faults.add("reason", "Enter why you end their access");
        [
            sample(CAI, Origin::User, Faults::default()),
            sample(BOB, Origin::Review, faults),
            sample(ANN, Origin::User, Faults::default()),
        ]
        .iter()
        .map(|page| page.render().unwrap())
        .collect()
    }

    #[test]
    fn whoever_dfe_sign_in_names_cannot_be_put_out_here() {
        assert!(sample(ANN, Origin::User, Faults::default()).named);
        assert!(!sample(BOB, Origin::User, Faults::default()).named);
    }

    #[test]
    fn the_way_back_is_the_way_that_led_here() {
        assert_eq!(sample(CAI, Origin::Review, Faults::default()).back, links::REVIEW);
        assert_eq!(sample(CAI, Origin::User, Faults::default()).back, links::user(&CAI));
        let read = |text: &str| serde_json::from_str::<Came>(text).unwrap().from;
        assert_eq!(read(r#"{"from":"review"}"#), Origin::Review);
        assert_eq!(read(r#"{"from":"https://evil.example"}"#), Origin::User);
        assert_eq!(read("{}"), Origin::User);
    }
}
