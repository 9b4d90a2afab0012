//! Whatever goes wrong, nothing that was acknowledged is lost and nothing is done twice: people go on working while it
//! happens, and then everything is reckoned up. Each test prints what it counted, as a table.

#[path = "faults/lossy.rs"]
mod lossy;
#[path = "faults/reckoning.rs"]
mod reckoning;
#[path = "faults/slow.rs"]
mod slow;
#[path = "faults/work.rs"]
mod work;

use std::time::{Duration, Instant};

use lossy::LossyDisk;
use reckoning::Reckoning;
use slow::Slowed;
use work::Staff;

use crate::cluster::wire::Way;
use crate::cluster::{Cluster, For, Shape, To};
use crate::listener::{DEAD, LETTERS, connect, messages, put};
use crate::small_disk::SmallDisk;

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
    let shape = Shape { instances: 2, broker: For::Events, ..Shape::default() };
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
    let shape = Shape { instances: 2, broker: For::Events, wires: true, ..Shape::default() };
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
    assert!(trial.reckoning.hours() >= 2, "the clocks were not set");
    trial.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_in_the_queues() {
    let shape = Shape { instances: 2, broker: For::EventsAndMail, ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    trial
        .suffers("messages that are no jobs are in the queue of mail", async |cluster| {
            let place = cluster.broker.as_ref().unwrap().place.clone();
            let connection = connect(&place).await;
            let channel = connection.create_channel().await.unwrap();
            for body in [Vec::new(), b"{\"this is\": \"no job\"}".to_vec(), vec![0xff; 100_000]] {
                put(&channel, LETTERS, &body).await;
            }
            let begun = Instant::now();
            while messages(&channel, DEAD).await < 3 {
                assert!(begun.elapsed() < Duration::from_mins(1), "they were not put aside");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            drop(connection.close(200, "done".into()).await);
        })
        .await;
    trial
        .suffers("the instance that runs the reactors is killed, with mail in the queue", async |cluster| {
            let first = cluster.who_runs_the_reactors().expect("one runs the reactors");
            cluster.kill(first);
            cluster.reactors_move_to(1 - first).await;
            cluster.run(first).await;
        })
        .await;
    trial
        .suffers("RabbitMQ is killed, with mail in the queue", async |cluster| {
            let broker = cluster.broker.as_mut().unwrap();
            tokio::task::block_in_place(|| {
                broker.kill();
                broker.restart();
            });
        })
        .await;
    trial.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_power_does() {
    let Some(mut disk) = LossyDisk::new() else { return };
    let shape = Shape { instances: 1, alone_in: Some(disk.path("instance")), ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    for (what, kept) in [
        ("power is lost, and all that was not synced", 0),
        ("power is lost, and three writes in four that were not synced", 1),
        ("power is lost, and every other write", 2),
        ("power is lost, and one write in four", 3),
    ] {
        trial
            .suffers(what, async |cluster| {
                cluster.kill(0);
                let mut random = random();
                let (lost, safe) = tokio::task::block_in_place(|| disk.loses_power(|| random() % 4 < kept));
                println!("{lost} writes were lost, {safe} are safe so far");
                cluster.run(0).await;
            })
            .await;
    }
    trial.ends().await;
}

/// Numbers that differ from run to run.
fn random() -> impl FnMut() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    let (state, mut count) = (RandomState::new(), 0_u64);
    move || {
        count += 1;
        state.hash_one(count)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_disks_do() {
    let (Some(logs), Some(lists)) = (SmallDisk::new(16), SmallDisk::new(16)) else { return };
    let (log_in, first_in) = (Some(logs.path("")), Some(lists.path("instance")));
    let shape = Shape { instances: 2, log_in, first_in, ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    trial
        .suffers("each sync of the log’s server takes 300 ms more", async |cluster| {
            let _slowed = Slowed::process(cluster.process_of_log_server(), Duration::from_millis(300)).await;
            tokio::time::sleep(seconds(8)).await;
        })
        .await;
    trial
        .suffers("the disk of the log’s server is full", async |cluster| {
            let full = logs.fill();
            // It ends rather than answer for what it cannot keep, as the real one does.
            cluster.log_server_ends().await;
            tokio::time::sleep(seconds(2)).await;
            drop(full);
            cluster.log_server_runs();
        })
        .await;
    trial
        .suffers("the disk of one instance is full, and it is started anew", async |cluster| {
            let full = lists.fill();
            tokio::time::sleep(seconds(2)).await;
            cluster.kill(0);
            cluster.run(0).await;
            tokio::time::sleep(seconds(2)).await;
            drop(full);
        })
        .await;
    trial.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_one_disk_does() {
    let Some(disk) = SmallDisk::new(32) else { return };
    let shape = Shape { instances: 1, alone_in: Some(disk.path("instance")), ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    trial
        .suffers("each sync takes 300 ms more", async |cluster| {
            let _slowed = Slowed::process(cluster.process(0), Duration::from_millis(300)).await;
            tokio::time::sleep(seconds(8)).await;
        })
        .await;
    trial
        .suffers("the disk is full", async |_| {
            let _full = disk.fill();
            tokio::time::sleep(seconds(5)).await;
        })
        .await;
    trial
        .suffers("the disk is full, and the service is started anew once there is room", async |cluster| {
            let full = disk.fill();
            tokio::time::sleep(seconds(3)).await;
            cluster.kill(0);
            drop(full);
            cluster.run(0).await;
        })
        .await;
    trial.ends().await;
}
