//! Who runs the reactors: one instance at a time.
//!
//! Reactors may run twice without harm to the log, because each thing they do is decided on its stream; but mail would
//! go out twice. So an instance runs them only while it holds the lease. On one machine that is a lock on a file, which
//! the operating system takes back from a process that dies. Where several machines share a log it is a [`Cell`] beside
//! the log that its holder sets anew every [`Terms::renew`]. Whoever sees it unchanged for [`Terms::lasts`] takes it
//! over; a holder that could not set it for [`Terms::gives_up`], which is less, stops by itself. Both count by their own
//! clocks' elapsed time, so clocks that differ, or are set, do not matter.
//!
//! One lease covers all reactors: each renewal is a write to the log's server, and what is left of old ones has to be
//! swept up there.

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::postman::MailHealth;
use super::{Stop, pause, stopped};
use crate::metrics;
use crate::store::{Cell, CellName, EventStore, StoreError};

/// What the lease is called in metrics.
const NAME: &str = "reactors";

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How often the holder sets the lease anew.
    pub renew: Duration,
    /// After how long without success the holder gives it up.
    pub gives_up: Duration,
    /// How long its work may take to stop; then it is dropped where it stands.
    pub grace: Duration,
    /// How long others must have seen it unchanged to take it over; more than `gives_up` and `grace` together.
    pub lasts: Duration,
    /// How often others look.
    pub look: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(2),
            gives_up: Duration::from_secs(4),
            grace: Duration::from_secs(1),
            lasts: Duration::from_secs(6),
            look: Duration::from_secs(1),
        }
    }
}

/// What the cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    /// Which run of an instance has the lease. None: it was handed back.
    holder: Option<Uuid>,
    /// Whether no mail goes out, for the pages of those who send none.
    mail_is_away: bool,
    /// Whether that is only because RabbitMQ takes no mail jobs. Earlier versions do not say.
    #[serde(default)]
    mail_is_only_held_up: bool,
}

impl Document {
    fn read(cell: &Cell) -> Option<Self> {
        // What a newer version wrote is somebody's all the same: it is not taken before its time.
        serde_json::from_slice(&cell.bytes).ok()
    }
}

/// Where the lease is.
enum Place {
    File(PathBuf),
    Cell { store: Arc<dyn EventStore>, name: CellName },
}

/// A lease, as one instance sees it.
pub struct Lease {
    place: Place,
    /// This run of the instance.
    own: Uuid,
    terms: Terms,
    health: Arc<MailHealth>,
}

/// Why a time of holding the lease is over.
enum Over {
    Lost,
    Unfit,
    Stopped,
}

/// What is held; it is given back by being dropped, where a file is locked.
enum Held {
    File { _locked: File },
    Cell { version: u64, since: Instant },
}

impl Lease {
    /// A lease among the processes of one machine: a lock on this file.
    pub fn of_file(path: PathBuf, own: Uuid, health: Arc<MailHealth>) -> Self {
        Self { place: Place::File(path), own, terms: Terms::default(), health }
    }

    /// A lease among all who share the log. `own` names this run of the instance.
    pub fn of_cell(store: Arc<dyn EventStore>, name: CellName, own: Uuid, health: Arc<MailHealth>) -> Self {
        Self { place: Place::Cell { store, name }, own, terms: Terms::default(), health }
    }

    /// The same, with other times.
    #[must_use]
    pub fn with_terms(self, terms: Terms) -> Self {
        Self { terms, ..self }
    }

    /// Begins `work` whenever this instance gets the lease, and tells it to stop when it loses it, until it is told to
    /// stop itself. While this instance is not `fit` to do the work it leaves the lease to others. Answers early only
    /// if the work ended though nobody told it to: with what it gave.
    pub async fn run<T, W>(
        self,
        mut stop: Stop,
        fit: impl Fn() -> bool,
        mut work: impl FnMut(Stop) -> W,
    ) -> Option<T>
    where
        W: Future<Output = T>,
    {
        metrics::lease(NAME, false);
        loop {
            let mut held = self.acquire(&mut stop, &fit).await?;
            tracing::info!("this instance runs the reactors from now on");
            metrics::lease_taken(NAME);
            metrics::lease(NAME, true);
            let (tell, told) = watch::channel(false);
            let work = work(told);
            tokio::pin!(work);
            let over = tokio::select! {
                ended = &mut work => return Some(ended),
                () = self.keep(&mut held) => Over::Lost,
                () = self.until_unfit(&fit) => Over::Unfit,
                () = stopped(&mut stop) => Over::Stopped,
            };
            metrics::lease(NAME, false);
            let _ = tell.send(true);
            match over {
                Over::Lost => {
                    tracing::warn!("this instance has lost the lease and stops its reactors");
                    // Another instance may begin soon.
                    let _ = timeout(self.terms.grace, work).await;
                }
                Over::Unfit => {
                    tracing::error!("this instance cannot run the reactors and leaves them to another");
                    let _ = timeout(self.terms.grace, work).await;
                    self.hand_back(held).await;
                }
                Over::Stopped => {
                    // There is time to finish the piece at hand, as long as the lease can be kept.
                    tokio::select! {
                        _ = work => self.hand_back(held).await,
                        () = self.keep(&mut held) => {}
                    }
                    return None;
                }
            }
        }
    }

    /// Done when this instance is no longer fit to do the work.
    async fn until_unfit(&self, fit: &impl Fn() -> bool) {
        while fit() {
            tokio::time::sleep(self.terms.look).await;
        }
    }

    /// Waits until this instance has the lease. None if it is time to stop.
    async fn acquire(&self, stop: &mut Stop, fit: &impl Fn() -> bool) -> Option<Held> {
        let mut seen: Option<(u64, Instant)> = None;
        let mut failing = false;
        loop {
            if fit() {
                match self.try_acquire(&mut seen).await {
                    Ok(Some(held)) => return Some(held),
                    Ok(None) => failing = false,
                    Err(error) => {
                        // What was seen before says nothing of the time in which nothing could be seen.
                        seen = None;
                        if !std::mem::replace(&mut failing, true) {
                            tracing::warn!(error = &*error, "the lease cannot be seen");
                        }
                    }
                }
            }
            if !pause(stop, self.terms.look).await {
                return None;
            }
        }
    }

    async fn try_acquire(&self, seen: &mut Option<(u64, Instant)>) -> Result<Option<Held>, Trouble> {
        match &self.place {
            Place::File(path) => {
                let path = path.clone();
                Ok(tokio::task::spawn_blocking(move || lock(path))
                    .await??
                    .map(|file| Held::File { _locked: file }))
            }
            Place::Cell { store, name } => {
                let found = timeout(self.terms.gives_up, store.cell(name)).await??;
                let expected = match found {
                    None => None,
                    Some(cell) => {
                        let document = Document::read(&cell);
                        if let Some(document) = document {
                            self.health.hear(document.mail_is_away, document.mail_is_only_held_up);
                        }
                        let now = Instant::now();
                        let since = match *seen {
                            Some((version, since)) if version == cell.version => since,
                            _ => now,
                        };
                        *seen = Some((cell.version, since));
                        // Ours, though we do not hold it: we lost it and nobody took it, or the answer was lost
                        // when we took it.
                        let free = document
                            .is_some_and(|document| document.holder.is_none_or(|holder| holder == self.own));
                        if !free && now.duration_since(since) < self.terms.lasts {
                            return Ok(None);
                        }
                        Some(cell.version)
                    }
                };
                let since = Instant::now();
                match timeout(
                    self.terms.gives_up,
                    store.set_cell(name, expected, self.document(Some(self.own))),
                )
                .await?
                {
                    Ok(version) => Ok(Some(Held::Cell { version, since })),
                    // Another one was quicker.
                    Err(StoreError::CellMoved { .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Keeps the lease. Done when it is lost.
    async fn keep(&self, held: &mut Held) {
        let (Held::Cell { version, since }, Place::Cell { store, name }) = (held, &self.place) else {
            return std::future::pending().await;
        };
        loop {
            let deadline = *since + self.terms.gives_up;
            let next = *since + self.terms.renew;
            tokio::time::sleep_until(next.min(deadline)).await;
            // Tried until it succeeds or it is too late; a process that was stopped for a while finds it too late.
            loop {
                let began = Instant::now();
                if began >= deadline {
                    return;
                }
                let renewed = self.renew(store.as_ref(), name, *version);
                match tokio::time::timeout_at(deadline, renewed).await {
                    Ok(Ok(Some(renewed))) => {
                        (*version, *since) = (renewed, began);
                        break;
                    }
                    Ok(Ok(None)) | Err(_) => return,
                    Ok(Err(error)) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the lease could not be renewed yet"
                        );
                        tokio::time::sleep(self.terms.look.min(self.terms.renew) / 4).await;
                    }
                }
            }
        }
    }

    /// Sets the lease anew. None if another instance has it.
    async fn renew(
        &self,
        store: &dyn EventStore,
        name: &CellName,
        version: u64,
    ) -> Result<Option<u64>, StoreError> {
        match store.set_cell(name, Some(version), self.document(Some(self.own))).await {
            Ok(version) => Ok(Some(version)),
            Err(StoreError::CellMoved { .. }) => {
                // Perhaps by ourselves, where the answer was lost.
                self.ours(store, name).await
            }
            Err(error) => Err(error),
        }
    }

    /// Hands the lease back, so that another instance need not wait until it has run out.
    async fn hand_back(&self, held: Held) {
        let (Held::Cell { version, .. }, Place::Cell { store, name }) = (held, &self.place) else { return };
        let hand_back = async {
            let mut version = version;
            loop {
                match store.set_cell(name, Some(version), self.document(None)).await {
                    // A renewal that was broken off may have been done all the same.
                    Err(StoreError::CellMoved { .. }) => match self.ours(store.as_ref(), name).await? {
                        Some(newer) if newer != version => version = newer,
                        _ => return Ok(()),
                    },
                    outcome => return outcome.map(drop),
                }
            }
        };
        if !matches!(timeout(self.terms.grace, hand_back).await, Ok(Ok(()))) {
            tracing::info!("the lease was not handed back: it runs out by itself");
        }
    }

    /// The cell's version, if this run of the instance set it last.
    async fn ours(&self, store: &dyn EventStore, name: &CellName) -> Result<Option<u64>, StoreError> {
        let cell = store.cell(name).await?;
        let ours = cell.filter(|cell| Document::read(cell).is_some_and(|it| it.holder == Some(self.own)));
        Ok(ours.map(|cell| cell.version))
    }

    fn document(&self, holder: Option<Uuid>) -> Bytes {
        let document = Document {
            holder,
            mail_is_away: self.health.is_away(),
            mail_is_only_held_up: self.health.is_only_held_up(),
        };
        // Fields that are always text: it does not fail.
        serde_json::to_vec(&document).map(Bytes::from).unwrap_or_default()
    }
}

/// Why the lease could not be seen.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// The file, if it could be locked.
fn lock(path: PathBuf) -> std::io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
