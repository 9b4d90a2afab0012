//! A file of records of one size, which is only ever appended to.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Records of one size, by their number. Whoever may not write to the file keeps what it appends in memory.
#[derive(Debug)]
pub(super) struct Array {
    file: Option<File>,
    may_write: bool,
    record: usize,
    /// How many are in the file.
    in_file: u64,
    /// Those after them, where the file is another process's to write.
    tail: Vec<u8>,
}

fn short() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "a record is not in the file")
}

impl Array {
    /// The file's whole records. A writer makes the file, readable by its owner alone, if there is none.
    pub(super) fn open(path: &Path, record: usize, may_write: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true);
        if may_write {
            options.write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let file = match options.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && !may_write => None,
            opened => Some(opened?),
        };
        let bytes = file.as_ref().map_or(Ok(0), |file| file.metadata().map(|found| found.len()))?;
        Ok(Self { file, may_write, record, in_file: bytes / record as u64, tail: Vec::new() })
    }

    /// How many records there are.
    pub(super) fn len(&self) -> u64 {
        self.in_file + (self.tail.len() / self.record) as u64
    }

    /// Drops all records from this number on.
    pub(super) fn cut(&mut self, len: u64) {
        if len <= self.in_file {
            self.in_file = len;
            self.tail.clear();
        } else {
            let keep = usize::try_from(len - self.in_file).unwrap_or(usize::MAX).saturating_mul(self.record);
            self.tail.truncate(keep);
        }
    }

    /// Appends whole records.
    pub(super) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) if self.may_write => {
                file.seek(SeekFrom::Start(self.in_file * self.record as u64))?;
                file.write_all(records)?;
                self.in_file += (records.len() / self.record) as u64;
            }
            _ => self.tail.extend_from_slice(records),
        }
        Ok(())
    }

    /// The records from a number on.
    pub(super) fn read(&self, from: u64, count: u64) -> io::Result<Vec<u8>> {
        let end = from.checked_add(count).filter(|end| *end <= self.len()).ok_or_else(short)?;
        let size = |records: u64| usize::try_from(records).map(|it| it * self.record).map_err(|_| short());
        let mut bytes = vec![0; size(end.min(self.in_file).saturating_sub(from))?];
        if let Some(mut file) = self.file.as_ref().filter(|_| !bytes.is_empty()) {
            file.seek(SeekFrom::Start(from * self.record as u64))?;
            file.read_exact(&mut bytes)?;
        }
        if end > self.in_file {
            let (begin, end) = (size(from.saturating_sub(self.in_file))?, size(end - self.in_file)?);
            bytes.extend_from_slice(self.tail.get(begin..end).ok_or_else(short)?);
        }
        Ok(bytes)
    }

    /// Returns when what was appended is on disk, and the file holds nothing else.
    pub(super) fn sync(&self) -> io::Result<()> {
        match &self.file {
            Some(file) if self.may_write => {
                file.set_len(self.in_file * self.record as u64)?;
                file.sync_data()
            }
            _ => Ok(()),
        }
    }
}
