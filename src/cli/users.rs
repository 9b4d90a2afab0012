//! `vouchsafe users` and `vouchsafe organisations`: support's lists from the command line.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use vouchsafe_events::{Actor, Email, OrganisationId, OrganisationKind, Ukprn};

use super::staff::open;
use super::{Configured, Failed, log};
use crate::app::{App, Entry, Failure};
use crate::bulk::{self, Fate, Known, Warning};
use crate::domain::organisation::users::Fresh;
use crate::domain::{PersonName, Reason};
use crate::web::when;

/// Lists, adds and removes the users of an organisation that cannot look after itself. The service may run meanwhile.
#[derive(Debug, Args)]
pub(super) struct Users {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists an organisation's users: email, name, since, last signed in and what to check, parted by tabs.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Puts somebody on an organisation's list.
    #[command(
        after_help = "Example:\n  vouchsafe users add --organisation 'Northern Training' --name 'Jane Doe' jane@northern.example"
    )]
    Add {
        #[command(flatten)]
        at: At,
        /// Their name.
        #[arg(long)]
        name: Option<String>,
        /// Their email address.
        email: String,
    },
    /// Takes somebody off an organisation's list, at once.
    Remove {
        #[command(flatten)]
        at: At,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Their email address.
        email: String,
    },
    /// Gives somebody another email address. They keep their places on all lists.
    ChangeEmail {
        #[command(flatten)]
        configured: Configured,
        /// The address that they have.
        from: String,
        /// The address that they get.
        to: String,
    },
    /// Puts many people on an organisation's list, from a CSV file or, with `-`, standard input.
    Import {
        #[command(flatten)]
        at: At,
        /// Only says what would become of each row.
        #[arg(long)]
        dry_run: bool,
        /// The file: a column `email` and, if you like, a column `name`.
        file: PathBuf,
    },
}

/// Which organisation.
#[derive(Debug, Args)]
struct At {
    #[command(flatten)]
    configured: Configured,
    /// The organisation: its name, its id, its UKPRN or its URN.
    #[arg(long, short)]
    organisation: String,
}

/// Registers organisations that are no schools, and says what they are. The service may run meanwhile.
#[derive(Debug, Args)]
pub(super) struct Organisations {
    #[command(subcommand)]
    what: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Lists the organisations for which support keeps a list: id, name, kinds and users, parted by tabs.
    List {
        #[command(flatten)]
        configured: Configured,
    },
    /// Registers an organisation.
    #[command(
        after_help = "Example:\n  vouchsafe organisations add --kind lead-provider --kind delivery-partner 'Northern Training'"
    )]
    Add {
        #[command(flatten)]
        configured: Configured,
        /// What it is; more than once if it is more than one thing.
        #[arg(long = "kind", required = true)]
        kinds: Vec<Kind>,
        /// Its UK provider reference number.
        #[arg(long)]
        ukprn: Option<String>,
        /// Its name.
        name: String,
    },
    /// Says what an organisation is, beside a school if it is one.
    Kinds {
        #[command(flatten)]
        at: At,
        /// All that it is.
        #[arg(long = "kind", required = true)]
        kinds: Vec<Kind>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Provides training programmes.
    LeadProvider,
    /// Delivers a lead provider's training.
    DeliveryPartner,
    /// Assures inductions.
    AppropriateBody,
}

impl From<Kind> for OrganisationKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::LeadProvider => Self::LeadProvider,
            Kind::DeliveryPartner => Self::DeliveryPartner,
            Kind::AppropriateBody => Self::AppropriateBody,
        }
    }
}

impl<R: std::error::Error + 'static> From<Failure<R>> for Failed {
    fn from(failure: Failure<R>) -> Self {
        match failure {
            Failure::Refused(refused) => Self::from(refused),
            Failure::Contended => {
                Self::new("others changed the same thing at the same time").hint("try again")
            }
            Failure::Unavailable(cause) => Self::from(cause),
        }
    }
}

fn email(text: &str) -> Result<Email, Failed> {
    text.parse().map_err(|error| Failed::new(format!("{text} is {error}")))
}

/// The organisation that is meant.
fn find(app: &App, wanted: &str) -> Result<OrganisationId, Failed> {
    let lower = wanted.trim().to_lowercase();
    let found: Vec<OrganisationId> = app.lists(|lists| {
        let matches = lists.organisations().filter(|one| {
            one.name.to_lowercase() == lower
                || one.id.to_string() == lower
                || one.ukprn.is_some_and(|ukprn| ukprn.to_string() == lower)
                || one.urn.is_some_and(|urn| urn.to_string() == lower)
        });
        matches.map(|one| one.id).collect()
    });
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(Failed::new(format!("no organisation is called {wanted}"))
            .hint("`vouchsafe organisations list` shows them")),
        several => Err(Failed::new(format!("{} organisations are called {wanted}", several.len()))
            .hint("name it by its id: `vouchsafe organisations list` shows it")),
    }
}

fn name(text: Option<&str>) -> Result<Option<PersonName>, Failed> {
    let name = text.map(PersonName::parse).transpose();
    name.map_err(|error| Failed::new(format!("the name cannot be taken: {error}")))
}

/// A warning in words.
fn words(warning: &Warning) -> String {
    match warning {
        Warning::NearMiss { meant } => format!("did you mean {meant}?"),
        Warning::OtherAlphabet { ascii } => format!("it has letters of another alphabet ({ascii})"),
    }
}

impl Users {
    pub(super) async fn run(self) -> Result<(), Failed> {
        match self.what {
            What::List { at } => {
                let core = open(&at.configured.load()?).await?;
                let listed = find(&core.app, &at.organisation).map(|id| list(&core.app, id));
                core.close().await?;
                listed
            }
            What::Add { at, name: text, email: address } => {
                let entry = Entry { email: email(&address)?, name: name(text.as_deref())? };
                let core = open(&at.configured.load()?).await?;
                let outcome = add(&core.app, &at.organisation, &entry).await;
                core.close().await?;
                outcome
            }
            What::Remove { at, reason, email: address } => {
                let address = email(&address)?;
                let reason = Reason::parse(&reason);
                let reason =
                    reason.map_err(|error| Failed::new(format!("the reason cannot be taken: {error}")))?;
                let core = open(&at.configured.load()?).await?;
                let outcome = remove(&core.app, &at.organisation, &address, &reason).await;
                core.close().await?;
                outcome
            }
            What::ChangeEmail { configured, from, to } => {
                let (from, to) = (email(&from)?, email(&to)?);
                let core = open(&configured.load()?).await?;
                let outcome = change_email(&core.app, &from, &to).await;
                core.close().await?;
                outcome
            }
            What::Import { at, dry_run, file } => {
                let rows = bulk::read(&bulk::decode(&contents(&file)?)?)?;
                let core = open(&at.configured.load()?).await?;
                let outcome = import(&core.app, &at.organisation, rows, dry_run).await;
                core.close().await?;
                outcome
            }
        }
    }
}

fn list(app: &App, id: OrganisationId) {
    let people: Vec<_> = app.lists(|lists| {
        let Some(found) = lists.organisation(id) else { return Vec::new() };
        let last = |person| found.last_signed_in.get(person).copied();
        found.listed.iter().map(|(person, listed)| (*person, listed.since, last(person))).collect()
    });
    for (person, since, last) in people {
        let address = app.email_of(person);
        let check = address.parse().ok().and_then(|address| bulk::warning(&address, &[]));
        let check = check.as_ref().map(words).unwrap_or_default();
        let last = last.map_or_else(|| "never".to_owned(), when::date_iso);
        log::data(&format!("{address}\t{}\t{}\t{last}\t{check}", app.name_of(person), when::date_iso(since)));
    }
}

async fn add(app: &App, organisation: &str, entry: &Entry) -> Result<(), Failed> {
    let id = find(app, organisation)?;
    if let Some(warning) = bulk::warning(&entry.email, &[]) {
        log::say(&format!("check the address {}: {}", entry.email.as_str(), words(&warning)));
    }
    app.list_user(id, entry, Actor::Operator, true).await?;
    log::say(&format!(
        "{} is on the list of {} from now on.",
        entry.email.as_str(),
        app.organisation_name(id)
    ));
    Ok(())
}

async fn remove(app: &App, organisation: &str, address: &Email, reason: &Reason) -> Result<(), Failed> {
    let id = find(app, organisation)?;
    let person = app.person_of(address).ok_or_else(|| Failed::new("nobody is known by that address"))?;
    app.unlist_user(id, person, reason, Actor::Operator).await?;
    log::say(&format!("{} is no longer on the list of {}.", address.as_str(), app.organisation_name(id)));
    Ok(())
}

async fn change_email(app: &App, from: &Email, to: &Email) -> Result<(), Failed> {
    let person = app.person_of(from).ok_or_else(|| Failed::new("nobody is known by that address"))?;
    app.change_user_email(person, to, Actor::Operator).await?;
    log::say(&format!("{} is {} from now on.", from.as_str(), to.as_str()));
    Ok(())
}

/// What a file holds, or standard input.
fn contents(file: &Path) -> Result<Vec<u8>, Failed> {
    let unreadable = |error| Failed::new(format!("{} cannot be read: {error}", file.display()));
    let mut bytes = Vec::new();
    let most = u64::try_from(bulk::MOST_BYTES).unwrap_or(u64::MAX);
    if file == Path::new("-") {
        std::io::stdin().take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        std::fs::File::open(file)
            .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
    }
    if bytes.len() > bulk::MOST_BYTES {
        return Err(Failed::new(format!("{} is larger than 1 MiB", file.display())).hint("split it"));
    }
    Ok(bytes)
}

async fn import(app: &App, organisation: &str, rows: Vec<bulk::Row>, dry_run: bool) -> Result<(), Failed> {
    let id = find(app, organisation)?;
    let known = |email: &Email| {
        let listed = app.person_of(email).is_some_and(|person| {
            app.lists(|lists| lists.organisation(id).is_some_and(|one| one.listed.contains_key(&person)))
        });
        if listed { Known::Listed } else { Known::Nothing }
    };
    let fates = bulk::fates(rows, &[], known);
    let entries: Vec<Entry> = fates.iter().filter_map(|(_, fate)| fate.entry()).cloned().collect();
    let outcomes =
        if dry_run { Vec::new() } else { app.list_users(id, &entries, Actor::Operator, true).await };
    let mut outcomes = outcomes.into_iter();
    let (mut added, mut left) = (0, 0);
    for (row, fate) in fates {
        let failed = fate.entry().and_then(|_| outcomes.next()?.err());
        let said = match (&fate, failed) {
            (_, Some(failure)) => Err(Failed::from(failure).text),
            (Fate::Add { warning, .. }, None) => {
                added += 1;
                let check = warning.as_ref().map(|warning| format!(", but check it: {}", words(warning)));
                let done = if dry_run { "would be added" } else { "added" };
                Ok(format!("{done}{}", check.unwrap_or_default()))
            }
            (Fate::Propose { .. } | Fate::Listed, None) => Ok("on the list already".to_owned()),
            (Fate::Twice { line }, None) => Err(format!("the same address as in line {line}")),
            (Fate::NoEmail, None) => Err("no email address".to_owned()),
            (Fate::NotAnEmail, None) => Err("not an email address".to_owned()),
            (Fate::NameTooLong, None) => Err("the name is too long".to_owned()),
        };
        let said = said.unwrap_or_else(|why| {
            left += 1;
            format!("left out: {why}")
        });
        log::data(&format!("{}\t{}\t{said}", row.line, row.email));
    }
    let done = if dry_run { "would be put" } else { "were put" };
    log::say(&format!(
        "{added} people {done} on the list of {}; {left} rows were left out.",
        app.organisation_name(id)
    ));
    Ok(())
}

impl Organisations {
    pub(super) async fn run(self) -> Result<(), Failed> {
        match self.what {
            Work::List { configured } => {
                let core = open(&configured.load()?).await?;
                let all: Vec<_> = core.app.lists(|lists| {
                    let with_list = lists.organisations().filter(|one| one.has_user_list());
                    with_list
                        .map(|one| (one.id, one.name.clone(), one.kinds.clone(), one.listed.len()))
                        .collect()
                });
                for (id, name, kinds, users) in all {
                    log::data(&format!("{id}\t{name}\t{}\t{users}", crate::web::kinds::kinds(&kinds)));
                }
                core.close().await?;
            }
            Work::Add { configured, kinds, ukprn, name } => {
                let ukprn = ukprn.as_deref().map(str::parse::<Ukprn>).transpose()?;
                let kinds = kinds.into_iter().map(Into::into).collect();
                let fresh = Fresh { name: name.trim().into(), kinds, ukprn };
                let name = name.trim();
                if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
                    return Err(Failed::new("the name must be 1 to 200 characters on one line"));
                }
                let core = open(&configured.load()?).await?;
                if find(&core.app, name).is_ok() {
                    core.close().await?;
                    return Err(Failed::new(format!("an organisation called {name} is registered already")));
                }
                let registered = core.app.register_organisation(&fresh, Actor::Operator).await;
                core.close().await?;
                log::data(&registered?.to_string());
            }
            Work::Kinds { at, kinds } => {
                let core = open(&at.configured.load()?).await?;
                let outcome = change_kinds(&core.app, &at.organisation, kinds).await;
                core.close().await?;
                outcome?;
            }
        }
        Ok(())
    }
}

async fn change_kinds(app: &App, organisation: &str, kinds: Vec<Kind>) -> Result<(), Failed> {
    let id = find(app, organisation)?;
    let mut kinds: Vec<OrganisationKind> = kinds.into_iter().map(Into::into).collect();
    let school =
        app.lists(|lists| lists.organisation(id).is_some_and(|one| one.is(OrganisationKind::School)));
    if school {
        kinds.push(OrganisationKind::School);
    }
    app.change_kinds(id, &kinds, Actor::Operator).await?;
    log::say(&format!("{} is as you said.", app.organisation_name(id)));
    Ok(())
}
