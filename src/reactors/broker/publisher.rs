//! Publishes the log: in order for each stream, each event at least once.
//!
//! It reads on from its checkpoint, which moves when RabbitMQ has confirmed everything before it. Whatever happens, it
//! begins again there: what was published and not yet accounted for is published twice, and nothing is left out.

mod reading;
mod session;

use std::sync::Arc;
use std::time::Duration;

use session::Session;
use url::Url;
use vouchsafe_events::{DecodeError, Position};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::dial::{self, BrokerError, Dialer, LinkError};
use super::health::BrokerHealth;
use super::public::Unpublished;
use super::settings::{BrokerSettings, From};
use crate::app::App;
use crate::errors::Chain;
use crate::reactors::backoff::spread;
use crate::reactors::{Stop, pause, stopped};
use crate::secret::Secret;
use crate::store::StoreError;

/// The most that is waited after the first failure, and the most that is ever waited.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// For how long another process that publishes too is left alone.
const STEP_ASIDE: Duration = Duration::from_secs(10);

/// Publishes the log. It may be stopped and run again at any time.
pub struct Publisher {
    app: Arc<App>,
    dialer: Dialer,
    settings: BrokerSettings,
    source: Url,
    health: Arc<BrokerHealth>,
}

/// Sees to it that whoever publishes no longer tells no longer how far behind it is, also where it was dropped in the
/// middle of it.
struct Leaving<'a>(&'a BrokerHealth);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Why publishing ended for now.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// It was told to.
    #[error("told to stop")]
    Stopped,
    /// The connection.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// An event that cannot be read.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// An event that cannot be put into a message.
    #[error(transparent)]
    Unwritable(#[from] Unpublished),
    /// What reads personal data.
    #[error("the reading of personal data broke off")]
    Reading(#[from] tokio::task::JoinError),
}

impl std::convert::From<lapin::Error> for Ended {
    fn from(error: lapin::Error) -> Self {
        Self::Link(LinkError::Failed(error))
    }
}

impl Ended {
    /// Whether another process moved the checkpoint.
    const fn is_not_alone(&self) -> bool {
        matches!(
            self,
            Self::Checkpoint(CheckpointError::Store(StoreError::CellMoved { .. }))
                | Self::Store(StoreError::CellMoved { .. })
        )
    }

    /// Whether it is an event that stands in the way.
    const fn is_stuck(&self) -> bool {
        matches!(self, Self::Undecodable(_) | Self::Unwritable(_))
    }
}

impl Publisher {
    /// A publisher that has not connected yet. `source` is the address of the service.
    pub fn new(
        app: Arc<App>,
        settings: BrokerSettings,
        password: Secret,
        source: Url,
        health: Arc<BrokerHealth>,
    ) -> Result<Self, BrokerError> {
        let dialer = Dialer::new(&settings, password)?;
        Ok(Self { app, dialer, settings, source, health })
    }

    /// Publishes until it is told to stop.
    pub async fn run(&self, mut stop: Stop) {
        let _leaving = Leaving(&self.health);
        let mut failures = 0;
        loop {
            let ended = self.session(&mut stop, &mut failures).await;
            self.health.set_connected(false);
            self.health.set_stuck(ended.is_stuck());
            if matches!(ended, Ended::Stopped) {
                return;
            }
            // Where it stands still, what the session told last is nearer than what can be read.
            if !ended.is_stuck() {
                tokio::select! {
                    lag = self.lag() => {
                        if let Ok(lag) = lag {
                            self.health.set_lag(lag);
                        }
                    }
                    () = stopped(&mut stop) => return,
                }
            }
            failures += 1;
            let mut length = spread(WAITS.0, WAITS.1, failures, self.app.random().number());
            if ended.is_not_alone() {
                tracing::warn!("another process publishes too: this one steps aside");
                length = length.max(STEP_ASIDE);
            } else if ended.is_stuck() {
                tracing::error!(error = %Chain(&ended), "publishing stands still: nothing that follows is published");
            } else {
                self.health.add_failure();
                tracing::warn!(error = %Chain(&ended), wait = ?length, "publishing was interrupted");
            }
            if !pause(&mut stop, length).await {
                return;
            }
        }
    }

    /// How old the first event is that no checkpoint covers. None if there is none.
    async fn lag(&self) -> Result<Option<Duration>, Ended> {
        let checkpoint = Checkpoint::read(self.app.store()).await?;
        Ok(self.app.behind(checkpoint.position().unwrap_or(Position::START)).await?)
    }

    /// Connects and publishes until something ends it. `failures` begins anew with the first message confirmed.
    async fn session(&self, stop: &mut Stop, failures: &mut u32) -> Ended {
        let starting = async {
            let checkpoint = self.start().await?;
            let connection = self.dialer.dial("vouchsafe: events").await?;
            Ok::<_, Ended>((checkpoint, connection))
        };
        let started = tokio::select! {
            started = starting => started,
            () = stopped(stop) => return Ended::Stopped,
        };
        let (checkpoint, connection) = match started {
            Ok(started) => started,
            Err(ended) => return ended,
        };
        // A connection on which nothing comes any more does not hold a stop up.
        let opened = tokio::select! {
            opened = Session::open(self, checkpoint, &connection) => opened,
            () = stopped(stop) => Err(Ended::Stopped),
        };
        let ended = match opened {
            Ok(mut session) => {
                self.health.set_connected(true);
                tracing::info!(
                    exchange = self.settings.exchange,
                    after = session.reached().number(),
                    "publishing to RabbitMQ"
                );
                let ended = session.run(stop, failures).await;
                session.finish(ended).await
            }
            Err(ended) => ended,
        };
        dial::hang_up(connection).await;
        ended
    }

    /// The checkpoint. At the very first start it is set to where that begins.
    async fn start(&self) -> Result<Checkpoint, Ended> {
        let store = self.app.store();
        let mut checkpoint = Checkpoint::read(store).await?;
        let head = store.head().await?;
        match checkpoint.position() {
            Some(position) if position <= head => {}
            Some(position) => {
                tracing::error!(
                    checkpoint = position.number(),
                    head = head.number(),
                    "the log ends before the checkpoint, as after a restore: publishing goes on from its end"
                );
                checkpoint.write(head).await?;
            }
            None => {
                let position = match self.settings.from {
                    From::Start => Position::START,
                    From::Now => head,
                };
                checkpoint.write(position).await?;
            }
        }
        Ok(checkpoint)
    }
}
