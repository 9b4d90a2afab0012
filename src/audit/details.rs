//! What stands behind an event, field by field.

use vouchsafe_events::{
    Event, EventId, OrganisationId, PersonId, Recorded, RequestId, Sealed, Slot, Stream, Timestamp,
};

use super::sentence::{Say, sentence};
use super::words;
use crate::app::App;
use crate::web::when::{date, date_time};

/// An event in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What happened, in one sentence.
    pub sentence: String,
    /// What else is known of it.
    pub details: Vec<Detail>,
    /// Every sealed value in the event, as it stands in the stored form.
    pub sealed: Vec<Sealed>,
}

/// One field of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What the field is.
    pub label: &'static str,
    /// What it holds.
    pub value: Value,
}

/// What a field of an event holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Words of ours.
    Words(String),
    /// What somebody typed, or was known by: opened, or `[erased]`.
    Typed(String),
    /// A person, and their name.
    Person(PersonId, String),
    /// An organisation, and its name.
    Organisation(OrganisationId, String),
    /// Another event.
    Event(EventId),
}

impl Value {
    /// The event, if it is one.
    pub const fn event(&self) -> Option<EventId> {
        match self {
            Self::Event(id) => Some(*id),
            Self::Words(_) | Self::Typed(_) | Self::Person(..) | Self::Organisation(..) => None,
        }
    }
}

/// Puts an event into words: opens what is sealed in it, as far as it still opens.
pub fn tell(app: &App, recorded: &Recorded) -> Told {
    let mut teller =
        Teller { say: Say { app, recorded }, details: Vec::new(), sealed: Vec::new(), owner: None };
    match recorded.envelope.stream {
        Stream::Organisation(id) => teller.organisation("Organisation", id),
        Stream::Person(id) => {
            teller.owner = Some(id);
            teller.person("Person", id);
        }
        Stream::Email(_) | Stream::Subject(_) | Stream::Reactor(_) => {}
    }
    teller.event(&recorded.event);
    Told { sentence: sentence(app, recorded), details: teller.details, sealed: teller.sealed }
}

/// Gathers the details.
struct Teller<'a> {
    say: Say<'a>,
    details: Vec<Detail>,
    sealed: Vec<Sealed>,
    /// The person whose stream the event is in.
    owner: Option<PersonId>,
}

impl Teller<'_> {
    fn add(&mut self, label: &'static str, value: Value) {
        self.details.push(Detail { label, value });
    }

    fn words(&mut self, label: &'static str, words: impl Into<String>) {
        self.add(label, Value::Words(words.into()));
    }

    fn known(&mut self, label: &'static str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.words(label, text.to_string());
        }
    }

    fn person(&mut self, label: &'static str, id: PersonId) {
        self.add(label, Value::Person(id, self.say.name(id)));
    }

    fn organisation(&mut self, label: &'static str, id: OrganisationId) {
        self.add(label, Value::Organisation(id, self.say.organisation_name(id)));
    }

    fn ends(&mut self, label: &'static str, ends: Option<Timestamp>) {
        self.words(label, ends.map_or_else(|| "No end date".to_owned(), date));
    }

    /// A sealed text about `subject`.
    fn open(&mut self, label: &'static str, subject: Option<PersonId>, slot: Slot, sealed: &Sealed) {
        self.sealed.push(sealed.clone());
        if let Some(subject) = subject {
            let held = self.say.recorded.hold(subject, slot, sealed);
            self.add(label, Value::Typed(self.say.app.show(&held)));
        }
    }

    fn request(&mut self, request: RequestId) {
        self.words("Request", request.to_string());
    }

    /// One arm for each type of event.
    #[expect(clippy::too_many_lines, reason = "one arm for each type of event")]
    fn event(&mut self, event: &Event<Sealed>) {
        let owner = self.owner;
        match event {
            Event::OrganisationRegistered(data) => {
                self.words("Name", data.name.to_string());
                let kinds: Vec<_> = data.kinds.iter().copied().map(words::organisation_kind).collect();
                self.words("Kind", kinds.join(", "));
                self.known("URN", data.urn);
                self.known("UKPRN", data.ukprn);
                self.known("DfE Sign-in organisation", data.dfe_sign_in);
                self.known("Establishment type", data.establishment_type.as_ref());
                self.known("Local authority", data.local_authority.as_ref().map(|found| &found.name));
            }
            Event::OrganisationRenamed(data) => self.words("Name", data.name.to_string()),
            Event::OrganisationClosed(_)
            | Event::OrganisationReopened(_)
            | Event::OneTimePasswordDelayLifted(_) => {}
            Event::OrganisationKindsChanged(data) => {
                let kinds: Vec<_> = data.kinds.iter().copied().map(words::organisation_kind).collect();
                self.words("Kind", kinds.join(", "));
            }
            Event::OrganisationDescribed(data) => {
                self.known("UKPRN", data.ukprn);
                self.known("DfE Sign-in organisation", data.dfe_sign_in);
                self.known("Establishment type", data.establishment_type.as_ref());
                self.known("Local authority", data.local_authority.as_ref().map(|found| &found.name));
            }
            Event::OrganisationSucceeded(data) => {
                for successor in &data.successors {
                    self.organisation("Successor", *successor);
                }
            }
            Event::ApproverCarriedOver(data) => {
                self.person("Approver", data.person);
                self.organisation("Closed", data.from);
            }
            Event::AccessCarriedOver(data) => {
                self.person("Who has access", data.person);
                self.organisation("Closed", data.from);
                self.ends("End date", data.ends);
            }
            Event::AccessRequestedOnClosure(data) => {
                self.person("Who had access", data.person);
                self.organisation("Closed", data.from);
                self.request(data.request);
            }
            Event::UserAdded(data) => {
                self.person("Who", data.person);
                if let Some(from) = data.from {
                    self.organisation("Closed", from);
                }
                if let Some(old) = data.instead_of {
                    self.person("Instead of", old);
                }
            }
            Event::UserRemoved(data) => {
                self.person("Who", data.person);
                self.open("Reason", Some(data.person), Slot::RemovedReason, &data.reason);
            }
            Event::UserProposed(data) => self.person("Who", data.person),
            Event::UserProposalDismissed(data) => self.person("Who had asked", data.person),
            Event::OneTimePasswordIssued(data) => {
                self.words("Good until", date_time(data.expires));
                self.open("Network address", owner, Slot::IssuedNetwork, &data.network);
                self.words("Challenge", data.challenge.to_string());
            }
            Event::OneTimePasswordWithheld(data) => {
                self.words("Why", words::withheld(data.reason));
                self.open("Network address", owner, Slot::WithheldNetwork, &data.network);
                self.words("Challenge", data.challenge.to_string());
            }
            Event::OneTimePasswordUsed(data) => {
                self.words("Challenge", data.challenge.to_string());
                self.words("Session", data.session.to_string());
            }
            Event::OneTimePasswordRefused(data) => {
                self.words("Why", words::code_refusal(data.reason));
                self.open("Network address", owner, Slot::CodeNetwork, &data.network);
                self.words("Challenge", data.challenge.to_string());
            }
            Event::OneTimePasswordDelayed(data) => {
                self.words("Until", date_time(data.until));
                self.words("Wrong codes", data.failures.to_string());
            }
            Event::ApproverEstablished(data) => {
                self.person("Approver", data.person);
                self.words("Why", words::basis(data.basis));
            }
            Event::ApproverStoodDown(data) => {
                self.person("Approver", data.person);
                self.words("Why", words::stand_down(data.reason));
            }
            Event::AccessRequested(data) => {
                self.person("Who asked", data.person);
                match &data.message {
                    Some(message) => {
                        self.open("Message", Some(data.person), Slot::RequestMessage, message);
                    }
                    None => self.words("Message", "None"),
                }
                self.request(data.request);
            }
            Event::AccessRequestWithdrawn(data) => {
                self.person("Who had asked", data.person);
                self.request(data.request);
            }
            Event::AccessRequestExpired(data) => {
                self.person("Who had asked", data.person);
                self.request(data.request);
            }
            Event::ApproversReminded(data) => {
                if let Some(person) = self.say.asked(data.request) {
                    self.person("Who asked", person);
                }
                self.words("Reminder", data.reminder.to_string());
                self.request(data.request);
            }
            Event::AccessGranted(data) => {
                self.person("Who has access", data.person);
                self.ends("End date", data.ends);
                match data.request {
                    Some(request) => self.request(request),
                    None => self.words("Request", "None: access was given without being asked for"),
                }
            }
            Event::AccessDeclined(data) => {
                self.person("Who had asked", data.person);
                self.open("Reason", Some(data.person), Slot::DeclineReason, &data.reason);
                self.request(data.request);
            }
            Event::AccessEndDateChanged(data) => {
                self.person("Whose access", data.person);
                self.ends("New end date", data.ends);
            }
            Event::AccessEndingSoon(data) => {
                self.person("Whose access", data.person);
                self.ends("End date", Some(data.ends));
            }
            Event::AccessEnded(data) => self.person("Whose access", data.person),
            Event::AccessRevoked(data) => {
                self.person("Whose access", data.person);
                self.open("Reason", Some(data.person), Slot::RevokeReason, &data.reason);
                self.known("Review", data.review);
            }
            Event::ReviewOpened(data) => {
                self.words("To be completed by", date(data.due));
                self.words("Review", data.review.to_string());
            }
            Event::AccessConfirmed(data) => {
                self.person("Whose access", data.person);
                self.words("Review", data.review.to_string());
            }
            Event::ReviewReminded(data) => {
                self.words("Reminder", data.reminder.to_string());
                self.words("Review", data.review.to_string());
            }
            Event::ReviewCompleted(data) => self.words("Review", data.review.to_string()),
            Event::PersonIntroduced(data) => {
                match &data.name {
                    Some(name) => self.open("Name", owner, Slot::IntroducedName, name),
                    None => self.words("Name", "Not known"),
                }
                self.open("Email address", owner, Slot::IntroducedEmail, &data.email);
                self.words("How", words::introduction(data.how));
            }
            Event::SubjectLinked(data) => {
                self.open("Account", owner, Slot::LinkedSubject, &data.subject);
            }
            Event::EmailChanged(data) => {
                self.open("New email address", owner, Slot::ChangedEmail, &data.email);
            }
            Event::EmailHeldByAnother(data) => {
                self.open("Email address", owner, Slot::HeldEmail, &data.email);
                self.person("Whose it is", data.other);
            }
            Event::NameChanged(data) => self.open("New name", owner, Slot::ChangedName, &data.name),
            Event::StaffAppointed(data) => self.words("As", words::role(data.role)),
            Event::StaffStoodDown(data) => self.words("As", words::role(data.role)),
            Event::SignedIn(data) => {
                match data.organisation {
                    Some(organisation) => self.organisation("Acting for", organisation),
                    None => self.words("Acting for", "No organisation yet"),
                }
                for organisation in &data.organisations {
                    if Some(*organisation) != data.organisation {
                        self.organisation("May also act for", *organisation);
                    }
                }
                self.words("With", words::method(data.method));
                self.open("Network address", owner, Slot::SignedInNetwork, &data.network);
                self.open("Browser", owner, Slot::SignedInDevice, &data.device);
                self.words("Session ends at the latest", date_time(data.expires));
                self.words("Session", data.session.to_string());
            }
            Event::OrganisationChosen(data) => {
                self.organisation("Acting for", data.organisation);
                self.words("Session", data.session.to_string());
            }
            Event::SignInRefused(data) => {
                self.words("Why", words::refusal(data.reason));
                if let Some(organisation) = data.organisation {
                    self.organisation("Came for", organisation);
                }
                self.open("Network address", owner, Slot::RefusedNetwork, &data.network);
            }
            Event::SignedOut(data) => {
                self.words("How", words::sign_out(data.how));
                self.words("Session", data.session.to_string());
            }
            Event::EmailReserved(data) => self.person("Whose", data.person),
            Event::EmailReleased(data) => self.person("Whose it was", data.person),
            Event::SubjectReserved(data) => self.person("Whose", data.person),
            Event::MailSent(data) => {
                self.person("To", data.to);
                self.words("About", words::mail(data.mail));
                self.add("Because of", Value::Event(data.event));
            }
            Event::MailGivenUp(data) => {
                self.person("To", data.to);
                self.words("About", words::mail(data.mail));
                self.words("Why not", words::mail_failure(data.reason));
                self.add("Because of", Value::Event(data.event));
            }
        }
    }
}
