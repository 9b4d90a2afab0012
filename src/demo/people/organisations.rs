//! What is known of an invented school or other organisation.

use uuid::Uuid;

use super::{BODIES, SCHOOLS};

/// How a school stands in Get Information about Schools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchoolStatus {
    /// Open.
    Open,
    /// Closed on this date.
    Closed,
    /// Open, with a date on which it will close.
    ProposedToClose,
}

impl SchoolStatus {
    /// DfE Sign-in's number of the status.
    pub const fn number(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Closed => 2,
            Self::ProposedToClose => 3,
        }
    }

    /// DfE Sign-in's name of the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Closed => "Closed",
            Self::ProposedToClose => "Proposed to close",
        }
    }

    /// The colour of the tag that DfE Sign-in gives the status.
    pub const fn tag_colour(self) -> &'static str {
        match self {
            Self::Open => "green",
            Self::Closed => "red",
            Self::ProposedToClose => "orange",
        }
    }
}

/// An invented school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleSchool {
    /// A short name for use in code: `alderbrook`.
    pub key: &'static str,
    /// DfE Sign-in's id of the organisation.
    pub id: Uuid,
    /// The name.
    pub name: &'static str,
    /// The two-digit code of the establishment type, the same in the register and in DfE Sign-in.
    pub type_code: &'static str,
    /// The name of the establishment type.
    pub type_name: &'static str,
    /// How it stands.
    pub status: SchoolStatus,
    /// The date on which it closed or will close, as `YYYY-MM-DD`.
    pub closed_on: Option<&'static str>,
    /// The unique reference number, from 900001.
    pub urn: &'static str,
    /// The UK provider reference number, from 19900001.
    pub ukprn: &'static str,
    /// The local authority's three-digit code. The authority is real, the school is not.
    pub la_code: &'static str,
    /// The local authority's name.
    pub la_name: &'static str,
    /// The establishment number: with the authority's code, the LAESTAB.
    pub number: &'static str,
    /// The address, in one line.
    pub address: &'static str,
    /// The youngest and oldest age of its pupils, in years.
    pub ages: (u8, u8),
    /// The domain of its people's emails.
    pub domain: &'static str,
}

/// What an organisation that is not a school is to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// The Department for Education itself.
    Department,
    /// A lead provider of early career training.
    LeadProvider,
    /// A delivery partner of a lead provider.
    DeliveryPartner,
    /// An appropriate body, which assures induction.
    AppropriateBody,
}

/// An organisation that is not a school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleBody {
    /// A short name for use in code.
    pub key: &'static str,
    /// DfE Sign-in's id of the organisation.
    pub id: Uuid,
    /// The name.
    pub name: &'static str,
    /// What it is to the service. DfE Sign-in does not know this of partners: no category says it.
    pub kind: BodyKind,
    /// DfE Sign-in's three-digit category.
    pub category_code: &'static str,
    /// The category's name.
    pub category_name: &'static str,
    /// The UK provider reference number, if it has one.
    pub ukprn: Option<&'static str>,
    /// The domain of its people's emails.
    pub domain: &'static str,
}

/// An invented organisation of either sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleOrganisation {
    /// A school.
    School(&'static SampleSchool),
    /// Another organisation.
    Body(&'static SampleBody),
}

impl SampleOrganisation {
    /// The organisation that has this key.
    pub(super) fn find(key: &str) -> Option<Self> {
        SCHOOLS
            .iter()
            .find(|school| school.key == key)
            .map(Self::School)
            .or_else(|| BODIES.iter().find(|body| body.key == key).map(Self::Body))
    }

    /// DfE Sign-in's id of it.
    pub const fn id(self) -> Uuid {
        match self {
            Self::School(school) => school.id,
            Self::Body(body) => body.id,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::School(school) => school.name,
            Self::Body(body) => body.name,
        }
    }

    /// The domain of its people's emails.
    pub(super) const fn domain(self) -> &'static str {
        match self {
            Self::School(school) => school.domain,
            Self::Body(body) => body.domain,
        }
    }

    /// What tells it from others of its name: the place and type of a school, the category of another.
    pub fn described(self) -> String {
        match self {
            Self::School(school) => format!("{}, {}, URN {}", school.type_name, school.la_name, school.urn),
            Self::Body(body) => body.category_name.to_owned(),
        }
    }
}
