//! The invented schools and people of the demonstration.
//!
//! Nobody here exists. URNs are from 900001 and UKPRNs from 19900001, which the registers have not given out;
//! emails are in `.example` (RFC 2606), where nobody can receive them. Ids are UUIDs of version 5 made from
//! short keys, so that they are the same in every folder and on every machine.

mod organisations;
mod register;
mod staff;

use std::sync::LazyLock;

use uuid::Uuid;

pub use organisations::{BodyKind, SampleBody, SampleOrganisation, SampleSchool, SchoolStatus};

/// The namespace of the ids here: a version 5 UUID of the product's name in the DNS namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8);

/// The invented id of the thing that has this key.
fn id(kind: &str, key: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}.{key}.vouchsafe.example").as_bytes())
}

/// What someone is at an organisation, in DfE Sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganisationRole {
    /// DfE Sign-in's role 0.
    EndUser,
    /// DfE Sign-in's role 10000: decides who of the organisation gets which service.
    Approver,
}

impl OrganisationRole {
    /// DfE Sign-in's number of the role.
    pub const fn number(self) -> u32 {
        match self {
            Self::EndUser => 0,
            Self::Approver => 10_000,
        }
    }

    /// DfE Sign-in's name of the role.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndUser => "End user",
            Self::Approver => "Approver",
        }
    }
}

/// Someone's membership of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplePlace {
    /// The organisation.
    pub organisation: SampleOrganisation,
    /// What the person is there when the demonstration begins; its control page can change it.
    pub role: OrganisationRole,
    /// The code of the role that the person has in the service according to DfE Sign-in; none if DfE Sign-in
    /// gave them no access.
    pub service_role: Option<&'static str>,
}

/// What DfE Sign-in knows of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// An account that can be used.
    Active,
    /// An account that was switched off: the person cannot sign in, but stays on lists of approvers.
    Deactivated,
    /// No account: this person can only come in by an emailed one-time password.
    None,
}

/// An invented person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamplePerson {
    /// A short name for use in code: `folasade-adeyemi`.
    pub key: String,
    /// DfE Sign-in's id of the person, its `sub`.
    pub sub: Uuid,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The email address.
    pub email: String,
    /// The organisations that the person belongs to in DfE Sign-in, or works for without an account.
    pub places: Vec<SamplePlace>,
    /// What the person shows in the demonstration, in a few words.
    pub story: &'static str,
    /// What DfE Sign-in knows of them.
    pub account: Account,
    /// Whether this is one of the many made to fill a big school, without a story of their own.
    pub crowd: bool,
}

impl SamplePerson {
    /// Given and family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// The person's place at the organisation with this id.
    pub fn place_at(&self, organisation: Uuid) -> Option<&SamplePlace> {
        self.places.iter().find(|place| place.organisation.id() == organisation)
    }
}

static SCHOOLS: LazyLock<Vec<SampleSchool>> = LazyLock::new(register::schools);
static BODIES: LazyLock<Vec<SampleBody>> = LazyLock::new(register::bodies);
static PEOPLE: LazyLock<Vec<SamplePerson>> = LazyLock::new(staff::people);

/// All invented schools.
pub fn schools() -> &'static [SampleSchool] {
    &SCHOOLS
}

/// The organisations that are not schools: the department, and one of each kind of partner.
pub fn bodies() -> &'static [SampleBody] {
    &BODIES
}

/// Schools and others together.
pub fn organisations() -> impl Iterator<Item = SampleOrganisation> {
    schools().iter().map(SampleOrganisation::School).chain(bodies().iter().map(SampleOrganisation::Body))
}

/// All invented people, in the order of the organisations that they are listed under.
pub fn people() -> &'static [SamplePerson] {
    &PEOPLE
}

/// The school that has this key.
pub fn school(key: &str) -> Option<&'static SampleSchool> {
    schools().iter().find(|school| school.key == key)
}

/// The person who has this key.
pub fn person(key: &str) -> Option<&'static SamplePerson> {
    people().iter().find(|person| person.key == key)
}

/// The person whom DfE Sign-in knows by this `sub`.
pub fn person_by_sub(sub: Uuid) -> Option<&'static SamplePerson> {
    people().iter().find(|person| person.sub == sub)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_numbers_and_emails_are_unique() {
        let mut seen = HashSet::new();
        for school in schools() {
            assert!(seen.insert(school.id.to_string()), "{}", school.key);
            assert!(seen.insert(school.urn.to_owned()), "{}", school.key);
            assert!(seen.insert(school.ukprn.to_owned()), "{}", school.key);
            assert!(seen.insert(format!("{}/{}", school.la_code, school.number)), "{}", school.key);
        }
        for body in bodies() {
            assert!(seen.insert(body.id.to_string()), "{}", body.key);
        }
        for person in people() {
            assert!(seen.insert(person.sub.to_string()), "{}", person.key);
            assert!(seen.insert(person.email.clone()), "{}", person.email);
        }
    }

    #[test]
    fn numbers_and_emails_have_the_form_that_the_events_ask_for() {
        for school in schools() {
            school.urn.parse::<vouchsafe_events::Urn>().unwrap();
            school.ukprn.parse::<vouchsafe_events::Ukprn>().unwrap();
        }
        for person in people() {
            person.email.parse::<vouchsafe_events::Email>().unwrap();
            assert!(person.email.ends_with(".example"), "{}", person.email);
        }
    }

    #[test]
    fn every_case_that_the_demonstration_needs_is_there() {
        let approvers = |key: &str| {
            let id = school(key).unwrap().id;
            let at = |role| {
                people()
                    .iter()
                    .filter(|p| p.account == Account::Active)
                    .filter(|p| p.place_at(id).is_some_and(|place| place.role == role))
                    .count()
            };
            (at(OrganisationRole::Approver), at(OrganisationRole::EndUser))
        };
        assert_eq!(approvers("alderbrook").0, 2, "two approvers");
        assert!(approvers("harrowgate").1 > 30, "a big school");
        assert_eq!(approvers("fernhollow").0, 0, "no approver yet");
        assert!(approvers("fernhollow").1 > 0, "and one who could be it");
        assert!(people().iter().any(|p| p.places.len() == 2), "two schools");
        assert!(people().iter().any(|p| p.places.is_empty()), "no organisation");
        assert!(people().iter().any(|p| p.account == Account::Deactivated), "an approver who left");
        assert!(schools().iter().any(|s| s.status == SchoolStatus::Closed), "a closed school");
        assert!(schools().iter().any(|s| s.status == SchoolStatus::ProposedToClose), "one that will close");
        let st_marys: Vec<_> = schools().iter().filter(|s| s.name.starts_with("St Mary's")).collect();
        assert_eq!(st_marys.len(), 2, "like-named schools");
        assert_ne!(st_marys[0].la_code, st_marys[1].la_code);
    }
}
