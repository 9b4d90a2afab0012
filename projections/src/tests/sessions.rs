//! Sessions.

use super::*;

fn signed_in(number: u8, expires: Timestamp, at: Option<OrganisationId>) -> Event<Sealed> {
    Event::SignedIn(SignedIn {
        session: session(number),
        expires,
        method: Method::DfeSignIn,
        organisation: at,
        organisations: vec![GREENHILL, organisation(2)],
        network: sealed("net"),
        device: sealed("device"),
    })
}

fn of_ann(world: &World) -> Vec<SessionHash> {
    world.lists.sessions_of(ANN, world.now()).map(|session| session.hash).collect()
}

#[test]
fn a_session_is_good_until_it_runs_out() {
    let mut world = World::greenhill();
    world.of(ANN, signed_in(1, hour(10), Some(GREENHILL)));
    let found = world.lists.session(session(1), hour(9)).unwrap();
    assert_eq!((found.person, found.organisation, found.began), (ANN, Some(GREENHILL), hour(3)));
    assert_eq!(found.network.slot, Slot::SignedInNetwork);
    assert_eq!(world.lists.session(session(1), hour(10)), None);
    assert_eq!(world.lists.session(session(2), hour(9)), None);
}

#[test]
fn what_has_run_out_is_dropped_as_events_time_passes() {
    let mut world = World::greenhill();
    world.of(ANN, signed_in(1, hour(5), None));
    world.of(ANN, signed_in(2, hour(50), None));
    assert!(world.lists.session(session(1), hour(3)).is_some());
    world.registered(organisation(3));
    // Whoever asks with an earlier instant finds that it is gone for good.
    assert!(world.lists.session(session(1), hour(3)).is_none());
    assert_eq!(of_ann(&world), [session(2)]);
}

#[test]
fn a_session_is_ended_by_its_own_person() {
    let mut world = World::greenhill();
    world.of(ANN, signed_in(1, hour(50), None));
    world.of(ANN, signed_in(2, hour(50), None));
    let out = |number| Event::SignedOut(SignedOut { session: session(number), how: SignOut::Elsewhere });
    world.of(BOB, out(1));
    assert_eq!(of_ann(&world), [session(1), session(2)]);
    world.of(ANN, out(1));
    assert_eq!(of_ann(&world), [session(2)]);
}

#[test]
fn choosing_an_organisation_changes_the_session_and_counts_as_coming_for_it() {
    let mut world = World::greenhill();
    world.of(ANN, signed_in(1, hour(50), None));
    assert!(world.greenhill_now().last_signed_in.is_empty());
    let choose =
        |organisation| Event::OrganisationChosen(OrganisationChosen { session: session(1), organisation });
    world.of(ANN, choose(GREENHILL));
    let chosen = world.lists.session(session(1), world.now()).unwrap();
    assert_eq!(chosen.organisation, Some(GREENHILL));
    assert_eq!(world.greenhill_now().last_signed_in.get(&ANN), Some(&world.now()));
    world.of(BOB, choose(organisation(2)));
    assert_eq!(world.lists.session(session(1), world.now()).unwrap().organisation, Some(GREENHILL));
}
