//! To whom an email or an account belongs.

use super::*;

#[test]
fn an_email_belongs_to_whoever_reserved_it_first() {
    let reserved = |person| Event::EmailReserved(EmailReserved { person });
    given_reservation([]).when(|email| email.reserve_email(ANN)).then([reserved(ANN)]);
    let history = given_reservation([reserved(ANN)]);
    assert_eq!(history.state().holder(), Some(ANN));
    for person in [ANN, BEA] {
        history.when(|email| email.reserve_email(person)).then_nothing();
    }
}

#[test]
fn an_email_is_released_by_its_holder_alone_and_can_be_reserved_again() {
    let reserved = |person| Event::EmailReserved(EmailReserved { person });
    let released = || Event::EmailReleased(EmailReleased { person: ANN });
    let history = given_reservation([reserved(ANN)]);
    history.when(|email| email.release_email(BEA)).then_nothing();
    history.when(|email| email.release_email(ANN)).then([released()]);
    let history = given_reservation([reserved(ANN), released()]);
    assert_eq!(history.state().holder(), None);
    history.when(|email| email.release_email(ANN)).then_nothing();
    history.when(|email| email.reserve_email(BEA)).then([reserved(BEA)]);
}

#[test]
fn an_account_belongs_to_whoever_reserved_it_first() {
    let reserved = || Event::SubjectReserved(SubjectReserved { person: ANN });
    given_reservation([]).when(|account| account.reserve_subject(ANN)).then([reserved()]);
    let history = given_reservation([reserved()]);
    assert_eq!(history.state().holder(), Some(ANN));
    history.when(|account| account.reserve_subject(BEA)).then_nothing();
}
