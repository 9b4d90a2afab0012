//! What DfE Sign-in says of somebody, in the product's own words.

use vouchsafe_events::{LocalAuthority, OrganisationId, OrganisationKind, Refusal};

use crate::app::{CameFor, Place};
use crate::domain::PersonName;
use crate::domain::organisation::Observed;
use crate::identity::dfe::{Category, ClaimedOrganisation, OrganisationClaim, Status};

/// The organisation of the claim, as somewhere to come in for or as a reason why not.
pub(crate) fn came_for(claim: &OrganisationClaim, approver: Option<bool>) -> CameFor {
    match claim {
        OrganisationClaim::None => CameFor::Nowhere(Refusal::NoOrganisation, None),
        OrganisationClaim::Known(claimed) => match place(claimed, approver) {
            Ok(place) if place.seen.open => CameFor::School(place),
            Ok(place) => CameFor::Nowhere(Refusal::OrganisationClosed, Some(place)),
            Err(reason) => CameFor::Nowhere(reason, None),
        },
    }
}

/// A school that DfE Sign-in describes: open, or closed. What is neither is a reason not to come in.
pub(crate) fn place(claimed: &ClaimedOrganisation, approver: Option<bool>) -> Result<Place, Refusal> {
    if claimed.category.as_ref().is_some_and(|category| *category != Category::Establishment) {
        return Err(Refusal::OrganisationNotServed);
    }
    let open = match claimed.status {
        None | Some(Status::Open | Status::ProposedToClose) => true,
        Some(Status::Closed | Status::Dissolved | Status::InLiquidation) => false,
        Some(
            Status::Hidden
            | Status::ProposedToOpen
            | Status::LockedDuplicate
            | Status::CreatedInError
            | Status::LockedRestructure
            | Status::Other(_),
        ) => return Err(Refusal::OrganisationNotOpen),
    };
    let urn = claimed.urn.ok_or(Refusal::OrganisationNotIdentified)?;
    let local_authority = claimed.local_authority.as_ref().and_then(|coded| {
        let name = coded.name.as_deref().filter(|name| !name.trim().is_empty())?;
        Some(LocalAuthority { code: coded.code.as_deref().unwrap_or_default().into(), name: name.into() })
    });
    let seen = Observed {
        name: claimed.name.trim().into(),
        kinds: vec![OrganisationKind::School],
        urn: Some(urn),
        ukprn: claimed.ukprn,
        dfe_sign_in: Some(claimed.id),
        establishment_type: claimed.kind.as_ref().and_then(|kind| kind.code.as_deref()).map(Into::into),
        local_authority,
        open,
    };
    Ok(Place { id: OrganisationId::of_school(urn), seen, approver })
}

/// A person's whole name, from its parts. None if there is nothing in them that can be shown.
pub(crate) fn name(given: Option<&str>, family: Option<&str>) -> Option<PersonName> {
    let parts: Vec<&str> =
        [given, family].into_iter().flatten().map(str::trim).filter(|part| !part.is_empty()).collect();
    let whole: String = parts.join(" ").chars().take(PersonName::LIMIT).collect();
    PersonName::parse(&whole).ok()
}
