//! Codes that are tried for an address that nothing is recorded of.

use vouchsafe_events::{ChallengeId, CodeRefusal, Timestamp};

use super::{Codes, TRIES, TryRefused, Verdict, delay_after};

/// What is remembered of them. No code was sent there, so each is wrong; but they are counted, and cost the same waits,
/// as if somebody had that address. Otherwise the number of tries would tell that nobody has (ASVS 5.0, 6.3.8).
#[derive(Clone, Debug, Default)]
pub struct Unrecorded(Codes);

impl Unrecorded {
    /// Somebody typed a code in the browser that holds `challenge`.
    pub fn try_code(&mut self, challenge: ChallengeId, now: Timestamp) -> Result<Verdict, TryRefused> {
        let tries = self.0.may_try(challenge, now)?;
        let why = CodeRefusal::Wrong;
        self.0.refuse(challenge, why);
        let until = delay_after(self.0.failures).map(|seconds| now.plus_seconds(seconds));
        self.0.until = until.or(self.0.until);
        Ok(Verdict::Refused { why, until, left: TRIES.saturating_sub(tries + 1) })
    }
}
