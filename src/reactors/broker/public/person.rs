//! Who somebody is, how they come in, and what is sent to them.
//!
//! A session's hash is never published: whoever listens has no business with sessions. Nor are network addresses and
//! browsers, with personal data or without: they are kept to find out about misuse, and nobody else needs them.

use uuid::Uuid;

use super::words::{Introduction, MailFailure, MailKind, Method, Refusal, SignOut, StaffRole};
use super::{Instant, published};

published! {
    /// A person became known.
    PersonIntroduced<Sealed> {
        /// How.
        how: Introduction,
    } personal {
        /// Their email.
        email: IntroducedEmail,
        /// Their name, if it is known.
        name: IntroducedName,
    } kept_back { hash, }

    /// An account at DfE Sign-in was found to be this person's.
    SubjectLinked<Sealed> {} personal {
        /// The issuer and the subject, parted by a line feed.
        subject: LinkedSubject,
    } kept_back { hash, }

    /// A person has another email.
    EmailChanged<Sealed> {} personal {
        /// The new email.
        email: ChangedEmail,
    } kept_back { hash, }

    /// A person came with an email that belongs to another record. Neither record was changed.
    EmailHeldByAnother<Sealed> {
        /// Whose record holds it.
        other: Uuid,
    } personal {
        /// The email.
        email: HeldEmail,
    }

    /// A person has another name.
    NameChanged<Sealed> {} personal {
        /// The new name.
        name: ChangedName,
    }

    /// An operator appointed a person to a staff role.
    StaffAppointed {
        /// The role.
        role: StaffRole,
    }

    /// An operator took a staff role from a person.
    StaffStoodDown {
        /// The role.
        role: StaffRole,
    }

    /// A person signed in. That says who they are, not that they have access.
    SignedIn<Sealed> {
        /// When the session ends at the latest.
        expires: Instant,
        /// How they signed in.
        method: Method,
        /// All organisations that they may act for in this session, as the provider says.
        organisations: Vec<Uuid>,
    } optional {
        /// The organisation that they act for first; none if they have still to choose, or came as staff.
        organisation: Uuid,
    } kept_back { session, network, device, }

    /// A person chose which of their organisations to act for.
    OrganisationChosen {
        /// The organisation.
        organisation: Uuid,
    } kept_back { session, }

    /// A person was not let in.
    SignInRefused<Sealed> {
        /// Why.
        reason: Refusal,
    } optional {
        /// The organisation that they came for, if it is known here.
        organisation: Uuid,
    } kept_back { network, }

    /// A session was ended before its time.
    SignedOut {
        /// How.
        how: SignOut,
    } kept_back { session, }

    /// A mail server took a mail.
    MailSent {
        /// The event that gave rise to it.
        event: Uuid,
        /// To whom.
        to: Uuid,
        /// What about.
        mail: MailKind,
    }

    /// A mail was given up on.
    MailGivenUp {
        /// The event that gave rise to it.
        event: Uuid,
        /// To whom.
        to: Uuid,
        /// What about.
        mail: MailKind,
        /// Why.
        reason: MailFailure,
    }
}
