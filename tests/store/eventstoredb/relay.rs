//! The way to a server, whose connections can be made to fall silent, as behind a firewall that forgot them: nothing
//! comes through any more, and nobody says that they are gone. New ones work.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A relay, for as long as it is kept.
pub(super) struct Relay {
    address: SocketAddr,
    /// Changes when the connections that there are fall silent.
    hushed: watch::Sender<()>,
    task: AbortHandle,
}

impl Relay {
    pub(super) async fn to(server: SocketAddr) -> Self {
        Self::slow_to(server, Duration::ZERO).await
    }

    /// One through which it takes so long to connect, as with many round trips to somewhere far away.
    pub(super) async fn slow_to(server: SocketAddr, long: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (hushed, _) = watch::channel(());
        let hear = hushed.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut silent = hear.subscribe();
                tokio::spawn(async move {
                    tokio::time::sleep(long).await;
                    let Ok(mut to) = TcpStream::connect(server).await else { return };
                    tokio::select! {
                        biased;
                        // Both ends stay open.
                        _ = silent.changed() => std::future::pending().await,
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                    }
                });
            }
        });
        Self { address, hushed, task: task.abort_handle() }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connections that there are fall silent.
    pub(super) fn hush(&self) {
        self.hushed.send_replace(());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}
