//! Pages around signing in: signed out, and recognised but not let in.

use askama::Template;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::{Email, Refusal};

use crate::web::{Frame, Problem, Reply, Site, links};

/// "You have signed out", or "your session has ended".
#[derive(Template)]
#[template(path = "web/sign_in/signed_out.html")]
struct SignedOut {
    frame: Frame,
    ended: bool,
    /// After how many hours a session ends in any case.
    hours: i64,
    sign_in: String,
}

#[derive(Deserialize)]
pub(super) struct Why {
    ended: Option<String>,
    return_to: Option<String>,
}

/// The page after signing out, or when a session has ended by itself.
pub(super) async fn signed_out(
    State(site): State<Site>,
    frame: Frame,
    Query(query): Query<Why>,
) -> Result<Reply, Problem> {
    let return_to = query.return_to.as_deref().and_then(links::own_path);
    let sign_in = return_to.map_or_else(|| links::SIGN_IN.to_owned(), links::sign_in_for);
    let hours = site.app.limits().absolute_seconds / 3600;
    Reply::page(&SignedOut { frame, ended: query.ended.is_some(), hours, sign_in })
}

/// A person who was recognised is told why they cannot come in, and what to do.
#[derive(Template)]
#[template(path = "web/sign_in/refused.html")]
struct Refused {
    frame: Frame,
    reason: Refusal,
    help: String,
    /// The address that DfE Sign-in gave: the one to put on a user list.
    email: String,
    contact: Option<String>,
}

impl Refused {
    /// Whether a place on a user list would let them in.
    fn would_a_list_help(&self) -> bool {
        match self.reason {
            Refusal::NoOrganisation
            | Refusal::OrganisationClosed
            | Refusal::OrganisationNotOpen
            | Refusal::OrganisationNotServed
            | Refusal::OrganisationNotIdentified => true,
            Refusal::CallbackReplayed | Refusal::TookTooLong | Refusal::NotTrusted | Refusal::NoEmail => {
                false
            }
        }
    }

    /// The page's heading and title.
    fn heading(&self) -> &'static str {
        match self.reason {
            Refusal::NoOrganisation => "Your DfE Sign-in account does not belong to a school",
            Refusal::OrganisationClosed => "That school is closed",
            Refusal::OrganisationNotOpen => "That school is not open",
            Refusal::OrganisationNotServed => "You cannot use this service for that organisation yet",
            Refusal::OrganisationNotIdentified => "We could not tell which school you work at",
            Refusal::TookTooLong => "Signing in took too long",
            Refusal::CallbackReplayed | Refusal::NotTrusted | Refusal::NoEmail => "We could not sign you in",
        }
    }
}

/// The page for somebody who was recognised and not let in.
pub(super) fn refused(site: &Site, reason: Refusal, email: &Email) -> Result<Reply, Problem> {
    let help = site.settings.dfe_sign_in_help_url.to_string();
    let frame = Frame::bare(site, links::CALLBACK);
    Reply::page_with(
        StatusCode::FORBIDDEN,
        &Refused {
            frame,
            reason,
            help,
            email: email.as_str().to_owned(),
            contact: site.settings.contact_email.clone(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::samples::{HOSTILE, check, frame};

    #[test]
    fn the_pages_are_sound() {
        for ended in [true, false] {
            let sign_in = links::sign_in_for("/school/requests/1?x=\"><script>");
            let page = SignedOut { frame: Frame { who: None, ..frame() }, ended, hours: 12, sign_in };
            check(&page.render().unwrap());
        }
        for reason in [
            Refusal::NoOrganisation,
            Refusal::OrganisationClosed,
            Refusal::OrganisationNotOpen,
            Refusal::OrganisationNotServed,
            Refusal::OrganisationNotIdentified,
            Refusal::CallbackReplayed,
            Refusal::TookTooLong,
            Refusal::NotTrusted,
            Refusal::NoEmail,
        ] {
            let help = "https://help.example/".to_owned();
            for contact in [Some("help@service.example".to_owned()), None] {
                let frame = Frame { who: None, ..frame() };
                let (help, email) = (help.clone(), HOSTILE.to_owned());
                let page = Refused { frame, reason, help, email, contact };
                let html = page.render().unwrap();
                check(&html);
                assert_eq!(page.would_a_list_help(), html.contains("lead provider"), "{reason:?}");
            }
        }
    }
}
