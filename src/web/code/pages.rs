//! The pages, and what they say of a code that was not taken.

use askama::Template;
use vouchsafe_events::CodeRefusal;

use super::held::{Asked, Held};
use crate::domain::person::{TryRefused, Verdict};
use crate::web::form::Faults;
use crate::web::reply::Notice;
use crate::web::{Frame, Problem, Reply, Site, links, when};

/// Asks for an address.
#[derive(Template)]
#[template(path = "web/code/ask.html")]
struct Ask {
    frame: Frame,
    email: String,
    faults: Faults,
    /// Whether mails are delayed.
    delayed: bool,
}

/// Asks for the code.
#[derive(Template)]
#[template(path = "web/code/check.html")]
struct Check {
    frame: Frame,
    email: String,
    faults: Faults,
    delayed: bool,
    /// From what time on another code can be asked for; none if it can be now.
    again_from: Option<String>,
}

/// A frame for pages before anybody has signed in.
fn frame(site: &Site, path: &str, held: &Held, notice: Option<Notice>) -> Frame {
    Frame { form_token: held.token(), notice, ..Frame::bare(site, path) }
}

pub(super) fn ask(site: &Site, held: &Held, email: String, faults: Faults) -> Result<Reply, Problem> {
    let (status, delayed) = (faults.status(), site.mail.is_away());
    let frame = frame(site, links::CODE, held, None);
    Reply::page_with(status, &Ask { frame, email, faults, delayed })
}

pub(super) fn check(
    site: &Site,
    held: &Held,
    asked: &Asked,
    notice: Option<Notice>,
    faults: Faults,
) -> Result<Reply, Problem> {
    let now = site.app.now();
    let again_from = (!asked.may_ask_again(now)).then(|| {
        // The minute after, so that it is not said too early.
        when::time(asked.again_from().plus_seconds(59))
    });
    let (status, delayed) = (faults.status(), site.mail.is_away());
    let frame = frame(site, links::CODE_CHECK, held, notice);
    let email = asked.email.as_str().to_owned();
    Reply::page_with(status, &Check { frame, email, faults, delayed, again_from })
}

/// Why a code was not even looked at.
pub(super) fn not_tried(refused: TryRefused) -> String {
    match refused {
        TryRefused::MustWait { until } => format!(
            "Too many incorrect codes were entered. Wait until {}, then ask for a new code. You can sign in with DfE Sign-in without waiting.",
            when::date_time(until.plus_seconds(59))
        ),
        TryRefused::TooManyTries => {
            "You have entered an incorrect code too many times. Ask for a new code.".to_owned()
        }
    }
}

/// Why a code was not taken.
pub(super) fn not_taken(verdict: Verdict) -> String {
    let Verdict::Refused { why, until, left } = verdict else { return String::new() };
    match why {
        CodeRefusal::Wrong => match (until, left) {
            (Some(until), _) => not_tried(TryRefused::MustWait { until }),
            (None, 0) => not_tried(TryRefused::TooManyTries),
            (None, _) => "The security code is incorrect. Check the newest email and try again".to_owned(),
        },
        CodeRefusal::Expired => "The security code has expired. Ask for a new one".to_owned(),
        CodeRefusal::Used => "The security code has already been used. Ask for a new one".to_owned(),
        CodeRefusal::Superseded => "This is an earlier code. Enter the code from the newest email".to_owned(),
        CodeRefusal::NotListed => {
            "This email address is no longer on a user list, so you cannot sign in with a code".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::samples::{HOSTILE, check, frame};

    #[test]
    fn the_pages_are_sound() {
        let nobody = || Frame { who: None, ..frame() };
        let faulty = |field: &'static str| {
            let mut faults = Faults::default();
            faults.add(field, "Enter something else");
            faults
        };
        for (faults, delayed) in [(Faults::default(), false), (faulty("email"), true)] {
            let page = Ask { frame: nobody(), email: HOSTILE.to_owned(), faults, delayed };
            check(&page.render().unwrap());
        }
        for (faults, delayed) in [(Faults::default(), false), (faulty("code"), true)] {
            let again_from = delayed.then(|| "9:02am".to_owned());
            let page = Check { frame: nobody(), email: HOSTILE.to_owned(), faults, delayed, again_from };
            check(&page.render().unwrap());
        }
    }

    #[test]
    fn what_is_wrong_with_a_code_is_said() {
        let refused = |why, left| not_taken(Verdict::Refused { why, until: None, left });
        assert!(refused(CodeRefusal::Wrong, 1).contains("incorrect"));
        assert!(refused(CodeRefusal::Wrong, 0).contains("too many times"));
        assert!(refused(CodeRefusal::Expired, 4).contains("expired"));
        let until = "2026-03-09T10:19:30.000000Z".parse().unwrap();
        let waits = not_taken(Verdict::Refused { why: CodeRefusal::Wrong, until: Some(until), left: 3 });
        assert!(waits.contains("until 9 March 2026 at 10:20am") && waits.contains("DfE Sign-in"), "{waits}");
    }
}
