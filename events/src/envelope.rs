//! The envelope, and the stored form of an event: one run of bytes, which is what is hashed and kept.
//!
//! The bytes are JSON with the keys in one order: `id`, `stream`, `version`, `type`, `schema`, `at`, `actor`,
//! `causation` and `correlation` where there are any, `data`. The position in the log is the engine's and
//! stands outside them. Equal events have equal bytes.

mod canonical;

use std::fmt;
use std::str::FromStr;

use serde::de::{self, IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::Kind;
use crate::{
    CorrelationId, Event, EventId, Held, PersonId, Position, Reactor, Sealed, Slot, Stream, Timestamp,
    Version,
};

/// Who did it. Never free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A person, acting for themselves or their organisation.
    Person(PersonId),
    /// A reactor, by itself.
    Reactor(Reactor),
    /// Whoever holds the command line.
    Operator,
    /// The service, on what an identity provider said at a sign-in.
    System,
}

/// Why a text does not name an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an actor is person:<uuid>, reactor:<name>, operator or system")]
pub struct NotAnActor;

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Reactor(reactor) => write!(f, "reactor:{}", reactor.name()),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

impl FromStr for Actor {
    type Err = NotAnActor;

    fn from_str(text: &str) -> Result<Self, NotAnActor> {
        match text.split_once(':') {
            Some(("person", id)) => id.parse().map(Self::Person).map_err(|_| NotAnActor),
            Some(("reactor", name)) => name.parse().map(Self::Reactor).map_err(|_| NotAnActor),
            None if text == "operator" => Ok(Self::Operator),
            None if text == "system" => Ok(Self::System),
            _ => Err(NotAnActor),
        }
    }
}

/// An actor where no person reads it, as in a snapshot: a tag and the id's bytes.
#[derive(Serialize, Deserialize)]
enum Compact {
    Person(PersonId),
    Reactor(Reactor),
    Operator,
    System,
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        match *self {
            Self::Person(id) => Compact::Person(id),
            Self::Reactor(reactor) => Compact::Reactor(reactor),
            Self::Operator => Compact::Operator,
            Self::System => Compact::System,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Parsed::deserialize(deserializer).map(|Parsed(actor)| actor);
        }
        Ok(match Compact::deserialize(deserializer)? {
            Compact::Person(id) => Self::Person(id),
            Compact::Reactor(reactor) => Self::Reactor(reactor),
            Compact::Operator => Self::Operator,
            Compact::System => Self::System,
        })
    }
}

/// What stands around an event: where, when, by whom and from what it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The event's own id.
    pub id: EventId,
    /// The stream it is in.
    pub stream: Stream,
    /// Its version in the stream.
    pub version: Version,
    /// When it was decided.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The event that it was a consequence of, if it was.
    pub causation: Option<EventId>,
    /// What it has in common with all that came of the same request.
    pub correlation: Option<CorrelationId>,
}

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands in the log.
    pub position: Position,
    /// What stands around it.
    pub envelope: Envelope,
    /// What happened.
    pub event: Event<Sealed>,
}

impl Recorded {
    /// A sealed value of this event with what is needed to open it.
    pub fn hold(&self, subject: PersonId, slot: Slot, sealed: &Sealed) -> Held {
        Held { subject, event: self.envelope.id, slot, sealed: sealed.clone() }
    }

    /// Whether it is about a person, or was done by them.
    pub fn concerns(&self, person: PersonId) -> bool {
        let envelope = &self.envelope;
        envelope.stream == Stream::Person(person)
            || envelope.actor == Actor::Person(person)
            || self.event.subject() == Some(person)
    }
}

/// Why stored bytes could not be read as an event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A type, or a version of one, that this product does not know: a newer one wrote it.
    #[error(
        "the event at position {position} has type {kind} in version {schema}, which this version of vouchsafe does not know: upgrade it"
    )]
    Unknown {
        /// Where it stands.
        position: Position,
        /// Its type.
        kind: String,
        /// The version.
        schema: u16,
    },
    /// The bytes are not an event's stored form.
    #[error("the event at position {position} cannot be read")]
    Malformed {
        /// Where it stands.
        position: Position,
        /// What the decoder found.
        source: serde_json::Error,
    },
}

/// Writes the stored form of an event.
pub fn encode(envelope: &Envelope, event: &Event<Sealed>) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Stored<'a> {
        id: EventId,
        stream: Stream,
        version: Version,
        r#type: &'a str,
        schema: u16,
        at: Timestamp,
        actor: Actor,
        #[serde(skip_serializing_if = "Option::is_none")]
        causation: Option<EventId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        correlation: Option<CorrelationId>,
        data: &'a Event<Sealed>,
    }
    serde_json::to_vec(&Stored {
        id: envelope.id,
        stream: envelope.stream,
        version: envelope.version,
        r#type: event.kind(),
        schema: event.schema(),
        at: envelope.at,
        actor: envelope.actor,
        causation: envelope.causation,
        correlation: envelope.correlation,
        data: event,
    })
}

/// Reads the stored form of the event at `position`.
pub fn decode(position: Position, bytes: &[u8]) -> Result<Recorded, DecodeError> {
    // A text is checked once, as a whole, instead of each text in it. What is no text is left to the decoder,
    // which says where it ends.
    let text = std::str::from_utf8(bytes).ok();
    if let Some(Decoded(envelope, event)) = text.and_then(canonical::read) {
        return Ok(Recorded { position, envelope, event });
    }
    match text.map_or_else(|| serde_json::from_slice(bytes), serde_json::from_str) {
        Ok(Decoded(envelope, event)) => Ok(Recorded { position, envelope, event }),
        Err(source) => Err(match serde_json::from_slice::<Header>(bytes) {
            Ok(Header { r#type: kind, schema }) if !crate::KINDS.contains(&(kind.as_str(), schema)) => {
                DecodeError::Unknown { position, kind, schema }
            }
            _ => DecodeError::Malformed { position, source },
        }),
    }
}

/// What says whether an event that could not be read is merely newer.
#[derive(Deserialize)]
struct Header {
    r#type: String,
    schema: u16,
}

/// The stored form, read in one pass: the type and the version come before the data, so the data is read
/// straight into its own type.
struct Decoded(Envelope, Event<Sealed>);

/// A text that is parsed where it stands, without a copy.
struct Parsed<T>(T);

impl<'de, T> Deserialize<'de> for Parsed<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);
        impl<T: FromStr> de::Visitor<'_> for Visitor<T>
        where
            T::Err: fmt::Display,
        {
            type Value = Parsed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Parsed<T>, E> {
                text.parse().map(Parsed).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Decoded;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the stored form of an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Decoded, A::Error> {
                let (mut id, mut stream, mut version, mut at, mut actor) = (None, None, None, None, None);
                let (mut name, mut schema) = (None, None);
                let (mut causation, mut correlation, mut event) = (None, None, None);
                while let Some(key) = map.next_key::<&str>()? {
                    match key {
                        "id" => id = Some(map.next_value()?),
                        "stream" => stream = Some(map.next_value::<Parsed<_>>()?.0),
                        "version" => version = Some(map.next_value()?),
                        "type" => name = Some(map.next_value::<&str>()?),
                        "schema" => schema = Some(map.next_value()?),
                        "at" => at = Some(map.next_value()?),
                        "actor" => actor = Some(map.next_value::<Parsed<_>>()?.0),
                        "causation" => causation = Some(map.next_value()?),
                        "correlation" => correlation = Some(map.next_value()?),
                        "data" => {
                            let name = name.ok_or_else(|| de::Error::missing_field("type"))?;
                            let schema = schema.ok_or_else(|| de::Error::missing_field("schema"))?;
                            event = Some(map.next_value_seed(Kind { name, schema })?);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                let envelope = Envelope {
                    id: id.ok_or_else(|| de::Error::missing_field("id"))?,
                    stream: stream.ok_or_else(|| de::Error::missing_field("stream"))?,
                    version: version.ok_or_else(|| de::Error::missing_field("version"))?,
                    at: at.ok_or_else(|| de::Error::missing_field("at"))?,
                    actor: actor.ok_or_else(|| de::Error::missing_field("actor"))?,
                    causation,
                    correlation,
                };
                Ok(Decoded(envelope, event.ok_or_else(|| de::Error::missing_field("data"))?))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
