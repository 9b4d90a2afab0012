//! The field in which an auditor says at what instant: a date, and perhaps a time of day in London.

use vouchsafe_events::Timestamp;

use super::asked::Typed;
use crate::audit::instant;
use crate::web::dates;
use crate::web::form::Faults;
use crate::web::when::{day, london};

/// An instant, as it was typed and as it is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// What is meant, if it can be understood and has come.
    pub(super) at: Option<Timestamp>,
    /// Whether anything was typed.
    pub(super) given: bool,
    /// The field's name in the form; the time's is the same with `-time` after it.
    pub(super) name: &'static str,
    /// The date as it stands in the field.
    pub(super) date: String,
    /// The time as it stands in the field.
    pub(super) time: String,
}

const SECOND: i64 = 1_000_000;

impl Field {
    /// Reads the field of a name: from `name` an exact instant, as addresses of ours have it, or a date; from
    /// `name-time` a time of day. What is typed means all of it: a date alone the end of that day, a time the end of
    /// that minute, but never later than `now`. Without anything typed it is `otherwise`.
    pub(super) fn read(
        typed: &Typed,
        name: &'static str,
        otherwise: Option<Timestamp>,
        now: Timestamp,
        faults: &mut Faults,
    ) -> Self {
        let clock = format!("{name}-time");
        let (Some(text), hour) = (typed.field(name), typed.field(&clock)) else {
            if let Some(hour) = typed.field(&clock) {
                faults.add(name, "Enter a date, like 27/3/2026");
                return Self { name, given: true, time: hour.to_owned(), ..Self::default() };
            }
            return otherwise
                .map_or_else(|| Self { name, ..Self::default() }, |at| Self::filled(name, at, false));
        };
        let as_typed = Self {
            at: None,
            given: true,
            name,
            date: text.to_owned(),
            time: hour.unwrap_or_default().to_owned(),
        };
        if let (Ok(exact), None) = (text.parse::<jiff::Timestamp>(), hour) {
            let exact = Timestamp::from(exact);
            if exact > now {
                faults.add(name, "The date and time must be in the past");
                return as_typed;
            }
            return Self::filled(name, exact, true);
        }
        let date = dates::parse(text).filter(|date| dates::begin(*date).is_some());
        if date.is_none() {
            faults.add(name, "Enter a date, like 27/3/2026");
        }
        let hour = hour.map(|hour| {
            let read = instant::time(hour);
            if read.is_none() {
                faults.add(clock.clone(), "Enter a time, like 2:30pm or 14:30");
            }
            read
        });
        let (Some(date), false) = (date, hour == Some(None)) else { return as_typed };
        let hour = hour.flatten();
        let begins = match hour {
            Some(hour) => instant::in_london(date, Some(hour)),
            None => dates::begin(date),
        };
        let ends = match hour {
            // Whoever types seconds means them.
            Some(hour) if hour.second() != 0 => begins.map(|begins| begins.micros() + SECOND - 1),
            Some(_) => begins.map(|begins| begins.micros() + 60 * SECOND - 1),
            None => dates::after(date).map(|after| after.micros() - 1),
        };
        match begins.zip(ends) {
            Some((begins, ends)) if begins <= now => {
                let at = Timestamp::from_micros(ends).min(now);
                Self { at: Some(at), ..as_typed }
            }
            Some(_) => {
                faults.add(name, "The date and time must be in the past");
                as_typed
            }
            None => {
                faults.add(name, "Enter a date, like 27/3/2026");
                as_typed
            }
        }
    }

    /// The field filled in with an instant.
    fn filled(name: &'static str, at: Timestamp, given: bool) -> Self {
        let there = at.to_jiff().to_zoned_datetime(london());
        let half = if there.hour() < 12 { "am" } else { "pm" };
        let hour = (there.hour() + 11) % 12 + 1;
        let seconds = if there.second() == 0 { String::new() } else { format!(":{:02}", there.second()) };
        let time = format!("{hour}:{:02}{seconds}{half}", there.minute());
        Self { at: Some(at), given, name, date: dates::field(day(at)), time }
    }

    /// What the time's field is called.
    pub(super) fn clock(&self) -> String {
        format!("{}-time", self.name)
    }

    /// What is wrong with the time.
    pub(super) fn clock_fault<'a>(&self, faults: &'a Faults) -> Option<&'a str> {
        faults.of(&self.clock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (Field, Faults) {
        let now = "2026-07-20T12:00:30Z".parse::<jiff::Timestamp>().unwrap().into();
        let mut faults = Faults::default();
        let field = Field::read(&Typed::of_query(query), "at", Some(now), now, &mut faults);
        (field, faults)
    }

    #[test]
    fn what_is_typed_means_all_of_it() {
        for (query, instant) in [
            ("", "2026-07-20T12:00:30Z"),
            ("at=14/7/2026", "2026-07-14T22:59:59.999999Z"),
            ("at=14/7/2026&at-time=9:30am", "2026-07-14T08:30:59.999999Z"),
            ("at=14/7/2026&at-time=9:30:07am", "2026-07-14T08:30:07.999999Z"),
            ("at=2026-07-14T08:30:00.000001Z", "2026-07-14T08:30:00.000001Z"),
            // What has begun is meant up to now.
            ("at=20/7/2026", "2026-07-20T12:00:30Z"),
            ("at=20/7/2026&at-time=1pm", "2026-07-20T12:00:30Z"),
        ] {
            let (field, faults) = read(query);
            assert!(faults.is_empty(), "{query}: {faults:?}");
            assert_eq!(field.at, Some(instant.parse::<jiff::Timestamp>().unwrap().into()), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_beside_its_field() {
        for (query, name, fault) in [
            ("at=31/2/2026", "at", "Enter a date, like 27/3/2026"),
            ("at=soon", "at", "Enter a date, like 27/3/2026"),
            ("at-time=9am", "at", "Enter a date, like 27/3/2026"),
            ("at=1/3/9999", "at", "The date and time must be in the past"),
            ("at=14/7/2026&at-time=25:00", "at-time", "Enter a time, like 2:30pm or 14:30"),
            ("at=21/7/2026", "at", "The date and time must be in the past"),
            ("at=20/7/2026&at-time=1:01pm", "at", "The date and time must be in the past"),
            ("at=2027-01-01T00:00:00Z", "at", "The date and time must be in the past"),
        ] {
            let (field, faults) = read(query);
            assert_eq!(faults.of(name), Some(fault), "{query}");
            assert_eq!(field.at, None, "{query}");
        }
        let (field, _) = read("at=31/2/2026&at-time=<b>");
        assert_eq!((field.date.as_str(), field.time.as_str()), ("31/2/2026", "<b>"));
    }

    #[test]
    fn an_exact_instant_fills_the_fields() {
        let (field, _) = read("at=2026-07-14T08:30:07.5Z");
        assert_eq!((field.date.as_str(), field.time.as_str()), ("14/7/2026", "9:30:07am"));
    }
}
