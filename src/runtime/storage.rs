//! Opens what is stored, on the engines that the settings name.

use std::path::Path;
use std::sync::Arc;

use vouchsafe_events::Position;

use super::RuntimeError;
use crate::config::{Config, KeyRingAccess, LogPlace};
use crate::privacy::{KeyRing, KeyStore, MasterKey, PostgresKeyStore, SqliteKeyStore};
use crate::store::EventStore;
use crate::store::eventstoredb::EventStoreDbStore;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

/// Opens the event log that the settings name.
pub async fn open_log(config: &Config) -> Result<Arc<dyn EventStore>, RuntimeError> {
    match config.storage.log(config.secrets.event_log_password.as_ref())? {
        LogPlace::File(file) => {
            private_folder_of(&file)?;
            Ok(Arc::new(SqliteStore::open(&file, SqliteOptions::default())?))
        }
        // Boxed: it is large, and whoever opens a log would carry it.
        LogPlace::EventStoreDb(options) => Ok(Arc::new(Box::pin(EventStoreDbStore::open(&options)).await?)),
    }
}

/// The master key, from the environment or its file.
pub(super) fn open_master_key(config: &Config) -> Result<MasterKey, RuntimeError> {
    if let Some(secret) = &config.secrets.master_key {
        return Ok(MasterKey::from_secret(secret)?);
    }
    let file = config.storage.master_key_file();
    private_folder_of(&file)?;
    Ok(MasterKey::load_or_create(&file)?)
}

/// Opens the key ring that the settings name. One that is new does not fit a log that has events: their names are
/// sealed under keys that are somewhere else.
pub(super) async fn open_ring(
    config: &Config,
    master: &MasterKey,
    log: &dyn EventStore,
) -> Result<Arc<KeyRing>, RuntimeError> {
    // Asked only where the ring is new: the log is read for it.
    let has_events = async || Ok::<_, RuntimeError>(log.head().await? > Position::START);
    let access = config.storage.key_ring_access(config.secrets.key_ring_password.as_ref())?;
    let keys: Arc<dyn KeyStore> = match access {
        KeyRingAccess::File(file) => {
            private_folder_of(&file)?;
            if !file.exists() && has_events().await? {
                return Err(RuntimeError::NoKeyRing(file));
            }
            Arc::new(SqliteKeyStore::open(&file)?)
        }
        KeyRingAccess::Postgres(settings) => {
            let store = tokio::task::spawn_blocking(move || PostgresKeyStore::open(&settings));
            let store = store.await.map_err(|_| RuntimeError::Ended("what opens the key ring"))??;
            if store.is_new()? && has_events().await? {
                return Err(RuntimeError::EmptyKeyRing(config.storage.key_ring().to_string()));
            }
            Arc::new(store)
        }
    };
    Ok(Arc::new(KeyRing::new(keys, master)?))
}

/// Makes the folder that a file is to be in.
fn private_folder_of(file: &Path) -> Result<(), RuntimeError> {
    let Some(folder) = file.parent() else { return Ok(()) };
    crate::folder::private(folder).map_err(|error| RuntimeError::Folder(folder.to_owned(), error))
}
