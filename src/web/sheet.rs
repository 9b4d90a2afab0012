//! Sheets: CSV for a spreadsheet (RFC 4180, with a byte order mark, without which Excel does not read UTF-8).

use http::header;

use super::{Problem, Reply};

/// A cell that no spreadsheet takes for a formula: ASVS 5.0, 1.2.10, and OWASP's advice on CSV injection.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell
    }
}

/// A sheet with these headings and rows, none of which is taken for a formula.
pub(super) fn sheet<const N: usize>(
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
pub(super) fn send(sheet: Result<Vec<u8>, csv::Error>, name: &str) -> Result<Reply, Problem> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
