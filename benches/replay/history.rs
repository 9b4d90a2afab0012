//! An invented history of schools that use the service for some years: what happens, in what proportion, and in
//! the sizes that sealed values have.

use vouchsafe_events::{
    AccessConfirmed, AccessDeclined, AccessGranted, AccessRequested, AccessRevoked, Actor, ApproverBasis,
    ApproverEstablished, CorrelationId, EmailReserved, Envelope, Event, EventId, Introduction, KeyedHash,
    LocalAuthority, MailKind, MailSent, Method, OrganisationId, OrganisationKind, OrganisationRegistered,
    PersonId, PersonIntroduced, Reactor, RequestId, ReviewCompleted, ReviewId, ReviewOpened, Sealed,
    SessionHash, SignOut, SignedIn, SignedOut, Stream, SubjectLinked, SubjectReserved, Timestamp, Uuid,
    Version,
};

/// A generator of numbers that look random and are the same in each run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.roll() % limit.max(1) as u64).unwrap_or(0)
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.as_chunks_mut::<8>().0 {
            *part = self.roll().to_le_bytes();
        }
        bytes
    }

    /// What a text of `length` bytes is when it is sealed: a nonce and a tag more, in base64.
    fn sealed(&mut self, length: usize) -> Sealed {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digits = (length + 28).div_ceil(3) * 4;
        let digit = |_| char::from(*DIGITS.get(self.below(64)).unwrap_or(&b'A'));
        Sealed::from_base64((0..digits).map(digit).collect::<String>())
    }
}

/// A school of the history, as far as what happens next depends on it.
struct School {
    id: OrganisationId,
    approver: PersonId,
    users: Vec<PersonId>,
}

/// A request that waits.
struct Waiting {
    school: usize,
    person: PersonId,
    request: RequestId,
}

/// The history so far.
pub(crate) struct History {
    dice: Dice,
    now: Timestamp,
    schools: Vec<School>,
    waiting: Vec<Waiting>,
    sessions: Vec<(PersonId, SessionHash)>,
    written: u64,
}

type Written = Vec<(Envelope, Event<Sealed>)>;

impl History {
    pub(crate) fn new() -> Self {
        Self {
            dice: Dice(2026),
            now: Timestamp::from_micros(1_700_000_000_000_000),
            schools: Vec::new(),
            waiting: Vec::new(),
            sessions: Vec::new(),
            written: 0,
        }
    }

    /// At least `count` more events, in the order of the log.
    pub(crate) fn more(&mut self, count: usize) -> Written {
        let mut written = Vec::with_capacity(count + 8);
        while written.len() < count {
            self.now = self.now.plus_seconds(i64::try_from(self.dice.below(400)).unwrap_or(0));
            match self.dice.below(1000) {
                _ if self.schools.len() < 10 => self.school_comes(&mut written),
                0..25 => self.school_comes(&mut written),
                25..105 => self.asks(&mut written),
                105..185 => self.decides(&mut written),
                185..200 => self.revokes(&mut written),
                200..205 => self.reviews(&mut written),
                205..700 => self.signs_in(&mut written),
                _ => self.signs_out(&mut written),
            }
        }
        written
    }

    /// A UUID v7 of this instant.
    fn uuid(&mut self) -> Uuid {
        let millis = u64::try_from(self.now.micros() / 1000).unwrap_or(0);
        let (high, low) = (self.dice.roll(), self.dice.roll());
        let high = millis << 16 | 0x7000 | (high & 0x0fff);
        Uuid::from_u64_pair(high, low & (u64::MAX >> 2) | 1 << 63)
    }

    fn write(&mut self, log: &mut Written, stream: Stream, actor: Actor, event: Event<Sealed>) -> EventId {
        let id = EventId::from_uuid(self.uuid());
        self.written += 1;
        let version = Version::new(self.written % 40);
        let correlation = Some(CorrelationId::from_uuid(self.uuid()));
        let envelope = Envelope { id, stream, version, at: self.now, actor, causation: None, correlation };
        log.push((envelope, event));
        id
    }

    fn mailed(&mut self, log: &mut Written, event: EventId, to: PersonId, mail: MailKind) {
        let reactor = Reactor::Mail;
        let sent = Event::MailSent(MailSent { event, to, mail });
        self.write(log, Stream::Reactor(reactor), Actor::Reactor(reactor), sent);
    }

    fn person_comes(&mut self, log: &mut Written) -> PersonId {
        let person = PersonId::from_uuid(self.uuid());
        let hash = KeyedHash::from_bytes(self.dice.bytes());
        let account = KeyedHash::from_bytes(self.dice.bytes());
        let reserved = Event::EmailReserved(EmailReserved { person });
        self.write(log, Stream::Email(hash), Actor::System, reserved);
        let introduced = PersonIntroduced {
            email: self.dice.sealed(30),
            hash,
            name: Some(self.dice.sealed(15)),
            how: Introduction::DfeSignIn,
        };
        self.write(log, Stream::Person(person), Actor::System, Event::PersonIntroduced(introduced));
        let reserved = Event::SubjectReserved(SubjectReserved { person });
        self.write(log, Stream::Subject(account), Actor::System, reserved);
        let linked = SubjectLinked { subject: self.dice.sealed(80), hash: account };
        self.write(log, Stream::Person(person), Actor::System, Event::SubjectLinked(linked));
        person
    }

    fn school_comes(&mut self, log: &mut Written) {
        let id = OrganisationId::from_uuid(self.uuid());
        let urn = (100_000 + self.dice.below(50_000)).to_string();
        let registered = OrganisationRegistered {
            name: format!("St Mary's Church of England Primary School {urn}").into(),
            kinds: vec![OrganisationKind::School],
            urn: urn.parse().ok(),
            ukprn: format!("100{urn}").get(..8).and_then(|ukprn| ukprn.parse().ok()),
            dfe_sign_in: Some(self.uuid()),
            establishment_type: Some("02".into()),
            local_authority: Some(LocalAuthority { code: "330".into(), name: "Birmingham".into() }),
        };
        let stream = Stream::Organisation(id);
        self.write(log, stream, Actor::System, Event::OrganisationRegistered(registered));
        let person = self.person_comes(log);
        let established = ApproverEstablished { person, basis: ApproverBasis::DfeSignIn };
        self.write(log, stream, Actor::System, Event::ApproverEstablished(established));
        self.schools.push(School { id, approver: person, users: Vec::new() });
    }

    fn asks(&mut self, log: &mut Written) {
        let school = self.dice.below(self.schools.len());
        let person = self.person_comes(log);
        let Some(&School { id, approver, .. }) = self.schools.get(school) else { return };
        let request = RequestId::from_uuid(self.uuid());
        let message = (self.dice.below(3) == 0).then(|| self.dice.sealed(80));
        let asked = Event::AccessRequested(AccessRequested { request, person, message });
        let event = self.write(log, Stream::Organisation(id), Actor::Person(person), asked);
        self.mailed(log, event, approver, MailKind::RequestToDecide);
        self.waiting.push(Waiting { school, person, request });
    }

    fn decides(&mut self, log: &mut Written) {
        if self.waiting.is_empty() {
            return;
        }
        let at = self.dice.below(self.waiting.len());
        let Waiting { school, person, request } = self.waiting.swap_remove(at);
        let granted = self.dice.below(10) > 0;
        let reason = self.dice.sealed(60);
        let Some(found) = self.schools.get_mut(school) else { return };
        let (id, approver) = (found.id, found.approver);
        let (decided, mail) = if granted {
            found.users.push(person);
            let granted = AccessGranted { person, request: Some(request), ends: None };
            (Event::AccessGranted(granted), MailKind::RequestGranted)
        } else {
            let declined = AccessDeclined { request, person, reason };
            (Event::AccessDeclined(declined), MailKind::RequestDeclined)
        };
        let event = self.write(log, Stream::Organisation(id), Actor::Person(approver), decided);
        self.mailed(log, event, person, mail);
    }

    fn revokes(&mut self, log: &mut Written) {
        let (school, reason) = (self.dice.below(self.schools.len()), self.dice.sealed(40));
        let Some(found) = self.schools.get_mut(school) else { return };
        let (id, approver) = (found.id, found.approver);
        let Some(person) = found.users.pop() else { return };
        let revoked = Event::AccessRevoked(AccessRevoked { person, reason, review: None });
        let event = self.write(log, Stream::Organisation(id), Actor::Person(approver), revoked);
        self.mailed(log, event, person, MailKind::AccessRevoked);
    }

    /// A whole review, at once.
    fn reviews(&mut self, log: &mut Written) {
        let school = self.dice.below(self.schools.len());
        let Some(School { id, approver, users }) = self.schools.get(school) else { return };
        let (id, approver, users) = (*id, *approver, users.clone());
        let review = ReviewId::from_uuid(self.uuid());
        let opened = Event::ReviewOpened(ReviewOpened { review, due: self.now.plus_days(28) });
        let (stream, by) = (Stream::Organisation(id), Actor::Person(approver));
        let event = self.write(log, stream, Actor::Reactor(Reactor::Timekeeper), opened);
        self.mailed(log, event, approver, MailKind::ReviewOpened);
        for person in users {
            let confirmed = Event::AccessConfirmed(AccessConfirmed { review, person });
            self.write(log, stream, by, confirmed);
        }
        self.write(log, stream, by, Event::ReviewCompleted(ReviewCompleted { review }));
    }

    fn signs_in(&mut self, log: &mut Written) {
        let at = self.dice.below(self.schools.len());
        let who = self.dice.roll();
        let Some(school) = self.schools.get(at) else { return };
        let among = school.users.len() as u64 + 1;
        let user = usize::try_from(who % among).ok().and_then(|at| school.users.get(at)).copied();
        let (person, organisation) = (user.unwrap_or(school.approver), school.id);
        let session = SessionHash::from_bytes(self.dice.bytes());
        let signed_in = SignedIn {
            session,
            expires: self.now.plus_seconds(8 * 3600),
            method: Method::DfeSignIn,
            organisation: Some(organisation),
            organisations: vec![organisation],
            network: self.dice.sealed(14),
            device: self.dice.sealed(110),
        };
        self.write(log, Stream::Person(person), Actor::Person(person), Event::SignedIn(signed_in));
        self.sessions.push((person, session));
    }

    fn signs_out(&mut self, log: &mut Written) {
        let Some((person, session)) = self.sessions.pop() else { return };
        self.sessions.truncate(0);
        let out = Event::SignedOut(SignedOut { session, how: SignOut::Here });
        self.write(log, Stream::Person(person), Actor::Person(person), out);
    }
}
