//! The connection: made anew when it breaks, and requests repeated until they are answered or time is up.
//!
//! The client repeats nothing itself, and what it does after a failure is not enough:
//!
//! * After a failed attempt to connect its inner task ends, and every later request fails at once.
//! * After any other failure it keeps the node that failed, however dead; it moves only when told who leads.
//! * When dropped, its inner task lives on for ever, as that task holds the other end of its own queue.
//!
//! So each client gets a small runtime of its own, and when it breaks both are replaced: the runtime's end is
//! the task's end, and a new client asks anew which node leads.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventstore::{Client, ClientSettings, Credentials};
use rustls::crypto::CryptoProvider;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::options::EventStoreDbOptions;
use super::trouble::{Failure, Trouble};
use crate::store::StoreError;

/// The first and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How long a look for news may wait for each part of its answer.
const LOOK: Duration = Duration::from_millis(1500);

/// A client, and the threads that drive it.
struct Driven {
    client: Client,
    /// Taken when it is to end: a runtime must not be dropped where it would be waited for.
    runtime: Option<Runtime>,
}

impl Drop for Driven {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Which client is in use.
struct Current {
    /// Grows with each client, so that one failure that many see replaces it once.
    generation: u64,
    driven: Option<Driven>,
    /// Whether something was answered through this client: then it is connected.
    connected: bool,
    /// How long a try may take with a client that is not connected yet.
    connecting: Duration,
    closed: bool,
}

/// Whether the client can set up TLS, which it does once for the whole process, with or without TLS on the way to
/// the server. It insists on being the first to choose who does the cryptography, and panics where it is not.
fn claim_tls() -> bool {
    static CLAIMED: Mutex<bool> = Mutex::new(false);
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    *claimed = *claimed || CryptoProvider::get_default().is_none();
    *claimed
}

/// The connection to a server or a cluster.
pub(super) struct Connection {
    settings: ClientSettings,
    credentials: Option<Credentials>,
    deadline: Duration,
    patience: Duration,
    /// How long one try may take as a whole once the client is connected; none where each part of an answer is waited
    /// for by itself.
    one_try: Option<Duration>,
    current: Mutex<Current>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("hosts", self.settings.hosts()).finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(options: &EventStoreDbOptions) -> Result<Self, StoreError> {
        Ok(Self {
            settings: options.settings().map_err(Trouble::from)?,
            credentials: options.credentials(),
            deadline: options.deadline,
            patience: options.patience,
            one_try: None,
            current: Mutex::new(Current {
                generation: 0,
                driven: None,
                connected: false,
                connecting: Duration::ZERO,
                closed: false,
            }),
        })
    }

    /// A connection for cells alone, with a deadline of their own. It is not shared with what reads and appends: a
    /// long answer there does not hold a lease up, and giving up on one that is slow breaks nothing there off.
    ///
    /// To connect takes several round trips, and on a cluster more. Where that takes longer than one try the next client
    /// gets twice the time, up to the whole patience, and so will later ones; where it does not, a node that says nothing
    /// costs one try.
    pub(super) fn for_cells(options: &EventStoreDbOptions) -> Result<Self, StoreError> {
        let connection = Self::new(options)?;
        // So long the client waits before it connects at all.
        let one_try = options.cell_deadline + connection.settings.discovery_interval();
        connection.current().connecting = one_try;
        Ok(Self {
            deadline: options.cell_deadline,
            patience: options.cell_patience,
            one_try: Some(one_try),
            ..connection
        })
    }

    /// A connection for who looks for news: one that has fallen silent is left sooner, as nobody hears of anything
    /// meanwhile.
    pub(super) fn for_looks(options: &EventStoreDbOptions) -> Result<Self, StoreError> {
        Ok(Self { deadline: options.deadline.min(LOOK), ..Self::new(options)? })
    }

    /// How long one request may take.
    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// How long a request is repeated.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Who asks.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        self.credentials.clone()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client in use, made if there is none.
    fn client(&self) -> Result<(u64, Client), StoreError> {
        let mut current = self.current();
        if current.closed {
            return Err(Trouble::Closed.into());
        }
        if let Some(driven) = &current.driven {
            return Ok((current.generation, driven.client.clone()));
        }
        let failed = |error: &dyn std::fmt::Display| Trouble::Client(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("event-log")
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        if !claim_tls() {
            runtime.shutdown_background();
            return Err(failed(&"something else in this process has chosen how TLS is done before it").into());
        }
        let client = Client::with_runtime_handle(runtime.handle().clone(), self.settings.clone());
        let mut driven = match client {
            Ok(client) => Driven { client, runtime: None },
            Err(error) => {
                runtime.shutdown_background();
                return Err(failed(&error).into());
            }
        };
        driven.runtime = Some(runtime);
        current.generation += 1;
        current.connected = false;
        let client = driven.client.clone();
        current.driven = Some(driven);
        Ok((current.generation, client))
    }

    /// How long a try may take as a whole, if there is a limit.
    fn time_for_a_try(&self) -> Option<Duration> {
        let current = self.current();
        self.one_try.map(|one_try| if current.connected { one_try } else { current.connecting })
    }

    /// Takes note of how a try ended that took so long, and lets go of a client that broke, unless somebody did already.
    fn learn<T>(&self, generation: u64, done: &Result<T, Failure>, took: Duration) {
        let mut current = self.current();
        if current.generation != generation {
            return;
        }
        match done {
            Err(Failure::Broken(_) | Failure::Silent) => {
                if self.one_try.is_some() && !current.connected && matches!(done, Err(Failure::Silent)) {
                    current.connecting = (2 * current.connecting).min(self.patience);
                }
                current.driven = None;
            }
            _ if current.connected => {}
            _ => {
                current.connected = true;
                if let Some(one_try) = self.one_try {
                    current.connecting = (2 * took).min(self.patience).max(one_try);
                }
            }
        }
    }

    /// Lets go for good: what is asked afterwards fails.
    pub(super) fn close(&self) {
        let mut current = self.current();
        current.closed = true;
        current.driven = None;
    }

    /// Waits for an answer, but not for ever: the server keeps to the deadline itself where it can, so it is given
    /// a little longer than that. Where a try is bounded as a whole, it is that which is not waited for longer.
    pub(super) async fn answer<T>(
        &self,
        answer: impl Future<Output = eventstore::Result<T>>,
    ) -> Result<T, Failure> {
        if self.one_try.is_some() {
            return answer.await.map_err(Failure::from);
        }
        match timeout(self.deadline + self.deadline / 4, answer).await {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_) => Err(Failure::Silent),
        }
    }

    /// Does something once; where a try is bounded as a whole, it is over by `end`.
    async fn once<T, Doing>(
        &self,
        end: Instant,
        act: &(impl Fn(Client) -> Doing + Sync),
    ) -> Result<Result<T, Failure>, StoreError>
    where
        Doing: Future<Output = Result<T, Failure>> + Send,
    {
        let (generation, client) = self.client()?;
        let begun = Instant::now();
        let done = match self.time_for_a_try() {
            Some(time) => {
                timeout_at(end.min(begun + time), act(client)).await.unwrap_or(Err(Failure::Silent))
            }
            None => act(client).await,
        };
        self.learn(generation, &done, begun.elapsed());
        Ok(done)
    }

    /// Does something, and again while it may help: until it is done, refused, or patience is at an end.
    ///
    /// What is repeated must be the same request each time, so that having it done twice is having it done.
    pub(super) async fn persist<T, Doing>(
        &self,
        act: impl Fn(Client) -> Doing + Sync,
    ) -> Result<Result<T, Failure>, StoreError>
    where
        Doing: Future<Output = Result<T, Failure>> + Send,
    {
        self.persist_for(self.patience, act).await
    }

    /// Does something, and again while it may help, but not for longer than `patience`.
    pub(super) async fn persist_for<T, Doing>(
        &self,
        patience: Duration,
        act: impl Fn(Client) -> Doing + Sync,
    ) -> Result<Result<T, Failure>, StoreError>
    where
        Doing: Future<Output = Result<T, Failure>> + Send,
    {
        let begun = Instant::now();
        // The last try begins while there is patience, and is an ordinary one.
        let end = begun + patience + self.one_try.unwrap_or_default();
        let (mut pause, longest) = PAUSES;
        loop {
            let done = self.once(end, &act).await?;
            match done {
                Err(Failure::Later(_) | Failure::Broken(_) | Failure::Silent)
                    if begun.elapsed() + pause < patience =>
                {
                    if let Err(failure) = &done {
                        tracing::debug!(?failure, "the event log is asked again");
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                done => return Ok(done),
            }
        }
    }
}
