//! Everybody's access to one organisation through time, drawn as SVG: no script and no style of its own, so that the
//! page's content policy can stay strict.
//!
//! Each person is a row with three lanes: what they are is told by the lane, not by its colour alone.

use std::fmt::Write;

use jiff::civil::Date;
use vouchsafe_events::Timestamp;

use crate::audit::lineage::Role;
use crate::web::dates;
use crate::web::when::day;

/// How wide the picture is, in its own units.
const WIDTH: i64 = 1000;
/// Room for the names at the left.
const LEFT: i64 = 240;
/// The room that a name's letters take at most, in letters.
const LETTERS: usize = 30;
/// How high a row is.
const ROW: i64 = 32;
/// How high a lane is.
const LANE: i64 = 6;
/// Room for the dates above and below the rows.
const AXIS: i64 = 30;
/// At most this many dates stand on an axis.
const MOST_DATES: i64 = 8;

/// Dark blue, blue and green of the GOV.UK palette: each against white at more than 4.5 to 1.
const fn colour(role: Role) -> &'static str {
    match role {
        Role::Approver => "#003078",
        Role::User => "#1d70b8",
        Role::Listed => "#00703c",
    }
}

/// How far below a row's top the lane begins.
const fn lane(role: Role) -> i64 {
    match role {
        Role::Approver => 5,
        Role::User => 12,
        Role::Listed => 19,
    }
}

/// One person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Their name.
    pub(super) name: String,
    /// What they were, from when, until when.
    pub(super) bars: Vec<(Role, Timestamp, Timestamp)>,
    /// When they signed in.
    pub(super) sign_ins: Vec<Timestamp>,
    /// When they decided about somebody else.
    pub(super) decisions: Vec<Timestamp>,
}

/// The time that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// From when.
    pub(super) from: Timestamp,
    /// Until when.
    pub(super) to: Timestamp,
}

impl Span {
    /// Where an instant lies, in tenths of a unit from the left; none outside the span.
    fn x(self, at: Timestamp) -> Option<i64> {
        let whole = i128::from(self.to.micros()) - i128::from(self.from.micros());
        let into = i128::from(at.micros()) - i128::from(self.from.micros());
        if whole <= 0 || !(0..=whole).contains(&into) {
            return None;
        }
        let room = i128::from((WIDTH - LEFT - 10) * 10);
        i64::try_from(into * room / whole).ok().map(|x| LEFT * 10 + x)
    }

    fn within(self, at: Timestamp) -> Timestamp {
        at.clamp(self.from, self.to)
    }

    /// First days of months, or of years, of which a few are in the span.
    fn dates(self) -> Vec<(Timestamp, String)> {
        let (first, last) = (day(self.from), day(self.to));
        let months = i64::from(last.year() - first.year()) * 12 + i64::from(last.month() - first.month());
        let step = [1, 2, 3, 6, 12, 24, 60, 120].into_iter().find(|step| months / step < MOST_DATES);
        let step = step.unwrap_or(1200);
        let mut found = Vec::new();
        let mut number = i64::from(first.year()) * 12 + i64::from(first.month()) - 1;
        number += (step - number.rem_euclid(step)) % step;
        while let Some(date) = month(number) {
            if date > last {
                break;
            }
            let words = if step < 12 { date.strftime("%b %Y") } else { date.strftime("%Y") }.to_string();
            found.extend(dates::begin(date).filter(|at| self.x(*at).is_some()).map(|at| (at, words)));
            number += step;
        }
        found
    }
}

/// The first day of a month that is counted from the year 0.
fn month(number: i64) -> Option<Date> {
    let year = i16::try_from(number.div_euclid(12)).ok()?;
    Date::new(year, i8::try_from(number.rem_euclid(12) + 1).ok()?, 1).ok()
}

/// Tenths of a unit as SVG has them.
fn tenths(x: i64) -> String {
    format!("{}.{}", x / 10, x % 10)
}

/// Draws the rows. `shut` is when the organisation was closed. `title` and `text` say what the picture shows, to
/// whoever cannot see it; the page gives the same in tables.
pub(super) fn draw(
    title: &str,
    text: &str,
    rows: &[Row],
    shut: &[(Timestamp, Timestamp)],
    span: Span,
) -> String {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX / ROW / 4);
    let floor = AXIS + count * ROW;
    let height = floor + AXIS;
    let mut svg = String::new();
    // Writing to a text cannot fail.
    let _ = write!(
        svg,
        r#"<svg class="app-picture" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="picture-title picture-text"><title id="picture-title">{}</title><desc id="picture-text">{}</desc>"#,
        escaped(title),
        escaped(text)
    );
    for (from, to) in shut {
        let (from, to) = (span.x(span.within(*from)), span.x(span.within(*to)));
        if let Some((from, to)) = from.zip(to) {
            rect(&mut svg, from, AXIS, to - from, floor - AXIS, "#cecece");
        }
    }
    for (at, words) in span.dates() {
        let Some(x) = span.x(at) else { continue };
        // At the right edge there is no room for a date's words, only for its line.
        let fits = x <= (WIDTH - 80) * 10;
        let x = tenths(x);
        let _ = write!(svg, r##"<line x1="{x}" y1="{AXIS}" x2="{x}" y2="{floor}" stroke="#b1b4b6"/>"##);
        for y in [AXIS - 8, floor + 20].into_iter().filter(|_| fits) {
            let _ = write!(svg, r##"<text x="{x}" y="{y}" font-size="16" fill="#0b0c0c">{words}</text>"##);
        }
    }
    for (number, row) in (0_i64..).zip(rows) {
        draw_row(&mut svg, row, AXIS + number * ROW, span);
    }
    let _ = write!(svg, r##"<line x1="0" y1="{floor}" x2="{WIDTH}" y2="{floor}" stroke="#b1b4b6"/></svg>"##);
    svg
}

fn draw_row(svg: &mut String, row: &Row, top: i64, span: Span) {
    let _ = write!(
        svg,
        r##"<line x1="0" y1="{top}" x2="{WIDTH}" y2="{top}" stroke="#b1b4b6"/><text x="0" y="{}" font-size="16" fill="#0b0c0c">{}</text>"##,
        top + 21,
        escaped(&short(&row.name))
    );
    for (role, from, to) in &row.bars {
        let (from, to) = (span.x(span.within(*from)), span.x(span.within(*to)));
        if let Some((from, to)) = from.zip(to) {
            // What lasted for minutes is seen too.
            rect(svg, from, top + lane(*role), (to - from).max(20), LANE, colour(*role));
        }
    }
    let mut drawn = None;
    let mut times = row.sign_ins.clone();
    times.sort_unstable();
    for x in times.into_iter().filter_map(|at| span.x(at)) {
        // Marks that would lie on each other are one.
        if drawn.is_none_or(|last| x - last >= 30) {
            rect(svg, x, top + 26, 20, 5, "#0b0c0c");
            drawn = Some(x);
        }
    }
    let mut drawn = None;
    let mut times = row.decisions.clone();
    times.sort_unstable();
    for x in times.into_iter().filter_map(|at| span.x(at)) {
        if drawn.is_none_or(|last| x - last >= 40) {
            let (across, y) = (tenths(x), top + lane(Role::Approver) + LANE / 2);
            let _ =
                write!(svg, r##"<circle cx="{across}" cy="{y}" r="4" fill="#ffdd00" stroke="#0b0c0c"/>"##);
            drawn = Some(x);
        }
    }
}

fn rect(svg: &mut String, x: i64, y: i64, width: i64, height: i64, fill: &str) {
    let (x, width) = (tenths(x), tenths(width));
    let _ = write!(svg, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>"#);
}

/// A name that fits into its room. The table has it whole.
fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let start: String = name.chars().take(LETTERS - 1).collect();
    format!("{}…", start.trim_end())
}

/// What may stand in SVG text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    fn span() -> Span {
        Span { from: at("2025-01-01T00:00:00Z"), to: at("2025-12-31T00:00:00Z") }
    }

    #[test]
    fn a_bar_lies_where_its_time_does() {
        let whole = span();
        assert_eq!(whole.x(whole.from), Some(2400));
        assert_eq!(whole.x(whole.to), Some(9900));
        assert_eq!(whole.x(at("2024-12-31T00:00:00Z")), None);
        let bars = vec![
            (Role::User, at("2024-06-01T00:00:00Z"), at("2025-07-02T00:00:00Z")),
            (Role::Approver, at("2025-07-02T00:00:00Z"), at("2025-12-31T00:00:00Z")),
        ];
        let row = Row { name: "Ann".to_owned(), bars, ..Row::default() };
        let svg = draw("t", "d", &[row], &[], whole);
        assert!(
            svg.contains(r##"<rect x="240.0" y="42" width="375.0" height="6" fill="#1d70b8"/>"##),
            "{svg}"
        );
        assert!(
            svg.contains(r##"<rect x="615.0" y="35" width="375.0" height="6" fill="#003078"/>"##),
            "{svg}"
        );
        assert!(!svg.contains("style"));
    }

    #[test]
    fn an_axis_has_a_few_dates_of_months_or_years() {
        let words = |from: &str, to: &str| {
            let dates = Span { from: at(from), to: at(to) }.dates();
            dates.into_iter().map(|(_, words)| words).collect::<Vec<_>>()
        };
        assert_eq!(
            words("2025-01-10T00:00:00Z", "2025-12-31T00:00:00Z"),
            ["Mar 2025", "May 2025", "Jul 2025", "Sept 2025", "Nov 2025"]
                .map(|words| words.replace("Sept", "Sep"))
        );
        assert_eq!(words("2020-02-01T00:00:00Z", "2024-12-31T00:00:00Z"), ["2021", "2022", "2023", "2024"]);
        assert!(words("2025-01-10T00:00:00Z", "2025-01-20T00:00:00Z").is_empty());
    }

    #[test]
    fn two_hundred_people_have_a_row_each_and_marks_do_not_pile_up() {
        let many: Vec<Timestamp> = (0..5000).map(|minute| span().from.plus_seconds(minute * 60)).collect();
        let row = |number: usize| Row {
            name: format!("Person number {number} with a name that is rather long"),
            bars: vec![(Role::User, span().from, span().to)],
            sign_ins: many.clone(),
            decisions: many.clone(),
        };
        let rows: Vec<Row> = (0..200).map(row).collect();
        let svg = draw("t", "d", &rows, &[(span().from, span().to)], span());
        assert!(svg.contains(&format!(r#"viewBox="0 0 1000 {}""#, 200 * 32 + 60)));
        assert_eq!(svg.matches("1d70b8").count(), 200);
        assert!(svg.len() < 400_000, "{}", svg.len());
        assert!(svg.contains("Person number 7 with a name t…"));
    }

    #[test]
    fn text_cannot_become_markup() {
        let row = Row { name: "<script>\"&".to_owned(), ..Row::default() };
        let svg = draw("</svg>", "</svg>", &[row], &[], span());
        assert!(!svg.contains("<script") && svg.matches("</svg>").count() == 1);
    }
}
