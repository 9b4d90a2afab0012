//! What goes through RabbitMQ, where it is configured.

use std::sync::Arc;

use crate::app::App;
use crate::config::Config;
use crate::reactors::broker::{BrokerError, BrokerHealth, JobCourier, Publisher, Worker};
use crate::reactors::postman::{Deliverer, MailHealth};

/// What goes through RabbitMQ: nothing where it is not configured.
#[derive(Default)]
pub(super) struct Messaging {
    /// Publishes the log: on one instance at a time.
    pub(super) publisher: Option<Arc<Publisher>>,
    /// Hands mail jobs out: on one instance at a time.
    pub(super) jobs: Option<Arc<JobCourier>>,
    /// Takes mail jobs: on every instance.
    pub(super) worker: Option<Worker>,
}

impl Messaging {
    /// Reads what is needed to connect, and connects to nothing yet.
    pub(super) fn new(
        config: &Config,
        app: &Arc<App>,
        deliverer: &Arc<Deliverer>,
        mail: &Arc<MailHealth>,
    ) -> Result<Self, BrokerError> {
        let configured = config.broker.as_ref().zip(config.secrets.broker_password.clone());
        let Some((settings, password)) = configured else { return Ok(Self::default()) };
        let health = Arc::new(BrokerHealth::default());
        let app = || Arc::clone(app);
        let publisher = Publisher::new(
            app(),
            settings.clone(),
            password.clone(),
            config.web.base_url.clone(),
            Arc::clone(&health),
        )?;
        let mut messaging = Self { publisher: Some(Arc::new(publisher)), ..Self::default() };
        if settings.mail_jobs {
            let jobs =
                JobCourier::new(app(), settings, password.clone(), Arc::clone(&health), Arc::clone(mail))?;
            messaging.jobs = Some(Arc::new(jobs));
            let (deliverer, mail) = (Arc::clone(deliverer), Arc::clone(mail));
            messaging.worker = Some(Worker::new(app(), deliverer, settings, password, health, mail)?);
        }
        Ok(messaging)
    }
}
