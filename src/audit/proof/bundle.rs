//! Checks what was exported, without the service.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tlog_tiles::check_record;
use vouchsafe_events::{Position, Stream, Version, decode};

use super::checkpoint::{CheckpointError, Signed, VerifierKey};
use super::form::{CHECKPOINT, CONTENTS, Claim, Contents, EVENTS, EventLine, FORM, PROOFS, ProofLine};
use super::frontier::{Frontier, leaf_hash};
use crate::store::MAX_EVENT_BYTES;

/// The largest checkpoint, or table of contents, that is read.
const MOST_BYTES: u64 = 1024 * 1024;

/// The longest line that an event of the largest size makes, and more: its bytes stand in it twice.
const LONGEST_LINE: u64 = 4 * MAX_EVENT_BYTES as u64;

/// Why a bundle could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file is missing or cannot be read.
    #[error("{path} cannot be read: is it the folder that `vouchsafe audit export` made?")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{0} is not in the form of a bundle of this version of vouchsafe, or is damaged")]
    Form(PathBuf),
    /// The checkpoint does not hold.
    #[error("the checkpoint in the bundle")]
    Checkpoint(#[from] CheckpointError),
}

/// What is not as the bundle says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// An event is not the one that was signed at that place.
    NotSigned {
        /// Its number.
        leaf: u64,
        /// Where it says that it stands in the log.
        position: Position,
    },
    /// What is there to be read is not what was signed.
    OtherToRead {
        /// Its number.
        leaf: u64,
        /// Where it says that it stands in the log.
        position: Position,
    },
    /// A line is damaged.
    Damaged {
        /// Which line of the events.
        line: u64,
    },
    /// Events are not in the order of the log.
    Disordered {
        /// The number of the one that is out of order.
        leaf: u64,
    },
    /// Events of the whole history are missing.
    Missing {
        /// The number of the first one.
        leaf: u64,
    },
    /// Together the events do not give the root that was signed.
    OtherRoot,
    /// An event's stored form cannot be read.
    Unread {
        /// Its number.
        leaf: u64,
    },
    /// Versions are missing in a stream, or stand twice.
    Gap {
        /// The stream.
        stream: Stream,
        /// The version that should come; none where the stream says that it is at an end.
        expected: Option<Version>,
        /// The version that comes; none where the stream ends too early.
        found: Option<Version>,
    },
    /// There are not so many events as the bundle says.
    OtherNumber {
        /// How many it says.
        said: u64,
        /// How many there are.
        found: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = |version: &Option<Version>| {
            version.map_or_else(|| "its end".to_owned(), |version| format!("version {}", version.number()))
        };
        match self {
            Self::NotSigned { leaf, position } => {
                write!(f, "event {leaf} (position {position}) is not the one that was signed there")
            }
            Self::OtherToRead { leaf, position } => write!(
                f,
                "event {leaf} (position {position}) was signed, but what is there to be read says something else"
            ),
            Self::Damaged { line } => write!(f, "line {line} of the events, or of the proofs, is damaged"),
            Self::Disordered { leaf } => write!(f, "event {leaf} is out of order"),
            Self::Missing { leaf } => write!(f, "events are missing from event {leaf} on"),
            Self::OtherRoot => f.write_str(
                "the events are not those that were signed: one or more were altered, removed, inserted or reordered",
            ),
            Self::Unread { leaf } => {
                write!(f, "event {leaf} cannot be read by this version of vouchsafe, so its stream was not checked")
            }
            Self::Gap { stream, expected, found } => {
                write!(f, "{stream}: {} should come, but {} comes", version(expected), version(found))
            }
            Self::OtherNumber { said, found } => {
                write!(f, "the bundle says that it holds {said} events, but it holds {found}")
            }
        }
    }
}

/// What was found out of a bundle.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The checkpoint, whose signature holds.
    pub signed: Signed,
    /// How many events the bundle holds.
    pub events: u64,
    /// Whether it is to hold every event that was signed.
    pub whole: bool,
    /// The streams that it is to hold without a gap.
    pub streams: Vec<Claim>,
    /// What is not as it says. If nothing is, all of it is proven.
    pub faults: Vec<Fault>,
}

/// The most faults that are kept: a bundle of another log would be nothing but faults.
const MOST_FAULTS: usize = 1000;

/// An exported folder.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    signed: Signed,
    contents: Contents,
}

fn failed(path: PathBuf) -> impl FnOnce(io::Error) -> BundleError {
    move |source| BundleError::File { path, source }
}

fn small(path: PathBuf) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    read.map_err(failed(path))?;
    Ok(bytes)
}

impl Bundle {
    /// Opens a folder, and checks the signature of its checkpoint.
    pub fn open(folder: &Path, key: &VerifierKey) -> Result<Self, BundleError> {
        let signed = Signed::open(&small(folder.join(CHECKPOINT))?, key)?;
        let path = folder.join(CONTENTS);
        let contents: Contents =
            serde_json::from_slice(&small(path.clone())?).map_err(|_| BundleError::Form(path.clone()))?;
        if contents.form != FORM {
            return Err(BundleError::Form(path));
        }
        Ok(Self { folder: folder.to_owned(), signed, contents })
    }

    /// The checkpoint of a folder, whose signature is still to be checked.
    pub fn checkpoint(folder: &Path) -> Result<Vec<u8>, BundleError> {
        small(folder.join(CHECKPOINT))
    }

    /// The signed checkpoint.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// Whether it is to hold every event that was signed.
    pub fn is_whole(&self) -> bool {
        self.contents.whole
    }

    /// Reads the events, one by one.
    pub(super) fn events(&self) -> Result<LineReader<EventLine>, BundleError> {
        LineReader::open(self.folder.join(EVENTS))
    }

    /// Checks every event. Reads the files once, whatever their size.
    pub fn check(&self) -> Result<Proven, BundleError> {
        let contents = &self.contents;
        let proofs = if contents.whole { None } else { Some(LineReader::open(self.folder.join(PROOFS))?) };
        let mut checking = Checking {
            signed: &self.signed,
            proofs,
            frontier: Frontier::default(),
            next: 0,
            streams: HashMap::new(),
            whole: contents.whole,
            claimed: &contents.streams,
            faults: Faults::default(),
        };
        let (mut events, mut line) = (self.events()?, 0);
        while let Some(event) = events.next()? {
            line += 1;
            checking.take(line, event.whole())?;
        }
        checking.finish(contents.events, line);
        Ok(Proven {
            signed: self.signed.clone(),
            events: line,
            whole: contents.whole,
            streams: contents.streams.clone(),
            faults: checking.faults.0,
        })
    }
}

/// Faults, of which there may be too many.
#[derive(Debug, Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn push(&mut self, fault: Fault) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(fault);
        }
    }
}

/// A check under way.
struct Checking<'a> {
    signed: &'a Signed,
    proofs: Option<LineReader<ProofLine>>,
    frontier: Frontier,
    /// The least number that the next event may have.
    next: u64,
    /// The last version that was seen, of the streams that are to be without gaps.
    streams: HashMap<Stream, Version>,
    whole: bool,
    claimed: &'a [Claim],
    faults: Faults,
}

impl Checking<'_> {
    fn take(&mut self, line: u64, event: Option<EventLine>) -> Result<(), BundleError> {
        let proof = match &mut self.proofs {
            // In step with the events, also past a line that is damaged.
            Some(proofs) => proofs.next()?.and_then(Line::whole),
            None => None,
        };
        let bytes = event.as_ref().and_then(EventLine::stored);
        let (Some(event), Some(bytes)) = (event, bytes) else {
            self.faults.push(Fault::Damaged { line });
            return Ok(());
        };
        let (leaf, position, hash) = (event.leaf, event.position, leaf_hash(&bytes));
        if self.whole {
            self.frontier.push(hash);
            if leaf != self.next {
                let fault = if leaf > self.next {
                    Fault::Missing { leaf: self.next }
                } else {
                    Fault::Disordered { leaf }
                };
                self.faults.push(fault);
            }
        } else {
            if leaf < self.next {
                self.faults.push(Fault::Disordered { leaf });
            }
            let proven = proof.filter(|proof| proof.leaf == leaf).and_then(|proof| proof.hashes());
            let proven = proven.is_some_and(|proof| {
                check_record(&proof, self.signed.size, self.signed.root, leaf, hash).is_ok()
            });
            if !proven {
                self.faults.push(Fault::NotSigned { leaf, position });
            }
        }
        self.next = leaf.saturating_add(1);
        if event.event.get().as_bytes() != bytes {
            self.faults.push(Fault::OtherToRead { leaf, position });
        }
        match decode(position, &bytes) {
            Ok(recorded) => self.version(recorded.envelope.stream, recorded.envelope.version),
            Err(_) => self.faults.push(Fault::Unread { leaf }),
        }
        Ok(())
    }

    /// Looks whether a version is the next one in its stream, if the stream is to be without gaps.
    fn version(&mut self, stream: Stream, version: Version) {
        let first = if self.whole {
            Some(Version::FIRST)
        } else {
            self.claimed.iter().find(|claim| claim.stream == stream).map(|claim| claim.first)
        };
        let Some(first) = first else { return };
        let expected = self.streams.get(&stream).map_or(first, |last| last.next());
        if version != expected {
            self.faults.push(Fault::Gap { stream, expected: Some(expected), found: Some(version) });
        }
        self.streams.insert(stream, version);
    }

    fn finish(&mut self, said: u64, found: u64) {
        if said != found {
            self.faults.push(Fault::OtherNumber { said, found });
        }
        for claim in self.claimed {
            let last = self.streams.get(&claim.stream);
            if last != Some(&claim.last) {
                let expected = last.map_or(claim.first, |last| last.next());
                self.faults.push(Fault::Gap { stream: claim.stream, expected: Some(expected), found: None });
            }
        }
        if self.whole && self.frontier.size() != self.signed.size {
            self.faults.push(Fault::OtherNumber { said: self.signed.size, found: self.frontier.size() });
        } else if self.whole && self.frontier.root() != self.signed.root {
            self.faults.push(Fault::OtherRoot);
        }
    }
}

/// A line of a file.
pub(super) enum Line<T> {
    Whole(T),
    Damaged,
}

impl<T> Line<T> {
    /// What it says, if it can be read.
    pub(super) fn whole(self) -> Option<T> {
        match self {
            Self::Whole(line) => Some(line),
            Self::Damaged => None,
        }
    }
}

/// Reads JSON lines, of a length that is bounded.
pub(super) struct LineReader<T> {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    kind: std::marker::PhantomData<T>,
}

impl<T: DeserializeOwned> LineReader<T> {
    fn open(path: PathBuf) -> Result<Self, BundleError> {
        match File::open(&path) {
            Ok(file) => Ok(Self {
                path,
                file: BufReader::new(file),
                line: Vec::new(),
                kind: std::marker::PhantomData,
            }),
            Err(source) => Err(BundleError::File { path, source }),
        }
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line<T>>, BundleError> {
        self.line.clear();
        let mut limited = (&mut self.file).take(LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut self.line);
        if read.map_err(failed(self.path.clone()))? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&self.line).map_or(Line::Damaged, Line::Whole)))
    }
}
