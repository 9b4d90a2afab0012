//! What support's work is measured by, for a period.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

use crate::measures::{Bar, Happened, NotAPeriod, Period, Report, bars, in_words};
use crate::web::dates;
use crate::web::form::Faults;
use crate::web::sheet;
use crate::web::{Frame, Problem, Reply, Site, Support, links, when};

/// The period that is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// One part of the period, for the table under the plots.
struct Row {
    begins: String,
    alone: usize,
    helped: usize,
    answered: usize,
    median: String,
    ninetieth: String,
    used: u32,
    never_used: u32,
}

#[derive(Template)]
#[template(path = "web/support/measures.html")]
struct Page {
    frame: Frame,
    from: String,
    to: String,
    /// The period in words.
    period: String,
    faults: Faults,
    report: Report,
    /// What share of the schools got in without support, in words.
    share: String,
    median: String,
    ninetieth: String,
    schools: String,
    codes: String,
    rows: Vec<Row>,
    csv: String,
}

/// The period that is meant, or the last twelve weeks and what is wrong.
fn period(asked: &Asked, site: &Site, faults: &mut Faults) -> Period {
    let latest = Period::latest(site.app.now());
    if asked.from.trim().is_empty() && asked.to.trim().is_empty() {
        return latest;
    }
    let mut read = |field: &'static str, text: &str| {
        let date = dates::parse(text);
        if date.is_none() {
            faults.add(field, "Enter a date, like 27/3/2026");
        }
        date
    };
    let (from, to) = (read("from", &asked.from), read("to", &asked.to));
    let Some((from, to)) = from.zip(to) else { return latest };
    match Period::new(from, to) {
        Ok(period) => period,
        Err(why) => {
            faults.add(
                "to",
                match why {
                    NotAPeriod::EndsBeforeItBegins => {
                        "The last day must be the same as or after the first day"
                    }
                    NotAPeriod::TooLong => "The period must be 5 years or shorter",
                    NotAPeriod::OutOfReach => "Enter a date nearer to today",
                },
            );
            latest
        }
    }
}

fn waited(wait: Option<i64>) -> String {
    wait.map_or_else(|| "–".to_owned(), in_words)
}

fn short(date: jiff::civil::Date) -> String {
    date.strftime("%-d %b").to_string()
}

impl Row {
    fn of(part: &Happened) -> Self {
        Self {
            begins: part.period.first().strftime("%-d %B %Y").to_string(),
            alone: part.schools_alone,
            helped: part.schools_helped,
            answered: part.waits.answered,
            median: waited(part.waits.median),
            ninetieth: waited(part.waits.ninetieth),
            used: part.counts.used,
            never_used: part.counts.never_used,
        }
    }
}

fn page(frame: Frame, asked: &Asked, period: Period, report: Report, faults: Faults) -> Page {
    let in_field =
        |typed: &str, date| if typed.trim().is_empty() { dates::field(date) } else { typed.to_owned() };
    let all = report.whole.schools_alone + report.whole.schools_helped;
    let share = match all {
        0 => "No school got in for the first time.".to_owned(),
        all => format!(
            "{} of {all} schools that got in for the first time did so without support ({} per cent).",
            report.whole.schools_alone,
            report.whole.schools_alone * 100 / all
        ),
    };
    let plot = |title: &str, amounts: fn(&Happened) -> [usize; 2]| {
        let all: Vec<Bar> = report
            .parts
            .iter()
            .map(|part| Bar { label: short(part.period.first()), amounts: amounts(part) })
            .collect();
        bars(title, &all)
    };
    let words = |date: jiff::civil::Date| date.strftime("%-d %B %Y").to_string();
    Page {
        frame,
        from: in_field(&asked.from, period.first()),
        to: in_field(&asked.to, period.last()),
        period: format!("{} to {}", words(period.first()), words(period.last())),
        share,
        median: waited(report.whole.waits.median),
        ninetieth: waited(report.whole.waits.ninetieth),
        schools: plot("Schools that got in for the first time, without support and with it", |part| {
            [part.schools_alone, part.schools_helped]
        }),
        codes: plot("One-time passwords, used and never used", |part| {
            [part.counts.used as usize, part.counts.never_used as usize]
        }),
        rows: report.parts.iter().map(Row::of).collect(),
        csv: format!("{}?from={}&to={}", links::SUPPORT_MEASURES_CSV, period.first(), period.last()),
        report,
        faults,
    }
}

/// Shows the measures.
pub(super) async fn show(
    State(site): State<Site>,
    _: Support,
    Query(asked): Query<Asked>,
    frame: Frame,
) -> Result<Reply, Problem> {
    let mut faults = Faults::default();
    let period = period(&asked, &site, &mut faults);
    let now = site.app.now();
    let report = site.app.lists(|lists| Report::of(lists, period, now));
    let status = faults.status();
    Reply::page_with(status, &page(frame, &asked, period, report, faults))
}

/// The measures as CSV.
pub(super) async fn download(
    State(site): State<Site>,
    _: Support,
    Query(asked): Query<Asked>,
) -> Result<Reply, Problem> {
    let mut faults = Faults::default();
    let period = period(&asked, &site, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::BadRequest);
    }
    let now = site.app.now();
    let report = site.app.lists(|lists| Report::of(lists, period, now));
    sheet::send(report.csv(), &format!("measures-{}", when::date_iso(now)))
}
