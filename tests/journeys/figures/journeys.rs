//! How many of the main journeys a system does in a second, and how long each takes, for some people at once.

use std::time::{Duration, Instant};

use reqwest::Client;

use super::system::System;
use super::{filler, mail};
use crate::dfe_api::Role;
use crate::load::{self, Outcome, Tally, done};
use crate::person::Person;
use crate::world::{Account, School, World};

/// How many people at once, and how many do each journey that can be done once.
const ROUNDS: [(usize, usize); 3] = [(1, 16), (16, 128), (64, 256)];

/// For how long what can be repeated is.
const TIME: Duration = Duration::from_secs(2);

/// How many have access at the school whose list is shown: 25 are on a page.
const LISTED: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; see docs/performance.md"]
async fn figures_of_journeys_on_one_instance_with_files() {
    measure(System::alone().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; see docs/performance.md"]
async fn figures_of_journeys_on_one_instance_over_servers() {
    let Some(system) = System::over_servers(1).await else { return };
    measure(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; see docs/performance.md"]
async fn figures_of_journeys_on_two_instances_over_servers() {
    let Some(system) = System::over_servers(2).await else { return };
    measure(system).await;
}

/// The table, as it grows.
struct Table(Vec<String>);

impl Table {
    fn new(name: &str) -> Self {
        let head =
            ["journey", "at once", "a second", "p50 ms", "p99 ms", "done", "otherwise"].map(str::to_owned);
        Self(vec![format!("\n{name}:\n"), load::row(&head), load::row(&vec!["---".to_owned(); head.len()])])
    }

    fn add(&mut self, journey: &str, at_once: usize, tally: &Tally) {
        let otherwise =
            tally.others().iter().map(|(how, count)| format!("{count} {how:?}")).collect::<Vec<_>>();
        self.0.push(load::row(&[
            journey.to_owned(),
            at_once.to_string(),
            format!("{:.0}", tally.a_second()),
            load::ms(tally.within(50)),
            load::ms(tally.within(99)),
            tally.count(Outcome::Done).to_string(),
            if otherwise.is_empty() { "none".to_owned() } else { otherwise.join(", ") },
        ]));
        // It is seen to go on.
        println!("{}", self.0.last().unwrap());
    }
}

/// Repeats a piece of work for [`TIME`], by each worker.
async fn repeated<W>(workers: Vec<W>, work: impl AsyncFn(&mut W) -> Outcome) -> (Tally, Vec<W>) {
    let end = Instant::now() + TIME;
    load::drive(workers, async |worker| if Instant::now() < end { Some(work(worker).await) } else { None })
        .await
}

/// Those who take part.
struct People {
    client: Client,
    base: String,
    schools: Vec<School>,
    approvers: Vec<Person>,
    colleagues: Vec<Account>,
}

/// Number of the first approver: colleagues are counted from 0.
const APPROVERS: usize = 900_000;

async fn people(system: &mut System) -> People {
    let most = ROUNDS.iter().map(|(at_once, _)| *at_once).max().unwrap();
    let schools = load::schools(most);
    let world = system.world();
    let approvers: Vec<Account> =
        schools.iter().enumerate().map(|(at, school)| load::account(APPROVERS + at, *school)).collect();
    for (approver, school) in approvers.iter().zip(&schools) {
        world.api.member(approver, *school, Role::Approver);
    }
    let mut colleagues = Vec::new();
    for (at_once, count) in ROUNDS {
        for number in 0..count {
            colleagues.push(load::account(colleagues.len(), schools[number % at_once]));
        }
    }
    let mut all = approvers.clone();
    all.extend(colleagues.iter().cloned());
    world.accounts(&all).await;
    let (client, base) = (load::client(true), world.base.clone());
    let come = approvers.into_iter().enumerate();
    let come = come.map(|(at, account)| load::person(APPROVERS + at, account, &base, &client)).collect();
    let (tally, mut come) = load::drive_through(16, come, load::signs_in).await;
    assert!(tally.others().is_empty(), "approvers: {:?}", tally.others());
    come.sort_by(|(one, _), (other, _)| one.account.sub.cmp(&other.account.sub));
    let approvers = come.into_iter().map(|(person, _)| person).collect();
    People { client, base, schools, approvers, colleagues }
}

async fn measure(mut system: System) {
    let mut people = people(&mut system).await;
    fills_a_school(&mut people).await;
    let count = ROUNDS.iter().map(|(_, count)| count).sum();
    let codes = mail::list_users(&mut system, count).await;
    let (mut colleagues, mut codes) = (people.colleagues.clone().into_iter(), codes.into_iter());
    let name = system.name();
    let memory = system.memory();
    let mut table = Table::new(&name);
    let mut first = 0;
    for (at_once, count) in ROUNDS {
        let some = colleagues.by_ref().take(count).enumerate();
        let come = some.map(|(at, account)| load::person(first + at, account, &people.base, &people.client));
        let (tally, come) = load::drive_through(at_once, come.collect(), load::signs_in).await;
        first += count;
        table.add("sign in with DfE Sign-in", at_once, &tally);
        let come: Vec<Person> = come.into_iter().map(|(person, _)| person).collect();

        let workers = come.iter().take(at_once).cloned().collect();
        let (tally, _) = repeated(workers, async |person| load::step(person, "/access", None).await).await;
        table.add("open the own page", at_once, &tally);

        // Each approver has a school of their own, and the colleagues there.
        let mut workers: Vec<(Person, Vec<Person>)> =
            people.approvers.iter().take(at_once).map(|approver| (approver.clone(), Vec::new())).collect();
        for person in come {
            let at = workers.iter().position(|(approver, _)| approver.account.claim == person.account.claim);
            workers[at.unwrap()].1.push(person);
        }
        let (tally, _) = load::drive(workers, async |(approver, waiting)| {
            let mut colleague = waiting.pop()?;
            Some(asks_and_is_granted(&mut colleague, approver).await)
        })
        .await;
        table.add("ask for access, and be granted it", at_once, &tally);

        let workers = people.approvers.iter().take(at_once).cloned().map(|approver| (approver, 0)).collect();
        let (tally, _) = repeated(workers, async |(approver, number): &mut (Person, usize)| {
            *number += 1;
            let email = format!("added-{at_once}-{number}-{}@school.example", approver.account.family);
            gives_access(approver, &[("name", "Added Colleague"), ("email", &email)]).await
        })
        .await;
        table.add("give a colleague access", at_once, &tally);

        let workers = vec![people.approvers[0].clone(); at_once];
        let (tally, _) =
            repeated(workers, async |person| load::step(person, "/school/users", None).await).await;
        table.add(&format!("open the list of {LISTED} users"), at_once, &tally);

        let who = codes.by_ref().take(count).collect();
        let (world, client) = (system.world(), &people.client);
        let (tally, _) =
            load::drive_through(at_once, who, async |person| signs_in_by_code(person, world, client).await)
                .await;
        table.add("sign in by one-time password", at_once, &tally);

        let workers = vec![(people.client.clone(), format!("{}/health/live", people.base)); at_once];
        let (tally, _) =
            repeated(workers, async |(client, live)| match client.get(live.as_str()).send().await {
                Ok(answer) if answer.status() != 200 => Outcome::Wrong(answer.status().as_u16()),
                Ok(answer) => answer.bytes().await.map_or(Outcome::NoAnswer, |_| Outcome::Done),
                Err(_) => Outcome::NoAnswer,
            })
            .await;
        table.add("limit: `/health/live`", at_once, &tally);

        let store = system.store().await;
        let workers = (0..at_once).map(|_| filler::Writer::new()).collect();
        let (tally, _) = repeated(workers, async |writer: &mut filler::Writer| {
            writer.appends(store.as_ref(), 1).await;
            Outcome::Done
        })
        .await;
        table.add("limit: appends to the log alone", at_once, &tally);
    }
    let grown: Vec<String> = memory
        .into_iter()
        .zip(system.memory())
        .map(|(before, after)| format!("{before:.0} MiB before, {after:.0} MiB after"))
        .collect();
    println!("{}\n\nMemory of each instance: {}.", table.0.join("\n"), grown.join("; "));
}

/// The first school gets its many users, twenty at a time.
async fn fills_a_school(people: &mut People) {
    let approver = &mut people.approvers[0];
    for some in 0..LISTED / 20 {
        let emails: Vec<String> = (0..20).map(|at| format!("listed-{some}-{at}@school.example")).collect();
        let fields: Vec<(&str, &str)> = emails
            .iter()
            .flat_map(|email| [("name", "Listed Colleague"), ("email", email.as_str())])
            .collect();
        let outcome = gives_access(approver, &fields).await;
        assert_eq!(outcome, Outcome::Done, "{}", approver.page().text());
    }
    assert_eq!(people.schools.len(), people.approvers.len());
}

async fn asks_and_is_granted(colleague: &mut Person, approver: &mut Person) -> Outcome {
    done!(load::step(colleague, "/access/ask", None).await);
    done!(load::step(colleague, "/access/ask", Some(&[("message", "I am new here.")])).await);
    done!(load::step(approver, "/school/requests", None).await);
    let Some(link) = approver.page().link("/school/requests/", "") else { return Outcome::Wrong(200) };
    let request = link.split('/').take(4).collect::<Vec<_>>().join("/");
    done!(load::step(approver, &request, None).await);
    load::step(approver, &format!("{request}/grant"), Some(&[])).await
}

async fn gives_access(approver: &mut Person, fields: &[(&str, &str)]) -> Outcome {
    done!(load::step(approver, "/school/users/add", None).await);
    load::step(approver, "/school/users/add", Some(fields)).await
}

async fn signs_in_by_code(person: &mut Person, world: &World, client: &Client) -> Outcome {
    let email = person.account.email.clone();
    done!(load::step(person, "/sign-in/code", None).await);
    done!(load::step(person, "/sign-in/code", Some(&[("email", &email)])).await);
    // The first mail said that they are on the list.
    let mails = world.smtp.messages_to(client, &email, 2).await;
    let code = mails[1].subject.as_deref().unwrap().split(' ').next().unwrap().to_owned();
    done!(load::step(person, "/sign-in/code/check", None).await);
    load::step(person, "/sign-in/code/check", Some(&[("code", &code)])).await
}
