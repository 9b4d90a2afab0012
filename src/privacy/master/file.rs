//! The file that holds the master key.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::MasterKeyError;
use crate::privacy::CryptoError;

/// More than any master key's text has: what is longer is another file, named by mistake.
const LONGEST: u64 = 1024;

/// Reads the file, unless others may read it.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, MasterKeyError> {
    let unusable = |source| MasterKeyError::Unusable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unusable)?;
    let found = file.metadata().map_err(unusable)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777;
        if found.is_file() && mode & 0o077 != 0 {
            return Err(MasterKeyError::OpenToOthers { path: path.to_owned(), mode });
        }
    }
    if found.len() > LONGEST {
        return Err(MasterKeyError::NotAKey);
    }
    let mut text = Zeroizing::new(String::with_capacity(1024));
    match file.take(LONGEST).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(MasterKeyError::NotAKey),
        Err(error) => Err(unusable(error)),
    }
}

/// Puts `line` in a new file at `path`, on disk, readable by its owner alone. Leaves a file that is there
/// already as it is.
///
/// The line is written under another name and the finished file then linked to its own: a crash in between
/// leaves no half-written key behind, and of two processes only one can link.
pub(super) fn create(path: &Path, line: &str) -> Result<(), MasterKeyError> {
    let unusable = |source| MasterKeyError::Unusable { path: path.to_owned(), source };
    let draft = draft_name(path)?;
    let written = write_draft(&draft, line).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = std::fs::remove_file(&draft);
    written.map_err(unusable)?;
    removed.map_err(unusable)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(unusable)
}

/// A name beside `path` that nothing else has.
fn draft_name(path: &Path) -> Result<PathBuf, MasterKeyError> {
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(CryptoError::from)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", u64::from_ne_bytes(random)));
    Ok(path.with_file_name(name))
}

fn write_draft(draft: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}
