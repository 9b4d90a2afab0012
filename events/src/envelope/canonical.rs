//! Reads the stored form where it is written exactly as [`encode`](super::encode) writes it, which is always.
//!
//! A start folds millions of events, and most of what it costs is to read their envelopes. With the keys in
//! their one order an envelope is read off without asking which key comes next. Anything that stands otherwise
//! is not refused here: the general decoder reads it, and says what is wrong with it.

use serde::de::DeserializeSeed;
use serde_json::Deserializer;

use super::{Decoded, Envelope};
use crate::event::Kind;
use crate::{CorrelationId, EventId, Version};

/// The event, if the text is in the one order and nothing in it is wrong.
pub(super) fn read(text: &str) -> Option<Decoded> {
    let (id, text) = quoted(text.strip_prefix("{\"id\":")?)?;
    let (stream, text) = quoted(text.strip_prefix(",\"stream\":")?)?;
    let (version, text) = number(text.strip_prefix(",\"version\":")?)?;
    let (name, text) = quoted(text.strip_prefix(",\"type\":")?)?;
    let (schema, text) = number(text.strip_prefix(",\"schema\":")?)?;
    let (at, text) = quoted(text.strip_prefix(",\"at\":")?)?;
    let (actor, text) = quoted(text.strip_prefix(",\"actor\":")?)?;
    let (causation, text) = optional(text, ",\"causation\":")?;
    let (correlation, text) = optional(text, ",\"correlation\":")?;
    let data = text.strip_prefix(",\"data\":")?.strip_suffix('}')?;

    let envelope = Envelope {
        id: id.parse::<EventId>().ok()?,
        stream: stream.parse().ok()?,
        version: Version::new(version),
        at: at.parse().ok()?,
        actor: actor.parse().ok()?,
        causation: causation.map(str::parse::<EventId>).transpose().ok()?,
        correlation: correlation.map(str::parse::<CorrelationId>).transpose().ok()?,
    };
    let mut data = Deserializer::from_str(data);
    let event = Kind { name, schema: u16::try_from(schema).ok()? }.deserialize(&mut data).ok()?;
    data.end().ok()?;
    Some(Decoded(envelope, event))
}

/// The text between two quotes, and what follows. A text with an escape in it is none of those that stand in an
/// envelope, so whoever parses it refuses it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"')?.split_once('"')
}

/// A whole number as JSON writes it, and what follows.
fn number(text: &str) -> Option<(u64, &str)> {
    let (digits, _) = text.split_once(',')?;
    let written = digits.bytes().all(|byte| byte.is_ascii_digit());
    let plain = written && (digits.len() == 1 || !digits.starts_with('0'));
    Some((plain.then(|| digits.parse().ok())??, text.get(digits.len()..)?))
}

/// The text of a key that may be absent.
fn optional<'a>(text: &'a str, key: &str) -> Option<(Option<&'a str>, &'a str)> {
    match text.strip_prefix(key) {
        None => Some((None, text)),
        Some(text) => quoted(text).map(|(value, text)| (Some(value), text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored events of several types, as they stand in `golden/`.
    const SAMPLES: [&str; 4] = [
        include_str!("../../golden/organisation-registered.v1.json"),
        include_str!("../../golden/signed-in.v1.json"),
        include_str!("../../golden/access-granted.v1.min.json"),
        include_str!("../../golden/mail-given-up.v1.json"),
    ];

    fn general(text: &str) -> Option<(Envelope, crate::Event<crate::Sealed>)> {
        serde_json::from_str::<Decoded>(text).ok().map(|Decoded(envelope, event)| (envelope, event))
    }

    #[test]
    fn what_is_written_is_read_here_and_as_the_general_decoder_reads_it() {
        for sample in SAMPLES {
            let Decoded(envelope, event) = read(sample).unwrap();
            assert_eq!(Some((envelope, event)), general(sample));
        }
    }

    #[test]
    fn what_stands_otherwise_is_left_to_the_general_decoder() {
        let sample = SAMPLES[2];
        for (this, that) in [
            (",\"type\"", ", \"type\""),
            ("\"version\":41", "\"version\":041"),
            ("\"version\":41", "\"version\":+41"),
            ("\"schema\":1", "\"schema\":65537"),
            ("access-granted", "access\\u002dgranted"),
            ("person:", "person\\u003a"),
            ("}}", "},\"note\":1}"),
            ("}}", "}}}"),
        ] {
            let other = sample.replace(this, that);
            assert_ne!(other, sample, "{this}");
            assert!(read(&other).is_none(), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_read_here_that_the_general_decoder_reads_otherwise(
            which in 0..SAMPLES.len(),
            changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), "[ -~]"), 0..4),
        ) {
            let mut text = SAMPLES[which].to_owned();
            for (place, character) in changes {
                let place = place.index(text.len());
                if text.is_char_boundary(place) && text.is_char_boundary(place + 1) {
                    text.replace_range(place..=place, &character);
                }
            }
            if let Some(Decoded(envelope, event)) = read(&text) {
                proptest::prop_assert_eq!(Some((envelope, event)), general(&text));
            }
        }
    }
}
