//! Plain words for the types of events and for the values in them.

pub(super) use crate::web::kinds::kind as organisation_kind;
use vouchsafe_events::{
    ApproverBasis, CodeRefusal, Introduction, MailFailure, MailKind, Method, Refusal, SignOut, StaffRole,
    StandDownReason, Withheld,
};

/// Types of events that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they have in common.
    pub name: &'static str,
    /// Each type, by its name in the stored form, with the words for it.
    pub kinds: &'static [(&'static str, &'static str)],
}

/// Every type of event, in groups.
pub const GROUPS: &[Group] = &[
    Group {
        name: "Requests for access",
        kinds: &[
            ("access-requested", "Access was asked for"),
            ("access-requested-on-closure", "A closed school’s user was put before approvers"),
            ("access-granted", "Access was granted"),
            ("access-declined", "A request was declined"),
            ("access-request-withdrawn", "A request was withdrawn"),
            ("access-request-expired", "A request expired"),
            ("approvers-reminded", "Approvers were reminded of a request"),
        ],
    },
    Group {
        name: "Changes to access",
        kinds: &[
            ("access-carried-over", "Access was carried over from a closed school"),
            ("access-revoked", "An approver ended someone’s access"),
            ("access-end-date-changed", "An end date was changed"),
            ("access-ending-soon", "Access was about to end"),
            ("access-ended", "Access ended on its end date"),
        ],
    },
    Group {
        name: "Yearly reviews",
        kinds: &[
            ("review-opened", "A review opened"),
            ("access-confirmed", "Someone’s access was confirmed"),
            ("review-reminded", "Approvers were reminded of a review"),
            ("review-completed", "A review was completed"),
        ],
    },
    Group {
        name: "Approvers",
        kinds: &[
            ("approver-established", "Someone became an approver"),
            ("approver-carried-over", "An approver was carried over from a closed school"),
            ("approver-stood-down", "Someone stopped being an approver"),
        ],
    },
    Group {
        name: "User lists kept by support",
        kinds: &[
            ("user-added", "Support put someone on a user list"),
            ("user-removed", "Support took someone off a user list"),
            ("user-proposed", "A support agent asked to be put on a user list"),
            ("user-proposal-dismissed", "A support agent’s own request was dismissed"),
        ],
    },
    Group {
        name: "One-time passwords",
        kinds: &[
            ("one-time-password-issued", "A one-time password was issued"),
            ("one-time-password-withheld", "Someone asked for a one-time password and got none"),
            ("one-time-password-used", "A one-time password was used"),
            ("one-time-password-refused", "A code was not taken"),
            ("one-time-password-delayed", "Someone must wait after wrong codes"),
            ("one-time-password-delay-lifted", "Support ended a wait"),
        ],
    },
    Group {
        name: "Signing in",
        kinds: &[
            ("signed-in", "Someone signed in"),
            ("sign-in-refused", "Someone was not let in"),
            ("organisation-chosen", "Someone chose which organisation to act for"),
            ("signed-out", "Someone signed out"),
        ],
    },
    Group {
        name: "People",
        kinds: &[
            ("person-introduced", "Someone became known to the service"),
            ("name-changed", "A name changed"),
            ("email-changed", "An email address changed"),
            ("email-held-by-another", "An email address belonged to someone else"),
            ("subject-linked", "A DfE Sign-in account was linked"),
            ("email-reserved", "An email address was recorded"),
            ("email-released", "An email address was given up"),
            ("subject-reserved", "A DfE Sign-in account was recorded"),
        ],
    },
    Group {
        name: "Department staff",
        kinds: &[
            ("staff-appointed", "Someone was appointed"),
            ("staff-stood-down", "Someone’s appointment ended"),
        ],
    },
    Group {
        name: "Organisations",
        kinds: &[
            ("organisation-registered", "An organisation became known to the service"),
            ("organisation-renamed", "An organisation’s name changed"),
            ("organisation-kinds-changed", "What an organisation is changed"),
            ("organisation-described", "More became known of an organisation"),
            ("organisation-closed", "An organisation closed"),
            ("organisation-reopened", "An organisation opened again"),
            ("organisation-succeeded", "The register named an organisation’s successors"),
        ],
    },
    Group {
        name: "Emails",
        kinds: &[("mail-sent", "An email was sent"), ("mail-given-up", "An email could not be sent")],
    },
];

/// The words for a type of event; its name in the stored form if there are none.
pub fn kind_words(kind: &str) -> &str {
    let all = GROUPS.iter().flat_map(|group| group.kinds);
    all.copied().find_map(|(name, words)| (name == kind).then_some(words)).unwrap_or(kind)
}

pub(super) const fn basis(basis: ApproverBasis) -> &'static str {
    match basis {
        ApproverBasis::DfeSignIn => "DfE Sign-in names them as an approver",
        ApproverBasis::Colleague => "Another approver made them one",
        ApproverBasis::Predecessor => "They were one at a school that closed and that this one succeeded",
    }
}

pub(super) const fn stand_down(reason: StandDownReason) -> &'static str {
    match reason {
        StandDownReason::Own => "They chose to",
        StandDownReason::DfeSignIn => "DfE Sign-in no longer names them as an approver",
        StandDownReason::AccessRevoked => "Their access was ended",
        StandDownReason::AccessEnded => "Their access reached its end date",
    }
}

pub(super) const fn introduction(how: Introduction) -> &'static str {
    match how {
        Introduction::DfeSignIn => "They signed in with DfE Sign-in",
        Introduction::DfeSignInApprovers => "DfE Sign-in named them as an approver",
        Introduction::Colleague => "An approver added them",
        Introduction::Operator => "An operator added them",
        Introduction::Support => "Support put them on a user list",
        Introduction::OneTimePassword => "They asked for a one-time password",
    }
}

/// A staff role with its article.
pub(super) const fn role(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Auditor => "an auditor",
        StaffRole::Support => "a support agent",
    }
}

pub(super) const fn method(method: Method) -> &'static str {
    match method {
        Method::DfeSignIn => "DfE Sign-in",
        Method::OneTimePassword => "a one-time password",
    }
}

/// Why somebody was not let in, as the end of a sentence.
pub(super) const fn refusal(reason: Refusal) -> &'static str {
    match reason {
        Refusal::NoOrganisation => "their DfE Sign-in account does not belong to a school",
        Refusal::OrganisationClosed => "the school is closed",
        Refusal::OrganisationNotOpen => "the school is not open",
        Refusal::OrganisationNotServed => "the service is not for organisations of that kind",
        Refusal::OrganisationNotIdentified => "DfE Sign-in did not say which school it was",
        Refusal::CallbackReplayed => "what came back from DfE Sign-in had been used before or changed",
        Refusal::TookTooLong => "they came back from DfE Sign-in too late",
        Refusal::NotTrusted => "what DfE Sign-in sent did not pass the checks",
        Refusal::NoEmail => "DfE Sign-in did not send an email address that can be relied on",
    }
}

pub(super) const fn sign_out(how: SignOut) -> &'static str {
    match how {
        SignOut::Here => "By signing out",
        SignOut::Elsewhere => "By the same person, from another session",
        SignOut::Replaced => "By signing in again in the same browser",
    }
}

/// Why no one-time password was mailed, as the end of a sentence.
pub(super) const fn withheld(reason: Withheld) -> &'static str {
    match reason {
        Withheld::NotListed => "they are on no user list",
        Withheld::TooSoon => "one had been sent a moment before",
        Withheld::TooMany => "too many had been sent within the hour",
        Withheld::MustWait => "they must wait after wrong codes",
    }
}

/// Why a code was not taken, as the end of a sentence.
pub(super) const fn code_refusal(reason: CodeRefusal) -> &'static str {
    match reason {
        CodeRefusal::Wrong => "it was wrong",
        CodeRefusal::Expired => "it had expired",
        CodeRefusal::Used => "it had been used before",
        CodeRefusal::Superseded => "a newer one had been sent",
        CodeRefusal::NotListed => "they were on no user list any more",
    }
}

/// What a mail was about, as the end of a sentence.
pub(super) const fn mail(kind: MailKind) -> &'static str {
    match kind {
        MailKind::RequestToDecide => "a colleague asks for access",
        MailKind::RequestReminder => "a request for access is still waiting",
        MailKind::RequestGranted => "their request for access was granted",
        MailKind::RequestDeclined => "their request for access was declined",
        MailKind::RequestExpired => "nobody decided their request for access in time",
        MailKind::AddedByColleague => "an approver gave them access",
        MailKind::MadeApprover => "they were made an approver",
        MailKind::AccessEndingSoon => "their access will end soon",
        MailKind::AccessEnded => "their access has ended on its end date",
        MailKind::AccessRevoked => "an approver ended their access",
        MailKind::ReviewOpened => "the yearly review is open",
        MailKind::ReviewReminder => "the yearly review is overdue",
        MailKind::OneTimePassword => "their one-time password",
        MailKind::HowToGetIn => "they asked for a one-time password and are on no list: how to get in",
        MailKind::AddedToList => "support put them on a user list",
        MailKind::RemovedFromList => "support took them off a user list",
        MailKind::CarriedOver => "their school closed and they have access to its successor",
    }
}

/// Why a mail was given up on, as the end of a sentence.
pub(super) const fn mail_failure(reason: MailFailure) -> &'static str {
    match reason {
        MailFailure::Refused => "the mail server refused it",
        MailFailure::TimedOut => "the mail server did not take it in time",
        MailFailure::Erased => "the person’s data has been erased",
        MailFailure::Outdated => "what it would have said was no longer so",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use vouchsafe_events::KINDS;

    use super::*;

    #[test]
    fn every_type_of_event_is_in_one_group_and_has_words_of_its_own() {
        let listed: Vec<_> = GROUPS.iter().flat_map(|group| group.kinds).collect();
        let names: BTreeSet<_> = listed.iter().map(|(name, _)| *name).collect();
        let words: BTreeSet<_> = listed.iter().map(|(_, words)| *words).collect();
        assert_eq!(names, KINDS.iter().map(|(name, _)| *name).collect());
        assert_eq!((names.len(), words.len()), (listed.len(), listed.len()));
        assert_eq!(kind_words("signed-in"), "Someone signed in");
    }
}
