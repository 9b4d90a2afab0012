//! Signs checkpoints of the history.
//!
//! The last signed checkpoint is kept in the key ring's store, apart from the log. A new one is signed only if the
//! log's tree continues that one, and it takes its place, by compare-and-set, before anybody sees it: so no two
//! checkpoints that contradict each other are ever handed out under one name, not even if the log lost its end, two
//! instances sign at once, or one dies half way.

use std::sync::Arc;
use std::time::Duration;

use tlog_tiles::Hash;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::checkpoint::{CheckpointError, ProofKey, Signed, VerifierKey};
use super::follow::{FollowError, LAG};
use super::tree::{Tree, TreeError};
use crate::errors::Chain;
use crate::privacy::{KeyRing, KeyStoreError, MasterKey};
use crate::stop::{Stop, pause};
use crate::store::EventStore;

/// How often it is tried again when other instances sign at the same time.
const TRIES: usize = 5;

/// For how long an answer to who asks for the last checkpoint is good.
const FRESH: Duration = Duration::from_secs(2);

/// Why nothing was signed, or the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The key, or a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What the key ring's store keeps as the last checkpoint was not signed by this service.
    #[error(
        "the last checkpoint of {0}, in the key ring, was not signed with this service's key: restore the key ring and the master key that belong together, or set proof.origin to a new name"
    )]
    Strange(String),
    /// The key ring.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    /// The tree, or the log.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The log has fewer events than were signed.
    #[error(
        "the event log has {found} events, but {signed} were signed as {origin}: its end was lost, or it is another log. Restore the log from a newer backup. To go on with the log as it is, set proof.origin to a new name, and tell whoever keeps checkpoints why"
    )]
    Shorter {
        /// The name of the log.
        origin: String,
        /// How many events were signed.
        signed: u64,
        /// How many there are.
        found: u64,
    },
    /// The log does not begin with the events that were signed.
    #[error(
        "the event log is not the one that was signed: its first {signed} events are not those that were signed as {origin}. `vouchsafe audit verify` names what differs. Restore the log from its backup. To go on with the log as it is, set proof.origin to a new name, and tell whoever keeps checkpoints why"
    )]
    Other {
        /// The name of the log.
        origin: String,
        /// How many events were signed.
        signed: u64,
    },
}

impl From<TreeError> for ProofError {
    fn from(error: TreeError) -> Self {
        Self::Follow(error.into())
    }
}

/// Signs checkpoints, and tells the last one.
pub struct Notary {
    key: ProofKey,
    tree: Arc<Tree>,
    ring: Arc<KeyRing>,
    store: Arc<dyn EventStore>,
    told: Mutex<Option<(Instant, Option<Arc<Signed>>)>>,
}

impl Notary {
    /// Signs as `origin`, with a key that is derived from the master key.
    pub fn new(
        origin: &str,
        master: &MasterKey,
        tree: Arc<Tree>,
        ring: Arc<KeyRing>,
        store: Arc<dyn EventStore>,
    ) -> Result<Self, CheckpointError> {
        Ok(Self { key: ProofKey::new(master, origin)?, tree, ring, store, told: Mutex::default() })
    }

    /// What the signatures are checked with.
    pub fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The tree that is signed.
    pub fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    /// The log that is signed.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// The last checkpoint that was signed, by any instance.
    pub fn kept(&self) -> Result<Option<Signed>, ProofError> {
        let origin = self.verifier().origin();
        let Some(note) = self.ring.checkpoint(origin)? else { return Ok(None) };
        let signed = Signed::open(&note, self.verifier());
        signed.map(Some).map_err(|_| ProofError::Strange(origin.to_owned()))
    }

    /// The same for those who ask often: at most two seconds old.
    pub async fn last(&self) -> Result<Option<Arc<Signed>>, ProofError> {
        let mut told = self.told.lock().await;
        match &*told {
            Some((at, last)) if at.elapsed() < FRESH => Ok(last.clone()),
            _ => {
                let last = self.kept()?.map(Arc::new);
                *told = Some((Instant::now(), last.clone()));
                Ok(last)
            }
        }
    }

    /// Checks that the log continues what was signed last, if anything was: for the start of the service.
    pub async fn check(&self) -> Result<(), ProofError> {
        match self.kept()? {
            None => Ok(()),
            Some(kept) => {
                tracing::info!(signed = kept.size, "the history is compared with the last checkpoint");
                self.head_after(Some(&kept)).await.map(drop)
            }
        }
    }

    /// Signs the log as it stands, and hands the checkpoint out; the last one again if nothing happened since. None if
    /// nothing ever happened.
    pub async fn sign(&self) -> Result<Option<Signed>, ProofError> {
        for _ in 0..TRIES {
            let kept = self.kept()?;
            let (size, root) = self.head_after(kept.as_ref()).await?;
            if size == kept.as_ref().map_or(0, |kept| kept.size) {
                return Ok(kept);
            }
            let next = self.key.sign(size, root)?;
            let expected = kept.as_ref().map(|kept| kept.note.as_slice());
            if self.ring.keep_checkpoint(self.verifier().origin(), expected, &next.note)? {
                *self.told.lock().await = None;
                return Ok(Some(next));
            }
            // Another instance has just signed; what it signed is what is to be continued.
        }
        self.kept()
    }

    /// Signs every so often, until it is told to stop.
    pub async fn run(self: Arc<Self>, every: Duration, mut stop: Stop) {
        loop {
            match self.sign().await {
                Ok(Some(signed)) => tracing::info!(size = signed.size, "the history is signed"),
                Ok(None) => {}
                Err(error) => tracing::error!(error = %Chain(&error), "the history was not signed"),
            }
            if !pause(&mut stop, every).await {
                return;
            }
        }
    }

    /// The size and the root of the log's tree as it stands, if it continues `kept`.
    async fn head_after(&self, kept: Option<&Signed>) -> Result<(u64, Hash), ProofError> {
        let (origin, signed, root) =
            kept.map_or((String::new(), 0, None), |kept| (kept.origin.clone(), kept.size, Some(kept.root)));
        let mut lag = LAG.iter();
        let mut again = true;
        loop {
            self.tree.catch_up(self.store.as_ref()).await?;
            let (at_signed, size, head) = self.tree.aside(move |tree| tree.heads(signed)).await?;
            match at_signed {
                None => match lag.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(ProofError::Shorter { origin, signed, found: size }),
                },
                Some(found) if root.is_none_or(|root| root == found) => return Ok((size, head)),
                // The files may be damaged: only what comes from the log itself counts.
                Some(_) if std::mem::take(&mut again) => {
                    tracing::warn!("the tree of hashes does not fit the last checkpoint: it is made anew");
                    self.tree.aside(Tree::clear).await?;
                }
                Some(_) => return Err(ProofError::Other { origin, signed }),
            }
        }
    }
}

impl std::fmt::Debug for Notary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Notary").field(&self.key).finish()
    }
}
