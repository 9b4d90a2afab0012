//! Every page is rendered with its samples and looked over.

use vouchsafe_events::OrganisationId;

use super::fixture::HOSTILE;
use super::*;

fn all() -> Vec<String> {
    [
        add::tests::samples(),
        change_end::tests::samples(),
        end_access::tests::samples(),
        make_approver::tests::samples(),
        request::tests::samples(),
        requests::tests::samples(),
        review::tests::samples(),
        stand_down::tests::samples(),
        user::tests::samples(),
        users::tests::samples(),
    ]
    .concat()
}

/// What a handler gets of a form that a browser sends.
async fn sent<F: serde::de::DeserializeOwned>(body: &str) -> F {
    let request = http::Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(body.to_owned()))
        .unwrap();
    <axum::Form<F> as axum::extract::FromRequest<()>>::from_request(request, &()).await.unwrap().0
}

#[tokio::test]
async fn forms_are_read_as_browsers_send_them() {
    let dated = "form_token=x&ends-day=30&ends-month=6&ends-year=2027";
    let fields: Vec<(String, String)> = sent(&format!("{dated}&name=Cai+Vo&email=cai%40a.example")).await;
    let typed = date_field::EndDate::from_fields(&fields);
    assert_eq!(typed, date_field::EndDate::showing(Some(fixture::at("2027-06-30T22:00:00Z"))));
    assert_eq!(sent::<request::Grant>(dated).await.ends, typed);
    assert_eq!(sent::<change_end::Change>(dated).await.ends, typed);
    assert_eq!(sent::<request::Grant>("form_token=x").await.ends, date_field::EndDate::default());
    assert_eq!(sent::<request::Decline>("reason=a%0D%0Ab").await.reason, "a\r\nb");
    assert_eq!(sent::<end_access::End>("from=review&reason=Left").await.reason, "Left");
    assert!(sent::<stand_down::Form>("understood=yes").await.understood.is_some());
    assert!(sent::<stand_down::Form>("form_token=x").await.understood.is_none());
}

#[test]
fn no_two_routes_collide() {
    let _: Router<Site> = routes();
}

/// The texts between an opening and a closing mark.
fn between<'a>(html: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    html.split(open).skip(1).map(|rest| rest.split(close).next().unwrap()).collect()
}

#[test]
fn every_page_has_one_heading_and_a_title_that_begins_with_it() {
    for html in all() {
        assert_eq!(html.matches("<h1").count(), 1, "{html}");
        let heading = between(&html, "<h1", "</h1>")[0].split_once('>').unwrap().1.to_owned();
        let title = between(&html, "<title>", "</title>")[0];
        let title = title.strip_prefix("Error: ").unwrap_or(title);
        assert!(title.starts_with(&heading), "{title} / {heading}");
        assert!(!heading.trim().is_empty());
    }
}

#[test]
fn what_people_type_never_becomes_markup() {
    for html in all() {
        assert!(!html.contains(HOSTILE) && !html.contains("<b>Vo"), "{html}");
    }
}

#[test]
fn every_form_that_changes_something_carries_its_token() {
    let token = r#"<input type="hidden" name="form_token" value="the-form-token">"#;
    for html in all() {
        for form in between(&html, "<form ", "</form>") {
            let head = form.split('>').next().unwrap();
            assert!(head.contains(r#"method="get""#) || form.contains(token), "{form}");
        }
    }
}

#[test]
fn a_page_with_faults_says_so_in_title_summary_and_beside_each_field() {
    let faulty: Vec<String> =
        all().into_iter().filter(|html| html.contains("govuk-error-summary__list")).collect();
    assert_eq!(faulty.len(), 5);
    for html in faulty {
        assert!(html.contains("<title>Error: "), "{html}");
        let list = between(&html, "govuk-error-summary__list", "</ul>")[0];
        for field in between(list, r##"href="#"##, "\"") {
            assert!(html.contains(&format!(r#"id="{field}""#)), "{field} is not on the page");
        }
        assert!(html.contains("govuk-error-message"));
    }
}

#[test]
fn ids_on_a_page_are_unique() {
    for html in all() {
        let mut ids = between(&html, r#" id=""#, "\"");
        let number = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), number, "{ids:?}");
    }
}

#[test]
fn what_did_something_is_said_in_words() {
    struct Nobody;
    impl Names for Nobody {
        fn name(&self, _: PersonId) -> String {
            "Ann Lee".to_owned()
        }
        fn email(&self, _: PersonId) -> String {
            String::new()
        }
        fn text(&self, _: &Held) -> String {
            String::new()
        }
        fn organisation(&self, _: OrganisationId) -> String {
            String::new()
        }
    }
    for (actor, words) in [
        (Actor::Person(fixture::ANN), "Ann Lee"),
        (Actor::System, "DfE Sign-in"),
        (Actor::Operator, "the service’s operator"),
        (Actor::Reactor(vouchsafe_events::Reactor::Timekeeper), "the service"),
    ] {
        assert_eq!(by_whom(actor, &Nobody), words);
    }
}
