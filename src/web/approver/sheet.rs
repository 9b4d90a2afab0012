//! The list of who has access, as CSV for a spreadsheet.

use axum::extract::State;
use vouchsafe_events::Timestamp;
use vouchsafe_projections::Organisation;

use super::members::{self, Member};
use super::{Names, school};
use crate::web::sheet::{self, sheet};
use crate::web::{ApproverOf, Problem, Reply, Site, when};

const HEADINGS: [&str; 8] =
    ["Name", "Email address", "Approver", "Since", "Given by", "Last signed in", "Ends", "Last confirmed"];

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

/// The whole list.
fn write(organisation: &Organisation, names: &dyn Names, now: Timestamp) -> Result<Vec<u8>, csv::Error> {
    sheet(HEADINGS, members::all(organisation, names, now).into_iter().map(row))
}

/// Sends the list. The wrapper around all handlers adds `no-store` and `nosniff`.
pub(super) async fn download(State(site): State<Site>, by: ApproverOf) -> Result<Reply, Problem> {
    let now = site.app.now();
    let sheet = write(&school(&site, &by)?, &*site.app, now);
    sheet::send(sheet, &format!("users-{}", when::date_iso(now)))
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
}
