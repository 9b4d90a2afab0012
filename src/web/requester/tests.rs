//! Every page with its samples, and the pages in the hands of people.

pub(in crate::web) mod browser;
mod journeys;
mod returning;
mod standing;
mod traces;

use askama::Template;
use vouchsafe_events::{RequestId, Uuid};

use super::home::Page;
use super::stands::{Approves, Last, Stands, Uses, Waits};
use super::{ask, choose, home, links, start, withdraw};
use crate::web::samples::{HOSTILE, check, frame};

fn page(stands: Stands) -> Page {
    Page {
        frame: frame(),
        school: format!("Greenhill {HOSTILE}"),
        stands,
        approvers: 2,
        request_days: 28,
        may_return: false,
        email_held: false,
        service_url: Some("https://service.example/".to_owned()),
        help: "https://help.example/".to_owned(),
    }
}

fn approver() -> Approves {
    Approves {
        since: "3 March 2026".to_owned(),
        by: Some(format!("Bob {HOSTILE}")),
        closed: None,
        waiting: 2,
        review_due: Some("1 July 2026".to_owned()),
        own_request: Some(RequestId::from_uuid(Uuid::nil())),
    }
}

fn waiting() -> Waits {
    Waits {
        withdraw: links::withdraw(&RequestId::from_uuid(Uuid::nil())),
        asked: "3 March 2026 at 2:05pm".to_owned(),
        closed: None,
        message: Some(format!("I am the new tutor.\n{HOSTILE}")),
        reminded: Some("6 March 2026".to_owned()),
        expires: "31 March 2026".to_owned(),
    }
}

fn home_samples() -> Vec<Page> {
    let on = || "3 March 2026".to_owned();
    let ends = Some("30 June 2027".to_owned());
    let user = Uses { since: on(), by: Some(HOSTILE.to_owned()), closed: None, asked: true, ends };
    let calm = Approves { by: None, waiting: 0, review_due: None, own_request: None, ..approver() };
    let declined = Last::Declined { on: on(), by: Some(HOSTILE.to_owned()), reason: HOSTILE.to_owned() };
    let mut pages: Vec<Page> = [
        Stands::Approver(approver()),
        Stands::Approver(calm),
        Stands::User(user.clone()),
        Stands::User(Uses { by: None, asked: false, ends: None, ..user }),
        Stands::Waiting(waiting()),
        Stands::Waiting(Waits { message: None, reminded: None, ..waiting() }),
        Stands::Out(Last::Nothing),
        Stands::Out(declined),
        Stands::Out(Last::Withdrawn { on: on() }),
        Stands::Out(Last::Expired { on: on() }),
        Stands::Out(Last::Ended { on: on() }),
        Stands::Out(Last::Revoked { on: on(), by: Some(HOSTILE.to_owned()) }),
    ]
    .map(page)
    .to_vec();
    pages.push(Page { approvers: 0, ..page(Stands::Waiting(waiting())) });
    pages.push(Page { approvers: 0, service_url: None, ..page(Stands::Out(Last::Nothing)) });
    let closed = || Some(HOSTILE.to_owned());
    pages.push(page(Stands::Approver(Approves { by: None, closed: closed(), ..approver() })));
    pages.push(page(Stands::User(Uses {
        by: None,
        closed: closed(),
        asked: false,
        ends: None,
        since: on(),
    })));
    pages.push(page(Stands::Waiting(Waits { closed: closed(), message: None, ..waiting() })));
    pages.push(Page { approvers: 1, may_return: true, email_held: true, ..page(Stands::Out(Last::Nothing)) });
    pages
}

/// Every page of this part, by a name.
fn all() -> Vec<(String, String)> {
    let home = home_samples().iter().map(|page| page.render().unwrap()).collect();
    [
        ("start", start::samples()),
        ("home", home),
        ("no_school", home::no_school_samples()),
        ("ask", ask::samples()),
        ("withdraw", withdraw::samples()),
        ("choose", choose::tests::samples()),
    ]
    .into_iter()
    .flat_map(|(name, pages): (_, Vec<String>)| {
        pages.into_iter().enumerate().map(move |(at, html)| (format!("{name}-{at}"), html))
    })
    .collect()
}

#[test]
fn every_page_is_sound() {
    for (_, html) in all() {
        check(&html);
    }
}

#[test]
fn a_school_without_an_approver_is_told_how_it_gets_one() {
    let told: Vec<_> =
        all().into_iter().filter(|(_, html)| html.contains("How your school gets an approver")).collect();
    let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["home-12", "home-13", "ask-1"]);
    for (name, html) in told {
        assert!(html.contains("https://help.example/") && html.contains("Your request waits"), "{name}");
    }
}
