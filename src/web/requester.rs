//! For everybody at a school: the start page, how it stands with their access, and asking for it.

mod ask;
mod choose;
mod home;
mod stands;
mod start;
#[cfg(test)]
pub(in crate::web) mod tests;
mod withdraw;

use axum::Router;
use axum::routing::get;
use vouchsafe_events::OrganisationId;
use vouchsafe_projections::Organisation;

use super::{Problem, Site, links};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(links::START, get(start::start))
        .route(links::HOME, get(home::home))
        .route(links::ASK, get(ask::form).post(ask::ask))
        .route(links::WITHDRAW, get(withdraw::confirm).post(withdraw::withdraw))
        .route(links::CHOOSE, get(choose::form).post(choose::choose))
}

/// An organisation as the lists show it now.
fn school(site: &Site, id: OrganisationId) -> Result<Organisation, Problem> {
    site.app.lists(|lists| lists.organisation(id).cloned()).ok_or(Problem::NotFound)
}
