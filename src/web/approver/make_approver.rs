//! Makes a colleague an approver too.

use askama::Template;
use axum::extract::State;
use vouchsafe_events::PersonId;

use super::members::{self, Member};
use super::school;
use crate::domain::organisation::MakeApproverRefused;
use crate::web::form::{Checked, Empty};
use crate::web::path::Id;
use crate::web::problem::{Forbidden, refused};
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links};

/// The page.
#[derive(Template)]
#[template(path = "web/approver/make_approver.html")]
struct Page {
    frame: Frame,
    school: String,
    name: String,
    email: String,
    action: String,
    back: String,
}

impl Page {
    fn of(frame: Frame, school: String, member: &Member) -> Self {
        Self {
            frame,
            school,
            name: member.name.clone(),
            email: member.email.clone(),
            action: links::make_approver(&member.person),
            back: links::user(&member.person),
        }
    }
}

/// Asks whether to make somebody an approver.
pub(super) async fn form(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let organisation = school(&site, &by)?;
    let member = members::one(&organisation, person, &*site.app, site.app.now())?;
    if member.approver.is_some() {
        return not_made(person, MakeApproverRefused::AlreadyApprover);
    }
    Reply::page(&Page::of(frame, organisation.name.to_string(), &member))
}

/// Makes somebody an approver.
pub(super) async fn make(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    _: Checked<Empty>,
) -> Result<Reply, Problem> {
    match site.app.make_approver(by.organisation(), person, by.person).await {
        Ok(done) => {
            let name = site.app.name_of(person);
            let text = format!("{name} is now an approver. We are telling them by email.");
            Ok(Reply::to(&links::user(&person)).wrote(done.position).done(text))
        }
        Err(failure) => not_made(person, refused(failure)?),
    }
}

/// What an approver reads when a colleague was not made one.
fn not_made(person: PersonId, refusal: MakeApproverRefused) -> Result<Reply, Problem> {
    match refusal {
        MakeApproverRefused::OrganisationClosed => Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
        MakeApproverRefused::NotAnApprover => Err(Problem::Forbidden(Forbidden::NotAnApprover)),
        MakeApproverRefused::AlreadyApprover => {
            Ok(Reply::to(&links::user(&person)).notes("This person is an approver already."))
        }
        // Not named: whoever has no access here may be known elsewhere alone.
        MakeApproverRefused::NoAccess => Ok(Reply::to(links::USERS)
            .notes("That person has no access, so they cannot be made an approver. Give them access first.")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::fixture::{CAI, HOSTILE, Known, frame, greenhill, now};
    use super::*;

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let member = members::one(&greenhill(), CAI, &Known, now()).unwrap();
        vec![Page::of(frame(), HOSTILE.to_owned(), &member).render().unwrap()]
    }
}
