//! Mail that cannot go, restarts, what is kept on disk, and the commands beside a running service.

use std::collections::BTreeMap;

use crate::peers::Failures;
use crate::world::{GREENHILL, World};

async fn asks(person: &mut crate::person::Person, message: &str) {
    person.visits("/access/ask").await;
    person.sends("/access/ask", &[("message", message)]).await;
    person.visits("/access").await;
    person.sees("Withdraw");
}

#[tokio::test]
async fn while_the_mail_server_is_down_nothing_fails_and_nothing_is_lost() {
    let mut world = World::start().await;
    let ann = world.approver("Ann", GREENHILL).await;
    world.smtp.fail(&Failures { refuse: true, ..Failures::default() }).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    // Also over a restart.
    world.stop().await;
    world.run().await;
    world.smtp.fail(&Failures::default()).await;
    assert_eq!(world.mail_for(&ann.account.email, 1).await.len(), 1);
    world.stop().await;
    world.run().await;
    world.stop().await;
    assert_eq!(world.mail_for(&ann.account.email, 1).await.len(), 1, "a restart sends nothing again");
    assert_eq!(world.history("reactor").await, ["mail-sent"]);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_on_in_sight() {
    let mut world = World::start().await;
    let ann = world.approver("Ann", GREENHILL).await;
    let bob = world.approver("Bob", GREENHILL).await;
    let recipients = BTreeMap::from([(ann.account.email.clone(), 550)]);
    world.smtp.fail(&Failures { recipients, ..Failures::default() }).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    assert_eq!(world.mail_for(&bob.account.email, 1).await.len(), 1);
    let mut outcome = Vec::new();
    while outcome.len() < 2 {
        outcome = world.history("reactor").await;
    }
    outcome.sort();
    assert_eq!(outcome, ["mail-given-up", "mail-sent"]);
}

#[tokio::test]
async fn no_name_email_message_or_network_is_on_disk_in_the_clear() {
    let mut world = World::start().await;
    let ann = world.approver("Zebedee", GREENHILL).await;
    let mut cai = world.colleague("Quetzalcoatl", GREENHILL).await;
    asks(&mut cai, "My budgerigar ate the register.").await;
    world.mail_for(&ann.account.email, 1).await;
    world.stop().await;
    let files = world.files();
    assert!(files.len() >= 3, "{files:?}");
    for (path, bytes) in &files {
        for needle in ["zebedee", "quetzalcoatl", "budgerigar", "127.0.0.1", "journey/1.0"] {
            let found =
                bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()));
            assert!(!found, "{needle} stands in {}", path.display());
        }
    }
    let replayed = world.command(&["replay"]).await.to_lowercase();
    assert!(replayed.contains("access-requested") && !replayed.contains("budgerigar"));
}

#[tokio::test]
async fn staff_are_appointed_while_the_service_runs_and_stood_down_again() {
    let mut world = World::start().await;
    let mut jo = world.colleague("Jo", GREENHILL).await;
    jo.visits("/audit").await;
    assert_eq!(jo.page().status, 403);
    let email = jo.account.email.clone();
    world.command(&["staff", "appoint", "--as", "auditor", &email]).await;
    assert!(world.command(&["staff", "list"]).await.contains(&email));
    let mut status = jo.page().status;
    for _ in 0..100 {
        status = jo.visits("/audit").await.status;
        if status == 200 {
            break;
        }
        // Another process wrote: the service notices within a quarter of a second.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, 200);
    jo.sees("Jo Okoro");
    world.command(&["staff", "stand-down", "--as", "auditor", &email]).await;
    assert_eq!(world.command(&["staff", "list"]).await, "");
}

#[tokio::test]
async fn the_lists_of_a_snapshot_are_those_of_the_events() {
    let mut world = World::start().await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    world.stop().await;
    world.command(&["projections", "check"]).await;
    world.run().await;
    cai.visits("/access").await;
    cai.sees("Withdraw");
    let filtered = world.command(&["replay", "--type", "access-requested"]).await;
    assert_eq!(filtered.lines().count(), 1);
}

#[tokio::test]
async fn a_lost_key_ring_is_not_replaced_silently() {
    let mut world = World::start().await;
    world.colleague("Cai", GREENHILL).await;
    world.stop().await;
    let ring = world.data().join("keys/keys.db");
    let kept = world.data().join("kept.db");
    std::fs::rename(&ring, &kept).unwrap();
    let said = world.fails(&["staff", "list"]).await;
    assert!(said.contains("the key ring") && said.contains("is not there"), "{said}");
    std::fs::rename(&kept, &ring).unwrap();
    world.command(&["staff", "list"]).await;
}

#[tokio::test]
async fn after_a_restore_neither_an_old_snapshot_nor_an_old_session_is_believed() {
    let mut world = World::start().await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    world.stop().await;
    let log = world.data().join("events.db");
    let backup = std::fs::read(&log).unwrap();
    world.run().await;
    asks(&mut cai, "").await;
    world.stop().await;
    // The log of before is put back, as from a backup; the snapshot of after stays.
    std::fs::write(&log, backup).unwrap();
    world.run().await;
    cai.visits("/access").await;
    cai.sees("Your session has ended");
    cai.signs_in().await;
    cai.visits("/access").await;
    cai.sees("Ask for access").sees_no("Withdraw");
    world.stop().await;
    world.command(&["projections", "check"]).await;
}

#[tokio::test]
async fn commands_say_what_is_wrong_and_what_to_do() {
    let world = World::start().await;
    let said = world.fails(&["replay", "--type", "nonsense"]).await;
    assert!(said.contains("nonsense is no type of event") && said.contains("hint: the types are"), "{said}");
    let said = world.fails(&["staff", "appoint", "--as", "auditor", "not an email"]).await;
    assert!(said.contains("not an email address"), "{said}");
    let said = world.fails(&["staff", "stand-down", "--as", "auditor", "nobody@nowhere.example"]).await;
    assert!(said.contains("nobody is known by that email address"), "{said}");
    let checked = world.command(&["serve", "--check"]).await;
    assert!(
        checked.contains("The configuration can be used") && !checked.contains("client secret"),
        "{checked}"
    );
}
