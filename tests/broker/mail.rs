//! Mail that goes through RabbitMQ.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vouchsafe::reactors::broker::{BrokerHealth, BrokerSettings, JobCourier, Worker};
use vouchsafe::reactors::mail::{MailSettings, Mailer};
use vouchsafe::reactors::postman::{Deliverer, MailHealth, Postman, Wording};
use vouchsafe::secret::Secret;
use vouchsafe_events::{
    ChallengeId, Event, Nonce, OneTimePasswordIssued, OrganisationId, OrganisationKind,
    OrganisationRegistered, PersonId, Plain, Stream, UserAdded, Uuid, Version,
};

use crate::listener::{DEAD, LETTERS, connect, messages, put};
use crate::node::{Own, Place};
use crate::smtp::Smtp;
use crate::until;
use crate::world::World;

pub(crate) const CODES: &str = "vouchsafe.mail.codes";

/// A log with an organisation that has a user list, and a mail server.
pub(crate) struct Office {
    pub(crate) world: World,
    pub(crate) smtp: Smtp,
    pub(crate) place: Place,
    pub(crate) health: Arc<BrokerHealth>,
    pub(crate) mail: Arc<MailHealth>,
    pub(crate) organisation: OrganisationId,
    pub(crate) listed: u64,
}

/// Something that runs until it is stopped.
pub(crate) struct Running(watch::Sender<bool>, JoinHandle<()>);

impl Running {
    pub(crate) async fn stop(self) {
        self.0.send(true).unwrap();
        self.1.await.unwrap();
    }
}

impl Office {
    pub(crate) async fn open(place: &Place) -> Self {
        let (world, smtp) = (World::new().await, Smtp::start().await);
        let organisation = OrganisationId::from_uuid(Uuid::from_u128(0xface));
        let registered = Event::OrganisationRegistered(OrganisationRegistered {
            name: "Provider One".into(),
            kinds: vec![OrganisationKind::LeadProvider],
            urn: None,
            ukprn: None,
            dfe_sign_in: None,
            establishment_type: None,
            local_authority: None,
        });
        world.append(Stream::Organisation(organisation), None, vec![registered]).await;
        let (health, mail) = (Arc::default(), Arc::default());
        Self { world, smtp, place: place.clone(), health, mail, organisation, listed: 0 }
    }

    /// Puts people on the list, each of whom is mailed; returns their addresses.
    pub(crate) async fn list(&mut self, count: u64) -> Vec<String> {
        let mut addresses = Vec::new();
        for _ in 0..count {
            self.listed += 1;
            let person = PersonId::from_uuid(Uuid::from_u128(self.listed.into()));
            let introduced = self.world.introduced(person);
            self.world.append(Stream::Person(person), None, vec![introduced]).await;
            let added = Event::UserAdded(UserAdded { person, from: None, instead_of: None });
            let stream = Stream::Organisation(self.organisation);
            self.world.append(stream, Some(Version::new(self.listed - 1)), vec![added]).await;
            addresses.push(format!("p{}@quixwhistle.example", self.listed));
        }
        self.in_step().await;
        addresses
    }

    /// Waits until the lists, and so the outbox, know of everything.
    async fn in_step(&self) {
        let head = self.world.app.store().head().await.unwrap();
        self.world.app.reach(head).await.unwrap();
    }

    /// Has a code mailed to the person who was listed as the `number`th, whose stream has `events`.
    pub(crate) async fn code(&self, number: u64, events: u64) {
        let person = PersonId::from_uuid(Uuid::from_u128(number.into()));
        let issued = Event::OneTimePasswordIssued(OneTimePasswordIssued {
            challenge: ChallengeId::from_uuid(Uuid::from_u128(7)),
            nonce: Nonce::new(7),
            expires: "2090-01-01T00:00:00.000000Z".parse().unwrap(),
            network: Plain::about(person, "203.0.113.1"),
        });
        let last = Version::new(events - 1);
        self.world.append(Stream::Person(person), Some(last), vec![issued]).await;
        self.in_step().await;
    }

    fn settings(&self) -> (BrokerSettings, Secret) {
        let (url, user) = (self.place.url(), &self.place.user);
        let settings = toml::from_str(&format!("url = '{url}'\nusername = '{user}'\nmail_jobs = true"));
        (settings.unwrap(), Secret::from(self.place.password.clone()))
    }

    /// Runs what hands jobs out.
    pub(crate) fn postman(&self) -> Running {
        let (settings, password) = self.settings();
        let app = Arc::clone(&self.world.app);
        let jobs = JobCourier::new(
            Arc::clone(&app),
            &settings,
            password,
            Arc::clone(&self.health),
            Arc::clone(&self.mail),
        )
        .unwrap();
        let postman = Postman::by_jobs(app, Arc::new(jobs), Arc::clone(&self.mail));
        let (stop, stopped) = watch::channel(false);
        Running(stop, tokio::spawn(postman.run(stopped)))
    }

    /// Runs what takes them.
    pub(crate) fn worker(&self) -> Running {
        let mail: MailSettings = toml::from_str(&format!(
            "host = '127.0.0.1'\nport = {}\ntls = 'none'\ntimeout_seconds = 5\n\
             from_address = 'no-reply@vouchsafe.example'\nfrom_name = 'Vouchsafe'",
            self.smtp.port
        ))
        .unwrap();
        let wording = Wording {
            service_name: "Register".to_owned(),
            base_url: "https://access.example/".parse().unwrap(),
            contact_email: None,
        };
        let app = Arc::clone(&self.world.app);
        let mailer = Mailer::new(&mail, None).unwrap();
        let deliverer = Arc::new(Deliverer::new(Arc::clone(&app), mailer, mail, wording));
        let (settings, password) = self.settings();
        let (health, mail) = (Arc::clone(&self.health), Arc::clone(&self.mail));
        let worker = Worker::new(app, deliverer, &settings, password, health, mail).unwrap();
        let (stop, stopped) = watch::channel(false);
        Running(stop, tokio::spawn(worker.run(stopped)))
    }

    pub(crate) fn pending(&self) -> usize {
        self.world.app.lists(|lists| lists.outbox().pending().count())
    }

    /// Waits until everything was sent, and each address was sent as many mails as it is to have.
    pub(crate) async fn each_has(&self, addresses: &[String], count: usize) {
        until("everything is sent", async || self.pending() == 0).await;
        let taken = self.smtp.taken();
        for address in addresses {
            assert_eq!(taken.get(address), Some(&count), "{address} of {taken:?}");
        }
    }
}

/// Takes the first job of a queue and dies with it.
async fn take_and_die(place: &Place, queue: &str) {
    let connection = connect(place).await;
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
    let mut taker = channel
        .basic_consume(queue.into(), "dies".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .unwrap();
    taker.next().await.unwrap().unwrap();
    drop(connection.close(200, "as if it had died".into()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_out_through_queues() {
    let Some(mut own) = Own::start() else { return };
    let mut office = Office::open(&own.place).await;
    let connection: Connection = connect(&own.place).await;
    let channel = connection.create_channel().await.unwrap();

    // A job says which mail, and nothing about anybody.
    let mut addresses = office.list(6).await;
    let postman = office.postman();
    until("the queues are there and hold the jobs", async || {
        let looking = connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = looking.queue_declare(LETTERS.into(), passive, FieldTable::default()).await;
        found.is_ok_and(|queue| queue.message_count() == 6)
    })
    .await;
    let job = channel.basic_get(LETTERS.into(), BasicGetOptions::default()).await.unwrap().unwrap();
    let body: Value = serde_json::from_slice(&job.delivery.data).unwrap();
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["event", "mail", "position", "to"]);
    let raw = format!("{:?} {body}", job.delivery.properties);
    assert!(!raw.to_lowercase().contains("quixwhistle"), "{raw}");
    job.delivery.nack(BasicNackOptions { requeue: true, multiple: false }).await.unwrap();

    // Somebody takes one and dies with it. Two instances send everything, each mail once.
    take_and_die(&own.place, LETTERS).await;
    office.smtp.takes(Duration::from_millis(50));
    let workers = [office.worker(), office.worker()];
    office.each_has(&addresses, 1).await;
    addresses.extend(office.list(30).await);
    office.code(1, 1).await;
    office.each_has(&addresses[1..], 1).await;
    assert_eq!(office.smtp.taken()[&addresses[0]], 2, "the letter and the code");

    // What cannot be read is put aside, and holds nothing up.
    put(&channel, LETTERS, b"{\"event\": 1}").await;
    until("it is put aside", async || messages(&channel, DEAD).await == 1).await;
    assert_eq!(office.health.jobs_put_aside(), 1);
    // One whose mail is over, or never was, is acknowledged.
    let unknown = Uuid::from_u128(1);
    let idle = json!({ "event": unknown, "to": unknown, "mail": "request-granted", "position": 1 });
    put(&channel, LETTERS, idle.to_string().as_bytes()).await;
    until("it is gone", async || messages(&channel, LETTERS).await == 0).await;

    // A server that puts mail off is tried again; one that is away is told of, and comes back.
    office.smtp.answers(Some(451));
    let late = office.list(2).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((office.pending(), office.mail.is_away()), (2, false));
    office.smtp.answers(None);
    office.each_has(&late, 1).await;

    // RabbitMQ dies with jobs in it: no mail is lost, and pages that promise one are told.
    own.kill();
    let during = office.list(4).await;
    until("pages are told", async || office.mail.is_away()).await;
    own.restart();
    office.each_has(&during, 1).await;
    for worker in workers {
        worker.stop().await;
    }
    postman.stop().await;
    without_a_taker(&own, &mut office).await;
    office.world.close().await;
}

/// Nobody takes jobs: what becomes of those that nobody can handle, and of one that has no queue.
async fn without_a_taker(own: &Own, office: &mut Office) {
    let connection = connect(&own.place).await;
    let channel = connection.create_channel().await.unwrap();
    channel.queue_purge(DEAD.into(), QueuePurgeOptions::default()).await.unwrap();
    let unknown = Uuid::from_u128(1);
    let fatal = json!({ "event": unknown, "to": unknown, "mail": "request-granted", "position": 1 });
    put(&channel, LETTERS, fatal.to_string().as_bytes()).await;
    for _ in 0..6 {
        assert_eq!(messages(&channel, DEAD).await, 0);
        take_and_die(&own.place, LETTERS).await;
    }
    until("it counts as one that nobody can handle", async || messages(&channel, DEAD).await == 1).await;
    // Counted anew: those of before are gone.
    office.health = Arc::default();
    let postman = office.postman();
    until("that is known", async || office.health.jobs_dead() == 1).await;

    // A job must have a queue. Without one it comes back, and the mail waits.
    channel.queue_delete(CODES.into(), QueueDeleteOptions::default()).await.unwrap();
    office.code(2, 1).await;
    until("it came back", async || office.mail.is_away()).await;
    assert_eq!(office.pending(), 1);
    let before = office.smtp.taken()["p2@quixwhistle.example"];
    let worker = office.worker();
    office.each_has(&["p2@quixwhistle.example".to_owned()], before + 1).await;
    worker.stop().await;

    // Another instance hands a job out too: one mail, and both hear of it.
    let twice = office.list(1).await;
    until("it is handed out", async || messages(&channel, LETTERS).await == 1).await;
    let job = channel.basic_get(LETTERS.into(), BasicGetOptions::default()).await.unwrap().unwrap().delivery;
    channel
        .queue_declare("other".into(), QueueDeclareOptions::default(), FieldTable::default())
        .await
        .unwrap();
    let reports = BasicProperties::default().with_reply_to("other".into());
    let options = BasicPublishOptions::default();
    let confirm =
        channel.basic_publish("".into(), LETTERS.into(), options, &job.data, reports).await.unwrap();
    assert!(confirm.await.unwrap().is_ack());
    job.nack(BasicNackOptions { requeue: true, multiple: false }).await.unwrap();
    office.smtp.takes(Duration::from_secs(2));
    let worker = office.worker();
    office.each_has(&twice, 1).await;
    until("the other hears", async || messages(&channel, "other").await == 1).await;
    let report = channel.basic_get("other".into(), BasicGetOptions::default()).await.unwrap().unwrap();
    let report: Value = serde_json::from_slice(&report.delivery.data).unwrap();
    assert_eq!(report["what"]["over"]["sent"], json!(true), "{report}");
    worker.stop().await;

    // Nobody takes what is handed out, and a stop does not wait for that.
    office.list(3).await;
    until("they are handed out", async || messages(&channel, LETTERS).await == 3).await;
    tokio::time::timeout(Duration::from_secs(10), postman.stop()).await.unwrap();
}
