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
use reckoning::{Reckoning, Twice};
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

    /// Lets something go wrong while people work, and reckons up once it is over. `fault` says why it could not be done
    /// here, if so.
    async fn suffers(
        &mut self,
        what: &str,
        twice: Twice,
        fault: impl AsyncFnOnce(&mut Cluster) -> Result<(), &'static str>,
    ) {
        println!("{what}");
        let work = self.staff.take().unwrap().go_to_work();
        tokio::time::sleep(seconds(1)).await;
        if let Err(reason) = fault(&mut self.cluster).await {
            println!("skipped: {what}: {reason}");
            self.staff = Some(work.go_home().await);
            return;
        }
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
        self.reckoning.after(what, twice, &self.cluster, &staff, recovered).await;
        self.staff = Some(staff);
    }

    /// How much was refused, or not answered, so far.
    fn failed(&self) -> usize {
        let ledger = self.staff.as_ref().unwrap().ledger();
        ledger.refused + ledger.unanswered
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
    let nothing = async |_: &mut Cluster| {
        tokio::time::sleep(seconds(1)).await;
        Ok(())
    };
    trial.suffers("nothing", Twice::No, nothing).await;
    trial.suffers("the instance that runs the reactors is killed", Twice::Some, kill_the_first).await;
    trial
        .suffers("the other instance is killed", Twice::No, async |cluster| {
            let other = 1 - cluster.who_runs_the_reactors().expect("one runs the reactors");
            cluster.kill(other);
            tokio::time::sleep(seconds(2)).await;
            cluster.run(other).await;
            Ok(())
        })
        .await;
    trial
        .suffers("the log’s server is killed", Twice::Some, async |cluster| {
            cluster.log_server_dies_for(seconds(2));
            Ok(())
        })
        .await;
    trial
        .suffers("the key ring’s database is killed", Twice::Some, async |cluster| {
            cluster.key_ring_dies_for(seconds(2)).then_some(()).ok_or("it is not ours to kill")
        })
        .await;
    trial
        .suffers("RabbitMQ is killed", Twice::Some, async |cluster| {
            kill_the_broker(cluster, seconds(4));
            Ok(())
        })
        .await;
    trial
        .suffers("the mail server is killed", Twice::Some, async |cluster| {
            if !cluster.world.smtp.kill() {
                return Err("it is not ours to kill");
            }
            tokio::time::sleep(seconds(4)).await;
            cluster.world.smtp.restart();
            Ok(())
        })
        .await;
    trial.ends().await;
}

async fn kill_the_first(cluster: &mut Cluster) -> Result<(), &'static str> {
    let first = cluster.who_runs_the_reactors().expect("one runs the reactors");
    cluster.kill(first);
    cluster.reactors_move_to(1 - first).await;
    cluster.run(first).await;
    Ok(())
}

fn kill_the_broker(cluster: &mut Cluster, time: Duration) {
    let broker = cluster.broker.as_mut().unwrap();
    tokio::task::block_in_place(|| {
        broker.kill();
        std::thread::sleep(time);
        broker.restart();
    });
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
            .suffers(what, Twice::Some, async |cluster| {
                let first = cluster.who_runs_the_reactors().expect("one runs the reactors");
                cluster.way(first, to, way);
                tokio::time::sleep(seconds(time)).await;
                if way == Way::Unanswered {
                    cluster.way(first, to, Way::Cut);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                cluster.way(first, to, Way::Open);
                Ok(())
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
            .suffers(what, Twice::No, async |cluster| {
                cluster.set_clock(0, first);
                cluster.set_clock(1, second);
                tokio::time::sleep(seconds(5)).await;
                Ok(())
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
        .suffers("messages that are no jobs are in the queue of mail", Twice::No, async |cluster| {
            let connection = connect(&cluster.broker.as_ref().unwrap().place).await;
            let channel = connection.create_channel().await.unwrap();
            for body in [Vec::new(), b"{\"this is\": \"no job\"}".to_vec(), vec![0xff; 100_000]] {
                put(&channel, LETTERS, &body).await;
            }
            comes_to(&channel, DEAD, 3).await;
            drop(connection.close(200, "done".into()).await);
            Ok(())
        })
        .await;
    let what = "the instance that runs the reactors is killed, while mail goes through queues";
    trial.suffers(what, Twice::Some, kill_the_first).await;
    trial
        .suffers("RabbitMQ is killed, while mail goes through it", Twice::Some, async |cluster| {
            kill_the_broker(cluster, seconds(0));
            Ok(())
        })
        .await;
    trial.ends().await;
}

/// Waits until there are so many messages in a queue.
async fn comes_to(channel: &lapin::Channel, queue: &str, count: u32) {
    let begun = Instant::now();
    while messages(channel, queue).await < count {
        assert!(begun.elapsed() < Duration::from_mins(1), "{queue} does not come to hold {count} messages");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_power_does() {
    let Some(mut disk) = LossyDisk::new() else { return };
    let shape = Shape { instances: 1, alone_in: Some(disk.path("instance")), ..Shape::default() };
    let Some(mut trial) = Trial::begin(shape).await else { return };
    let mut all = 0;
    for (what, kept) in [
        ("power is lost, and all that was not synced", 0),
        ("power is lost, and three in four of what was not synced", 1),
        ("power is lost, and every other", 2),
        ("power is lost, and one in four", 3),
    ] {
        trial
            .suffers(what, Twice::Some, async |cluster| {
                cluster.kill(0);
                let mut random = random();
                let (lost, safe) = tokio::task::block_in_place(|| disk.loses_power(|| random() % 4 < kept));
                println!("{lost} changes were lost, {safe} are safe so far");
                all += lost;
                cluster.run(0).await;
                Ok(())
            })
            .await;
    }
    assert!(all > 0, "nothing was lost that could be");
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
        .suffers("each sync of the log’s server takes 300 ms more", Twice::Some, async |cluster| {
            let slowed = Slowed::process(cluster.process_of_log_server(), Duration::from_millis(300)).await?;
            tokio::time::sleep(seconds(8)).await;
            drop(slowed);
            Ok(())
        })
        .await;
    trial
        .suffers("the disk of the log’s server is full", Twice::Some, async |cluster| {
            let full = logs.fill();
            // It ends rather than answer for what it cannot keep, as the real one does.
            cluster.log_server_ends().await;
            tokio::time::sleep(seconds(2)).await;
            drop(full);
            cluster.log_server_runs();
            Ok(())
        })
        .await;
    trial
        .suffers("the disk of one instance is full, and it is started anew", Twice::Some, async |cluster| {
            let full = lists.fill();
            tokio::time::sleep(seconds(2)).await;
            cluster.kill(0);
            cluster.run(0).await;
            tokio::time::sleep(seconds(2)).await;
            let written = std::fs::write(lists.path("more"), [1; 8192]);
            assert!(written.is_err(), "the disk was not full");
            drop(full);
            Ok(())
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
        .suffers("each sync takes 300 ms more", Twice::No, async |cluster| {
            let slowed = Slowed::process(cluster.process(0), Duration::from_millis(300)).await?;
            tokio::time::sleep(seconds(8)).await;
            drop(slowed);
            Ok(())
        })
        .await;
    let before = trial.failed();
    trial
        .suffers("the disk is full", Twice::Some, async |_| {
            let _full = disk.fill();
            tokio::time::sleep(seconds(6)).await;
            Ok(())
        })
        .await;
    assert!(trial.failed() > before, "a full disk refused nothing");
    trial
        .suffers("the disk is full, and the service is started anew", Twice::Some, async |cluster| {
            let full = disk.fill();
            tokio::time::sleep(seconds(3)).await;
            cluster.kill(0);
            drop(full);
            cluster.run(0).await;
            Ok(())
        })
        .await;
    trial.ends().await;
}
