//! `vouchsafe audit key` and `vouchsafe audit checkpoint`.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::{Configured, Failed, log};
use crate::audit::proof::Signed;
use crate::runtime::{open_proof, proof_key};

/// Prints the key that checkpoints and exports are checked with.
#[derive(Debug, Args)]
pub(super) struct Key {
    #[command(flatten)]
    configured: Configured,
}

impl Key {
    pub(super) fn run(self) -> Result<(), Failed> {
        let config = self.configured.load()?;
        let key = proof_key(&config, &config.proof.origin(&config.web.base_url))?;
        log::data(key.verifier().as_str());
        Ok(())
    }
}

/// Signs the history as it stands.
#[derive(Debug, Args)]
pub(super) struct Checkpoint {
    #[command(flatten)]
    configured: Configured,
    /// Writes, before the new checkpoint, the proof that it continues the earlier one in this file: in the form that a
    /// C2SP witness is given it.
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
}

impl Checkpoint {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = self.configured.load()?;
        let notary = open_proof(&config).await?;
        let signed = notary.sign().await?;
        let Some(signed) = signed else {
            return Err(Failed::new("the event log has no events yet: there is nothing to sign"));
        };
        if let Some(file) = self.since {
            let note = std::fs::read(&file)
                .map_err(|error| Failed::new(format!("{} cannot be read: {error}", file.display())))?;
            let old = Signed::open(&note, notary.verifier())?;
            if old.size > signed.size || notary.tree().root(old.size)? != old.root {
                return Err(Failed::new("the log does not continue that checkpoint")
                    .hint("run `vouchsafe audit verify` with it: it names what was altered"));
            }
            log::data(&format!("old {}", old.size));
            for hash in notary.tree().consistency(signed.size, old.size)? {
                log::data(&STANDARD.encode(hash.0));
            }
            log::data("");
        }
        log::data(String::from_utf8_lossy(&signed.note).trim_end_matches('\n'));
        notary.store().close().await?;
        Ok(())
    }
}
