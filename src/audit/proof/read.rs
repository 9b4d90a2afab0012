//! What is known of the events as they were signed: the hash of each, from a tree's files or a whole bundle.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::bundle::{Bundle, BundleError, Line, LineReader};
use super::checkpoint::Signed;
use super::form::EventLine;
use super::frontier::{Frontier, leaf_hash};
use super::tree::{self, Leaf, SET_ASIDE};

/// How many leaves are read at once.
const READ: usize = 4096;

/// A source of the leaves of an earlier state of the log.
#[derive(Debug)]
pub enum Known {
    /// The files of a tree, in a folder.
    Tree(PathBuf),
    /// A bundle of the whole log.
    Bundle(Box<Bundle>),
}

impl Known {
    /// The sources that a folder of a tree has: its files, and those that were set aside because the log was not the
    /// one that they were made from.
    pub fn in_folder(folder: &Path) -> Vec<Self> {
        vec![Self::Tree(folder.join(SET_ASIDE)), Self::Tree(folder.to_owned())]
    }

    /// Reads the leaves from the first on.
    pub(super) fn leaves(&self) -> Result<Kept, BundleError> {
        match self {
            Self::Bundle(bundle) => Ok(Kept::Bundle(bundle.events()?)),
            Self::Tree(folder) => {
                let open = |name: &str| File::open(folder.join(name)).map(BufReader::new);
                let opened = tree::state(folder).and_then(|left| {
                    Ok(Kept::Tree { positions: open("positions")?, hashes: open("level-0")?, left })
                });
                opened.map_err(|source| BundleError::File { path: folder.clone(), source })
            }
        }
    }

    /// The largest checkpoint whose events these are; none if they are of no checkpoint. What is said of the log by
    /// comparing it with them is as good as that checkpoint's signature.
    pub fn proven_by<'a>(&self, checkpoints: &'a [Signed]) -> Result<Option<&'a Signed>, BundleError> {
        let mut leaves = match self.leaves() {
            Err(BundleError::File { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
            leaves => leaves?,
        };
        let mut frontier = Frontier::default();
        let mut proven: Option<&Signed> = None;
        let mut largest = checkpoints.iter().map(|signed| signed.size).max().unwrap_or(0);
        'all: while largest > 0 {
            let Some(batch) = leaves.next()? else { break };
            for leaf in batch {
                frontier.push(leaf.hash);
                for signed in checkpoints.iter().filter(|signed| signed.size == frontier.size()) {
                    if signed.root == frontier.root() {
                        proven = Some(signed);
                    }
                }
                if frontier.size() >= largest {
                    largest = 0;
                    continue 'all;
                }
            }
        }
        Ok(proven)
    }
}

/// Leaves that are read one after the other.
pub(super) enum Kept {
    /// From a tree's files.
    Tree {
        /// Their positions.
        positions: BufReader<File>,
        /// Their hashes.
        hashes: BufReader<File>,
        /// How many are left.
        left: u64,
    },
    /// From a bundle.
    Bundle(LineReader<EventLine>),
}

impl Kept {
    /// The next leaves; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Leaf>>, BundleError> {
        match self {
            Self::Tree { positions, hashes, left } => {
                let count = usize::try_from(*left).unwrap_or(READ).min(READ);
                *left -= count as u64;
                let (mut places, mut found) = (vec![0; count * 8], vec![0; count * 32]);
                let read = positions.read_exact(&mut places).and_then(|()| hashes.read_exact(&mut found));
                read.map_err(|source| BundleError::File {
                    path: PathBuf::from("the tree of hashes"),
                    source,
                })?;
                Ok(Some(tree::leaves(&places, &found)).filter(|leaves| !leaves.is_empty()))
            }
            Self::Bundle(lines) => {
                let mut leaves = Vec::new();
                while leaves.len() < READ {
                    // Damaged lines end it: what comes after them has no place.
                    let Some(line) = lines.next()?.and_then(Line::whole) else { break };
                    let Some(bytes) = line.stored() else { break };
                    leaves.push(Leaf { position: line.position, hash: leaf_hash(&bytes) });
                }
                Ok(Some(leaves).filter(|leaves| !leaves.is_empty()))
            }
        }
    }
}
