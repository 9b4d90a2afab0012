//! Who somebody is, how they come in, and what is sent to them.

use serde::{Deserialize, Serialize};

use super::access::none;
use crate::{EventId, KeyedHash, OrganisationId, PersonId, SessionHash, Timestamp};

/// How a person became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Introduction {
    /// They signed in with DfE Sign-in.
    DfeSignIn,
    /// DfE Sign-in named them as an approver before they ever came.
    DfeSignInApprovers,
    /// An approver added them by name and email.
    Colleague,
    /// An operator named them on the command line.
    Operator,
    /// Support put them on a user list.
    Support,
    /// They asked for a one-time password, or signed in, and nobody knew them.
    OneTimePassword,
}

/// A person became known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonIntroduced<T> {
    /// Their email.
    pub email: T,
    /// The keyed hash of their email in its normal form.
    pub hash: KeyedHash,
    /// Their name, if it is known.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub name: Option<T>,
    /// How.
    pub how: Introduction,
}

/// An account at an identity provider was found to be this person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectLinked<T> {
    /// The issuer and the subject, parted by a line feed.
    pub subject: T,
    /// The keyed hash of the same.
    pub hash: KeyedHash,
}

/// A person has another email.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChanged<T> {
    /// The new email.
    pub email: T,
    /// The keyed hash of the new email in its normal form.
    pub hash: KeyedHash,
}

/// A person came with an email that belongs to another record. Neither record was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailHeldByAnother<T> {
    /// The email.
    pub email: T,
    /// Whose record holds it.
    pub other: PersonId,
}

/// A person has another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameChanged<T> {
    /// The new name.
    pub name: T,
}

/// A part that somebody plays for the department, across organisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StaffRole {
    /// Replays the history and changes nothing.
    Auditor,
    /// Helps people in.
    Support,
}

/// An operator appointed a person to a staff role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffAppointed {
    /// The role.
    pub role: StaffRole,
}

/// An operator took a staff role from a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffStoodDown {
    /// The role.
    pub role: StaffRole,
}

/// How a person showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// DfE Sign-in.
    DfeSignIn,
    /// A code that was mailed to their address. It opens only what support's lists give.
    OneTimePassword,
}

/// A person signed in. That says who they are, not that they have access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn<T> {
    /// The session that began.
    pub session: SessionHash,
    /// When it ends at the latest.
    pub expires: Timestamp,
    /// How.
    pub method: Method,
    /// The organisation that they act for first; none if they have still to choose, or came as staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// All organisations that they may act for in this session, as the provider says.
    pub organisations: Vec<OrganisationId>,
    /// The network address that they came from.
    pub network: T,
    /// The browser that they came with.
    pub device: T,
}

/// A person chose which of their organisations to act for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationChosen {
    /// The session.
    pub session: SessionHash,
    /// The organisation.
    pub organisation: OrganisationId,
}

/// Why a person was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Their account at DfE Sign-in belongs to no organisation.
    NoOrganisation,
    /// The organisation that they came for is closed.
    OrganisationClosed,
    /// The organisation that they came for is not open yet, or its record is locked, hidden or an error.
    OrganisationNotOpen,
    /// The organisation that they came for is of a kind that does not use this service.
    OrganisationNotServed,
    /// DfE Sign-in did not say which school the organisation is.
    OrganisationNotIdentified,
    /// The callback came a second time, or had been tampered with.
    CallbackReplayed,
    /// They came back from DfE Sign-in too late.
    TookTooLong,
    /// What DfE Sign-in sent did not pass the checks.
    NotTrusted,
    /// DfE Sign-in did not send an email that can be relied on.
    NoEmail,
}

/// A person was not let in: they were recognised, or somebody tried to sign in anew in the browser where they are
/// signed in and was not recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRefused<T> {
    /// Why.
    pub reason: Refusal,
    /// The organisation that they came for, if it is known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// The network address that they came from.
    pub network: T,
}

/// How a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignOut {
    /// By signing out in it.
    Here,
    /// By its person, from another session.
    Elsewhere,
    /// By signing in anew in the same browser.
    Replaced,
}

/// A session was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOut {
    /// The session.
    pub session: SessionHash,
    /// How.
    pub how: SignOut,
}

/// This email belongs to this person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailReserved {
    /// Whose it is.
    pub person: PersonId,
}

/// This email belongs to nobody any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailReleased {
    /// Whose it was.
    pub person: PersonId,
}

/// This account at an identity provider belongs to this person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectReserved {
    /// Whose it is.
    pub person: PersonId,
}

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailKind {
    /// To an approver: a colleague asks for access.
    RequestToDecide,
    /// To an approver: a request still waits.
    RequestReminder,
    /// To the person who asked: access was granted.
    RequestGranted,
    /// To the person who asked: the request was declined.
    RequestDeclined,
    /// To the person who asked: nobody decided in time.
    RequestExpired,
    /// To a person whom an approver gave access without being asked.
    AddedByColleague,
    /// To a person whom an approver made an approver.
    MadeApprover,
    /// To a person whose access ends before long.
    AccessEndingSoon,
    /// To a person whose access ended on its end date.
    AccessEnded,
    /// To a person whose access an approver ended.
    AccessRevoked,
    /// To an approver: the yearly review is open.
    ReviewOpened,
    /// To an approver: the review is overdue.
    ReviewReminder,
    /// To somebody who asked for a one-time password: the code.
    OneTimePassword,
    /// To somebody who asked for a one-time password and is on no list: how to get in.
    HowToGetIn,
    /// To a person whom support put on a user list.
    AddedToList,
    /// To a person whom support took off a user list.
    RemovedFromList,
    /// To a person whose organisation closed: they have access to its successor.
    CarriedOver,
}

/// A mail server took a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSent {
    /// The event that gave rise to it.
    pub event: EventId,
    /// To whom.
    pub to: PersonId,
    /// What about.
    pub mail: MailKind,
}

/// Why a mail was given up on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailFailure {
    /// The mail server refused it for good.
    Refused,
    /// The mail server could not be reached, or put it off, for too long.
    TimedOut,
    /// The person's data has been erased.
    Erased,
    /// What it would have said is no longer so.
    Outdated,
}

/// A mail was given up on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailGivenUp {
    /// The event that gave rise to it.
    pub event: EventId,
    /// To whom.
    pub to: PersonId,
    /// What about.
    pub mail: MailKind,
    /// Why.
    pub reason: MailFailure,
}
