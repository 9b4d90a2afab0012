//! The organisation that a person chose at DfE Sign-in.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;
use vouchsafe_events::{Ukprn, Urn};

use super::loose::{digits_of, field, integer, text, text_of};

/// The organisation claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganisationClaim {
    /// The person belongs to no organisation, or chose none.
    None,
    /// The person chose this one, or has only this one.
    Known(Box<ClaimedOrganisation>),
}

/// Why a claim is not an organisation: it has something, but no id that we could know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the organisation has no id that is a UUID")]
pub struct NotAnOrganisation;

impl OrganisationClaim {
    /// Reads the claim: an object, or (as .NET clients keep it) a string with the object's JSON in it. Absent, null
    /// and empty mean none.
    pub fn parse(claim: Option<&Value>) -> Result<Self, NotAnOrganisation> {
        match claim {
            None | Some(Value::Null) => Ok(Self::None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Self::None),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                // One wrapping is known; another inside it would be nonsense.
                Ok(Value::String(_)) | Err(_) => Err(NotAnOrganisation),
                Ok(inner) => Self::parse(Some(&inner)),
            },
            Some(Value::Object(object)) if object.is_empty() => Ok(Self::None),
            Some(Value::Object(object)) => {
                ClaimedOrganisation::parse(object).map(|organisation| Self::Known(Box::new(organisation)))
            }
            Some(_) => Err(NotAnOrganisation),
        }
    }
}

/// An organisation as DfE Sign-in knows it. Everything but its id may be unknown there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedOrganisation {
    /// DfE Sign-in's id. It differs between DfE's environments.
    pub id: Uuid,
    /// The name; empty if DfE gives none.
    pub name: String,
    /// The URN, by which a school is known.
    pub urn: Option<Urn>,
    /// The UKPRN.
    pub ukprn: Option<Ukprn>,
    /// The UID, by which a trust is known.
    pub uid: Option<String>,
    /// The UPIN, an older number of training providers.
    pub upin: Option<String>,
    /// The establishment number: by it a local authority is known, and within one a school.
    pub establishment_number: Option<String>,
    /// What sort of organisation it is.
    pub category: Option<Category>,
    /// What sort of establishment it is.
    pub kind: Option<Coded>,
    /// How it stands.
    pub status: Option<Status>,
    /// The local authority it is in.
    pub local_authority: Option<Coded>,
    /// DfE's older number of it.
    pub legacy_id: Option<String>,
}

/// A code and its words, either of which may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coded {
    /// The code.
    pub code: Option<String>,
    /// What it stands for.
    pub name: Option<String>,
}

/// A code with its words, from an object with `id` and `name`, or from the bare code.
fn coded(value: &Value, width: usize) -> Option<Coded> {
    let (code, name) = match value {
        Value::Object(object) => (digits_of(object, "id", width), text_of(object, "name")),
        Value::Number(number) => (number.as_u64().map(|code| format!("{code:0width$}")), None),
        other => (text(other), None),
    };
    (code.is_some() || name.is_some()).then_some(Coded { code, name })
}

impl ClaimedOrganisation {
    /// Reads an organisation, however DfE spells it.
    pub fn parse(object: &Map<String, Value>) -> Result<Self, NotAnOrganisation> {
        let id = field(object, "id").and_then(Value::as_str).ok_or(NotAnOrganisation)?;
        let id = Uuid::try_parse(id.trim()).map_err(|_| NotAnOrganisation)?;
        let authority =
            (text_of(object, "districtadministrativecode"), text_of(object, "districtadministrativename"));
        Ok(Self {
            id,
            name: text_of(object, "name").or_else(|| text_of(object, "legalname")).unwrap_or_default(),
            urn: digits_of(object, "urn", 6).and_then(|urn| urn.parse().ok()),
            ukprn: digits_of(object, "ukprn", 8).and_then(|ukprn| ukprn.parse().ok()),
            uid: text_of(object, "uid"),
            upin: text_of(object, "upin"),
            establishment_number: text_of(object, "establishmentnumber"),
            category: field(object, "category")
                .and_then(|value| coded(value, 3))
                .and_then(|coded| coded.code)
                .map(Category::from),
            kind: field(object, "type").and_then(|value| coded(value, 2)),
            status: field(object, "status").and_then(Status::parse),
            local_authority: match authority {
                (None, None) => None,
                (code, name) => Some(Coded { code, name }),
            },
            legacy_id: text_of(object, "legacyid"),
        })
    }
}

/// Declares DfE's categories.
macro_rules! categories {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)+) => {
        /// What sort of organisation it is, as DfE Sign-in's directory of organisations sorts them. None of them
        /// says lead provider, delivery partner or appropriate body.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum Category {
            $($(#[$doc])* $variant,)+
            /// One that we do not know, by its code.
            Other(String),
        }

        impl Category {
            /// DfE's code.
            pub fn code(&self) -> &str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Other(code) => code,
                }
            }
        }

        impl From<String> for Category {
            fn from(code: String) -> Self {
                match code.as_str() {
                    $($code => Self::$variant,)+
                    _ => Self::Other(code),
                }
            }
        }
    };
}

categories! {
    /// A school, college or the like.
    Establishment = "001",
    /// A local authority.
    LocalAuthority = "002",
    /// Something from before.
    OtherLegacy = "003",
    /// An early year setting.
    EarlyYearSetting = "004",
    /// Another stakeholder.
    OtherStakeholder = "008",
    /// A training provider.
    TrainingProvider = "009",
    /// A trust of several academies.
    MultiAcademyTrust = "010",
    /// Government.
    Government = "011",
    /// Another stakeholder in Get Information about Schools.
    OtherGiasStakeholder = "012",
    /// A trust of one academy.
    SingleAcademyTrust = "013",
    /// A trust of one secure academy.
    SecureSingleAcademyTrust = "014",
    /// A supplier of software.
    SoftwareSupplier = "050",
    /// A training provider of the Provider Information Management System.
    PimsTrainingProvider = "051",
    /// A billing authority.
    BillingAuthority = "052",
    /// A place of youth custody.
    YouthCustody = "053",
}

impl From<Category> for String {
    fn from(category: Category) -> Self {
        category.code().to_owned()
    }
}

/// Declares DfE's statuses.
macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $id:literal, $name:literal;)+) => {
        /// How an organisation stands at DfE Sign-in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "i64", into = "i64")]
        pub enum Status {
            $($(#[$doc])* $variant,)+
            /// One that we do not know, by its number.
            Other(i64),
        }

        impl From<i64> for Status {
            fn from(id: i64) -> Self {
                match id {
                    $($id => Self::$variant,)+
                    _ => Self::Other(id),
                }
            }
        }

        impl From<Status> for i64 {
            fn from(status: Status) -> Self {
                match status {
                    $(Status::$variant => $id,)+
                    Status::Other(id) => id,
                }
            }
        }

        impl Status {
            /// The status of this name, without regard to case.
            fn named(name: &str) -> Option<Self> {
                match name.trim().to_ascii_lowercase().as_str() {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for Status {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($name),)+
                    Self::Other(id) => write!(f, "status {id}"),
                }
            }
        }
    };
}

statuses! {
    /// Not shown to anybody.
    Hidden = 0, "hidden";
    /// Open.
    Open = 1, "open";
    /// Closed. It still comes in claims.
    Closed = 2, "closed";
    /// Open, but to close.
    ProposedToClose = 3, "proposed to close";
    /// Not open yet.
    ProposedToOpen = 4, "proposed to open";
    /// Dissolved.
    Dissolved = 5, "dissolved";
    /// In liquidation.
    InLiquidation = 6, "in liquidation";
    /// Locked: a double of another.
    LockedDuplicate = 8, "locked duplicate";
    /// Made by mistake.
    CreatedInError = 9, "created in error";
    /// Locked while restructured.
    LockedRestructure = 10, "locked restructure";
}

impl Status {
    /// Reads a status: an object with `id` and `name`, the bare number (also as text), or the bare name.
    fn parse(value: &Value) -> Option<Self> {
        if let Value::Object(object) = value {
            let id = field(object, "id").and_then(Self::parse);
            return id.or_else(|| field(object, "name").and_then(Self::parse));
        }
        integer(value).map(Self::from).or_else(|| value.as_str().and_then(Self::named))
    }
}

#[cfg(test)]
mod tests;
