//! The tree's hashes, in files beside the log: roots and proofs come from them without reading the log.
//!
//! `level-0` has the hash of each leaf, `level-1` that of each complete tree of 256 leaves, `level-2` of 65,536, and
//! so on; `positions` has each leaf's position in the log. All are only appended to. `state` says how many leaves of
//! them are surely on disk: what a crash may have torn comes after that, and is cut off and followed again.

use std::cell::RefCell;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tlog_tiles::{HASH_SIZE, Hash, HashReader, node_hash, prove_record, prove_tree, split_stored_hash_index};
use tokio::sync::watch;
use vouchsafe_events::Position;

use super::array::Array;

/// How many leaves may be in the files without being surely on disk.
const UNSYNCED: u64 = 4096;

/// The first line of `state`. Another form is made anew.
const FORM: &str = "vouchsafe tree 1";

/// Where files are moved that belong to another log.
pub(super) const SET_ASIDE: &str = "set-aside";

/// Why the tree did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The files cannot be used.
    #[error(
        "the tree of hashes in {folder} cannot be kept: check who may write there and whether the disk is full"
    )]
    Files {
        /// Their folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// More was asked for than there is.
    #[error("the tree has {size} leaves, fewer than were asked for")]
    TooSmall {
        /// How many there are.
        size: u64,
    },
    /// Leaves did not follow on those that are there, because the tree was made anew meanwhile.
    #[error("the tree of hashes was made anew meanwhile")]
    OutOfStep,
    /// Two proofs or hashes do not fit each other.
    #[error("the tree of hashes is damaged: stop what uses it and delete {0}; it is made again from the log")]
    Damaged(PathBuf),
}

/// A leaf of the tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaf {
    /// The event's position in the log.
    pub position: Position,
    /// The hash of its stored bytes.
    pub hash: Hash,
}

/// The tree's hashes. Several processes on one machine may share the folder: one writes the files, and others keep in
/// memory what is not in them yet.
#[derive(Debug)]
pub struct Tree {
    folder: PathBuf,
    inner: Mutex<Inner>,
    size: watch::Sender<u64>,
}

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct Inner {
    folder: PathBuf,
    /// Locked as long as this process is the one that writes.
    writing: Option<File>,
    positions: Array,
    levels: Vec<Array>,
    size: u64,
    /// How many leaves `state` speaks of.
    synced: u64,
}

impl Tree {
    /// Opens the files in `folder`, which is made if there is none. What does not fit together is made anew.
    pub fn open(folder: &Path) -> Result<Self, TreeError> {
        let inner = Inner::open(folder).map_err(|source| files(folder, source))?;
        Ok(Self { folder: folder.to_owned(), size: watch::Sender::new(inner.size), inner: Mutex::new(inner) })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        *self.size.borrow()
    }

    /// Where the last leaf stands in the log; [`Position::START`] if there is none.
    pub fn head(&self) -> Result<Position, TreeError> {
        let inner = self.lock();
        inner.head().map_err(|source| files(&self.folder, source))
    }

    /// Takes in leaves in the log's order: all those after `after`, up to their last. Those that are there already are
    /// passed over.
    pub fn take(&self, after: Position, leaves: &[Leaf]) -> Result<(), TreeError> {
        let mut inner = self.lock();
        let taken = inner.head().and_then(|head| {
            if after > head {
                return Ok(false);
            }
            inner.take(leaves.iter().filter(|leaf| leaf.position > head))?;
            Ok(true)
        });
        self.size.send_replace(inner.size);
        match taken {
            Ok(true) => Ok(()),
            Ok(false) => Err(TreeError::OutOfStep),
            Err(source) => Err(files(&self.folder, source)),
        }
    }

    /// The root of the tree of the first `size` leaves.
    pub fn root(&self, size: u64) -> Result<Hash, TreeError> {
        self.hashes(size, |reader| tlog_tiles::tree_hash(size, reader))
    }

    /// The root of the first `old` leaves, if there are so many, and the size and the root of the whole tree: all of
    /// one moment.
    pub(super) fn heads(&self, old: u64) -> Result<(Option<Hash>, u64, Hash), TreeError> {
        let inner = self.lock();
        let reader = Reader { inner: &inner, trouble: RefCell::new(None) };
        let root = |size| {
            tlog_tiles::tree_hash(size, &reader).map_err(|_| match reader.trouble.take() {
                Some(source) => files(&self.folder, source),
                None => TreeError::TooSmall { size: inner.size },
            })
        };
        let at_old = (old <= inner.size).then(|| root(old)).transpose()?;
        Ok((at_old, inner.size, root(inner.size)?))
    }

    /// The proof that leaf `leaf` is in the tree of the first `size` leaves (RFC 6962, 2.1.1).
    pub fn inclusion(&self, size: u64, leaf: u64) -> Result<Vec<Hash>, TreeError> {
        self.hashes(size, |reader| prove_record(size, leaf, reader))
    }

    /// The proof that the tree of the first `size` leaves begins with the tree of the first `old` (RFC 6962, 2.1.2).
    pub fn consistency(&self, size: u64, old: u64) -> Result<Vec<Hash>, TreeError> {
        if old == 0 {
            return Ok(Vec::new());
        }
        self.hashes(size, |reader| prove_tree(size, old, reader))
    }

    /// At most `count` leaves from number `from` on.
    pub fn leaves(&self, from: u64, count: u64) -> Result<Vec<Leaf>, TreeError> {
        let inner = self.lock();
        let count = count.min(inner.size.saturating_sub(from));
        inner.leaves(from, count).map_err(|source| files(&self.folder, source))
    }

    /// The first leaf that stands at `position` or after it: the tree's size if none does.
    pub fn first_at(&self, position: Position) -> Result<u64, TreeError> {
        let inner = self.lock();
        let (mut low, mut high) = (0, inner.size);
        while low < high {
            let middle = low + (high - low) / 2;
            if inner.position(middle).map_err(|source| files(&self.folder, source))? < position {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The hashes of a tile: of the complete trees of 256 to the power of `level` leaves, from number `from` on.
    pub fn tile(&self, level: u8, from: u64, count: u64) -> Result<Vec<u8>, TreeError> {
        let inner = self.lock();
        let level = inner.levels.get(usize::from(level));
        let level = level.ok_or(TreeError::TooSmall { size: inner.size })?;
        level.read(from, count).map_err(|source| files(&self.folder, source))
    }

    /// Returns when all leaves are on disk, if they are this process's to write.
    pub fn settle(&self) -> Result<(), TreeError> {
        self.lock().sync().map_err(|source| files(&self.folder, source))
    }

    /// Forgets everything, to be made again from the log.
    pub fn clear(&self) -> Result<(), TreeError> {
        self.make_anew(false)
    }

    /// Forgets everything, but moves the files to a folder of their own: they tell what was in the log that they were
    /// made from.
    pub(super) fn set_aside(&self) -> Result<(), TreeError> {
        self.make_anew(true)
    }

    fn make_anew(&self, keep: bool) -> Result<(), TreeError> {
        let mut inner = self.lock();
        let made = inner.make_anew(keep);
        self.size.send_replace(inner.size);
        made.map_err(|source| files(&self.folder, source))
    }

    fn hashes<T>(
        &self,
        size: u64,
        work: impl FnOnce(&Reader<'_>) -> Result<T, tlog_tiles::Error>,
    ) -> Result<T, TreeError> {
        let inner = self.lock();
        if size > inner.size {
            return Err(TreeError::TooSmall { size: inner.size });
        }
        let reader = Reader { inner: &inner, trouble: RefCell::new(None) };
        work(&reader).map_err(|_| match reader.trouble.take() {
            Some(source) => files(&self.folder, source),
            None => TreeError::TooSmall { size: inner.size },
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn files(folder: &Path, source: io::Error) -> TreeError {
    TreeError::Files { folder: folder.to_owned(), source }
}

/// Reads hashes for [`tlog_tiles`], and remembers what failed.
struct Reader<'a> {
    inner: &'a Inner,
    trouble: RefCell<Option<io::Error>>,
}

impl HashReader for Reader<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |index: &u64| {
            let (level, n) = split_stored_hash_index(*index);
            self.inner.hash(level, n)
        };
        indexes.iter().map(read).collect::<io::Result<_>>().map_err(|error| {
            self.trouble.replace(Some(error));
            tlog_tiles::Error::IndexesNotInTree
        })
    }
}

/// The root of a complete tree of these leaves, or trees.
fn complete(hashes: &[u8]) -> io::Result<Hash> {
    let mut hashes: Vec<Hash> = hashes.as_chunks::<HASH_SIZE>().0.iter().map(|hash| Hash(*hash)).collect();
    while hashes.len() > 1 {
        hashes = hashes.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(*left, *right)).collect();
    }
    hashes.first().copied().ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))
}

/// How many complete trees of a level a tree of this size has.
fn of_level(size: u64, level: usize) -> u64 {
    u32::try_from(level * 8).ok().and_then(|bits| size.checked_shr(bits)).unwrap_or(0)
}

impl Inner {
    fn open(folder: &Path) -> io::Result<Self> {
        crate::folder::private(folder)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        let writing = match lock.try_lock() {
            Ok(()) => Some(lock),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        let writes = writing.is_some();
        let mut inner = Self {
            folder: folder.to_owned(),
            writing,
            positions: Array::open(&folder.join("positions"), 8, writes)?,
            levels: vec![Array::open(&folder.join("level-0"), HASH_SIZE, writes)?],
            size: 0,
            synced: 0,
        };
        let size = state(folder)?;
        let mut whole = inner.positions.len() >= size;
        while of_level(size, inner.levels.len()) > 0 {
            inner.add_level()?;
        }
        whole &= inner.levels.iter().enumerate().all(|(level, array)| array.len() >= of_level(size, level));
        inner.size = if whole { size } else { 0 };
        inner.synced = inner.size;
        inner.trim();
        Ok(inner)
    }

    fn add_level(&mut self) -> io::Result<()> {
        let path = self.folder.join(format!("level-{}", self.levels.len()));
        self.levels.push(Array::open(&path, HASH_SIZE, self.writing.is_some())?);
        Ok(())
    }

    /// Drops what is beyond the size, as after something failed half way.
    fn trim(&mut self) {
        self.positions.cut(self.size);
        for (level, array) in self.levels.iter_mut().enumerate() {
            array.cut(of_level(self.size, level));
        }
    }

    fn take<'a>(&mut self, leaves: impl Iterator<Item = &'a Leaf>) -> io::Result<()> {
        self.trim();
        let (mut positions, mut hashes) = (Vec::new(), Vec::new());
        for leaf in leaves {
            positions.extend_from_slice(&leaf.position.number().to_be_bytes());
            hashes.extend_from_slice(&leaf.hash.0);
        }
        let size = self.size + (positions.len() / 8) as u64;
        self.positions.append(&positions)?;
        if let Some(leaves) = self.levels.first_mut() {
            leaves.append(&hashes)?;
        }
        let mut level = 1;
        while of_level(size, level) > 0 {
            if self.levels.len() == level {
                self.add_level()?;
                let left = of_level(self.size, level);
                if let Some(added) = self.levels.last_mut() {
                    // What is in its file from earlier is not of this tree.
                    added.cut(left);
                }
            }
            if let Some([below, this]) = self.levels.get_mut(level - 1..=level) {
                while this.len() < of_level(size, level) {
                    let hash = complete(&below.read(this.len() * 256, 256)?)?;
                    this.append(&hash.0)?;
                }
            }
            level += 1;
        }
        self.size = size;
        if self.size - self.synced >= UNSYNCED {
            if self.writing.is_some() {
                self.sync()?;
            } else {
                self.catch_on()?;
            }
        }
        Ok(())
    }

    /// Where another process writes the files: takes from them what was held in memory, or becomes the writer if that
    /// one is gone.
    fn catch_on(&mut self) -> io::Result<()> {
        let mut anew = Self::open(&self.folder)?;
        let common = anew.size.min(self.size);
        let last = common.checked_sub(1);
        let same = match last {
            Some(last) => anew.leaves(last, 1)? == self.leaves(last, 1)?,
            None => anew.writing.is_some(),
        };
        if same {
            let rest = self.leaves(common, self.size - common)?;
            if anew.size > self.size {
                anew.size = self.size;
            }
            // Not asked again until as much has come anew.
            if anew.writing.is_none() {
                anew.synced = self.size;
            }
            anew.take(rest.iter())?;
            *self = anew;
        }
        if self.writing.is_none() {
            self.synced = self.size;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.writing.is_none() || self.synced == self.size {
            return Ok(());
        }
        self.trim();
        self.positions.sync()?;
        self.levels.iter().try_for_each(Array::sync)?;
        let draft = self.folder.join("state.new");
        let mut file = File::create(&draft)?;
        writeln!(file, "{FORM}\n{}", self.size)?;
        file.sync_data()?;
        fs::rename(draft, self.folder.join("state"))?;
        self.synced = self.size;
        Ok(())
    }

    fn make_anew(&mut self, keep: bool) -> io::Result<()> {
        if self.writing.is_some() {
            if keep {
                self.sync()?;
            }
            let aside = self.folder.join(SET_ASIDE);
            if keep {
                gone(fs::remove_dir_all(&aside))?;
                crate::folder::private(&aside)?;
            }
            let names = (0..self.levels.len()).map(|level| format!("level-{level}"));
            // First of all what the others are believed by.
            for name in ["state".to_owned(), "positions".to_owned()].into_iter().chain(names) {
                let from = self.folder.join(&name);
                gone(if keep { fs::rename(from, aside.join(name)) } else { fs::remove_file(from) })?;
            }
            self.positions = Array::open(&self.folder.join("positions"), 8, true)?;
            self.levels.clear();
            self.add_level()?;
        }
        (self.size, self.synced) = (0, 0);
        self.trim();
        Ok(())
    }

    fn head(&self) -> io::Result<Position> {
        self.size.checked_sub(1).map_or(Ok(Position::START), |last| self.position(last))
    }

    fn position(&self, leaf: u64) -> io::Result<Position> {
        let bytes = self.positions.read(leaf, 1)?;
        let number = bytes.first_chunk::<8>().ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?;
        Ok(Position::new(u64::from_be_bytes(*number)))
    }

    fn leaves(&self, from: u64, count: u64) -> io::Result<Vec<Leaf>> {
        let positions = self.positions.read(from, count)?;
        let hashes = self.levels.first().map_or(Ok(Vec::new()), |leaves| leaves.read(from, count))?;
        Ok(leaves(&positions, &hashes))
    }

    /// The hash of a complete tree of 2 to the power of `level` leaves, the `n`th of its size.
    fn hash(&self, level: u8, n: u64) -> io::Result<Hash> {
        let (array, within) = (self.levels.get(usize::from(level / 8)), level % 8);
        let array = array.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?;
        complete(&array.read(n << within, 1 << within)?)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What is not on disk is followed again.
        let _ = self.sync();
    }
}

/// Puts leaves together of what the two files hold.
pub(super) fn leaves(positions: &[u8], hashes: &[u8]) -> Vec<Leaf> {
    let pairs = positions.as_chunks::<8>().0.iter().zip(hashes.as_chunks::<HASH_SIZE>().0);
    pairs
        .map(|(position, hash)| Leaf {
            position: Position::new(u64::from_be_bytes(*position)),
            hash: Hash(*hash),
        })
        .collect()
}

/// How many leaves are surely in a folder's files.
pub(super) fn state(folder: &Path) -> io::Result<u64> {
    let text = match fs::read_to_string(folder.join("state")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        read => read?,
    };
    let size = text.strip_prefix(FORM).and_then(|rest| rest.trim().parse().ok());
    Ok(size.unwrap_or(0))
}

fn gone(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
