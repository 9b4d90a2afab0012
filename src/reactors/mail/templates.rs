//! What mails say.
//!
//! The words of each letter stand in a file of its own under `templates/`, once: the plain text and the HTML
//! are both made from them, so they cannot differ. In these files an empty line parts paragraphs, `> ` begins
//! a line that somebody else wrote, and `[link]` begins the words of the letter's one link. What is filled in
//! has no line breaks ([`Line`]), so nothing that is filled in can begin any of these.

mod blocks;

use askama::Template;
use url::Url;
use vouchsafe_events::MailKind;

use self::blocks::Block;
use super::line::shortened;
use super::{Line, Paragraphs};

/// The longest subject, in characters: what RFC 5322 (2.1.1) recommends for a line.
const LONGEST_SUBJECT: usize = 78;

/// A mail's content. Names, dates and the like come as they are to be shown (a date as `3 March 2026`).
#[derive(Clone, Debug)]
pub struct Letter {
    /// The name of the service that access is to.
    pub service: Line,
    /// The organisation that it is about; empty if it is about none.
    pub organisation: Line,
    /// The name of the person it is to, if it is known.
    pub to: Option<Line>,
    /// Where the letter's one link goes.
    pub link: Url,
    /// What it is about.
    pub about: About,
}

/// What a letter is about, with what it needs to say.
#[derive(Clone, Debug)]
pub enum About {
    /// To an approver: a colleague asks for access.
    RequestToDecide {
        /// Who asks.
        person: Line,
        /// What they wrote, if they wrote something.
        message: Option<Paragraphs>,
        /// The day on which the request expires.
        closes: Line,
    },
    /// To an approver: a request still waits.
    RequestReminder {
        /// Who asks.
        person: Line,
        /// The day on which they asked.
        asked: Line,
        /// The day on which the request expires.
        closes: Line,
    },
    /// To the person who asked: access was granted.
    RequestGranted {
        /// By whom.
        by: Line,
        /// The last day of the access, if it has one.
        ends: Option<Line>,
    },
    /// To the person who asked: the request was declined.
    RequestDeclined {
        /// By whom.
        by: Line,
        /// Why.
        reason: Paragraphs,
    },
    /// To the person who asked: nobody decided in time.
    RequestExpired {
        /// The day on which they asked.
        asked: Line,
    },
    /// To a person whom an approver gave access without being asked.
    AddedByColleague {
        /// By whom.
        by: Line,
        /// The last day of the access, if it has one.
        ends: Option<Line>,
    },
    /// To a person whom an approver made an approver.
    MadeApprover {
        /// By whom.
        by: Line,
    },
    /// To a person whose access ends before long.
    AccessEndingSoon {
        /// Its last day.
        ends: Line,
    },
    /// To a person whose access ended on its end date.
    AccessEnded {
        /// Its last day.
        ended: Line,
    },
    /// To a person whose access an approver ended.
    AccessRevoked {
        /// By whom.
        by: Line,
        /// Why.
        reason: Paragraphs,
    },
    /// To an approver: the yearly review is open.
    ReviewOpened {
        /// The day by which it is to be done.
        due: Line,
        /// How many people have access.
        people: usize,
    },
    /// To an approver: the review is overdue.
    ReviewReminder {
        /// The day by which it was to be done.
        due: Line,
        /// How many people are still to be checked.
        people: usize,
    },
    /// To somebody who asked for a one-time password.
    OneTimePassword {
        /// The code.
        code: Line,
        /// Until what time it works.
        expires: Line,
        /// The service's host, for browsers that fill in codes.
        host: Line,
    },
    /// To somebody who asked for one and is on no list.
    HowToGetIn {
        /// Whom to ask.
        help: Line,
    },
    /// To a person whom support put on a user list.
    AddedToList {
        /// By whom.
        by: Line,
    },
    /// To a person whom support took off a user list.
    RemovedFromList {
        /// Whom to ask.
        help: Line,
    },
    /// To a person whose organisation closed.
    CarriedOver {
        /// The one that closed.
        closed: Line,
        /// Whether they are an approver.
        approver: bool,
        /// The last day of their access, if it has one.
        ends: Option<Line>,
    },
}

impl About {
    /// The kind of mail, as events record it.
    pub const fn kind(&self) -> MailKind {
        match self {
            Self::RequestToDecide { .. } => MailKind::RequestToDecide,
            Self::RequestReminder { .. } => MailKind::RequestReminder,
            Self::RequestGranted { .. } => MailKind::RequestGranted,
            Self::RequestDeclined { .. } => MailKind::RequestDeclined,
            Self::RequestExpired { .. } => MailKind::RequestExpired,
            Self::AddedByColleague { .. } => MailKind::AddedByColleague,
            Self::MadeApprover { .. } => MailKind::MadeApprover,
            Self::AccessEndingSoon { .. } => MailKind::AccessEndingSoon,
            Self::AccessEnded { .. } => MailKind::AccessEnded,
            Self::AccessRevoked { .. } => MailKind::AccessRevoked,
            Self::ReviewOpened { .. } => MailKind::ReviewOpened,
            Self::ReviewReminder { .. } => MailKind::ReviewReminder,
            Self::OneTimePassword { .. } => MailKind::OneTimePassword,
            Self::HowToGetIn { .. } => MailKind::HowToGetIn,
            Self::AddedToList { .. } => MailKind::AddedToList,
            Self::RemovedFromList { .. } => MailKind::RemovedFromList,
            Self::CarriedOver { .. } => MailKind::CarriedOver,
        }
    }
}

/// The words, from the letter's own file.
#[derive(Template)]
#[template(path = "reactors/mail/templates/letter.txt")]
struct Words<'a> {
    letter: &'a Letter,
}

/// The HTML around the words.
#[derive(Template)]
#[template(path = "reactors/mail/templates/letter.html")]
struct Html<'a> {
    subject: &'a str,
    service: &'a Line,
    link: &'a Url,
    blocks: &'a [Block],
}

impl Letter {
    /// The subject: one line of at most 78 characters.
    pub fn subject(&self) -> String {
        let (service, organisation) = (&self.service, &self.organisation);
        let name = |person: &Line| person.within(40);
        let whole = match &self.about {
            About::RequestToDecide { person, .. } => {
                format!("{} has asked for access to {service}", name(person))
            }
            About::RequestReminder { person, .. } => {
                format!("{} is still waiting for access to {service}", name(person))
            }
            About::RequestGranted { .. } => format!("You now have access to {service}"),
            About::RequestDeclined { .. } => format!("You have not been given access to {service}"),
            About::RequestExpired { .. } => format!("Your request for access to {service} has expired"),
            About::AddedByColleague { by, .. } => {
                format!("{} has given you access to {service}", name(by))
            }
            About::MadeApprover { .. } => format!("You can now approve access to {service}"),
            About::AccessEndingSoon { ends } => format!("Your access to {service} ends on {ends}"),
            About::AccessEnded { .. } | About::AccessRevoked { .. } => {
                format!("Your access to {service} has ended")
            }
            About::ReviewOpened { .. } => format!("Check who has access to {service}"),
            About::ReviewReminder { .. } => format!("Overdue: check who has access to {service}"),
            // The code stands first, where a list of mails shows it.
            About::OneTimePassword { code, .. } => format!("{code} is your security code for {service}"),
            About::HowToGetIn { .. } => format!("How to sign in to {service}"),
            About::AddedToList { .. } => format!("You can now use {service}"),
            About::RemovedFromList { .. } => format!("Your access to {service} has ended"),
            About::CarriedOver { .. } => format!("Your access to {service} continues"),
        };
        if organisation.as_str().is_empty() {
            return shortened(&whole, LONGEST_SUBJECT);
        }
        let with_organisation = format!("{whole} at {organisation}");
        if with_organisation.chars().count() <= LONGEST_SUBJECT {
            with_organisation
        } else {
            shortened(&whole, LONGEST_SUBJECT)
        }
    }

    /// The plain text, in lines of at most 72 characters where its words and links allow it.
    pub fn text(&self) -> Result<String, askama::Error> {
        Ok(blocks::to_text(&self.blocks()?, self.link.as_str()))
    }

    /// The same as HTML.
    pub fn html(&self) -> Result<String, askama::Error> {
        let (subject, blocks) = (self.subject(), self.blocks()?);
        Html { subject: &subject, service: &self.service, link: &self.link, blocks: &blocks }.render()
    }

    fn blocks(&self) -> Result<Vec<Block>, askama::Error> {
        Ok(blocks::parse(&Words { letter: self }.render()?))
    }
}

#[cfg(test)]
pub(super) mod tests;
