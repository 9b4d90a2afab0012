//! What people do on these pages, and what comes of it.

use http::StatusCode;
use vouchsafe_events::{Refusal, StaffRole};

use super::browser::{Service, place};
use super::*;
use crate::domain::Reason;
use crate::web::Problem;
use crate::web::cookies::{self, SessionCookie};

const GREENHILL: &str = "900101";
const RIVERSIDE: &str = "900102";

/// A link of a page that begins and ends so.
fn link(html: &str, begins: &str, ends: &str) -> String {
    let mut all = html.split('"').filter(|part| part.starts_with(begins) && part.ends_with(ends));
    all.next_back().unwrap_or_else(|| panic!("no link {begins}…{ends}: {html}")).to_owned()
}

#[tokio::test]
async fn a_colleague_asks_once_and_takes_it_back() {
    let service = Service::start().await;
    service.sign_in("Ann", &[place(GREENHILL, "Greenhill School", true)]).await;
    let mut dee = service.sign_in("Dee", &[place(GREENHILL, "Greenhill School", false)]).await;
    dee.get("/access").await.says("You do not have access yet");
    dee.get("/access/ask").await.says("1 approver at your school decides");

    let fields = [("message", "I am the new tutor")];
    dee.post("/access/ask", &fields).await.leads_to("/access");
    let page = dee.get("/access").await;
    for words in
        ["You have asked for access", "Your request is waiting for an approver", "I am the new tutor"]
    {
        page.says(words);
    }
    assert!(!page.body.contains("Ann") && !page.body.contains("ann@"), "approvers are not named");

    dee.post("/access/ask", &fields).await.leads_to("/access");
    dee.get("/access").await.says("You have asked already");
    dee.get("/access/ask").await.leads_to("/access");

    let withdraw = link(&page.body, "/access/requests/", "/withdraw");
    dee.get(&withdraw).await.says("Withdraw request");
    dee.post(&withdraw, &[]).await.leads_to("/access");
    dee.get("/access").await.says("You withdrew your request");
    dee.post(&withdraw, &[]).await.leads_to("/access");
    dee.get("/access").await.says("You withdrew that request on");
    dee.get(&withdraw).await.leads_to("/access");
}

#[tokio::test]
async fn nobody_takes_back_what_another_asked() {
    let service = Service::start().await;
    let mut dee = service.sign_in("Dee", &[place(GREENHILL, "Greenhill School", false)]).await;
    dee.post("/access/ask", &[("message", "")]).await.leads_to("/access");
    let withdraw = link(&dee.get("/access").await.body, "/access/requests/", "/withdraw");
    let mut cai = service.sign_in("Cai", &[place(GREENHILL, "Greenhill School", false)]).await;
    assert_eq!(cai.get(&withdraw).await.status, StatusCode::NOT_FOUND);
    assert_eq!(cai.post(&withdraw, &[]).await.status, StatusCode::NOT_FOUND);
    dee.get("/access").await.says("Withdraw your request");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_kept_to_be_shortened() {
    let service = Service::start().await;
    let mut dee = service.sign_in("Dee", &[place(GREENHILL, "Greenhill School", false)]).await;
    let long = "é".repeat(501);
    let page = dee.post("/access/ask", &[("message", &long)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.says("Message must be 500 characters or less");
    page.says(&long);
    page.says("<title>Error: Ask for access");
}

#[tokio::test]
async fn a_decision_shows_at_once() {
    let service = Service::start().await;
    let ann = service.sign_in("Ann", &[place(GREENHILL, "Greenhill School", true)]).await;
    let mut dee = service.sign_in("Dee", &[place(GREENHILL, "Greenhill School", false)]).await;
    let id = place(GREENHILL, "", false).id;
    let app = &service.site.app;

    let (request, _) = app.ask(id, dee.person, None).await.unwrap();
    app.decline(id, request, ann.person, &Reason::parse("Ask <again> in May").unwrap()).await.unwrap();
    let page = dee.get("/access").await;
    page.says("Your request was declined");
    page.says("Ask &#60;again&#62; in May");

    let (request, _) = app.ask(id, dee.person, None).await.unwrap();
    app.grant(id, request, ann.person, None).await.unwrap();
    dee.get("/access").await.says("You have access to Vouchsafe for Greenhill School");
    dee.post("/access/ask", &[]).await.leads_to("/access");
    dee.get("/access").await.says("You have access already");

    app.revoke(id, dee.person, ann.person, &Reason::parse("Left").unwrap()).await.unwrap();
    dee.get("/access").await.says("Your access has ended");
}

#[tokio::test]
async fn somebody_with_two_schools_changes_between_them() {
    let service = Service::start().await;
    let schools = [place(GREENHILL, "Greenhill School", false), place(RIVERSIDE, "Riverside Academy", false)];
    let mut dee = service.sign_in("Dee", &schools).await;
    let page = dee.get("/organisation").await;
    page.says("Riverside Academy");
    assert_eq!(page.body.matches(" checked").count(), 1);

    let riverside = schools[1].id.to_string();
    let fields = [("organisation", riverside.as_str()), ("return_to", "/account")];
    dee.post("/organisation", &fields).await.leads_to("/account");
    dee.get("/access").await.says("for Riverside Academy");

    let elsewhere = [("organisation", riverside.as_str()), ("return_to", "https://evil.example/")];
    dee.post("/organisation", &elsewhere).await.leads_to("/access");

    let unknown = place("900199", "", false).id.to_string();
    for fields in [&[("organisation", unknown.as_str())][..], &[("organisation", "x")], &[]] {
        let page = dee.post("/organisation", fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.says("Select the organisation that you want to act for");
    }
}

#[tokio::test]
async fn a_school_that_closes_is_left_for_another() {
    let service = Service::start().await;
    let schools = [place(GREENHILL, "Greenhill School", false), place(RIVERSIDE, "Riverside Academy", false)];
    let mut dee = service.sign_in("Dee", &schools).await;
    let mut cai = service.sign_in("Cai", &schools[..1]).await;
    dee.get("/organisation").await.says("Greenhill School");
    cai.get("/organisation").await.leads_to("/access");

    let mut closed = schools[0].clone();
    closed.seen.open = false;
    let cause = crate::app::Cause::by(vouchsafe_events::Actor::System);
    service.site.app.observe(closed.id, &closed.seen, cause).await.unwrap();
    dee.get("/access").await.leads_to("/organisation");
    let page = dee.get("/organisation").await;
    page.says("Greenhill School is closed. Choose another");
    assert_eq!(page.body.matches("type=\"radio\"").count(), 1);
    let greenhill = closed.id.to_string();
    let refused = dee.post("/organisation", &[("organisation", &greenhill)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for path in ["/access", "/organisation"] {
        let page = cai.get(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        page.says("Your organisation is closed");
    }
}

#[tokio::test]
async fn somebody_ends_their_session_elsewhere() {
    let service = Service::start().await;
    let schools = [place(GREENHILL, "Greenhill School", false)];
    let mut here = service.sign_in("Dee", &schools).await;
    let mut there = service.sign_in("Dee", &schools).await;
    let page = here.get("/account").await;
    page.says("Chrome on Windows");
    page.says("dee@greenhill.example");
    assert_eq!(page.body.matches("This device").count(), 1);
    let end = link(&page.body, "/account/sessions/", "/end");

    let mut cai = service.sign_in("Cai", &schools).await;
    cai.post(&end, &[]).await.leads_to("/account");
    assert_eq!(there.get("/access").await.status, StatusCode::OK, "others' sessions are not ended");

    here.post(&end, &[]).await.leads_to("/account");
    here.get("/account").await.says("You have been signed out there");
    assert!(there.get("/access").await.location.starts_with("/signed-out?ended=yes"));
    here.post(&end, &[]).await.leads_to("/account");
    here.get("/account").await.says("You were no longer signed in there");
}

#[tokio::test]
async fn ending_the_session_that_one_is_in_is_signing_out() {
    let service = Service::start().await;
    let schools = [place(GREENHILL, "Greenhill School", false)];
    let mut here = service.sign_in("Dee", &schools).await;
    let mut there = service.sign_in("Dee", &schools).await;
    let end = link(&here.get("/account").await.body, "/account/sessions/", "/end");
    there.post(&end, &[]).await.leads_to("/signed-out");
    assert!(there.get("/access").await.location.starts_with("/sign-in"));
    assert_eq!(here.get("/access").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_no_browser_would_keep_is_a_problem_and_no_endless_round() {
    let service = Service::start().await;
    let kept = |token: usize| SessionCookie {
        token: "t".repeat(token),
        seen: service.site.app.now(),
        position: vouchsafe_events::Position::new(7),
    };
    assert!(cookies::begin_session(&service.site, &kept(43)).is_ok());
    assert!(matches!(cookies::begin_session(&service.site, &kept(4000)), Err(Problem::Internal)));
}

#[tokio::test]
async fn an_email_that_another_record_lets_go_is_ones_own_at_the_next_sign_in() {
    const HELD: &str = "Somebody else is recorded with your email address";
    let service = Service::start().await;
    let schools = [place(GREENHILL, "Greenhill School", false)];
    let (shared, own) = ("head@greenhill.example", "bob@greenhill.example");
    service.sign_in_with("Bob", shared, &schools).await;
    service.sign_in_with("Dee", shared, &schools).await.get("/access").await.says(HELD);
    service.sign_in_with("Dee", shared, &schools).await.get("/access").await.says(HELD);
    service.sign_in_with("Bob", own, &schools).await;
    let mut dee = service.sign_in_with("Dee", shared, &schools).await;
    assert!(!dee.get("/access").await.body.contains(HELD));
    let hash = service.site.app.ring().hash_email(&shared.parse().unwrap());
    assert_eq!(service.site.app.lists(|lists| lists.person_by_email(hash)), Some(dee.person));
    // Whoever tried an email that is another's and comes back with their own is told no more, either.
    service.sign_in_with("Bob", shared, &schools).await.get("/access").await.says(HELD);
    let mut bob = service.sign_in_with("Bob", own, &schools).await;
    assert!(!bob.get("/access").await.body.contains(HELD));
}

#[tokio::test]
async fn a_refused_sign_in_is_recorded_where_it_is_known_whose_it_was() {
    let service = Service::start().await;
    let schools = [place(GREENHILL, "Greenhill School", false)];
    let state = "0123456789abcdefXYZ";
    let late = serde_json::json!({ "return_to": null, "pending": {
        "state": state, "nonce": "n", "verifier": "v", "expires": service.site.app.now().plus_seconds(-1),
    } });
    let mut dee = service.sign_in("Dee", &schools).await;
    dee.keeps("__Host-attempt-0123456789abcdef", &late);
    let callback = format!("/auth/callback?code=c&state={state}");
    dee.get(&callback).await.says("Signing in took too long");
    dee.get(&callback).await.says("used already");
    // Quiet restarts and people who say no are no refusals of ours.
    dee.get("/auth/callback").await.leads_to("/sign-in");
    dee.get("/auth/callback?error=access_denied").await.says("You were not signed in");
    let expected = [Refusal::TookTooLong, Refusal::CallbackReplayed];
    assert_eq!(service.refusals_of(dee.person).await, expected);
    // Nobody is signed in here, and nothing says who it was.
    let mut nobody = service.nobody();
    nobody.keeps("__Host-attempt-0123456789abcdef", &late);
    nobody.get(&callback).await.says("Signing in took too long");
    assert_eq!(service.refusals_of(dee.person).await, expected);
}

#[tokio::test]
async fn staff_without_a_school_are_told_so() {
    let service = Service::start().await;
    let email = "eve@greenhill.example".parse().unwrap();
    service.site.app.appoint(&email, None, StaffRole::Auditor).await.unwrap();
    let mut eve = service.sign_in("Eve", &[]).await;
    let page = eve.get("/access").await;
    page.says("You are signed in without a school");
    page.says("href=\"/audit\"");
    eve.get("/organisation").await.leads_to("/access");
    eve.get("/access/ask").await.leads_to("/organisation");
}

#[tokio::test]
async fn some_pages_are_for_everybody_and_the_others_are_not() {
    let service = Service::start().await;
    let mut nobody = service.nobody();
    for path in ["/", "/cookies", "/accessibility", "/privacy", "/signed-out"] {
        assert_eq!(nobody.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/access", "/access/ask", "/organisation", "/account"] {
        let to = nobody.get(path).await.location;
        assert_eq!(to, links::sign_in_for(path), "{path}");
    }
    let mut dee = service.sign_in("Dee", &[place(GREENHILL, "Greenhill School", false)]).await;
    dee.get("/").await.leads_to("/access");
    dee.get("/privacy").await.says("Sign out");
}
