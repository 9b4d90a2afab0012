//! The real counterparts in `tests/peers/`, started for one test and ended with it.
//!
//! Each may be one that runs already: `VOUCHSAFE_TEST_OIDC` and `VOUCHSAFE_TEST_SMTP` name its control
//! address, as in its ready line. `CHROMIUM` names another browser than `/usr/bin/chromium`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long a peer may take to start on a busy machine.
const START: Duration = Duration::from_mins(1);

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    assert!(
        folder.join("node_modules").is_dir(),
        "the peers are not installed: run `npm ci` in tests/peers, or scripts/test, which does"
    );
    folder
}

/// A Node process that ends when this is dropped, and by itself when this process is killed: it watches its
/// standard input.
struct Process(Child);

impl Process {
    /// Starts a peer and returns what its ready line says.
    fn start<F: DeserializeOwned>(script: &str, options: &Value) -> (Self, F) {
        let mut child = Command::new("node")
            .arg(folder().join(script))
            .args([options.to_string().as_str(), "--attached"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let process = Self(child);
        let (tell, told) = mpsc::channel();
        // Reads to the end, so that the peer never blocks on a full pipe.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if line.starts_with(r#"{"ready":true"#) {
                    let _test_has_ended = tell.send(line);
                }
            }
        });
        let line = told.recv_timeout(START).unwrap_or_else(|_| panic!("{script} did not become ready"));
        (process, serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration file")]
async fn running<F: DeserializeOwned>(variable: &str) -> Option<F> {
    let control = std::env::var(variable).ok()?;
    Some(get(&format!("{control}/facts")).await)
}

async fn get<T: DeserializeOwned>(url: &str) -> T {
    let answer = reqwest::get(url).await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
    serde_json::from_slice(&answer).unwrap()
}

async fn send(method: reqwest::Method, url: &str, body: &impl Serialize) {
    let request = reqwest::Client::new().request(method, url).body(serde_json::to_vec(body).unwrap());
    request.send().await.unwrap().error_for_status().unwrap();
}

/// An OpenID provider with DfE Sign-in's paths, scopes and claims.
pub(crate) struct Oidc {
    process: Option<Process>,
    facts: OidcFacts,
}

#[derive(Deserialize)]
struct OidcFacts {
    issuer: String,
    control: String,
}

impl Oidc {
    /// Starts one that knows no client and no account.
    pub(crate) async fn start() -> Self {
        if let Some(facts) = running("VOUCHSAFE_TEST_OIDC").await {
            return Self { process: None, facts };
        }
        let (process, facts) = Process::start("oidc.mjs", &json!({}));
        Self { process: Some(process), facts }
    }

    /// The issuer: what discovery is found under.
    pub(crate) fn issuer(&self) -> &str {
        &self.facts.issuer
    }

    /// Registers the one client, in place of any before.
    pub(crate) async fn register(&self, id: &str, secret: &str, callback: &str, signed_out: &str) {
        let client = json!({ "client_id": id, "client_secret": secret,
            "redirect_uris": [callback], "post_logout_redirect_uris": [signed_out] });
        send(reqwest::Method::PUT, &format!("{}/client", self.facts.control), &client).await;
    }

    /// Sets who has an account; each as the provider's userinfo gives it.
    pub(crate) async fn accounts(&self, accounts: &[Value]) {
        send(reqwest::Method::PUT, &format!("{}/accounts", self.facts.control), &accounts).await;
    }

    /// Its process, if it was started here.
    pub(crate) fn process(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.0.id())
    }
}

/// A mail server that keeps what it is sent.
pub(crate) struct Smtp {
    process: Option<Process>,
    facts: SmtpFacts,
    /// What it was started with.
    options: Value,
    /// Where it keeps the mail that it took.
    _spool: tempfile::TempDir,
}

#[derive(Deserialize)]
struct SmtpFacts {
    plain: u16,
    starttls: u16,
    tls: u16,
    ca: String,
    control: String,
}

/// A message as the mail server took it, parsed.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    /// When it had been taken, in milliseconds since 1970.
    pub(crate) at: u64,
    /// Whether the connection was encrypted when the message came.
    pub(crate) secure: bool,
    /// Who the client proved to be, if it did.
    pub(crate) user: Option<String>,
    /// The addresses that the client gave in SMTP itself.
    pub(crate) envelope: Envelope,
    /// The `Subject`.
    pub(crate) subject: Option<String>,
    /// The plain text part.
    pub(crate) text: Option<String>,
    /// The `Message-ID`, in its angle brackets.
    #[serde(rename = "messageId")]
    pub(crate) id: Option<String>,
    /// Every header, by its name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
}

/// The addresses that a message was carried by.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    /// `MAIL FROM`; none for a bounce.
    pub(crate) from: Option<String>,
    /// `RCPT TO`.
    pub(crate) to: Vec<String>,
}

/// How the mail server is to fail from now on.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Failures {
    /// The answer to `RCPT TO`, by address in lower case.
    pub(crate) recipients: BTreeMap<String, u16>,
    /// Connections are refused.
    pub(crate) refuse: bool,
    /// A message is taken, but the connection drops before the client hears so.
    pub(crate) cut: bool,
}

impl Smtp {
    /// Starts one that takes mail from anyone.
    pub(crate) async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// Starts one that takes mail from this user alone.
    pub(crate) async fn with_user(user: &str, password: &str) -> Self {
        Self::with(json!({ "auth": { "user": user, "pass": password } })).await
    }

    async fn with(mut options: Value) -> Self {
        let spool = tempfile::tempdir().unwrap();
        options["spool"] = json!(spool.path().join("mail"));
        if let Some(facts) = running("VOUCHSAFE_TEST_SMTP").await {
            return Self { process: None, facts, options, _spool: spool };
        }
        let (process, facts) = Process::start("smtp.mjs", &options);
        Self { process: Some(process), facts, options, _spool: spool }
    }

    /// Kills it. False if it is not ours to kill.
    pub(crate) fn kill(&mut self) -> bool {
        self.process.take().is_some()
    }

    /// Starts it anew after a kill, where it was, with the mail that it had taken.
    pub(crate) fn restart(&mut self) {
        let control: url::Url = self.facts.control.parse().unwrap();
        self.options["ports"] = json!({ "plain": self.facts.plain, "starttls": self.facts.starttls,
            "tls": self.facts.tls, "control": control.port() });
        let (process, facts) = Process::start("smtp.mjs", &self.options);
        (self.process, self.facts) = (Some(process), facts);
    }

    /// The address of its control, for journeys in a browser that read mail.
    pub(crate) fn control(&self) -> &str {
        &self.facts.control
    }

    /// The port without encryption, on 127.0.0.1.
    pub(crate) fn plain(&self) -> u16 {
        self.facts.plain
    }

    /// The port that offers STARTTLS.
    pub(crate) fn starttls(&self) -> u16 {
        self.facts.starttls
    }

    /// The port that speaks TLS from the first byte.
    pub(crate) fn tls(&self) -> u16 {
        self.facts.tls
    }

    /// The authority that signed the server's certificate for `localhost` and 127.0.0.1, as PEM.
    pub(crate) fn ca(&self) -> &str {
        &self.facts.ca
    }

    /// What was taken, as soon as there are `count` messages.
    pub(crate) async fn messages(&self, count: usize) -> Vec<Message> {
        let messages: Vec<Message> = get(&format!("{}/messages?count={count}", self.facts.control)).await;
        assert!(messages.len() >= count, "{count} messages were expected, and these came: {messages:?}");
        messages
    }

    /// Forgets every message.
    pub(crate) async fn clear(&self) {
        send(reqwest::Method::DELETE, &format!("{}/messages", self.facts.control), &Value::Null).await;
    }

    /// Sets how it fails from now on; the default is not at all.
    pub(crate) async fn fail(&self, failures: &Failures) {
        send(reqwest::Method::PUT, &format!("{}/failures", self.facts.control), failures).await;
    }

    /// What was taken for an address, as soon as there are `count` messages. Many who ask share a client: to make one
    /// takes longer than to ask.
    pub(crate) async fn messages_to(
        &self,
        client: &reqwest::Client,
        address: &str,
        count: usize,
    ) -> Vec<Message> {
        let url = format!("{}/messages?count={count}&to={address}", self.facts.control);
        let answer = client.get(url).send().await.unwrap().error_for_status().unwrap();
        let messages: Vec<Message> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(messages.len() >= count, "{count} messages to {address} were expected: {messages:?}");
        messages
    }
}

/// Whether a person's browser runs scripts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scripts {
    /// It does.
    On,
    /// It does not, and everything must still work.
    Off,
}

/// Walks `tests/peers/journeys/{journey}.mjs` in a real browser against the service at `base`, with `facts`
/// that the journey needs. Every page is checked on the way.
pub(crate) async fn walk(journey: &str, base: &str, scripts: Scripts, facts: &Value) {
    let mut command = Command::new("node");
    command
        .arg(folder().join("browser.mjs"))
        .arg(folder().join("journeys").join(journey).with_extension("mjs"))
        .args(["--base", base, "--facts", &facts.to_string(), "--attached"])
        .args(matches!(scripts, Scripts::Off).then_some("--no-js"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let (ended, said) = tokio::task::spawn_blocking(move || {
        let mut process = Process(command.spawn().expect("node is installed"));
        let mut said = String::new();
        process.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (process.0.wait().unwrap(), said)
    })
    .await
    .unwrap();
    assert!(ended.success(), "{journey}, scripts {scripts:?}: {said}");
}
