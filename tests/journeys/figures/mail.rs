//! How soon after somebody asks for a one-time password the mail with it is at the mail server, on a system that does
//! nothing else.

use std::time::{Duration, Instant};

use reqwest::Client;
use vouchsafe::clock::{Clock as _, SystemClock};

use super::system::System;
use crate::load::{self, Outcome};
use crate::person::Person;
use crate::world::{Account, GREENHILL};

/// How many ask, one after another.
const ASK: usize = 40;

const LEAD: &str = "Northern Training";

/// The number of the first who uses codes.
const FIRST: usize = 500_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; see docs/performance.md"]
async fn figures_of_mail() {
    let client = load::client(true);
    let mut systems = vec![System::alone().await];
    systems.extend(System::over_servers(2).await);
    let head =
        ["from asking for a code to the mail at the mail server", "p50 ms", "p99 ms", "most ms", "mails"];
    let mut table = vec![load::row(&head.map(str::to_owned)), load::row(&vec!["---".to_owned(); head.len()])];
    for system in &mut systems {
        let mut times = Vec::new();
        for mut person in list_users(system, ASK).await {
            times.push(asks(system, &mut person, &client).await);
        }
        times.sort_unstable();
        let within = |percent| load::ms(load::percentile(&times, percent));
        table.push(load::row(&[system.name(), within(50), within(99), within(100), times.len().to_string()]));
    }
    println!("{}", table.join("\n"));
}

async fn asks(system: &mut System, person: &mut Person, client: &Client) -> Duration {
    let email = person.account.email.clone();
    assert_eq!(load::step(person, "/sign-in/code", None).await, Outcome::Done);
    let begun = SystemClock.now().micros();
    let asked = load::step(person, "/sign-in/code", Some(&[("email", &email)])).await;
    assert_eq!(asked, Outcome::Done);
    let mails = system.world().smtp.messages_to(client, &email, 2).await;
    // The mail server counts whole milliseconds.
    Duration::from_micros((mails[1].at * 1000 + 999).saturating_sub(u64::try_from(begun).unwrap()))
}

/// Puts so many on a lead provider's list, and waits until each has been mailed so.
pub(super) async fn list_users(system: &mut System, count: usize) -> Vec<Person> {
    let emails: Vec<String> = (0..count).map(|number| format!("code-{number:06}@northern.example")).collect();
    let file = system.world().folder().join("users.csv");
    std::fs::write(&file, format!("email\n{}\n", emails.join("\n"))).unwrap();
    system.command(&["organisations", "add", "--kind", "lead-provider", LEAD]).await;
    let begun = Instant::now();
    system.command(&["users", "import", "--organisation", LEAD, file.to_str().unwrap()]).await;
    let imported = begun.elapsed();
    let client = load::client(true);
    for email in &emails {
        while system.world().smtp.messages_to(&client, email, 0).await.is_empty() {
            assert!(begun.elapsed() < Duration::from_mins(5), "nothing was mailed to {email}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    println!(
        "{}: {count} users imported within {:.1} s, and all mailed so within {:.1} s",
        system.name(),
        imported.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    let base = system.world().base.clone();
    let person = |(number, email): (usize, String)| {
        let account = Account { email, ..load::account(FIRST + number, GREENHILL) };
        load::person(FIRST + number, account, &base, &client)
    };
    emails.into_iter().enumerate().map(person).collect()
}
