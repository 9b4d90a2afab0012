//! Many people at once: who does what, what became of each piece of work and how long it took; and what the processes
//! that served them used.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, header};

use crate::person::{Page, Person};
use crate::world::{Account, School};

/// What became of a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// It was not, and a page said that the service cannot do it for now.
    ToldToWait(u16),
    /// Another answer than there should be.
    Wrong(u16),
    /// The connection brought no answer.
    NoAnswer,
}

impl Outcome {
    /// What an answer means that should have the status `good`.
    pub(crate) fn of(page: &Page, good: u16) -> Self {
        let status = page.status.as_u16();
        let page_of_ours = page.html.contains("<h1 class=\"govuk-heading-l\">");
        match status {
            _ if status == good => Self::Done,
            // Whoever does too much is told when to come again.
            429 if page_of_ours && page.headers.contains_key(header::RETRY_AFTER) => Self::ToldToWait(429),
            503 if page_of_ours => Self::ToldToWait(503),
            _ => Self::Wrong(status),
        }
    }
}

/// What became of many pieces of work.
pub(crate) struct Tally {
    /// From the first one's begin to the last one's end.
    pub(crate) took: Duration,
    /// How long each took, by what became of it, the shortest first.
    times: BTreeMap<Outcome, Vec<Duration>>,
}

impl Tally {
    /// How many ended so.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.times.get(&outcome).map_or(0, Vec::len)
    }

    /// How many did not end as they should, by how they ended.
    pub(crate) fn others(&self) -> Vec<(Outcome, usize)> {
        let others = self.times.iter().filter(|(outcome, _)| **outcome != Outcome::Done);
        others.map(|(outcome, times)| (*outcome, times.len())).collect()
    }

    /// How many were done in a second.
    pub(crate) fn a_second(&self) -> f64 {
        f64::from(u32::try_from(self.count(Outcome::Done)).unwrap()) / self.took.as_secs_f64()
    }

    /// The time within which so many of a hundred of those that were done were done.
    pub(crate) fn within(&self, percent: usize) -> Duration {
        percentile(self.times.get(&Outcome::Done).map_or(&[], Vec::as_slice), percent)
    }
}

/// The value that so many of a hundred are at or below (the nearest rank), of values in order; 0 if there are none.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// Lets each worker do one piece of work after another, all workers at once, until `work` has nothing more for it.
pub(crate) async fn drive<W>(
    workers: Vec<W>,
    work: impl AsyncFn(&mut W) -> Option<Outcome>,
) -> (Tally, Vec<W>) {
    let begun = Instant::now();
    let each = workers.into_iter().map(|mut worker| {
        let work = &work;
        async move {
            let mut done = Vec::new();
            loop {
                let begun = Instant::now();
                let Some(outcome) = work(&mut worker).await else { return (worker, done) };
                done.push((outcome, begun.elapsed()));
            }
        }
    });
    let (workers, done): (Vec<W>, Vec<_>) = join_all(each).await.into_iter().unzip();
    let took = begun.elapsed();
    let mut times: BTreeMap<Outcome, Vec<Duration>> = BTreeMap::new();
    for (outcome, time) in done.into_iter().flatten() {
        times.entry(outcome).or_default().push(time);
    }
    for times in times.values_mut() {
        times.sort_unstable();
    }
    (Tally { took, times }, workers)
}

/// The same, where so many workers share what is to be done once each: they take it from one pile, and what each piece
/// was done with comes back.
pub(crate) async fn drive_through<T>(
    at_once: usize,
    pile: Vec<T>,
    work: impl AsyncFn(&mut T) -> Outcome,
) -> (Tally, Vec<(T, Outcome)>) {
    let pile = Mutex::new(pile.into_iter().rev().collect::<Vec<T>>());
    let take = || pile.lock().unwrap().pop();
    let (tally, done) = drive((0..at_once).map(|_| Vec::new()).collect(), async |done: &mut Vec<_>| {
        let mut piece = take()?;
        let outcome = work(&mut piece).await;
        done.push((piece, outcome));
        Some(outcome)
    })
    .await;
    (tally, done.into_iter().flatten().collect())
}

/// A client that many people share. `keeps`: connections are used again, as a proxy in front does; otherwise each
/// request comes by one of its own.
pub(crate) fn client(keeps: bool) -> Client {
    let client = Client::builder().redirect(Policy::none()).user_agent("Load/1.0 (X11; Linux) Firefox/140.0");
    // Less than either server keeps a connection that nothing comes by.
    let client = client.pool_idle_timeout(Duration::from_secs(2));
    let client = if keeps { client } else { client.pool_max_idle_per_host(0) };
    client.build().unwrap()
}

/// So many schools that are nowhere else.
pub(crate) fn schools(count: usize) -> Vec<School> {
    // A school's facts are constants; these few live as long as the test does.
    let text = |text: String| -> &'static str { text.leak() };
    let school = |number| School {
        id: text(format!("{number:08x}-0000-4000-8000-00000000a10a")),
        name: text(format!("School Number {number:04}")),
        urn: text(format!("{}", 800_000 + number)),
        status: 1,
    };
    (0..count).map(school).collect()
}

/// Somebody at a school, one of many.
pub(crate) fn account(number: usize, school: School) -> Account {
    Account {
        sub: format!("{number:08X}-0000-4000-8000-00000000B0B5"),
        given: "Bea".to_owned(),
        family: format!("Number{number:06}"),
        email: format!("bea-{number:06}@school.example"),
        claim: school.claim(),
    }
}

/// Somebody with this account, on a network of their own.
pub(crate) fn person(number: usize, account: Account, base: &str, client: &Client) -> Person {
    let network = Ipv4Addr::from_bits(0x0a00_0001 + u32::try_from(number).unwrap());
    Person::of_many(account, base, client, network)
}

/// Somebody signs in with DfE Sign-in. Done: they are on a page that has their name.
pub(crate) async fn signs_in(person: &mut Person) -> Outcome {
    let (mut method, mut url, mut fields) = (Method::GET, person.address("/sign-in"), None);
    for _ in 0..20 {
        let Ok(page) = person.attempts(method, url, fields.take()).await else { return Outcome::NoAnswer };
        let location = page.headers.get(header::LOCATION).filter(|_| page.status.is_redirection());
        let Some(location) = location else {
            let outcome = Outcome::of(&page, 200);
            let named = page.text().contains(&person.account.family);
            person.is_on(page);
            return if outcome == Outcome::Done && !named { Outcome::Wrong(200) } else { outcome };
        };
        let next = page.url.join(location.to_str().unwrap()).unwrap();
        // The page with all the accounts would be the most work of all, and is the provider's: they know which they want.
        method = if next.path().starts_with("/interaction/") {
            fields = Some(vec![("sub".to_owned(), person.account.sub.clone())]);
            Method::POST
        } else {
            Method::GET
        };
        url = next;
    }
    Outcome::Wrong(302)
}

/// Opens a page, or sends its form with these fields. Done: it is there, or it leads on.
pub(crate) async fn step(person: &mut Person, path: &str, form: Option<&[(&str, &str)]>) -> Outcome {
    let good = if form.is_some() { 303 } else { 200 };
    match person.tries(path, form).await {
        Some(_) => Outcome::of(person.page(), good),
        None => Outcome::NoAnswer,
    }
}

/// Goes on if a step was done; otherwise the whole piece of work ended as the step did.
macro_rules! done {
    ($step:expr) => {
        match $step {
            $crate::load::Outcome::Done => {}
            other => return other,
        }
    };
}
pub(crate) use done;

/// How much memory a process holds, in MiB (`VmRSS` of proc(5)).
pub(crate) fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the process runs");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// How long a process has used a core, in all (`utime` and `stime` of proc(5), hundredths of a second on Linux).
pub(crate) fn used(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

/// A number that whoever runs the tests may set.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration file")]
pub(crate) fn setting(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable)
        .map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{variable}: {value}")))
}

/// A row of a table in Markdown.
pub(crate) fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// A time in milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

#[test]
fn the_percentile_is_the_nearest_rank() {
    let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
    assert_eq!(percentile(&times, 50), Duration::from_millis(100));
    assert_eq!(percentile(&times, 99), Duration::from_millis(198));
    assert_eq!(percentile(&times[..1], 99), Duration::from_millis(1));
    assert_eq!(percentile(&[], 50), Duration::ZERO);
}
