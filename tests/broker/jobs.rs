//! Mail jobs while something goes wrong: reports that are lost or late, a mail server that refuses, a stop, and a
//! RabbitMQ that takes nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vouchsafe::audit::Timeline;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::metrics::serve::{Sources, begin};
use vouchsafe_events::{Event, MailSent, Reactor};

use crate::listener::{DEAD, LETTERS, connect, messages};
use crate::mail::{CODES, Office};
use crate::node::Own;
use crate::until;

/// Serves what the process counts, and says where.
async fn serve_counts(office: &Office) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let sources = Sources {
        app: Arc::clone(&office.world.app),
        timeline: Arc::new(Timeline::open(&office.world.folder().join("timeline.db")).unwrap()),
        mail: Arc::clone(&office.mail),
    };
    let task = tokio::spawn(begin(SystemClock.now()).unwrap().serve(listener, sources, stopped));
    (address, stop, task)
}

/// What was counted of one thing.
async fn counted(address: SocketAddr, what: &str) -> u64 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    all.lines().find_map(|line| line.strip_prefix(what)).unwrap().trim().parse().unwrap()
}

/// How many messages wait in a queue that may not be there yet.
async fn waiting(connection: &Connection, queue: &str) -> Option<u32> {
    let channel = connection.create_channel().await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let found = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
    found.ok().map(|queue| queue.message_count())
}

/// Makes the queue for the dead, or says that it is there and otherwise.
async fn declare_dead(connection: &Connection, limit: Option<i32>) -> bool {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    if let Some(limit) = limit {
        arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(limit));
    }
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let channel = connection.create_channel().await.unwrap();
    channel.queue_declare(DEAD.into(), durable, arguments).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_jobs_that_go_wrong_leave_no_mail_out_and_send_none_twice() {
    let Some(mut own) = Own::start() else { return };
    let mut office = Office::open(&own.place).await;
    let connection = connect(&own.place).await;
    let channel = connection.create_channel().await.unwrap();
    // As an earlier version made it: it is used as it is.
    assert!(declare_dead(&connection, None).await);
    a_report_that_does_not_come_is_not_waited_for(&mut office, &connection, &channel).await;
    mails_that_a_worker_gave_up_on_are_counted(&mut office).await;
    what_was_sent_is_recorded_before_a_worker_stops(&mut office).await;
    while_rabbitmq_takes_nothing(&own, &mut office, &channel).await;
    the_dead_do_not_lie_there_for_ever(&office, &connection, &channel).await;
    what_rabbitmq_did_not_take_is_over_with_it(&mut own, &mut office).await;
    office.world.close().await;
}

/// Somebody sent the mail and recorded it, and said nothing.
async fn a_report_that_does_not_come_is_not_waited_for(
    office: &mut Office,
    connection: &Connection,
    channel: &Channel,
) {
    let address = office.list(1).await.remove(0);
    let postman = office.postman();
    until("it is handed out", async || waiting(connection, LETTERS).await == Some(1)).await;
    let job = channel.basic_get(LETTERS.into(), BasicGetOptions::default()).await.unwrap().unwrap().delivery;
    job.ack(BasicAckOptions::default()).await.unwrap();
    let Value::Object(mut body) = serde_json::from_slice(&job.data).unwrap() else { panic!("no object") };
    body.remove("position");
    let sent: MailSent = serde_json::from_value(Value::Object(body)).unwrap();
    office.world.app.record(Reactor::Mail, vec![Event::MailSent(sent)]).await.unwrap();
    // The next mail to the same person waits for it.
    office.code(1, 1).await;
    let begun = Instant::now();
    until("the next is handed out", async || messages(channel, CODES).await == 1).await;
    eprintln!(
        "the next mail to a person was handed out {:?} after the one whose report was lost",
        begun.elapsed()
    );
    let worker = office.worker();
    office.each_has(&[address], 1).await;
    worker.stop().await;
    postman.stop().await;
}

async fn mails_that_a_worker_gave_up_on_are_counted(office: &mut Office) {
    const GIVEN_UP: &str = "vouchsafe_mail_attempts_total{class=\"other\",outcome=\"given_up\"}";
    let (counts, stop, task) = serve_counts(office).await;
    let before = counted(counts, GIVEN_UP).await;
    let (postman, worker) = (office.postman(), office.worker());
    office.smtp.answers(Some(550));
    let addresses = office.list(3).await;
    until("they are given up on", async || office.pending() == 0).await;
    office.smtp.answers(None);
    // Whoever handed them out has heard of the last.
    let next = office.list(1).await;
    office.each_has(&next, 1).await;
    assert!(addresses.iter().all(|address| !office.smtp.taken().contains_key(address)));
    worker.stop().await;
    postman.stop().await;
    assert_eq!(counted(counts, GIVEN_UP).await - before, 3, "each is counted, once");
    stop.send_replace(true);
    task.await.unwrap();
}

async fn what_was_sent_is_recorded_before_a_worker_stops(office: &mut Office) {
    let (postman, worker) = (office.postman(), office.worker());
    office.smtp.takes(Duration::from_secs(4));
    let addresses = office.list(2).await;
    until("they are with the mail server", async || office.smtp.busy() == 2).await;
    worker.stop().await;
    assert_eq!(office.smtp.busy(), 0, "they were finished");
    office.each_has(&addresses, 1).await;
    office.smtp.takes(Duration::ZERO);
    let worker = office.worker();
    let next = office.list(1).await;
    office.each_has(&next, 1).await;
    office.each_has(&addresses, 1).await;
    worker.stop().await;
    postman.stop().await;
}

async fn while_rabbitmq_takes_nothing(own: &Own, office: &mut Office, channel: &Channel) {
    let postman = office.postman();
    let sent = office.list(2).await;
    until("they are handed out", async || messages(channel, LETTERS).await == 2).await;
    own.control(&["set_vm_memory_high_watermark", "0.00001"]);

    // Jobs still come. What became of them cannot be reported, and a stop does not wait until it can.
    let worker = office.worker();
    office.each_has(&sent, 1).await;
    assert!(!office.mail.is_away());
    // Nor does that count against the jobs: they are not returned again and again.
    let failures = office.health.failures();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(office.health.failures(), failures);
    let told = Instant::now();
    worker.stop().await;
    eprintln!("a worker stopped in {:?} while RabbitMQ took nothing", told.elapsed());
    assert!(told.elapsed() < Duration::from_secs(7), "{:?}", told.elapsed());

    // New ones are not taken: for a moment nobody is told, then pages are.
    let begun = Instant::now();
    let late = office.list(2).await;
    until("pages are told", async || office.mail.is_away()).await;
    eprintln!("RabbitMQ took nothing, and mail counted as away after {:?}", begun.elapsed());
    assert!(begun.elapsed() > Duration::from_secs(20), "at once: {:?}", begun.elapsed());
    assert_eq!(office.pending(), 2);
    // This one is turned away, and again, each time for longer.
    let held_up = office.list(1).await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    own.control(&["set_vm_memory_high_watermark", "0.4"]);
    until("pages promise mail again", async || !office.mail.is_away()).await;
    let (worker, begun) = (office.worker(), Instant::now());
    office.each_has(&held_up, 1).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "it waited on: {:?}", begun.elapsed());
    office.each_has(&late, 1).await;
    office.each_has(&sent, 1).await;
    worker.stop().await;
    postman.stop().await;
}

async fn the_dead_do_not_lie_there_for_ever(office: &Office, connection: &Connection, channel: &Channel) {
    channel.queue_delete(DEAD.into(), QueueDeleteOptions::default()).await.unwrap();
    let worker = office.worker();
    until("it is made anew", async || waiting(connection, DEAD).await.is_some()).await;
    assert!(!declare_dead(connection, None).await);
    assert!(declare_dead(connection, Some(14 * 24 * 3600 * 1000)).await);
    worker.stop().await;
}

/// RabbitMQ is restarted while it takes nothing. Nobody need be mailed for pages to promise mail again.
async fn what_rabbitmq_did_not_take_is_over_with_it(own: &mut Own, office: &mut Office) {
    let postman = office.postman();
    own.control(&["set_vm_memory_high_watermark", "0.00001"]);
    let late = office.list(1).await;
    until("pages are told", async || office.mail.is_away()).await;
    own.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(office.mail.is_away());
    own.restart();
    until("pages promise mail again", async || !office.mail.is_away()).await;
    let worker = office.worker();
    office.each_has(&late, 1).await;
    worker.stop().await;
    postman.stop().await;
}
