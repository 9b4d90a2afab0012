//! Support's work: user lists, the organisations that they belong to, and people's addresses.

use futures_util::{StreamExt as _, stream};
use vouchsafe_events::{
    Actor, Email, Event, Introduction, OrganisationId, OrganisationKind, PersonId, Stream,
};

use super::execute::caused;
use super::{App, Cause, Done, Failure};
use crate::domain::organisation::users::{ChangeRefused, DismissRefused, Fresh, ListRefused, UnlistRefused};
use crate::domain::{Decided, Organisation, Person, PersonName, Reason, Reservation};

/// How many people are put on a list by one decision.
const LISTED_AT_ONCE: usize = 100;

/// How many people are introduced at the same time.
const INTRODUCED_AT_ONCE: usize = 16;

/// Somebody to put on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Their address.
    pub email: Email,
    /// Their name, if it is known.
    pub name: Option<PersonName>,
}

/// What became of somebody who was to be put on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// They are on it.
    Added(PersonId),
    /// It is the agent themselves: a second agent decides.
    Proposed(PersonId),
}

/// Why somebody's address cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailRefused {
    /// Nobody is known by it.
    #[error("this person is not known")]
    Unknown,
    /// It follows their account at DfE Sign-in.
    #[error(
        "their email address follows their DfE Sign-in account by itself: put the new address on the list instead"
    )]
    Linked,
    /// The new address is another's.
    #[error("somebody else is recorded with that address")]
    AnothersEmail(PersonId),
    /// It is their address already.
    #[error("that is their address already")]
    Same,
}

impl App {
    /// Puts somebody on a list. Who is not known yet is introduced, and recognised by their address when they come.
    pub async fn list_user(
        &self,
        organisation: OrganisationId,
        entry: &Entry,
        by: Actor,
        two_person_rule: bool,
    ) -> Result<(Listing, Done), Failure<ListRefused>> {
        let entries = std::slice::from_ref(entry);
        let (mut outcomes, done) = self.list_some(organisation, entries, by, two_person_rule).await?;
        Ok((outcomes.pop().unwrap_or(Err(Failure::Contended))?, done))
    }

    /// Puts many on a list. They are introduced several at once, and put on the list a number at a time, so that the
    /// organisation's stream is not read for each.
    pub async fn list_users(
        &self,
        organisation: OrganisationId,
        entries: &[Entry],
        by: Actor,
        two_person_rule: bool,
    ) -> Vec<Result<Listing, Failure<ListRefused>>> {
        let mut outcomes = Vec::with_capacity(entries.len());
        for entries in entries.chunks(LISTED_AT_ONCE) {
            let all = outcomes.len() + entries.len();
            match self.list_some(organisation, entries, by, two_person_rule).await {
                Ok((listed, _)) => outcomes.extend(listed),
                // What failed, failed for all of these; what it was is told once.
                Err(failure) => outcomes.push(Err(failure)),
            }
            outcomes.resize_with(all, || Err(Failure::Contended));
        }
        outcomes
    }

    /// Puts some on a list by one decision. Answers what became of each, in their order.
    async fn list_some(
        &self,
        organisation: OrganisationId,
        entries: &[Entry],
        by: Actor,
        two_person_rule: bool,
    ) -> Result<(Vec<Result<Listing, Failure<ListRefused>>>, Done), Failure<ListRefused>> {
        let cause = Cause::by(by);
        let stream = Stream::Organisation(organisation);
        // Nobody is introduced for a list that does not take them.
        let closed_to_strangers = if entries.iter().any(|entry| self.person_of(&entry.email).is_none()) {
            let (state, _) = self.load::<Organisation>(stream).await?;
            let nobody = PersonId::from_uuid(vouchsafe_events::Uuid::nil());
            state.list_user(nobody, by, two_person_rule).err()
        } else {
            None
        };
        let introduced: Vec<Result<PersonId, Failure<ListRefused>>> = stream::iter(entries.to_vec())
            .map(|entry| async move {
                if let Some(refused) = closed_to_strangers.filter(|_| self.person_of(&entry.email).is_none())
                {
                    return Err(Failure::Refused(refused));
                }
                let name = entry.name.as_ref();
                Ok(self.introduce(&entry.email, name, Introduction::Support, cause).await?)
            })
            .buffered(INTRODUCED_AT_ONCE)
            .collect()
            .await;
        let people: Vec<PersonId> = introduced.iter().filter_map(|one| one.as_ref().ok().copied()).collect();
        let (done, decisions) = self
            .decide_with(stream, |state: &Organisation, _| {
                let decisions: Vec<Result<Decided, ListRefused>> =
                    people.iter().map(|person| state.list_user(*person, by, two_person_rule)).collect();
                let decided = decisions.iter().flatten().flatten().cloned().collect();
                Ok::<_, std::convert::Infallible>((caused(cause, decided), decisions))
            })
            .await
            .map_err(Failure::widen)?;
        let mut decisions = decisions.into_iter();
        let outcome = |introduced: Result<PersonId, Failure<ListRefused>>| {
            let person = introduced?;
            let decided = decisions.next().ok_or(Failure::Contended)?.map_err(Failure::Refused)?;
            let proposed = decided.iter().any(|event| matches!(event, Event::UserProposed(_)));
            Ok(if proposed { Listing::Proposed(person) } else { Listing::Added(person) })
        };
        Ok((introduced.into_iter().map(outcome).collect(), done))
    }

    /// Puts somebody who is known on a list.
    pub async fn list_person(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        by: Actor,
        two_person_rule: bool,
    ) -> Result<Done, Failure<ListRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::by(by), |state: &Organisation, _| {
            state.list_user(person, by, two_person_rule)
        })
        .await
    }

    /// Dismisses what an agent asked for themselves.
    pub async fn dismiss_proposal(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        by: Actor,
    ) -> Result<Done, Failure<DismissRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::by(by), |state: &Organisation, _| {
            state.dismiss_proposal(person)
        })
        .await
    }

    /// Takes somebody off a list.
    pub async fn unlist_user(
        &self,
        organisation: OrganisationId,
        person: PersonId,
        reason: &Reason,
        by: Actor,
    ) -> Result<Done, Failure<UnlistRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::by(by), |state: &Organisation, _| {
            state.unlist_user(person, reason)
        })
        .await
    }

    /// Gives a person another address, who has no account at DfE Sign-in from which it would come. Each step can be
    /// taken again.
    pub async fn change_user_email(
        &self,
        person: PersonId,
        email: &Email,
        by: Actor,
    ) -> Result<(), Failure<EmailRefused>> {
        let cause = Cause::by(by);
        let stream = Stream::Person(person);
        let (known, _) = self.load::<Person>(stream).await?;
        let old = known.email_hash().ok_or(Failure::Refused(EmailRefused::Unknown))?;
        if known.is_linked() {
            return Err(Failure::Refused(EmailRefused::Linked));
        }
        let hash = self.ring.hash_email(email);
        if hash == old {
            return Err(Failure::Refused(EmailRefused::Same));
        }
        let reservation = Stream::Email(hash);
        self.decide(reservation, cause, |state: &Reservation, _| Ok(state.reserve_email(person))).await?;
        let (reserved, _) = self.load::<Reservation>(reservation).await?;
        if let Some(other) = reserved.holder().filter(|holder| *holder != person) {
            return Err(Failure::Refused(EmailRefused::AnothersEmail(other)));
        }
        Ok(self.move_email(person, Some(old), email, cause).await?)
    }

    /// Registers an organisation that is no school.
    pub async fn register_organisation(
        &self,
        fresh: &Fresh,
        by: Actor,
    ) -> Result<OrganisationId, Failure<ChangeRefused>> {
        let id = OrganisationId::from_uuid(self.random.uuid(self.now())?);
        self.decide(Stream::Organisation(id), Cause::by(by), |state: &Organisation, _| {
            state.register(fresh.clone())
        })
        .await?;
        Ok(id)
    }

    /// Says what an organisation is.
    pub async fn change_kinds(
        &self,
        organisation: OrganisationId,
        kinds: &[OrganisationKind],
        by: Actor,
    ) -> Result<Done, Failure<ChangeRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::by(by), |state: &Organisation, _| {
            state.change_kinds(kinds)
        })
        .await
    }

    /// Renames an organisation that is no school, closes it or opens it again.
    pub async fn change_organisation(
        &self,
        organisation: OrganisationId,
        name: Option<&str>,
        open: Option<bool>,
        by: Actor,
    ) -> Result<Done, Failure<ChangeRefused>> {
        self.decide(Stream::Organisation(organisation), Cause::by(by), |state: &Organisation, _| {
            state.change(name.map(Into::into), open)
        })
        .await
    }

    /// Whose an address is, as the lists know.
    pub fn person_of(&self, email: &Email) -> Option<PersonId> {
        let hash = self.ring.hash_email(email);
        self.lists(|lists| lists.person_by_email(hash))
    }
}
