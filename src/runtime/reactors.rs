//! What one instance at a time does: the reactors, under a lease.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::watched::Watched;
use crate::app::App;
use crate::audit::proof::Notary;
use crate::identity::dfe_api::DfeApi;
use crate::reactors::broker::{JobCourier, Publisher};
use crate::reactors::lease::Lease;
use crate::reactors::postman::{Deliverer, MailHealth, Postman};
use crate::reactors::{Stop, approvers, stopped, successions, timekeeper};
use crate::store::CellName;

/// DfE Sign-in's API, as it is asked who the approvers are.
pub(super) struct Asked {
    pub(super) api: Arc<DfeApi>,
    pub(super) issuer: String,
    pub(super) every: Duration,
}

/// All that the reactors need, to begin them as often as this instance gets the lease.
pub(super) struct Reactors {
    pub(super) app: Arc<App>,
    pub(super) deliverer: Arc<Deliverer>,
    /// None: nothing is published.
    pub(super) publisher: Option<Arc<Publisher>>,
    /// None: mail goes out from here, and not through queues.
    pub(super) jobs: Option<Arc<JobCourier>>,
    pub(super) health: Arc<MailHealth>,
    /// Signs the history every so often; none: only on demand.
    pub(super) notary: Option<(Arc<Notary>, Duration)>,
    /// None: it is never asked.
    pub(super) approvers: Option<Asked>,
}

impl Reactors {
    /// The lease: among the processes of this machine if the log is a file here, among all instances if not.
    pub(super) fn lease(&self, file: Option<std::path::PathBuf>, own: Uuid) -> Lease {
        let health = Arc::clone(&self.health);
        match file {
            None => Lease::of_cell(Arc::clone(self.app.store()), CellName::LEASE, own, health),
            Some(file) => Lease::of_file(file, own, health),
        }
    }

    /// Runs while this instance has the lease, until it is told to stop. Ends early if a reactor does.
    pub(super) async fn run(self, lease: Lease, stop: Stop) {
        // An instance whose lists stand still would do again what was done.
        let fit = || !self.app.following().is_stuck();
        lease.run(stop, fit, |stop| self.work(stop)).await;
    }

    async fn work(&self, mut stop: Stop) {
        let app = || Arc::clone(&self.app);
        let mut reactors = Watched::default();
        reactors.run("the timekeeper", timekeeper::run(app(), stop.clone()));
        reactors.run("the successions", successions::run(app(), stop.clone()));
        let health = Arc::clone(&self.health);
        let postman = match &self.jobs {
            Some(jobs) => Postman::by_jobs(app(), Arc::clone(jobs), health),
            None => Postman::new(app(), Arc::clone(&self.deliverer), health),
        };
        reactors.run("the mail reactor", postman.run(stop.clone()));
        if let Some(publisher) = &self.publisher {
            let (publisher, stop) = (Arc::clone(publisher), stop.clone());
            reactors.run("the publisher", async move { publisher.run(stop).await });
        }
        if let Some((notary, every)) = &self.notary {
            reactors.run("the signer of checkpoints", Arc::clone(notary).run(*every, stop.clone()));
        }
        if let Some(Asked { api, issuer, every }) = &self.approvers {
            let poll = approvers::run(app(), Arc::clone(api), issuer.clone(), *every, stop.clone());
            reactors.run("the reactor that asks who the approvers are", poll);
        }
        tokio::select! {
            _ = reactors.missed() => {}
            // They finish the piece they are at.
            () = stopped(&mut stop) => reactors.finish().await,
        }
    }
}
