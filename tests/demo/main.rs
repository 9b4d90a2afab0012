//! The demonstration's stand-ins, met over real sockets by the clients that the product uses.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod api;
mod mail;
mod provider;

use std::sync::{Arc, OnceLock};

use tempfile::TempDir;
use vouchsafe::clock::{Clock, SystemClock};
use vouchsafe::demo::{Clients, Listen, Running, StandIns};
use vouchsafe::secret::Secret;

const CLIENT: &str = "vouchsafe demo";
const SECRET: &str = "a secret with & and = in it";
const API_SECRET: &str = "another secret";
const SERVICE: &str = "2c1f7a6e-57a1-4f41-9a5c-6f0f3f1b7d10";
const REDIRECT: &str = "http://localhost:9/auth/callback";
const SIGNED_OUT: &str = "http://localhost:9/signed-out";

static KEY: OnceLock<Vec<u8>> = OnceLock::new();

/// The stand-ins in a folder of their own, and a browser that follows no redirect.
struct World {
    running: Running,
    browser: reqwest::Client,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(Arc::new(SystemClock), Listen::anywhere()).await
    }

    async fn with(clock: Arc<dyn Clock>, listen: Listen) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Making a key takes a second or more: the first world's serves all.
        let key = folder.path().join("dfe-sign-in").join("stand-in-key.der");
        if let Some(known) = KEY.get() {
            std::fs::create_dir(folder.path().join("dfe-sign-in")).unwrap();
            std::fs::write(&key, known).unwrap();
        }
        let world = Self::again(folder, clock, listen).await;
        KEY.get_or_init(|| std::fs::read(&key).unwrap());
        world
    }

    async fn again(folder: TempDir, clock: Arc<dyn Clock>, listen: Listen) -> Self {
        let clients = Clients {
            client_id: CLIENT.to_owned(),
            client_secret: Secret::from(SECRET.to_owned()),
            redirect_uris: vec![REDIRECT.to_owned()],
            post_logout_redirect_uris: vec![SIGNED_OUT.to_owned()],
            api_secret: Secret::from(API_SECRET.to_owned()),
            service_id: SERVICE.to_owned(),
        };
        let running = StandIns::start(folder.path(), listen, clients, clock).await.unwrap();
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running, browser, folder }
    }

    async fn get(&self, url: &str) -> Answer {
        Answer::of(self.browser.get(url).send().await.unwrap()).await
    }

    async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        Answer::of(
            self.browser.post(url).header("content-type", FORM).body(form(fields)).send().await.unwrap(),
        )
        .await
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The fields as a form or a query.
fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap() }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// A parameter of the address that this answer sends the browser to.
    fn parameter(&self, name: &str) -> Option<String> {
        let to = url::Url::parse(self.header("location")).unwrap();
        to.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }
}
