//! One event of each type with every optional field, and one without any where the type has some.

use vouchsafe_events::*;

const ANN: u128 = 0x0192_f5a4_7c1e_7000_8000_0000_0000_0001;
const BOB: u128 = 0x0192_f5a4_7c1e_7000_8000_0000_0000_0002;

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x0192_f5a4_7c1e_7000_8000_0000_0000_0000 + number)
}

fn ann() -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(ANN))
}

fn bob() -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(BOB))
}

fn school() -> OrganisationId {
    OrganisationId::of_school("123456".parse().unwrap())
}

fn closed_school() -> OrganisationId {
    OrganisationId::of_school("123457".parse().unwrap())
}

fn challenge() -> ChallengeId {
    ChallengeId::from_uuid(uuid(0x80))
}

fn request() -> RequestId {
    RequestId::from_uuid(uuid(0x30))
}

fn review() -> ReviewId {
    ReviewId::from_uuid(uuid(0x40))
}

fn hash() -> KeyedHash {
    KeyedHash::from_bytes(std::array::from_fn(|at| u8::try_from(at * 7).unwrap_or_default()))
}

fn session() -> SessionHash {
    SessionHash::from_bytes(std::array::from_fn(|at| u8::try_from(255 - at).unwrap_or_default()))
}

fn sealed() -> Sealed {
    Sealed::from_base64("AbCd+/0123456789==")
}

fn at(days: i64) -> Timestamp {
    Timestamp::from_micros(1_773_480_413_589_793).plus_days(days)
}

fn organisation(optional: bool) -> Event<Sealed> {
    Event::OrganisationRegistered(OrganisationRegistered {
        name: "St Thomas à Becket \"Primary\" \\ Nursery\n".into(),
        kinds: vec![OrganisationKind::School, OrganisationKind::AppropriateBody],
        urn: optional.then(|| "123456".parse().unwrap()),
        ukprn: optional.then(|| "00000002".parse().unwrap()),
        dfe_sign_in: optional.then(|| uuid(0x50)),
        establishment_type: optional.then(|| "01".into()),
        local_authority: optional.then(|| LocalAuthority { code: "330".into(), name: "Birmingham".into() }),
    })
}

fn at_organisation(optional: bool) -> Vec<Event<Sealed>> {
    let (request, review, person) = (request(), review(), bob());
    let ends = optional.then(|| at(90));
    vec![
        organisation(optional),
        Event::AccessRequested(AccessRequested { request, person, message: optional.then(sealed) }),
        Event::AccessGranted(AccessGranted { person, request: optional.then_some(request), ends }),
        Event::AccessEndDateChanged(AccessEndDateChanged { person, ends }),
        Event::AccessRevoked(AccessRevoked { person, reason: sealed(), review: optional.then_some(review) }),
        Event::AccessCarriedOver(AccessCarriedOver { person, from: closed_school(), ends }),
        Event::UserAdded(UserAdded {
            person,
            from: optional.then(closed_school),
            instead_of: optional.then(ann),
        }),
        Event::OrganisationDescribed(OrganisationDescribed {
            ukprn: optional.then(|| "00000002".parse().unwrap()),
            dfe_sign_in: optional.then(|| uuid(0x50)),
            establishment_type: optional.then(|| "01".into()),
            local_authority: optional
                .then(|| LocalAuthority { code: "330".into(), name: "Birmingham".into() }),
        }),
    ]
}

fn at_organisation_without_options() -> Vec<Event<Sealed>> {
    let (request, review, person) = (request(), review(), bob());
    vec![
        Event::OrganisationRenamed(OrganisationRenamed { name: "Greenhill Academy".into() }),
        Event::OrganisationClosed(OrganisationClosed {}),
        Event::OrganisationReopened(OrganisationReopened {}),
        Event::OrganisationKindsChanged(OrganisationKindsChanged {
            kinds: vec![OrganisationKind::LeadProvider, OrganisationKind::DeliveryPartner],
        }),
        Event::OrganisationSucceeded(OrganisationSucceeded { successors: vec![closed_school()] }),
        Event::ApproverCarriedOver(ApproverCarriedOver { person, from: closed_school() }),
        Event::AccessRequestedOnClosure(AccessRequestedOnClosure { request, person, from: closed_school() }),
        Event::UserRemoved(UserRemoved { person, reason: sealed() }),
        Event::UserProposed(UserProposed { person }),
        Event::UserProposalDismissed(UserProposalDismissed { person }),
        Event::ApproverEstablished(ApproverEstablished { person, basis: ApproverBasis::DfeSignIn }),
        Event::ApproverStoodDown(ApproverStoodDown { person, reason: StandDownReason::AccessRevoked }),
        Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person }),
        Event::AccessRequestExpired(AccessRequestExpired { request, person }),
        Event::ApproversReminded(ApproversReminded { request, reminder: 2 }),
        Event::AccessDeclined(AccessDeclined { request, person, reason: sealed() }),
        Event::AccessEndingSoon(AccessEndingSoon { person, ends: at(14) }),
        Event::AccessEnded(AccessEnded { person }),
        Event::ReviewOpened(ReviewOpened { review, due: at(28) }),
        Event::AccessConfirmed(AccessConfirmed { review, person }),
        Event::ReviewReminded(ReviewReminded { review, reminder: 1 }),
        Event::ReviewCompleted(ReviewCompleted { review }),
    ]
}

fn of_person(optional: bool) -> Vec<Event<Sealed>> {
    let organisation = optional.then(school);
    vec![
        Event::PersonIntroduced(PersonIntroduced {
            email: sealed(),
            hash: hash(),
            name: optional.then(sealed),
            how: Introduction::Colleague,
        }),
        Event::SignedIn(SignedIn {
            session: session(),
            expires: at(1),
            method: Method::DfeSignIn,
            organisation,
            organisations: organisation.into_iter().collect(),
            network: sealed(),
            device: sealed(),
        }),
        Event::SignInRefused(SignInRefused {
            reason: Refusal::OrganisationClosed,
            organisation,
            network: sealed(),
        }),
    ]
}

fn of_person_without_options() -> Vec<Event<Sealed>> {
    let role = StaffRole::Auditor;
    vec![
        Event::SubjectLinked(SubjectLinked { subject: sealed(), hash: hash() }),
        Event::EmailChanged(EmailChanged { email: sealed(), hash: hash() }),
        Event::EmailHeldByAnother(EmailHeldByAnother { email: sealed(), other: ann() }),
        Event::NameChanged(NameChanged { name: sealed() }),
        Event::StaffAppointed(StaffAppointed { role }),
        Event::StaffStoodDown(StaffStoodDown { role }),
        Event::OrganisationChosen(OrganisationChosen { session: session(), organisation: school() }),
        Event::SignedOut(SignedOut { session: session(), how: SignOut::Elsewhere }),
        Event::OneTimePasswordIssued(OneTimePasswordIssued {
            challenge: challenge(),
            nonce: Nonce::new(0x00ff_8000_0000_0001),
            expires: at(1),
            network: sealed(),
        }),
        Event::OneTimePasswordWithheld(OneTimePasswordWithheld {
            challenge: challenge(),
            reason: Withheld::NotListed,
            network: sealed(),
        }),
        Event::OneTimePasswordUsed(OneTimePasswordUsed { challenge: challenge(), session: session() }),
        Event::OneTimePasswordRefused(OneTimePasswordRefused {
            challenge: challenge(),
            reason: CodeRefusal::Wrong,
            network: sealed(),
        }),
        Event::OneTimePasswordDelayed(OneTimePasswordDelayed { until: at(1), failures: 6 }),
        Event::OneTimePasswordDelayLifted(OneTimePasswordDelayLifted {}),
    ]
}

fn elsewhere() -> Vec<(Stream, Event<Sealed>)> {
    let (event, to) = (EventId::from_uuid(uuid(0x60)), bob());
    let mail = MailKind::RequestGranted;
    let given_up = MailGivenUp { event, to, mail, reason: MailFailure::TimedOut };
    vec![
        (Stream::Email(hash()), Event::EmailReserved(EmailReserved { person: bob() })),
        (Stream::Email(hash()), Event::EmailReleased(EmailReleased { person: bob() })),
        (Stream::Subject(hash()), Event::SubjectReserved(SubjectReserved { person: bob() })),
        (Stream::Reactor(Reactor::Mail), Event::MailSent(MailSent { event, to, mail })),
        (Stream::Reactor(Reactor::Mail), Event::MailGivenUp(given_up)),
    ]
}

/// Every sample with the name of its file.
pub(crate) fn all() -> Vec<(String, Envelope, Event<Sealed>)> {
    let at_school = |events: Vec<Event<Sealed>>| -> Vec<(Stream, Event<Sealed>)> {
        events.into_iter().map(|event| (Stream::Organisation(school()), event)).collect()
    };
    let person = |events: Vec<Event<Sealed>>| -> Vec<(Stream, Event<Sealed>)> {
        events.into_iter().map(|event| (Stream::Person(bob()), event)).collect()
    };
    let mut full = at_school(at_organisation(true));
    full.extend(at_school(at_organisation_without_options()));
    full.extend(person(of_person(true)));
    full.extend(person(of_person_without_options()));
    full.extend(elsewhere());
    let mut min = at_school(at_organisation(false));
    min.extend(person(of_person(false)));
    let full = full.into_iter().map(|(stream, event)| sample("", stream, event, true));
    full.chain(min.into_iter().map(|(stream, event)| sample(".min", stream, event, false))).collect()
}

fn sample(
    suffix: &str,
    stream: Stream,
    event: Event<Sealed>,
    optional: bool,
) -> (String, Envelope, Event<Sealed>) {
    let envelope = Envelope {
        id: EventId::from_uuid(uuid(0x70)),
        stream,
        version: Version::new(41),
        at: at(0),
        actor: match stream {
            Stream::Organisation(_) => Actor::Person(ann()),
            Stream::Person(_) => Actor::Operator,
            Stream::Email(_) | Stream::Subject(_) => Actor::System,
            Stream::Reactor(reactor) => Actor::Reactor(reactor),
        },
        causation: optional.then(|| EventId::from_uuid(uuid(0x71))),
        correlation: optional.then(|| CorrelationId::from_uuid(uuid(0x72))),
    };
    (format!("{}.v{}{suffix}.json", event.kind(), event.schema()), envelope, event)
}
