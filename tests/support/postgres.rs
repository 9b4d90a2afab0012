//! A real PostgreSQL server, for one test. `VOUCHSAFE_TEST_POSTGRES` names another one instead, by the address of an
//! empty database.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::port::free_port;

/// A server, with one empty database.
pub(crate) struct Postgres {
    address: String,
    own: Option<Own>,
}

/// A server that was started for the test.
struct Own {
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

/// Where the distribution keeps the server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<_> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").exists());
    found.sort();
    found.pop()
}

/// A command that ends with this process; as the user `postgres` where this one is root, whom the server refuses.
fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0 {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Postgres {
    /// Starts one. None where there is none to start.
    pub(crate) fn start() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a test has no configuration file")]
        if let Ok(address) = std::env::var("VOUCHSAFE_TEST_POSTGRES") {
            return Some(Self { address, own: None });
        }
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // The server's user must come in.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let made = command(&programs.join("initdb"))
            .args(["--auth=trust", "--username=vouchsafe", "--encoding=UTF8", "--no-instructions", "-D"])
            .arg(folder.path().join("data"))
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = free_port();
        let address = format!("postgres://vouchsafe@127.0.0.1:{port}/postgres?sslmode=disable");
        let mut server = Self { address, own: Some(Own { folder, port, process: None }) };
        server.run();
        Some(server)
    }

    /// The address of its database.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Kills the server as a power cut would its machine. False if it is not ours to kill.
    pub(crate) fn kill(&mut self) -> bool {
        let Some(own) = &mut self.own else { return false };
        if let Some(mut process) = own.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        true
    }

    /// Runs the server, and waits until it answers.
    pub(crate) fn run(&mut self) {
        let Some(own) = &mut self.own else { return };
        let data = own.folder.path().join("data");
        let begun = Instant::now();
        loop {
            let process = own.process.get_or_insert_with(|| {
                command(&programs().unwrap().join("postgres"))
                    .arg("-D")
                    .arg(&data)
                    .arg("-k")
                    .arg(&data)
                    .args(["-p", &own.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
                    .args(["-c", "wal_recycle=off", "-c", "max_connections=50"])
                    .spawn()
                    .unwrap()
            });
            // After a kill its children may still hold on to its files for a moment: then it ends at once.
            if process.try_wait().unwrap().is_some() {
                own.process = None;
            } else if postgres::Client::connect(&self.address, postgres::NoTls).is_ok() {
                return;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "PostgreSQL did not start");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}
