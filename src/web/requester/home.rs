//! How it stands with one's own access, and what to do next.

use askama::Template;
use axum::extract::State;
use vouchsafe_events::{Method, OrganisationId, StaffRole};

use super::school;
use super::stands::{Last, Stands};
use crate::web::problem::Forbidden;
use crate::web::{Frame, Problem, Reply, SignedIn, Site, links};

/// How it stands at one school.
#[derive(Clone, Template)]
#[template(path = "web/requester/home.html")]
pub(super) struct Page {
    pub(super) frame: Frame,
    pub(super) school: String,
    pub(super) stands: Stands,
    /// How many approvers the school has.
    pub(super) approvers: usize,
    /// After how many days a request that nobody decides runs out.
    pub(super) request_days: u16,
    /// Whether they were an approver here and stood down by choice.
    pub(super) may_return: bool,
    /// Whether another record has their email.
    pub(super) email_held: bool,
    /// Where somebody with access goes on to.
    pub(super) service_url: Option<String>,
    /// Where DfE Sign-in helps.
    pub(super) help: String,
}

impl Page {
    /// The page's heading and title.
    fn heading(&self) -> String {
        match &self.stands {
            Stands::Approver(_) | Stands::User(_) | Stands::Listed(_) => {
                format!("You have access to {} for {}", self.frame.service_name, self.school)
            }
            Stands::Waiting(_) if self.approvers == 0 => {
                "Your request waits for your school to get an approver".to_owned()
            }
            Stands::Waiting(_) => "Your request is waiting for an approver".to_owned(),
            Stands::Out(Last::Nothing | Last::Withdrawn { .. }) => "You do not have access yet".to_owned(),
            Stands::Out(Last::Declined { .. }) => "Your request was declined".to_owned(),
            Stands::Out(Last::Expired { .. }) => "Your request ran out before anybody decided".to_owned(),
            Stands::Out(Last::Ended { .. } | Last::Revoked { .. }) => "Your access has ended".to_owned(),
        }
    }
}

/// For staff, who come in without a school.
#[derive(Template)]
#[template(path = "web/requester/no_school.html")]
struct NoSchool {
    frame: Frame,
    is_auditor: bool,
    is_support: bool,
}

/// How it stands with the access of whoever has signed in.
pub(super) async fn home(
    State(site): State<Site>,
    signed_in: SignedIn,
    frame: Frame,
) -> Result<Reply, Problem> {
    let Some(id) = signed_in.organisation else {
        if !signed_in.organisations.is_empty() {
            return Err(Problem::Choose);
        }
        let has = |role| site.app.lists(|lists| lists.is_staff(signed_in.person, role));
        let (is_auditor, is_support) = (has(StaffRole::Auditor), has(StaffRole::Support));
        return Reply::page(&NoSchool { frame, is_auditor, is_support });
    };
    let organisation = school(&site, id)?;
    if organisation.closed {
        return closed(&site, &signed_in, &organisation.name);
    }
    let (person, now) = (signed_in.person, site.app.now());
    if signed_in.method == Method::OneTimePassword && !organisation.is_listed(person) {
        return Err(Problem::Forbidden(Forbidden::NotListed));
    }
    let email_held =
        site.app.lists(|lists| lists.person(person).is_some_and(|person| person.email_held_by.is_some()));
    Reply::page(&Page {
        frame,
        school: organisation.name.to_string(),
        stands: match signed_in.method {
            Method::DfeSignIn => Stands::of(&organisation, person, now, site.app.terms(), site.app.as_ref()),
            Method::OneTimePassword => Stands::by_list(&organisation, person),
        },
        approvers: organisation.approvers.len(),
        request_days: site.app.terms().request_expires_after_days,
        may_return: signed_in.method == Method::DfeSignIn
            && organisation.stood_down.contains(&person)
            && !organisation.is_approver(person),
        email_held,
        service_url: site.settings.service_url.as_ref().map(ToString::to_string),
        help: site.settings.dfe_sign_in_help_url.to_string(),
    })
}

/// The school that they acted for has closed: on to another of theirs, if there is one.
fn closed(site: &Site, signed_in: &SignedIn, name: &str) -> Result<Reply, Problem> {
    let is_open = |id: &OrganisationId| {
        site.app.lists(|lists| lists.organisation(*id).is_some_and(|found| !found.closed))
    };
    if signed_in.organisations.iter().any(is_open) {
        Ok(Reply::to(links::CHOOSE).notes(format!("{name} is closed. Choose another of your organisations.")))
    } else {
        Err(Problem::Forbidden(Forbidden::OrganisationClosed))
    }
}

#[cfg(test)]
pub(super) fn no_school_samples() -> Vec<String> {
    use crate::web::samples::frame;

    [true, false]
        .map(|is| NoSchool { frame: frame(), is_auditor: is, is_support: !is }.render().unwrap())
        .to_vec()
}
