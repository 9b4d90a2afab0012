//! Gives colleagues access without being asked, several at once.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use vouchsafe_events::{Email, Timestamp};

use super::date_field::EndDate;
use super::school;
use crate::app::{Added, Colleague, Failure};
use crate::domain::PersonName;
use crate::domain::organisation::AddRefused;
use crate::domain::text::TextRefused;
use crate::web::form::{Checked, Faults};
use crate::web::words::counted;
use crate::web::{ApproverOf, Frame, Problem, Reply, Site, links, when};

/// How many rows the form has at first.
const FIRST_ROWS: usize = 3;

/// How many colleagues can be added at once.
const MOST: usize = 20;

/// Up to how many people a notice names: it travels in a cookie, which can hold only so much.
const MOST_NAMED: usize = 3;

/// What was typed about one colleague.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    name: String,
    email: String,
}

/// The form.
#[derive(Template)]
#[template(path = "web/approver/add.html")]
struct Form {
    frame: Frame,
    school: String,
    rows: Vec<Row>,
    ends: EndDate,
    faults: Faults,
}

impl Form {
    fn of(frame: Frame, school: String, mut rows: Vec<Row>, ends: EndDate, faults: Faults) -> Self {
        rows.resize(rows.len().clamp(FIRST_ROWS, MOST), Row::default());
        Self { frame, school, rows, ends, faults }
    }

    fn may_grow(&self) -> bool {
        self.rows.len() < MOST
    }
}

/// The rows of a form: names and emails in the order in which they were sent.
fn rows(fields: &[(String, String)]) -> Vec<Row> {
    let all = |wanted: &'static str| {
        fields.iter().filter(move |(field, _)| field == wanted).map(|(_, value)| value.clone())
    };
    all("name").zip(all("email")).map(|(name, email)| Row { name, email }).collect()
}

/// The colleagues in the rows that were filled in, with what is wrong with them among the faults.
fn read(rows: &[Row], faults: &mut Faults) -> Vec<Colleague> {
    let mut colleagues = Vec::new();
    let mut seen: HashMap<Email, usize> = HashMap::new();
    for (number, row) in rows.iter().enumerate().map(|(at, row)| (at + 1, row)) {
        let (name, email) = (row.name.trim(), row.email.trim());
        if name.is_empty() && email.is_empty() {
            continue;
        }
        let name = PersonName::parse(name).map_err(|error| match error {
            TextRefused::Empty => format!("Enter the name of colleague {number}"),
            TextRefused::TooLong { limit } => {
                format!("The name of colleague {number} must be {limit} characters or fewer")
            }
        });
        let email = parse_email(email, number).and_then(|email| match seen.get(&email) {
            Some(first) => Err(format!("Colleague {number} has the same email address as colleague {first}")),
            None => Ok(email),
        });
        if let Ok(email) = &email {
            seen.insert(email.clone(), number);
        }
        match (name, email) {
            (Ok(name), Ok(email)) => colleagues.push(Colleague { name, email }),
            (name, email) => {
                name.err().into_iter().for_each(|text| faults.add(format!("name-{number}"), text));
                email.err().into_iter().for_each(|text| faults.add(format!("email-{number}"), text));
            }
        }
    }
    if rows.len() > MOST {
        faults.add("name-1", format!("Add {MOST} colleagues or fewer at once"));
    } else if colleagues.is_empty() && faults.is_empty() {
        faults.add("name-1", "Enter the name and email address of at least one colleague");
    }
    colleagues
}

fn parse_email(text: &str, number: usize) -> Result<Email, String> {
    if text.is_empty() {
        return Err(format!("Enter the email address of colleague {number}"));
    }
    text.parse().map_err(|_| {
        format!("Enter the email address of colleague {number} in the correct format, like name@example.com")
    })
}

/// One colleague who was not added, and why.
struct NotAdded {
    name: String,
    email: String,
    why: &'static str,
}

/// What became of the colleagues, if not all were added.
#[derive(Template)]
#[template(path = "web/approver/added.html")]
struct Results {
    frame: Frame,
    added: Vec<Row>,
    not_added: Vec<NotAdded>,
}

impl Results {
    fn of(frame: Frame, all: Vec<Added>) -> Self {
        let (mut added, mut not_added) = (Vec::new(), Vec::new());
        for Added { colleague, result } in all {
            let (name, email) = (colleague.name.as_str().to_owned(), colleague.email.as_str().to_owned());
            match result {
                Ok(_) => added.push(Row { name, email }),
                Err(failure) => not_added.push(NotAdded { name, email, why: why(&failure) }),
            }
        }
        Self { frame, added, not_added }
    }
}

/// Why somebody was not added.
fn why(failure: &Failure<AddRefused>) -> &'static str {
    match failure {
        Failure::Refused(AddRefused::OrganisationClosed) => {
            "Your school is closed, so nobody can be given access."
        }
        Failure::Refused(AddRefused::NotAnApprover) => "You are no longer an approver at this school.",
        Failure::Refused(AddRefused::Oneself) => {
            "This is your own email address. As an approver you have access already."
        }
        Failure::Refused(AddRefused::HasAccess) => "They have access already.",
        Failure::Refused(AddRefused::EndsInThePast) => "The end date has passed.",
        Failure::Contended => "Others changed the list at the same time. Try again.",
        Failure::Unavailable(cause) => {
            // What it comes to for a whole page does not matter here: the cause goes to the log.
            let _ = Problem::unavailable(cause);
            "The service could not finish this. Look whether they are in the list, and if not, try again."
        }
    }
}

/// The notice when all were added.
fn all_added(added: &[Row], ends: Option<Timestamp>) -> String {
    let until = ends.map(|ends| format!(" until the end of {}", when::date(ends))).unwrap_or_default();
    let names: Vec<&str> = added.iter().map(|row| row.name.as_str()).collect();
    match names.as_slice() {
        [one] => format!("{one} has access{until}. We are telling them by email."),
        [some @ .., last] if names.len() <= MOST_NAMED => {
            format!("{} and {last} have access{until}. We are telling them by email.", some.join(", "))
        }
        _ => {
            let number = counted(names.len(), "colleague has", "colleagues have");
            format!("{number} been given access{until}. We are telling them by email.")
        }
    }
}

/// Shows the form.
pub(super) async fn form(State(site): State<Site>, by: ApproverOf, frame: Frame) -> Result<Reply, Problem> {
    let school = school(&site, &by)?.name.to_string();
    Reply::page(&Form::of(frame, school, Vec::new(), EndDate::default(), Faults::default()))
}

/// Adds colleagues, or a row to the form.
pub(super) async fn add(
    State(site): State<Site>,
    by: ApproverOf,
    frame: Frame,
    Checked(fields): Checked<Vec<(String, String)>>,
) -> Result<Reply, Problem> {
    let school = school(&site, &by)?.name.to_string();
    let (mut rows, typed) = (rows(&fields), EndDate::from_fields(&fields));
    if fields.iter().any(|(field, value)| field == "action" && value == "another") {
        rows.push(Row::default());
        return Reply::page(&Form::of(frame, school, rows, typed, Faults::default()));
    }
    let mut faults = Faults::default();
    let colleagues = read(&rows, &mut faults);
    let ends = typed.parse(site.app.now(), &mut faults);
    if !faults.is_empty() {
        let form = Form::of(frame, school, rows, typed, faults);
        return Reply::page_with(StatusCode::UNPROCESSABLE_ENTITY, &form);
    }
    let added = site.app.add(by.organisation(), by.person, colleagues, ends).await;
    let results = Results::of(frame, added);
    let written = site.app.following().position();
    if results.not_added.is_empty() {
        return Ok(Reply::to(links::USERS).wrote(written).done(all_added(&results.added, ends)));
    }
    Ok(Reply::page(&results)?.wrote(written))
}

#[cfg(test)]
pub(super) mod tests {
    use vouchsafe_events::PersonId;

    use super::super::fixture::{CAI, HOSTILE, at, frame};
    use super::*;

    fn row(name: &str, email: &str) -> Row {
        Row { name: name.to_owned(), email: email.to_owned() }
    }

    fn added(email: &str, result: Result<PersonId, Failure<AddRefused>>) -> Added {
        let colleague =
            Colleague { name: PersonName::parse(HOSTILE).unwrap(), email: email.parse().unwrap() };
        Added { colleague, result }
    }

    fn refused(refusal: AddRefused) -> Result<PersonId, Failure<AddRefused>> {
        Err(Failure::Refused(refusal))
    }

    pub(in crate::web::approver) fn samples() -> Vec<String> {
        let mut faults = Faults::default();
        let typed = vec![row(HOSTILE, HOSTILE), row("", "a@b.example")];
        read(&typed, &mut faults);
        let many = vec![row(HOSTILE, "a@b.example"); MOST];
        let form = |rows, faults| Form::of(frame(), HOSTILE.to_owned(), rows, EndDate::default(), faults);
        let all = [AddRefused::HasAccess, AddRefused::Oneself].map(|why| added("c@d.example", refused(why)));
        let some = vec![added("a@b.example", Ok(CAI)), added("c@d.example", Err(Failure::Contended))];
        vec![
            form(Vec::new(), Faults::default()).render().unwrap(),
            form(typed, faults).render().unwrap(),
            form(many, Faults::default()).render().unwrap(),
            Results::of(frame(), all.into()).render().unwrap(),
            Results::of(frame(), some).render().unwrap(),
        ]
    }

    #[test]
    fn rows_that_are_filled_in_are_read_and_empty_ones_passed_over() {
        let mut faults = Faults::default();
        let typed =
            [row("Cai Vo", " Cai@Greenhill.example "), row("", " "), row("Dee", "dee@greenhill.example")];
        let read = read(&typed, &mut faults);
        assert!(faults.is_empty());
        let emails: Vec<&str> = read.iter().map(|colleague| colleague.email.as_str()).collect();
        assert_eq!(emails, ["cai@greenhill.example", "dee@greenhill.example"]);
    }

    #[test]
    fn each_fault_is_said_beside_its_field() {
        let mut faults = Faults::default();
        let long = "x".repeat(101);
        let typed = [
            row("", "a@b.example"),
            row("Bob", "bob"),
            row("Cai", ""),
            row(&long, "d@b.example"),
            row("Eve", "A@b.example"),
        ];
        read(&typed, &mut faults);
        for (field, text) in [
            ("name-1", "Enter the name of colleague 1"),
            (
                "email-2",
                "Enter the email address of colleague 2 in the correct format, like name@example.com",
            ),
            ("email-3", "Enter the email address of colleague 3"),
            ("name-4", "The name of colleague 4 must be 100 characters or fewer"),
            ("email-5", "Colleague 5 has the same email address as colleague 1"),
        ] {
            assert_eq!(faults.of(field), Some(text));
        }
        assert_eq!(faults.all().len(), 5);
    }

    #[test]
    fn nobody_and_too_many_cannot_be_added() {
        let mut faults = Faults::default();
        assert!(read(&[Row::default()], &mut faults).is_empty());
        assert!(faults.of("name-1").unwrap().starts_with("Enter the name and email"));
        let mut faults = Faults::default();
        let many: Vec<Row> = (0..=MOST).map(|id| row("Cai", &format!("c{id}@b.example"))).collect();
        read(&many, &mut faults);
        assert_eq!(faults.of("name-1"), Some("Add 20 colleagues or fewer at once"));
    }

    #[test]
    fn names_and_emails_pair_up_in_the_order_in_which_they_were_sent() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [field("name", "A"), field("email", "a"), field("name", ""), field("email", "b")];
        assert_eq!(rows(&fields), [row("A", "a"), row("", "b")]);
    }

    #[test]
    fn results_name_who_was_added_and_who_was_not_and_why() {
        let every = [
            AddRefused::OrganisationClosed,
            AddRefused::NotAnApprover,
            AddRefused::Oneself,
            AddRefused::HasAccess,
            AddRefused::EndsInThePast,
        ];
        let mut all: Vec<Added> = every.map(|why| added("c@d.example", refused(why))).into();
        all.push(added("a@b.example", Ok(CAI)));
        let results = Results::of(frame(), all);
        assert_eq!(results.added, [row(HOSTILE, "a@b.example")]);
        let mut reasons: Vec<_> = results.not_added.iter().map(|row| row.why).collect();
        reasons.dedup();
        assert_eq!(reasons.len(), 5);
    }

    #[test]
    fn the_notice_names_a_few_and_counts_many() {
        let ends = Some(at("2027-06-30T22:59:59Z"));
        let named = |names: &[&str]| names.iter().map(|name| row(name, "a@b.example")).collect::<Vec<_>>();
        let start = |names: &[&str], ends| {
            all_added(&named(names), ends).replace(". We are telling them by email.", "")
        };
        assert_eq!(start(&["Ann"], ends), "Ann has access until the end of 30 June 2027");
        assert_eq!(start(&["Ann", "Bob", "Cai"], None), "Ann, Bob and Cai have access");
        assert_eq!(start(&["A", "B", "C", "D"], None), "4 colleagues have been given access");
    }
}
