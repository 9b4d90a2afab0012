//! DfE Sign-in's public API, as a stand-in that answers by script.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;
use vouchsafe::clock::SetClock;
use vouchsafe::identity::dfe::{ApiSettings, Subject};
use vouchsafe::identity::dfe_api::{Account, ApiError, DfeApi, OrganisationRole};
use vouchsafe::identity::http::HttpError;
use vouchsafe::secret::Secret;

use crate::world::{NOON, at};

const SECRET: &str = "api secret";
const USER: &str = "B41B3462-0000-4000-8000-407F7F115056";
const SCHOOL: &str = "4EBBE3F9-0000-4000-8000-4A04BD29AE0E";

type Script = Arc<Mutex<HashMap<String, (u16, String)>>>;

/// Answers by script; without a line for the path it is 404, and without our token 403, as DfE does.
async fn answer(State(script): State<Script>, request: Request) -> Response {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if token.and_then(|value| value.strip_prefix("Bearer ")).is_none_or(|token| !is_ours(token)) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let path = request.uri().path_and_query().unwrap().to_string();
    match script.lock().unwrap().get(&path) {
        Some((status, body)) => (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn is_ours(token: &str) -> bool {
    let (signed, tag) = token.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    hmac::verify(&key, signed.as_bytes(), &tag).is_ok()
        && claims["iss"] == "ecf2"
        && claims["aud"] == "signin.education.gov.uk"
        && claims["exp"].as_i64().unwrap() > NOON
}

struct Dfe {
    script: Script,
    base: String,
    api: DfeApi,
}

fn client(base: &str, secret: &str) -> DfeApi {
    let settings: ApiSettings = toml::from_str(&format!(
        "base_url = '{base}'
         secret_file = '/nowhere'
         http = {{ timeout_ms = 60000, connect_timeout_ms = 60000, allow_insecure_loopback = true }}"
    ))
    .unwrap();
    let clock = Arc::new(SetClock::at(at(NOON)));
    DfeApi::new(&settings, "ecf2", Secret::from(secret.to_owned()), clock).unwrap()
}

impl Dfe {
    async fn start() -> Self {
        let script = Script::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1/", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let api = client(&base, SECRET);
        Self { script, base, api }
    }

    fn says(&self, path: &str, status: u16, body: &Value) {
        self.script.lock().unwrap().insert(format!("/v1{path}"), (status, body.to_string()));
    }
}

fn user() -> Subject {
    USER.parse().unwrap()
}

fn memberships_path() -> String {
    format!("/users/{}/organisationservices", USER.to_lowercase())
}

#[tokio::test]
async fn not_found_means_no_access() {
    let dfe = Dfe::start().await;
    assert_eq!(dfe.api.organisations_of(&user()).await.unwrap(), []);
    assert_eq!(dfe.api.memberships_of(&user()).await.unwrap(), []);
}

#[tokio::test]
async fn an_answer_about_somebody_else_opens_nothing() {
    let dfe = Dfe::start().await;
    let other = "00000000-0000-4000-8000-000000000000";
    for (user_id, counts) in [(USER, true), ("", true), (other, false), ("no id", false)] {
        let body = json!({ "userId": user_id, "organisations": [] });
        dfe.says(&memberships_path(), 200, &body);
        let answer = dfe.api.memberships_of(&user()).await;
        match answer {
            // An id that is left out contradicts nothing.
            Ok(none) => assert!(counts && none.is_empty(), "{user_id}"),
            Err(error) => assert!(!counts && matches!(error, ApiError::Unreadable), "{user_id}"),
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_is_not_allowed() {
    let dfe = Dfe::start().await;
    let wrong = client(&dfe.base, "another secret");
    assert!(matches!(wrong.memberships_of(&user()).await, Err(ApiError::NotAllowed)));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let dfe = Dfe::start().await;
    dfe.says(&memberships_path(), 401, &json!({}));
    assert!(matches!(dfe.api.memberships_of(&user()).await, Err(ApiError::TokenRefused)));
    dfe.says(&memberships_path(), 400, &json!("page must be a number"));
    assert!(matches!(dfe.api.memberships_of(&user()).await, Err(ApiError::Status(400))));
    dfe.says(&memberships_path(), 500, &json!({}));
    let broken = dfe.api.memberships_of(&user()).await.unwrap_err();
    assert!(matches!(broken, ApiError::Unavailable(HttpError::Failed(500))));
    assert!(broken.retry_helps());
    dfe.says(&memberships_path(), 302, &json!({}));
    let moved = dfe.api.memberships_of(&user()).await.unwrap_err();
    assert!(matches!(moved, ApiError::Unavailable(HttpError::Redirected(302))));
    dfe.says(&memberships_path(), 200, &json!([]));
    assert!(matches!(dfe.api.memberships_of(&user()).await, Err(ApiError::Unreadable)));
}

#[tokio::test]
async fn a_user_id_with_slashes_stays_one_part_of_the_path() {
    let dfe = Dfe::start().await;
    dfe.says(
        "/users/..%2F..%2Fusers%2Fapprovers/organisations",
        200,
        &json!([{ "id": SCHOOL, "name": "A" }]),
    );
    let odd: Subject = "../../users/approvers".parse().unwrap();
    assert_eq!(dfe.api.organisations_of(&odd).await.unwrap().len(), 1);
}

#[tokio::test]
async fn organisations_are_listed_and_memberships_say_who_approves() {
    let dfe = Dfe::start().await;
    let user_path = format!("/users/{}", USER.to_lowercase());
    let second = "13F20E54-0000-4000-8000-18197576F023";
    dfe.says(
        &format!("{user_path}/organisations"),
        200,
        &json!([
            { "id": SCHOOL, "name": "Greenhill", "urn": "123456", "status": { "id": 1, "name": "Open" } },
            { "name": "an organisation without an id" },
        ]),
    );
    let organisations = dfe.api.organisations_of(&user()).await.unwrap();
    assert_eq!(organisations.len(), 1);
    assert_eq!(organisations[0].id, SCHOOL.parse::<Uuid>().unwrap());

    dfe.says(
        &format!("{user_path}/organisationservices"),
        200,
        &json!({
            "userId": USER, "userStatus": 1, "email": "c.marsh@greenhill.example",
            "organisations": [
                { "id": SCHOOL, "name": "Greenhill", "services": [], "orgRoleId": 10000, "orgRoleName": "Approver" },
                { "id": second, "name": "Hill", "services": [], "orgRoleId": 0, "orgRoleName": "End user" },
                { "id": second, "name": "Hill", "services": [] },
            ],
        }),
    );
    let memberships = dfe.api.memberships_of(&user()).await.unwrap();
    let roles: Vec<_> = memberships.iter().map(|membership| membership.role).collect();
    assert_eq!(roles, [Some(OrganisationRole::Approver), Some(OrganisationRole::EndUser), None]);
}

fn approver(user: &str, rest: &Value) -> Value {
    let mut row = json!({
        "organisation": { "id": SCHOOL, "name": "Greenhill", "urn": "123456" },
        "roleId": 10000, "roleName": "Approver", "userId": user,
    });
    row.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    row
}

#[tokio::test]
async fn all_pages_of_approvers_are_walked_and_gaps_are_typed() {
    let dfe = Dfe::start().await;
    let ids = ["10000000-0000-4000-8000-00000000000A", USER, "30000000-0000-4000-8000-00000000000C"];
    let page = |users: Value, page: u32| json!({ "users": users, "numberOfRecords": 4, "page": page, "numberOfPages": 2 });
    dfe.says(
        "/users/approvers?page=1&pageSize=100",
        200,
        &page(
            json!([
                approver(
                    ids[0],
                    &json!({ "userStatus": 1, "email": "A@hill.example", "familyName": "Hill", "givenName": "Ann" })
                ),
                approver(ids[1], &json!({})),
            ]),
            1,
        ),
    );
    dfe.says(
        "/users/approvers?page=2&pageSize=100",
        200,
        &page(
            json!([
                approver(ids[2], &json!({ "userStatus": 0, "email": "c@hill.example" })),
                { "organisation": null, "userId": null },
            ]),
            2,
        ),
    );
    let all = dfe.api.every_approver().await.unwrap();
    assert_eq!((all.unreadable, all.total, all.changed, all.is_whole()), (1, Some(4), false, false));
    let all = all.rows;
    let accounts: Vec<_> = all.iter().map(|row| row.account).collect();
    assert_eq!(accounts, [Account::Active, Account::Unknown, Account::Deactivated]);
    assert_eq!(all[0].email.as_ref().unwrap().as_str(), "a@hill.example");
    assert_eq!(all[1].email, None);
    assert_eq!(all[1].user, user());
    assert!(all.iter().all(|row| row.role == Some(OrganisationRole::Approver)));
    assert!(!format!("{all:?}").contains("hill.example"));
    let second = dfe.api.approvers(2).await.unwrap();
    assert_eq!((second.page, second.pages, second.unreadable, second.total), (2, 2, 1, Some(4)));
}

#[tokio::test]
async fn a_service_that_may_not_see_approvers_is_told_so() {
    let dfe = Dfe::start().await;
    dfe.says("/users/approvers?page=1&pageSize=100", 403, &json!({}));
    assert!(matches!(dfe.api.every_approver().await, Err(ApiError::NotAllowed)));
}

#[tokio::test]
async fn no_approvers_at_all_is_an_empty_list() {
    let dfe = Dfe::start().await;
    let none = json!({ "users": [], "numberOfRecords": 0, "page": 1, "numberOfPages": 0 });
    dfe.says("/users/approvers?page=1&pageSize=100", 200, &none);
    let none = dfe.api.every_approver().await.unwrap();
    assert_eq!((none.rows.len(), none.is_whole()), (0, true));
}

#[tokio::test]
async fn a_walk_is_whole_only_if_every_page_counts_as_many_rows_as_came() {
    let dfe = Dfe::start().await;
    let ids = ["10000000-0000-4000-8000-00000000000A", USER];
    for (totals, whole) in [
        ([json!(2), json!(2)], true),
        ([json!(null), json!(null)], true),
        ([json!(3), json!(3)], false),
        ([json!(3), json!(2)], false),
        ([json!(1), json!(1)], false),
    ] {
        for ((page, total), user) in (1..).zip(&totals).zip(ids) {
            dfe.says(
                &format!("/users/approvers?page={page}&pageSize=100"),
                200,
                &json!({ "users": [approver(user, &json!({}))], "numberOfRecords": total, "page": page, "numberOfPages": 2 }),
            );
        }
        assert_eq!(dfe.api.every_approver().await.unwrap().is_whole(), whole, "{totals:?}");
    }
}
