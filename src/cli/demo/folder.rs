//! The folder of a demonstration: used by one demonstration at a time, and emptied only if one made it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::Failed;

/// What marks a folder whose history is written.
const MARK: &str = "vouchsafe-demo.mark";

/// What marks a folder whose history is being written: should that be broken off, it is begun anew.
const UNFINISHED: &str = "vouchsafe-demo.unfinished";

/// The file that a running demonstration holds locked. It is never removed, or two could hold one each.
const LOCK: &str = "vouchsafe-demo.lock";

/// The first line of both marks. A file that only has the name marks nothing.
const MAGIC: &str = "This folder was made by `vouchsafe demo`, which may empty it.";

/// A demonstration's folder. Nobody else uses it while this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    finished: bool,
    _lock: File,
}

impl Folder {
    /// Takes a folder for a demonstration on this port: a new or empty one, or an earlier demonstration's on the same
    /// port, as its people are known by the stand-in's address. `fresh` empties an earlier one's; any other folder is
    /// left as it is.
    pub(super) fn take(path: &Path, port: u16, fresh: bool) -> Result<Self, Failed> {
        if !is_ours(path)? {
            let text = format!("{} is not a folder that a demonstration made", path.display());
            return Err(Failed::new(text).hint("name another with --folder; nothing has been changed"));
        }
        fs::create_dir_all(path)?;
        let lock = File::create(path.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                Failed::new(format!("another demonstration is running in {}", path.display()))
                    .hint("stop it, or name another folder with --folder")
            }
            TryLockError::Error(error) => error.into(),
        })?;
        // Looked at again under the lock: only now does it stay so.
        let made_on = marked(path, MARK)?;
        match made_on.as_deref() {
            Some(made_on) if !fresh && made_on != port.to_string() => {
                let hint = format!("run it with `--port {made_on}`, or begin anew with `--fresh`");
                return Err(Failed::new(format!("this demonstration was made on port {made_on}")).hint(hint));
            }
            Some(_) if !fresh => {}
            Some(_) | None => {
                empty(path)?;
                fs::write(path.join(UNFINISHED), format!("{MAGIC}\n{port}\n"))?;
            }
        }
        Ok(Self { path: path.to_owned(), finished: made_on.is_some() && !fresh, _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its history is written.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Its history is written.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        fs::rename(self.path.join(UNFINISHED), self.path.join(MARK))?;
        self.finished = true;
        Ok(())
    }
}

/// The port in a mark, if there is such a mark and a demonstration wrote it.
fn marked(folder: &Path, mark: &str) -> io::Result<Option<String>> {
    let text = match fs::read(folder.join(mark)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lines = text.lines();
    Ok(lines.next().filter(|line| *line == MAGIC).map(|_| lines.next().unwrap_or_default().to_owned()))
}

/// Whether a folder is a demonstration's, or nobody's.
fn is_ours(folder: &Path) -> io::Result<bool> {
    if marked(folder, MARK)?.is_some() || marked(folder, UNFINISHED)?.is_some() {
        return Ok(true);
    }
    match fs::read_dir(folder) {
        Ok(entries) => {
            let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
            Ok(names.iter().all(|name| name == LOCK))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Removes what is in a folder, but for the lock. The marks go last: broken off, it is still a demonstration's.
fn empty(folder: &Path) -> io::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let is_mark = |entry: &fs::DirEntry| entry.file_name() == MARK || entry.file_name() == UNFINISHED;
    let (marks, others): (Vec<_>, Vec<_>) =
        entries.into_iter().filter(|entry| entry.file_name() != LOCK).partition(is_mark);
    for entry in others.iter().chain(&marks) {
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that does not exist yet, in one that goes when the test is over.
    fn nowhere() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("demo");
        (parent, path)
    }

    fn finished(path: &Path, port: u16) {
        let mut folder = Folder::take(path, port, false).unwrap();
        fs::create_dir(path.join("data")).unwrap();
        fs::write(path.join("data/events.db"), "events").unwrap();
        folder.finish().unwrap();
    }

    #[test]
    fn a_folder_with_anything_else_in_it_is_left_as_it_is() {
        let (_parent, path) = nowhere();
        fs::create_dir(&path).unwrap();
        // Names that somebody's own folder may well have, and ours without what is in it.
        for name in ["unfinished", "demonstration", MARK, UNFINISHED] {
            fs::write(path.join(name), "8080\n").unwrap();
        }
        for fresh in [false, true] {
            let failed = Folder::take(&path, 8080, fresh).unwrap_err();
            assert!(failed.text.contains("is not a folder that a demonstration made"), "{}", failed.text);
            assert_eq!(fs::read_dir(&path).unwrap().count(), 4, "not even a lock is left there");
        }
    }

    #[test]
    fn a_finished_one_is_taken_up_again_on_its_port_and_emptied_only_when_asked_to() {
        let (_parent, path) = nowhere();
        finished(&path, 8080);
        assert!(Folder::take(&path, 8080, false).unwrap().is_finished());
        let failed = Folder::take(&path, 9080, false).unwrap_err();
        assert_eq!(failed.text, "this demonstration was made on port 8080");
        assert!(path.join("data/events.db").exists());
        assert!(!Folder::take(&path, 9080, true).unwrap().is_finished());
        assert!(!path.join("data").exists() && !path.join(MARK).exists());
    }

    #[test]
    fn an_unfinished_one_is_begun_anew_and_a_finished_one_is_not_marked_so() {
        let (_parent, path) = nowhere();
        drop(Folder::take(&path, 8080, false).unwrap());
        fs::write(path.join("half"), "").unwrap();
        assert!(!Folder::take(&path, 8080, false).unwrap().is_finished());
        assert!(!path.join("half").exists() && path.join(UNFINISHED).exists());
        finished(&path, 8080);
        assert!(!path.join(UNFINISHED).exists());
    }

    #[test]
    fn two_demonstrations_do_not_use_one_folder() {
        let (_parent, path) = nowhere();
        finished(&path, 8080);
        let first = Folder::take(&path, 8080, false).unwrap();
        for fresh in [false, true] {
            let failed = Folder::take(&path, 8080, fresh).unwrap_err();
            assert!(failed.text.contains("another demonstration is running"), "{}", failed.text);
        }
        assert!(path.join("data/events.db").exists());
        drop(first);
        assert!(Folder::take(&path, 8080, true).is_ok());
    }
}
