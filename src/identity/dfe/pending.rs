//! What must be remembered between sending a person away and their coming back.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};
use vouchsafe_events::Timestamp;

use super::refusal::SignInRefused;
use crate::secret::Secret;

/// A sign-in that was begun. It belongs into an encrypted cookie of the browser that began it, and nowhere else:
/// then a callback in another browser finishes nothing. Delete the cookie before finishing, so that it serves once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) expires: Timestamp,
}

impl Pending {
    /// From when on the sign-in counts as given up: as long as the cookie should live.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Whether the callback belongs to this sign-in.
    pub(super) fn accept(&self, state: Option<&Secret>, now: Timestamp) -> Result<(), SignInRefused> {
        let state = state.ok_or(SignInRefused::StateMissing)?;
        verify_slices_are_equal(state.expose().as_bytes(), self.state.as_bytes())
            .map_err(|_| SignInRefused::StateOther)?;
        if now >= self.expires { Err(SignInRefused::TookTooLong) } else { Ok(()) }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("expires", &self.expires).finish_non_exhaustive()
    }
}
