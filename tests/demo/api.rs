//! The public API.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe::demo::{person, school};

use crate::{API_SECRET, Answer, CLIENT, SERVICE, World};

/// A token with this header and these claims, signed under this secret.
fn token(header: &Value, claims: &Value, secret: &str) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
}

fn good() -> String {
    let claims = json!({ "iss": CLIENT, "aud": "signin.education.gov.uk" });
    token(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, API_SECRET)
}

impl World {
    async fn ask(&self, path: &str, authorization: Option<&str>) -> Answer {
        let mut request = self.browser.get(format!("{}{path}", self.running.api_url));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    async fn call(&self, path: &str) -> Answer {
        self.ask(path, Some(&format!("Bearer {}", good()))).await
    }
}

#[tokio::test]
async fn a_call_without_a_good_token_is_refused() {
    let world = World::new().await;
    let path = format!("/users/{}/organisations", person("mei-lin").unwrap().sub);
    let header = json!({ "alg": "HS256" });
    let aud = "signin.education.gov.uk";
    let claims = json!({ "iss": CLIENT, "aud": aud });
    for malformed in [None, Some("Bearer"), Some("Bearer x.y"), Some("Basic eDp5"), Some("Bearer a.b.c")] {
        assert_eq!(world.ask(&path, malformed).await.status, 401, "{malformed:?}");
    }
    for bad in [
        token(&header, &claims, "wrong"),
        token(&json!({ "alg": "none" }), &claims, API_SECRET),
        token(&header, &json!({ "iss": "another", "aud": aud }), API_SECRET),
        token(&header, &json!({ "iss": CLIENT, "aud": "another" }), API_SECRET),
        token(&header, &json!({ "iss": CLIENT }), API_SECRET),
        token(&header, &json!({ "iss": CLIENT, "aud": aud, "exp": 1_700_000_000 }), API_SECRET),
    ] {
        assert_eq!(world.ask(&path, Some(&format!("Bearer {bad}"))).await.status, 403, "{bad}");
    }
    let lasting =
        token(&header, &json!({ "iss": CLIENT, "aud": aud, "exp": 32_503_680_000_i64 }), API_SECRET);
    assert_eq!(world.ask(&path, Some(&format!("Bearer {lasting}"))).await.status, 200);
}

#[tokio::test]
async fn who_has_access_has_roles_and_who_has_none_is_not_found() {
    let world = World::new().await;
    let alderbrook = school("alderbrook").unwrap().id;
    let path = |service: &str, key: &str| {
        format!("/services/{service}/organisations/{alderbrook}/users/{}", person(key).unwrap().sub)
    };
    let answer = world.call(&path(SERVICE, "folasade-adeyemi").to_uppercase().to_lowercase()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["roles"][0]["code"], "SchoolUser");
    assert_eq!(world.call(&path("vouchsafe%20demo", "folasade-adeyemi")).await.status, 200, "client id");
    assert_eq!(world.call(&path("another", "folasade-adeyemi")).await.status, 404);
    assert_eq!(world.call(&path(SERVICE, "hannah-whitlock")).await.status, 404);
    assert_eq!(world.call(&path(SERVICE, "margaret-osei")).await.status, 404, "of another school");
}

#[tokio::test]
async fn organisations_come_with_the_role_there_once_asked_with_services() {
    let world = World::new().await;
    let alistair = person("alistair-drummond").unwrap().sub.to_string();
    let brief = world.call(&format!("/users/{}/organisations", alistair.to_uppercase())).await.json();
    assert_eq!(brief.as_array().unwrap().len(), 2);
    assert!(brief[0].get("orgRoleId").is_none());
    let full = world.call(&format!("/users/{alistair}/v2/organisations")).await.json();
    assert!(full[0].get("PIMSProviderType").is_some());
    let services = world.call(&format!("/users/{alistair}/organisationservices")).await.json();
    assert_eq!(services["email"], "alistair.drummond@kingsmead.example");
    assert_eq!(services["organisations"][1]["orgRoleId"], 10000);
    assert_eq!(services["organisations"][1]["orgRoleName"], "Approver");
    assert_eq!(world.call("/users/nobody/organisations").await.status, 404);
    let ruth = person("ruth-ainsworth").unwrap().sub;
    assert_eq!(world.call(&format!("/users/{ruth}/organisations")).await.status, 404, "no account");
}

#[tokio::test]
async fn becoming_an_approver_shows_in_the_api() {
    let world = World::new().await;
    let jowan = person("jowan-trelawney").unwrap();
    let path = format!("/users/{}/organisationservices", jowan.sub);
    assert_eq!(world.call(&path).await.json()["organisations"][0]["orgRoleId"], 0);
    world.running.directory.set_approver(jowan.sub, school("fernhollow").unwrap().id, true).await.unwrap();
    assert_eq!(world.call(&path).await.json()["organisations"][0]["orgRoleId"], 10000);
}

#[tokio::test]
async fn approvers_come_page_by_page_or_not_at_all() {
    let world = World::new().await;
    let first = world.call("/users/approvers?page=1&pageSize=10").await.json();
    let (records, pages) =
        (first["numberOfRecords"].as_u64().unwrap(), first["numberOfPages"].as_u64().unwrap());
    assert_eq!(pages, records.div_ceil(10));
    let mut rows = 0;
    for page in 1..=pages {
        let answer = world.call(&format!("/users/approvers?page={page}&pageSize=10")).await.json();
        rows += answer["users"].as_array().unwrap().len();
    }
    assert_eq!(u64::try_from(rows).unwrap(), records);
    let beyond = world.call(&format!("/users/approvers?page={}", u64::MAX)).await.json();
    assert_eq!(beyond["users"], json!([]));
    let default = world.call("/users/approvers").await.json();
    assert_eq!(default["users"].as_array().unwrap().len(), rows.min(25));
    for wrong in ["page=x", "page=0", "pageSize=-1"] {
        assert_eq!(world.call(&format!("/users/approvers?{wrong}")).await.status, 400, "{wrong}");
    }
    let switch = format!("{}/approvers-list", world.running.provider_url);
    assert_eq!(world.post(&switch, &[("refuse", "true")]).await.status, 303);
    assert_eq!(world.call("/users/approvers").await.status, 403);
    world.running.directory.refuse_approvers(false).await.unwrap();
    assert_eq!(world.call("/users/approvers").await.status, 200);
}
