//! One-time passwords. Neither the nonce that a code is made from nor the challenge that a browser holds is published.

use super::words::{CodeRefusal, Withheld};
use super::{Instant, published};

published! {
    /// A person asked for a one-time password, and one is mailed.
    OneTimePasswordIssued<Sealed> {
        /// From when on the code is no longer good.
        expires: Instant,
    } kept_back { challenge, nonce, network, }

    /// A person asked for a one-time password and got none.
    OneTimePasswordWithheld<Sealed> {
        /// Why.
        reason: Withheld,
    } kept_back { challenge, network, }

    /// A person typed the right code in time. The sign-in follows.
    OneTimePasswordUsed {} kept_back { challenge, session, }

    /// A code was tried and not taken.
    OneTimePasswordRefused<Sealed> {
        /// Why.
        reason: CodeRefusal,
    } kept_back { challenge, network, }

    /// After wrong codes, one-time passwords are off for this person for a while.
    OneTimePasswordDelayed {
        /// Until when.
        until: Instant,
        /// How many wrong codes there were since the last right one.
        failures: u16,
    }

    /// Support ended the wait.
    OneTimePasswordDelayLifted {}
}
