//! An event as a message: CloudEvents 1.0, in binary mode as their AMQP binding has it.
//!
//! The attributes are headers whose names begin with `cloudEvents_`; the body is the event's public form alone.

use url::Url;
use vouchsafe_events::{Recorded, Stream};

use super::public::Public;

/// What the names of types begin with.
pub(super) const TYPE_PREFIX: &str = "uk.gov.education.vouchsafe";

/// What a body is.
pub(super) const CONTENT_TYPE: &str = "application/json";

/// What the headers' names begin with.
pub(super) const HEADER_PREFIX: &str = "cloudEvents_";

/// A message that is ready to go.
#[derive(Debug)]
pub(super) struct Message {
    /// The event's id.
    pub(super) id: String,
    /// The routing key.
    pub(super) key: String,
    /// The type of the message.
    pub(super) kind: String,
    /// When the event was decided, in seconds since 1970.
    pub(super) seconds: u64,
    /// The attributes, by their names in CloudEvents.
    pub(super) attributes: Vec<(&'static str, String)>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// The type of messages of one name in one version.
pub(super) fn kind(name: &str, version: u16) -> String {
    format!("{TYPE_PREFIX}.{name}.v{version}")
}

/// The routing key: the event's name, and the organisation in whose stream it is, or `-`.
fn key(name: &str, stream: Stream) -> String {
    match stream {
        Stream::Organisation(id) => format!("{name}.{id}"),
        Stream::Person(_) | Stream::Email(_) | Stream::Subject(_) | Stream::Reactor(_) => format!("{name}.-"),
    }
}

/// Puts an event's public form into a message. `source` is the address of the service.
pub(super) fn message(source: &Url, recorded: &Recorded, public: Public) -> Message {
    let Public { name, version, data, unreadable: _ } = public;
    let envelope = &recorded.envelope;
    let (id, kind) = (envelope.id.to_string(), kind(name, version));
    let mut attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", id.clone()),
        ("source", source.to_string()),
        ("type", kind.clone()),
        ("subject", envelope.stream.to_string()),
        ("time", envelope.at.to_string()),
        ("actor", envelope.actor.to_string()),
        // As wide as the largest, so that texts compare as the numbers do.
        ("sequence", format!("{:020}", envelope.version.number())),
        ("position", format!("{:020}", recorded.position.number())),
    ];
    attributes.extend(envelope.causation.map(|id| ("causationid", id.to_string())));
    attributes.extend(envelope.correlation.map(|id| ("correlationid", id.to_string())));
    Message {
        id,
        key: key(name, envelope.stream),
        kind,
        seconds: u64::try_from(envelope.at.micros() / 1_000_000).unwrap_or_default(),
        attributes,
        body: data,
    }
}
