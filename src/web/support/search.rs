//! Where support begins: finds an organisation or a person, and shows what waits.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use vouchsafe_events::{Email, OrganisationId, PersonId};
use vouchsafe_projections::{Organisation, Why};

use crate::web::audit::look::{self, Matches};
use crate::web::form::{Faults, Personal};
use crate::web::kinds::kinds;
use crate::web::{Frame, Problem, Reply, Site, Support, links, when};

/// How many organisations are shown at most.
const MOST_ORGANISATIONS: usize = 50;

/// How many of those who were turned away, and of the mails that failed, are shown.
const MOST_NEWS: usize = 10;

#[derive(Debug, Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    q: String,
}

/// An organisation that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    href: String,
    name: String,
    what: String,
}

/// A person who was found, or of whom there is news.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Somebody {
    href: String,
    name: String,
    email: String,
    /// What happened to them, and when.
    news: String,
}

/// What was found.
#[derive(Default)]
struct Results {
    places: Vec<Place>,
    more_places: bool,
    people: Vec<Somebody>,
    more_people: bool,
    /// An address that nobody has.
    unknown: Option<String>,
}

#[derive(Template)]
#[template(path = "web/support/home.html")]
struct Page {
    frame: Frame,
    q: String,
    faults: Faults,
    results: Option<Results>,
    /// Agents' own requests that wait for a second agent.
    proposals: Vec<Place>,
    turned_away: Vec<Somebody>,
    failed: Vec<Somebody>,
}

fn place(organisation: &Organisation) -> Place {
    let number = match (organisation.urn, organisation.ukprn) {
        (Some(urn), _) => format!(", URN {urn}"),
        (None, Some(ukprn)) => format!(", UKPRN {ukprn}"),
        (None, None) => String::new(),
    };
    let authority = organisation.local_authority.as_ref().map(|found| format!(", {}", found.name));
    let closed = if organisation.closed { ", closed" } else { "" };
    Place {
        href: links::support_organisation(&organisation.id),
        name: organisation.name.to_string(),
        what: format!("{}{}{number}{closed}", kinds(&organisation.kinds), authority.unwrap_or_default()),
    }
}

fn somebody(site: &Site, person: PersonId, news: String) -> Somebody {
    let href = links::support_person(&person);
    Somebody { href, name: site.app.name_of(person), email: site.app.email_of(person), news }
}

/// Who was turned away of late, the newest first, each once.
fn turned_away(site: &Site) -> Vec<Somebody> {
    let mut seen = std::collections::BTreeSet::new();
    let found: Vec<_> = site.app.lists(|lists| {
        let newest = lists.turned_away().rev().filter(|one| seen.insert(one.person));
        newest.take(MOST_NEWS).copied().collect()
    });
    let news = |why: Why, at| {
        let what = match why {
            Why::NotListed => "asked for a code and is on no list",
            Why::Refused { .. } => "was not let in by DfE Sign-in",
        };
        format!("{what}, {}", when::date_time(at))
    };
    found.into_iter().map(|one| somebody(site, one.person, news(one.why, one.at))).collect()
}

/// The newest mails that were given up on.
fn failed(site: &Site) -> Vec<Somebody> {
    let found: Vec<(PersonId, vouchsafe_events::Timestamp)> = site.app.lists(|lists| {
        let mut all: Vec<_> = lists.outbox().given_up().map(|mail| (mail.to, mail.at)).collect();
        all.reverse();
        all.truncate(MOST_NEWS);
        all
    });
    let news = |at| format!("an email to them failed, {}", when::date_time(at));
    found.into_iter().map(|(person, at)| somebody(site, person, news(at))).collect()
}

fn respond(
    site: &Site,
    frame: Frame,
    q: String,
    faults: Faults,
    results: Option<Results>,
) -> Result<Reply, Problem> {
    let status = faults.status();
    let proposals = site
        .app
        .lists(|lists| lists.organisations().filter(|one| !one.proposed.is_empty()).map(place).collect());
    let (turned_away, failed) = (turned_away(site), failed(site));
    Reply::page_with(status, &Page { frame, q, faults, results, proposals, turned_away, failed })
}

/// The page.
pub(super) async fn home(State(site): State<Site>, _: Support, frame: Frame) -> Result<Reply, Problem> {
    respond(&site, frame, String::new(), Faults::default(), None)
}

/// Finds. What is typed of a person stays out of addresses.
pub(super) async fn search(
    State(site): State<Site>,
    by: Support,
    frame: Frame,
    Personal(Form { q }): Personal<Form>,
) -> Result<Reply, Problem> {
    let wanted = q.trim();
    if let Ok(email) = wanted.parse::<Email>() {
        if let Some(person) = site.app.person_of(&email) {
            return Ok(Reply::to(&links::support_person(&person)));
        }
        let unknown = Some(email.as_str().to_owned());
        let results = Results { unknown, ..Results::default() };
        return respond(&site, frame, q, Faults::default(), Some(results));
    }
    if wanted.chars().count() < 2 {
        let mut faults = Faults::default();
        faults.add("q", "Enter at least 2 characters of a name, an email address, a URN or a UKPRN");
        return respond(&site, frame, q, faults, None);
    }
    let mut results = organisations(&site, wanted);
    match look::people(&site, by.person, wanted).await? {
        Matches::TooShort | Matches::Nobody => {}
        Matches::One(person) => results.people.push(somebody(&site, person, String::new())),
        Matches::Several(found) => {
            results.people =
                found.people.iter().map(|person| somebody(&site, *person, String::new())).collect();
            results.more_people = found.more;
        }
    }
    respond(&site, frame, q, Faults::default(), Some(results))
}

/// The organisations that have this in their name, or have this number.
fn organisations(site: &Site, wanted: &str) -> Results {
    let lower = wanted.to_lowercase();
    let matches = |organisation: &&Organisation| {
        organisation.name.to_lowercase().contains(&lower)
            || organisation.urn.is_some_and(|urn| urn.to_string() == wanted)
            || organisation.ukprn.is_some_and(|ukprn| ukprn.to_string() == wanted)
            || organisation.id == wanted.parse().unwrap_or(NOWHERE)
    };
    let mut places: Vec<Place> = site.app.lists(|lists| {
        // Those with a list first: they are why support is here.
        let (listed, schools): (Vec<_>, Vec<_>) =
            lists.organisations().filter(matches).partition(|one| one.has_user_list());
        listed.into_iter().chain(schools).take(MOST_ORGANISATIONS + 1).map(place).collect()
    });
    let more_places = places.len() > MOST_ORGANISATIONS;
    places.truncate(MOST_ORGANISATIONS);
    Results { places, more_places, ..Results::default() }
}

/// No organisation's id.
const NOWHERE: OrganisationId = OrganisationId::from_uuid(vouchsafe_events::Uuid::nil());
