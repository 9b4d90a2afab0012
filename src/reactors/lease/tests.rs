use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinHandle;

use super::*;
use crate::random::Random;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

const QUICK: Terms = Terms {
    renew: Duration::from_millis(60),
    gives_up: Duration::from_millis(300),
    grace: Duration::from_millis(50),
    lasts: Duration::from_millis(600),
    look: Duration::from_millis(20),
};

fn own() -> Uuid {
    Uuid::from_bytes(Random::default().bytes().unwrap())
}

fn name() -> CellName {
    "lease-test".parse().unwrap()
}

fn log(folder: &Path) -> Arc<dyn EventStore> {
    Arc::new(SqliteStore::open(&folder.join("events.db"), SqliteOptions::default()).unwrap())
}

/// How many work at once, and whether there ever were two.
#[derive(Default)]
struct Work {
    at_it: AtomicUsize,
    most: AtomicUsize,
}

/// Counts itself as working for as long as it lives.
struct Worker(Arc<Work>);

impl Worker {
    fn new(work: &Arc<Work>) -> Self {
        let now = work.at_it.fetch_add(1, Ordering::SeqCst) + 1;
        work.most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(work))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.at_it.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One instance: works while it has the lease, and counts how often it began.
struct Instance {
    task: JoinHandle<Option<()>>,
    stop: watch::Sender<bool>,
    begun: watch::Receiver<usize>,
    health: Arc<MailHealth>,
}

impl Instance {
    fn start(lease: impl FnOnce(Arc<MailHealth>) -> Lease, work: &Arc<Work>) -> Self {
        let health = Arc::new(MailHealth::default());
        let lease = lease(Arc::clone(&health)).with_terms(QUICK);
        let (stop, stopped) = watch::channel(false);
        let (counter, begun) = watch::channel(0);
        let work = Arc::clone(work);
        let task = tokio::spawn(lease.run(
            stopped,
            || true,
            move |mut stop| {
                let worker = Worker::new(&work);
                counter.send_modify(|begun| *begun += 1);
                async move {
                    let _ = stop.wait_for(|stop| *stop).await;
                    drop(worker);
                }
            },
        ));
        Self { task, stop, begun, health }
    }

    fn of_cell(folder: &Path, work: &Arc<Work>) -> Self {
        let store = log(folder);
        Self::start(|health| Lease::of_cell(store, name(), own(), health), work)
    }

    fn of_file(folder: &Path, work: &Arc<Work>) -> Self {
        let path = folder.join("lock");
        Self::start(|health| Lease::of_file(path, own(), health), work)
    }

    async fn begins(&mut self, times: usize) {
        let begun = self.begun.wait_for(|begun| *begun >= times);
        timeout(Duration::from_secs(20), begun).await.unwrap().unwrap();
    }

    fn has_begun(&self) -> bool {
        *self.begun.borrow() > 0
    }

    async fn stop(self) {
        let _ = self.stop.send(true);
        assert_eq!(self.task.await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_works_and_another_goes_on_at_once_when_it_hands_the_lease_back() {
    for start in [Instance::of_cell, Instance::of_file] {
        let (folder, work) = (tempfile::tempdir().unwrap(), Arc::new(Work::default()));
        let mut first = start(folder.path(), &work);
        first.begins(1).await;
        let mut second = start(folder.path(), &work);
        // Longer than a lease lasts that nobody renews.
        tokio::time::sleep(QUICK.lasts * 2).await;
        assert!(!second.has_begun(), "two at once");
        first.stop().await;
        second.begins(1).await;
        assert_eq!(work.most.load(Ordering::SeqCst), 1);
        second.stop().await;
        assert_eq!(work.at_it.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_one_that_died_is_taken_over() {
    for start in [Instance::of_cell, Instance::of_file] {
        let (folder, work) = (tempfile::tempdir().unwrap(), Arc::new(Work::default()));
        let mut first = start(folder.path(), &work);
        first.begins(1).await;
        let mut second = start(folder.path(), &work);
        first.task.abort();
        second.begins(1).await;
        assert_eq!(work.most.load(Ordering::SeqCst), 1);
        second.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_renew_stops_before_another_begins() {
    let (folder, work) = (tempfile::tempdir().unwrap(), Arc::new(Work::default()));
    let store = log(folder.path());
    let mut first =
        Instance::start(|health| Lease::of_cell(Arc::clone(&store), name(), own(), health), &work);
    first.begins(1).await;
    let mut second = Instance::of_cell(folder.path(), &work);
    // The first one's way to the log is gone.
    store.close().await.unwrap();
    second.begins(1).await;
    assert_eq!(work.most.load(Ordering::SeqCst), 1, "both worked at once");
    assert!(!first.task.is_finished(), "it waits for the lease to come back");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_lease_was_taken_stops_and_comes_again() {
    let (folder, work) = (tempfile::tempdir().unwrap(), Arc::new(Work::default()));
    let mut first = Instance::of_cell(folder.path(), &work);
    first.begins(1).await;
    let (store, mut taken) = (log(folder.path()), false);
    while !taken {
        let version = store.cell(&name()).await.unwrap().map(|cell| cell.version);
        taken = store.set_cell(&name(), version, Bytes::from_static(b"something newer")).await.is_ok();
    }
    first.begins(2).await;
    assert_eq!(work.most.load(Ordering::SeqCst), 1);
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_ends_by_itself_is_told() {
    let (folder, health) = (tempfile::tempdir().unwrap(), Arc::new(MailHealth::default()));
    let lease = Lease::of_cell(log(folder.path()), name(), own(), health).with_terms(QUICK);
    let (_stop, stopped) = watch::channel(false);
    assert_eq!(lease.run(stopped, || true, |_| async { 7 }).await, Some(7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_no_mail_goes_out_is_known_where_none_is_sent() {
    let (folder, work) = (tempfile::tempdir().unwrap(), Arc::new(Work::default()));
    let mut first = Instance::of_cell(folder.path(), &work);
    first.begins(1).await;
    let second = Instance::of_cell(folder.path(), &work);
    first.health.set_away_for_tests();
    let heard = async {
        while !second.health.is_away() {
            tokio::time::sleep(QUICK.look).await;
        }
    };
    timeout(Duration::from_secs(20), heard).await.unwrap();
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_no_longer_fit_leaves_the_lease_to_another() {
    let (folder, work) = (tempfile::tempdir().unwrap(), Arc::new(Work::default()));
    let fit = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let lease = Lease::of_cell(log(folder.path()), name(), own(), Arc::default()).with_terms(QUICK);
    let (stop, stopped) = watch::channel(false);
    let (is_fit, begun) = (Arc::clone(&fit), Arc::new(AtomicUsize::new(0)));
    let times = Arc::clone(&begun);
    let first = tokio::spawn(lease.run(
        stopped,
        move || is_fit.load(Ordering::SeqCst),
        move |mut stop| {
            times.fetch_add(1, Ordering::SeqCst);
            async move {
                let _ = stop.wait_for(|stop| *stop).await;
            }
        },
    ));
    while begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(QUICK.look).await;
    }
    let mut second = Instance::of_cell(folder.path(), &work);
    fit.store(false, Ordering::SeqCst);
    second.begins(1).await;
    second.stop().await;
    tokio::time::sleep(QUICK.lasts).await;
    assert_eq!(begun.load(Ordering::SeqCst), 1, "it took the lease though it is not fit");
    let _ = stop.send(true);
    assert_eq!(first.await.unwrap(), None::<()>);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_took_the_lease_and_had_no_answer_need_not_wait_for_it_to_run_out() {
    let (folder, own) = (tempfile::tempdir().unwrap(), own());
    let terms = Terms { lasts: Duration::from_mins(10), ..QUICK };
    let lease = |own| Lease::of_cell(log(folder.path()), name(), own, Arc::default()).with_terms(terms);
    // It was set all the same.
    let document = lease(own).document(Some(own));
    log(folder.path()).set_cell(&name(), None, document).await.unwrap();
    let (_stop, stopped) = watch::channel(false);
    let other = lease(Uuid::from_u128(1)).run(stopped.clone(), || true, |_| async { 7 });
    let again = lease(own).run(stopped, || true, |_| async { 8 });
    timeout(QUICK.lasts, other).await.expect_err("it is somebody else's");
    assert_eq!(timeout(Duration::from_secs(20), again).await.unwrap(), Some(8));
}
