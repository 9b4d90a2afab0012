//! A picture of everybody's access to one organisation through time, and the same as tables.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{RawQuery, State};
use vouchsafe_events::{OrganisationId, PersonId, Timestamp};

use super::asked::Typed;
use super::drawing::{Row, Span, draw};
use super::look;
use super::organisation::words;
use crate::audit::lineage::{Ledger, ended, given};
use crate::web::pagination::{self, Item, Pagination};
use crate::web::path::Id;
use crate::web::when::{date, date_time};
use crate::web::words::counted;
use crate::web::{Auditor, Frame, Problem, Reply, Site, links};

/// How many people are in one picture.
const PER_PAGE: usize = 200;

/// How many sign-ins of one person are looked up: more could not be told apart in the picture.
const MOST_SIGN_INS: usize = 300;

/// A time of a person's access, for the table.
struct Spell {
    role: &'static str,
    from: String,
    until: String,
    by: String,
    end: String,
}

/// A person, for the table.
struct Person {
    name: String,
    href: String,
    spells: Vec<Spell>,
    sign_ins: String,
    decisions: String,
}

#[derive(Template)]
#[template(path = "web/audit/picture.html")]
struct Page {
    frame: Frame,
    id: OrganisationId,
    name: String,
    /// None if nobody ever had access.
    drawing: Option<String>,
    people: Vec<Person>,
    shut: Vec<(String, String)>,
    pagination: Pagination,
    all: String,
    /// Whether some may have signed in more often than is counted.
    most: usize,
}

/// Shows the picture.
pub(super) async fn show(
    State(site): State<Site>,
    by: Auditor,
    frame: Frame,
    Id(id): Id<OrganisationId>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let replay = look::organisation(&site, &by, id).await?;
    let ledger = Ledger::of(replay.events());
    let typed = Typed::of_query(query.as_deref().unwrap_or_default());
    let page = typed.field("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let mut order: Vec<PersonId> = Vec::new();
    let mut known = BTreeSet::new();
    for spell in &ledger.spells {
        if known.insert(spell.person) {
            order.push(spell.person);
        }
    }
    let path = links::audit_picture(&id);
    let paged = pagination::cut(&order, PER_PAGE, page, &path, &[]);
    let sign_ins = look::sign_ins(&site, id, paged.items.to_vec(), MOST_SIGN_INS).await?;
    let now = site.app.now();
    let mut marks: BTreeMap<PersonId, (Vec<Timestamp>, Vec<Timestamp>)> = BTreeMap::new();
    for (person, at) in sign_ins {
        marks.entry(person).or_default().0.push(at);
    }
    for decision in &ledger.decisions {
        marks.entry(decision.by).or_default().1.push(decision.at);
    }
    let begin = ledger.spells.iter().map(|spell| spell.from).min();
    let span = begin.map(|from| Span { from, to: now.max(from.plus_seconds(1)) });
    let name = site.app.organisation_name(id);
    let all = counted(order.len(), "person has had access", "people have had access");
    let shut: Vec<(Timestamp, Timestamp)> =
        ledger.shut.iter().map(|(from, to)| (*from, to.unwrap_or(now))).collect();
    let drawing = span.map(|span| {
        let none = (Vec::new(), Vec::new());
        let row = |person: &PersonId| {
            let (sign_ins, decisions) = marks.get(person).unwrap_or(&none).clone();
            Row { name: site.app.name_of(*person), bars: bars(&ledger, *person, now), sign_ins, decisions }
        };
        let rows: Vec<Row> = paged.items.iter().map(row).collect();
        let text = format!(
            "{all}. From {} until {}. The tables after the picture say the same.",
            date(span.from),
            date(span.to)
        );
        draw(&format!("Access to {name} through time"), &text, &rows, &shut, span)
    });
    let people = paged.items.iter().map(|person| Person::of(&site, &ledger, id, *person, &marks, now));
    let until = |to: Option<Timestamp>| to.map_or_else(|| "now".to_owned(), date_time);
    let shut = ledger.shut.iter().map(|(from, to)| (date_time(*from), until(*to))).collect();
    let (people, pagination, most) = (people.collect(), paged.pagination, MOST_SIGN_INS);
    Reply::page(&Page { frame, id, name, drawing, people, shut, pagination, all, most })
}

/// When a person had access and as what, without the times for which the organisation was closed.
fn bars(
    ledger: &Ledger,
    person: PersonId,
    now: Timestamp,
) -> Vec<(crate::audit::lineage::Role, Timestamp, Timestamp)> {
    let mut bars = Vec::new();
    for spell in ledger.spells_of(person) {
        let (mut from, to) = (spell.from, ledger.ended(spell, now).unwrap_or(now));
        for (closed, opened) in &ledger.shut {
            if *closed > from && *closed < to {
                bars.push((spell.role, from, *closed));
            }
            if *closed < to {
                from = from.max(opened.unwrap_or(to));
            }
        }
        if from < to || spell.from == to {
            bars.push((spell.role, from, to));
        }
    }
    bars
}

impl Person {
    fn of(
        site: &Site,
        ledger: &Ledger,
        id: OrganisationId,
        person: PersonId,
        marks: &BTreeMap<PersonId, (Vec<Timestamp>, Vec<Timestamp>)>,
        now: Timestamp,
    ) -> Self {
        let spells = ledger.spells_of(person).map(|spell| {
            let over = ledger.ended(spell, now);
            let first = spell.grants.first().and_then(|grant| ledger.grants.get(*grant));
            Spell {
                role: words(spell.role),
                from: date_time(spell.from),
                until: over.map_or_else(|| "Goes on".to_owned(), date_time),
                by: first.map(|grant| given(&site.app, grant)).unwrap_or_default(),
                end: match (spell.end, over) {
                    (Some(end), _) => ended(&site.app, &end),
                    (None, Some(_)) => "The end date came".to_owned(),
                    (None, None) => String::new(),
                },
            }
        });
        let of = |times: Option<&Vec<Timestamp>>| {
            let times = times.map_or(&[][..], Vec::as_slice);
            let last = times.iter().max();
            last.map_or_else(
                || "None".to_owned(),
                |last| format!("{}, the last on {}", times.len(), date(*last)),
            )
        };
        let marks = marks.get(&person);
        Self {
            name: site.app.name_of(person),
            href: links::audit_lineage(&id, &person),
            spells: spells.collect(),
            sign_ins: of(marks.map(|(sign_ins, _)| sign_ins)),
            decisions: of(marks.map(|(_, decisions)| decisions)),
        }
    }
}
