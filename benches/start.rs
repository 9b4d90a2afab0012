//! How long a start takes at a million events: `cargo bench --bench start`.
//!
//! A log is written as the service writes it. Then a process of its own opens it and folds the lists, once from
//! the first event and once from a snapshot, and says how long that took and what memory it holds.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stops when it cannot measure"
)]

#[path = "replay/history.rs"]
mod history;
#[path = "start/written.rs"]
mod written;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use vouchsafe::app::Following;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use written::{EVENTS, write};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--start").skip(1);
    if let Some(folder) = arguments.next() {
        return start(Path::new(&folder), arguments.next().map(PathBuf::from)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    write(folder.path()).await;
    println!("{EVENTS} events written in {:.1} s", began.elapsed().as_secs_f64());
    let again = |snapshots: Option<PathBuf>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--start").arg(folder.path()).args(snapshots);
        assert!(command.status().unwrap().success());
    };
    again(None);
    // The first start with a folder for snapshots leaves one.
    let snapshots = folder.path().join("snapshots");
    again(Some(snapshots.clone()));
    again(Some(snapshots));
}

async fn start(folder: &Path, snapshots: Option<PathBuf>) {
    let has_snapshot = snapshots.as_ref().is_some_and(|folder| folder.exists());
    let began = Instant::now();
    let store = SqliteStore::open(&folder.join("events.db"), SqliteOptions::default()).unwrap();
    let following = Following::begin(&store, snapshots).await.unwrap();
    let took = began.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).map_or("unknown", str::trim);
    let how = if has_snapshot { "from a snapshot" } else { "from the first event" };
    println!("ready {how:<22} at position {}: {took:.2} s, resident memory {memory}", following.position());
    store.close_now().unwrap();
}
