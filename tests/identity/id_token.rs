//! Id tokens that lie. First what `openidconnect` refuses, then what it leaves to us.

use serde_json::{Value, json};
use vouchsafe::identity::dfe::{IdTokenFault, SignInRefused};

use crate::keys::Signer;
use crate::misbehaving::{CLIENT_SECRET, Switches};
use crate::world::{World, refused};

/// Sets a claim.
fn claim(switches: &mut Switches, name: &'static str, value: Value) {
    switches.claims = Box::new(move |claims| claims[name] = value.clone());
}

/// Takes a claim away.
fn without(switches: &mut Switches, name: &'static str) {
    switches.claims = Box::new(move |claims| {
        claims.as_object_mut().unwrap().remove(name);
    });
}

/// Sets a header.
fn header(switches: &mut Switches, name: &'static str, value: Value) {
    switches.header = Box::new(move |header| header[name] = value.clone());
}

refused! {
    another_issuer_is_refused: |s| claim(s, "iss", json!("https://evil.example"))
        => SignInRefused::IdToken(IdTokenFault::Issuer),
    a_missing_issuer_is_refused: |s| without(s, "iss") => SignInRefused::TokenUnreadable,
    another_audience_is_refused: |s| claim(s, "aud", json!("other"))
        => SignInRefused::IdToken(IdTokenFault::Audience),
    an_extra_audience_is_refused: |s| claim(s, "aud", json!(["ecf2", "other"]))
        => SignInRefused::IdToken(IdTokenFault::Audience),
    an_empty_audience_is_refused: |s| claim(s, "aud", json!([]))
        => SignInRefused::IdToken(IdTokenFault::Audience),
    a_missing_audience_is_refused: |s| without(s, "aud") => SignInRefused::IdToken(IdTokenFault::Audience),
    an_expired_token_is_refused: |s| { let at = s.now - 61; claim(s, "exp", json!(at)) }
        => SignInRefused::IdToken(IdTokenFault::Expired),
    a_token_without_expiry_is_refused: |s| without(s, "exp") => SignInRefused::TokenUnreadable,
    another_nonce_is_refused: |s| claim(s, "nonce", json!("another"))
        => SignInRefused::IdToken(IdTokenFault::Nonce),
    a_missing_nonce_is_refused: |s| without(s, "nonce") => SignInRefused::IdToken(IdTokenFault::Nonce),
    a_missing_subject_is_refused: |s| without(s, "sub") => SignInRefused::TokenUnreadable,
    an_unsigned_token_is_refused: |s| s.signer = Signer::Nobody => SignInRefused::IdToken(IdTokenFault::Signature),
    a_token_signed_with_the_client_secret_is_refused: |s| s.signer = Signer::Hs256(CLIENT_SECRET)
        => SignInRefused::IdToken(IdTokenFault::Algorithm),
    a_token_signed_with_rs512_is_refused: |s| s.signer = Signer::Rs512
        => SignInRefused::IdToken(IdTokenFault::Algorithm),
    a_token_signed_with_a_foreign_key_is_refused: |s| {
        s.signer = Signer::Next;
        header(s, "kid", json!("main"));
    } => SignInRefused::IdToken(IdTokenFault::Signature),
    a_token_that_brings_its_own_key_is_refused: |s| {
        s.signer = Signer::Next;
        header(s, "jwk", Signer::Next.jwk());
    } => SignInRefused::IdToken(IdTokenFault::UnknownKey),
    an_unknown_key_id_is_refused: |s| header(s, "kid", json!("made up"))
        => SignInRefused::IdToken(IdTokenFault::UnknownKey),
    critical_headers_are_refused: |s| header(s, "crit", json!(["b64"]))
        => SignInRefused::IdToken(IdTokenFault::Unsupported),
    a_logout_token_is_refused: |s| header(s, "typ", json!("logout+jwt"))
        => SignInRefused::IdToken(IdTokenFault::Unsupported),
    an_access_token_in_place_of_an_id_token_is_refused: |s| header(s, "typ", json!("at+jwt"))
        => SignInRefused::IdToken(IdTokenFault::Unsupported),
    a_claim_given_twice_is_refused: |s| s.payload = |claims| {
        claims.to_string().replacen('{', r#"{"sub":"B41B3462-0000-4000-8000-000000000000","#, 1)
    } => SignInRefused::TokenUnreadable,
    a_token_changed_after_signing_is_refused: |s| s.tamper = |token| {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let signature = parts.pop().unwrap();
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        format!("{}.{flipped}{}", parts.join("."), &signature[1..])
    } => SignInRefused::IdToken(IdTokenFault::Signature),
    a_token_that_is_none_is_refused: |s| s.tamper = |_| "not.a.token".to_owned() => SignInRefused::TokenUnreadable,
}

refused! {
    a_token_for_another_party_is_refused: |s| claim(s, "azp", json!("other"))
        => SignInRefused::IdToken(IdTokenFault::AuthorizedParty),
    a_token_from_the_future_is_refused: |s| { let at = s.now + 61; claim(s, "iat", json!(at)) }
        => SignInRefused::IdToken(IdTokenFault::IssuedInFuture),
    a_token_from_long_ago_is_refused: |s| { let at = s.now - 315_360_000; claim(s, "iat", json!(at)) }
        => SignInRefused::IdToken(IdTokenFault::IssuedLongAgo),
    a_sign_in_in_the_future_is_refused: |s| { let at = s.now + 61; claim(s, "auth_time", json!(at)) }
        => SignInRefused::IdToken(IdTokenFault::IssuedInFuture),
    a_token_that_is_not_valid_yet_is_refused: |s| { let at = s.now + 61; claim(s, "nbf", json!(at)) }
        => SignInRefused::IdToken(IdTokenFault::NotYetValid),
    a_beginning_that_is_no_time_is_refused: |s| claim(s, "nbf", json!("soon"))
        => SignInRefused::IdToken(IdTokenFault::Invalid),
    an_empty_subject_is_refused: |s| claim(s, "sub", json!("")) => SignInRefused::IdToken(IdTokenFault::Subject),
    a_subject_of_256_characters_is_refused: |s| claim(s, "sub", json!("s".repeat(256)))
        => SignInRefused::IdToken(IdTokenFault::Subject),
    a_subject_of_blanks_is_refused: |s| claim(s, "sub", json!("  "))
        => SignInRefused::IdToken(IdTokenFault::Subject),
    a_token_of_another_access_token_is_refused: |s| claim(s, "at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))
        => SignInRefused::IdToken(IdTokenFault::Hash),
    a_token_of_another_code_is_refused: |s| claim(s, "c_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))
        => SignInRefused::IdToken(IdTokenFault::Hash),
    a_short_rsa_key_is_refused: |s| { s.signer = Signer::Weak; s.published.push(Signer::Weak) }
        => SignInRefused::IdToken(IdTokenFault::WeakKey),
    a_large_token_is_refused: |s| claim(s, "padding", json!("x".repeat(20_000)))
        => SignInRefused::IdToken(IdTokenFault::TooLarge),
    a_token_of_two_megabytes_is_refused: |s| claim(s, "padding", json!("x".repeat(2_000_000)))
        => SignInRefused::Unavailable(_),
}

/// Clocks may differ by a minute, either way.
#[tokio::test]
async fn a_clock_that_is_a_minute_off_does_no_harm() {
    for (name, seconds) in [("exp", -59), ("iat", 59), ("nbf", 59), ("auth_time", 59)] {
        let world = World::where_provider(|s| {
            let value = s.now + seconds;
            claim(s, name, json!(value));
        })
        .await;
        world.signs_in().await.unwrap_or_else(|refused| panic!("{name}: {refused}"));
    }
}

#[tokio::test]
async fn our_own_client_id_as_authorised_party_and_a_token_without_hash_are_accepted() {
    World::where_provider(|s| claim(s, "azp", json!("ecf2"))).await.signs_in().await.unwrap();
    World::where_provider(|s| without(s, "at_hash")).await.signs_in().await.unwrap();
}

#[tokio::test]
async fn a_token_older_than_ten_minutes_is_refused_and_a_younger_one_is_not() {
    let old = World::where_provider(|s| {
        let at = s.now - 661;
        claim(s, "iat", json!(at));
    })
    .await;
    assert!(matches!(old.signs_in().await, Err(SignInRefused::IdToken(IdTokenFault::IssuedLongAgo))));
    let young = World::where_provider(|s| {
        let at = s.now - 659;
        claim(s, "iat", json!(at));
    })
    .await;
    young.signs_in().await.unwrap();
}
