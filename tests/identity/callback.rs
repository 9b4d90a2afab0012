//! What a browser brings back, or does not.

use vouchsafe::identity::dfe::{ClientAuthentication, Pending, ProviderError, SignInRefused, TokenError};

use crate::world::{World, at, shows_nothing};

/// What becomes of a callback with this query, in the browser that began.
async fn after(query: &str) -> SignInRefused {
    let world = World::start().await;
    let (pending, _) = world.comes_back().await;
    let refused = world.finishes(Some(pending), query).await.unwrap_err();
    assert_eq!(world.provider.calls("token"), 0, "no code is exchanged after {query}");
    shows_nothing(&refused);
    refused
}

#[tokio::test]
async fn a_person_who_comes_back_is_signed_in() {
    let world = World::start().await;
    let person = world.signs_in().await.unwrap();
    assert_eq!(person.issuer, world.provider.base);
    assert_eq!(person.subject.as_str(), "b41b3462-0000-4000-8000-407f7f115056");
    assert_eq!(person.email.as_str(), "c.marsh@greenhill.example");
    assert_eq!(person.given_name.as_deref(), Some("Clara"));
    assert_eq!(person.authenticated_at, Some(at(crate::world::NOON - 30)));
    assert_eq!(person.id_token.expose().split('.').count(), 3);
    assert!(!format!("{person:?}").contains("marsh"));
}

#[tokio::test]
async fn a_sign_in_that_another_instance_began_can_be_finished_from_what_was_kept() {
    let world = World::start().await;
    let (pending, query) = world.comes_back().await;
    assert_eq!(pending.expires(), at(crate::world::NOON + 1_800));
    let kept = serde_json::to_string(&pending).unwrap();
    let again: Pending = serde_json::from_str(&kept).unwrap();
    world.finishes(Some(again), &query).await.unwrap();
}

#[tokio::test]
async fn two_sign_ins_share_nothing() {
    let world = World::start().await;
    let (one, two) = (world.sign_in.begin().await.unwrap(), world.sign_in.begin().await.unwrap());
    for name in ["state", "nonce", "code_challenge"] {
        let of = |url: &url::Url| url.query_pairs().find(|pair| pair.0 == name).unwrap().1.into_owned();
        let (one, two) = (of(&one.authorize_url), of(&two.authorize_url));
        assert_ne!(one, two);
        assert!(one.len() >= 43, "{name} has 256 bits");
    }
}

#[tokio::test]
async fn a_session_that_expired_at_dfe_starts_again_quietly_without_state() {
    assert!(matches!(after("error=sessionexpired").await, SignInRefused::StartAgainQuietly));
}

#[tokio::test]
async fn a_bare_callback_starts_again_quietly_even_without_a_sign_in() {
    assert!(matches!(after("").await, SignInRefused::StartAgainQuietly));
    let world = World::start().await;
    let refused = world.finishes(None, "").await.unwrap_err();
    assert!(matches!(refused, SignInRefused::StartAgainQuietly));
}

#[tokio::test]
async fn dfes_errors_are_told_apart() {
    assert!(matches!(after("error=consent_denied").await, SignInRefused::ConsentDenied));
    assert!(matches!(after("error=access_denied&state=s").await, SignInRefused::AccessDenied));
    let busy = after("error=temporarily_unavailable&error_description=secret+details").await;
    assert!(matches!(busy, SignInRefused::ProviderSaid(ProviderError::TemporarilyUnavailable)));
    assert!(busy.retry_helps());
    let ours = after("error=invalid_scope").await;
    assert!(!ours.retry_helps());
}

#[tokio::test]
async fn a_missing_state_is_refused() {
    assert!(matches!(after("code=code-0").await, SignInRefused::StateMissing));
}

#[tokio::test]
async fn another_state_is_refused() {
    assert!(matches!(after("code=code-0&state=made-up").await, SignInRefused::StateOther));
}

#[tokio::test]
async fn a_state_without_a_code_is_refused() {
    assert!(matches!(after("state=made-up").await, SignInRefused::CodeMissing));
}

#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    assert!(matches!(after("code=a&code=b&state=s").await, SignInRefused::CallbackMalformed));
}

#[tokio::test]
async fn a_callback_in_another_browser_is_refused() {
    let world = World::start().await;
    let (_, query) = world.comes_back().await;
    let (other, _) = world.comes_back().await;
    let refused = world.finishes(Some(other), &query).await.unwrap_err();
    assert!(matches!(refused, SignInRefused::StateOther));
    let refused = world.finishes(None, &query).await.unwrap_err();
    assert!(matches!(refused, SignInRefused::NotBegunHere));
    assert_eq!(world.provider.calls("token"), 0);
}

#[tokio::test]
async fn a_code_is_good_once() {
    let world = World::start().await;
    let (pending, query) = world.comes_back().await;
    world.finishes(Some(pending.clone()), &query).await.unwrap();
    let refused = world.finishes(Some(pending), &query).await.unwrap_err();
    assert!(matches!(refused, SignInRefused::TokenRefused(TokenError::InvalidGrant)), "{refused:?}");
    assert!(refused.retry_helps());
    shows_nothing(&refused);
}

#[tokio::test]
async fn a_code_that_was_slipped_in_fails_for_want_of_its_verifier() {
    let world = World::start().await;
    let (_, thief) = world.comes_back().await;
    let (pending, query) = world.comes_back().await;
    let code = |query: &str| query.split('&').next().unwrap().to_owned();
    let mixed = query.replace(&code(&query), &code(&thief));
    let refused = world.finishes(Some(pending), &mixed).await.unwrap_err();
    assert!(matches!(refused, SignInRefused::TokenRefused(TokenError::InvalidGrant)));
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_is_refused() {
    let world = World::start().await;
    let (pending, query) = world.comes_back().await;
    world.later(1_799);
    world.finishes(Some(pending.clone()), &query).await.unwrap();
    world.later(1);
    let refused = world.finishes(Some(pending), &query).await.unwrap_err();
    assert!(matches!(refused, SignInRefused::TookTooLong));
}

#[tokio::test]
async fn another_issuer_at_the_callback_is_refused() {
    let world = World::start().await;
    let (pending, query) = world.comes_back().await;
    for iss in ["https%3A%2F%2Fevil.example".to_owned(), format!("{}/", world.provider.base)] {
        let refused = world.finishes(Some(pending.clone()), &format!("{query}&iss={iss}")).await.unwrap_err();
        assert!(matches!(refused, SignInRefused::IssuerOther), "{iss}");
    }
    assert_eq!(world.provider.calls("token"), 0);
}

#[tokio::test]
async fn an_issuer_that_was_promised_must_come() {
    let world = World::where_provider(|s| {
        s.discovery =
            Box::new(|document| document["authorization_response_iss_parameter_supported"] = true.into());
    })
    .await;
    assert!(matches!(world.signs_in().await, Err(SignInRefused::IssuerMissing)));
    world.provider.switch().names_issuer = true;
    world.signs_in().await.unwrap();
}

#[tokio::test]
async fn the_client_proves_itself_as_discovery_offers_or_as_the_settings_say() {
    let basic = World::start().await;
    basic.signs_in().await.unwrap();
    assert_eq!(basic.provider.authentication(), Some("basic"));

    let post = World::where_provider(|s| {
        s.discovery = Box::new(|document| {
            document["token_endpoint_auth_methods_supported"] = serde_json::json!(["client_secret_post"]);
        });
    })
    .await;
    post.signs_in().await.unwrap();
    assert_eq!(post.provider.authentication(), Some("post"));

    let chosen = World::with(|s| s.client_authentication = Some(ClientAuthentication::Post)).await;
    chosen.signs_in().await.unwrap();
    assert_eq!(chosen.provider.authentication(), Some("post"));
}
