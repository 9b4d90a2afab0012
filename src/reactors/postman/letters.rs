//! From an entry of the outbox to the letter: names opened, dates written out, the link.

use vouchsafe_events::{Actor, Email, MailKind, OrganisationId, PersonId, Timestamp};
use vouchsafe_projections::{Organisation, PendingMail};

use super::Wording;
use crate::app::App;
use crate::privacy::Opened;
use crate::reactors::mail::{About, Letter, Line, Paragraphs};
use crate::web::{links, when};

/// Why there is no letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The person's data has been erased.
    Erased,
    /// What it would say is no longer so.
    Outdated,
    /// What it needs cannot be read at present.
    Unreadable,
}

/// What a letter needs of the organisation's list, read at once.
#[expect(clippy::struct_excessive_bools, reason = "each is asked by another letter")]
struct Seen {
    name: Box<str>,
    asked: Option<Timestamp>,
    open: bool,
    members: usize,
    unreviewed: usize,
    listed: bool,
    approver: bool,
    /// Whether the person has access now, and when what an approver gave them ends.
    has_access: bool,
    ends: Option<Timestamp>,
    /// The organisation that closed and that the person was carried over from.
    closed: Option<OrganisationId>,
}

fn seen(app: &App, pending: &PendingMail) -> Option<Seen> {
    let now = app.now();
    app.lists(|lists| {
        let found: &Organisation = lists.organisation(pending.organisation?)?;
        let request = pending.request.and_then(|id| found.requests.get(&id));
        Some(Seen {
            name: found.name.clone(),
            asked: request.map(|request| request.at),
            open: request
                .is_some_and(|request| matches!(request.outcome, vouchsafe_projections::Outcome::Open)),
            members: found.members(now).count(),
            unreviewed: found.waiting_for_review(now).count(),
            has_access: found.has_access(pending.to, now),
            ends: found.users.get(&pending.to).and_then(|access| access.ends),
            listed: found.is_listed(pending.to),
            approver: found.is_approver(pending.to),
            closed: found
                .carried
                .iter()
                .find(|(_, people)| people.contains(&pending.to))
                .map(|(closed, _)| *closed),
        })
    })
}

/// The letter, and the address that it goes to.
pub(super) fn letter(
    app: &App,
    wording: &Wording,
    pending: &PendingMail,
) -> Result<(Email, Letter), Missing> {
    let to = address(app, pending.to)?;
    let (organisation, (about, path)) = if pending.organisation.is_some() {
        let seen = seen(app, pending).ok_or(Missing::Outdated)?;
        (Line::new(&seen.name), about(app, wording, pending, &seen)?)
    } else {
        (Line::new(""), sign_in(app, wording, pending)?)
    };
    let link = wording.base_url.join(&path).map_err(|_| Missing::Unreadable)?;
    let name = app.lists(|lists| lists.person(pending.to).and_then(|person| person.name.clone()));
    let letter = Letter {
        service: Line::new(&wording.service_name),
        organisation,
        to: name.map(|held| Line::new(&app.show(&held))),
        link,
        about,
    };
    Ok((to, letter))
}

fn address(app: &App, person: PersonId) -> Result<Email, Missing> {
    let held =
        app.lists(|lists| lists.person(person).map(|found| found.email.clone())).ok_or(Missing::Outdated)?;
    match app.ring().open(&held) {
        Opened::Text(text) => text.parse().map_err(|_| Missing::Unreadable),
        Opened::Erased => Err(Missing::Erased),
        Opened::Unreadable => Err(Missing::Unreadable),
    }
}

/// Who did something, as a mail names them.
fn by(app: &App, actor: Actor) -> Line {
    Line::new(&match actor {
        Actor::Person(person) => app.name_of(person),
        Actor::Reactor(_) | Actor::Operator | Actor::System => "The service".to_owned(),
    })
}

fn day(at: Timestamp) -> Line {
    Line::new(&when::date(at))
}

/// The last day on which access that ends at an instant can be used.
fn last_day(ends: Timestamp) -> Line {
    day(ends.plus_seconds(-1))
}

/// A letter about signing in, which concerns no organisation.
fn sign_in(app: &App, wording: &Wording, pending: &PendingMail) -> Result<(About, String), Missing> {
    match pending.mail {
        MailKind::OneTimePassword => {
            // Only the newest one is mailed, and only while it can be used.
            let found = app.lists(|lists| lists.challenge(pending.to, app.now()).copied());
            let challenge = found.filter(|found| found.issued == pending.at).ok_or(Missing::Outdated)?;
            let code = app.ring().one_time_password(pending.to, challenge.id, challenge.nonce);
            let code = Line::new(code.expose());
            let expires = Line::new(&when::time(challenge.expires));
            let host = Line::new(wording.base_url.host_str().unwrap_or_default());
            Ok((About::OneTimePassword { code, expires, host }, links::START.to_owned()))
        }
        MailKind::HowToGetIn => Ok((About::HowToGetIn { help: help(wording) }, links::SIGN_IN.to_owned())),
        _ => Err(Missing::Outdated),
    }
}

/// Whom to ask.
fn help(wording: &Wording) -> Line {
    Line::new(wording.contact_email.as_deref().unwrap_or("the support team"))
}

fn about(
    app: &App,
    wording: &Wording,
    pending: &PendingMail,
    seen: &Seen,
) -> Result<(About, String), Missing> {
    let person = || pending.about.map(|person| Line::new(&app.name_of(person))).ok_or(Missing::Outdated);
    let text = || pending.text.as_ref().map(|held| Paragraphs::new(&app.show(held)));
    let reason = || text().unwrap_or_else(|| Paragraphs::new(""));
    let closes = |asked: Timestamp| day(asked.plus_days(app.terms().request_expires_after_days.into()));
    let asked = || seen.asked.ok_or(Missing::Outdated);
    let still_open = || if seen.open { Ok(()) } else { Err(Missing::Outdated) };
    let still_in = || if seen.has_access { Ok(()) } else { Err(Missing::Outdated) };
    let request = || pending.request.map_or_else(|| links::REQUESTS.to_owned(), |id| links::request(&id));
    let home = || links::HOME.to_owned();
    let review = || links::REVIEW.to_owned();
    Ok(match pending.mail {
        MailKind::RequestToDecide => {
            still_open()?;
            (
                About::RequestToDecide { person: person()?, message: text(), closes: closes(asked()?) },
                request(),
            )
        }
        MailKind::RequestReminder => {
            still_open()?;
            let asked = asked()?;
            (
                About::RequestReminder { person: person()?, asked: day(asked), closes: closes(asked) },
                request(),
            )
        }
        MailKind::RequestGranted => {
            still_in()?;
            (About::RequestGranted { by: by(app, pending.by), ends: pending.ends.map(last_day) }, home())
        }
        MailKind::RequestDeclined => {
            (About::RequestDeclined { by: by(app, pending.by), reason: reason() }, home())
        }
        MailKind::RequestExpired => (About::RequestExpired { asked: day(asked()?) }, home()),
        MailKind::AddedByColleague => {
            still_in()?;
            (About::AddedByColleague { by: by(app, pending.by), ends: pending.ends.map(last_day) }, home())
        }
        MailKind::MadeApprover => {
            (About::MadeApprover { by: by(app, pending.by) }, links::REQUESTS.to_owned())
        }
        MailKind::AccessEndingSoon => {
            if seen.ends != pending.ends {
                return Err(Missing::Outdated);
            }
            (About::AccessEndingSoon { ends: last_day(pending.ends.ok_or(Missing::Outdated)?) }, home())
        }
        MailKind::AccessEnded => {
            let ended = pending.ends.unwrap_or(pending.at);
            (About::AccessEnded { ended: last_day(ended) }, home())
        }
        MailKind::AccessRevoked => {
            (About::AccessRevoked { by: by(app, pending.by), reason: reason() }, home())
        }
        MailKind::ReviewOpened => {
            let due = pending.due.ok_or(Missing::Outdated)?;
            (About::ReviewOpened { due: day(due), people: seen.members }, review())
        }
        MailKind::ReviewReminder => {
            if seen.unreviewed == 0 {
                return Err(Missing::Outdated);
            }
            let due = pending.due.ok_or(Missing::Outdated)?;
            (About::ReviewReminder { due: day(due), people: seen.unreviewed }, review())
        }
        MailKind::AddedToList => {
            if !seen.listed {
                return Err(Missing::Outdated);
            }
            (About::AddedToList { by: by(app, pending.by) }, links::START.to_owned())
        }
        MailKind::RemovedFromList => {
            (About::RemovedFromList { help: help(wording) }, links::START.to_owned())
        }
        MailKind::CarriedOver => {
            let former = seen.closed.ok_or(Missing::Outdated)?;
            let name = Line::new(&app.organisation_name(former));
            let (approver, ends) = (seen.approver, pending.ends.map(last_day));
            (About::CarriedOver { closed: name, approver, ends }, home())
        }
        MailKind::OneTimePassword | MailKind::HowToGetIn => return Err(Missing::Outdated),
    })
}
