//! What a register or an identity provider says of an organisation.

use vouchsafe_events::{LocalAuthority, OrganisationDescribed, OrganisationSucceeded};

use super::*;
use crate::domain::organisation::{Establishment, InRegister, Observed};

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

fn leeds() -> LocalAuthority {
    LocalAuthority { code: "383".into(), name: "Leeds".into() }
}

/// What the register says of a school of this name, with an open or closed that it may not say.
fn listed(name: &str, open: Option<bool>) -> InRegister {
    let establishment = Establishment {
        urn: "123456".parse().unwrap(),
        name: name.into(),
        ukprn: None,
        establishment_type: None,
        local_authority: None,
        open,
    };
    InRegister { establishment: Some(establishment), successors: Vec::new() }
}

/// The same, with more.
fn listed_with(change: impl FnOnce(&mut Establishment)) -> InRegister {
    let mut said = listed("Greenhill", None);
    change(said.establishment.as_mut().unwrap());
    said
}

fn described(more: OrganisationDescribed) -> Happened {
    Event::OrganisationDescribed(more)
}

fn succeeded(numbers: &[u128]) -> Happened {
    let successors = successors(numbers);
    Event::OrganisationSucceeded(OrganisationSucceeded { successors })
}

fn successors(numbers: &[u128]) -> Vec<OrganisationId> {
    numbers.iter().map(|number| OrganisationId::from_uuid(Uuid::from_u128(*number))).collect()
}

/// The school as the register's import has registered it.
fn given_by_register<const N: usize>(events: [Happened; N]) -> History<Organisation> {
    let mut history = given([]);
    history.record(day(0), Actor::Operator, events);
    history
}

#[test]
fn the_register_registers_a_school_as_open_unless_it_says_that_it_is_closed() {
    let history = given([]);
    history.when(|org| org.hear_from_register(listed("Greenhill", None))).then([registered("Greenhill")]);
    history
        .when(|org| org.hear_from_register(listed("Greenhill", Some(true))))
        .then([registered("Greenhill")]);
    history
        .when(|org| org.hear_from_register(listed("Greenhill", Some(false))))
        .then([registered("Greenhill"), closed()]);
}

#[test]
fn a_register_that_says_nothing_of_open_or_closed_changes_neither() {
    given([registered("Greenhill"), closed()])
        .when(|org| org.hear_from_register(listed("Greenhill", None)))
        .then_nothing();
    given([registered("Greenhill"), closed()])
        .when(|org| org.hear_from_register(listed("Greenhill", Some(true))))
        .then([reopened()]);
    given([registered("Greenhill")])
        .when(|org| org.hear_from_register(listed("Greenhill", Some(false))))
        .then([closed()]);
}

#[test]
fn once_the_register_has_named_a_school_dfe_sign_in_does_not_rename_it() {
    given_by_register([registered("Greenhill")])
        .when(|org| org.observe(seen("Green Hill", true)))
        .then_nothing();
    let mut history = given([registered("Green Hill")]);
    history.when(|org| org.hear_from_register(listed("Greenhill", None))).then([renamed("Greenhill")]);
    history.record(day(1), Actor::Operator, [renamed("Greenhill")]);
    history.when(|org| org.observe(seen("Green Hill", true))).then_nothing();
    history
        .when(|org| org.hear_from_register(listed("Greenhill Academy", None)))
        .then([renamed("Greenhill Academy")]);
}

#[test]
fn dfe_sign_in_describes_what_is_not_known_and_changes_nothing_that_is() {
    let claim = |ukprn: &str| Observed {
        ukprn: ukprn.parse().ok(),
        dfe_sign_in: Some(Uuid::from_u128(7)),
        establishment_type: Some("01".into()),
        local_authority: Some(leeds()),
        ..seen("Greenhill", true)
    };
    let all = OrganisationDescribed {
        ukprn: "10000001".parse().ok(),
        dfe_sign_in: Some(Uuid::from_u128(7)),
        establishment_type: Some("01".into()),
        local_authority: Some(leeds()),
    };
    let mut history = given([registered("Greenhill")]);
    history.when(|org| org.observe(claim("10000001"))).then([described(all.clone())]);
    history.record(day(0), Actor::System, [described(all)]);
    history.when(|org| org.observe(claim("10000001"))).then_nothing();
    history.when(|org| org.observe(claim("10000002"))).then_nothing();
}

#[test]
fn the_register_describes_what_differs() {
    let history = given([
        registered("Greenhill"),
        described(OrganisationDescribed {
            local_authority: Some(leeds()),
            ..OrganisationDescribed::default()
        }),
    ]);
    let same = listed_with(|school| school.local_authority = Some(leeds()));
    history.when(|org| org.hear_from_register(same)).then_nothing();
    let moved = Some(LocalAuthority { code: "380".into(), name: "Bradford".into() });
    let other = listed_with(|school| {
        school.local_authority.clone_from(&moved);
        school.ukprn = "10000001".parse().ok();
    });
    history.when(|org| org.hear_from_register(other)).then([described(OrganisationDescribed {
        ukprn: "10000001".parse().ok(),
        local_authority: moved,
        ..OrganisationDescribed::default()
    })]);
}

#[test]
fn successors_are_noted_of_a_school_that_is_registered_and_only_when_they_differ() {
    let linked = |numbers: &[u128]| InRegister { establishment: None, successors: successors(numbers) };
    given([]).when(|org| org.hear_from_register(linked(&[5]))).then_nothing();
    let both = InRegister { successors: successors(&[5]), ..listed("Greenhill", Some(false)) };
    given([]).when(|org| org.hear_from_register(both)).then([
        registered("Greenhill"),
        closed(),
        succeeded(&[5]),
    ]);
    let history = given([registered("Greenhill"), succeeded(&[5])]);
    history.when(|org| org.hear_from_register(linked(&[5]))).then_nothing();
    history.when(|org| org.hear_from_register(linked(&[5, 6]))).then([succeeded(&[5, 6])]);
    history.when(|org| org.hear_from_register(linked(&[]))).then_nothing();
}
