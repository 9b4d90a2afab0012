//! The page of the history.

use askama::Template;
use vouchsafe_events::{Actor, OrganisationId, PersonId, Reactor, Recorded};

use super::asked::{Asked, Sought, Typed};
use super::look::{People, Results};
use super::places;
use crate::audit::{GROUPS, Total, sentence};
use crate::web::dates;
use crate::web::form::Faults;
use crate::web::when::date_time;
use crate::web::{Frame, Site, links};

/// What is below the form.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// Nothing: the form has to be mended first.
    Nothing,
    /// People to choose from.
    Choice(Sought, People),
    /// What was found.
    Results(Results),
}

/// The page of the history.
#[derive(Template)]
#[template(path = "web/audit/timeline.html")]
pub(super) struct Page {
    pub(super) frame: Frame,
    pub(super) faults: Faults,
    pub(super) form: Form,
    pub(super) below: Below,
}

/// The form, filled in as it was typed.
pub(super) struct Form {
    /// The local authorities, by code.
    pub(super) authorities: Vec<Choice>,
    /// The schools of the one that is chosen.
    pub(super) schools: Option<Vec<Choice>>,
    /// The person that is chosen.
    pub(super) person: Option<Chosen>,
    /// What was typed of a person who is not chosen yet.
    pub(super) who: String,
    /// Who did it, if a person is chosen.
    pub(super) doer: Option<Chosen>,
    /// What was typed of whoever did it, who is not chosen yet.
    pub(super) doing: String,
    /// Who else does something.
    pub(super) actors: Vec<Choice>,
    /// The school that is chosen, and what its page is called.
    pub(super) school: Option<(OrganisationId, String)>,
    /// The types of events.
    pub(super) groups: Vec<Types>,
    /// How many types are chosen.
    pub(super) types: usize,
    pub(super) from: String,
    pub(super) to: String,
    /// Whether anything is asked for.
    pub(super) narrowed: bool,
}

/// One of several values.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) chosen: bool,
}

/// A person that is chosen.
pub(super) struct Chosen {
    pub(super) id: PersonId,
    pub(super) name: String,
    pub(super) email: String,
    /// The page without them.
    pub(super) without: String,
}

/// Types of events that belong together.
pub(super) struct Types {
    pub(super) name: &'static str,
    pub(super) types: Vec<Choice>,
}

/// See [`Shown`].
pub(super) enum Below {
    Nothing,
    Choice { who: String, people: Vec<Offered>, more: bool },
    Results(List),
}

/// A person who matches what was typed.
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) href: String,
}

/// What was found.
pub(super) struct List {
    pub(super) rows: Vec<Row>,
    pub(super) total: String,
    /// The first page, if this is not it.
    pub(super) newest: Option<String>,
    /// The next page.
    pub(super) older: Option<String>,
    pub(super) behind: bool,
}

/// One event.
pub(super) struct Row {
    pub(super) at: String,
    pub(super) sentence: String,
    pub(super) href: String,
}

impl Page {
    pub(super) fn of(
        site: &Site,
        frame: Frame,
        typed: &Typed,
        asked: &Asked,
        faults: Faults,
        shown: Shown,
    ) -> Self {
        let below = match shown {
            Shown::Nothing => Below::Nothing,
            Shown::Choice(role, People { people, more }) => {
                let offered =
                    people.into_iter().map(|person| Offered::of(site, asked, role, person)).collect();
                let typed = match role {
                    Sought::Person => typed.who(),
                    Sought::Doer => typed.doer(),
                };
                Below::Choice { who: typed.unwrap_or_default().to_owned(), people: offered, more }
            }
            Shown::Results(results) => Below::Results(List::of(site, asked, &results)),
        };
        Self { frame, faults, form: Form::of(site, typed, asked), below }
    }
}

impl Form {
    fn of(site: &Site, typed: &Typed, asked: &Asked) -> Self {
        let (authorities, schools) = site.app.lists(|lists| {
            let schools = asked.authority.as_deref().map(|code| places::schools(lists, code));
            (places::authorities(lists), schools)
        });
        let authority = asked.authority.as_deref();
        let authorities = authorities.into_iter().map(|(value, text)| {
            let chosen = authority == Some(value.as_str());
            Choice { value, text, chosen }
        });
        let schools = schools.map(|schools| {
            let choice =
                |(id, text)| Choice { value: format!("{id}"), text, chosen: asked.school == Some(id) };
            schools.into_iter().map(choice).collect()
        });
        let groups = GROUPS.iter().map(|group| Types {
            name: group.name,
            types: group.kinds.iter().map(|(kind, words)| Choice::of_type(asked, kind, words)).collect(),
        });
        let date = |name, read: Option<_>| {
            read.map_or_else(|| typed.field(name).unwrap_or_default().to_owned(), dates::field)
        };
        Self {
            authorities: authorities.collect(),
            schools,
            person: asked.person.map(|person| {
                Chosen::of(site, person, &Asked { person: None, before: None, ..asked.clone() })
            }),
            who: typed.who().filter(|_| asked.person.is_none()).unwrap_or_default().to_owned(),
            doer: match asked.by {
                Some(Actor::Person(person)) => {
                    let without = Asked { by: None, before: None, ..asked.clone() };
                    Some(Chosen::of(site, person, &without))
                }
                _ => None,
            },
            doing: typed.doer().unwrap_or_default().to_owned(),
            actors: ACTORS.iter().map(|(actor, words)| Choice::of_actor(asked, *actor, words)).collect(),
            school: asked.school.map(|id| (id, site.app.organisation_name(id))),
            groups: groups.collect(),
            types: asked.kinds.len(),
            from: date("from", asked.from),
            to: date("to", asked.to),
            narrowed: asked.is_narrowed(),
        }
    }
}

/// Who does something beside people, in the words of the form.
const ACTORS: [(Actor, &str); 6] = [
    (Actor::Operator, "An operator, by the command line"),
    (Actor::System, "The service, on what DfE Sign-in said"),
    (Actor::Reactor(Reactor::Approvers), "The service, on what DfE Sign-in said of approvers"),
    (Actor::Reactor(Reactor::Timekeeper), "The service, because it was time"),
    (Actor::Reactor(Reactor::Successions), "The service, carrying over a closed school’s people"),
    (Actor::Reactor(Reactor::Mail), "The service, sending emails"),
];

impl Choice {
    fn of_actor(asked: &Asked, actor: Actor, words: &str) -> Self {
        Self { value: actor.to_string(), text: words.to_owned(), chosen: asked.by == Some(actor) }
    }

    fn of_type(asked: &Asked, kind: &str, words: &str) -> Self {
        Self { value: kind.to_owned(), text: words.to_owned(), chosen: asked.kinds.contains(&kind) }
    }
}

impl Chosen {
    fn of(site: &Site, id: PersonId, without: &Asked) -> Self {
        Self { id, name: site.app.name_of(id), email: site.app.email_of(id), without: without.url() }
    }
}

impl Offered {
    fn of(site: &Site, asked: &Asked, role: Sought, person: PersonId) -> Self {
        let href = asked.clone().with(role, person).url();
        Self { name: site.app.name_of(person), email: site.app.email_of(person), href }
    }
}

impl List {
    fn of(site: &Site, asked: &Asked, results: &Results) -> Self {
        let page = |before| Asked { before, ..asked.clone() }.url();
        Self {
            rows: results.events.iter().map(|recorded| Row::of(site, asked, recorded)).collect(),
            total: total(results.total),
            newest: asked.before.map(|_| page(None)),
            older: results.older.map(|position| page(Some(position))),
            behind: results.behind,
        }
    }
}

impl Row {
    fn of(site: &Site, asked: &Asked, recorded: &Recorded) -> Self {
        let query = asked.query();
        let mark = if query.is_empty() { "" } else { "?" };
        Self {
            at: date_time(recorded.envelope.at),
            sentence: sentence(&site.app, recorded),
            href: format!("{}{mark}{query}", links::event(&recorded.position.number())),
        }
    }
}

/// How many entries there are, in words.
fn total(total: Total) -> String {
    match total {
        Total::Exactly(1) => "1 entry".to_owned(),
        Total::Exactly(number) => format!("{} entries", grouped(number)),
        Total::AtLeast(number) => format!("More than {} entries", grouped(number)),
    }
}

/// A number with a comma after each three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_told_in_words() {
        assert_eq!(total(Total::Exactly(0)), "0 entries");
        assert_eq!(total(Total::Exactly(1)), "1 entry");
        assert_eq!(total(Total::Exactly(999)), "999 entries");
        assert_eq!(total(Total::Exactly(1_234)), "1,234 entries");
        assert_eq!(total(Total::AtLeast(10_000)), "More than 10,000 entries");
    }
}
