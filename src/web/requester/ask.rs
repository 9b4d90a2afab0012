//! Asking for access.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::school;
use crate::domain::Message;
use crate::domain::organisation::AskRefused;
use crate::domain::text::TextRefused;
use crate::web::form::{Checked, Faults};
use crate::web::problem::{Forbidden, refused};
use crate::web::{Colleague, Frame, Problem, Reply, Site, links};

/// What is said to somebody who has access and asks for it.
const HAS_ACCESS: &str = "You have access already, so there is nothing to ask for.";
/// What is said to somebody who asks again while a request waits.
const ASKED_ALREADY: &str = "You have asked already. That request still counts: you do not need another.";

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    message: String,
}

/// The page.
#[derive(Template)]
#[template(path = "web/requester/ask.html")]
struct Page {
    frame: Frame,
    school: String,
    /// How many approvers the school has.
    approvers: usize,
    /// What was typed.
    message: String,
    faults: Faults,
    help: String,
}

fn page(
    site: &Site,
    who: &Colleague,
    frame: Frame,
    message: String,
    faults: Faults,
) -> Result<Reply, Problem> {
    let organisation = school(site, who.organisation())?;
    let status = faults.status();
    let page = Page {
        frame,
        school: organisation.name.to_string(),
        approvers: organisation.approvers.len(),
        message,
        faults,
        help: site.settings.dfe_sign_in_help_url.to_string(),
    };
    Reply::page_with(status, &page)
}

/// The form; whoever has no use for it is sent on.
pub(super) async fn form(State(site): State<Site>, who: Colleague, frame: Frame) -> Result<Reply, Problem> {
    let organisation = school(&site, who.organisation())?;
    if organisation.has_access(who.person, site.app.now()) {
        return Ok(Reply::to(links::HOME).notes(HAS_ACCESS));
    }
    if organisation.open_request_of(who.person).is_some() {
        return Ok(Reply::to(links::HOME).notes(ASKED_ALREADY));
    }
    page(&site, &who, frame, String::new(), Faults::default())
}

/// Asks.
pub(super) async fn ask(
    State(site): State<Site>,
    who: Colleague,
    frame: Frame,
    Checked(form): Checked<Form>,
) -> Result<Reply, Problem> {
    let message = match Message::parse(&form.message) {
        Ok(message) => Some(message),
        Err(TextRefused::Empty) => None,
        Err(TextRefused::TooLong { limit }) => {
            let mut faults = Faults::default();
            faults.add("message", format!("Message must be {limit} characters or less"));
            return page(&site, &who, frame, form.message, faults);
        }
    };
    let refusal = match site.app.ask(who.organisation(), who.person, message.as_ref()).await {
        Ok((_, done)) => {
            return Ok(Reply::to(links::HOME).wrote(done.position).done("You have asked for access."));
        }
        Err(failure) => refused(failure)?,
    };
    match refusal {
        AskRefused::OrganisationClosed => Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
        AskRefused::HasAccess => Ok(Reply::to(links::HOME).notes(HAS_ACCESS)),
        AskRefused::AlreadyAsked { request: _ } => Ok(Reply::to(links::HOME).notes(ASKED_ALREADY)),
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use crate::web::samples::{HOSTILE, frame};

    let sample = |approvers, message: &str, faults| Page {
        frame: frame(),
        school: format!("Greenhill {HOSTILE}"),
        approvers,
        message: message.to_owned(),
        faults,
        help: "https://help.example/".to_owned(),
    };
    let mut faults = Faults::default();
    faults.add("message", "Message must be 500 characters or less");
    let pages =
        [sample(2, "", Faults::default()), sample(0, "", Faults::default()), sample(1, HOSTILE, faults)];
    pages.iter().map(|page| page.render().unwrap()).collect()
}
