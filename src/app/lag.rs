//! How far behind the log something is, in time.

use std::time::Duration;

use vouchsafe_events::{Position, Timestamp, decode};

use super::App;
use crate::store::StoreError;

impl App {
    /// How long ago something happened, in whole seconds. Never less than nothing: another machine's clock may be ahead
    /// of ours.
    pub fn age(&self, at: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(self.now().seconds_since(at)).unwrap_or(0))
    }

    /// How old the first event after a position is, which is how far behind whoever has come to there is. None if there
    /// is none. One that this version cannot read counts as a second old: whom it holds up says so itself.
    pub async fn behind(&self, position: Position) -> Result<Option<Duration>, StoreError> {
        let next = self.store().read_all(position, 1).await?;
        Ok(next.first().map(|next| {
            decode(next.position, &next.bytes)
                .map_or(Duration::from_secs(1), |next| self.age(next.envelope.at))
        }))
    }
}
