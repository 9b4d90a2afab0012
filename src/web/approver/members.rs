//! Who has access to a school, with what approvers are shown of them.

use vouchsafe_events::{Actor, ApproverBasis, PersonId, RequestId, Timestamp};
use vouchsafe_projections::{Access, Approver, Confirmation, Organisation};

use super::{Names, by_whom, came_from};
use crate::web::{Problem, when};

/// Somebody who has access.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Who.
    pub(super) person: PersonId,
    /// Their name.
    pub(super) name: String,
    /// Their email.
    pub(super) email: String,
    /// Since when they have access.
    pub(super) since: Timestamp,
    /// Who gave it.
    pub(super) by: String,
    /// When they last signed in for this school, if ever.
    pub(super) last: Option<Timestamp>,
    /// Whether access was granted to them; otherwise they have it as an approver alone.
    pub(super) granted: bool,
    /// The school that closed and that they had access to or approved at, if they came here from one.
    pub(super) from: Option<String>,
    /// The request that the grant answered.
    pub(super) request: Option<RequestId>,
    /// When the grant ends.
    pub(super) ends: Option<Timestamp>,
    /// When and by whom the grant was last confirmed in a review.
    pub(super) confirmed: Option<Confirmation>,
    /// How they are an approver, if they are one.
    pub(super) approver: Option<Approver>,
}

impl Member {
    fn of(
        organisation: &Organisation,
        person: PersonId,
        access: Option<&Access>,
        approver: Option<&Approver>,
        names: &dyn Names,
    ) -> Self {
        let (since, by) = match (access, approver) {
            (Some(access), _) => (access.since, by_whom(access.by, names)),
            (None, Some(approver)) => (approver.since, established_by(approver, names)),
            // Who is neither is on the list that support keeps.
            (None, None) => {
                let since = organisation.listed.get(&person).map(|listed| listed.since);
                (since.unwrap_or(organisation.registered), "support".to_owned())
            }
        };
        Self {
            person,
            name: names.name(person),
            email: names.email(person),
            since,
            by,
            last: organisation.last_signed_in.get(&person).copied(),
            granted: access.is_some(),
            from: match (access, approver, organisation.listed.get(&person)) {
                (Some(access), ..) => access.from.map(|from| names.organisation(from)),
                (None, Some(approver), _) if approver.basis == ApproverBasis::Predecessor => {
                    came_from(organisation, person, names)
                }
                (None, None, Some(listed)) => listed.from.map(|from| names.organisation(from)),
                (None, ..) => None,
            },
            request: access.and_then(|access| access.request),
            ends: access.and_then(|access| access.ends),
            confirmed: access.and_then(|access| access.confirmed),
            approver: approver.copied(),
        }
    }

    /// Whether DfE Sign-in says that they are an approver.
    pub(super) fn is_named(&self) -> bool {
        self.approver.is_some_and(|approver| approver.basis == ApproverBasis::DfeSignIn)
    }

    /// Whether they are here by the list that support keeps, and nothing else.
    pub(super) fn is_only_listed(&self) -> bool {
        !self.granted && self.approver.is_none()
    }

    /// Whether a review asks about them: their place rests on a colleague's word.
    pub(super) fn is_reviewed(&self) -> bool {
        self.granted || (self.approver.is_some() && !self.is_named())
    }

    /// When they last signed in, in words.
    pub(super) fn last_in_words(&self) -> String {
        self.last.map_or_else(|| "Never".to_owned(), when::date)
    }

    /// When their access ends, in words.
    pub(super) fn ends_in_words(&self) -> String {
        match self.ends {
            Some(ends) => when::date(ends),
            None if self.granted => "No end date".to_owned(),
            None if self.is_only_listed() => "While on support’s list".to_owned(),
            None => "While an approver".to_owned(),
        }
    }

    /// Whether their name or email contains what is looked for, in lower case.
    pub(super) fn matches(&self, wanted: &str) -> bool {
        self.name.to_lowercase().contains(wanted) || self.email.to_lowercase().contains(wanted)
    }
}

/// Who said that somebody is an approver.
pub(super) fn established_by(approver: &Approver, names: &dyn Names) -> String {
    match approver.basis {
        ApproverBasis::DfeSignIn => by_whom(Actor::System, names),
        ApproverBasis::Colleague | ApproverBasis::Predecessor => by_whom(approver.by, names),
    }
}

/// Everybody who has access at `now`, by name.
pub(super) fn all(organisation: &Organisation, names: &dyn Names, now: Timestamp) -> Vec<Member> {
    let of = |(person, access, approver)| Member::of(organisation, person, access, approver, names);
    let mut members: Vec<Member> = organisation.members(now).map(of).collect();
    members.sort_by_cached_key(|member| (member.name.to_lowercase(), member.email.clone(), member.person));
    members
}

/// One person who has access at `now`. Anybody else is not found: whether they are known elsewhere is not
/// for this school to know.
pub(super) fn one(
    organisation: &Organisation,
    person: PersonId,
    names: &dyn Names,
    now: Timestamp,
) -> Result<Member, Problem> {
    let found = organisation.members(now).find(|(id, _, _)| *id == person);
    let (_, access, approver) = found.ok_or(Problem::NotFound)?;
    Ok(Member::of(organisation, person, access, approver, names))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{ANN, BOB, CAI, DEE, Known, at, greenhill, now};
    use super::*;

    #[test]
    fn members_are_listed_by_name_with_who_gave_them_access() {
        let members = all(&greenhill(), &Known, now());
        let rows: Vec<_> = members
            .iter()
            .map(|member| (member.person, member.by.as_str(), member.ends_in_words(), member.last_in_words()))
            .collect();
        let expected = [
            (ANN, "DfE Sign-in", "While an approver".to_owned(), "Never".to_owned()),
            (BOB, "Ann Lee", "No end date".to_owned(), "Never".to_owned()),
            (CAI, "Ann Lee", "30 June 2027".to_owned(), "20 November 2026".to_owned()),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn whoever_has_no_access_is_not_found() {
        assert!(one(&greenhill(), DEE, &Known, now()).is_err());
        assert!(one(&greenhill(), CAI, &Known, at("2027-07-01T00:00:00Z")).is_err());
        assert!(one(&greenhill(), CAI, &Known, now()).is_ok());
    }

    #[test]
    fn a_review_asks_about_those_whose_place_rests_on_a_colleagues_word() {
        let mut school = greenhill();
        school.users.remove(&BOB);
        let asked: Vec<_> = all(&school, &Known, now())
            .iter()
            .filter(|member| member.is_reviewed())
            .map(|m| m.person)
            .collect();
        assert_eq!(asked, [BOB, CAI]);
    }
}
