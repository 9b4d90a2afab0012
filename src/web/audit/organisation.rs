//! An organisation as it stood at an instant: who had access, who decided, who waited.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use vouchsafe_events::{OrganisationId, PersonId, Timestamp};
use vouchsafe_projections::{Lists, Organisation};

use super::asked::{Asked, Typed};
use super::instant::Field;
use super::{look, with_at};
use crate::audit::lineage::{Ledger, Role, given};
use crate::web::form::Faults;
use crate::web::pagination::{self, Item, Pagination};
use crate::web::path::Id;
use crate::web::when::{date, date_time};
use crate::web::words::counted;
use crate::web::{Auditor, Frame, Problem, Reply, Site, links};

/// How many people are on one page.
const PER_PAGE: usize = 100;

/// Somebody who had access.
struct Row {
    name: String,
    href: String,
    /// As what, since when, and who let them in: a line for each place that they had.
    places: Vec<(&'static str, String, String)>,
}

/// Somebody who waited.
struct Waiting {
    name: String,
    since: String,
    reminders: u8,
}

/// The state at the instant.
struct Stood {
    at: String,
    /// None if it was not known to the service then.
    known: bool,
    closed: bool,
    count: String,
    rows: Vec<Row>,
    pagination: Pagination,
    waiting: Vec<Waiting>,
    /// The change before, and the change after.
    before: Option<(String, String)>,
    after: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "web/audit/organisation.html")]
struct Page {
    frame: Frame,
    faults: Faults,
    id: OrganisationId,
    name: String,
    field: Field,
    history: String,
    stood: Option<Stood>,
}

/// Shows an organisation as it stood.
pub(super) async fn show(
    State(site): State<Site>,
    by: Auditor,
    frame: Frame,
    Id(id): Id<OrganisationId>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let replay = look::organisation(&site, &by, id).await?;
    let typed = Typed::of_query(query.as_deref().unwrap_or_default());
    let now = site.app.now();
    let mut faults = Faults::default();
    let field = Field::read(&typed, "at", Some(now), now, &mut faults);
    let stood = field.at.map(|at| {
        let change = |found: Option<Timestamp>| {
            let found = found.filter(|change| *change <= now)?;
            Some((with_at(&links::audit_organisation(&id), found), date_time(found)))
        };
        let page = typed.field("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let stood = Stood::of(&site, &replay.lists(at), &Ledger::of(replay.events()), id, at, &field, page);
        Stood { before: change(replay.change_before(at)), after: change(replay.change_after(at)), ..stood }
    });
    let history = Asked { school: Some(id), ..Asked::default() }.url();
    let status = faults.status();
    let name = site.app.organisation_name(id);
    Reply::page_with(status, &Page { frame, faults, id, name, field, history, stood })
}

impl Stood {
    fn of(
        site: &Site,
        lists: &Lists,
        ledger: &Ledger,
        id: OrganisationId,
        at: Timestamp,
        field: &Field,
        page: usize,
    ) -> Self {
        let organisation = lists.organisation(id);
        let members = organisation.map_or_else(Vec::new, |found| people(found, at));
        let approvers = members.iter().filter(|(_, is_approver)| *is_approver).count();
        let exact = crate::audit::instant::exact(at);
        let path = links::audit_organisation(&id);
        let query: &[(&str, &str)] = if field.given { &[("at", &exact)] } else { &[] };
        let paged = pagination::cut(&members, PER_PAGE, page, &path, query);
        let rows = paged.items.iter().map(|(person, _)| Row::of(site, ledger, id, *person, at, field));
        let waiting = organisation.into_iter().flat_map(Organisation::open_requests).map(|request| Waiting {
            name: site.app.name_of(request.person),
            since: date_time(request.at),
            reminders: request.reminders,
        });
        let people = match members.len() {
            1 => "1 person had access".to_owned(),
            all => format!("{all} people had access"),
        };
        Self {
            at: date_time(at),
            known: organisation.is_some(),
            closed: organisation.is_some_and(|found| found.closed),
            count: format!("{people}, of whom {}", counted(approvers, "was an approver", "were approvers")),
            rows: rows.collect(),
            waiting: waiting.collect(),
            pagination: paged.pagination,
            before: None,
            after: None,
        }
    }
}

/// Everybody with access, each once, and whether they decided.
fn people(organisation: &Organisation, at: Timestamp) -> Vec<(PersonId, bool)> {
    let members = organisation.members(at).map(|(person, _, approver)| (person, approver.is_some()));
    members.collect()
}

impl Row {
    fn of(
        site: &Site,
        ledger: &Ledger,
        id: OrganisationId,
        person: PersonId,
        at: Timestamp,
        field: &Field,
    ) -> Self {
        let standing: BTreeMap<Role, _> = ledger
            .spells_of(person)
            .filter(|spell| ledger.stands(spell, at))
            .map(|spell| (spell.role, spell))
            .collect();
        let places = standing.values().map(|spell| {
            let grants = ledger.in_force(spell, at);
            let grants = grants.into_iter().filter_map(|grant| ledger.grants.get(grant));
            let mut by: Vec<String> = grants.map(|grant| given(&site.app, grant)).collect();
            by.extend(ledger.ends(spell, at).map(|ends| format!("ends {}", date(ends))));
            (words(spell.role), date_time(spell.from), by.join("; "))
        });
        let lineage = links::audit_lineage(&id, &person);
        let href = if field.given { with_at(&lineage, at) } else { lineage };
        Self { name: site.app.name_of(person), href, places: places.collect() }
    }
}

/// What somebody is, with a capital letter.
pub(super) const fn words(found: Role) -> &'static str {
    match found {
        Role::Approver => "Approver",
        Role::User => "User",
        Role::Listed => "On the user list",
    }
}
