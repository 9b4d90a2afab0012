//! How fast the log's server is through the product's own client for it: what nothing over it can be faster than.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vouchsafe::store::EventStore;
use vouchsafe_events::{OrganisationId, Stream, Uuid, Version};

use super::filler::Writer;
use crate::cluster::Cluster;
use crate::load::{self, Outcome};

const TIME: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; see docs/performance.md"]
async fn figures_of_the_log_alone() {
    let Some(cluster) = Cluster::start(0).await else { return };
    let log: Arc<dyn EventStore> = Arc::new(cluster.log().await);
    let head = ["one client of the log's server", "at once", "a second", "p50 ms", "p99 ms"];
    let mut table = vec![load::row(&head.map(str::to_owned)), load::row(&vec!["---".to_owned(); head.len()])];
    for at_once in [1, 16, 64] {
        let end = Instant::now() + TIME;
        let writers = (0..at_once).map(|_| Writer::new()).collect();
        let (appends, _) = load::drive(writers, async |writer: &mut Writer| {
            if Instant::now() > end {
                return None;
            }
            writer.appends(log.as_ref(), 1).await;
            Some(Outcome::Done)
        })
        .await;
        let end = Instant::now() + TIME;
        let nothing = Stream::Organisation(OrganisationId::from_uuid(Uuid::nil()));
        let (reads, _) = load::drive(vec![(); at_once], async |()| {
            if Instant::now() > end {
                return None;
            }
            log.read(nothing, Version::FIRST, 100).await.unwrap();
            Some(Outcome::Done)
        })
        .await;
        for (what, tally) in [("append one event", appends), ("read a stream that is empty", reads)] {
            table.push(load::row(&[
                what.to_owned(),
                at_once.to_string(),
                format!("{:.0}", tally.a_second()),
                load::ms(tally.within(50)),
                load::ms(tally.within(99)),
            ]));
        }
    }
    println!("{}", table.join("\n"));
}
