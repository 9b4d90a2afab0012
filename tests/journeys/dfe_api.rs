//! A stand-in for DfE Sign-in's public API, which cannot be had for tests. It keeps to the public contract
//! [DFE-Digital/login.dfe.public-api, README]: the signed token, the calls that the product makes, their
//! shapes, and 404 for "no".

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::world::{Account, School};

/// The secret that the product's tokens are signed with.
pub(crate) const SECRET: &str = "api secret";

/// What somebody is at an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    EndUser,
    Approver,
}

impl Role {
    const fn number(self) -> u32 {
        match self {
            Self::EndUser => 0,
            Self::Approver => 10_000,
        }
    }
}

#[derive(Default)]
struct Members {
    rows: Vec<(Account, School, Role)>,
    /// Whether the list of approvers is refused, as it is unless DfE allows it.
    refuses_approvers: bool,
}

/// See the module.
pub(crate) struct StandInDfeApi {
    members: Arc<Mutex<Members>>,
    url: String,
}

impl StandInDfeApi {
    pub(crate) async fn start() -> Self {
        let members = Arc::new(Mutex::new(Members::default()));
        let router = Router::new()
            .route("/users/{id}/organisationservices", get(memberships))
            .route("/users/approvers", get(approvers))
            .with_state(Arc::clone(&members));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { members, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Makes somebody a member of an organisation, in place of what they were there.
    pub(crate) fn member(&self, account: &Account, school: School, role: Role) {
        let mut members = self.members.lock().unwrap();
        members.rows.retain(|(known, at, _)| known.sub != account.sub || at.id != school.id);
        members.rows.push((account.clone(), school, role));
    }

    /// Refuses to list approvers from now on.
    pub(crate) fn refuse_approvers(&self) {
        self.members.lock().unwrap().refuses_approvers = true;
    }
}

fn allowed(headers: &HeaderMap) -> bool {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((signed, tag)) = token.and_then(|token| token.strip_prefix("Bearer ")?.rsplit_once('.')) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, tag).unwrap_or_default();
    hmac::verify(&key, signed.as_bytes(), &tag).is_ok()
}

async fn memberships(
    State(members): State<Arc<Mutex<Members>>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !allowed(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let members = members.lock().unwrap();
    let of_them = members.rows.iter().filter(|(account, ..)| account.sub.eq_ignore_ascii_case(&id));
    let organisations: Vec<Value> = of_them
        .map(|(_, school, role)| {
            let mut row = school.claim();
            row["orgRoleId"] = json!(role.number());
            row["orgRoleName"] = json!(if *role == Role::Approver { "Approver" } else { "End user" });
            row["services"] = json!([]);
            row
        })
        .collect();
    if organisations.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    json_answer(&json!({ "userId": id, "organisations": organisations }))
}

async fn approvers(State(members): State<Arc<Mutex<Members>>>, headers: HeaderMap) -> Response {
    let members = members.lock().unwrap();
    if !allowed(&headers) || members.refuses_approvers {
        return StatusCode::FORBIDDEN.into_response();
    }
    let users: Vec<Value> = members
        .rows
        .iter()
        .filter(|(.., role)| *role == Role::Approver)
        .map(|(account, school, role)| {
            json!({ "organisation": school.claim(), "roleId": role.number(), "roleName": "Approver",
                "userId": account.sub, "userStatus": 1, "email": account.email,
                "familyName": account.family, "givenName": account.given })
        })
        .collect();
    json_answer(&json!({ "users": users, "numberOfRecords": users.len(), "page": 1, "numberOfPages": 1 }))
}

fn json_answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
