//! What the register or an identity provider says of an organisation.
//!
//! Both name a school, and not always alike: “St Mary's C of E” here, “St Mary's CofE” there. So that a name does not
//! flip back and forth, the register's word goes before DfE Sign-in's. What the command line records comes from the
//! register; once it has registered or renamed a school, DfE Sign-in's word no longer renames it. In the same way DfE
//! Sign-in only adds what is not known of a school yet, and the register also changes what is.

use vouchsafe_events::{
    Event, LocalAuthority, OrganisationClosed, OrganisationDescribed, OrganisationId, OrganisationKind,
    OrganisationRegistered, OrganisationRenamed, OrganisationReopened, OrganisationSucceeded, Ukprn, Urn,
    Uuid,
};

use super::Organisation;
use crate::domain::Decided;

/// An organisation as DfE Sign-in has described it.
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

/// A school as the register has it. What the register does not say is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Establishment {
    /// Its URN.
    pub urn: Urn,
    /// Its name.
    pub name: Box<str>,
    /// Its UKPRN.
    pub ukprn: Option<Ukprn>,
    /// The two-digit establishment type.
    pub establishment_type: Option<Box<str>>,
    /// The local authority that it lies in.
    pub local_authority: Option<LocalAuthority>,
    /// Whether it is open (one that is only proposed to close is).
    pub open: Option<bool>,
}

/// All that an import has to say of one school.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InRegister {
    /// What the establishment download says.
    pub establishment: Option<Establishment>,
    /// Its successors as the links download has them: in the order of their ids, without the school itself. None if
    /// there are none, which is not the same as that there are no more: no file says that of a school.
    pub successors: Vec<OrganisationId>,
}

impl Organisation {
    /// Takes note of an organisation as DfE Sign-in described it: only what is new happens. It renames no school that
    /// the register has named, and describes only what is not known yet.
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
            Some(name) => {
                if *name != seen.name && !self.named_by_register {
                    decided.push(Event::OrganisationRenamed(OrganisationRenamed { name: seen.name }));
                }
                let known = &self.described;
                describe(
                    &mut decided,
                    OrganisationDescribed {
                        ukprn: seen.ukprn.filter(|_| known.ukprn.is_none()),
                        dfe_sign_in: seen.dfe_sign_in.filter(|_| known.dfe_sign_in.is_none()),
                        establishment_type: seen
                            .establishment_type
                            .filter(|_| known.establishment_type.is_none()),
                        local_authority: seen.local_authority.filter(|_| known.local_authority.is_none()),
                    },
                );
            }
        }
        self.open_or_close(seen.open, &mut decided);
        decided
    }

    /// Takes note of a school as the register has it: only what is new happens. A school that the register does not
    /// say to be closed is registered as open; one that is known stays as it is. Successors are noted of a school that
    /// is registered, whether or not they are.
    pub fn hear_from_register(&self, said: InRegister) -> Decided {
        let mut decided = Decided::new();
        let known = self.name.is_some() || said.establishment.is_some();
        if let Some(establishment) = said.establishment {
            let open = establishment.open.unwrap_or(!self.closed);
            self.hear_of(establishment, &mut decided);
            self.open_or_close(open, &mut decided);
        }
        let successors = said.successors;
        if known && !successors.is_empty() && successors != self.successors {
            decided.push(Event::OrganisationSucceeded(OrganisationSucceeded { successors }));
        }
        decided
    }

    /// The name and the description in the register.
    fn hear_of(&self, said: Establishment, decided: &mut Decided) {
        let Establishment { urn, name, ukprn, establishment_type, local_authority, open: _ } = said;
        match &self.name {
            None => decided.push(Event::OrganisationRegistered(OrganisationRegistered {
                name,
                kinds: vec![OrganisationKind::School],
                urn: Some(urn),
                ukprn,
                dfe_sign_in: None,
                establishment_type,
                local_authority,
            })),
            Some(old) => {
                if *old != name {
                    decided.push(Event::OrganisationRenamed(OrganisationRenamed { name }));
                }
                let known = &self.described;
                describe(
                    decided,
                    OrganisationDescribed {
                        ukprn: ukprn.filter(|new| known.ukprn.as_ref() != Some(new)),
                        dfe_sign_in: None,
                        establishment_type: establishment_type
                            .filter(|new| known.establishment_type.as_ref() != Some(new)),
                        local_authority: local_authority
                            .filter(|new| known.local_authority.as_ref() != Some(new)),
                    },
                );
            }
        }
    }

    fn open_or_close(&self, open: bool, decided: &mut Decided) {
        match (self.closed, open) {
            (false, false) => decided.push(Event::OrganisationClosed(OrganisationClosed {})),
            (true, true) => decided.push(Event::OrganisationReopened(OrganisationReopened {})),
            (false, true) | (true, false) => {}
        }
    }
}

/// Notes what more became known, if anything did.
fn describe(decided: &mut Decided, more: OrganisationDescribed) {
    if more != OrganisationDescribed::default() {
        decided.push(Event::OrganisationDescribed(more));
    }
}
