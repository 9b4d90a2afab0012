//! Every type of event, with the sentence that is expected for it.

use vouchsafe_events::*;

use super::{ALDERBROOK, DEREK, ELSEWHERE, FOLA, HOSTILE, IMRAN, JUDITH, REQUEST, REVIEW, ST_MARYS, start};

fn introduced(id: PersonId, name: &str, email: &str, how: Introduction) -> Event<Plain> {
    let hash = KeyedHash::from_bytes(std::array::from_fn(|at| id.uuid().as_bytes()[at % 16]));
    Event::PersonIntroduced(PersonIntroduced {
        email: Plain::about(id, email),
        hash,
        name: Some(Plain::about(id, name)),
        how,
    })
}

fn school(name: &str, urn: Option<&str>, authority: Option<(&str, &str)>) -> Event<Plain> {
    Event::OrganisationRegistered(OrganisationRegistered {
        name: name.into(),
        kinds: vec![OrganisationKind::School],
        urn: urn.map(|urn| urn.parse().unwrap()),
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: Some("01".into()),
        local_authority: authority
            .map(|(code, name)| LocalAuthority { code: code.into(), name: name.into() }),
    })
}

type Told = (Stream, Actor, Event<Plain>, &'static str);

/// Every type of event, in an order that makes sense, each with the sentence for it.
pub(crate) fn story() -> Vec<Told> {
    let mut story = beginnings();
    story.extend(access());
    story.extend(reviews_and_schools());
    story.extend(people());
    story.extend(lists());
    story.extend(codes());
    story.extend(successions());
    story
}

/// The user lists that support keeps: Judith is the agent.
fn lists() -> Vec<Told> {
    let (judith, fola) = (Actor::Person(JUDITH), Actor::Person(FOLA));
    let kinds = vec![OrganisationKind::School, OrganisationKind::AppropriateBody];
    let reason = Plain::about(IMRAN, "Left");
    let added = |person, from, instead_of| Event::UserAdded(UserAdded { person, from, instead_of });
    vec![
        at_school(
            judith,
            Event::OrganisationKindsChanged(OrganisationKindsChanged { kinds }),
            "Judith Abara recorded that Alderbrook School is now: school, appropriate body",
        ),
        at_school(
            judith,
            Event::OrganisationDescribed(OrganisationDescribed {
                establishment_type: Some("34".into()),
                ..OrganisationDescribed::default()
            }),
            "More became known of Alderbrook School",
        ),
        at_school(
            judith,
            added(IMRAN, None, None),
            "Judith Abara put Imran Qureshi on the user list of Alderbrook School",
        ),
        at_school(
            fola,
            added(FOLA, None, Some(IMRAN)),
            "Folasade Adeyemi took the place of Imran Qureshi on the user list of Alderbrook School",
        ),
        at_school(
            judith,
            added(IMRAN, Some(ST_MARYS), None),
            "Imran Qureshi is on the user list of Alderbrook School, as they were on that of St Mary’s <Primary>, which closed",
        ),
        at_school(
            judith,
            Event::UserRemoved(UserRemoved { person: IMRAN, reason }),
            "Judith Abara took Imran Qureshi off the user list of Alderbrook School",
        ),
        at_school(
            judith,
            Event::UserProposed(UserProposed { person: JUDITH }),
            "Judith Abara asked to be put on the user list of Alderbrook School themselves",
        ),
        at_school(
            fola,
            Event::UserProposalDismissed(UserProposalDismissed { person: JUDITH }),
            "Folasade Adeyemi dismissed that Judith Abara be put on the user list of Alderbrook School",
        ),
    ]
}

/// Imran and his one-time passwords.
fn codes() -> Vec<Told> {
    let (system, judith) = (Actor::System, Actor::Person(JUDITH));
    let challenge = ChallengeId::from_uuid(Uuid::from_u128(0x80));
    let session = SessionHash::from_bytes([9; 32]);
    let network = || Plain::about(IMRAN, "192.0.2.7");
    let until = "2026-03-09T10:20:00.000000Z".parse().unwrap();
    vec![
        of(
            IMRAN,
            system,
            Event::OneTimePasswordIssued(OneTimePasswordIssued {
                challenge,
                nonce: Nonce::new(7),
                expires: until,
                network: network(),
            }),
            "Imran Qureshi asked for a one-time password, good until 10:20am",
        ),
        of(
            IMRAN,
            system,
            Event::OneTimePasswordWithheld(OneTimePasswordWithheld {
                challenge,
                reason: Withheld::TooSoon,
                network: network(),
            }),
            "Imran Qureshi asked for a one-time password and got none, because one had been sent a moment before",
        ),
        of(
            IMRAN,
            system,
            Event::OneTimePasswordRefused(OneTimePasswordRefused {
                challenge,
                reason: CodeRefusal::Wrong,
                network: network(),
            }),
            "Imran Qureshi entered a one-time password that was not taken, because it was wrong",
        ),
        of(
            IMRAN,
            system,
            Event::OneTimePasswordDelayed(OneTimePasswordDelayed { until, failures: 6 }),
            "Imran Qureshi must wait until 9 March 2026 at 10:20am, after 6 wrong one-time passwords",
        ),
        of(
            IMRAN,
            judith,
            Event::OneTimePasswordDelayLifted(OneTimePasswordDelayLifted {}),
            "Judith Abara let Imran Qureshi use one-time passwords again at once",
        ),
        of(
            IMRAN,
            system,
            Event::OneTimePasswordUsed(OneTimePasswordUsed { challenge, session }),
            "Imran Qureshi entered the right one-time password",
        ),
    ]
}

/// Alderbrook takes over what St Mary's had.
fn successions() -> Vec<Told> {
    let by = Actor::Reactor(Reactor::Successions);
    let (request, from) = (RequestId::from_uuid(Uuid::from_u128(0x31)), ST_MARYS);
    vec![
        (
            Stream::Organisation(ST_MARYS),
            Actor::Operator,
            Event::OrganisationSucceeded(OrganisationSucceeded { successors: vec![ALDERBROOK] }),
            "The register says that St Mary’s <Primary> is succeeded by Alderbrook School",
        ),
        at_school(
            by,
            Event::ApproverCarriedOver(ApproverCarriedOver { person: IMRAN, from }),
            "Imran Qureshi became an approver at Alderbrook School, as they were at St Mary’s <Primary>, which closed",
        ),
        at_school(
            by,
            Event::AccessCarriedOver(AccessCarriedOver { person: IMRAN, from, ends: None }),
            "Imran Qureshi has access to Alderbrook School, as they had to St Mary’s <Primary>, which closed",
        ),
        at_school(
            by,
            Event::AccessRequestedOnClosure(AccessRequestedOnClosure { request, person: IMRAN, from }),
            "Imran Qureshi, who had access to St Mary’s <Primary>, which closed, was put before the approvers at Alderbrook School",
        ),
    ]
}

fn at_school(actor: Actor, event: Event<Plain>, sentence: &'static str) -> Told {
    (Stream::Organisation(ALDERBROOK), actor, event, sentence)
}

fn of(id: PersonId, actor: Actor, event: Event<Plain>, sentence: &'static str) -> Told {
    (Stream::Person(id), actor, event, sentence)
}

fn beginnings() -> Vec<Told> {
    let (fola, imran) = (Actor::Person(FOLA), IMRAN);
    let poll = Actor::Reactor(Reactor::Approvers);
    let birmingham = Some(("330", "Birmingham"));
    vec![
        at_school(
            poll,
            school("Alderbrook School", Some("123456"), birmingham),
            "Alderbrook School became known to the service",
        ),
        (
            Stream::Organisation(ST_MARYS),
            poll,
            school("St Mary’s <Primary>", Some("123457"), birmingham),
            "St Mary’s <Primary> became known to the service",
        ),
        (
            Stream::Organisation(ELSEWHERE),
            poll,
            school("St Mary’s", None, None),
            "St Mary’s became known to the service",
        ),
        of(
            FOLA,
            poll,
            introduced(
                FOLA,
                "Folasade Adeyemi",
                "f.adeyemi@alderbrook.example",
                Introduction::DfeSignInApprovers,
            ),
            "Folasade Adeyemi became known to the service, because DfE Sign-in names them as an approver",
        ),
        of(
            imran,
            Actor::System,
            introduced(imran, "Imran Qureshi", "i.qureshi@alderbrook.example", Introduction::DfeSignIn),
            "Imran Qureshi became known to the service by signing in with DfE Sign-in",
        ),
        of(
            DEREK,
            fola,
            introduced(DEREK, HOSTILE, "derek@alderbrook.example", Introduction::Colleague),
            "Folasade Adeyemi added <script>alert(\"x\")</script> & 'Co' to the service",
        ),
        of(
            JUDITH,
            Actor::Operator,
            introduced(JUDITH, "Judith Abara", "j.abara@education.example", Introduction::Operator),
            "An operator added Judith Abara to the service",
        ),
        of(
            JUDITH,
            Actor::Operator,
            Event::StaffAppointed(StaffAppointed { role: StaffRole::Auditor }),
            "An operator appointed Judith Abara as an auditor",
        ),
        of(
            IMRAN,
            Actor::Operator,
            Event::StaffAppointed(StaffAppointed { role: StaffRole::Support }),
            "An operator appointed Imran Qureshi as a support agent",
        ),
        of(
            IMRAN,
            Actor::Operator,
            Event::StaffStoodDown(StaffStoodDown { role: StaffRole::Support }),
            "An operator ended Imran Qureshi’s appointment as a support agent",
        ),
    ]
}

fn access() -> Vec<Told> {
    let (fola, imran) = (Actor::Person(FOLA), Actor::Person(IMRAN));
    let clock = Actor::Reactor(Reactor::Timekeeper);
    let request = REQUEST;
    let (other, third) =
        (RequestId::from_uuid(Uuid::from_u128(0x31)), RequestId::from_uuid(Uuid::from_u128(0x32)));
    let ends = Timestamp::from("2026-07-03T22:59:59.999999Z".parse::<jiff::Timestamp>().unwrap());
    let asks = |request, message| Event::AccessRequested(AccessRequested { request, person: IMRAN, message });
    vec![
        at_school(
            Actor::System,
            Event::ApproverEstablished(ApproverEstablished { person: FOLA, basis: ApproverBasis::DfeSignIn }),
            "Folasade Adeyemi is an approver at Alderbrook School, because DfE Sign-in names them as one",
        ),
        at_school(
            imran,
            asks(other, Some(Plain::about(IMRAN, "Please let me in"))),
            "Imran Qureshi asked for access to Alderbrook School",
        ),
        at_school(
            clock,
            Event::ApproversReminded(ApproversReminded { request: other, reminder: 1 }),
            "The approvers at Alderbrook School were reminded that Imran Qureshi is waiting for access",
        ),
        at_school(
            imran,
            Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request: other, person: IMRAN }),
            "Imran Qureshi withdrew their request for access to Alderbrook School",
        ),
        at_school(imran, asks(third, None), "Imran Qureshi asked for access to Alderbrook School"),
        at_school(
            clock,
            Event::AccessRequestExpired(AccessRequestExpired { request: third, person: IMRAN }),
            "Imran Qureshi’s request for access to Alderbrook School expired, because nobody decided it in time",
        ),
        at_school(imran, asks(request, None), "Imran Qureshi asked for access to Alderbrook School"),
        at_school(
            fola,
            Event::AccessGranted(AccessGranted { person: IMRAN, request: Some(request), ends: None }),
            "Folasade Adeyemi granted Imran Qureshi access to Alderbrook School",
        ),
        at_school(
            fola,
            Event::AccessGranted(AccessGranted { person: DEREK, request: None, ends: Some(ends) }),
            "Folasade Adeyemi gave <script>alert(\"x\")</script> & 'Co' access to Alderbrook School until 3 July 2026",
        ),
        at_school(
            fola,
            Event::AccessDeclined(AccessDeclined {
                request: RequestId::from_uuid(Uuid::from_u128(0x33)),
                person: DEREK,
                reason: Plain::about(DEREK, HOSTILE),
            }),
            "Folasade Adeyemi declined <script>alert(\"x\")</script> & 'Co'’s request for access to Alderbrook School",
        ),
        at_school(
            fola,
            Event::AccessEndDateChanged(AccessEndDateChanged { person: IMRAN, ends: Some(ends) }),
            "Folasade Adeyemi set Imran Qureshi’s access to Alderbrook School to end on 3 July 2026",
        ),
        at_school(
            clock,
            Event::AccessEndingSoon(AccessEndingSoon { person: IMRAN, ends }),
            "Imran Qureshi’s access to Alderbrook School was due to end soon, on 3 July 2026",
        ),
        at_school(
            fola,
            Event::AccessEndDateChanged(AccessEndDateChanged { person: IMRAN, ends: None }),
            "Folasade Adeyemi removed the end date of Imran Qureshi’s access to Alderbrook School",
        ),
        at_school(
            clock,
            Event::AccessEnded(AccessEnded { person: DEREK }),
            "<script>alert(\"x\")</script> & 'Co'’s access to Alderbrook School ended on its end date",
        ),
    ]
}

fn reviews_and_schools() -> Vec<Told> {
    let fola = Actor::Person(FOLA);
    let clock = Actor::Reactor(Reactor::Timekeeper);
    let review = REVIEW;
    let stands_down = |reason| Event::ApproverStoodDown(ApproverStoodDown { person: IMRAN, reason });
    vec![
        at_school(
            clock,
            Event::ReviewOpened(ReviewOpened { review, due: start().plus_days(28) }),
            "A yearly review of who has access to Alderbrook School opened, due by 6 April 2026",
        ),
        at_school(
            clock,
            Event::ReviewReminded(ReviewReminded { review, reminder: 1 }),
            "The approvers at Alderbrook School were reminded that their yearly review is overdue",
        ),
        at_school(
            fola,
            Event::AccessConfirmed(AccessConfirmed { review, person: IMRAN }),
            "Folasade Adeyemi confirmed that Imran Qureshi still needs access to Alderbrook School",
        ),
        at_school(
            fola,
            Event::ApproverEstablished(ApproverEstablished {
                person: IMRAN,
                basis: ApproverBasis::Colleague,
            }),
            "Folasade Adeyemi made Imran Qureshi an approver at Alderbrook School",
        ),
        at_school(
            Actor::Person(IMRAN),
            stands_down(StandDownReason::Own),
            "Imran Qureshi stood down as an approver at Alderbrook School",
        ),
        at_school(
            Actor::Person(IMRAN),
            Event::ApproverEstablished(ApproverEstablished {
                person: IMRAN,
                basis: ApproverBasis::DfeSignIn,
            }),
            "Imran Qureshi became an approver at Alderbrook School again",
        ),
        at_school(
            Actor::System,
            stands_down(StandDownReason::DfeSignIn),
            "Imran Qureshi stopped being an approver at Alderbrook School, because DfE Sign-in no longer names them as one",
        ),
        at_school(
            clock,
            stands_down(StandDownReason::AccessEnded),
            "Imran Qureshi stopped being an approver at Alderbrook School, because their access reached its end date",
        ),
        at_school(
            fola,
            stands_down(StandDownReason::AccessRevoked),
            "Imran Qureshi stopped being an approver at Alderbrook School, because their access was ended",
        ),
        at_school(
            fola,
            Event::AccessRevoked(AccessRevoked {
                person: IMRAN,
                reason: Plain::about(IMRAN, "Has moved to another school"),
                review: Some(review),
            }),
            "Folasade Adeyemi ended Imran Qureshi’s access to Alderbrook School in a yearly review",
        ),
        at_school(
            fola,
            Event::ReviewCompleted(ReviewCompleted { review }),
            "The yearly review of who has access to Alderbrook School was completed",
        ),
        (
            Stream::Organisation(ST_MARYS),
            Actor::System,
            Event::OrganisationClosed(OrganisationClosed {}),
            "St Mary’s <Primary> closed",
        ),
        (
            Stream::Organisation(ST_MARYS),
            Actor::System,
            Event::OrganisationReopened(OrganisationReopened {}),
            "St Mary’s <Primary> opened again",
        ),
        (
            Stream::Organisation(ST_MARYS),
            Actor::System,
            Event::OrganisationRenamed(OrganisationRenamed { name: "St Mary’s <Primary>".into() }),
            "An organisation’s name changed to St Mary’s <Primary>",
        ),
    ]
}

fn people() -> Vec<Told> {
    let hash = KeyedHash::from_bytes([7; 32]);
    let session = SessionHash::from_bytes([9; 32]);
    let (imran, system) = (Actor::Person(IMRAN), Actor::System);
    let text = |text: &str| Plain::about(IMRAN, text);
    let expires = start().plus_days(1);
    let signed_in = |organisation: Option<OrganisationId>| {
        Event::SignedIn(SignedIn {
            session,
            expires,
            method: Method::DfeSignIn,
            organisation,
            organisations: vec![ALDERBROOK, ST_MARYS],
            network: Plain::about(IMRAN, "192.0.2.77"),
            device: Plain::about(IMRAN, "Firefox"),
        })
    };
    let refused = |person, organisation, reason| {
        let network = Plain::about(person, "192.0.2.78");
        Event::SignInRefused(SignInRefused { reason, organisation, network })
    };
    let out = |how| Event::SignedOut(SignedOut { session, how });
    let mut story = vec![
        of(
            IMRAN,
            system,
            Event::SubjectLinked(SubjectLinked { subject: text("https://dfe\nabc"), hash }),
            "A DfE Sign-in account was linked to Imran Qureshi",
        ),
        of(
            IMRAN,
            system,
            Event::EmailChanged(EmailChanged { email: text("imran@alderbrook.example"), hash }),
            "Imran Qureshi’s email address changed",
        ),
        of(
            IMRAN,
            system,
            Event::EmailHeldByAnother(EmailHeldByAnother { email: text("fola@x.example"), other: FOLA }),
            "Imran Qureshi came with an email address that belongs to Folasade Adeyemi",
        ),
        of(
            IMRAN,
            system,
            Event::NameChanged(NameChanged { name: text("Imran Qureshi") }),
            "Imran Qureshi’s name changed",
        ),
        of(IMRAN, imran, signed_in(Some(ALDERBROOK)), "Imran Qureshi signed in for Alderbrook School"),
        of(IMRAN, imran, signed_in(None), "Imran Qureshi signed in"),
        of(
            IMRAN,
            imran,
            Event::OrganisationChosen(OrganisationChosen { session, organisation: ST_MARYS }),
            "Imran Qureshi chose to act for St Mary’s <Primary>",
        ),
        of(
            DEREK,
            system,
            refused(DEREK, Some(ELSEWHERE), Refusal::OrganisationClosed),
            "<script>alert(\"x\")</script> & 'Co' was not let in: the school is closed (St Mary’s)",
        ),
        of(
            FOLA,
            system,
            refused(FOLA, None, Refusal::NoOrganisation),
            "Folasade Adeyemi was not let in: their DfE Sign-in account does not belong to a school",
        ),
        of(IMRAN, imran, out(SignOut::Here), "Imran Qureshi signed out"),
        of(IMRAN, imran, out(SignOut::Elsewhere), "Imran Qureshi ended one of their other sessions"),
        of(
            IMRAN,
            imran,
            out(SignOut::Replaced),
            "Imran Qureshi’s earlier session ended, because they signed in again in the same browser",
        ),
    ];
    story.extend(elsewhere(hash));
    story
}

fn elsewhere(hash: KeyedHash) -> Vec<Told> {
    let event = EventId::from_uuid(Uuid::from_u128(0x60));
    let mail = Stream::Reactor(Reactor::Mail);
    let mailer = Actor::Reactor(Reactor::Mail);
    vec![
        (
            Stream::Email(hash),
            Actor::System,
            Event::EmailReserved(EmailReserved { person: IMRAN }),
            "An email address was recorded as Imran Qureshi’s",
        ),
        (
            Stream::Email(hash),
            Actor::System,
            Event::EmailReleased(EmailReleased { person: IMRAN }),
            "An email address stopped being recorded as Imran Qureshi’s",
        ),
        (
            Stream::Subject(hash),
            Actor::System,
            Event::SubjectReserved(SubjectReserved { person: IMRAN }),
            "A DfE Sign-in account was recorded as Imran Qureshi’s",
        ),
        (
            mail,
            mailer,
            Event::MailSent(MailSent { event, to: IMRAN, mail: MailKind::RequestGranted }),
            "Imran Qureshi was sent an email: their request for access was granted",
        ),
        (
            mail,
            mailer,
            Event::MailGivenUp(MailGivenUp {
                event,
                to: FOLA,
                mail: MailKind::RequestToDecide,
                reason: MailFailure::TimedOut,
            }),
            "Folasade Adeyemi was not sent an email (a colleague asks for access), because the mail server did not take it in time",
        ),
    ]
}
