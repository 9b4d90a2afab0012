//! Who stood down as an approver comes back, on what DfE Sign-in says at that moment.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::browser::{Service, place};
use crate::clock::SystemClock;
use crate::identity::dfe_api::DfeApi;
use crate::secret::Secret;

const GREENHILL: &str = "900101";
const RETURN: &str = "/school/approvers/return";

/// What DfE Sign-in's API says of everybody's role at Greenhill; no number means that it is down.
#[derive(Clone, Default)]
struct Says(Arc<AtomicU16>);

const DOWN: u16 = 0;
const END_USER: u16 = 1;
const APPROVER: u16 = 10_000;

async fn memberships(State(says): State<Says>) -> Result<Json<Value>, StatusCode> {
    let role = says.0.load(Ordering::SeqCst);
    if role == DOWN {
        return Err(StatusCode::BAD_GATEWAY);
    }
    Ok(Json(json!({ "organisations": [{
        "id": "11111111-0000-4000-8000-00000000AAAA", "name": "Greenhill School", "urn": GREENHILL,
        "category": { "id": "001" }, "status": { "id": 1 }, "orgRoleId": if role == APPROVER { role } else { 0 },
    }] })))
}

/// An API that says of Ann alone what it is told to.
async fn api() -> (DfeApi, Says) {
    let says = Says::default();
    let routes = Router::new().route("/users/ann/organisationservices", get(memberships));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, routes.with_state(says.clone())).into_future());
    let settings = format!(
        "base_url = 'http://{address}'
         secret_file = '/nowhere'
         http = {{ timeout_ms = 60000, connect_timeout_ms = 60000, allow_insecure_loopback = true }}"
    );
    let secret = Secret::from("secret".to_owned());
    let api = DfeApi::new(&toml::from_str(&settings).unwrap(), "vouchsafe", secret, Arc::new(SystemClock));
    (api.unwrap(), says)
}

#[tokio::test]
async fn who_stood_down_comes_back_if_dfe_sign_in_says_so_at_that_moment() {
    let (api, says) = api().await;
    let service = Service::with_api(Some(api)).await;
    let greenhill = place(GREENHILL, "Greenhill School", true);
    let mut ann = service.sign_in("Ann", slice::from_ref(&greenhill)).await;
    let page = ann.get("/access").await;
    page.says("You have access because you are an approver in DfE Sign-in");
    assert!(!page.body.contains("Be an approver again"));
    service.site.app.stand_down(greenhill.id, ann.person, true).await.unwrap();
    let is_approver = || {
        let of =
            |lists: &vouchsafe_projections::Lists| lists.organisation(greenhill.id).unwrap().approvers.len();
        service.site.app.lists(of) == 1
    };
    let page = ann.get("/access").await;
    page.says("Be an approver again");
    page.says("action=\"/school/approvers/return\"");
    page.says("Your school does not have an approver here yet");

    let answer = ann.post(RETURN, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    answer.says("DfE Sign-in did not answer");
    assert!(!is_approver());

    // When Ann signed in, DfE Sign-in named her. It does so no more.
    says.0.store(END_USER, Ordering::SeqCst);
    ann.post(RETURN, &[]).await.leads_to("/access");
    ann.get("/access").await.says("DfE Sign-in does not say that you are an approver at this school");
    assert!(!is_approver());

    says.0.store(APPROVER, Ordering::SeqCst);
    ann.post(RETURN, &[]).await.leads_to("/access");
    ann.get("/access").await.says("You are an approver at Greenhill School again");
    assert!(is_approver());
}

#[tokio::test]
async fn where_dfe_sign_in_cannot_be_asked_nobody_comes_back_by_themselves() {
    let service = Service::start().await;
    let greenhill = place(GREENHILL, "Greenhill School", true);
    let mut ann = service.sign_in("Ann", slice::from_ref(&greenhill)).await;
    service.site.app.stand_down(greenhill.id, ann.person, true).await.unwrap();
    ann.post(RETURN, &[]).await.leads_to("/access");
    ann.get("/access").await.says("This service cannot ask DfE Sign-in");
}

#[tokio::test]
async fn who_did_not_stand_down_does_not_come_back() {
    let (api, says) = api().await;
    says.0.store(APPROVER, Ordering::SeqCst);
    let service = Service::with_api(Some(api)).await;
    let mut ann = service.sign_in("Ann", &[place(GREENHILL, "Greenhill School", false)]).await;
    assert!(!ann.get("/access").await.body.contains("Be an approver again"));
    ann.post(RETURN, &[]).await.leads_to("/access");
    ann.get("/access").await.says("You cannot become an approver this way");
}
