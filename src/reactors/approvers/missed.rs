//! Whom DfE Sign-in's list no longer names, told from what a walk along it missed.

use std::collections::BTreeSet;

use vouchsafe_events::{OrganisationId, PersonId};

/// Whom walks did not name, so far as they say anything of that.
#[derive(Debug, Default)]
pub(super) struct Missed(BTreeSet<(OrganisationId, PersonId)>);

/// What a walk says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Whether it speaks of all approvers.
    pub(super) whole: bool,
    /// Who is an approver where.
    pub(super) named: BTreeSet<(OrganisationId, PersonId)>,
    /// Who is an approver at a school that cannot be told: it may be any.
    pub(super) somewhere: BTreeSet<PersonId>,
}

impl Missed {
    /// Takes note of a walk. Answers with those, of the approvers that were `established` before it, who are to be
    /// stood down: two walks that say so in a row did not name them.
    pub(super) fn walk(
        &mut self,
        established: BTreeSet<(OrganisationId, PersonId)>,
        said: &Said,
    ) -> Vec<(OrganisationId, PersonId)> {
        if !said.whole {
            self.0.retain(|found| !said.named.contains(found) && !said.somewhere.contains(&found.1));
            return Vec::new();
        }
        let missed: BTreeSet<_> = established
            .into_iter()
            .filter(|found| !said.named.contains(found) && !said.somewhere.contains(&found.1))
            .collect();
        let twice = missed.intersection(&self.0).copied().collect();
        self.0 = missed;
        twice
    }
}

#[cfg(test)]
mod tests {
    use vouchsafe_events::Uuid;

    use super::*;

    const ANN: PersonId = PersonId::from_uuid(Uuid::from_u128(1));
    const BEA: PersonId = PersonId::from_uuid(Uuid::from_u128(2));

    fn at(number: u128, person: PersonId) -> (OrganisationId, PersonId) {
        (OrganisationId::from_uuid(Uuid::from_u128(number)), person)
    }

    fn established() -> BTreeSet<(OrganisationId, PersonId)> {
        BTreeSet::from([at(1, ANN), at(1, BEA)])
    }

    /// A walk that names Bea alone.
    fn without_ann() -> Said {
        Said { whole: true, named: BTreeSet::from([at(1, BEA)]), somewhere: BTreeSet::new() }
    }

    #[test]
    fn whom_two_whole_walks_in_a_row_do_not_name_is_stood_down() {
        let mut missed = Missed::default();
        assert_eq!(missed.walk(established(), &without_ann()), []);
        assert_eq!(missed.walk(established(), &without_ann()), [at(1, ANN)]);
    }

    #[test]
    fn a_walk_that_is_not_whole_stands_nobody_down() {
        let mut missed = Missed::default();
        let part = Said { whole: false, ..without_ann() };
        assert_eq!(missed.walk(established(), &without_ann()), []);
        assert_eq!(missed.walk(established(), &part), []);
        assert_eq!(missed.walk(established(), &part), []);
        assert_eq!(missed.walk(established(), &without_ann()), [at(1, ANN)]);
    }

    #[test]
    fn a_walk_that_is_not_whole_still_names() {
        let mut missed = Missed::default();
        let part = Said { whole: false, named: established(), somewhere: BTreeSet::new() };
        assert_eq!(missed.walk(established(), &without_ann()), []);
        assert_eq!(missed.walk(established(), &part), []);
        assert_eq!(missed.walk(established(), &without_ann()), []);
    }

    #[test]
    fn who_approves_at_a_school_that_cannot_be_told_is_stood_down_nowhere() {
        let mut missed = Missed::default();
        let unknown = Said { somewhere: BTreeSet::from([ANN]), ..without_ann() };
        for _ in 0..3 {
            assert_eq!(missed.walk(established(), &unknown), []);
        }
    }
}
