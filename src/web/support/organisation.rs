//! One organisation: its user list, or for a school how it stands there.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;
use vouchsafe_events::{Actor, Email, OrganisationId, PersonId};
use vouchsafe_projections::{Lists, Organisation};

use super::{actor, found};
use crate::app::{Entry, Listing};
use crate::bulk::{self, Warning};
use crate::domain::PersonName;
use crate::domain::organisation::users::ListRefused;
use crate::domain::text::TextRefused;
use crate::measures::in_words;
use crate::web::form::{self, Faults, Personal};
use crate::web::kinds::kinds;
use crate::web::pagination::{self, Item, Pagination};
use crate::web::path::Id;
use crate::web::problem::refused;
use crate::web::sheet;
use crate::web::words::counted;
use crate::web::{Frame, Problem, Reply, Site, Support, links, when};

/// How many users are on one page.
const PER_PAGE: usize = 50;

/// Somebody on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    person: PersonId,
    name: String,
    email: String,
    since: String,
    by: String,
    /// When they last signed in for this organisation, or that they never did.
    last: String,
    /// What should be looked at.
    marks: Vec<String>,
}

/// What was typed to put somebody on the list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    /// The address that the agent was asked to look at again, and did.
    #[serde(default)]
    looked_at: String,
}

/// A school, which looks after itself.
struct School {
    approvers: Vec<String>,
    /// Who asks, and for how long.
    open: Vec<String>,
}

#[derive(Template)]
#[template(path = "web/support/organisation.html")]
struct Page {
    frame: Frame,
    organisation: Organisation,
    kinds: String,
    search: String,
    count: String,
    rows: Vec<Row>,
    pagination: Pagination,
    /// Agents who asked for themselves: who, when, and whether it is whoever looks.
    proposals: Vec<(PersonId, String, String, bool)>,
    school: Option<School>,
    typed: Typed,
    faults: Faults,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: String,
}

/// Who did something, in words.
fn by(site: &Site, actor: Actor) -> String {
    match actor {
        Actor::Person(person) => site.app.name_of(person),
        Actor::Operator => "an operator".to_owned(),
        Actor::Reactor(_) | Actor::System => "the service".to_owned(),
    }
}

/// How many other lists a person is on.
fn elsewhere(lists: &Lists, person: PersonId, here: OrganisationId) -> usize {
    let others = lists.organisations_of(person).filter(|id| *id != here);
    others.filter_map(|id| lists.organisation(id)).filter(|one| one.is_listed(person)).count()
}

/// The domains that stand on a list more than once: not slips.
pub(super) fn own_domains(site: &Site, organisation: &Organisation) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for person in organisation.listed.keys() {
        if let Ok(email) = site.app.email_of(*person).parse::<Email>() {
            *counts.entry(bulk::domain(&email).to_owned()).or_default() += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(domain, _)| domain).collect()
}

/// A warning in words.
pub(super) fn in_plain_words(warning: &Warning) -> String {
    match warning {
        Warning::NearMiss { meant } => format!("Check the address: did they mean {meant}?"),
        Warning::OtherAlphabet { ascii } => {
            format!("Check the address: it has letters of another alphabet. Mail servers know it as {ascii}")
        }
    }
}

/// Everybody on the list, by address.
pub(super) fn rows(site: &Site, organisation: &Organisation) -> Vec<Row> {
    let own = own_domains(site, organisation);
    let mut rows: Vec<Row> = organisation
        .listed
        .iter()
        .map(|(person, listed)| {
            let (name, email) = (site.app.name_of(*person), site.app.email_of(*person));
            let warning = email.parse::<Email>().ok().and_then(|email| bulk::warning(&email, &own));
            let mut marks: Vec<String> = warning.iter().map(in_plain_words).collect();
            let others = site.app.lists(|lists| elsewhere(lists, *person, organisation.id));
            if others > 0 {
                marks.push(format!("Also on {}", counted(others, "other list", "other lists")));
            }
            let last = organisation.last_signed_in.get(person);
            Row {
                person: *person,
                name,
                email,
                since: when::date(listed.since),
                by: by(site, listed.by),
                last: last.map_or_else(|| "Never".to_owned(), |at| when::date(*at)),
                marks,
            }
        })
        .collect();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.name != row.email) {
        *names.entry(row.name.to_lowercase()).or_default() += 1;
    }
    for row in &mut rows {
        if names.get(&row.name.to_lowercase()).is_some_and(|count| *count > 1) {
            row.marks.push("Somebody else on this list has the same name".to_owned());
        }
    }
    rows.sort_by_cached_key(|row| (row.email.clone(), row.person));
    rows
}

fn school(site: &Site, organisation: &Organisation) -> Option<School> {
    if organisation.has_user_list() {
        return None;
    }
    let now = site.app.now();
    let approvers = organisation.approvers.keys().map(|person| site.app.name_of(*person)).collect();
    let open = organisation.open_requests().map(|request| {
        let waits = in_words(now.seconds_since(request.at));
        format!("{} has waited for {waits}", site.app.name_of(request.person))
    });
    Some(School { approvers, open: open.collect() })
}

fn respond(
    site: &Site,
    who: &Support,
    frame: Frame,
    organisation: Organisation,
    wanted: &Wanted,
    typed: Typed,
    faults: Faults,
) -> Result<Reply, Problem> {
    let search: String = wanted.q.trim().chars().take(100).collect();
    let mut all = rows(site, &organisation);
    let everybody = counted(all.len(), "person is on the list", "people are on the list");
    let lower = search.to_lowercase();
    all.retain(|row| row.name.to_lowercase().contains(&lower) || row.email.contains(&lower));
    let count = if search.is_empty() {
        everybody
    } else {
        format!("{} for “{search}”. {everybody}", counted(all.len(), "result", "results"))
    };
    let query: &[(&str, &str)] = if search.is_empty() { &[] } else { &[("q", &search)] };
    let number = wanted.page.trim().parse().unwrap_or(1);
    let href = links::support_organisation(&organisation.id);
    let paged = pagination::cut(&all, PER_PAGE, number, &href, query);
    let proposals = organisation.proposed.iter().map(|(person, proposed)| {
        let own = *person == who.person || proposed.by == Actor::Person(who.person);
        (*person, site.app.name_of(*person), when::date_time(proposed.at), own)
    });
    let status = faults.status();
    let page = Page {
        frame,
        kinds: kinds(&organisation.kinds),
        count,
        rows: paged.items.to_vec(),
        pagination: paged.pagination,
        proposals: proposals.collect(),
        school: school(site, &organisation),
        search,
        typed,
        faults,
        organisation,
    };
    Reply::page_with(status, &page)
}

/// Shows the organisation.
pub(super) async fn show(
    State(site): State<Site>,
    by: Support,
    Id(id): Id<OrganisationId>,
    Query(wanted): Query<Wanted>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let organisation = found(&site, id)?;
    respond(&site, &by, frame, organisation, &wanted, Typed::default(), Faults::default())
}

/// What is wrong with what was typed, or the entry.
fn entry(typed: &Typed, own: &[String], faults: &mut Faults) -> Option<Entry> {
    let email = form::email(&typed.email, "Enter an email address");
    let name = match PersonName::parse(&typed.name) {
        Ok(name) => Ok(Some(name)),
        Err(TextRefused::Empty) => Ok(None),
        Err(TextRefused::TooLong { limit }) => Err(format!("Name must be {limit} characters or less")),
    };
    match (email, name) {
        (Ok(email), Ok(name)) => match bulk::warning(&email, own) {
            Some(warning) if typed.looked_at != email.as_str() => {
                faults.add("email", format!("{} If it is right, add it again.", in_plain_words(&warning)));
                None
            }
            _ => Some(Entry { email, name }),
        },
        (email, name) => {
            email.err().into_iter().for_each(|text| faults.add("email", text));
            name.err().into_iter().for_each(|text| faults.add("name", text));
            None
        }
    }
}

/// Puts somebody on the list.
pub(super) async fn add(
    State(site): State<Site>,
    by: Support,
    Id(id): Id<OrganisationId>,
    frame: Frame,
    Personal(mut typed): Personal<Typed>,
) -> Result<Reply, Problem> {
    let organisation = found(&site, id)?;
    let mut faults = Faults::default();
    let own = own_domains(&site, &organisation);
    if let Some(entry) = entry(&typed, &own, &mut faults) {
        let rule = site.settings.two_person_rule;
        match site.app.list_user(id, &entry, actor(&by), rule).await {
            Ok((listing, done)) => {
                let email = entry.email.as_str();
                let said = match listing {
                    Listing::Added(_) => format!("{email} is on the list. We are telling them by email."),
                    Listing::Proposed(_) => {
                        "You have asked to be put on this list. A second support agent has to agree."
                            .to_owned()
                    }
                };
                return Ok(Reply::to(&links::support_organisation(&id)).wrote(done.position).done(said));
            }
            Err(failure) => faults.add("email", why(refused(failure)?)),
        }
    }
    if let Ok(email) = typed.email.parse::<Email>() {
        email.as_str().clone_into(&mut typed.looked_at);
    }
    respond(&site, &by, frame, organisation, &Wanted::default(), typed, faults)
}

/// Why somebody was not put on the list.
pub(super) const fn why(refused: ListRefused) -> &'static str {
    match refused {
        ListRefused::OrganisationClosed => "The organisation is closed, so nobody can be added",
        ListRefused::SelfService => "A school looks after its own users: its approvers decide",
        ListRefused::AlreadyListed => "They are on the list already",
        ListRefused::AlreadyProposed => "This waits for a second support agent already",
    }
}

/// The list as CSV.
pub(super) async fn download(
    State(site): State<Site>,
    _: Support,
    Id(id): Id<OrganisationId>,
) -> Result<Reply, Problem> {
    let rows = rows(&site, &found(&site, id)?);
    let cells = rows.into_iter().map(|row| {
        let name = if row.name == row.email { String::new() } else { row.name };
        [row.email, name, row.since, row.by, row.last, row.marks.join("; ")]
    });
    let headings = ["email", "name", "on the list since", "added by", "last signed in", "check"];
    sheet::send(sheet::sheet(headings, cells), &format!("user-list-{}", when::date_iso(site.app.now())))
}
