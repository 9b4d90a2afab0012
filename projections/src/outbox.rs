//! The mails that are still to be sent, and what became of the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use vouchsafe_events::{
    Actor, Event, EventId, Held, MailFailure, MailKind, OrganisationId, PersonId, Position, Recorded,
    RequestId, Timestamp,
};

use crate::hash::Map;
use crate::organisation::Organisation;

/// How many of the mails that were given up on are kept: the newest.
pub const GIVEN_UP_KEPT: usize = 200;

/// A mail to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMail {
    /// The event that it is about. With `to` and `mail` it names the mail.
    pub event: EventId,
    /// Where the event stands with which it became due. That is a later one than `event` only where somebody
    /// became an approver while a request waited.
    pub position: Position,
    /// When it became due.
    pub at: Timestamp,
    /// To whom.
    pub to: PersonId,
    /// What about.
    pub mail: MailKind,
    /// For which organisation; none if it is about no organisation.
    pub organisation: Option<OrganisationId>,
    /// The other person whom it names, if it names one: who asks, or who decided.
    pub about: Option<PersonId>,
    /// Who gave rise to it.
    pub by: Actor,
    /// The request that it is about, if it is about one.
    pub request: Option<RequestId>,
    /// What somebody wrote that it passes on: a message or a reason, sealed.
    pub text: Option<Held>,
    /// When the access that it is about ends by itself, if it does.
    pub ends: Option<Timestamp>,
    /// By when the review that it is about is to be completed.
    pub due: Option<Timestamp>,
}

/// A mail that was given up on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The event that it was about.
    pub event: EventId,
    /// Where it stands in the log that the mail was given up on.
    pub position: Position,
    /// When it was given up on.
    pub at: Timestamp,
    /// To whom it was.
    pub to: PersonId,
    /// What it was about.
    pub mail: MailKind,
    /// For which organisation, if the mail was still pending here.
    pub organisation: Option<OrganisationId>,
    /// Why.
    pub reason: MailFailure,
}

/// What names a mail.
type Key = (EventId, PersonId, MailKind);

/// What the mail reactor works off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Outbox {
    /// By the order in which they became due.
    pending: BTreeMap<u64, PendingMail>,
    /// How many mails ever became due: the next one's number.
    queued: u64,
    /// Who was ever told of a request that is open, by the event with which it was asked: so that nobody
    /// who stands down and is established again is told twice.
    told: BTreeSet<(EventId, PersonId)>,
    given_up: VecDeque<GivenUp>,
    sent: u64,
    failed: u64,
    #[serde(skip_serializing)]
    numbers: Map<Key, u64>,
    #[serde(skip_serializing)]
    by_request: BTreeSet<(RequestId, u64)>,
    #[serde(skip_serializing)]
    by_person: BTreeSet<(PersonId, u64)>,
    /// Those that carry a one-time password.
    #[serde(skip_serializing)]
    codes: BTreeSet<u64>,
}

/// What a snapshot holds of an [`Outbox`].
#[derive(Deserialize)]
struct Kept {
    pending: BTreeMap<u64, PendingMail>,
    queued: u64,
    told: BTreeSet<(EventId, PersonId)>,
    given_up: VecDeque<GivenUp>,
    sent: u64,
    failed: u64,
}

impl From<Kept> for Outbox {
    fn from(Kept { pending, queued, told, given_up, sent, failed }: Kept) -> Self {
        let mut outbox = Self { queued, told, given_up, sent, failed, ..Self::default() };
        for (number, mail) in pending {
            outbox.insert(number, mail);
        }
        outbox
    }
}

impl Outbox {
    /// What is to be sent, in the order in which it became due.
    pub fn pending(&self) -> impl Iterator<Item = &PendingMail> {
        self.pending.values()
    }

    /// What is to be sent with a one-time password in it, in the order in which it became due.
    pub fn pending_codes(&self) -> impl Iterator<Item = &PendingMail> {
        self.codes.iter().filter_map(|number| self.pending.get(number))
    }

    /// One mail that is to be sent, if it still is.
    pub fn find(&self, event: EventId, to: PersonId, mail: MailKind) -> Option<&PendingMail> {
        self.pending.get(self.numbers.get(&(event, to, mail))?)
    }

    /// The last [`GIVEN_UP_KEPT`] mails that were given up on, oldest first.
    pub fn given_up(&self) -> impl Iterator<Item = &GivenUp> {
        self.given_up.iter()
    }

    /// How many mails were ever sent.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// How many mails were ever given up on.
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// Takes in an event of the mail reactor's stream.
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::MailSent(data) => {
                self.sent += 1;
                self.take((data.event, data.to, data.mail));
            }
            Event::MailGivenUp(data) => {
                self.failed += 1;
                let mail = self.take((data.event, data.to, data.mail));
                if self.given_up.len() >= GIVEN_UP_KEPT {
                    self.given_up.pop_front();
                }
                self.given_up.push_back(GivenUp {
                    event: data.event,
                    position: recorded.position,
                    at: recorded.envelope.at,
                    to: data.to,
                    mail: data.mail,
                    organisation: mail.and_then(|mail| mail.organisation),
                    reason: data.reason,
                });
            }
            _ => {}
        }
    }

    /// Queues a mail, unless the same one waits, or told the same person of the same request before.
    pub(crate) fn queue(&mut self, mail: PendingMail) {
        let again = self.numbers.contains_key(&(mail.event, mail.to, mail.mail));
        let first = mail.mail == MailKind::RequestToDecide;
        if again || (first && !self.told.insert((mail.event, mail.to))) {
            return;
        }
        let number = self.queued;
        self.queued += 1;
        self.insert(number, mail);
    }

    /// Drops what asks approvers to decide a request: it is decided. `asked` is the event it was asked with.
    pub(crate) fn decided(&mut self, request: RequestId, asked: EventId) {
        let numbers: Vec<u64> =
            self.by_request.range((request, 0)..=(request, u64::MAX)).map(|(_, number)| *number).collect();
        for number in numbers {
            self.drop_if(number, |mail| {
                matches!(mail.mail, MailKind::RequestToDecide | MailKind::RequestReminder)
            });
        }
        let told: Vec<_> =
            self.told.range((asked, NOBODY)..).take_while(|(event, _)| *event == asked).copied().collect();
        for entry in told {
            self.told.remove(&entry);
        }
    }

    /// Drops what asks a person to act as an approver of an organisation: they no longer are one. What was not
    /// yet sent counts as not told.
    pub(crate) fn stood_down(&mut self, person: PersonId, organisation: OrganisationId) {
        let idle = |mail: &PendingMail| mail.organisation == Some(organisation) && for_approvers(mail.mail);
        for mail in self.drop_to(person, idle) {
            if mail.mail == MailKind::RequestToDecide {
                self.told.remove(&(mail.event, mail.to));
            }
        }
    }

    /// Drops what asks for a review: it is completed.
    pub(crate) fn reviewed(&mut self, organisation: &Organisation) {
        let review = |mail| matches!(mail, MailKind::ReviewOpened | MailKind::ReviewReminder);
        for approver in organisation.approvers.keys() {
            self.drop_to(*approver, |mail| mail.organisation == Some(organisation.id) && review(mail.mail));
        }
    }

    /// Drops the mails to a person that `idle` picks out.
    fn drop_to(&mut self, person: PersonId, idle: impl Fn(&PendingMail) -> bool) -> Vec<PendingMail> {
        let theirs = self.by_person.range((person, 0)..=(person, u64::MAX));
        let numbers: Vec<u64> = theirs.map(|(_, number)| *number).collect();
        numbers.into_iter().filter_map(|number| self.drop_if(number, &idle)).collect()
    }

    /// Drops an older code to a person that has not been sent: a newer one replaced it.
    pub(crate) fn replace_code(&mut self, person: PersonId) {
        self.drop_to(person, |mail| mail.mail == MailKind::OneTimePassword);
    }

    fn insert(&mut self, number: u64, mail: PendingMail) {
        self.numbers.insert((mail.event, mail.to, mail.mail), number);
        self.by_person.insert((mail.to, number));
        if mail.mail == MailKind::OneTimePassword {
            self.codes.insert(number);
        }
        if let Some(request) = mail.request {
            self.by_request.insert((request, number));
        }
        self.pending.insert(number, mail);
    }

    fn take(&mut self, key: Key) -> Option<PendingMail> {
        let number = self.numbers.remove(&key)?;
        let mail = self.pending.remove(&number)?;
        self.by_person.remove(&(mail.to, number));
        self.codes.remove(&number);
        if let Some(request) = mail.request {
            self.by_request.remove(&(request, number));
        }
        Some(mail)
    }

    fn drop_if(&mut self, number: u64, is: impl Fn(&PendingMail) -> bool) -> Option<PendingMail> {
        let mail = self.pending.get(&number).filter(|mail| is(mail))?;
        self.take((mail.event, mail.to, mail.mail))
    }
}

/// Before every person.
const NOBODY: PersonId = PersonId::from_uuid(vouchsafe_events::Uuid::nil());

/// Whether a mail asks an approver to do something.
const fn for_approvers(mail: MailKind) -> bool {
    match mail {
        MailKind::RequestToDecide
        | MailKind::RequestReminder
        | MailKind::MadeApprover
        | MailKind::ReviewOpened
        | MailKind::ReviewReminder => true,
        MailKind::RequestGranted
        | MailKind::RequestDeclined
        | MailKind::RequestExpired
        | MailKind::AddedByColleague
        | MailKind::AccessEndingSoon
        | MailKind::AccessEnded
        | MailKind::AccessRevoked
        | MailKind::OneTimePassword
        | MailKind::HowToGetIn
        | MailKind::AddedToList
        | MailKind::RemovedFromList
        | MailKind::CarriedOver => false,
    }
}
