//! Whatever goes wrong, nothing that was acknowledged is lost and nothing is done twice: people go on working while it
//! happens, and then everything is reckoned up. Each test prints what it counted, as a table.

#[path = "faults/reckoning.rs"]
mod reckoning;
#[path = "faults/work.rs"]
mod work;

use std::time::{Duration, Instant};

use reckoning::Reckoning;
use work::Staff;

use crate::cluster::wire::Way;
use crate::cluster::{Cluster, Shape, To};

/// People at work in a cluster where things go wrong, one after another.
struct Trial {
    cluster: Cluster,
    staff: Option<Staff>,
    reckoning: Reckoning,
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl Trial {
    /// None where a server that it needs cannot be had.
    async fn begin(shape: Shape) -> Option<Self> {
        let mut cluster = Cluster::of(shape).await?;
        let staff = Some(Staff::at(&mut cluster).await);
        Some(Self { cluster, staff, reckoning: Reckoning::default() })
    }

    /// Lets something go wrong while people work, and reckons up once it is over.
    async fn suffers(&mut self, what: &str, fault: impl AsyncFnOnce(&mut Cluster)) {
        println!("{what}");
        let work = self.staff.take().unwrap().go_to_work();
        tokio::time::sleep(seconds(1)).await;
        fault(&mut self.cluster).await;
        let over = Instant::now();
        self.cluster.all_are_ready().await;
        let recovered = over.elapsed();
        // People get something done again.
        let done = work.done();
        while work.done() < done + 3 {
            assert!(over.elapsed() < Duration::from_mins(2), "{what}: nobody gets anything done any more");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let staff = work.go_home().await;
        self.reckoning.after(what, &self.cluster, &staff, recovered).await;
        self.staff = Some(staff);
    }

    async fn ends(self) {
        println!("{}", self.reckoning.table());
        self.cluster.stops_with_equal_lists().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies() {
    let shape = Shape { instances: 2, broker: true, ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    trial.suffers("nothing", async |_| tokio::time::sleep(seconds(1)).await).await;
    trial
        .suffers("the instance that runs the reactors is killed", async |cluster| {
            let first = cluster.who_runs_the_reactors().expect("one runs the reactors");
            cluster.kill(first);
            cluster.reactors_move_to(1 - first).await;
            cluster.run(first).await;
        })
        .await;
    trial
        .suffers("the other instance is killed", async |cluster| {
            let other = 1 - cluster.who_runs_the_reactors().expect("one runs the reactors");
            cluster.kill(other);
            tokio::time::sleep(seconds(2)).await;
            cluster.run(other).await;
        })
        .await;
    trial
        .suffers("the log’s server is killed", async |cluster| cluster.log_server_dies_for(seconds(2)))
        .await;
    trial
        .suffers("the key ring’s database is killed", async |cluster| {
            cluster.key_ring_dies_for(seconds(2));
        })
        .await;
    trial
        .suffers("RabbitMQ is killed", async |cluster| {
            let broker = cluster.broker.as_mut().unwrap();
            tokio::task::block_in_place(|| {
                broker.kill();
                std::thread::sleep(seconds(4));
                broker.restart();
            });
        })
        .await;
    trial
        .suffers("the mail server is killed", async |cluster| {
            if cluster.world.smtp.kill() {
                tokio::time::sleep(seconds(4)).await;
                cluster.world.smtp.restart();
            }
        })
        .await;
    trial.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_network_does() {
    let shape = Shape { instances: 2, broker: true, wires: true, ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    for (what, to, way, time) in [
        ("the log is cut off from the instance with the reactors", Some(To::Log), Way::Cut, 3),
        ("the log falls silent for it", Some(To::Log), Way::Silent, 8),
        ("the log’s answers to it are lost", Some(To::Log), Way::Unanswered, 3),
        ("the key ring falls silent for it", Some(To::Keys), Way::Silent, 4),
        ("RabbitMQ falls silent for it", Some(To::Broker), Way::Silent, 5),
        ("RabbitMQ’s confirmations to it are lost", Some(To::Broker), Way::Unanswered, 3),
        ("the mail server’s answers to it are lost", Some(To::Mail), Way::Unanswered, 4),
        ("everything is cut off from it", None, Way::Cut, 8),
        ("everything is slow for it", None, Way::Slow(Duration::from_millis(150)), 6),
    ] {
        trial
            .suffers(what, async |cluster| {
                let first = cluster.who_runs_the_reactors().expect("one runs the reactors");
                cluster.way(first, to, way);
                tokio::time::sleep(seconds(time)).await;
                if way == Way::Unanswered {
                    cluster.way(first, to, Way::Cut);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                cluster.way(first, to, Way::Open);
            })
            .await;
    }
    trial.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_clocks_say() {
    let shape = Shape { instances: 2, clocks: true, ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    for (what, first, second) in [
        ("one clock is an hour ahead", 3600, 0),
        ("it is an hour behind", -3600, 0),
        ("one is an hour ahead, the other an hour behind", 3600, -3600),
        ("both are right again", 0, 0),
    ] {
        trial
            .suffers(what, async |cluster| {
                cluster.set_clock(0, first);
                cluster.set_clock(1, second);
                tokio::time::sleep(seconds(5)).await;
            })
            .await;
    }
    trial.ends().await;
}
