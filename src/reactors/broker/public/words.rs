//! The words of events as they are published: each list is closed, and the same in both forms.

use schemars::JsonSchema;
use serde::Serialize;
use vouchsafe_events as stored;

use super::Publish;

/// Declares the published words for the stored ones of the same name. A word that is not here does not compile.
macro_rules! words {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$word_doc:meta])* $word:ident, )* } )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub(super) enum $name { $( $(#[$word_doc])* $word, )* }

        impl Publish for stored::$name {
            type Out = $name;

            fn publish(&self) -> $name {
                match self { $( Self::$word => $name::$word, )* }
            }
        }
    )*};
}

words! {
    /// What an organisation is.
    OrganisationKind {
        /// A school, known by its URN.
        School,
        /// Provides training programmes.
        LeadProvider,
        /// Delivers a lead provider's training.
        DeliveryPartner,
        /// Assures inductions.
        AppropriateBody,
    }

    /// On what authority somebody became an approver.
    ApproverBasis {
        /// DfE Sign-in says that they are one.
        DfeSignIn,
        /// Another approver made them one.
        Colleague,
        /// They were one at an organisation that closed and that this one succeeded.
        Predecessor,
    }

    /// Why somebody is no longer an approver.
    StandDownReason {
        /// They chose to.
        Own,
        /// DfE Sign-in no longer says that they are one.
        DfeSignIn,
        /// Their access was ended.
        AccessRevoked,
        /// Their access came to its end date.
        AccessEnded,
    }

    /// How a person became known.
    Introduction {
        /// They signed in with DfE Sign-in.
        DfeSignIn,
        /// DfE Sign-in named them as an approver.
        DfeSignInApprovers,
        /// An approver added them.
        Colleague,
        /// An operator named them on the command line.
        Operator,
        /// Support put them on a user list.
        Support,
        /// They asked for a one-time password, or signed in, and nobody knew them.
        OneTimePassword,
    }

    /// A part that somebody plays for the department.
    StaffRole {
        /// Replays the history and changes nothing.
        Auditor,
        /// Helps people in.
        Support,
    }

    /// How a person showed who they are.
    Method {
        /// DfE Sign-in.
        DfeSignIn,
        /// A code that was mailed to them.
        OneTimePassword,
    }

    /// Why a person was not let in.
    Refusal {
        /// Their account belongs to no organisation.
        NoOrganisation,
        /// The organisation is closed.
        OrganisationClosed,
        /// The organisation is not open yet, or its record is locked, hidden or an error.
        OrganisationNotOpen,
        /// The organisation is of a kind that does not use this service.
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

    /// How a session was ended.
    SignOut {
        /// By signing out in it.
        Here,
        /// By its person, from another session.
        Elsewhere,
        /// By signing in anew in the same browser.
        Replaced,
    }

    /// What a mail is about.
    MailKind {
        /// To an approver: a colleague asks for access.
        RequestToDecide,
        /// To an approver: a request still waits.
        RequestReminder,
        /// Access was granted.
        RequestGranted,
        /// The request was declined.
        RequestDeclined,
        /// Nobody decided in time.
        RequestExpired,
        /// An approver gave access without being asked.
        AddedByColleague,
        /// An approver made the person an approver.
        MadeApprover,
        /// Access ends before long.
        AccessEndingSoon,
        /// Access ended on its end date.
        AccessEnded,
        /// An approver ended access.
        AccessRevoked,
        /// To an approver: the yearly review is open.
        ReviewOpened,
        /// To an approver: the review is overdue.
        ReviewReminder,
        /// A one-time password.
        OneTimePassword,
        /// How to get in, for somebody on no list.
        HowToGetIn,
        /// Support put the person on a user list.
        AddedToList,
        /// Support took the person off a user list.
        RemovedFromList,
        /// The person has access to the successor of their organisation.
        CarriedOver,
    }

    /// Why a mail was given up on.
    MailFailure {
        /// The mail server refused it for good.
        Refused,
        /// The mail server could not be reached, or put it off, for too long.
        TimedOut,
        /// The person's data has been erased.
        Erased,
        /// What it would have said is no longer so.
        Outdated,
    }

    /// Why somebody who asked for a one-time password got none.
    Withheld {
        /// They are on no list.
        NotListed,
        /// One was mailed a moment ago.
        TooSoon,
        /// As many as there may be were mailed within the hour.
        TooMany,
        /// After too many wrong codes they must wait first.
        MustWait,
    }

    /// Why a code was not taken.
    CodeRefusal {
        /// It is not the code.
        Wrong,
        /// It is the code, too late.
        Expired,
        /// It has signed somebody in before.
        Used,
        /// A newer one was mailed since.
        Superseded,
        /// It is the code, but the person is on no list any more.
        NotListed,
    }
}
