//! Support's pages, in the hands of agents.

use axum::body::Body;
use http::{Request, StatusCode, header};
use vouchsafe_events::{Email, Event, StaffRole, Stream, Version, decode};

use super::*;
use crate::domain::organisation::users::Fresh;
use crate::web::requester::tests::browser::{Browser, Service, place};
use crate::web::samples::check;

/// A support agent who has signed in.
async fn agent<'a>(service: &'a Service, name: &str) -> Browser<'a> {
    let email: Email = format!("{}@education.gov.uk", name.to_lowercase()).parse().unwrap();
    service.site.app.appoint(&email, None, StaffRole::Support).await.unwrap();
    service.sign_in_with(name, email.as_str(), &[]).await
}

/// An organisation that cannot look after itself.
async fn northern(service: &Service) -> OrganisationId {
    let kinds = vec![OrganisationKind::LeadProvider];
    let fresh = Fresh { name: "Northern <b>Training</b>".into(), kinds, ukprn: None };
    service.site.app.register_organisation(&fresh, Actor::Operator).await.unwrap()
}

/// A page is sound, whatever names are on it.
fn sound(html: &str) {
    assert!(!html.contains("<b>Training"), "{html}");
    let token =
        html.split_once(r#"name="form_token" value=""#).map(|(_, rest)| rest.split('"').next().unwrap());
    // A search that changes nothing needs no token, and the checker knows one token alone.
    let forms = html.replace(token.unwrap_or("-"), "the-form-token");
    let forms = forms.replace("<form method=\"get\"", "<search method=\"get\"");
    check(&forms);
}

fn emails(service: &Service, id: OrganisationId) -> Vec<String> {
    let app = &service.site.app;
    let listed: Vec<_> = app.lists(|lists| lists.organisation(id).unwrap().listed.keys().copied().collect());
    let mut emails: Vec<String> = listed.into_iter().map(|person| app.email_of(person)).collect();
    emails.sort();
    emails
}

#[tokio::test]
async fn nobody_but_a_support_agent_gets_to_these_pages() {
    let service = Service::start().await;
    let id = northern(&service).await;
    let person = vouchsafe_events::PersonId::from_uuid(vouchsafe_events::Uuid::nil());
    let paths = [
        links::SUPPORT.to_owned(),
        links::SUPPORT_REGISTER.to_owned(),
        links::SUPPORT_MEASURES.to_owned(),
        links::SUPPORT_MEASURES_CSV.to_owned(),
        links::support_organisation(&id),
        links::support_csv(&id),
        links::support_change(&id),
        links::support_import(&id),
        links::support_entry(&id, &person),
        links::support_person(&person),
        links::support_email(&person),
    ];
    let school = [place("100001", "Greenhill School", true)];
    let mut ann = service.sign_in("Ann", &school).await;
    let auditor: Email = "aud@education.gov.uk".parse().unwrap();
    service.site.app.appoint(&auditor, None, StaffRole::Auditor).await.unwrap();
    let mut aud = service.sign_in_with("Aud", auditor.as_str(), &[]).await;
    for path in &paths {
        for browser in [&mut ann, &mut aud] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            page.says("Only support agents");
        }
        service.nobody().get(path).await.leads_to(&links::sign_in_for(path));
    }
    let posts = [
        links::SUPPORT.to_owned(),
        links::SUPPORT_REGISTER.to_owned(),
        links::support_add(&id),
        links::support_change(&id),
        links::support_import(&id),
        links::support_import_confirm(&id),
        links::support_entry(&id, &person),
        links::support_email(&person),
        links::support_lift(&person),
    ];
    for path in &posts {
        let page = ann.post(path, &[("email", "a@b.example"), ("action", "remove")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(emails(&service, id).is_empty());
}

#[tokio::test]
async fn an_agent_registers_an_organisation_and_keeps_its_list() {
    let service = Service::start().await;
    let mut jo = agent(&service, "Jo").await;
    let page = jo.get("/support").await;
    sound(&page.body);
    page.says("Nobody of late");
    sound(&jo.get("/support/organisations/new").await.body);
    let faulty = jo.post("/support/organisations/new", &[("name", " "), ("ukprn", "1")]).await;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    sound(&faulty.body);
    for text in
        ["Enter the organisation’s name", "UKPRN must be 8 numbers", "Select what the organisation is"]
    {
        faulty.says(text);
    }
    let fields =
        [("name", "Northern <b>Training</b>"), ("kind", "lead-provider"), ("kind", "delivery-partner")];
    let to = jo.post("/support/organisations/new", &fields).await.location;
    let page = jo.get(&to).await;
    sound(&page.body);
    page.says("Lead provider and delivery partner").says("0 people are on the list");
    let twin = jo.post("/support/organisations/new", &fields).await;
    assert_eq!(twin.status, StatusCode::UNPROCESSABLE_ENTITY);

    // Somebody is added, once their address has been looked at again.
    let add = format!("{to}/users");
    let slip = jo.post(&add, &[("email", "bob@gmial.com"), ("name", "Bob")]).await;
    assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY);
    slip.says("did they mean gmail.com?");
    sound(&slip.body);
    let sure = [("email", "bob@gmial.com"), ("name", "Bob"), ("looked_at", "bob@gmial.com")];
    jo.post(&add, &sure).await.leads_to(&to);
    jo.post(&add, &[("email", "=ada@northern.example"), ("name", "=cmd()")]).await.leads_to(&to);
    let page = jo.get(&to).await;
    sound(&page.body);
    page.says("2 people are on the list").says("did they mean gmail.com?").says("Never");
    for (email, words) in [
        ("", "Enter an email address"),
        ("ada@x.example\r\nBcc: y@x.example", "correct format"),
        ("BOB@gmial.com", "did they mean"),
    ] {
        let page = jo.post(&add, &[("email", email)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        page.says(words);
    }
    let twice = jo.post(&add, &[("email", "BOB@gmial.com"), ("looked_at", "bob@gmial.com")]).await;
    twice.says("They are on the list already");
    let sheet = jo.get(&format!("{to}/users.csv")).await;
    assert!(sheet.body.contains("'=ada@northern.example,'=cmd(),"), "{}", sheet.body);

    // And taken off it with a reason.
    let bob = service.site.app.person_of(&"bob@gmial.com".parse().unwrap()).unwrap();
    let entry = format!("{to}/users/{bob}");
    sound(&jo.get(&entry).await.body);
    let faulty = jo.post(&entry, &[("action", "remove"), ("reason", "")]).await;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    sound(&faulty.body);
    jo.post(&entry, &[("action", "remove"), ("reason", "Left <b>Training</b>")]).await.leads_to(&to);
    assert_eq!(jo.get(&entry).await.status, StatusCode::NOT_FOUND);
    // All of it under the agent's own name.
    let id: OrganisationId = to.rsplit('/').next().unwrap().parse().unwrap();
    let stored = service.site.app.store().read(Stream::Organisation(id), Version::FIRST, 100).await.unwrap();
    for event in &stored {
        assert_eq!(decode(event.position, &event.bytes).unwrap().envelope.actor, Actor::Person(jo.person));
    }
    assert_eq!(emails(&service, id), ["=ada@northern.example"]);

    // It changes its kinds, its name and closes.
    let change = format!("{to}/change");
    sound(&jo.get(&change).await.body);
    let none = jo.post(&change, &[("name", "Northern")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    jo.post(&change, &[("name", "Northern"), ("kind", "appropriate-body"), ("closed", "yes")])
        .await
        .leads_to(&to);
    jo.get(&to).await.says("Appropriate body").says("Closed");
    assert_eq!(jo.post(&add, &[("email", "x@y.example")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_agent_gets_on_a_list_only_with_a_second_one() {
    let service = Service::start().await;
    let id = northern(&service).await;
    let to = links::support_organisation(&id);
    let (mut jo, mut kim) = (agent(&service, "Jo").await, agent(&service, "Kim").await);
    jo.post(&links::support_add(&id), &[("email", "jo@education.gov.uk")]).await.leads_to(&to);
    assert!(emails(&service, id).is_empty());
    jo.get("/support").await.says("Waiting for a second support agent");
    let entry = links::support_entry(&id, &jo.person);
    let page = jo.get(&entry).await;
    sound(&page.body);
    page.says("You asked to be put on this list");
    assert_eq!(jo.post(&entry, &[("action", "agree")]).await.status, StatusCode::BAD_REQUEST);
    assert!(emails(&service, id).is_empty());
    let page = kim.get(&entry).await;
    sound(&page.body);
    kim.post(&entry, &[("action", "agree")]).await.leads_to(&to);
    assert_eq!(emails(&service, id), ["jo@education.gov.uk"]);
    // What is asked again can be withdrawn.
    kim.post(&links::support_add(&id), &[("email", "kim@education.gov.uk")]).await.leads_to(&to);
    let own = links::support_entry(&id, &kim.person);
    kim.post(&own, &[("action", "dismiss")]).await.leads_to(&to);
    assert_eq!(kim.get(&own).await.status, StatusCode::NOT_FOUND);
    // Nor by making somebody's address their own.
    let bob: Email = "bob@northern.example".parse().unwrap();
    jo.post(&links::support_add(&id), &[("email", bob.as_str())]).await.leads_to(&to);
    let bob = service.site.app.person_of(&bob).unwrap();
    let page = kim.post(&links::support_email(&bob), &[("email", "kim@education.gov.uk")]).await;
    page.says("This is your own address");
}

/// A form with a file.
fn multipart(token: &str, file: &[u8]) -> Body {
    let mut body = Vec::new();
    let part = |name: &str| format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"");
    body.extend(format!("{}\r\n\r\n{token}\r\n", part("form_token")).bytes());
    body.extend(format!("{}; filename=\"a.csv\"\r\n\r\n", part("file")).bytes());
    body.extend(file);
    body.extend(b"\r\n--XX--\r\n");
    Body::from(body)
}

#[tokio::test]
async fn many_are_added_from_csv_once_each_rows_fate_has_been_seen() {
    let service = Service::start().await;
    let id = northern(&service).await;
    let to = links::support_organisation(&id);
    let mut jo = agent(&service, "Jo").await;
    let import = links::support_import(&id);
    sound(&jo.get(&import).await.body);
    let send = async |jo: &mut Browser<'_>, file: &[u8]| {
        let token = jo.form_token();
        let request = Request::post(&import).header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX");
        jo.send(request, multipart(&token, file)).await
    };
    for (file, words) in [
        (&b""[..], "Choose a file, or paste rows"),
        (b"\x89PNG\r\n\0", "it is not text"),
        (b"email\na@b.example,\"x", "line 2 is not CSV"),
    ] {
        let page = send(&mut jo, file).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}: {}", page.body);
        sound(&page.body);
        page.says(words);
    }
    let file = b"email,name\r\nzoe@northern.example,Zo\xeb\r\nZOE@northern.example,\r\nnobody,\r\nbob@gmial.com,Bob\r\njo@education.gov.uk,\r\n";
    let page = send(&mut jo, file).await;
    assert_eq!(page.status, StatusCode::OK);
    sound(&page.body);
    page.says("3 people would be put").says("Zoë").says("The same address as in line 2");
    page.says("Not an email address").says("did they mean gmail.com?").says("This is you");
    assert!(emails(&service, id).is_empty(), "nothing happens before it is confirmed");
    let rows = page.body.split_once(r#"name="rows" value=""#).unwrap().1.split('"').next().unwrap();
    let rows = rows.replace("&#10;", "\n");
    let confirm = links::support_import_confirm(&id);
    let done = jo.post(&confirm, &[("rows", &rows)]).await;
    sound(&done.body);
    done.says("2 people have been put").says("waits for a second support agent");
    assert_eq!(emails(&service, id), ["bob@gmial.com", "zoe@northern.example"]);
    // Sent a second time, it does nothing.
    jo.post(&confirm, &[("rows", &rows)]).await;
    assert_eq!(emails(&service, id).len(), 2);
    // A form from another site is not taken, nor more than there may be.
    let forged = Request::post(&import).header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX");
    let page = jo.send(forged, multipart("forged", file)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let page = send(&mut jo, &vec![b'a'; 100 * 1024 * 1024]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let _ = to;
}

#[tokio::test]
async fn why_somebody_cannot_get_in_is_told_on_one_page() {
    let service = Service::start().await;
    let id = northern(&service).await;
    let mut jo = agent(&service, "Jo").await;
    let app = &service.site.app;
    let timeline = std::sync::Arc::clone(&service.site.timeline);
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(timeline.follow(std::sync::Arc::clone(app.store()), stopped));

    // Nobody knows the address.
    let page = jo.post("/support", &[("q", "who@northern.example")]).await;
    sound(&page.body);
    page.says("Nobody is known by");
    // They asked for a code and are on no list.
    let email: Email = "who@northern.example".parse().unwrap();
    let challenge = vouchsafe_events::ChallengeId::from_uuid(vouchsafe_events::Uuid::from_u128(1));
    let asker = crate::app::Asker { email: email.clone(), challenge, network: "203.0.113.7".to_owned() };
    app.ask_for_code(&asker, || true).await.unwrap();
    let who = app.person_of(&email).unwrap();
    let own = links::support_person(&who);
    jo.post("/support", &[("q", " WHO@northern.example ")]).await.leads_to(&own);
    let page = jo.get(&own).await;
    sound(&page.body);
    page.says("They are on no user list").says("asked for a one-time password and got none");
    jo.get("/support").await.says("asked for a code and is on no list");
    // They are put on the list, ask, and type wrong codes until they must wait.
    jo.post(&links::support_add(&id), &[("email", email.as_str())]).await;
    let wrong = crate::privacy::TypedCode::parse("000000").unwrap();
    for number in 2..8_u128 {
        let challenge = vouchsafe_events::ChallengeId::from_uuid(vouchsafe_events::Uuid::from_u128(number));
        let asker = crate::app::Asker { challenge, ..asker.clone() };
        app.try_code(&asker, &wrong, String::new(), None).await.unwrap_err();
    }
    let page = jo.get(&own).await;
    sound(&page.body);
    page.says("After 6 wrong codes they must wait until")
        .says("entered a one-time password that was not taken");
    page.says("They have access for Northern");
    jo.post(&links::support_lift(&who), &[]).await.leads_to(&own);
    let page = jo.get(&own).await;
    assert!(
        !page.body.contains("must wait until") || page.body.contains("let who@northern.example use"),
        "{}",
        page.body
    );
    page.says("use one-time passwords again at once");
    // Their address is changed; one that somebody has is refused.
    sound(&jo.get(&links::support_email(&who)).await.body);
    for (email, words) in [
        ("", "Enter the new email address"),
        ("x", "correct format"),
        ("who@northern.example", "their address already"),
        ("jo@education.gov.uk", "your own address"),
    ] {
        let page = jo.post(&links::support_email(&who), &[("email", email)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        sound(&page.body);
        page.says(words);
    }
    jo.post(&links::support_email(&who), &[("email", "new@northern.example")]).await.leads_to(&own);
    assert_eq!(app.person_of(&"new@northern.example".parse().unwrap()), Some(who));
    assert_eq!(app.person_of(&email), None);
    let events = app.store().read(Stream::Person(who), Version::FIRST, 100).await.unwrap();
    assert!(events.iter().any(|event| {
        matches!(decode(event.position, &event.bytes).unwrap().event, Event::EmailChanged(_))
    }));
    // A search by a part of a name finds organisations and people.
    let page = jo.post("/support", &[("q", "northern")]).await;
    sound(&page.body);
    page.says("Organisations").says("People").says("new@northern.example");
    assert_eq!(jo.post("/support", &[("q", "x")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_school_is_shown_as_one_that_looks_after_itself() {
    let service = Service::start().await;
    let mut jo = agent(&service, "Jo").await;
    let school = [place("100001", "Greenhill School", false)];
    let mut dee = service.sign_in("Dee", &school).await;
    dee.post("/access/ask", &[]).await;
    let to = links::support_organisation(&school[0].id);
    let page = jo.get(&to).await;
    sound(&page.body);
    page.says("looks after itself").says("Nobody approves here").says("Dee has waited for");
    let page = jo.post(&links::support_add(&school[0].id), &[("email", "a@b.example")]).await;
    page.says("A school looks after its own users");
    assert_eq!(
        service.site.app.person_of(&"a@b.example".parse().unwrap()),
        None,
        "nobody is introduced in vain"
    );
    let rows = "email\na@b.example\nc@b.example";
    let page = jo.post(&links::support_import_confirm(&school[0].id), &[("rows", rows)]).await;
    page.says("A school looks after its own users");
    for address in ["a@b.example", "c@b.example"] {
        assert_eq!(service.site.app.person_of(&address.parse().unwrap()), None, "nor in numbers");
    }
    // Once it is a hub, it has a list; it stays a school.
    let change = links::support_change(&school[0].id);
    sound(&jo.get(&change).await.body);
    jo.post(&change, &[("kind", "appropriate-body")]).await.leads_to(&to);
    jo.get(&to).await.says("School and appropriate body").says("Put somebody on the list");
    jo.get(&links::support_person(&dee.person)).await.says("nobody approves there");
}

#[tokio::test]
async fn the_measures_are_shown_for_a_period_and_as_csv() {
    let service = Service::start().await;
    let mut jo = agent(&service, "Jo").await;
    let school = [place("100001", "Greenhill School", true)];
    service.sign_in("Ann", &school).await;
    let page = jo.get("/support/measures").await;
    sound(&page.body);
    page.says("1 of 1 schools that got in for the first time did so without support (100 per cent)");
    assert_eq!(page.body.matches("<svg class=\"app-plot\"").count(), 2);
    for (query, words) in [
        ("from=x&to=1/1/2026", "Enter a date"),
        ("from=2/1/2026&to=1/1/2026", "same as or after"),
        ("from=1/1/2016&to=1/1/2026", "5 years or shorter"),
    ] {
        let page = jo.get(&format!("/support/measures?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        sound(&page.body);
        page.says(words);
    }
    let csv = jo.get("/support/measures.csv").await;
    assert!(csv.body.starts_with("first day,last day,"), "{}", csv.body);
    assert_eq!(csv.body.lines().count(), 13);
}
