//! One-time passwords through HTTP: `cargo bench --bench one_time_password`.
//!
//! One instance over a log on disk, without limits by network. (a) How long asking for a code takes for addresses that
//! are on a list and for addresses that nobody has, one after the other in turn, and how far the two can be told apart.
//! `VOUCHSAFE_TEST_PAIRS` asks for more of each, which tells smaller differences from chance.
//! (b) How many people sign in by a code in a second when many do so at once; each asks and is answered after the fixed
//! time, so the clients decide how many are under way.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement prints, and stops when it cannot measure"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use vouchsafe::app::{App, Entry, Failure, Following, Listing, SessionLimits};
use vouchsafe::audit::Timeline;
use vouchsafe::clock::{Clock, SystemClock};
use vouchsafe::domain::Terms;
use vouchsafe::domain::organisation::users::{Fresh, ListRefused};
use vouchsafe::identity::dfe::{Credentials, DfeSignIn};
use vouchsafe::privacy::{CookieSealer, KeyRing, MasterKey, SqliteKeyStore};
use vouchsafe::secret::Secret;
use vouchsafe::store::EventStore;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore};
use vouchsafe::web::{Limits, Parts, Site, WebSettings, router};
use vouchsafe_events::{Actor, OrganisationKind, PersonId};

/// Of how many addresses of each kind the time is taken, unless `VOUCHSAFE_TEST_PAIRS` says otherwise.
const PAIRS: usize = 400;
/// How many of these pairs are under way at once, each with a browser of its own: an answer takes its time.
const LANES: usize = 8;
/// How many people sign in.
const PEOPLE: usize = 3_000;
/// How many do so at once.
const CLIENTS: [usize; 3] = [64, 256, 512];

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let (app, base) = serve(folder.path()).await;
    let known = list(&app, "known", pairs()).await;
    distribution(&base, &known).await;
    for (round, clients) in CLIENTS.into_iter().enumerate() {
        let people = list(&app, &format!("person{round}"), PEOPLE).await;
        throughput(&app, &base, clients, &people).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement has no configuration file")]
fn pairs() -> usize {
    std::env::var("VOUCHSAFE_TEST_PAIRS").map_or(PAIRS, |pairs| pairs.parse().unwrap())
}

async fn serve(folder: &std::path::Path) -> (Arc<App>, String) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let master = MasterKey::generate().unwrap();
    let keys = SqliteKeyStore::open(&folder.join("keys")).unwrap();
    let ring = Arc::new(KeyRing::new(Arc::new(keys), &master).unwrap());
    let store: Arc<dyn EventStore> =
        Arc::new(SqliteStore::open(&folder.join("log"), SqliteOptions::default()).unwrap());
    let following = Following::begin(store.as_ref(), None).await.unwrap();
    tokio::spawn(following.clone().follow(Arc::clone(&store)));
    let limits = SessionLimits { absolute_seconds: 12 * 3600, idle_seconds: 3600 };
    let app = Arc::new(App::new(store, following, ring, Arc::clone(&clock), Terms::default(), limits));
    let settings = r#"
        issuer = "https://dfe.example"
        client_id = "vouchsafe"
        client_secret_file = "/nowhere"
        redirect_url = "https://vouchsafe.example/auth/callback"
    "#;
    let credentials = Credentials { client_secret: Secret::from("secret".to_owned()), api_secret: None };
    let dfe = DfeSignIn::new(&toml::from_str(settings).unwrap(), &credentials, clock).unwrap();
    let site = Site::new(Parts {
        mail: Arc::default(),
        app: Arc::clone(&app),
        timeline: Arc::new(Timeline::open(&folder.join("timeline")).unwrap()),
        dfe: Arc::new(dfe),
        api: None,
        dfe_origin: "https://dfe.example".to_owned(),
        cookies: CookieSealer::new(&master).unwrap(),
        limits: Limits::measuring(),
        settings: WebSettings::default(),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let service = router(&site).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (app, base)
}

/// Puts so many people on a list.
async fn list(app: &Arc<App>, prefix: &str, count: usize) -> Vec<(String, PersonId)> {
    let kinds = vec![OrganisationKind::LeadProvider];
    let fresh = Fresh { name: prefix.into(), kinds, ukprn: None };
    let organisation = app.register_organisation(&fresh, Actor::Operator).await.unwrap();
    let email = |number| format!("{prefix}-{number}@northern.example");
    let entry = |number| Entry { email: email(number).parse().unwrap(), name: None };
    let entries: Vec<Entry> = (0..count).map(entry).collect();
    let listed = app.list_users(organisation, &entries, Actor::Operator, true).await;
    let person = |(number, listing): (usize, Result<Listing, Failure<ListRefused>>)| match listing {
        Ok(Listing::Added(person)) => (email(number), person),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => panic!("{} was not listed: {failure:?}", email(number)),
    };
    listed.into_iter().enumerate().map(person).collect()
}

/// A browser: one cookie, one form token.
struct Visitor<'a> {
    client: reqwest::Client,
    base: &'a str,
    cookie: String,
    token: String,
}

impl<'a> Visitor<'a> {
    async fn arrives(base: &'a str, client: &reqwest::Client) -> Self {
        let mut visitor = Self { client: client.clone(), base, cookie: String::new(), token: String::new() };
        let page = client.get(format!("{base}/sign-in/code")).send().await.unwrap();
        visitor.keep(&page);
        let html = page.text().await.unwrap();
        let (_, rest) = html.split_once(r#"name="form_token" value=""#).unwrap();
        rest.split('"').next().unwrap().clone_into(&mut visitor.token);
        visitor
    }

    fn keep(&mut self, answer: &reqwest::Response) {
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            if cookie.starts_with("__Host-code=") {
                cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
            }
        }
    }

    /// Posts a field and tells how long the answer took.
    async fn posts(&mut self, path: &str, field: (&str, &str)) -> (Duration, reqwest::Response) {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("form_token", &self.token)
            .append_pair(field.0, field.1)
            .finish();
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &self.cookie)
            .body(body);
        let began = Instant::now();
        let answer = request.send().await.unwrap();
        let took = began.elapsed();
        assert_eq!(answer.status(), 303, "{path}");
        self.keep(&answer);
        (took, answer)
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// How long asking took, in milliseconds: for addresses on a list, and for unknown ones.
async fn lane(base: &str, known: &[(String, PersonId)]) -> (Vec<f64>, Vec<f64>) {
    let client = client();
    let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
    for (number, (email, _)) in known.iter().enumerate() {
        // As long as the other, so that nothing but being known tells them apart.
        let stranger = email.replace("known", "other");
        let mut pair = [(email.as_str(), &mut of_known), (stranger.as_str(), &mut of_unknown)];
        if number % 2 == 1 {
            pair.reverse();
        }
        for (email, times) in pair {
            let mut visitor = Visitor::arrives(base, &client).await;
            times.push(visitor.posts("/sign-in/code", ("email", email)).await.0.as_secs_f64() * 1e3);
        }
    }
    (of_known, of_unknown)
}

async fn distribution(base: &str, known: &[(String, PersonId)]) {
    let lanes = known.chunks(known.len().div_ceil(LANES)).map(|some| lane(base, some));
    let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
    for (some_known, some_unknown) in futures_util::future::join_all(lanes).await {
        of_known.extend(some_known);
        of_unknown.extend(some_unknown);
    }
    for (name, times) in [("on a list", &mut of_known), ("unknown", &mut of_unknown)] {
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        println!(
            "asking, {name}: p5 {:.2} ms, p50 {:.2} ms, p95 {:.2} ms ({} requests)",
            at(5),
            at(50),
            at(95),
            times.len()
        );
    }
    // Kolmogorov and Smirnov's distance: the most that one threshold can tell the two apart by.
    let below =
        |times: &[f64], limit: f64| times.partition_point(|time| *time <= limit) as f64 / times.len() as f64;
    let distance = of_known
        .iter()
        .chain(&of_unknown)
        .map(|limit| (below(&of_known, *limit) - below(&of_unknown, *limit)).abs())
        .fold(0.0, f64::max);
    // For as many of each, chance alone exceeds this once in 20 runs.
    let by_chance = 1.358 * (2.0 / of_known.len() as f64).sqrt();
    let median = |times: &[f64]| times[times.len() / 2];
    println!(
        "difference of the medians: {:.0} microseconds",
        (median(&of_known) - median(&of_unknown)) * 1e3
    );
    println!(
        "overlap {:.1} % (by chance alone at least {:.1} %)",
        (1.0 - distance) * 100.0,
        (1.0 - by_chance) * 100.0
    );
}

async fn throughput(app: &Arc<App>, base: &str, clients: usize, people: &[(String, PersonId)]) {
    let client = client();
    let began = Instant::now();
    stream::iter(people)
        .for_each_concurrent(clients, |(email, person)| {
            let (client, app) = (&client, Arc::clone(app));
            async move {
                let mut visitor = Visitor::arrives(base, client).await;
                visitor.posts("/sign-in/code", ("email", email)).await;
                // Under load the work may end after the answer: a person would still wait for the mail.
                let challenge = loop {
                    match app.lists(|lists| lists.challenge(*person, app.now()).copied()) {
                        Some(found) => break found,
                        None => tokio::time::sleep(Duration::from_millis(20)).await,
                    }
                };
                let code = app.ring().one_time_password(*person, challenge.id, challenge.nonce);
                let code = code.expose().to_owned();
                let (_, answer) = visitor.posts("/sign-in/code/check", ("code", &code)).await;
                assert_eq!(answer.headers()["location"], "/access");
            }
        })
        .await;
    let took = began.elapsed().as_secs_f64();
    println!(
        "{clients} clients at once: {} codes issued and verified in {took:.1} s, {:.0} a second",
        people.len(),
        people.len() as f64 / took
    );
}
