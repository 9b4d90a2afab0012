//! The threads that talk to the server: whoever uses a key waits for it without being a task of the runtime's.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout_at;
use tokio_postgres::Client;

use super::settings::PostgresSettings;
use super::{Asked, Trouble};
use crate::privacy::KeyStoreError;

/// How long an answer is waited for in all, connecting anew included. A server that says nothing is left then.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before connecting anew.
const PAUSE: Duration = Duration::from_millis(100);

/// How many threads, and connections, there are. Work is short; the second is for when the first waits for a disk.
const THREADS: usize = 2;

/// Something to do with a connection; it answers whoever waits by itself.
type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Threads with a connection each.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
}

impl Worker {
    /// Starts the threads. Each connects when it is first needed.
    pub(super) fn start(settings: &PostgresSettings) -> Result<Self, KeyStoreError> {
        let failed = |error| KeyStoreError::Unavailable(Box::new(error));
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..THREADS {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
            let mut connection = Connection { runtime, settings: settings.clone(), client: None };
            let queue = Arc::clone(&queue);
            let run = move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { return };
                    job(&mut connection);
                }
            };
            thread::Builder::new().name("key-ring".to_owned()).spawn(run).map_err(failed)?;
        }
        Ok(Self { jobs })
    }

    /// Does something with a connection, again with a new one if it breaks: so it must be such as can be done twice.
    /// Blocks until it is done, or has taken too long.
    pub(super) fn ask<A: Asked>(&self, asked: A) -> Result<A::Answer, KeyStoreError> {
        let (answer, answered) = mpsc::sync_channel(1);
        // Counted from here, so that what waits behind something slow is not done when nobody waits for it any more.
        let deadline = Instant::now() + PATIENCE;
        let job: Job = Box::new(move |connection| {
            // Whoever stopped waiting asks again.
            let _ = answer.send(connection.ask(&asked, deadline));
        });
        let gone = || KeyStoreError::Unavailable("its thread has ended".into());
        self.jobs.send(job).map_err(|_| gone())?;
        match answered.recv_timeout(PATIENCE + PAUSE) {
            Ok(answer) => answer.map_err(|error| KeyStoreError::Unavailable(Box::new(error))),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(KeyStoreError::Unavailable(Box::new(Trouble::Silent)))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

/// A connection, if there is one at present.
struct Connection {
    runtime: Runtime,
    settings: PostgresSettings,
    client: Option<Client>,
}

impl Connection {
    fn ask<A: Asked>(&mut self, asked: &A, deadline: Instant) -> Result<A::Answer, Trouble> {
        loop {
            let client = self.client.take().filter(|client| !client.is_closed());
            let (settings, until) = (&self.settings, deadline.into());
            let once = async {
                let mut client = match client {
                    Some(client) => client,
                    None => settings.connect().await?,
                };
                let answer = asked.ask(&mut client).await?;
                Ok::<_, tokio_postgres::Error>((answer, client))
            };
            // After a failure a fresh connection is the surer one, so only a success keeps it.
            match self.runtime.block_on(async { timeout_at(until, once).await }) {
                Ok(Ok((answer, client))) => {
                    self.client = Some(client);
                    return Ok(answer);
                }
                // What the server refuses it refuses again; a lost connection, or a server that starts, is another thing.
                Ok(Err(error)) if is_lost(&error) && Instant::now() + PAUSE < deadline => {
                    thread::sleep(PAUSE);
                }
                Ok(Err(error)) => return Err(Trouble::Server(error)),
                Err(_) => return Err(Trouble::Silent),
            }
        }
    }
}

/// Whether an error says that the connection, not what was asked of it, failed.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    // Class 57 is the operator's intervention (shutdown, starting up), 08 a connection exception, 53 too many of them;
    // 25006 comes from a server that has become a standby.
    let lost = |code: &str| code == "25006" || ["57", "08", "53"].iter().any(|class| code.starts_with(class));
    error.code().is_none_or(|code| lost(code.code()))
}
