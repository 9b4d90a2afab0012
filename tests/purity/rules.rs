//! The rules that paths are held against.

use crate::source::Source;

/// What reaches out of a pure function: to the machine, its clock, its dice or its environment. Each is a part of
/// a path: `["std", "fs"]` is in `std::fs::read`.
pub(crate) const IMPURE: &[&[&str]] = &[
    &["tokio"],
    &["futures_util"],
    &["std", "env"],
    &["std", "fs"],
    &["std", "io"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "sync", "mpsc"],
    &["Mutex"],
    &["RwLock"],
    &["OnceLock"],
    &["LazyLock"],
    &["std", "thread"],
    &["SystemTime"],
    &["Instant"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["Uuid", "now_v1"],
    &["Uuid", "now_v6"],
    &["Uuid", "now_v7"],
    &["Uuid", "new_v4"],
    &["getrandom"],
    &["rand"],
    &["fastrand"],
    &["RandomState"],
    &["thread_rng"],
    &["rusqlite"],
    &["reqwest"],
    &["lettre"],
    &["lapin"],
    &["axum"],
    &["openidconnect"],
    &["tracing"],
    &["metrics"],
    &["opentelemetry"],
    &["println"],
    &["eprintln"],
    &["print"],
    &["eprint"],
    &["dbg"],
];

/// Collections whose order is another one in each run.
pub(crate) const UNORDERED: &[&[&str]] = &[&["HashMap"], &["HashSet"]];

/// Where a source names what it must not, as `line: path`.
pub(crate) fn names(source: &Source, forbidden: &[&[&str]]) -> Vec<String> {
    let is = |path: &[String], part: &[&str]| path.windows(part.len()).any(|some| some == part);
    let found = source.paths.iter().filter(|(_, path)| forbidden.iter().any(|part| is(path, part)));
    found.map(|(line, path)| format!("{line}: {}", path.join("::"))).collect()
}

/// Where a source names a crate (of `crates`, all that there are) which is not `allowed`, or a part of its own
/// crate that is not in `own`, as `line: path`.
pub(crate) fn strangers(source: &Source, crates: &[String], allowed: &[&str], own: &[&str]) -> Vec<String> {
    let stranger = |path: &[String]| match path {
        [first, second, ..] if first == "crate" => !own.is_empty() && !own.contains(&second.as_str()),
        [first, ..] => crates.contains(first) && !allowed.contains(&first.as_str()) && path.len() > 1,
        [] => false,
    };
    let found = source.paths.iter().filter(|(_, path)| stranger(path));
    found.map(|(line, path)| format!("{line}: {}", path.join("::"))).collect()
}
