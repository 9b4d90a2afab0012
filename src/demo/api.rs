//! Stand-in for DfE Sign-in's public API: the calls by which a service asks what a person may do where.
//!
//! Source of the shapes: the public README of DfE's `login.dfe.public-api`.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::directory::{Shape, StandInDirectory, organisation_json};
use super::people::{
    Account, OrganisationRole, SampleOrganisation, SamplePerson, SamplePlace, people, school, schools,
};
use super::provider::bearer;
use super::{Clients, capitals, same};
use crate::clock::Clock;

/// The audience of callers' tokens.
const AUDIENCE: &str = "signin.education.gov.uk";
/// How many rows a page has if the caller does not say.
const PAGE_SIZE: usize = 25;
/// DfE Sign-in's id of someone who is on a list of approvers and whom its directory no longer finds.
const GONE: Uuid = Uuid::from_u128(0x0d0d_5e1f_0000_4000_8000_0000_0000_0001);

#[derive(Clone)]
struct Api {
    clients: Arc<Clients>,
    directory: Arc<StandInDirectory>,
    clock: Arc<dyn Clock>,
}

/// The API's calls.
pub(super) fn router(
    clients: Arc<Clients>,
    directory: Arc<StandInDirectory>,
    clock: Arc<dyn Clock>,
) -> Router {
    let api = Api { clients, directory, clock };
    Router::new()
        .route("/services/{service}/organisations/{organisation}/users/{user}", get(access))
        .route("/users/{user}/organisations", get(organisations_brief))
        .route("/users/{user}/v2/organisations", get(organisations_full))
        .route("/users/{user}/organisationservices", get(organisation_services))
        .route("/users/approvers", get(approvers))
        .layer(axum::middleware::from_fn_with_state(api.clone(), authorised))
        .with_state(api)
}

/// Lets a call through if it has a good token.
async fn authorised(State(api): State<Api>, request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let now = api.clock.now().micros().div_euclid(1_000_000);
    match header.and_then(bearer).and_then(Token::parse) {
        None => (StatusCode::UNAUTHORIZED, "Missing or malformed authorization header").into_response(),
        Some(token) if token.is_good(&api.clients, now) => next.run(request).await,
        Some(_) => (StatusCode::FORBIDDEN, "Invalid token").into_response(),
    }
}

/// A caller's token (RFC 7515, compact), taken apart and not yet believed.
struct Token<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    header: Value,
    claims: Value,
}

impl<'a> Token<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { signed, signature, header: json(header)?, claims: json(claims)? })
    }

    /// HS256 under the API secret, from the service, for this API, and not expired if it says when it does.
    fn is_good(&self, clients: &Clients, now: i64) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, clients.api_secret.expose().as_bytes());
        let text = |claim| self.claims.get(claim).and_then(Value::as_str).unwrap_or_default();
        let in_time = self.claims.get("exp").is_none_or(|exp| exp.as_i64().is_some_and(|exp| now < exp));
        self.header.get("alg").and_then(Value::as_str) == Some("HS256")
            && hmac::verify(&key, self.signed.as_bytes(), &self.signature).is_ok()
            && same(text("iss"), &clients.client_id)
            && text("aud") == AUDIENCE
            && in_time
    }
}

/// Someone with an account, by an id in either case.
fn known(user: &str) -> Option<&'static SamplePerson> {
    let sub = Uuid::parse_str(user).ok()?;
    people().iter().find(|person| person.sub == sub && person.account != Account::None)
}

fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

/// `GET /services/{sid}/organisations/{oid}/users/{uid}`: 404 is the normal "no access".
async fn access(
    State(api): State<Api>,
    Path((service, organisation, user)): Path<(String, Uuid, String)>,
) -> Response {
    let ours = service.eq_ignore_ascii_case(&api.clients.service_id) || service == api.clients.client_id;
    let held = known(&user)
        .filter(|_| ours)
        .and_then(|person| Some((person, person.place_at(organisation)?.service_role?)));
    let Some((person, code)) = held else { return not_found() };
    Json(json!({
        "userId": capitals(person.sub),
        "serviceId": capitals_if_id(&api.clients.service_id),
        "organisationId": capitals(organisation),
        "userLegacyNumericId": null,
        "userLegacyTextId": null,
        "organisationLegacyId": null,
        "organisationIsOnAPAR": null,
        "roles": [service_role(code)],
        "identifiers": [],
    }))
    .into_response()
}

fn capitals_if_id(text: &str) -> String {
    Uuid::parse_str(text).map_or_else(|_| text.to_owned(), capitals)
}

fn service_role(code: &str) -> Value {
    json!({
        "id": capitals(Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("role.{code}.example").as_bytes())),
        "name": code,
        "code": code,
        "numericId": "9999",
        "status": { "id": 1 },
    })
}

async fn organisations_brief(Path(user): Path<String>) -> Response {
    listed(&user, Shape::Brief)
}

async fn organisations_full(Path(user): Path<String>) -> Response {
    listed(&user, Shape::Full)
}

fn listed(user: &str, shape: Shape) -> Response {
    let Some(person) = known(user) else { return not_found() };
    let all: Vec<_> =
        person.places.iter().map(|place| organisation_json(place.organisation, shape)).collect();
    Json(all).into_response()
}

/// `GET /users/{uid}/organisationservices`: with what the person is at each organisation.
async fn organisation_services(State(api): State<Api>, Path(user): Path<String>) -> Response {
    let Some(person) = known(&user) else { return not_found() };
    let organisation = |place: &SamplePlace| {
        let role = api.directory.role(person, place);
        let services: Vec<_> = place
            .service_role
            .map(|code| json!({ "name": "Demonstration", "description": "Demonstration", "roles": [{ "name": code, "code": code }] }))
            .into_iter()
            .collect();
        let more = json!({ "services": services, "orgRoleId": role.number(), "orgRoleName": role.name() });
        extended(organisation_json(place.organisation, Shape::Full), more)
    };
    Json(json!({
        "userId": capitals(person.sub),
        "userStatus": user_status(person),
        "email": person.email,
        "familyName": person.family_name,
        "givenName": person.given_name,
        "organisations": person.places.iter().map(organisation).collect::<Vec<_>>(),
    }))
    .into_response()
}

fn user_status(person: &SamplePerson) -> u8 {
    u8::from(person.account == Account::Active)
}

/// An object with another's fields added.
fn extended(mut one: Value, other: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (one.as_object_mut(), other) {
        fields.extend(more);
    }
    one
}

/// Which page is asked for, as text: what is no number is answered and not refused by the framework.
#[derive(Deserialize)]
struct PageQuery {
    page: Option<String>,
    #[serde(rename = "pageSize")]
    page_size: Option<String>,
}

/// `GET /users/approvers`: the approvers of all schools, page by page.
async fn approvers(State(api): State<Api>, query: Result<Query<PageQuery>, QueryRejection>) -> Response {
    if api.directory.approvers_refused() {
        return (StatusCode::FORBIDDEN, "This service may not list approvers").into_response();
    }
    let number = |text: Option<String>, otherwise| match text {
        None => Some(otherwise),
        Some(text) => text.parse::<usize>().ok().filter(|number| *number > 0),
    };
    let Ok(Query(query)) = query else {
        return (StatusCode::BAD_REQUEST, "page and pageSize may be given once").into_response();
    };
    let (Some(page), Some(size)) = (number(query.page, 1), number(query.page_size, PAGE_SIZE)) else {
        return (StatusCode::BAD_REQUEST, "page and pageSize must be numbers from 1").into_response();
    };
    let rows = approver_rows(&api.directory);
    let users: Vec<_> = rows.iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    Json(json!({
        "users": users,
        "numberOfRecords": rows.len(),
        "page": page,
        "numberOfPages": rows.len().div_ceil(size),
    }))
    .into_response()
}

/// All rows, with the real list's traps: ids in either case, a deactivated approver, one without a person.
fn approver_rows(directory: &StandInDirectory) -> Vec<Value> {
    let found = schools().iter().flat_map(|school| {
        people().iter().filter(|person| person.account != Account::None).filter_map(move |person| {
            let place = person.place_at(school.id)?;
            let approves = directory.role(person, place) == OrganisationRole::Approver;
            approves.then_some((place.organisation, person))
        })
    });
    let mut rows: Vec<_> = found
        .enumerate()
        .map(|(nth, (organisation, person))| {
            let id = if nth % 2 == 0 { capitals(person.sub) } else { person.sub.to_string() };
            let row = approver_row(organisation, &id);
            let more = json!({
                "userStatus": user_status(person),
                "email": person.email,
                "familyName": person.family_name,
                "givenName": person.given_name,
            });
            extended(row, more)
        })
        .collect();
    if let Some(big) = school("harrowgate") {
        rows.push(approver_row(SampleOrganisation::School(big), &capitals(GONE)));
    }
    rows
}

/// What every row has.
fn approver_row(organisation: SampleOrganisation, id: &str) -> Value {
    json!({
        "organisation": organisation_json(organisation, Shape::Full),
        "roleId": OrganisationRole::Approver.number(),
        "roleName": OrganisationRole::Approver.name(),
        "userId": id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_list_of_approvers_has_the_real_ones_traps() {
        let folder = tempfile::tempdir().unwrap();
        let directory = StandInDirectory::open(folder.path()).await.unwrap();
        let rows = approver_rows(&directory);
        assert!(rows.len() > 12);
        assert!(rows.iter().any(|row| row.get("email").is_none() && row.get("userStatus").is_none()));
        assert!(rows.iter().any(|row| row["userStatus"] == 0));
        let ids: Vec<_> = rows.iter().map(|row| row["userId"].as_str().unwrap()).collect();
        assert!(ids.iter().any(|id| id.contains(|c: char| c.is_ascii_uppercase())));
        assert!(ids.iter().any(|id| id.contains(|c: char| c.is_ascii_lowercase())));

        let fernhollow =
            |rows: &[Value]| rows.iter().filter(|row| row["organisation"]["urn"] == "900003").count();
        assert_eq!(fernhollow(&rows), 0);
        let jowan = crate::demo::person("jowan-trelawney").unwrap();
        directory.set_approver(jowan.sub, school("fernhollow").unwrap().id, true).await.unwrap();
        assert_eq!(fernhollow(&approver_rows(&directory)), 1);
    }
}
