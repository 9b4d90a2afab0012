//! Opens what is stored, on the engines that the settings name.

use std::path::Path;
use std::sync::Arc;

use vouchsafe_events::Position;

use super::RuntimeError;
use crate::config::{Config, KeyRingPlace, StorageSettings};
use crate::privacy::{KeyRing, KeyStore, MasterKey, PostgresKeyStore, SqliteKeyStore};
use crate::store::EventStore;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

/// Opens the event log that the settings name.
pub fn open_log(storage: &StorageSettings) -> Result<Arc<dyn EventStore>, RuntimeError> {
    private_folder_of(&storage.log())?;
    Ok(Arc::new(SqliteStore::open(&storage.log(), SqliteOptions::default())?))
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
    let has_events = log.head().await? > Position::START;
    let place = config.storage.key_ring();
    let keys: Arc<dyn KeyStore> = match &place {
        KeyRingPlace::File(file) => {
            private_folder_of(file)?;
            if has_events && !file.exists() {
                return Err(RuntimeError::NoKeyRing(file.clone()));
            }
            Arc::new(SqliteKeyStore::open(file)?)
        }
        KeyRingPlace::Postgres(address) => {
            let settings = config.storage.postgres(config.secrets.key_ring_password.as_ref())?;
            let Some(settings) = settings else { return Err(RuntimeError::EmptyKeyRing(address.clone())) };
            let store = tokio::task::spawn_blocking(move || PostgresKeyStore::open(&settings));
            let store = store.await.map_err(|_| RuntimeError::Ended("what opens the key ring"))??;
            if has_events && store.is_new()? {
                return Err(RuntimeError::EmptyKeyRing(address.clone()));
            }
            Arc::new(store)
        }
    };
    Ok(Arc::new(KeyRing::new(keys, master)?))
}

/// Makes the folder that a file is to be in.
fn private_folder_of(file: &Path) -> Result<(), RuntimeError> {
    let Some(folder) = file.parent() else { return Ok(()) };
    private_folder(folder).map_err(|error| RuntimeError::Folder(folder.to_owned(), error))
}

/// Makes a folder that only its owner may look into.
pub(super) fn private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
