//! What support's work is measured by, for a period, out of the lists: how many schools got in without support, how
//! long people wait, and what became of one-time passwords and mail.

mod csv;
mod plot;

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::Date;
use vouchsafe_events::{OrganisationKind, PersonId, Timestamp};
use vouchsafe_projections::{Counts, Lists, Measures, RequestEnd};

use crate::web::when;

pub(crate) use plot::{Bar, bars};

/// The longest period that is measured at once, in days: what a plot has room for, month by month.
pub(crate) const LONGEST_DAYS: i32 = 366 * 5;

/// Days, the first and the last of which count too, as London's calendar has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    first: Date,
    last: Date,
}

/// Why two days are no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAPeriod {
    /// The last day is before the first.
    EndsBeforeItBegins,
    /// There are more days than can be measured at once.
    TooLong,
    /// Instants do not reach so far.
    OutOfReach,
}

impl Period {
    /// The period from one day to another.
    pub(crate) fn new(first: Date, last: Date) -> Result<Self, NotAPeriod> {
        if last < first {
            return Err(NotAPeriod::EndsBeforeItBegins);
        }
        if first.until(last).map_or(i32::MAX, |span| span.get_days()) >= LONGEST_DAYS {
            return Err(NotAPeriod::TooLong);
        }
        let period = Self { first, last };
        period.instants().map(|_| period).ok_or(NotAPeriod::OutOfReach)
    }

    /// The twelve weeks up to and with the day of an instant.
    pub(crate) fn latest(now: Timestamp) -> Self {
        let last = when::day(now);
        let first = last.checked_sub(83.days()).unwrap_or(last);
        Self { first, last }
    }

    /// Its first day.
    pub(crate) const fn first(self) -> Date {
        self.first
    }

    /// Its last day.
    pub(crate) const fn last(self) -> Date {
        self.last
    }

    /// From the first day's first instant up to the last day's end.
    fn instants(self) -> Option<Range<Timestamp>> {
        let after = |day| when::end_of(day).map(|end| Timestamp::from_micros(end.micros() + 1));
        Some(after(self.first.yesterday().ok()?)?..after(self.last)?)
    }

    /// The period in parts that a plot and a table have room for: days, weeks or calendar months.
    fn parts(self) -> Vec<Self> {
        let days = self.first.until(self.last).map_or(0, |span| span.get_days());
        let after = |first: Date| match days {
            ..=31 => first.tomorrow(),
            32..=200 => first.checked_add(7.days()),
            _ => first.last_of_month().tomorrow(),
        };
        let mut parts = Vec::new();
        let mut first = self.first;
        while first <= self.last {
            let Ok(next) = after(first) else { break };
            let last = next.yesterday().unwrap_or(first).min(self.last);
            parts.push(Self { first, last });
            first = next;
        }
        parts
    }
}

/// How long requests waited for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    /// How many were answered.
    pub(crate) answered: usize,
    /// The wait that half of them did not exceed, in seconds.
    pub(crate) median: Option<i64>,
    /// The wait that nine of ten did not exceed, in seconds.
    pub(crate) ninetieth: Option<i64>,
}

impl Waits {
    /// Out of all waits, in seconds.
    fn of(mut waits: Vec<i64>) -> Self {
        waits.sort_unstable();
        // The nearest rank: a wait that somebody had.
        let rank = |percent: usize| waits.get((waits.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Self { answered: waits.len(), median: rank(50), ninetieth: rank(90) }
    }
}

/// What happened in a period, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    /// When.
    pub(crate) period: Period,
    /// Schools whose first person got in without support.
    pub(crate) schools_alone: usize,
    /// Schools whose first person support had to add.
    pub(crate) schools_helped: usize,
    /// How long requests waited that were granted or declined.
    pub(crate) waits: Waits,
    /// Requests that were granted.
    pub(crate) granted: usize,
    /// Requests that were declined.
    pub(crate) declined: usize,
    /// Requests that were taken back.
    pub(crate) withdrawn: usize,
    /// Requests that nobody decided in time.
    pub(crate) expired: usize,
    /// What is only counted.
    pub(crate) counts: Counts,
}

impl Happened {
    fn in_period(measures: &Measures, period: Period) -> Self {
        let instants = period.instants().unwrap_or(Timestamp::from_micros(0)..Timestamp::from_micros(0));
        let (mut granted, mut declined, mut withdrawn, mut expired) = (0, 0, 0, 0);
        let mut waits = Vec::new();
        for waited in measures.waited(&instants) {
            let count = match waited.how {
                RequestEnd::Granted => &mut granted,
                RequestEnd::Declined => &mut declined,
                RequestEnd::Withdrawn => &mut withdrawn,
                RequestEnd::Expired => &mut expired,
            };
            *count += 1;
            if matches!(waited.how, RequestEnd::Granted | RequestEnd::Declined) {
                waits.push(waited.ended.seconds_since(waited.asked).max(0));
            }
        }
        let schools: Vec<_> = measures.schools(&instants).collect();
        let schools_helped = schools.iter().filter(|school| school.by_support).count();
        Self {
            period,
            schools_alone: schools.len() - schools_helped,
            schools_helped,
            waits: Waits::of(waits),
            granted,
            declined,
            withdrawn,
            expired,
            counts: measures.counts(&instants),
        }
    }
}

/// Requests that wait, by how long they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    /// Less than a day.
    pub(crate) up_to_a_day: usize,
    /// A day to five days.
    pub(crate) up_to_five_days: usize,
    /// Five days to two weeks.
    pub(crate) up_to_two_weeks: usize,
    /// Longer.
    pub(crate) longer: usize,
    /// Of all these, those at a school where nobody can decide.
    pub(crate) without_approver: usize,
}

impl Open {
    /// All of them.
    pub(crate) const fn all(&self) -> usize {
        self.up_to_a_day + self.up_to_five_days + self.up_to_two_weeks + self.longer
    }

    fn now(lists: &Lists, now: Timestamp) -> Self {
        const DAY: i64 = 24 * 3600;
        let mut open = Self::default();
        for organisation in lists.organisations().filter(|organisation| !organisation.closed) {
            for request in organisation.open_requests() {
                let count = match now.seconds_since(request.at) {
                    ..DAY => &mut open.up_to_a_day,
                    waited if waited < 5 * DAY => &mut open.up_to_five_days,
                    waited if waited < 14 * DAY => &mut open.up_to_two_weeks,
                    _ => &mut open.longer,
                };
                *count += 1;
                // Nobody decides their own request.
                let decides = |approver: &PersonId| *approver != request.person;
                if !organisation.approvers.keys().any(decides) {
                    open.without_approver += 1;
                }
            }
        }
        open
    }
}

/// How it stands now, whatever the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Requests that wait.
    pub(crate) open: Open,
    /// Schools where somebody has, or had, access.
    pub(crate) schools_in: usize,
    /// People on the lists that support keeps.
    pub(crate) listed: usize,
    /// Of them, those who never signed in.
    pub(crate) never_came: usize,
    /// Mails that wait to be sent.
    pub(crate) mails_waiting: usize,
}

impl Standing {
    fn now(lists: &Lists, now: Timestamp) -> Self {
        let open_ones = || lists.organisations().filter(|organisation| !organisation.closed);
        let mut listed: Vec<PersonId> =
            open_ones().flat_map(|organisation| organisation.listed.keys().copied()).collect();
        listed.sort_unstable();
        listed.dedup();
        let came = |person: &PersonId| lists.person(*person).is_some_and(|one| one.last_signed_in.is_some());
        Self {
            open: Open::now(lists, now),
            schools_in: open_ones()
                .filter(|one| one.is(OrganisationKind::School) && one.first_access.is_some())
                .count(),
            never_came: listed.iter().filter(|person| !came(person)).count(),
            listed: listed.len(),
            mails_waiting: lists.outbox().pending().count(),
        }
    }
}

/// The measures of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// The whole period.
    pub(crate) whole: Happened,
    /// The same, part by part.
    pub(crate) parts: Vec<Happened>,
    /// How it stands now.
    pub(crate) now: Standing,
}

impl Report {
    /// Measures a period.
    pub(crate) fn of(lists: &Lists, period: Period, now: Timestamp) -> Self {
        let measures = lists.measures();
        let parts = period.parts().into_iter();
        Self {
            whole: Happened::in_period(measures, period),
            parts: parts.map(|part| Happened::in_period(measures, part)).collect(),
            now: Standing::now(lists, now),
        }
    }

    /// The parts as CSV.
    pub(crate) fn csv(&self) -> Result<Vec<u8>, ::csv::Error> {
        csv::write(&self.parts)
    }
}

/// A length of time in words: "less than a minute", "25 minutes", "3 hours", "2 days".
pub(crate) fn in_words(seconds: i64) -> String {
    let counted = |count: i64, one: &str| match count {
        1 => format!("1 {one}"),
        more => format!("{more} {one}s"),
    };
    match seconds {
        i64::MIN..60 => "less than a minute".to_owned(),
        60..5_400 => counted((seconds + 30) / 60, "minute"),
        5_400..172_800 => counted((seconds + 1_800) / 3_600, "hour"),
        _ => counted((seconds + 43_200) / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests;
