//! The queues that jobs go through.

use std::sync::Once;

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

/// Whether RabbitMQ refuses a declaration because what is there has no limit of time.
fn lacks_limit(refusal: &str) -> bool {
    refusal.contains("'x-message-ttl'") && refusal.contains("current is none")
}

/// Makes the queue for the dead. What it was made with cannot be changed: one that an earlier version made, without a
/// limit and otherwise the same, is used as it is, and the log says so once. A policy gives it one.
async fn declare_dead(connection: &Connection) -> Result<(), LinkError> {
    static SAID: Once = Once::new();
    let declare = async |arguments| {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        // A refusal closes the channel, so each try has its own.
        let channel = connection.create_channel().await?;
        channel.queue_declare(DEAD.into(), options, arguments).await.map_err(declined)?;
        Ok::<_, LinkError>(channel.close(200, "declared".into()).await?)
    };
    let mut limited = quorum();
    limited.insert("x-message-ttl".into(), AMQPValue::LongInt(DEAD_FOR));
    match declare(limited).await {
        Err(LinkError::OtherKind(why)) if lacks_limit(&why) => {
            // Whatever else differs is refused here too.
            declare(quorum()).await?;
            SAID.call_once(|| {
                tracing::warn!(
                    queue = DEAD,
                    "the queue was made without the limit of 14 days: unless a policy gives it one already, give it one \
                     as docs/messages.md says"
                );
            });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_queue_without_a_limit_is_taken_for_an_earlier_versions() {
        let refusal = |argument, current| {
            format!(
                "PRECONDITION_FAILED - inequivalent arg '{argument}' for queue '{DEAD}' in vhost '/': received the \
                 value '1209600000' of type 'signedint' but current is {current}"
            )
        };
        assert!(lacks_limit(&refusal("x-message-ttl", "none")));
        assert!(!lacks_limit(&refusal("x-message-ttl", "the value '60000' of type 'signedint'")));
        assert!(!lacks_limit(&refusal("x-queue-type", "none")));
    }
}
