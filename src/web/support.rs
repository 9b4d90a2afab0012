//! For support agents: the user lists of organisations that cannot look after themselves, why somebody cannot get in,
//! and what the work is measured by. All that an agent does is done under their own name.

mod entry;
mod import;
mod measures;
mod organisation;
mod person;
mod register;
mod search;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use vouchsafe_events::{Actor, OrganisationId, OrganisationKind};
use vouchsafe_projections::Organisation;

use super::{Problem, Site, Support, links};
use crate::bulk;

/// A form's encoding makes three bytes of one at most, and there are fields beside the rows.
const MOST_CONFIRM_BYTES: usize = 3 * bulk::MOST_BYTES + 16 * 1024;

pub(super) fn routes() -> Router<Site> {
    let upload = post(import::preview).layer(DefaultBodyLimit::max(bulk::MOST_BYTES + 16 * 1024));
    let confirm = post(import::confirm).layer(DefaultBodyLimit::max(MOST_CONFIRM_BYTES));
    Router::new()
        .route(links::SUPPORT, get(search::home).post(search::search))
        .route(links::SUPPORT_REGISTER, get(register::form).post(register::register))
        .route(links::SUPPORT_ORGANISATION, get(organisation::show))
        .route(links::SUPPORT_ADD, post(organisation::add))
        .route(links::SUPPORT_CSV, get(organisation::download))
        .route(links::SUPPORT_CHANGE, get(register::change_form).post(register::change))
        .route(links::SUPPORT_IMPORT, upload.get(import::form))
        .route(links::SUPPORT_IMPORT_CONFIRM, confirm)
        .route(links::SUPPORT_ENTRY, get(entry::form).post(entry::decide))
        .route(links::SUPPORT_PERSON, get(person::show))
        .route(links::SUPPORT_EMAIL, get(person::email_form).post(person::change_email))
        .route(links::SUPPORT_LIFT, post(person::lift))
        .route(links::SUPPORT_MEASURES, get(measures::show))
        .route(links::SUPPORT_MEASURES_CSV, get(measures::download))
}

/// An organisation as the lists have it now.
fn found(site: &Site, id: OrganisationId) -> Result<Organisation, Problem> {
    site.app.lists(|lists| lists.organisation(id).cloned()).ok_or(Problem::NotFound)
}

/// The agent, as events name them.
fn actor(by: &Support) -> Actor {
    Actor::Person(by.person)
}

/// The kinds that support can give, with their words in the form.
const KINDS: [(&str, OrganisationKind, &str); 3] = [
    ("lead-provider", OrganisationKind::LeadProvider, "Lead provider"),
    ("delivery-partner", OrganisationKind::DeliveryPartner, "Delivery partner"),
    ("appropriate-body", OrganisationKind::AppropriateBody, "Appropriate body"),
];
