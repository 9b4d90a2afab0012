//! The `vouchsafe` command.

use std::process::ExitCode;

use clap::Parser;
use vouchsafe::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
