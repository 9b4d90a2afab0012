//! Pages for everybody: about cookies, accessibility and personal data.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::{Frame, Problem, Reply, Site, cookies, links};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(links::COOKIES, get(cookies_page))
        .route(links::ACCESSIBILITY, get(accessibility))
        .route(links::PRIVACY, get(privacy))
}

/// A cookie that the service sets.
struct Cookie {
    name: String,
    purpose: &'static str,
    kept: String,
}

/// About cookies.
#[derive(Template)]
#[template(path = "web/public/cookies.html")]
struct CookiesPage {
    frame: Frame,
    cookies: Vec<Cookie>,
}

/// Every cookie that the service sets, by the name that a browser shows.
fn all_cookies(frame: &Frame, session_hours: i64) -> Vec<Cookie> {
    let idle = frame.idle_minutes;
    vec![
        Cookie {
            name: cookies::SESSION.to_owned(),
            purpose: "Keeps you signed in",
            kept: format!(
                "Until you sign out or close your browser. It stops working when you have not done anything for {idle} minutes, and {session_hours} hours after you signed in"
            ),
        },
        Cookie {
            name: cookies::ID_TOKEN.to_owned(),
            purpose: "Lets us sign you out of DfE Sign-in too when you sign out",
            kept: "Until you sign out or close your browser".to_owned(),
        },
        Cookie {
            name: format!("{}…", cookies::ATTEMPT),
            purpose: "Checks that you come back from DfE Sign-in in the browser that you left from. Its name ends differently each time",
            kept: format!("{} minutes, or until you have signed in", cookies::ATTEMPT_KEPT / 60),
        },
        Cookie {
            name: cookies::AGAIN.to_owned(),
            purpose: "Counts how often signing in had to be started again, so that we tell you instead of going round in circles",
            kept: format!("{} minutes", cookies::AGAIN_KEPT / 60),
        },
        Cookie {
            name: cookies::CODE.to_owned(),
            purpose: "Lets you sign in with a security code that we email to you",
            kept: "3 hours, or until you have signed in".to_owned(),
        },
        Cookie {
            name: cookies::NOTICE.to_owned(),
            purpose: "Lets the next page tell you what has just been done",
            kept: format!("{} seconds, or until you have seen it", cookies::NOTICE_KEPT),
        },
    ]
}

/// About cookies.
async fn cookies_page(State(site): State<Site>, frame: Frame) -> Result<Reply, Problem> {
    let cookies = all_cookies(&frame, site.app.limits().absolute_seconds / 3600);
    Reply::page(&CookiesPage { frame, cookies })
}

/// About accessibility.
#[derive(Template)]
#[template(path = "web/public/accessibility.html")]
struct AccessibilityPage {
    frame: Frame,
    contact: Option<String>,
}

/// About accessibility.
async fn accessibility(State(site): State<Site>, frame: Frame) -> Result<Reply, Problem> {
    Reply::page(&AccessibilityPage { frame, contact: site.settings.contact_email.clone() })
}

/// About personal data.
#[derive(Template)]
#[template(path = "web/public/privacy.html")]
struct PrivacyPage {
    frame: Frame,
    contact: Option<String>,
}

/// About personal data.
async fn privacy(State(site): State<Site>, frame: Frame) -> Result<Reply, Problem> {
    Reply::page(&PrivacyPage { frame, contact: site.settings.contact_email.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{check, frame};
    use super::*;

    fn samples() -> Vec<String> {
        let cookies = all_cookies(&frame(), 12);
        let mut pages = vec![CookiesPage { frame: frame(), cookies }.render().unwrap()];
        for contact in [None, Some("help@service.example".to_owned())] {
            pages.push(AccessibilityPage { frame: frame(), contact: contact.clone() }.render().unwrap());
            pages.push(PrivacyPage { frame: frame(), contact }.render().unwrap());
        }
        pages
    }

    #[test]
    fn the_pages_are_sound() {
        for html in samples() {
            check(&html);
        }
    }

    #[test]
    fn every_cookie_is_listed_by_its_real_name() {
        let page = samples().remove(0);
        for name in [
            cookies::SESSION,
            cookies::ID_TOKEN,
            cookies::NOTICE,
            cookies::ATTEMPT,
            cookies::AGAIN,
            cookies::CODE,
        ] {
            assert!(page.contains(name), "{name}");
        }
    }
}
