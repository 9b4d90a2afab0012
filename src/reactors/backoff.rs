//! How long to wait before something that failed is tried again.

use std::time::Duration;

/// How long to wait after `failures` failures in a row: a bound that begins with `first` and doubles each time, up to
/// `longest`, of which at least half is waited. `random`, drawn evenly from all values, chooses how much of the rest,
/// so that many that failed together do not all come back together.
pub(super) fn spread(first: Duration, longest: Duration, failures: u32, random: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let half = first.saturating_mul(doubled).min(longest) / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}
