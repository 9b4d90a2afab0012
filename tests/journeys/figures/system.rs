//! What is measured: one instance with its files, or some over servers.

use std::sync::Arc;

use tempfile::TempDir;
use vouchsafe::store::EventStore;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};

use crate::cluster::{Cluster, Shape};
use crate::load;
use crate::world::World;

pub(super) struct System {
    pub(super) cluster: Cluster,
    /// What the one instance keeps, where it needs no servers for it.
    files: Option<TempDir>,
    instances: usize,
}

impl System {
    /// One instance, with its log and keys in files.
    pub(super) async fn alone() -> Self {
        let files = tempfile::tempdir().unwrap();
        let folder = files.path().join("instance");
        std::fs::create_dir(&folder).unwrap();
        let shape = Shape { instances: 1, alone_in: Some(folder), ..Shape::default() };
        Self { cluster: Cluster::of(shape).await.unwrap(), files: Some(files), instances: 1 }
    }

    /// Some instances over servers. None where a server cannot be had.
    pub(super) async fn over_servers(instances: usize) -> Option<Self> {
        Some(Self { cluster: Cluster::start(instances).await?, files: None, instances })
    }

    pub(super) fn world(&mut self) -> &mut World {
        &mut self.cluster.world
    }

    /// Runs a command of the product beside it.
    pub(super) async fn command(&self, arguments: &[&str]) -> String {
        self.cluster.command(0, arguments).await
    }

    /// A log like its own: of files another one beside it, of a server the same.
    pub(super) async fn store(&self) -> Arc<dyn EventStore> {
        match &self.files {
            Some(files) => {
                let file = files.path().join("measured.db");
                Arc::new(SqliteStore::open(&file, SqliteOptions::default()).unwrap())
            }
            None => Arc::new(self.cluster.log().await),
        }
    }

    pub(super) fn name(&self) -> String {
        match (&self.files, self.instances) {
            (Some(_), _) => "one instance, SQLite".to_owned(),
            (None, 1) => "one instance, EventStoreDB stand-in and PostgreSQL".to_owned(),
            (None, count) => format!("{count} instances, EventStoreDB stand-in and PostgreSQL"),
        }
    }

    /// How much memory each instance holds, in MiB.
    pub(super) fn memory(&self) -> Vec<f64> {
        (0..self.instances).map(|number| load::resident(self.cluster.process(number))).collect()
    }
}
