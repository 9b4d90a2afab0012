//! The history, for auditors: what happened, found by school, person, type and date, and each event by itself.

mod asked;
mod compare;
mod drawing;
mod event;
mod instant;
mod lineage;
pub(in crate::web) mod look;
mod organisation;
mod page;
mod person;
mod picture;
mod places;
mod stored;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::get;
use vouchsafe_events::{Position, Timestamp};

use super::form::{Faults, Personal};
use super::{Auditor, Frame, Problem, Reply, Site, links};
use asked::{Asked, Sought, Typed};
use look::Matches;
use page::Shown;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(links::TIMELINE, get(timeline).post(narrow))
        .route(links::EVENT, get(one))
        .route(links::AUDIT_ORGANISATION, get(organisation::show))
        .route(links::AUDIT_COMPARE, get(compare::show))
        .route(links::AUDIT_PICTURE, get(picture::show))
        .route(links::AUDIT_PERSON, get(person::show))
        .route(links::AUDIT_LINEAGE, get(lineage::show))
        .route(links::AUDIT_LINEAGE_CSV, get(lineage::download))
}

/// The address of a page at an instant.
fn with_at(path: &str, at: Timestamp) -> String {
    format!("{path}?at={}", crate::audit::instant::exact(at))
}

/// The history, as far as the address says: it can be kept and passed on, and names nobody.
async fn timeline(
    State(site): State<Site>,
    by: Auditor,
    frame: Frame,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let typed = Typed::of_query(query.as_deref().unwrap_or_default());
    let asked = Asked::read(&site, &typed)?;
    let faults = asked.faults(&typed);
    let shown = if faults.is_empty() {
        Shown::Results(look::search(&site, &by, &asked).await?)
    } else {
        Shown::Nothing
    };
    respond(&site, frame, &typed, &asked, faults, shown)
}

/// Takes the form. What is typed of a person stays out of the address: a person is found here, and goes on
/// to the address by their id.
async fn narrow(
    State(site): State<Site>,
    by: Auditor,
    frame: Frame,
    Personal(fields): Personal<Vec<(String, String)>>,
) -> Result<Reply, Problem> {
    let typed = Typed::new(fields);
    let mut asked = Asked::read(&site, &typed)?;
    let mut faults = asked.faults(&typed);
    for role in [Sought::Person, Sought::Doer] {
        let (field, text) = match role {
            Sought::Person => ("who", typed.who()),
            Sought::Doer => ("doer", typed.doer()),
        };
        let (Some(text), true) = (text, faults.is_empty()) else { continue };
        match look::people(&site, by.person, text).await? {
            Matches::TooShort => {
                faults.add(field, "Enter at least 2 characters of the name or email address");
            }
            Matches::Nobody => faults.add(field, "Nobody’s name or email address contains that"),
            Matches::One(person) => asked = asked.with(role, person),
            Matches::Several(people) => {
                let shown = Shown::Choice(role, people);
                return respond(&site, frame, &typed, &asked, faults, shown);
            }
        }
    }
    if faults.is_empty() {
        let anchor = if typed.wants_schools() { "#school" } else { "" };
        Ok(Reply::to(&format!("{}{anchor}", asked.url())))
    } else {
        respond(&site, frame, &typed, &asked, faults, Shown::Nothing)
    }
}

fn respond(
    site: &Site,
    frame: Frame,
    typed: &Typed,
    asked: &Asked,
    faults: Faults,
    shown: Shown,
) -> Result<Reply, Problem> {
    let status = faults.status();
    Reply::page_with(status, &page::Page::of(site, frame, typed, asked, faults, shown))
}

/// One event.
async fn one(
    State(site): State<Site>,
    by: Auditor,
    frame: Frame,
    Path(position): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let position = position.parse().map(Position::new).map_err(|_| Problem::NotFound)?;
    let found = look::event(&site, &by, position).await?.ok_or(Problem::NotFound)?;
    let back = Asked::read(&site, &Typed::of_query(query.as_deref().unwrap_or_default()));
    let back = back.map_or_else(|_| links::TIMELINE.to_owned(), |asked| asked.url());
    Reply::page(&event::Page::of(&site, frame, &found, back))
}
