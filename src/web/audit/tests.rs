//! The auditors' pages over a real log: who may see them, what they find, and that they are well made.

mod access;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, Response, StatusCode, header};
use tower::ServiceExt;
use vouchsafe_events::*;

use crate::app::SessionToken;
use crate::audit::Timeline;
use crate::audit::samples::{
    ALDERBROOK, DEREK, ELSEWHERE, FOLA, HOSTILE, IMRAN, JUDITH, ST_MARYS, World, start,
};
use crate::identity::dfe::DfeSignIn;
use crate::privacy::CookieSealer;
use crate::secret::Secret;
use crate::web::cookies::{self, SessionCookie};
use crate::web::{Limits, Parts, Site, WebSettings, form, links, router};

const DFE: &str = r#"
    issuer = "https://oidc.example"
    client_id = "ecf2"
    client_secret_file = "unused"
    redirect_url = "https://ecf2.example/auth/callback"
"#;

fn site(world: &World, timeline: Arc<Timeline>) -> Site {
    let credentials = crate::identity::dfe::Credentials {
        client_secret: Secret::from("secret".to_owned()),
        api_secret: None,
    };
    let clock = Arc::clone(&world.clock) as Arc<dyn crate::clock::Clock>;
    Site::new(Parts {
        mail: Arc::default(),
        app: Arc::clone(&world.app),
        history: None,
        timeline,
        dfe: Arc::new(DfeSignIn::new(&toml::from_str(DFE).unwrap(), &credentials, clock).unwrap()),
        api: None,
        dfe_origin: "https://oidc.example".to_owned(),
        cookies: CookieSealer::new(&world.master).unwrap(),
        limits: Limits::default(),
        settings: WebSettings::default(),
    })
}

/// A browser in which somebody is signed in, or nobody.
struct Browser {
    router: Router,
    cookie: String,
    token: String,
}

/// A page, as a test looks at it.
struct Page {
    status: StatusCode,
    location: String,
    html: String,
}

impl Page {
    async fn of(response: Response<Body>) -> Self {
        let location = response.headers().get(header::LOCATION);
        let location = location.map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 10_000_000).await.unwrap();
        Self { status, location, html: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// What the page tells of events, as it stands in the list.
    fn sentences(&self) -> Vec<String> {
        let cells = between(&self.html, r#"<td class="govuk-table__cell app-typed">"#, "</a>");
        cells.iter().map(|cell| cell.split_once('>').unwrap().1.to_owned()).collect()
    }

    fn link(&self, words: &str) -> String {
        let before = self.html.split(words).next().filter(|before| before.len() < self.html.len());
        let tag = before.unwrap_or_else(|| panic!("no {words} in {}", self.html)).rsplit("href=\"").next();
        tag.unwrap().split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
    }
}

fn between<'a>(html: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    html.split(open).skip(1).map(|rest| rest.split(close).next().unwrap()).collect()
}

impl Browser {
    /// Somebody signs in; nobody if `person` is none.
    async fn open(world: &World, person: Option<PersonId>) -> Self {
        let mut position = Position::START;
        let token = SessionToken::from_text(&"A".repeat(43)).unwrap();
        if let Some(person) = person {
            let event = Event::SignedIn(SignedIn {
                session: token.hash(),
                expires: start().plus_days(1),
                method: Method::DfeSignIn,
                organisation: None,
                organisations: Vec::new(),
                network: Plain::about(person, "192.0.2.1"),
                device: Plain::about(person, "A browser"),
            });
            position = world.happens(Stream::Person(person), Actor::Person(person), event).await;
        }
        let site = site(world, world.timeline().await);
        let seen = world.app.now();
        let kept = SessionCookie { token: token.to_text(), seen, position };
        let cookie = cookies::keep(&site, cookies::SESSION, &kept, None).unwrap();
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let cookie = if person.is_some() { cookie } else { String::new() };
        Self { router: router(&site), cookie, token: form::token(&token, None) }
    }

    async fn get(&self, path: &str) -> Page {
        let request = Request::get(path).header(header::COOKIE, &self.cookie).body(Body::empty()).unwrap();
        Page::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn post_with(&self, token: &str, fields: &[(&str, &str)]) -> Page {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("form_token", token).extend_pairs(fields);
        let request = Request::post(links::TIMELINE)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.finish()))
            .unwrap();
        Page::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn post(&self, fields: &[(&str, &str)]) -> Page {
        self.post_with(&self.token, fields).await
    }
}

async fn auditor() -> (World, Browser) {
    let world = World::lively().await;
    let browser = Browser::open(&world, Some(JUDITH)).await;
    (world, browser)
}

#[tokio::test]
async fn the_history_is_for_auditors_alone() {
    let world = World::lively().await;
    for (person, status) in [(None, StatusCode::SEE_OTHER), (Some(FOLA), StatusCode::FORBIDDEN)] {
        let browser = Browser::open(&world, person).await;
        for path in [links::TIMELINE, "/audit?type=signed-in", "/audit/events/1", "/audit/events/99999"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, status, "{path}");
            assert!(!page.html.contains("Alderbrook"), "{path}");
        }
        let page = browser.post(&[("who", "imran")]).await;
        assert_eq!(page.status, status);
        assert!(!page.html.contains("Imran"));
    }
    let auditor = Browser::open(&world, Some(JUDITH)).await;
    assert_eq!(auditor.get(links::TIMELINE).await.status, StatusCode::OK);
    assert_eq!(auditor.post_with("", &[("who", "imran")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_history_is_told_newest_first_and_older_pages_follow() {
    let (world, browser) = auditor().await;
    let first = browser.get(links::TIMELINE).await;
    let log = world.log().await;
    assert!(log.len() > 50 && log.len() < 100);
    assert_eq!(first.sentences().len(), 50);
    assert_eq!(first.sentences()[0], "Judith Abara signed in");
    assert!(first.html.contains(&format!("{} entries", log.len())));
    assert!(!first.html.contains("Newest<"));
    let second = browser.get(&first.link("<span class=\"govuk-pagination__link-title\">Older")).await;
    assert_eq!(second.sentences().len(), log.len() - 50);
    assert_eq!(second.sentences().last().unwrap(), "Alderbrook School became known to the service");
    assert!(!second.html.contains("Older<"));
    let again = browser.get(&second.link("<span class=\"govuk-pagination__link-title\">Newest")).await;
    assert_eq!(again.sentences(), first.sentences());
}

#[tokio::test]
async fn a_school_is_found_by_its_authority_first() {
    let (_world, browser) = auditor().await;
    let page = browser.get(links::TIMELINE).await;
    assert!(!page.html.contains(r#"id="school""#));
    let options = between(between(&page.html, "<select ", "</select>")[0], "<option ", "</option>");
    assert_eq!(options.len(), 3);
    assert!(options[2].ends_with("No local authority recorded"));

    let page = browser.post(&[("authority", "330"), ("school", ""), ("step", "schools")]).await;
    assert_eq!((page.status, page.location.as_str()), (StatusCode::SEE_OTHER, "/audit?authority=330#school"));
    let page = browser.get("/audit?authority=330").await;
    let schools = between(&page.html, r#"id="school""#, "</select>")[0];
    assert!(schools.contains("Alderbrook School (URN 123456)"), "{schools}");
    assert!(schools.contains("(URN 123457)"));
    assert_eq!(between(schools, "<option ", ">").len(), 3);
    assert!(page.sentences().iter().any(|sentence| sentence.contains("Primary")));
    assert!(!page.sentences().contains(&"St Mary’s became known to the service".to_owned()));

    let id = ST_MARYS.to_string();
    let page = browser.post(&[("authority", "330"), ("school", &id)]).await;
    assert_eq!(page.location, format!("/audit?authority=330&school={id}"));
    let page = browser.get(&page.location).await;
    assert_eq!(page.sentences().len(), 6);
    assert!(page.html.contains(&format!(r#"<option value="{id}" selected>"#)));
    // A link that names the school alone shows its authority too.
    let same = browser.get(&format!("/audit?school={id}")).await;
    assert!(same.html.contains(r#"<option value="330" selected>"#));

    let page = browser.post(&[("authority", "none"), ("school", &id)]).await;
    assert_eq!(page.location, "/audit?authority=none");
    let page = browser.get(&page.location).await;
    assert_eq!(page.sentences().len(), 2);
    assert!(page.html.contains(&format!(r#"<option value="{ELSEWHERE}">St Mary’s</option>"#)));
}

#[tokio::test]
async fn a_person_is_found_by_part_of_their_name_or_email_and_stays_out_of_the_address() {
    let (world, browser) = auditor().await;
    for who in ["imran", "QURESHI", "IMRAN@Alderbrook.example"] {
        let page = browser.post(&[("who", who), ("type", "signed-in")]).await;
        assert_eq!(page.location, format!("/audit?person={IMRAN}&type=signed-in"), "{who}");
    }
    let page = browser.get(&format!("/audit?person={IMRAN}&type=signed-in")).await;
    assert_eq!(
        page.sentences(),
        ["Imran Qureshi signed in", "Imran Qureshi signed in for Alderbrook School"]
    );
    assert_eq!(page.link("Remove<span"), "/audit?type=signed-in");

    let page = browser.post(&[("who", "alderbrook"), ("from", "9/3/2026")]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.link("Folasade Adeyemi</a>"), format!("/audit?person={FOLA}&from=2026-03-09"));
    assert!(page.html.contains(&DEREK.to_string()) && !page.html.contains(&JUDITH.to_string()));
    assert!(page.sentences().is_empty());

    for (who, fault) in [("zebedee", "Nobody’s name"), ("i", "at least 2"), ("[erased]", "Nobody’s name")]
    {
        let page = browser.post(&[("who", who)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{who}");
        assert!(page.html.contains(fault), "{who}");
        assert!(page.html.contains("<title>Error: History"));
    }
    world.app.ring().destroy(IMRAN).unwrap();
    assert_eq!(browser.post(&[("who", "qureshi")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.get(&format!("/audit?person={IMRAN}")).await;
    assert!(page.html.contains("Person: <strong>[erased]</strong>") && !page.html.contains("Qureshi"));
}

#[tokio::test]
async fn many_people_who_match_are_not_all_shown() {
    let world = World::lively().await;
    for number in 0..30_u8 {
        let id = crate::audit::samples::person(100 + u128::from(number));
        let (email, name) = (format!("pat{number}@many.example"), format!("Pat {number}"));
        let event = Event::PersonIntroduced(PersonIntroduced {
            email: Plain::about(id, email),
            hash: KeyedHash::from_bytes([number; 32]),
            name: Some(Plain::about(id, name)),
            how: Introduction::DfeSignIn,
        });
        world.happens(Stream::Person(id), Actor::System, event).await;
    }
    let browser = Browser::open(&world, Some(JUDITH)).await;
    let page = browser.post(&[("who", "many.example")]).await;
    assert_eq!(page.html.matches("@many.example").count(), 25);
    assert!(page.html.contains("Others match too"));
}

#[tokio::test]
async fn dates_and_types_narrow_the_history() {
    let (_world, browser) = auditor().await;
    let fields =
        [("type", "signed-out"), ("type", "signed-in"), ("from", "9 March 2026"), ("to", "9/3/2026")];
    let page = browser.post(&fields).await;
    assert_eq!(page.location, "/audit?type=signed-in&type=signed-out&from=2026-03-09&to=2026-03-09");
    let page = browser.get(&page.location).await;
    assert_eq!(page.sentences().len(), 6);
    assert!(page.html.contains("What happened (2 chosen)") && page.html.contains(r#"value="9/3/2026""#));
    let page = browser.get("/audit?from=2026-03-10").await;
    assert!(page.html.contains("Nothing found") && page.html.contains("Clear all filters"));

    for (fields, fault) in [
        ([("from", "yesterday"), ("to", "")], "Enter a date, like 27/3/2026"),
        ([("from", "31/2/2026"), ("to", "")], "Enter a date, like 27/3/2026"),
        ([("from", "9/3/2026"), ("to", "8/3/2026")], "The last day must be"),
    ] {
        let page = browser.post(&fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.html.contains(fault) && page.sentences().is_empty());
    }
    let typed = browser.post(&[("from", "yesterday")]).await;
    assert!(typed.html.contains(r#"value="yesterday""#));
}

#[tokio::test]
async fn what_is_not_known_is_not_found() {
    let (_world, browser) = auditor().await;
    let stranger = crate::audit::samples::person(77);
    for path in [
        "/audit?school=1".to_owned(),
        format!("/audit?school={}", crate::audit::samples::organisation(9)),
        "/audit?authority=999".to_owned(),
        format!("/audit?person={stranger}"),
        "/audit?person=x".to_owned(),
        "/audit?before=x".to_owned(),
        "/audit/events/0".to_owned(),
        "/audit/events/-1".to_owned(),
        "/audit/events/x".to_owned(),
        "/audit/events/9999".to_owned(),
        format!("/audit/events/{}", u64::MAX),
    ] {
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = browser.get(&format!("/audit?before={}", u64::MAX)).await;
    assert_eq!(page.sentences().len(), 50);
}

#[tokio::test]
async fn an_event_has_a_page_with_all_that_is_known_of_it() {
    let (world, browser) = auditor().await;
    let list = browser.get("/audit?type=access-revoked").await;
    assert_eq!(list.sentences().len(), 1);
    let page = browser.get(&list.link("Folasade Adeyemi ended")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.link("Back to the history"), "/audit?type=access-revoked");
    let revoked = world.log().await.into_iter().find(|found| found.event.kind() == "access-revoked").unwrap();
    let Event::AccessRevoked(data) = &revoked.event else { panic!() };
    for text in [
        "Has moved to another school",
        "9 March 2026 at",
        &revoked.envelope.at.to_string(),
        &revoked.envelope.id.to_string(),
        &format!("organisation-{ALDERBROOK}"),
        &format!("person:{FOLA}"),
        &format!(r#"<a class="govuk-link" href="/audit?person={FOLA}">Folasade Adeyemi</a>"#),
        &format!(r#"href="/audit?school={ALDERBROOK}""#),
        &data.reason.as_base64()[..16],
    ] {
        assert!(page.html.contains(text), "{text} is not on the page");
    }
    assert!(!page.html.contains(data.reason.as_base64()));

    let sent =
        Event::MailSent(MailSent { event: revoked.envelope.id, to: IMRAN, mail: MailKind::AccessRevoked });
    world.happens(Stream::Reactor(Reactor::Mail), Actor::Reactor(Reactor::Mail), sent).await;
    let browser = Browser::open(&world, Some(JUDITH)).await;
    let list = browser.get("/audit?type=mail-sent").await;
    let mail = browser.get(&list.link("Imran Qureshi was sent an email: an approver ended")).await;
    assert_eq!(mail.link("See that entry"), format!("/audit/events/{}", revoked.position));
}

#[tokio::test]
async fn an_index_that_has_not_caught_up_is_owned_up_to() {
    let world = World::lively().await;
    let browser = Browser::open(&world, Some(JUDITH)).await;
    assert!(!browser.get(links::TIMELINE).await.html.contains("may be missing"));
    let event = Event::OrganisationClosed(OrganisationClosed {});
    world.happens(Stream::Organisation(ELSEWHERE), Actor::System, event).await;
    assert!(browser.get(links::TIMELINE).await.html.contains("may be missing"));
}

/// Every page in every state, as a browser gets it.
async fn samples() -> Vec<String> {
    let (world, browser) = auditor().await;
    let mut pages = Vec::new();
    for recorded in world.log().await {
        pages.push(browser.get(&links::event(&recorded.position.number())).await.html);
    }
    for path in [
        links::TIMELINE.to_owned(),
        format!("/audit?school={ST_MARYS}&person={DEREK}&type=signed-in&from=2026-03-09"),
        format!("/audit?person={DEREK}"),
        "/audit?before=20".to_owned(),
        "/audit?from=x&to=y".to_owned(),
    ] {
        pages.push(browser.get(&path).await.html);
    }
    pages.extend(access::samples().await);
    for doer in ["alderbrook", "<b>nobody</b>"] {
        pages.push(browser.post(&[("doer", doer)]).await.html);
    }
    for who in [HOSTILE, "<b>nobody</b>", "alderbrook"] {
        pages.push(browser.post(&[("who", who), ("authority", "330")]).await.html);
    }
    pages.push(browser.post(&[("who", HOSTILE), ("from", HOSTILE), ("to", "<b>")]).await.html);
    pages.retain(|html| !html.is_empty());
    pages
}

#[tokio::test]
async fn every_page_is_well_made() {
    let pages = samples().await;
    assert!(pages.len() > 60);
    for html in pages {
        assert_eq!(html.matches("<h1").count(), 1, "{html}");
        let heading = between(&html, "<h1", "</h1>")[0].split_once('>').unwrap().1;
        let title = between(&html, "<title>", "</title>")[0];
        assert!(title.strip_prefix("Error: ").unwrap_or(title).starts_with(heading), "{title}");
        assert_eq!(title.starts_with("Error: "), html.contains("govuk-error-summary"), "{title}");
        assert!(!html.contains("<script>") && !html.contains("<b>") && !html.contains("<Primary>"), "{html}");
        assert!(!html.contains("style=") && !html.contains("onclick"), "{html}");
        for form in between(&html, "<form ", "</form>") {
            // A form that only asks carries no token: its address is passed on.
            assert!(
                form.starts_with("method=\"get\"") != form.contains("name=\"form_token\" value=\""),
                "{form}"
            );
        }
        let mut ids = between(&html, " id=\"", "\"");
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id stands twice");
        for label in between(&html, " for=\"", "\"") {
            assert!(ids.binary_search(&label).is_ok(), "nothing is labelled {label}");
        }
        for target in between(&html, "<a href=\"#", "\"") {
            assert!(ids.binary_search(&target).is_ok(), "nothing is at #{target}");
        }
    }
}
