//! Whether mail goes out at all.

use std::sync::atomic::{AtomicU8, Ordering};

use super::courier::Outcome;

/// The mail server takes no mail.
const SERVER: u8 = 1;

/// RabbitMQ takes no mail jobs.
const JOBS: u8 = 2;

/// Whether mail goes out at all. Pages that promise a mail ask it; it says nothing of any one mail.
///
/// There are two causes, each with an end of its own: that a mail job which was out already is done says nothing of
/// whether RabbitMQ takes new ones.
#[derive(Debug, Default)]
pub struct MailHealth(AtomicU8);

impl MailHealth {
    /// Whether the last that was heard is that the mail server takes no mail, or RabbitMQ no mail jobs.
    pub fn is_away(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Whether mail is away for no other cause than that RabbitMQ takes no mail jobs.
    pub(in crate::reactors) fn is_only_held_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == JOBS
    }

    /// Takes note of what the instance that sends mail says of it: whether it is away, and whether that is only because
    /// RabbitMQ takes no mail jobs. So whoever sends it next knows what has to end.
    pub(in crate::reactors) fn hear(&self, away: bool, only_held_up: bool) {
        let causes = match (away, only_held_up) {
            (false, _) => 0,
            (true, true) => JOBS,
            (true, false) => SERVER,
        };
        self.0.store(causes, Ordering::Relaxed);
    }

    /// As if the mail server had gone away.
    #[cfg(test)]
    pub(crate) fn set_away_for_tests(&self) {
        self.set(true);
    }

    /// Takes note of what became of a mail.
    pub(in crate::reactors) fn learn(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Sent | Outcome::Later => self.set(false),
            Outcome::Away => self.set(true),
            Outcome::GivenUp(_) | Outcome::Over { .. } | Outcome::HeldUp | Outcome::Unheard => {}
        }
    }

    /// Takes note of whether the mail server takes mail.
    pub(in crate::reactors) fn set(&self, away: bool) {
        self.change(SERVER, away);
    }

    /// Takes note of whether RabbitMQ takes no mail jobs. Answers whether that is news.
    pub(in crate::reactors) fn set_held_up(&self, held_up: bool) -> bool {
        self.change(JOBS, held_up)
    }

    fn change(&self, cause: u8, is: bool) -> bool {
        let (before, after) = if is {
            let before = self.0.fetch_or(cause, Ordering::Relaxed);
            (before, before | cause)
        } else {
            let before = self.0.fetch_and(!cause, Ordering::Relaxed);
            (before, before & !cause)
        };
        match (before, after) {
            (0, 1..) => tracing::error!("no mail goes out"),
            (1.., 0) => tracing::info!("mail goes out again"),
            _ => {}
        }
        before != after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_ends_by_itself() {
        let health = MailHealth::default();
        assert!(health.set_held_up(true));
        assert!(!health.set_held_up(true), "no news");
        // A job that was out already is done: RabbitMQ takes no new ones all the same.
        health.learn(&Outcome::Sent);
        assert!(health.is_away() && health.is_only_held_up());
        health.learn(&Outcome::Away);
        assert!(health.is_away() && !health.is_only_held_up());
        assert!(health.set_held_up(false));
        assert!(health.is_away(), "the mail server still is");
        health.learn(&Outcome::Later);
        assert!(!health.is_away());
    }

    #[test]
    fn whoever_hears_of_it_knows_what_has_to_end() {
        let (teller, hearer) = (MailHealth::default(), MailHealth::default());
        let hear = || hearer.hear(teller.is_away(), teller.is_only_held_up());
        teller.set_held_up(true);
        hear();
        assert!(hearer.set_held_up(false), "as RabbitMQ takes jobs from this one");
        assert!(!hearer.is_away());
        teller.set(true);
        hear();
        assert!(!hearer.set_held_up(false));
        assert!(hearer.is_away());
        teller.set_held_up(false);
        teller.set(false);
        hear();
        assert!(!hearer.is_away());
    }
}
