//! The program, running, with nothing that it depends on: no provider, no mail server.

use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use tempfile::TempDir;

use crate::exposition::Exposed;
use crate::port::free_port;

/// How long a start or a stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Service {
    pub(crate) base: String,
    pub(crate) metrics: String,
    pub(crate) client: reqwest::Client,
    child: Child,
    folder: TempDir,
}

/// An answer.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) cookies: String,
}

impl Service {
    /// Runs the program with metrics, and with `more` in its configuration. `@HOME@` in it is the service's folder,
    /// which `files` are put into.
    pub(crate) async fn start(more: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display().to_string();
        let (port, metrics) = (free_port(), free_port());
        fs::write(folder.path().join("secret"), "secret").unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let config = format!(
            r#"
            [server]
            listen = "127.0.0.1:{port}"
            [web]
            base_url = "http://localhost:{port}"
            trusted_proxies = ["127.0.0.1"]
            [storage]
            folder = "{home}/data"
            [dfe_sign_in]
            issuer = "http://127.0.0.1:9"
            client_id = "vouchsafe"
            client_secret_file = "{home}/secret"
            redirect_url = "http://localhost:{port}/auth/callback"
            http.allow_insecure_loopback = true
            [mail]
            host = "127.0.0.1"
            port = 9
            tls = "none"
            from_address = "no-reply@access.example"
            from_name = "Register"
            [metrics]
            listen = "127.0.0.1:{metrics}"
            {more}
            "#
        )
        .replace("@HOME@", &home);
        let file = folder.path().join("vouchsafe.toml");
        fs::write(&file, config).unwrap();
        let lines = fs::File::create(folder.path().join("lines")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_vouchsafe"))
            .args(["serve", "--config"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(lines)
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let mut service = Self {
            base: format!("http://127.0.0.1:{port}"),
            metrics: format!("http://127.0.0.1:{metrics}"),
            client,
            child,
            folder,
        };
        service.wait_until_ready().await;
        service
    }

    async fn wait_until_ready(&mut self) {
        let begun = Instant::now();
        loop {
            let url = format!("{}/health/ready", self.base);
            if self.client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{ended:?}\n{}", self.lines());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What it has logged.
    pub(crate) fn lines(&self) -> String {
        let mut text = String::new();
        fs::File::open(self.folder.path().join("lines")).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Runs the program with other arguments.
    pub(crate) fn run(arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_vouchsafe")).args(arguments).output().unwrap()
    }

    pub(crate) async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Seen {
        self.send(self.client.get(url), headers).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Seen {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let kind = header(reqwest::header::CONTENT_TYPE).unwrap_or_default();
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        Seen { status: answer.status().as_u16(), kind, cookies, body: answer.text().await.unwrap() }
    }

    /// Asks for a security code, as a browser does.
    pub(crate) async fn asks_for_code(&self, email: &str) {
        let page = self.get(&format!("{}/sign-in/code", self.base), &[]).await;
        let token =
            page.body.split(r#"name="form_token" value=""#).nth(1).unwrap().split('"').next().unwrap();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let form = form.append_pair("form_token", token).append_pair("email", email).finish();
        let post = self.client.post(format!("{}/sign-in/code", self.base)).body(form);
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let asked = self.send(post, &[kind, (COOKIE.as_str(), &page.cookies)]).await;
        assert_eq!(asked.status, 303, "{}", asked.body);
    }

    /// What the metrics say.
    pub(crate) async fn exposed(&self) -> Exposed {
        let seen = self.get(&format!("{}/metrics", self.metrics), &[]).await;
        assert_eq!((seen.status, seen.kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
        Exposed::read(&seen.body)
    }

    /// Waits until the metrics say something.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Exposed) -> bool) -> Exposed {
        let begun = Instant::now();
        loop {
            let exposed = self.exposed().await;
            if holds(&exposed) {
                return exposed;
            }
            assert!(begun.elapsed() < PATIENCE, "{what}\n{exposed:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks it to stop, as an operating system does, and waits. Answers how long it took, and what it had logged.
    pub(crate) async fn stop(mut self) -> (Duration, String) {
        let begun = Instant::now();
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(told.unwrap().success());
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            assert!(begun.elapsed() < PATIENCE, "{}", self.lines());
        };
        assert!(status.success(), "{}", self.lines());
        (begun.elapsed(), self.lines())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has mostly ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
