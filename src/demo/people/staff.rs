//! The invented people.

use super::OrganisationRole::{Approver, EndUser};
use super::{Account, OrganisationRole, SampleOrganisation, SamplePerson, SamplePlace, id};

/// The code that the service's role for school staff has at DfE Sign-in.
const SCHOOL_ROLE: &str = "SchoolUser";
/// The code that the service's role for the department's staff has at DfE Sign-in.
const DFE_ROLE: &str = "DfEUser";

/// Someone with a story: names, where they are and as what, and what they show.
type Row = (&'static str, &'static str, &'static [(&'static str, OrganisationRole)], &'static str);

const ACTIVE: &[Row] = &[
    ("Folasade", "Adeyemi", &[("alderbrook", Approver)], "Approver, headteacher"),
    ("Gareth", "Pritchard", &[("alderbrook", Approver)], "Second approver, deputy head"),
    ("Hannah", "Whitlock", &[("alderbrook", EndUser)], "Colleague without access"),
    ("Imran", "Qureshi", &[("alderbrook", EndUser)], "Colleague without access, induction tutor"),
    ("Siobhan", "Doyle", &[("alderbrook", EndUser)], "Colleague without access, school business manager"),
    ("Margaret", "Osei", &[("harrowgate", Approver)], "Approver of a big school"),
    ("Tomasz", "Kowalczyk", &[("harrowgate", EndUser)], "Colleague without access, induction tutor"),
    ("Priya", "Raghavan", &[("harrowgate", EndUser)], "Colleague without access, assistant head"),
    (
        "Jowan",
        "Trelawney",
        &[("fernhollow", EndUser)],
        "School has no approver yet: make this person the first",
    ),
    ("Rebecca", "Lowenthal", &[("fernhollow", EndUser)], "Colleague at a school that has no approver yet"),
    ("Bernadette", "Kearney", &[("st-marys-leeds", Approver)], "Approver of one of two St Mary's"),
    ("Callum", "Fairweather", &[("st-marys-leeds", EndUser)], "Colleague without access"),
    ("Philippa", "Goodenough", &[("st-marys-dorset", Approver)], "Approver of the other St Mary's"),
    ("Dwayne", "Campbell", &[("st-marys-dorset", EndUser)], "Colleague without access"),
    (
        "Ngozi",
        "Eze",
        &[("alderbrook", EndUser), ("st-marys-leeds", EndUser)],
        "Belongs to two schools, without access at either",
    ),
    (
        "Alistair",
        "Drummond",
        &[("kingsmead", Approver), ("northgate-studio", Approver)],
        "Belongs to two schools, approver at both",
    ),
    ("Yasmin", "Begum", &[("willowbank", Approver)], "Approver at a special school"),
    ("Stephen", "Marlowe", &[("willowbank", EndUser)], "Colleague without access"),
    ("Leroy", "Bennett", &[("the-bridge", Approver)], "Approver at a pupil referral unit"),
    ("Chloe", "Sandiford", &[("the-bridge", EndUser)], "Colleague without access"),
    ("Ayesha", "Rahman", &[("little-acorns", Approver)], "Approver at a nursery school"),
    ("Mei", "Lin", &[("little-acorns", EndUser)], "Colleague without access"),
    ("Harpreet", "Gill", &[("kingsmead", EndUser)], "Colleague without access"),
    ("Oluwaseun", "Balogun", &[("kingsmead", EndUser)], "Colleague without access, induction tutor"),
    ("Geordie", "Robson", &[("tyne-utc", Approver)], "Approver at a university technical college"),
    ("Katarzyna", "Nowak", &[("tyne-utc", EndUser)], "Colleague without access"),
    ("Cordelia", "Fanshawe", &[("ashcombe", Approver)], "Approver at an independent school"),
    ("Rhys", "Llewellyn", &[("ashcombe", EndUser)], "Colleague without access"),
    ("Shazia", "Hussain", &[("moorside", Approver)], "Approver at a closed school"),
    ("Derek", "Ackroyd", &[("moorside", EndUser)], "Colleague at a closed school"),
    ("Nicola", "Hartnell", &[("eastcliff", Approver)], "Approver at a school that is to close"),
    ("Tariq", "Mahmood", &[("eastcliff", EndUser)], "Colleague without access"),
    ("Zainab", "Kamara", &[("northgate-studio", EndUser)], "Colleague without access"),
    ("Owen", "Featherstone", &[], "Belongs to no organisation"),
    ("Judith", "Abara", &[("department", EndUser)], "Auditor at the department"),
    ("Samuel", "Thistlewood", &[("department", EndUser)], "Support agent at the department"),
    ("Lucy", "Vandenberg", &[("department", EndUser)], "At the department, on no list: must be refused"),
    ("Beatrix", "Holloway", &[("beacon", EndUser)], "Works for a lead provider and has DfE Sign-in"),
    ("Kwame", "Mensah", &[("southmere", EndUser)], "Works for an appropriate body and has DfE Sign-in"),
];

const DEACTIVATED: &[Row] =
    &[("Clive", "Braithwaite", &[("alderbrook", Approver)], "Approver who left: account deactivated")];

const WITHOUT_ACCOUNT: &[Row] = &[
    ("Francesca", "Moretti", &[("beacon", EndUser)], "Works for a lead provider, by one-time password"),
    ("Desmond", "Okafor", &[("pennine", EndUser)], "Works for a delivery partner, by one-time password"),
    ("Ruth", "Ainsworth", &[("southmere", EndUser)], "Works for an appropriate body, by one-time password"),
];

/// Names of the crowd at the big school, paired in order.
const CROWD: [(&str, &str); 32] = [
    ("Aaliyah", "Thompson"),
    ("Benjamin", "Clarke"),
    ("Chidi", "Nwosu"),
    ("Daniela", "Ferreira"),
    ("Edward", "Langley"),
    ("Fatima", "Siddiqui"),
    ("George", "Papadakis"),
    ("Holly", "Winterbourne"),
    ("Ibrahim", "Yusuf"),
    ("Jasmine", "Patel"),
    ("Kieran", "Murphy"),
    ("Lakshmi", "Iyer"),
    ("Marcus", "Grant"),
    ("Nadia", "Petrova"),
    ("Oscar", "Lindqvist"),
    ("Poppy", "Hargreaves"),
    ("Qasim", "Javed"),
    ("Rosalind", "Baxter"),
    ("Sanjay", "Mistry"),
    ("Tanya", "Mbeki"),
    ("Umar", "Farooq"),
    ("Victoria", "Stanhope"),
    ("Wei", "Zhang"),
    ("Ximena", "Torres"),
    ("Yusuf", "Demir"),
    ("Zoe", "Cartwright"),
    ("Adebayo", "Ogunleye"),
    ("Bronwen", "Rees"),
    ("Connor", "Gallagher"),
    ("Deepika", "Nair"),
    ("Emmanuel", "Asante"),
    ("Fiona", "MacLeod"),
];

/// All people, the storied ones first.
pub(super) fn people() -> Vec<SamplePerson> {
    let storied = |rows: &'static [Row], account: Account| {
        rows.iter().map(move |(given, family, places, story)| {
            let places: Vec<_> = places.iter().filter_map(|(key, role)| place(key, *role)).collect();
            made(given, family, places, story, account, false)
        })
    };
    let crowd = CROWD.iter().map(|(given, family)| {
        let places = place("harrowgate", EndUser).into_iter().collect();
        made(given, family, places, "Colleague without access", Account::Active, true)
    });
    storied(ACTIVE, Account::Active)
        .chain(storied(DEACTIVATED, Account::Deactivated))
        .chain(storied(WITHOUT_ACCOUNT, Account::None))
        .chain(crowd)
        .collect()
}

fn place(key: &str, role: OrganisationRole) -> Option<SamplePlace> {
    let organisation = SampleOrganisation::find(key)?;
    let service_role = match (organisation, role) {
        (SampleOrganisation::School(_), Approver) => Some(SCHOOL_ROLE),
        (SampleOrganisation::Body(_), _) if key == "department" => Some(DFE_ROLE),
        _ => None,
    };
    Some(SamplePlace { organisation, role, service_role })
}

fn made(
    given: &str,
    family: &str,
    places: Vec<SamplePlace>,
    story: &'static str,
    account: Account,
    crowd: bool,
) -> SamplePerson {
    let (given_lower, family_lower) = (given.to_lowercase(), family.to_lowercase());
    let key = format!("{given_lower}-{family_lower}");
    let domain = places.first().map_or("post.example", |place| place.organisation.domain());
    SamplePerson {
        sub: id("person", &key),
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        email: format!("{given_lower}.{family_lower}@{domain}"),
        key,
        places,
        story,
        account,
        crowd,
    }
}
