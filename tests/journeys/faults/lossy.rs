//! A disk that loses, when the power goes, what was written to it and never synced: a file system in memory.
//!
//! It promises what POSIX does and no more. A file's bytes are safe once the file was synced, and its name once the
//! folder was. What was not synced may be there all the same after the power went, or may not: each write by itself.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};

/// For how long the kernel may believe what it was told: nobody else changes anything.
const BELIEVED: Duration = Duration::from_mins(1);
const ROOT: u64 = 1;

/// A change to a file that is not safe yet.
enum Change {
    Written(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Written(at, new) => {
                let end = at + new.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*at..end].copy_from_slice(new);
            }
            Self::Cut(length) => bytes.resize(*length, 0),
        }
    }
}

type Names = BTreeMap<OsString, u64>;

/// A change to the names in a folder that is not safe yet. That something gets another name in one folder is one change.
struct Renamed {
    gone: Option<OsString>,
    new: Option<(OsString, u64)>,
}

impl Renamed {
    fn apply(&self, names: &mut Names) {
        if let Some(gone) = &self.gone {
            names.remove(gone);
        }
        if let Some((name, number)) = &self.new {
            names.insert(name.clone(), *number);
        }
    }
}

/// Each as it is, and as it is safe.
enum Node {
    File { bytes: Vec<u8>, safe: Vec<u8>, changes: Vec<Change> },
    Folder { names: Names, safe: Names, changes: Vec<Renamed> },
}

impl Node {
    fn file() -> Self {
        Self::File { bytes: Vec::new(), safe: Vec::new(), changes: Vec::new() }
    }

    fn folder() -> Self {
        Self::Folder { names: Names::new(), safe: Names::new(), changes: Vec::new() }
    }
}

/// Everything on the disk, by number.
struct Nodes {
    all: BTreeMap<u64, (u32, Node)>,
    next: u64,
    /// How many changes were made safe.
    synced: usize,
}

type Result<T> = std::result::Result<T, Errno>;

impl Nodes {
    fn empty() -> Self {
        Self { all: BTreeMap::from([(ROOT, (0o755, Node::folder()))]), next: ROOT + 1, synced: 0 }
    }

    fn names(&self, folder: u64) -> Result<&Names> {
        match self.all.get(&folder) {
            Some((_, Node::Folder { names, .. })) => Ok(names),
            Some(_) => Err(Errno::ENOTDIR),
            None => Err(Errno::ENOENT),
        }
    }

    /// Takes a name out of a folder, puts one in, or both.
    fn rename(&mut self, folder: u64, gone: Option<&OsStr>, new: Option<(&OsStr, u64)>) -> Result<()> {
        self.names(folder)?;
        if let Some((_, Node::Folder { names, changes, .. })) = self.all.get_mut(&folder) {
            let change = Renamed {
                gone: gone.map(OsStr::to_owned),
                new: new.map(|(name, number)| (name.to_owned(), number)),
            };
            change.apply(names);
            changes.push(change);
        }
        Ok(())
    }

    fn find(&self, folder: u64, name: &OsStr) -> Result<u64> {
        self.names(folder)?.get(name).copied().ok_or(Errno::ENOENT)
    }

    fn attributes(&self, node: u64) -> Result<FileAttr> {
        let (mode, kind, size) = match self.all.get(&node).ok_or(Errno::ENOENT)? {
            (mode, Node::File { bytes, .. }) => (mode, FileType::RegularFile, bytes.len() as u64),
            (mode, Node::Folder { .. }) => (mode, FileType::Directory, 0),
        };
        Ok(FileAttr {
            ino: INodeNo(node),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm: u16::try_from(mode & 0o7777).unwrap(),
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn add(&mut self, folder: u64, name: &OsStr, mode: u32, node: Node) -> Result<FileAttr> {
        let number = self.next;
        if self.names(folder)?.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        self.rename(folder, None, Some((name, number)))?;
        self.all.insert(number, (mode, node));
        self.next += 1;
        self.attributes(number)
    }

    fn change(&mut self, node: u64, change: Change) -> Result<()> {
        let Some((_, Node::File { bytes, changes, .. })) = self.all.get_mut(&node) else {
            return Err(Errno::EISDIR);
        };
        change.apply(bytes);
        changes.push(change);
        Ok(())
    }

    /// Makes a file or a folder safe.
    fn sync(&mut self, node: u64) -> Result<()> {
        match &mut self.all.get_mut(&node).ok_or(Errno::ENOENT)?.1 {
            Node::File { safe, changes, .. } => {
                self.synced += changes.len();
                for change in changes.drain(..) {
                    change.apply(safe);
                }
            }
            Node::Folder { safe, changes, .. } => {
                self.synced += changes.len();
                for change in changes.drain(..) {
                    change.apply(safe);
                }
            }
        }
        Ok(())
    }

    /// The power goes. What is not safe is there afterwards if `kept` says so.
    fn lose(&mut self, mut kept: impl FnMut() -> bool) -> usize {
        let mut lost = 0;
        for (_, node) in self.all.values_mut() {
            match node {
                Node::File { bytes, safe, changes } => {
                    for change in changes.drain(..) {
                        if kept() {
                            change.apply(safe);
                        } else {
                            lost += 1;
                        }
                    }
                    bytes.clone_from(safe);
                }
                Node::Folder { names, safe, changes } => {
                    for change in changes.drain(..) {
                        if kept() {
                            change.apply(safe);
                        } else {
                            lost += 1;
                        }
                    }
                    names.clone_from(safe);
                }
            }
        }
        lost
    }
}

#[derive(Clone)]
struct Served(Arc<Mutex<Nodes>>);

impl Served {
    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module.
pub(super) struct LossyDisk {
    at: tempfile::TempDir,
    served: Served,
    session: Option<BackgroundSession>,
}

impl LossyDisk {
    /// An empty one. None, and a line that says so, where this process may not mount it.
    pub(super) fn new() -> Option<Self> {
        let (at, served) = (tempfile::tempdir().unwrap(), Served(Arc::new(Mutex::new(Nodes::empty()))));
        let mut disk = Self { at, served, session: None };
        if let Err(error) = disk.mount() {
            println!("skipped: the disk that loses what was not synced cannot be mounted: {error}");
            return None;
        }
        Some(disk)
    }

    fn mount(&mut self) -> std::io::Result<()> {
        let mut options = Config::default();
        options.mount_options = vec![MountOption::FSName("lossy".to_owned())];
        self.session = Some(fuser::spawn_mount(self.served.clone(), self.at.path(), &options)?);
        Ok(())
    }

    /// A path on it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.at.path().join(name)
    }

    /// The power goes and comes back; nobody may have a file open. What was not synced is there afterwards if `kept`
    /// says so. How many changes were lost, and how many were safe.
    pub(super) fn loses_power(&mut self, kept: impl FnMut() -> bool) -> (usize, usize) {
        // Unmounted, for the kernel remembers what the disk does not.
        self.session.take().unwrap().umount_and_join().unwrap();
        let (lost, synced) = {
            let mut nodes = self.served.nodes();
            (nodes.lose(kept), nodes.synced)
        };
        self.mount().unwrap();
        (lost, synced)
    }
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let nodes = self.nodes();
        match nodes.find(parent.0, name).and_then(|node| nodes.attributes(node)) {
            Ok(attributes) => reply.entry(&BELIEVED, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, node: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.nodes().attributes(node.0) {
            Ok(attributes) => reply.attr(&BELIEVED, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        node: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut nodes = self.nodes();
        let cut =
            size.map_or(Ok(()), |size| nodes.change(node.0, Change::Cut(usize::try_from(size).unwrap())));
        if let (Some(mode), Some((now, _))) = (mode, nodes.all.get_mut(&node.0)) {
            *now = mode;
        }
        match cut.and_then(|()| nodes.attributes(node.0)) {
            Ok(attributes) => reply.attr(&BELIEVED, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        match self.nodes().add(parent.0, name, mode & !umask, Node::folder()) {
            Ok(attributes) => reply.entry(&BELIEVED, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.nodes().add(parent.0, name, mode & !umask, Node::file()) {
            Ok(attributes) => {
                reply.created(&BELIEVED, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn link(&self, _: &Request, node: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut nodes = self.nodes();
        let linked = match nodes.find(parent.0, name) {
            Ok(_) => Err(Errno::EEXIST),
            Err(_) => nodes.rename(parent.0, None, Some((name, node.0))),
        };
        match linked.and_then(|()| nodes.attributes(node.0)) {
            Ok(attributes) => reply.entry(&BELIEVED, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut nodes = self.nodes();
        match nodes.find(parent.0, name).and_then(|_| nodes.rename(parent.0, Some(name), None)) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut nodes = self.nodes();
        let empty = nodes.find(parent.0, name).and_then(|node| Ok(nodes.names(node)?.is_empty()));
        match empty {
            Ok(true) => match nodes.rename(parent.0, Some(name), None) {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(error),
            },
            Ok(false) => reply.error(Errno::ENOTEMPTY),
            Err(error) => reply.error(error),
        }
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        to: INodeNo,
        new: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let mut nodes = self.nodes();
        let renamed =
            nodes.names(to.0).map(drop).and_then(|()| nodes.find(parent.0, name)).and_then(|node| {
                if parent == to {
                    return nodes.rename(to.0, Some(name), Some((new, node)));
                }
                nodes.rename(to.0, None, Some((new, node)))?;
                nodes.rename(parent.0, Some(name), None)
            });
        match renamed {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        node: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.nodes().all.get(&node.0) {
            Some((_, Node::File { bytes, .. })) => {
                let from = usize::try_from(offset).unwrap().min(bytes.len());
                let to = (from + size as usize).min(bytes.len());
                reply.data(&bytes[from..to]);
            }
            _ => reply.error(Errno::EISDIR),
        }
    }

    fn write(
        &self,
        _: &Request,
        node: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let change = Change::Written(usize::try_from(offset).unwrap(), data.to_vec());
        match self.nodes().change(node.0, change) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap()),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, node: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        match self.nodes().sync(node.0) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn fsyncdir(&self, request: &Request, node: INodeNo, file: FileHandle, data: bool, reply: ReplyEmpty) {
        self.fsync(request, node, file, data, reply);
    }

    fn readdir(&self, _: &Request, node: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let nodes = self.nodes();
        let names = match nodes.names(node.0) {
            Ok(names) => names.clone(),
            Err(error) => return reply.error(error),
        };
        let dots = [(OsString::from("."), node.0), (OsString::from(".."), ROOT)];
        let all = dots.into_iter().chain(names).enumerate().skip(usize::try_from(offset).unwrap());
        for (index, (name, number)) in all {
            let kind = nodes.attributes(number).map_or(FileType::RegularFile, |attributes| attributes.kind);
            if reply.add(INodeNo(number), index as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}

/// The disk itself: what was synced stays, and nothing else.
#[test]
fn a_lossy_disk_keeps_what_was_synced() {
    use std::fs::File;
    use std::io::Write as _;
    let Some(mut disk) = LossyDisk::new() else { return };
    let folder = |path: &Path| File::open(path).unwrap().sync_all().unwrap();
    let mut file = File::create(disk.path("synced")).unwrap();
    file.write_all(b"kept").unwrap();
    file.sync_all().unwrap();
    folder(disk.at.path());
    file.write_all(b" and lost").unwrap();
    let mut nameless = File::create(disk.path("nameless")).unwrap();
    nameless.write_all(b"kept, but under no name").unwrap();
    nameless.sync_all().unwrap();
    drop((file, nameless));
    assert_eq!(std::fs::read(disk.path("synced")).unwrap(), b"kept and lost");
    let (lost, safe) = disk.loses_power(|| false);
    // The bytes of one and the name of the other were lost; the bytes of both and one name are safe.
    assert_eq!((lost, safe), (2, 3));
    assert_eq!(std::fs::read(disk.path("synced")).unwrap(), b"kept");
    assert!(!disk.path("nameless").exists());
}
