//! A way to a server that can be made slow, silent or cut, as a network can.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the way does to what goes over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It carries everything.
    Open,
    /// It carries everything, each piece so much later.
    Slow(Duration),
    /// It carries nothing, and nobody is told: what was sent comes when it opens again.
    Silent,
    /// It carries what is asked, and keeps back every answer.
    Unanswered,
    /// Connections are reset, those that are tried too, and what was kept back is lost.
    Cut,
}

/// Which end a piece comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Asked,
    Answered,
}

impl Way {
    fn carries(self, piece: Piece) -> bool {
        match self {
            Self::Open | Self::Slow(_) => true,
            Self::Unanswered => piece == Piece::Asked,
            Self::Silent | Self::Cut => false,
        }
    }
}

/// See the module. It listens until it is dropped.
pub(crate) struct Wire {
    port: u16,
    way: watch::Sender<Way>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A way to a server, by its host and port.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (way, ways) = watch::channel(Way::Open);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, server.clone(), ways.clone()));
            }
        });
        Self { port, way, task }
    }

    /// The port on 127.0.0.1 that leads to the server.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn becomes(&self, way: Way) {
        let _ = self.way.send_replace(way);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connection(client: TcpStream, server: String, mut ways: watch::Receiver<Way>) {
    // Dropped from now on, it is reset.
    let _ = client.set_zero_linger();
    let _ = client.set_nodelay(true);
    // Nobody hears of a connection that is tried over a silent way before it opens.
    if *ways.borrow() == Way::Silent && ways.wait_for(|way| *way != Way::Silent).await.is_err() {
        return;
    }
    if *ways.borrow() == Way::Cut {
        return;
    }
    let Ok(upstream) = TcpStream::connect(server).await else { return };
    let _ = upstream.set_nodelay(true);
    let ((asks, answers), (answered, asked)) = (client.into_split(), upstream.into_split());
    let (to_server, to_client) = (ways.clone(), ways.clone());
    let both = async {
        tokio::join!(
            carry(asks, asked, to_server, Piece::Asked),
            carry(answered, answers, to_client, Piece::Answered)
        )
    };
    tokio::select! {
        _ = both => {}
        _ = ways.wait_for(|way| *way == Way::Cut) => {}
    }
}

/// Carries what comes from one end to the other until that end is closed.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut ways: watch::Receiver<Way>,
    piece: Piece,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut bytes).await.unwrap_or(0);
        let Ok(way) = ways.wait_for(|way| way.carries(piece)).await.map(|way| *way) else { return };
        if let Way::Slow(time) = way {
            tokio::time::sleep(time).await;
        }
        if count == 0 {
            // The other end may be gone already.
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
