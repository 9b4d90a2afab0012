//! Grants and ends in plain words.

use vouchsafe_events::{Actor, StandDownReason};

use super::{End, Gave, Grant, How, Role, Source};
use crate::app::App;

/// What somebody is at an organisation.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Approver => "approver",
        Role::User => "user",
        Role::Listed => "on the user list",
    }
}

/// How a place was given: by whom, and on what authority. People go by the names that they have today.
pub fn given(app: &App, grant: &Grant) -> String {
    let name = |person| app.name_of(person);
    match (grant.source, grant.role, grant.gave) {
        (Source::DfeSignIn, _, _) => "DfE Sign-in named them as an approver".to_owned(),
        (Source::Colleague(by), _, Gave::EndDate) => format!("{} changed when access ends", name(by)),
        (Source::Colleague(by), Role::Approver, _) => format!("{} made them an approver", name(by)),
        (Source::Colleague(by), Role::User | Role::Listed, _) => format!("{} granted access", name(by)),
        (Source::Support(by), _, _) => {
            format!("{}, a support agent, put them on the user list", name(by))
        }
        (Source::Operator, Role::Listed, _) => "An operator put them on the user list".to_owned(),
        (Source::Operator, _, _) => "An operator gave it by the command line".to_owned(),
        (Source::CarriedOver(from), _, _) => {
            format!("Carried over from {}, which closed", app.organisation_name(from))
        }
        (Source::InsteadOf(old), _, _) => format!("Took the place of {} on the user list", name(old)),
        (Source::Service, _, _) => "The service gave it of itself".to_owned(),
    }
}

/// How a place was lost, and by whom.
pub fn ended(app: &App, end: &End) -> String {
    let by = |actor: Actor| crate::audit::actor(app, actor);
    match end.how {
        How::EndDate => "The end date came".to_owned(),
        How::Revoked => format!("{} ended access", by(end.by)),
        How::StoodDown(StandDownReason::Own) => "Stood down by choice".to_owned(),
        How::StoodDown(StandDownReason::DfeSignIn) => {
            "DfE Sign-in no longer named them as an approver".to_owned()
        }
        How::StoodDown(StandDownReason::AccessRevoked) => {
            format!("{} ended access", by(end.by))
        }
        How::StoodDown(StandDownReason::AccessEnded) => "The end date of access came".to_owned(),
        How::TakenOff => format!("{} took them off the user list", by(end.by)),
        How::Replaced => "Another record took the place on the user list".to_owned(),
    }
}
