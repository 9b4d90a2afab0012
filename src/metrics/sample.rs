//! What is looked at when metrics are asked for, rather than noted as it happens: how far things are.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe_events::Position;
use vouchsafe_projections::PendingMail;

use super::catalogue as c;
use super::label::MailClass;
use super::recorder::gauge;
use super::{flag, number};
use crate::app::App;
use crate::audit::Timeline;
use crate::reactors::postman::MailHealth;
use crate::store::StoreError;

/// How long the log may take to say where it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is looked at.
#[derive(Clone)]
pub struct Sources {
    /// The use cases, with the lists.
    pub app: Arc<App>,
    /// The auditors' index.
    pub timeline: Arc<Timeline>,
    /// Whether mail goes out.
    pub mail: Arc<MailHealth>,
}

impl Sources {
    /// Looks, and sets the gauges. Takes no longer than a log that does not answer is given.
    pub(super) async fn look(&self) {
        self.lists();
        self.outbox();
        gauge(&c::MAIL_UP, &[], flag(!self.mail.is_away()));
        let looked = tokio::time::timeout(PATIENCE, self.log()).await;
        gauge(&c::LOG_UP, &[], flag(matches!(looked, Ok(Ok(())))));
    }

    fn lists(&self) {
        let following = self.app.following();
        gauge(&c::LISTS_POSITION, &[], number(following.position().number()));
        gauge(&c::LISTS_EVENTS, &[], number(self.app.lists(vouchsafe_projections::Lists::events)));
        gauge(&c::LISTS_IN_STEP, &[], flag(following.is_in_step()));
        gauge(&c::LISTS_STUCK, &[], flag(following.is_stuck()));
        gauge(&c::TIMELINE_POSITION, &[], number(self.timeline.position().number()));
    }

    /// Asks the log where it is, and how old what the lists and the index lack is.
    async fn log(&self) -> Result<(), StoreError> {
        let head = self.app.store().head().await?;
        gauge(&c::LOG_HEAD, &[], number(head.number()));
        for (lag, position) in
            [(&c::LISTS_LAG, self.app.following().position()), (&c::TIMELINE_LAG, self.timeline.position())]
        {
            gauge(lag, &[], self.behind(position, head).await?);
        }
        Ok(())
    }

    /// The age in seconds of the first event after a position; 0 if there is none.
    async fn behind(&self, position: Position, head: Position) -> Result<f64, StoreError> {
        if position >= head {
            return Ok(0.0);
        }
        Ok(self.app.behind(position).await?.map_or(0.0, |age| age.as_secs_f64()))
    }

    fn outbox(&self) {
        let age_of =
            |oldest: Option<&PendingMail>| oldest.map_or(0.0, |mail| self.app.age(mail.at).as_secs_f64());
        let (codes, oldest_code, all, oldest) = self.app.lists(|lists| {
            let outbox = lists.outbox();
            let other = |mail: &&PendingMail| MailClass::of(mail.mail) == MailClass::Other;
            (
                outbox.pending_codes().count(),
                age_of(outbox.pending_codes().next()),
                outbox.pending().count(),
                age_of(outbox.pending().find(other)),
            )
        });
        let length = |mails: usize| number(u64::try_from(mails).unwrap_or(u64::MAX));
        let rows = [
            (MailClass::OneTimePassword, codes, oldest_code),
            (MailClass::Other, all.saturating_sub(codes), oldest),
        ];
        for (class, mails, oldest) in rows {
            gauge(&c::MAIL_OUTBOX, &[class.as_str()], length(mails));
            gauge(&c::MAIL_OLDEST, &[class.as_str()], oldest);
        }
    }
}
