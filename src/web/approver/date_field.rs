//! The optional end date: three boxes, as the GOV.UK Design System's date input has them.

use jiff::civil::Date;
use serde::Deserialize;
use vouchsafe_events::Timestamp;

use crate::web::form::Faults;
use crate::web::when;

const DAY: &str = "ends-day";
const MONTH: &str = "ends-month";
const YEAR: &str = "ends-year";

/// What was typed as an end date. Nothing at all means that there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct EndDate {
    #[serde(default, rename = "ends-day")]
    day: String,
    #[serde(default, rename = "ends-month")]
    month: String,
    #[serde(default, rename = "ends-year")]
    year: String,
}

/// One of the three boxes.
pub(super) struct Part {
    /// Its id and name.
    pub(super) field: &'static str,
    /// Its label.
    pub(super) label: &'static str,
    /// How many characters wide it is.
    pub(super) width: u8,
    /// What was typed.
    pub(super) typed: String,
    /// Whether it has to be mended.
    pub(super) wrong: bool,
}

/// The field as it is shown.
pub(super) struct Field {
    /// What is wrong with the date.
    pub(super) fault: Option<String>,
    /// The three boxes.
    pub(super) parts: [Part; 3],
}

impl EndDate {
    /// The boxes as they are first shown for access that ends at an instant.
    pub(super) fn showing(ends: Option<Timestamp>) -> Self {
        ends.map(when::day).map_or_else(Self::default, |date| Self {
            day: date.day().to_string(),
            month: date.month().to_string(),
            year: date.year().to_string(),
        })
    }

    /// What was typed in fields of a form that is read field by field.
    pub(super) fn from_fields(fields: &[(String, String)]) -> Self {
        let typed = |name: &str| {
            let found = fields.iter().find(|(field, _)| field == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Self { day: typed(DAY), month: typed(MONTH), year: typed(YEAR) }
    }

    /// The instant at which access ends: the end of that day in London. None if no date was typed, or if
    /// something is wrong with it, which is then among the faults.
    pub(super) fn parse(&self, now: Timestamp, faults: &mut Faults) -> Option<Timestamp> {
        let (day, month, year) = (self.day.trim(), self.month.trim(), self.year.trim());
        let boxes = [(day, DAY, "day"), (month, MONTH, "month"), (year, YEAR, "year")];
        let missing: Vec<_> = boxes.iter().filter(|(typed, ..)| typed.is_empty()).collect();
        let names: Vec<&str> = missing.iter().map(|(_, _, name)| *name).collect();
        match missing.first() {
            None => {}
            Some(_) if missing.len() == boxes.len() => return None,
            Some((_, field, _)) => {
                faults.add(*field, format!("End date must include a {}", names.join(" and a ")));
                return None;
            }
        }
        match when_ends(day, month, year, now) {
            Ok(ends) => Some(ends),
            Err((field, text)) => {
                faults.add(field, text);
                None
            }
        }
    }

    /// Says that the end date has passed, where a decision found so.
    pub(super) fn has_passed(faults: &mut Faults) {
        faults.add(DAY, PASSED);
    }

    /// The field as it is shown.
    pub(super) fn field(&self, faults: &Faults) -> Field {
        // Where the date as a whole is wrong, all boxes are marked.
        let whole = faults.of(DAY).is_some_and(|text| text == PASSED || text == NOT_REAL);
        let part = |field, label, width, typed: &String| {
            let wrong = whole || faults.of(field).is_some();
            Part { field, label, width, typed: typed.clone(), wrong }
        };
        let parts = [
            part(DAY, "Day", 2, &self.day),
            part(MONTH, "Month", 2, &self.month),
            part(YEAR, "Year", 4, &self.year),
        ];
        let fault = parts.iter().find_map(|part| faults.of(part.field)).map(str::to_owned);
        Field { fault, parts }
    }
}

const PASSED: &str = "End date must be today or in the future";
const NOT_REAL: &str = "End date must be a real date";

/// Reads the three boxes, none of which is empty.
fn when_ends(
    day: &str,
    month: &str,
    year: &str,
    now: Timestamp,
) -> Result<Timestamp, (&'static str, &'static str)> {
    if year.len() != 4 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err((YEAR, "Year must include 4 numbers"));
    }
    let date = || Date::new(year.parse().ok()?, month_number(month)?, day.parse().ok()?).ok();
    let ends = date().and_then(when::end_of).ok_or((DAY, NOT_REAL))?;
    if ends <= now { Err((DAY, PASSED)) } else { Ok(ends) }
}

/// A month as people write it: "3", "03", "March" or "mar".
fn month_number(text: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let typed = text.to_lowercase();
    let named = || (typed.len() >= 3).then(|| MONTHS.iter().position(|month| month.starts_with(&typed)))?;
    typed.parse().ok().or_else(|| i8::try_from(named()? + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T12:00:00.000000Z".parse().unwrap()
    }

    fn read(day: &str, month: &str, year: &str) -> (Option<Timestamp>, Option<String>) {
        let date = EndDate { day: day.into(), month: month.into(), year: year.into() };
        let mut faults = Faults::default();
        (date.parse(now(), &mut faults), date.field(&faults).fault)
    }

    #[test]
    fn no_date_is_no_end() {
        assert_eq!(read("", " ", ""), (None, None));
    }

    #[test]
    fn access_ends_with_the_day() {
        let today = "2026-11-25T23:59:59.999999Z".parse().ok();
        for month in ["11", "Nov", "november"] {
            assert_eq!(read("25", month, "2026"), (today, None), "{month}");
        }
        let summer: Timestamp = "2027-06-30T22:59:59.999999Z".parse().unwrap();
        assert_eq!(read("30", "6", "2027").0, Some(summer));
        let shown = EndDate::showing(Some(summer));
        assert_eq!(shown, EndDate { day: "30".into(), month: "6".into(), year: "2027".into() });
    }

    #[test]
    fn what_is_wrong_is_said_in_plain_words() {
        for (day, month, year, fault) in [
            ("", "6", "2027", "End date must include a day"),
            ("", "", "2027", "End date must include a day and a month"),
            ("31", "6", "2027", NOT_REAL),
            ("x", "6", "2027", NOT_REAL),
            ("1", "13", "2027", NOT_REAL),
            ("1", "ma", "2027", NOT_REAL),
            ("1", "6", "27", "Year must include 4 numbers"),
            ("24", "11", "2026", PASSED),
        ] {
            assert_eq!(read(day, month, year), (None, Some(fault.to_owned())), "{day} {month} {year}");
        }
    }
}
