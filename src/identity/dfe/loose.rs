//! Reading what a provider writes loosely.
//!
//! DfE's calls spell one and the same field `urn` and `URN`, `DistrictAdministrativeCode` and
//! `DistrictAdministrative_code`, write numbers as text and text as numbers, and leave out or null what is unknown.

use serde_json::{Map, Value};
use vouchsafe_events::Email;

/// The most characters of a name that are kept: longer ones are cut.
const MAX_CHARACTERS: usize = 300;

/// A field by its name without regard to case and underscores; none if it is null. `name` is in lower case,
/// without underscores.
pub(in crate::identity) fn field<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let same = |key: &str| {
        key.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase()).eq(name.bytes())
    };
    object.iter().find(|(key, value)| !value.is_null() && same(key)).map(|(_, value)| value)
}

/// A text, or a number as text; trimmed, on one line, without control characters. None if nothing is left.
pub(in crate::identity) fn text(value: &Value) -> Option<String> {
    let raw = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let clean: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let short: String = clean.trim().chars().take(MAX_CHARACTERS).collect();
    let short = short.trim_end();
    (!short.is_empty()).then(|| short.to_owned())
}

/// A text of an object's field.
pub(in crate::identity) fn text_of(object: &Map<String, Value>, name: &str) -> Option<String> {
    field(object, name).and_then(text)
}

/// A register's number: a bare JSON number gets back the leading zeros that it lost.
pub(in crate::identity) fn digits_of(
    object: &Map<String, Value>,
    name: &str,
    width: usize,
) -> Option<String> {
    match field(object, name)? {
        Value::Number(number) => number.as_u64().map(|number| format!("{number:0width$}")),
        other => text(other),
    }
}

/// A whole number, also as text.
pub(in crate::identity) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An email address that mail can be sent to.
pub(in crate::identity) fn email_of(object: &Map<String, Value>, name: &str) -> Option<Email> {
    field(object, name)?.as_str()?.parse().ok()
}
