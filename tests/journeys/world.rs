//! The product as it runs, between a certified OpenID provider and a real mail server, in a folder of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vouchsafe::clock::{Clock, SystemClock};
use vouchsafe::config;
use vouchsafe::runtime::{self, RuntimeError};
use vouchsafe_events::Timestamp;

use crate::dfe_api::{Role, StandInDfeApi};
use crate::peers::{Oidc, Smtp};
use crate::person::Person;
use crate::port::free_port;

/// A school that people act for, as DfE Sign-in's claim describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct School {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) urn: &'static str,
    pub(crate) status: u8,
}

pub(crate) const GREENHILL: School =
    School { id: "11111111-0000-4000-8000-00000000AAAA", name: "Greenhill School", urn: "900101", status: 1 };
pub(crate) const RIVERSIDE: School = School {
    id: "22222222-0000-4000-8000-00000000BBBB",
    name: "Riverside Academy",
    urn: "900102",
    status: 1,
};
pub(crate) const SHUT: School =
    School { id: "33333333-0000-4000-8000-00000000CCCC", name: "Shut School", urn: "900103", status: 2 };

impl School {
    /// The claim, with the keys that DfE sends.
    pub(crate) fn claim(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "LegalName": null,
            "category": { "id": "001", "name": "Establishment" }, "type": { "id": "01", "name": "Community School" },
            "urn": self.urn, "uid": null, "upin": null, "ukprn": null, "establishmentNumber": null,
            "status": { "id": self.status, "name": if self.status == 1 { "Open" } else { "Closed" } },
            "closedOn": null, "address": null, "legacyId": "1234", "DistrictAdministrativeName": null,
        })
    }
}

/// An account at DfE Sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) sub: String,
    pub(crate) given: String,
    pub(crate) family: String,
    pub(crate) email: String,
    /// What the organisation claim is.
    pub(crate) claim: Value,
}

impl Account {
    /// Somebody at a school, or nowhere.
    pub(crate) fn at(given: &str, family: &str, school: Option<School>) -> Self {
        let number: u32 =
            given.bytes().chain(family.bytes()).fold(7, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
        Self {
            sub: format!("{number:08X}-0000-4000-8000-00000000D0E5"),
            given: given.to_owned(),
            family: family.to_owned(),
            email: format!("{}.{}@school.example", given.to_lowercase(), family.to_lowercase()),
            claim: school.map_or_else(|| json!({}), |school| school.claim()),
        }
    }

    fn userinfo(&self) -> Value {
        json!({ "sub": self.sub, "given_name": self.given, "family_name": self.family, "email": self.email,
            "organisation": self.claim })
    }
}

/// The machine's clock, put forward by some seconds.
#[derive(Debug, Default)]
pub(crate) struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// The running product with everything around it.
pub(crate) struct World {
    pub(crate) oidc: Oidc,
    pub(crate) smtp: Smtp,
    pub(crate) api: StandInDfeApi,
    pub(crate) base: String,
    folder: tempfile::TempDir,
    accounts: Vec<Account>,
    over: BTreeMap<String, String>,
    running: Option<Running>,
    ahead: Arc<Ahead>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RuntimeError>>,
}

const CLIENT: &str = "vouchsafe";

impl World {
    /// Everything running, nobody known.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same, with settings of its own, each as an environment variable gives it (without the prefix).
    pub(crate) async fn with(over: &[(&str, &str)]) -> Self {
        let mut world = Self::prepared(over).await;
        world.run().await;
        world
    }

    /// The same, but for the product: it does not run yet.
    pub(crate) async fn prepared(over: &[(&str, &str)]) -> Self {
        let (oidc, smtp, api) = tokio::join!(Oidc::start(), Smtp::start(), StandInDfeApi::start());
        let port = free_port();
        let world = Self {
            oidc,
            smtp,
            api,
            base: format!("http://localhost:{port}"),
            folder: tempfile::tempdir().unwrap(),
            accounts: Vec::new(),
            over: over.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            running: None,
            ahead: Arc::default(),
        };
        let (callback, signed_out) =
            (format!("{}/auth/callback", world.base), format!("{}/signed-out", world.base));
        world.oidc.register(CLIENT, "client secret", &callback, &signed_out).await;
        world.write_configuration(port);
        world
    }

    /// The folder that everything of this world is in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn write_configuration(&self, port: u16) {
        let folder = self.folder.path();
        std::fs::write(folder.join("client-secret"), "client secret\n").unwrap();
        std::fs::write(folder.join("api-secret"), crate::dfe_api::SECRET).unwrap();
        let text = format!(
            r#"
            [server]
            listen = "127.0.0.1:{port}"
            [web]
            base_url = "{base}"
            service_name = "Register early career teachers"
            service_url = "https://service.example/"
            trusted_proxies = ["127.0.0.1"]
            [storage]
            folder = "{data}"
            [approvers]
            poll_seconds = 1
            [dfe_sign_in]
            issuer = "{issuer}"
            client_id = "{CLIENT}"
            client_secret_file = "{folder}/client-secret"
            redirect_url = "{base}/auth/callback"
            http.allow_insecure_loopback = true
            [dfe_sign_in.api]
            base_url = "{api}"
            secret_file = "{folder}/api-secret"
            http.allow_insecure_loopback = true
            [mail]
            host = "127.0.0.1"
            port = {smtp}
            tls = "none"
            from_address = "no-reply@vouchsafe.example"
            from_name = "Register early career teachers"
            timeout_seconds = 5
            "#,
            base = self.base,
            issuer = self.oidc.issuer(),
            api = self.api.url(),
            smtp = self.smtp.plain(),
            data = folder.join("data").display(),
            folder = folder.display(),
        );
        std::fs::write(self.configuration(), text).unwrap();
    }

    /// The configuration file.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.folder.path().join("vouchsafe.toml")
    }

    /// Where the product keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs the product. It must not be running.
    pub(crate) async fn run(&mut self) {
        assert!(self.running.is_none(), "the product runs already");
        let config = config::load(Some(&self.configuration()), &self.over).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel::<SocketAddr>();
        let until = async move {
            let _sender_gone = stopped.await;
        };
        let task = tokio::spawn(runtime::serve_by(
            Arc::clone(&self.ahead) as Arc<dyn Clock>,
            config,
            until,
            move |address| {
                let _test_has_ended = ready.send(address);
            },
        ));
        is_ready.await.expect("the product starts");
        self.running = Some(Running { stop, task });
    }

    /// Stops the product, as an operator does, and waits until it has finished what it held.
    pub(crate) async fn stop(&mut self) {
        let running = self.running.take().expect("the product runs");
        let _gone_already = running.stop.send(());
        running.task.await.unwrap().unwrap();
    }

    /// Puts the product's clock forward, or back to the machine's own with 0.
    pub(crate) fn puts_clock_forward(&self, seconds: i64) {
        self.ahead.0.store(seconds, Ordering::SeqCst);
    }

    /// Makes an account known to DfE Sign-in, in place of one with the same `sub`.
    pub(crate) async fn account(&mut self, account: &Account) {
        self.accounts.retain(|known| known.sub != account.sub);
        self.accounts.push(account.clone());
        let all: Vec<Value> = self.accounts.iter().map(Account::userinfo).collect();
        self.oidc.accounts(&all).await;
    }

    /// Somebody with an account, in a browser of their own, who has not signed in.
    pub(crate) async fn person(&mut self, account: &Account) -> Person {
        self.account(account).await;
        Person::new(account.clone(), &self.base)
    }

    /// An end user of a school who has signed in.
    pub(crate) async fn colleague(&mut self, given: &str, school: School) -> Person {
        self.somebody(given, school, Role::EndUser).await
    }

    /// An approver of a school who has signed in.
    pub(crate) async fn approver(&mut self, given: &str, school: School) -> Person {
        self.somebody(given, school, Role::Approver).await
    }

    async fn somebody(&mut self, given: &str, school: School, role: Role) -> Person {
        let account = Account::at(given, "Okoro", Some(school));
        self.api.member(&account, school, role);
        let mut person = self.person(&account).await;
        person.signs_in().await;
        person
    }

    /// The messages that came for an address, as soon as there are `count` of them.
    pub(crate) async fn mail_for(&self, email: &str, count: usize) -> Vec<crate::peers::Message> {
        for total in 0.. {
            let all = self.smtp.messages(total).await;
            let (for_them, others): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|message| message.envelope.to.iter().any(|to| to == email));
            if for_them.len() >= count {
                return for_them;
            }
            assert!(others.len() + for_them.len() >= total, "no more mail comes");
        }
        unreachable!("counting does not end")
    }

    /// The types of the events in the log that stand in streams of one kind (`organisation`, `person`, …).
    pub(crate) async fn history(&self, kind: &str) -> Vec<String> {
        let output = self.command(&["replay"]).await;
        let lines = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_kind = lines.filter(|line| line["event"]["stream"].as_str().unwrap().starts_with(kind));
        of_kind.map(|line| line["event"]["type"].as_str().unwrap().to_owned()).collect()
    }

    /// What a command of the product prints, with this world's configuration.
    pub(crate) async fn command(&self, arguments: &[&str]) -> String {
        let output = self.runs(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command that fails says.
    pub(crate) async fn fails(&self, arguments: &[&str]) -> String {
        let output = self.runs(arguments).await;
        assert!(!output.status.success(), "{arguments:?} does not fail");
        String::from_utf8(output.stderr).unwrap()
    }

    async fn runs(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_vouchsafe"));
        command.args(arguments).arg("--config").arg(self.configuration());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Every file that the product keeps, with its bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    found.push((path, bytes));
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.data(), &mut found);
        found
    }

    /// Makes many accounts known to DfE Sign-in at once. None is known yet.
    pub(crate) async fn accounts(&mut self, accounts: &[Account]) {
        self.accounts.extend_from_slice(accounts);
        let all: Vec<Value> = self.accounts.iter().map(Account::userinfo).collect();
        self.oidc.accounts(&all).await;
    }
}
