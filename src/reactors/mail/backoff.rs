//! How long to wait before a delivery is tried again.

use std::time::Duration;

use crate::reactors::backoff::spread;

/// The most that is waited after the first failure.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// The most that is ever waited.
pub const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// How long to wait after `failures` failures in a row, up to [`LONGEST_WAIT`]; `random` spreads those that failed
/// together.
pub fn wait(failures: u32, random: u32) -> Duration {
    spread(FIRST_WAIT, LONGEST_WAIT, failures, random)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let longest: Vec<u64> = (1..=9).map(|failures| wait(failures, u32::MAX).as_secs()).collect();
        assert_eq!(longest, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
        let shortest: Vec<u64> = (1..=9).map(|failures| wait(failures, 0).as_secs()).collect();
        assert_eq!(shortest, [5, 10, 20, 40, 80, 160, 320, 450, 450]);
        assert_eq!(wait(0, u32::MAX), FIRST_WAIT);
        assert_eq!(wait(u32::MAX, u32::MAX), LONGEST_WAIT);
    }

    proptest! {
        #[test]
        fn more_failures_or_a_larger_draw_never_shorten_the_wait(failures: u32, random: u32) {
            let this = wait(failures, random);
            prop_assert!(this <= LONGEST_WAIT && this >= FIRST_WAIT / 2);
            prop_assert!(wait(failures.saturating_add(1), random) >= this);
            prop_assert!(wait(failures, random.saturating_add(1)) >= this);
        }
    }
}
