//! How long the work that one instance at a time does stands still when that instance ends.

use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::load;

/// How often it is tried.
const TIMES: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; see docs/performance.md"]
async fn figures_of_takeover() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let head = ["until the other instance runs the reactors", "least s", "median s", "most s", "times"];
    let mut table = vec![load::row(&head.map(str::to_owned)), load::row(&vec!["---".to_owned(); head.len()])];
    for (how, kills) in [("after `kill -9`", true), ("after a stop in order (SIGTERM)", false)] {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            times.push(once(&mut cluster, kills).await);
        }
        times.sort_unstable();
        let at = |percent| format!("{:.1}", load::percentile(&times, percent).as_secs_f64());
        table.push(load::row(&[how.to_owned(), at(0), at(50), at(100), times.len().to_string()]));
    }
    println!("{}", table.join("\n"));
}

async fn once(cluster: &mut Cluster, kills: bool) -> Duration {
    let holder = cluster.who_runs_the_reactors().expect("one runs the reactors");
    let other = 1 - holder;
    let said = cluster.world.folder().join(format!("instance-{other}.out"));
    let taken = || {
        let said = std::fs::read_to_string(&said).unwrap();
        said.lines().filter(|line| line.contains("runs the reactors from now on")).count()
    };
    let before = taken();
    let begun = Instant::now();
    if kills {
        cluster.kill(holder);
    } else {
        cluster.stop(holder).await;
    }
    while taken() == before {
        assert!(begun.elapsed() < Duration::from_mins(1), "nobody took the reactors over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    cluster.run(holder).await;
    took
}
