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

    /// Takes note of whether RabbitMQ blocks. Answers whether it has for so long.
    pub(super) fn look(&mut self, blocked: bool, now: Instant) -> bool {
        self.since = blocked.then(|| self.since.unwrap_or(now));
        self.long = self.since.is_some_and(|since| now.saturating_duration_since(since) >= LONG);
        self.long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_one_counts() {
        let begun = Instant::now();
        let mut blockage = Blockage::default();
        let mut look = |blocked, second| {
            let told = blockage.look(blocked, begun + Duration::from_secs(second));
            assert_eq!(told, blockage.is_long());
            told
        };
        assert!(!look(false, 0));
        assert!(!look(true, 1));
        assert!(!look(true, 29));
        // A short one is over, and another begins.
        assert!(!look(false, 30));
        assert!(!look(true, 31));
        assert!(!look(true, 60));
        assert!(look(true, 61));
        assert!(look(true, 300));
        assert!(!look(false, 301));
        assert!(!look(true, 302));
    }
}
