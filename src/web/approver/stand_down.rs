//! An approver stands down, and comes back.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::{ApproverBasis, OrganisationId, PersonId, Timestamp};
use vouchsafe_projections::Organisation;

use super::school;
use crate::app::claims;
use crate::domain::organisation::{ReturnRefused, StandDownRefused};
use crate::errors::Chain;
use crate::identity::dfe::Subject;
use crate::identity::dfe_api::{DfeApi, Membership, OrganisationRole};
use crate::web::form::{Checked, Empty, Faults};
use crate::web::guards::Colleague;
use crate::web::problem::{Forbidden, refused};
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links, when};

/// What is said when the last approver has not ticked the box.
const NOT_TICKED: &str = "Confirm that you understand what it means to leave your school without an approver";

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    /// Ticked by the last approver, who has been told what it means.
    pub(super) understood: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "web/approver/stand_down.html")]
struct Page {
    frame: Frame,
    school: String,
    /// Whether nobody is left to decide.
    is_last: bool,
    /// How many requests wait.
    waiting: usize,
    /// Whether they have no access but as an approver.
    loses_access: bool,
    /// When access of their own that stays ends.
    ends: Option<String>,
    /// Whether DfE Sign-in names them, so that they can come back by themselves.
    is_named: bool,
    help: String,
    faults: Faults,
}

impl Page {
    fn of(
        frame: Frame,
        organisation: &Organisation,
        me: PersonId,
        now: Timestamp,
        help: String,
        faults: Faults,
    ) -> Self {
        let own = organisation.users.get(&me).filter(|access| access.lasts(now));
        let basis = organisation.approvers.get(&me).map(|approver| approver.basis);
        Self {
            frame,
            school: organisation.name.to_string(),
            is_last: organisation.approvers.len() <= 1,
            waiting: organisation.open_requests().filter(|request| request.person != me).count(),
            loses_access: own.is_none(),
            ends: own.and_then(|access| access.ends).map(when::date),
            is_named: basis == Some(ApproverBasis::DfeSignIn),
            help,
            faults,
        }
    }
}

fn page(
    site: &Site,
    by: &ApproverOf,
    frame: Frame,
    status: StatusCode,
    faults: Faults,
) -> Result<Reply, Problem> {
    let help = site.settings.dfe_sign_in_help_url.to_string();
    let page = Page::of(frame, &school(site, by)?, by.person, site.app.now(), help, faults);
    Reply::page_with(status, &page)
}

/// Says what standing down means, and asks.
pub(super) async fn form(State(site): State<Site>, by: ApproverOf, frame: Frame) -> Result<Reply, Problem> {
    page(&site, &by, frame, StatusCode::OK, Faults::default())
}

/// Stands down.
pub(super) async fn stand_down(
    State(site): State<Site>,
    by: ApproverOf,
    frame: Frame,
    Checked(form): Checked<Form>,
) -> Result<Reply, Problem> {
    let told = form.understood.is_some();
    let refusal = match site.app.stand_down(by.organisation(), by.person, told).await {
        Ok(done) => {
            let school = site.app.organisation_name(by.organisation());
            let text = format!("You are no longer an approver at {school}.");
            return Ok(Reply::to(links::HOME).wrote(done.position).done(text));
        }
        Err(failure) => refused(failure)?,
    };
    match refusal {
        StandDownRefused::NotAnApprover => {
            Ok(Reply::to(links::HOME).notes("You are not an approver any more, so there was nothing to do."))
        }
        StandDownRefused::LastApprover => {
            let mut faults = Faults::default();
            faults.add("understood", NOT_TICKED);
            page(&site, &by, frame, StatusCode::UNPROCESSABLE_ENTITY, faults)
        }
    }
}

/// Whether DfE Sign-in says now that a person is an approver of an organisation. What it said when they signed
/// in may be hours old, and is not asked.
async fn named_now(
    site: &Site,
    api: &DfeApi,
    organisation: OrganisationId,
    person: PersonId,
) -> Result<bool, Problem> {
    let subjects = site.app.subjects_of(person, site.dfe.issuer()).await;
    let subjects = subjects.map_err(|cause| Problem::unavailable(&cause))?;
    let approves = |found: &Membership| {
        found.role == Some(OrganisationRole::Approver)
            && claims::place(&found.organisation, Some(true)).is_ok_and(|place| place.id == organisation)
    };
    for subject in subjects.iter().filter_map(|subject| subject.parse::<Subject>().ok()) {
        let memberships = api.memberships_of(&subject).await.map_err(|error| {
            tracing::warn!(error = %Chain(&error), "DfE Sign-in's API did not say where a person approves");
            Problem::DfeSignInSilent
        })?;
        if memberships.iter().any(approves) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Somebody who stood down is an approver again, if DfE Sign-in says at this moment that they are one.
pub(super) async fn come_back(
    State(site): State<Site>,
    who: Colleague,
    _: Checked<Empty>,
) -> Result<Reply, Problem> {
    let organisation = who.organisation();
    let by_choice = site.app.lists(|lists| {
        lists.organisation(organisation).is_some_and(|found| found.stood_down.contains(&who.person))
    });
    let named = match &site.api {
        // There is nothing to ask: the use case says why they cannot come back so.
        _ if !by_choice => false,
        Some(api) => named_now(&site, api, organisation, who.person).await?,
        None => {
            return Ok(Reply::to(links::HOME).notes(
                "This service cannot ask DfE Sign-in whether you are an approver. Another approver at your school can make you one.",
            ));
        }
    };
    let refusal = match site.app.return_as_approver(organisation, who.person, named).await {
        Ok(done) => {
            let school = site.app.organisation_name(organisation);
            let text = format!("You are an approver at {school} again.");
            return Ok(Reply::to(links::HOME).wrote(done.position).done(text));
        }
        Err(failure) => refused(failure)?,
    };
    match refusal {
        ReturnRefused::OrganisationClosed => Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
        ReturnRefused::DidNotStandDown => Ok(Reply::to(links::HOME).notes(
            "You cannot become an approver this way, or you are one already. Another approver at your school can make you one.",
        )),
        ReturnRefused::NotInDfeSignIn => Ok(Reply::to(links::HOME).notes(
            "DfE Sign-in does not say that you are an approver at this school, so you are not one here. If that has changed, try again in a few minutes.",
        )),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::fixture::{ANN, BOB, frame, greenhill, now};
    use super::*;

    fn sample(organisation: &Organisation, me: PersonId, faults: Faults) -> Page {
        Page::of(frame(), organisation, me, now(), "https://help.example/".to_owned(), faults)
    }

    /// Greenhill with Ann as its only approver.
    fn alone() -> Organisation {
        let mut school = greenhill();
        school.approvers.remove(&BOB);
        school
    }

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let mut faults = Faults::default();
        faults.add("understood", NOT_TICKED);
        [
            sample(&greenhill(), ANN, Faults::default()),
            sample(&greenhill(), BOB, Faults::default()),
            sample(&alone(), ANN, faults),
        ]
        .iter()
        .map(|page| page.render().unwrap())
        .collect()
    }

    #[test]
    fn the_last_approver_is_told_what_it_means() {
        let ann = sample(&alone(), ANN, Faults::default());
        assert!(ann.is_last && ann.is_named);
        assert_eq!(ann.waiting, 1);
        assert!(ann.render().unwrap().contains(r#"name="understood""#));
        let with_bob = sample(&greenhill(), ANN, Faults::default());
        assert!(!with_bob.is_last);
        assert!(!with_bob.render().unwrap().contains(r#"name="understood""#));
    }

    #[test]
    fn who_has_access_as_an_approver_alone_loses_it() {
        assert!(sample(&greenhill(), ANN, Faults::default()).loses_access);
        assert!(!sample(&greenhill(), BOB, Faults::default()).loses_access);
    }
}
