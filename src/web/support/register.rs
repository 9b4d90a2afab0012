//! Registers an organisation that is no school, and changes what one is and what it is called.

use askama::Template;
use axum::extract::State;
use vouchsafe_events::{OrganisationId, OrganisationKind, Ukprn};
use vouchsafe_projections::Organisation;

use super::{KINDS, actor, found};
use crate::domain::organisation::users::{ChangeRefused, Fresh};
use crate::web::form::{Faults, Personal};
use crate::web::path::Id;
use crate::web::problem::refused;
use crate::web::{Frame, Problem, Reply, Site, Support, links};

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Typed {
    name: String,
    ukprn: String,
    kinds: Vec<String>,
    closed: bool,
}

/// The form: for a new organisation, or one that is known.
#[derive(Template)]
#[template(path = "web/support/register.html")]
struct Page {
    frame: Frame,
    known: Option<Organisation>,
    typed: Typed,
    faults: Faults,
}

impl Page {
    fn heading(&self) -> &'static str {
        if self.known.is_some() { "Change an organisation" } else { "Register an organisation" }
    }

    fn has(&self, value: &str) -> bool {
        self.typed.kinds.iter().any(|kind| kind == value)
    }

    fn is_school(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.is(OrganisationKind::School))
    }
}

impl Typed {
    fn of(fields: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (field, value) in fields {
            match field.as_str() {
                "name" => typed.name = value,
                "ukprn" => typed.ukprn = value,
                "kind" => typed.kinds.push(value),
                "closed" => typed.closed = true,
                _ => {}
            }
        }
        typed
    }

    fn kinds(&self) -> Vec<OrganisationKind> {
        let chosen = KINDS.iter().filter(|(value, ..)| self.kinds.iter().any(|kind| kind == value));
        chosen.map(|(_, kind, _)| *kind).collect()
    }

    fn name(&self, faults: &mut Faults) -> String {
        let shown = |c: &char| {
            !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        let name: String = self.name.trim().chars().filter(shown).collect();
        if name.is_empty() {
            faults.add("name", "Enter the organisation’s name");
        } else if name.chars().count() > LONGEST_NAME {
            faults.add("name", format!("Name must be {LONGEST_NAME} characters or less"));
        }
        name
    }

    fn ukprn(&self, faults: &mut Faults) -> Option<Ukprn> {
        if self.ukprn.trim().is_empty() {
            return None;
        }
        let ukprn = self.ukprn.parse();
        if ukprn.is_err() {
            faults.add("ukprn", "UKPRN must be 8 numbers, like 10012345");
        }
        ukprn.ok()
    }
}

fn respond(
    frame: Frame,
    known: Option<Organisation>,
    typed: Typed,
    faults: Faults,
) -> Result<Reply, Problem> {
    let status = faults.status();
    Reply::page_with(status, &Page { frame, known, typed, faults })
}

/// Says what was refused beside its field.
fn fault(refused: ChangeRefused, faults: &mut Faults) -> Result<(), Problem> {
    match refused {
        ChangeRefused::NoKind => faults.add("kind-1", "Select what the organisation is"),
        ChangeRefused::Register => {
            faults.add(
                "kind-1",
                "The register of schools says what is a school, what it is called and whether it is open",
            );
        }
        ChangeRefused::Unknown | ChangeRefused::Known => return Err(Problem::NotFound),
    }
    Ok(())
}

/// The form for a new one.
pub(super) async fn form(_: Support, frame: Frame) -> Result<Reply, Problem> {
    respond(frame, None, Typed::default(), Faults::default())
}

/// Registers.
pub(super) async fn register(
    State(site): State<Site>,
    by: Support,
    frame: Frame,
    Personal(fields): Personal<Vec<(String, String)>>,
) -> Result<Reply, Problem> {
    let typed = Typed::of(fields);
    let mut faults = Faults::default();
    let (name, ukprn) = (typed.name(&mut faults), typed.ukprn(&mut faults));
    let kinds = typed.kinds();
    if kinds.is_empty() {
        fault(ChangeRefused::NoKind, &mut faults)?;
    }
    let lower = name.to_lowercase();
    let twin = site.app.lists(|lists| {
        lists.organisations().any(|one| one.has_user_list() && one.name.to_lowercase() == lower)
    });
    if twin {
        faults.add("name", "An organisation with this name is registered already");
    }
    if faults.is_empty() {
        let fresh = Fresh { name: name.as_str().into(), kinds, ukprn };
        match site.app.register_organisation(&fresh, actor(&by)).await {
            Ok(id) => {
                let reply =
                    Reply::to(&links::support_organisation(&id)).wrote(site.app.following().position());
                return Ok(reply.done(format!("{name} is registered.")));
            }
            Err(failure) => fault(refused(failure)?, &mut faults)?,
        }
    }
    respond(frame, None, typed, faults)
}

/// The form for one that is known.
pub(super) async fn change_form(
    State(site): State<Site>,
    _: Support,
    Id(id): Id<OrganisationId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let known = found(&site, id)?;
    let kinds = KINDS.iter().filter(|(_, kind, _)| known.is(*kind)).map(|(value, ..)| (*value).to_owned());
    let typed = Typed {
        name: known.name.to_string(),
        ukprn: String::new(),
        kinds: kinds.collect(),
        closed: known.closed,
    };
    respond(frame, Some(known), typed, Faults::default())
}

/// Changes.
pub(super) async fn change(
    State(site): State<Site>,
    by: Support,
    Id(id): Id<OrganisationId>,
    frame: Frame,
    Personal(fields): Personal<Vec<(String, String)>>,
) -> Result<Reply, Problem> {
    let known = found(&site, id)?;
    let typed = Typed::of(fields);
    let mut faults = Faults::default();
    let mut kinds = typed.kinds();
    let is_school = known.is(OrganisationKind::School);
    if is_school {
        kinds.push(OrganisationKind::School);
    }
    let name = if is_school { known.name.to_string() } else { typed.name(&mut faults) };
    if faults.is_empty() {
        let changed = match site.app.change_kinds(id, &kinds, actor(&by)).await {
            Ok(done) if is_school => Ok(done),
            Ok(_) => site.app.change_organisation(id, Some(&name), Some(!typed.closed), actor(&by)).await,
            Err(failure) => Err(failure),
        };
        match changed {
            Ok(done) => {
                let reply = Reply::to(&links::support_organisation(&id)).wrote(done.position);
                return Ok(reply.done("The organisation is as you said."));
            }
            Err(failure) => fault(refused(failure)?, &mut faults)?,
        }
    }
    respond(frame, Some(known), typed, faults)
}
