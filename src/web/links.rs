//! Where pages are. A path is written here and nowhere else.

use vouchsafe_events::{OrganisationId, PersonId, RequestId, SessionHash};

/// Declares paths that take nothing.
macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $path;)*
    };
}

fixed! {
    /// The start page.
    START = "/";
    /// Begins a sign-in. `?return_to=` names a page to go on to.
    SIGN_IN = "/sign-in";
    /// Asks for a one-time password. `?return_to=` names a page to go on to.
    CODE = "/sign-in/code";
    /// Takes the one-time password.
    CODE_CHECK = "/sign-in/code/check";
    /// Asks for another one.
    CODE_AGAIN = "/sign-in/code/again";
    /// Where DfE Sign-in sends people back to.
    CALLBACK = "/auth/callback";
    /// Ends the session here and at DfE Sign-in.
    SIGN_OUT = "/sign-out";
    /// Where DfE Sign-in sends people after signing out.
    SIGNED_OUT = "/signed-out";
    /// How it stands with one's own access.
    HOME = "/access";
    /// Asks for access.
    ASK = "/access/ask";
    /// Chooses which organisation to act for.
    CHOOSE = "/organisation";
    /// One's own sessions.
    ACCOUNT = "/account";
    /// The requests that wait for an approver.
    REQUESTS = "/school/requests";
    /// Who has access.
    USERS = "/school/users";
    /// The same, as CSV.
    USERS_CSV = "/school/users.csv";
    /// Gives colleagues access.
    ADD = "/school/users/add";
    /// Stands down as an approver.
    STAND_DOWN = "/school/approvers/stand-down";
    /// Becomes an approver again.
    RETURN = "/school/approvers/return";
    /// The yearly review.
    REVIEW = "/school/review";
    /// The history, for auditors.
    TIMELINE = "/audit";
    /// For support: finds organisations and people.
    SUPPORT = "/support";
    /// Registers an organisation that is no school.
    SUPPORT_REGISTER = "/support/organisations/new";
    /// What support's work is measured by.
    SUPPORT_MEASURES = "/support/measures";
    /// The same, as CSV.
    SUPPORT_MEASURES_CSV = "/support/measures.csv";
    /// About cookies.
    COOKIES = "/cookies";
    /// About accessibility.
    ACCESSIBILITY = "/accessibility";
    /// About personal data.
    PRIVACY = "/privacy";
    /// The last signed checkpoint of the history.
    CHECKPOINT = "/log/checkpoint";
    /// The events of a tile. Its number follows, as C2SP tlog-tiles writes it.
    ENTRIES = "/log/tile/entries/{*number}";
    /// A tile of hashes. Its number follows.
    TILE = "/log/tile/{level}/{*number}";
    /// Is the process alive?
    LIVE = "/health/live";
    /// Can it do its work?
    READY = "/health/ready";
}

/// Declares paths that take an id: the pattern for the router and the function for links.
macro_rules! with_id {
    ($($(#[$doc:meta])* $pattern:ident, $link:ident($id:ty) = $before:literal, $after:literal;)*) => {$(
        $(#[$doc])* pub(crate) const $pattern: &str = concat!($before, "{id}", $after);
        $(#[$doc])* pub(crate) fn $link(id: &$id) -> String { format!(concat!($before, "{}", $after), id) }
    )*};
}

with_id! {
    /// An organisation, for support: its user list.
    SUPPORT_ORGANISATION, support_organisation(OrganisationId) = "/support/organisations/", "";
    /// Puts somebody on its list.
    SUPPORT_ADD, support_add(OrganisationId) = "/support/organisations/", "/users";
    /// Its list as CSV.
    SUPPORT_CSV, support_csv(OrganisationId) = "/support/organisations/", "/users.csv";
    /// Says what it is and what it is called.
    SUPPORT_CHANGE, support_change(OrganisationId) = "/support/organisations/", "/change";
    /// Reads many users from CSV and shows what would become of them.
    SUPPORT_IMPORT, support_import(OrganisationId) = "/support/organisations/", "/import";
    /// Puts them on the list.
    SUPPORT_IMPORT_CONFIRM, support_import_confirm(OrganisationId) = "/support/organisations/", "/import/confirm";
    /// A person, for support: why they cannot get in.
    SUPPORT_PERSON, support_person(PersonId) = "/support/people/", "";
    /// Gives a person another email address.
    SUPPORT_EMAIL, support_email(PersonId) = "/support/people/", "/email";
    /// Ends a person's wait.
    SUPPORT_LIFT, support_lift(PersonId) = "/support/people/", "/lift";
    /// Takes one's own request back.
    WITHDRAW, withdraw(RequestId) = "/access/requests/", "/withdraw";
    /// Ends one of one's own sessions.
    END_SESSION, end_session(SessionHash) = "/account/sessions/", "/end";
    /// One request, to decide. Mail links here.
    REQUEST, request(RequestId) = "/school/requests/", "";
    /// Grants it.
    GRANT, grant(RequestId) = "/school/requests/", "/grant";
    /// Declines it.
    DECLINE, decline(RequestId) = "/school/requests/", "/decline";
    /// One user.
    USER, user(PersonId) = "/school/users/", "";
    /// Ends a user's access.
    END_ACCESS, end_access(PersonId) = "/school/users/", "/end";
    /// Changes when a user's access ends.
    END_DATE, end_date(PersonId) = "/school/users/", "/end-date";
    /// Makes a user an approver.
    MAKE_APPROVER, make_approver(PersonId) = "/school/users/", "/approver";
    /// Confirms a user in a review.
    CONFIRM, confirm(PersonId) = "/school/review/", "/confirm";
    /// An organisation as it stood at an instant, for auditors.
    AUDIT_ORGANISATION, audit_organisation(OrganisationId) = "/audit/organisations/", "";
    /// Two instants of it, compared.
    AUDIT_COMPARE, audit_compare(OrganisationId) = "/audit/organisations/", "/compare";
    /// A picture of everybody's access to it through time.
    AUDIT_PICTURE, audit_picture(OrganisationId) = "/audit/organisations/", "/picture";
    /// A person, for auditors: where they have access, and their sessions at an instant.
    AUDIT_PERSON, audit_person(PersonId) = "/audit/people/", "";
    /// One event of the history.
    EVENT, event(u64) = "/audit/events/", "";
}

/// The sign-in that goes on to `path` afterwards.
pub(crate) fn sign_in_for(path: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", path).finish();
    format!("{SIGN_IN}?{query}")
}

/// A page of ours to go on to: a path, never another site (no open redirect).
pub(crate) fn own_path(text: &str) -> Option<&str> {
    let safe = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 500
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (safe && !text.starts_with(SIGN_IN) && !text.starts_with(SIGN_OUT) && !text.starts_with("/auth/"))
        .then_some(text)
}

/// Takes a user off a list, or decides what an agent asked for themselves: the pattern and the link.
pub(crate) const SUPPORT_ENTRY: &str = "/support/organisations/{organisation}/users/{person}";

/// See [`SUPPORT_ENTRY`].
pub(crate) fn support_entry(organisation: &OrganisationId, person: &PersonId) -> String {
    format!("/support/organisations/{organisation}/users/{person}")
}

/// On whose authority a person has access to an organisation, and who has it on theirs: the pattern and the link.
pub(crate) const AUDIT_LINEAGE: &str = "/audit/organisations/{organisation}/people/{person}";

/// What rests on a person there, as CSV.
pub(crate) const AUDIT_LINEAGE_CSV: &str = "/audit/organisations/{organisation}/people/{person}/resting.csv";

/// See [`AUDIT_LINEAGE`].
pub(crate) fn audit_lineage(organisation: &OrganisationId, person: &PersonId) -> String {
    format!("/audit/organisations/{organisation}/people/{person}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_to_go_on_to_is_always_ours() {
        for path in ["/access", "/school/requests/1?x=y"] {
            assert_eq!(own_path(path), Some(path));
        }
        for path in [
            "",
            "access",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "/ü",
            "/sign-in",
            "/sign-out",
            "/auth/callback?code=x",
            "\\\\evil.example",
            "/\tevil",
        ] {
            assert_eq!(own_path(path), None, "{path}");
        }
    }
}
