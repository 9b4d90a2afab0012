//! An event once stored can be read for ever: the stored bytes of one sample of every type and version are kept
//! in `golden/`, and what they decode to is written down in code.
//!
//! A new type or version gets its files with `BLESS=1 cargo test -p vouchsafe-events --test golden`. That never
//! changes a file that is there: a sample that no longer matches means that the log of every installation no
//! longer can be read.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "golden/samples.rs"]
mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Once;

use vouchsafe_events::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Writes what is missing, once and before any test looks, if that is asked for.
fn bless() {
    static BLESSED: Once = Once::new();
    BLESSED.call_once(|| {
        #[expect(clippy::disallowed_methods, reason = "an explicit wish of whoever runs the test")]
        if std::env::var("BLESS").is_ok_and(|value| value == "1") {
            for (name, envelope, event) in samples::all() {
                let path = folder().join(name);
                if !path.exists() {
                    fs::write(&path, encode(&envelope, &event).unwrap()).unwrap();
                }
            }
        }
    });
}

fn files() -> BTreeSet<String> {
    bless();
    let entries = fs::read_dir(folder()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_sample_decodes_to_what_it_was_and_encodes_to_the_same_bytes() {
    bless();
    for (name, envelope, event) in samples::all() {
        let path = folder().join(&name);
        let Ok(bytes) = fs::read(&path) else {
            panic!("golden/{name} is missing: make it with BLESS=1, look at it and keep it");
        };
        let position = Position::new(7);
        let recorded = decode(position, &bytes).unwrap_or_else(|error| panic!("golden/{name}: {error:?}"));
        assert_eq!(recorded, Recorded { position, envelope, event }, "golden/{name}");
        let again = encode(&recorded.envelope, &recorded.event).unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&again), text(&bytes), "the stored form of golden/{name} has changed");
    }
}

#[test]
fn every_type_and_version_has_a_sample_and_every_file_is_one() {
    let samples: BTreeSet<String> = samples::all().into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(files(), samples);
    for (kind, schema) in KINDS {
        for version in 1..=*schema {
            let name = format!("{kind}.v{version}.json");
            assert!(samples.contains(&name), "there is no sample {name}");
        }
    }
}

/// The keys of a sample's payload, those of objects in it included.
fn keys(name: &str) -> BTreeSet<String> {
    let bytes = fs::read(folder().join(name)).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    value.get("data").unwrap().as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_samples_have_every_optional_field_once_present_and_once_absent() {
    let without: Vec<String> = files().into_iter().filter(|name| name.ends_with(".min.json")).collect();
    let mut optional = 0;
    for name in without {
        let (with, without) = (keys(&name.replace(".min", "")), keys(&name));
        assert!(without.is_subset(&with), "{name}");
        optional += with.len() - without.len();
    }
    let declared: usize = ["access", "one_time_password", "organisation", "person", "users"]
        .map(|name| {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("src/event/{name}.rs"));
            fs::read_to_string(path).unwrap().matches("skip_serializing_if").count()
        })
        .iter()
        .sum();
    assert_eq!(optional, declared);
}

/// The words under which the values of an enum are stored.
fn words<T: serde::Serialize>(values: &[T]) -> Vec<String> {
    values.iter().map(|value| serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "every word once")]
fn the_words_of_the_stored_form_do_not_change() {
    let kinds = words(&[
        OrganisationKind::School,
        OrganisationKind::LeadProvider,
        OrganisationKind::DeliveryPartner,
        OrganisationKind::AppropriateBody,
    ]);
    assert_eq!(kinds, ["school", "lead-provider", "delivery-partner", "appropriate-body"]);
    let bases = words(&[ApproverBasis::DfeSignIn, ApproverBasis::Colleague, ApproverBasis::Predecessor]);
    assert_eq!(bases, ["dfe-sign-in", "colleague", "predecessor"]);
    let reasons = [
        StandDownReason::Own,
        StandDownReason::DfeSignIn,
        StandDownReason::AccessRevoked,
        StandDownReason::AccessEnded,
    ];
    assert_eq!(words(&reasons), ["own", "dfe-sign-in", "access-revoked", "access-ended"]);
    let how = words(&[
        Introduction::DfeSignIn,
        Introduction::DfeSignInApprovers,
        Introduction::Colleague,
        Introduction::Operator,
        Introduction::Support,
        Introduction::OneTimePassword,
    ]);
    let expected =
        ["dfe-sign-in", "dfe-sign-in-approvers", "colleague", "operator", "support", "one-time-password"];
    assert_eq!(how, expected);
    assert_eq!(words(&[StaffRole::Auditor, StaffRole::Support]), ["auditor", "support"]);
    assert_eq!(words(&[Method::DfeSignIn, Method::OneTimePassword]), ["dfe-sign-in", "one-time-password"]);
    let withheld = words(&[Withheld::NotListed, Withheld::TooSoon, Withheld::TooMany, Withheld::MustWait]);
    assert_eq!(withheld, ["not-listed", "too-soon", "too-many", "must-wait"]);
    let codes = words(&[
        CodeRefusal::Wrong,
        CodeRefusal::Expired,
        CodeRefusal::Used,
        CodeRefusal::Superseded,
        CodeRefusal::NotListed,
    ]);
    assert_eq!(codes, ["wrong", "expired", "used", "superseded", "not-listed"]);
    let refusals = words(&[
        Refusal::NoOrganisation,
        Refusal::OrganisationClosed,
        Refusal::OrganisationNotOpen,
        Refusal::OrganisationNotServed,
        Refusal::OrganisationNotIdentified,
        Refusal::CallbackReplayed,
        Refusal::TookTooLong,
        Refusal::NotTrusted,
        Refusal::NoEmail,
    ]);
    let expected = [
        "no-organisation",
        "organisation-closed",
        "organisation-not-open",
        "organisation-not-served",
        "organisation-not-identified",
        "callback-replayed",
        "took-too-long",
        "not-trusted",
        "no-email",
    ];
    assert_eq!(refusals, expected);
    assert_eq!(
        words(&[SignOut::Here, SignOut::Elsewhere, SignOut::Replaced]),
        ["here", "elsewhere", "replaced"]
    );
    let failures = [MailFailure::Refused, MailFailure::TimedOut, MailFailure::Erased, MailFailure::Outdated];
    assert_eq!(words(&failures), ["refused", "timed-out", "erased", "outdated"]);
    let mails = words(&[
        MailKind::RequestToDecide,
        MailKind::RequestReminder,
        MailKind::RequestGranted,
        MailKind::RequestDeclined,
        MailKind::RequestExpired,
        MailKind::AddedByColleague,
        MailKind::MadeApprover,
        MailKind::AccessEndingSoon,
        MailKind::AccessEnded,
        MailKind::AccessRevoked,
        MailKind::ReviewOpened,
        MailKind::ReviewReminder,
        MailKind::OneTimePassword,
        MailKind::HowToGetIn,
        MailKind::AddedToList,
        MailKind::RemovedFromList,
        MailKind::CarriedOver,
    ]);
    let expected = [
        "request-to-decide",
        "request-reminder",
        "request-granted",
        "request-declined",
        "request-expired",
        "added-by-colleague",
        "made-approver",
        "access-ending-soon",
        "access-ended",
        "access-revoked",
        "review-opened",
        "review-reminder",
        "one-time-password",
        "how-to-get-in",
        "added-to-list",
        "removed-from-list",
        "carried-over",
    ];
    assert_eq!(mails, expected);
    assert_eq!(Reactor::ALL.map(Reactor::name), ["mail", "timekeeper", "approvers", "successions"]);
    let slots: BTreeSet<&str> = Slot::ALL.iter().map(|slot| slot.as_str()).collect();
    let expected = [
        "access-declined/reason",
        "access-requested/message",
        "access-revoked/reason",
        "email-changed/email",
        "email-held-by-another/email",
        "name-changed/name",
        "one-time-password-issued/network",
        "one-time-password-refused/network",
        "one-time-password-withheld/network",
        "person-introduced/email",
        "person-introduced/name",
        "sign-in-refused/network",
        "signed-in/device",
        "signed-in/network",
        "subject-linked/subject",
        "user-removed/reason",
    ];
    assert_eq!(slots, expected.into_iter().collect());
}
