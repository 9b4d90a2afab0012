//! What must be so after anything that went wrong, counted.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use vouchsafe_events::Uuid;

use super::work::Staff;
use crate::cluster::{Cluster, EVERYTHING};
use crate::listener::{Heard, in_order, listen};
use crate::world::GREENHILL;

/// How long what is done in the background may take to catch up on a busy machine.
const CATCHES_UP: Duration = Duration::from_mins(2);

/// The history so far, and what was seen of it elsewhere.
#[derive(Default)]
pub(crate) struct Reckoning {
    history: Vec<String>,
    heard: Vec<Heard>,
    rows: Vec<String>,
    /// How often things were asked and done before what is looked at now.
    before: (usize, usize, usize, usize),
    /// How many mails and messages came twice so far.
    doubled: (usize, usize),
}

/// One event of the history.
struct Line {
    id: String,
    stream: String,
    version: u64,
    kind: String,
    data: Value,
}

impl Line {
    fn read(line: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line["event"][name].as_str().unwrap().to_owned();
        Self {
            id: text("id"),
            stream: text("stream"),
            version: line["event"]["version"].as_u64().unwrap(),
            kind: text("type"),
            data: line["event"]["data"].clone(),
        }
    }

    fn person(&self) -> &str {
        self.data["person"].as_str().unwrap()
    }
}

/// The mails that went out by the history, each by its Message-ID, which follows from the event that it tells of, whom
/// it tells, and of what; with that event. Fails if one is there twice, unless mail goes through queues: then two
/// instances may have sent it, and each says so.
fn mailed(lines: &[Line], through_queues: bool) -> BTreeMap<String, &str> {
    const MESSAGES: Uuid = Uuid::from_u128(0x2c9f_0f3b_7c0e_4d5d_8a36_94d1_6be2_70af);
    let mut mailed = BTreeMap::new();
    for line in lines.iter().filter(|line| line.kind == "mail-sent") {
        let event = line.data["event"].as_str().unwrap();
        let id = |text: &str| text.parse::<Uuid>().unwrap().into_bytes();
        let to = line.data["to"].as_str().unwrap();
        let name = [&id(event)[..], &id(to), line.data["mail"].to_string().as_bytes()].concat();
        let known = mailed.insert(Uuid::new_v5(&MESSAGES, &name).to_string(), event);
        assert!(known.is_none() || through_queues, "that a mail went out is there twice: {}", line.data);
    }
    mailed
}

/// Whether mails and messages may come twice: after a crash, and where an answer may have been lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    No,
    /// As many as may be under way at once.
    Some,
}

impl Twice {
    fn check(self, what: &str, mails: usize, messages: usize) {
        let (most_mails, most_messages) = match self {
            Self::No => (0, 0),
            Self::Some => (32, 512),
        };
        assert!(mails <= most_mails, "{what}: {mails} mails came twice");
        assert!(messages <= most_messages, "{what}: {messages} messages came twice");
    }
}

impl Reckoning {
    /// Reckons up after something that went wrong. Fails where anything was lost, or was done twice, or was not done
    /// although the service said so.
    pub(crate) async fn after(
        &mut self,
        what: &str,
        twice: Twice,
        cluster: &Cluster,
        staff: &Staff,
        recovered: Duration,
    ) {
        let begun = Instant::now();
        let lines = self.nothing_is_gone(cluster).await;
        let with_access = who_has_access(&lines);
        each_is_once(&lines);
        let (added, ended) = said_is_so(&lines, staff);
        for sheet in sheets(cluster, staff, with_access.len()).await {
            let ledger = staff.ledger();
            let missing = ledger.added.difference(&ledger.to_end).find(|email| !sheet.contains(*email));
            assert_eq!(missing, None, "{what}: somebody who was given access is not on a list");
            let left = ledger.ended.iter().find(|email| sheet.contains(*email));
            assert_eq!(left, None, "{what}: somebody whose access was ended is on a list");
        }
        signed_out_stays_so(cluster, staff).await;
        let (mails, mails_twice) = self.all_is_mailed(what, cluster, staff).await;
        let (messages, messages_twice) = self.all_is_published(what, cluster).await;
        let doubled = std::mem::replace(&mut self.doubled, (mails_twice, messages_twice));
        twice.check(what, mails_twice - doubled.0, messages_twice - doubled.1);
        let ledger = staff.ledger();
        let now = (ledger.asked, ledger.done, ledger.refused, ledger.unanswered);
        let was = std::mem::replace(&mut self.before, now);
        self.rows.push(format!(
            "| {what} | {} | {} | {} | {} | {added} | {ended} | {mails} ({mails_twice}) | {messages} ({messages_twice}) | {:.1} s | {:.1} s |",
            now.0 - was.0,
            now.1 - was.1,
            now.2 - was.2,
            now.3 - was.3,
            recovered.as_secs_f64(),
            begun.elapsed().as_secs_f64(),
        ));
    }

    /// What was counted, as a table.
    pub(crate) fn table(&self) -> String {
        let head = "| what went wrong | asked | done | refused | unanswered | given access (told) | ended (told) \
                    | mails (twice) | messages (twice) | all instances ready again after | all reckoned after |";
        format!("{head}\n{}\n{}", "|---".repeat(11) + "|", self.rows.join("\n"))
    }

    /// How many hours lie between the first and the last time that an event says it was decided.
    pub(crate) fn hours(&self) -> i64 {
        let at = |line: &String| -> jiff::Timestamp {
            serde_json::from_str::<Value>(line).unwrap()["event"]["at"].as_str().unwrap().parse().unwrap()
        };
        let times = || self.history.iter().map(at);
        times().max().unwrap().duration_since(times().min().unwrap()).as_hours()
    }

    /// The history, which begins with what it was.
    async fn nothing_is_gone(&mut self, cluster: &Cluster) -> Vec<Line> {
        let said = cluster.command(0, &["replay"]).await;
        let history: Vec<String> =
            said.lines().filter(|line| line.starts_with("{\"position\"")).map(str::to_owned).collect();
        for (was, is) in self.history.iter().zip(&history) {
            assert_eq!(was, is, "the history has changed");
        }
        assert!(history.len() >= self.history.len(), "the history has lost its end");
        assert!(!history.is_empty(), "there is no history: {said}");
        self.history = history;
        self.history.iter().map(|line| Line::read(line)).collect()
    }

    /// Each grant and each end of access is mailed, at least once. How many mails there are, and how many of them came
    /// twice.
    async fn all_is_mailed(&mut self, what: &str, cluster: &Cluster, staff: &Staff) -> (usize, usize) {
        let begun = Instant::now();
        loop {
            let lines = self.nothing_is_gone(cluster).await;
            each_is_once(&lines);
            let mailed = mailed(&lines, cluster.mails_through_queues());
            let mut told: HashSet<&str> = mailed.values().copied().collect();
            let with_access = who_has_access(&lines);
            for line in lines.iter().filter(|line| line.kind == "mail-given-up") {
                // That somebody was given access need not be said once it has ended, which is said.
                let grant = lines.iter().find(|grant| line.data["event"] == *grant.id).unwrap();
                assert_eq!(
                    (&line.data["reason"], &*grant.kind),
                    (&"outdated".into(), "access-granted"),
                    "{what}"
                );
                assert!(
                    !with_access.contains(grant.person()),
                    "{what}: mail to somebody with access was given up"
                );
                told.insert(&grant.id);
            }
            let to_tell =
                lines.iter().filter(|line| matches!(line.kind.as_str(), "access-granted" | "access-revoked"));
            let waiting = to_tell.filter(|line| !told.contains(line.id.as_str())).count();
            let there = cluster.world.smtp.messages(0).await;
            let to: BTreeSet<_> = there.iter().flat_map(|mail| &mail.envelope.to).collect();
            let missing = staff.ledger().added.iter().filter(|email| !to.contains(email)).count();
            if waiting == 0 && missing == 0 {
                let ids = there.iter().map(|mail| mail.id.as_ref().unwrap());
                let came: HashSet<&str> =
                    ids.map(|id| id.trim_start_matches('<').split('@').next().unwrap()).collect();
                let lost: Vec<_> = mailed.keys().filter(|id| !came.contains(id.as_str())).collect();
                assert!(lost.is_empty(), "{what}: mails went out and did not come: {lost:?}");
                return (came.len(), there.len() - came.len());
            }
            assert!(
                begun.elapsed() < CATCHES_UP,
                "{what}: {waiting} events are not mailed, and {missing} people heard nothing"
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Each event is published, at least once, and each stream's in order. How many there are, and how many of them
    /// came twice.
    async fn all_is_published(&mut self, what: &str, cluster: &Cluster) -> (usize, usize) {
        let Some(broker) = &cluster.broker else { return (0, 0) };
        let place = broker.place.clone();
        let begun = Instant::now();
        loop {
            let lines = self.nothing_is_gone(cluster).await;
            let heard: HashSet<_> = self.heard.iter().map(|message| &message.id).collect();
            // What reserves an email or an account is nobody else's business.
            let public = lines.iter().filter(|line| !line.kind.ends_with("-reserved"));
            let missing: HashSet<String> =
                public.map(|line| line.id.clone()).filter(|id| !heard.contains(id)).collect();
            if missing.is_empty() {
                let different = in_order(&self.heard);
                for message in
                    self.heard.iter().filter(|message| message.key.starts_with("person-introduced."))
                {
                    assert!(
                        message.data()["email"].is_string(),
                        "{what}: a message lacks what it waited for"
                    );
                }
                return (different, self.heard.len() - different);
            }
            assert!(begun.elapsed() < CATCHES_UP, "{what}: {} events are not published", missing.len());
            let mut wanted = missing;
            let came = listen(&place, EVERYTHING, |heard| {
                if let Some(last) = heard.last() {
                    wanted.remove(&last.id);
                }
                wanted.is_empty()
            });
            self.heard.extend(came.await);
        }
    }
}

/// Each event is there once, and each stream is without a gap.
fn each_is_once(lines: &[Line]) {
    let mut ids = HashSet::new();
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        assert!(ids.insert(&line.id), "{} is there twice", line.id);
        let version = next.entry(&line.stream).or_default();
        assert_eq!(line.version, *version, "{} has a gap", line.stream);
        *version += 1;
    }
}

/// Who has access to the school, by the history.
fn who_has_access(lines: &[Line]) -> BTreeSet<&str> {
    let mut with_access = BTreeSet::new();
    for line in lines {
        match line.kind.as_str() {
            "access-granted" | "approver-established" => {
                let new = with_access.insert(line.person());
                assert!(new, "{} was given access twice", line.person());
            }
            "access-revoked" => {
                let had = with_access.remove(line.person());
                assert!(had, "access of {} was ended twice", line.person());
            }
            _ => {}
        }
    }
    with_access
}

/// What people were told was done is in the history. How often it was done, and how often they were told.
fn said_is_so(lines: &[Line], staff: &Staff) -> (String, String) {
    let count = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
    let ledger = staff.ledger();
    let (granted, revoked) = (count("access-granted"), count("access-revoked"));
    assert!(granted >= ledger.added.len(), "{} were told, {granted} given access", ledger.added.len());
    assert!(revoked >= ledger.ended.len(), "{} were told, {revoked} ended", ledger.ended.len());
    let (ins, outs) = (count("signed-in"), count("signed-out"));
    assert!(ins >= ledger.sign_ins, "{} were let in, {ins} signed in", ledger.sign_ins);
    assert!(outs >= ledger.signed_out.len(), "{} signed out, {outs} did", ledger.signed_out.len());
    (format!("{granted} ({})", ledger.added.len()), format!("{revoked} ({})", ledger.ended.len()))
}

/// The list of users as each instance gives it, once each has as many as there are, and all are equal.
async fn sheets(cluster: &Cluster, staff: &Staff, expected: usize) -> Vec<BTreeSet<String>> {
    let begun = Instant::now();
    let mut ann = staff.approver();
    loop {
        let mut sheets = Vec::new();
        for base in cluster.bases() {
            let mut there = ann.at(&base);
            if there.tries("/school/users.csv", None).await == Some(200) {
                let emails = there.page().html.lines().skip(1).filter_map(|line| line.split(',').nth(1));
                sheets.push(emails.map(str::to_owned).collect::<BTreeSet<_>>());
            } else {
                // Their session may have ended for good reasons.
                let came = ann.tries_to_sign_in().await;
                staff.ledger().sign_ins += usize::from(came);
            }
        }
        let equal = sheets.iter().all(|sheet| sheet.len() == expected);
        if equal && sheets.len() == cluster.bases().len() {
            assert!(sheets.windows(2).all(|two| two[0] == two[1]), "instances have different lists");
            return sheets;
        }
        let sizes: Vec<_> = sheets.iter().map(BTreeSet::len).collect();
        assert!(
            begun.elapsed() < CATCHES_UP,
            "{expected} have access to {}, lists have {sizes:?}",
            GREENHILL.name
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A browser that was signed out stays so, whichever instance it asks.
async fn signed_out_stays_so(cluster: &Cluster, staff: &Staff) {
    let browsers: Vec<_> = staff.ledger().signed_out.iter().rev().take(20).cloned().collect();
    for base in cluster.bases() {
        for browser in &browsers {
            let mut browser = browser.at(&base);
            let status = browser.tries("/access", None).await;
            assert_eq!(status, Some(303), "an instance knows a session that has ended");
        }
    }
}
