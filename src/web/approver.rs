//! Pages for approvers: who asks, who has access, who decides, and the yearly review.

mod add;
mod change_end;
mod date_field;
mod end_access;
#[cfg(test)]
mod fixture;
mod make_approver;
mod members;
mod request;
mod requests;
mod review;
mod sheet;
mod stand_down;
#[cfg(test)]
mod tests;
mod user;
mod users;

use axum::Router;
use axum::routing::{get, post};
use vouchsafe_events::{Actor, Held, OrganisationId, PersonId};
use vouchsafe_projections::Organisation;

use super::{ApproverOf, Problem, Site, links};
use crate::app::App;

/// The pages and the acts of approvers.
pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(links::REQUESTS, get(requests::list))
        .route(links::REQUEST, get(request::show))
        .route(links::GRANT, post(request::grant))
        .route(links::DECLINE, post(request::decline))
        .route(links::USERS, get(users::list))
        .route(links::USERS_CSV, get(sheet::download))
        .route(links::ADD, get(add::form).post(add::add))
        .route(links::USER, get(user::show))
        .route(links::END_ACCESS, get(end_access::form).post(end_access::end))
        .route(links::END_DATE, get(change_end::form).post(change_end::change))
        .route(links::MAKE_APPROVER, get(make_approver::form).post(make_approver::make))
        .route(links::STAND_DOWN, get(stand_down::form).post(stand_down::stand_down))
        .route(links::RETURN, post(stand_down::come_back))
        .route(links::REVIEW, get(review::show))
        .route(links::CONFIRM, post(review::confirm))
}

/// What personal data stands behind ids, for whoever may see it.
trait Names {
    /// A person's name.
    fn name(&self, person: PersonId) -> String;
    /// A person's email.
    fn email(&self, person: PersonId) -> String;
    /// A sealed text.
    fn text(&self, held: &Held) -> String;
    /// An organisation's name.
    fn organisation(&self, id: OrganisationId) -> String;
}

impl Names for App {
    fn name(&self, person: PersonId) -> String {
        self.name_of(person)
    }

    fn email(&self, person: PersonId) -> String {
        self.email_of(person)
    }

    fn text(&self, held: &Held) -> String {
        self.show(held)
    }

    fn organisation(&self, id: OrganisationId) -> String {
        self.organisation_name(id)
    }
}

/// The school that an approver acts for, as the lists have it now.
fn school(site: &Site, by: &ApproverOf) -> Result<Organisation, Problem> {
    site.app.lists(|lists| lists.organisation(by.organisation()).cloned()).ok_or(Problem::NotFound)
}

/// Who did something, in words that stand after "by".
fn by_whom(actor: Actor, names: &dyn Names) -> String {
    match actor {
        Actor::Person(person) => names.name(person),
        Actor::System => "DfE Sign-in".to_owned(),
        Actor::Operator => "the service’s operator".to_owned(),
        Actor::Reactor(_) => "the service".to_owned(),
    }
}

/// The school that closed and from which somebody came here, by name, if they did.
fn came_from(organisation: &Organisation, person: PersonId, names: &dyn Names) -> Option<String> {
    let came = organisation.carried.iter().find(|(_, people)| people.contains(&person));
    came.map(|(from, _)| names.organisation(*from))
}
