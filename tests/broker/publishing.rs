//! What is published, and what is not.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use lapin::types::{AMQPValue, FieldTable};
use serde_json::Value;
use vouchsafe::reactors::broker;
use vouchsafe_events::{
    Actor, EmailReserved, Event, OneTimePasswordIssued, PersonId, Plain, SignedIn, Stream, Uuid, Version,
};

use crate::listener::{Heard, bind, connect, in_order, listen};
use crate::node::{Node, Place};
use crate::until;
use crate::world::{UNUSUAL, World};

/// One node, for one thing after another: a node takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_published() {
    let Some(node) = Node::get() else { return };
    let place = node.place();
    each_event_comes_in_order_and_as_described(place).await;
    personal_data_comes_only_where_it_is_to(place).await;
    a_refused_message_comes_again_and_nothing_overtakes_it(place).await;
    a_first_start_may_begin_now(place).await;
    a_wrong_password_is_told_plainly(place).await;
    if let Node::Ours(own) = &node {
        tls_trusts_the_authority_that_it_is_given(own).await;
    }
}

async fn queue(place: &Place, exchange: &str, queue: &str, arguments: FieldTable) {
    let connection = connect(place).await;
    bind(&connection.create_channel().await.unwrap(), exchange, queue, arguments).await;
    drop(connection.close(200, "done".into()).await);
}

/// A name that no earlier run used, where the RabbitMQ is somebody else's.
fn fresh(name: &str) -> String {
    format!("test.{name}.{}", std::process::id())
}

/// Checks headers and body against the document that describes them.
fn as_described(heard: &[Heard]) {
    let document = broker::asyncapi("exchange");
    for message in heard {
        let (name, _) = message.key.split_once('.').unwrap();
        let described = &document["components"]["messages"][name];
        assert_eq!(described["name"], message.attribute("type"));
        let headers =
            jsonschema::draft7::options().should_validate_formats(true).build(&described["headers"]).unwrap();
        let found = serde_json::to_value(&message.headers).unwrap();
        assert!(headers.is_valid(&found), "{found}");
        let payload =
            jsonschema::draft7::options().should_validate_formats(true).build(&described["payload"]).unwrap();
        assert!(payload.is_valid(&message.data()), "{}", message.data());
    }
}

async fn each_event_comes_in_order_and_as_described(place: &Place) {
    let (exchange, name) = (fresh("order"), fresh("order.all"));
    queue(place, &exchange, &name, FieldTable::default()).await;
    let world = World::new().await;
    let count = world.history(40, 0, 10).await;
    let began = Instant::now();
    let running = world.publish(place, &exchange, "");
    let heard = listen(place, &name, |heard| heard.len() >= count).await;
    eprintln!("{count} events published and taken in {:?}", began.elapsed());
    assert_eq!((heard.len(), in_order(&heard)), (count, count));
    as_described(&heard);
    for message in &heard {
        assert!(message.persistent && message.content_type == "application/json");
        assert_eq!(message.id, message.attribute("id"));
        assert_eq!(message.attribute("source"), "https://access.example/");
        let raw = message.raw();
        assert!(!raw.contains("Quixwhistle") && !raw.contains("quixwhistle"), "{raw}");
        let subject = message.attribute("subject");
        let organisation = subject.strip_prefix("organisation-").unwrap_or("-");
        assert!(message.key.ends_with(&format!(".{organisation}")), "{}", message.key);
    }
    until("the checkpoint is known", async || running.health.position().number() > 0).await;
    running.stop().await;
    // Stopped in good order, it goes on with the next event, and nothing comes twice.
    let more = world.history(40, 10, 2).await;
    let running = world.publish(place, &exchange, "");
    let again = listen(place, &name, |heard| heard.len() >= more).await;
    assert_eq!(again.len(), more);
    assert_eq!(in_order(&[heard, again].concat()), count + more);
    running.stop().await;
    world.close().await;
}

async fn personal_data_comes_only_where_it_is_to(place: &Place) {
    let (exchange, name) = (fresh("personal"), fresh("personal.all"));
    queue(place, &exchange, &name, FieldTable::default()).await;
    let world = World::new().await;
    world.history(2, 0, 1).await;
    let [kept, erased] = [1, 2].map(|number| PersonId::from_uuid(Uuid::from_u128(number)));
    // Whatever is kept for security alone stays here, whatever the settings say.
    let network = |person| Plain::about(person, "203.0.113.77");
    let session = "ab".repeat(32).parse().unwrap();
    let signed_in = Event::SignedIn(SignedIn {
        session,
        expires: "2030-01-01T00:00:00.000000Z".parse().unwrap(),
        method: vouchsafe_events::Method::OneTimePassword,
        organisation: None,
        organisations: Vec::new(),
        network: network(kept),
        device: Plain::about(kept, "Netscape Navigator"),
    });
    let issued = Event::OneTimePasswordIssued(OneTimePasswordIssued {
        challenge: vouchsafe_events::ChallengeId::from_uuid(Uuid::from_u128(0xc0de)),
        nonce: vouchsafe_events::Nonce::new(0xfeed_beef_dead_c0de),
        expires: "2030-01-01T00:00:00.000000Z".parse().unwrap(),
        network: network(kept),
    });
    let stream = Stream::Person(kept);
    world.append(stream, Some(Version::new(2)), vec![signed_in, issued]).await;
    let hash = "cd".repeat(32).parse().unwrap();
    let reserved = Event::EmailReserved(EmailReserved { person: kept });
    world.append(Stream::Email(hash), None, vec![reserved]).await;
    world.app.ring().destroy(erased).unwrap();
    let running = world.publish(place, &exchange, "personal_data = true");
    let heard = listen(place, &name, |heard| heard.len() > 8).await;
    // Six of two people, two more of the first, and nothing of the reservation.
    assert_eq!((heard.len(), in_order(&heard)), (8, 8));
    as_described(&heard);
    for message in &heard {
        let (data, raw) = (message.data(), message.raw());
        for secret in ["abababab", "cdcdcdcd", "feedbeefdeadc0de", "00000000c0de", "203.0.113.77", "Netscape"]
        {
            assert!(!raw.contains(secret), "{raw}");
        }
        if message.key.starts_with("person-introduced") {
            let name = (message.attribute("subject") == format!("person-{kept}")).then_some(UNUSUAL);
            assert_eq!(data.get("name").and_then(Value::as_str), name);
            assert_eq!(data.get("email").is_some(), name.is_some());
            assert_eq!(message.attribute("actor"), Actor::Operator.to_string());
        }
    }
    assert_eq!(running.health.incomplete(), 0);
    running.stop().await;
    world.close().await;
}

async fn a_refused_message_comes_again_and_nothing_overtakes_it(place: &Place) {
    let (exchange, name) = (fresh("refused"), fresh("refused.all"));
    let mut small = FieldTable::default();
    small.insert("x-max-length".into(), AMQPValue::LongInt(20));
    small.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    queue(place, &exchange, &name, small).await;
    let world = World::new().await;
    let count = world.history(12, 0, 5).await;
    let running = world.publish(place, &exchange, "");
    until("a message is refused", async || running.health.refused() > 0).await;
    let mut seen = std::collections::HashSet::new();
    let heard = listen(place, &name, |heard| {
        if let Some(last) = heard.last() {
            seen.insert(last.id.clone());
        }
        seen.len() >= count
    })
    .await;
    eprintln!(
        "{count} events through a queue that takes 20: {} messages, {} refused",
        heard.len(),
        running.health.refused()
    );
    assert_eq!(in_order(&heard), count);
    running.stop().await;
    world.close().await;
}

async fn a_first_start_may_begin_now(place: &Place) {
    let (exchange, name) = (fresh("now"), fresh("now.all"));
    queue(place, &exchange, &name, FieldTable::default()).await;
    let world = World::new().await;
    world.history(4, 0, 1).await;
    let running = world.publish(place, &exchange, "from = 'now'");
    until("it is connected", async || running.health.is_connected()).await;
    let more = world.history(4, 1, 1).await;
    let heard = listen(place, &name, |heard| heard.len() >= more).await;
    assert_eq!(heard.len(), more);
    assert!(heard.iter().all(|message| message.attribute("sequence") >= "00000000000000000003"));
    running.stop().await;
    world.close().await;
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

async fn a_wrong_password_is_told_plainly(place: &Place) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::new().await;
    let mistaken = Place { password: "not the password".to_owned(), ..place.clone() };
    let running = world.publish(&mistaken, "vouchsafe.events", "");
    until("it has failed", async || running.health.failures() > 0).await;
    running.stop().await;
    let elsewhere = Place { virtual_host: "nowhere".to_owned(), ..place.clone() };
    let running = world.publish(&elsewhere, "vouchsafe.events", "");
    until("it has failed", async || running.health.failures() > 0).await;
    running.stop().await;
    let said = log.text();
    assert!(said.contains(&format!("refuses the user “{}”: check broker.username", place.user)), "{said}");
    assert!(said.contains("no virtual host “nowhere”"), "{said}");
    assert!(!said.contains("not the password") && !said.contains(&place.password), "{said}");
    world.close().await;
}

async fn tls_trusts_the_authority_that_it_is_given(own: &crate::node::Own) {
    let (exchange, name) = (fresh("tls"), fresh("tls.all"));
    queue(&own.place, &exchange, &name, FieldTable::default()).await;
    let world = World::new().await;
    let count = world.history(2, 0, 1).await;
    let url = format!("amqps://localhost:{}", own.tls_port);
    // Without the authority nobody is trusted.
    let running = world.publish_to(&url, &own.place, &exchange, "");
    until("it has failed", async || running.health.failures() > 0).await;
    assert!(!running.health.is_connected());
    running.stop().await;
    let file = world.folder().join("authority.pem");
    std::fs::write(&file, &own.authority).unwrap();
    let running = world.publish_to(&url, &own.place, &exchange, &format!("ca_file = '{}'", file.display()));
    let heard = listen(&own.place, &name, |heard| heard.len() >= count).await;
    assert_eq!(in_order(&heard), count);
    running.stop().await;
    world.close().await;
}
