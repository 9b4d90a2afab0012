//! The events: each type once, with its name in the stored form and its schema version.

mod access;
mod one_time_password;
mod organisation;
mod person;
mod users;

use serde::de::{DeserializeSeed, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

pub use access::{
    AccessCarriedOver, AccessConfirmed, AccessDeclined, AccessEndDateChanged, AccessEnded, AccessEndingSoon,
    AccessGranted, AccessRequestExpired, AccessRequestWithdrawn, AccessRequested, AccessRequestedOnClosure,
    AccessRevoked, ApproversReminded, ReviewCompleted, ReviewOpened, ReviewReminded,
};
pub use one_time_password::{
    CodeRefusal, Nonce, NotANonce, OneTimePasswordDelayLifted, OneTimePasswordDelayed, OneTimePasswordIssued,
    OneTimePasswordRefused, OneTimePasswordUsed, OneTimePasswordWithheld, Withheld,
};
pub use organisation::{
    ApproverBasis, ApproverCarriedOver, ApproverEstablished, ApproverStoodDown, LocalAuthority,
    OrganisationClosed, OrganisationDescribed, OrganisationKind, OrganisationKindsChanged,
    OrganisationRegistered, OrganisationRenamed, OrganisationReopened, OrganisationSucceeded,
    StandDownReason,
};
pub use person::{
    EmailChanged, EmailHeldByAnother, EmailReleased, EmailReserved, Introduction, MailFailure, MailGivenUp,
    MailKind, MailSent, Method, NameChanged, OrganisationChosen, PersonIntroduced, Refusal, SignInRefused,
    SignOut, SignedIn, SignedOut, StaffAppointed, StaffRole, StaffStoodDown, SubjectLinked, SubjectReserved,
};
pub use users::{UserAdded, UserProposalDismissed, UserProposed, UserRemoved};

use crate::{PersonId, Plain, Sealed, Slot};

/// Declares the event types: `Variant(Payload) = "name in the stored form", schema version, sentence;`.
macro_rules! events {
    ($($variant:ident($payload:ty) = $name:literal, $schema:literal;)*) => {
        /// Something that happened. `T` is how it holds personal data: [`Plain`] or [`Sealed`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event<T> {
            $(#[doc = concat!("`", $name, "`: see the payload.")] $variant($payload),)*
        }

        impl<T> Event<T> {
            /// The type's name in the stored form.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// The schema version that this product writes for the type.
            pub const fn schema(&self) -> u16 {
                match self { $(Self::$variant(_) => $schema,)* }
            }
        }

        /// Every event type with the schema version that is written, in the order of the declaration.
        pub const KINDS: &[(&str, u16)] = &[$(($name, $schema),)*];

        impl Serialize for Event<Sealed> {
            /// Writes the payload alone: the type and the schema version stand in the envelope.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(data) => data.serialize(serializer),)* }
            }
        }

        impl<'de> DeserializeSeed<'de> for Kind<'_> {
            type Value = Event<Sealed>;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Event<Sealed>, D::Error> {
                type T = Sealed;
                match (self.name, self.schema) {
                    $(($name, $schema) => <$payload>::deserialize(deserializer).map(Event::$variant),)*
                    _ => Err(D::Error::custom("unknown event type or schema version")),
                }
            }
        }
    };
}

/// An event's type and schema version as they were read: with them the payload can be decoded.
#[derive(Clone, Copy)]
pub(crate) struct Kind<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: u16,
}

events! {
    OrganisationRegistered(OrganisationRegistered) = "organisation-registered", 1;
    OrganisationRenamed(OrganisationRenamed) = "organisation-renamed", 1;
    OrganisationClosed(OrganisationClosed) = "organisation-closed", 1;
    OrganisationReopened(OrganisationReopened) = "organisation-reopened", 1;
    OrganisationKindsChanged(OrganisationKindsChanged) = "organisation-kinds-changed", 1;
    OrganisationDescribed(OrganisationDescribed) = "organisation-described", 1;
    OrganisationSucceeded(OrganisationSucceeded) = "organisation-succeeded", 1;
    ApproverEstablished(ApproverEstablished) = "approver-established", 1;
    ApproverStoodDown(ApproverStoodDown) = "approver-stood-down", 1;
    ApproverCarriedOver(ApproverCarriedOver) = "approver-carried-over", 1;
    UserAdded(UserAdded) = "user-added", 1;
    UserRemoved(UserRemoved<T>) = "user-removed", 1;
    UserProposed(UserProposed) = "user-proposed", 1;
    UserProposalDismissed(UserProposalDismissed) = "user-proposal-dismissed", 1;
    AccessRequested(AccessRequested<T>) = "access-requested", 1;
    AccessRequestedOnClosure(AccessRequestedOnClosure) = "access-requested-on-closure", 1;
    AccessRequestWithdrawn(AccessRequestWithdrawn) = "access-request-withdrawn", 1;
    AccessRequestExpired(AccessRequestExpired) = "access-request-expired", 1;
    ApproversReminded(ApproversReminded) = "approvers-reminded", 1;
    AccessGranted(AccessGranted) = "access-granted", 1;
    AccessCarriedOver(AccessCarriedOver) = "access-carried-over", 1;
    AccessDeclined(AccessDeclined<T>) = "access-declined", 1;
    AccessEndDateChanged(AccessEndDateChanged) = "access-end-date-changed", 1;
    AccessEndingSoon(AccessEndingSoon) = "access-ending-soon", 1;
    AccessEnded(AccessEnded) = "access-ended", 1;
    AccessRevoked(AccessRevoked<T>) = "access-revoked", 1;
    ReviewOpened(ReviewOpened) = "review-opened", 1;
    AccessConfirmed(AccessConfirmed) = "access-confirmed", 1;
    ReviewReminded(ReviewReminded) = "review-reminded", 1;
    ReviewCompleted(ReviewCompleted) = "review-completed", 1;
    PersonIntroduced(PersonIntroduced<T>) = "person-introduced", 1;
    SubjectLinked(SubjectLinked<T>) = "subject-linked", 1;
    EmailChanged(EmailChanged<T>) = "email-changed", 1;
    EmailHeldByAnother(EmailHeldByAnother<T>) = "email-held-by-another", 1;
    NameChanged(NameChanged<T>) = "name-changed", 1;
    StaffAppointed(StaffAppointed) = "staff-appointed", 1;
    StaffStoodDown(StaffStoodDown) = "staff-stood-down", 1;
    SignedIn(SignedIn<T>) = "signed-in", 1;
    OrganisationChosen(OrganisationChosen) = "organisation-chosen", 1;
    SignInRefused(SignInRefused<T>) = "sign-in-refused", 1;
    SignedOut(SignedOut) = "signed-out", 1;
    OneTimePasswordIssued(OneTimePasswordIssued<T>) = "one-time-password-issued", 1;
    OneTimePasswordWithheld(OneTimePasswordWithheld<T>) = "one-time-password-withheld", 1;
    OneTimePasswordUsed(OneTimePasswordUsed) = "one-time-password-used", 1;
    OneTimePasswordRefused(OneTimePasswordRefused<T>) = "one-time-password-refused", 1;
    OneTimePasswordDelayed(OneTimePasswordDelayed) = "one-time-password-delayed", 1;
    OneTimePasswordDelayLifted(OneTimePasswordDelayLifted) = "one-time-password-delay-lifted", 1;
    EmailReserved(EmailReserved) = "email-reserved", 1;
    EmailReleased(EmailReleased) = "email-released", 1;
    SubjectReserved(SubjectReserved) = "subject-reserved", 1;
    MailSent(MailSent) = "mail-sent", 1;
    MailGivenUp(MailGivenUp) = "mail-given-up", 1;
}

impl Event<Plain> {
    /// Seals all personal data in the event with `seal`, which is told where each text stands.
    #[expect(clippy::too_many_lines, reason = "one arm for each type of event")]
    pub fn seal<E>(self, mut seal: impl FnMut(Slot, Plain) -> Result<Sealed, E>) -> Result<Event<Sealed>, E> {
        Ok(match self {
            Self::AccessRequested(AccessRequested { request, person, message }) => {
                let message = message.map(|text| seal(Slot::RequestMessage, text)).transpose()?;
                Event::AccessRequested(AccessRequested { request, person, message })
            }
            Self::AccessDeclined(AccessDeclined { request, person, reason }) => {
                let reason = seal(Slot::DeclineReason, reason)?;
                Event::AccessDeclined(AccessDeclined { request, person, reason })
            }
            Self::AccessRevoked(AccessRevoked { person, reason, review }) => {
                let reason = seal(Slot::RevokeReason, reason)?;
                Event::AccessRevoked(AccessRevoked { person, reason, review })
            }
            Self::PersonIntroduced(PersonIntroduced { email, hash, name, how }) => {
                let email = seal(Slot::IntroducedEmail, email)?;
                let name = name.map(|text| seal(Slot::IntroducedName, text)).transpose()?;
                Event::PersonIntroduced(PersonIntroduced { email, hash, name, how })
            }
            Self::SubjectLinked(SubjectLinked { subject, hash }) => {
                Event::SubjectLinked(SubjectLinked { subject: seal(Slot::LinkedSubject, subject)?, hash })
            }
            Self::EmailChanged(EmailChanged { email, hash }) => {
                Event::EmailChanged(EmailChanged { email: seal(Slot::ChangedEmail, email)?, hash })
            }
            Self::EmailHeldByAnother(EmailHeldByAnother { email, other }) => {
                Event::EmailHeldByAnother(EmailHeldByAnother { email: seal(Slot::HeldEmail, email)?, other })
            }
            Self::NameChanged(NameChanged { name }) => {
                Event::NameChanged(NameChanged { name: seal(Slot::ChangedName, name)? })
            }
            Self::SignedIn(SignedIn {
                session,
                expires,
                method,
                organisation,
                organisations,
                network,
                device,
            }) => {
                let network = seal(Slot::SignedInNetwork, network)?;
                let device = seal(Slot::SignedInDevice, device)?;
                Event::SignedIn(SignedIn {
                    session,
                    expires,
                    method,
                    organisation,
                    organisations,
                    network,
                    device,
                })
            }
            Self::SignInRefused(SignInRefused { reason, organisation, network }) => {
                let network = seal(Slot::RefusedNetwork, network)?;
                Event::SignInRefused(SignInRefused { reason, organisation, network })
            }
            Self::UserRemoved(UserRemoved { person, reason }) => {
                let reason = seal(Slot::RemovedReason, reason)?;
                Event::UserRemoved(UserRemoved { person, reason })
            }
            Self::OneTimePasswordIssued(OneTimePasswordIssued { challenge, nonce, expires, network }) => {
                let network = seal(Slot::IssuedNetwork, network)?;
                Event::OneTimePasswordIssued(OneTimePasswordIssued { challenge, nonce, expires, network })
            }
            Self::OneTimePasswordWithheld(OneTimePasswordWithheld { challenge, reason, network }) => {
                let network = seal(Slot::WithheldNetwork, network)?;
                Event::OneTimePasswordWithheld(OneTimePasswordWithheld { challenge, reason, network })
            }
            Self::OneTimePasswordRefused(OneTimePasswordRefused { challenge, reason, network }) => {
                let network = seal(Slot::CodeNetwork, network)?;
                Event::OneTimePasswordRefused(OneTimePasswordRefused { challenge, reason, network })
            }
            Self::OrganisationKindsChanged(data) => Event::OrganisationKindsChanged(data),
            Self::OrganisationDescribed(data) => Event::OrganisationDescribed(data),
            Self::OrganisationSucceeded(data) => Event::OrganisationSucceeded(data),
            Self::ApproverCarriedOver(data) => Event::ApproverCarriedOver(data),
            Self::AccessCarriedOver(data) => Event::AccessCarriedOver(data),
            Self::AccessRequestedOnClosure(data) => Event::AccessRequestedOnClosure(data),
            Self::UserAdded(data) => Event::UserAdded(data),
            Self::UserProposed(data) => Event::UserProposed(data),
            Self::UserProposalDismissed(data) => Event::UserProposalDismissed(data),
            Self::OneTimePasswordUsed(data) => Event::OneTimePasswordUsed(data),
            Self::OneTimePasswordDelayed(data) => Event::OneTimePasswordDelayed(data),
            Self::OneTimePasswordDelayLifted(data) => Event::OneTimePasswordDelayLifted(data),
            Self::OrganisationRegistered(data) => Event::OrganisationRegistered(data),
            Self::OrganisationRenamed(data) => Event::OrganisationRenamed(data),
            Self::OrganisationClosed(data) => Event::OrganisationClosed(data),
            Self::OrganisationReopened(data) => Event::OrganisationReopened(data),
            Self::ApproverEstablished(data) => Event::ApproverEstablished(data),
            Self::ApproverStoodDown(data) => Event::ApproverStoodDown(data),
            Self::AccessRequestWithdrawn(data) => Event::AccessRequestWithdrawn(data),
            Self::AccessRequestExpired(data) => Event::AccessRequestExpired(data),
            Self::ApproversReminded(data) => Event::ApproversReminded(data),
            Self::AccessGranted(data) => Event::AccessGranted(data),
            Self::AccessEndDateChanged(data) => Event::AccessEndDateChanged(data),
            Self::AccessEndingSoon(data) => Event::AccessEndingSoon(data),
            Self::AccessEnded(data) => Event::AccessEnded(data),
            Self::ReviewOpened(data) => Event::ReviewOpened(data),
            Self::AccessConfirmed(data) => Event::AccessConfirmed(data),
            Self::ReviewReminded(data) => Event::ReviewReminded(data),
            Self::ReviewCompleted(data) => Event::ReviewCompleted(data),
            Self::StaffAppointed(data) => Event::StaffAppointed(data),
            Self::StaffStoodDown(data) => Event::StaffStoodDown(data),
            Self::OrganisationChosen(data) => Event::OrganisationChosen(data),
            Self::SignedOut(data) => Event::SignedOut(data),
            Self::EmailReserved(data) => Event::EmailReserved(data),
            Self::EmailReleased(data) => Event::EmailReleased(data),
            Self::SubjectReserved(data) => Event::SubjectReserved(data),
            Self::MailSent(data) => Event::MailSent(data),
            Self::MailGivenUp(data) => Event::MailGivenUp(data),
        })
    }
}

impl<T> Event<T> {
    /// The person whom an event names in its data: who gets, loses, holds or is sent something. For what
    /// happens to a person the stream says who it is.
    pub fn subject(&self) -> Option<PersonId> {
        match self {
            Self::ApproverEstablished(data) => Some(data.person),
            Self::ApproverStoodDown(data) => Some(data.person),
            Self::ApproverCarriedOver(data) => Some(data.person),
            Self::UserAdded(data) => Some(data.person),
            Self::UserRemoved(data) => Some(data.person),
            Self::UserProposed(data) => Some(data.person),
            Self::UserProposalDismissed(data) => Some(data.person),
            Self::AccessCarriedOver(data) => Some(data.person),
            Self::AccessRequestedOnClosure(data) => Some(data.person),
            Self::AccessRequested(data) => Some(data.person),
            Self::AccessRequestWithdrawn(data) => Some(data.person),
            Self::AccessRequestExpired(data) => Some(data.person),
            Self::AccessGranted(data) => Some(data.person),
            Self::AccessDeclined(data) => Some(data.person),
            Self::AccessEndDateChanged(data) => Some(data.person),
            Self::AccessEndingSoon(data) => Some(data.person),
            Self::AccessEnded(data) => Some(data.person),
            Self::AccessRevoked(data) => Some(data.person),
            Self::AccessConfirmed(data) => Some(data.person),
            Self::EmailReserved(data) => Some(data.person),
            Self::EmailReleased(data) => Some(data.person),
            Self::SubjectReserved(data) => Some(data.person),
            Self::MailSent(data) => Some(data.to),
            Self::MailGivenUp(data) => Some(data.to),
            Self::OrganisationRegistered(_)
            | Self::OrganisationRenamed(_)
            | Self::OrganisationClosed(_)
            | Self::OrganisationReopened(_)
            | Self::OrganisationKindsChanged(_)
            | Self::OrganisationDescribed(_)
            | Self::OrganisationSucceeded(_)
            | Self::OneTimePasswordIssued(_)
            | Self::OneTimePasswordWithheld(_)
            | Self::OneTimePasswordUsed(_)
            | Self::OneTimePasswordRefused(_)
            | Self::OneTimePasswordDelayed(_)
            | Self::OneTimePasswordDelayLifted(_)
            | Self::ApproversReminded(_)
            | Self::ReviewOpened(_)
            | Self::ReviewReminded(_)
            | Self::ReviewCompleted(_)
            | Self::PersonIntroduced(_)
            | Self::SubjectLinked(_)
            | Self::EmailChanged(_)
            | Self::EmailHeldByAnother(_)
            | Self::NameChanged(_)
            | Self::StaffAppointed(_)
            | Self::StaffStoodDown(_)
            | Self::SignedIn(_)
            | Self::OrganisationChosen(_)
            | Self::SignInRefused(_)
            | Self::SignedOut(_) => None,
        }
    }
}
