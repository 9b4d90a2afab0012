//! Signing in with a code, in the hands of people.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use futures_util::future::join_all;
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;
use vouchsafe_events::{
    Actor, Event, OrganisationId, OrganisationKind, PersonId, Stream, Version, Withheld, decode,
};

use super::*;
use crate::app::{Entry, Listing};
use crate::domain::organisation::users::Fresh;
use crate::domain::person::{TryRefused, Verdict};
use crate::web::requester::tests::browser::{Service, place};
use crate::web::router;

const ADA: &str = "ada@northern.example";

/// An organisation with Ada on its list.
async fn northern(service: &Service, name: &str) -> (OrganisationId, PersonId) {
    let kinds = vec![OrganisationKind::LeadProvider];
    let fresh = Fresh { name: name.into(), kinds, ukprn: None };
    let app = &service.site.app;
    let organisation = app.register_organisation(&fresh, Actor::Operator).await.unwrap();
    let entry = Entry { email: ADA.parse().unwrap(), name: None };
    let (listing, _) = app.list_user(organisation, &entry, Actor::Operator, true).await.unwrap();
    let Listing::Added(person) = listing else { panic!("{listing:?}") };
    (organisation, person)
}

/// A browser in which nobody has signed in.
#[derive(Clone)]
struct Visitor {
    router: Router,
    jar: BTreeMap<String, String>,
    token: String,
}

struct Seen {
    status: StatusCode,
    body: String,
    location: String,
}

impl Visitor {
    fn of(service: &Service) -> Self {
        Self { router: router(&service.site), jar: BTreeMap::new(), token: String::new() }
    }

    async fn get(&mut self, path: &str) -> Seen {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("form_token", &self.token).extend_pairs(fields);
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.finish())).unwrap()).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Seen {
        let pairs: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers_mut().insert(header::COOKIE, pairs.join("; ").parse().unwrap());
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, rest) = rest.split_once(';').unwrap();
            if rest.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = response.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        if let Some((_, rest)) = body.split_once(r#"name="form_token" value=""#) {
            self.token = rest.split('"').next().unwrap().to_owned();
        }
        Seen { status, body, location: location.unwrap_or_default() }
    }

    /// Asks for a code, and is shown where to enter it.
    async fn asks(&mut self, email: &str) -> Seen {
        assert_eq!(self.get("/sign-in/code").await.status, StatusCode::OK);
        let asked = self.post("/sign-in/code", &[("email", email)]).await;
        assert_eq!((asked.status, asked.location.as_str()), (StatusCode::SEE_OTHER, "/sign-in/code/check"));
        self.get("/sign-in/code/check").await
    }

    async fn enters(&mut self, code: &str) -> Seen {
        self.post("/sign-in/code/check", &[("code", code)]).await
    }
}

/// The code that Ada's mail would hold.
fn code(service: &Service, person: PersonId) -> String {
    let app = &service.site.app;
    let challenge = app.lists(|lists| lists.challenge(person, app.now()).copied()).unwrap();
    app.ring().one_time_password(person, challenge.id, challenge.nonce).expose().to_owned()
}

/// A code that is not the right one.
fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn events(service: &Service, person: PersonId) -> Vec<Event<vouchsafe_events::Sealed>> {
    let store = service.site.app.store();
    let stored = store.read(Stream::Person(person), Version::FIRST, 1000).await.unwrap();
    stored.iter().map(|event| decode(event.position, &event.bytes).unwrap().event).collect()
}

#[tokio::test]
async fn somebody_on_a_list_signs_in_with_a_code_and_sees_what_the_list_opens() {
    let service = Service::start().await;
    let (_, ada) = northern(&service, "Northern Training").await;
    let mut visitor = Visitor::of(&service);
    let page = visitor.asks(" Ada@Northern.example ").await;
    assert!(page.body.contains("Check your email") && page.body.contains(ADA), "{}", page.body);
    assert!(page.body.contains(r#"autocomplete="one-time-code""#));
    let code = code(&service, ada);
    let spaced = format!(" {}-{} ", &code[..3], &code[3..]);
    let entered = visitor.enters(&spaced).await;
    assert_eq!((entered.status, entered.location.as_str()), (StatusCode::SEE_OTHER, "/access"));
    assert!(!visitor.jar.contains_key(cookies::CODE));
    let home = visitor.get("/access").await;
    assert!(
        home.body.contains("for Northern Training") && home.body.contains("lead provider"),
        "{}",
        home.body
    );
    // A code opens nothing else.
    for path in ["/access/ask", "/school/requests", "/school/users", "/audit"] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.body.contains("Sign in with DfE Sign-in to do this"), "{path}");
    }
    assert!(visitor.get("/account").await.body.contains("Emailed security code"));
}

#[tokio::test]
async fn a_right_code_for_an_approver_or_auditor_opens_no_role() {
    let service = Service::start().await;
    let school = [place("100001", "Greenhill School", true)];
    let ann = service.sign_in_with("Ann", ADA, &school).await.person;
    service
        .site
        .app
        .appoint(&ADA.parse().unwrap(), None, vouchsafe_events::StaffRole::Support)
        .await
        .unwrap();
    northern(&service, "Northern Training").await;
    let mut visitor = Visitor::of(&service);
    visitor.asks(ADA).await;
    let entered = visitor.enters(&code(&service, ann)).await;
    assert_eq!(entered.location, "/access");
    let home = visitor.get("/access").await;
    assert!(home.body.contains("for Northern Training") && !home.body.contains("Greenhill"), "{}", home.body);
    assert!(!home.body.contains("/school/requests") && !home.body.contains("\"/support\""));
}

#[tokio::test]
async fn who_is_taken_off_the_list_is_out_at_once() {
    let service = Service::start().await;
    let (organisation, ada) = northern(&service, "Northern Training").await;
    let mut visitor = Visitor::of(&service);
    visitor.asks(ADA).await;
    visitor.enters(&code(&service, ada)).await;
    assert_eq!(visitor.get("/access").await.status, StatusCode::OK);
    let reason = crate::domain::Reason::parse("Left").unwrap();
    service.site.app.unlist_user(organisation, ada, &reason, Actor::Operator).await.unwrap();
    let page = visitor.get("/access").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("no longer on this user list"));
}

#[tokio::test]
async fn a_known_and_an_unknown_address_are_told_the_same() {
    let service = Service::start().await;
    let (_, ada) = northern(&service, "Northern Training").await;
    let stranger = "who@elsewhere.example";
    let mut pages = Vec::new();
    for email in [ADA, stranger] {
        let mut visitor = Visitor::of(&service);
        let mut seen = vec![visitor.asks(email).await.body];
        let right = code(&service, ada);
        let cookie = visitor.jar[cookies::CODE].len();
        for _ in 0..6 {
            let page = visitor.enters(&another(&right)).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            seen.push(page.body);
        }
        let plain = |page: &String| {
            let token = page.split(r#"value=""#).nth(1).unwrap().split('"').next().unwrap();
            page.replace(token, "TOKEN").replace(email, "EMAIL")
        };
        pages.push((seen.iter().map(plain).collect::<Vec<_>>(), cookie));
    }
    let (unknown, known) = (pages.pop().unwrap(), pages.pop().unwrap());
    for (one, other) in known.0.iter().zip(&unknown.0) {
        assert_eq!(one, other);
    }
    assert!(known.0[6].contains("too many times"));
    // The stranger is known to support now, and was mailed how to get in once.
    let person = service.site.app.person_of(&stranger.parse().unwrap()).unwrap();
    let happened = events(&service, person).await;
    assert!(happened.iter().any(|event| matches!(
        event,
        Event::OneTimePasswordWithheld(data) if data.reason == Withheld::NotListed
    )));
    let mailed =
        service.site.app.lists(|lists| lists.outbox().pending().filter(|mail| mail.to == person).count());
    assert_eq!(mailed, 1);
    assert!(service.site.app.lists(|lists| lists.turned_away().any(|one| one.person == person)));
}

/// Once a network has asked for so many unknown addresses that no more are taken note of, nothing is recorded of the
/// next. It must still be told what is told of an address that somebody has.
#[tokio::test]
async fn an_address_that_nothing_is_recorded_of_is_told_the_same_too() {
    let service = Service::start().await;
    northern(&service, "Northern Training").await;
    let network = Network("203.0.113.9".parse().unwrap());
    while service.site.limits.admits_stranger(network) {}
    let app = &service.site.app;
    let stranger: Email = "who@elsewhere.example".parse().unwrap();
    let mut said = Vec::new();
    for email in [ADA.parse().unwrap(), stranger.clone()] {
        let mut answers = Vec::new();
        for round in 0..2_u128 {
            let challenge = ChallengeId::from_uuid(vouchsafe_events::Uuid::from_u128(round));
            // Another browser asked a moment ago: this one holds what no code answers.
            let asker = Asker { email: email.clone(), challenge, network: network.0.to_string() };
            app.ask_for_code(&asker, || service.site.limits.admits_stranger(network)).await.unwrap();
            for _ in 0..6 {
                let typed = TypedCode::parse("000000").unwrap();
                let failure = app.try_code(&asker, &typed, "device".to_owned(), None).await.unwrap_err();
                let Ok(refused) = problem::refused(failure) else { panic!("{email:?}") };
                answers.push(match refused {
                    NotLetIn::NotTried(TryRefused::MustWait { .. }) => "wait".to_owned(),
                    NotLetIn::NotTried(TryRefused::TooManyTries) => "too many".to_owned(),
                    NotLetIn::NotTaken(Verdict::Refused { why, until, left }) => {
                        format!("{why:?}, waits: {}, left: {left}", until.is_some())
                    }
                    NotLetIn::NotTaken(Verdict::Right) => "right".to_owned(),
                });
            }
        }
        said.push(answers);
    }
    assert_eq!(said[0], said[1]);
    assert!(app.person_of(&stranger).is_none());
}

#[tokio::test]
async fn a_code_is_worth_nothing_in_another_browser_or_for_another_person() {
    let service = Service::start().await;
    let (_, ada) = northern(&service, "Northern Training").await;
    let mut own = Visitor::of(&service);
    own.asks(ADA).await;
    let right = code(&service, ada);
    // Another browser that asks for the same address a moment later holds a challenge that no code answers.
    let mut other = Visitor::of(&service);
    other.asks(ADA).await;
    assert!(other.enters(&right).await.body.contains("incorrect"));
    let mut stranger = Visitor::of(&service);
    stranger.asks("bob@northern.example").await;
    assert!(stranger.enters(&right).await.body.contains("incorrect"));
    // A browser that never asked is asked for an address first; a form from nowhere is not accepted.
    let mut nobody = Visitor::of(&service);
    assert_eq!(nobody.enters(&right).await.status, StatusCode::FORBIDDEN);
    nobody.get("/sign-in/code").await;
    assert_eq!(nobody.enters(&right).await.location, "/sign-in/code");
    // A copy of the browser from before cannot use the code again.
    let mut replay = own.clone();
    assert_eq!(own.enters(&right).await.location, "/access");
    assert!(replay.enters(&right).await.body.contains("already been used"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tries_at_once_one_succeeds_and_the_wrong_ones_are_counted() {
    let service = Service::start().await;
    let (_, ada) = northern(&service, "Northern Training").await;
    let mut visitor = Visitor::of(&service);
    visitor.asks(ADA).await;
    visitor.get("/sign-in/code/check").await;
    let right = code(&service, ada);
    let tries = (0..60).map(|_| {
        let (mut visitor, right) = (visitor.clone(), right.clone());
        async move { visitor.enters(&right).await.status }
    });
    let statuses = join_all(tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::SEE_OTHER).count(), 1, "{statuses:?}");
    let used = |events: &[Event<_>]| {
        events.iter().filter(|event| matches!(event, Event::OneTimePasswordUsed(_))).count()
    };
    assert_eq!(used(&events(&service, ada).await), 1);

    // A thousand guesses at another challenge write five refusals and no more.
    let (_, bob) = {
        let entry = Entry { email: "bob@northern.example".parse().unwrap(), name: None };
        let app = &service.site.app;
        let place = app.listed_at(ada)[0];
        let (listing, _) = app.list_user(place, &entry, Actor::Operator, true).await.unwrap();
        let Listing::Added(person) = listing else { panic!("{listing:?}") };
        (place, person)
    };
    let app = &service.site.app;
    let challenge = ChallengeId::from_uuid(vouchsafe_events::Uuid::from_u128(7));
    let email: Email = "bob@northern.example".parse().unwrap();
    let asker = Asker { email, challenge, network: "203.0.113.9".to_owned() };
    app.ask_for_code(&asker, || true).await.unwrap();
    let right = code(&service, bob).parse::<u32>().unwrap();
    let guesses = (0..1000).filter(|guess| *guess != right).map(|guess| {
        let (app, asker) = (std::sync::Arc::clone(app), asker.clone());
        async move {
            let typed = TypedCode::parse(&format!("{guess:06}")).unwrap();
            app.try_code(&asker, &typed, "device".to_owned(), None).await.is_ok()
        }
    });
    assert!(join_all(guesses).await.iter().all(|let_in| !let_in));
    let happened = events(&service, bob).await;
    let refused = happened.iter().filter(|event| matches!(event, Event::OneTimePasswordRefused(_))).count();
    assert_eq!(refused, 5);
}

#[tokio::test]
async fn dfe_sign_in_lets_in_whoever_is_on_a_list_and_asks_which_to_act_for() {
    let service = Service::start().await;
    let (northern_id, ada) = northern(&service, "Northern Training").await;
    let mut browser = service.sign_in_with("Ada", ADA, &[]).await;
    assert_eq!(browser.person, ada);
    browser.get("/access").await.says("for Northern Training");
    // With a school as well, or a second list, they are asked, the last choice first.
    let (southern_id, _) = northern(&service, "A Southern Body").await;
    let school = [place("100001", "Greenhill School", false)];
    let mut browser = service.sign_in_with("Ada", ADA, &school).await;
    browser.get("/access").await.leads_to("/organisation");
    let page = browser.get("/organisation").await;
    let at = |text: &str| page.body.find(text).unwrap_or_else(|| panic!("{text}: {}", page.body));
    assert!(
        at("Northern Training") < at("A Southern Body") && at("A Southern Body") < at("Greenhill School")
    );
    page.says("Lead provider");
    let _ = (northern_id, southern_id);
}

#[tokio::test]
async fn an_address_that_was_listed_before_its_owner_was_known_by_it_becomes_theirs() {
    let service = Service::start().await;
    let (organisation, listed) = northern(&service, "Northern Training").await;
    let before =
        service.sign_in_with("Ada", "ada@old.example", &[place("100001", "Greenhill", false)]).await.person;
    assert_ne!(before, listed);
    let after = service.sign_in_with("Ada", ADA, &[]).await.person;
    assert_eq!(after, before);
    let app = &service.site.app;
    app.lists(|lists| {
        let found = lists.organisation(organisation).unwrap();
        assert!(found.is_listed(after) && !found.is_listed(listed));
    });
    assert_eq!(app.person_of(&ADA.parse().unwrap()), Some(after));
    assert_eq!(app.person_of(&"ada@old.example".parse().unwrap()), None);
}

#[tokio::test]
async fn what_cannot_be_an_address_or_a_code_is_told_beside_the_field() {
    let service = Service::start().await;
    northern(&service, "Northern Training").await;
    let mut visitor = Visitor::of(&service);
    visitor.get("/sign-in/code").await;
    for email in ["", "ada", "ada@northern.example\r\nBcc: all@northern.example", "<script>@x.example"] {
        let page = visitor.post("/sign-in/code", &[("email", email)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        assert!(page.body.contains("email-error") && !page.body.contains("<script>@"), "{email}");
    }
    visitor.asks(ADA).await;
    for (code, words) in [
        ("", "Enter the security code"),
        ("12345", "not entered enough"),
        ("1234567", "too many numbers"),
        ("12345x", "only include numbers"),
    ] {
        let page = visitor.enters(code).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        assert!(page.body.contains(words), "{code}: {}", page.body);
    }
    // Asking again at once is put off.
    let again = visitor.post("/sign-in/code/again", &[]).await;
    assert_eq!(again.location, "/sign-in/code/check");
    assert!(visitor.get("/sign-in/code/check").await.body.contains("too soon"));
}

#[tokio::test]
async fn a_delay_of_mail_is_told_and_codes_can_be_switched_off() {
    let service = Service::start().await;
    let mut visitor = Visitor::of(&service);
    assert!(!visitor.asks(ADA).await.body.contains("delayed at the moment"));
    service.site.mail.set_away_for_tests();
    assert!(visitor.get("/sign-in/code/check").await.body.contains("delayed at the moment"));
}
