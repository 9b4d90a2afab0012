//! `vouchsafe audit verify`: an export, or the log itself, is held against what was signed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Configured, Failed, log};
use crate::audit::proof::{Against, Bundle, Compared, Known, Outcome, Proven, Signed, VerifierKey, compare};
use crate::runtime::{open_proof, proof_key};

/// What the command leaves with if something is not as it was signed.
const NOT_AS_SIGNED: u8 = 3;

/// How many of a kind are told to a person; with `--json` all are.
const TOLD: usize = 50;

/// Checks an exported folder, anywhere, without configuration or network; or, without one, the log itself: every event
/// is read and hashed anew. Leaves with 0 if all is as it was signed, 3 if not, and 1 if that could not be found out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  vouchsafe audit verify 2026-03 --key access.example/log+1a2b3c4d+AbCd…=\n  vouchsafe audit verify --config vouchsafe.toml --checkpoint kept-in-march --bundle 2026-03"
)]
pub(super) struct Verify {
    /// A folder that `vouchsafe audit export` made.
    #[arg(value_name = "DIR", requires = "key", conflicts_with_all = ["checkpoint", "bundle"])]
    folder: Option<PathBuf>,
    /// The key that signatures are checked with, or a file that has it. For the log itself it is the service's own.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    #[command(flatten)]
    configured: Configured,
    /// An earlier checkpoint that somebody kept. May be given several times.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// An earlier export of the whole history, which tells what was altered since.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Writes what was found as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let key = self.key.as_deref().map(read_key).transpose()?;
        let sound = match (&self.folder, &key) {
            (Some(folder), Some(key)) => self.folder(folder, key)?,
            _ => self.log(key.as_ref()).await?,
        };
        if sound {
            return Ok(());
        }
        Err(Failed::new("it is NOT as it was signed").code(NOT_AS_SIGNED))
    }

    fn folder(&self, folder: &Path, key: &VerifierKey) -> Result<bool, Failed> {
        let proven = Bundle::open(folder, key)?.check()?;
        let sound = proven.faults.is_empty();
        if self.json {
            log::data(
                &json!({
                    "sound": sound,
                    "origin": proven.signed.origin,
                    "checkpoint_size": proven.signed.size,
                    "root": proven.signed.root.to_string(),
                    "events": proven.events,
                    "whole": proven.whole,
                    "streams": proven.streams,
                    "faults": told(&proven.faults),
                })
                .to_string(),
            );
        } else {
            say_folder(&proven);
        }
        Ok(sound)
    }

    async fn log(&self, key: Option<&VerifierKey>) -> Result<bool, Failed> {
        let config = self.configured.load()?;
        let notary = open_proof(&config).await?;
        let key_for = |note: &[u8]| -> Result<VerifierKey, Failed> {
            match (key, Signed::claimed_origin(note)) {
                (Some(key), _) => Ok(key.clone()),
                // Under an earlier name of the log too.
                (None, Some(origin)) => Ok(proof_key(&config, origin)?.verifier().clone()),
                (None, None) => Ok(notary.verifier().clone()),
            }
        };
        let mut against = Vec::new();
        if let Some(signed) = notary.kept()? {
            against.push(Against { name: "the last one signed".to_owned(), signed });
        }
        for file in &self.checkpoint {
            let note = std::fs::read(file)
                .map_err(|error| Failed::new(format!("{} cannot be read: {error}", file.display())))?;
            let signed = Signed::open(&note, &key_for(&note)?)?;
            against.push(Against { name: file.display().to_string(), signed });
        }
        let mut known = Vec::new();
        if let Some(folder) = &self.bundle {
            let bundle = Bundle::open(folder, &key_for(&Bundle::checkpoint(folder)?)?)?;
            against.push(Against { name: folder.display().to_string(), signed: bundle.signed().clone() });
            if !bundle.is_whole() {
                return Err(Failed::new("that folder does not hold the whole history")
                    .hint("name one that `vouchsafe audit export` made without narrowing it"));
            }
            known.push(Known::Bundle(Box::new(bundle)));
        }
        if against.is_empty() {
            return Err(Failed::new("nothing was signed yet, so there is nothing to compare the log with")
                .hint("sign it with `vouchsafe audit checkpoint`"));
        }
        known.extend(Known::in_folder(&config.storage.tree()));
        let compared = compare(notary.store().as_ref(), &against, &known).await?;
        notary.store().close().await?;
        if self.json {
            log::data(&as_json(&against, &compared).to_string());
        } else {
            say_log(&against, &compared);
        }
        Ok(compared.is_sound())
    }
}

/// A key, or the file that has it.
fn read_key(text: &str) -> Result<VerifierKey, Failed> {
    if let Ok(key) = VerifierKey::parse(text) {
        return Ok(key);
    }
    let text = std::fs::read_to_string(text).unwrap_or_else(|_| text.to_owned());
    Ok(VerifierKey::parse(&text)?)
}

/// Each with what it says, and its fields.
fn told<T: Serialize + std::fmt::Display>(what: &[T]) -> Vec<Value> {
    let one = |one: &T| {
        let mut value = serde_json::to_value(one).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.insert("text".to_owned(), Value::String(one.to_string()));
        }
        value
    };
    what.iter().map(one).collect()
}

fn as_json(against: &[Against], compared: &Compared) -> Value {
    let checkpoints: Vec<_> = against
        .iter()
        .zip(&compared.outcomes)
        .map(|(against, outcome)| {
            json!({
                "name": against.name,
                "origin": against.signed.origin,
                "size": against.signed.size,
                "root": against.signed.root.to_string(),
                "outcome": outcome,
            })
        })
        .collect();
    json!({
        "sound": compared.is_sound(),
        "events": compared.events,
        "checkpoints": checkpoints,
        "flaws": told(&compared.flaws),
        "differences": compared.differences.as_deref().map(told),
    })
}

/// Says the first of them, and how many more there are.
fn list<T: std::fmt::Display>(what: &[T]) {
    for one in what.iter().take(TOLD) {
        log::data(&format!("  - {one}"));
    }
    if what.len() > TOLD {
        log::data(&format!("  - and {} more: --json tells all", what.len() - TOLD));
    }
}

fn say_folder(proven: &Proven) {
    let signed = &proven.signed;
    log::data(&format!(
        "The checkpoint is signed by {}: {} events, root {}.",
        signed.origin, signed.size, signed.root
    ));
    if !proven.faults.is_empty() {
        log::data(&format!("Of the folder's {} events, not all is as it was signed:", proven.events));
        list(&proven.faults);
        return;
    }
    if proven.whole {
        log::data(&format!(
            "Proven: the folder's {} events are the whole history up to the checkpoint, byte for byte and in this order.",
            proven.events
        ));
        log::data(
            "Not proven: what came after the checkpoint; that what the events say is true; that the clock was right.",
        );
        return;
    }
    log::data(&format!(
        "Proven: each of the folder's {} events is in the history as it was signed.",
        proven.events
    ));
    for claim in &proven.streams {
        log::data(&format!("Proven: no event is missing in {claim}, by their versions."));
    }
    log::data(
        "Not proven: that there is no later event of these streams, nor which other events the history holds; that what the events say is true; that the clock was right.",
    );
}

fn say_log(against: &[Against], compared: &Compared) {
    log::data(&format!("Read and hashed {} events.", compared.events));
    for (against, outcome) in against.iter().zip(&compared.outcomes) {
        let signed = &against.signed;
        let says = match outcome {
            Outcome::Same => "the log begins with exactly these",
            Outcome::Other => "the log does NOT begin with these",
            Outcome::Shorter => "the log has FEWER",
        };
        log::data(&format!(
            "Checkpoint {} ({}, {} events): {says}.",
            against.name, signed.origin, signed.size
        ));
    }
    if !compared.flaws.is_empty() {
        log::data("The log contradicts itself:");
        list(&compared.flaws);
    }
    match &compared.differences {
        Some(differences) if differences.is_empty() => {}
        Some(differences) => {
            log::data("What differs from what was signed:");
            list(differences);
        }
        None => {
            log::data(
                "What differs cannot be named: neither the tree of hashes beside the log nor a bundle fits a checkpoint. Give an earlier export of the whole history with --bundle.",
            );
        }
    }
    if compared.is_sound() {
        let covered = against.iter().map(|against| against.signed.size).max().unwrap_or(0);
        log::data(&format!(
            "Proven: nothing was altered, removed, inserted, reordered or cut off up to event {covered}. The {} after it are not signed yet.",
            compared.events - covered
        ));
    }
}
