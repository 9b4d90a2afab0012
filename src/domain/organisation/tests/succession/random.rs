//! Whatever links a register has and whatever people had: following them ends, and nobody comes twice.

use proptest::prelude::*;

use super::*;

/// Links among twelve schools, each of which is open, closed or not registered.
fn register() -> impl Strategy<Value = (String, Vec<(u128, u128)>)> {
    let states = prop::collection::vec(prop_oneof![3 => Just('c'), 1 => Just('o')], 1..12);
    let links = prop::collection::vec((0_u128..12, 0_u128..12), 0..30);
    (states, links).prop_map(|(states, links)| (states.into_iter().collect(), links))
}

/// One person's part in a school, as what happened there.
fn part(person: PersonId) -> impl Strategy<Value = Vec<Happened>> {
    let ends = prop_oneof![Just(None), (1_i64..60).prop_map(|days| Some(day(days)))];
    (any::<[bool; 4]>(), ends).prop_map(move |([approves, user, on_list, out], ends)| {
        let happened = [
            user.then(|| added(person, ends)),
            approves.then(|| made_approver(person)),
            on_list.then(|| listed(person)),
            out.then(|| stood_down(person, StandDownReason::Own)).filter(|_| approves),
        ];
        happened.into_iter().flatten().collect()
    })
}

fn parts() -> impl Strategy<Value = Vec<Happened>> {
    (part(ANN), part(BEA), part(CAI)).prop_map(|(ann, bea, cai)| [ann, bea, cai].concat())
}

/// The person of each event that brings somebody.
fn brought(decided: &[Happened]) -> Vec<(PersonId, &'static str)> {
    decided.iter().filter_map(|event| Some((event.subject()?, event.kind()))).collect()
}

proptest! {
    #[test]
    fn links_never_loop_and_lead_to_open_schools_alone((states, links) in register()) {
        let open = |at: OrganisationId| states.chars().nth(at.uuid().as_u128().try_into().unwrap()) == Some('o');
        let ends = match becomes(&states, &links) {
            Outlook::One(end) => vec![end],
            Outlook::Several(ends) => ends,
            Outlook::Waits | Outlook::Nowhere | Outlook::Circle => Vec::new(),
        };
        for end in ends {
            prop_assert!(end.at != school(0) && open(end.at));
            prop_assert!(end.via.iter().all(|on_the_way| !open(*on_the_way)));
        }
    }

    #[test]
    fn nobody_is_carried_twice(had in parts(), here in parts(), lost in any::<[bool; 3]>(), several in any::<bool>()) {
        let mut old = given([registered("Old Greenhill")]);
        old.record(day(1), Actor::System, had);
        old.record(day(10), Actor::Operator, [closed()]);
        let leaving = old.state().leaving(OLD, day(11)).unwrap();
        let mut new = given([registered("Greenhill")]);
        new.record(day(1), Actor::System, here);
        let decide = |org: &Organisation, now| if several {
            org.ask_on_closure(&leaving, |person| Some(fresh(person)), now)
        } else {
            org.carry_over(&leaving, now)
        };
        let first = decide(new.state(), day(11));
        let mut people = brought(&first);
        people.dedup();
        prop_assert_eq!(people.len(), brought(&first).len());
        new.record(day(11), Actor::System, first.clone());
        for person in leaving.people() {
            let asks = new.state().open_request_of(person).is_some();
            prop_assert!(new.state().has_access(person, day(11)) || (several && asks), "left behind");
        }
        prop_assert_eq!(decide(new.state(), day(11)), vec![]);
        let out = [ANN, BEA, CAI].into_iter().zip(lost).filter(|(_, lost)| *lost);
        new.record(day(12), Actor::System, out.flat_map(|(person, _)| {
            [revoked(person, None), stood_down(person, StandDownReason::AccessRevoked)]
        }));
        prop_assert!(brought(&decide(new.state(), day(13))).iter().all(|(person, _)| {
            !brought(&first).iter().any(|(came, _)| came == person)
        }), "somebody came twice");
    }
}
