//! Whether RabbitMQ has blocked whoever publishes for so long that no mail goes out.

use std::time::Duration;

use tokio::time::Instant;

/// After how long it counts: a mail that comes within a minute was not promised in vain.
const LONG: Duration = Duration::from_secs(30);

/// A time in which RabbitMQ takes nothing, because it lacks memory or disk.
#[derive(Debug, Default)]
pub(super) struct Blockage {
    since: Option<Instant>,
    long: bool,
}

impl Blockage {
    /// Whether it has gone on for so long that mail is away.
    pub(super) const fn is_long(&self) -> bool {
        self.long
    }

    /// Takes note of whether RabbitMQ blocks. Answers whether mail is away, while it is for this reason and once when
    /// it no longer is.
    pub(super) fn look(&mut self, blocked: bool, now: Instant) -> Option<bool> {
        if !blocked {
            self.since = None;
            return std::mem::take(&mut self.long).then_some(false);
        }
        let since = *self.since.get_or_insert(now);
        self.long = now.saturating_duration_since(since) >= LONG;
        self.long.then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_one_counts_and_its_end_is_told_once() {
        let begun = Instant::now();
        let mut blockage = Blockage::default();
        let mut look = |blocked, second| {
            let told = blockage.look(blocked, begun + Duration::from_secs(second));
            (told, blockage.is_long())
        };
        assert_eq!(look(false, 0), (None, false));
        assert_eq!(look(true, 1), (None, false));
        assert_eq!(look(true, 29), (None, false));
        // A short one is over, and another begins.
        assert_eq!(look(false, 30), (None, false));
        assert_eq!(look(true, 31), (None, false));
        assert_eq!(look(true, 60), (None, false));
        assert_eq!(look(true, 61), (Some(true), true));
        assert_eq!(look(true, 300), (Some(true), true));
        assert_eq!(look(false, 301), (Some(false), false));
        assert_eq!(look(false, 302), (None, false));
    }
}
