//! Keeps approvers in step with DfE Sign-in, where DfE lets the service see who they are.
//!
//! The list that DfE's API gives is walked page by page and may change meanwhile: a row that moved is missed.
//! So an approver is stood down only when two walks in a row did not name them. A walk that is not the whole list,
//! by its own count, or that is empty, says of nobody that they are no approver; nor does a row whose school cannot
//! be told say that of its person.

mod missed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;
use vouchsafe_events::{Actor, ApproverBasis, OrganisationId, PersonId, Reactor, Refusal};

use missed::{Missed, Said};

use super::{Stop, pause, why};
use crate::app::{App, Cause, Place, claims};
use crate::domain::organisation::Observed;
use crate::errors::Chain;
use crate::identity::dfe_api::{Account, ApiError, ApproverRow, DfeApi, OrganisationRole};
use crate::{metrics, traces};

/// Asks DfE Sign-in at intervals until it is told to stop.
pub async fn run(app: Arc<App>, api: Arc<DfeApi>, issuer: String, every: Duration, mut stop: Stop) {
    let mut poll = Poll { app, api, issuer, missed: Missed::default(), noted: BTreeMap::new() };
    let mut allowed = true;
    loop {
        let begun = std::time::Instant::now();
        match poll.once().instrument(traces::reactor(Reactor::Approvers)).await {
            Ok(walked) => {
                tracing::info!(
                    rows = walked.rows,
                    whole = walked.whole,
                    changed = walked.changed,
                    "approvers are in step with DfE Sign-in"
                );
                allowed = true;
            }
            Err(ApiError::NotAllowed) => {
                // Said once, not every quarter of an hour.
                if std::mem::replace(&mut allowed, false) {
                    tracing::warn!(
                        "DfE Sign-in does not let this service see who the approvers are: they are known from their own sign-ins alone. Ask DfE to set canViewApproverReport for the service"
                    );
                }
            }
            Err(error) => {
                metrics::reactor_failed(Reactor::Approvers.name());
                tracing::warn!(error = %Chain(&error), "DfE Sign-in did not say who the approvers are");
            }
        }
        metrics::reactor_round(Reactor::Approvers, begun.elapsed(), poll.app.now());
        if !pause(&mut stop, every).await {
            return;
        }
    }
}

/// What one walk came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// How many rows DfE gave.
    pub rows: usize,
    /// Whether these were all, so that whoever is not among them is no approver.
    pub whole: bool,
    /// How many approvers were established or stood down.
    pub changed: usize,
}

/// Asks DfE Sign-in who the approvers are.
pub struct Poll {
    app: Arc<App>,
    api: Arc<DfeApi>,
    issuer: String,
    /// Whom the last walk did not name.
    missed: Missed,
    /// What DfE Sign-in said of each school at the last walk, so that a school's stream is not read at each.
    noted: BTreeMap<OrganisationId, Observed>,
}

impl Poll {
    /// A poll that has not walked yet.
    pub fn new(app: Arc<App>, api: Arc<DfeApi>, issuer: String) -> Self {
        Self { app, api, issuer, missed: Missed::default(), noted: BTreeMap::new() }
    }

    /// Walks the list once and takes note of what it says.
    pub async fn once(&mut self) -> Result<Walked, ApiError> {
        let list = self.api.every_approver().await?;
        let whole = list.is_whole() && !list.rows.is_empty();
        if !list.is_whole() {
            tracing::warn!(
                rows = list.rows.len(),
                unreadable = list.unreadable,
                total = list.total,
                "DfE Sign-in's list of approvers did not come whole: nobody is stood down by it"
            );
        }
        let mut walked = Walked { rows: list.rows.len(), whole, changed: 0 };
        let mut said = Said { whole, ..Said::default() };
        let mut places: BTreeMap<OrganisationId, Place> = BTreeMap::new();
        for row in list.rows.iter().filter(|row| counts(row)) {
            match claims::place(&row.organisation, Some(true)) {
                Ok(place) => {
                    let id = place.id;
                    places.entry(id).or_insert(place);
                    if let Some(person) = self.person(row).await {
                        said.named.insert((id, person));
                    }
                }
                Err(Refusal::OrganisationNotIdentified) => said.somewhere.extend(self.known(row)),
                Err(_) => {}
            }
        }
        let cause = Cause::by(Actor::Reactor(Reactor::Approvers));
        for (id, place) in &places {
            let open = self.app.lists(|lists| lists.organisation(*id).map(|found| !found.closed));
            // What was said of it before was noted then, or is not for DfE Sign-in to say.
            if self.noted.get(id) == Some(&place.seen) && open == Some(place.seen.open) {
                continue;
            }
            match self.app.observe(*id, &place.seen, cause).await {
                Ok(_) => drop(self.noted.insert(*id, place.seen.clone())),
                Err(failure) => {
                    metrics::reactor_failed(Reactor::Approvers.name());
                    tracing::error!(organisation = %id, error = %why(&failure), "an organisation could not be noted");
                }
            }
        }
        let before = self.established();
        for &(organisation, person) in said.named.difference(&before) {
            walked.changed += self.heard(organisation, person, true).await;
        }
        for (organisation, person) in self.missed.walk(before, &said) {
            walked.changed += self.heard(organisation, person, false).await;
        }
        Ok(walked)
    }

    /// Who is an approver now because DfE Sign-in named them.
    fn established(&self) -> BTreeSet<(OrganisationId, PersonId)> {
        self.app.lists(|lists| {
            let of = |found: &vouchsafe_projections::Organisation| {
                let id = found.id;
                let by_dfe =
                    found.approvers.iter().filter(|(_, approver)| approver.basis == ApproverBasis::DfeSignIn);
                by_dfe.map(move |(person, _)| (id, *person)).collect::<Vec<_>>()
            };
            lists.organisations().flat_map(of).collect()
        })
    }

    async fn heard(&self, organisation: OrganisationId, person: PersonId, names_them: bool) -> usize {
        let cause = Cause::by(Actor::Reactor(Reactor::Approvers));
        match self.app.heard_from_dfe_sign_in(organisation, person, names_them, cause).await {
            Ok(done) => usize::from(!done.events.is_empty()),
            Err(failure) => {
                metrics::reactor_failed(Reactor::Approvers.name());
                tracing::error!(%organisation, %person, error = %why(&failure), "an approver could not be noted");
                0
            }
        }
    }

    /// The person of a row, if they are known by their account.
    fn known(&self, row: &ApproverRow) -> Option<PersonId> {
        let hash = self.app.ring().hash_subject(&self.issuer, row.user.as_str());
        self.app.lists(|lists| lists.person_by_subject(hash))
    }

    /// The person of a row: known by their account, or introduced if the row says enough.
    async fn person(&self, row: &ApproverRow) -> Option<PersonId> {
        if let Some(known) = self.known(row) {
            return Some(known);
        }
        let email = row.email.as_ref()?;
        let name = claims::name(row.given_name.as_deref(), row.family_name.as_deref());
        let cause = Cause::by(Actor::Reactor(Reactor::Approvers));
        let introduced =
            self.app.introduce_approver(&self.issuer, row.user.as_str(), email, name.as_ref(), cause).await;
        introduced
            .map_err(|error| tracing::error!(error = %Chain(&error), "an approver could not be introduced"))
            .ok()
    }
}

/// Whether a row names an approver whose account is in use.
fn counts(row: &ApproverRow) -> bool {
    row.account == Account::Active && row.role.is_none_or(|role| role == OrganisationRole::Approver)
}
