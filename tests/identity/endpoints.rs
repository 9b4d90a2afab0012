//! Endpoints that are slow, down, elsewhere or without end; and keys that change.

use serde_json::json;
use vouchsafe::identity::dfe::{Call, IdTokenFault, SignInRefused, TokenError, Unavailable};
use vouchsafe::identity::http::HttpError;

use crate::keys::Signer;
use crate::misbehaving::{Provider, Trouble};
use crate::world::{NOON, World, refused, settings, shows_nothing};

/// The HTTP failure of a call, which must be `call`.
fn failure(refused: &SignInRefused, call: Call) -> &HttpError {
    match refused {
        SignInRefused::Unavailable(Unavailable::Call { call: failed, source }) if *failed == call => source,
        other => panic!("{call} did not fail: {other:?}"),
    }
}

/// What becomes of a sign-in when an endpoint is in trouble. Discovery and keys fail before it begins.
async fn with_trouble(endpoint: &'static str, trouble: Trouble) -> (World, SignInRefused) {
    let patience = if matches!(trouble, Trouble::Slow) { 3_000 } else { 60_000 };
    let world = World::with(|s| s.http.timeout_ms = patience).await;
    world.provider.switch().trouble.insert(endpoint, trouble);
    let refused = if matches!(endpoint, "discovery" | "certs") {
        world.sign_in.begin().await.map(|_| ()).map_err(SignInRefused::from).unwrap_err()
    } else {
        world.signs_in().await.map(|_| ()).unwrap_err()
    };
    shows_nothing(&refused);
    (world, refused)
}

const ENDPOINTS: [(&str, Call); 4] =
    [("discovery", Call::Discovery), ("certs", Call::Keys), ("token", Call::Token), ("me", Call::UserInfo)];

#[tokio::test]
async fn no_redirect_is_followed() {
    for (endpoint, call) in ENDPOINTS {
        for status in [301, 302, 303, 307, 308] {
            let (world, refused) = with_trouble(endpoint, Trouble::Redirect(status)).await;
            assert!(
                matches!(failure(&refused, call), HttpError::Redirected(s) if *s == status),
                "{refused:?}"
            );
            assert_eq!(world.provider.calls("elsewhere"), 0);
        }
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    for (endpoint, call) in ENDPOINTS {
        let (_, refused) = with_trouble(endpoint, Trouble::Endless).await;
        assert!(matches!(failure(&refused, call), HttpError::TooLarge), "{refused:?}");
    }
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_refused_and_a_smaller_one_is_not() {
    for (endpoint, call) in ENDPOINTS {
        let (_, refused) = with_trouble(endpoint, Trouble::Padded(1024 * 1024)).await;
        assert!(matches!(failure(&refused, call), HttpError::TooLarge), "{refused:?}");
    }
    let world = World::start().await;
    for (endpoint, _) in ENDPOINTS {
        world.provider.switch().trouble.insert(endpoint, Trouble::Padded(900 * 1024));
    }
    world.signs_in().await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_come_to_its_end_is_given_up_on() {
    let all = ENDPOINTS.map(|(endpoint, call)| async move {
        let (_, refused) = with_trouble(endpoint, Trouble::Slow).await;
        assert!(matches!(failure(&refused, call), HttpError::TimedOut), "{refused:?}");
        assert!(refused.retry_helps());
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn a_server_that_breaks_is_unavailable_and_not_a_refusal() {
    for (endpoint, call) in ENDPOINTS {
        let (_, refused) = with_trouble(endpoint, Trouble::Status(503, "<h1>Sorry</h1>")).await;
        assert!(matches!(failure(&refused, call), HttpError::Failed(503)), "{refused:?}");
        assert!(refused.retry_helps());
    }
}

#[tokio::test]
async fn endpoints_elsewhere_are_refused_before_anything_is_sent_there() {
    for name in
        ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"]
    {
        for elsewhere in ["https://evil.example/", "http://127.0.0.1:9/", "http://localhost/"] {
            let world = World::where_provider(|s| {
                s.discovery = Box::new(move |document| document[name] = elsewhere.into());
            })
            .await;
            let refused = world.sign_in.begin().await.unwrap_err();
            assert!(matches!(refused, Unavailable::EndpointForeign(n) if n == name), "{refused:?}");
            assert_eq!(world.provider.calls("certs"), 0);
        }
    }
}

#[tokio::test]
async fn another_issuers_discovery_document_is_refused() {
    let world = World::where_provider(|s| s.issuer.push('/')).await;
    assert!(matches!(world.sign_in.begin().await, Err(Unavailable::IssuerOther)));
}

/// `https://host:443` loses its port as a URL, as `LocalHost` loses its capitals; the issuer must lose neither.
#[tokio::test]
async fn an_issuer_whose_text_is_not_its_url_works_from_discovery_to_the_token() {
    let provider = Provider::start(NOON).await;
    let port = provider.base.rsplit_once(':').unwrap().1;
    let issuer = format!("http://LocalHost:{port}");
    let base = format!("http://localhost:{port}");
    {
        let mut switches = provider.switch();
        switches.issuer.clone_from(&issuer);
        switches.discovery = Box::new(move |document| {
            for name in [
                "authorization_endpoint",
                "token_endpoint",
                "jwks_uri",
                "userinfo_endpoint",
                "end_session_endpoint",
            ] {
                let path = document[name].as_str().unwrap().splitn(4, '/').nth(3).unwrap().to_owned();
                document[name] = format!("{base}/{path}").into();
            }
        });
    }
    let mut provider = provider.clone();
    provider.base = format!("http://localhost:{port}");
    let world = World::around(provider, &settings(&issuer));
    assert_eq!(world.signs_in().await.unwrap().issuer, issuer);
}

#[tokio::test]
async fn a_service_that_starts_while_dfe_is_down_signs_people_in_once_it_is_up() {
    let world = World::start().await;
    world.provider.switch().trouble.insert("discovery", Trouble::Status(502, ""));
    let down = world.sign_in.begin().await.unwrap_err();
    assert!(matches!(down, Unavailable::Call { call: Call::Discovery, .. }), "{down:?}");
    // The next one does not hammer.
    let waiting = world.sign_in.begin().await.unwrap_err();
    assert!(matches!(waiting, Unavailable::BackingOff { seconds: 2, .. }), "{waiting:?}");
    assert!(waiting.retry_helps());
    assert_eq!(world.provider.calls("discovery"), 1);
    world.later(2);
    assert!(world.sign_in.begin().await.is_err());
    assert_eq!(world.provider.calls("discovery"), 2);
    world.provider.switch().trouble.clear();
    world.later(3);
    assert!(matches!(world.sign_in.begin().await, Err(Unavailable::BackingOff { seconds: 1, .. })));
    world.later(1);
    world.signs_in().await.unwrap();
}

#[tokio::test]
async fn what_is_known_serves_on_while_discovery_is_down_and_is_renewed_each_hour() {
    let world = World::start().await;
    world.signs_in().await.unwrap();
    world.later(3_599);
    world.signs_in().await.unwrap();
    assert_eq!(world.provider.calls("discovery"), 1);
    world.provider.switch().trouble.insert("discovery", Trouble::Status(500, ""));
    world.later(1);
    world.signs_in().await.unwrap();
    assert_eq!(world.provider.calls("discovery"), 2);
    world.provider.switch().trouble.clear();
    world.later(60);
    world.signs_in().await.unwrap();
    assert_eq!(world.provider.calls("discovery"), 3);
}

#[tokio::test]
async fn many_at_once_ask_for_discovery_once() {
    let world = World::start().await;
    let all = (0..20).map(|_| world.sign_in.begin());
    for begun in futures_util::future::join_all(all).await {
        begun.unwrap();
    }
    assert_eq!(world.provider.calls("discovery"), 1);
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched_once() {
    let world = World::start().await;
    world.signs_in().await.unwrap();
    {
        let mut switches = world.provider.switch();
        switches.signer = Signer::Next;
        switches.published = vec![Signer::Main, Signer::Next];
    }
    world.signs_in().await.unwrap();
    world.signs_in().await.unwrap();
    assert_eq!(world.provider.calls("certs"), 2);
}

#[tokio::test]
async fn made_up_key_ids_do_not_make_us_ask_for_keys_more_than_once_a_minute() {
    let world = World::where_provider(|s| s.signer = Signer::Next).await;
    for _ in 0..5 {
        let refused = world.signs_in().await.unwrap_err();
        assert!(matches!(refused, SignInRefused::IdToken(IdTokenFault::UnknownKey)));
    }
    assert_eq!(world.provider.calls("certs"), 2);
    world.provider.switch().published = vec![Signer::Next];
    world.later(59);
    assert!(world.signs_in().await.is_err());
    world.later(1);
    world.signs_in().await.unwrap();
    assert_eq!(world.provider.calls("certs"), 3);
}

refused! {
    a_token_answer_without_id_token_is_refused:
        |s| s.tokens = Box::new(|tokens| { tokens.as_object_mut().unwrap().remove("id_token"); })
        => SignInRefused::IdTokenMissing,
    a_token_answer_without_access_token_is_refused:
        |s| s.tokens = Box::new(|tokens| { tokens.as_object_mut().unwrap().remove("access_token"); })
        => SignInRefused::TokenUnreadable,
    a_token_of_another_type_is_refused: |s| s.tokens = Box::new(|tokens| tokens["token_type"] = "mac".into())
        => SignInRefused::TokenUnreadable,
    an_access_token_that_is_no_header_value_is_refused: |s| {
        s.claims = Box::new(|claims| { claims.as_object_mut().unwrap().remove("at_hash"); });
        s.tokens = Box::new(|tokens| tokens["access_token"] = "a\r\nx-evil: 1".into());
    } => SignInRefused::TokenUnreadable,
    a_token_answer_that_is_no_json_is_refused:
        |s| s.trouble.insert("token", Trouble::Status(200, "<html>")) => SignInRefused::TokenUnreadable,
    a_client_secret_that_is_wrong_is_named:
        |s| s.trouble.insert("token", Trouble::Status(401, r#"{"error":"invalid_client"}"#))
        => SignInRefused::TokenRefused(TokenError::InvalidClient),
    an_error_that_is_made_up_is_not_repeated:
        |s| s.trouble.insert("token", Trouble::Status(400, r#"{"error":"eyJ secret details"}"#))
        => SignInRefused::TokenRefused(TokenError::Other),
}

#[tokio::test]
async fn a_discovery_document_without_token_endpoint_or_sense_is_refused() {
    let world = World::where_provider(|s| {
        s.discovery = Box::new(|document| {
            document.as_object_mut().unwrap().remove("token_endpoint");
        });
    })
    .await;
    assert!(matches!(world.sign_in.begin().await, Err(Unavailable::EndpointMissing("token_endpoint"))));
    let world = World::where_provider(|s| s.discovery = Box::new(|document| *document = json!([]))).await;
    assert!(matches!(world.sign_in.begin().await, Err(Unavailable::Unreadable(Call::Discovery))));
}

#[tokio::test]
async fn signing_out_leads_to_the_provider_with_the_token_as_hint() {
    let world = World::start().await;
    let token = world.signs_in().await.unwrap().id_token;
    let home = "https://ecf2.example/signed-out".parse().unwrap();
    let url = world.sign_in.sign_out_url(&token, &home).await.unwrap();
    assert_eq!(url.path(), "/session/end");
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    assert_eq!(query[0], ("id_token_hint".to_owned(), token.expose().to_owned()));
    assert_eq!(query[1], ("post_logout_redirect_uri".to_owned(), home.to_string()));

    let without = World::where_provider(|s| {
        s.discovery = Box::new(|document| {
            document.as_object_mut().unwrap().remove("end_session_endpoint");
        });
    })
    .await;
    assert_eq!(without.sign_in.sign_out_url(&token, &home).await, None);
}
