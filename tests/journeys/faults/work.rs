//! People at work while things go wrong, and what they were told.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reqwest::header;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::person::Person;
use crate::world::GREENHILL;

/// What people asked for, and what the service said of it.
#[derive(Default)]
pub(crate) struct Ledger {
    /// How much was asked: each grant, each end of access, each sign-in and sign-out.
    pub(crate) asked: usize,
    /// How much of it the service said it had done.
    pub(crate) done: usize,
    /// To how much it said that it could not.
    pub(crate) refused: usize,
    /// To how much nobody answered.
    pub(crate) unanswered: usize,
    /// Whom the service said it had given access.
    pub(crate) added: BTreeSet<String>,
    /// Whose access it was asked to end, and whose it said that it had ended.
    pub(crate) to_end: BTreeSet<String>,
    pub(crate) ended: BTreeSet<String>,
    /// How often it let somebody in.
    pub(crate) sign_ins: usize,
    /// Browsers as they were before a sign-out that the service said it had done.
    pub(crate) signed_out: Vec<Person>,
}

impl Ledger {
    /// Notes what came of something that was asked; whether it was done.
    fn notes(&mut self, status: Option<u16>, done: bool) -> bool {
        self.asked += 1;
        match status {
            _ if done => self.done += 1,
            Some(_) => self.refused += 1,
            None => self.unanswered += 1,
        }
        done
    }
}

/// The people, between two times at work.
pub(crate) struct Staff {
    /// Approvers of one school, so that what one does gets in the way of the others, and how many colleagues each tried
    /// to add so far.
    approvers: Vec<(Person, usize)>,
    /// Somebody who comes and goes.
    cai: Person,
    ledger: Arc<Mutex<Ledger>>,
}

/// People at work.
pub(crate) struct AtWork {
    stop: watch::Sender<bool>,
    approve: Vec<JoinHandle<(Person, usize)>>,
    comes: JoinHandle<Person>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Staff {
    pub(crate) async fn at(cluster: &mut Cluster) -> Self {
        let mut approvers = Vec::new();
        for name in ["Ann", "Bea", "Dan"] {
            approvers.push((cluster.world.approver(name, GREENHILL).await, 0));
        }
        let cai = cluster.world.colleague("Cai", GREENHILL).await;
        let ledger = Ledger { sign_ins: approvers.len() + 1, ..Ledger::default() };
        Self { approvers, cai, ledger: Arc::new(Mutex::new(ledger)) }
    }

    /// One of the approvers.
    pub(crate) fn approver(&self) -> Person {
        self.approvers[0].0.clone()
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub(crate) fn go_to_work(self) -> AtWork {
        let (stop, stopped) = watch::channel(false);
        let Self { approvers, cai, ledger } = self;
        let approve = approvers
            .into_iter()
            .map(|(person, number)| {
                tokio::spawn(approves(person, number, Arc::clone(&ledger), stopped.clone()))
            })
            .collect();
        let comes = tokio::spawn(comes_and_goes(cai, Arc::clone(&ledger), stopped));
        AtWork { stop, approve, comes, ledger }
    }
}

impl AtWork {
    /// How much the service said so far that it had done.
    pub(crate) fn done(&self) -> usize {
        self.ledger.lock().unwrap().done
    }

    /// Everybody finishes what they are at.
    pub(crate) async fn go_home(self) -> Staff {
        let _ = self.stop.send(true);
        let mut approvers = Vec::new();
        for approves in self.approve {
            approvers.push(approves.await.unwrap());
        }
        Staff { approvers, cai: self.comes.await.unwrap(), ledger: self.ledger }
    }
}

/// Whether the answer to a form is the way on to a page that says it was done.
fn leads_to(person: &Person, status: Option<u16>, path: &str) -> bool {
    let location = |page: &crate::person::Page| {
        page.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned)
    };
    status == Some(303) && location(person.page()).is_some_and(|to| to == path)
}

/// An approver who gives one colleague access after another, and ends it for every third of them.
async fn approves(
    mut ann: Person,
    mut number: usize,
    ledger: Arc<Mutex<Ledger>>,
    stop: watch::Receiver<bool>,
) -> (Person, usize) {
    let name = ann.account.given.to_lowercase();
    while !*stop.borrow() {
        let email = format!("{name}-{number}@school.example");
        match ann.tries("/school/users/add", None).await {
            Some(200) => {}
            // Their session may have ended for good reasons.
            Some(303) => {
                let came = ann.tries_to_sign_in().await;
                ledger.lock().unwrap().sign_ins += usize::from(came);
                continue;
            }
            _ => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        }
        // Tried once: whether it was done though no answer came is seen at the end.
        number += 1;
        let fields = [("name", "A Colleague"), ("email", email.as_str())];
        let status = ann.tries("/school/users/add", Some(&fields)).await;
        let done = leads_to(&ann, status, "/school/users");
        if ledger.lock().unwrap().notes(status, done) {
            ledger.lock().unwrap().added.insert(email.clone());
            if number.is_multiple_of(3) {
                ends(&mut ann, email, &ledger).await;
            }
        }
    }
    (ann, number)
}

/// Ends somebody's access, if the pages on the way open.
async fn ends(ann: &mut Person, email: String, ledger: &Mutex<Ledger>) {
    if ann.tries(&format!("/school/users?q={email}"), None).await != Some(200) {
        return;
    }
    let Some(user) = ann.page().links("/school/users/").find(|link| link.len() > "/school/users/".len() + 30)
    else {
        return;
    };
    let form = format!("{user}/end");
    if ann.tries(&form, None).await != Some(200) {
        return;
    }
    ledger.lock().unwrap().to_end.insert(email.clone());
    let status = ann.tries(&form, Some(&[("reason", "They have left us.")])).await;
    let done = leads_to(ann, status, "/school/users");
    if ledger.lock().unwrap().notes(status, done) {
        ledger.lock().unwrap().ended.insert(email);
    }
}

/// Somebody who signs in and out, over and over.
async fn comes_and_goes(mut cai: Person, ledger: Arc<Mutex<Ledger>>, stop: watch::Receiver<bool>) -> Person {
    while !*stop.borrow() {
        let came = cai.tries_to_sign_in().await;
        // Whether an answer came that said no is not told apart from none: there are many on the way.
        if ledger.lock().unwrap().notes(None, came) {
            ledger.lock().unwrap().sign_ins += 1;
            if cai.tries("/access", None).await == Some(200) {
                let before = cai.clone();
                let status = cai.tries("/sign-out", Some(&[])).await;
                let done = status == Some(303) && cai.cookie("__Host-session").is_none();
                if ledger.lock().unwrap().notes(status, done) {
                    ledger.lock().unwrap().signed_out.push(before);
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    cai
}
