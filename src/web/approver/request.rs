//! One request: what is asked, and the approver's answer. The link in the mail leads here.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::{OrganisationId, PersonId, RequestId};
use vouchsafe_projections::{Organisation, Outcome, Request};

use super::date_field::EndDate;
use super::{Names, by_whom, school};
use crate::domain::Reason;
use crate::domain::organisation::{DecideRefused, Settled};
use crate::domain::text::TextRefused;
use crate::web::form::{Checked, Faults};
use crate::web::path::Id;
use crate::web::problem::{Forbidden, refused};
use crate::web::{ApproverOf, Frame, Problem, Reply, SignedIn, Site, links, when};

/// How a request stands for the approver who looks at it.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// They can decide it.
    Open,
    /// It is their own.
    Own,
    /// It has ended, and how.
    Settled {
        /// What happened, as a sentence.
        what: String,
        /// What there is to add.
        more: Option<String>,
        /// Why it was declined.
        reason: Option<String>,
    },
}

/// The page.
#[derive(Template)]
#[template(path = "web/approver/request.html")]
struct Page {
    frame: Frame,
    school: String,
    name: String,
    email: String,
    asked: String,
    /// The school that closed and at which they had access, if nobody asked but that is why they are put before the
    /// approvers.
    closed: Option<String>,
    message: Option<String>,
    standing: Standing,
    grant: String,
    decline: String,
    ends: EndDate,
    reason: String,
    faults: Faults,
}

/// What was typed into either form.
#[derive(Debug, Default)]
struct Typed {
    ends: EndDate,
    reason: String,
}

impl Page {
    fn of(
        frame: Frame,
        organisation: &Organisation,
        request: &Request,
        me: PersonId,
        names: &dyn Names,
        (typed, faults): (Typed, Faults),
    ) -> Self {
        Self {
            frame,
            school: organisation.name.to_string(),
            name: names.name(request.person),
            email: names.email(request.person),
            asked: when::date_time(request.at),
            closed: request.from.map(|from| names.organisation(from)),
            message: request.message.as_ref().map(|held| names.text(held)),
            standing: Standing::of(request, me, names),
            grant: links::grant(&request.id),
            decline: links::decline(&request.id),
            ends: typed.ends,
            reason: typed.reason,
            faults,
        }
    }
}

impl Standing {
    fn of(request: &Request, me: PersonId, names: &dyn Names) -> Self {
        let Some(how) = settled(&request.outcome) else {
            return if request.person == me { Self::Own } else { Self::Open };
        };
        let (more, reason) = match &request.outcome {
            Outcome::Granted { ends: Some(ends), .. } => {
                (Some(format!("Access was given until the end of {}.", when::date(*ends))), None)
            }
            Outcome::Declined { reason, .. } => (None, Some(names.text(reason))),
            Outcome::Expired { .. } => (Some("They can ask again.".to_owned()), None),
            Outcome::Open | Outcome::Granted { .. } | Outcome::Withdrawn { .. } => (None, None),
        };
        Self::Settled { what: in_words(how, me, names), more, reason }
    }
}

/// How a request ended, if it has.
fn settled(outcome: &Outcome) -> Option<Settled> {
    match outcome {
        Outcome::Open => None,
        Outcome::Granted { by, at, .. } => Some(Settled::Granted { by: *by, at: *at }),
        Outcome::Declined { by, at, .. } => Some(Settled::Declined { by: *by, at: *at }),
        Outcome::Withdrawn { at } => Some(Settled::Withdrawn { at: *at }),
        Outcome::Expired { at } => Some(Settled::Expired { at: *at }),
    }
}

/// What became of a request, as a sentence for the approver `me`.
fn in_words(how: Settled, me: PersonId, names: &dyn Names) -> String {
    let whom =
        |by| if by == vouchsafe_events::Actor::Person(me) { "you".to_owned() } else { by_whom(by, names) };
    match how {
        Settled::Granted { by, at } => {
            format!("This request was granted by {} on {}.", whom(by), when::date_time(at))
        }
        Settled::Declined { by, at } => {
            format!("This request was declined by {} on {}.", whom(by), when::date_time(at))
        }
        Settled::Withdrawn { at } => {
            format!("This request was taken back on {}.", when::date_time(at))
        }
        Settled::Expired { at } => {
            format!("Nobody decided this request in time, so it ended on {}.", when::date_time(at))
        }
    }
}

/// What became of a request, in the few words of a list.
pub(super) fn outcome_in_short(outcome: &Outcome, names: &dyn Names) -> String {
    match outcome {
        Outcome::Open => "Waiting".to_owned(),
        Outcome::Granted { by, .. } => format!("Granted by {}", by_whom(*by, names)),
        Outcome::Declined { by, .. } => format!("Declined by {}", by_whom(*by, names)),
        Outcome::Withdrawn { .. } => "Taken back".to_owned(),
        Outcome::Expired { .. } => "Ended, as nobody decided in time".to_owned(),
    }
}

/// The page for an approver of another school than the one that they act for now.
#[derive(Template)]
#[template(path = "web/approver/elsewhere.html")]
struct Elsewhere {
    frame: Frame,
    school: String,
    organisation: OrganisationId,
    return_to: String,
}

impl Elsewhere {
    /// The page, if the request was made at one of the schools that this person may act for and approves at.
    fn find(site: &Site, who: &SignedIn, request: RequestId, frame: Frame) -> Option<Self> {
        let (organisation, school) = site.app.lists(|lists| {
            let organisation = lists.organisation_of_request(request)?;
            let found = lists.organisation(organisation)?;
            let may =
                who.organisations.contains(&organisation) && found.is_approver(who.person) && !found.closed;
            may.then(|| (organisation, found.name.to_string()))
        })?;
        Some(Self { frame, school, organisation, return_to: links::request(&request) })
    }
}

/// Shows a request. An approver who acts for another school just now is asked to switch; to anybody else it
/// makes no difference whether there is such a request.
pub(super) async fn show(
    State(site): State<Site>,
    Id(request): Id<RequestId>,
    who: SignedIn,
    by: Result<ApproverOf, Problem>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let at = site.app.lists(|lists| lists.organisation_of_request(request));
    let here = by.as_ref().is_ok_and(|by| at == Some(by.organisation()));
    if !here && let Some(page) = Elsewhere::find(&site, &who, request, frame.clone()) {
        return Reply::page(&page);
    }
    page(&site, &by?, request, frame, StatusCode::OK, (Typed::default(), Faults::default()))
}

fn page(
    site: &Site,
    by: &ApproverOf,
    request: RequestId,
    frame: Frame,
    status: StatusCode,
    form: (Typed, Faults),
) -> Result<Reply, Problem> {
    let organisation = school(site, by)?;
    let request = organisation.requests.get(&request).ok_or(Problem::NotFound)?;
    Reply::page_with(status, &Page::of(frame, &organisation, request, by.person, &*site.app, form))
}

/// The form that grants.
#[derive(Debug, Deserialize)]
pub(super) struct Grant {
    #[serde(flatten)]
    pub(super) ends: EndDate,
}

/// Grants a request.
pub(super) async fn grant(
    State(site): State<Site>,
    Id(request): Id<RequestId>,
    by: ApproverOf,
    frame: Frame,
    Checked(form): Checked<Grant>,
) -> Result<Reply, Problem> {
    let mut faults = Faults::default();
    let ends = form.ends.parse(site.app.now(), &mut faults);
    let typed = Typed { ends: form.ends, ..Typed::default() };
    if !faults.is_empty() {
        return page(&site, &by, request, frame, StatusCode::UNPROCESSABLE_ENTITY, (typed, faults));
    }
    match site.app.grant(by.organisation(), request, by.person, ends).await {
        Ok(done) => {
            let name = requester(&site, &by, request)?;
            let until =
                ends.map(|ends| format!(" until the end of {}", when::date(ends))).unwrap_or_default();
            let text = format!("{name} has access{until}. We are telling them by email.");
            Ok(Reply::to(links::REQUESTS).wrote(done.position).done(text))
        }
        Err(failure) => not_decided(&site, &by, request, frame, typed, refused(failure)?),
    }
}

/// The form that declines.
#[derive(Debug, Deserialize)]
pub(super) struct Decline {
    #[serde(default)]
    pub(super) reason: String,
}

/// Declines a request.
pub(super) async fn decline(
    State(site): State<Site>,
    Id(request): Id<RequestId>,
    by: ApproverOf,
    frame: Frame,
    Checked(form): Checked<Decline>,
) -> Result<Reply, Problem> {
    let typed = Typed { reason: form.reason, ..Typed::default() };
    let reason = match Reason::parse(&typed.reason) {
        Ok(reason) => reason,
        Err(error) => {
            let mut faults = Faults::default();
            faults.add("reason", reason_fault(error, "Enter why you decline this request"));
            return page(&site, &by, request, frame, StatusCode::UNPROCESSABLE_ENTITY, (typed, faults));
        }
    };
    match site.app.decline(by.organisation(), request, by.person, &reason).await {
        Ok(done) => {
            let name = requester(&site, &by, request)?;
            let text = format!(
                "You have declined access for {name}. We are telling them by email, with your reason."
            );
            Ok(Reply::to(links::REQUESTS).wrote(done.position).done(text))
        }
        Err(failure) => not_decided(&site, &by, request, frame, typed, refused(failure)?),
    }
}

/// What is wrong with a reason.
pub(super) fn reason_fault(error: TextRefused, empty: &str) -> String {
    match error {
        TextRefused::Empty => empty.to_owned(),
        TextRefused::TooLong { limit } => format!("Your reason must be {limit} characters or fewer"),
    }
}

/// The name of whoever asked.
fn requester(site: &Site, by: &ApproverOf, request: RequestId) -> Result<String, Problem> {
    let organisation = by.organisation();
    let person =
        site.app.lists(|lists| Some(lists.organisation(organisation)?.requests.get(&request)?.person));
    Ok(site.app.name_of(person.ok_or(Problem::NotFound)?))
}

/// What an approver reads whose decision does not count.
fn not_decided(
    site: &Site,
    by: &ApproverOf,
    request: RequestId,
    frame: Frame,
    typed: Typed,
    refusal: DecideRefused,
) -> Result<Reply, Problem> {
    let back = Reply::to(&links::request(&request));
    match refusal {
        DecideRefused::OrganisationClosed => Err(Problem::Forbidden(Forbidden::OrganisationClosed)),
        DecideRefused::NotAnApprover => Err(Problem::Forbidden(Forbidden::NotAnApprover)),
        DecideRefused::NoSuchRequest => Err(Problem::NotFound),
        DecideRefused::OwnRequest => {
            Ok(back.notes("You cannot decide your own request. Another approver has to."))
        }
        DecideRefused::Settled(how) => {
            let text = format!("Your decision was not needed. {}", in_words(how, by.person, &*site.app));
            Ok(back.notes(text))
        }
        DecideRefused::EndsInThePast => {
            let mut faults = Faults::default();
            EndDate::has_passed(&mut faults);
            page(site, by, request, frame, StatusCode::UNPROCESSABLE_ENTITY, (typed, faults))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use vouchsafe_events::Actor;

    use super::super::fixture::{
        ANN, BOB, DECLINED, DEE, GRANTED, HOSTILE, Known, OPEN, at, frame, greenhill,
    };
    use super::*;

    fn page(request: RequestId, me: PersonId, form: (Typed, Faults)) -> Page {
        let organisation = greenhill();
        Page::of(frame(), &organisation, &organisation.requests[&request], me, &Known, form)
    }

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let mut faults = Faults::default();
        faults.add("reason", "Enter why you decline this request");
        EndDate::has_passed(&mut faults);
        let typed = Typed { reason: HOSTILE.to_owned(), ..Typed::default() };
        let mut pages = vec![page(OPEN, ANN, (typed, faults)).render().unwrap()];
        for (request, me) in [(OPEN, ANN), (OPEN, DEE), (GRANTED, BOB), (DECLINED, ANN)] {
            pages.push(page(request, me, Default::default()).render().unwrap());
        }
        pages.push(closure().render().unwrap());
        let elsewhere = Elsewhere {
            frame: frame(),
            school: HOSTILE.to_owned(),
            organisation: greenhill().id,
            return_to: links::request(&OPEN),
        };
        pages.push(elsewhere.render().unwrap());
        pages
    }

    /// Dee had access to a school that closed.
    fn closure() -> Page {
        let mut organisation = greenhill();
        let request = organisation.requests.get_mut(&OPEN).unwrap();
        request.from = Some(OrganisationId::from_uuid(vouchsafe_events::Uuid::from_u128(0x01d)));
        request.message = None;
        let request = &organisation.requests[&OPEN];
        Page::of(frame(), &organisation, request, ANN, &Known, Default::default())
    }

    #[test]
    fn nobody_is_said_to_have_asked_whose_school_has_closed() {
        let html = closure().render().unwrap();
        assert!(html.contains("has closed. They had access there."));
        assert!(!html.contains("Asked on") && !html.contains("who asked") && !html.contains("Message"));
        let asked = page(OPEN, ANN, Default::default()).render().unwrap();
        assert!(asked.contains("Asked on") && !asked.contains("has closed"));
    }

    #[test]
    fn an_open_request_is_decided_by_anybody_but_whoever_asked() {
        assert_eq!(page(OPEN, ANN, Default::default()).standing, Standing::Open);
        assert_eq!(page(OPEN, DEE, Default::default()).standing, Standing::Own);
    }

    #[test]
    fn a_settled_request_says_who_decided_what_and_when() {
        let what = |request, me| match page(request, me, Default::default()).standing {
            Standing::Settled { what, more, reason } => (what, more, reason),
            other => panic!("{other:?}"),
        };
        let (granted, more, _) = what(GRANTED, BOB);
        assert_eq!(granted, "This request was granted by Ann Lee on 3 April 2026 at 11am.");
        assert_eq!(more.unwrap(), "Access was given until the end of 30 June 2027.");
        assert!(what(GRANTED, ANN).0.contains("granted by you on"));
        let (declined, _, reason) = what(DECLINED, ANN);
        assert_eq!(declined, "This request was declined by bob Hill on 3 May 2026 at 11am.");
        assert!(reason.unwrap().starts_with("Not yet"));
    }

    #[test]
    fn every_way_in_which_a_request_ends_has_its_words() {
        let at = at("2026-03-03T14:05:00Z");
        let sentence = |how| in_words(how, ANN, &Known);
        assert!(sentence(Settled::Withdrawn { at }).contains("taken back on 3 March 2026 at 2:05pm"));
        assert!(sentence(Settled::Expired { at }).contains("Nobody decided"));
        assert!(sentence(Settled::Granted { by: Actor::System, at }).contains("by DfE Sign-in"));
        assert!(sentence(Settled::Granted { by: Actor::Operator, at }).contains("by the service’s operator"));
    }
}
