//! The stand-in as a program: what it answered for is there after it was killed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision, ReadStreamOptions};

struct Running {
    process: Child,
    client: Client,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_vouchsafe-eventstoredb-stand-in"))
            .args(["--listen", "127.0.0.1:0", "--folder"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
        let url = format!("esdb://{address}?tls=false&discoveryInterval=20");
        Self { process, client: Client::new(url.parse().unwrap()).unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGKILL: nothing is finished.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_for_survives_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = ExpectedRevision::NoStream;
    for round in 0..5_u64 {
        let running = Running::start(folder.path());
        let options = AppendToStreamOptions::default().expected_revision(expected);
        let event = EventData::binary("written", format!("{round}").into());
        let written = running.client.append_to_stream("kept", &options, event).await.unwrap();
        assert_eq!(written.next_expected_version, round);
        expected = ExpectedRevision::Exact(round);
    }
    // What a crash left of an append that was not answered.
    let log = folder.path().join("log");
    let mut text = std::fs::read(&log).unwrap();
    text.extend_from_slice(br#"[{"position":"#);
    std::fs::write(&log, text).unwrap();
    let running = Running::start(folder.path());
    let mut read = running.client.read_stream("kept", &ReadStreamOptions::default()).await.unwrap();
    for round in 0..5 {
        let event = read.next().await.unwrap().unwrap();
        assert_eq!(event.get_original_event().data, format!("{round}"));
    }
    assert!(read.next().await.unwrap().is_none());
}
