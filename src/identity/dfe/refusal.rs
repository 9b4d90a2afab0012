//! Why a person was not signed in.

use std::fmt;
use std::sync::Arc;

use super::subject::Subject;
use super::token::IdTokenFault;
use crate::identity::http::HttpError;

/// Why a sign-in with DfE ended without a person. Each text is safe for logs: no token, code or personal data.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefused {
    /// Nothing went wrong that the person need know of: DfE's page timed out, or DfE sent them back with nothing
    /// after a password was reset. Begin again.
    #[error("DfE Sign-in timed out or sent the person back with nothing: begin again")]
    StartAgainQuietly,
    /// The person may not use the organisation, or did not agree to what DfE asked.
    #[error("DfE Sign-in did not get consent for the organisation")]
    ConsentDenied,
    /// DfE Sign-in denied access.
    #[error("DfE Sign-in denied access")]
    AccessDenied,
    /// DfE Sign-in answered with another error.
    #[error("DfE Sign-in answered with the error {0}")]
    ProviderSaid(ProviderError),
    /// A parameter came twice or is absurdly long.
    #[error("the callback is malformed")]
    CallbackMalformed,
    /// The callback has neither a code nor an error.
    #[error("the callback has no code")]
    CodeMissing,
    /// This browser has not begun a sign-in, or has finished it already: another browser, a bookmark, a replay.
    #[error("this browser has no sign-in to finish")]
    NotBegunHere,
    /// The sign-in was begun too long ago.
    #[error("the sign-in took too long")]
    TookTooLong,
    /// The callback has no state.
    #[error("the callback has no state")]
    StateMissing,
    /// The callback's state is not the one that this browser was given.
    #[error("the callback's state is not the one that was sent")]
    StateOther,
    /// The callback does not say who answers, though the provider promises it (RFC 9207).
    #[error("the callback does not name the issuer, as the provider promises")]
    IssuerMissing,
    /// Another issuer than ours answers (RFC 9207).
    #[error("the callback names another issuer")]
    IssuerOther,
    /// The token endpoint refused the code.
    #[error("the token endpoint answered with the error {0}")]
    TokenRefused(TokenError),
    /// The token endpoint's answer makes no sense.
    #[error("the token endpoint's answer cannot be read")]
    TokenUnreadable,
    /// The token endpoint's answer has no id token.
    #[error("the token endpoint's answer has no id token")]
    IdTokenMissing,
    /// The id token fails a check.
    #[error("the id token {0}")]
    IdToken(#[from] IdTokenFault),
    /// The userinfo endpoint refused the access token.
    #[error("the userinfo endpoint answered with status {0}")]
    UserInfoRefused(u16),
    /// The userinfo endpoint's answer makes no sense, or its signature is wrong.
    #[error("the userinfo endpoint's answer cannot be read")]
    UserInfoUnreadable,
    /// The userinfo endpoint speaks of somebody else than the id token.
    #[error("the userinfo endpoint speaks of another subject than the id token")]
    SubjectsDiffer,
    /// There is no email.
    #[error("there is no email among the claims")]
    EmailMissing,
    /// There is an email, but mail cannot be sent to it.
    #[error("the email among the claims is not one that mail can be sent to")]
    EmailUnusable,
    /// The provider says that the email is not verified, or does not say and the settings want it said.
    #[error("the email among the claims is not verified")]
    EmailUnverified,
    /// There is an organisation, but without an id that we could know it by.
    #[error("the organisation among the claims cannot be read")]
    OrganisationUnreadable,
    /// The provider cannot be worked with at present.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A sign-in that did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("a sign-in did not come to its end")]
pub struct NotFinished {
    /// Why.
    #[source]
    pub why: SignInRefused,
    /// Whose account it was, where an id token that passed every check says so.
    pub account: Option<Subject>,
}

/// A refusal before anybody was recognised.
impl<E: Into<SignInRefused>> From<E> for NotFinished {
    fn from(why: E) -> Self {
        Self { why: why.into(), account: None }
    }
}

impl SignInRefused {
    /// Whether the person may fare better by beginning again, now or soon. Where it is false somebody else must
    /// change something first.
    pub fn retry_helps(&self) -> bool {
        match self {
            Self::StartAgainQuietly
            | Self::CallbackMalformed
            | Self::CodeMissing
            | Self::NotBegunHere
            | Self::TookTooLong
            | Self::StateMissing
            | Self::StateOther
            | Self::ConsentDenied
            | Self::UserInfoRefused(_) => true,
            Self::ProviderSaid(error) => error.retry_helps(),
            Self::TokenRefused(error) => matches!(error, TokenError::InvalidGrant),
            Self::IdToken(fault) => fault.retry_helps(),
            Self::Unavailable(why) => why.retry_helps(),
            Self::AccessDenied
            | Self::IssuerMissing
            | Self::IssuerOther
            | Self::TokenUnreadable
            | Self::IdTokenMissing
            | Self::UserInfoUnreadable
            | Self::SubjectsDiffer
            | Self::EmailMissing
            | Self::EmailUnusable
            | Self::EmailUnverified
            | Self::OrganisationUnreadable => false,
        }
    }
}

/// Declares an enum of error codes that a provider may send; what it sends beyond them is not repeated.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$each])* $variant,)+
            /// A code that the standards do not list.
            Other,
        }

        impl $name {
            /// The error that a provider's code stands for.
            pub(super) fn from_code(code: &str) -> Self {
                match code {
                    $($code => Self::$variant,)+
                    _ => Self::Other,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $code,)+
                    Self::Other => "(one that is not in the standards)",
                })
            }
        }
    };
}

codes! {
    /// An error at the callback (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).
    ProviderError {
        /// Our request is wrong.
        InvalidRequest = "invalid_request",
        /// This client may not ask so.
        UnauthorizedClient = "unauthorized_client",
        /// No codes are given.
        UnsupportedResponseType = "unsupported_response_type",
        /// A scope is unknown.
        InvalidScope = "invalid_scope",
        /// The provider broke.
        ServerError = "server_error",
        /// The provider is overloaded or being mended.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// The person must sign in at the provider.
        LoginRequired = "login_required",
        /// The person must do something at the provider.
        InteractionRequired = "interaction_required",
        /// The person must agree to something.
        ConsentRequired = "consent_required",
        /// The person must choose an account.
        AccountSelectionRequired = "account_selection_required",
    }
}

impl ProviderError {
    /// Whether beginning again may help.
    pub const fn retry_helps(self) -> bool {
        match self {
            Self::ServerError
            | Self::TemporarilyUnavailable
            | Self::LoginRequired
            | Self::InteractionRequired
            | Self::ConsentRequired
            | Self::AccountSelectionRequired
            | Self::Other => true,
            Self::InvalidRequest
            | Self::UnauthorizedClient
            | Self::UnsupportedResponseType
            | Self::InvalidScope => false,
        }
    }
}

codes! {
    /// An error of the token endpoint (RFC 6749, 5.2).
    TokenError {
        /// Our client id or secret is wrong.
        InvalidClient = "invalid_client",
        /// The code was used before, is too old, or is not ours; or PKCE failed.
        InvalidGrant = "invalid_grant",
        /// Our request is wrong.
        InvalidRequest = "invalid_request",
        /// A scope is unknown.
        InvalidScope = "invalid_scope",
        /// This client may not use codes.
        UnauthorizedClient = "unauthorized_client",
        /// Codes are not taken here.
        UnsupportedGrantType = "unsupported_grant_type",
    }
}

/// One of the calls that a sign-in makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// For the discovery document.
    Discovery,
    /// For the keys that sign tokens.
    Keys,
    /// For the tokens.
    Token,
    /// For the person's claims.
    UserInfo,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "discovery document",
            Self::Keys => "keys",
            Self::Token => "token endpoint",
            Self::UserInfo => "userinfo endpoint",
        })
    }
}

/// Why the provider cannot be worked with at present.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unavailable {
    /// A call failed.
    #[error("DfE Sign-in's {call}: {source}")]
    Call {
        /// The call.
        call: Call,
        /// How it failed.
        source: Arc<HttpError>,
    },
    /// A call was answered, but with a status that no retry changes.
    #[error("DfE Sign-in's {call} answered with status {status}")]
    Status {
        /// The call.
        call: Call,
        /// The HTTP status.
        status: u16,
    },
    /// A document cannot be read.
    #[error("DfE Sign-in's {0} cannot be read")]
    Unreadable(Call),
    /// The discovery document is another issuer's.
    #[error(
        "the discovery document names another issuer than dfe_sign_in.issuer: compare them letter for letter"
    )]
    IssuerOther,
    /// The discovery document lacks an endpoint.
    #[error("the discovery document has no {0}")]
    EndpointMissing(&'static str),
    /// The discovery document names an endpoint at another host or port, or without https.
    #[error("the discovery document's {0} is not at the issuer's own https address")]
    EndpointForeign(&'static str),
    /// The last try failed a moment ago; the next one is not due yet.
    #[error("DfE Sign-in is not asked again yet: {because}")]
    BackingOff {
        /// How many seconds until the next try.
        seconds: i64,
        /// Why the last try failed.
        because: Arc<Unavailable>,
    },
}

impl Unavailable {
    /// A call that failed.
    pub(super) fn call(call: Call, source: HttpError) -> Self {
        Self::Call { call, source: Arc::new(source) }
    }

    /// Whether waiting may help.
    pub fn retry_helps(&self) -> bool {
        match self {
            Self::Call { source, .. } => source.retry_helps(),
            Self::BackingOff { because, .. } => because.retry_helps(),
            Self::Status { .. }
            | Self::Unreadable(_)
            | Self::IssuerOther
            | Self::EndpointMissing(_)
            | Self::EndpointForeign(_) => false,
        }
    }
}
