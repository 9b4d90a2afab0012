//! Processes that a test starts, halts and kills.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long something may take to come up on a busy machine.
pub(crate) const START: Duration = Duration::from_mins(1);

/// A process that ends with the test, and with this process if that is killed.
pub(crate) struct Process(pub(super) Child);

impl Process {
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        settings: &[(String, String)],
        said: &Path,
    ) -> Self {
        let file = std::fs::File::options().create(true).append(true).open(said).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).args(arguments);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let error = file.try_clone().unwrap();
        Self(command.stdin(Stdio::null()).stdout(file).stderr(error).spawn().unwrap())
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success(), "{signal} was not sent");
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A stand-in for an EventStoreDB server, that keeps its log on disk and can be killed.
pub(super) struct LogServer {
    pub(super) folder: PathBuf,
    pub(super) port: u16,
    pub(super) process: Option<Process>,
}

impl LogServer {
    fn program() -> PathBuf {
        let program =
            Path::new(env!("CARGO_BIN_EXE_vouchsafe")).with_file_name("vouchsafe-eventstoredb-stand-in");
        assert!(
            program.exists(),
            "the stand-in is not built: cargo build --workspace, or scripts/test, which does"
        );
        program
    }

    pub(super) fn run(&mut self) {
        let (listen, folder) = (format!("127.0.0.1:{}", self.port), self.folder.join("log"));
        let arguments = ["--listen", &listen, "--folder", folder.to_str().unwrap()];
        self.process =
            Some(Process::start(&Self::program(), &arguments, &[], &self.folder.join("log-server.out")));
        let begun = Instant::now();
        while TcpStream::connect(&listen).is_err() {
            assert!(begun.elapsed() < START, "the log's server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
