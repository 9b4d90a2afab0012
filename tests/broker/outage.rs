//! RabbitMQ goes away, and comes back.

use std::time::{Duration, Instant};

use crate::listener::{in_order, listen, waits_for_everything};
use crate::node::Own;
use crate::until;
use crate::world::World;

/// How much of the machine's memory this process has, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_rabbitmq_no_event_is_lost() {
    let Some(mut own) = Own::start() else { return };
    let (exchange, queue) = ("vouchsafe.events", "all");
    waits_for_everything(&own.place, exchange, queue).await;
    let world = World::new().await;
    let mut count = world.history(300, 0, 5).await;
    let place = own.place.clone();
    let running = world.publish(&place, exchange, "");

    // Killed in the middle of it, twice.
    for _ in 0..2 {
        let before = running.health.confirmed();
        until("some are confirmed", async || running.health.confirmed() > before + 500).await;
        own.kill();
        until("that it is away is noticed", async || !running.health.is_connected()).await;
        count += world.history(300, u64::try_from(count / 900).unwrap(), 2).await;
        own.restart();
    }
    let (all, began) = (u64::try_from(count).unwrap(), Instant::now());
    until("all are confirmed", async || running.health.confirmed() >= all).await;
    eprintln!("{} confirmed {:?} after RabbitMQ came back", running.health.confirmed(), began.elapsed());

    // Away for long, while thousands of events are appended.
    own.kill();
    until("that it is away is noticed", async || !running.health.is_connected()).await;
    let before = memory();
    count += world.history(300, u64::try_from(count / 900).unwrap(), 6).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let grown = memory().saturating_sub(before);
    eprintln!("{grown} KiB more while RabbitMQ was away and 5,400 events were appended");
    assert!(grown < 64 * 1024, "{grown} KiB");
    own.restart();
    let (confirmed, began) = (running.health.confirmed(), Instant::now());
    until("all are confirmed", async || running.health.confirmed() >= confirmed + 5_400).await;
    eprintln!("5,400 events caught up with in {:?}", began.elapsed());

    // Short of memory, it takes nothing; nothing is lost by it.
    own.control(&["set_vm_memory_high_watermark", "0.00001"]);
    count += world.history(300, u64::try_from(count / 900).unwrap(), 1).await;
    until("it blocks", async || running.health.is_blocked()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    own.control(&["set_vm_memory_high_watermark", "0.4"]);
    until("it blocks no more", async || !running.health.is_blocked()).await;

    let all = |heard: &[crate::listener::Heard]| {
        let ids: std::collections::HashSet<_> = heard.iter().map(|message| &message.id).collect();
        ids.len() >= count
    };
    // Looked at now and then only: it takes a while.
    let heard =
        listen(&place, queue, |heard| heard.len() >= count && heard.len() % 10 == 0 && all(heard)).await;
    eprintln!("{count} events, {} messages", heard.len());
    assert_eq!(in_order(&heard), count);
    running.stop().await;
    world.close().await;
}
