//! How fast an instance takes in what was written while it was away.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vouchsafe::store::EventStore;
use vouchsafe_events::{OrganisationId, Stream};

use super::filler;
use crate::cluster::Cluster;
use crate::load::{self, Outcome};
use crate::person::Person;
use crate::world::GREENHILL;

/// How many events are written while it is away.
const EVENTS: u64 = 50_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; see docs/performance.md"]
async fn figures_of_catching_up() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let ann = cluster.world.approver("Ann", GREENHILL).await;
    let school = school_of(&cluster).await;
    let log: Arc<dyn EventStore> = Arc::new(cluster.log().await);
    let client = load::client(false);
    let bases = cluster.bases();
    let (mut at_first, mut at_second) =
        (ann.served_at(&bases[0], &client), ann.served_at(&bases[1], &client));
    let mut table = Table::default();

    cluster.stop(1).await;
    let written = writes(&log, school, "A School of Another Name").await;
    let behind = Instant::now();
    sees(&mut at_first, "A School of Another Name").await;
    table.add("there while they were written", EVENTS, written + behind.elapsed());
    let took = starts(&mut cluster).await;
    table.add("stopped before they were written, and started after", EVENTS, took);

    cluster.stop(1).await;
    let took = starts(&mut cluster).await;
    table.add("stopped, and started with nothing new", 0, took);

    cluster.kill(1);
    cluster.forgets(1);
    let took = starts(&mut cluster).await;
    table.add("killed, and started without a snapshot", EVENTS, took);

    signal(&cluster, "-STOP");
    writes(&log, school, "A School of a Third Name").await;
    sees(&mut at_first, "A School of a Third Name").await;
    let begun = Instant::now();
    signal(&cluster, "-CONT");
    sees(&mut at_second, "A School of a Third Name").await;
    table.add("halted (SIGSTOP) before they were written, and let go on after", EVENTS, begun.elapsed());
    println!("{}", table.0.join("\n"));
    cluster.stops_with_equal_lists().await;
}

/// Writes the events, and last a school's new name. Answers how long it took.
async fn writes(log: &Arc<dyn EventStore>, school: OrganisationId, name: &str) -> Duration {
    let begun = Instant::now();
    filler::fill(log, EVENTS).await;
    filler::renames(log.as_ref(), school, name).await;
    begun.elapsed()
}

struct Table(Vec<String>);

impl Default for Table {
    fn default() -> Self {
        let head = [
            "an instance that was",
            "events to take in",
            "s until it shows them, or is ready",
            "events a second",
        ];
        Self(vec![load::row(&head.map(str::to_owned)), load::row(&vec!["---".to_owned(); head.len()])])
    }
}

impl Table {
    fn add(&mut self, what: &str, events: u64, took: Duration) {
        let a_second = f64::from(u32::try_from(events).unwrap()) / took.as_secs_f64();
        let a_second = if events == 0 { "none".to_owned() } else { format!("{a_second:.0}") };
        let row = [what.to_owned(), events.to_string(), format!("{:.2}", took.as_secs_f64()), a_second];
        self.0.push(load::row(&row));
    }
}

/// Starts the second instance: how long until it is ready.
async fn starts(cluster: &mut Cluster) -> Duration {
    let begun = Instant::now();
    cluster.run(1).await;
    begun.elapsed()
}

fn signal(cluster: &Cluster, signal: &str) {
    let process = cluster.process(1).to_string();
    assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
}

/// The one school that is known.
async fn school_of(cluster: &Cluster) -> OrganisationId {
    let log = cluster.command(0, &["replay", "--type", "approver-established"]).await;
    let line = log.lines().find(|line| line.starts_with('{')).expect("there is an approver");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    match line["event"]["stream"].as_str().unwrap().parse().unwrap() {
        Stream::Organisation(school) => school,
        other => panic!("{other} is no school"),
    }
}

/// Opens a page again and again, until it shows this.
async fn sees(person: &mut Person, text: &str) {
    let begun = Instant::now();
    loop {
        let outcome = load::step(person, "/school/users", None).await;
        if outcome == Outcome::Done && person.page().text().contains(text) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{outcome:?}: {}", person.page().text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
