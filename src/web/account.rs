//! Where one is signed in, and how to end it elsewhere.

mod device;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::HeaderMap;
use vouchsafe_events::{Method, SessionHash, SignOut};
use vouchsafe_projections::Session;

use super::form::{Empty, Personal};
use super::{Frame, Problem, Reply, SignedIn, Site, links, problem, sign_in, when};
use crate::domain::person::SignOutRefused;

pub(super) fn routes() -> Router<Site> {
    Router::new().route(links::ACCOUNT, get(account)).route(links::END_SESSION, post(end))
}

/// One place where the person is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// The browser, in plain words.
    device: String,
    network: String,
    since: String,
    /// How they signed in there.
    method: &'static str,
    /// The organisation that they act for there.
    school: Option<String>,
    /// When it ends by itself at the latest.
    ends: String,
    /// Whether it is where the page is looked at.
    current: bool,
    /// Where it is ended.
    end: String,
}

impl Place {
    fn of(site: &Site, session: &Session, current: SessionHash) -> Self {
        Self {
            device: device::describe(&site.app.show(&session.device)),
            network: site.app.show(&session.network),
            since: when::date_time(session.began),
            school: session.organisation.map(|id| site.app.organisation_name(id)),
            method: match session.method {
                Method::DfeSignIn => "DfE Sign-in",
                Method::OneTimePassword => "Emailed security code",
            },
            ends: when::date_time(session.expires),
            current: session.hash == current,
            end: links::end_session(&session.hash),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "web/account/account.html")]
struct Page {
    frame: Frame,
    name: String,
    email: String,
    /// The one that the page is looked at in first, then the newest.
    places: Vec<Place>,
}

/// Where the person is signed in.
async fn account(State(site): State<Site>, signed_in: SignedIn, frame: Frame) -> Result<Reply, Problem> {
    let (person, now) = (signed_in.person, site.app.now());
    let mut sessions: Vec<Session> =
        site.app.lists(|lists| lists.sessions_of(person, now).cloned().collect());
    sessions.sort_by_key(|session| (session.hash != signed_in.session, std::cmp::Reverse(session.began)));
    let places = sessions.iter().map(|session| Place::of(&site, session, signed_in.session)).collect();
    Reply::page(&Page { frame, name: site.app.name_of(person), email: site.app.email_of(person), places })
}

/// Ends a session elsewhere. Ending this one is signing out.
async fn end(
    State(site): State<Site>,
    headers: HeaderMap,
    signed_in: SignedIn,
    Path(session): Path<SessionHash>,
    _: Personal<Empty>,
) -> Result<Reply, Problem> {
    if session == signed_in.session {
        return sign_in::leave(&site, &headers, &signed_in).await;
    }
    let refusal = match site.app.sign_out(signed_in.person, session, SignOut::Elsewhere).await {
        Ok(done) => {
            let account = Reply::to(links::ACCOUNT).wrote(done.position);
            return Ok(account.done("You have been signed out there."));
        }
        Err(failure) => problem::refused(failure)?,
    };
    match refusal {
        SignOutRefused::NoSession => Ok(Reply::to(links::ACCOUNT)
            .notes("You were no longer signed in there, so there was nothing to do.")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check, frame};
    use super::*;

    fn place(current: bool, school: Option<&str>) -> Place {
        Place {
            method: "DfE Sign-in",
            device: "Chrome on Windows".to_owned(),
            network: HOSTILE.to_owned(),
            since: "3 March 2026 at 2:05pm".to_owned(),
            school: school.map(str::to_owned),
            ends: "4 March 2026 at 2:05am".to_owned(),
            current,
            end: links::end_session(&SessionHash::from_bytes([7; 32])),
        }
    }

    fn samples() -> Vec<String> {
        let page = |places| Page {
            frame: frame(),
            name: format!("Ann {HOSTILE}"),
            email: "ann@greenhill.example".to_owned(),
            places,
        };
        let pages = [
            page(vec![
                place(true, Some("Greenhill School")),
                place(false, Some(HOSTILE)),
                place(false, None),
            ]),
            page(vec![place(true, None)]),
        ];
        pages.iter().map(|page| page.render().unwrap()).collect()
    }

    #[test]
    fn the_page_is_sound() {
        for html in samples() {
            check(&html);
        }
    }

    #[test]
    fn only_other_places_are_ended_from_here() {
        let [several, one] = samples().try_into().unwrap();
        assert_eq!(several.matches("/end\"").count(), 2);
        assert_eq!(one.matches("/end\"").count(), 0);
        assert!(one.contains("You are not signed in anywhere else"));
    }
}
