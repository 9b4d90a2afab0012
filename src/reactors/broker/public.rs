//! The public form of events: what other systems are told.
//!
//! It is made of types of its own, so that what is stored can change without those who listen noticing, and so that
//! nothing is published because it happened to be in an event. Each field of each event is named here, with whether it
//! is published, published only where personal data is, or kept back: a new event, or a new field, does not compile
//! until somebody has decided.

mod access;
mod one_time_password;
mod organisation;
mod person;
mod schema;
mod words;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use uuid::Uuid;
use vouchsafe_events::{
    Event, EventId, OrganisationId, PersonId, Recorded, RequestId, ReviewId, Sealed, Slot, Stream, Timestamp,
    Ukprn, Urn,
};
use zeroize::Zeroizing;

use crate::privacy::{KeyRing, KeyStoreError, Opened};
pub(super) use schema::{Shape, shapes};

/// Turns what an event holds into what is published of it.
trait Publish {
    /// The published type.
    type Out;

    /// The published value.
    fn publish(&self) -> Self::Out;
}

/// Declares how identifiers are published.
macro_rules! as_uuid {
    ($($id:ty),*) => {$(
        impl Publish for $id {
            type Out = Uuid;

            fn publish(&self) -> Uuid {
                self.uuid()
            }
        }
    )*};
}

as_uuid!(EventId, OrganisationId, PersonId, RequestId, ReviewId);

/// Declares what is published as it is.
macro_rules! as_it_is {
    ($($type:ty),*) => {$(
        impl Publish for $type {
            type Out = Self;

            fn publish(&self) -> Self {
                *self
            }
        }
    )*};
}

as_it_is!(u8, u16, Uuid);

/// Declares what is published as text.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Publish for $type {
            type Out = String;

            fn publish(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

as_text!(Box<str>, Ukprn, Urn);

impl<T: Publish> Publish for Option<T> {
    type Out = Option<T::Out>;

    fn publish(&self) -> Self::Out {
        self.as_ref().map(Publish::publish)
    }
}

impl<T: Publish> Publish for Vec<T> {
    type Out = Vec<T::Out>;

    fn publish(&self) -> Self::Out {
        self.iter().map(Publish::publish).collect()
    }
}

/// An instant in UTC, to the microsecond (RFC 3339).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transparent)]
struct Instant(#[schemars(with = "String", extend("format" = "date-time"))] Timestamp);

impl Publish for Timestamp {
    type Out = Instant;

    fn publish(&self) -> Instant {
        Instant(*self)
    }
}

/// Personal data in the clear. Wiped from memory once the message is written.
struct Personal(Zeroizing<String>);

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal data]")
    }
}

impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for Personal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Personal".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = String::json_schema(generator);
        schema.insert("x-personal-data".to_owned(), true.into());
        schema
    }
}

/// A place where a sealed value may stand.
trait Sealable {
    /// The value, if there is one.
    fn sealed(&self) -> Option<&Sealed>;
}

impl Sealable for Sealed {
    fn sealed(&self) -> Option<&Sealed> {
        Some(self)
    }
}

impl Sealable for Option<Sealed> {
    fn sealed(&self) -> Option<&Sealed> {
        self.as_ref()
    }
}

/// Opens personal data where it is to be published, and leaves it out where it is not.
pub(super) struct Opener<'a> {
    /// With what it is opened; none if personal data is not published.
    ring: Option<&'a KeyRing>,
    /// Whose data an event holds, and which event it is.
    recorded: &'a Recorded,
    /// Whether something that was to be opened does not open, though nobody erased it.
    unreadable: bool,
    /// Why the key ring could not be asked, if it could not.
    away: Option<KeyStoreError>,
}

impl Opener<'_> {
    fn open(&mut self, slot: Slot, value: &impl Sealable) -> Option<Personal> {
        let subject = match self.recorded.envelope.stream {
            Stream::Person(person) => Some(person),
            _ => self.recorded.event.subject(),
        };
        let (ring, subject, sealed) = (self.ring?, subject?, value.sealed()?);
        if self.away.is_some() {
            return None;
        }
        match ring.try_open(&self.recorded.hold(subject, slot, sealed)) {
            Ok(Opened::Text(text)) => return Some(Personal(text)),
            Ok(Opened::Erased) => {}
            Ok(Opened::Unreadable) => self.unreadable = true,
            Err(error) => self.away = Some(error),
        }
        None
    }
}

/// Declares published events of the stored ones of the same name. `optional` fields are left out where there is
/// nothing; `personal` ones too, and where personal data is not published or has been erased; those that are
/// `kept_back` are never published.
macro_rules! published {
    ($(
        $(#[$doc:meta])+
        $name:ident $(<$held:ident>)? { $( $(#[$field_doc:meta])* $field:ident: $type:ty, )* }
        $( optional { $( $(#[$option_doc:meta])* $option:ident: $option_type:ty, )* } )?
        $( personal { $( $(#[$personal_doc:meta])* $personal:ident: $slot:ident, )* } )?
        $( kept_back { $( $kept_back:ident, )* } )?
    )*) => {$(
        $(#[$doc])+
        #[derive(Debug, serde::Serialize, schemars::JsonSchema)]
        pub(super) struct $name {
            $( $(#[$field_doc])* $field: $type, )*
            $($( $(#[$option_doc])* #[serde(skip_serializing_if = "Option::is_none")] $option: Option<$option_type>, )*)?
            $($( $(#[$personal_doc])* #[serde(skip_serializing_if = "Option::is_none")] $personal: Option<super::Personal>, )*)?
        }

        impl $name {
            pub(super) fn of(
                data: &vouchsafe_events::$name $(<vouchsafe_events::$held>)?,
                opener: &mut super::Opener<'_>,
            ) -> Self {
                let vouchsafe_events::$name {
                    $( $field, )*
                    $($( $option, )*)?
                    $($( $personal, )*)?
                    $($( $kept_back: _, )*)?
                } = data;
                // Events that hold nothing personal do not need it.
                let _ = &opener;
                Self {
                    $( $field: super::Publish::publish($field), )*
                    $($( $option: super::Publish::publish($option), )*)?
                    $($( $personal: opener.open(vouchsafe_events::Slot::$slot, $personal), )*)?
                }
            }
        }
    )*};
}

use published;

/// An event as it is published: what stands around it is made from the event's own envelope.
#[derive(Debug)]
pub(super) struct Public {
    /// Its name.
    pub(super) name: &'static str,
    /// The version of its published form.
    pub(super) version: u16,
    /// The published form, as JSON.
    pub(super) data: Vec<u8>,
    /// Whether something personal is missing that nobody erased: no key opens it.
    pub(super) unreadable: bool,
}

/// Why an event has no public form.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unpublished {
    /// It cannot be written, now or later.
    #[error("an event cannot be written as a message")]
    Unwritable(#[from] serde_json::Error),
    /// Personal data in it cannot be opened just now.
    #[error("the key ring cannot be asked")]
    KeyRing(#[source] KeyStoreError),
}

/// Declares which events are published, under which name and in which version of their published form.
macro_rules! messages {
    (
        published { $( $module:ident::$name:ident = $text:literal, $version:literal; )* }
        kept_back { $( $hidden:ident = $hidden_text:literal, $why:literal; )* }
    ) => {
        /// What is published of an event; nothing of one that is kept back. `ring` opens personal data; without it
        /// there is none.
        pub(super) fn public(
            recorded: &Recorded,
            ring: Option<&KeyRing>,
        ) -> Result<Option<Public>, Unpublished> {
            let mut opener = Opener { ring, recorded, unreadable: false, away: None };
            let (name, version, data) = match &recorded.event {
                $( Event::$name(data) => {
                    ($text, $version, serde_json::to_vec(&$module::$name::of(data, &mut opener))?)
                } )*
                $( Event::$hidden(_) => return Ok(None), )*
            };
            match opener.away {
                Some(error) => Err(Unpublished::KeyRing(error)),
                None => Ok(Some(Public { name, version, data, unreadable: opener.unreadable })),
            }
        }

        /// The published forms, to describe.
        const SHAPES: &[Shape] = &[
            $( Shape { name: $text, version: $version, schema: |generator| generator.root_schema_for::<$module::$name>() }, )*
        ];

        /// The types of the events that are not published, and why.
        pub(super) const KEPT_BACK: &[(&str, &str)] = &[$( ($hidden_text, $why), )*];
    };
}

messages! {
    published {
        organisation::OrganisationRegistered = "organisation-registered", 1;
        organisation::OrganisationRenamed = "organisation-renamed", 1;
        organisation::OrganisationClosed = "organisation-closed", 1;
        organisation::OrganisationReopened = "organisation-reopened", 1;
        organisation::OrganisationKindsChanged = "organisation-kinds-changed", 1;
        organisation::OrganisationDescribed = "organisation-described", 1;
        organisation::OrganisationSucceeded = "organisation-succeeded", 1;
        organisation::ApproverEstablished = "approver-established", 1;
        organisation::ApproverStoodDown = "approver-stood-down", 1;
        organisation::ApproverCarriedOver = "approver-carried-over", 1;
        organisation::UserAdded = "user-added", 1;
        organisation::UserRemoved = "user-removed", 1;
        organisation::UserProposed = "user-proposed", 1;
        organisation::UserProposalDismissed = "user-proposal-dismissed", 1;
        access::AccessRequested = "access-requested", 1;
        access::AccessRequestedOnClosure = "access-requested-on-closure", 1;
        access::AccessRequestWithdrawn = "access-request-withdrawn", 1;
        access::AccessRequestExpired = "access-request-expired", 1;
        access::ApproversReminded = "approvers-reminded", 1;
        access::AccessGranted = "access-granted", 1;
        access::AccessCarriedOver = "access-carried-over", 1;
        access::AccessDeclined = "access-declined", 1;
        access::AccessEndDateChanged = "access-end-date-changed", 1;
        access::AccessEndingSoon = "access-ending-soon", 1;
        access::AccessEnded = "access-ended", 1;
        access::AccessRevoked = "access-revoked", 1;
        access::ReviewOpened = "review-opened", 1;
        access::AccessConfirmed = "access-confirmed", 1;
        access::ReviewReminded = "review-reminded", 1;
        access::ReviewCompleted = "review-completed", 1;
        person::PersonIntroduced = "person-introduced", 1;
        person::SubjectLinked = "subject-linked", 1;
        person::EmailChanged = "email-changed", 1;
        person::EmailHeldByAnother = "email-held-by-another", 1;
        person::NameChanged = "name-changed", 1;
        person::StaffAppointed = "staff-appointed", 1;
        person::StaffStoodDown = "staff-stood-down", 1;
        person::SignedIn = "signed-in", 1;
        person::OrganisationChosen = "organisation-chosen", 1;
        person::SignInRefused = "sign-in-refused", 1;
        person::SignedOut = "signed-out", 1;
        one_time_password::OneTimePasswordIssued = "one-time-password-issued", 1;
        one_time_password::OneTimePasswordWithheld = "one-time-password-withheld", 1;
        one_time_password::OneTimePasswordUsed = "one-time-password-used", 1;
        one_time_password::OneTimePasswordRefused = "one-time-password-refused", 1;
        one_time_password::OneTimePasswordDelayed = "one-time-password-delayed", 1;
        one_time_password::OneTimePasswordDelayLifted = "one-time-password-delay-lifted", 1;
        person::MailSent = "mail-sent", 1;
        person::MailGivenUp = "mail-given-up", 1;
    }
    kept_back {
        EmailReserved = "email-reserved", "its stream is named by a keyed hash of the email";
        EmailReleased = "email-released", "its stream is named by a keyed hash of the email";
        SubjectReserved = "subject-reserved", "its stream is named by a keyed hash of the account";
    }
}

#[cfg(test)]
mod tests;
