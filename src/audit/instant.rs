//! Instants as auditors type them: a date and a time of day in London, or one whole text.

use jiff::civil::{Date, Time};
use vouchsafe_events::Timestamp;

use crate::web::dates;
use crate::web::when::{end_of, london};

/// Reads a time of day: "2:30pm", "14:30", "9am", "midday", "midnight" (which begins the day).
pub fn time(text: &str) -> Option<Time> {
    let text = text.trim().to_ascii_lowercase().replace(' ', "");
    match text.as_str() {
        "midday" | "noon" => return Time::new(12, 0, 0, 0).ok(),
        "midnight" => return Some(Time::midnight()),
        _ => {}
    }
    let (digits, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        (None, None) => (text.as_str(), None),
    };
    let mut parts = digits.split([':', '.']);
    let mut number = || {
        let part = parts.next()?;
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<i8>().ok()).flatten()
    };
    let hour = number()?;
    let (minute, second) = (number(), number());
    let colons = digits.matches([':', '.']).count();
    let given = usize::from(minute.is_some()) + usize::from(second.is_some());
    if colons != given || (half.is_none() && minute.is_none()) {
        return None;
    }
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    Time::new(hour, minute.unwrap_or(0), second.unwrap_or(0), 0).ok()
}

/// The instant of a date and a time of day in London; without a time, the end of that day. A time that clocks show
/// twice when they go back is the earlier one. None if that is beyond what instants can tell.
pub fn in_london(date: Date, time: Option<Time>) -> Option<Timestamp> {
    let Some(time) = time else { return end_of(date) };
    let there = date.to_datetime(time).to_zoned_datetime(london()).ok()?;
    Some(there.timestamp().into())
}

/// Reads "2026-03-14T09:30:00Z" with its offset from UTC, or a date and perhaps a time in London: "14/3/2026",
/// "14 March 2026 2:30pm", "2026-03-14T09:30", "2026-03-14". A date alone is the end of that day.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(exact) = text.parse::<jiff::Timestamp>() {
        return Some(exact.into());
    }
    if let Some(date) = dates::parse(text) {
        return in_london(date, None);
    }
    let (date, clock) = text.split_once('T').or_else(|| text.rsplit_once(' '))?;
    in_london(dates::parse(date)?, Some(time(clock)?))
}

/// The same for where a time begins: a date alone is the beginning of that day.
pub fn parse_start(text: &str) -> Option<Timestamp> {
    dates::parse(text.trim()).map_or_else(|| parse(text), dates::begin)
}

/// An instant as it stands in an address: exact, in UTC.
pub fn exact(at: Timestamp) -> String {
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn a_time_may_be_typed_in_several_ways() {
        for (text, hour, minute) in [
            ("2:30pm", 14, 30),
            ("2.30 PM", 14, 30),
            ("14:30", 14, 30),
            ("9am", 9, 0),
            ("12am", 0, 0),
            ("12pm", 12, 0),
            ("midday", 12, 0),
            ("midnight", 0, 0),
            ("00:00", 0, 0),
        ] {
            assert_eq!(time(text), Time::new(hour, minute, 0, 0).ok(), "{text}");
        }
        assert_eq!(time("09:05:59"), Time::new(9, 5, 59, 0).ok());
        for text in [
            "",
            "9",
            "25:00",
            "13pm",
            "0am",
            "9:60",
            "9:",
            "a:b",
            "9:00:00:00",
            "+9:00",
            "-1:00",
            "9:+5",
            "ä",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_londons_unless_it_says_otherwise() {
        for (text, instant) in [
            ("2026-03-14T09:30:00Z", "2026-03-14T09:30:00Z"),
            ("2026-07-14T09:30:00.123456Z", "2026-07-14T09:30:00.123456Z"),
            ("2026-07-14T09:30:00+02:00", "2026-07-14T07:30:00Z"),
            ("2026-07-14T09:30", "2026-07-14T08:30:00Z"),
            ("14/7/2026 9:30am", "2026-07-14T08:30:00Z"),
            ("14 March 2026 2:30pm", "2026-03-14T14:30:00Z"),
            ("2026-07-14", "2026-07-14T22:59:59.999999Z"),
            ("14 March 2026", "2026-03-14T23:59:59.999999Z"),
            // Clocks go back at 2am: the earlier of the two.
            ("25/10/2026 1:30am", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(parse(text), Some(at(instant)), "{text}");
        }
        for text in ["", "31/2/2026", "14/3/2026 25:00", "yesterday", "2026-02-31T09:00:00Z", "9999-12-31"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_that_begins_with_a_date_begins_with_that_day() {
        assert_eq!(parse_start("14/7/2026"), Some(at("2026-07-13T23:00:00Z")));
        assert_eq!(parse_start("14/7/2026 9:30am"), Some(at("2026-07-14T08:30:00Z")));
        assert_eq!(parse_start("31/2/2026"), None);
    }

    #[test]
    fn an_instant_in_an_address_is_exact() {
        let instant = at("2026-07-14T09:30:00.123456Z");
        assert_eq!(parse(&exact(instant)), Some(instant));
    }
}
