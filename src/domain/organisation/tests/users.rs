//! Support's user lists.

use vouchsafe_events::{
    OrganisationKindsChanged, UserAdded, UserProposalDismissed, UserProposed, UserRemoved,
};

use super::*;
use crate::domain::organisation::users::{ChangeRefused, DismissRefused, Fresh, ListRefused, UnlistRefused};
use OrganisationKind::{AppropriateBody, DeliveryPartner, LeadProvider, School};

const GREENHILL: OrganisationId = OrganisationId::from_uuid(Uuid::from_u128(1));
const EVE: PersonId = person(0xe1);
const FAY: PersonId = person(0xf1);

fn registered(kinds: &[OrganisationKind]) -> Happened {
    Event::OrganisationRegistered(OrganisationRegistered {
        name: "Northern Training".into(),
        kinds: kinds.to_vec(),
        urn: None,
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
    })
}

fn provider<const N: usize>(more: [Happened; N]) -> History<Organisation> {
    let mut history = History::of(Stream::Organisation(GREENHILL));
    history.record(day(0), Actor::Operator, [registered(&[LeadProvider])]);
    history.record(day(0), Actor::Person(EVE), more);
    history
}

fn added(person: PersonId) -> Happened {
    Event::UserAdded(UserAdded { person, from: None, instead_of: None })
}

fn proposed(person: PersonId) -> Happened {
    Event::UserProposed(UserProposed { person })
}

fn agent(person: PersonId) -> Actor {
    Actor::Person(person)
}

#[test]
fn an_agent_puts_somebody_on_the_list() {
    provider([]).when(|it| it.list_user(ANN, agent(EVE), true)).then([added(ANN)]);
    provider([]).when(|it| it.list_user(ANN, Actor::Operator, true)).then([added(ANN)]);
}

#[test]
fn nobody_is_on_a_list_twice() {
    provider([added(ANN)])
        .when(|it| it.list_user(ANN, agent(EVE), true))
        .then_refused(ListRefused::AlreadyListed);
}

#[test]
fn a_school_alone_has_no_list_and_a_hub_has_one() {
    for (kinds, refused) in [(&[School][..], true), (&[School, AppropriateBody][..], false)] {
        let mut history = History::<Organisation>::of(Stream::Organisation(GREENHILL));
        history.record(day(0), Actor::Operator, [registered(kinds)]);
        let answer = history.when(|it| it.list_user(ANN, agent(EVE), true));
        if refused {
            answer.then_refused(ListRefused::SelfService);
        } else {
            answer.then([added(ANN)]);
        }
    }
}

#[test]
fn an_approver_cannot_end_what_supports_list_gives() {
    let mut history = History::<Organisation>::of(Stream::Organisation(GREENHILL));
    history.record(day(0), Actor::Operator, [registered(&[School, AppropriateBody]), added(ANN)]);
    let approver = ApproverEstablished { person: BEA, basis: ApproverBasis::DfeSignIn };
    history.record(day(0), Actor::System, [Event::ApproverEstablished(approver)]);
    let reason = Reason::parse("Left").unwrap();
    history
        .when(|it| it.revoke(ANN, BEA, &reason, day(1)))
        .then_refused(crate::domain::organisation::RevokeRefused::OnSupportsList);
}

#[test]
fn a_closed_organisation_takes_nobody_and_lets_go() {
    let history = provider([added(ANN), Event::OrganisationClosed(OrganisationClosed {})]);
    history.when(|it| it.list_user(FAY, agent(EVE), true)).then_refused(ListRefused::OrganisationClosed);
    let reason = Reason::parse("Left").unwrap();
    let removed = UserRemoved { person: ANN, reason: Plain::about(ANN, "Left") };
    history.when(|it| it.unlist_user(ANN, &reason)).then([Event::UserRemoved(removed)]);
    history.when(|it| it.unlist_user(FAY, &reason)).then_refused(UnlistRefused::NotListed);
}

#[test]
fn an_agent_gets_on_a_list_only_by_a_second_one() {
    let history = provider([]);
    history.when(|it| it.list_user(EVE, agent(EVE), true)).then([proposed(EVE)]);
    let history = history.later(day(0), EVE, [proposed(EVE)]);
    history.when(|it| it.list_user(EVE, agent(EVE), true)).then_refused(ListRefused::AlreadyProposed);
    history.when(|it| it.list_user(EVE, agent(FAY), true)).then([added(EVE)]);
    // Where the rule is off.
    provider([]).when(|it| it.list_user(EVE, agent(EVE), false)).then([added(EVE)]);
}

#[test]
fn what_an_agent_asks_for_themselves_can_be_dismissed() {
    let dismissed = Event::UserProposalDismissed(UserProposalDismissed { person: EVE });
    provider([proposed(EVE)]).when(|it| it.dismiss_proposal(EVE)).then([dismissed.clone()]);
    provider([proposed(EVE), dismissed])
        .when(|it| it.dismiss_proposal(EVE))
        .then_refused(DismissRefused::NoProposal);
    provider([proposed(EVE), added(EVE)])
        .when(|it| it.dismiss_proposal(EVE))
        .then_refused(DismissRefused::NoProposal);
}

#[test]
fn support_registers_what_is_no_school() {
    let fresh = |kinds: &[OrganisationKind]| Fresh {
        name: "Northern Training".into(),
        kinds: kinds.to_vec(),
        ukprn: None,
    };
    let nothing = History::<Organisation>::of(Stream::Organisation(GREENHILL));
    nothing.when(|it| it.register(fresh(&[LeadProvider]))).then([registered(&[LeadProvider])]);
    nothing.when(|it| it.register(fresh(&[]))).then_refused(ChangeRefused::NoKind);
    nothing.when(|it| it.register(fresh(&[School]))).then_refused(ChangeRefused::Register);
    provider([]).when(|it| it.register(fresh(&[LeadProvider]))).then_refused(ChangeRefused::Known);
}

#[test]
fn kinds_change_but_a_school_stays_one() {
    let changed = |kinds: &[OrganisationKind]| {
        Event::OrganisationKindsChanged(OrganisationKindsChanged { kinds: kinds.to_vec() })
    };
    let it = provider([]);
    it.when(|it| it.change_kinds(&[DeliveryPartner, LeadProvider]))
        .then([changed(&[LeadProvider, DeliveryPartner])]);
    it.when(|it| it.change_kinds(&[LeadProvider])).then_nothing();
    it.when(|it| it.change_kinds(&[])).then_refused(ChangeRefused::NoKind);
    it.when(|it| it.change_kinds(&[School])).then_refused(ChangeRefused::Register);
    let nothing = History::<Organisation>::of(Stream::Organisation(GREENHILL));
    nothing.when(|it| it.change_kinds(&[LeadProvider])).then_refused(ChangeRefused::Unknown);
    nothing.when(|it| it.change(None, None)).then_refused(ChangeRefused::Unknown);
}

#[test]
fn support_renames_and_closes_what_is_no_school() {
    let renamed = Event::OrganisationRenamed(OrganisationRenamed { name: "Northern".into() });
    let closed = Event::OrganisationClosed(OrganisationClosed {});
    let it = provider([]);
    it.when(|it| it.change(Some("Northern".into()), Some(false))).then([renamed, closed.clone()]);
    it.when(|it| it.change(Some("Northern Training".into()), Some(true))).then_nothing();
    let reopened = Event::OrganisationReopened(OrganisationReopened {});
    provider([closed]).when(|it| it.change(None, Some(true))).then([reopened]);
    let mut school = History::<Organisation>::of(Stream::Organisation(GREENHILL));
    school.record(day(0), Actor::Operator, [registered(&[School, AppropriateBody])]);
    school.when(|it| it.change(None, Some(false))).then_refused(ChangeRefused::Register);
}
