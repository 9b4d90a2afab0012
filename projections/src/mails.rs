//! Which mails arise from which event.

use vouchsafe_events::{
    Actor, ApproverBasis, Event, MailKind, OrganisationId, PersonId, Recorded, RequestId, Slot, Timestamp,
};

use crate::organisation::{Organisation, Request};
use crate::outbox::{Outbox, PendingMail};

/// Queues the mails that arise from an event which `organisation` has just taken in, and drops those that it
/// makes idle.
pub(crate) fn arise(organisation: &Organisation, recorded: &Recorded, outbox: &mut Outbox) {
    let post = Post { organisation, recorded };
    match &recorded.event {
        Event::AccessRequested(data) => {
            if let Some(request) = organisation.requests.get(&data.request) {
                post.ask_approvers(outbox, request, MailKind::RequestToDecide);
            }
        }
        Event::ApproversReminded(data) => {
            if let Some(request) = organisation.requests.get(&data.request) {
                post.ask_approvers(outbox, request, MailKind::RequestReminder);
            }
        }
        Event::ApproverEstablished(data) => {
            if data.basis == ApproverBasis::Colleague {
                outbox.queue(post.to(data.person, MailKind::MadeApprover));
            }
            for request in organisation.open_requests().filter(|request| request.person != data.person) {
                let mail = post.ask(data.person, request, MailKind::RequestToDecide);
                outbox.queue(PendingMail { event: request.event, ..mail });
            }
        }
        Event::ApproverCarriedOver(data) => {
            if !post.told_of_coming(data.person, data.from) {
                outbox.queue(post.to(data.person, MailKind::CarriedOver));
            }
            for request in organisation.open_requests().filter(|request| request.person != data.person) {
                let mail = post.ask(data.person, request, MailKind::RequestToDecide);
                outbox.queue(PendingMail { event: request.event, ..mail });
            }
        }
        Event::AccessCarriedOver(data) => {
            let ends = data.ends;
            outbox.queue(PendingMail { ends, ..post.to(data.person, MailKind::CarriedOver) });
        }
        Event::AccessRequestedOnClosure(data) => {
            if let Some(request) = organisation.requests.get(&data.request) {
                post.ask_approvers(outbox, request, MailKind::RequestToDecide);
            }
        }
        Event::UserAdded(data) => {
            let mail = if data.from.is_some() { MailKind::CarriedOver } else { MailKind::AddedToList };
            let told = data.from.is_some_and(|from| post.came_with_access(data.person, from));
            if data.instead_of.is_none() && !told {
                outbox.queue(post.to(data.person, mail));
            }
        }
        Event::UserRemoved(data) => outbox.queue(post.to(data.person, MailKind::RemovedFromList)),
        Event::ApproverStoodDown(data) => outbox.stood_down(data.person, organisation.id),
        Event::AccessRequestWithdrawn(data) => post.decided(outbox, data.request),
        Event::AccessRequestExpired(data) => {
            post.decided(outbox, data.request);
            let request = Some(data.request);
            outbox.queue(PendingMail { request, ..post.to(data.person, MailKind::RequestExpired) });
        }
        Event::AccessDeclined(data) => {
            post.decided(outbox, data.request);
            let request = Some(data.request);
            let text = Some(recorded.hold(data.person, Slot::DeclineReason, &data.reason));
            outbox.queue(PendingMail { request, text, ..post.to(data.person, MailKind::RequestDeclined) });
        }
        Event::AccessGranted(data) => post.granted(outbox, data.person, data.request, data.ends),
        // Whom DfE Sign-in names as an approver keeps access, whatever a colleague once gave.
        Event::AccessEndingSoon(data) if organisation.is_named_by_dfe_sign_in(data.person) => {}
        Event::AccessEnded(data) if organisation.is_named_by_dfe_sign_in(data.person) => {}
        Event::AccessEndingSoon(data) => {
            let ends = Some(data.ends);
            outbox.queue(PendingMail { ends, ..post.to(data.person, MailKind::AccessEndingSoon) });
        }
        Event::AccessEnded(data) => {
            // The end date, which came some moments before the event.
            let ends = organisation.ended.get(&data.person).map(|ended| ended.at);
            outbox.queue(PendingMail { ends, ..post.to(data.person, MailKind::AccessEnded) });
        }
        Event::AccessRevoked(data) => {
            let text = Some(recorded.hold(data.person, Slot::RevokeReason, &data.reason));
            outbox.queue(PendingMail { text, ..post.to(data.person, MailKind::AccessRevoked) });
        }
        Event::ReviewOpened(_) => post.review(outbox, MailKind::ReviewOpened),
        Event::ReviewReminded(_) => post.review(outbox, MailKind::ReviewReminder),
        Event::ReviewCompleted(_) => outbox.reviewed(organisation),
        _ => {}
    }
}

/// Queues the mail that arises when somebody asked for a one-time password.
pub(crate) fn arise_at_sign_in(person: PersonId, recorded: &Recorded, outbox: &mut Outbox) {
    let mail = match &recorded.event {
        Event::OneTimePasswordIssued(_) => {
            outbox.replace_code(person);
            MailKind::OneTimePassword
        }
        Event::OneTimePasswordWithheld(_) => MailKind::HowToGetIn,
        _ => return,
    };
    let envelope = &recorded.envelope;
    outbox.queue(PendingMail {
        event: envelope.id,
        position: recorded.position,
        at: envelope.at,
        to: person,
        mail,
        organisation: None,
        about: None,
        by: envelope.actor,
        request: None,
        text: None,
        ends: None,
        due: None,
    });
}

/// What all mails that arise from one event have in common.
struct Post<'a> {
    organisation: &'a Organisation,
    recorded: &'a Recorded,
}

impl Post<'_> {
    /// A mail about the event, which names its actor if that is a person.
    fn to(&self, to: PersonId, mail: MailKind) -> PendingMail {
        let envelope = &self.recorded.envelope;
        PendingMail {
            event: envelope.id,
            position: self.recorded.position,
            at: envelope.at,
            to,
            mail,
            organisation: Some(self.organisation.id),
            about: self.actor(),
            by: envelope.actor,
            request: None,
            text: None,
            ends: None,
            due: None,
        }
    }

    /// Whether a person has come here with access from an organisation that closed at this very moment: then a mail
    /// tells them so already.
    fn came_with_access(&self, person: PersonId, from: OrganisationId) -> bool {
        let access = self.organisation.users.get(&person);
        access.is_some_and(|access| access.from == Some(from) && access.since == self.recorded.envelope.at)
    }

    /// The same of somebody who may have come onto support's list too.
    fn told_of_coming(&self, person: PersonId, from: OrganisationId) -> bool {
        let listed = self.organisation.listed.get(&person);
        listed.is_some_and(|listed| listed.from == Some(from) && listed.since == self.recorded.envelope.at)
            || self.came_with_access(person, from)
    }

    fn actor(&self) -> Option<PersonId> {
        match self.recorded.envelope.actor {
            Actor::Person(id) => Some(id),
            Actor::Reactor(_) | Actor::Operator | Actor::System => None,
        }
    }

    /// A mail that asks an approver to decide a request, and names who asks.
    fn ask(&self, approver: PersonId, request: &Request, mail: MailKind) -> PendingMail {
        let (about, text) = (Some(request.person), request.message.clone());
        PendingMail { about, text, request: Some(request.id), ..self.to(approver, mail) }
    }

    /// Nobody decides their own request, so an approver who asks is not asked.
    fn ask_approvers(&self, outbox: &mut Outbox, request: &Request, mail: MailKind) {
        for approver in self.organisation.approvers.keys().filter(|id| **id != request.person) {
            outbox.queue(self.ask(*approver, request, mail));
        }
    }

    fn granted(
        &self,
        outbox: &mut Outbox,
        person: PersonId,
        request: Option<RequestId>,
        ends: Option<Timestamp>,
    ) {
        if let Some(id) = request {
            self.decided(outbox, id);
            outbox.queue(PendingMail { request, ends, ..self.to(person, MailKind::RequestGranted) });
        } else if self.actor() != Some(person) {
            outbox.queue(PendingMail { ends, ..self.to(person, MailKind::AddedByColleague) });
        }
    }

    fn decided(&self, outbox: &mut Outbox, id: RequestId) {
        if let Some(request) =
            self.organisation.requests.get(&id).filter(|request| !request.outcome.is_open())
        {
            outbox.decided(id, request.event);
        }
    }

    fn review(&self, outbox: &mut Outbox, mail: MailKind) {
        let due = self.organisation.review.as_ref().map(|review| review.due);
        for approver in self.organisation.approvers.keys() {
            outbox.queue(PendingMail { due, ..self.to(*approver, mail) });
        }
    }
}
