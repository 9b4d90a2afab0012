//! `vouchsafe audit`: what an auditor is told who has the machine.

use serde_json::Value;

use crate::Service;

/// A lead provider with two people, of whom one was taken off its list again; and the times of all events.
struct Story {
    service: Service,
    organisation: String,
    times: Vec<(String, String)>,
}

impl Story {
    fn new() -> Self {
        let service = Service::new();
        let added = service.run(&["organisations", "add", "--kind", "lead-provider", "Northern Training"]);
        let organisation = added.data.trim().to_owned();
        for email in ["ann@northern.example", "bea@northern.example"] {
            let said = service.run(&["users", "add", "--organisation", &organisation, email]);
            assert!(said.success, "{}", said.talk);
        }
        let removed =
            ["users", "remove", "--organisation", &organisation, "--reason", "Left", "ann@northern.example"];
        let said = service.run(&removed);
        assert!(said.success, "{}", said.talk);
        let replayed = service.run(&["replay"]);
        let time = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line.pointer(name).unwrap().as_str().unwrap().to_owned();
            (text("/event/type"), text("/event/at"))
        };
        let times = replayed.data.lines().map(time).collect();
        Self { service, organisation, times }
    }

    /// When an event of this type happened, the first or the next.
    fn when(&self, kind: &str, number: usize) -> &str {
        let found = self.times.iter().filter(|(name, _)| name == kind).nth(number);
        &found.unwrap().1
    }
}

fn emails(data: &str) -> Vec<&str> {
    data.lines().filter_map(|line| line.split('\t').find(|cell| cell.contains('@'))).collect()
}

#[test]
fn who_had_access_at_an_instant_is_told_and_who_let_them_in() {
    let story = Story::new();
    let at = |instant: &str, more: &[&str]| {
        let command = ["audit", "users", "--organisation", &story.organisation, "--as-at", instant];
        let said = story.service.run(&[&command[..], more].concat());
        assert!(said.success, "{}", said.talk);
        said
    };
    let mut both = emails(&at(story.when("user-added", 1), &[]).data).join(" ");
    both.push('.');
    assert_eq!(both.matches("northern.example").count(), 2, "{both}");
    let now = at(story.when("user-removed", 0), &[]);
    assert_eq!(emails(&now.data), ["bea@northern.example"]);
    assert!(
        now.data.contains("on the user list\t") && now.data.contains("An operator put them on the user list")
    );
    let first = at(story.when("user-added", 0), &["--json"]);
    let line: Value = serde_json::from_str(first.data.trim()).unwrap();
    assert_eq!(line["person"]["email"], "ann@northern.example");
    assert_eq!(line["since"], story.when("user-added", 0));
    let all = story.service.run(&["audit", "users", "--all", "--as-at", story.when("user-removed", 0)]);
    assert!(all.success && all.talk.contains("Folded ") && all.talk.contains(" seconds."), "{}", all.talk);
    assert_eq!(emails(&all.data), ["bea@northern.example"]);
    assert!(all.data.contains("Northern Training"));
}

#[test]
fn two_instants_are_compared() {
    let story = Story::new();
    let (from, to) = (story.when("user-added", 0), story.when("user-removed", 0));
    let said = story.service.run(&[
        "audit",
        "diff",
        "--organisation",
        &story.organisation,
        "--from",
        from,
        "--to",
        to,
    ]);
    assert!(said.success, "{}", said.talk);
    let lines: Vec<&str> = said.data.lines().collect();
    assert_eq!(lines.len(), 2, "{}", said.data);
    assert!(lines[0].starts_with("came\t") && lines[0].contains("bea@northern.example"), "{}", lines[0]);
    assert!(lines[1].starts_with("left\t") && lines[1].contains("An operator took them off"), "{}", lines[1]);
}

#[test]
fn the_history_is_told_in_sentences_and_narrowed() {
    let story = Story::new();
    let said = story.service.run(&["audit", "timeline", "--actor", "operator", "--type", "user-added"]);
    assert!(said.success, "{}", said.talk);
    assert_eq!(said.data.lines().count(), 2, "{}", said.data);
    assert!(said.data.contains("An operator put bea@northern.example on the user list of Northern Training"));
    let said = story.service.run(&["audit", "timeline", "--actor", "reactor:mail", "--json"]);
    assert!(said.success && said.data.is_empty(), "{}", said.data);
    let said = story.service.run(&["audit", "timeline", "--limit", "1", "--json"]);
    let line: Value = serde_json::from_str(said.data.trim()).unwrap();
    assert_eq!(line["type"], "user-removed");
}

#[test]
fn a_chain_of_authority_ends_where_it_began() {
    let story = Story::new();
    let said = story.service.run(&[
        "audit",
        "users",
        "--organisation",
        &story.organisation,
        "--json",
        "--as-at",
        story.when("user-removed", 0),
    ]);
    let line: Value = serde_json::from_str(said.data.trim()).unwrap();
    let bea = line["person"]["id"].as_str().unwrap();
    let command = ["audit", "lineage", "--organisation", &story.organisation, "--person", bea];
    let said = story.service.run(&command);
    assert!(said.success, "{}", said.talk);
    assert!(said.data.contains("An operator put them on the user list"), "{}", said.data);
    assert!(said.talk.contains("0 places rest on what they decided"), "{}", said.talk);
    let said = story.service.run(&[&command[..], &["--json"]].concat());
    let object: Value = serde_json::from_str(said.data.trim()).unwrap();
    assert_eq!(object["back"][0]["person"]["id"], bea);
}

#[test]
fn what_cannot_be_answered_is_refused_in_plain_words() {
    let story = Story::new();
    let nowhere = "0192f5a4-7c1e-7000-8000-000000000001";
    let id = story.organisation.as_str();
    for (arguments, words) in [
        (&["users", "--organisation", id, "--as-at", "2999-01-01"][..], "is in the future"),
        (&["users", "--organisation", id, "--as-at", "2026-02-31"], "say it as 2026-03-14"),
        (&["users", "--organisation", nowhere, "--as-at", "2020-01-01"], "no organisation has the id"),
        (
            &["diff", "--organisation", id, "--from", "2020-01-02", "--to", "2020-01-01"],
            "--to is before --from",
        ),
        (&["timeline", "--type", "nothing"], "nothing is no type of event"),
        (&["timeline", "--actor", "somebody"], "an actor is person:"),
        (&["lineage", "--organisation", id, "--person", nowhere], "nobody has the id"),
    ] {
        let said = story.service.run(&[&["audit"], arguments].concat());
        assert!(!said.success && said.talk.contains(words), "{arguments:?}: {}", said.talk);
    }
}
