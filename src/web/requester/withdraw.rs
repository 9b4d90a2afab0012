//! Taking one's own request back.

use askama::Template;
use axum::extract::{Path, State};
use vouchsafe_events::RequestId;

use crate::domain::organisation::{Settled, WithdrawRefused};
use crate::web::form::{Checked, Empty};
use crate::web::problem::refused;
use crate::web::{Frame, Problem, Reply, SignedIn, Site, links, when};

/// Asks whether they mean it.
#[derive(Template)]
#[template(path = "web/requester/withdraw.html")]
struct Page {
    frame: Frame,
    school: String,
    asked: String,
    withdraw: String,
}

/// Asks whether they mean it.
pub(super) async fn confirm(
    State(site): State<Site>,
    signed_in: SignedIn,
    Path(id): Path<RequestId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let found = site.app.lists(|lists| {
        let organisation = lists.organisation(lists.organisation_of_request(id)?)?;
        let request = organisation.requests.get(&id).filter(|request| request.person == signed_in.person)?;
        Some((organisation.name.to_string(), request.at, request.outcome.is_open()))
    });
    match found {
        None => Err(Problem::NotFound),
        Some((_, _, false)) => Ok(Reply::to(links::HOME).notes("That request no longer waits.")),
        Some((school, at, true)) => {
            Reply::page(&Page { frame, school, asked: when::date(at), withdraw: links::withdraw(&id) })
        }
    }
}

/// Takes it back.
pub(super) async fn withdraw(
    State(site): State<Site>,
    signed_in: SignedIn,
    Path(id): Path<RequestId>,
    _: Checked<Empty>,
) -> Result<Reply, Problem> {
    let organisation = site.app.lists(|lists| lists.organisation_of_request(id)).ok_or(Problem::NotFound)?;
    let refusal = match site.app.withdraw(organisation, signed_in.person, id).await {
        Ok(done) => {
            let home = Reply::to(links::HOME).wrote(done.position);
            return Ok(home.done("You have withdrawn your request."));
        }
        Err(failure) => refused(failure)?,
    };
    match refusal {
        WithdrawRefused::NoSuchRequest => Err(Problem::NotFound),
        WithdrawRefused::Settled(how) => Ok(Reply::to(links::HOME).notes(settled(how))),
    }
}

/// Why there is nothing to take back.
fn settled(how: Settled) -> String {
    match how {
        Settled::Granted { by: _, at } => {
            format!("Your request was granted on {}, so it can no longer be withdrawn.", when::date(at))
        }
        Settled::Declined { by: _, at } => {
            format!("Your request was declined on {}, so there is nothing to withdraw.", when::date(at))
        }
        Settled::Withdrawn { at } => format!("You withdrew that request on {}.", when::date(at)),
        Settled::Expired { at } => {
            format!("Your request ran out on {}, so there is nothing to withdraw.", when::date(at))
        }
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use crate::web::samples::{HOSTILE, frame};

    let page = Page {
        frame: frame(),
        school: format!("Greenhill {HOSTILE}"),
        asked: "3 March 2026".to_owned(),
        withdraw: links::withdraw(&RequestId::from_uuid(vouchsafe_events::Uuid::nil())),
    };
    vec![page.render().unwrap()]
}
