//! Many users at once: reads them, shows what would become of each row, and puts them on the list once that is
//! confirmed. What is confirmed is read and checked again.

use askama::Template;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::{Email, OrganisationId};
use vouchsafe_projections::Organisation;

use super::organisation::{in_plain_words, own_domains, why};
use super::{actor, found};
use crate::app::{Entry, Listing};
use crate::bulk::{self, Fate, Known, Row};
use crate::web::form::{self, Faults, Personal};
use crate::web::path::Id;
use crate::web::problem::refused;
use crate::web::words::counted;
use crate::web::{Frame, Problem, Reply, Site, Support, links};

/// The form.
#[derive(Template)]
#[template(path = "web/support/import.html")]
struct Page {
    frame: Frame,
    organisation: Organisation,
    text: String,
    faults: Faults,
    most_rows: usize,
}

/// A row with its fate in words.
struct Shown {
    line: u64,
    email: String,
    name: String,
    fate: String,
    /// Whether it needs to be looked at.
    check: bool,
}

/// What would happen.
#[derive(Template)]
#[template(path = "web/support/preview.html")]
struct Preview {
    frame: Frame,
    organisation: Organisation,
    rows: Vec<Shown>,
    /// How many would be put on the list.
    adds: usize,
    /// What is sent when it is confirmed.
    confirmed: String,
}

/// What happened, if not all went well.
#[derive(Template)]
#[template(path = "web/support/imported.html")]
struct Imported {
    frame: Frame,
    organisation: Organisation,
    added: usize,
    proposed: usize,
    failed: Vec<(String, &'static str)>,
}

fn respond(frame: Frame, organisation: Organisation, text: String, faults: Faults) -> Result<Reply, Problem> {
    let status = faults.status();
    let page = Page { frame, organisation, text, faults, most_rows: bulk::MOST_ROWS };
    Reply::page_with(status, &page)
}

/// The form.
pub(super) async fn form(
    State(site): State<Site>,
    _: Support,
    Id(id): Id<OrganisationId>,
    frame: Frame,
) -> Result<Reply, Problem> {
    respond(frame, found(&site, id)?, String::new(), Faults::default())
}

/// What a browser sends of the form: the file if there is one, and what was pasted.
#[derive(Default)]
struct Upload {
    token: String,
    pasted: String,
    file: Vec<u8>,
}

impl Upload {
    async fn read(mut form: Multipart) -> Result<Self, MultipartError> {
        let mut upload = Self::default();
        while let Some(field) = form.next_field().await? {
            match field.name() {
                Some("form_token") => upload.token = field.text().await?,
                Some("pasted") => upload.pasted = String::from_utf8_lossy(&field.bytes().await?).into_owned(),
                Some("file") => upload.file = field.bytes().await?.to_vec(),
                _ => {}
            }
        }
        Ok(upload)
    }
}

fn too_large(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE { Problem::TooLarge } else { Problem::BadRequest }
}

/// Reads the rows and shows what would become of them.
pub(super) async fn preview(
    State(site): State<Site>,
    by: Support,
    Id(id): Id<OrganisationId>,
    frame: Frame,
    request: Request,
) -> Result<Reply, Problem> {
    let headers = request.headers().clone();
    let multipart = Multipart::from_request(request, &site).await.map_err(|_| Problem::BadRequest)?;
    let upload = Upload::read(multipart).await.map_err(|error| too_large(&error))?;
    if !form::is_personal(&headers, &by, &upload.token) {
        return Err(Problem::FormExpired);
    }
    let organisation = found(&site, id)?;
    let mut faults = Faults::default();
    let field = if upload.file.is_empty() { "pasted" } else { "file" };
    let text = match (upload.file.is_empty(), upload.pasted.trim().is_empty()) {
        (false, true) => bulk::decode(&upload.file),
        (true, false) => Ok(upload.pasted.clone()),
        (false, false) => {
            faults.add("pasted", "Choose a file or paste rows, not both");
            return respond(frame, organisation, upload.pasted, faults);
        }
        (true, true) => {
            faults.add("file", "Choose a file, or paste rows below");
            return respond(frame, organisation, upload.pasted, faults);
        }
    };
    match text.and_then(|text| bulk::read(&text)) {
        Ok(rows) => Reply::page(&preview_of(&site, &by, frame, organisation, rows)),
        Err(why) => {
            faults.add(field, format!("This cannot be read: {why}"));
            respond(frame, organisation, upload.pasted, faults)
        }
    }
}

/// What is known of an address here.
fn known(site: &Site, by: &Support, organisation: &Organisation, email: &Email) -> Known {
    match site.app.person_of(email) {
        Some(person) if organisation.listed.contains_key(&person) => Known::Listed,
        Some(person) if person == by.person && site.settings.two_person_rule => Known::Oneself,
        _ => Known::Nothing,
    }
}

fn fates(site: &Site, by: &Support, organisation: &Organisation, rows: Vec<Row>) -> Vec<(Row, Fate)> {
    let own = own_domains(site, organisation);
    bulk::fates(rows, &own, |email| known(site, by, organisation, email))
}

fn preview_of(
    site: &Site,
    by: &Support,
    frame: Frame,
    organisation: Organisation,
    rows: Vec<Row>,
) -> Preview {
    let fates = fates(site, by, &organisation, rows);
    let entries: Vec<&Entry> = fates.iter().filter_map(|(_, fate)| fate.entry()).collect();
    let confirmed = confirmable(&entries);
    let rows = fates.iter().map(|(row, fate)| shown(row, fate)).collect();
    Preview { frame, adds: entries.len(), organisation, rows, confirmed }
}

/// The rows that can be confirmed, in one form.
fn confirmable(entries: &[&Entry]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut written = writer.write_record(["email", "name"]).is_ok();
    for entry in entries {
        let name = entry.name.as_ref().map_or("", |name| name.as_str());
        written &= writer.write_record([entry.email.as_str(), name]).is_ok();
    }
    let bytes = if written { writer.into_inner().unwrap_or_default() } else { Vec::new() };
    String::from_utf8(bytes).unwrap_or_default()
}

fn shown(row: &Row, fate: &Fate) -> Shown {
    let (words, check) = match fate {
        Fate::Add { warning: None, .. } => ("Will be added".to_owned(), false),
        Fate::Add { warning: Some(warning), .. } => {
            (format!("Will be added. {}", in_plain_words(warning)), true)
        }
        Fate::Propose { .. } => ("This is you: a second support agent has to agree".to_owned(), true),
        Fate::Listed => ("On the list already".to_owned(), false),
        Fate::Twice { line } => (format!("The same address as in line {line}"), true),
        Fate::NoEmail => ("No email address".to_owned(), true),
        Fate::NotAnEmail => ("Not an email address, like name@example.com".to_owned(), true),
        Fate::NameTooLong => ("The name is longer than 100 characters".to_owned(), true),
    };
    Shown { line: row.line, email: row.email.clone(), name: row.name.clone(), fate: words, check }
}

#[derive(Debug, Deserialize)]
pub(super) struct Confirmed {
    #[serde(default)]
    rows: String,
}

/// Puts everybody on the list who can be.
pub(super) async fn confirm(
    State(site): State<Site>,
    by: Support,
    Id(id): Id<OrganisationId>,
    frame: Frame,
    Personal(Confirmed { rows }): Personal<Confirmed>,
) -> Result<Reply, Problem> {
    let organisation = found(&site, id)?;
    let rows = bulk::read(&rows).map_err(|_| Problem::BadRequest)?;
    let (mut added, mut proposed, mut failed) = (0, 0, Vec::new());
    let fates = fates(&site, &by, &organisation, rows);
    let entries: Vec<Entry> = fates.iter().filter_map(|(_, fate)| fate.entry()).cloned().collect();
    let rule = site.settings.two_person_rule;
    let outcomes = site.app.list_users(id, &entries, actor(&by), rule).await;
    for (entry, outcome) in entries.iter().zip(outcomes) {
        match outcome {
            Ok(Listing::Added(_)) => added += 1,
            Ok(Listing::Proposed(_)) => proposed += 1,
            Err(failure) => {
                let words = match refused(failure) {
                    Ok(refusal) => why(refusal),
                    Err(_) => "The service could not finish this. Try again",
                };
                failed.push((entry.email.as_str().to_owned(), words));
            }
        }
    }
    let written = site.app.following().position();
    let reply = Reply::to(&links::support_organisation(&id)).wrote(written);
    if entries.is_empty() {
        return Ok(reply.notes("Nobody was added: everybody is on the list already."));
    }
    if failed.is_empty() && proposed == 0 {
        let people = counted(added, "person has been put", "people have been put");
        return Ok(reply.done(format!("{people} on the list. We are telling them by email.")));
    }
    Ok(Reply::page(&Imported { frame, organisation, added, proposed, failed })?.wrote(written))
}
