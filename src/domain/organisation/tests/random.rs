//! Random commands from several people, while time moves on: whatever is decided, some things never happen.
//! The [`Ledger`] says which.

mod ledger;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestRunner};

use ledger::Ledger;

use super::*;
use crate::domain::organisation::Observed;
use crate::domain::{Decided, Terms};

/// What somebody tries. People and requests are numbers that are mapped to those there are.
#[derive(Clone, Debug)]
enum Command {
    Observe { open: bool, renamed: bool },
    Hear { person: PersonId, named: bool },
    Ask { person: PersonId },
    Withdraw { person: PersonId, request: usize },
    Grant { request: usize, by: PersonId, ends: Option<i64> },
    Decline { request: usize, by: PersonId },
    Add { person: PersonId, by: PersonId, ends: Option<i64> },
    ChangeEndDate { person: PersonId, by: PersonId, ends: Option<i64> },
    Revoke { person: PersonId, by: PersonId },
    MakeApprover { person: PersonId, by: PersonId },
    StandDown { person: PersonId, told: bool },
    Return { person: PersonId, named: bool },
    Confirm { person: PersonId, by: PersonId },
    KeepTime,
}

impl Command {
    /// Who gives the command, if it is a person.
    fn by(&self) -> Option<PersonId> {
        match self {
            Self::Observe { .. } | Self::Hear { .. } | Self::KeepTime => None,
            Self::Ask { person }
            | Self::Withdraw { person, .. }
            | Self::StandDown { person, .. }
            | Self::Return { person, .. } => Some(*person),
            Self::Grant { by, .. }
            | Self::Decline { by, .. }
            | Self::Add { by, .. }
            | Self::ChangeEndDate { by, .. }
            | Self::Revoke { by, .. }
            | Self::MakeApprover { by, .. }
            | Self::Confirm { by, .. } => Some(*by),
        }
    }

    /// What comes of it; nothing if it is refused. A request or review that begins has the id `fresh`, and
    /// `asked` are the requests that there are.
    fn decide(&self, org: &Organisation, asked: &[RequestId], fresh: u128, now: Timestamp) -> Decided {
        let known = |number: usize| match asked.len() {
            0 => request(u128::MAX),
            count => asked[number % count],
        };
        let date = |days: Option<i64>| days.map(|days| now.plus_days(days));
        match *self {
            Self::Observe { open, renamed } => org.observe(Observed {
                name: if renamed { "Greenhill Academy" } else { "Greenhill" }.into(),
                kinds: vec![OrganisationKind::School],
                urn: None,
                ukprn: None,
                dfe_sign_in: None,
                establishment_type: None,
                local_authority: None,
                open,
            }),
            Self::Hear { person, named } => org.heard_from_dfe_sign_in(person, named),
            Self::Ask { person } => {
                org.ask(person, request(fresh), Some(&message()), now).unwrap_or_default()
            }
            Self::Withdraw { person, request } => org.withdraw(person, known(request)).unwrap_or_default(),
            Self::Grant { request, by, ends } => {
                org.grant(known(request), by, date(ends), now).unwrap_or_default()
            }
            Self::Decline { request, by } => org.decline(known(request), by, &reason()).unwrap_or_default(),
            Self::Add { person, by, ends } => org.add(person, by, date(ends), now).unwrap_or_default(),
            Self::ChangeEndDate { person, by, ends } => {
                org.change_end_date(person, by, date(ends), now).unwrap_or_default()
            }
            Self::Revoke { person, by } => org.revoke(person, by, &reason(), now).unwrap_or_default(),
            Self::MakeApprover { person, by } => org.make_approver(person, by, now).unwrap_or_default(),
            Self::StandDown { person, told } => org.stand_down(person, told).unwrap_or_default(),
            Self::Return { person, named } => org.return_as_approver(person, named).unwrap_or_default(),
            Self::Confirm { person, by } => org.confirm(person, by, now).unwrap_or_default(),
            Self::KeepTime => org.keep_time(&Terms::default(), review(fresh), now),
        }
    }
}

/// Carries out the commands, each so many hours after the one before, and gives what happened.
fn carry_out(commands: &[(i64, Command)]) -> Result<Ledger, TestCaseError> {
    let mut history = given([]);
    let mut ledger = Ledger::default();
    let mut now = day(0);
    for (fresh, (hours, command)) in (1..).zip(commands) {
        now = now.plus_seconds(hours * 3600);
        let by = command.by();
        let decided = command.decide(history.state(), &ledger.asked, fresh, now);
        let revoked: Vec<PersonId> = decided
            .iter()
            .filter_map(|event| if let Event::AccessRevoked(data) = event { Some(data.person) } else { None })
            .collect();
        for event in &decided {
            ledger.read(event, by, now)?;
        }
        history.record(now, by.map_or(Actor::System, Actor::Person), decided);
        let org = history.state();
        for person in revoked {
            prop_assert!(!org.has_access(person, now), "has access right after it was revoked");
        }
        prop_assert_eq!(org.is_open(), ledger.open);
        for person in [ANN, BEA, CAI, DAN] {
            let approver = ledger.open && ledger.approvers.contains_key(&person);
            let access = approver || (ledger.open && ledger.granted(person, now));
            prop_assert_eq!(org.is_approver(person), approver);
            prop_assert_eq!(org.has_access(person, now), access);
        }
        if matches!(command, Command::KeepTime) {
            let again = org.keep_time(&Terms::default(), review(u128::MAX), now);
            prop_assert_eq!(again, Decided::new(), "what was due happened, and is due again");
        }
    }
    Ok(ledger)
}

fn someone() -> impl Strategy<Value = PersonId> {
    prop_oneof![3 => Just(ANN), 2 => Just(BEA), 1 => Just(CAI), 1 => Just(DAN)]
}

/// Days until an end date, which may be now or past.
fn ends() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![2 => Just(None), 3 => (-1_i64..40).prop_map(Some)]
}

fn command() -> impl Strategy<Value = Command> {
    let request = any::<usize>;
    prop_oneof![
        1 => (prop::bool::weighted(0.7), any::<bool>())
            .prop_map(|(open, renamed)| Command::Observe { open, renamed }),
        3 => (someone(), prop::bool::weighted(0.7)).prop_map(|(person, named)| Command::Hear { person, named }),
        4 => someone().prop_map(|person| Command::Ask { person }),
        1 => (someone(), request()).prop_map(|(person, request)| Command::Withdraw { person, request }),
        3 => (request(), someone(), ends())
            .prop_map(|(request, by, ends)| Command::Grant { request, by, ends }),
        1 => (request(), someone()).prop_map(|(request, by)| Command::Decline { request, by }),
        4 => (someone(), someone(), ends()).prop_map(|(person, by, ends)| Command::Add { person, by, ends }),
        2 => (someone(), someone(), ends())
            .prop_map(|(person, by, ends)| Command::ChangeEndDate { person, by, ends }),
        1 => (someone(), someone()).prop_map(|(person, by)| Command::Revoke { person, by }),
        2 => (someone(), someone()).prop_map(|(person, by)| Command::MakeApprover { person, by }),
        1 => (someone(), any::<bool>()).prop_map(|(person, told)| Command::StandDown { person, told }),
        1 => (someone(), any::<bool>()).prop_map(|(person, named)| Command::Return { person, named }),
        3 => (someone(), someone()).prop_map(|(person, by)| Command::Confirm { person, by }),
        6 => Just(Command::KeepTime),
    ]
}

/// Commands with the hours that pass before each: mostly a few, now and then months.
fn commands() -> impl Strategy<Value = Vec<(i64, Command)>> {
    let hours = prop_oneof![4 => Just(0), 4 => 0_i64..48, 4 => 48_i64..400, 1 => 400_i64..10_000];
    let start = Command::Observe { open: true, renamed: false };
    prop::collection::vec((hours, command()), 1..80).prop_map(move |mut commands| {
        commands.insert(0, (0, start.clone()));
        commands.insert(1, (0, Command::Hear { person: ANN, named: true }));
        commands
    })
}

proptest! {
    #[test]
    fn whatever_people_try_what_must_never_happen_does_not(commands in commands()) {
        carry_out(&commands)?;
    }
}

/// Guards the property above: it would hold for commands that are all refused, too.
/// What neither an approver nor time brings about: registers, successions and support's lists have tests of their
/// own.
const ELSEWHERE: &[&str] = &[
    "organisation-kinds-changed",
    "organisation-described",
    "organisation-succeeded",
    "approver-carried-over",
    "access-carried-over",
    "access-requested-on-closure",
    "user-added",
    "user-removed",
    "user-proposed",
    "user-proposal-dismissed",
];

#[test]
fn random_commands_bring_about_every_event_of_an_organisation() {
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    for _ in 0..100 {
        let commands = commands().new_tree(&mut runner).unwrap().current();
        kinds.extend(carry_out(&commands).unwrap().kinds);
    }
    let missing: Vec<_> = vouchsafe_events::KINDS
        .iter()
        .map(|(kind, _)| *kind)
        .take_while(|kind| *kind != "person-introduced")
        .filter(|kind| !kinds.contains(kind) && !ELSEWHERE.contains(kind))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
