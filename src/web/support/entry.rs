//! One entry of a user list: taking somebody off it, or deciding what an agent asked for themselves.

use askama::Template;
use axum::extract::{Path, State};
use serde::Deserialize;
use vouchsafe_events::{OrganisationId, PersonId};
use vouchsafe_projections::Organisation;

use super::{actor, found};
use crate::domain::Reason;
use crate::domain::text::TextRefused;
use crate::web::form::{Faults, Personal};
use crate::web::problem::refused;
use crate::web::{Frame, Problem, Reply, Site, Support, links};

/// What there is to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Somebody is on the list.
    Listed,
    /// Another agent asked for themselves.
    Proposed,
    /// Whoever looks asked for themselves.
    Own,
}

#[derive(Template)]
#[template(path = "web/support/entry.html")]
struct Page {
    frame: Frame,
    organisation: Organisation,
    person: PersonId,
    name: String,
    email: String,
    entry: Entry,
    reason: String,
    faults: Faults,
}

impl Page {
    fn heading(&self) -> &'static str {
        match self.entry {
            Entry::Listed => "Take somebody off the list",
            Entry::Proposed => "A support agent asks to be put on this list",
            Entry::Own => "You asked to be put on this list",
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    action: String,
    #[serde(default)]
    reason: String,
}

fn ids((organisation, person): &(String, String)) -> Result<(OrganisationId, PersonId), Problem> {
    let organisation = organisation.parse().map_err(|_| Problem::NotFound)?;
    Ok((organisation, person.parse().map_err(|_| Problem::NotFound)?))
}

fn entry(organisation: &Organisation, person: PersonId, by: &Support) -> Result<Entry, Problem> {
    if organisation.listed.contains_key(&person) {
        return Ok(Entry::Listed);
    }
    let proposed = organisation.proposed.get(&person).ok_or(Problem::NotFound)?;
    let own = person == by.person || proposed.by == actor(by);
    Ok(if own { Entry::Own } else { Entry::Proposed })
}

fn respond(
    site: &Site,
    frame: Frame,
    organisation: Organisation,
    person: PersonId,
    entry: Entry,
    reason: String,
    faults: Faults,
) -> Result<Reply, Problem> {
    let status = faults.status();
    let (name, email) = (site.app.name_of(person), site.app.email_of(person));
    Reply::page_with(status, &Page { frame, organisation, person, name, email, entry, reason, faults })
}

/// Asks what to do.
pub(super) async fn form(
    State(site): State<Site>,
    by: Support,
    Path(path): Path<(String, String)>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let (id, person) = ids(&path)?;
    let organisation = found(&site, id)?;
    let entry = entry(&organisation, person, &by)?;
    respond(&site, frame, organisation, person, entry, String::new(), Faults::default())
}

/// Does it.
pub(super) async fn decide(
    State(site): State<Site>,
    by: Support,
    Path(path): Path<(String, String)>,
    frame: Frame,
    Personal(Form { action, reason }): Personal<Form>,
) -> Result<Reply, Problem> {
    let (id, person) = ids(&path)?;
    let organisation = found(&site, id)?;
    let (app, who) = (&site.app, actor(&by));
    let back = links::support_organisation(&id);
    match (entry(&organisation, person, &by)?, action.as_str()) {
        (Entry::Proposed, "agree") => {
            match app.list_person(id, person, who, site.settings.two_person_rule).await {
                Ok(done) => Ok(Reply::to(&back).wrote(done.position).done("They are on the list.")),
                Err(failure) => Ok(Reply::to(&back).notes(super::organisation::why(refused(failure)?))),
            }
        }
        (Entry::Proposed | Entry::Own, "dismiss") => match app.dismiss_proposal(id, person, who).await {
            Ok(done) => Ok(Reply::to(&back).wrote(done.position).done("That has been dismissed.")),
            Err(failure) => {
                let _ = refused(failure)?;
                Ok(Reply::to(&back).notes("Somebody else has decided this already."))
            }
        },
        (Entry::Listed, "remove") => {
            let mut faults = Faults::default();
            let parsed = match Reason::parse(&reason) {
                Ok(parsed) => parsed,
                Err(refused) => {
                    faults.add(
                        "reason",
                        match refused {
                            TextRefused::Empty => "Enter a reason".to_owned(),
                            TextRefused::TooLong { limit } => {
                                format!("Reason must be {limit} characters or less")
                            }
                        },
                    );
                    return respond(&site, frame, organisation, person, Entry::Listed, reason, faults);
                }
            };
            match app.unlist_user(id, person, &parsed, who).await {
                Ok(done) => {
                    let said = "They are off the list, at once. We are telling them by email.";
                    Ok(Reply::to(&back).wrote(done.position).done(said))
                }
                Err(failure) => {
                    let _ = refused(failure)?;
                    Ok(Reply::to(&back).notes("They are no longer on the list."))
                }
            }
        }
        _ => Err(Problem::BadRequest),
    }
}
