//! `vouchsafe audit timeline`: what happened, as sentences.

use std::sync::Arc;

use clap::Args;
use serde_json::json;
use vouchsafe_events::{Actor, KINDS, OrganisationId, PersonId, Timestamp, decode};

use super::{Configured, Failed, a_start, an_instant, log, open};
use crate::audit::{Filter, Timeline as Index, sentence};
use crate::config::Config;
use crate::runtime::Core;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  vouchsafe audit timeline --config vouchsafe.toml --type access-granted --from 2026-03-01 --to 2026-03-14"
)]
pub(super) struct Timeline {
    #[command(flatten)]
    configured: Configured,
    /// Only what belongs to this organisation. May be given several times.
    #[arg(long, value_name = "ID")]
    organisation: Vec<OrganisationId>,
    /// Only what concerns this person: happened to them, names them, or was done by them.
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// Only what this one did: person:ID, operator, system, or reactor:NAME.
    #[arg(long, value_name = "ACTOR")]
    actor: Option<Actor>,
    /// Only events of this type, such as `access-granted`. May be given several times.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only from this instant on; a date alone is the beginning of that day in London.
    #[arg(long, value_name = "INSTANT", value_parser = a_start)]
    from: Option<Timestamp>,
    /// Only up to this instant; a date alone is the end of that day in London.
    #[arg(long, value_name = "INSTANT", value_parser = an_instant)]
    to: Option<Timestamp>,
    /// At most so many, the newest; 0 for all.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// Writes an object a line instead.
    #[arg(long)]
    json: bool,
}

impl Timeline {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let kinds: Vec<&'static str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        if let Some(unknown) = self.types.iter().find(|name| !kinds.contains(&name.as_str())) {
            let hint = format!("the types are: {}", kinds.join(", "));
            return Err(Failed::new(format!("{unknown} is no type of event")).hint(hint));
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            return Err(Failed::new("--to is before --from"));
        }
        let config = self.configured.load()?;
        let core = open(&config).await?;
        let told = self.tell(&config, &core).await;
        core.close().await?;
        told
    }

    fn filter(&self) -> Filter {
        let wanted = |kind: &&'static str| self.types.iter().any(|name| name == kind);
        Filter {
            organisations: (!self.organisation.is_empty()).then(|| self.organisation.clone()),
            person: self.person,
            actor: self.actor,
            kinds: KINDS.iter().map(|(kind, _)| *kind).filter(wanted).collect(),
            from: self.from,
            // A filter ends before its end.
            to: self.to.map(|to| Timestamp::from_micros(to.micros().saturating_add(1))),
        }
    }

    async fn tell(&self, config: &Config, core: &Core) -> Result<(), Failed> {
        let store = core.app.store();
        let index = Arc::new(Index::open(&config.storage.timeline())?);
        index.catch_up_with(store.as_ref()).await?;
        let (mut before, mut told) = (None, 0);
        loop {
            let found = index.search(self.filter(), before).await?;
            for position in found.positions {
                let Some(stored) = store.at(position).await? else { continue };
                let recorded = decode(position, &stored.bytes)?;
                let said = sentence(&core.app, &recorded);
                let (at, actor) = (recorded.envelope.at, recorded.envelope.actor);
                let line = if self.json {
                    let kind = recorded.event.kind();
                    json!({ "position": position, "at": at, "type": kind, "actor": actor, "sentence": said })
                        .to_string()
                } else {
                    format!("{position}\t{at}\t{said}")
                };
                if !log::data(&line) {
                    return Ok(());
                }
                told += 1;
                if told == self.limit {
                    return Ok(());
                }
            }
            before = found.older;
            if before.is_none() {
                return Ok(());
            }
        }
    }
}
