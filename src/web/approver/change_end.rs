//! Changes when somebody's access ends.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::PersonId;

use super::date_field::EndDate;
use super::members::{self, Member};
use super::school;
use crate::domain::organisation::EndDateRefused;
use crate::web::form::{Checked, Faults};
use crate::web::path::Id;
use crate::web::problem::{Forbidden, refused};
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links, when};

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    #[serde(flatten)]
    pub(super) ends: EndDate,
}

/// The page.
#[derive(Template)]
#[template(path = "web/approver/change_end.html")]
struct Page {
    frame: Frame,
    name: String,
    action: String,
    back: String,
    /// When their access ends now.
    now: String,
    is_approver: bool,
    is_named: bool,
    ends: EndDate,
    faults: Faults,
}

impl Page {
    fn of(frame: Frame, member: &Member, ends: EndDate, faults: Faults) -> Self {
        Self {
            frame,
            name: member.name.clone(),
            action: links::end_date(&member.person),
            back: links::user(&member.person),
            now: member.ends_in_words(),
            is_approver: member.approver.is_some(),
            is_named: member.is_named(),
            ends,
            faults,
        }
    }
}

/// Shows the form with the present end date.
pub(super) async fn form(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let member = members::one(&school(&site, &by)?, person, &*site.app, site.app.now())?;
    if person == by.person || !member.granted {
        return Ok(not_changed(person, member.granted));
    }
    Reply::page(&Page::of(frame, &member, EndDate::showing(member.ends), Faults::default()))
}

/// Why somebody's end date cannot be changed at all.
fn not_changed(person: PersonId, granted: bool) -> Reply {
    let text = if granted {
        "You cannot change your own end date. Another approver has to."
    } else {
        "This person has access as an approver alone, which has no end date."
    };
    Reply::to(&links::user(&person)).notes(text)
}

/// Changes the end date.
pub(super) async fn change(
    State(site): State<Site>,
    by: ApproverOf,
    Id(person): Id<PersonId>,
    frame: Frame,
    Checked(Change { ends: typed }): Checked<Change>,
) -> Result<Reply, Problem> {
    let mut faults = Faults::default();
    let ends = typed.parse(site.app.now(), &mut faults);
    if !faults.is_empty() {
        return again(&site, &by, person, frame, typed, faults);
    }
    match site.app.change_end_date(by.organisation(), person, by.person, ends).await {
        Ok(done) => {
            let name = site.app.name_of(person);
            let text = match ends {
                Some(ends) => format!("{name} has access until the end of {}.", when::date(ends)),
                None => format!("{name} has access without an end date."),
            };
            Ok(Reply::to(&links::user(&person)).wrote(done.position).done(text))
        }
        Err(failure) => match refused(failure)? {
            EndDateRefused::EndsInThePast => {
                EndDate::has_passed(&mut faults);
                again(&site, &by, person, frame, typed, faults)
            }
            EndDateRefused::OrganisationClosed => Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
            EndDateRefused::NotAnApprover => Err(Problem::Forbidden(Forbidden::NotAnApprover)),
            EndDateRefused::Oneself => Ok(not_changed(person, true)),
            EndDateRefused::NoAccess => Ok(ended()),
        },
    }
}

/// For whoever has no access here: they are not named, since they may be known elsewhere alone.
fn ended() -> Reply {
    Reply::to(links::USERS)
        .notes("That person has no access with an end date to change. It may have ended meanwhile.")
}

/// The form with what is wrong with it.
fn again(
    site: &Site,
    by: &ApproverOf,
    person: PersonId,
    frame: Frame,
    typed: EndDate,
    faults: Faults,
) -> Result<Reply, Problem> {
    let member = members::one(&school(site, by)?, person, &*site.app, site.app.now())?;
    Reply::page_with(StatusCode::UNPROCESSABLE_ENTITY, &Page::of(frame, &member, typed, faults))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::fixture::{BOB, CAI, Known, frame, greenhill, now};
    use super::*;

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let member = |person| members::one(&greenhill(), person, &Known, now()).unwrap();
        let mut faults = Faults::default();
        EndDate::has_passed(&mut faults);
        let cai = member(CAI);
        [
            Page::of(frame(), &cai, EndDate::showing(cai.ends), Faults::default()),
            Page::of(frame(), &member(BOB), EndDate::default(), faults),
        ]
        .iter()
        .map(|page| page.render().unwrap())
        .collect()
    }

    #[test]
    fn the_form_shows_the_present_end() {
        let cai = members::one(&greenhill(), CAI, &Known, now()).unwrap();
        let html = Page::of(frame(), &cai, EndDate::showing(cai.ends), Faults::default()).render().unwrap();
        for part in [r#"value="30""#, r#"value="6""#, r#"value="2027""#, "30 June 2027"] {
            assert!(html.contains(part), "{part}");
        }
    }
}
