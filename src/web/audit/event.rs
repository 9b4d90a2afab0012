//! The page of one event.

use askama::Template;
use vouchsafe_events::{Actor, EventId, Reactor, Recorded};

use super::asked::Asked;
use super::look::One;
use super::stored;
use crate::audit::{Value, actor, kind_words, tell};
use crate::web::when::date_time;
use crate::web::{Frame, Site, links};

/// The page of one event.
#[derive(Template)]
#[template(path = "web/audit/event.html")]
pub(super) struct Page {
    pub(super) frame: Frame,
    /// The list that the reader came from.
    pub(super) back: String,
    pub(super) sentence: String,
    /// What is known of it, for everybody.
    pub(super) fields: Vec<Field>,
    /// What is known of it, for whoever runs the service.
    pub(super) technical: Vec<Field>,
    /// The stored form, indented.
    pub(super) stored: String,
}

/// A field of the event.
pub(super) struct Field {
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) href: Option<String>,
    /// Whether the text is an id or the like.
    pub(super) is_reference: bool,
}

impl Field {
    fn words(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into(), href: None, is_reference: false }
    }

    fn link(label: &'static str, text: String, href: Option<String>) -> Self {
        Self { href, ..Self::words(label, text) }
    }

    fn reference(label: &'static str, text: &impl ToString) -> Self {
        Self { is_reference: true, ..Self::words(label, text.to_string()) }
    }
}

impl Page {
    pub(super) fn of(site: &Site, frame: Frame, found: &One, back: String) -> Self {
        let told = tell(&site.app, &found.recorded);
        let mut fields = vec![
            Field::words("When", date_time(found.recorded.envelope.at)),
            Field::words("What", kind_words(found.recorded.event.kind())),
            who(site, found.recorded.envelope.actor),
        ];
        let named: Vec<EventId> = told.details.iter().filter_map(|detail| detail.value.event()).collect();
        fields.extend(told.details.into_iter().map(|detail| match detail.value {
            Value::Words(text) | Value::Typed(text) => Field::words(detail.label, text),
            Value::Person(id, name) => {
                let href = Asked { person: Some(id), ..Asked::default() }.url();
                Field::link(detail.label, name, Some(href))
            }
            Value::Organisation(id, name) => {
                let href = Asked { school: Some(id), ..Asked::default() }.url();
                Field::link(detail.label, name, Some(href))
            }
            Value::Event(id) => other(detail.label, id, found),
        }));
        // A mail says among its particulars what it was about.
        if let Some(id) = found.recorded.envelope.causation.filter(|id| !named.contains(id)) {
            fields.push(other("Came of", id, found));
        }
        Self {
            frame,
            back,
            sentence: told.sentence,
            fields,
            technical: technical(&found.recorded),
            stored: stored::pretty(&found.stored, &told.sealed),
        }
    }
}

fn who(site: &Site, by: Actor) -> Field {
    let href = match by {
        Actor::Person(id) => Some(Asked { person: Some(id), ..Asked::default() }.url()),
        Actor::Reactor(_) | Actor::Operator | Actor::System => None,
    };
    let why = match by {
        Actor::Reactor(Reactor::Mail) => ", when it sent emails",
        Actor::Reactor(Reactor::Timekeeper) => ", because it was time",
        Actor::Reactor(Reactor::Successions) => ", when it carried over a closed school’s people",
        Actor::Reactor(Reactor::Approvers) => ", on what DfE Sign-in said of approvers",
        Actor::Person(_) | Actor::Operator | Actor::System => "",
    };
    Field::link("Who did it", format!("{}{why}", actor(&site.app, by)), href)
}

/// Another event, by the words "See that entry" if it can be found, else by its id.
fn other(label: &'static str, id: EventId, found: &One) -> Field {
    match found.others.iter().find(|(known, _)| *known == id) {
        Some((_, position)) => {
            Field::link(label, "See that entry".to_owned(), Some(links::event(&position.number())))
        }
        None => Field::reference(label, &id),
    }
}

fn technical(recorded: &Recorded) -> Vec<Field> {
    let envelope = &recorded.envelope;
    let mut fields = vec![
        Field::reference("Position in the log", &recorded.position),
        Field::reference("Event id", &envelope.id),
        Field::reference("Type", &recorded.event.kind()),
        Field::reference("Stream", &envelope.stream),
        Field::reference("Version in the stream", &envelope.version),
        Field::reference("Instant (UTC)", &envelope.at),
        Field::reference("Actor", &envelope.actor),
    ];
    fields.extend(envelope.causation.map(|id| Field::reference("Causation id", &id)));
    fields.extend(envelope.correlation.map(|id| Field::reference("Correlation id", &id)));
    fields
}
