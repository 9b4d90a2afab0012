//! The token and userinfo endpoints.

use aws_lc_rs::digest;
use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::StandInProvider;
use super::grants::{Grant, Redeemed, TOKEN_LIFE};
use crate::demo::directory::{Shape, organisation_json};
use crate::demo::people::{organisations, person_by_sub};
use crate::demo::{Clients, capitals, random_token, same};

/// The parameters of a token request.
#[derive(Deserialize)]
pub(super) struct TokenForm {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// An error of RFC 6749 section 5.2.
pub(super) struct Refusal(StatusCode, &'static str, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, error, error_description) = self;
        let body = Json(json!({ "error": error, "error_description": error_description }));
        if status == StatusCode::UNAUTHORIZED {
            return (status, [(header::WWW_AUTHENTICATE, "Basic realm=\"stand-in\"")], body).into_response();
        }
        (status, body).into_response()
    }
}

const fn bad(error: &'static str, description: &'static str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, error, description)
}

/// `POST /token`: a code for tokens.
pub(super) async fn token(
    State(provider): State<StandInProvider>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Json<Value>, Refusal> {
    let Ok(Form(form)) = form else {
        return Err(bad("invalid_request", "the body is not a form, or has a field twice"));
    };
    redeem(&provider, &headers, form).map(Json)
}

fn redeem(provider: &StandInProvider, headers: &HeaderMap, form: TokenForm) -> Result<Value, Refusal> {
    authenticate(&provider.0.clients, headers, &form)?;
    if form.grant_type.as_deref() != Some("authorization_code") {
        return Err(bad("unsupported_grant_type", "grant_type must be authorization_code"));
    }
    let Some(code) = form.code else { return Err(bad("invalid_request", "code is missing")) };
    let now = provider.0.clock.now();
    // The code is used up here, whatever is found wrong below.
    let Redeemed::First(grant) = provider.grants(|grants| grants.redeem(&code, now)) else {
        return Err(bad("invalid_grant", "the code is unknown, has expired or was used before"));
    };
    if form.redirect_uri.as_deref() != Some(grant.asked.redirect_uri.as_str()) {
        return Err(bad("invalid_grant", "redirect_uri is not the one that the code was sent to"));
    }
    if !form.code_verifier.is_some_and(|verifier| proves(&verifier, &grant.asked.challenge)) {
        return Err(bad("invalid_grant", "code_verifier does not match the code_challenge"));
    }
    let unable = |()| Refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "no token could be made");
    let access = random_token().map_err(|_| unable(()))?;
    let id_token = id_token(provider, &grant, &access).ok_or(()).map_err(unable)?;
    let scope = grant.asked.scope.clone();
    provider.grants(|grants| grants.give(&code, access.clone(), grant, now));
    Ok(json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE,
        "id_token": id_token,
        "scope": scope,
    }))
}

/// Whether the caller is the service: by HTTP basic authentication or by fields of the form, not by both.
fn authenticate(clients: &Clients, headers: &HeaderMap, form: &TokenForm) -> Result<(), Refusal> {
    let refused = || Refusal(StatusCode::UNAUTHORIZED, "invalid_client", "client id or secret is wrong");
    let (id, secret) = match (headers.get(header::AUTHORIZATION), &form.client_secret) {
        (Some(_), Some(_)) => {
            return Err(bad("invalid_request", "the client authenticates in two ways at once"));
        }
        (Some(value), None) => value.to_str().ok().and_then(basic).ok_or_else(refused)?,
        (None, Some(secret)) => (form.client_id.clone().unwrap_or_default(), secret.clone()),
        (None, None) => return Err(refused()),
    };
    // A client id in the form beside the header is allowed, if it is the same.
    let agrees = form.client_id.as_ref().is_none_or(|stated| *stated == id);
    let known = same(&id, &clients.client_id) & same(&secret, clients.client_secret.expose());
    if agrees && known { Ok(()) } else { Err(refused()) }
}

/// Id and secret of a basic authentication, each form-encoded (RFC 6749, 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, credentials) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

/// One form-encoded value.
fn form_decoded(text: &str) -> String {
    let pair = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Whether the verifier is the one that the S256 challenge was made from (RFC 7636, 4.6).
fn proves(verifier: &str, challenge: &str) -> bool {
    let formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let hashed = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    formed && same(&hashed, challenge)
}

fn id_token(provider: &StandInProvider, grant: &Grant, access: &str) -> Option<String> {
    let now = provider.0.clock.now();
    let hash = digest::digest(&digest::SHA256, access.as_bytes());
    let (left, _) = hash.as_ref().split_at_checked(16)?;
    let seconds = |at: vouchsafe_events::Timestamp| at.micros().div_euclid(1_000_000);
    let mut claims = json!({
        "iss": provider.0.issuer,
        "sub": capitals(grant.sub),
        "aud": provider.0.clients.client_id,
        "iat": seconds(now),
        "exp": seconds(now.plus_seconds(TOKEN_LIFE)),
        "auth_time": seconds(grant.at),
        "at_hash": URL_SAFE_NO_PAD.encode(left),
    });
    if let (Some(nonce), Some(claims)) = (&grant.asked.nonce, claims.as_object_mut()) {
        claims.insert("nonce".to_owned(), nonce.as_str().into());
    }
    provider.0.key.sign(&claims)
}

/// `GET` or `POST /me`: the claims of whom the access token was given for, as far as the scopes reach.
pub(super) async fn userinfo(State(provider): State<StandInProvider>, headers: HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let Some(token) = token else {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response();
    };
    let holder = provider.grants(|grants| grants.holder(token, provider.0.clock.now()));
    let Some((grant, person)) =
        holder.and_then(|grant| person_by_sub(grant.sub).map(|person| (grant, person)))
    else {
        let challenge = "Bearer error=\"invalid_token\"";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
    };
    let mut claims = serde_json::Map::new();
    claims.insert("sub".to_owned(), capitals(grant.sub).into());
    for scope in grant.asked.scope.split(' ') {
        match scope {
            "profile" => {
                claims.insert("given_name".to_owned(), person.given_name.as_str().into());
                claims.insert("family_name".to_owned(), person.family_name.as_str().into());
            }
            "email" => {
                claims.insert("email".to_owned(), person.email.as_str().into());
            }
            "organisation" => {
                // Someone without an organisation has an empty object, not none.
                let chosen = organisations().find(|one| Some(one.id()) == grant.organisation);
                let claim = chosen.map_or_else(|| json!({}), |one| organisation_json(one, Shape::Claim));
                claims.insert("organisation".to_owned(), claim);
            }
            _ => {}
        }
    }
    Json(Value::Object(claims)).into_response()
}

/// The token of a bearer authorization (RFC 6750).
pub(in crate::demo) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_rfc_7636_is_proven_by_its_verifier_alone() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge));
        assert!(!proves("short", challenge));
    }

    #[test]
    fn basic_credentials_are_form_encoded() {
        let header = format!("Basic {}", STANDARD.encode("an%20id:p%26q%3D+r%3A"));
        assert_eq!(basic(&header), Some(("an id".to_owned(), "p&q= r:".to_owned())));
        assert_eq!(basic("Bearer abc"), None);
    }
}
