//! The API's answers, read as loosely as they are written.

use serde_json::{Map, Value};
use vouchsafe_events::Email;

use super::ApiError;
use crate::identity::dfe::loose::{email_of, field, integer, text_of};
use crate::identity::dfe::{ClaimedOrganisation, Subject};

/// Fails if an answer names another user than was asked about.
fn about(answer: &Map<String, Value>, user: &Subject) -> Result<(), ApiError> {
    let named = text_of(answer, "userid").map(|id| id.parse::<Subject>());
    if named.is_some_and(|named| named.as_ref() != Ok(user)) { Err(ApiError::Unreadable) } else { Ok(()) }
}

/// What a person is at an organisation, for all services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganisationRole {
    /// May use what they were given (0).
    EndUser,
    /// May also approve others, and give and take services (10000).
    Approver,
    /// Something that we do not know, by its number.
    Other(i64),
}

impl From<i64> for OrganisationRole {
    fn from(id: i64) -> Self {
        match id {
            0 => Self::EndUser,
            10_000 => Self::Approver,
            other => Self::Other(other),
        }
    }
}

/// A person's place at an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organisation: ClaimedOrganisation,
    /// What they are there; none if DfE does not say.
    pub role: Option<OrganisationRole>,
}

impl Membership {
    pub(super) fn parse_all(answer: &Map<String, Value>, user: &Subject) -> Result<Vec<Self>, ApiError> {
        about(answer, user)?;
        let rows = match field(answer, "organisations") {
            None => return Ok(Vec::new()),
            Some(Value::Array(rows)) => rows,
            Some(_) => return Err(ApiError::Unreadable),
        };
        Ok(rows
            .iter()
            .filter_map(Value::as_object)
            .filter_map(|row| {
                let organisation = ClaimedOrganisation::parse(row).ok()?;
                let role = field(row, "orgroleid").and_then(integer).map(OrganisationRole::from);
                Some(Self { organisation, role })
            })
            .collect())
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// How many rows lack what makes them a row.
    pub unreadable: usize,
    /// This page's number, from 1.
    pub page: u32,
    /// How many pages there are.
    pub pages: u32,
    /// How many rows there are on all pages; none if DfE does not say.
    pub total: Option<u32>,
}

/// Whether an account can be signed in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// It can (`userStatus` 1).
    Active,
    /// It cannot (`userStatus` 0).
    Deactivated,
    /// DfE does not say: it did not find the person.
    Unknown,
}

/// An approver at an organisation.
#[derive(Clone, PartialEq, Eq)]
pub struct ApproverRow {
    /// The organisation.
    pub organisation: ClaimedOrganisation,
    /// The person.
    pub user: Subject,
    /// What they are there.
    pub role: Option<OrganisationRole>,
    /// Whether they can sign in. Only an active approver is of use to anybody.
    pub account: Account,
    /// Their email; none if DfE did not find them, or mail cannot be sent to it.
    pub email: Option<Email>,
    /// Their given name.
    pub given_name: Option<String>,
    /// Their family name.
    pub family_name: Option<String>,
}

/// Personal data: never printed by accident.
impl std::fmt::Debug for ApproverRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApproverRow")
            .field("organisation", &self.organisation.id)
            .field("role", &self.role)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl ApproverRow {
    fn parse(row: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            organisation: ClaimedOrganisation::parse(field(row, "organisation")?.as_object()?).ok()?,
            user: text_of(row, "userid")?.parse().ok()?,
            role: field(row, "roleid").and_then(integer).map(OrganisationRole::from),
            account: match field(row, "userstatus").and_then(integer) {
                Some(1) => Account::Active,
                // Any other number is a state that nobody described, so not one to rely on.
                Some(_) => Account::Deactivated,
                None => Account::Unknown,
            },
            email: email_of(row, "email"),
            given_name: text_of(row, "givenname"),
            family_name: text_of(row, "familyname"),
        })
    }
}

/// A walk along the list of approvers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvers {
    /// The rows, page after page.
    pub rows: Vec<ApproverRow>,
    /// How many rows lack what makes them a row.
    pub unreadable: usize,
    /// How many rows there are, as the last page says; none if DfE does not say.
    pub total: Option<u32>,
    /// Whether two pages gave different totals: the list changed meanwhile.
    pub changed: bool,
}

impl Approvers {
    /// Whether this is the whole list, so that it says also who is no approver.
    pub fn is_whole(&self) -> bool {
        let counted = self.total.is_none_or(|total| usize::try_from(total) == Ok(self.rows.len()));
        self.unreadable == 0 && !self.changed && counted
    }
}

impl Page<ApproverRow> {
    pub(super) fn parse(answer: &Map<String, Value>) -> Result<Self, ApiError> {
        let Some(Value::Array(users)) = field(answer, "users") else { return Err(ApiError::Unreadable) };
        let number =
            |name| field(answer, name).and_then(integer).and_then(|number| u32::try_from(number).ok());
        let rows: Vec<ApproverRow> =
            users.iter().filter_map(Value::as_object).filter_map(ApproverRow::parse).collect();
        Ok(Self {
            unreadable: users.len() - rows.len(),
            rows,
            page: number("page").ok_or(ApiError::Unreadable)?,
            pages: number("numberofpages").ok_or(ApiError::Unreadable)?,
            total: number("numberofrecords"),
        })
    }
}
