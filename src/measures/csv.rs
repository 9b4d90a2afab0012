//! The measures for a spreadsheet.

use super::Happened;

/// The names of the columns.
const COLUMNS: [&str; 21] = [
    "first day",
    "last day",
    "schools that got in without support",
    "schools that support added",
    "requests made",
    "requests granted",
    "requests declined",
    "requests withdrawn",
    "requests expired",
    "median wait in hours",
    "90th percentile wait in hours",
    "sign-ins with DfE Sign-in",
    "sign-ins with a one-time password",
    "sign-ins refused",
    "one-time passwords asked for",
    "one-time passwords issued",
    "one-time passwords used",
    "one-time passwords never used",
    "codes not taken",
    "emails sent",
    "emails given up on",
];

/// One row for each part. Every value is a number or a date of ours, so none can be taken for a formula.
pub(super) fn write(parts: &[Happened]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for part in parts {
        let counts = &part.counts;
        let hours = |wait: Option<i64>| wait.map_or_else(String::new, tenths_of_hours);
        writer.write_record([
            part.period.first().to_string(),
            part.period.last().to_string(),
            part.schools_alone.to_string(),
            part.schools_helped.to_string(),
            counts.requests.to_string(),
            part.granted.to_string(),
            part.declined.to_string(),
            part.withdrawn.to_string(),
            part.expired.to_string(),
            hours(part.waits.median),
            hours(part.waits.ninetieth),
            counts.signed_in_by_dfe.to_string(),
            counts.signed_in_by_code.to_string(),
            counts.turned_away.to_string(),
            counts.asked.to_string(),
            counts.issued.to_string(),
            counts.used.to_string(),
            counts.never_used.to_string(),
            counts.refused.to_string(),
            counts.mails_sent.to_string(),
            counts.mails_failed.to_string(),
        ])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// Hours with one decimal.
fn tenths_of_hours(seconds: i64) -> String {
    let tenths = (seconds + 180) / 360;
    format!("{}.{}", tenths / 10, tenths % 10)
}
