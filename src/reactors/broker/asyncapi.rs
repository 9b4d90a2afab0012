//! What is published, as an AsyncAPI 3.0 document: made from the published types, so that it cannot say anything else.

use serde_json::{Map, Value, json};

use super::message::{CONTENT_TYPE, HEADER_PREFIX, TYPE_PREFIX, kind};
use super::public::{KEPT_BACK, shapes};

/// The version of the document: of what is published as a whole. The second number grows with each addition.
const VERSION: &str = "1.0.0";

/// What each attribute is: its name in CloudEvents, whether it is always there, and its schema.
fn attributes(name: &str, version: u16) -> [(&'static str, bool, Value); 11] {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let id = |description: &str| json!({ "type": "string", "format": "uuid", "description": description });
    let number =
        |description: &str| json!({ "type": "string", "pattern": "^[0-9]{20}$", "description": description });
    [
        ("specversion", true, json!({ "const": "1.0" })),
        ("id", true, id("The event's id. What comes twice has the same.")),
        (
            "source",
            true,
            json!({ "type": "string", "format": "uri", "description": "The address of the service." }),
        ),
        ("type", true, json!({ "const": kind(name, version) })),
        (
            "subject",
            true,
            text(
                "The stream that the event is in: `organisation-<uuid>`, `person-<uuid>` or `reactor-<name>`.",
            ),
        ),
        (
            "time",
            true,
            json!({ "type": "string", "format": "date-time", "description": "When it was decided, in UTC." }),
        ),
        ("actor", true, text("Who did it: `person:<uuid>`, `reactor:<name>`, `operator` or `system`.")),
        (
            "sequence",
            true,
            number("Its number in its stream: the first has 0, and each that follows is one more."),
        ),
        ("position", true, number("Its place among all events. Places only grow, and may have gaps.")),
        ("causationid", false, id("The event that it is a consequence of.")),
        ("correlationid", false, id("What all events that one web request led to have in common.")),
    ]
}

/// The headers of one message.
fn headers(name: &str, version: u16) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (attribute, always, schema) in attributes(name, version) {
        let header = format!("{HEADER_PREFIX}{attribute}");
        if always {
            required.push(Value::String(header.clone()));
        }
        properties.insert(header, schema);
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The document. `exchange` is the name of the exchange.
pub fn document(exchange: &str) -> Value {
    let (mut messages, mut of_channel, mut of_operation) = (Map::new(), Map::new(), Vec::new());
    for (shape, schema) in shapes() {
        let summary = schema.get("description").cloned().unwrap_or_default();
        let message = json!({
            "name": kind(shape.name, shape.version),
            "title": shape.name,
            "summary": summary,
            "contentType": CONTENT_TYPE,
            "headers": headers(shape.name, shape.version),
            "payload": schema,
            "bindings": { "amqp": { "messageType": kind(shape.name, shape.version) } },
        });
        messages.insert(shape.name.to_owned(), message);
        of_channel.insert(
            shape.name.to_owned(),
            json!({ "$ref": format!("#/components/messages/{}", shape.name) }),
        );
        of_operation.push(json!({ "$ref": format!("#/channels/events/messages/{}", shape.name) }));
    }
    let kept_back: Map<String, Value> =
        KEPT_BACK.iter().map(|(name, why)| ((*name).to_owned(), Value::from(*why))).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vouchsafe: events",
            "version": VERSION,
            "description": "What happens in Vouchsafe, as CloudEvents 1.0 in binary mode on a RabbitMQ topic exchange, each at least once, those of one organisation or person in order. Fields marked `x-personal-data` are there only if the service is configured to publish personal data, and not for people who have been erased.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "events": {
                "address": "{event}.{organisation}",
                "title": "All events",
                "description": "The address is the routing key. Bind a queue of your own with a pattern such as `access-granted.*` or `*.<organisation>`.",
                "parameters": {
                    "event": { "description": "The event's name: the part of its type between the prefix and the version." },
                    "organisation": { "description": "The id of the organisation in whose stream the event is; `-` where it is in none." },
                },
                "messages": of_channel,
                "bindings": {
                    "amqp": {
                        "is": "routingKey",
                        "exchange": { "name": exchange, "type": "topic", "durable": true, "autoDelete": false },
                        "bindingVersion": "0.3.0",
                    },
                },
            },
        },
        "operations": {
            "publish": {
                "action": "send",
                "channel": { "$ref": "#/channels/events" },
                "messages": of_operation,
                "bindings": { "amqp": { "deliveryMode": 2, "mandatory": false, "timestamp": true, "bindingVersion": "0.3.0" } },
            },
        },
        "components": { "messages": messages },
        "x-type-prefix": TYPE_PREFIX,
        "x-not-published": kept_back,
    })
}

#[cfg(test)]
mod tests {
    use vouchsafe_events::KINDS;

    use super::*;
    use crate::reactors::broker::DEFAULT_EXCHANGE;

    #[test]
    fn the_document_that_is_kept_is_the_one_that_the_types_give() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/asyncapi.json");
        let kept: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(
            kept,
            document(DEFAULT_EXCHANGE),
            "write it anew: cargo run -- asyncapi > docs/asyncapi.json"
        );
    }

    #[test]
    fn every_type_of_event_has_its_message_or_a_reason_to_have_none() {
        let document = document(DEFAULT_EXCHANGE);
        for (name, _) in KINDS {
            let message = &document["components"]["messages"][name];
            let reason = &document["x-not-published"][name];
            assert!(message.is_object() != reason.is_string(), "{name}");
            if message.is_object() {
                assert_eq!(message["payload"]["type"], "object", "{name}");
                assert!(message["summary"].as_str().unwrap().len() > 10, "{name}");
                let reference = format!("#/components/messages/{name}");
                assert_eq!(document["channels"]["events"]["messages"][name]["$ref"], reference, "{name}");
            }
        }
    }
}
