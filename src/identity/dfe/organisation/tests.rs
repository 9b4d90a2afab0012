use proptest::prelude::*;
use serde_json::json;

use super::*;

const USERINFO: &str = include_str!("../../../../tests/data/dfe_userinfo.json");
const USERS: &str = include_str!("../../../../tests/data/dfe_users_organisation.json");

fn known(claim: &Value) -> ClaimedOrganisation {
    match OrganisationClaim::parse(Some(claim)).unwrap() {
        OrganisationClaim::Known(organisation) => *organisation,
        OrganisationClaim::None => panic!("no organisation in {claim}"),
    }
}

#[test]
fn the_claim_is_read_as_userinfo_gives_it() {
    let userinfo: Value = serde_json::from_str(USERINFO).unwrap();
    let school = known(&userinfo["organisation"]);
    assert_eq!(school.id.to_string(), "4ebbe3f9-0000-4000-8000-4a04bd29ae0e");
    assert_eq!(school.name, "Greenhill Primary School");
    assert_eq!(school.urn, Some("123456".parse().unwrap()));
    assert_eq!(school.ukprn, Some("00000002".parse().unwrap()));
    assert_eq!(school.category, Some(Category::Establishment));
    assert_eq!(school.kind, Some(Coded { code: Some("01".into()), name: Some("Community School".into()) }));
    assert_eq!(school.status, Some(Status::Open));
    assert_eq!(school.legacy_id.as_deref(), Some("4008569"));
    assert_eq!((school.uid, school.upin, school.local_authority), (None, None, None));
}

#[test]
fn the_claim_is_read_from_a_string_of_json_too() {
    let userinfo: Value = serde_json::from_str(USERINFO).unwrap();
    let text = Value::String(userinfo["organisation"].to_string());
    assert_eq!(known(&text), known(&userinfo["organisation"]));
}

#[test]
fn an_organisation_is_read_as_the_list_of_users_spells_it() {
    let body = known(&serde_json::from_str(USERS).unwrap());
    assert_eq!(body.category, Some(Category::LocalAuthority));
    assert_eq!(body.establishment_number.as_deref(), Some("001"));
    assert_eq!(body.status, Some(Status::Closed));
    assert_eq!(body.urn, None);
    assert_eq!(
        body.local_authority,
        Some(Coded { code: Some("E09000001".into()), name: Some("City of London".into()) })
    );
}

#[test]
fn no_organisation_comes_in_several_forms() {
    for claim in [json!(null), json!({}), json!(""), json!(" "), json!("{}"), json!("null")] {
        assert_eq!(OrganisationClaim::parse(Some(&claim)), Ok(OrganisationClaim::None), "{claim}");
    }
    assert_eq!(OrganisationClaim::parse(None), Ok(OrganisationClaim::None));
}

#[test]
fn an_organisation_without_an_id_is_refused_and_not_taken_for_none() {
    let nested =
        json!(json!(json!({ "id": "4ebbe3f9-0000-4000-8000-4a04bd29ae0e" }).to_string()).to_string());
    for claim in [
        json!({ "name": "Greenhill" }),
        json!({ "id": "" }),
        json!({ "id": "4008569" }),
        json!({ "id": 7 }),
        json!([]),
        json!(true),
        json!("Greenhill"),
        nested,
    ] {
        assert_eq!(OrganisationClaim::parse(Some(&claim)), Err(NotAnOrganisation), "{claim}");
    }
}

#[test]
fn numbers_may_be_bare_and_regain_their_leading_zeros() {
    let trust = known(&json!({
        "ID": "4EBBE3F9-0000-4000-8000-4A04BD29AE0E", "NAME": "  Hill\u{0}\nTrust ", "URN": 123_456, "UKPRN": 2,
        "UID": 4000, "category": 10, "type": { "id": 7 }, "status": { "id": "2" }, "legacyId": 42,
    }));
    assert_eq!(trust.name, "Hill  Trust");
    assert_eq!(trust.urn, Some("123456".parse().unwrap()));
    assert_eq!(trust.ukprn, Some("00000002".parse().unwrap()));
    assert_eq!(trust.uid.as_deref(), Some("4000"));
    assert_eq!(trust.category, Some(Category::MultiAcademyTrust));
    assert_eq!(trust.kind.unwrap().code.as_deref(), Some("07"));
    assert_eq!(trust.status, Some(Status::Closed));
    assert_eq!(trust.legacy_id.as_deref(), Some("42"));
}

#[test]
fn every_status_is_known_by_number_and_by_name() {
    for id in [0, 1, 2, 3, 4, 5, 6, 8, 9, 10] {
        let status = Status::from(id);
        assert!(!matches!(status, Status::Other(_)), "{id}");
        assert_eq!(Status::parse(&json!(id)), Some(status));
        assert_eq!(
            Status::parse(&json!({ "id": null, "name": status.to_string().to_uppercase() })),
            Some(status)
        );
    }
    assert_eq!(Status::parse(&json!(7)), Some(Status::Other(7)));
    assert_eq!(Status::parse(&json!("thriving")), None);
}

#[test]
fn a_register_number_that_is_none_is_left_out() {
    let school = known(&json!({ "id": "4ebbe3f9-0000-4000-8000-4a04bd29ae0e", "urn": "12", "ukprn": "abc" }));
    assert_eq!((school.urn, school.ukprn), (None, None));
}

/// Any JSON, with the claim's own keys among the objects' keys.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("4ebbe3f9-0000-4000-8000-4a04bd29ae0e")),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        let key = prop_oneof![
            "\\PC{0,6}",
            proptest::sample::select(vec![
                "id",
                "ID",
                "name",
                "Category",
                "status",
                "type",
                "URN",
                "ukprn",
                "DistrictAdministrative_code",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner.clone()), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            inner.prop_map(|value| Value::String(value.to_string())),
        ]
    })
}

proptest! {
    #[test]
    fn no_claim_makes_the_parser_panic_and_what_it_reads_is_clean(claim in anything()) {
        if let Ok(OrganisationClaim::Known(organisation)) = OrganisationClaim::parse(Some(&claim)) {
            prop_assert!(!organisation.name.chars().any(char::is_control));
            prop_assert!(organisation.name.chars().count() <= 300);
            let stored = serde_json::to_string(&organisation).unwrap();
            prop_assert_eq!(serde_json::from_str::<ClaimedOrganisation>(&stored).unwrap(), *organisation);
        }
    }
}
