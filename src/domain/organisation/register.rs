//! What a register or an identity provider says of an organisation.

use vouchsafe_events::{
    Event, LocalAuthority, OrganisationClosed, OrganisationKind, OrganisationRegistered, OrganisationRenamed,
    OrganisationReopened, Ukprn, Urn, Uuid,
};

use super::Organisation;
use crate::domain::Decided;

/// An organisation as somebody who should know has described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub kinds: Vec<OrganisationKind>,
    /// Its URN, if it is a school.
    pub urn: Option<Urn>,
    /// Its UKPRN, if it has one.
    pub ukprn: Option<Ukprn>,
    /// DfE Sign-in's id of it.
    pub dfe_sign_in: Option<Uuid>,
    /// The two-digit establishment type.
    pub establishment_type: Option<Box<str>>,
    /// The local authority that it lies in, if that was said.
    pub local_authority: Option<LocalAuthority>,
    /// Whether it is open (one that is only proposed to close is).
    pub open: bool,
}

impl Organisation {
    /// Takes note of an organisation as it was described: only what is new happens.
    pub fn observe(&self, seen: Observed) -> Decided {
        let mut decided = Decided::new();
        match &self.name {
            None => decided.push(Event::OrganisationRegistered(OrganisationRegistered {
                name: seen.name,
                kinds: seen.kinds,
                urn: seen.urn,
                ukprn: seen.ukprn,
                dfe_sign_in: seen.dfe_sign_in,
                establishment_type: seen.establishment_type,
                local_authority: seen.local_authority,
            })),
            Some(name) if *name != seen.name => {
                decided.push(Event::OrganisationRenamed(OrganisationRenamed { name: seen.name }));
            }
            Some(_) => {}
        }
        match (self.closed, seen.open) {
            (false, false) => decided.push(Event::OrganisationClosed(OrganisationClosed {})),
            (true, true) => decided.push(Event::OrganisationReopened(OrganisationReopened {})),
            (false, true) | (true, false) => {}
        }
        decided
    }
}
