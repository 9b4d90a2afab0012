//! Several instances of the product, each a process of its own, behind a proxy that hands every connection to the next
//! of them. They share what instances share: the log's server and the key ring's database.

#[path = "cluster/process.rs"]
pub(crate) mod process;
#[path = "cluster/wire.rs"]
pub(crate) mod wire;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use process::{LogServer, Process, START};
use tokio::io::copy_bidirectional;
use tokio::task::JoinHandle;
use vouchsafe::store::eventstoredb::{EventStoreDbOptions, EventStoreDbStore};
use vouchsafe::store::{EventStore as _, Expected, NewEvent};
use vouchsafe_events::{EventId, PersonId, Position, Stream};
use wire::{Way, Wire};

use crate::node::Own as Broker;
use crate::port::free_port;
use crate::postgres::Postgres;
use crate::world::World;

/// The exchange that events are published on, and a queue for all of them.
pub(crate) const EXCHANGE: &str = "vouchsafe.events";
pub(crate) const EVERYTHING: &str = "everything";

/// What a cluster is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) instances: usize,
    /// Every way from an instance to a server leads over a wire.
    pub(crate) wires: bool,
    /// What there is a RabbitMQ for.
    pub(crate) broker: For,
    /// The clock of each instance can be set.
    pub(crate) clocks: bool,
    /// The one instance keeps its log and its keys in this folder, and there are no servers for them.
    pub(crate) alone_in: Option<PathBuf>,
    /// The log's server keeps its log in this folder.
    pub(crate) log_in: Option<PathBuf>,
    /// The first instance keeps what it keeps in this folder.
    pub(crate) first_in: Option<PathBuf>,
}

/// What RabbitMQ is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum For {
    /// There is none.
    #[default]
    Nothing,
    /// What happens is published, with names.
    Events,
    /// Mail goes through it, too.
    EventsAndMail,
}

/// Where a wire of an instance leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Log,
    Keys,
    Mail,
    Broker,
}

/// One instance.
struct Instance {
    number: usize,
    address: SocketAddr,
    folder: PathBuf,
    /// What it says.
    said: PathBuf,
    wires: Vec<(To, Wire)>,
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

/// The servers that instances share.
struct Servers {
    log: LogServer,
    keys: Postgres,
}

/// See the module.
pub(crate) struct Cluster {
    pub(crate) world: World,
    shape: Shape,
    instances: Vec<Instance>,
    servers: Option<Servers>,
    pub(crate) broker: Option<Broker>,
    targets: Arc<Mutex<Vec<SocketAddr>>>,
    _proxy: Proxy,
}

/// The library that lets a test set the clock of a process. Debian: `faketime`.
fn clock_library() -> Option<PathBuf> {
    let found = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| PathBuf::from(format!("/usr/lib/{machine}/faketime/libfaketimeMT.so.1")));
    let library = found.into_iter().find(|path| path.exists());
    if library.is_none() {
        println!("skipped: nothing is there to set a process's clock with (Debian: faketime)");
    }
    library
}

impl Cluster {
    /// As many instances, all ready. None where a server that they need cannot be had.
    pub(crate) async fn start(instances: usize) -> Option<Self> {
        Self::of(Shape { instances, ..Shape::default() }).await
    }

    /// The same, made as is said.
    pub(crate) async fn of(shape: Shape) -> Option<Self> {
        if shape.clocks {
            clock_library()?;
        }
        let broker = match shape.broker {
            For::Nothing => None,
            For::Events | For::EventsAndMail => Some(tokio::task::block_in_place(Broker::start)?),
        };
        let world = World::prepared(&[]).await;
        let folder = world.folder().to_owned();
        let servers = if shape.alone_in.is_some() {
            None
        } else {
            // Its client brings a runtime of its own.
            let keys = tokio::task::block_in_place(Postgres::start)?;
            let mut log = LogServer {
                folder: shape.log_in.clone().unwrap_or_else(|| folder.clone()),
                port: free_port(),
                process: None,
            };
            log.run();
            Some(Servers { log, keys })
        };
        let targets = Arc::new(Mutex::new(Vec::new()));
        let proxy =
            Proxy::start(world.base.parse::<url::Url>().unwrap().port().unwrap(), Arc::clone(&targets)).await;
        let instances = (0..shape.instances).map(|number| Instance {
            number,
            address: SocketAddr::from(([127, 0, 0, 1], free_port())),
            folder: [&shape.alone_in, &shape.first_in]
                .into_iter()
                .flatten()
                .find(|_| number == 0)
                .map_or_else(|| folder.join(format!("instance-{number}")), Clone::clone),
            said: folder.join(format!("instance-{number}.out")),
            wires: Vec::new(),
            process: None,
        });
        let instances = instances.collect();
        let mut cluster = Self { world, shape, instances, servers, broker, targets, _proxy: proxy };
        if let Some(broker) = &cluster.broker {
            std::fs::write(folder.join("broker-password"), &broker.place.password).unwrap();
            crate::listener::waits_for_everything(&broker.place, EXCHANGE, EVERYTHING).await;
        }
        for number in 0..cluster.instances.len() {
            cluster.lay_wires(number).await;
            cluster.set_clock(number, 0);
            cluster.run(number).await;
        }
        Some(cluster)
    }

    /// Where something is that instances use, if it is there.
    fn place(&self, to: To) -> Option<String> {
        let local = |port: u16| format!("127.0.0.1:{port}");
        match to {
            To::Log => self.servers.as_ref().map(|servers| local(servers.log.port)),
            To::Keys => self.servers.as_ref().map(|servers| {
                let url: url::Url = servers.keys.address().parse().unwrap();
                format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))
            }),
            To::Mail => Some(local(self.world.smtp.plain())),
            To::Broker => self.broker.as_ref().map(|broker| local(broker.place.port)),
        }
    }

    async fn lay_wires(&mut self, number: usize) {
        if self.shape.wires {
            for to in [To::Log, To::Keys, To::Mail, To::Broker] {
                if let Some(place) = self.place(to) {
                    self.instances[number].wires.push((to, Wire::to(place).await));
                }
            }
        }
    }

    /// Changes a way from an instance to a server, or all of them.
    pub(crate) fn way(&self, number: usize, to: Option<To>, way: Way) {
        let wires = self.instances[number].wires.iter().filter(|(leads, _)| to.is_none_or(|to| to == *leads));
        let mut changed = 0;
        for (_, wire) in wires {
            wire.becomes(way);
            changed += 1;
        }
        assert!(changed > 0, "instance {number} has no such wire");
    }

    /// Puts an instance's clock forward by so many seconds of the machine's, or back.
    pub(crate) fn set_clock(&self, number: usize, seconds: i64) {
        std::fs::write(self.clock(number), format!("{seconds:+}\n")).unwrap();
    }

    fn clock(&self, number: usize) -> PathBuf {
        self.instances[number].said.with_extension("clock")
    }

    /// What an instance is told beside the file, as environment variables. A command that an operator runs is told the
    /// same, but goes over no wire.
    fn settings(&self, number: usize, over_wires: bool) -> Vec<(String, String)> {
        let instance = &self.instances[number];
        let place = |to: To| {
            let wire = instance.wires.iter().filter(|_| over_wires).find(|(leads, _)| *leads == to);
            wire.map_or_else(|| self.place(to), |(_, wire)| Some(format!("127.0.0.1:{}", wire.port())))
        };
        let mut settings = vec![
            ("SERVER__LISTEN", instance.address.to_string()),
            ("STORAGE__FOLDER", instance.folder.display().to_string()),
            ("MAIL__PORT", place(To::Mail).unwrap().split(':').nth(1).unwrap().to_owned()),
        ];
        if let Some(servers) = &self.servers {
            let mut keys: url::Url = servers.keys.address().parse().unwrap();
            let (host, port) = place(To::Keys)
                .unwrap()
                .split_once(':')
                .map(|(host, port)| (host.to_owned(), port.to_owned()))
                .unwrap();
            keys.set_host(Some(&host)).unwrap();
            keys.set_port(Some(port.parse().unwrap())).unwrap();
            settings.push(("STORAGE__EVENT_LOG", format!("esdb://{}?tls=false", place(To::Log).unwrap())));
            settings.push(("STORAGE__KEY_RING", keys.to_string()));
            settings.push(("MASTER_KEY", "a1".repeat(32)));
        }
        if let Some(broker) = &self.broker {
            let password = self.world.folder().join("broker-password");
            settings.push(("BROKER__URL", format!("amqp://{}/%2F", place(To::Broker).unwrap())));
            settings.push(("BROKER__USERNAME", broker.place.user.clone()));
            settings.push(("BROKER__PASSWORD_FILE", password.display().to_string()));
            settings.push(("BROKER__PERSONAL_DATA", true.to_string()));
            settings.push(("BROKER__MAIL_JOBS", (self.shape.broker == For::EventsAndMail).to_string()));
        }
        let mut settings: Vec<_> =
            settings.into_iter().map(|(name, value)| (format!("VOUCHSAFE_{name}"), value)).collect();
        if self.shape.clocks && over_wires {
            let library = clock_library().unwrap().display().to_string();
            let faked = [
                ("LD_PRELOAD", library),
                ("FAKETIME_TIMESTAMP_FILE", self.clock(number).display().to_string()),
                ("FAKETIME_NO_CACHE", "1".to_owned()),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ];
            settings.extend(faked.map(|(name, value)| (name.to_owned(), value)));
        }
        settings
    }

    /// Runs an instance, and waits until it is ready.
    pub(crate) async fn run(&mut self, number: usize) {
        let (settings, configuration) = (self.settings(number, true), self.world.configuration());
        let instance = &mut self.instances[number];
        let arguments = ["serve", "--config", configuration.to_str().unwrap()];
        let said = instance.said.clone();
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
        let log = &mut self.servers.as_mut().unwrap().log;
        tokio::task::block_in_place(|| {
            log.process.take().unwrap().kill();
            std::thread::sleep(time);
            log.run();
        });
    }

    /// Waits until the log's server has ended by itself.
    pub(crate) async fn log_server_ends(&mut self) {
        let log = &mut self.servers.as_mut().unwrap().log;
        let begun = Instant::now();
        while log.process.as_mut().unwrap().0.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < START, "the log's server does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Starts the log's server that has ended.
    pub(crate) fn log_server_runs(&mut self) {
        let log = &mut self.servers.as_mut().unwrap().log;
        tokio::task::block_in_place(|| log.run());
    }

    /// The number of the process of the log's server, or of an instance.
    pub(crate) fn process_of_log_server(&self) -> u32 {
        self.servers.as_ref().unwrap().log.process.as_ref().unwrap().id()
    }

    pub(crate) fn process(&self, number: usize) -> u32 {
        self.instances[number].process.as_ref().unwrap().id()
    }

    /// Kills the key ring's database, and starts it again. False if it is not ours.
    pub(crate) fn key_ring_dies_for(&mut self, time: Duration) -> bool {
        let keys = &mut self.servers.as_mut().unwrap().keys;
        tokio::task::block_in_place(|| {
            let killed = keys.kill();
            std::thread::sleep(time);
            keys.run();
            killed
        })
    }

    /// Which of the instances that run said last that it runs the reactors.
    pub(crate) fn who_runs_the_reactors(&self) -> Option<usize> {
        let times =
            self.instances.iter().filter(|instance| instance.process.is_some()).filter_map(|instance| {
                let said = std::fs::read_to_string(&instance.said).ok()?;
                let line = said.lines().rfind(|line| line.contains("runs the reactors from now on"))?;
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                Some((line["timestamp"].as_str()?.to_owned(), instance.number))
            });
        times.max().map(|(_, number)| number)
    }

    /// Waits until another instance has taken the reactors over; it must run.
    pub(crate) async fn reactors_move_to(&self, number: usize) {
        let begun = Instant::now();
        while self.who_runs_the_reactors() != Some(number) {
            assert!(begun.elapsed() < START, "nobody took the reactors over");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        println!("the reactors went on after {:?}", begun.elapsed());
    }

    /// Whether mail goes through queues of RabbitMQ.
    pub(crate) fn mails_through_queues(&self) -> bool {
        self.shape.broker == For::EventsAndMail
    }

    /// The addresses of the instances that run.
    pub(crate) fn bases(&self) -> Vec<String> {
        let run = self.instances.iter().filter(|instance| instance.process.is_some());
        run.map(|instance| format!("http://{}", instance.address)).collect()
    }

    /// Waits until every instance that runs is ready.
    pub(crate) async fn all_are_ready(&self) {
        let begun = Instant::now();
        for base in self.bases() {
            let ready = format!("{base}/health/ready");
            while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200) {
                assert!(begun.elapsed() < 2 * START, "{base} does not become ready again");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The log, as whoever else uses its server.
    pub(crate) async fn log(&self) -> EventStoreDbStore {
        let url = format!("esdb://{}?tls=false", self.place(To::Log).unwrap());
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
                let said = std::fs::read_to_string(&instance.said).unwrap();
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
        command
            .args(arguments)
            .arg("--config")
            .arg(self.world.configuration())
            .envs(self.settings(number, false));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout) + &text(&output.stderr)
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
