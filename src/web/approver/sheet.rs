//! The list of who has access, as CSV for a spreadsheet (RFC 4180, with a byte order mark, without which
//! Excel does not read UTF-8).

use axum::extract::State;
use http::header;
use vouchsafe_events::Timestamp;
use vouchsafe_projections::Organisation;

use super::members::{self, Member};
use super::{Names, school};
use crate::web::{ApproverOf, Problem, Reply, Site, when};

const HEADINGS: [&str; 8] =
    ["Name", "Email address", "Approver", "Since", "Given by", "Last signed in", "Ends", "Last confirmed"];

/// A cell that no spreadsheet takes for a formula: ASVS 5.0, 1.2.10, and OWASP's advice on CSV injection.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell
    }
}

fn row(member: Member) -> [String; 8] {
    let date = |at: Option<Timestamp>| at.map(when::date_iso).unwrap_or_default();
    let approver = if member.approver.is_some() { "Yes" } else { "No" };
    let confirmed = member.confirmed.map(|confirmation| confirmation.at);
    [
        member.name,
        member.email,
        approver.to_owned(),
        date(Some(member.since)),
        member.by,
        date(member.last),
        date(member.ends),
        date(confirmed),
    ]
}

/// A sheet with these headings and rows, none of which is taken for a formula.
pub(in crate::web) fn sheet<const N: usize>(
    headings: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(headings)?;
    for row in rows {
        writer.write_record(row.map(harmless))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Sends a sheet.
pub(in crate::web) fn send(sheet: Result<Vec<u8>, csv::Error>, name: &str) -> Result<Reply, Problem> {
    let sheet = sheet.map_err(|error| {
        tracing::error!(%error, "a sheet could not be written");
        Problem::Internal
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok(Reply::other((headers, sheet)))
}

/// The whole list.
fn write(organisation: &Organisation, names: &dyn Names, now: Timestamp) -> Result<Vec<u8>, csv::Error> {
    sheet(HEADINGS, members::all(organisation, names, now).into_iter().map(row))
}

/// Sends the list. The wrapper around all handlers adds `no-store` and `nosniff`.
pub(super) async fn download(State(site): State<Site>, by: ApproverOf) -> Result<Reply, Problem> {
    let now = site.app.now();
    let sheet = write(&school(&site, &by)?, &*site.app, now);
    send(sheet, &format!("users-{}", when::date_iso(now)))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Known, greenhill, now};
    use super::*;

    #[test]
    fn the_sheet_holds_everybody_with_access() {
        let sheet = String::from_utf8(write(&greenhill(), &Known, now()).unwrap()).unwrap();
        let expected = [
            "\u{feff}Name,Email address,Approver,Since,Given by,Last signed in,Ends,Last confirmed",
            "Ann Lee,p1@greenhill.example,Yes,2026-01-05,DfE Sign-in,,,",
            "bob Hill,p2@greenhill.example,Yes,2026-02-05,Ann Lee,,,",
            "Cai <b>Vo</b>,p3@greenhill.example,No,2026-04-03,Ann Lee,2026-11-20,2027-06-30,",
            "",
        ];
        assert_eq!(sheet, expected.join("\r\n"));
    }

    #[test]
    fn no_cell_is_taken_for_a_formula() {
        for bad in ["=1+1", "+44", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "\0x", "＝1"] {
            assert_eq!(harmless(bad.to_owned()), format!("'{bad}"));
        }
        for good in ["Ann", "a=b", "", "'x"] {
            assert_eq!(harmless(good.to_owned()), good);
        }
    }
}
