//! Who had access when, who let them in, and on whose authority: the pages over a school's small history.

use super::*;
use crate::audit::samples::{organisation, person};

const OAK: OrganisationId = organisation(7);
const ASH: OrganisationId = organisation(8);
const AMIR: PersonId = person(21);
const BETH: PersonId = person(22);
const CARL: PersonId = person(23);

/// The time of day is ten in the morning, in London, in March.
fn days(number: i64) -> Timestamp {
    start().plus_days(number)
}

fn introduced(id: PersonId, name: &str, number: u8) -> Event<Plain> {
    Event::PersonIntroduced(PersonIntroduced {
        email: Plain::about(id, format!("{number}@oak.example")),
        hash: KeyedHash::from_bytes([number; 32]),
        name: Some(Plain::about(id, name)),
        how: Introduction::DfeSignIn,
    })
}

fn school(name: &str) -> Event<Plain> {
    Event::OrganisationRegistered(OrganisationRegistered {
        name: name.into(),
        kinds: vec![OrganisationKind::School],
        urn: None,
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
    })
}

/// Day 1: DfE Sign-in names Amir. Day 2: Amir lets Beth in and makes her an approver. Day 3: Beth lets Carl in.
/// Day 5: Amir ends Beth's access. Day 7: a sign-in. Day 9: Oak closes, and Carl goes on at Ash.
async fn world() -> World {
    let world = World::lively().await;
    for (id, name, number) in [(AMIR, HOSTILE, 201), (BETH, "Beth Oduya", 202), (CARL, "Carl Ngata", 203)] {
        world.happens(Stream::Person(id), Actor::System, introduced(id, name, number)).await;
    }
    let (oak, ash) = (Stream::Organisation(OAK), Stream::Organisation(ASH));
    let (amir, beth) = (Actor::Person(AMIR), Actor::Person(BETH));
    let approver = |person, basis| Event::ApproverEstablished(ApproverEstablished { person, basis });
    let granted = |person| Event::AccessGranted(AccessGranted { person, request: None, ends: None });
    let request = RequestId::from_uuid(Uuid::from_u128(0x77));
    let carried = AccessCarriedOver { person: CARL, from: OAK, ends: None };
    let reactor = Actor::Reactor(Reactor::Successions);
    for (day, stream, actor, event) in [
        (1, oak, Actor::System, school("Oak School")),
        (1, oak, Actor::System, approver(AMIR, ApproverBasis::DfeSignIn)),
        (2, oak, amir, granted(BETH)),
        (2, oak, amir, approver(BETH, ApproverBasis::Colleague)),
        (3, oak, beth, granted(CARL)),
        (
            4,
            oak,
            Actor::Person(DEREK),
            Event::AccessRequested(AccessRequested { request, person: DEREK, message: None }),
        ),
        (
            5,
            oak,
            amir,
            Event::AccessRevoked(AccessRevoked {
                person: BETH,
                reason: Plain::about(BETH, "Left"),
                review: None,
            }),
        ),
        (
            5,
            oak,
            amir,
            Event::ApproverStoodDown(ApproverStoodDown {
                person: BETH,
                reason: StandDownReason::AccessRevoked,
            }),
        ),
        (
            9,
            oak,
            Actor::Operator,
            Event::OrganisationSucceeded(OrganisationSucceeded { successors: vec![ASH] }),
        ),
        (9, oak, Actor::Operator, Event::OrganisationClosed(OrganisationClosed {})),
        (9, ash, Actor::Operator, school("Ash School")),
        (9, ash, reactor, Event::AccessCarriedOver(carried)),
    ] {
        world.clock.set(days(day));
        world.happens(stream, actor, event).await;
    }
    world.clock.set(days(8));
    let session = SessionHash::from_bytes([77; 32]);
    let signed_in = SignedIn {
        session,
        expires: days(10),
        method: Method::DfeSignIn,
        organisation: Some(OAK),
        organisations: vec![OAK],
        network: Plain::about(CARL, "192.0.2.44"),
        device: Plain::about(CARL, "Carl’s browser"),
    };
    world.happens(Stream::Person(CARL), Actor::Person(CARL), Event::SignedIn(signed_in)).await;
    world.clock.set(days(20));
    world
}

/// As [`Browser::open`], on the twentieth day.
async fn auditor() -> (World, Browser) {
    let world = world().await;
    world.clock.set(start());
    let browser = Browser::open(&world, Some(JUDITH)).await;
    // Her session began long ago for her browser, which is the only one that is open.
    (world, browser)
}

/// The names in a table with this caption or label, in order.
fn names(html: &str, label: &str) -> Vec<String> {
    let Some((_, rest)) = html.split_once(&format!("aria-label=\"{label}\"")) else { return Vec::new() };
    let table = rest.split("</table>").next().unwrap();
    let cells = between(table, "<th scope=\"row\"", "</th>");
    cells.iter().map(|cell| cell.split('<').map(|part| part.rsplit('>').next().unwrap()).collect()).collect()
}

#[tokio::test]
async fn these_pages_are_for_auditors_alone() {
    let world = world().await;
    world.clock.set(start());
    for (who, status) in [(None, StatusCode::SEE_OTHER), (Some(FOLA), StatusCode::FORBIDDEN)] {
        let browser = Browser::open(&world, who).await;
        for path in paths() {
            let page = browser.get(&path).await;
            assert_eq!(page.status, status, "{path}");
            assert!(!page.html.contains("Carl") && !page.html.contains("Oak School"), "{path}");
        }
    }
}

fn paths() -> Vec<String> {
    let oak = links::audit_organisation(&OAK);
    vec![
        oak.clone(),
        links::audit_compare(&OAK),
        links::audit_picture(&OAK),
        links::audit_lineage(&OAK, &CARL),
        format!("{}/resting.csv", links::audit_lineage(&OAK, &CARL)),
        links::audit_person(&CARL),
    ]
}

#[tokio::test]
async fn a_school_is_shown_as_it_stood() {
    let (world, browser) = auditor().await;
    world.clock.set(days(0).plus_seconds(60));
    let path = links::audit_organisation(&OAK);
    // The page is asked for on the first day: what comes later has not come.
    let page = browser.get(&format!("{path}?at=12/3/2026")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("must be in the past") && page.html.contains("<title>Error: "));

    let browser = on_day_twenty(&world).await;
    for (at, who, count) in [
        ("9/3/2026", &[][..], "not yet known"),
        ("10/3/2026", &[HOSTILE_SHOWN][..], "1 person had access, of whom 1 was an approver"),
        ("11/3/2026&at-time=9:59am", &[HOSTILE_SHOWN], "1 person had access"),
        (
            "11/3/2026&at-time=10am",
            &[HOSTILE_SHOWN, "Beth Oduya"],
            "2 people had access, of whom 2 were approvers",
        ),
        (
            "13/3/2026",
            &[HOSTILE_SHOWN, "Beth Oduya", "Carl Ngata"],
            "3 people had access, of whom 2 were approvers",
        ),
        ("14/3/2026", &[HOSTILE_SHOWN, "Carl Ngata"], "2 people had access, of whom 1 was an approver"),
        ("18/3/2026", &[], "It was closed then"),
    ] {
        let page = browser.get(&format!("{path}?at={at}")).await;
        assert_eq!(page.status, StatusCode::OK, "{at}");
        let mut found = names(&page.html, "People with access");
        found.sort();
        let mut expected: Vec<String> = who.iter().map(|name| (*name).to_owned()).collect();
        expected.sort();
        assert_eq!(found, expected, "{at}");
        assert!(page.html.contains(count), "{at}: {}", page.html);
    }
    let page = browser.get(&format!("{path}?at=13/3/2026")).await;
    assert_eq!(names(&page.html, "Open requests"), [HOSTILE_SHOWN]);
    for words in
        ["Beth Oduya granted access", "DfE Sign-in named them as an approver", "made them an approver"]
    {
        assert!(page.html.contains(words), "{words}");
    }
}

/// How a page shows the hostile name.
const HOSTILE_SHOWN: &str = "&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62; &#38; &#39;Co&#39;";

/// A browser that is signed in on the twentieth day.
async fn on_day_twenty(world: &World) -> Browser {
    world.clock.set(days(20));
    let token = SessionToken::from_text(&"A".repeat(43)).unwrap();
    let event = Event::SignedIn(SignedIn {
        session: token.hash(),
        expires: days(21),
        method: Method::DfeSignIn,
        organisation: None,
        organisations: Vec::new(),
        network: Plain::about(JUDITH, "192.0.2.1"),
        device: Plain::about(JUDITH, "A browser"),
    });
    let position = world.happens(Stream::Person(JUDITH), Actor::Person(JUDITH), event).await;
    let site = site(world, world.timeline().await);
    let kept = SessionCookie { token: token.to_text(), seen: world.app.now(), position };
    let cookie = cookies::keep(&site, cookies::SESSION, &kept, None).unwrap();
    let cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    Browser { router: router(&site), cookie, token: form::token(&token, None) }
}

#[tokio::test]
async fn one_steps_from_change_to_change() {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let mut page = browser.get(&format!("{}?at=10/3/2026", links::audit_organisation(&OAK))).await;
    let mut seen = Vec::new();
    while page.html.contains("Next change") {
        page = browser
            .get(&page.link("<svg class=\"govuk-pagination__icon govuk-pagination__icon--next\""))
            .await;
        assert_eq!(page.status, StatusCode::OK);
        seen.push(names(&page.html, "People with access").len());
    }
    assert_eq!(seen, [2, 3, 3, 2, 0]);
    page =
        browser.get(&page.link("<svg class=\"govuk-pagination__icon govuk-pagination__icon--prev\"")).await;
    assert_eq!(names(&page.html, "People with access").len(), 2);
}

#[tokio::test]
async fn two_instants_are_compared() {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let path = links::audit_compare(&OAK);
    let empty = browser.get(&path).await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(!empty.html.contains("Who came"));
    let page = browser.get(&format!("{path}?from=10/3/2026&to=14/3/2026")).await;
    assert_eq!(names(&page.html, "Who came"), ["Carl Ngata"]);
    assert_eq!(names(&page.html, "Who had access only in between"), ["Beth Oduya", "Beth Oduya"]);
    assert!(page.html.contains("Nobody left.") && page.html.contains("1 person had the same access at both"));
    let page = browser.get(&format!("{path}?from=13/3/2026&to=14/3/2026")).await;
    assert_eq!(names(&page.html, "Who left"), ["Beth Oduya"]);
    assert!(page.html.contains(&format!("{HOSTILE_SHOWN} ended access")), "{}", page.html);
    let page = browser.get(&format!("{path}?from=14/3/2026&to=19/3/2026")).await;
    assert_eq!(names(&page.html, "Who left").len(), 2);
    assert!(page.html.contains("It closed in between"));
    for (query, fault) in [
        ("from=14/3/2026&to=13/3/2026", "The second date and time must be after the first"),
        ("from=31/2/2026&to=13/3/2026", "Enter a date, like 27/3/2026"),
        ("from=14/3/2026&to=13/3/2027", "The date and time must be in the past"),
        ("to=13/3/2026", "Enter a date, like 27/3/2026"),
        ("from=14/3/2026&from-time=25:61&to=15/3/2026", "Enter a time, like 2:30pm or 14:30"),
    ] {
        let page = browser.get(&format!("{path}?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(page.html.contains(fault) && !page.html.contains("Who came"), "{query}");
    }
}

#[tokio::test]
async fn a_chain_of_authority_is_a_tree_and_what_rests_on_somebody_a_list() {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let page = browser.get(&links::audit_lineage(&ASH, &CARL)).await;
    assert_eq!(page.status, StatusCode::OK);
    let tree = page.html.split("<ul class=\"app-tree\">").nth(1).unwrap();
    for words in [
        "Carried over from Oak School, which closed",
        "Beth Oduya granted access",
        "made them an approver",
        "DfE Sign-in named them",
    ] {
        assert!(tree.contains(words), "{words}: {tree}");
    }
    assert_eq!(page.html.matches("<ul").count(), page.html.matches("</ul>").count());
    assert_eq!(
        (page.html.matches("<li>").count() + page.html.matches("<li ").count()),
        page.html.matches("</li>").count()
    );

    let page = browser.get(&format!("{}?at=13/3/2026", links::audit_lineage(&OAK, &AMIR))).await;
    let mut resting = names(&page.html, "Places that rest on them");
    resting.sort();
    assert_eq!(resting, ["Beth Oduya", "Beth Oduya", "Carl Ngata"]);
    let page = browser.get(&links::audit_lineage(&OAK, &AMIR)).await;
    assert_eq!(names(&page.html, "Places that rest on them"), ["Carl Ngata"]);
    assert!(page.html.contains("User at Ash School"));
    let csv = browser.get(&page.link("Download as CSV")).await;
    assert_eq!(csv.html.lines().count(), 2);
    assert!(csv.html.contains(&format!("Carl Ngata,203@oak.example,{CARL},Ash School,{ASH},User,")));
    let page = browser.get(&links::audit_lineage(&OAK, &JUDITH)).await;
    assert!(
        page.html.contains("They have no access here") && page.html.contains("Nobody’s access here rests")
    );
}

#[tokio::test]
async fn access_through_time_is_drawn_and_told() {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let page = browser.get(&links::audit_picture(&OAK)).await;
    assert_eq!(page.status, StatusCode::OK);
    let svg = between(&page.html, "<svg class=\"app-picture\"", "</svg>")[0];
    assert_eq!(svg.matches("#003078").count(), 2, "two who decided");
    assert_eq!(svg.matches("#1d70b8").count(), 2, "two users");
    assert_eq!(
        svg.matches("<circle").count(),
        3,
        "what Amir and Beth decided, one mark where they lie on each other"
    );
    assert!(svg.contains("role=\"img\"") && svg.contains("3 people have had access"));
    assert_eq!(names(&page.html, "Access through time"), [HOSTILE_SHOWN, "Beth Oduya", "Carl Ngata"]);
    for words in ["It was closed from 18 March 2026 at 10am until now", "1, the last on 17 March 2026"] {
        assert!(page.html.contains(words), "{words}");
    }
    let nobody = browser.get(&links::audit_picture(&ELSEWHERE)).await;
    assert!(nobody.html.contains("Nobody has had access yet"));
}

#[tokio::test]
async fn a_person_has_a_page_with_their_sessions_at_an_instant() {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let path = links::audit_person(&CARL);
    let page = browser.get(&format!("{path}?at=17/3/2026")).await;
    assert_eq!(names(&page.html, "Sessions"), ["17 March 2026 at 10am"]);
    for words in ["Oak School", "Ash School", "192.0.2.44", "Carl’s browser", "DfE Sign-in"] {
        assert!(page.html.contains(words), "{words}");
    }
    for (at, words) in
        [("16/3/2026", "They were not signed in then"), ("20/3/2026", "They were not signed in then")]
    {
        assert!(browser.get(&format!("{path}?at={at}")).await.html.contains(words), "{at}");
    }
}

#[tokio::test]
async fn the_history_is_narrowed_by_who_did_it() {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let page = browser.post(&[("doer", "oduya"), ("type", "access-granted")]).await;
    assert_eq!(page.location, format!("/audit?by=person%3A{BETH}&type=access-granted"));
    let page = browser.get(&page.location).await;
    assert_eq!(page.sentences(), ["Beth Oduya gave Carl Ngata access to Oak School"]);
    assert!(page.html.contains("Done by: <strong>Beth Oduya</strong>"));
    assert_eq!(
        page.link("Remove<span class=\"govuk-visually-hidden\"> who did it"),
        "/audit?type=access-granted"
    );
    let page = browser.post(&[("by", "reactor:successions"), ("type", "access-carried-over")]).await;
    let page = browser.get(&page.location).await;
    assert!(page.sentences().iter().any(|sentence| sentence.contains("Ash School")));
    let both = browser.get(&format!("/audit?by=person:{BETH}&person={CARL}")).await;
    assert_eq!(both.sentences().len(), 1);
    assert_eq!(browser.post(&[("doer", "zebedee")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for query in ["by=nobody", "by=person:x", &format!("by=person:{}", person(99))] {
        assert_eq!(browser.get(&format!("/audit?{query}")).await.status, StatusCode::NOT_FOUND, "{query}");
    }
}

#[tokio::test]
async fn ids_that_are_not_known_are_not_found() {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let (nowhere, nobody) = (organisation(99), person(99));
    for path in [
        links::audit_organisation(&nowhere),
        links::audit_compare(&nowhere),
        links::audit_picture(&nowhere),
        links::audit_person(&nobody),
        links::audit_lineage(&nowhere, &CARL),
        links::audit_lineage(&OAK, &nobody),
        "/audit/organisations/x".to_owned(),
        "/audit/organisations/x/people/y".to_owned(),
        "/audit/people/x".to_owned(),
    ] {
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Every page in several states, for the test that they are well made.
pub(super) async fn samples() -> Vec<String> {
    let world = world().await;
    let browser = on_day_twenty(&world).await;
    let mut pages = Vec::new();
    let oak = links::audit_organisation(&OAK);
    let mut all: Vec<String> = paths().into_iter().filter(|path| !path.ends_with("csv")).collect();
    all.extend(["9/3/2026", "13/3/2026", "31/2/2026", "<b>&at-time=<b>"].map(|at| format!("{oak}?at={at}")));
    all.extend([
        format!("{}?from=10/3/2026&to=14/3/2026", links::audit_compare(&OAK)),
        format!("{}?from=<b>&to-time=<b>", links::audit_compare(&OAK)),
        format!("{}?at=13/3/2026", links::audit_lineage(&OAK, &AMIR)),
        links::audit_lineage(&OAK, &AMIR),
        format!("{}?at=soon", links::audit_lineage(&OAK, &AMIR)),
        format!("{}?at=17/3/2026", links::audit_person(&CARL)),
        format!("{}?at=x", links::audit_person(&CARL)),
        links::audit_picture(&ELSEWHERE),
        format!("/audit?school={OAK}&by=person:{AMIR}"),
    ]);
    for path in all {
        let page = browser.get(&path.replace('<', "%3C").replace('>', "%3E")).await;
        assert!(page.status == StatusCode::OK || page.status == StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        pages.push(page.html);
    }
    pages
}
