//! The OpenID provider.

use std::sync::Arc;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse as _,
};
use vouchsafe::clock::{Clock as _, SetClock, SystemClock};
use vouchsafe::demo::{Account, Listen, SamplePerson, people, person, school};
use vouchsafe_events::Timestamp;

use crate::{Answer, CLIENT, FORM, REDIRECT, SECRET, SIGNED_OUT, World, form};

/// From RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn someone(key: &str) -> &'static SamplePerson {
    person(key).unwrap()
}

impl World {
    /// Asks for authorization with good parameters, some of them changed or (when empty) left out.
    async fn authorize(&self, changes: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid profile email organisation"),
            ("state", "the state"),
            ("nonce", "the nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for change in changes {
            fields.retain(|(name, _)| *name != change.0);
            if !change.1.is_empty() {
                fields.push(*change);
            }
        }
        self.get(&format!("{}/auth?{}", self.running.provider_url, form(&fields))).await
    }

    /// Begins to sign in and gives the address of the chooser.
    async fn begin(&self) -> String {
        let answer = self.authorize(&[]).await;
        assert_eq!(answer.status, 303);
        format!("{}{}", self.running.provider_url, answer.header("location"))
    }

    /// Signs in as somebody with at most one organisation, and gives the code.
    async fn code(&self, key: &str) -> String {
        let chooser = self.begin().await;
        let answer = self.choose(&chooser, key).await;
        answer.parameter("code").unwrap()
    }

    async fn choose(&self, chooser: &str, key: &str) -> Answer {
        self.post(&format!("{chooser}/person"), &[("person", &someone(key).sub.to_string())]).await
    }

    async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
        ];
        for change in changes {
            fields.retain(|(name, _)| *name != change.0);
            if !change.1.is_empty() {
                fields.push(*change);
            }
        }
        self.post(&format!("{}/token", self.running.provider_url), &fields).await
    }

    async fn me(&self, token: &str) -> Answer {
        let ask = self.browser.get(format!("{}/me", self.running.provider_url));
        Answer::of(ask.bearer_auth(token).send().await.unwrap()).await
    }

    /// Signs in and reads the claims.
    async fn claims(&self, key: &str) -> serde_json::Value {
        let tokens = self.redeem(&self.code(key).await, &[]).await.json();
        self.me(tokens["access_token"].as_str().unwrap()).await.json()
    }

    /// Hands the crate's requests to the same browser.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
        let (parts, body) = request.into_parts();
        let response = self
            .browser
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send()
            .await?;
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        *answer.body_mut() = response.bytes().await?.to_vec();
        Ok(answer)
    }
}

#[tokio::test]
async fn the_products_own_crate_signs_somebody_in() {
    let world = World::new().await;
    let http = |request| world.send(request);
    let issuer = IssuerUrl::new(world.running.issuer.clone()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.unwrap();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(CLIENT.to_owned()),
        Some(ClientSecret::new(SECRET.to_owned())),
    )
    .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (to, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("organisation".to_owned()))
        .set_pkce_challenge(challenge)
        .url();

    let begun = world.get(to.as_str()).await;
    let chooser = format!("{}{}", world.running.provider_url, begun.header("location"));
    let back = world.choose(&chooser, "folasade-adeyemi").await;
    assert_eq!(back.parameter("state").as_deref(), Some(state.secret().as_str()));
    assert_eq!(back.parameter("iss").as_deref(), Some(world.running.issuer.as_str()));

    let code = AuthorizationCode::new(back.parameter("code").unwrap());
    let tokens =
        client.exchange_code(code).unwrap().set_pkce_verifier(verifier).request_async(&http).await.unwrap();
    let id_token = tokens.id_token().unwrap();
    let verifier = client.id_token_verifier();
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    assert_eq!(claims.subject().as_str(), someone("folasade-adeyemi").sub.to_string().to_uppercase());
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().unwrap(),
        id_token.signing_key(&verifier).unwrap(),
    )
    .unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash));
    assert!(id_token.claims(&verifier, &Nonce::new("another".to_owned())).is_err());
}

#[tokio::test]
async fn claims_reach_as_far_as_the_scopes_and_carry_the_organisation() {
    let world = World::new().await;
    let claims = world.claims("folasade-adeyemi").await;
    assert_eq!(claims["given_name"], "Folasade");
    assert_eq!(claims["email"], "folasade.adeyemi@alderbrook.example");
    assert_eq!(claims["organisation"]["urn"], "900001");
    assert_eq!(claims["organisation"]["status"]["name"], "Open");
    assert!(claims.get("email_verified").is_none(), "DfE Sign-in sends none");

    let alone = world.claims("owen-featherstone").await;
    assert_eq!(alone["organisation"], serde_json::json!({}));
    let closed = world.claims("shazia-hussain").await;
    assert_eq!(closed["organisation"]["status"]["id"], 2);
    let department = world.claims("judith-abara").await;
    assert_eq!(department["organisation"]["category"]["id"], "011");

    let begun = world.authorize(&[("scope", "openid")]).await;
    let chooser = format!("{}{}", world.running.provider_url, begun.header("location"));
    let code = world.choose(&chooser, "folasade-adeyemi").await.parameter("code").unwrap();
    let tokens = world.redeem(&code, &[]).await.json();
    let bare = world.me(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(bare.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
    assert_eq!(world.me("no token").await.status, 401);
}

#[tokio::test]
async fn somebody_of_two_schools_picks_one() {
    let world = World::new().await;
    let chooser = world.begin().await;
    let answer = world.choose(&chooser, "ngozi-eze").await;
    assert!(answer.header("location").ends_with("/organisation"));
    let page = world.get(&format!("{chooser}/organisation")).await;
    assert!(page.body.contains("Alderbrook Primary School") && page.body.contains("St Mary"));

    let elsewhere = school("kingsmead").unwrap().id.to_string();
    let foreign = world.post(&format!("{chooser}/organisation"), &[("organisation", &elsewhere)]).await;
    assert_eq!(foreign.status, 400, "not theirs");
    let second = school("st-marys-leeds").unwrap();
    let answer =
        world.post(&format!("{chooser}/organisation"), &[("organisation", &second.id.to_string())]).await;
    let tokens = world.redeem(&answer.parameter("code").unwrap(), &[]).await.json();
    let claims = world.me(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(claims["organisation"]["urn"], second.urn);
    assert_eq!(world.get(&chooser).await.status, 400, "the sign-in has ended");
}

#[tokio::test]
async fn the_chooser_says_what_it_is_and_lists_everybody_who_can_sign_in() {
    let world = World::new().await;
    let page = world.get(&world.begin().await).await;
    assert!(page.body.contains("Stand-in for DfE Sign-in — demonstration only"));
    assert!(page.body.contains("<html lang=\"en-GB\">"));
    assert!(page.body.contains("Folasade Adeyemi") && page.body.contains("Owen Featherstone"));
    assert!(!page.body.contains("Clive Braithwaite"), "a deactivated account cannot sign in");
    assert!(!page.body.contains("Francesca Moretti"), "no account");
    assert!(!page.body.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("form-action 'self' http://localhost:9")
    );
}

#[tokio::test]
async fn a_request_that_is_not_the_services_sends_nobody_anywhere() {
    let world = World::new().await;
    for change in [
        ("client_id", "another"),
        ("redirect_uri", "http://localhost:9/auth/callback/"),
        ("redirect_uri", "https://elsewhere.example/auth/callback"),
        ("redirect_uri", ""),
    ] {
        let answer = world.authorize(&[change]).await;
        assert_eq!(answer.status, 400, "{change:?}");
        assert!(answer.headers.get("location").is_none(), "{change:?}");
    }
}

#[tokio::test]
async fn a_request_with_a_fault_goes_back_with_the_error() {
    let world = World::new().await;
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "profile"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        let answer = world.authorize(&[change]).await;
        assert_eq!(answer.parameter("error").as_deref(), Some(error), "{change:?}");
        assert_eq!(answer.parameter("state").as_deref(), Some("the state"));
        assert_eq!(answer.parameter("iss").as_deref(), Some(world.running.issuer.as_str()));
    }
}

#[tokio::test]
async fn a_code_is_good_for_its_client_address_and_verifier_only() {
    let world = World::new().await;
    let other_verifier = "x".repeat(43);
    for (change, status, error) in [
        (("code_verifier", other_verifier.as_str()), 400, "invalid_grant"),
        (("code_verifier", ""), 400, "invalid_grant"),
        (("redirect_uri", "http://localhost:9/other"), 400, "invalid_grant"),
        (("redirect_uri", ""), 400, "invalid_grant"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
        (("client_secret", "wrong"), 401, "invalid_client"),
        (("client_secret", ""), 401, "invalid_client"),
        (("client_id", "another"), 401, "invalid_client"),
        (("code", "made up"), 400, "invalid_grant"),
    ] {
        let answer = world.redeem(&world.code("imran-qureshi").await, &[change]).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)), "{change:?}");
    }
}

#[tokio::test]
async fn a_failed_proof_uses_the_code_up() {
    let world = World::new().await;
    let code = world.code("imran-qureshi").await;
    let wrong = "y".repeat(43);
    assert_eq!(world.redeem(&code, &[("code_verifier", &wrong)]).await.status, 400);
    assert_eq!(world.redeem(&code, &[]).await.status, 400);
}

#[tokio::test]
async fn a_code_that_comes_twice_takes_the_first_ones_token_back() {
    let world = World::new().await;
    let code = world.code("imran-qureshi").await;
    let first = world.redeem(&code, &[]).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("cache-control"), "no-store");
    let token = first.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.me(&token).await.status, 200);
    assert_eq!(world.redeem(&code, &[]).await.json()["error"], "invalid_grant");
    assert_eq!(world.me(&token).await.status, 401);
}

#[tokio::test]
async fn the_client_may_authenticate_by_header_but_not_in_two_ways() {
    let world = World::new().await;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let ask = async |code: &str, more: &str| {
        let body = form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]);
        let request = world
            .browser
            .post(format!("{}/token", world.running.provider_url))
            .basic_auth(encoded(CLIENT), Some(encoded(SECRET)))
            .header("content-type", FORM)
            .body(format!("{body}{more}"));
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(ask(&world.code("mei-lin").await, "").await.status, 200);
    let twice = ask(&world.code("mei-lin").await, "&client_secret=x").await;
    assert_eq!(twice.json()["error"], "invalid_request");
}

#[tokio::test]
async fn leaving_answers_as_dfe_sign_in_does() {
    let world = World::new().await;
    let leave = async |how: &str| {
        let chooser = world.begin().await;
        world.post(&format!("{chooser}/leave"), &[("how", how)]).await
    };
    assert_eq!(leave("expired").await.header("location"), format!("{REDIRECT}?error=sessionexpired"));
    assert_eq!(leave("bare").await.header("location"), REDIRECT);
    let refused = leave("refused").await;
    assert_eq!(refused.parameter("error").as_deref(), Some("consent_denied"));
    assert_eq!(refused.parameter("state").as_deref(), Some("the state"));
}

#[tokio::test]
async fn sign_ins_codes_and_tokens_lapse() {
    let start = Timestamp::from_micros(1_800_000_000_000_000);
    let clock = Arc::new(SetClock::at(start));
    let world = World::with(Arc::clone(&clock) as _, Listen::anywhere()).await;
    let chooser = world.begin().await;
    clock.set(start.plus_seconds(599));
    assert_eq!(world.get(&chooser).await.status, 200);
    clock.set(start.plus_seconds(599 + 600));
    let lapsed = world.choose(&chooser, "mei-lin").await;
    assert_eq!(lapsed.header("location"), format!("{REDIRECT}?error=sessionexpired"));

    let code = world.code("mei-lin").await;
    let late = world.code("mei-lin").await;
    clock.set(clock.now().plus_seconds(59));
    let tokens = world.redeem(&code, &[]).await.json();
    clock.set(clock.now().plus_seconds(1));
    assert_eq!(world.redeem(&late, &[]).await.json()["error"], "invalid_grant");
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(world.me(token).await.status, 200);
    clock.set(clock.now().plus_seconds(3600));
    assert_eq!(world.me(token).await.status, 401);
}

#[tokio::test]
async fn signing_out_goes_only_where_it_was_agreed_and_with_a_token_of_this_provider() {
    let world = World::new().await;
    let tokens = world.redeem(&world.code("mei-lin").await, &[]).await.json();
    let hint = tokens["id_token"].as_str().unwrap();
    let end = async |fields: &[(&str, &str)]| {
        world.get(&format!("{}/session/end?{}", world.running.provider_url, form(fields))).await
    };
    let good =
        end(&[("id_token_hint", hint), ("post_logout_redirect_uri", SIGNED_OUT), ("state", "s")]).await;
    assert_eq!(good.header("location"), format!("{SIGNED_OUT}?state=s"));
    let elsewhere = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://elsewhere.example/")];
    assert_eq!(end(&elsewhere).await.status, 400);
    assert_eq!(end(&[("post_logout_redirect_uri", SIGNED_OUT)]).await.status, 400);
    let forged = format!("{hint}x");
    assert_eq!(
        end(&[("id_token_hint", &forged), ("post_logout_redirect_uri", SIGNED_OUT)]).await.status,
        400
    );
    assert_eq!(end(&[]).await.status, 200);
}

#[tokio::test]
async fn the_key_is_the_same_after_a_restart_and_the_issuer_may_be_set() {
    let world = World::new().await;
    let keys = world.get(&format!("{}/certs", world.running.provider_url)).await.json();
    let World { running, folder, .. } = world;
    running.shutdown().await;
    let listen = Listen { issuer: Some("https://oidc.example:443".to_owned()), ..Listen::anywhere() };
    let world = World::again(folder, Arc::new(SystemClock), listen).await;
    assert_eq!(world.get(&format!("{}/certs", world.running.provider_url)).await.json(), keys);
    let url = format!("{}/.well-known/openid-configuration", world.running.provider_url);
    let discovery = world.get(&url).await.json();
    assert_eq!(discovery["issuer"], "https://oidc.example:443");
    assert_eq!(discovery["token_endpoint"], "https://oidc.example:443/token");
}

#[tokio::test]
async fn the_first_page_says_what_to_try_with_people_who_are_there_and_links_into_the_service() {
    let world = World::new().await;
    let page = world.get(&world.running.provider_url).await.body;
    let (guide, _) = page.split_once("<h2 id=\"controls\">").unwrap();
    let service = url::Url::parse(REDIRECT).unwrap().origin().ascii_serialization();
    for path in ["/", "/access", "/school/requests", "/school/users", "/school/users/add", "/audit"] {
        assert!(guide.contains(&format!("href=\"{service}{path}\"")), "{path}");
    }
    assert!(guide.contains(&format!("href=\"{}\"", world.running.inbox_url)));
    assert!(guide.contains("href=\"#school-fernhollow\"") && page.contains("id=\"school-fernhollow\""));
    // Who is named in bold, and is no heading of a step, is somebody to be.
    let bold = guide.split("<strong>").skip(1).filter_map(|rest| rest.split_once("</strong>"));
    let names: Vec<&str> = bold.map(|(name, _)| name).filter(|name| !name.ends_with('.')).collect();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        let found = people().iter().find(|person| person.name() == name);
        assert!(found.is_some_and(|person| person.account == Account::Active), "{name}");
    }
}

#[tokio::test]
async fn the_control_page_makes_an_approver_and_takes_no_form_from_another_site() {
    let world = World::new().await;
    let control = &world.running.provider_url;
    assert!(world.get(control).await.body.contains("Make Jowan Trelawney an approver at Fernhollow"));
    let (jowan, fernhollow) =
        (someone("jowan-trelawney").sub.to_string(), school("fernhollow").unwrap().id.to_string());
    let fields = [("person", jowan.as_str()), ("organisation", fernhollow.as_str()), ("approver", "true")];
    let foreign = world
        .browser
        .post(format!("{control}/approver"))
        .header("content-type", FORM)
        .header("sec-fetch-site", "cross-site")
        .body(form(&fields));
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    assert!(world.get(control).await.body.contains("Make Jowan Trelawney an approver"));
    assert_eq!(world.post(&format!("{control}/approver"), &fields).await.status, 303);
    assert!(world.get(control).await.body.contains("Make Jowan Trelawney an end user"));
    let page = world.get(&world.begin().await).await;
    assert!(page.body.contains("(now an approver)"));
}

/// The verifier of the RFC is the one that the crate takes too, so the tests above prove what they say.
#[test]
fn the_rfcs_challenge_is_the_crates() {
    let verifier = PkceCodeVerifier::new(VERIFIER.to_owned());
    assert_eq!(PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str(), CHALLENGE);
}
