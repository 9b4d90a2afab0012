//! Several instances of the product, each a process of its own, behind a proxy that hands every connection to the next
//! of them. They share what instances share: the log's server and the key ring's database.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::copy_bidirectional;
use tokio::task::JoinHandle;
use vouchsafe::store::eventstoredb::{EventStoreDbOptions, EventStoreDbStore};
use vouchsafe::store::{EventStore as _, Expected, NewEvent};
use vouchsafe_events::{EventId, PersonId, Position, Stream};

use crate::port::free_port;
use crate::postgres::Postgres;
use crate::world::World;

/// How long something may take to come up on a busy machine.
const START: Duration = Duration::from_mins(1);

/// A process that ends with the test, and with this process if that is killed.
struct Process(Child);

impl Process {
    fn start(program: &Path, arguments: &[&str], settings: &[(String, String)], said: &Path) -> Self {
        let file = std::fs::File::options().create(true).append(true).open(said).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).args(arguments);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let error = file.try_clone().unwrap();
        Self(command.stdin(Stdio::null()).stdout(file).stderr(error).spawn().unwrap())
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success(), "{signal} was not sent");
    }

    fn kill(&mut self) {
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
struct LogServer {
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
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

    fn run(&mut self) {
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

/// One instance.
struct Instance {
    number: usize,
    address: SocketAddr,
    folder: PathBuf,
    process: Option<Process>,
}

/// Hands each connection to the next instance that takes it.
struct Proxy(JoinHandle<()>);

impl Proxy {
    async fn start(port: u16, targets: Arc<Mutex<Vec<SocketAddr>>>) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let next = AtomicUsize::new(0);
        Self(tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let targets = targets.lock().unwrap().clone();
                let first = next.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    for at in 0..targets.len() {
                        let target = targets[(first + at) % targets.len()];
                        if let Ok(mut server) = tokio::net::TcpStream::connect(target).await {
                            // Whichever end closes, the other sees it.
                            drop(copy_bidirectional(&mut client, &mut server).await);
                            return;
                        }
                    }
                });
            }
        }))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// See the module.
pub(crate) struct Cluster {
    pub(crate) world: World,
    instances: Vec<Instance>,
    log: LogServer,
    keys: Postgres,
    targets: Arc<Mutex<Vec<SocketAddr>>>,
    _proxy: Proxy,
}

impl Cluster {
    /// As many instances, all ready. None where a server that they need cannot be had.
    pub(crate) async fn start(count: usize) -> Option<Self> {
        // Its client brings a runtime of its own.
        let keys = tokio::task::block_in_place(Postgres::start)?;
        let world = World::prepared(&[]).await;
        let folder = world.folder().to_owned();
        let mut log = LogServer { folder: folder.clone(), port: free_port(), process: None };
        log.run();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let proxy =
            Proxy::start(world.base.parse::<url::Url>().unwrap().port().unwrap(), Arc::clone(&targets)).await;
        let instances = (0..count).map(|number| Instance {
            number,
            address: SocketAddr::from(([127, 0, 0, 1], free_port())),
            folder: folder.join(format!("instance-{number}")),
            process: None,
        });
        let mut cluster = Self { world, instances: instances.collect(), log, keys, targets, _proxy: proxy };
        for number in 0..count {
            cluster.run(number).await;
        }
        Some(cluster)
    }

    /// What an instance is told beside the file, as environment variables.
    fn settings(&self, number: usize) -> Vec<(String, String)> {
        let instance = &self.instances[number];
        [
            ("SERVER__LISTEN", instance.address.to_string()),
            ("STORAGE__FOLDER", instance.folder.display().to_string()),
            ("STORAGE__EVENT_LOG", format!("esdb://127.0.0.1:{}?tls=false", self.log.port)),
            ("STORAGE__KEY_RING", self.keys.address().to_owned()),
            ("MASTER_KEY", "a1".repeat(32)),
        ]
        .map(|(name, value)| (format!("VOUCHSAFE_{name}"), value))
        .to_vec()
    }

    /// Runs an instance, and waits until it is ready.
    pub(crate) async fn run(&mut self, number: usize) {
        let (settings, configuration) = (self.settings(number), self.world.configuration());
        let instance = &mut self.instances[number];
        let arguments = ["serve", "--config", configuration.to_str().unwrap()];
        let said = instance.folder.with_extension("out");
        let program = Path::new(env!("CARGO_BIN_EXE_vouchsafe"));
        instance.process = Some(Process::start(program, &arguments, &settings, &said));
        let address = instance.address;
        let ready = format!("http://{address}/health/ready");
        let begun = Instant::now();
        while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200) {
            let said = || std::fs::read_to_string(&said).unwrap();
            assert!(begun.elapsed() < START, "instance {number} is not ready: {}", said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.targets.lock().unwrap().push(address);
    }

    /// Kills an instance at whatever it is.
    pub(crate) fn kill(&mut self, number: usize) {
        let instance = &mut self.instances[number];
        let address = instance.address;
        instance.process.take().unwrap().kill();
        self.targets.lock().unwrap().retain(|target| *target != address);
    }

    /// Kills the log's server as a power cut would, and starts it again after a while.
    pub(crate) fn log_server_dies_for(&mut self, time: Duration) {
        tokio::task::block_in_place(|| {
            self.log.process.take().unwrap().kill();
            std::thread::sleep(time);
            self.log.run();
        });
    }

    /// Kills the key ring's database, and starts it again. False if it is not ours.
    pub(crate) fn key_ring_dies_for(&mut self, time: Duration) -> bool {
        tokio::task::block_in_place(|| {
            let killed = self.keys.kill();
            std::thread::sleep(time);
            self.keys.run();
            killed
        })
    }

    /// Which of the instances that run said last that it runs the reactors.
    pub(crate) fn who_runs_the_reactors(&self) -> Option<usize> {
        let times =
            self.instances.iter().filter(|instance| instance.process.is_some()).filter_map(|instance| {
                let said = std::fs::read_to_string(instance.folder.with_extension("out")).ok()?;
                let line = said.lines().rfind(|line| line.contains("runs the reactors from now on"))?;
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                Some((line["timestamp"].as_str()?.to_owned(), instance.number))
            });
        times.max().map(|(_, number)| number)
    }

    /// The log, as whoever else uses its server.
    pub(crate) async fn log(&self) -> EventStoreDbStore {
        let url = format!("esdb://127.0.0.1:{}?tls=false", self.log.port);
        EventStoreDbStore::open(&EventStoreDbOptions::new(url)).await.unwrap()
    }

    /// Appends an event of a type that comes in a newer version.
    pub(crate) async fn a_newer_version_writes(&self) {
        let person = "0192f5a4-7c1e-7000-8000-00000000aaaa";
        let id = "0192f5a4-7c1e-7000-8000-00000000bbbb";
        let bytes = serde_json::json!({
            "id": id, "stream": format!("person-{person}"), "version": 0, "type": "person-honoured", "schema": 1,
            "at": "2026-03-14T09:26:53.589793Z", "actor": "system", "data": { "person": person },
        });
        let event = NewEvent {
            id: EventId::from_uuid(id.parse().unwrap()),
            kind: "person-honoured",
            bytes: bytes.to_string().into(),
        };
        let stream = Stream::Person(PersonId::from_uuid(person.parse().unwrap()));
        self.log().await.append(stream, Expected::NoStream, vec![event]).await.unwrap();
    }

    /// How far the log reaches.
    pub(crate) async fn written(&self) -> Position {
        self.log().await.head().await.unwrap()
    }

    /// Waits until an instance says that it is not ready.
    pub(crate) async fn is_not_ready(&self, number: usize) {
        let ready = format!("http://{}/health/ready", self.instances[number].address);
        let begun = Instant::now();
        while reqwest::get(&ready).await.unwrap().status() != 503 {
            assert!(begun.elapsed() < START, "instance {number} says that it is ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// That no instance has ended by itself.
    pub(crate) fn still_run(&mut self) {
        for instance in &mut self.instances {
            let ended = instance.process.as_mut().unwrap().0.try_wait().unwrap();
            assert_eq!(ended, None, "instance {} has ended", instance.number);
        }
    }

    /// Stops every instance in order, and checks that the lists of each are what the log gives.
    pub(crate) async fn stops_with_equal_lists(mut self) -> Self {
        for instance in &mut self.instances {
            if let Some(mut process) = instance.process.take() {
                process.signal("-TERM");
                let ended = tokio::task::spawn_blocking(move || process.0.wait().unwrap()).await.unwrap();
                let said = std::fs::read_to_string(instance.folder.with_extension("out")).unwrap();
                assert!(ended.success(), "instance {} ended with {ended}: {said}", instance.number);
            }
        }
        for number in 0..self.instances.len() {
            let said = self.command(number, &["projections", "check"]).await;
            assert!(said.contains("The snapshot is what the events give."), "instance {number}: {said}");
        }
        self
    }

    /// What a command says, with an instance's settings.
    pub(crate) async fn command(&self, number: usize, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouchsafe"));
        command.args(arguments).arg("--config").arg(self.world.configuration()).envs(self.settings(number));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Where each instance is by itself.
    pub(crate) fn bases(&self) -> Vec<String> {
        self.instances.iter().map(|instance| format!("http://{}", instance.address)).collect()
    }

    /// The process of an instance that runs.
    pub(crate) fn process(&self, number: usize) -> u32 {
        self.instances[number].process.as_ref().expect("the instance runs").0.id()
    }

    /// Stops an instance in order.
    pub(crate) async fn stop(&mut self, number: usize) {
        let instance = &mut self.instances[number];
        let mut process = instance.process.take().expect("the instance runs");
        process.signal("-TERM");
        let ended = tokio::task::spawn_blocking(move || process.0.wait().unwrap()).await.unwrap();
        assert!(ended.success(), "instance {number} ended with {ended}");
        let address = instance.address;
        self.targets.lock().unwrap().retain(|target| *target != address);
    }

    /// Takes away all that an instance that does not run keeps: snapshots, and the index of the history.
    pub(crate) fn forgets(&self, number: usize) {
        std::fs::remove_dir_all(&self.instances[number].folder).unwrap();
    }
}
