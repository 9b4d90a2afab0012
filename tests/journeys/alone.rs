//! One instance of the product as it runs on one machine: a process, with its log and key ring in files.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::World;

/// See the module.
pub(crate) struct Alone {
    pub(crate) world: World,
    process: Child,
}

impl Alone {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start() -> Self {
        let world = World::prepared(&[]).await;
        let said = std::fs::File::create(world.folder().join("alone.out")).unwrap();
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_vouchsafe"), "serve", "--config"])
            .arg(world.configuration())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        let alone = Self { world, process };
        let ready = format!("{}/health/ready", alone.world.base);
        let begun = Instant::now();
        while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200) {
            assert!(begun.elapsed() < Duration::from_mins(1), "it is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        alone
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
