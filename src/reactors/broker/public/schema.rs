//! The schemas of the published forms (JSON Schema 2020-12, as far as AsyncAPI 3.0 takes it).

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::SHAPES;

/// How one event is published.
pub(in crate::reactors::broker) struct Shape {
    /// The event's name.
    pub(in crate::reactors::broker) name: &'static str,
    /// The version of the published form.
    pub(in crate::reactors::broker) version: u16,
    /// Its schema.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// What is absent is left out and never null, which the generator cannot know.
#[derive(Clone, Debug)]
struct NeverNull;

impl Transform for NeverNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                for (key, value) in only {
                    schema.ensure_object().entry(key).or_insert(value);
                }
            }
        }
        transform_subschemas(self, schema);
    }
}

/// Every published form with its schema, each complete in itself.
pub(in crate::reactors::broker) fn shapes() -> impl Iterator<Item = (&'static Shape, Schema)> {
    SHAPES.iter().map(|shape| {
        let settings = SchemaSettings::draft07().for_serialize().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let mut schema = (shape.schema)(&mut settings.with_transform(NeverNull).into_generator());
        schema.remove("title");
        (shape, schema)
    })
}
