//! A provider with a switch for every misbehaviour. With none thrown it behaves: it checks the client, the code, the
//! redirect and PKCE as a real one does.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use crate::keys::{self, Signer};

pub const CLIENT_ID: &str = "ecf2";
pub const CLIENT_SECRET: &str = "client secret: with / odd + characters";
pub const REDIRECT: &str = "http://127.0.0.1:9/sign-in/dfe/callback";

/// What an endpoint does instead of answering.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Sends the caller to `/elsewhere`.
    Redirect(u16),
    /// Sends bytes without end, as fast as they are taken.
    Endless,
    /// Sends one byte, and then nothing.
    Slow,
    /// Answers with this status and body.
    Status(u16, &'static str),
    /// Answers with so many bytes of white space before its proper answer.
    Padded(usize),
}

type Change = Box<dyn Fn(&mut Value) + Send>;

/// What the provider does. Tests throw the switches.
pub struct Switches {
    /// The issuer, letter for letter.
    pub issuer: String,
    /// Seconds since 1970, as the provider's clock has it.
    pub now: i64,
    pub signer: Signer,
    pub published: Vec<Signer>,
    pub discovery: Change,
    pub header: Change,
    pub claims: Change,
    /// Makes the payload's text from the claims.
    pub payload: fn(&Value) -> String,
    /// Changes the id token after it was signed.
    pub tamper: fn(String) -> String,
    pub tokens: Change,
    pub userinfo: Change,
    /// Whether userinfo is a JWT signed so.
    pub userinfo_signer: Option<Signer>,
    pub userinfo_type: &'static str,
    pub trouble: HashMap<&'static str, Trouble>,
    /// Whether the callback names the issuer.
    pub names_issuer: bool,
}

/// What was asked of the provider.
#[derive(Default)]
struct Seen {
    calls: HashMap<&'static str, usize>,
    /// By code: the nonce and the PKCE challenge.
    codes: HashMap<String, (String, String)>,
    used: HashSet<String>,
    authentication: Option<&'static str>,
}

#[derive(Clone)]
pub struct Provider {
    pub base: String,
    switches: Arc<Mutex<Switches>>,
    seen: Arc<Mutex<Seen>>,
}

fn nothing() -> Change {
    Box::new(|_| {})
}

impl Provider {
    pub async fn start(now: i64) -> Self {
        keys::make();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let provider = Self {
            switches: Arc::new(Mutex::new(Switches {
                issuer: base.clone(),
                now,
                signer: Signer::Main,
                published: vec![Signer::Main],
                discovery: nothing(),
                header: nothing(),
                claims: nothing(),
                payload: Value::to_string,
                tamper: |token| token,
                tokens: nothing(),
                userinfo: nothing(),
                userinfo_signer: None,
                userinfo_type: "application/json; charset=utf-8",
                trouble: HashMap::new(),
                names_issuer: false,
            })),
            seen: Arc::default(),
            base,
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/certs", get(certs))
            .route("/token", post(token))
            .route("/me", get(me))
            .route("/elsewhere", get(elsewhere).post(elsewhere))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub fn switch(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// How often an endpoint was called.
    pub fn calls(&self, endpoint: &str) -> usize {
        self.seen().calls.get(endpoint).copied().unwrap_or_default()
    }

    /// How the client proved itself: `basic` or `post`.
    pub fn authentication(&self) -> Option<&'static str> {
        self.seen().authentication
    }

    /// The person signs in: the callback's query that their browser brings back.
    pub fn sign_in(&self, authorize_url: &Url) -> String {
        let asked: HashMap<String, String> = authorize_url.query_pairs().into_owned().collect();
        assert!(authorize_url.as_str().starts_with(&format!("{}/auth?", self.base.to_lowercase())));
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT_ID);
        assert_eq!(asked["redirect_uri"], REDIRECT);
        assert_eq!(asked["code_challenge_method"], "S256");
        let scopes: HashSet<_> = asked["scope"].split(' ').collect();
        assert_eq!(scopes, HashSet::from(["openid", "profile", "email", "organisation"]));
        let code = format!("code-{}", self.seen().codes.len());
        let kept = (asked["nonce"].clone(), asked["code_challenge"].clone());
        self.seen().codes.insert(code.clone(), kept);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &code).append_pair("state", &asked["state"]);
        if self.switch().names_issuer {
            query.append_pair("iss", &self.switch().issuer);
        }
        query.finish()
    }

    /// Counts a call, and gets into trouble if the switch is thrown.
    fn trouble(&self, endpoint: &'static str) -> Option<Response> {
        *self.seen().calls.entry(endpoint).or_default() += 1;
        let trouble = self.switch().trouble.get(endpoint).cloned()?;
        let bytes = |bytes: Bytes| Ok::<_, Infallible>(bytes);
        match trouble {
            Trouble::Redirect(status) => {
                let status = StatusCode::from_u16(status).unwrap();
                Some((status, [(header::LOCATION, "/elsewhere")]).into_response())
            }
            Trouble::Endless => {
                let chunk = Bytes::from(vec![b' '; 16 * 1024]);
                let body = Body::from_stream(stream::repeat(chunk).map(bytes));
                Some(([(header::CONTENT_TYPE, "application/json")], body).into_response())
            }
            Trouble::Slow => {
                let one = stream::iter([Bytes::from_static(b"{")]).chain(stream::pending());
                let body = Body::from_stream(one.map(bytes));
                Some(([(header::CONTENT_TYPE, "application/json")], body).into_response())
            }
            Trouble::Status(status, body) => {
                let status = StatusCode::from_u16(status).unwrap();
                Some((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
            }
            Trouble::Padded(_) => None,
        }
    }

    fn json(&self, endpoint: &'static str, kind: &'static str, value: &Value) -> Response {
        let padding = match self.switch().trouble.get(endpoint) {
            Some(Trouble::Padded(bytes)) => " ".repeat(*bytes),
            _ => String::new(),
        };
        ([(header::CONTENT_TYPE, kind)], format!("{padding}{value}")).into_response()
    }

    fn id_token(&self, nonce: &str, access_token: &str) -> String {
        let switches = self.switch();
        let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
        let mut claims = json!({
            "iss": switches.issuer, "aud": CLIENT_ID, "sub": "B41B3462-0000-4000-8000-407F7F115056",
            "exp": switches.now + 3600, "iat": switches.now, "auth_time": switches.now - 30, "nonce": nonce,
            "at_hash": BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]),
        });
        (switches.claims)(&mut claims);
        let mut header = json!({ "alg": switches.signer.alg(), "kid": switches.signer.kid(), "typ": "JWT" });
        (switches.header)(&mut header);
        (switches.tamper)(switches.signer.jwt(&header, &(switches.payload)(&claims)))
    }
}

async fn discovery(State(provider): State<Provider>) -> Response {
    if let Some(trouble) = provider.trouble("discovery") {
        return trouble;
    }
    let base = &provider.base;
    let mut document = json!({
        "issuer": provider.switch().issuer,
        "authorization_endpoint": format!("{base}/auth"),
        "token_endpoint": format!("{base}/token"),
        "userinfo_endpoint": format!("{base}/me"),
        "jwks_uri": format!("{base}/certs"),
        "end_session_endpoint": format!("{base}/session/end"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "RS512", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
    });
    (provider.switch().discovery)(&mut document);
    provider.json("discovery", "application/json", &document)
}

async fn certs(State(provider): State<Provider>) -> Response {
    if let Some(trouble) = provider.trouble("certs") {
        return trouble;
    }
    let keys: Vec<Value> = provider.switch().published.iter().map(|signer| signer.jwk()).collect();
    provider.json("certs", "application/jwk-set+json; charset=utf-8", &json!({ "keys": keys }))
}

fn refused(error: &str) -> Response {
    let body = json!({ "error": error, "error_description": "secret details" }).to_string();
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The client's id and secret, and how they came.
fn client(headers: &HeaderMap, form: &HashMap<String, String>) -> Option<(&'static str, String, String)> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = BASE64_STANDARD.decode(value.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
        let value = String::from_utf8(value).ok()?;
        let (id, secret) = value.split_once(':')?;
        let plain = |text: &str| {
            form_urlencoded::parse(format!("v={text}").as_bytes()).next().map(|pair| pair.1.into_owned())
        };
        return Some(("basic", plain(id)?, plain(secret)?));
    }
    Some(("post", form.get("client_id")?.clone(), form.get("client_secret")?.clone()))
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(trouble) = provider.trouble("token") {
        return trouble;
    }
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    match client(&headers, &form) {
        Some((how, id, secret)) if id == CLIENT_ID && secret == CLIENT_SECRET => {
            provider.seen().authentication = Some(how);
        }
        _ => return refused("invalid_client"),
    }
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let challenge = digest::digest(&digest::SHA256, field("code_verifier").as_bytes());
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(challenge);
    let kept = provider.seen().codes.get(&field("code")).cloned();
    let unused = provider.seen().used.insert(field("code"));
    let nonce = match kept {
        Some((nonce, asked)) if unused && asked == challenge && field("redirect_uri") == REDIRECT => nonce,
        _ => return refused("invalid_grant"),
    };
    let access_token = "access-token";
    let mut tokens = json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": 3600,
        "id_token": provider.id_token(&nonce, access_token),
    });
    (provider.switch().tokens)(&mut tokens);
    provider.json("token", "application/json", &tokens)
}

async fn me(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    if let Some(trouble) = provider.trouble("me") {
        return trouble;
    }
    if headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer access-token") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut claims: Value = serde_json::from_str(include_str!("../data/dfe_userinfo.json")).unwrap();
    let signer = provider.switch().userinfo_signer;
    if signer.is_some() {
        claims["iss"] = json!(provider.switch().issuer);
        claims["aud"] = json!(CLIENT_ID);
    }
    (provider.switch().userinfo)(&mut claims);
    let kind = provider.switch().userinfo_type;
    match signer {
        Some(signer) => {
            let header = json!({ "alg": signer.alg(), "kid": signer.kid() });
            let jwt = signer.jwt(&header, &claims.to_string());
            ([(header::CONTENT_TYPE, "application/jwt")], jwt).into_response()
        }
        None => provider.json("me", kind, &claims),
    }
}

/// Where redirects lead. Nobody should ever come here.
async fn elsewhere(State(provider): State<Provider>) -> Response {
    provider.trouble("elsewhere");
    "{}".into_response()
}
