//! Signing in and out, and everything that can go wrong with it between a browser and a real provider.

use reqwest::Method;
use serde_json::json;

use crate::dfe_api::Role;
use crate::person::Person;
use crate::world::{Account, GREENHILL, RIVERSIDE, SHUT, World};

/// Goes through the provider up to its redirect back, and does not follow that.
async fn callback_of(person: &mut Person) -> url::Url {
    person.visits("/sign-in").await;
    let (mut url, sub) = (person.page().url.clone(), person.account.sub.clone());
    let mut fields = Some(vec![("sub".to_owned(), sub)]);
    let mut method = Method::POST;
    for _ in 0..10 {
        let page = person.asks(method, url, fields).await;
        let next = page.url.join(page.headers["location"].to_str().unwrap()).unwrap();
        if next.path() == "/auth/callback" {
            return next;
        }
        (url, method, fields) = (next, Method::GET, None);
    }
    panic!("the provider does not send people back");
}

#[tokio::test]
async fn a_person_without_an_organisation_is_told_what_to_do_and_the_refusal_is_an_event() {
    let mut world = World::start().await;
    let mut lou = world.person(&Account::at("Lou", "Okoro", None)).await;
    lou.signs_in().await;
    assert_eq!(lou.page().status, 403);
    lou.sees("does not belong to a school");
    // DfE Sign-in knows them still, so nobody is asked again; they are refused again.
    lou.visits("/access").await;
    assert_eq!(lou.page().status, 403);
    let history = world.history("person").await;
    assert!(history.contains(&"sign-in-refused".to_owned()), "{history:?}");
}

#[tokio::test]
async fn a_closed_school_lets_nobody_in() {
    let mut world = World::start().await;
    let mut shaz = world.person(&Account::at("Shaz", "Okoro", Some(SHUT))).await;
    shaz.signs_in().await;
    assert_eq!(shaz.page().status, 403);
    shaz.sees("closed");
}

#[tokio::test]
async fn a_school_without_its_number_is_not_guessed() {
    let mut world = World::start().await;
    let mut account = Account::at("Una", "Okoro", Some(GREENHILL));
    account.claim["urn"] = json!(null);
    let mut una = world.person(&account).await;
    una.signs_in().await;
    assert_eq!(una.page().status, 403);
    una.sees("could not tell which school");
}

#[tokio::test]
async fn a_sign_in_that_timed_out_at_dfe_or_came_back_bare_starts_again_quietly() {
    let mut world = World::start().await;
    let mut cai = world.person(&Account::at("Cai", "Okoro", Some(GREENHILL))).await;
    cai.visits("/sign-in").await;
    cai.at_the_provider("expire").await;
    assert!(cai.page().url.path().starts_with("/interaction/"), "{}", cai.page().url);
    cai.visits("/auth/callback").await;
    assert!(cai.page().url.path().starts_with("/interaction/"), "{}", cai.page().url);
    cai.chooses_account().await;
    assert_eq!(cai.page().url.path(), "/access");
}

#[tokio::test]
async fn a_provider_that_always_times_out_is_no_endless_round() {
    let mut world = World::start().await;
    let mut cai = world.person(&Account::at("Cai", "Okoro", Some(GREENHILL))).await;
    for _ in 0..4 {
        cai.visits("/auth/callback?error=sessionexpired").await;
    }
    cai.sees("took too long");
}

#[tokio::test]
async fn a_person_who_says_no_is_told_how_to_start_again() {
    let mut world = World::start().await;
    let mut cai = world.person(&Account::at("Cai", "Okoro", Some(GREENHILL))).await;
    cai.visits("/sign-in").await;
    cai.at_the_provider("refuse").await;
    cai.sees("You were not signed in");
}

#[tokio::test]
async fn a_callback_is_good_once_in_the_browser_that_began_and_nowhere_else() {
    let mut world = World::start().await;
    let mut cai = world.person(&Account::at("Cai", "Okoro", Some(GREENHILL))).await;
    let callback = callback_of(&mut cai).await;
    // Another browser.
    let mut thief = Person::new(cai.account.clone(), &world.base);
    let page = thief.asks(Method::GET, callback.clone(), None).await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("could not sign you in"));
    // The same browser, with the state changed.
    let mut other = callback.clone();
    let pairs: Vec<(String, String)> = callback
        .query_pairs()
        .map(|(name, value)| {
            (name.to_string(), if name == "state" { format!("{value}x") } else { value.to_string() })
        })
        .collect();
    other.query_pairs_mut().clear().extend_pairs(pairs);
    let attempt = cai.cookie_names().into_iter().find(|name| name.starts_with("__Host-attempt-")).unwrap();
    let kept = cai.cookie(&attempt).cloned();
    assert_eq!(cai.asks(Method::GET, other, None).await.status, 400);
    cai.set_cookie(&attempt, kept.clone());
    // As it should be, then once more, also with the cookie that was taken away.
    cai.goes(Method::GET, callback.clone(), None).await;
    assert_eq!(cai.page().url.path(), "/access");
    assert_eq!(cai.asks(Method::GET, callback.clone(), None).await.status, 400);
    cai.set_cookie(&attempt, kept);
    assert_eq!(cai.asks(Method::GET, callback, None).await.status, 400);
    let history = world.history("person").await;
    assert_eq!(history.iter().filter(|kind| *kind == "sign-in-refused").count(), 2, "{history:?}");
}

#[tokio::test]
async fn a_cookie_that_was_tampered_with_is_no_cookie() {
    let mut world = World::start().await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    cai.visits("/access").await;
    let good = cai.cookie("__Host-session").unwrap().clone();
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone().into_bytes();
        bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
        cai.set_cookie("__Host-session", Some(String::from_utf8(bad).unwrap()));
        let url = format!("{}/access", world.base).parse().unwrap();
        let page = cai.asks(Method::GET, url, None).await;
        assert!(page.headers["location"].to_str().unwrap().starts_with("/sign-in"));
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let mut world = World::start().await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    for token in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        cai.forges("/access/ask", &[("message", "hello"), ("form_token", token)]).await;
        assert_eq!(cai.page().status, 403);
        cai.sees("could not accept that form");
    }
    assert!(!world.history("organisation").await.contains(&"access-requested".to_owned()));
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_at_dfe_sign_in() {
    let mut world = World::start().await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    let kept = cai.cookie("__Host-session").cloned();
    cai.visits("/access").await;
    cai.sends("/sign-out", &[]).await;
    // The provider asks, as it does when it is told who signs out.
    assert_eq!(cai.page().url.origin().ascii_serialization(), world.oidc.issuer());
    assert_eq!(cai.cookie("__Host-session"), None);
    // The old cookie opens nothing.
    cai.set_cookie("__Host-session", kept);
    cai.visits("/access").await;
    cai.sees("Your session has ended");
    assert!(world.history("person").await.contains(&"signed-out".to_owned()));
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used() {
    let mut world = World::start().await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    world.puts_clock_forward(59 * 60);
    cai.visits("/access").await;
    cai.sees("Cai Okoro");
    world.puts_clock_forward(118 * 60);
    cai.visits("/access").await;
    cai.sees("Cai Okoro");
    world.puts_clock_forward(180 * 60);
    cai.visits("/access").await;
    cai.sees("Your session has ended");
}

#[tokio::test]
async fn a_person_with_two_schools_switches_without_signing_in_again() {
    let mut world = World::start().await;
    let account = Account::at("Ngozi", "Okoro", Some(GREENHILL));
    world.api.member(&account, GREENHILL, Role::EndUser);
    world.api.member(&account, RIVERSIDE, Role::Approver);
    let mut ngozi = world.person(&account).await;
    ngozi.signs_in().await;
    ngozi.sees("Greenhill School");
    ngozi.visits("/organisation").await;
    let riverside = vouchsafe_events::OrganisationId::of_school(RIVERSIDE.urn.parse().unwrap()).to_string();
    ngozi.sends("/organisation", &[("organisation", &riverside)]).await;
    ngozi.visits("/school/requests").await;
    assert_eq!(ngozi.page().status, 200);
    ngozi.sees("Riverside Academy");
    // A school that DfE did not name cannot be chosen.
    ngozi.visits("/organisation").await;
    let shut = vouchsafe_events::OrganisationId::of_school(SHUT.urn.parse().unwrap()).to_string();
    ngozi.sends("/organisation", &[("organisation", &shut)]).await;
    ngozi.visits("/access").await;
    ngozi.sees("Riverside Academy");
}

#[tokio::test]
async fn an_email_that_changed_keeps_the_person_and_one_that_is_anothers_merges_nobody() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    ann.visits("/school/users/add").await;
    ann.sends("/school/users/add", &[("name", "Cai Okoro"), ("email", "cai.okoro@school.example")]).await;
    let before = Account::at("Cai", "Okoro", Some(GREENHILL));
    world.api.member(&before, GREENHILL, Role::EndUser);
    let mut cai = world.person(&before).await;
    cai.signs_in().await;
    cai.sees("You have access");
    let married =
        Account { email: "cai.jones@school.example".to_owned(), family: "Jones".to_owned(), ..before };
    let mut cai = world.person(&married).await;
    cai.signs_in().await;
    cai.sees("You have access").sees("Cai Jones");
    // Somebody else comes with an email that is Ann's: they are not Ann.
    let thief =
        Account { email: ann.account.email.clone(), ..Account::at("Mallory", "Okoro", Some(GREENHILL)) };
    world.api.member(&thief, GREENHILL, Role::EndUser);
    let mut mallory = world.person(&thief).await;
    mallory.signs_in().await;
    mallory.sees("Mallory Okoro").sees_no("You have access");
    mallory.visits("/school/users").await;
    assert_eq!(mallory.page().status, 403);
    let history = world.history("person").await;
    assert!(
        history.contains(&"email-changed".to_owned())
            && history.contains(&"email-held-by-another".to_owned())
    );
}

#[tokio::test]
async fn after_signing_in_people_are_where_they_wanted_to_be_and_never_elsewhere() {
    let mut world = World::start().await;
    let mut cai = world.person(&Account::at("Cai", "Okoro", Some(GREENHILL))).await;
    cai.visits("/account").await;
    cai.chooses_account().await;
    assert_eq!(cai.page().url.path(), "/account");
    let mut dee = world.person(&Account::at("Dee", "Okoro", Some(GREENHILL))).await;
    dee.visits("/sign-in?return_to=https://evil.example/").await;
    dee.chooses_account().await;
    assert_eq!(dee.page().url.as_str(), format!("{}/access", world.base));
}

#[tokio::test]
async fn people_see_where_they_are_signed_in_and_end_each_session() {
    let mut world = World::start().await;
    let mut here = world.colleague("Cai", GREENHILL).await;
    let mut there = Person::new(here.account.clone(), &world.base);
    there.signs_in().await;
    here.visits("/account").await;
    let end = here.page().link("/account/sessions/", "/end").expect("the other session can be ended");
    here.sends(&end, &[]).await;
    there.visits("/access").await;
    there.sees("Your session has ended");
    here.visits("/access").await;
    here.sees("Cai Okoro");
}
