//! How the characters of a download are written, and whether it is whole.
//!
//! The register writes Windows-1252; a file that went through other hands may be UTF-8. It is taken for UTF-8 if all of
//! it is. Else it is Windows-1252, unless it begins with UTF-8's mark, ends in half a character of what is UTF-8
//! otherwise, or has more characters of UTF-8 than bytes that are none: then it is a damaged file of UTF-8, and would
//! be read as nonsense.

use std::io::{self, Read};

use super::file::Broken;

/// How characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without its mark.
    Utf8,
    /// Windows-1252.
    Windows1252,
}

impl Encoding {
    /// The name, as people know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "Windows-1252",
        }
    }
}

/// The bytes that may stand before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// The characters of Windows-1252 from 0x80 to 0x9f, where it differs from Latin-1. Five bytes mean nothing.
const WINDOWS_1252: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// The character of a byte in Windows-1252.
fn character(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().flatten(),
        _ => Some(char::from(byte)),
    }
}

/// What is known of a file once it has been read as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) encoding: Encoding,
    /// Whether it ends with the end of a line.
    pub(super) ends_a_line: bool,
}

/// Reads a file to its end and says how it is written, or why it cannot be read.
pub(super) fn check(mut file: impl Read) -> Result<Whole, Broken> {
    let mut seen = Seen { line: 1, ..Seen::default() };
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer).map_err(Broken::Unreadable)?;
        if read == 0 {
            return seen.end();
        }
        seen.take(buffer.get(..read).unwrap_or_default())?;
    }
}

/// What was seen of a file so far.
#[derive(Default)]
struct Seen {
    line: u64,
    last: Option<u8>,
    /// The first bytes, as many as the mark has.
    first: Vec<u8>,
    quotes: Quotes,
    /// The bytes of a character that is not at its end yet.
    begun: Vec<u8>,
    /// How many characters of several bytes there were.
    characters: u64,
    /// How many bytes were no UTF-8.
    strays: u64,
    /// The line of the first byte that Windows-1252 does not know.
    unknown: Option<u64>,
}

/// How many characters of valid UTF-8 have several bytes.
fn several_bytes(valid: &[u8]) -> u64 {
    valid.iter().map(|byte| u64::from(*byte >= 0xc0)).sum()
}

/// Where in a row the reading is, as far as quotes matter.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Quotes {
    /// At the beginning of a field.
    #[default]
    Begins,
    /// In a field without quotes, or behind the closing one.
    Bare,
    /// In a quoted field that began on this line.
    In(u64),
    /// Behind a quote in a quoted field: it closes the field, or stands for itself if another follows.
    Behind(u64),
}

impl Quotes {
    fn next(self, byte: u8, line: u64) -> Self {
        match (self, byte) {
            (Self::In(began), b'"') => Self::Behind(began),
            (Self::In(began), _) | (Self::Behind(began), b'"') => Self::In(began),
            (_, b',' | b'\n' | b'\r') => Self::Begins,
            (Self::Begins, b'"') => Self::In(line),
            _ => Self::Bare,
        }
    }
}

impl Seen {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        for &byte in bytes {
            if self.first.len() < MARK.len() {
                self.first.push(byte);
                if self.first == MARK {
                    // The mark is no part of the first field.
                    self.quotes = Quotes::Begins;
                    continue;
                }
            }
            match byte {
                0 => return Err(Broken::NotText),
                b'\n' => self.line += 1,
                _ if character(byte).is_none() => drop(self.unknown.get_or_insert(self.line)),
                _ => {}
            }
            self.quotes = self.quotes.next(byte, self.line);
        }
        self.last = bytes.last().copied().or(self.last);
        self.count(bytes);
        Ok(())
    }

    /// Counts what is UTF-8 and what is not.
    fn count(&mut self, bytes: &[u8]) {
        let mut joined = std::mem::take(&mut self.begun);
        joined.extend_from_slice(bytes);
        let mut rest = joined.as_slice();
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            self.characters += several_bytes(valid);
            let Some(stray) = error.error_len() else {
                // It may go on in the next chunk.
                self.begun = after.to_vec();
                return;
            };
            self.strays += 1;
            rest = after.get(stray..).unwrap_or_default();
        }
        self.characters += several_bytes(rest);
    }

    fn end(self) -> Result<Whole, Broken> {
        let whole = |encoding| Whole { encoding, ends_a_line: self.last == Some(b'\n') };
        let encoding = if self.strays == 0 && self.begun.is_empty() {
            Encoding::Utf8
        } else if self.strays == 0 {
            return Err(Broken::HalfACharacter);
        } else if self.first == MARK || self.characters >= self.strays {
            return Err(Broken::DamagedUtf8);
        } else if let Some(line) = self.unknown {
            return Err(Broken::NoEncoding { line });
        } else {
            Encoding::Windows1252
        };
        match self.quotes {
            Quotes::In(line) => Err(Broken::OpenQuote { line }),
            Quotes::Begins | Quotes::Bare | Quotes::Behind(_) => Ok(whole(encoding)),
        }
    }
}

/// A file's text as UTF-8, without the mark, whatever it is written in.
pub(super) struct Decoded<R> {
    file: R,
    encoding: Encoding,
    /// What was decoded and not yet read, from `at` on.
    ready: Vec<u8>,
    at: usize,
    chunk: Vec<u8>,
    /// Whether the mark was looked for.
    begun: bool,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(file: R, encoding: Encoding) -> Self {
        Self { file, encoding, ready: Vec::new(), at: 0, chunk: vec![0; CHUNK], begun: false }
    }

    /// Decodes the next chunk. False at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let read = self.file.read(&mut self.chunk)?;
        let bytes = self.chunk.get(..read).unwrap_or_default();
        self.ready.clear();
        self.at = 0;
        match self.encoding {
            Encoding::Utf8 => self.ready.extend_from_slice(bytes),
            Encoding::Windows1252 => {
                let mut utf8 = [0; 4];
                for &byte in bytes {
                    let decoded = character(byte).unwrap_or(char::REPLACEMENT_CHARACTER);
                    self.ready.extend_from_slice(decoded.encode_utf8(&mut utf8).as_bytes());
                }
            }
        }
        if !std::mem::replace(&mut self.begun, true) && self.ready.starts_with(MARK) {
            self.at = MARK.len();
        }
        Ok(read > 0)
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let ready = self.ready.get(self.at..).unwrap_or_default();
        let length = ready.len().min(into.len());
        if let (Some(into), Some(ready)) = (into.get_mut(..length), ready.get(..length)) {
            into.copy_from_slice(ready);
        }
        self.at += length;
        Ok(length)
    }
}
