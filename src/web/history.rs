//! What is served of the proof of the history: the last checkpoint, to everybody; the tree's hashes and the events, as
//! C2SP tlog-tiles has them, where the settings say so.
//!
//! Nothing is served of what came after the last checkpoint.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use vouchsafe_events::Position;

use super::{Problem, Site, links};
use crate::audit::proof::{Leaf, Notary, ProofError, ProofSettings, Signed};
use crate::errors::Chain;

/// How many hashes, or events, a tile has.
const FULL: u64 = 256;

/// What is served.
pub struct History {
    /// What tells the last checkpoint.
    pub notary: Arc<Notary>,
    /// Whether more than that is served.
    pub settings: ProofSettings,
}

pub(super) fn routes(history: Option<&History>) -> Router<Site> {
    let mut routes = Router::new();
    let Some(History { settings, .. }) = history else { return routes };
    routes = routes.route(links::CHECKPOINT, get(checkpoint));
    if settings.tiles {
        routes = routes.route(links::TILE, get(tile));
    }
    if settings.tiles && settings.entries {
        routes = routes.route(links::ENTRIES, get(entries));
    }
    routes
}

fn history(site: &Site) -> Result<&History, Problem> {
    site.history.as_ref().ok_or(Problem::NotFound)
}

/// The last checkpoint; not found if nothing was signed yet.
async fn last(history: &History) -> Result<Arc<Signed>, Problem> {
    let last = history.notary.last().await.map_err(|error| unavailable(&error))?;
    last.ok_or(Problem::NotFound)
}

fn unavailable(error: &ProofError) -> Problem {
    tracing::warn!(error = %Chain(error), "the proof of the history is not served");
    Problem::Unavailable
}

async fn checkpoint(State(site): State<Site>) -> Result<Response, Problem> {
    let last = last(history(&site)?).await?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, last.note.clone()).into_response())
}

/// Bytes that never change.
fn lasting(bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, bytes).into_response()
}

/// Which tile is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    number: u64,
    width: u64,
}

impl Asked {
    /// Reads the number of a tile: groups of three digits, all but the last with an x before them, and the width of one
    /// that is not full.
    fn parse(text: &str) -> Option<Self> {
        let (number, width) = match text.split_once(".p/") {
            None => (text, FULL),
            Some((number, width)) => (number, width.parse().ok().filter(|it: &u64| it.to_string() == width)?),
        };
        let mut groups: Vec<&str> = number.split('/').collect();
        let last = groups.pop()?;
        if groups.first().is_some_and(|first| *first == "x000") || groups.len() > 5 || width > FULL {
            return None;
        }
        let groups = groups.into_iter().map(|group| group.strip_prefix('x')).chain([Some(last)]);
        let number = groups.into_iter().try_fold(0_u64, |number, group| {
            let group =
                group.filter(|group| group.len() == 3 && group.bytes().all(|it| it.is_ascii_digit()))?;
            Some(1000 * number + group.parse::<u64>().ok()?)
        })?;
        // A full tile has no width in its name.
        let partial = text.contains(".p/");
        (width > 0 && partial == (width < FULL)).then_some(Self { number, width })
    }

    /// The first hash or event, if all of the tile are among `size`.
    fn within(self, size: u64) -> Option<u64> {
        let first = self.number.checked_mul(FULL)?;
        (first.checked_add(self.width)? <= size).then_some(first)
    }
}

async fn tile(
    State(site): State<Site>,
    Path((level, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let history = history(&site)?;
    let asked = Asked::parse(&number).ok_or(Problem::NotFound)?;
    let level: u8 = level.parse().ok().filter(|it: &u8| it.to_string() == level).ok_or(Problem::NotFound)?;
    let there = last(history).await?.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
    let first = asked.within(there).ok_or(Problem::NotFound)?;
    let tree = Arc::clone(history.notary.tree());
    let read = tokio::task::spawn_blocking(move || tree.tile(level, first, asked.width));
    let bytes = read.await.map_err(|_| Problem::Internal)?;
    // An instance may be behind the one that signed.
    Ok(lasting(bytes.map_err(|error| unavailable(&error.into()))?))
}

async fn entries(State(site): State<Site>, Path(number): Path<String>) -> Result<Response, Problem> {
    let history = history(&site)?;
    let asked = Asked::parse(&number).ok_or(Problem::NotFound)?;
    let first = asked.within(last(history).await?.size).ok_or(Problem::NotFound)?;
    let tree = Arc::clone(history.notary.tree());
    let read = tokio::task::spawn_blocking(move || tree.leaves(first, asked.width));
    let leaves = read.await.map_err(|_| Problem::Internal)?.map_err(|error| unavailable(&error.into()))?;
    let width = usize::try_from(asked.width).map_err(|_| Problem::NotFound)?;
    if leaves.len() < width {
        return Err(Problem::Unavailable);
    }
    let before = leaves.first().map_or(0, |leaf| leaf.position.number().saturating_sub(1));
    let events = history.notary.store().read_all(Position::new(before), width).await.map_err(|error| {
        tracing::warn!(error = %Chain(&error), "events are not served");
        Problem::Unavailable
    })?;
    if !events.iter().map(Leaf::of).eq(leaves) {
        tracing::error!(
            first,
            "the event log is not as it was signed: `vouchsafe audit verify` names what differs"
        );
        return Err(Problem::Internal);
    }
    let mut bytes = Vec::new();
    for event in events {
        let length = u16::try_from(event.bytes.len()).map_err(|_| Problem::Internal)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&event.bytes);
    }
    Ok(lasting(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_go_by_the_names_that_tlog_tiles_gives_them() {
        let tile = |number, width| Some(Asked { number, width });
        for (text, wanted) in [
            ("000", tile(0, 256)),
            ("067", tile(67, 256)),
            ("x001/x234/067", tile(1_234_067, 256)),
            ("x001/000", tile(1_000, 256)),
            ("000.p/1", tile(0, 1)),
            ("x001/000.p/255", tile(1_000, 255)),
        ] {
            assert_eq!(Asked::parse(text), wanted, "{text}");
        }
        for text in [
            "",
            "0",
            "00",
            "0000",
            "x000",
            "x000/001",
            "001/002",
            "x001",
            "x01/002",
            "000.p/0",
            "000.p/256",
            "000.p/01",
            "000.p/",
            "000.p",
            "-01",
            "x001/x002/+03",
            "000.p/1/2",
            "x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Asked::parse(text), None, "{text}");
        }
        assert_eq!(Asked { number: 1, width: 256 }.within(512), Some(256));
        assert_eq!(Asked { number: 1, width: 256 }.within(511), None);
        assert_eq!(Asked { number: 1, width: 3 }.within(259), Some(256));
        assert_eq!(Asked { number: u64::MAX, width: 3 }.within(u64::MAX), None);
    }
}
