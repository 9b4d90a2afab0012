//! A RabbitMQ node of our own, on free ports, in a folder of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::port::free_port;

/// Where Debian puts it. Its wrapper in the path insists on a user of its own.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// How long a node may take to start on a busy machine.
const START: Duration = Duration::from_mins(2);

/// Where a RabbitMQ is, and who may use it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) virtual_host: String,
}

/// One that somebody else runs, or one of our own.
pub(crate) enum Node {
    Theirs(Place),
    Ours(Box<Own>),
}

/// A node of our own: it ends when this is dropped.
pub(crate) struct Own {
    pub(crate) place: Place,
    pub(crate) tls_port: u16,
    /// The authority that signed the node's certificate for `localhost`, as PEM.
    pub(crate) authority: String,
    folder: tempfile::TempDir,
    epmd: Child,
    epmd_port: u16,
    distribution_port: u16,
    server: Option<Child>,
}

impl Node {
    /// A node, if there can be one. Says so where it cannot.
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration file")]
    pub(crate) fn get() -> Option<Self> {
        match std::env::var("VOUCHSAFE_TEST_AMQP") {
            Ok(address) => Some(Self::Theirs(Place::parse(&address))),
            Err(_) => Own::start().map(|own| Self::Ours(Box::new(own))),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Theirs(place) => place,
            Self::Ours(own) => &own.place,
        }
    }
}

impl Place {
    fn parse(address: &str) -> Self {
        let url: url::Url = address.parse().expect("VOUCHSAFE_TEST_AMQP is an address");
        let path = url.path().trim_start_matches('/').replace("%2f", "/").replace("%2F", "/");
        Self {
            host: url.host_str().unwrap().to_owned(),
            port: url.port().unwrap_or(5672),
            user: url.username().to_owned(),
            password: url.password().unwrap_or_default().to_owned(),
            virtual_host: if path.is_empty() { "/".to_owned() } else { path },
        }
    }

    /// The address for the configuration.
    pub(crate) fn url(&self) -> String {
        format!("amqp://{}:{}/{}", self.host, self.port, self.virtual_host.replace('/', "%2F"))
    }
}

impl Own {
    /// Starts one, if RabbitMQ is installed.
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(PROGRAMS).join("rabbitmq-server").exists() {
            eprintln!("skipped: RabbitMQ is not installed (Debian: rabbitmq-server)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (port, tls_port, epmd_port, distribution_port) =
            (free_port(), free_port(), free_port(), free_port());
        let authority = certificates(folder.path());
        let at = folder.path().display();
        let configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.ssl.1 = 127.0.0.1:{tls_port}\n\
             ssl_options.cacertfile = {at}/ca.pem\nssl_options.certfile = {at}/node.pem\n\
             ssl_options.keyfile = {at}/node.key\nssl_options.verify = verify_none\n\
             ssl_options.versions.1 = tlsv1.3\nssl_options.versions.2 = tlsv1.2\n\
             default_user = vouchsafe\ndefault_pass = a p%ss:w/rd\n\
             log.console = true\nlog.file = false\n"
        );
        fs::write(folder.path().join("rabbitmq.conf"), configuration).unwrap();
        let epmd = Command::new("epmd")
            .args(["-port", &epmd_port.to_string(), "-address", "127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Erlang's epmd is installed with RabbitMQ");
        let place = Place {
            host: "127.0.0.1".to_owned(),
            port,
            user: "vouchsafe".to_owned(),
            password: "a p%ss:w/rd".to_owned(),
            virtual_host: "/".to_owned(),
        };
        let mut own =
            Self { place, tls_port, authority, folder, epmd, epmd_port, distribution_port, server: None };
        own.restart();
        Some(own)
    }

    fn command(&self, program: &str) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(Path::new(PROGRAMS).join(program));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder)
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("RABBITMQ_NODENAME", format!("test{}@localhost", self.place.port))
            .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-start_epmd false")
            // The script then becomes the node itself, so that we end the node and not a shell.
            .env("RUNNING_UNDER_SYSTEMD", "1");
        command
    }

    /// Starts the node that was killed.
    pub(crate) fn restart(&mut self) {
        let said = self.folder.path().join("said.log");
        let log = fs::File::create(&said).unwrap();
        let server = self
            .command("rabbitmq-server")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("rabbitmq-server can be started");
        self.server = Some(server);
        let began = Instant::now();
        while !fs::read_to_string(&said).unwrap_or_default().contains("Server startup complete") {
            let ended = self.server.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < START,
                "RabbitMQ did not start: {}",
                fs::read_to_string(&said).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// As if the power went: the node is killed where it stands.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Runs `rabbitmqctl`.
    pub(crate) fn control(&self, arguments: &[&str]) {
        let output = self.command("rabbitmqctl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.kill();
        // It may have ended already.
        drop(self.epmd.kill());
        drop(self.epmd.wait());
    }
}

/// Writes an authority and a certificate for `localhost` into a folder; returns the authority's.
fn certificates(folder: &Path) -> String {
    let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.as_ref().pem()).unwrap();
    fs::write(folder.join("node.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("node.key"), key.serialize_pem()).unwrap();
    authority.as_ref().pem()
}
