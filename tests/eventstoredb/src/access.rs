//! Who may do what: users, and the access control lists in streams' metadata.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::log::Log;

/// Someone who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// Whether the user is in `$admins`, who may do anything.
    pub admin: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Read,
    Write,
    Delete,
}

/// Who asks: none without credentials. Wrong ones are refused before anything else is looked at.
pub(crate) fn caller<'a>(users: &'a [User], headers: &MetadataMap) -> Result<Option<&'a User>, Status> {
    let Some(header) = headers.get("authorization") else { return Ok(None) };
    let wrong = || Status::unauthenticated("the user name or the password is wrong");
    let sent = header
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Basic "))
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(wrong)?;
    let (name, password) = sent.split_once(':').ok_or_else(wrong)?;
    let found = users.iter().find(|user| user.name == name && user.password == password);
    found.map(Some).ok_or_else(wrong)
}

/// Refuses what the stream's access control list does not allow. With no users at all, the server is in
/// insecure mode, where everybody may do everything.
pub(crate) fn check(
    users: &[User],
    headers: &MetadataMap,
    log: &Log,
    stream: &str,
    act: Act,
) -> Result<(), Status> {
    if users.is_empty() {
        return Ok(());
    }
    let caller = caller(users, headers)?;
    if stream == "$all" && act != Act::Read {
        return Err(denied());
    }
    if caller.is_some_and(|user| user.admin) {
        return Ok(());
    }
    // Who may read and write a stream's metadata is told by the stream that it is of.
    let (of, name) = match (stream.strip_prefix("$$"), act) {
        (Some(of), Act::Read) => (of, "$mr"),
        (Some(of), Act::Write | Act::Delete) => (of, "$mw"),
        (None, Act::Read) => (stream, "$r"),
        (None, Act::Write) => (stream, "$w"),
        (None, Act::Delete) => (stream, "$d"),
    };
    let system = of.starts_with('$');
    let allowed = |role: &str| role == "$all" || caller.is_some_and(|user| user.name == role);
    // The stream's own list, then the server's settings, then what a server has that nobody set up.
    let own = log.metadata(of);
    let settings = log.settings();
    let general = settings.get(if system { "$systemStreamAcl" } else { "$userStreamAcl" });
    let roles = own.get("$acl").and_then(|acl| acl.get(name)).or_else(|| general?.get(name));
    let may = match roles {
        Some(Value::String(role)) => allowed(role),
        Some(Value::Array(roles)) => roles.iter().filter_map(Value::as_str).any(allowed),
        _ => allowed(if system { "$admins" } else { "$all" }),
    };
    if may {
        return Ok(());
    }
    Err(denied())
}

fn denied() -> Status {
    let mut status = Status::permission_denied("Access Denied");
    status.metadata_mut().insert("exception", tonic::metadata::MetadataValue::from_static("access-denied"));
    status
}
