//! What an administrator tells the server once, before the service uses it: who may read and write, and how much
//! is kept of the cells.

use eventstore::{EventData, ExpectedRevision};
use serde_json::{Value, json};

use super::cells::{KEPT, new_id, stream_of};
use super::connection::Connection;
use super::options::EventStoreDbOptions;
use super::trouble::{Failure, Trouble};
use crate::random::Random;
use crate::store::{CellName, StoreError};

/// What [`prepare`] did about one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The stream that holds the setting.
    pub stream: String,
    /// Whether it was set. If not, somebody had set it before, and it was left as it is: look whether it is right.
    pub set: bool,
}

/// Tells the server, as the administrator whose credentials `options` holds:
///
/// * that only the user `service` and administrators read and write streams, and only administrators delete
///   them or say what is kept of them (`$settings`); the server should be this service's alone;
/// * that the user may read everything (`$$$all`);
/// * that only the last documents of each cell are kept.
///
/// It can be repeated: what is set already is left alone.
pub async fn prepare(
    options: &EventStoreDbOptions,
    service: &str,
    cells: &[CellName],
) -> Result<Vec<Prepared>, StoreError> {
    let connection = Connection::new(options)?;
    let random = Random::default();
    let both = json!([service, "$admins"]);
    let streams = json!({ "$r": both, "$w": both, "$d": "$admins", "$mr": both, "$mw": "$admins" });
    let mut done = vec![
        set(&connection, &random, "$settings", "$settings", json!({ "$userStreamAcl": streams })).await?,
        set(&connection, &random, "$$$all", "$metadata", json!({ "$acl": { "$r": both } })).await?,
    ];
    for cell in cells {
        let metadata = format!("$${}", stream_of(cell));
        done.push(set(&connection, &random, &metadata, "$metadata", json!({ "$maxCount": KEPT })).await?);
    }
    connection.close();
    Ok(done)
}

async fn set(
    connection: &Connection,
    random: &Random,
    stream: &str,
    kind: &str,
    content: Value,
) -> Result<Prepared, StoreError> {
    let event = EventData::json(kind, &content).map_err(|error| Trouble::Refused(error.to_string()))?;
    let event = event.id(new_id(random)?);
    let answer = connection.send(stream, ExpectedRevision::NoStream, || vec![event.clone()]).await?;
    let set = match answer {
        Ok(_) => true,
        Err(Failure::Conflict(_)) => false,
        Err(failure) => return Err(failure.told(Some(stream))),
    };
    Ok(Prepared { stream: stream.to_owned(), set })
}
