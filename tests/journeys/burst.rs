//! Many people sign in at once. `VOUCHSAFE_TEST_BURST` says how many, `VOUCHSAFE_TEST_BURST_AT_ONCE` how many of them
//! are on their way at any moment.

use std::collections::BTreeMap;

use crate::cluster::Cluster;
use crate::load::{self, Outcome};

/// What a process may grow by, in MiB: so much in any case, and so much for each thousand who signed in.
const GROWS: (f64, f64) = (96.0, 24.0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_in_in_a_burst_is_signed_in_once_and_on_every_instance() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let people = load::setting("VOUCHSAFE_TEST_BURST", 150);
    let at_once = load::setting("VOUCHSAFE_TEST_BURST_AT_ONCE", 64).min(people);
    let schools = load::schools(people.div_ceil(50));
    let accounts: Vec<_> = (0..people).map(|number| load::account(number, schools[number / 50])).collect();
    cluster.world.accounts(&accounts).await;
    // A browser's requests may land on either instance.
    let client = load::client(false);
    let base = cluster.world.base.clone();
    let come = accounts.into_iter().enumerate();
    let come = come.map(|(number, account)| load::person(number, account, &base, &client)).collect();

    let own = std::process::id();
    let mut processes = vec![("this test", own)];
    processes.extend([("instance 0", cluster.process(0)), ("instance 1", cluster.process(1))]);
    processes.extend(cluster.world.oidc.process().map(|process| ("the provider", process)));
    let before: Vec<_> = processes.iter().map(|(_, it)| (load::resident(*it), load::used(*it))).collect();

    let (tally, come) = load::drive_through(at_once, come, load::signs_in).await;

    println!(
        "{people} people, {at_once} at once: {} signed in within {:.1} s, {:.0} a second; p50 {} ms, p99 {} ms; others: {:?}",
        tally.count(Outcome::Done),
        tally.took.as_secs_f64(),
        tally.a_second(),
        load::ms(tally.within(50)),
        load::ms(tally.within(99)),
        tally.others(),
    );
    for ((name, process), (memory, used)) in processes.iter().zip(&before) {
        println!(
            "{name}: {:.0} MiB before, {:.0} MiB after; {:.0} % of a core",
            memory,
            load::resident(*process),
            load::used(*process).saturating_sub(*used).as_secs_f64() / tally.took.as_secs_f64() * 100.0,
        );
    }
    // Who was not let in was told so, by a page; and the service did not just turn everybody away.
    for (outcome, count) in tally.others() {
        assert!(matches!(outcome, Outcome::ToldToWait(_)), "{count} were answered with {outcome:?}");
    }
    let entered = tally.count(Outcome::Done);
    assert!(entered * 2 > people, "only {entered} of {people} signed in");
    for ((name, process), (memory, _)) in processes.iter().zip(&before).skip(1).take(2) {
        let most = memory + GROWS.0 + GROWS.1 * f64::from(u32::try_from(people).unwrap()) / 1000.0;
        let holds = load::resident(*process);
        assert!(holds < most, "{name} holds {holds:.0} MiB, from {memory:.0} MiB before");
    }

    // Each session opens a page with its own person's name, on both.
    let bases = cluster.bases();
    let client = load::client(true);
    let sessions: Vec<_> = come
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Done)
        .flat_map(|(person, _)| bases.iter().map(|base| person.served_at(base, &client)))
        .collect();
    let (opened, _) = load::drive_through(16, sessions, async |person| {
        let outcome = load::step(person, "/access", None).await;
        let named = outcome == Outcome::Done && person.page().text().contains(&person.account.family);
        if outcome == Outcome::Done && !named { Outcome::Wrong(200) } else { outcome }
    })
    .await;
    assert_eq!(opened.count(Outcome::Done), entered * 2, "{:?}", opened.others());

    // Each of them signed in once, as the log has it. One whom no answer reached may be there as well.
    let log = cluster.command(0, &["replay", "--type", "signed-in"]).await;
    let mut sign_ins: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.lines().filter(|line| line.starts_with('{')) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        *sign_ins.entry(line["event"]["stream"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(sign_ins.values().all(|times| *times == 1), "somebody signed in twice: {sign_ins:?}");
    let most = entered + tally.others().iter().map(|(_, count)| count).sum::<usize>();
    assert!(
        (entered..=most).contains(&sign_ins.len()),
        "{entered} entered, {} did by the log",
        sign_ins.len()
    );
    cluster.stops_with_equal_lists().await;
}
