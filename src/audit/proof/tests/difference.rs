use proptest::prelude::*;

use super::super::difference::{Lost, New, Unmatched, name};
use super::*;

/// The log as it was: numbers, at positions that count from 1.
fn compared(was: &[u64], now: &[u64]) -> Vec<String> {
    let mut unmatched = Unmatched::default();
    for at in 0..was.len().max(now.len()) {
        let (before, after) = (was.get(at), now.get(at));
        if before.is_some() && before == after {
            unmatched.matched += 1;
            unmatched.last_matched = Some(at as u64);
            continue;
        }
        let position = Position::new(at as u64 + 1);
        let hash = |number: &u64| leaf_hash(&number.to_be_bytes());
        if let Some(number) = before {
            let lost = Lost { leaf: at as u64, position, hash: hash(number), gap: unmatched.matched };
            unmatched.lost.push(lost);
        }
        if let Some(number) = after {
            let found = Found {
                position,
                id: EventId::from_uuid(Uuid::from_u128((*number).into())),
                stream: Stream::Reactor(Reactor::Mail),
                version: Version::new(*number),
            };
            unmatched.new.push(New { found, hash: hash(number), gap: unmatched.matched });
        }
    }
    name(&unmatched).iter().map(short).collect()
}

fn short(difference: &Difference) -> String {
    match difference {
        Difference::Altered { position, .. } => format!("altered {position}"),
        Difference::Removed { position, .. } => format!("removed {position}"),
        Difference::Inserted { found } => format!("inserted {}", found.position),
        Difference::Reordered { position, found, .. } => format!("{position} went to {}", found.position),
        Difference::Truncated { position, missing, instead, .. } => {
            format!("truncated {position}: {missing}, {instead}")
        }
    }
}

fn log() -> Vec<u64> {
    (100..120).collect()
}

#[test]
fn each_kind_is_named_by_its_position() {
    assert_eq!(compared(&log(), &log()), Vec::<String>::new());
    let mut now = log();
    now[4] = 7;
    assert_eq!(compared(&log(), &now), ["altered 5"]);
    now = log();
    now.remove(4);
    assert_eq!(compared(&log(), &now), ["removed 5"]);
    now = log();
    now.insert(4, 7);
    assert_eq!(compared(&log(), &now), ["inserted 5"]);
    now = log();
    now.swap(4, 9);
    assert_eq!(compared(&log(), &now), ["5 went to 10", "10 went to 5"]);
    now = log();
    let moved = now.remove(4);
    now.insert(9, moved);
    assert_eq!(compared(&log(), &now), ["5 went to 10"]);
    assert_eq!(compared(&log(), &log()[..15]), ["truncated 16: 5, 0"]);
    now = log()[..15].to_vec();
    now.extend([1, 2, 3]);
    assert_eq!(compared(&log(), &now), ["truncated 16: 5, 3"]);
    now = log();
    *now.last_mut().unwrap() = 7;
    assert_eq!(compared(&log(), &now), ["altered 20"]);
    assert_eq!(compared(&log(), &[]), ["truncated 1: 20, 0"]);
}

#[test]
fn what_is_new_is_no_difference() {
    let mut now = log();
    now.extend([1, 2, 3]);
    assert_eq!(compared(&log(), &now), Vec::<String>::new());
    now[4] = 7;
    assert_eq!(compared(&log(), &now), ["altered 5"]);
    now.remove(9);
    assert_eq!(compared(&log(), &now), ["altered 5", "removed 10"]);
}

proptest! {
    /// Whatever is done, something is named; and each thing that was done alone is named as what it is.
    #[test]
    fn one_change_among_many_events_is_found(
        size in 2_usize..60, at in 0_usize..60, other in 0_usize..60, kind in 0_u8..5, news in 0_u64..5,
    ) {
        let was: Vec<u64> = (100..100 + size as u64).collect();
        let (at, other) = (at % size, other % size);
        let mut now = was.clone();
        let wanted = match kind {
            0 => { now[at] = 7; format!("altered {}", at + 1) }
            1 if at + 1 < size => { now.remove(at); format!("removed {}", at + 1) }
            2 => { now.insert(at, 7); format!("inserted {}", at + 1) }
            3 if at != other => {
                let moved = now.remove(at);
                now.insert(other, moved);
                // Between two neighbours either one may be said to have moved.
                if at.abs_diff(other) == 1 { " went to ".to_owned() } else { format!("{} went to {}", at + 1, other + 1) }
            }
            4 => {
                now.truncate(at);
                prop_assume!(news == 0);
                format!("truncated {}: {}, 0", at + 1, size - at)
            }
            _ => return Ok(()),
        };
        now.extend(1..=news);
        let named = compared(&was, &now);
        prop_assert_eq!(named.len(), 1, "{:?}", named);
        prop_assert!(named[0].contains(&wanted), "{:?} for {}", named, wanted);
    }
}
