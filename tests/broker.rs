//! Publishing and mail jobs against a real RabbitMQ.
//!
//! Debian's `rabbitmq-server` is started for the test and ended with it. `VOUCHSAFE_TEST_AMQP` names another one, as
//! `amqp://user:password@host:port/virtual-host`; what needs a node of its own is skipped then. Where there is neither,
//! the tests say so and are skipped.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it measured or skipped"
)]

#[path = "broker/jobs.rs"]
mod jobs;
#[path = "broker/listener.rs"]
mod listener;
#[path = "broker/mail.rs"]
mod mail;
#[path = "broker/node.rs"]
mod node;
#[path = "broker/outage.rs"]
mod outage;
#[path = "support/port.rs"]
mod port;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "broker/publishing.rs"]
mod publishing;
#[path = "broker/ring.rs"]
mod ring;
#[path = "broker/smtp.rs"]
mod smtp;
#[path = "broker/world.rs"]
mod world;

use std::time::Duration;

/// Waits until something is so.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..1200 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it was not so after a minute: {what}");
}
