//! Two instants of an organisation, compared.

use askama::Template;
use axum::extract::{RawQuery, State};
use vouchsafe_events::{OrganisationId, PersonId};

use super::asked::Typed;
use super::instant::Field;
use super::look;
use super::organisation::words;
use crate::audit::lineage::{Ledger, ended, given};
use crate::audit::{Change, Changes, Standing};
use crate::web::form::Faults;
use crate::web::path::Id;
use crate::web::when::date_time;
use crate::web::words::counted;
use crate::web::{Auditor, Frame, Problem, Reply, Site, links};

/// Somebody for whom something is otherwise.
struct Row {
    name: String,
    href: String,
    before: String,
    after: String,
    /// When, and how.
    how: Vec<(String, String)>,
}

/// What is otherwise.
struct Found {
    from: String,
    to: String,
    /// Each with its heading, and what is said if it is empty.
    parts: Vec<(&'static str, &'static str, Vec<Row>)>,
    same: String,
    closed: bool,
}

#[derive(Template)]
#[template(path = "web/audit/compare.html")]
struct Page {
    frame: Frame,
    faults: Faults,
    id: OrganisationId,
    name: String,
    from: Field,
    to: Field,
    found: Option<Found>,
}

/// Compares.
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
    let mut from = Field::read(&typed, "from", None, now, &mut faults);
    let to = Field::read(&typed, "to", Some(now), now, &mut faults);
    if !from.given && to.given && faults.is_empty() {
        faults.add("from", "Enter a date, like 27/3/2026");
    }
    if let (Some(first), Some(last)) = (from.at, to.at)
        && first > last
    {
        faults.add("to", "The second date and time must be after the first");
        from.at = None;
    }
    let found = from.at.zip(to.at).filter(|_| faults.is_empty()).map(|(first, last)| {
        let ledger = Ledger::of(replay.events());
        let changes = Changes::between(&replay, &ledger, id, first, last);
        let rows = |list: &[Change]| list.iter().map(|change| Row::of(&site, id, change)).collect();
        let between = changes.between.iter().map(|spell| {
            let grant = spell.grants.first().and_then(|grant| ledger.grants.get(*grant));
            let mut how: Vec<_> =
                grant.map(|grant| (date_time(grant.at), given(&site.app, grant))).into_iter().collect();
            match (spell.end, ledger.ended(spell, last)) {
                (Some(end), _) => how.push((date_time(end.at), ended(&site.app, &end))),
                (None, Some(at)) => how.push((date_time(at), "The end date came".to_owned())),
                (None, None) => {}
            }
            let (name, href) = person(&site, id, spell.person);
            Row { name, href, before: String::new(), after: words(spell.role).to_owned(), how }
        });
        let between = between.collect();
        Found {
            from: date_time(first),
            to: date_time(last),
            same: counted(changes.same, "person", "people"),
            closed: changes.closed.1 && !changes.closed.0,
            parts: vec![
                ("Who came", "Nobody came.", rows(&changes.came)),
                ("Who left", "Nobody left.", rows(&changes.left)),
                ("Who has access in another way", "Nobody.", rows(&changes.otherwise)),
                ("Who had access only in between", "Nobody.", between),
            ],
        }
    });
    let status = faults.status();
    let name = site.app.organisation_name(id);
    Reply::page_with(status, &Page { frame, faults, id, name, from, to, found })
}

fn person(site: &Site, id: OrganisationId, person: PersonId) -> (String, String) {
    (site.app.name_of(person), links::audit_lineage(&id, &person))
}

fn roles(standing: &Standing) -> String {
    let all: Vec<&str> = standing.iter().map(|role| words(*role)).collect();
    if all.is_empty() { "No access".to_owned() } else { all.join(", ") }
}

impl Row {
    fn of(site: &Site, id: OrganisationId, change: &Change) -> Self {
        let came = change.came.iter().map(|grant| (grant.at, given(&site.app, grant)));
        let left = change.left.iter().map(|end| (end.at, ended(&site.app, end)));
        let mut how: Vec<_> = came.chain(left).collect();
        how.sort();
        // Access that is ended ends an approver's place with it: said once is enough.
        how.dedup();
        let how = how.into_iter().map(|(at, words)| (date_time(at), words)).collect();
        let (name, href) = person(site, id, change.person);
        Self { name, href, before: roles(&change.before), after: roles(&change.after), how }
    }
}
