//! The OpenID provider answers as a real one does, so that a journey that fails has found a fault of ours.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, Redirect};
use axum::routing::get;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use vouchsafe::web::assets::{self, Look};

use crate::drawing::{page, serve};
use crate::peers::{Oidc, Scripts, walk};

#[tokio::test]
async fn the_openid_provider_has_the_paths_and_scopes_of_dfe_sign_in() {
    let oidc = Oidc::start().await;
    let found: Value = json_at(&format!("{}/.well-known/openid-configuration", oidc.issuer())).await;
    let path = |key: &str| found.get(key).unwrap().as_str().unwrap().strip_prefix(oidc.issuer()).unwrap();
    assert_eq!(found.get("issuer").unwrap(), oidc.issuer());
    assert_eq!(path("authorization_endpoint"), "/auth");
    assert_eq!(path("token_endpoint"), "/token");
    assert_eq!(path("userinfo_endpoint"), "/me");
    assert_eq!(path("jwks_uri"), "/certs");
    assert_eq!(path("end_session_endpoint"), "/session/end");
    assert_eq!(found.get("id_token_signing_alg_values_supported").unwrap(), &json!(["RS256"]));
    for scope in ["openid", "profile", "email", "organisation"] {
        assert!(found.get("scopes_supported").unwrap().as_array().unwrap().contains(&json!(scope)));
    }
}

#[tokio::test]
async fn people_sign_in_and_out_at_the_openid_provider_with_and_without_scripts() {
    let oidc = Oidc::start().await;
    let organisation = json!({ "id": "4EBBE3F9-F0C0-4833-9B60-4A04BD29AE0E", "name": "Greenhill School" });
    oidc.accounts(&[
        json!({ "sub": "A1", "given_name": "Ann", "family_name": "Okoro", "email": "ann@greenhill.example",
            "organisation": organisation }),
        json!({ "sub": "B2", "given_name": "Bob", "family_name": "Hughes", "email": "bob@home.example" }),
    ])
    .await;
    let base = serve(|base| relying_party(&base, oidc.issuer())).await;
    oidc.register("vouchsafe", "secret", &format!("{base}/callback"), &format!("{base}/")).await;
    for scripts in [Scripts::On, Scripts::Off] {
        walk("openid", &base, scripts, &json!({})).await;
    }
}

async fn json_at(url: &str) -> Value {
    serde_json::from_slice(&reqwest::get(url).await.unwrap().bytes().await.unwrap()).unwrap()
}

/// The little that a client of the provider must do, written from OpenID Connect Core 1.0 and RFC 7636.
struct Client {
    base: String,
    issuer: String,
}

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-in-all";

fn relying_party(base: &str, issuer: &str) -> Router {
    let client = Arc::new(Client { base: base.to_owned(), issuer: issuer.to_owned() });
    Router::new()
        .route(
            "/",
            get(async || page(Look::Plain, "Start", r#"<a class="govuk-link" href="/go">Sign in</a>"#)),
        )
        .route("/go", get(go))
        .route("/callback", get(callback))
        .with_state(client)
        .merge(assets::routes(Look::Plain))
}

async fn go(State(client): State<Arc<Client>>) -> Redirect {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let mut url = Url::parse(&format!("{}/auth", client.issuer)).unwrap();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", "vouchsafe"),
        ("redirect_uri", &format!("{}/callback", client.base)),
        ("scope", "openid profile email organisation"),
        ("state", "state"),
        ("nonce", "nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    Redirect::to(url.as_str())
}

#[derive(Deserialize)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

async fn callback(State(client): State<Arc<Client>>, Query(answer): Query<Callback>) -> Html<String> {
    let Some(code) = answer.code else {
        let error = answer.error.unwrap();
        let state = answer.state.map_or("without a state", |_| "with the state");
        return page(Look::Plain, "Not signed in", &format!(r#"<p class="govuk-body">{error} {state}</p>"#));
    };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &format!("{}/callback", client.base)),
            ("code_verifier", VERIFIER),
        ])
        .finish();
    let request = reqwest::Client::new()
        .post(format!("{}/token", client.issuer))
        .basic_auth("vouchsafe", Some("secret"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let tokens = request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
    let tokens: Value = serde_json::from_slice(&tokens).unwrap();
    let token = |name: &str| tokens.get(name).unwrap().as_str().unwrap();
    let request =
        reqwest::Client::new().get(format!("{}/me", client.issuer)).bearer_auth(token("access_token"));
    let claims = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();

    let mut sign_out = Url::parse(&format!("{}/session/end", client.issuer)).unwrap();
    sign_out.query_pairs_mut().extend_pairs([
        ("id_token_hint", token("id_token")),
        ("post_logout_redirect_uri", &format!("{}/", client.base)),
    ]);
    let sign_out = sign_out.as_str().replace('&', "&amp;");
    page(
        Look::Plain,
        "Signed in",
        &format!(
            r#"<p class="app-reference" data-claims>{claims}</p><a class="govuk-link" href="{sign_out}">Sign out</a>"#
        ),
    )
}
