//! A year and a month of believable history for the demonstration: the product's own use cases, carried out
//! in order by the invented people, on a clock that is set back.

mod plan;

use std::sync::Arc;

use vouchsafe_events::{
    Actor, Event, LocalAuthority, MailSent, OrganisationId, OrganisationKind, PersonId, Reactor, StaffRole,
    Timestamp,
};

use super::people::{
    BodyKind, SampleOrganisation, SamplePerson, SampleSchool, SchoolStatus, bodies, people, person, school,
};
use crate::app::{App, Arrival, CameFor, Colleague, Entry, Failure, Place};
use crate::clock::SetClock;
use crate::domain::organisation::Observed;
use crate::domain::organisation::users::Fresh;
use crate::domain::{Message, PersonName, Reason};
use crate::reactors::timekeeper;
use plan::{Act, DAYS, Step};

/// The history could not be written. That is a fault of the demonstration, or its folder is not usable.
#[derive(Debug, thiserror::Error)]
#[error("the demonstration's history could not be written: {0}")]
pub struct HistoryFailed(String);

/// Tells which step failed, and of what.
fn failed<R: std::fmt::Debug>(step: &Step, failure: &Failure<R>) -> HistoryFailed {
    HistoryFailed(format!("{step:?}: {failure:?}"))
}

/// Writes the history into an empty log: from a year and a month before `now` until `now`.
pub async fn write(app: &App, clock: &SetClock, issuer: &str, now: Timestamp) -> Result<(), HistoryFailed> {
    let history = History { app, issuer };
    let mut steps = plan::steps().into_iter().peekable();
    history.appoint(clock, now).await?;
    history.keep_lists(clock).await?;
    for day in 0..DAYS {
        let midnight = now.plus_days(day - DAYS);
        while let Some(step) = steps.next_if(|step| step.day <= day) {
            clock.set(midnight.plus_seconds(step.minute * 60).min(now));
            history.act(&step).await?;
            history.mails_go_out(clock).await?;
        }
        clock.set(midnight.plus_seconds(86_000).min(now));
        timekeeper::look(app).await;
        history.mails_go_out(clock).await?;
    }
    clock.set(now);
    history.make_a_hub().await?;
    history.mails_go_out(clock).await
}

struct History<'a> {
    app: &'a App,
    issuer: &'a str,
}

/// The browsers that people come with, in turn.
const DEVICES: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
];

/// A school as DfE Sign-in would describe it.
fn place(school: &SampleSchool, approver: bool) -> Option<Place> {
    let urn = school.urn.parse().ok()?;
    let local_authority = LocalAuthority { code: school.la_code.into(), name: school.la_name.into() };
    let seen = Observed {
        name: school.name.into(),
        kinds: vec![OrganisationKind::School],
        urn: Some(urn),
        ukprn: school.ukprn.parse().ok(),
        dfe_sign_in: Some(school.id),
        establishment_type: Some(school.type_code.into()),
        local_authority: Some(local_authority),
        open: school.status != SchoolStatus::Closed,
    };
    Some(Place { id: OrganisationId::of_school(urn), seen, approver: Some(approver) })
}

fn school_id(key: &str) -> Result<OrganisationId, HistoryFailed> {
    let found = school(key).and_then(|school| place(school, false));
    found.map(|place| place.id).ok_or_else(|| HistoryFailed(format!("there is no school {key}")))
}

fn sample(key: &str) -> Result<&'static SamplePerson, HistoryFailed> {
    person(key).ok_or_else(|| HistoryFailed(format!("there is nobody called {key}")))
}

impl History<'_> {
    /// The department's own people.
    async fn appoint(&self, clock: &SetClock, now: Timestamp) -> Result<(), HistoryFailed> {
        clock.set(now.plus_days(-DAYS - 1));
        for (key, role) in [("judith-abara", StaffRole::Auditor), ("samuel-thistlewood", StaffRole::Support)]
        {
            let person = sample(key)?;
            let email = person.email.parse().map_err(|error| HistoryFailed(format!("{key}: {error}")))?;
            let name = PersonName::parse(&person.name()).ok();
            let appointed = self.app.appoint(&email, name.as_ref(), role).await;
            appointed.map_err(|error| HistoryFailed(format!("{key}: {error:?}")))?;
        }
        Ok(())
    }

    /// Support registers the organisations that cannot look after themselves, and puts their people on their lists.
    async fn keep_lists(&self, clock: &SetClock) -> Result<(), HistoryFailed> {
        let agent = self.agent()?;
        for body in bodies() {
            let kind = match body.kind {
                BodyKind::Department => continue,
                BodyKind::LeadProvider => OrganisationKind::LeadProvider,
                BodyKind::DeliveryPartner => OrganisationKind::DeliveryPartner,
                BodyKind::AppropriateBody => OrganisationKind::AppropriateBody,
            };
            let fresh = Fresh {
                name: body.name.into(),
                kinds: vec![kind],
                ukprn: body.ukprn.and_then(|ukprn| ukprn.parse().ok()),
            };
            let registered = self.app.register_organisation(&fresh, agent).await;
            let organisation = registered.map_err(|why| HistoryFailed(format!("{}: {why:?}", body.key)))?;
            for person in people().iter().filter(|person| person.place_at(body.id).is_some()) {
                self.list(organisation, person, agent).await?;
            }
        }
        self.mails_go_out(clock).await
    }

    /// A school becomes an appropriate body too, as teaching school hubs are, with a list of its own.
    async fn make_a_hub(&self) -> Result<(), HistoryFailed> {
        let (agent, hub) = (self.agent()?, school_id("harrowgate")?);
        let kinds = [OrganisationKind::School, OrganisationKind::AppropriateBody];
        let changed = self.app.change_kinds(hub, &kinds, agent).await;
        changed.map_err(|why| HistoryFailed(format!("harrowgate: {why:?}")))?;
        self.list(hub, sample("ruth-ainsworth")?, agent).await
    }

    async fn list(
        &self,
        organisation: OrganisationId,
        person: &SamplePerson,
        agent: Actor,
    ) -> Result<(), HistoryFailed> {
        let email =
            person.email.parse().map_err(|error| HistoryFailed(format!("{}: {error}", person.key)))?;
        let entry = Entry { email, name: PersonName::parse(&person.name()).ok() };
        let listed = self.app.list_user(organisation, &entry, agent, true).await;
        listed.map(drop).map_err(|why| HistoryFailed(format!("{}: {why:?}", person.key)))
    }

    /// The support agent.
    fn agent(&self) -> Result<Actor, HistoryFailed> {
        let email = sample("samuel-thistlewood")?.email.parse();
        let email = email.map_err(|error| HistoryFailed(format!("samuel-thistlewood: {error}")))?;
        let person = self.app.person_of(&email);
        person.map(Actor::Person).ok_or_else(|| HistoryFailed("the support agent is not known".to_owned()))
    }

    /// Every mail that waits is taken by the mail server a few seconds later.
    async fn mails_go_out(&self, clock: &SetClock) -> Result<(), HistoryFailed> {
        let waiting: Vec<_> = self.app.lists(|lists| lists.outbox().pending().cloned().collect());
        if waiting.is_empty() {
            return Ok(());
        }
        clock.set(self.app.now().plus_seconds(2));
        let sent = |mail: vouchsafe_projections::PendingMail| {
            Event::MailSent(MailSent { event: mail.event, to: mail.to, mail: mail.mail })
        };
        let decided = waiting.into_iter().map(sent).collect();
        let recorded = self.app.record(Reactor::Mail, decided).await;
        recorded.map(drop).map_err(|failure| HistoryFailed(format!("{failure:?}")))
    }

    /// The person of a key, or of an email for those who are nobody's key.
    fn person(&self, who: &str) -> Result<PersonId, HistoryFailed> {
        let email = if who.contains('@') { who.to_owned() } else { sample(who)?.email.clone() };
        let hash = email.parse().map(|email| self.app.ring().hash_email(&email));
        let found = hash.ok().and_then(|hash| self.app.lists(|lists| lists.person_by_email(hash)));
        found.ok_or_else(|| HistoryFailed(format!("{who} is not known yet")))
    }

    fn request_of(&self, who: PersonId, at: OrganisationId) -> Option<vouchsafe_events::RequestId> {
        self.app.lists(|lists| lists.organisation(at)?.open_request_of(who).map(|request| request.id))
    }

    async fn act(&self, step: &Step) -> Result<(), HistoryFailed> {
        let at = school_id(step.school)?;
        match &step.act {
            Act::SignIn { who, device } => self.sign_in(step, who, *device).await,
            Act::Ask { who, message } => {
                let message = message.and_then(|text| Message::parse(text).ok());
                let asked = self.app.ask(at, self.person(who)?, message.as_ref()).await;
                asked.map(drop).map_err(|failure| failed(step, &failure))
            }
            Act::Withdraw { who } => {
                let who = self.person(who)?;
                let Some(request) = self.request_of(who, at) else { return Ok(()) };
                self.app.withdraw(at, who, request).await.map(drop).map_err(|failure| failed(step, &failure))
            }
            Act::Grant { who, by, days } => {
                let Some(request) = self.request_of(self.person(who)?, at) else { return Ok(()) };
                let ends = days.map(|days| self.app.now().plus_days(days));
                let granted = self.app.grant(at, request, self.person(by)?, ends).await;
                granted.map(drop).map_err(|failure| failed(step, &failure))
            }
            Act::Decline { who, by, reason } => {
                let Some(request) = self.request_of(self.person(who)?, at) else { return Ok(()) };
                let reason = Reason::parse(reason).map_err(|error| HistoryFailed(error.to_string()))?;
                let declined = self.app.decline(at, request, self.person(by)?, &reason).await;
                declined.map(drop).map_err(|failure| failed(step, &failure))
            }
            Act::Add { name, email, by, days } => self.add(step, at, name, email, by, *days).await,
            Act::Revoke { who, by, reason } => {
                let reason = Reason::parse(reason).map_err(|error| HistoryFailed(error.to_string()))?;
                let revoked = self.app.revoke(at, self.person(who)?, self.person(by)?, &reason).await;
                revoked.map(drop).map_err(|failure| failed(step, &failure))
            }
            Act::MakeApprover { who, by } => {
                let made = self.app.make_approver(at, self.person(who)?, self.person(by)?).await;
                made.map(drop).map_err(|failure| failed(step, &failure))
            }
            Act::ConfirmAll { by } => self.confirm_all(step, at, by).await,
        }
    }

    async fn add(
        &self,
        step: &Step,
        at: OrganisationId,
        name: &str,
        email: &str,
        by: &str,
        days: Option<i64>,
    ) -> Result<(), HistoryFailed> {
        let name = PersonName::parse(name).map_err(|error| HistoryFailed(error.to_string()))?;
        let email = email.parse().map_err(|error| HistoryFailed(format!("{email}: {error}")))?;
        let ends = days.map(|days| self.app.now().plus_days(days));
        for added in self.app.add(at, self.person(by)?, vec![Colleague { name, email }], ends).await {
            added.result.map_err(|failure| failed(step, &failure))?;
        }
        Ok(())
    }

    async fn confirm_all(&self, step: &Step, at: OrganisationId, by: &str) -> Result<(), HistoryFailed> {
        let by = self.person(by)?;
        let now = self.app.now();
        let waiting: Vec<PersonId> = self.app.lists(|lists| {
            lists.organisation(at).map(|found| found.waiting_for_review(now).collect()).unwrap_or_default()
        });
        for who in waiting {
            self.app.confirm(at, who, by).await.map_err(|failure| failed(step, &failure))?;
        }
        Ok(())
    }

    async fn sign_in(&self, step: &Step, who: &str, device: usize) -> Result<(), HistoryFailed> {
        let person = sample(who)?;
        let places: Vec<Place> = person
            .places
            .iter()
            .filter_map(|found| match found.organisation {
                SampleOrganisation::School(school) => {
                    place(school, found.role == super::people::OrganisationRole::Approver)
                }
                SampleOrganisation::Body(_) => None,
            })
            .collect();
        let came_for = school_id(step.school)?;
        let (first, others): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| place.id == came_for);
        let Some(first) = first.into_iter().next() else {
            return Err(HistoryFailed(format!("{who} is not at {}", step.school)));
        };
        let came_for = if first.seen.open {
            CameFor::School(first)
        } else {
            CameFor::Nowhere(vouchsafe_events::Refusal::OrganisationClosed, Some(first))
        };
        let arrival = Arrival {
            issuer: self.issuer.to_owned(),
            subject: person.sub.to_string(),
            email: person.email.parse().map_err(|error| HistoryFailed(format!("{who}: {error}")))?,
            name: PersonName::parse(&person.name()).ok(),
            came_for,
            others,
            network: format!("203.0.113.{}", 10 + device * 7),
            device: DEVICES.get(device % DEVICES.len()).copied().unwrap_or_default().to_owned(),
            replaces: None,
        };
        match self.app.sign_in(arrival).await {
            // A closed school's people are refused, which is part of the history.
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failed(step, &failure)),
        }
    }
}

/// The clock that history is written on, standing at its beginning.
pub fn clock(now: Timestamp) -> Arc<SetClock> {
    Arc::new(SetClock::at(now.plus_days(-DAYS - 1)))
}
