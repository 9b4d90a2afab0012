//! A process whose disk is slow.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// For as long as this lives, whatever a process syncs takes so much longer. The process runs on.
pub(crate) struct Slowed(Child);

impl Slowed {
    /// Slows a process down; or says why that cannot be done.
    pub(crate) async fn process(id: u32, by: Duration) -> Result<Self, &'static str> {
        let inject = format!("inject=fsync,fdatasync:delay_enter={}", by.as_micros());
        let tracer = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", &inject])
            .args(["-p", &id.to_string()])
            .stdin(Stdio::null())
            .spawn();
        let tracer = tracer.map_err(|_| "there is nothing to slow a process down with (Debian: strace)")?;
        let mut slowed = Self(tracer);
        // It takes hold of each thread.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(slowed.0.try_wait().unwrap(), None, "strace could not take hold of the process");
        Ok(slowed)
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        // Told to end, it lets go of the process first.
        drop(Command::new("kill").args(["-INT", &self.0.id().to_string()]).status());
        drop(self.0.wait());
    }
}
