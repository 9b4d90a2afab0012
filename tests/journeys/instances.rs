//! Two instances of the product over one log and one key ring: people's requests land on either, and either may die.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::cluster::wire::Way;
use crate::cluster::{Cluster, Shape, To};
use crate::person::Person;
use crate::world::{Account, GREENHILL};

const ADA: &str = "ada@northern.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_may_land_on_another_instance() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    // Every request is a connection of its own, and each connection goes to the next instance: a sign-in begins on one
    // and ends on the other, and what somebody did on one they see on the other.
    let mut ann = cluster.world.approver("Ann", GREENHILL).await;
    let mut cai = cluster.world.colleague("Cai", GREENHILL).await;
    for round in 0..3 {
        cai.visits("/access/ask").await;
        cai.sends("/access/ask", &[("message", "I am new here.")]).await;
        cai.visits("/access").await;
        cai.sees("Withdraw");
        ann.visits("/school/requests").await;
        ann.sees("Cai Okoro");
        let link = ann.page().link("/school/requests/", "").unwrap();
        let path = link.split('/').take(4).collect::<Vec<_>>().join("/");
        ann.visits(&path).await;
        if round < 2 {
            ann.sends(&format!("{path}/decline"), &[("reason", "Not yet.")]).await;
            cai.visits("/access").await;
            cai.sees("Not yet.");
        } else {
            ann.sends(&format!("{path}/grant"), &[]).await;
            cai.visits("/access").await;
            cai.sees("You have access");
        }
    }
    // A session that ends on one instance ends on the other as soon as that one hears of it: a copy of the cookie that
    // was taken before says nothing of how far the log had come.
    cai.visits("/access").await;
    let mut old = cai.clone();
    cai.sends("/sign-out", &[]).await;
    let (signed_out, mut refused) = (Instant::now(), 0);
    while refused < 2 {
        assert!(signed_out.elapsed() < Duration::from_secs(5), "an instance goes on with an ended session");
        let mut copy = old.clone();
        copy.visits("/access").await;
        // One after the other, as the proxy has it.
        refused = if copy.page().text().contains("You have access") { 0 } else { refused + 1 };
    }
    println!("the session had ended everywhere after {:?}", signed_out.elapsed());
    old.visits("/access").await;
    old.sees_no("You have access");
    cluster.stops_with_equal_lists().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_asked_for_on_one_instance_opens_the_other() {
    let Some(cluster) = Cluster::start(2).await else { return };
    cluster.command(0, &["organisations", "add", "--kind", "lead-provider", "Northern Training"]).await;
    cluster.command(1, &["users", "add", "--organisation", "Northern Training", ADA]).await;
    // What a command wrote, instances hear of within some tenths of a second; on a busy machine it may be more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut ada = Person::new(Account::at("Ada", "Obi", None), &cluster.world.base);
    ada.visits("/sign-in/code").await;
    ada.sends("/sign-in/code", &[("email", ADA)]).await;
    ada.sees("Check your email");
    let code = code_mailed(&cluster).await;
    ada.visits("/sign-in/code/check").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    ada.sends("/sign-in/code/check", &[("code", wrong)]).await;
    ada.sees("There is a problem");
    ada.sends("/sign-in/code/check", &[("code", &code)]).await;
    ada.sees("Northern Training");
    ada.visits("/access").await;
    ada.sees("Northern Training");
    cluster.stops_with_equal_lists().await;
}

async fn code_mailed(cluster: &Cluster) -> String {
    for count in 1..5 {
        for mail in cluster.world.mail_for(ADA, count).await {
            let first = mail.subject.unwrap().split(' ').next().unwrap().to_owned();
            if first.len() == 6 && first.bytes().all(|byte| byte.is_ascii_digit()) {
                return first;
            }
        }
    }
    panic!("no code was mailed");
}

/// An approver who gives colleagues access one after another, whatever happens, until told to stop. Answers whom the
/// service said it had given access.
async fn adds(mut ann: Person, stop: tokio::sync::watch::Receiver<bool>) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    for number in 0.. {
        if *stop.borrow() {
            return done;
        }
        let email = format!("colleague-{number}@school.example");
        // Tried once: whether it was done though no answer came is seen at the end.
        if ann.tries("/school/users/add", None).await != Some(200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        let answer =
            ann.tries("/school/users/add", Some(&[("name", "A Colleague"), ("email", &email)])).await;
        // The service sends whoever succeeded on to a page that says so.
        if answer == Some(303) {
            done.insert(email);
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_nothing_that_was_answered_is_lost_and_nothing_is_done_twice() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let ann = cluster.world.approver("Ann", GREENHILL).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let work = tokio::spawn(adds(ann, stopped));
    let pause = || tokio::time::sleep(Duration::from_secs(2));
    pause().await;

    let first = cluster.who_runs_the_reactors().expect("one runs the reactors");
    cluster.kill(first);
    cluster.reactors_move_to(1 - first).await;
    cluster.run(first).await;
    pause().await;
    cluster.kill(1 - first);
    pause().await;
    cluster.run(1 - first).await;
    pause().await;
    cluster.log_server_dies_for(Duration::from_secs(1));
    pause().await;
    cluster.key_ring_dies_for(Duration::from_secs(1));
    pause().await;
    pause().await;
    let _ = stop.send(true);
    let answered = work.await.unwrap();
    assert!(answered.len() > 20, "only {} were added", answered.len());

    // Everybody who was told so has access, once; nobody is there twice.
    let granted = cluster.command(0, &["replay", "--type", "access-granted"]).await;
    let mut grants: BTreeMap<String, usize> = BTreeMap::new();
    for line in granted.lines().filter(|line| line.starts_with('{')) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        *grants.entry(line["event"]["data"]["person"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(grants.values().all(|times| *times == 1), "{grants:?}");
    assert!(grants.len() >= answered.len(), "{} were told, {} have it", answered.len(), grants.len());

    // Each of them is mailed, at least once.
    let mut mails: BTreeMap<String, usize> = BTreeMap::new();
    let begun = Instant::now();
    while answered.iter().any(|email| !mails.contains_key(email)) {
        assert!(
            begun.elapsed() < Duration::from_mins(2),
            "mail is missing: {} of {}",
            mails.len(),
            answered.len()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
        mails.clear();
        for mail in cluster.world.smtp.messages(0).await {
            for to in mail.envelope.to {
                *mails.entry(to).or_default() += 1;
            }
        }
    }
    let twice = answered.iter().filter(|email| mails[*email] > 1).count();
    println!(
        "{} answered, {} granted, {twice} mailed more than once, caught up {:?} after the last fault",
        answered.len(),
        grants.len(),
        begun.elapsed()
    );
    cluster.stops_with_equal_lists().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_meets_an_event_of_a_newer_version_leaves_the_work_to_others() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut ann = cluster.world.approver("Ann", GREENHILL).await;
    let first = cluster.who_runs_the_reactors().expect("one runs the reactors");
    cluster.a_newer_version_writes().await;
    for number in 0..2 {
        cluster.is_not_ready(number).await;
    }
    // Neither answers as if nothing were, neither has ended, and nothing more is written.
    let status = ann.tries("/school/users", None).await;
    assert_eq!(status, Some(503), "{}", ann.page().text());
    let before = cluster.written().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(cluster.written().await, before, "an instance that cannot read the log wrote to it");
    assert_eq!(
        cluster.who_runs_the_reactors(),
        Some(first),
        "another that cannot read the log took the reactors"
    );
    cluster.still_run();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_hears_nothing_of_the_log_shows_nothing() {
    let Some(mut cluster) = Cluster::of(Shape { instances: 2, wires: true, ..Shape::default() }).await else {
        return;
    };
    let mut cai = cluster.world.colleague("Cai", GREENHILL).await;
    cai.visits("/account").await;
    let old = cai.clone();
    let deaf = cluster.bases().pop().unwrap();
    let asks = async || {
        let mut copy = old.at(&deaf);
        let status = copy.tries("/account", None).await;
        (status, copy)
    };
    assert_eq!(asks().await.0, Some(200));
    // Nobody is told that nothing comes any more: no connection is closed or refused.
    cluster.way(1, Some(To::Log), Way::Silent);
    let silent = Instant::now();
    while asks().await.0 != Some(503) {
        assert!(silent.elapsed() < Duration::from_secs(10), "it goes on as if it knew how things stand");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("it says that it is out of touch after {:?}", silent.elapsed());
    // Meanwhile the session ends; when the instance hears again, it hears of that.
    let mut cai = cai.at(&cluster.bases()[0]);
    cai.visits("/account").await;
    assert_eq!(cai.tries("/sign-out", Some(&[])).await, Some(303));
    cluster.way(1, Some(To::Log), Way::Open);
    let open = Instant::now();
    loop {
        match asks().await.0 {
            Some(503) => {}
            Some(200) => panic!("a session goes on that has ended"),
            _ => break,
        }
        assert!(open.elapsed() < Duration::from_mins(1), "it does not come to again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cluster.stops_with_equal_lists().await;
}
