//! A service with a log, run as an operator runs it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use vouchsafe::store::{EventStore, Expected, NewEvent};
use vouchsafe_events::*;

/// How long a service may take to do something.
const PATIENCE: Duration = Duration::from_mins(1);

/// Appends events by these numbers, to three organisations in turn.
pub(crate) async fn append(store: &dyn EventStore, numbers: Range<u64>) {
    for number in numbers {
        let stream = Stream::Organisation(OrganisationId::from_uuid(Uuid::from_u128(u128::from(number % 3))));
        let version = Version::new(number / 3);
        let expected = match version.number().checked_sub(1) {
            None => Expected::NoStream,
            Some(last) => Expected::Exact(Version::new(last)),
        };
        let id = EventId::from_uuid(Uuid::from_u128(1000 + u128::from(number)));
        let at = Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(number).unwrap());
        let envelope =
            Envelope { id, stream, version, at, actor: Actor::System, causation: None, correlation: None };
        let event = Event::OrganisationClosed(OrganisationClosed {});
        let bytes = encode(&envelope, &event).unwrap().into();
        store.append(stream, expected, vec![NewEvent { id, kind: event.kind(), bytes }]).await.unwrap();
    }
}

/// A service's folder, with a configuration, a key ring and a log.
pub(crate) struct Service {
    folder: TempDir,
    port: u16,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) data: String,
    pub(crate) talk: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().unwrap();
        Self { code, data: text(&output.stdout), talk: text(&output.stderr) }
    }
}

impl Service {
    /// One with so many events.
    pub(crate) fn with(events: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display();
        let port = crate::port::free_port();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let config = format!(
            r#"
            [server]
            listen = "127.0.0.1:{port}"
            [web]
            base_url = "https://access.example"
            service_name = "Register"
            [storage]
            folder = "{home}/data"
            [dfe_sign_in]
            issuer = "https://dfe.example"
            client_id = "vouchsafe"
            client_secret_file = "{home}/secret"
            redirect_url = "https://access.example/auth/callback"
            [mail]
            host = "smtp.example"
            from_address = "no-reply@access.example"
            from_name = "Register"
            "#
        );
        fs::write(folder.path().join("vouchsafe.toml"), config).unwrap();
        let service = Self { folder, port };
        let empty = service.run(&["audit", "checkpoint"]);
        assert!(empty.code == 1 && empty.talk.contains("no events yet"), "{}", empty.talk);
        service.write(0..events);
        service
    }

    /// Appends events by these numbers.
    pub(crate) fn write(&self, numbers: Range<u64>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store =
                SqliteStore::open(&self.folder.path().join("data/events.db"), SqliteOptions::default());
            let store = store.unwrap();
            append(&store, numbers).await;
            store.close().await.unwrap();
        });
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command with the configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouchsafe"));
        Said::of(&command.args(arguments).arg("--config").arg(self.path("vouchsafe.toml")).output().unwrap())
    }

    /// Runs a command without one.
    #[expect(clippy::unused_self, reason = "it reads like `run`")]
    pub(crate) fn bare(&self, arguments: &[&str]) -> Said {
        Said::of(&Command::new(env!("CARGO_BIN_EXE_vouchsafe")).args(arguments).output().unwrap())
    }

    /// Changes the log's file behind the engine's back.
    pub(crate) fn tamper(&self, sql: &str) {
        let file = rusqlite::Connection::open(self.path("data/events.db")).unwrap();
        file.execute_batch("DROP TRIGGER events_stay_as_they_are; DROP TRIGGER events_stay;").unwrap();
        file.execute_batch(sql).unwrap();
    }

    /// Runs the service.
    pub(crate) fn serve(&self, environment: &[(&str, &str)]) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_vouchsafe"))
            .args(["serve", "--config", &self.path("vouchsafe.toml")])
            .envs(environment.iter().copied())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Running { child, port: self.port }
    }
}

/// A service that runs.
pub(crate) struct Running {
    child: Child,
    port: u16,
}

impl Running {
    /// Asks for a page: the status, the headers in lower case, and the content.
    pub(crate) fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        self.try_get(path).unwrap()
    }

    /// Asks until it is there.
    pub(crate) fn wait_for(&self, path: &str) -> (u16, String, Vec<u8>) {
        let begun = Instant::now();
        loop {
            match self.try_get(path) {
                Ok(answer) if answer.0 == 200 => return answer,
                _ if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(200)),
                other => panic!("{path} is not there: {other:?}"),
            }
        }
    }

    fn try_get(&self, path: &str) -> std::io::Result<(u16, String, Vec<u8>)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: access.example\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let headers = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Ok((status, headers, answer[end + 4..].to_vec()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
