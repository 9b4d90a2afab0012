//! Dates and times as people in England read them: in London's time, in the GOV.UK style.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use vouchsafe_events::Timestamp;

/// London's time zone. The database is built in, so it is always found.
pub(crate) fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}

/// The date on which an instant falls in London.
pub(crate) fn day(at: Timestamp) -> Date {
    at.to_jiff().to_zoned_datetime(london()).date()
}

/// A date in words: "3 March 2026".
pub(crate) fn date(at: Timestamp) -> String {
    day(at).strftime("%-d %B %Y").to_string()
}

/// A date and time in words: "3 March 2026 at 2:05pm", "3 March 2026 at midday".
pub(crate) fn date_time(at: Timestamp) -> String {
    format!("{} at {}", date(at), time(at))
}

/// A time of day in words: "2:05pm", "midday".
pub(crate) fn time(at: Timestamp) -> String {
    let there = at.to_jiff().to_zoned_datetime(london());
    let half = if there.hour() < 12 { "am" } else { "pm" };
    let hour = (there.hour() + 11) % 12 + 1;
    match (there.hour(), there.minute()) {
        (0, 0) => "midnight".to_owned(),
        (12, 0) => "midday".to_owned(),
        (_, 0) => format!("{hour}{half}"),
        (_, minute) => format!("{hour}:{minute:02}{half}"),
    }
}

/// A date for spreadsheets and `<time>`: "2026-03-03".
pub(crate) fn date_iso(at: Timestamp) -> String {
    day(at).to_string()
}

/// The last instant of a day in London: what is good until then is good all that day. None if the day is
/// beyond what instants can tell.
pub(crate) fn end_of(day: Date) -> Option<Timestamp> {
    let next = day.tomorrow().ok()?.to_zoned_datetime(london()).ok()?;
    Some(Timestamp::from_micros(next.timestamp().as_microsecond() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn dates_are_londons_in_summer_and_in_winter() {
        assert_eq!(date(at("2026-03-03T23:30:00Z")), "3 March 2026");
        assert_eq!(date(at("2026-07-03T23:30:00Z")), "4 July 2026");
        assert_eq!(date_iso(at("2026-07-03T23:30:00Z")), "2026-07-04");
    }

    #[test]
    fn times_are_written_in_the_govuk_style() {
        for (instant, words) in [
            ("2026-03-03T14:05:59Z", "3 March 2026 at 2:05pm"),
            ("2026-03-03T10:00:00Z", "3 March 2026 at 10am"),
            ("2026-03-03T12:00:00Z", "3 March 2026 at midday"),
            ("2026-03-03T12:30:00Z", "3 March 2026 at 12:30pm"),
            ("2026-03-03T00:00:00Z", "3 March 2026 at midnight"),
            ("2026-03-03T00:09:00Z", "3 March 2026 at 12:09am"),
            ("2026-07-03T10:15:00Z", "3 July 2026 at 11:15am"),
        ] {
            assert_eq!(date_time(at(instant)), words);
        }
    }

    #[test]
    fn a_day_ends_when_the_next_begins_in_london() {
        let date = |day, month| Date::new(2026, month, day).unwrap();
        assert_eq!(end_of(date(3, 3)), Some(at("2026-03-03T23:59:59.999999Z")));
        assert_eq!(end_of(date(3, 7)), Some(at("2026-07-03T22:59:59.999999Z")));
        assert_eq!(end_of(date(29, 3)), Some(at("2026-03-29T22:59:59.999999Z")));
        assert_eq!(end_of(Date::MAX), None);
        assert_eq!(day(end_of(date(25, 10)).unwrap()), date(25, 10));
    }
}
