//! How DfE Sign-in writes an organisation, in the claim and in its API.

use serde_json::{Value, json};

use crate::demo::capitals;
use crate::demo::people::{SampleOrganisation, SchoolStatus};

/// Which of DfE Sign-in's ways to write an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Shape {
    /// The `organisation` claim: everything, with the status' colour.
    Claim,
    /// The API's first list of organisations: without the provider fields and with the id in small letters.
    Brief,
    /// The API's lists with the provider fields.
    Full,
}

/// Fields that only training providers have, null for everybody here. The spelling is DfE Sign-in's own.
const PROVIDER_FIELDS: [&str; 17] = [
    "SourceSystem",
    "providerTypeName",
    "ProviderTypeCode",
    "GIASProviderType",
    "PIMSProviderType",
    "PIMSProviderTypeCode",
    "PIMSStatusName",
    "pimsStatus",
    "GIASStatusName",
    "GIASStatus",
    "MasterProviderStatusName",
    "MasterProviderStatusCode",
    "OpenedOn",
    "DistrictAdministrativeName",
    "DistrictAdministrativeCode",
    "DistrictAdministrative_code",
    "IsOnAPAR",
];

/// The organisation as DfE Sign-in writes it.
pub(in crate::demo) fn organisation_json(organisation: SampleOrganisation, shape: Shape) -> Value {
    let mut written = match organisation {
        SampleOrganisation::School(school) => json!({
            "id": capitals(school.id),
            "name": school.name,
            "LegalName": null,
            "category": { "id": "001", "name": "Establishment" },
            "type": { "id": school.type_code, "name": school.type_name },
            "urn": school.urn,
            "uid": null,
            "upin": null,
            "ukprn": school.ukprn,
            "establishmentNumber": school.number,
            "status": status(school.status),
            "closedOn": school.closed_on,
            "address": school.address,
            "telephone": null,
            "statutoryLowAge": school.ages.0.to_string(),
            "statutoryHighAge": school.ages.1.to_string(),
            // The real ones are numbers of seven digits without meaning.
            "legacyId": format!("5{}", school.urn),
            "companyRegistrationNumber": null,
        }),
        SampleOrganisation::Body(body) => json!({
            "id": capitals(body.id),
            "name": body.name,
            "LegalName": null,
            "category": { "id": body.category_code, "name": body.category_name },
            "urn": null,
            "uid": null,
            "upin": null,
            "ukprn": body.ukprn,
            "establishmentNumber": null,
            "status": status(SchoolStatus::Open),
            "closedOn": null,
            "address": null,
            "telephone": null,
            "statutoryLowAge": null,
            "statutoryHighAge": null,
            "legacyId": "5990000",
            "companyRegistrationNumber": null,
        }),
    };
    let Some(fields) = written.as_object_mut() else { return written };
    match shape {
        Shape::Claim => {}
        Shape::Brief | Shape::Full => {
            if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut) {
                status.remove("tagColor");
            }
        }
    }
    match shape {
        Shape::Claim | Shape::Full => {
            fields.extend(PROVIDER_FIELDS.iter().map(|name| ((*name).to_owned(), Value::Null)));
        }
        Shape::Brief => {
            fields.remove("LegalName");
            fields.remove("upin");
            fields.insert("id".to_owned(), organisation.id().to_string().into());
        }
    }
    written
}

fn status(status: SchoolStatus) -> Value {
    json!({ "id": status.number(), "name": status.name(), "tagColor": status.tag_colour() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_of_a_school_has_all_the_fields_that_dfe_sign_in_sends() {
        let school = crate::demo::school("moorside").unwrap();
        let claim = organisation_json(SampleOrganisation::School(school), Shape::Claim);
        assert_eq!(claim.as_object().unwrap().len(), 35);
        assert_eq!(claim["status"], json!({ "id": 2, "name": "Closed", "tagColor": "red" }));
        assert_eq!(claim["closedOn"], "2025-08-31");
        assert_eq!(claim["id"].as_str().unwrap(), school.id.to_string().to_uppercase());
    }

    #[test]
    fn the_first_list_writes_ids_small() {
        let school = crate::demo::school("alderbrook").unwrap();
        let brief = organisation_json(SampleOrganisation::School(school), Shape::Brief);
        assert_eq!(brief["id"], school.id.to_string());
        assert!(brief.get("IsOnAPAR").is_none());
    }
}
