//! What stands around every page: who is signed in, what they may go to, what has just been done.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use vouchsafe_events::{Method, StaffRole};

use super::assets::{self, Look};
use super::reply::Notice;
use super::{Problem, SignedIn, Site, cookies, links};

/// What stands around a page. Every page's template has one as `frame`.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The service's name.
    pub service_name: String,
    /// How the page looks.
    pub look: Look,
    /// Who is signed in.
    pub who: Option<Who>,
    /// What has just been done.
    pub notice: Option<Notice>,
    /// The token for the page's forms; empty if nobody is signed in.
    pub form_token: String,
    /// The page's own path, to mark it in the navigation.
    pub path: String,
    /// After how many minutes without anything happening a session ends.
    pub idle_minutes: i64,
}

/// Who is signed in, as the page's head shows it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says what they may go to; none excludes another")]
pub struct Who {
    /// Their name.
    pub name: String,
    /// The organisation that they act for.
    pub organisation: Option<String>,
    /// Whether they may act for others too.
    pub may_switch: bool,
    /// Whether they are an approver there.
    pub is_approver: bool,
    /// How many requests wait for them.
    pub waiting: usize,
    /// Whether they are an auditor, and came with DfE Sign-in.
    pub is_auditor: bool,
    /// Whether they are a support agent, and came with DfE Sign-in.
    pub is_support: bool,
}

/// A link of the service navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where to.
    pub href: &'static str,
    /// Its words.
    pub text: String,
    /// Whether it leads to the part of the service that the page is in.
    pub current: bool,
}

impl Frame {
    /// A frame without anybody signed in.
    pub(super) fn bare(site: &Site, path: &str) -> Self {
        Self {
            service_name: site.settings.service_name.clone(),
            look: site.settings.look,
            who: None,
            notice: None,
            form_token: String::new(),
            path: path.to_owned(),
            idle_minutes: site.app.limits().idle_seconds / 60,
        }
    }

    /// The frame for somebody.
    pub(super) fn around(site: &Site, path: &str, signed_in: &SignedIn) -> Self {
        let form_token = signed_in.form_token();
        Self { who: Some(Who::of(site, signed_in)), form_token, ..Self::bare(site, path) }
    }

    /// The service navigation.
    pub fn navigation(&self) -> Vec<Link> {
        let Some(who) = &self.who else { return Vec::new() };
        let link = |href: &'static str, text: &str| Link {
            href,
            text: text.to_owned(),
            current: self.path == href || self.path.starts_with(&format!("{href}/")),
        };
        let mut found = Vec::new();
        if who.organisation.is_some() || !(who.is_auditor || who.is_support) {
            found.push(link(links::HOME, "Your access"));
        }
        if who.is_approver {
            let requests =
                if who.waiting == 0 { "Requests".to_owned() } else { format!("Requests ({})", who.waiting) };
            found.push(link(links::REQUESTS, &requests));
            found.push(link(links::USERS, "Users"));
        }
        if who.is_support {
            found.push(link(links::SUPPORT, "Support"));
        }
        if who.is_auditor {
            found.push(link(links::TIMELINE, "History"));
        }
        found.push(link(links::ACCOUNT, "Where you are signed in"));
        found
    }

    /// The script that marks the page as one with scripts.
    pub fn supported_js(&self) -> &'static str {
        assets::SUPPORTED_JS
    }

    /// The script that starts the Design System's components.
    pub fn init_js(&self) -> &'static str {
        assets::INIT_JS
    }

    /// Whether the page has the look of gov.uk.
    pub fn is_govuk(&self) -> bool {
        self.look == Look::Govuk
    }

    /// Where the name of the service leads.
    pub fn start(&self) -> &'static str {
        if self.who.is_some() { links::HOME } else { links::START }
    }
}

impl Who {
    fn of(site: &Site, signed_in: &SignedIn) -> Self {
        let person = signed_in.person;
        let with_dfe = signed_in.method == Method::DfeSignIn;
        let (organisation, is_approver, waiting, is_auditor, is_support) = site.app.lists(|lists| {
            let acting = signed_in.organisation.and_then(|id| lists.organisation(id));
            let is_approver = with_dfe && acting.is_some_and(|found| found.is_approver(person));
            let waiting = acting
                .filter(|_| is_approver)
                .map_or(0, |found| found.open_requests().filter(|request| request.person != person).count());
            let has = |role| with_dfe && lists.is_staff(person, role);
            let (is_auditor, is_support) = (has(StaffRole::Auditor), has(StaffRole::Support));
            (acting.map(|found| found.name.to_string()), is_approver, waiting, is_auditor, is_support)
        });
        let may_switch = signed_in.organisations.len() > 1;
        let name = site.app.name_of(person);
        Self { name, organisation, may_switch, is_approver, waiting, is_auditor, is_support }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Frame
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let site = Site::from_ref(state);
        let path = parts.uri.path().to_owned();
        let signed_in = <Option<SignedIn> as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let frame = match &signed_in {
            Some(signed_in) => Self::around(&site, &path, signed_in),
            None => Self::bare(&site, &path),
        };
        let notice = cookies::open(&site, &parts.headers, cookies::NOTICE);
        Ok(Self { notice, ..frame })
    }
}
