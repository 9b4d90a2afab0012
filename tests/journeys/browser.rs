//! The main journeys in a real browser, with scripts and without.

use serde_json::json;

use crate::dfe_api::Role;
use crate::peers::{Scripts, walk};
use crate::world::{Account, GREENHILL, World};

async fn main_journey(scripts: Scripts) {
    let mut world = World::start().await;
    let (ann, cai, jo) = (
        Account::at("Ann", "Okoro", Some(GREENHILL)),
        Account::at("Cai", "Okoro", Some(GREENHILL)),
        Account::at("Jo", "Okoro", None),
    );
    for (account, role) in [(&ann, Role::Approver), (&cai, Role::EndUser)] {
        world.api.member(account, GREENHILL, role);
        world.account(account).await;
    }
    world.account(&jo).await;
    world.command(&["staff", "appoint", "--as", "auditor", "--name", "Jo Okoro", &jo.email]).await;
    let label = |account: &Account| format!("{} {}, {}", account.given, account.family, account.email);
    let facts = json!({ "approver": label(&ann), "colleague": label(&cai), "auditor": label(&jo) });
    walk("access", &world.base, scripts, &facts).await;
}

#[tokio::test]
async fn a_school_gets_itself_in_with_scripts() {
    main_journey(Scripts::On).await;
}

#[tokio::test]
async fn a_school_gets_itself_in_without_scripts() {
    main_journey(Scripts::Off).await;
}

async fn a_day_of_support(scripts: Scripts) {
    let mut world = World::start().await;
    let sam = Account::at("Sam", "Okoro", None);
    world.account(&sam).await;
    world.command(&["staff", "appoint", "--as", "support", "--name", "Sam Okoro", &sam.email]).await;
    let facts = json!({ "agent": format!("{} {}, {}", sam.given, sam.family, sam.email) });
    walk("support", &world.base, scripts, &facts).await;
}

#[tokio::test]
async fn support_keeps_a_user_list_with_scripts() {
    a_day_of_support(Scripts::On).await;
}

#[tokio::test]
async fn support_keeps_a_user_list_without_scripts() {
    a_day_of_support(Scripts::Off).await;
}
