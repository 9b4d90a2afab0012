//! What a person's browser brings back from the provider.

use url::form_urlencoded;

use super::refusal::{ProviderError, SignInRefused};
use crate::secret::Secret;

/// The most bytes that one parameter may have. DfE's codes and states have less than a hundred.
const MAX_PARAMETER_BYTES: usize = 4096;

/// The callback's parameters (RFC 6749, 4.1.2; RFC 9207), as they came. Empty ones count as absent, unknown
/// ones are not looked at.
#[derive(Clone, Debug, Default)]
pub struct CallbackParams {
    /// The authorization code.
    pub code: Option<Secret>,
    /// The state that we sent along.
    pub state: Option<Secret>,
    /// The provider's error code.
    pub error: Option<String>,
    /// The provider's explanation. Anybody can write anything here: never show it.
    pub error_description: Option<Secret>,
    /// Who answers.
    pub iss: Option<String>,
    /// A parameter that came twice or is absurdly long: such an answer means nothing.
    pub malformed: bool,
}

impl CallbackParams {
    /// Reads the callback's query, without its `?`.
    pub fn parse(query: &str) -> Self {
        let mut params = Self::default();
        let (mut code, mut state, mut description) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "code" => &mut code,
                "state" => &mut state,
                "error" => &mut params.error,
                "error_description" => &mut description,
                "iss" => &mut params.iss,
                _ => continue,
            };
            params.malformed |= slot.is_some() || value.len() > MAX_PARAMETER_BYTES;
            if !value.is_empty() {
                *slot = Some(value.into_owned());
            }
        }
        params.code = code.map(Secret::from);
        params.state = state.map(Secret::from);
        params.error_description = description.map(Secret::from);
        params
    }

    /// What the provider says: a code, or why there is none.
    pub(super) fn answer(&self) -> Result<&Secret, SignInRefused> {
        if self.malformed {
            return Err(SignInRefused::CallbackMalformed);
        }
        match (&self.error, &self.code) {
            (Some(error), _) => Err(refusal_of(error)),
            (None, Some(code)) => Ok(code),
            // After a password was reset DfE sends people back with nothing at all.
            (None, None) if self.state.is_none() && self.iss.is_none() => {
                Err(SignInRefused::StartAgainQuietly)
            }
            (None, None) => Err(SignInRefused::CodeMissing),
        }
    }
}

/// What an error code of the provider means for the person.
fn refusal_of(error: &str) -> SignInRefused {
    let plain: String = error.to_ascii_lowercase().replace(['-', '_', ' '], "");
    match plain.as_str() {
        "sessionexpired" => SignInRefused::StartAgainQuietly,
        "consentdenied" => SignInRefused::ConsentDenied,
        "accessdenied" => SignInRefused::AccessDenied,
        _ => SignInRefused::ProviderSaid(ProviderError::from_code(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_expired_at_dfe_and_a_bare_callback_start_again_quietly() {
        for query in [
            "",
            "error=sessionexpired",
            "error=session-expired",
            "error=SessionExpired&state=x",
            "utm_source=mail",
        ] {
            let answer = CallbackParams::parse(query).answer().map(|_| ());
            assert!(matches!(answer, Err(SignInRefused::StartAgainQuietly)), "{query}");
        }
    }

    #[test]
    fn an_error_is_told_apart_from_another() {
        let of = |query| CallbackParams::parse(query).answer().map(|_| ()).unwrap_err();
        assert!(matches!(of("error=consent_denied"), SignInRefused::ConsentDenied));
        assert!(matches!(of("error=access_denied&code=c"), SignInRefused::AccessDenied));
        assert!(matches!(
            of("error=server_error&state=x"),
            SignInRefused::ProviderSaid(ProviderError::ServerError)
        ));
        assert!(matches!(of("error=%3Cscript%3E"), SignInRefused::ProviderSaid(ProviderError::Other)));
        assert!(matches!(of("state=x"), SignInRefused::CodeMissing));
    }

    #[test]
    fn a_repeated_or_absurdly_long_parameter_is_refused() {
        let long = format!("code={}", "c".repeat(5000));
        for query in ["code=a&code=b&state=s", "code=a&state=s&state=t", "iss=a&iss=a&code=c", &long] {
            let answer = CallbackParams::parse(query).answer().map(|_| ());
            assert!(matches!(answer, Err(SignInRefused::CallbackMalformed)), "{query:.40}");
        }
    }
}
