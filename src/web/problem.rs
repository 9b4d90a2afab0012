//! What goes wrong, and the words for it. People get a sentence, what to do next and a reference; operators
//! find the chain of causes in the log under the same reference.

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};

use super::links;
use crate::app::{Failure, Unavailable};
use crate::errors::Chain;

/// Why a page cannot be shown, or a thing not be done.
#[derive(Clone, Debug)]
pub enum Problem {
    /// There is no such page, or none that this person may know of.
    NotFound,
    /// The person may not do this.
    Forbidden(Forbidden),
    /// The person has to sign in first.
    SignIn {
        /// The page to go on to then.
        return_to: Option<String>,
        /// Whether they had a session that has ended.
        ended: bool,
    },
    /// The person has to choose which organisation to act for first.
    Choose,
    /// The form did not come from a page of ours, or from one that was open for too long.
    FormExpired,
    /// The request makes no sense.
    BadRequest,
    /// More than the service takes.
    TooLarge,
    /// Too many requests.
    TooMany {
        /// After how many seconds to try again.
        retry_after: u64,
    },
    /// Others changed the same thing at the same time. Nothing was done.
    Contended,
    /// Something that the service needs did not do its part.
    Unavailable,
    /// DfE Sign-in was to be asked something, and did not answer. Nothing was done.
    DfeSignInSilent,
    /// The service itself is at fault.
    Internal,
    /// A sign-in did not come to its end.
    SignInFailed(SignInFailed),
}

/// Why a person may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// It is for approvers of the organisation that they act for.
    NotAnApprover,
    /// It is for auditors.
    NotAnAuditor,
    /// It is for support agents.
    NotSupport,
    /// A one-time password does not open it.
    NeedsDfeSignIn,
    /// They are no longer on the list that they signed in by.
    NotListed,
    /// The organisation that they act for has closed.
    OrganisationClosed,
}

/// Why a sign-in did not come to its end, as far as the person needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInFailed {
    /// What came back does not belong to a sign-in that this browser began.
    NotBegunHere,
    /// It took too long.
    TookTooLong,
    /// The person said no, or DfE Sign-in did.
    Denied,
    /// DfE Sign-in does not answer.
    DfeSignInDown,
    /// DfE Sign-in answered with what cannot be trusted.
    NotTrusted,
    /// DfE Sign-in did not send an email address that can be relied on.
    NoEmail,
}

impl Problem {
    /// A template could not be rendered.
    pub(super) fn template(error: impl fmt::Display) -> Self {
        tracing::error!(%error, "a page could not be rendered");
        Self::Internal
    }

    /// Something did not do its part.
    pub(super) fn unavailable(cause: &Unavailable) -> Self {
        let chain = Chain(cause);
        tracing::error!(error = %chain, "a use case could not be carried out");
        match cause {
            Unavailable::Contended => Self::Contended,
            _ => Self::Unavailable,
        }
    }

    /// The answer's status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) | Self::FormExpired => StatusCode::FORBIDDEN,
            Self::SignIn { .. } | Self::Choose => StatusCode::SEE_OTHER,
            Self::SignInFailed(SignInFailed::DfeSignInDown) | Self::DfeSignInSilent | Self::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::BadRequest | Self::SignInFailed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Contended => StatusCode::CONFLICT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Sorts a failure: a refusal is the handler's to put into words, all else is a problem.
pub(super) fn refused<R>(failure: Failure<R>) -> Result<R, Problem> {
    match failure {
        Failure::Refused(refusal) => Ok(refusal),
        Failure::Contended => Err(Problem::Contended),
        Failure::Unavailable(cause) => Err(Problem::unavailable(&cause)),
    }
}

impl IntoResponse for Problem {
    /// The status alone: the wrapper around all handlers writes the page.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// For whatever no route answers.
pub(super) async fn not_found(_: Uri) -> Problem {
    Problem::NotFound
}

/// The words for a problem.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) paragraphs: Vec<String>,
    /// Where to go next: the link's words and its address.
    pub(super) link: Option<(&'static str, &'static str)>,
}

impl Problem {
    /// What a person reads. `codes`: emailed security codes are offered.
    #[expect(clippy::too_many_lines, reason = "one arm for each problem")]
    pub(super) fn words(&self, codes: bool) -> Words {
        let words = |title, paragraphs: &[&str], link| Words {
            title,
            paragraphs: paragraphs.iter().map(|text| (*text).to_owned()).collect(),
            link,
        };
        let again = Some(("Sign in again", links::SIGN_IN));
        let home = Some(("Go to your access page", links::HOME));
        match self {
            Self::NotFound => words(
                "Page not found",
                &[
                    "If you typed the web address, check it is correct.",
                    "If you pasted the web address, check you copied the entire address.",
                    "If you came from a link in an email, what it led to may no longer be there, or it may belong to a school that you are not acting for.",
                ],
                home,
            ),
            Self::Forbidden(Forbidden::NotAnApprover) => words(
                "You need to be an approver to see this page",
                &[
                    "Only approvers at your school can see and decide who has access. If you act for more than one school, check that you have chosen the right one.",
                ],
                home,
            ),
            Self::Forbidden(Forbidden::NotAnAuditor) => words(
                "You cannot see this page",
                &["Only people who have been appointed as auditors can see the history of the service."],
                home,
            ),
            Self::Forbidden(Forbidden::NotSupport) => words(
                "You cannot see this page",
                &["Only support agents of the department can see this page."],
                home,
            ),
            Self::Forbidden(Forbidden::NeedsDfeSignIn) => words(
                "Sign in with DfE Sign-in to do this",
                &[
                    "You have signed in with a security code. That is enough to use the service for the organisations on whose user lists you are, but not for this page. Sign out, then sign in with DfE Sign-in.",
                ],
                home,
            ),
            Self::Forbidden(Forbidden::NotListed) => words(
                "You are no longer on this user list",
                &[
                    "You signed in with a security code, which is good for organisations on whose user lists you are. You are no longer on the list of the organisation that you act for. If you think that is a mistake, contact the support team.",
                ],
                again,
            ),
            Self::Forbidden(Forbidden::OrganisationClosed) => words(
                "Your organisation is closed",
                &[
                    "It is closed, so nobody can act for it any more. If it has become another one, for example an academy, sign in and choose that one.",
                ],
                again,
            ),
            Self::SignIn { .. } => words("You need to sign in", &["Sign in to see this page."], again),
            Self::Choose => {
                words("Choose your organisation", &["You act for more than one organisation."], None)
            }
            Self::FormExpired => words(
                "Sorry, we could not accept that form",
                &[
                    "The page may have been open for too long, or you may have signed in again or changed to another school in another tab. Nothing has been changed.",
                    "Go back, reload the page and try again.",
                ],
                home,
            ),
            Self::BadRequest => words(
                "Sorry, we did not understand that",
                &[
                    "Something in the web address or the form was not as we expected. Nothing has been changed.",
                ],
                home,
            ),
            Self::TooLarge => words(
                "That is too much to send at once",
                &[
                    "A form can hold 64 kilobytes, and a CSV file 1 megabyte. Send less and try again. Nothing has been changed.",
                ],
                home,
            ),
            Self::TooMany { retry_after } => Words {
                title: "Too many requests",
                paragraphs: vec![format!(
                    "Too many requests have come from your network. Wait {retry_after} seconds, then try again."
                )],
                link: None,
            },
            Self::Contended => words(
                "Somebody else changed this at the same time",
                &[
                    "Nothing has been changed by you. Go back, reload the page to see how it stands now, and try again.",
                ],
                home,
            ),
            Self::Unavailable => words(
                "Sorry, the service is not available",
                &[
                    "We could not finish what you asked. Try again in a few minutes.",
                    "If you were sending a form, reload the page before you send it again: it shows what has been done.",
                ],
                None,
            ),
            Self::DfeSignInSilent => words(
                "DfE Sign-in did not answer",
                &[
                    "We had to ask DfE Sign-in about your account before we could do that, and it did not answer. Nothing has been changed. Try again in a few minutes.",
                ],
                home,
            ),
            Self::Internal => words(
                "Sorry, there is a problem with the service",
                &[
                    "Try again later. Nothing that you sent before has been lost. If it happens again, tell us the reference below.",
                ],
                None,
            ),
            Self::SignInFailed(why) => why.words(codes),
        }
    }
}

impl SignInFailed {
    fn words(self, codes: bool) -> Words {
        let (title, paragraphs): (_, &[&str]) = match self {
            Self::NotBegunHere => (
                "We could not sign you in",
                &[
                    "The page that you came back to does not belong to a sign-in that was started in this browser, or it has been used already.",
                    "This can happen when you use the back button, open a saved link, or move to another browser. Start again from this page.",
                ],
            ),
            Self::TookTooLong => (
                "Signing in took too long",
                &[
                    "For your security we wait only a short time for you to come back from DfE Sign-in. Start again from this page.",
                ],
            ),
            Self::Denied => (
                "You were not signed in",
                &[
                    "DfE Sign-in did not let us know who you are, because you or it said no. If that was a mistake, start again from this page.",
                ],
            ),
            Self::DfeSignInDown if !codes => (
                "DfE Sign-in is not available",
                &["We could not reach DfE Sign-in. Try again in a few minutes."],
            ),
            Self::DfeSignInDown => (
                "DfE Sign-in is not available",
                &[
                    "We could not reach DfE Sign-in. Try again in a few minutes.",
                    "If you work for a lead provider, a delivery partner or an appropriate body and are on its user list, you can sign in with a security code that we email to you.",
                ],
            ),
            Self::NotTrusted => (
                "We could not sign you in",
                &[
                    "What DfE Sign-in sent back did not pass our checks. Start again from this page. If it happens again, tell us the reference below.",
                ],
            ),
            Self::NoEmail => (
                "We could not sign you in",
                &[
                    "DfE Sign-in did not give us an email address that has been confirmed. Check your email address in your DfE Sign-in account, then start again from this page.",
                ],
            ),
        };
        let link = match self {
            Self::DfeSignInDown if codes => ("Sign in with a security code", links::CODE),
            _ => ("Sign in with DfE Sign-in", links::SIGN_IN),
        };
        Words {
            title,
            paragraphs: paragraphs.iter().map(|text| (*text).to_owned()).collect(),
            link: Some(link),
        }
    }
}
