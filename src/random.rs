//! Where chance comes from. Everything else is given what was drawn.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};
use vouchsafe_events::Timestamp;

/// The operating system's generator gave nothing.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system's random number generator failed")]
pub struct NoRandomness;

/// A source of unpredictable bytes.
#[derive(Clone, Debug)]
pub struct Random(Arc<SystemRandom>);

impl Default for Random {
    fn default() -> Self {
        Self(Arc::new(SystemRandom::new()))
    }
}

impl Random {
    /// `N` unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }

    /// A number drawn evenly, to wait by. The largest where there is no chance to be had: whoever waits, waits longer.
    pub fn number(&self) -> u32 {
        self.bytes().map_or(u32::MAX, u32::from_be_bytes)
    }

    /// A UUID v7 of the instant `now`.
    pub fn uuid(&self, now: Timestamp) -> Result<Uuid, NoRandomness> {
        let millis = u64::try_from(now.micros() / 1000).unwrap_or_default();
        Ok(Builder::from_unix_timestamp_millis(millis, &self.bytes()?).into_uuid())
    }
}
