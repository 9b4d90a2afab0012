//! How it stands with one person's access to one organisation, in words.

use vouchsafe_events::{Actor, ApproverBasis, Held, OrganisationId, PersonId, RequestId, Timestamp};
use vouchsafe_projections::{Access, Approver, Ended, HowEnded, Organisation, Outcome, Request};

use crate::app::App;
use crate::domain::Terms;
use crate::web::kinds::kinds;
use crate::web::{links, when};

/// Opens what the lists hold sealed.
pub(super) trait Words {
    /// A person's name.
    fn name(&self, person: PersonId) -> String;
    /// A sealed text.
    fn text(&self, held: &Held) -> String;
    /// An organisation's name.
    fn organisation(&self, id: OrganisationId) -> String;
}

impl Words for App {
    fn name(&self, person: PersonId) -> String {
        self.name_of(person)
    }

    fn text(&self, held: &Held) -> String {
        self.show(held)
    }

    fn organisation(&self, id: OrganisationId) -> String {
        self.organisation_name(id)
    }
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// They are an approver, and so have access.
    Approver(Approves),
    /// An approver gave them access.
    User(Uses),
    /// They are on the list that support keeps, and have access by that alone.
    Listed(OnList),
    /// Their request waits.
    Waiting(Waits),
    /// They have no access and nothing waits.
    Out(Last),
}

/// An approver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approves {
    /// Since what day.
    pub(super) since: String,
    /// Who made them one; none if DfE Sign-in says that they are.
    pub(super) by: Option<String>,
    /// The school that closed and that they approved at before, if that is why.
    pub(super) closed: Option<String>,
    /// How many requests wait for them.
    pub(super) waiting: usize,
    /// By what day the open review is due, if one is open.
    pub(super) review_due: Option<String>,
    /// A request of their own from before, which they no longer need.
    pub(super) own_request: Option<RequestId>,
}

/// Somebody to whom access was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uses {
    /// Since what day.
    pub(super) since: String,
    /// Who gave it.
    pub(super) by: Option<String>,
    /// The school that closed and that they had access to before, if that is why.
    pub(super) closed: Option<String>,
    /// Whether they had asked for it.
    pub(super) asked: bool,
    /// At the end of what day it ends, if it does.
    pub(super) ends: Option<String>,
}

/// Somebody on the list that support keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OnList {
    /// Since what day.
    pub(super) since: String,
    /// What the organisation is: "lead provider and delivery partner".
    pub(super) kinds: String,
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    /// Where it is taken back.
    pub(super) withdraw: String,
    /// When it was asked.
    pub(super) asked: String,
    /// The school that closed and that they had access to, if they did not ask themselves.
    pub(super) closed: Option<String>,
    /// What the person wrote.
    pub(super) message: Option<String>,
    /// On what day the approvers are reminded next, if they are again.
    pub(super) reminded: Option<String>,
    /// On what day the request runs out.
    pub(super) expires: String,
}

/// What was last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Nothing that is known.
    Nothing,
    /// Their request was declined.
    Declined {
        /// On what day.
        on: String,
        /// By whom.
        by: Option<String>,
        /// Why.
        reason: String,
    },
    /// They took their request back.
    Withdrawn {
        /// On what day.
        on: String,
    },
    /// Nobody decided in time.
    Expired {
        /// On what day.
        on: String,
    },
    /// They had access that came to its end date.
    Ended {
        /// On what day.
        on: String,
    },
    /// They had access that an approver ended.
    Revoked {
        /// On what day.
        on: String,
        /// By whom.
        by: Option<String>,
    },
}

/// The name of the person who did something; none if it was no person.
fn by(actor: Actor, words: &impl Words) -> Option<String> {
    match actor {
        Actor::Person(person) => Some(words.name(person)),
        Actor::Reactor(_) | Actor::Operator | Actor::System => None,
    }
}

impl Stands {
    /// How it stands with somebody by the list that support keeps, and nothing else.
    pub(super) fn by_list(organisation: &Organisation, person: PersonId) -> Self {
        match organisation.listed.get(&person) {
            Some(listed) => {
                Self::Listed(OnList { since: when::date(listed.since), kinds: kinds(&organisation.kinds) })
            }
            None => Self::Out(Last::Nothing),
        }
    }

    /// How it stands with `person` at `now`.
    pub(super) fn of(
        organisation: &Organisation,
        person: PersonId,
        now: Timestamp,
        terms: &Terms,
        words: &impl Words,
    ) -> Self {
        let open = organisation.open_request_of(person);
        if let Some(approver) = organisation.approvers.get(&person) {
            let own_request = open.map(|request| request.id);
            return Self::Approver(Approves {
                own_request,
                ..approves(organisation, person, approver, words)
            });
        }
        let access = organisation.users.get(&person);
        if let Some(access) = access.filter(|access| access.lasts(now)) {
            return Self::User(uses(access, words));
        }
        if organisation.is_listed(person) {
            return Self::by_list(organisation, person);
        }
        if let Some(request) = open {
            return Self::Waiting(waits(request, now, terms, words));
        }
        // The end has come and is not yet an event.
        if let Some(ends) = access.and_then(|access| access.ends) {
            return Self::Out(Last::Ended { on: when::date(ends) });
        }
        let latest = organisation.latest_request_of(person).map(|request| &request.outcome);
        // What came of a request before access ended is of no more interest.
        let ended = organisation.ended.get(&person);
        if let Some(ended) =
            ended.filter(|ended| latest.and_then(Outcome::at).is_none_or(|at| at <= ended.at))
        {
            return Self::Out(gone(ended, words));
        }
        Self::Out(latest.map_or(Last::Nothing, |outcome| last(outcome, words)))
    }
}

fn approves(
    organisation: &Organisation,
    person: PersonId,
    approver: &Approver,
    words: &impl Words,
) -> Approves {
    let came = organisation.carried.iter().find(|(_, people)| people.contains(&person));
    let came = came.map(|(from, _)| words.organisation(*from));
    Approves {
        since: when::date(approver.since),
        by: match approver.basis {
            ApproverBasis::DfeSignIn | ApproverBasis::Predecessor => None,
            ApproverBasis::Colleague => by(approver.by, words),
        },
        closed: came.filter(|_| approver.basis == ApproverBasis::Predecessor),
        waiting: organisation.open_requests().filter(|request| request.person != person).count(),
        review_due: organisation.review.as_ref().map(|review| when::date(review.due)),
        own_request: None,
    }
}

fn uses(access: &Access, words: &impl Words) -> Uses {
    Uses {
        since: when::date(access.since),
        by: by(access.by, words),
        closed: access.from.map(|from| words.organisation(from)),
        asked: access.request.is_some(),
        ends: access.ends.map(when::date),
    }
}

fn waits(request: &Request, now: Timestamp, terms: &Terms, words: &impl Words) -> Waits {
    let after = |days: u16| request.at.plus_days(days.into());
    let reminders = terms.remind_after_days.iter().map(|days| after(*days));
    Waits {
        withdraw: links::withdraw(&request.id),
        asked: when::date_time(request.at),
        closed: request.from.map(|from| words.organisation(from)),
        message: request.message.as_ref().map(|held| words.text(held)),
        reminded: reminders.filter(|at| *at > now).min().map(when::date),
        expires: when::date(after(terms.request_expires_after_days)),
    }
}

/// Access that has ended.
fn gone(ended: &Ended, words: &impl Words) -> Last {
    let on = when::date(ended.at);
    match ended.how {
        HowEnded::EndDate => Last::Ended { on },
        HowEnded::Revoked { by: who } => Last::Revoked { on, by: by(who, words) },
    }
}

fn last(outcome: &Outcome, words: &impl Words) -> Last {
    match outcome {
        // An open request was looked for before, and how granted access ended as well.
        Outcome::Open | Outcome::Granted { .. } => Last::Nothing,
        Outcome::Declined { by: who, at, reason } => {
            Last::Declined { on: when::date(*at), by: by(*who, words), reason: words.text(reason) }
        }
        Outcome::Withdrawn { at } => Last::Withdrawn { on: when::date(*at) },
        Outcome::Expired { at } => Last::Expired { on: when::date(*at) },
    }
}
