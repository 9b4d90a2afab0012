//! DfE Sign-in's public API: what the token never says.
//!
//! Which organisations a person belongs to and who approves there [DFE-Digital/login.dfe.public-api, README]. Each
//! call carries a fresh token that we sign.

mod bearer;
mod rows;

use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION};
use openidconnect::HttpResponse;
use serde_json::{Map, Value};
use url::Url;

pub use rows::{Account, ApproverRow, Approvers, Membership, OrganisationRole, Page};

use super::dfe::{ApiSettings, ClaimedOrganisation, SettingsError, Subject};
use super::http::{Http, HttpAt, HttpError, HttpSettings, is_secure};
use crate::clock::Clock;
use crate::secret::Secret;

/// Rows in a page of [`DfeApi::every_approver`]: some 100 KiB.
const PAGE_SIZE: u32 = 100;
/// The most pages that are walked: far more approvers than there are schools in England.
const MAX_PAGES: u32 = 5_000;

/// Why the API gave no answer that we could use. No variant shows a token or personal data.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API could not be reached, or broke.
    #[error("DfE Sign-in's API: {0}")]
    Unavailable(#[source] HttpError),
    /// The API does not take our token (401).
    #[error("DfE Sign-in's API does not take our token: check the API secret and the client id")]
    TokenRefused,
    /// We may not ask this (403). DfE answers so to a wrong secret or client id as well, and to a service that was
    /// not given the report of approvers.
    #[error(
        "DfE Sign-in's API does not allow the call: check the API secret and the client id, and ask DfE whether \
         the service may make it"
    )]
    NotAllowed,
    /// The API answers with a status that is not in its description.
    #[error("DfE Sign-in's API answered with status {0}")]
    Status(u16),
    /// The answer cannot be read, or speaks of somebody else than was asked.
    #[error("the answer of DfE Sign-in's API cannot be read")]
    Unreadable,
    /// The pages do not come to an end.
    #[error("the answer of DfE Sign-in's API has more than {MAX_PAGES} pages")]
    Endless,
}

impl ApiError {
    /// Whether the same call may succeed later without anybody changing it.
    pub const fn retry_helps(&self) -> bool {
        match self {
            Self::Unavailable(error) => error.retry_helps(),
            Self::TokenRefused | Self::NotAllowed | Self::Status(_) | Self::Unreadable | Self::Endless => {
                false
            }
        }
    }
}

/// The client of the public API.
pub struct DfeApi {
    http: HttpAt,
    base: Url,
    issuer: String,
    audience: String,
    secret: Secret,
    clock: Arc<dyn Clock>,
}

impl DfeApi {
    /// The API as these settings describe it. `client_id` is who we are there. Nothing is asked yet.
    pub fn new(
        settings: &ApiSettings,
        client_id: &str,
        secret: Secret,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let HttpSettings { allow_insecure_loopback, .. } = settings.http;
        let base = settings.base_url.url();
        if !is_secure(base, allow_insecure_loopback) {
            return Err(SettingsError::Insecure("api.base_url"));
        }
        if secret.expose().is_empty() {
            return Err(SettingsError::Empty("api.secret_file"));
        }
        Ok(Self {
            http: Http::new(&settings.http)?.only_at(base.origin()),
            base: base.clone(),
            issuer: client_id.to_owned(),
            audience: settings.audience.clone(),
            secret,
            clock,
        })
    }

    /// The organisations that a person belongs to, whatever they do there. Those without a usable id are left out.
    pub async fn organisations_of(&self, user: &Subject) -> Result<Vec<ClaimedOrganisation>, ApiError> {
        match self.get(&["users", user.as_str(), "organisations"], &[]).await? {
            None => Ok(Vec::new()),
            Some(Value::Array(rows)) => Ok(rows
                .iter()
                .filter_map(Value::as_object)
                .filter_map(|row| ClaimedOrganisation::parse(row).ok())
                .collect()),
            Some(_) => Err(ApiError::Unreadable),
        }
    }

    /// The organisations that a person belongs to, each with what they are there: end user or approver. Only
    /// `organisationservices` tells that.
    pub async fn memberships_of(&self, user: &Subject) -> Result<Vec<Membership>, ApiError> {
        match self.get(&["users", user.as_str(), "organisationservices"], &[]).await? {
            None => Ok(Vec::new()),
            Some(answer) => Membership::parse_all(object(&answer)?, user),
        }
    }

    /// One page of the approvers within the service's policies, from page 1 on.
    /// [`ApiError::NotAllowed`] unless DfE lets the service see them.
    pub async fn approvers(&self, page: u32) -> Result<Page<ApproverRow>, ApiError> {
        let query = [("page", page.to_string()), ("pageSize", PAGE_SIZE.to_string())];
        let answer = self.get(&["users", "approvers"], &query).await?.ok_or(ApiError::Status(404))?;
        Page::parse(object(&answer)?)
    }

    /// All approvers within the service's policies.
    ///
    /// The list may change while it is walked: a row can come twice, and one that moved to an earlier page is missed
    /// until the next walk. See [`Approvers::is_whole`].
    pub async fn every_approver(&self) -> Result<Approvers, ApiError> {
        let mut all = Approvers { rows: Vec::new(), unreadable: 0, total: None, changed: false };
        for page in 1..=MAX_PAGES {
            let answer = self.approvers(page).await?;
            let ended = page >= answer.pages || (answer.rows.is_empty() && answer.unreadable == 0);
            all.changed |= page > 1 && answer.total != all.total;
            all.total = answer.total;
            all.unreadable += answer.unreadable;
            all.rows.extend(answer.rows);
            if ended {
                return Ok(all);
            }
        }
        Err(ApiError::Endless)
    }

    /// Asks. None where the API says "not found", which is its way to say "no".
    async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Option<Value>, ApiError> {
        let response = self.send(path, query).await.map_err(ApiError::Unavailable)?;
        match response.status() {
            StatusCode::OK => {
                serde_json::from_slice(response.body()).map(Some).map_err(|_| ApiError::Unreadable)
            }
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => Err(ApiError::TokenRefused),
            StatusCode::FORBIDDEN => Err(ApiError::NotAllowed),
            other => Err(ApiError::Status(other.as_u16())),
        }
    }

    async fn send(&self, path: &[&str], query: &[(&str, String)]) -> Result<HttpResponse, HttpError> {
        let mut url = self.base.clone();
        // Each part is escaped, so an id with a slash in it stays one part.
        url.path_segments_mut().map_err(|()| HttpError::Invalid)?.pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let bearer = bearer::header(&self.issuer, &self.audience, &self.secret, self.clock.now())
            .ok_or(HttpError::Invalid)?;
        let request = http::Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, bearer)
            .body(Vec::new())
            .map_err(|_| HttpError::Invalid)?;
        self.http.send(request).await
    }
}

impl fmt::Debug for DfeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DfeApi").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// An answer that must be an object.
fn object(answer: &Value) -> Result<&Map<String, Value>, ApiError> {
    answer.as_object().ok_or(ApiError::Unreadable)
}
