//! Asking for access, deciding, adding, ending: as people do it, through HTTP, with real mail.

use vouchsafe_events::RequestId;

use crate::dfe_api::Role;
use crate::person::Person;
use crate::world::{Account, GREENHILL, RIVERSIDE, World};

/// The request that an approver sees first.
fn first_request(approver: &Person) -> String {
    let link = approver.page().link("/school/requests/", "").expect("a request is on the page");
    let id = link.trim_start_matches("/school/requests/").split('/').next().unwrap();
    id.parse::<RequestId>().unwrap().to_string()
}

async fn asks(person: &mut Person, message: &str) {
    person.visits("/access/ask").await;
    person.sends("/access/ask", &[("message", message)]).await;
}

async fn opens_first_request(approver: &mut Person) -> String {
    approver.visits("/school/requests").await;
    let request = first_request(approver);
    approver.visits(&format!("/school/requests/{request}")).await;
    request
}

#[tokio::test]
async fn a_colleague_asks_an_approver_grants_and_the_colleague_gets_in() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    cai.visits("/access").await;
    cai.sees("Ask for access");
    asks(&mut cai, "I am the new induction tutor.").await;
    cai.visits("/access").await;
    cai.sees("Withdraw").sees_no(&ann.account.email);

    let mail = world.mail_for(&ann.account.email, 1).await;
    let text = mail[0].text.as_deref().unwrap();
    assert!(text.contains("Cai Okoro") && text.contains("I am the new induction tutor."), "{text}");
    let link = text.split_whitespace().find(|word| word.contains("/school/requests/")).unwrap();
    let path = link.trim_matches(['<', '>', '.']).strip_prefix(&world.base).unwrap().to_owned();
    ann.visits(&path).await;
    ann.sees("Cai Okoro").sees("I am the new induction tutor.").sees(&cai.account.email);
    ann.sends(&format!("{path}/grant"), &[]).await;
    ann.visits("/school/users").await;
    ann.sees("Cai Okoro");

    cai.visits("/access").await;
    cai.sees("You have access");
    let mail = world.mail_for(&cai.account.email, 1).await;
    assert!(mail[0].subject.as_deref().unwrap().contains("You now have access"), "{mail:?}");
    let history = world.history("organisation").await;
    let expected = ["organisation-registered", "approver-established", "access-requested", "access-granted"];
    assert_eq!(history, expected);
}

#[tokio::test]
async fn of_two_approvers_the_first_decides_and_the_second_is_told() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    let mut bob = world.approver("Bob", GREENHILL).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    let request = opens_first_request(&mut ann).await;
    opens_first_request(&mut bob).await;
    ann.sends(&format!("/school/requests/{request}/grant"), &[]).await;
    let decline = format!("/school/requests/{request}/decline");
    bob.sends(&decline, &[("reason", "Not known here.")]).await;
    bob.sees("Ann Okoro");
    cai.visits("/access").await;
    cai.sees("You have access").sees_no("Not known here.");
    let decisions = world.history("organisation").await;
    assert_eq!(decisions.iter().filter(|kind| kind.starts_with("access-")).count(), 2, "{decisions:?}");
}

#[tokio::test]
async fn a_decline_needs_a_reason_which_the_person_reads() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    let request = opens_first_request(&mut ann).await;
    let decline = format!("/school/requests/{request}/decline");
    ann.sends(&decline, &[("reason", "  ")]).await;
    ann.sees("There is a problem");
    ann.sends(&decline, &[("reason", "Only <b>tutors</b> need it.")]).await;
    cai.visits("/access").await;
    cai.sees("Only <b>tutors</b> need it.");
    assert!(!cai.page().html.contains("<b>tutors"), "what people write is escaped");
    let mail = world.mail_for(&cai.account.email, 1).await;
    assert!(mail[0].text.as_deref().unwrap().contains("Only <b>tutors</b> need it."), "{mail:?}");
    asks(&mut cai, "I am a tutor now.").await;
    ann.visits("/school/requests").await;
    ann.sees("Cai Okoro");
}

#[tokio::test]
async fn nobody_decides_their_own_request_and_nobody_sees_anothers_school() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    let mut eve = world.approver("Eve", RIVERSIDE).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    let request = opens_first_request(&mut ann).await;
    eve.visits(&format!("/school/requests/{request}")).await;
    assert_eq!(eve.page().status, 404);
    cai.visits(&format!("/school/requests/{request}")).await;
    assert_eq!(cai.page().status, 403);
    // With a token of her own pages, Eve still cannot decide at another school.
    eve.visits("/access").await;
    let token = eve
        .page()
        .html
        .split("name=\"form_token\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    eve.forges(&format!("/school/requests/{request}/grant"), &[("form_token", &token)]).await;
    assert_eq!(eve.page().status, 404);
    cai.visits("/access").await;
    cai.sees_no("You have access");
}

#[tokio::test]
async fn a_request_waits_for_a_school_to_get_its_first_approver() {
    let mut world = World::start().await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    cai.visits("/access").await;
    cai.sees("does not have an approver here yet");
    asks(&mut cai, "").await;
    let ann = Account::at("Ann", "Okoro", Some(GREENHILL));
    world.account(&ann).await;
    // DfE makes her one; she has never been here. The product hears of it by itself.
    world.api.member(&ann, GREENHILL, Role::Approver);
    let mail = world.mail_for(&ann.email, 1).await;
    assert!(mail[0].subject.as_deref().unwrap().contains("Cai Okoro has asked"), "{mail:?}");
    let mut ann = world.person(&ann).await;
    ann.signs_in().await;
    let request = opens_first_request(&mut ann).await;
    ann.sends(&format!("/school/requests/{request}/grant"), &[]).await;
    cai.visits("/access").await;
    cai.sees("You have access");
}

#[tokio::test]
async fn where_the_list_of_approvers_is_refused_sign_ins_serve() {
    let mut world = World::start().await;
    world.api.refuse_approvers();
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    assert_eq!(world.mail_for(&ann.account.email, 1).await.len(), 1);
    let request = opens_first_request(&mut ann).await;
    ann.sends(&format!("/school/requests/{request}/grant"), &[]).await;
    cai.visits("/access").await;
    cai.sees("You have access");
}

#[tokio::test]
async fn a_colleague_who_was_added_by_email_has_access_once_they_sign_in_for_that_school() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    ann.visits("/school/users/add").await;
    ann.sends("/school/users/add", &[("name", "Dee Okoro"), ("email", "Dee.Okoro@School.example ")]).await;
    let mail = world.mail_for("dee.okoro@school.example", 1).await;
    assert!(mail[0].subject.as_deref().unwrap().contains("Ann Okoro has given you access"), "{mail:?}");

    // At another school the same person has nothing.
    let elsewhere = Account::at("Dee", "Okoro", Some(RIVERSIDE));
    world.api.member(&elsewhere, RIVERSIDE, Role::EndUser);
    let mut dee = world.person(&elsewhere).await;
    dee.signs_in().await;
    dee.sees_no("You have access");
    let here = Account { claim: GREENHILL.claim(), ..elsewhere };
    world.api.member(&here, GREENHILL, Role::EndUser);
    let mut dee = world.person(&here).await;
    dee.signs_in().await;
    dee.sees("You have access");
}

#[tokio::test]
async fn access_that_is_ended_is_gone_with_the_next_page() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    let request = opens_first_request(&mut ann).await;
    ann.sends(&format!("/school/requests/{request}/grant"), &[]).await;
    cai.visits("/access").await;
    cai.sees("You have access");

    ann.visits("/school/users").await;
    let links: Vec<String> = ann
        .page()
        .html
        .split('"')
        .filter(|href| href.starts_with("/school/users/") && href.len() == 50)
        .map(str::to_owned)
        .collect();
    for link in links {
        ann.visits(&link).await;
        if ann.page().text().contains("Cai Okoro") {
            ann.visits(&format!("{link}/end")).await;
            ann.sends(&format!("{link}/end"), &[("reason", "Has left the school.")]).await;
            break;
        }
    }
    cai.visits("/access").await;
    cai.sees_no("You have access");
    let mail = world.mail_for(&cai.account.email, 2).await;
    assert!(mail[1].text.as_deref().unwrap().contains("Has left the school."), "{mail:?}");
}

#[tokio::test]
async fn a_request_can_be_withdrawn_and_then_no_longer_be_decided() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    let request = opens_first_request(&mut ann).await;
    let withdraw = format!("/access/requests/{request}/withdraw");
    cai.visits(&withdraw).await;
    cai.sends(&withdraw, &[]).await;
    ann.sends(&format!("/school/requests/{request}/grant"), &[]).await;
    ann.sees("This request was taken back");
    cai.visits("/access").await;
    cai.sees_no("You have access");
}

#[tokio::test]
async fn what_time_brings_is_mailed() {
    const DAY: i64 = 86_400;
    let mut world = World::start().await;
    let ann = world.approver("Ann", GREENHILL).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    asks(&mut cai, "").await;
    assert_eq!(world.mail_for(&ann.account.email, 1).await.len(), 1);
    world.stop().await;
    // The service was off for eight days: of two reminders that fell due, one is sent.
    world.puts_clock_forward(8 * DAY);
    world.run().await;
    let mail = world.mail_for(&ann.account.email, 2).await;
    assert!(mail[1].subject.as_deref().unwrap().contains("still waiting"), "{mail:?}");
    world.stop().await;
    world.puts_clock_forward(28 * DAY + 60);
    world.run().await;
    let mail = world.mail_for(&cai.account.email, 1).await;
    assert!(mail[0].subject.as_deref().unwrap().contains("expired"), "{mail:?}");
    world.stop().await;
    assert_eq!(world.mail_for(&ann.account.email, 2).await.len(), 2);
}
