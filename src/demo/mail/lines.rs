//! Reading lines that end in CRLF, never holding more than the limit.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What the client sent up to a CRLF.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its CRLF. A bare CR or LF in it is kept: only the pair ends a line, so that client and
    /// server never disagree about where a message ends.
    Text(Vec<u8>),
    /// A line over the limit; it was read to its end and thrown away.
    TooLong,
    /// The connection was closed.
    End,
}

/// Reads a line of at most `limit` bytes, its CRLF included.
///
/// Waiting longer than `wait` for more bytes is an error of kind `TimedOut`.
pub(super) async fn read_line(
    from: &mut (impl AsyncBufRead + Unpin),
    limit: usize,
    wait: Duration,
) -> Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    let mut after_cr = false;
    loop {
        let bytes = tokio::time::timeout(wait, from.fill_buf())
            .await
            .map_err(|_| Error::from(ErrorKind::TimedOut))??;
        if bytes.is_empty() {
            return Ok(Line::End);
        }
        let mut used = 0;
        let mut ended = false;
        for byte in bytes {
            used += 1;
            if line.len() < limit {
                line.push(*byte);
            } else {
                too_long = true;
            }
            if after_cr && *byte == b'\n' {
                ended = true;
                break;
            }
            after_cr = *byte == b'\r';
        }
        from.consume(used);
        if ended {
            if too_long {
                return Ok(Line::TooLong);
            }
            line.truncate(line.len().saturating_sub(2));
            return Ok(Line::Text(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(mut bytes: &[u8], limit: usize) -> Vec<Line> {
        let mut found = Vec::new();
        loop {
            match read_line(&mut bytes, limit, Duration::from_secs(1)).await.unwrap() {
                Line::End => return found,
                line => found.push(line),
            }
        }
    }

    #[tokio::test]
    async fn only_cr_and_lf_together_end_a_line() {
        let found = lines(b"a\nb\rc\r\n\r\nd", 100).await;
        assert_eq!(found, [Line::Text(b"a\nb\rc".to_vec()), Line::Text(Vec::new())]);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_read_to_its_end() {
        let found = lines(b"1234567\r\n12345678\r\n123456789\r\nx\r\n", 10).await;
        let text = |text: &str| Line::Text(text.as_bytes().to_vec());
        assert_eq!(found, [text("1234567"), text("12345678"), Line::TooLong, text("x")]);
    }

    #[tokio::test]
    async fn a_silent_client_is_not_waited_for_without_end() {
        let (_silent, from) = tokio::io::duplex(64);
        let mut from = tokio::io::BufReader::new(from);
        let error = read_line(&mut from, 10, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
