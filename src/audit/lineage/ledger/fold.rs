//! How each event of an organisation changes its account. It must agree with the lists: a test compares them.

use vouchsafe_events::{
    Actor, ApproverBasis, Event, OrganisationId, PersonId, Recorded, Timestamp, UserAdded,
};

use super::{Decision, End, Gave, Grant, How, Ledger, Role, Source, Spell};

/// What is given by an event.
struct Given {
    person: PersonId,
    role: Role,
    source: Source,
    ends: Option<Timestamp>,
    rests_on: Option<usize>,
}

impl Ledger {
    /// Folds an organisation's events.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Self {
        let mut ledger = Self::default();
        for recorded in events {
            ledger.apply(recorded);
        }
        ledger
    }

    /// Takes in the organisation's next event.
    pub fn apply(&mut self, recorded: &Recorded) {
        if let Event::OrganisationRegistered(_) = &recorded.event {
            self.known = true;
        }
        if !self.known {
            return;
        }
        self.note(recorded);
        let at = recorded.envelope.at;
        match &recorded.event {
            Event::OrganisationClosed(_) if self.is_shut().is_none() => self.shut.push((at, None)),
            Event::OrganisationReopened(_) => {
                if let Some(to) = self.is_shut() {
                    *to = Some(at);
                }
            }
            Event::OrganisationSucceeded(data) => self.successors.extend(&data.successors),
            Event::ApproverEstablished(data) => self.establish(recorded, data.person, data.basis),
            Event::ApproverCarriedOver(data) => {
                self.carried(recorded, data.person, Role::Approver, data.from, None);
            }
            Event::ApproverStoodDown(data) => {
                self.end(recorded, data.person, Role::Approver, How::StoodDown(data.reason));
            }
            Event::AccessGranted(data) => {
                let (source, rests_on) = self.given_by(recorded.envelope.actor);
                let (person, ends) = (data.person, data.ends);
                self.give(recorded, &Given { person, role: Role::User, source, ends, rests_on });
            }
            Event::AccessCarriedOver(data) => {
                self.carried(recorded, data.person, Role::User, data.from, data.ends);
            }
            Event::AccessEndDateChanged(data) => {
                if let Some(spell) = self.open.get(&(data.person, Role::User)).copied() {
                    let (source, rests_on) = self.given_by(recorded.envelope.actor);
                    let (person, ends) = (data.person, data.ends);
                    let given = Given { person, role: Role::User, source, ends, rests_on };
                    self.enter(recorded, &given, Gave::EndDate, spell);
                }
            }
            Event::AccessEnded(data) => self.end(recorded, data.person, Role::User, How::EndDate),
            Event::AccessRevoked(data) => self.end(recorded, data.person, Role::User, How::Revoked),
            Event::UserAdded(data) => self.add(recorded, data),
            Event::UserRemoved(data) => self.end(recorded, data.person, Role::Listed, How::TakenOff),
            _ => {}
        }
    }

    /// The end of the time for which it is closed, if it is.
    fn is_shut(&mut self) -> Option<&mut Option<Timestamp>> {
        self.shut.last_mut().map(|(_, to)| to).filter(|to| to.is_none())
    }

    /// Keeps account of decisions that a person took about others.
    fn note(&mut self, recorded: &Recorded) {
        let Actor::Person(by) = recorded.envelope.actor else { return };
        let decided = matches!(
            &recorded.event,
            Event::AccessGranted(_)
                | Event::AccessDeclined(_)
                | Event::AccessRevoked(_)
                | Event::AccessEndDateChanged(_)
                | Event::AccessConfirmed(_)
                | Event::ApproverEstablished(_)
        );
        if decided && recorded.event.subject() != Some(by) {
            self.decisions.push(Decision { at: recorded.envelope.at, by, position: recorded.position });
        }
    }

    fn establish(&mut self, recorded: &Recorded, person: PersonId, basis: ApproverBasis) {
        let (source, rests_on) = match (basis, recorded.envelope.actor) {
            (ApproverBasis::DfeSignIn, _) => (Source::DfeSignIn, None),
            (ApproverBasis::Colleague, Actor::Person(colleague)) => {
                (Source::Colleague(colleague), self.authority_of(colleague))
            }
            // DfE Sign-in names them no more: they stay one on the word of the colleague who said so before.
            (ApproverBasis::Colleague, _) => self.colleague_of(person).unwrap_or((Source::Service, None)),
            (ApproverBasis::Predecessor, _) => (Source::Service, None),
        };
        self.give(recorded, &Given { person, role: Role::Approver, source, ends: None, rests_on });
    }

    /// The word of the colleague who made somebody an approver, in the spell that goes on.
    fn colleague_of(&self, person: PersonId) -> Option<(Source, Option<usize>)> {
        let spell = self.spells.get(*self.open.get(&(person, Role::Approver))?)?;
        let grants = spell.grants.iter().rev().filter_map(|grant| self.grants.get(*grant));
        grants
            .map(|grant| (grant.source, grant.rests_on))
            .find(|(source, _)| matches!(source, Source::Colleague(_)))
    }

    fn carried(
        &mut self,
        recorded: &Recorded,
        person: PersonId,
        role: Role,
        from: OrganisationId,
        ends: Option<Timestamp>,
    ) {
        self.predecessors.insert(from);
        let source = Source::CarriedOver(from);
        self.give(recorded, &Given { person, role, source, ends, rests_on: None });
    }

    fn add(&mut self, recorded: &Recorded, data: &UserAdded) {
        let (person, role) = (data.person, Role::Listed);
        let mut given = Given { person, role, source: Source::Service, ends: None, rests_on: None };
        if let Some(old) = data.instead_of.filter(|old| *old != person) {
            given.source = Source::InsteadOf(old);
            given.rests_on = self.last_grant(old, Role::Listed);
            self.end(recorded, old, Role::Listed, How::Replaced);
        } else if let Some(from) = data.from {
            return self.carried(recorded, person, role, from, None);
        } else {
            given.source = match recorded.envelope.actor {
                Actor::Person(agent) => Source::Support(agent),
                Actor::Operator => Source::Operator,
                Actor::Reactor(_) | Actor::System => Source::Service,
            };
        }
        self.give(recorded, &given);
    }

    /// On whose authority an actor gives access.
    fn given_by(&self, actor: Actor) -> (Source, Option<usize>) {
        match actor {
            Actor::Person(approver) => (Source::Colleague(approver), self.authority_of(approver)),
            Actor::Operator => (Source::Operator, None),
            Actor::Reactor(_) | Actor::System => (Source::Service, None),
        }
    }

    /// The grant by which a person is an approver now.
    fn authority_of(&self, approver: PersonId) -> Option<usize> {
        self.last_grant(approver, Role::Approver)
    }

    fn last_grant(&self, person: PersonId, role: Role) -> Option<usize> {
        self.spells.get(*self.open.get(&(person, role))?)?.grants.last().copied()
    }

    /// Gives a place, or says anew on what authority somebody has it.
    fn give(&mut self, recorded: &Recorded, given: &Given) {
        let key = (given.person, given.role);
        let spell = self.open.get(&key).copied().unwrap_or_else(|| {
            let (person, role) = key;
            let spell = Spell { person, role, from: recorded.envelope.at, grants: Vec::new(), end: None };
            self.spells.push(spell);
            let number = self.spells.len() - 1;
            self.by_person.entry(person).or_default().push(number);
            number
        });
        self.open.insert(key, spell);
        self.enter(recorded, given, Gave::Place, spell);
    }

    fn enter(&mut self, recorded: &Recorded, given: &Given, gave: Gave, spell: usize) {
        let &Given { person, role, source, ends, rests_on } = given;
        let (position, at) = (recorded.position, recorded.envelope.at);
        if let Some(found) = self.spells.get_mut(spell) {
            found.grants.push(self.grants.len());
        }
        self.grants.push(Grant { position, at, person, role, gave, source, ends, rests_on, spell });
    }

    fn end(&mut self, recorded: &Recorded, person: PersonId, role: Role, how: How) {
        let Some(open) = self.open.remove(&(person, role)) else { return };
        let envelope = &recorded.envelope;
        let Some(spell) = self.spells.get(open) else { return };
        // Of an end date the event is written some moments after it came, but never did it end before it was known
        // that it would.
        let last = spell.grants.last().and_then(|grant| self.grants.get(*grant));
        let known = last.map(|grant| (grant.ends, grant.at)).filter(|_| how == How::EndDate);
        let at = match known {
            Some((Some(date), said)) => date.min(envelope.at).max(said),
            Some((None, _)) | None => envelope.at,
        };
        if let Some(spell) = self.spells.get_mut(open) {
            spell.end = Some(End { position: recorded.position, at, by: envelope.actor, how });
        }
    }
}
