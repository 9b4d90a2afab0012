//! Why can they not get in? One page about one person: what the reason is now, what happened, and what helps.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use vouchsafe_events::{Email, Event, OrganisationKind, PersonId, Timestamp};
use vouchsafe_projections::{Lists, Organisation};

use super::actor;
use crate::app::EmailRefused;
use crate::audit;
use crate::bulk;
use crate::measures::in_words;
use crate::web::audit::look;
use crate::web::form::{self, Empty, Faults, Personal};
use crate::web::kinds::kinds;
use crate::web::path::Id;
use crate::web::problem::refused;
use crate::web::{Frame, Problem, Reply, Site, Support, links, when};

/// Somewhere that the person has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    href: String,
    name: String,
    /// How it stands there.
    stands: String,
    /// Where they are taken off the list, if they are on one.
    remove: Option<String>,
}

#[derive(Template)]
#[template(path = "web/support/person.html")]
struct Page {
    frame: Frame,
    person: PersonId,
    name: String,
    email: String,
    /// Why they cannot get in, or what opens to them.
    reasons: Vec<String>,
    places: Vec<Place>,
    linked: bool,
    /// Until when they must wait before codes work again.
    waits: Option<String>,
    last: String,
    /// When, and what happened; the newest first.
    timeline: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "web/support/email.html")]
struct EmailPage {
    frame: Frame,
    person: PersonId,
    name: String,
    email: String,
    linked: bool,
    typed: String,
    faults: Faults,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewEmail {
    #[serde(default)]
    email: String,
}

/// How it stands with a person at an organisation.
fn stands(organisation: &Organisation, person: PersonId, now: Timestamp) -> String {
    let kind = kinds(&organisation.kinds);
    if organisation.closed {
        return format!("{kind}, closed: nobody has access");
    }
    let mut stands = Vec::new();
    if let Some(listed) = organisation.listed.get(&person) {
        stands.push(format!("on its user list since {}", when::date(listed.since)));
    }
    if organisation.is_approver(person) {
        stands.push("an approver".to_owned());
    }
    if let Some(access) = organisation.users.get(&person).filter(|access| access.lasts(now)) {
        let ends = access.ends.map_or_else(String::new, |ends| format!(" until {}", when::date(ends)));
        stands.push(format!("access given by an approver{ends}"));
    }
    if let Some(request) = organisation.open_request_of(person) {
        stands.push(format!("has asked, and waited for {}", in_words(now.seconds_since(request.at))));
    }
    if organisation.proposed.contains_key(&person) {
        stands.push("asked to be on its list, which waits for a second support agent".to_owned());
    }
    if stands.is_empty() {
        stands.push("no access now".to_owned());
    }
    format!("{kind}: {}", stands.join("; "))
}

/// What hinders a person at one organisation, or that nothing does.
fn reason(organisation: &Organisation, person: PersonId, now: Timestamp) -> String {
    let name = &organisation.name;
    if organisation.closed {
        return format!("{name} is closed, so nobody can act for it.");
    }
    if organisation.has_access(person, now) {
        return format!("They have access for {name}.");
    }
    if let Some(request) = organisation.open_request_of(person) {
        let waits = in_words(now.seconds_since(request.at));
        return if organisation.approvers.keys().any(|approver| *approver != person) {
            format!("Their request at {name} has waited for an approver for {waits}.")
        } else {
            format!(
                "Their request at {name} has waited for {waits}, and nobody approves there. Somebody at the school has to become an approver in DfE Sign-in."
            )
        };
    }
    if organisation.is(OrganisationKind::School) {
        return format!(
            "They have no access for {name} and have not asked for it, or were declined. They can ask again."
        );
    }
    format!("They are no longer on the user list of {name}.")
}

/// Why a person cannot get in.
fn reasons(lists: &Lists, person: PersonId, now: Timestamp, email: &str) -> Vec<String> {
    let Some(known) = lists.person(person) else { return Vec::new() };
    let mut reasons = Vec::new();
    let places: Vec<&Organisation> =
        lists.organisations_of(person).filter_map(|id| lists.organisation(id)).collect();
    let listed = places.iter().any(|place| place.is_listed(person));
    if let Some(delay) = lists.delay(person, now) {
        reasons.push(format!(
            "After {} wrong codes they must wait until {} before codes work again. DfE Sign-in is open to them.",
            delay.failures,
            when::date_time(delay.until)
        ));
    }
    if known.email_held_by.is_some() {
        reasons.push("They came with an email address that belongs to another record here, so what is given to that address does not reach them.".to_owned());
    }
    if lists.outbox().given_up().any(|mail| mail.to == person && now.seconds_since(mail.at) < 7 * 24 * 3_600)
    {
        reasons.push(
            "An email to them could not be delivered in the last 7 days: check their address.".to_owned(),
        );
    }
    if places.is_empty() {
        let advice = "If they work at a school, they sign in with DfE Sign-in and ask for access. If not, they have to be put on their organisation’s list.";
        reasons.push(format!("They are on no user list, and have no access to any school. {advice}"));
    }
    reasons.extend(places.iter().map(|place| reason(place, person, now)));
    if !listed && !known.linked {
        reasons.push("They have never signed in with DfE Sign-in with this address, and no code is sent to people who are on no list.".to_owned());
    }
    if let Some(bulk::Warning::NearMiss { meant }) =
        email.parse::<Email>().ok().and_then(|email| bulk::warning(&email, &[]))
    {
        reasons.push(format!("Their address may have a slip in it: did they mean {meant}?"));
    }
    reasons
}

/// Shows the person.
pub(super) async fn show(
    State(site): State<Site>,
    by: Support,
    Id(person): Id<PersonId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let known = site.app.lists(|lists| lists.person(person).cloned()).ok_or(Problem::NotFound)?;
    let now = site.app.now();
    let (name, email) = (site.app.name_of(person), site.app.email_of(person));
    let (reasons, places, waits) = site.app.lists(|lists| {
        let theirs = lists.organisations_of(person).filter_map(|id| lists.organisation(id));
        let places = theirs.map(|place| Place {
            href: links::support_organisation(&place.id),
            name: place.name.to_string(),
            stands: stands(place, person, now),
            remove: place.listed.contains_key(&person).then(|| links::support_entry(&place.id, &person)),
        });
        let waits = lists.delay(person, now).map(|delay| when::date_time(delay.until));
        (reasons(lists, person, now, &email), places.collect(), waits)
    });
    let happened = look::of_person(&site, by.person, person).await?;
    let timeline = happened
        .iter()
        .filter(|one| !matches!(one.event, Event::EmailReserved(_) | Event::SubjectReserved(_)))
        .map(|one| (when::date_time(one.envelope.at), audit::sentence(&site.app, one)))
        .collect();
    let last = known.last_signed_in.map_or_else(|| "Never".to_owned(), when::date_time);
    let linked = known.linked;
    Reply::page(&Page { frame, person, name, email, reasons, places, linked, waits, last, timeline })
}

/// Ends their wait.
pub(super) async fn lift(
    State(site): State<Site>,
    by: Support,
    Id(person): Id<PersonId>,
    Personal(Empty {}): Personal<Empty>,
) -> Result<Reply, Problem> {
    let back = links::support_person(&person);
    match site.app.lift_delay(person, by.person).await {
        Ok(done) => Ok(Reply::to(&back).wrote(done.position).done("They can use codes again at once.")),
        Err(failure) => {
            let _ = refused(failure)?;
            Ok(Reply::to(&back).notes("They do not have to wait any more."))
        }
    }
}

fn email_page(
    site: &Site,
    frame: Frame,
    person: PersonId,
    typed: String,
    faults: Faults,
) -> Result<Reply, Problem> {
    let known = site.app.lists(|lists| lists.person(person).cloned()).ok_or(Problem::NotFound)?;
    let (name, email) = (site.app.name_of(person), site.app.email_of(person));
    let status = faults.status();
    let page = EmailPage { frame, person, name, email, linked: known.linked, typed, faults };
    Reply::page_with(status, &page)
}

/// Asks for another address.
pub(super) async fn email_form(
    State(site): State<Site>,
    _: Support,
    Id(person): Id<PersonId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    email_page(&site, frame, person, String::new(), Faults::default())
}

/// Gives them another address.
pub(super) async fn change_email(
    State(site): State<Site>,
    by: Support,
    Id(person): Id<PersonId>,
    frame: Frame,
    Personal(NewEmail { email }): Personal<NewEmail>,
) -> Result<Reply, Problem> {
    let mut faults = Faults::default();
    match form::email(&email, "Enter the new email address") {
        Err(text) => faults.add("email", text),
        // Nobody gives themselves a place by making it theirs.
        Ok(address) if site.app.person_of(&address) == Some(by.person) && person != by.person => {
            faults.add("email", "This is your own address");
        }
        Ok(address) => match site.app.change_user_email(person, &address, actor(&by)).await {
            Ok(()) => {
                let said = format!("Their email address is now {}.", address.as_str());
                let written = site.app.following().position();
                return Ok(Reply::to(&links::support_person(&person)).wrote(written).done(said));
            }
            Err(failure) => faults.add("email", match refused(failure)? {
                EmailRefused::Unknown => return Err(Problem::NotFound),
                EmailRefused::Linked => "Their address follows their DfE Sign-in account by itself. If they have a new account, put its address on the list",
                EmailRefused::AnothersEmail(_) => "Somebody else is recorded with that address. Find them to see who",
                EmailRefused::Same => "That is their address already",
            }),
        },
    }
    email_page(&site, frame, person, email, faults)
}
