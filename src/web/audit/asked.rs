//! What an auditor looks for: as it was typed, and as it is meant. Its whole is in the page's address.

use jiff::civil::Date;
use url::form_urlencoded;
use vouchsafe_events::{Actor, KINDS, OrganisationId, PersonId, Position};

use super::places;
use crate::audit::Filter;
use crate::web::dates;
use crate::web::form::Faults;
use crate::web::{Problem, Site, links};

/// The fields of the form, or of the address, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Typed(Vec<(String, String)>);

impl Typed {
    pub(super) fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    pub(super) fn of_query(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(field, _)| field == name);
        named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// A field that was filled in.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// What was typed of a person's name or email address.
    pub(super) fn who(&self) -> Option<&str> {
        self.field("who")
    }

    /// What was typed of the name or email address of whoever did it.
    pub(super) fn doer(&self) -> Option<&str> {
        self.field("doer")
    }

    /// Whether the button pressed was the one that shows an authority's schools.
    pub(super) fn wants_schools(&self) -> bool {
        self.field("step") == Some("schools")
    }
}

/// For what a person is looked for by a part of their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// Whom it concerns.
    Person,
    /// Who did it.
    Doer,
}

/// What an auditor looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The code of a local authority, or [`places::NONE`].
    pub(super) authority: Option<String>,
    /// A school, in that authority.
    pub(super) school: Option<OrganisationId>,
    /// A person.
    pub(super) person: Option<PersonId>,
    /// Who did it.
    pub(super) by: Option<Actor>,
    /// Types of events; empty for all.
    pub(super) kinds: Vec<&'static str>,
    /// The first day.
    pub(super) from: Option<Date>,
    /// The last day.
    pub(super) to: Option<Date>,
    /// Only what stands before this position: a page that is not the first.
    pub(super) before: Option<Position>,
}

impl Asked {
    /// Reads what was typed. Ids that are not known here are not found. A school of another authority than
    /// the one chosen is left out: the authority was changed after it.
    pub(super) fn read(site: &Site, typed: &Typed) -> Result<Self, Problem> {
        let unknown = |_| Problem::NotFound;
        let mut asked = Self {
            authority: typed.field("authority").map(str::to_owned),
            school: typed.field("school").map(|id| id.parse().map_err(unknown)).transpose()?,
            person: typed.field("person").map(|id| id.parse().map_err(unknown)).transpose()?,
            by: typed.field("by").map(|actor| actor.parse().map_err(|_| Problem::NotFound)).transpose()?,
            kinds: Vec::new(),
            from: typed.field("from").and_then(dates::parse),
            to: typed.field("to").and_then(dates::parse),
            before: typed
                .field("before")
                .map(|number| number.parse().map(Position::new).map_err(|_| Problem::NotFound))
                .transpose()?,
        };
        for (kind, _) in KINDS {
            if typed.all("type").any(|name| name == *kind) {
                asked.kinds.push(kind);
            }
        }
        site.app.lists(|lists| {
            let doer = match asked.by {
                Some(Actor::Person(person)) => Some(person),
                _ => None,
            };
            if asked.person.into_iter().chain(doer).any(|person| lists.person(person).is_none()) {
                return Err(Problem::NotFound);
            }
            if let Some(code) = &asked.authority
                && !places::authorities(lists).iter().any(|(known, _)| known == code)
            {
                return Err(Problem::NotFound);
            }
            let Some(school) = asked.school else { return Ok(()) };
            let lies_in = places::authority_of(lists.organisation(school).ok_or(Problem::NotFound)?);
            match &asked.authority {
                Some(authority) if *authority != lies_in => asked.school = None,
                Some(_) => {}
                None => asked.authority = Some(lies_in.to_owned()),
            }
            Ok(())
        })?;
        Ok(asked)
    }

    /// The same with a person who was found, from the newest.
    pub(super) fn with(self, role: Sought, person: PersonId) -> Self {
        match role {
            Sought::Person => Self { person: Some(person), before: None, ..self },
            Sought::Doer => Self { by: Some(Actor::Person(person)), before: None, ..self },
        }
    }

    /// What is wrong with what was typed.
    pub(super) fn faults(&self, typed: &Typed) -> Faults {
        let mut faults = Faults::default();
        for (field, read) in [("from", self.from), ("to", self.to)] {
            if typed.field(field).is_some() && read.and_then(dates::begin).is_none() {
                faults.add(field, "Enter a date, like 27/3/2026");
            }
        }
        if faults.is_empty() && self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            faults.add("to", "The last day must be the same as or after the first day");
        }
        faults
    }

    /// Whether anything is asked for but the newest of all.
    pub(super) fn is_narrowed(&self) -> bool {
        *self != Self { before: self.before, ..Self::default() }
    }

    /// The filter for the index.
    pub(super) fn filter(&self, site: &Site) -> Filter {
        let in_authority = |code: &str| site.app.lists(|lists| places::organisations_in(lists, code));
        let organisations = match (self.school, &self.authority) {
            (Some(school), _) => Some(vec![school]),
            (None, Some(authority)) => Some(in_authority(authority)),
            (None, None) => None,
        };
        Filter {
            organisations,
            person: self.person,
            actor: self.by,
            kinds: self.kinds.clone(),
            from: self.from.and_then(dates::begin),
            to: self.to.and_then(dates::after),
        }
    }

    /// The fields as they stand in an address, without a question mark.
    pub(super) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut add = |name, value: Option<String>| {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        };
        add("authority", self.authority.clone());
        add("school", self.school.map(|id| id.to_string()));
        add("person", self.person.map(|id| id.to_string()));
        add("by", self.by.map(|actor| actor.to_string()));
        for kind in &self.kinds {
            add("type", Some((*kind).to_owned()));
        }
        add("from", self.from.map(|date| date.to_string()));
        add("to", self.to.map(|date| date.to_string()));
        add("before", self.before.map(|position| position.to_string()));
        query.finish()
    }

    /// The address of the page that shows this.
    pub(super) fn url(&self) -> String {
        let query = self.query();
        if query.is_empty() { links::TIMELINE.to_owned() } else { format!("{}?{query}", links::TIMELINE) }
    }
}
