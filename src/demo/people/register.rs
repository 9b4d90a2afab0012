//! The invented schools and other organisations themselves.

use super::id;
use super::organisations::{BodyKind, SampleBody, SampleSchool, SchoolStatus};

/// One school; its id is made from its key by [`schools`].
struct Row {
    key: &'static str,
    name: &'static str,
    kind: (&'static str, &'static str),
    status: SchoolStatus,
    closed_on: Option<&'static str>,
    urn: &'static str,
    ukprn: &'static str,
    la: (&'static str, &'static str),
    number: &'static str,
    address: &'static str,
    ages: (u8, u8),
    domain: &'static str,
}

/// An open school.
const OPEN: Row = Row {
    key: "",
    name: "",
    kind: ("01", "Community School"),
    status: SchoolStatus::Open,
    closed_on: None,
    urn: "",
    ukprn: "",
    la: ("", ""),
    number: "",
    address: "",
    ages: (4, 11),
    domain: "",
};

const ROWS: [Row; 14] = [
    Row {
        key: "alderbrook",
        name: "Alderbrook Primary School",
        urn: "900001",
        ukprn: "19900001",
        la: ("383", "Leeds"),
        number: "2901",
        address: "Mill Rise, Leeds, LS99 1AA",
        domain: "alderbrook.example",
        ..OPEN
    },
    Row {
        key: "harrowgate",
        name: "Harrowgate Park Academy",
        kind: ("34", "Academy Converter"),
        urn: "900002",
        ukprn: "19900002",
        la: ("352", "Manchester"),
        number: "4902",
        address: "Harrowgate Park, Manchester, M99 2BB",
        ages: (11, 18),
        domain: "harrowgatepark.example",
        ..OPEN
    },
    Row {
        key: "fernhollow",
        name: "Fernhollow Community Primary School",
        urn: "900003",
        ukprn: "19900003",
        la: ("908", "Cornwall"),
        number: "2903",
        address: "Fern Lane, Truro, TR99 3CC",
        domain: "fernhollow.example",
        ..OPEN
    },
    Row {
        key: "st-marys-leeds",
        name: "St Mary's Catholic Primary School",
        kind: ("02", "Voluntary Aided School"),
        urn: "900004",
        ukprn: "19900004",
        la: ("383", "Leeds"),
        number: "3904",
        address: "Chapel Street, Leeds, LS99 4DD",
        domain: "stmarys-leeds.example",
        ..OPEN
    },
    Row {
        key: "st-marys-dorset",
        name: "St Mary's Church of England Primary School",
        kind: ("03", "Voluntary Controlled School"),
        urn: "900005",
        ukprn: "19900005",
        la: ("838", "Dorset"),
        number: "3905",
        address: "Church Walk, Dorchester, DT99 5EE",
        domain: "stmarys-dorset.example",
        ..OPEN
    },
    Row {
        key: "willowbank",
        name: "Willowbank School",
        kind: ("07", "Community Special School"),
        urn: "900006",
        ukprn: "19900006",
        la: ("330", "Birmingham"),
        number: "7906",
        address: "Willow Road, Birmingham, B99 6FF",
        ages: (5, 19),
        domain: "willowbank.example",
        ..OPEN
    },
    Row {
        key: "the-bridge",
        name: "The Bridge Pupil Referral Unit",
        kind: ("14", "Pupil Referral Unit"),
        urn: "900007",
        ukprn: "19900007",
        la: ("801", "Bristol, City of"),
        number: "1907",
        address: "Quay Street, Bristol, BS99 7GG",
        ages: (11, 16),
        domain: "thebridge.example",
        ..OPEN
    },
    Row {
        key: "little-acorns",
        name: "Little Acorns Nursery School",
        kind: ("15", "LA Nursery School"),
        urn: "900008",
        ukprn: "19900008",
        la: ("204", "Hackney"),
        number: "1908",
        address: "Oak Grove, London, E99 8HH",
        ages: (2, 5),
        domain: "littleacorns.example",
        ..OPEN
    },
    Row {
        key: "kingsmead",
        name: "Kingsmead Free School",
        kind: ("35", "Free Schools"),
        urn: "900009",
        ukprn: "19900009",
        la: ("873", "Cambridgeshire"),
        number: "4909",
        address: "Meadow Way, Cambridge, CB99 9JJ",
        ages: (11, 16),
        domain: "kingsmead.example",
        ..OPEN
    },
    Row {
        key: "tyne-utc",
        name: "Tyne Valley UTC",
        kind: ("40", "University Technical College"),
        urn: "900010",
        ukprn: "19900010",
        la: ("391", "Newcastle upon Tyne"),
        number: "4910",
        address: "Forge Road, Newcastle upon Tyne, NE99 1KK",
        ages: (14, 19),
        domain: "tynevalleyutc.example",
        ..OPEN
    },
    Row {
        key: "ashcombe",
        name: "Ashcombe House School",
        kind: ("11", "Other Independent School"),
        urn: "900011",
        ukprn: "19900011",
        la: ("936", "Surrey"),
        number: "6911",
        address: "Ashcombe Hill, Guildford, GU99 2LL",
        ages: (4, 18),
        domain: "ashcombehouse.example",
        ..OPEN
    },
    Row {
        key: "moorside",
        name: "Moorside Junior School",
        kind: ("05", "Foundation School"),
        status: SchoolStatus::Closed,
        closed_on: Some("2025-08-31"),
        urn: "900012",
        ukprn: "19900012",
        la: ("380", "Bradford"),
        number: "5912",
        address: "Moor Side, Bradford, BD99 3MM",
        ages: (7, 11),
        domain: "moorside.example",
    },
    Row {
        key: "eastcliff",
        name: "Eastcliff Infant School",
        status: SchoolStatus::ProposedToClose,
        closed_on: Some("2027-08-31"),
        urn: "900013",
        ukprn: "19900013",
        la: ("886", "Kent"),
        number: "2913",
        address: "Cliff Parade, Folkestone, CT99 4NN",
        ages: (4, 7),
        domain: "eastcliff.example",
        ..OPEN
    },
    Row {
        key: "northgate-studio",
        name: "Northgate Studio School",
        kind: ("41", "Studio Schools"),
        urn: "900014",
        ukprn: "19900014",
        la: ("892", "Nottingham"),
        number: "4914",
        address: "Lace Street, Nottingham, NG99 5PP",
        ages: (14, 19),
        domain: "northgatestudio.example",
        ..OPEN
    },
];

/// The schools with their ids.
pub(super) fn schools() -> Vec<SampleSchool> {
    ROWS.iter()
        .map(|row| SampleSchool {
            key: row.key,
            id: id("organisation", row.key),
            name: row.name,
            type_code: row.kind.0,
            type_name: row.kind.1,
            status: row.status,
            closed_on: row.closed_on,
            urn: row.urn,
            ukprn: row.ukprn,
            la_code: row.la.0,
            la_name: row.la.1,
            number: row.number,
            address: row.address,
            ages: row.ages,
            domain: row.domain,
        })
        .collect()
}

/// The other organisations with their ids.
pub(super) fn bodies() -> Vec<SampleBody> {
    let body = |key, name, kind, (category_code, category_name), ukprn, domain| SampleBody {
        key,
        id: id("organisation", key),
        name,
        kind,
        category_code,
        category_name,
        ukprn,
        domain,
    };
    let training = ("009", "Training Providers");
    vec![
        body(
            "department",
            "Department for Education",
            BodyKind::Department,
            ("011", "Government"),
            None,
            "department.example",
        ),
        body(
            "beacon",
            "Beacon Teacher Development",
            BodyKind::LeadProvider,
            training,
            Some("19900101"),
            "beaconteachers.example",
        ),
        body(
            "pennine",
            "Pennine Schools Partnership",
            BodyKind::DeliveryPartner,
            training,
            Some("19900102"),
            "pennineschools.example",
        ),
        body(
            "southmere",
            "Southmere Teaching School Hub",
            BodyKind::AppropriateBody,
            ("008", "Other Stakeholders"),
            Some("19900103"),
            "southmerehub.example",
        ),
    ]
}
