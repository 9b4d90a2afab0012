//! What a register or an identity provider says of an organisation.

use super::*;
use crate::domain::organisation::Observed;

fn seen(name: &str, open: bool) -> Observed {
    Observed {
        name: name.into(),
        kinds: vec![OrganisationKind::School],
        urn: "123456".parse().ok(),
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
        open,
    }
}

#[test]
fn an_organisation_that_is_seen_first_is_registered() {
    let history = given([]);
    assert!(!history.state().is_open());
    history.when(|org| org.observe(seen("Greenhill", true))).then([registered("Greenhill")]);
    assert!(given([registered("Greenhill")]).state().is_open());
}

#[test]
fn an_organisation_that_is_seen_closed_first_is_registered_and_closed() {
    given([]).when(|org| org.observe(seen("Greenhill", false))).then([registered("Greenhill"), closed()]);
}

#[test]
fn an_organisation_that_is_seen_as_it_was_changes_nothing() {
    given([registered("Greenhill")]).when(|org| org.observe(seen("Greenhill", true))).then_nothing();
    given([registered("Greenhill"), closed()])
        .when(|org| org.observe(seen("Greenhill", false)))
        .then_nothing();
}

#[test]
fn an_organisation_with_another_name_is_renamed_once() {
    let history = given([registered("Greenhill")]);
    history.when(|org| org.observe(seen("Greenhill Academy", true))).then([renamed("Greenhill Academy")]);
    given([registered("Greenhill"), renamed("Greenhill Academy")])
        .when(|org| org.observe(seen("Greenhill Academy", true)))
        .then_nothing();
}

#[test]
fn an_organisation_closes_and_reopens() {
    given([registered("Greenhill")]).when(|org| org.observe(seen("Greenhill", false))).then([closed()]);
    given([registered("Greenhill"), closed()])
        .when(|org| org.observe(seen("Greenhill", true)))
        .then([reopened()]);
}

#[test]
fn an_organisation_may_be_renamed_as_it_closes() {
    given([registered("Greenhill")])
        .when(|org| org.observe(seen("Old Greenhill", false)))
        .then([renamed("Old Greenhill"), closed()]);
}
