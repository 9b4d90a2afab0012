//! A person, for auditors: where they had to do with anything, and their sessions at an instant.

use askama::Template;
use axum::extract::{RawQuery, State};
use vouchsafe_events::{Method, PersonId, Timestamp};

use super::asked::{Asked, Typed};
use super::instant::Field;
use super::{look, with_at};
use crate::web::form::Faults;
use crate::web::path::Id;
use crate::web::when::date_time;
use crate::web::{Auditor, Frame, Problem, Reply, Site, links};

/// An organisation that they had to do with.
struct Place {
    name: String,
    href: String,
}

/// A session that could be used at the instant.
struct Session {
    began: String,
    expires: String,
    how: &'static str,
    organisation: String,
    network: String,
    device: String,
}

/// The state at the instant.
struct Stood {
    at: String,
    sessions: Vec<Session>,
    before: Option<(String, String)>,
    after: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "web/audit/person.html")]
struct Page {
    frame: Frame,
    faults: Faults,
    id: PersonId,
    name: String,
    email: String,
    field: Field,
    history: String,
    places: Vec<Place>,
    idle: i64,
    stood: Option<Stood>,
}

/// Shows a person.
pub(super) async fn show(
    State(site): State<Site>,
    by: Auditor,
    frame: Frame,
    Id(id): Id<PersonId>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let replay = look::person(&site, &by, id).await?;
    let typed = Typed::of_query(query.as_deref().unwrap_or_default());
    let now = site.app.now();
    let mut faults = Faults::default();
    let field = Field::read(&typed, "at", Some(now), now, &mut faults);
    let mut places: Vec<Place> = Vec::new();
    for organisation in look::places(&site, id).await? {
        let name = site.app.organisation_name(organisation);
        places.push(Place { name, href: links::audit_lineage(&organisation, &id) });
    }
    places.sort_by(|a, b| a.name.cmp(&b.name));
    let stood = field.at.map(|at| {
        let change = |found: Option<Timestamp>| {
            let found = found.filter(|change| *change <= now)?;
            Some((with_at(&links::audit_person(&id), found), date_time(found)))
        };
        let lists = replay.lists(at);
        let sessions = lists.sessions_of(id, at).map(|session| Session {
            began: date_time(session.began),
            expires: date_time(session.expires),
            how: match session.method {
                Method::DfeSignIn => "DfE Sign-in",
                Method::OneTimePassword => "Security code",
            },
            organisation: session.organisation.map(|id| site.app.organisation_name(id)).unwrap_or_default(),
            network: site.app.show(&session.network),
            device: site.app.show(&session.device),
        });
        Stood {
            at: date_time(at),
            sessions: sessions.collect(),
            before: change(replay.change_before(at)),
            after: change(replay.change_after(at)),
        }
    });
    let history = Asked { person: Some(id), ..Asked::default() }.url();
    let (name, email) = (site.app.name_of(id), site.app.email_of(id));
    let idle = site.app.limits().idle_seconds / 60;
    let status = faults.status();
    Reply::page_with(status, &Page { frame, faults, id, name, email, field, history, places, idle, stood })
}
