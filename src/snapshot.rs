//! Snapshots of the lists: disposable, and passed over when anything about them does not fit.
//!
//! A snapshot is a file `lists-<position>.snapshot`: a line that names the form, the SHA-256 of what follows
//! it, and the lists in postcard's encoding. Personal data is in it only sealed, as in the log.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use vouchsafe_events::Position;
use vouchsafe_projections::{FORM, Lists};

/// How many snapshots are kept.
const KEPT: usize = 2;

/// Why a snapshot could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk.
    #[error("the snapshot folder cannot be written to")]
    Io(#[from] io::Error),
    /// The encoding.
    #[error("the lists could not be encoded")]
    Encode(#[from] postcard::Error),
}

/// The first line of a snapshot that this product can read.
fn heading() -> String {
    format!("vouchsafe lists, form {FORM}\n")
}

fn file_name(position: Position) -> String {
    format!("lists-{:020}.snapshot", position.number())
}

/// The snapshots in a folder, newest first.
fn list(folder: &Path) -> Vec<PathBuf> {
    let is_snapshot = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "snapshot");
    let mut found: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(is_snapshot)
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// The lists from the newest snapshot that fits and is not beyond the log's head.
pub fn newest(folder: &Path, head: Position) -> Option<Lists> {
    list(folder).into_iter().find_map(|path| match read(&path) {
        Ok(lists) if lists.position() <= head => Some(lists),
        Ok(_) => {
            tracing::warn!(file = %path.display(), "a snapshot is beyond the end of the log: passed over");
            None
        }
        Err(reason) => {
            tracing::warn!(file = %path.display(), reason, "a snapshot does not fit: passed over");
            None
        }
    })
}

/// Reads one snapshot.
fn read(path: &Path) -> Result<Lists, &'static str> {
    let bytes = fs::read(path).map_err(|_| "it cannot be read")?;
    let rest = bytes.strip_prefix(heading().as_bytes()).ok_or("it has another form")?;
    let (sum, body) = rest.split_at_checked(32).ok_or("it is cut off")?;
    if digest(&SHA256, body).as_ref() != sum {
        return Err("it is damaged");
    }
    postcard::from_bytes(body).map_err(|_| "it cannot be decoded")
}

/// The bytes of the lists in a snapshot: equal lists have equal bytes.
pub fn encode(lists: &Lists) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_stdvec(lists)
}

/// Writes a snapshot, whole or not at all, and removes all but the newest.
pub fn write(folder: &Path, lists: &Lists) -> Result<(), SnapshotError> {
    fs::create_dir_all(folder)?;
    let body = encode(lists)?;
    let temporary = folder.join("lists.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(heading().as_bytes())?;
    file.write_all(digest(&SHA256, &body).as_ref())?;
    file.write_all(&body)?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(file_name(lists.position())))?;
    for old in list(folder).into_iter().skip(KEPT) {
        fs::remove_file(old)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_reads_back_and_anything_else_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest(folder.path(), Position::new(9)), None);
        write(folder.path(), &Lists::default()).unwrap();
        assert_eq!(newest(folder.path(), Position::START), Some(Lists::default()));
        let path = folder.path().join(file_name(Position::START));
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(newest(folder.path(), Position::START), None, "cut at {cut}");
        }
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&path, changed).unwrap();
        assert_eq!(newest(folder.path(), Position::START), None);
    }
}
