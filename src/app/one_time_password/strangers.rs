//! Codes that are tried for addresses that nothing is recorded of, because too many unknown ones were asked for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use vouchsafe_events::{ChallengeId, KeyedHash, Timestamp};

use crate::domain::person::{TryRefused, Unrecorded, Verdict};

/// How many addresses are remembered, a kilobyte each; the one that came first is forgotten first. To push one out
/// takes more tries than the limit by network lets through in eight hours.
const REMEMBERED: usize = 10_000;

/// Counts them in this process, and forgets them with it: no flood of made-up addresses gets into the log.
#[derive(Debug, Default)]
pub(in crate::app) struct Strangers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    tries: BTreeMap<KeyedHash, Unrecorded>,
    order: VecDeque<KeyedHash>,
}

impl Strangers {
    /// Somebody typed a code for the address that has this hash.
    pub(super) fn try_code(
        &self,
        address: KeyedHash,
        challenge: ChallengeId,
        now: Timestamp,
    ) -> Result<Verdict, TryRefused> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { tries, order } = &mut *known;
        if !tries.contains_key(&address) {
            if order.len() >= REMEMBERED
                && let Some(first) = order.pop_front()
            {
                tries.remove(&first);
            }
            order.push_back(address);
        }
        tries.entry(address).or_default().try_code(challenge, now)
    }
}

#[cfg(test)]
mod tests {
    use vouchsafe_events::Uuid;

    use super::*;

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let strangers = Strangers::default();
        let challenge = ChallengeId::from_uuid(Uuid::nil());
        let now: Timestamp = "2026-03-09T10:00:00.000000Z".parse().unwrap();
        for number in 0..REMEMBERED as u64 + 5 {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            strangers.try_code(KeyedHash::from_bytes(bytes), challenge, now).unwrap();
        }
        let known = strangers.0.lock().unwrap();
        assert_eq!((known.tries.len(), known.order.len()), (REMEMBERED, REMEMBERED));
    }
}
