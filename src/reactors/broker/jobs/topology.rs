//! The queues that jobs go through.

use lapin::options::{QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ExchangeKind};
use vouchsafe_events::MailKind;

use crate::reactors::broker::dial::{self, LinkError, declined};

/// Where jobs for one-time passwords wait, which somebody waits for.
pub(super) const CODES: &str = "vouchsafe.mail.codes";

/// Where all other jobs wait.
pub(super) const LETTERS: &str = "vouchsafe.mail.letters";

/// Where jobs go that nobody could handle: an exchange, and the queue behind it.
pub(super) const DEAD: &str = "vouchsafe.mail.dead";

/// How often a job is handed out again after whoever had it went away, before it counts as one that nobody can handle.
const DELIVERIES: i64 = 5;

/// The queue for a kind of mail.
pub(super) const fn queue(mail: MailKind) -> &'static str {
    match mail {
        MailKind::OneTimePassword => CODES,
        _ => LETTERS,
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// A queue that is on a majority of RabbitMQ's nodes, and counts how often a message was handed out.
fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

/// Makes the queues if they are not there.
pub(super) async fn declare(connection: &Connection) -> Result<(), LinkError> {
    dial::declare_exchange(connection, DEAD, ExchangeKind::Fanout).await?;
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(DEAD.into(), durable, quorum()).await.map_err(declined)?;
    channel
        .queue_bind(DEAD.into(), DEAD.into(), "".into(), QueueBindOptions::default(), FieldTable::default())
        .await
        .map_err(declined)?;
    for name in [CODES, LETTERS] {
        let mut arguments = quorum();
        arguments.insert("x-dead-letter-exchange".into(), text(DEAD));
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERIES));
        channel.queue_declare(name.into(), durable, arguments).await.map_err(declined)?;
    }
    channel.close(200, "declared".into()).await?;
    Ok(())
}

/// How many jobs nobody could handle.
pub(super) async fn dead(connection: &Connection) -> Result<u64, LinkError> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(DEAD.into(), passive, FieldTable::default()).await?;
    let count = queue.message_count();
    channel.close(200, "counted".into()).await?;
    Ok(count.into())
}
