//! What support's work is measured by, for any period.
//!
//! Counts are kept by the hour, in which every day of every time zone that matters here begins and ends; what has
//! a length of its own is kept one by one.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Range};

use serde::{Deserialize, Serialize};
use vouchsafe_events::{Event, Method, Recorded, Timestamp};

/// An hour is this many seconds.
const HOUR: i64 = 3600;

/// What happened in a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// One-time passwords that were asked for by people who are known, mailed or not.
    pub asked: u32,
    /// Those that were issued.
    pub issued: u32,
    /// Of those that were issued in this while, how many signed somebody in.
    pub used: u32,
    /// Of those that were issued in this while, how many ran out, or were replaced, without being used.
    pub never_used: u32,
    /// Codes that were typed and not taken.
    pub refused: u32,
    /// Waits that began after wrong codes.
    pub delayed: u32,
    /// Sign-ins with a one-time password.
    pub signed_in_by_code: u32,
    /// Sign-ins with DfE Sign-in.
    pub signed_in_by_dfe: u32,
    /// Sign-ins with DfE Sign-in that were refused.
    pub turned_away: u32,
    /// Requests for access that were made.
    pub requests: u32,
    /// Mails that a server took.
    pub mails_sent: u32,
    /// Mails that were given up on.
    pub mails_failed: u32,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.asked += more.asked;
        self.issued += more.issued;
        self.used += more.used;
        self.never_used += more.never_used;
        self.refused += more.refused;
        self.delayed += more.delayed;
        self.signed_in_by_code += more.signed_in_by_code;
        self.signed_in_by_dfe += more.signed_in_by_dfe;
        self.turned_away += more.turned_away;
        self.requests += more.requests;
        self.mails_sent += more.mails_sent;
        self.mails_failed += more.mails_failed;
    }
}

/// How a request for access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestEnd {
    /// An approver granted it.
    Granted,
    /// An approver declined it.
    Declined,
    /// The person took it back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

/// A request for access that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waited {
    /// When it was made.
    pub asked: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub how: RequestEnd,
}

/// A school whose first person got in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GotIn {
    /// When.
    pub at: Timestamp,
    /// Whether support or an operator had to add that person.
    pub by_support: bool,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    hours: BTreeMap<i64, Counts>,
    waited: Vec<Waited>,
    schools: Vec<GotIn>,
}

impl Measures {
    /// The hours in which something happened, from the first that begins in the period, each with when it begins.
    pub fn hours(&self, period: &Range<Timestamp>) -> impl Iterator<Item = (Timestamp, &Counts)> {
        let first = hour(period.start.plus_seconds(HOUR - 1));
        let end = hour(period.end.plus_seconds(HOUR - 1)).max(first);
        let start = |hour: i64| Timestamp::from_micros(0).plus_seconds(hour * HOUR);
        self.hours.range(first..end).map(move |(hour, counts)| (start(*hour), counts))
    }

    /// What happened in a period, to the hour.
    pub fn counts(&self, period: &Range<Timestamp>) -> Counts {
        let mut all = Counts::default();
        self.hours(period).for_each(|(_, counts)| all += *counts);
        all
    }

    /// The requests that ended in a period, in the order in which they did.
    pub fn waited(&self, period: &Range<Timestamp>) -> impl Iterator<Item = &Waited> {
        self.waited.iter().filter(|waited| period.contains(&waited.ended))
    }

    /// The schools whose first person got in in a period.
    pub fn schools(&self, period: &Range<Timestamp>) -> impl Iterator<Item = &GotIn> {
        self.schools.iter().filter(|school| period.contains(&school.at))
    }

    /// When the first thing happened that is counted here.
    pub fn begin(&self) -> Option<Timestamp> {
        let first = self.hours.first_key_value().map(|(hour, _)| *hour);
        first.map(|hour| Timestamp::from_micros(0).plus_seconds(hour * HOUR))
    }

    fn at(&mut self, at: Timestamp) -> &mut Counts {
        self.hours.entry(hour(at)).or_default()
    }

    pub(crate) fn used(&mut self, issued: Timestamp) {
        self.at(issued).used += 1;
    }

    pub(crate) fn never_used(&mut self, issued: Timestamp) {
        self.at(issued).never_used += 1;
    }

    pub(crate) fn waited_for(&mut self, waited: Waited) {
        self.waited.push(waited);
    }

    pub(crate) fn got_in(&mut self, school: GotIn) {
        self.schools.push(school);
    }

    /// Counts an event.
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        let at = recorded.envelope.at;
        match &recorded.event {
            Event::OneTimePasswordIssued(_) => {
                let counts = self.at(at);
                counts.asked += 1;
                counts.issued += 1;
            }
            Event::OneTimePasswordWithheld(_) => self.at(at).asked += 1,
            Event::OneTimePasswordRefused(_) => self.at(at).refused += 1,
            Event::OneTimePasswordDelayed(_) => self.at(at).delayed += 1,
            Event::SignedIn(data) => match data.method {
                Method::DfeSignIn => self.at(at).signed_in_by_dfe += 1,
                Method::OneTimePassword => self.at(at).signed_in_by_code += 1,
            },
            Event::SignInRefused(_) => self.at(at).turned_away += 1,
            Event::AccessRequested(_) | Event::AccessRequestedOnClosure(_) => self.at(at).requests += 1,
            Event::MailSent(_) => self.at(at).mails_sent += 1,
            Event::MailGivenUp(_) => self.at(at).mails_failed += 1,
            _ => {}
        }
    }
}

/// The hour in which an instant lies, counted from 1970.
fn hour(at: Timestamp) -> i64 {
    at.seconds_since(Timestamp::from_micros(0)).div_euclid(HOUR)
}
