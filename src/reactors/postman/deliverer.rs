//! Writes mails and takes them to the mail server.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use url::Url;
use vouchsafe_events::MailFailure;
use vouchsafe_projections::PendingMail;

use super::courier::{Courier, Outcome, Room};
use super::letters::{Missing, letter};
use crate::app::App;
use crate::errors::Chain;
use crate::reactors::Stop;
use crate::reactors::mail::{Mail, MailSettings, Mailer, SendError};

/// How many mails are under way at once, and beside them how many one-time passwords.
const ROOM: Room = Room { codes: 8, letters: 8 };

/// What mails need to know of the service.
#[derive(Clone, Debug)]
pub struct Wording {
    /// The service's name.
    pub service_name: String,
    /// The address that links in mails begin with.
    pub base_url: Url,
    /// The address of whoever helps, if it is known.
    pub contact_email: Option<String>,
}

/// Delivers one mail at a time, as often as it is asked to.
pub struct Deliverer {
    app: Arc<App>,
    mailer: Mailer,
    settings: MailSettings,
    wording: Wording,
}

impl Deliverer {
    /// One that has not sent anything yet.
    pub fn new(app: Arc<App>, mailer: Mailer, settings: MailSettings, wording: Wording) -> Self {
        Self { app, mailer, settings, wording }
    }

    /// Takes one mail to the server, once.
    pub(in crate::reactors) async fn deliver(&self, pending: &PendingMail) -> Outcome {
        let mail = match self.write(pending) {
            Ok(mail) => mail,
            Err(outcome) => return outcome,
        };
        match self.mailer.send(&mail).await {
            Ok(()) => {
                tracing::info!(event = %pending.event, to = %pending.to, kind = ?pending.mail, "mail sent");
                Outcome::Sent
            }
            Err(SendError::Away { reason }) => {
                tracing::warn!(event = %pending.event, to = %pending.to, kind = ?pending.mail, reason, "mail delayed");
                Outcome::Away
            }
            Err(SendError::Later { reason }) => {
                tracing::warn!(event = %pending.event, to = %pending.to, kind = ?pending.mail, reason, "mail delayed");
                Outcome::Later
            }
            Err(SendError::Never { reason }) => {
                tracing::error!(event = %pending.event, to = %pending.to, kind = ?pending.mail, reason, "mail refused for good");
                Outcome::GivenUp(MailFailure::Refused)
            }
        }
    }

    /// Writes the mail from how things stand now.
    fn write(&self, pending: &PendingMail) -> Result<Mail, Outcome> {
        let (to, letter) = letter(&self.app, &self.wording, pending).map_err(|missing| match missing {
            Missing::Erased => Outcome::GivenUp(MailFailure::Erased),
            Missing::Outdated => Outcome::GivenUp(MailFailure::Outdated),
            Missing::Unreadable => {
                tracing::error!(event = %pending.event, to = %pending.to, "a mail's names cannot be read");
                Outcome::Later
            }
        })?;
        let (event, at) = (pending.event, self.app.now());
        Mail::new(&self.settings, event, (pending.to, &to), at, &letter).map_err(|error| {
            tracing::error!(error = %Chain(&error), event = %event, "a mail could not be written");
            Outcome::Later
        })
    }
}

/// Has this process take mails to the server.
pub(super) struct Here(pub(super) Arc<Deliverer>);

impl Courier for Here {
    fn room(&self) -> Room {
        ROOM
    }

    fn carry(&self, mail: PendingMail) -> BoxFuture<'static, Outcome> {
        let deliverer = Arc::clone(&self.0);
        Box::pin(async move { deliverer.deliver(&mail).await })
    }

    fn run(&self, _: Stop) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
