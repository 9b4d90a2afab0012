//! The mail that came: one file a message, in the demo folder.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use mail_parser::{Message, MessageParser};
use tokio::io::AsyncWriteExt as _;
use vouchsafe_events::Timestamp;

/// The header in which the envelope's recipients are kept, as they need not be those of the message.
const RECIPIENTS: &str = "X-Stand-In-Recipients";

/// Why mail could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("{path}, which keeps the demonstration's mail, cannot be used", path = path.display())]
pub struct MailboxError {
    /// The file or folder.
    path: PathBuf,
    /// What the system said.
    source: std::io::Error,
}

/// Who sent a message to whom, as the SMTP commands said.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    /// The sender; empty for a bounce.
    pub(super) from: String,
    /// The recipients.
    pub(super) to: Vec<String>,
}

/// What the list shows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMail {
    /// The name of its file without `.eml`; ids sort by the time they came.
    pub id: String,
    /// When it came.
    pub at: Timestamp,
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The subject, decoded.
    pub subject: String,
}

/// Stand-in for everybody's mailbox. What is in it survives a restart.
#[derive(Debug)]
pub struct StandInMailbox {
    folder: PathBuf,
    /// Oldest first.
    index: RwLock<Vec<StoredMail>>,
    /// Held while a message is named and written, so that they are kept in the order they came.
    writing: tokio::sync::Mutex<()>,
}

impl StandInMailbox {
    /// The mailbox in the folder, with what is there.
    pub async fn open(folder: &Path) -> Result<Self, MailboxError> {
        let failed = |source| MailboxError { path: folder.to_owned(), source };
        let mut entries = tokio::fs::read_dir(folder).await.map_err(failed)?;
        let mut index = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let path = entry.path();
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".eml")) else { continue };
            let Some(at) = came_at(id) else { continue };
            let raw = tokio::fs::read(&path).await.map_err(|source| MailboxError { path, source })?;
            index.push(summary(id.to_owned(), at, &raw));
        }
        index.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Self {
            folder: folder.to_owned(),
            index: RwLock::new(index),
            writing: tokio::sync::Mutex::default(),
        })
    }

    /// Keeps a message on disk and gives its id.
    pub(super) async fn keep(
        &self,
        envelope: &Envelope,
        message: &[u8],
        now: Timestamp,
    ) -> Result<String, MailboxError> {
        let _turn = self.writing.lock().await;
        let micros = now.micros().max(0);
        // Numbered too: a clock may stand still or go back, and ids must stay unique.
        let number =
            self.read(|index| index.iter().filter_map(|mail| number_of(&mail.id)).max().map_or(0, |n| n + 1));
        let id = format!("{micros:016}-{number:06}");
        let raw = with_envelope(envelope, now, message);
        let path = self.path(&id);
        let beside = path.with_extension("new");
        let failed = |source| MailboxError { path: path.clone(), source };
        write(&beside, &raw).await.map_err(failed)?;
        tokio::fs::rename(&beside, &path).await.map_err(failed)?;
        let mail = summary(id.clone(), Timestamp::from_micros(micros), &raw);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let place = index.partition_point(|known| known.id <= mail.id);
        index.insert(place, mail);
        Ok(id)
    }

    /// The messages, newest first; only those to one recipient if one is given (compared without case).
    pub fn list(&self, recipient: Option<&str>) -> Vec<StoredMail> {
        let wanted = |mail: &&StoredMail| {
            recipient.is_none_or(|wanted| mail.to.iter().any(|to| to.eq_ignore_ascii_case(wanted)))
        };
        self.read(|index| index.iter().rev().filter(wanted).cloned().collect())
    }

    /// Everybody who was sent something, in order of the alphabet.
    pub fn recipients(&self) -> Vec<String> {
        let mut all: Vec<_> = self.read(|index| {
            index.iter().flat_map(|mail| mail.to.iter().map(|to| to.to_ascii_lowercase())).collect()
        });
        all.sort();
        all.dedup();
        all
    }

    /// The file of a message, envelope headers included; none if there is no message of that id.
    pub async fn raw(&self, id: &str) -> Result<Option<Vec<u8>>, MailboxError> {
        // Only ids of the index become paths.
        if !self.read(|index| index.iter().any(|mail| mail.id == id)) {
            return Ok(None);
        }
        let path = self.path(id);
        tokio::fs::read(&path).await.map(Some).map_err(|source| MailboxError { path, source })
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.eml"))
    }

    fn read<T>(&self, look: impl FnOnce(&Vec<StoredMail>) -> T) -> T {
        look(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes a stored message apart.
pub(super) fn parse(raw: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse(raw)
}

async fn write(path: &Path, raw: &[u8]) -> std::io::Result<()> {
    let mut file = tokio::fs::File::create(path).await?;
    file.write_all(raw).await?;
    file.sync_all().await
}

/// The message with the recipients and the headers that a server adds at delivery (RFC 5321, 4.4).
///
/// The recipients are first and the return path ends them, so that a message cannot add to them.
fn with_envelope(envelope: &Envelope, now: Timestamp, message: &[u8]) -> Vec<u8> {
    let date = now.to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000");
    let mut raw = Vec::with_capacity(message.len() + 512);
    for to in &envelope.to {
        // One a line keeps each line within its limit.
        raw.extend_from_slice(format!("{RECIPIENTS}: {to}\r\n").as_bytes());
    }
    let trace = format!(
        "Return-Path: <{}>\r\nReceived: by localhost (stand-in) with ESMTP; {date}\r\n",
        envelope.from
    );
    raw.extend_from_slice(trace.as_bytes());
    raw.extend_from_slice(message);
    raw
}

fn came_at(id: &str) -> Option<Timestamp> {
    id.split_once('-')?.0.parse().ok().map(Timestamp::from_micros)
}

fn number_of(id: &str) -> Option<u64> {
    id.split_once('-')?.1.parse().ok()
}

fn summary(id: String, at: Timestamp, raw: &[u8]) -> StoredMail {
    let message = parse(raw);
    let mut headers = message.iter().flat_map(Message::headers_raw).peekable();
    let mut to = Vec::new();
    while let Some((_, value)) = headers.next_if(|(name, _)| *name == RECIPIENTS) {
        to.push(value.trim().to_owned());
    }
    let from = headers.next().filter(|(name, _)| *name == "Return-Path");
    let from = from.map(|(_, value)| value.trim().trim_matches(['<', '>']).to_owned()).unwrap_or_default();
    let subject = message.as_ref().and_then(Message::subject).unwrap_or_default().to_owned();
    StoredMail { id, at, from, to, subject }
}
