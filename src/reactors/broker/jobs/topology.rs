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

/// How long a job lies where the dead are, in milliseconds: 14 days. A job names a person by their id, so it must not
/// lie there for ever because nobody looks. RabbitMQ takes a limit for such a queue from 3.10 on.
const DEAD_FOR: i32 = 14 * 24 * 60 * 60 * 1000;

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
    declare_dead(connection).await?;
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
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

/// Makes the queue for the dead. What it was made with cannot be changed: one that an earlier version made, without a
/// limit, is used as it is, and the log says so. A policy gives it one.
async fn declare_dead(connection: &Connection) -> Result<(), LinkError> {
    let declare = async |passive, arguments| {
        let options = QueueDeclareOptions { durable: true, passive, ..QueueDeclareOptions::default() };
        // A refusal closes the channel, so each try has its own.
        let channel = connection.create_channel().await?;
        channel.queue_declare(DEAD.into(), options, arguments).await.map_err(declined)?;
        Ok::<_, LinkError>(channel.close(200, "declared".into()).await?)
    };
    let mut limited = quorum();
    limited.insert("x-message-ttl".into(), AMQPValue::LongInt(DEAD_FOR));
    match declare(false, limited).await {
        Err(LinkError::OtherKind(why)) => {
            declare(true, FieldTable::default()).await.map_err(|_| LinkError::OtherKind(why))?;
            tracing::warn!(
                queue = DEAD,
                "the queue was made without the limit of 14 days: docs/messages.md says how to give it one"
            );
            Ok(())
        }
        outcome => outcome,
    }
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
