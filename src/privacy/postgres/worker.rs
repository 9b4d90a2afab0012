//! The thread that talks to the server: the client blocks, and may not be used on the runtime's own threads.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

use super::settings::PostgresSettings;
use crate::privacy::KeyStoreError;

/// How long an answer is waited for in all, connecting anew included.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before connecting anew.
const PAUSE: Duration = Duration::from_millis(100);

/// How many threads, and connections, there are. Work is short; the second is for when the first waits for a disk.
const THREADS: usize = 2;

/// Something to do with a connection. It is told when there is none, and answers whoever waits by itself.
type Job = Box<dyn FnOnce(&mut Connection<'_>) + Send>;

/// Threads with a connection each.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
}

impl Worker {
    /// Starts the threads. Each connects when it is first needed.
    pub(super) fn start(settings: &PostgresSettings) -> Result<Self, KeyStoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = std::sync::Arc::new(std::sync::Mutex::new(queue));
        for _ in 0..THREADS {
            let (queue, settings) = (std::sync::Arc::clone(&queue), settings.clone());
            let run = move || {
                let mut connection = Connection { settings: &settings, client: None };
                loop {
                    let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
                    let Ok(job) = next else { return };
                    job(&mut connection);
                }
            };
            thread::Builder::new()
                .name("key-ring".to_owned())
                .spawn(run)
                .map_err(|error| KeyStoreError::Unavailable(Box::new(error)))?;
        }
        Ok(Self { jobs })
    }

    /// Does something with a connection, again with a new one if it breaks: so it must be such as can be done twice.
    /// Blocks until it is done.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Client) -> Result<T, postgres::Error> + Send + 'static,
    ) -> Result<T, KeyStoreError> {
        let (answer, answered) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |connection| {
            // Whoever stopped waiting asks again.
            let _ = answer.send(connection.ask(&work));
        });
        let gone = || KeyStoreError::Unavailable("its thread has ended".into());
        self.jobs.send(job).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?.map_err(|error| KeyStoreError::Unavailable(Box::new(error)))
    }
}

/// A connection, if there is one at present.
struct Connection<'a> {
    settings: &'a PostgresSettings,
    client: Option<Client>,
}

impl Connection<'_> {
    fn ask<T>(
        &mut self,
        work: &impl Fn(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, postgres::Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.try_once(work) {
                // What the server refuses it refuses again; a lost connection, or a server that starts, is another thing.
                Err(error) if is_lost(&error) && Instant::now() < deadline => {
                    self.client = None;
                    thread::sleep(PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    fn try_once<T>(
        &mut self,
        work: &impl Fn(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, postgres::Error> {
        let mut client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.settings.connect()?,
        };
        let outcome = work(&mut client);
        // After a failure a fresh connection is the surer one.
        if outcome.is_ok() {
            self.client = Some(client);
        }
        outcome
    }
}

/// Whether an error says that the connection, not what was asked of it, failed.
fn is_lost(error: &postgres::Error) -> bool {
    // Class 57 is the operator's intervention (shutdown, starting up), 08 a connection exception, 53 too many of them.
    error.code().is_none_or(|code| ["57", "08", "53"].iter().any(|class| code.code().starts_with(class)))
}
