//! What an organisation is, in words.

use vouchsafe_events::OrganisationKind;

/// One kind.
pub(crate) const fn kind(kind: OrganisationKind) -> &'static str {
    match kind {
        OrganisationKind::School => "school",
        OrganisationKind::LeadProvider => "lead provider",
        OrganisationKind::DeliveryPartner => "delivery partner",
        OrganisationKind::AppropriateBody => "appropriate body",
    }
}

/// All kinds of one organisation: "lead provider", "school and appropriate body".
pub(crate) fn kinds(all: &[OrganisationKind]) -> String {
    let words: Vec<&str> = all.iter().copied().map(kind).collect();
    match words.as_slice() {
        [] => "organisation".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_kinds_make_one_phrase() {
        use OrganisationKind::{AppropriateBody, DeliveryPartner, LeadProvider, School};
        assert_eq!(kinds(&[LeadProvider]), "lead provider");
        assert_eq!(kinds(&[School, AppropriateBody]), "school and appropriate body");
        assert_eq!(
            kinds(&[LeadProvider, DeliveryPartner, AppropriateBody]),
            "lead provider, delivery partner and appropriate body"
        );
    }
}
