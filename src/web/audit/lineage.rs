//! On whose authority a person has access to an organisation, and who has it on theirs.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use vouchsafe_events::{OrganisationId, PersonId, Timestamp};

use super::asked::{Asked, Typed};
use super::instant::Field;
use super::look;
use super::organisation::words;
use crate::audit::lineage::{Ledger, Lineage, MOST_STEPS, Node, Step, ended, given};
use crate::web::form::Faults;
use crate::web::when::{date_iso, date_time};
use crate::web::words::counted;
use crate::web::{Auditor, Frame, Problem, Reply, Site, links, sheet};

/// A line of a tree, with what opens after it and closes after that.
struct Line {
    text: String,
    href: String,
    /// The name of whoever it was given to, which leads on.
    name: String,
    /// Whether it no longer stands.
    over: bool,
    /// Whether a list begins below it.
    opens: bool,
    /// How many lists end after it.
    closes: usize,
}

/// A place that rests on the person.
struct Resting {
    name: String,
    href: String,
    history: String,
    organisation: String,
    role: &'static str,
    since: String,
    how: String,
}

/// A spell of theirs.
struct Spell {
    role: &'static str,
    from: String,
    until: String,
    by: String,
    end: String,
}

/// What is shown at the instant.
struct Shown {
    at: String,
    /// Whether it is how things stand now.
    now: bool,
    back: Vec<Line>,
    forward: Vec<Line>,
    resting: Vec<Resting>,
    count: String,
    csv: String,
    /// Whether there is more than is shown.
    cut: bool,
}

#[derive(Template)]
#[template(path = "web/audit/lineage.html")]
struct Page {
    frame: Frame,
    faults: Faults,
    organisation: OrganisationId,
    person: PersonId,
    place: String,
    name: String,
    field: Field,
    history: String,
    spells: Vec<Spell>,
    shown: Option<Shown>,
}

/// Reads a path.
fn ids(path: &(String, String)) -> Result<(OrganisationId, PersonId), Problem> {
    let unknown = |_| Problem::NotFound;
    Ok((path.0.parse().map_err(unknown)?, path.1.parse().map_err(unknown)?))
}

async fn read(
    site: &Site,
    by: &Auditor,
    organisation: OrganisationId,
    person: PersonId,
) -> Result<Lineage, Problem> {
    look::is_known(site, person)?;
    let replay = look::organisation(site, by, organisation).await?;
    look::lineage(site, organisation, Ledger::of(replay.events())).await
}

/// Shows both directions.
pub(super) async fn show(
    State(site): State<Site>,
    by: Auditor,
    frame: Frame,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let (organisation, person) = ids(&path)?;
    let lineage = read(&site, &by, organisation, person).await?;
    let typed = Typed::of_query(query.as_deref().unwrap_or_default());
    let now = site.app.now();
    let mut faults = Faults::default();
    let field = Field::read(&typed, "at", Some(now), now, &mut faults);
    let shown = field.at.map(|at| Shown::of(&site, &lineage, organisation, person, at, !field.given));
    let ledger = lineage.ledger(organisation);
    let spells = ledger.map_or_else(Vec::new, |ledger| {
        ledger.spells_of(person).map(|spell| Spell::of(&site, ledger, spell, now)).collect()
    });
    let history = Asked { school: Some(organisation), person: Some(person), ..Asked::default() }.url();
    let (place, name) = (site.app.organisation_name(organisation), site.app.name_of(person));
    let status = faults.status();
    let page = Page { frame, faults, organisation, person, place, name, field, history, spells, shown };
    Reply::page_with(status, &page)
}

/// What rests on them, as CSV.
pub(super) async fn download(
    State(site): State<Site>,
    by: Auditor,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let (organisation, person) = ids(&path)?;
    let lineage = read(&site, &by, organisation, person).await?;
    let typed = Typed::of_query(query.as_deref().unwrap_or_default());
    let now = site.app.now();
    let mut faults = Faults::default();
    let at = Field::read(&typed, "at", Some(now), now, &mut faults).at.ok_or(Problem::BadRequest)?;
    let nodes = lineage.standing(&lineage.forward(organisation, person), at);
    let rows = nodes.into_iter().filter_map(|node| {
        let grant = lineage.grant(node)?;
        Some([
            site.app.name_of(grant.person),
            site.app.email_of(grant.person),
            grant.person.to_string(),
            site.app.organisation_name(node.organisation),
            node.organisation.to_string(),
            words(grant.role).to_owned(),
            grant.at.to_string(),
            given(&site.app, grant),
        ])
    });
    let headings = ["Name", "Email", "Person", "Organisation", "Organisation id", "As", "Since (UTC)", "How"];
    sheet::send(sheet::sheet(headings, rows), &format!("resting-{}", date_iso(at)))
}

impl Shown {
    fn of(
        site: &Site,
        lineage: &Lineage,
        organisation: OrganisationId,
        person: PersonId,
        at: Timestamp,
        now: bool,
    ) -> Self {
        let places = lineage.places(organisation, person, at);
        let back: Vec<Step> = places.iter().flat_map(|node| lineage.back(*node)).collect();
        let mut forward = lineage.forward(organisation, person);
        let cut = lineage.is_cut() || forward.len() >= MOST_STEPS || back.len() >= MOST_STEPS;
        forward.retain(|step| lineage.grant(step.node).is_some_and(|grant| grant.at <= at));
        let standing = lineage.standing(&forward, at);
        let resting: Vec<Resting> =
            standing.iter().filter_map(|node| Resting::of(site, lineage, organisation, *node)).collect();
        let csv = format!("{}/resting.csv", links::audit_lineage(&organisation, &person));
        let csv = if now { csv } else { super::with_at(&csv, at) };
        Self {
            at: date_time(at),
            now,
            back: lines(site, lineage, &back, at),
            forward: lines(site, lineage, &forward, at),
            count: counted(resting.len(), "place rests", "places rest"),
            resting,
            csv,
            cut,
        }
    }
}

fn lines(site: &Site, lineage: &Lineage, steps: &[Step], at: Timestamp) -> Vec<Line> {
    let depth = |number: usize| steps.get(number).map(|step| step.depth);
    let line = |(number, step): (usize, &Step)| {
        let grant = lineage.grant(step.node)?;
        let next = depth(number + 1).unwrap_or(0);
        let role = match grant.gave {
            crate::audit::lineage::Gave::Place => words(grant.role),
            crate::audit::lineage::Gave::EndDate => "Another end date",
        };
        let place = site.app.organisation_name(step.node.organisation);
        let when = date_time(grant.at);
        Some(Line {
            text: format!(", {} at {place}: {}, {when}", lower(role), given(&site.app, grant)),
            href: links::audit_lineage(&step.node.organisation, &grant.person),
            name: site.app.name_of(grant.person),
            over: !lineage.stands(step.node, at),
            opens: next > step.depth,
            closes: step.depth.saturating_sub(next),
        })
    };
    steps.iter().enumerate().filter_map(line).collect()
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

impl Resting {
    fn of(site: &Site, lineage: &Lineage, at: OrganisationId, node: Node) -> Option<Self> {
        let grant = lineage.grant(node)?;
        let (id, person) = (node.organisation, grant.person);
        let elsewhere = id != at;
        let history = Asked { school: Some(id), person: Some(person), ..Asked::default() }.url();
        Some(Self {
            name: site.app.name_of(person),
            href: links::audit_lineage(&id, &person),
            history,
            organisation: if elsewhere { site.app.organisation_name(id) } else { String::new() },
            role: words(grant.role),
            since: date_time(grant.at),
            how: given(&site.app, grant),
        })
    }
}

impl Spell {
    fn of(site: &Site, ledger: &Ledger, spell: &crate::audit::lineage::Spell, now: Timestamp) -> Self {
        let grants = spell.grants.iter().filter_map(|grant| ledger.grants.get(*grant));
        let by: Vec<String> =
            grants.map(|grant| format!("{} ({})", given(&site.app, grant), date_time(grant.at))).collect();
        let over = ledger.ended(spell, now);
        let end = match (spell.end, over) {
            (Some(end), _) => ended(&site.app, &end),
            (None, Some(_)) => "The end date came".to_owned(),
            (None, None) => String::new(),
        };
        Self {
            role: words(spell.role),
            from: date_time(spell.from),
            until: over.map_or_else(|| "Goes on".to_owned(), date_time),
            by: by.join("; "),
            end,
        }
    }
}
