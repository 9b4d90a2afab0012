//! The authorization endpoint and the pages that follow it.

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::grants::{Asked, Found, Grant, Interaction};
use super::{StandInProvider, choose, fault};
use crate::demo::directory::StandInDirectory;
use crate::demo::people::{Account, SamplePerson, person_by_sub};
use crate::demo::{random_token, same};

/// The parameters of an authorization request (OpenID Connect Core, 3.1.2.1) that are looked at.
#[derive(Deserialize)]
pub(super) struct Authorize {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    prompt: Option<String>,
}

/// `GET /auth`: checks what is asked, then shows who can be chosen.
pub(super) async fn authorize(
    State(provider): State<StandInProvider>,
    query: Result<Query<Authorize>, QueryRejection>,
) -> Response {
    let Ok(Query(ask)) = query else {
        return fault(StatusCode::BAD_REQUEST, "The service sent a parameter twice.");
    };
    let clients = &provider.0.clients;
    // Until client and address are known to be the service's, nobody may be sent anywhere.
    if !ask.client_id.as_deref().is_some_and(|id| same(id, &clients.client_id)) {
        return fault(StatusCode::BAD_REQUEST, "The service that sent you here is not registered.");
    }
    let Some(redirect_uri) = ask.redirect_uri.filter(|uri| clients.redirect_uris.contains(uri)) else {
        return fault(StatusCode::BAD_REQUEST, "The address to return to (redirect_uri) is not registered.");
    };
    let scope = ask.scope.unwrap_or_default();
    let challenge = ask.code_challenge.unwrap_or_default();
    let refusal = if ask.response_type.as_deref() != Some("code") {
        Some(("unsupported_response_type", "response_type must be code"))
    } else if !scope.split(' ').any(|one| one == "openid") {
        Some(("invalid_scope", "scope must contain openid"))
    } else if ask.code_challenge_method.as_deref() != Some("S256") || challenge.len() != 43 {
        Some(("invalid_request", "a PKCE code_challenge of method S256 is required"))
    } else if ask.prompt.as_deref() == Some("none") {
        Some(("login_required", "a person has to be chosen"))
    } else {
        None
    };
    let asked = Asked { redirect_uri, scope, state: ask.state, nonce: ask.nonce, challenge };
    if let Some((error, description)) = refusal {
        return answer(&provider, &asked, &[("error", error), ("error_description", description)]);
    }
    let Ok(id) = random_token() else {
        return fault(StatusCode::INTERNAL_SERVER_ERROR, "No random number could be drawn.");
    };
    let to = format!("/interaction/{id}");
    provider.grants(|grants| grants.begin(id, asked, provider.0.clock.now()));
    Redirect::to(&to).into_response()
}

/// The page with everybody on it.
pub(super) async fn chooser(
    State(provider): State<StandInProvider>,
    Path(id): Path<String>,
) -> Result<Response, Gone> {
    live(&provider, &id)?;
    Ok(choose::people_page(&provider.0.directory, &id))
}

/// Which person's button was pressed.
#[derive(Deserialize)]
pub(super) struct ChosenPerson {
    person: Uuid,
}

/// Someone was chosen: ask for the organisation if they have several, otherwise go back to the service.
pub(super) async fn person(
    State(provider): State<StandInProvider>,
    Path(id): Path<String>,
    form: Result<Form<ChosenPerson>, FormRejection>,
) -> Result<Response, Gone> {
    let interaction = live(&provider, &id)?;
    let chosen = form.ok().and_then(|Form(form)| signs_in(form.person));
    let Some(chosen) = chosen else {
        return Ok(fault(StatusCode::BAD_REQUEST, "Choose one of the people on the page."));
    };
    Ok(match StandInDirectory::offered(chosen).as_slice() {
        [] => finish(&provider, &id, interaction, chosen, None),
        [only] => finish(&provider, &id, interaction, chosen, Some(only.id())),
        _ => {
            provider.grants(|grants| grants.choose(&id, chosen.sub));
            Redirect::to(&format!("/interaction/{id}/organisation")).into_response()
        }
    })
}

/// The page with the chosen person's organisations.
pub(super) async fn organisations(
    State(provider): State<StandInProvider>,
    Path(id): Path<String>,
) -> Result<Response, Gone> {
    Ok(match live(&provider, &id)?.person.and_then(signs_in) {
        Some(person) => choose::organisations_page(person, &id),
        None => Redirect::to(&format!("/interaction/{id}")).into_response(),
    })
}

/// Which organisation's button was pressed.
#[derive(Deserialize)]
pub(super) struct ChosenOrganisation {
    organisation: Uuid,
}

/// An organisation was chosen: back to the service.
pub(super) async fn organisation(
    State(provider): State<StandInProvider>,
    Path(id): Path<String>,
    form: Result<Form<ChosenOrganisation>, FormRejection>,
) -> Result<Response, Gone> {
    let interaction = live(&provider, &id)?;
    let Some(chosen) = interaction.person.and_then(signs_in) else {
        return Ok(Redirect::to(&format!("/interaction/{id}")).into_response());
    };
    let offered = StandInDirectory::offered(chosen);
    let picked = form.ok().map(|Form(form)| form.organisation);
    Ok(match picked.filter(|picked| offered.iter().any(|one| one.id() == *picked)) {
        Some(picked) => finish(&provider, &id, interaction, chosen, Some(picked)),
        None => fault(StatusCode::BAD_REQUEST, "Choose one of the organisations on the page."),
    })
}

/// How to leave without signing in.
#[derive(Deserialize)]
pub(super) struct Leave {
    how: How,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    /// As if the sign-in had stood still too long.
    Expired,
    /// As if the person refused to let the service know the organisation.
    Refused,
    /// As after a password reset: back without a word.
    Bare,
}

/// Leaves the sign-in in one of the ways in which DfE Sign-in does.
pub(super) async fn leave(
    State(provider): State<StandInProvider>,
    Path(id): Path<String>,
    form: Result<Form<Leave>, FormRejection>,
) -> Result<Response, Gone> {
    let interaction = live(&provider, &id)?;
    let Ok(Form(Leave { how })) = form else {
        return Ok(fault(StatusCode::BAD_REQUEST, "Choose one of the ways on the page."));
    };
    provider.grants(|grants| grants.end(&id));
    Ok(match how {
        How::Expired => expired(&interaction.asked.redirect_uri),
        How::Refused => answer(&provider, &interaction.asked, &[("error", "consent_denied")]),
        How::Bare => Redirect::to(&interaction.asked.redirect_uri).into_response(),
    })
}

/// Someone who has an account that works.
fn signs_in(sub: Uuid) -> Option<&'static SamplePerson> {
    person_by_sub(sub).filter(|person| person.account == Account::Active)
}

/// Why a page of a sign-in cannot be shown.
pub(super) enum Gone {
    /// It stood still too long; this is where its answer goes.
    Lapsed(String),
    /// It has ended, or never was.
    Unknown,
}

impl IntoResponse for Gone {
    fn into_response(self) -> Response {
        match self {
            Self::Lapsed(redirect_uri) => expired(&redirect_uri),
            Self::Unknown => fault(
                StatusCode::BAD_REQUEST,
                "This sign-in has ended. Go back to the service and sign in again.",
            ),
        }
    }
}

/// The sign-in of that id, if it is under way.
fn live(provider: &StandInProvider, id: &str) -> Result<Interaction, Gone> {
    match provider.grants(|grants| grants.touch(id, provider.0.clock.now())) {
        Found::Live(interaction) => Ok(interaction),
        Found::Lapsed(asked) => Err(Gone::Lapsed(asked.redirect_uri)),
        Found::Unknown => Err(Gone::Unknown),
    }
}

/// Back to the service with a code.
fn finish(
    provider: &StandInProvider,
    id: &str,
    interaction: Interaction,
    person: &SamplePerson,
    organisation: Option<Uuid>,
) -> Response {
    let Ok(code) = random_token() else {
        return fault(StatusCode::INTERNAL_SERVER_ERROR, "No random number could be drawn.");
    };
    let at = provider.0.clock.now();
    let asked = interaction.asked;
    provider.grants(|grants| {
        grants.end(id);
        grants.issue(code.clone(), Grant { asked: asked.clone(), sub: person.sub, organisation, at });
    });
    answer(provider, &asked, &[("code", &code)])
}

/// DfE Sign-in's answer when a sign-in stood still too long: no `state`, no `iss`.
fn expired(redirect_uri: &str) -> Response {
    back(redirect_uri, &[("error", "sessionexpired")])
}

/// An answer to the service, with the state it sent and the issuer (RFC 9207).
fn answer(provider: &StandInProvider, asked: &Asked, parameters: &[(&str, &str)]) -> Response {
    let mut all = parameters.to_vec();
    if let Some(state) = &asked.state {
        all.push(("state", state));
    }
    all.push(("iss", &provider.0.issuer));
    back(&asked.redirect_uri, &all)
}

/// Sends the browser to an address with these parameters added.
pub(super) fn back(uri: &str, parameters: &[(&str, &str)]) -> Response {
    let Ok(mut to) = url::Url::parse(uri) else {
        return fault(StatusCode::BAD_REQUEST, "The registered address to return to is not a URL.");
    };
    if !parameters.is_empty() {
        to.query_pairs_mut().extend_pairs(parameters);
    }
    Redirect::to(to.as_str()).into_response()
}
