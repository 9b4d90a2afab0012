//! What holds of the lists whatever happens.

use proptest::prelude::*;

use super::*;

/// Any event, about few enough people and organisations that they meet.
#[expect(clippy::too_many_lines, reason = "one entry for each type of event")]
fn what() -> impl Strategy<Value = (Stream, Actor, Event<Sealed>)> {
    let person = || (1..5_u128).prop_map(person);
    let request = || (1..8_u128).prop_map(request);
    let review = || (1..3_u128).prop_map(review);
    let ends = || proptest::option::of((0..150_i64).prop_map(hour));
    let text = || Just(sealed("text"));
    let mail = (any::<prop::sample::Index>(), person(), 0..MAILS.len(), any::<bool>());
    let at_organisation = prop_oneof![
        1 => Just(Event::OrganisationClosed(OrganisationClosed {})),
        2 => Just(Event::OrganisationReopened(OrganisationReopened {})),
        6 => (person(), any::<bool>()).prop_map(|(person, colleague)| {
            let basis = if colleague { ApproverBasis::Colleague } else { ApproverBasis::DfeSignIn };
            Event::ApproverEstablished(ApproverEstablished { person, basis })
        }),
        4 => person().prop_map(|person| {
            Event::ApproverStoodDown(ApproverStoodDown { person, reason: StandDownReason::Own })
        }),
        9 => (request(), person(), proptest::option::of(text())).prop_map(|(request, person, message)| {
            Event::AccessRequested(AccessRequested { request, person, message })
        }),
        3 => (request(), person()).prop_map(|(request, person)| {
            Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person })
        }),
        3 => (request(), person()).prop_map(|(request, person)| {
            Event::AccessRequestExpired(AccessRequestExpired { request, person })
        }),
        3 => (request(), 1..4_u8).prop_map(|(request, reminder)| {
            Event::ApproversReminded(ApproversReminded { request, reminder })
        }),
        9 => (person(), proptest::option::of(request()), ends()).prop_map(|(person, request, ends)| {
            Event::AccessGranted(AccessGranted { person, request, ends })
        }),
        5 => (request(), person(), text()).prop_map(|(request, person, reason)| {
            Event::AccessDeclined(AccessDeclined { request, person, reason })
        }),
        3 => (person(), ends()).prop_map(|(person, ends)| {
            Event::AccessEndDateChanged(AccessEndDateChanged { person, ends })
        }),
        2 => (person(), (0..150_i64).prop_map(hour)).prop_map(|(person, ends)| {
            Event::AccessEndingSoon(AccessEndingSoon { person, ends })
        }),
        2 => person().prop_map(|person| Event::AccessEnded(AccessEnded { person })),
        5 => (person(), text()).prop_map(|(person, reason)| {
            Event::AccessRevoked(AccessRevoked { person, reason, review: None })
        }),
        2 => (review(), (0..150_i64).prop_map(hour)).prop_map(|(review, due)| {
            Event::ReviewOpened(ReviewOpened { review, due })
        }),
        4 => (review(), person()).prop_map(|(review, person)| {
            Event::AccessConfirmed(AccessConfirmed { review, person })
        }),
        2 => review().prop_map(|review| Event::ReviewReminded(ReviewReminded { review, reminder: 1 })),
        1 => review().prop_map(|review| Event::ReviewCompleted(ReviewCompleted { review })),
        3 => (person(), proptest::option::of(person()), any::<bool>()).prop_map(|(person, instead_of, carried)| {
            let from = carried.then_some(organisation(7));
            Event::UserAdded(UserAdded { person, from, instead_of })
        }),
        3 => (person(), text()).prop_map(|(person, reason)| Event::UserRemoved(UserRemoved { person, reason })),
        1 => person().prop_map(|person| Event::UserProposed(UserProposed { person })),
        1 => person().prop_map(|person| Event::UserProposalDismissed(UserProposalDismissed { person })),
        2 => person().prop_map(|person| {
            Event::ApproverCarriedOver(ApproverCarriedOver { person, from: organisation(7) })
        }),
        2 => (person(), ends()).prop_map(|(person, ends)| {
            Event::AccessCarriedOver(AccessCarriedOver { person, from: organisation(7), ends })
        }),
        2 => (request(), person()).prop_map(|(request, person)| {
            let from = organisation(7);
            Event::AccessRequestedOnClosure(AccessRequestedOnClosure { request, person, from })
        }),
    ];
    let of_person = prop_oneof![
        (text(), 0..6_u8).prop_map(|(email, number)| {
            let how = Introduction::DfeSignIn;
            Event::PersonIntroduced(PersonIntroduced { email, hash: hash(number), name: None, how })
        }),
        (text(), 0..6_u8).prop_map(|(subject, number)| {
            Event::SubjectLinked(SubjectLinked { subject, hash: hash(number) })
        }),
        (text(), 0..6_u8)
            .prop_map(|(email, number)| { Event::EmailChanged(EmailChanged { email, hash: hash(number) }) }),
        (text(), person())
            .prop_map(|(email, other)| { Event::EmailHeldByAnother(EmailHeldByAnother { email, other }) }),
        text().prop_map(|name| Event::NameChanged(NameChanged { name })),
        Just(Event::StaffAppointed(StaffAppointed { role: StaffRole::Support })),
        Just(Event::StaffStoodDown(StaffStoodDown { role: StaffRole::Support })),
        (0..6_u8, 0..150_i64, proptest::option::of(1..4_u128)).prop_map(|(number, expires, at)| {
            Event::SignedIn(SignedIn {
                session: session(number),
                expires: hour(expires),
                method: Method::DfeSignIn,
                organisation: at.map(organisation),
                organisations: vec![GREENHILL],
                network: sealed("net"),
                device: sealed("device"),
            })
        }),
        (0..6_u8, 1..4_u128).prop_map(|(number, at)| {
            let organisation = organisation(at);
            Event::OrganisationChosen(OrganisationChosen { session: session(number), organisation })
        }),
        (0..6_u8).prop_map(|number| {
            Event::SignedOut(SignedOut { session: session(number), how: SignOut::Here })
        }),
        (0..9_u128, 0..150_i64).prop_map(|(number, expires)| {
            let challenge = ChallengeId::from_uuid(Uuid::from_u128(number));
            let (nonce, expires, network) = (Nonce::new(7), hour(expires), sealed("net"));
            Event::OneTimePasswordIssued(OneTimePasswordIssued { challenge, nonce, expires, network })
        }),
        (0..9_u128, any::<bool>()).prop_map(|(number, listed)| {
            let challenge = ChallengeId::from_uuid(Uuid::from_u128(number));
            let reason = if listed { Withheld::TooSoon } else { Withheld::NotListed };
            let network = sealed("net");
            Event::OneTimePasswordWithheld(OneTimePasswordWithheld { challenge, reason, network })
        }),
        (0..9_u128, 0..6_u8).prop_map(|(number, used)| {
            let challenge = ChallengeId::from_uuid(Uuid::from_u128(number));
            Event::OneTimePasswordUsed(OneTimePasswordUsed { challenge, session: session(used) })
        }),
        (0..150_i64).prop_map(|until| {
            Event::OneTimePasswordDelayed(OneTimePasswordDelayed { until: hour(until), failures: 6 })
        }),
        Just(Event::OneTimePasswordDelayLifted(OneTimePasswordDelayLifted {})),
    ];
    let reserved = prop_oneof![
        person().prop_map(|person| Event::EmailReserved(EmailReserved { person })),
        person().prop_map(|person| Event::EmailReleased(EmailReleased { person })),
        person().prop_map(|person| Event::SubjectReserved(SubjectReserved { person })),
    ];
    let mailed = mail.prop_map(|(at, to, mail, sent)| {
        let (event, mail) = (event(at.index(150)), MAILS[mail]);
        if sent {
            Event::MailSent(MailSent { event, to, mail })
        } else {
            Event::MailGivenUp(MailGivenUp { event, to, mail, reason: MailFailure::TimedOut })
        }
    });
    let stream = prop_oneof![
        (1..3_u128).prop_map(|at| Stream::Organisation(organisation(at))),
        (1..5_u128).prop_map(|id| Stream::Person(super::person(id))),
        Just(Stream::Reactor(Reactor::Mail)),
    ];
    let placed = prop_oneof![
        12 => ((1..3_u128), at_organisation.clone())
            .prop_map(|(at, event)| (Stream::Organisation(organisation(at)), event)),
        6 => (person(), of_person.clone()).prop_map(|(id, event)| (Stream::Person(id), event)),
        2 => (0..4_u8, reserved.clone(), any::<bool>()).prop_map(|(number, event, email)| {
            let stream = if email { Stream::Email } else { Stream::Subject };
            (stream(hash(number)), event)
        }),
        3 => mailed.prop_map(|event| (Stream::Reactor(Reactor::Mail), event)),
        // In a stream where it does not belong.
        1 => (stream, prop_oneof![at_organisation, of_person, reserved]),
    ];
    let actor = prop_oneof![
        3 => (1..5_u128).prop_map(|id| Actor::Person(super::person(id))),
        1 => Just(Actor::Reactor(Reactor::Timekeeper)),
        1 => Just(Actor::System),
    ];
    (placed, actor).prop_map(|((stream, event), actor)| (stream, actor, event))
}

const MAILS: [MailKind; 6] = [
    MailKind::RequestToDecide,
    MailKind::RequestReminder,
    MailKind::RequestGranted,
    MailKind::RequestDeclined,
    MailKind::AddedByColleague,
    MailKind::AccessRevoked,
];

fn holds(world: &World) -> Result<(), TestCaseError> {
    let lists = &world.lists;
    for organisation in lists.organisations() {
        for person in (1..5).map(person) {
            let open = organisation.open_requests().filter(|request| request.person == person).count();
            prop_assert!(open <= 1);
            let at = world.now();
            let member = organisation.members(at).filter(|(id, _, _)| *id == person).count();
            prop_assert_eq!(member, usize::from(organisation.has_access(person, at)));
            let related = organisation.approvers.contains_key(&person)
                || organisation.listed.contains_key(&person)
                || organisation.proposed.contains_key(&person)
                || organisation.users.contains_key(&person)
                || organisation.latest_request_of(person).is_some();
            prop_assert_eq!(related, lists.organisations_of(person).any(|id| id == organisation.id));
        }
        for request in organisation.requests.keys() {
            prop_assert!(lists.organisation_of_request(*request).is_some());
        }
    }
    for mail in lists.outbox().pending() {
        let Some(organisation) = mail.organisation else { continue };
        let organisation = lists.organisation(organisation).unwrap();
        if let MailKind::RequestToDecide | MailKind::RequestReminder = mail.mail {
            prop_assert!(organisation.approvers.contains_key(&mail.to));
            prop_assert!(organisation.requests[&mail.request.unwrap()].outcome.is_open());
            prop_assert!(mail.about != Some(mail.to));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_happens_the_lists_hold_together(events in proptest::collection::vec(what(), 0..150)) {
        let mut world = World::greenhill();
        world.registered(organisation(2));
        for (stream, actor, event) in events {
            let revoked = match &event {
                Event::AccessRevoked(data) => Some(data.person),
                _ => None,
            };
            world.happens(stream, actor, event);
            if let (Some(person), Stream::Organisation(id)) = (revoked, stream) {
                let organisation = world.lists.organisation(id).unwrap();
                let stays = organisation.is_approver(person) || organisation.is_listed(person);
                prop_assert!(stays || !organisation.has_access(person, world.now()));
            }
            holds(&world)?;
        }
    }

    #[test]
    fn folding_on_from_a_snapshot_is_folding_from_the_start(
        events in proptest::collection::vec(what(), 1..120),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut world = World::greenhill();
        world.registered(organisation(2));
        for (stream, actor, event) in events {
            world.happens(stream, actor, event);
        }
        let (before, after) = world.log.split_at(cut.index(world.log.len()));
        let mut lists = Lists::default();
        for recorded in before {
            lists.apply(recorded);
        }
        let bytes = postcard::to_stdvec(&lists).unwrap();
        let mut binary: Lists = postcard::from_bytes(&bytes).unwrap();
        let text = serde_json::to_string(&lists).unwrap();
        let mut textual: Lists = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&binary, &lists);
        prop_assert_eq!(postcard::to_stdvec(&binary).unwrap(), bytes);
        for recorded in after {
            binary.apply(recorded);
            textual.apply(recorded);
        }
        prop_assert_eq!(&binary, &world.lists);
        prop_assert_eq!(&textual, &world.lists);
        let bytes = postcard::to_stdvec(&world.lists).unwrap();
        prop_assert_eq!(postcard::to_stdvec(&binary).unwrap(), bytes);
    }
}
