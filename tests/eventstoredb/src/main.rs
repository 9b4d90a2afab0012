//! The stand-in as a program: it runs until it is killed, and loses nothing that it answered for.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use vouchsafe_eventstoredb_stand_in::{Setup, StandIn, User};

/// A stand-in for an EventStoreDB server, for tests.
#[derive(Debug, Parser)]
#[command(name = "vouchsafe-eventstoredb-stand-in")]
struct Arguments {
    /// Where to listen, as 127.0.0.1:2113.
    #[arg(long)]
    listen: SocketAddr,
    /// The folder that holds the log.
    #[arg(long)]
    folder: PathBuf,
    /// A file with the certificate chain, in PEM.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// A file with the certificate's key, in PEM.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Who may sign in, as name:password; a plus sign before the name makes an administrator.
    #[arg(long, value_parser = user)]
    user: Vec<User>,
}

fn user(text: &str) -> Result<User, String> {
    let (name, password) = text.split_once(':').ok_or("a user is written as name:password")?;
    let (admin, name) = name.strip_prefix('+').map_or((false, name), |name| (true, name));
    Ok(User { name: name.to_owned(), password: password.to_owned(), admin })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { listen, folder, tls_cert, tls_key, user } = Arguments::parse();
    let tls = match tls_cert.zip(tls_key) {
        Some((certificate, key)) => {
            Some((std::fs::read_to_string(certificate)?, std::fs::read_to_string(key)?))
        }
        None => None,
    };
    let setup = Setup { listen, folder: Some(folder), tls, users: user, ..Setup::default() };
    let stand_in = StandIn::start(setup)?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", stand_in.address())?;
    out.flush()?;
    loop {
        std::thread::park();
    }
}
