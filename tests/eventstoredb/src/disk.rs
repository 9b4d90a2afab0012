//! The log's file: one line of JSON for each append, on disk before it is answered.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::log::Record;

/// Why a stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder or its file cannot be used.
    #[error("the log in {folder} cannot be opened")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line of the file is not what was written.
    #[error("line {line} of the log in {folder} cannot be read: {reason}")]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen")]
    Listen(#[source] io::Error),
    /// The certificate or its key cannot be used.
    #[error("the certificate cannot be used")]
    Tls(#[source] rustls::Error),
}

/// A record as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    position: u64,
    stream: String,
    number: i64,
    id: Uuid,
    kind: String,
    json: bool,
    data: String,
    metadata: String,
}

/// The file, open for writing at its end.
#[derive(Debug)]
pub(crate) struct Disk(File);

impl Disk {
    /// Opens the log in a folder, which is made if there is none, and reads what is in it. What a crash left
    /// of an append that was not answered is dropped.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<Record>), StartError> {
        let wrong = |source| StartError::Folder { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(wrong)?;
        let path = folder.join("log");
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&path).map_err(wrong)?;
        let text = fs::read(&path).map_err(wrong)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(wrong)?;
        }
        let mut records = Vec::new();
        let lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        for (number, line) in lines.enumerate() {
            let damaged =
                |reason: String| StartError::Damaged { folder: folder.to_owned(), line: number + 1, reason };
            let append: Vec<Line> =
                serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
            for Line { position, stream, number, id, kind, json, data, metadata } in append {
                let decode = |text: String| {
                    STANDARD.decode(text).map(Bytes::from).map_err(|error| damaged(error.to_string()))
                };
                let (data, metadata) = (decode(data)?, decode(metadata)?);
                records.push(Record { position, stream, number, id, kind, json, data, metadata });
            }
        }
        file.flush().map_err(wrong)?;
        Ok((Self(file), records))
    }

    /// Writes one append and waits until it is on disk.
    pub(crate) fn write(&mut self, records: &[Record]) -> io::Result<()> {
        let lines: Vec<Line> = records
            .iter()
            .map(|record| Line {
                position: record.position,
                stream: record.stream.clone(),
                number: record.number,
                id: record.id,
                kind: record.kind.clone(),
                json: record.json,
                data: STANDARD.encode(&record.data),
                metadata: STANDARD.encode(&record.metadata),
            })
            .collect();
        let mut line = serde_json::to_vec(&lines)?;
        line.push(b'\n');
        self.0.write_all(&line)?;
        self.0.sync_data()
    }
}
