//! Checkpoints: how large the tree is and what its root is, signed.
//!
//! Their form is C2SP `tlog-checkpoint`, in a C2SP `signed-note` with an Ed25519 signature.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signed_note::{Note, Signature, StandardVerifier, Verifier, VerifierList, is_key_name_valid, key_id};
use tlog_tiles::{Checkpoint, Hash};

use crate::privacy::{CryptoError, MasterKey, Subkey};

/// How signed notes write that a key is for Ed25519.
const ED25519: u8 = 1;

/// What is wrong with a checkpoint or a key for one.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The name cannot stand in a checkpoint.
    #[error("“{0}” cannot name a log: it must not be empty nor hold spaces or a +")]
    Origin(String),
    /// The verifier key has another form.
    #[error(
        "this is no verifier key: it looks like access.example/log+1a2b3c4d+AbCd…=, see `vouchsafe audit key`"
    )]
    VerifierKey,
    /// It has not the form of a checkpoint.
    #[error("this is no signed checkpoint: it is damaged, or another kind of file")]
    Malformed,
    /// It is a checkpoint, but not of this log or not by this key.
    #[error(
        "the checkpoint has no signature of the key that it was checked with: it is another log's, or was forged"
    )]
    NotSigned,
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// The key that checkpoints are checked with, with the name of the log: public.
#[derive(Clone)]
pub struct VerifierKey {
    text: String,
    verifier: StandardVerifier,
}

impl VerifierKey {
    /// Reads a verifier key as signed notes write it: `name+hash+base64`.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let text = text.trim();
        let verifier = StandardVerifier::new(text).map_err(|_| CheckpointError::VerifierKey)?;
        Ok(Self { text: text.to_owned(), verifier })
    }

    /// The name of the log: the checkpoints' origin.
    pub fn origin(&self) -> &str {
        self.verifier.name()
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The key that checkpoints are signed with: derived from the master key, so that all instances have it.
pub struct ProofKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl ProofKey {
    /// The key of a log by this name.
    pub fn new(master: &MasterKey, origin: &str) -> Result<Self, CheckpointError> {
        if !is_origin(origin) {
            return Err(CheckpointError::Origin(origin.to_owned()));
        }
        let seed = master.derive(Subkey::Proof)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| CryptoError)?;
        let public = [&[ED25519], pair.public_key().as_ref()].concat();
        let text = format!("{origin}+{:08x}+{}", key_id(origin, &public), STANDARD.encode(&public));
        Ok(Self { pair, verifier: VerifierKey::parse(&text)? })
    }

    /// What the signatures are checked with.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs that the log's first `size` events have this root.
    pub fn sign(&self, size: u64, root: Hash) -> Result<Signed, CheckpointError> {
        let origin = self.verifier.origin();
        let checkpoint = Checkpoint::new(origin, size, root, "")
            .map_err(|_| CheckpointError::Origin(origin.to_owned()))?;
        let text = checkpoint.to_bytes();
        let signature = self.pair.sign(&text).as_ref().to_vec();
        let signature = Signature::new(origin.to_owned(), self.verifier.verifier.key_id(), signature);
        let signature = signature.map_err(|_| CheckpointError::Origin(origin.to_owned()))?;
        let note = Note::new(&text, &[signature]).map_err(|_| CheckpointError::Malformed)?;
        Ok(Signed { origin: origin.to_owned(), size, root, note: note.to_bytes() })
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProofKey").field(&self.verifier).finish()
    }
}

/// Whether a text can name a log: it is a key's name in signed notes, and a line of its own in checkpoints.
pub(crate) fn is_origin(text: &str) -> bool {
    is_key_name_valid(text) && text.len() <= 200 && !text.chars().any(char::is_control)
}

/// A checkpoint whose signature was checked, or made.
#[derive(Clone, PartialEq)]
pub struct Signed {
    /// The name of the log.
    pub origin: String,
    /// How many events there were.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
    /// The checkpoint with its signatures, as it is handed out.
    pub note: Vec<u8>,
}

impl Signed {
    /// Reads a checkpoint and checks its signature.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, CheckpointError> {
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointError::Malformed)?;
        let known = VerifierList::new(vec![Box::new(key.verifier.clone())]);
        parsed.verify(&known).map_err(|_| CheckpointError::NotSigned)?;
        let checkpoint = Checkpoint::from_bytes(parsed.text()).map_err(|_| CheckpointError::Malformed)?;
        if checkpoint.origin() != key.origin() {
            return Err(CheckpointError::NotSigned);
        }
        Ok(Self {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: *checkpoint.hash(),
            note: note.to_vec(),
        })
    }

    /// The name of the log that a checkpoint says it is of, before its signature is checked.
    pub fn claimed_origin(note: &[u8]) -> Option<&str> {
        std::str::from_utf8(note).ok()?.lines().next()
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.origin, self.size, self.root)
    }
}
