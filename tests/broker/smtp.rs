//! A mail server of a few lines, which does as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server has, and how it is to answer.
#[derive(Default)]
struct State {
    /// How many mails each address was sent.
    taken: BTreeMap<String, usize>,
    /// The answer to every recipient, if it is not 250.
    answer: Option<u16>,
    /// How long a mail takes.
    slow: Duration,
    /// How many mails it has before it and has not taken yet.
    busy: usize,
}

/// A mail server.
#[derive(Clone)]
pub(crate) struct Smtp {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Smtp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let state = Arc::clone(&server.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&state)));
            }
        });
        server
    }

    /// How many mails each address was sent.
    pub(crate) fn taken(&self) -> BTreeMap<String, usize> {
        self.state.lock().unwrap().taken.clone()
    }

    /// How many mails it has before it and has not taken yet.
    pub(crate) fn busy(&self) -> usize {
        self.state.lock().unwrap().busy
    }

    /// Sets the answer to recipients.
    pub(crate) fn answers(&self, code: Option<u16>) {
        self.state.lock().unwrap().answer = code;
    }

    /// Sets how long a mail takes.
    pub(crate) fn takes(&self, slow: Duration) {
        self.state.lock().unwrap().slow = slow;
    }
}

async fn talk(stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await.ok()?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await.ok()? {
        let (answer, slow) = {
            let state = state.lock().unwrap();
            (state.answer, state.slow)
        };
        let reply = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "RCPT" => {
                line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                answer.map_or_else(|| "250 ok\r\n".to_owned(), |code| format!("{code} as told\r\n"))
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                while lines.next_line().await.ok()?? != "." {}
                state.lock().unwrap().busy += 1;
                tokio::time::sleep(slow).await;
                let mut state = state.lock().unwrap();
                state.busy -= 1;
                *state.taken.entry(to.clone()).or_default() += 1;
                "250 taken\r\n".to_owned()
            }
            "QUIT" => return write.write_all(b"221 bye\r\n").await.ok(),
            _ => "250 ok\r\n".to_owned(),
        };
        write.write_all(reply.as_bytes()).await.ok()?;
    }
    Some(())
}
