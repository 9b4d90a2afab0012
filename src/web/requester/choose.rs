//! Choosing which school to act for, without signing in again.

use askama::Template;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::OrganisationId;
use vouchsafe_projections::Organisation;

use crate::domain::person::ChooseRefused;
use crate::web::form::{Faults, Personal};
use crate::web::problem::{Forbidden, refused};
use crate::web::{Frame, Problem, Reply, SignedIn, Site, links};

/// What is said when no school, or none of theirs, is chosen.
const SELECT: &str = "Select the organisation that you want to act for";

/// Where to go on to.
#[derive(Debug, Deserialize)]
pub(super) struct Onwards {
    return_to: Option<String>,
}

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    organisation: Option<String>,
    return_to: Option<String>,
}

/// A school to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    id: OrganisationId,
    name: String,
    /// What tells it from another of the same name: its local authority and its URN.
    hint: Option<String>,
    /// What it is, if it is anything but a school alone.
    what: Option<String>,
    current: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "web/requester/choose.html")]
struct Page {
    frame: Frame,
    choices: Vec<Choice>,
    return_to: Option<String>,
    faults: Faults,
}

/// Whether people could take one name for the other: they are the same but for case and punctuation, or one
/// goes on where the other ends.
fn alike(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let (one, other) = (plain(one), plain(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// What an organisation is, if it is anything but a school alone.
fn what(organisation: &Organisation) -> Option<String> {
    organisation.has_user_list().then(|| crate::web::kinds::kinds(&organisation.kinds))
}

/// What tells a school from its namesakes.
fn hint(organisation: &Organisation) -> Option<String> {
    let authority = organisation.local_authority.as_ref().map(|found| found.name.to_string());
    let urn = organisation.urn.map(|urn| format!("URN {urn}"));
    match (authority, urn) {
        (Some(authority), Some(urn)) => Some(format!("{authority}, {urn}")),
        (authority, urn) => authority.or(urn),
    }
}

/// The open organisations of a session: the one that the person acted for last, then the others by name.
fn choices(site: &Site, signed_in: &SignedIn) -> Vec<Choice> {
    let mut found: Vec<Choice> = site.app.lists(|lists| {
        let theirs = signed_in.organisations.iter().filter_map(|id| lists.organisation(*id));
        let open = theirs.filter(|organisation| !organisation.closed);
        let choice = |organisation: &Organisation| Choice {
            id: organisation.id,
            name: organisation.name.to_string(),
            hint: hint(organisation),
            what: what(organisation),
            current: signed_in.organisation == Some(organisation.id),
        };
        open.map(choice).collect()
    });
    let last = site.app.lists(|lists| lists.person(signed_in.person)?.last_organisation);
    found.sort_by_cached_key(|choice| (Some(choice.id) != last, choice.name.to_lowercase(), choice.id));
    tell_apart(&mut found);
    found
}

/// Leaves the hints only where names are alike.
fn tell_apart(choices: &mut [Choice]) {
    let names: Vec<(OrganisationId, String)> =
        choices.iter().map(|choice| (choice.id, choice.name.clone())).collect();
    for choice in choices {
        if !names.iter().any(|(id, name)| *id != choice.id && alike(name, &choice.name)) {
            choice.hint = None;
        }
    }
}

/// The form; whoever has nothing to choose is sent on.
pub(super) async fn form(
    State(site): State<Site>,
    signed_in: SignedIn,
    frame: Frame,
    Query(query): Query<Onwards>,
) -> Result<Reply, Problem> {
    let choices = choices(&site, &signed_in);
    match choices.as_slice() {
        [] if signed_in.organisations.is_empty() => Ok(Reply::to(links::HOME)),
        [] => Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
        [only] if only.current => Ok(Reply::to(links::HOME)),
        _ => {
            let return_to = query.return_to.as_deref().and_then(links::own_path).map(str::to_owned);
            Reply::page(&Page { frame, choices, return_to, faults: Faults::default() })
        }
    }
}

/// Acts for another school from now on.
pub(super) async fn choose(
    State(site): State<Site>,
    signed_in: SignedIn,
    frame: Frame,
    Personal(form): Personal<Form>,
) -> Result<Reply, Problem> {
    let return_to = form.return_to.as_deref().and_then(links::own_path);
    let choices = choices(&site, &signed_in);
    let chosen = form.organisation.as_deref().and_then(|id| id.parse::<OrganisationId>().ok());
    let chosen = chosen.and_then(|id| choices.iter().find(|choice| choice.id == id));
    if let Some(chosen) = chosen {
        let refusal = match site.app.choose(signed_in.person, signed_in.session, chosen.id).await {
            Ok(done) => {
                let on = Reply::to(return_to.unwrap_or(links::HOME)).wrote(done.position);
                return Ok(on.done(format!("You are now acting for {}.", chosen.name)));
            }
            Err(failure) => refused(failure)?,
        };
        match refusal {
            ChooseRefused::NoSession => {
                return Err(Problem::SignIn { return_to: Some(links::CHOOSE.to_owned()), ended: true });
            }
            // Said below, like a choice that is not on the page.
            ChooseRefused::NotTheirs => {}
        }
    }
    let mut faults = Faults::default();
    faults.add("organisation", SELECT);
    let page = Page { frame, choices, return_to: return_to.map(str::to_owned), faults };
    Reply::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

#[cfg(test)]
pub(super) mod tests {
    use vouchsafe_events::Uuid;

    use super::*;
    use crate::web::samples::{HOSTILE, frame};

    fn choice(id: u128, name: &str) -> Choice {
        let id = OrganisationId::from_uuid(Uuid::from_u128(id));
        let hint = Some(format!("Barnsley, URN {HOSTILE}"));
        Choice { id, name: name.to_owned(), hint, what: None, current: false }
    }

    pub(in crate::web::requester) fn samples() -> Vec<String> {
        let mut choices = vec![choice(1, "St Mary’s"), choice(2, "St. Mary’s School"), choice(3, HOSTILE)];
        tell_apart(&mut choices);
        choices[0].current = true;
        choices[2].what = Some("lead provider".to_owned());
        let mut faults = Faults::default();
        faults.add("organisation", SELECT);
        let page = |faults, return_to: Option<&str>| Page {
            frame: frame(),
            choices: choices.clone(),
            return_to: return_to.map(str::to_owned),
            faults,
        };
        let pages = [page(Faults::default(), None), page(faults, Some("/school/requests/1?x=\"><script>"))];
        pages.iter().map(|page| page.render().unwrap()).collect()
    }

    #[test]
    fn only_schools_with_names_alike_are_told_apart() {
        let mut choices = [choice(1, "St Mary’s"), choice(2, "ST. MARYS Primary"), choice(3, "Greenhill")];
        tell_apart(&mut choices);
        assert_eq!(choices.map(|choice| choice.hint.is_some()), [true, true, false]);
    }
}
