//! For tests: a frame around sample pages, and what every page has to keep to.

use super::assets::Look;
use super::{Frame, Who};

/// What every text that people type holds in samples.
pub(super) const HOSTILE: &str = "<script>alert('x')</script>";

/// A frame for somebody whose name tries to break out of the page.
pub(super) fn frame() -> Frame {
    let who = Who {
        name: format!("Dee {HOSTILE}"),
        organisation: Some(format!("Greenhill {HOSTILE}")),
        may_switch: true,
        is_approver: true,
        waiting: 3,
        is_auditor: true,
        is_support: true,
    };
    Frame {
        service_name: "Vouchsafe".to_owned(),
        look: Look::Plain,
        who: Some(who),
        notice: None,
        form_token: "the-form-token".to_owned(),
        path: "/access".to_owned(),
        idle_minutes: 60,
    }
}

/// The texts between an opening and a closing mark.
fn between<'a>(html: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    html.split(open).skip(1).map(|rest| rest.split(close).next().unwrap()).collect()
}

/// One heading, which the title begins with; nothing typed becomes markup; every form that changes something
/// has its token; ids are unique and everything that refers to one finds it.
pub(super) fn check(html: &str) {
    let [heading] = between(html, "<h1", "</h1>").try_into().unwrap_or_else(|_| panic!("not one h1: {html}"));
    let (_, heading) = heading.split_once('>').unwrap();
    let (head, _) = html.split_once("</head>").unwrap();
    let [title] = between(head, "<title>", "</title>").try_into().unwrap();
    let faulty = html.contains("govuk-error-summary__list");
    let begins = if faulty { format!("Error: {heading}") } else { heading.to_owned() };
    assert!(!heading.trim().is_empty() && title.starts_with(&begins), "{title} / {heading}");
    assert!(!html.contains(HOSTILE) && !html.contains("\"><script>"), "{html}");
    for form in between(html, "<form ", "</form>") {
        assert!(form.contains(r#"name="form_token" value="the-form-token""#), "{form}");
    }
    let ids = between(html, " id=\"", "\"");
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id), "{id} is there twice");
    }
    let described = between(html, " aria-describedby=\"", "\"");
    let labels = between(html, " for=\"", "\"");
    let anchors = between(html, " href=\"#", "\"");
    for id in described.iter().flat_map(|ids| ids.split(' ')).chain(labels).chain(anchors) {
        assert!(ids.contains(&id), "nothing has the id {id}");
    }
}
