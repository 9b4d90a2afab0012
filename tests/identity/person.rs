//! What is said of the person, in the id token and at userinfo.

use serde_json::{Value, json};
use vouchsafe::identity::dfe::{OrganisationClaim, SignInRefused, Status};

use crate::keys::Signer;
use crate::misbehaving::{Switches, Trouble};
use crate::world::{World, refused};

/// Sets a claim of userinfo.
fn says(switches: &mut Switches, name: &'static str, value: Value) {
    switches.userinfo = Box::new(move |claims| claims[name] = value.clone());
}

/// Takes a claim of userinfo away.
fn omits(switches: &mut Switches, name: &'static str) {
    switches.userinfo = Box::new(move |claims| {
        claims.as_object_mut().unwrap().remove(name);
    });
}

refused! {
    another_subject_at_userinfo_is_refused: |s| says(s, "sub", json!("B41B3462-0000-4000-8000-000000000000"))
        => SignInRefused::SubjectsDiffer,
    a_missing_subject_at_userinfo_is_refused: |s| omits(s, "sub") => SignInRefused::UserInfoUnreadable,
    a_missing_email_is_refused: |s| omits(s, "email") => SignInRefused::EmailMissing,
    an_empty_email_is_refused: |s| says(s, "email", json!(" ")) => SignInRefused::EmailMissing,
    a_null_email_is_refused: |s| says(s, "email", Value::Null) => SignInRefused::EmailMissing,
    an_email_that_is_none_is_refused: |s| says(s, "email", json!("clara@")) => SignInRefused::EmailUnusable,
    an_unverified_email_is_refused: |s| says(s, "email_verified", json!(false)) => SignInRefused::EmailUnverified,
    an_email_whose_verification_is_text_is_refused_unless_true: |s| says(s, "email_verified", json!("false"))
        => SignInRefused::EmailUnverified,
    an_email_that_the_id_token_calls_unverified_is_refused:
        |s| s.claims = Box::new(|claims| claims["email_verified"] = json!(false))
        => SignInRefused::EmailUnverified,
    an_organisation_without_id_is_refused: |s| says(s, "organisation", json!({ "name": "Greenhill" }))
        => SignInRefused::OrganisationUnreadable,
    a_refused_access_token_is_refused: |s| s.trouble.insert("me", Trouble::Status(401, "{}"))
        => SignInRefused::UserInfoRefused(401),
    userinfo_that_is_no_object_is_refused: |s| s.trouble.insert("me", Trouble::Status(200, "[]"))
        => SignInRefused::UserInfoUnreadable,
    userinfo_signed_with_a_foreign_key_is_refused: |s| s.userinfo_signer = Some(Signer::Next)
        => SignInRefused::UserInfoUnreadable,
    userinfo_signed_with_a_short_key_is_refused: |s| {
        s.published.push(Signer::Weak);
        s.userinfo_signer = Some(Signer::Weak);
    } => SignInRefused::UserInfoUnreadable,
    unsigned_userinfo_that_pretends_to_be_signed_is_refused: |s| s.userinfo_signer = Some(Signer::Nobody)
        => SignInRefused::UserInfoUnreadable,
    signed_userinfo_of_another_issuer_is_refused: |s| {
        s.userinfo_signer = Some(Signer::Main);
        says(s, "iss", json!("https://evil.example"));
    } => SignInRefused::UserInfoUnreadable,
    signed_userinfo_of_another_subject_is_refused: |s| {
        s.userinfo_signer = Some(Signer::Main);
        says(s, "sub", json!("someone-else"));
    } => SignInRefused::SubjectsDiffer,
}

/// Whose account it was is certain once the id token is, and not before.
#[tokio::test]
async fn a_refusal_says_whose_account_it_was_if_the_id_token_was_good() {
    let known = World::where_provider(|s| omits(s, "email")).await;
    let (pending, query) = known.comes_back().await;
    let refused = known.finishes_or_tells(Some(pending), &query).await.unwrap_err();
    assert!(refused.account.is_some() && matches!(refused.why, SignInRefused::EmailMissing));
    let forged = World::where_provider(|s| s.claims = Box::new(|claims| claims["nonce"] = json!("x"))).await;
    let (pending, query) = forged.comes_back().await;
    let refused = forged.finishes_or_tells(Some(pending), &query).await.unwrap_err();
    assert!(refused.account.is_none() && matches!(refused.why, SignInRefused::IdToken(_)));
}

#[tokio::test]
async fn signed_userinfo_is_read_as_plain_userinfo_is() {
    let world = World::where_provider(|s| s.userinfo_signer = Some(Signer::Main)).await;
    let person = world.signs_in().await.unwrap();
    assert_eq!(person.email.as_str(), "c.marsh@greenhill.example");
    assert!(matches!(person.organisation, OrganisationClaim::Known(_)));
}

#[tokio::test]
async fn the_name_of_the_content_type_does_not_matter_for_json() {
    for kind in ["text/plain", "application/vnd.dfe+json", ""] {
        World::where_provider(|s| s.userinfo_type = kind).await.signs_in().await.unwrap();
    }
}

#[tokio::test]
async fn the_case_of_a_subject_that_is_a_uuid_does_not_matter() {
    let world =
        World::where_provider(|s| says(s, "sub", json!("b41b3462-0000-4000-8000-407f7f115056"))).await;
    world.signs_in().await.unwrap();
}

#[tokio::test]
async fn an_email_about_which_nothing_is_said_counts_as_the_settings_say() {
    World::start().await.signs_in().await.unwrap();
    let strict = World::with(|s| s.trust_unstated_email = false).await;
    assert!(matches!(strict.signs_in().await, Err(SignInRefused::EmailUnverified)));
    says(&mut strict.provider.switch(), "email_verified", json!(true));
    strict.signs_in().await.unwrap();
}

#[tokio::test]
async fn a_person_without_organisation_is_signed_in() {
    for claim in [json!({}), json!(null)] {
        let world = World::where_provider(|s| says(s, "organisation", claim)).await;
        assert_eq!(world.signs_in().await.unwrap().organisation, OrganisationClaim::None);
    }
    let world = World::where_provider(|s| omits(s, "organisation")).await;
    assert_eq!(world.signs_in().await.unwrap().organisation, OrganisationClaim::None);
}

#[tokio::test]
async fn the_id_tokens_organisation_serves_where_userinfo_has_none() {
    let id = "4ebbe3f9-0000-4000-8000-4a04bd29ae0e";
    let world = World::where_provider(|s| {
        omits(s, "organisation");
        s.claims = Box::new(move |claims| {
            let organisation = json!({ "id": id, "name": "Hill", "status": { "id": 2 } });
            claims["organisation"] = organisation.to_string().into();
        });
    })
    .await;
    match world.signs_in().await.unwrap().organisation {
        OrganisationClaim::Known(organisation) => {
            assert_eq!(organisation.id.to_string(), id);
            assert_eq!(organisation.status, Some(Status::Closed));
        }
        OrganisationClaim::None => panic!("the id token's organisation was not read"),
    }
}

#[tokio::test]
async fn everything_but_email_and_subject_may_be_missing() {
    let world = World::where_provider(|s| {
        s.userinfo = Box::new(|claims| {
            claims["given_name"] = Value::Null;
            claims.as_object_mut().unwrap().remove("family_name");
        });
    })
    .await;
    let person = world.signs_in().await.unwrap();
    assert_eq!((person.given_name, person.family_name), (None, None));
}

#[tokio::test]
async fn a_provider_without_userinfo_is_asked_for_nothing_more_than_the_id_token() {
    let world = World::where_provider(|s| {
        s.discovery = Box::new(|document| {
            document.as_object_mut().unwrap().remove("userinfo_endpoint");
        });
        s.claims = Box::new(|claims| {
            claims["email"] = json!("clara@greenhill.example");
            claims["given_name"] = json!("Clara");
        });
    })
    .await;
    let person = world.signs_in().await.unwrap();
    assert_eq!(person.email.as_str(), "clara@greenhill.example");
    assert_eq!(person.given_name.as_deref(), Some("Clara"));
    assert_eq!(world.provider.calls("me"), 0);
}
