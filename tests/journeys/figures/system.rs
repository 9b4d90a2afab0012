//! What is measured: one instance with files, or some over servers.

use std::sync::Arc;

use vouchsafe::store::EventStore;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};

use crate::alone::Alone;
use crate::cluster::Cluster;
use crate::world::World;

pub(super) enum System {
    Alone(Alone),
    Several(Cluster),
}

impl System {
    pub(super) fn world(&mut self) -> &mut World {
        match self {
            Self::Alone(alone) => &mut alone.world,
            Self::Several(cluster) => &mut cluster.world,
        }
    }

    /// Runs a command of the product beside it.
    pub(super) async fn command(&self, arguments: &[&str]) -> String {
        match self {
            Self::Alone(alone) => alone.world.command(arguments).await,
            Self::Several(cluster) => cluster.command(0, arguments).await,
        }
    }

    /// A log like its own: for files another file beside it, for a server the same.
    pub(super) async fn store(&self) -> Arc<dyn EventStore> {
        match self {
            Self::Alone(alone) => {
                let file = alone.world.folder().join("measured.db");
                Arc::new(SqliteStore::open(&file, SqliteOptions::default()).unwrap())
            }
            Self::Several(cluster) => Arc::new(cluster.log().await),
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Alone(_) => "one instance, SQLite".to_owned(),
            Self::Several(cluster) => match cluster.bases().len() {
                1 => "one instance, EventStoreDB stand-in and PostgreSQL".to_owned(),
                count => format!("{count} instances, EventStoreDB stand-in and PostgreSQL"),
            },
        }
    }

    /// The processes of its instances.
    pub(super) fn processes(&self) -> Vec<u32> {
        match self {
            Self::Alone(alone) => vec![alone.process()],
            Self::Several(cluster) => {
                (0..cluster.bases().len()).map(|number| cluster.process(number)).collect()
            }
        }
    }
}
