//! Access: asking, deciding, adding, ending, reviewing.

use vouchsafe_events::{
    Actor, Email, Introduction, OrganisationId, PersonId, Reactor, RequestId, ReviewId, Stream, Timestamp,
};

use super::people::IntroduceFailed;
use super::{App, Cause, Done, Failure};
use crate::domain::organisation::{
    AddRefused, AskRefused, ConfirmRefused, DecideRefused, EndDateRefused, RevokeRefused, WithdrawRefused,
};
use crate::domain::{Message, Organisation, PersonName, Reason};

/// A colleague to whom an approver gives access.
#[derive(Clone, Debug)]
pub struct Colleague {
    /// Their name, as the approver writes it.
    pub name: PersonName,
    /// Their email.
    pub email: Email,
}

/// What became of one colleague.
#[derive(Debug)]
pub struct Added {
    /// The colleague.
    pub colleague: Colleague,
    /// Whether they have access now.
    pub result: Result<PersonId, Failure<AddRefused>>,
}

impl App {
    /// A person asks for access to an organisation.
    pub async fn ask(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        message: Option<&Message>,
    ) -> Result<(RequestId, Done), Failure<AskRefused>> {
        let request = RequestId::from_uuid(self.random.uuid(self.now())?);
        let done = self
            .decide(Stream::Organisation(organisation), Cause::person(person), |state: &Organisation, now| {
                state.ask(person, request, message, now)
            })
            .await?;
        Ok((request, done))
    }

    /// A person takes their request back.
    pub async fn withdraw(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        request: RequestId,
    ) -> Result<Done, Failure<WithdrawRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(person), |state: &Organisation, _| {
            state.withdraw(person, request)
        })
        .await
    }

    /// An approver grants a request.
    pub async fn grant(
        &self,
        organisation: OrganisationId,
        request: RequestId,
        by: PersonId,
        ends: Option<Timestamp>,
    ) -> Result<Done, Failure<DecideRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(by), |state: &Organisation, now| {
            state.grant(request, by, ends, now)
        })
        .await
    }

    /// An approver declines a request.
    pub async fn decline(
        &self,
        organisation: OrganisationId,
        request: RequestId,
        by: PersonId,
        reason: &Reason,
    ) -> Result<Done, Failure<DecideRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(by), |state: &Organisation, _| {
            state.decline(request, by, reason)
        })
        .await
    }

    /// An approver gives colleagues access without being asked. Each stands for itself: one that is refused
    /// does not keep the others out.
    pub async fn add(
        &self,
        organisation: OrganisationId,
        by: PersonId,
        colleagues: Vec<Colleague>,
        ends: Option<Timestamp>,
    ) -> Vec<Added> {
        let mut added = Vec::with_capacity(colleagues.len());
        for colleague in colleagues {
            let result = self.add_one(organisation, by, &colleague, ends).await;
            added.push(Added { colleague, result });
        }
        added
    }

    async fn add_one(
        &self,
        organisation: OrganisationId,
        by: PersonId,
        colleague: &Colleague,
        ends: Option<Timestamp>,
    ) -> Result<PersonId, Failure<AddRefused>> {
        let stream = Stream::Organisation(organisation);
        // Whoever may not add anybody must not introduce anybody either.
        let (state, _) = self.load::<Organisation>(stream).await?;
        if !state.is_open() {
            return Err(Failure::Refused(AddRefused::OrganisationClosed));
        }
        if !state.is_approver(by) {
            return Err(Failure::Refused(AddRefused::NotAnApprover));
        }
        let cause = Cause::person(by);
        let person = self
            .introduce(&colleague.email, Some(&colleague.name), Introduction::Colleague, cause)
            .await
            .map_err(|IntroduceFailed(cause)| Failure::Unavailable(cause))?;
        self.decide(stream, cause, |state: &Organisation, now| state.add(person, by, ends, now)).await?;
        Ok(person)
    }

    /// An approver changes when a colleague's access ends.
    pub async fn change_end_date(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        by: PersonId,
        ends: Option<Timestamp>,
    ) -> Result<Done, Failure<EndDateRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(by), |state: &Organisation, now| {
            state.change_end_date(person, by, ends, now)
        })
        .await
    }

    /// An approver ends a colleague's access, at once.
    pub async fn revoke(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        by: PersonId,
        reason: &Reason,
    ) -> Result<Done, Failure<RevokeRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(by), |state: &Organisation, now| {
            state.revoke(person, by, reason, now)
        })
        .await
    }

    /// An approver confirms in a review that a person still needs access.
    pub async fn confirm(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        by: PersonId,
    ) -> Result<Done, Failure<ConfirmRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::person(by), |state: &Organisation, now| {
            state.confirm(person, by, now)
        })
        .await
    }

    /// Does at one organisation whatever time has brought.
    pub async fn keep_time(
        &self,
        organisation: OrganisationId,
    ) -> Result<Done, Failure<std::convert::Infallible>> {
        let review = ReviewId::from_uuid(self.random.uuid(self.now())?);
        let cause = Cause::by(Actor::Reactor(Reactor::Timekeeper));
        let keep_time = |state: &Organisation, now| {
            let decided = state.keep_time(&self.terms, review, now);
            let caused = decided.into_iter().map(|event| (cause.since(state.comes_of(&event)), event));
            Ok((caused.collect(), ()))
        };
        self.decide_with(Stream::Organisation(organisation), keep_time).await.map(|(done, ())| done)
    }
}
