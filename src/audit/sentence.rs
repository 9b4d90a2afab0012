//! One sentence for each event.

use vouchsafe_events::{
    Actor, ApproverBasis, Event, Introduction, OrganisationId, PersonId, Recorded, RequestId, SignOut,
    StandDownReason, Stream,
};

use super::words;
use crate::app::App;
use crate::web::when::{date, date_time, time};

/// What an event says, in one sentence without a full stop. People and organisations go by the names that
/// they have today; a person who has been erased is `[erased]`.
#[expect(clippy::too_many_lines, reason = "one arm for each type of event")]
pub fn sentence(app: &App, recorded: &Recorded) -> String {
    let say = Say { app, recorded };
    let (by, at) = (say.actor(), say.organisation());
    match &recorded.event {
        Event::OrganisationRegistered(data) => format!("{} became known to the service", data.name),
        Event::OrganisationRenamed(data) => format!("An organisation’s name changed to {}", data.name),
        Event::OrganisationClosed(_) => format!("{at} closed"),
        Event::OrganisationReopened(_) => format!("{at} opened again"),
        Event::ApproverEstablished(data) => match data.basis {
            ApproverBasis::Colleague if !matches!(recorded.envelope.actor, Actor::Person(_)) => {
                let person = say.name(data.person);
                format!(
                    "DfE Sign-in no longer names {person} as an approver at {at}, who stays one because a colleague had made them one"
                )
            }
            ApproverBasis::Colleague => format!("{by} made {} an approver at {at}", say.name(data.person)),
            ApproverBasis::Predecessor => {
                format!(
                    "{} became an approver at {at}, as they were at its predecessor",
                    say.name(data.person)
                )
            }
            ApproverBasis::DfeSignIn if recorded.envelope.actor == Actor::Person(data.person) => {
                format!("{by} became an approver at {at} again")
            }
            ApproverBasis::DfeSignIn => {
                let person = say.name(data.person);
                format!("{person} is an approver at {at}, because DfE Sign-in names them as one")
            }
        },
        Event::OrganisationKindsChanged(data) => {
            let kinds: Vec<_> = data.kinds.iter().copied().map(words::organisation_kind).collect();
            format!("{by} recorded that {at} is now: {}", kinds.join(", "))
        }
        Event::OrganisationDescribed(_) => format!("More became known of {at}"),
        Event::OrganisationSucceeded(data) => {
            let names: Vec<_> = data.successors.iter().map(|id| say.organisation_name(*id)).collect();
            format!("The register says that {at} is succeeded by {}", names.join(" and "))
        }
        Event::ApproverCarriedOver(data) => format!(
            "{} became an approver at {at}, as they were at {}, which closed",
            say.name(data.person),
            say.organisation_name(data.from)
        ),
        Event::AccessCarriedOver(data) => format!(
            "{} has access to {at}, as they had to {}, which closed",
            say.name(data.person),
            say.organisation_name(data.from)
        ),
        Event::AccessRequestedOnClosure(data) => format!(
            "{}, who had access to {}, which closed, was put before the approvers at {at}",
            say.name(data.person),
            say.organisation_name(data.from)
        ),
        Event::UserAdded(data) => {
            let person = say.name(data.person);
            match (data.from, data.instead_of) {
                (Some(from), _) => {
                    let from = say.organisation_name(from);
                    format!(
                        "{person} is on the user list of {at}, as they were on that of {from}, which closed"
                    )
                }
                (None, Some(old)) => {
                    format!("{person} took the place of {} on the user list of {at}", say.name(old))
                }
                (None, None) => format!("{by} put {person} on the user list of {at}"),
            }
        }
        Event::UserRemoved(data) => format!("{by} took {} off the user list of {at}", say.name(data.person)),
        Event::UserProposed(data) => {
            format!("{} asked to be put on the user list of {at} themselves", say.name(data.person))
        }
        Event::UserProposalDismissed(data) => {
            format!("{by} dismissed that {} be put on the user list of {at}", say.name(data.person))
        }
        Event::OneTimePasswordIssued(data) => {
            format!("{} asked for a one-time password, good until {}", say.owner(), time(data.expires))
        }
        Event::OneTimePasswordWithheld(data) => {
            let why = words::withheld(data.reason);
            format!("{} asked for a one-time password and got none, because {why}", say.owner())
        }
        Event::OneTimePasswordUsed(_) => format!("{} entered the right one-time password", say.owner()),
        Event::OneTimePasswordRefused(data) => {
            let why = words::code_refusal(data.reason);
            format!("{} entered a one-time password that was not taken, because {why}", say.owner())
        }
        Event::OneTimePasswordDelayed(data) => {
            let (failures, until) = (data.failures, date_time(data.until));
            format!("{} must wait until {until}, after {failures} wrong one-time passwords", say.owner())
        }
        Event::OneTimePasswordDelayLifted(_) => {
            format!("{by} let {} use one-time passwords again at once", say.owner())
        }
        Event::ApproverStoodDown(data) => {
            let person = say.name(data.person);
            match data.reason {
                StandDownReason::Own => format!("{person} stood down as an approver at {at}"),
                StandDownReason::DfeSignIn => format!(
                    "{person} stopped being an approver at {at}, because DfE Sign-in no longer names them as one"
                ),
                StandDownReason::AccessRevoked => {
                    format!("{person} stopped being an approver at {at}, because their access was ended")
                }
                StandDownReason::AccessEnded => {
                    format!(
                        "{person} stopped being an approver at {at}, because their access reached its end date"
                    )
                }
            }
        }
        Event::AccessRequested(data) => format!("{} asked for access to {at}", say.name(data.person)),
        Event::AccessRequestWithdrawn(data) => {
            format!("{} withdrew their request for access to {at}", say.name(data.person))
        }
        Event::AccessRequestExpired(data) => {
            format!(
                "{}’s request for access to {at} expired, because nobody decided it in time",
                say.name(data.person)
            )
        }
        Event::ApproversReminded(data) => {
            let who =
                say.asked(data.request).map_or_else(|| "somebody".to_owned(), |person| say.name(person));
            format!("The approvers at {at} were reminded that {who} is waiting for access")
        }
        Event::AccessGranted(data) => {
            let until = data.ends.map_or_else(String::new, |ends| format!(" until {}", date(ends)));
            let verb = if data.request.is_some() { "granted" } else { "gave" };
            format!("{by} {verb} {} access to {at}{until}", say.name(data.person))
        }
        Event::AccessDeclined(data) => {
            format!("{by} declined {}’s request for access to {at}", say.name(data.person))
        }
        Event::AccessEndDateChanged(data) => {
            let person = say.name(data.person);
            match data.ends {
                Some(ends) => format!("{by} set {person}’s access to {at} to end on {}", date(ends)),
                None => format!("{by} removed the end date of {person}’s access to {at}"),
            }
        }
        Event::AccessEndingSoon(data) => {
            format!("{}’s access to {at} was due to end soon, on {}", say.name(data.person), date(data.ends))
        }
        Event::AccessEnded(data) => {
            format!("{}’s access to {at} ended on its end date", say.name(data.person))
        }
        Event::AccessRevoked(data) => {
            let review = if data.review.is_some() { " in a yearly review" } else { "" };
            format!("{by} ended {}’s access to {at}{review}", say.name(data.person))
        }
        Event::ReviewOpened(data) => {
            format!("A yearly review of who has access to {at} opened, due by {}", date(data.due))
        }
        Event::AccessConfirmed(data) => {
            format!("{by} confirmed that {} still needs access to {at}", say.name(data.person))
        }
        Event::ReviewReminded(_) => {
            format!("The approvers at {at} were reminded that their yearly review is overdue")
        }
        Event::ReviewCompleted(_) => format!("The yearly review of who has access to {at} was completed"),
        Event::PersonIntroduced(data) => {
            let person = say.owner();
            match data.how {
                Introduction::DfeSignIn => {
                    format!("{person} became known to the service by signing in with DfE Sign-in")
                }
                Introduction::DfeSignInApprovers => {
                    format!(
                        "{person} became known to the service, because DfE Sign-in names them as an approver"
                    )
                }
                Introduction::OneTimePassword => {
                    format!("{person} became known to the service by asking for a one-time password")
                }
                Introduction::Colleague | Introduction::Operator | Introduction::Support => {
                    format!("{by} added {person} to the service")
                }
            }
        }
        Event::SubjectLinked(_) => format!("A DfE Sign-in account was linked to {}", say.owner()),
        Event::EmailChanged(_) => format!("{}’s email address changed", say.owner()),
        Event::EmailHeldByAnother(data) => {
            format!("{} came with an email address that belongs to {}", say.owner(), say.name(data.other))
        }
        Event::NameChanged(_) => format!("{}’s name changed", say.owner()),
        Event::StaffAppointed(data) => {
            format!("{by} appointed {} as {}", say.owner(), words::role(data.role))
        }
        Event::StaffStoodDown(data) => {
            format!("{by} ended {}’s appointment as {}", say.owner(), words::role(data.role))
        }
        Event::SignedIn(data) => match data.organisation {
            Some(organisation) => {
                format!("{} signed in for {}", say.owner(), say.organisation_name(organisation))
            }
            None => format!("{} signed in", say.owner()),
        },
        Event::OrganisationChosen(data) => {
            format!("{} chose to act for {}", say.owner(), say.organisation_name(data.organisation))
        }
        Event::SignInRefused(data) => {
            let came_for = data.organisation.map_or_else(String::new, |organisation| {
                format!(" ({})", say.organisation_name(organisation))
            });
            format!("{} was not let in: {}{came_for}", say.owner(), words::refusal(data.reason))
        }
        Event::SignedOut(data) => {
            let person = say.owner();
            match data.how {
                SignOut::Here => format!("{person} signed out"),
                SignOut::Elsewhere => format!("{person} ended one of their other sessions"),
                SignOut::Replaced => {
                    format!(
                        "{person}’s earlier session ended, because they signed in again in the same browser"
                    )
                }
            }
        }
        Event::EmailReserved(data) => format!("An email address was recorded as {}’s", say.name(data.person)),
        Event::EmailReleased(data) => {
            format!("An email address stopped being recorded as {}’s", say.name(data.person))
        }
        Event::SubjectReserved(data) => {
            format!("A DfE Sign-in account was recorded as {}’s", say.name(data.person))
        }
        Event::MailSent(data) => {
            format!("{} was sent an email: {}", say.name(data.to), words::mail(data.mail))
        }
        Event::MailGivenUp(data) => {
            let (to, why) = (say.name(data.to), words::mail_failure(data.reason));
            format!("{to} was not sent an email ({}), because {why}", words::mail(data.mail))
        }
    }
}

/// Who did something, as the beginning of a sentence.
pub fn actor(app: &App, actor: Actor) -> String {
    match actor {
        Actor::Person(id) => app.name_of(id),
        Actor::Reactor(_) => "The service".to_owned(),
        Actor::Operator => "An operator".to_owned(),
        Actor::System => "The service, on what DfE Sign-in said".to_owned(),
    }
}

/// An event that is put into words.
pub(super) struct Say<'a> {
    pub(super) app: &'a App,
    pub(super) recorded: &'a Recorded,
}

impl Say<'_> {
    fn actor(&self) -> String {
        match self.recorded.envelope.actor {
            Actor::System => "The service".to_owned(),
            other => actor(self.app, other),
        }
    }

    pub(super) fn name(&self, person: PersonId) -> String {
        self.app.name_of(person)
    }

    /// The organisation whose stream the event is in.
    fn organisation(&self) -> String {
        match self.recorded.envelope.stream {
            Stream::Organisation(id) => self.organisation_name(id),
            _ => "a school".to_owned(),
        }
    }

    pub(super) fn organisation_name(&self, id: OrganisationId) -> String {
        let name = self.app.organisation_name(id);
        if name.is_empty() { "a school".to_owned() } else { name }
    }

    /// The person whose stream the event is in.
    fn owner(&self) -> String {
        match self.recorded.envelope.stream {
            Stream::Person(id) => self.name(id),
            _ => "Somebody".to_owned(),
        }
    }

    /// Who made a request, if the lists still know.
    pub(super) fn asked(&self, request: RequestId) -> Option<PersonId> {
        self.app.lists(|lists| {
            let at = lists.organisation_of_request(request)?;
            lists.organisation(at)?.requests.get(&request).map(|request| request.person)
        })
    }
}
