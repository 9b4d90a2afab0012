//! Dates as auditors and support agents type them.

use jiff::civil::Date;
use vouchsafe_events::Timestamp;

use super::when;

/// The months, by the first three letters of their names.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads "27/3/2026", "27 March 2026" or "2026-03-27".
pub(crate) fn parse(text: &str) -> Option<Date> {
    let parts: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let &[first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    if year.len() != 4 {
        return None;
    }
    let month = month.parse::<i8>().ok().or_else(|| named(month))?;
    Date::new(year.parse().ok()?, month, day.parse().ok()?).ok()
}

/// The number of a month that is written as a word.
fn named(month: &str) -> Option<i8> {
    let start = month.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|name| *name == start)?;
    i8::try_from(at + 1).ok()
}

/// A date as it stands in the form's field.
pub(crate) fn field(date: Date) -> String {
    date.strftime("%-d/%-m/%Y").to_string()
}

/// The first instant of a day in London.
pub(crate) fn begin(date: Date) -> Option<Timestamp> {
    after(date.yesterday().ok()?)
}

/// The first instant in London after a day.
pub(crate) fn after(date: Date) -> Option<Timestamp> {
    when::end_of(date).map(|last| Timestamp::from_micros(last.micros() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_may_be_typed_in_several_ways() {
        let date = Date::new(2026, 3, 7).unwrap();
        for text in
            ["7/3/2026", "07/03/2026", "7 March 2026", "7 mar 2026", "2026-03-07", " 7.3.2026 ", "7-3-2026"]
        {
            assert_eq!(parse(text), Some(date), "{text}");
        }
        assert_eq!(parse(&field(date)), Some(date));
    }

    #[test]
    fn what_is_no_date_is_not_taken_for_one() {
        for text in
            ["", "7/3", "7/3/26", "30/2/2026", "7/13/2026", "7 foo 2026", "7 mä 2026", "1/2/3/2026", "2026"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_is_londons() {
        let day = |text: &str| parse(text).unwrap();
        let at = |text: &str| Timestamp::from(text.parse::<jiff::Timestamp>().unwrap());
        assert_eq!(begin(day("2026-07-03")), Some(at("2026-07-02T23:00:00Z")));
        assert_eq!(after(day("2026-07-03")), Some(at("2026-07-03T23:00:00Z")));
        assert_eq!(begin(day("2026-12-03")), Some(at("2026-12-03T00:00:00Z")));
    }
}
