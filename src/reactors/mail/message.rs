//! One mail, ready to be sent.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use uuid::Uuid;
use vouchsafe_events::{Email, EventId, MailKind, PersonId, Timestamp};

use super::{Letter, Line, MailSettings};

/// A mail as it goes to the mail server.
#[derive(Clone)]
pub struct Mail(Message);

/// Why a mail could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address, or the mail as a whole, has no form that mail servers take.
    #[error("the mail cannot be written: check the address that mail comes from")]
    Form(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A template failed.
    #[error("the mail's template failed")]
    Template(#[from] askama::Error),
}

impl Mail {
    /// Makes the mail about `event` to `person`, dated `at`.
    ///
    /// The Message-ID is the same whenever the same event tells the same person of the same thing, so that a
    /// mail that was sent twice can be recognised.
    pub fn new(
        settings: &MailSettings,
        event: EventId,
        (person, to): (PersonId, &Email),
        at: Timestamp,
        letter: &Letter,
    ) -> Result<Self, MailError> {
        let from = mailbox(Some(Line::new(&settings.from_name)), &settings.from_address)?;
        let id = message_id(event, person, letter.about.kind())
            .map_err(|error| MailError::Form(Box::new(error)))?;
        let domain = from.email.domain().to_owned();
        let micros = u64::try_from(at.micros()).unwrap_or(0);
        let mut message = Message::builder()
            .from(from)
            .to(mailbox(None, to)?)
            .subject(letter.subject())
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{id}@{domain}>")))
            .header(AutoSubmitted);
        if let Some(address) = &settings.reply_to {
            message = message.reply_to(mailbox(None, address)?);
        }
        let parts = MultiPart::alternative_plain_html(letter.text()?, letter.html()?);
        message.multipart(parts).map(Self).map_err(|error| MailError::Form(Box::new(error)))
    }

    pub(super) fn message(&self) -> &Message {
        &self.0
    }

    /// The mail as it goes over the wire (RFC 5322).
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.formatted()
    }
}

/// Shows nothing: it is all personal data.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[mail]")
    }
}

fn mailbox(name: Option<Line>, address: &Email) -> Result<Mailbox, MailError> {
    let address = address.as_str().parse().map_err(|error| MailError::Form(Box::new(error)))?;
    Ok(Mailbox::new(name.map(|name| name.to_string()), address))
}

/// The part of the Message-ID before the `@`.
fn message_id(event: EventId, person: PersonId, kind: MailKind) -> Result<Uuid, serde_json::Error> {
    /// The name space of Message-IDs (a UUID v4 drawn once for this product).
    const MESSAGES: Uuid = Uuid::from_u128(0x2c9f_0f3b_7c0e_4d5d_8a36_94d1_6be2_70af);
    let kind = serde_json::to_vec(&kind)?;
    let name = [&event.uuid().as_bytes()[..], person.uuid().as_bytes(), &kind].concat();
    Ok(Uuid::new_v5(&MESSAGES, &name))
}

/// Tells auto-responders not to answer (RFC 3834, 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        if text == "auto-generated" { Ok(Self) } else { Err("not auto-generated".into()) }
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests;
