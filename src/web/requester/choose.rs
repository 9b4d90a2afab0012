//! Choosing which school to act for, without signing in again.

use std::collections::BTreeMap;

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

/// How many organisations stand in one list. More are put under their local authorities: hundreds of schools share
/// a name, few of them an authority.
const MOST_IN_ONE_LIST: usize = 20;

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
    /// The local authority that it lies in, if that is known.
    authority: Option<String>,
    /// Its URN, in words, if it has one.
    urn: Option<String>,
    /// What tells it from another of the same name.
    hint: Option<String>,
    /// What it is, if it is anything but a school alone.
    what: Option<String>,
    /// Whether it is the one that the person acted for last.
    last: bool,
    current: bool,
}

/// Choices that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    /// What they have in common, if there are several groups.
    heading: Option<String>,
    /// The choices, each with its number on the page, from 1.
    choices: Vec<(usize, Choice)>,
}

/// The page.
#[derive(Template)]
#[template(path = "web/requester/choose.html")]
struct Page {
    frame: Frame,
    groups: Vec<Group>,
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

/// The open organisations of a session: the one that the person acted for last, then the others by name.
fn choices(site: &Site, signed_in: &SignedIn) -> Vec<Choice> {
    let mut found: Vec<Choice> = site.app.lists(|lists| {
        let theirs = signed_in.organisations.iter().filter_map(|id| lists.organisation(*id));
        let open = theirs.filter(|organisation| !organisation.closed);
        let last = lists.person(signed_in.person).and_then(|person| person.last_organisation);
        let choice = |organisation: &Organisation| Choice {
            id: organisation.id,
            name: organisation.name.to_string(),
            authority: organisation.local_authority.as_ref().map(|found| found.name.to_string()),
            urn: organisation.urn.map(|urn| format!("URN {urn}")),
            hint: None,
            last: last == Some(organisation.id),
            what: what(organisation),
            current: signed_in.organisation == Some(organisation.id),
        };
        open.map(choice).collect()
    });
    found.sort_by_cached_key(|choice| (!choice.last, choice.name.to_lowercase(), choice.id));
    found
}

/// The choices as they stand on the page: in one list, or under their local authorities if there are many. The one
/// that the person acted for last stands before all others.
fn grouped(choices: Vec<Choice>) -> Vec<Group> {
    let many = choices.len() > MOST_IN_ONE_LIST;
    let mut groups: BTreeMap<(u8, String), (Option<String>, Vec<Choice>)> = BTreeMap::new();
    for choice in choices {
        let (rank, heading) = match &choice.authority {
            _ if !many => (0, None),
            _ if choice.last => (0, Some("The one that you acted for last".to_owned())),
            Some(authority) => (1, Some(authority.clone())),
            None => (2, Some("No local authority recorded".to_owned())),
        };
        let key = (rank, heading.as_deref().unwrap_or_default().to_lowercase());
        groups.entry(key).or_insert_with(|| (heading, Vec::new())).1.push(choice);
    }
    let mut number = 0;
    let mut numbered = |choice| {
        number += 1;
        (number, choice)
    };
    let group = |(heading, mut choices): (Option<String>, Vec<Choice>)| {
        let under_authority = heading.is_some() && !choices.iter().any(|choice| choice.last);
        tell_apart(&mut choices, many, under_authority);
        Group { heading, choices: choices.into_iter().map(&mut numbered).collect() }
    };
    groups.into_values().map(group).collect()
}

/// Gives hints where names are alike: the local authority, unless it stands above, and the URN.
fn tell_apart(choices: &mut [Choice], many: bool, under_authority: bool) {
    let names: Vec<(OrganisationId, String)> =
        choices.iter().map(|choice| (choice.id, choice.name.clone())).collect();
    for choice in choices {
        // What stands alone above many others may have a namesake among those.
        let alone = many && choice.last;
        if alone || names.iter().any(|(id, name)| *id != choice.id && alike(name, &choice.name)) {
            let authority = choice.authority.as_deref().filter(|_| !under_authority);
            let parts: Vec<&str> = authority.into_iter().chain(choice.urn.as_deref()).collect();
            choice.hint = Some(parts.join(", ")).filter(|hint| !hint.is_empty());
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
            Reply::page(&Page { frame, groups: grouped(choices), return_to, faults: Faults::default() })
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
    let page = Page { frame, groups: grouped(choices), return_to: return_to.map(str::to_owned), faults };
    Reply::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

#[cfg(test)]
pub(super) mod tests {
    use vouchsafe_events::Uuid;

    use super::*;
    use crate::web::samples::{HOSTILE, frame};

    fn choice(id: u128, name: &str) -> Choice {
        Choice {
            id: OrganisationId::from_uuid(Uuid::from_u128(id)),
            name: name.to_owned(),
            authority: Some("Barnsley".to_owned()),
            urn: Some(format!("URN {HOSTILE}")),
            hint: None,
            what: None,
            last: false,
            current: false,
        }
    }

    /// So many schools called St Mary's, in three authorities and in none.
    fn saints(count: u128) -> Vec<Choice> {
        let authorities = [Some("Leeds"), None, Some("barnet"), Some("Dorset")];
        let saint = |(id, authority): (u128, Option<&str>)| Choice {
            authority: authority.map(str::to_owned),
            urn: Some(format!("URN {id}")),
            ..choice(id, "St Mary’s")
        };
        (1..=count).zip(authorities.iter().copied().cycle()).map(saint).collect()
    }

    pub(in crate::web::requester) fn samples() -> Vec<String> {
        let mut few = vec![choice(1, "St Mary’s"), choice(2, "St. Mary’s School"), choice(3, HOSTILE)];
        few[0].current = true;
        few[2].what = Some("lead provider".to_owned());
        let mut many = saints(24);
        many[5].last = true;
        many[7].authority = Some(HOSTILE.to_owned());
        let faults = || {
            let mut faults = Faults::default();
            faults.add("organisation", SELECT);
            faults
        };
        let page = |choices: &[Choice], faults, return_to: Option<&str>| Page {
            frame: frame(),
            groups: grouped(choices.to_vec()),
            return_to: return_to.map(str::to_owned),
            faults,
        };
        let pages = [
            page(&few, Faults::default(), None),
            page(&few, faults(), Some("/school/requests/1?x=\"><script>")),
            page(&many, faults(), None),
        ];
        pages.iter().map(|page| page.render().unwrap()).collect()
    }

    /// The hints, in the order of the page.
    fn hints(groups: &[Group]) -> Vec<Option<&str>> {
        groups.iter().flat_map(|group| &group.choices).map(|(_, choice)| choice.hint.as_deref()).collect()
    }

    #[test]
    fn only_schools_with_names_alike_are_told_apart() {
        let mut choices = saints(2);
        choices[1].name = "ST. MARYS Primary".to_owned();
        choices.push(choice(3, "Greenhill"));
        let groups = grouped(choices);
        assert_eq!(hints(&groups), [Some("Leeds, URN 1"), Some("URN 2"), None]);
        assert_eq!(groups[0].heading, None);
    }

    #[test]
    fn more_than_twenty_stand_under_their_local_authorities() {
        assert_eq!(grouped(saints(20)).len(), 1);
        let mut many = saints(22);
        many[3].last = true;
        let groups = grouped(many);
        let headings: Vec<_> = groups.iter().filter_map(|group| group.heading.as_deref()).collect();
        let last = "The one that you acted for last";
        assert_eq!(headings, [last, "barnet", "Dorset", "Leeds", "No local authority recorded"]);
        let numbers: Vec<usize> = groups.iter().flat_map(|group| &group.choices).map(|(n, _)| *n).collect();
        assert_eq!(numbers, (1..=22).collect::<Vec<_>>());
        assert_eq!(hints(&groups)[..2], [Some("Dorset, URN 4"), Some("URN 3")]);
    }
}
