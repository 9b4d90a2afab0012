//! One-time passwords: when one is issued, and what becomes of a code that somebody types.
//!
//! All of it is decided on the person's own stream, so that of two tries at once exactly one can succeed and every
//! wrong one is counted. What a browser holds that was sent no code is a decoy: it is treated as a challenge whose
//! code nobody knows, with the same tries, the same words and the same waits, so that nobody learns from it whether
//! an email is on a list.

mod unrecorded;

use std::collections::VecDeque;

use vouchsafe_events::{
    ChallengeId, CodeRefusal, Event, Nonce, OneTimePasswordDelayLifted, OneTimePasswordDelayed,
    OneTimePasswordIssued, OneTimePasswordRefused, OneTimePasswordUsed, OneTimePasswordWithheld, PersonId,
    Plain, Recorded, SessionHash, Timestamp, Withheld,
};

use super::{Person, SignIn};
use crate::domain::Decided;

pub use unrecorded::Unrecorded;

/// For how many seconds a code can be used: ten minutes, the longest that ASVS 5.0 (6.5.5) and NIST SP 800-63B-4
/// allow.
pub const GOOD_FOR: i64 = 600;

/// How often a code can be tried on one challenge.
pub const TRIES: u8 = 5;

/// How many codes are mailed to a person within an hour. Who knows an address can fill its inbox no faster.
pub const MAILS_AN_HOUR: usize = 5;

/// How many seconds after each code of the hour the next one can be asked for: it gets longer, as who asks again and
/// again is not helped by one more.
const WAITS_TO_RESEND: [i64; MAILS_AN_HOUR] = [60, 120, 300, 600, 600];

/// How many wrong codes cost no wait, counted since the last right one and over all challenges.
const FREE_FAILURES: u16 = 5;

/// How many seconds each wrong code after those costs; the last one again and again. At that pace a hundred wrong
/// codes in a row, the most that NIST SP 800-63B-4 (3.2.2) allows, take about three months, and one in 10,000
/// such attacks guesses a code.
const DELAYS: [i64; 6] = [60, 300, 600, 3_600, 4 * 3_600, 24 * 3_600];

/// For how many seconds a right code that comes too late is told so (GOV.UK Design System, "Confirm a phone
/// number"). After that it is only wrong.
const REMEMBERED: i64 = 2 * 3_600;

/// How many challenges are remembered, so that a late code can be told from a wrong one.
const CHALLENGES_KEPT: usize = 16;

/// How many seconds a clock may be set back without more than a wait being shortened.
const SLACK: i64 = 60;

const HOUR: i64 = 3_600;

/// After how many seconds the next code can be asked for, when this many were asked for within the hour.
pub fn wait_to_resend(asked: usize) -> i64 {
    asked
        .checked_sub(1)
        .and_then(|last| WAITS_TO_RESEND.get(last))
        .or(WAITS_TO_RESEND.last())
        .copied()
        .unwrap_or(0)
}

/// Why a code is not even looked at. Nothing is recorded of that, so that a flood writes no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRefused {
    /// After too many wrong codes the person must wait.
    MustWait {
        /// Until when.
        until: Timestamp,
    },
    /// It was tried too often on this challenge.
    TooManyTries,
}

/// Why there is no wait to lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiftRefused {
    /// The person has none.
    #[error("this person does not have to wait")]
    NoWait,
}

/// What became of a code that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was right: the person is in.
    Right,
    /// It was not taken.
    Refused {
        /// Why.
        why: CodeRefusal,
        /// Until when the person must wait now, if they must.
        until: Option<Timestamp>,
        /// How often a code can still be tried on this challenge.
        left: u8,
    },
}

/// What decisions about one-time passwords need to know of a person.
#[derive(Clone, Debug, Default)]
pub(super) struct Codes {
    /// The newest challenges, the newest last.
    challenges: VecDeque<Challenge>,
    /// When a code, or how to get in, was last mailed.
    mailed: VecDeque<Timestamp>,
    /// When none was mailed last, and why.
    withheld: Option<(Withheld, Timestamp)>,
    /// Wrong codes since the last right one.
    failures: u16,
    until: Option<Timestamp>,
}

/// What a browser may hold.
#[derive(Clone, Copy, Debug)]
struct Challenge {
    id: ChallengeId,
    /// What its code is made from; none if it is a decoy.
    issued: Option<(Nonce, Timestamp)>,
    tries: u8,
    used: bool,
}

impl Codes {
    /// Until when the person must wait, if they must. A wait does not get longer because a clock was set back.
    fn wait(&self, now: Timestamp) -> Option<Timestamp> {
        let longest = delay_after(self.failures).unwrap_or_default() + SLACK;
        self.until.filter(|until| *until > now && until.seconds_since(now) <= longest)
    }

    /// How many mails there were within the last hour, and when the last was.
    fn of_late(&self, now: Timestamp) -> (usize, Option<Timestamp>) {
        let of_late = |at: &&Timestamp| (-SLACK..HOUR).contains(&now.seconds_since(**at));
        (self.mailed.iter().filter(of_late).count(), self.mailed.iter().rfind(of_late).copied())
    }

    /// Why no code can be issued to anybody in this person's place, listed or not.
    fn hindered(&self, now: Timestamp) -> Option<Withheld> {
        if self.wait(now).is_some() {
            return Some(Withheld::MustWait);
        }
        let (count, last) = self.of_late(now);
        let last = last?;
        if count >= MAILS_AN_HOUR {
            Some(Withheld::TooMany)
        } else if last.plus_seconds(wait_to_resend(count)) > now {
            Some(Withheld::TooSoon)
        } else {
            None
        }
    }

    fn find(&self, id: ChallengeId) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.id == id)
    }

    /// The challenge that can be answered: the newest one that was issued, unless it was used.
    fn live(&self) -> Option<&Challenge> {
        self.challenges.iter().rfind(|challenge| challenge.issued.is_some()).filter(|newest| !newest.used)
    }

    /// Changes what is remembered of a challenge, which is from now on, if it was not.
    fn of(
        &mut self,
        id: ChallengeId,
        issued: Option<(Nonce, Timestamp)>,
        change: impl FnOnce(&mut Challenge),
    ) {
        if let Some(found) = self.challenges.iter_mut().find(|challenge| challenge.id == id) {
            change(found);
            return;
        }
        if self.challenges.len() >= CHALLENGES_KEPT {
            // A decoy first: whoever makes many of them must not make a code forgotten.
            let decoy = self.challenges.iter().position(|challenge| challenge.issued.is_none());
            self.challenges.remove(decoy.unwrap_or_default());
        }
        let mut fresh = Challenge { id, issued, tries: 0, used: false };
        change(&mut fresh);
        self.challenges.push_back(fresh);
    }

    pub(super) fn apply(&mut self, recorded: &Recorded) {
        let at = recorded.envelope.at;
        match &recorded.event {
            Event::OneTimePasswordIssued(data) => {
                self.of(data.challenge, Some((data.nonce, data.expires)), |_| ());
                self.mail(at);
            }
            Event::OneTimePasswordWithheld(data) => {
                self.of(data.challenge, None, |_| ());
                self.withheld = Some((data.reason, at));
                if data.reason == Withheld::NotListed {
                    self.mail(at);
                }
            }
            Event::OneTimePasswordUsed(data) => {
                self.of(data.challenge, None, |challenge| challenge.used = true);
                (self.failures, self.until) = (0, None);
            }
            Event::OneTimePasswordRefused(data) => self.refuse(data.challenge, data.reason),
            Event::OneTimePasswordDelayed(data) => self.until = Some(data.until),
            Event::OneTimePasswordDelayLifted(_) => (self.failures, self.until) = (0, None),
            _ => {}
        }
    }

    /// How often a code was tried on a challenge, if one can be tried now.
    fn may_try(&self, challenge: ChallengeId, now: Timestamp) -> Result<u8, TryRefused> {
        if let Some(until) = self.wait(now) {
            return Err(TryRefused::MustWait { until });
        }
        let tries = self.find(challenge).map_or(0, |found| found.tries);
        if tries >= TRIES { Err(TryRefused::TooManyTries) } else { Ok(tries) }
    }

    /// Counts a code that was not taken.
    fn refuse(&mut self, challenge: ChallengeId, why: CodeRefusal) {
        self.of(challenge, None, |challenge| challenge.tries = challenge.tries.saturating_add(1));
        if why == CodeRefusal::Wrong {
            self.failures = self.failures.saturating_add(1);
        }
    }

    fn mail(&mut self, at: Timestamp) {
        if self.mailed.len() >= MAILS_AN_HOUR {
            self.mailed.pop_front();
        }
        self.mailed.push_back(at);
    }
}

/// How many seconds the person must wait after this many wrong codes.
fn delay_after(failures: u16) -> Option<i64> {
    let paid = usize::from(failures.checked_sub(FREE_FAILURES)?).checked_sub(1)?;
    DELAYS.get(paid).or(DELAYS.last()).copied()
}

/// A code that somebody typed, and where.
pub struct Try<'a> {
    /// What their browser holds.
    pub challenge: ChallengeId,
    /// Whether it is the code of a challenge.
    pub is_code_of: &'a (dyn Fn(ChallengeId, Nonce) -> bool + Sync),
    /// Whether the person is on a list of an organisation that is open.
    pub listed: bool,
    /// The session that begins if it is right.
    pub begins: SignIn,
    /// The session that the browser had.
    pub replaces: Option<SessionHash>,
}

impl Person {
    /// Somebody asks for a one-time password for the person's address. `listed`: the person is on a list of an
    /// organisation that is open. What came a moment ago and is the same again is not recorded again.
    pub fn ask_for_code(
        &self,
        person: PersonId,
        listed: bool,
        challenge: ChallengeId,
        nonce: Nonce,
        network: &str,
        now: Timestamp,
    ) -> Decided {
        let network = Plain::about(person, network);
        let reason = match self.codes.hindered(now) {
            Some(reason) => reason,
            None if listed => {
                let expires = now.plus_seconds(GOOD_FOR);
                let issued = OneTimePasswordIssued { challenge, nonce, expires, network };
                return vec![Event::OneTimePasswordIssued(issued)];
            }
            None => Withheld::NotListed,
        };
        let again = |(why, at): (Withheld, Timestamp)| why == reason && now.seconds_since(at).abs() < 60;
        if reason != Withheld::NotListed && self.codes.withheld.is_some_and(again) {
            return Vec::new();
        }
        vec![Event::OneTimePasswordWithheld(OneTimePasswordWithheld { challenge, reason, network })]
    }

    /// Somebody typed a code.
    pub fn try_code(
        &self,
        person: PersonId,
        tried: &Try<'_>,
        now: Timestamp,
    ) -> Result<(Decided, Verdict), TryRefused> {
        let codes = &self.codes;
        let so_far = codes.may_try(tried.challenge, now)?;
        let why = match self.judge(tried, now) {
            Ok(()) => {
                let (challenge, session) = (tried.challenge, tried.begins.session);
                let used = Event::OneTimePasswordUsed(OneTimePasswordUsed { challenge, session });
                let mut decided = vec![used];
                decided.extend(self.sign_in(person, tried.begins.clone(), tried.replaces));
                return Ok((decided, Verdict::Right));
            }
            Err(why) => why,
        };
        let network = Plain::about(person, tried.begins.network.as_str());
        let challenge = tried.challenge;
        let mut decided =
            vec![Event::OneTimePasswordRefused(OneTimePasswordRefused { challenge, reason: why, network })];
        let mut until = None;
        if why == CodeRefusal::Wrong {
            let failures = codes.failures.saturating_add(1);
            if let Some(seconds) = delay_after(failures) {
                let end = now.plus_seconds(seconds);
                until = Some(end);
                decided.push(Event::OneTimePasswordDelayed(OneTimePasswordDelayed { until: end, failures }));
            }
        }
        let left = TRIES.saturating_sub(so_far + 1);
        Ok((decided, Verdict::Refused { why, until, left }))
    }

    /// Whether a code is right, or why it is not taken.
    fn judge(&self, tried: &Try<'_>, now: Timestamp) -> Result<(), CodeRefusal> {
        let is = |challenge: &Challenge| {
            challenge.issued.is_some_and(|(nonce, _)| (tried.is_code_of)(challenge.id, nonce))
        };
        let late = |challenge: &Challenge| challenge.issued.is_some_and(|(_, expires)| expires <= now);
        let live = self.codes.live();
        let held = self.codes.find(tried.challenge);
        match (live, held) {
            (Some(live), Some(held)) if live.id == held.id && is(held) => {
                if late(held) {
                    let (_, expires) = held.issued.ok_or(CodeRefusal::Wrong)?;
                    let remembered = expires.plus_seconds(REMEMBERED) > now;
                    Err(if remembered { CodeRefusal::Expired } else { CodeRefusal::Wrong })
                } else if tried.listed {
                    Ok(())
                } else {
                    Err(CodeRefusal::NotListed)
                }
            }
            (_, Some(held)) if held.used && is(held) => Err(CodeRefusal::Used),
            (_, Some(held)) if held.issued.is_some() => {
                // An older code, in the browser that was sent it: this one's, or the one before it.
                let older =
                    self.codes.challenges.iter().any(|challenge| challenge.id != held.id && is(challenge));
                let replaced = live.is_some_and(|live| live.id != held.id) && is(held);
                Err(if older || replaced { CodeRefusal::Superseded } else { CodeRefusal::Wrong })
            }
            // A decoy.
            _ => Err(CodeRefusal::Wrong),
        }
    }

    /// Support ends a person's wait.
    pub fn lift_delay(&self, now: Timestamp) -> Result<Decided, LiftRefused> {
        match self.codes.wait(now) {
            Some(_) => Ok(vec![Event::OneTimePasswordDelayLifted(OneTimePasswordDelayLifted {})]),
            None => Err(LiftRefused::NoWait),
        }
    }
}
