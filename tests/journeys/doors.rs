//! Every page, by everybody who may not see it.

use reqwest::StatusCode;

use crate::world::{Account, GREENHILL, World};

/// Pages for everybody.
const OPEN: [&str; 6] = ["/", "/cookies", "/accessibility", "/privacy", "/health/live", "/health/ready"];
/// Pages for those who have signed in.
const SIGNED_IN: [&str; 3] = ["/access", "/access/ask", "/account"];
/// Pages for approvers.
const APPROVERS: [&str; 6] = [
    "/school/requests",
    "/school/users",
    "/school/users.csv",
    "/school/users/add",
    "/school/approvers/stand-down",
    "/school/review",
];
/// Pages for auditors.
const AUDITORS: [&str; 8] = [
    "/audit",
    "/audit/events/1",
    "/audit/organisations/0192f5a4-7c1e-7000-8000-000000000001",
    "/audit/organisations/0192f5a4-7c1e-7000-8000-000000000001/compare",
    "/audit/organisations/0192f5a4-7c1e-7000-8000-000000000001/picture",
    "/audit/organisations/0192f5a4-7c1e-7000-8000-000000000001/people/0192f5a4-7c1e-7000-8000-000000000002",
    "/audit/organisations/0192f5a4-7c1e-7000-8000-000000000001/people/0192f5a4-7c1e-7000-8000-000000000002/resting.csv",
    "/audit/people/0192f5a4-7c1e-7000-8000-000000000002",
];

#[tokio::test]
async fn each_page_opens_to_those_it_is_for_and_to_nobody_else() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    let mut cai = world.colleague("Cai", GREENHILL).await;
    let mut nobody = world.person(&Account::at("No", "Body", None)).await;
    for path in OPEN {
        assert_eq!(nobody.visits(path).await.status, StatusCode::OK, "{path}");
    }
    for path in SIGNED_IN.iter().chain(&APPROVERS).chain(&AUDITORS) {
        nobody.visits(path).await;
        assert!(nobody.page().url.path().starts_with("/interaction/"), "{path} lets anybody in");
    }
    for path in SIGNED_IN {
        assert_eq!(cai.visits(path).await.status, StatusCode::OK, "{path}");
    }
    for path in APPROVERS.iter().chain(&AUDITORS) {
        assert_eq!(cai.visits(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in APPROVERS {
        assert_eq!(ann.visits(path).await.status, StatusCode::OK, "{path}");
    }
    for path in AUDITORS {
        assert_eq!(ann.visits(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_gets_a_page_in_plain_words() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    for path in [
        "/nothing",
        "/school/requests/x",
        "/school/users/1",
        "/school/requests/0192f5a4-7c1e-7000-8000-000000000001",
        "/audit/events/x",
        "/audit/organisations/x",
        "/audit/organisations/x/people/y",
    ] {
        let page = ann.visits(path).await;
        assert!(page.status.is_client_error(), "{path}: {}", page.status);
        assert!(page.html.contains("<h1"), "{path}: {}", page.html);
    }
    let long = "x".repeat(200_000);
    ann.forges("/access/ask", &[("message", &long)]).await;
    assert_eq!(ann.page().status, StatusCode::PAYLOAD_TOO_LARGE);
    ann.sees("too much");
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_it_safe() {
    let mut world = World::start().await;
    let mut ann = world.approver("Ann", GREENHILL).await;
    for path in ["/", "/access", "/school/users", "/school/users.csv", "/nothing"] {
        let page = ann.visits(path).await.clone();
        let header = |name: &str| {
            page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(header("strict-transport-security").contains("includeSubDomains"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(
            !page.html.contains("<script>") && !page.html.contains("style=\""),
            "{path} has inline script or style"
        );
    }
}
