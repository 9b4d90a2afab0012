//! Writes events with their proofs, for somebody who has neither the log nor the service.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;
use tlog_tiles::check_record;
use vouchsafe_events::{
    DecodeError, OrganisationId, PersonId, Position, Recorded, Stream, Timestamp, decode,
};

use super::checkpoint::Signed;
use super::form::{CHECKPOINT, CONTENTS, Claim, Contents, EVENTS, EventLine, FORM, KEY, PROOFS, ProofLine};
use super::frontier::{Frontier, leaf_hash};
use super::notary::{Notary, ProofError};
use super::tree::TreeError;
use crate::store::{Pages, StoreError, StoredEvent};

/// Which events are to be written: all, or those that pass each of these.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those of this organisation.
    pub organisation: Option<OrganisationId>,
    /// Those about this person, and those that they caused.
    pub person: Option<PersonId>,
    /// Those at this instant or later.
    pub from: Option<Timestamp>,
    /// Those before this instant.
    pub to: Option<Timestamp>,
}

impl Wanted {
    /// Whether all events are wanted.
    pub fn is_all(&self) -> bool {
        self.organisation.is_none() && self.person.is_none() && self.from.is_none() && self.to.is_none()
    }

    fn wants(&self, recorded: &Recorded) -> bool {
        let envelope = &recorded.envelope;
        let organisation = self.organisation.is_none_or(|id| envelope.stream == Stream::Organisation(id));
        let person = self.person.is_none_or(|id| recorded.concerns(id));
        let from = self.from.is_none_or(|from| envelope.at >= from);
        let to = self.to.is_none_or(|to| envelope.at < to);
        organisation && person && from && to
    }

    /// The stream that is written without gaps, if one is.
    fn stream(&self) -> Option<Stream> {
        match (self.organisation, self.person) {
            (Some(id), None) => Some(Stream::Organisation(id)),
            (None, Some(id)) => Some(Stream::Person(id)),
            _ => None,
        }
    }
}

/// Why nothing, or not all, was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder has something in it.
    #[error("{0} is not empty: name a folder that is not there yet")]
    NotEmpty(PathBuf),
    /// A file cannot be written.
    #[error("{path} cannot be written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is nothing that could be proven.
    #[error("the event log has no events yet: there is nothing to export")]
    Nothing,
    /// An event is not the one that was signed.
    #[error(
        "the event log is not as it was signed, so it is not exported: the first difference found is at or before position {0}. `vouchsafe audit verify` names what was altered"
    )]
    Altered(Position),
    /// The checkpoint.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Exported {
    /// How many events.
    pub events: u64,
    /// The checkpoint that proves them.
    pub signed: Signed,
}

/// A file that is being written.
struct Out {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Out {
    fn new(folder: &Path, name: &str) -> Result<Self, ExportError> {
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => Ok(Self { path, file: BufWriter::new(file) }),
            Err(source) => Err(ExportError::File { path, source }),
        }
    }

    fn failed(&self, source: io::Error) -> ExportError {
        ExportError::File { path: self.path.clone(), source }
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), ExportError> {
        let written = serde_json::to_writer(&mut self.file, line).map_err(io::Error::from);
        written.and_then(|()| self.file.write_all(b"\n")).map_err(|source| self.failed(source))
    }

    fn finish(mut self) -> Result<(), ExportError> {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.map_err(|source| self.failed(source))
    }
}

/// Writes a whole file.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let mut out = Out::new(folder, name)?;
    out.file.write_all(bytes).map_err(|source| out.failed(source))?;
    out.finish()
}

/// Makes the folder, or takes one that is empty.
fn make(folder: &Path) -> Result<(), ExportError> {
    let failed = |source| ExportError::File { path: folder.to_owned(), source };
    match fs::read_dir(folder) {
        Ok(mut found) => {
            return if found.next().is_none() {
                Ok(())
            } else {
                Err(ExportError::NotEmpty(folder.to_owned()))
            };
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    crate::folder::private(folder).map_err(failed)
}

/// Signs the log as it stands and writes those events that are wanted to `folder`, with what proves them. The events
/// pass through, however many there are.
pub async fn export(notary: &Notary, wanted: &Wanted, folder: &Path) -> Result<Exported, ExportError> {
    make(folder)?;
    let signed = notary.sign().await?.ok_or(ExportError::Nothing)?;
    let mut writing = Writing {
        notary,
        wanted,
        signed: &signed,
        events: Out::new(folder, EVENTS)?,
        proofs: if wanted.is_all() { None } else { Some(Out::new(folder, PROOFS)?) },
        frontier: Frontier::default(),
        written: 0,
        claim: None,
    };
    let mut pages = Pages::after(notary.store().as_ref(), Position::START);
    let mut leaf = 0;
    while leaf < signed.size {
        let Some(page) = pages.next().await? else { return Err(ExportError::Altered(pages.position())) };
        let rest = usize::try_from(signed.size - leaf).unwrap_or(usize::MAX);
        for stored in page.iter().take(rest) {
            writing.take(leaf, stored)?;
            leaf += 1;
        }
    }
    if writing.proofs.is_none() && writing.frontier.root() != signed.root {
        return Err(ExportError::Altered(pages.position()));
    }
    let contents = Contents {
        form: FORM.to_owned(),
        whole: wanted.is_all(),
        organisation: wanted.organisation,
        person: wanted.person,
        from: wanted.from,
        to: wanted.to,
        events: writing.written,
        streams: writing.claim.take().into_iter().collect(),
    };
    let events = writing.written;
    writing.events.finish()?;
    writing.proofs.map_or(Ok(()), Out::finish)?;
    let mut out = Out::new(folder, CONTENTS)?;
    out.line(&contents)?;
    out.finish()?;
    write(folder, CHECKPOINT, &signed.note)?;
    write(folder, KEY, format!("{}\n", notary.verifier().as_str()).as_bytes())?;
    write(folder, "schema", include_bytes!("schema.txt"))?;
    write(folder, "README.txt", include_bytes!("readme.txt"))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| ExportError::File { path: folder.to_owned(), source })?;
    Ok(Exported { events, signed })
}

/// An export under way.
struct Writing<'a> {
    notary: &'a Notary,
    wanted: &'a Wanted,
    signed: &'a Signed,
    events: Out,
    /// None: the events are all, and prove themselves.
    proofs: Option<Out>,
    frontier: Frontier,
    written: u64,
    claim: Option<Claim>,
}

impl Writing<'_> {
    fn take(&mut self, leaf: u64, stored: &StoredEvent) -> Result<(), ExportError> {
        let hash = leaf_hash(&stored.bytes);
        if self.proofs.is_none() {
            self.frontier.push(hash);
        } else {
            let recorded = decode(stored.position, &stored.bytes)?;
            if !self.wanted.wants(&recorded) {
                return Ok(());
            }
            if let Some(stream) = self.wanted.stream().filter(|stream| *stream == recorded.envelope.stream) {
                let version = recorded.envelope.version;
                let first = self.claim.as_ref().map_or(version, |claim| claim.first);
                self.claim = Some(Claim { stream, first, last: version });
            }
        }
        if let Some(proofs) = &mut self.proofs {
            let proof = self.notary.tree().inclusion(self.signed.size, leaf)?;
            check_record(&proof, self.signed.size, self.signed.root, leaf, hash)
                .map_err(|_| ExportError::Altered(stored.position))?;
            proofs.line(&ProofLine::new(leaf, &proof))?;
        }
        let event = serde_json::from_slice::<Box<RawValue>>(&stored.bytes)
            .map_err(|source| DecodeError::Malformed { position: stored.position, source })?;
        self.events.line(&EventLine::new(leaf, stored.position, &stored.bytes, event))?;
        self.written += 1;
        Ok(())
    }
}
