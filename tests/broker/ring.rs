//! Personal data while the key ring's database is away.

use std::time::{Duration, Instant};

use tokio::task::block_in_place;
use vouchsafe_events::{Event, OrganisationId, OrganisationRenamed, PersonId, Stream, Uuid, Version};

use crate::listener::{in_order, listen, waits_for_everything};
use crate::node::{Own, Place};
use crate::port::free_port;
use crate::postgres::Postgres;
use crate::until;
use crate::world::{Running, UNUSUAL, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_wait_for_the_key_ring_and_go_with_names() {
    let Some(mut ring) = block_in_place(Postgres::start) else { return };
    if !ring.kill() {
        eprintln!("skipped: this needs a PostgreSQL of its own");
        return;
    }
    block_in_place(|| ring.run());
    let Some(own) = Own::start() else { return };
    let (exchange, queue) = ("vouchsafe.events", "all");
    waits_for_everything(&own.place, exchange, queue).await;
    let world = World::with_ring(ring.address()).await;
    // One event that needs no key, then people, of whom one is erased, then one that needs no key again.
    let renamed = || Event::OrganisationRenamed(OrganisationRenamed { name: "A school".into() });
    let school = Stream::Organisation(OrganisationId::from_uuid(Uuid::from_u128(77)));
    world.append(school, None, vec![renamed()]).await;
    let people = [1, 2].map(|number| PersonId::from_uuid(Uuid::from_u128(number)));
    for person in people {
        world.append(Stream::Person(person), None, vec![world.introduced(person)]).await;
    }
    world.append(school, Some(Version::FIRST), vec![renamed()]).await;
    world.app.ring().destroy(people[1]).unwrap();

    ring.kill();
    let running = world.publish(&own.place, exchange, "personal_data = true");
    let heard = listen(&own.place, queue, |_| false).await;
    assert_eq!(heard.len(), 1, "nothing overtakes what waits: {heard:?}");
    assert_eq!((running.health.is_connected(), running.health.is_stuck()), (true, false));
    let first = running.health.position();
    assert!(first.number() > 0, "what could go is accounted for");
    // Asked again and again: how late it is is told all the same, however soon it is refused.
    until("it is told how late it is", async || running.health.lag().is_some()).await;
    let late = running.health.lag().unwrap() + Duration::from_secs(3);
    let begun = Instant::now();
    until("that grows", async || running.health.lag() >= Some(late)).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let told = Instant::now();
    let health = running.stop().await;
    assert!(told.elapsed() < Duration::from_secs(2), "stopped after {:?}", told.elapsed());
    assert_eq!((health.lag(), health.is_connected()), (None, false), "whoever publishes next tells that");
    leaving_takes_back_what_was_told(&world, &own.place, exchange).await;

    let running = world.publish(&own.place, exchange, "personal_data = true");
    until("it is connected", async || running.health.is_connected()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(running.health.position(), first);
    block_in_place(|| ring.run());
    let mut all = heard;
    all.extend(listen(&own.place, queue, |heard| heard.len() >= 3).await);
    assert_eq!((all.len(), in_order(&all), running.health.incomplete()), (4, 4, 0));
    let keys: Vec<_> = all.iter().map(|message| message.key.split('.').next().unwrap()).collect();
    assert_eq!(keys[1..3], ["person-introduced", "person-introduced"], "in the order of the log");
    let names: Vec<_> = all[1..3].iter().map(|message| message.data().get("name").cloned()).collect();
    assert_eq!(names, [Some(UNUSUAL.into()), None], "the second was erased");
    running.stop().await;
    world.close().await;
}

/// Whoever has left, in whatever way, is not behind: else it would be so for ever.
async fn leaving_takes_back_what_was_told(world: &World, place: &Place, exchange: &str) {
    let late = async |running: &Running| until("it is late", async || running.health.lag().is_some()).await;
    // Nobody listens there, so it is told to stop between two tries.
    let nowhere = format!("amqp://127.0.0.1:{}/%2F", free_port());
    let running = world.publish_to(&nowhere, place, exchange, "personal_data = true");
    late(&running).await;
    assert_eq!(running.stop().await.lag(), None);
    let running = world.publish(place, exchange, "personal_data = true");
    until("it is connected", async || running.health.is_connected()).await;
    late(&running).await;
    let health = running.abort().await;
    assert_eq!((health.lag(), health.is_connected(), health.is_stuck()), (None, false, false));
}
