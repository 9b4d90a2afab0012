//! Approvers: made, stood down, and kept in step with DfE Sign-in.

use vouchsafe_events::{OrganisationId, PersonId, Stream};

use super::{App, Cause, Done, Failure};
use crate::domain::Organisation;
use crate::domain::organisation::{MakeApproverRefused, Observed, ReturnRefused, StandDownRefused};

impl App {
    /// An approver makes a colleague an approver too.
    pub async fn make_approver(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        by: PersonId,
    ) -> Result<Done, Failure<MakeApproverRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(by), |state: &Organisation, now| {
            state.make_approver(person, by, now)
        })
        .await
    }

    /// An approver stands down. `told`: they have been told what it means to be the last.
    pub async fn stand_down(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        told: bool,
    ) -> Result<Done, Failure<StandDownRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(person), |state: &Organisation, _| {
            state.stand_down(person, told)
        })
        .await
    }

    /// Somebody who stood down is an approver again. `named`: DfE Sign-in says at this moment that they are one.
    pub async fn return_as_approver(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        named: bool,
    ) -> Result<Done, Failure<ReturnRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(person), |state: &Organisation, _| {
            state.return_as_approver(person, named)
        })
        .await
    }

    /// Takes note of whether DfE Sign-in names a person as an approver.
    pub async fn heard_from_dfe_sign_in(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        names_them: bool,
        cause: Cause,
    ) -> Result<Done, Failure<std::convert::Infallible>> {
        self.decide(Stream::Organisation(organisation), cause, |state: &Organisation, _| {
            Ok(state.heard_from_dfe_sign_in(person, names_them))
        })
        .await
    }

    /// Takes note of an organisation as it was described.
    pub async fn observe(
        &self,
        organisation: OrganisationId,
        seen: &Observed,
        cause: Cause,
    ) -> Result<Done, Failure<std::convert::Infallible>> {
        self.decide(Stream::Organisation(organisation), cause, |state: &Organisation, _| {
            Ok(state.observe(seen.clone()))
        })
        .await
    }
}
