//! The proof of the history, for the service and for commands.

use std::sync::Arc;

use super::{RuntimeError, open_log, storage};
use crate::audit::proof::{Notary, ProofError, ProofKey, Tree};
use crate::config::Config;
use crate::privacy::{KeyRing, MasterKey};
use crate::store::EventStore;

/// Opens the tree beside the log, and what signs it.
pub(super) async fn open(
    config: &Config,
    master: &MasterKey,
    ring: Arc<KeyRing>,
    store: Arc<dyn EventStore>,
) -> Result<Arc<Notary>, RuntimeError> {
    let folder = config.storage.tree();
    // It waits for the disk.
    let tree = tokio::task::spawn_blocking(move || Tree::open(&folder)).await;
    let tree = tree.map_err(|_| RuntimeError::Ended("what opens the tree of hashes"))?;
    let tree = Arc::new(tree.map_err(ProofError::from)?);
    let origin = config.proof.origin(&config.web.base_url);
    Ok(Arc::new(Notary::new(&origin, master, tree, ring, store).map_err(ProofError::from)?))
}

/// What signs the history and reads it, for a command: the service may run meanwhile.
pub async fn open_proof(config: &Config) -> Result<Arc<Notary>, RuntimeError> {
    crate::folder::private(&config.storage.folder)
        .map_err(|error| RuntimeError::Folder(config.storage.folder.clone(), error))?;
    let master = storage::open_master_key(config)?;
    let store = open_log(config).await?;
    let ring = storage::open_ring(config, &master, store.as_ref()).await?;
    open(config, &master, ring, store).await
}

/// The key that checkpoints are signed with, under a name of the log.
pub fn proof_key(config: &Config, origin: &str) -> Result<ProofKey, RuntimeError> {
    let master = storage::open_master_key(config)?;
    Ok(ProofKey::new(&master, origin).map_err(ProofError::from)?)
}
