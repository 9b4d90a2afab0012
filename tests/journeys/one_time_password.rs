//! Signing in with an emailed code, by a real mail server: as a person does it, and in a real browser.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::peers::{Failures, Message, Scripts, walk};
use crate::person::Person;
use crate::world::{Account, World};

const ADA: &str = "ada@northern.example";

/// A world with Ada on the list of a lead provider.
async fn with_ada_listed() -> World {
    let mut world = World::start().await;
    world.stop().await;
    world.command(&["organisations", "add", "--kind", "lead-provider", "Northern Training"]).await;
    world.command(&["users", "add", "--organisation", "Northern Training", "--name", "Ada Obi", ADA]).await;
    world.run().await;
    world
}

fn somebody(world: &World) -> Person {
    Person::new(Account::at("Ada", "Obi", None), &world.base)
}

async fn asks(person: &mut Person, email: &str) {
    person.visits("/sign-in/code").await;
    person.sends("/sign-in/code", &[("email", email)]).await;
    person.sees("Check your email");
}

/// The mail with Ada's code, and the code. Before it comes one that says that she was put on a list.
async fn code_mailed(world: &World) -> (Message, String) {
    for count in 1..5 {
        for mail in world.mail_for(ADA, count).await {
            let subject = mail.subject.clone().unwrap();
            let first = subject.split(' ').next().unwrap();
            if first.len() == 6 && first.bytes().all(|byte| byte.is_ascii_digit()) {
                let code = first.to_owned();
                return (mail, code);
            }
        }
    }
    panic!("no code was mailed");
}

#[tokio::test]
async fn a_code_comes_by_mail_at_once_and_works_after_a_restart_in_the_browser_that_asked() {
    let mut world = with_ada_listed().await;
    let mut ada = somebody(&world);
    let began = Instant::now();
    asks(&mut ada, ADA).await;
    let (mail, code) = code_mailed(&world).await;
    // It goes out within a second in ordinary running; a machine that builds and tests is given more.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let text = mail.text.as_deref().unwrap();
    assert!(text.contains(&code), "{text}");
    // There is nothing in it that a mail scanner could consume.
    assert!(!text.contains(&format!("code={code}")) && !text.contains("/sign-in/code/"), "{text}");

    let mut other = somebody(&world);
    other.visits("/sign-in/code/check").await;
    other.sees("Sign in with a security code");

    world.stop().await;
    world.run().await;
    ada.visits("/sign-in/code/check").await;
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    ada.sends("/sign-in/code/check", &[("code", &spaced)]).await;
    ada.sees("Northern Training");
    let history = world.history("person").await;
    assert!(history.iter().any(|kind| kind == "one-time-password-used"), "{history:?}");
}

#[tokio::test]
async fn an_address_on_no_list_is_mailed_how_to_get_in_and_no_code() {
    let world = with_ada_listed().await;
    let mut stranger = somebody(&world);
    asks(&mut stranger, "who@elsewhere.example").await;
    let mails = world.mail_for("who@elsewhere.example", 1).await;
    assert!(!mails[0].text.as_deref().unwrap().contains("security code is"), "{:?}", mails[0].text);
    assert!(world.history("person").await.iter().any(|kind| kind == "one-time-password-withheld"));
}

#[tokio::test]
async fn who_waits_for_a_mail_that_cannot_go_is_told_so() {
    let world = with_ada_listed().await;
    world.smtp.fail(&Failures { refuse: true, ..Failures::default() }).await;
    let mut ada = somebody(&world);
    asks(&mut ada, ADA).await;
    for _ in 0..150 {
        if ada.visits("/sign-in/code/check").await.text().contains("Our emails are delayed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ada.sees("Our emails are delayed").sees("Sign in with DfE Sign-in");
}

async fn in_a_browser(scripts: Scripts) {
    let world = with_ada_listed().await;
    let facts = json!({ "email": ADA, "mail": world.smtp.control() });
    walk("one_time_password", &world.base, scripts, &facts).await;
}

#[tokio::test]
async fn a_code_lets_somebody_in_with_scripts() {
    in_a_browser(Scripts::On).await;
}

#[tokio::test]
async fn a_code_lets_somebody_in_without_scripts() {
    in_a_browser(Scripts::Off).await;
}
