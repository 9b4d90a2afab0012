//! Whoever listens to what the service publishes.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::{AMQPAuthority, AMQPUri, AMQPUserInfo};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::Value;

use crate::node::Place;

/// The queues that mail goes through: letters, and what nobody can handle.
pub(crate) const LETTERS: &str = "vouchsafe.mail.letters";
pub(crate) const DEAD: &str = "vouchsafe.mail.dead";

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) key: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) persistent: bool,
    pub(crate) id: String,
    pub(crate) content_type: String,
}

impl Heard {
    pub(crate) fn attribute(&self, name: &str) -> &str {
        &self.headers[&format!("cloudEvents_{name}")]
    }

    pub(crate) fn data(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// All that there is of it, as text.
    pub(crate) fn raw(&self) -> String {
        format!("{:?} {}", self, String::from_utf8_lossy(&self.body))
    }
}

/// Connects, as any consumer would.
pub(crate) async fn connect(place: &Place) -> Connection {
    let uri = AMQPUri {
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo { username: place.user.clone(), password: place.password.clone() },
            host: place.host.clone(),
            port: place.port,
        },
        vhost: place.virtual_host.clone(),
        ..AMQPUri::default()
    };
    Connection::connect_uri(uri, ConnectionProperties::default()).await.unwrap()
}

/// Makes a durable queue for everything on an exchange, which is made too.
pub(crate) async fn bind(channel: &Channel, exchange: &str, queue: &str, arguments: FieldTable) {
    let durable = lapin::options::ExchangeDeclareOptions { durable: true, ..Default::default() };
    channel
        .exchange_declare(exchange.into(), lapin::ExchangeKind::Topic, durable, FieldTable::default())
        .await
        .unwrap();
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(queue.into(), durable, arguments).await.unwrap();
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            "#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
}

/// Makes a durable queue, on a connection of its own, that gets everything on an exchange from now on.
pub(crate) async fn waits_for_everything(place: &Place, exchange: &str, queue: &str) {
    let connection = connect(place).await;
    bind(&connection.create_channel().await.unwrap(), exchange, queue, FieldTable::default()).await;
    drop(connection.close(200, "done".into()).await);
}

/// Takes messages from a queue until `enough` says so, or none has come for five seconds.
pub(crate) async fn listen(
    place: &Place,
    queue: &str,
    mut enough: impl FnMut(&[Heard]) -> bool,
) -> Vec<Heard> {
    let connection = connect(place).await;
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(500, lapin::options::BasicQosOptions::default()).await.unwrap();
    let mut consumer = channel
        .basic_consume(queue.into(), "listener".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .unwrap();
    let mut heard = Vec::new();
    while !enough(&heard) {
        let Ok(next) = tokio::time::timeout(Duration::from_secs(5), consumer.next()).await else { break };
        let delivery = next.unwrap().unwrap();
        heard.push(read(&delivery));
        delivery.ack(BasicAckOptions::default()).await.unwrap();
    }
    // What was acknowledged last is acknowledged before the connection ends.
    channel.close(200, "done".into()).await.unwrap();
    drop(connection.close(200, "done".into()).await);
    heard
}

fn read(delivery: &lapin::message::Delivery) -> Heard {
    let text = |value: &AMQPValue| match value {
        AMQPValue::LongString(text) => text.to_string(),
        other => panic!("a header that is no text: {other:?}"),
    };
    let properties = &delivery.properties;
    let headers = properties
        .headers()
        .as_ref()
        .map(|headers| headers.inner().iter().map(|(name, value)| (name.to_string(), text(value))).collect());
    Heard {
        key: delivery.routing_key.to_string(),
        headers: headers.unwrap_or_default(),
        body: delivery.data.clone(),
        persistent: *properties.delivery_mode() == Some(2),
        id: properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default(),
        content_type: properties.content_type().as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// How many different events there are. Fails if the first copies of one stream's events are not in order, without a
/// gap, from the first on.
pub(crate) fn in_order(heard: &[Heard]) -> usize {
    let (mut seen, mut next) = (HashSet::new(), BTreeMap::new());
    for message in heard {
        if seen.insert(message.id.clone()) {
            let stream = message.attribute("subject").to_owned();
            let sequence: u64 = message.attribute("sequence").parse().unwrap();
            let expected = next.entry(stream.clone()).or_insert(0);
            assert_eq!(sequence, *expected, "{stream} is out of order");
            *expected += 1;
        }
    }
    seen.len()
}

pub(crate) async fn messages(channel: &Channel, queue: &str) -> u32 {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().message_count()
}

pub(crate) async fn put(channel: &Channel, queue: &str, body: &[u8]) {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await.unwrap();
    let confirm = channel
        .basic_publish("".into(), queue.into(), options, body, BasicProperties::default())
        .await
        .unwrap();
    assert!(confirm.await.unwrap().is_ack());
}
