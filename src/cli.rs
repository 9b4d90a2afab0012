//! The command line: one file a command. Data goes to standard output, talk to standard error.

mod asyncapi;
mod audit;
mod check;
mod demo;
mod health;
mod import;
mod log;
mod projections;
mod replay;
mod serve;
mod staff;
mod store;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, ConfigFaults};
use crate::errors::Chain;

/// Lets people at schools get themselves, and each other, into a government service, and keeps proof of it.
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "To see the whole product with sample people and schools, run:\n  vouchsafe demo\n\nTo check a configuration before you run it:\n  vouchsafe serve --config vouchsafe.toml --check"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service.
    Serve(serve::Serve),
    /// Asks a running service whether it is ready, and fails if it is not.
    Health(health::Health),
    /// Runs the whole product on this machine, with sample people, schools and a year of history.
    Demo(demo::Demo),
    /// Appoints auditors and support agents, stands them down, lists them.
    Staff(staff::Staff),
    /// Takes schools from the register's downloads.
    Import(import::Import),
    /// Looks after the user lists of organisations that cannot look after themselves.
    Users(users::Users),
    /// Registers organisations that are no schools, and says what they are.
    Organisations(users::Organisations),
    /// Writes the history to standard output, one event a line, as JSON.
    Replay(replay::Replay),
    /// Answers what auditors ask of the history: what happened, who had access when, on whose authority; and proves
    /// that nobody altered it.
    Audit(audit::Audit),
    /// Looks after the lists that are folded from the history.
    Projections(projections::Projections),
    /// Looks after the server that holds the event log, where it is on EventStoreDB.
    Store(store::Store),
    /// Describes the messages that are published to RabbitMQ.
    #[command(name = "asyncapi")]
    AsyncApi(asyncapi::AsyncApi),
}

/// Which configuration a command uses.
#[derive(Debug, Args)]
struct Configured {
    /// The configuration file, in TOML. Variables VOUCHSAFE_SECTION__KEY stand over what is in it.
    #[arg(long, short, env = "VOUCHSAFE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Configured {
    fn load(&self) -> Result<Config, ConfigFaults> {
        config::load(self.config.as_deref(), &config::environment())
    }
}

/// Why a command failed: what is printed, and how to go on.
#[derive(Debug)]
struct Failed {
    text: String,
    hint: Option<String>,
    /// What the process leaves with.
    code: u8,
}

impl Failed {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, code: 1 }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }
}

impl<E: std::error::Error + 'static> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::new(Chain(&error).to_string())
    }
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Serve(command) => command.run().await,
            Command::Health(command) => command.run().await,
            Command::Demo(command) => command.run().await,
            Command::Staff(command) => command.run().await,
            Command::Import(command) => command.run().await,
            Command::Users(command) => command.run().await,
            Command::Organisations(command) => command.run().await,
            Command::Replay(command) => command.run().await,
            Command::Audit(command) => command.run().await,
            Command::Projections(command) => command.run().await,
            Command::Store(command) => command.run().await,
            Command::AsyncApi(command) => command.run(),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failed) => {
                log::say(&format!("error: {}", failed.text));
                if let Some(hint) = failed.hint {
                    log::say(&format!("\nhint: {hint}"));
                }
                ExitCode::from(failed.code)
            }
        }
    }
}
