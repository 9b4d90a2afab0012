//! RabbitMQ: what happens is published there, and mail is handed out through it.
//!
//! The log is the truth, and RabbitMQ may be away for as long as it likes: what is to be published waits in the log,
//! and what was published before the checkpoint is never lost by us.

mod asyncapi;
mod checkpoint;
mod dial;
mod health;
mod jobs;
mod message;
mod public;
mod publisher;
mod settings;
mod window;

pub use asyncapi::document as asyncapi;
pub use dial::BrokerError;
pub use health::BrokerHealth;
pub use jobs::{JobCourier, Worker};
pub use publisher::Publisher;
pub use settings::{BrokerSettings, DEFAULT_EXCHANGE, From, SettingsError};
