//! Any event, in any envelope.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use vouchsafe_events::*;

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn person() -> impl Strategy<Value = PersonId> {
    uuid().prop_map(PersonId::from_uuid)
}

fn organisation() -> impl Strategy<Value = OrganisationId> {
    uuid().prop_map(OrganisationId::from_uuid)
}

fn request() -> impl Strategy<Value = RequestId> {
    uuid().prop_map(RequestId::from_uuid)
}

fn review() -> impl Strategy<Value = ReviewId> {
    uuid().prop_map(ReviewId::from_uuid)
}

fn id() -> impl Strategy<Value = EventId> {
    uuid().prop_map(EventId::from_uuid)
}

fn hash() -> impl Strategy<Value = KeyedHash> {
    any::<[u8; 32]>().prop_map(KeyedHash::from_bytes)
}

fn session() -> impl Strategy<Value = SessionHash> {
    any::<[u8; 32]>().prop_map(SessionHash::from_bytes)
}

fn instant() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

/// Any text at all, as nothing in the stored form depends on its being base64.
fn sealed() -> impl Strategy<Value = Sealed> {
    any::<String>().prop_map(Sealed::from_base64)
}

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(String::into_boxed_str)
}

fn mail() -> impl Strategy<Value = MailKind> {
    select(vec![MailKind::RequestToDecide, MailKind::MadeApprover, MailKind::ReviewReminder])
}

fn of_an_organisation() -> impl Strategy<Value = Event<Sealed>> {
    let kinds = vec(select(vec![OrganisationKind::School, OrganisationKind::DeliveryPartner]), 0..3);
    let urn = (100_000..1_000_000_u32).prop_map(|number| number.to_string().parse().unwrap());
    let ukprn = (0..100_000_000_u32).prop_map(|number| format!("{number:08}").parse().unwrap());
    let authority = (text(), text()).prop_map(|(code, name)| LocalAuthority { code, name });
    let registered = (text(), kinds, of(urn), of(ukprn), of(uuid()), of(text()), of(authority));
    let basis = select(vec![ApproverBasis::DfeSignIn, ApproverBasis::Colleague]);
    let reason = select(vec![StandDownReason::Own, StandDownReason::DfeSignIn]);
    prop_oneof![
        registered.prop_map(|(name, kinds, urn, ukprn, dfe_sign_in, establishment_type, local_authority)| {
            Event::OrganisationRegistered(OrganisationRegistered {
                name,
                kinds,
                urn,
                ukprn,
                dfe_sign_in,
                establishment_type,
                local_authority,
            })
        }),
        text().prop_map(|name| Event::OrganisationRenamed(OrganisationRenamed { name })),
        Just(Event::OrganisationClosed(OrganisationClosed {})),
        Just(Event::OrganisationReopened(OrganisationReopened {})),
        (person(), basis).prop_map(|(person, basis)| {
            Event::ApproverEstablished(ApproverEstablished { person, basis })
        }),
        (person(), reason)
            .prop_map(|(person, reason)| Event::ApproverStoodDown(ApproverStoodDown { person, reason })),
    ]
}

fn of_access() -> impl Strategy<Value = Event<Sealed>> {
    prop_oneof![
        (request(), person(), of(sealed())).prop_map(|(request, person, message)| {
            Event::AccessRequested(AccessRequested { request, person, message })
        }),
        (request(), person()).prop_map(|(request, person)| {
            Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person })
        }),
        (request(), person()).prop_map(|(request, person)| {
            Event::AccessRequestExpired(AccessRequestExpired { request, person })
        }),
        (request(), any::<u8>()).prop_map(|(request, reminder)| {
            Event::ApproversReminded(ApproversReminded { request, reminder })
        }),
        (person(), of(request()), of(instant())).prop_map(|(person, request, ends)| {
            Event::AccessGranted(AccessGranted { person, request, ends })
        }),
        (request(), person(), sealed()).prop_map(|(request, person, reason)| {
            Event::AccessDeclined(AccessDeclined { request, person, reason })
        }),
        (person(), of(instant())).prop_map(|(person, ends)| {
            Event::AccessEndDateChanged(AccessEndDateChanged { person, ends })
        }),
        (person(), instant())
            .prop_map(|(person, ends)| Event::AccessEndingSoon(AccessEndingSoon { person, ends })),
        person().prop_map(|person| Event::AccessEnded(AccessEnded { person })),
        (person(), sealed(), of(review())).prop_map(|(person, reason, review)| {
            Event::AccessRevoked(AccessRevoked { person, reason, review })
        }),
        (review(), instant()).prop_map(|(review, due)| Event::ReviewOpened(ReviewOpened { review, due })),
        (review(), person())
            .prop_map(|(review, person)| Event::AccessConfirmed(AccessConfirmed { review, person })),
        (review(), any::<u8>())
            .prop_map(|(review, reminder)| Event::ReviewReminded(ReviewReminded { review, reminder })),
        review().prop_map(|review| Event::ReviewCompleted(ReviewCompleted { review })),
        vec(organisation(), 1..5)
            .prop_map(|successors| { Event::OrganisationSucceeded(OrganisationSucceeded { successors }) }),
        (person(), organisation(), of(instant())).prop_map(|(person, from, ends)| {
            Event::AccessCarriedOver(AccessCarriedOver { person, from, ends })
        }),
        (person(), of(organisation()), of(person())).prop_map(|(person, from, instead_of)| {
            Event::UserAdded(UserAdded { person, from, instead_of })
        }),
        (person(), sealed()).prop_map(|(person, reason)| Event::UserRemoved(UserRemoved { person, reason })),
        person().prop_map(|person| Event::UserProposed(UserProposed { person })),
        person().prop_map(|person| Event::UserProposalDismissed(UserProposalDismissed { person })),
        (person(), organisation())
            .prop_map(|(person, from)| Event::ApproverCarriedOver(ApproverCarriedOver { person, from })),
        (request(), person(), organisation()).prop_map(|(request, person, from)| {
            Event::AccessRequestedOnClosure(AccessRequestedOnClosure { request, person, from })
        }),
        vec(select(vec![OrganisationKind::LeadProvider, OrganisationKind::DeliveryPartner]), 0..3)
            .prop_map(|kinds| Event::OrganisationKindsChanged(OrganisationKindsChanged { kinds })),
        of(select(vec!["01", "34"])).prop_map(|kind| {
            let establishment_type = kind.map(Into::into);
            Event::OrganisationDescribed(OrganisationDescribed { establishment_type, ..Default::default() })
        }),
    ]
}

fn of_a_person() -> impl Strategy<Value = Event<Sealed>> {
    let how = select(vec![Introduction::DfeSignInApprovers, Introduction::Operator]);
    let role = || select(vec![StaffRole::Auditor, StaffRole::Support]);
    let refusal = select(vec![
        Refusal::NoOrganisation,
        Refusal::CallbackReplayed,
        Refusal::TookTooLong,
        Refusal::NotTrusted,
        Refusal::NoEmail,
    ]);
    let out = select(vec![SignOut::Here, SignOut::Elsewhere, SignOut::Replaced]);
    let signed_in = (session(), instant(), of(organisation()), vec(organisation(), 0..4), sealed(), sealed());
    prop_oneof![
        (sealed(), hash(), of(sealed()), how).prop_map(|(email, hash, name, how)| {
            Event::PersonIntroduced(PersonIntroduced { email, hash, name, how })
        }),
        (sealed(), hash()).prop_map(|(subject, hash)| Event::SubjectLinked(SubjectLinked { subject, hash })),
        (sealed(), hash()).prop_map(|(email, hash)| Event::EmailChanged(EmailChanged { email, hash })),
        (sealed(), person())
            .prop_map(|(email, other)| Event::EmailHeldByAnother(EmailHeldByAnother { email, other })),
        sealed().prop_map(|name| Event::NameChanged(NameChanged { name })),
        role().prop_map(|role| Event::StaffAppointed(StaffAppointed { role })),
        role().prop_map(|role| Event::StaffStoodDown(StaffStoodDown { role })),
        signed_in.prop_map(|(session, expires, organisation, organisations, network, device)| {
            let method = Method::DfeSignIn;
            Event::SignedIn(SignedIn {
                session,
                expires,
                method,
                organisation,
                organisations,
                network,
                device,
            })
        }),
        (session(), organisation()).prop_map(|(session, organisation)| {
            Event::OrganisationChosen(OrganisationChosen { session, organisation })
        }),
        (refusal, of(organisation()), sealed()).prop_map(|(reason, organisation, network)| {
            Event::SignInRefused(SignInRefused { reason, organisation, network })
        }),
        (session(), out).prop_map(|(session, how)| Event::SignedOut(SignedOut { session, how })),
        (any::<u128>(), any::<u64>(), instant(), sealed()).prop_map(
            |(challenge, nonce, expires, network)| {
                let challenge = ChallengeId::from_uuid(Uuid::from_u128(challenge));
                let nonce = Nonce::new(nonce);
                Event::OneTimePasswordIssued(OneTimePasswordIssued { challenge, nonce, expires, network })
            }
        ),
        (any::<u128>(), select(vec![Withheld::NotListed, Withheld::TooSoon]), sealed()).prop_map(
            |(challenge, reason, network)| {
                let challenge = ChallengeId::from_uuid(Uuid::from_u128(challenge));
                Event::OneTimePasswordWithheld(OneTimePasswordWithheld { challenge, reason, network })
            }
        ),
        (any::<u128>(), select(vec![CodeRefusal::Wrong, CodeRefusal::Used]), sealed()).prop_map(
            |(challenge, reason, network)| {
                let challenge = ChallengeId::from_uuid(Uuid::from_u128(challenge));
                Event::OneTimePasswordRefused(OneTimePasswordRefused { challenge, reason, network })
            }
        ),
        (any::<u128>(), session()).prop_map(|(challenge, session)| {
            let challenge = ChallengeId::from_uuid(Uuid::from_u128(challenge));
            Event::OneTimePasswordUsed(OneTimePasswordUsed { challenge, session })
        }),
        Just(Event::OneTimePasswordDelayLifted(OneTimePasswordDelayLifted {})),
        (instant(), any::<u16>()).prop_map(|(until, failures)| {
            Event::OneTimePasswordDelayed(OneTimePasswordDelayed { until, failures })
        }),
    ]
}

fn elsewhere() -> impl Strategy<Value = Event<Sealed>> {
    let failure = select(vec![MailFailure::Refused, MailFailure::Erased]);
    prop_oneof![
        person().prop_map(|person| Event::EmailReserved(EmailReserved { person })),
        person().prop_map(|person| Event::EmailReleased(EmailReleased { person })),
        person().prop_map(|person| Event::SubjectReserved(SubjectReserved { person })),
        (id(), person(), mail()).prop_map(|(event, to, mail)| Event::MailSent(MailSent { event, to, mail })),
        (id(), person(), mail(), failure).prop_map(|(event, to, mail, reason)| {
            Event::MailGivenUp(MailGivenUp { event, to, mail, reason })
        }),
    ]
}

/// Any event.
pub(crate) fn event() -> impl Strategy<Value = Event<Sealed>> {
    prop_oneof![6 => of_an_organisation(), 14 => of_access(), 11 => of_a_person(), 5 => elsewhere()]
}

/// Any envelope.
pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    let stream = prop_oneof![
        organisation().prop_map(Stream::Organisation),
        person().prop_map(Stream::Person),
        hash().prop_map(Stream::Email),
        hash().prop_map(Stream::Subject),
        select(&Reactor::ALL[..]).prop_map(Stream::Reactor),
    ];
    let actor = prop_oneof![
        person().prop_map(Actor::Person),
        select(&Reactor::ALL[..]).prop_map(Actor::Reactor),
        Just(Actor::Operator),
        Just(Actor::System),
    ];
    let correlation = of(uuid().prop_map(CorrelationId::from_uuid));
    (id(), stream, any::<u64>().prop_map(Version::new), instant(), actor, of(id()), correlation).prop_map(
        |(id, stream, version, at, actor, causation, correlation)| Envelope {
            id,
            stream,
            version,
            at,
            actor,
            causation,
            correlation,
        },
    )
}
