//! Who somebody is. An email, and an account at a provider, each belong to one person: their streams' first
//! events decide that, also between instances. Every step can be taken again after a crash between two.

use vouchsafe_events::{Actor, Email, Introduction, KeyedHash, PersonId, Stream};

use super::{App, Cause, Failure, Unavailable};
use crate::domain::{Decided, Organisation, Person, PersonName, Reservation};

/// How often a person is looked up anew when another instance introduces them meanwhile.
const TRIES: usize = 8;

/// A person could not be introduced.
#[derive(Debug, thiserror::Error)]
#[error("a person could not be introduced")]
pub struct IntroduceFailed(#[source] pub Unavailable);

/// Who came, as a provider describes them.
#[derive(Clone, Debug)]
pub(super) struct Account<'a> {
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
    pub(super) email: &'a Email,
    pub(super) name: Option<&'a PersonName>,
}

impl From<Failure<std::convert::Infallible>> for IntroduceFailed {
    fn from(failure: Failure<std::convert::Infallible>) -> Self {
        Self(match failure {
            Failure::Refused(never) => match never {},
            Failure::Contended => Unavailable::Contended,
            Failure::Unavailable(cause) => cause,
        })
    }
}

impl From<Unavailable> for IntroduceFailed {
    fn from(cause: Unavailable) -> Self {
        Self(cause)
    }
}

impl App {
    /// A decision that is never refused.
    async fn note<S: crate::domain::State>(
        &self,
        stream: Stream,
        cause: Cause,
        decide: impl Fn(&S) -> Decided,
    ) -> Result<(), IntroduceFailed> {
        self.decide(stream, cause, |state: &S, _| Ok(decide(state))).await.map(drop).map_err(Into::into)
    }

    async fn holder(&self, stream: Stream) -> Result<Option<PersonId>, Unavailable> {
        Ok(self.load::<Reservation>(stream).await?.0.holder())
    }

    fn fresh_person(&self) -> Result<PersonId, Unavailable> {
        Ok(PersonId::from_uuid(self.random.uuid(self.now())?))
    }

    /// The person who has this email, introduced if nobody has it.
    pub async fn introduce(
        &self,
        email: &Email,
        name: Option<&PersonName>,
        how: Introduction,
        cause: Cause,
    ) -> Result<PersonId, IntroduceFailed> {
        let hash = self.ring.hash_email(email);
        let stream = Stream::Email(hash);
        for _ in 0..TRIES {
            let Some(person) = self.holder(stream).await? else {
                let fresh = self.fresh_person()?;
                self.note(stream, cause, |state: &Reservation| state.reserve_email(fresh)).await?;
                continue;
            };
            self.note(Stream::Person(person), cause, |state: &Person| {
                state.introduce(person, email, hash, name, how)
            })
            .await?;
            return Ok(person);
        }
        Err(IntroduceFailed(Unavailable::Contended))
    }

    /// The person whose account this is: by the account first, by the email second. Email and name are
    /// brought up to date; an email that is another's is noted and changes neither record.
    pub(super) async fn identify(
        &self,
        account: &Account<'_>,
        how: Introduction,
        cause: Cause,
    ) -> Result<PersonId, IntroduceFailed> {
        let whole = format!("{}\n{}", account.issuer, account.subject);
        let hash = self.ring.hash_subject(account.issuer, account.subject);
        let stream = Stream::Subject(hash);
        for _ in 0..TRIES {
            if let Some(person) = self.holder(stream).await? {
                self.bring_up_to_date(person, account, how, cause).await?;
                self.note(Stream::Person(person), cause, |state: &Person| state.link(person, &whole, hash))
                    .await?;
                return Ok(person);
            }
            let by_email = self.introduce(account.email, account.name, how, cause).await?;
            let (found, _) = self.load::<Person>(Stream::Person(by_email)).await?;
            // An email that came with another account is no proof of being that person.
            let person = if found.is_linked() { self.fresh_person()? } else { by_email };
            self.note(stream, cause, |state: &Reservation| state.reserve_subject(person)).await?;
        }
        Err(IntroduceFailed(Unavailable::Contended))
    }

    /// The subjects by which an issuer knows a person. None are known of somebody who was erased.
    pub async fn subjects_of(&self, person: PersonId, issuer: &str) -> Result<Vec<String>, Unavailable> {
        let (known, _) = self.load::<Person>(Stream::Person(person)).await?;
        let accounts = known.accounts().map(|held| self.ring.open(held));
        let subjects = accounts.filter_map(|opened| {
            let (at, subject) = opened.text()?.split_once('\n')?;
            (at == issuer).then(|| subject.to_owned())
        });
        Ok(subjects.collect())
    }

    /// Whether nothing is known of a record but an address that support put on a list: support, and not the person who
    /// comes with it now, who would get on the list without a second agent.
    async fn is_only_listed(&self, other: PersonId, comes: PersonId) -> Result<bool, Unavailable> {
        let only = self.lists(|lists| {
            let mut places = lists.organisations_of(other).filter_map(|id| lists.organisation(id)).peekable();
            places.peek().is_some()
                && places.all(|place| {
                    place.listed.get(&other).is_some_and(|listed| listed.by != Actor::Person(comes))
                        && !place.users.contains_key(&other)
                        && !place.approvers.contains_key(&other)
                        && place.open_request_of(other).is_none()
                })
        });
        if !only {
            return Ok(false);
        }
        let (other, _) = self.load::<Person>(Stream::Person(other)).await?;
        Ok(!other.is_linked() && !other.is_staff())
    }

    /// Somebody came with an address that support put on a list before it was known to be theirs: they take the
    /// other record's places there, and the address is theirs. Each step can be taken again.
    async fn take_over(
        &self,
        person: PersonId,
        other: PersonId,
        account: &Account<'_>,
        how: Introduction,
        cause: Cause,
    ) -> Result<(), IntroduceFailed> {
        let stream = Stream::Person(person);
        let hash = self.ring.hash_email(account.email);
        self.note(stream, cause, |state: &Person| {
            state.introduce(person, account.email, hash, account.name, how)
        })
        .await?;
        let places: Vec<_> = self.lists(|lists| lists.organisations_of(other).collect());
        for place in places {
            self.note(Stream::Organisation(place), cause, |state: &Organisation| {
                state.take_place(person, other)
            })
            .await?;
        }
        let old = self.load::<Person>(stream).await?.0.email_hash();
        self.note(Stream::Email(hash), cause, |state: &Reservation| state.release_email(other)).await?;
        self.note(Stream::Email(hash), cause, |state: &Reservation| state.reserve_email(person)).await?;
        self.move_email(person, old, account.email, cause).await
    }

    /// An address that is reserved for a person becomes theirs, and others can have the `old` one. Each step can be
    /// taken again.
    pub(super) async fn move_email(
        &self,
        person: PersonId,
        old: Option<KeyedHash>,
        email: &Email,
        cause: Cause,
    ) -> Result<(), IntroduceFailed> {
        let hash = self.ring.hash_email(email);
        self.note(Stream::Person(person), cause, |state: &Person| state.change_email(person, email, hash))
            .await?;
        if let Some(old) = old.filter(|old| *old != hash) {
            self.note(Stream::Email(old), cause, |state: &Reservation| state.release_email(person)).await?;
        }
        Ok(())
    }

    async fn bring_up_to_date(
        &self,
        person: PersonId,
        account: &Account<'_>,
        how: Introduction,
        cause: Cause,
    ) -> Result<(), IntroduceFailed> {
        let stream = Stream::Person(person);
        let (known, _) = self.load::<Person>(stream).await?;
        let hash = self.ring.hash_email(account.email);
        if known.email_hash() != Some(hash) || !known.is_known() {
            let reservation = Stream::Email(hash);
            self.note(reservation, cause, |state: &Reservation| state.reserve_email(person)).await?;
            match self.holder(reservation).await? {
                Some(holder) if holder == person => {
                    self.note(stream, cause, |state: &Person| {
                        state.introduce(person, account.email, hash, account.name, how)
                    })
                    .await?;
                    self.move_email(person, known.email_hash(), account.email, cause).await?;
                }
                Some(other) if self.is_only_listed(other, person).await? => {
                    self.take_over(person, other, account, how, cause).await?;
                }
                Some(other) => {
                    self.note(stream, cause, |state: &Person| {
                        let mut decided = state.introduce(person, account.email, hash, account.name, how);
                        decided.extend(state.note_held_email(person, account.email, other));
                        decided
                    })
                    .await?;
                }
                None => return Err(IntroduceFailed(Unavailable::Contended)),
            }
        } else {
            let reservation = Stream::Email(hash);
            let mut holder = self.holder(reservation).await?;
            if holder != Some(person) {
                // Introduced with an email that is another's: if that other has let it go, it becomes theirs now.
                self.note(reservation, cause, |state: &Reservation| state.reserve_email(person)).await?;
                holder = self.holder(reservation).await?;
            }
            if holder == Some(person) {
                self.note(stream, cause, |state: &Person| state.confirm_email(person, account.email, hash))
                    .await?;
            }
        }
        if let Some(name) = account.name {
            let shown = known.name().map(|held| self.show(held));
            if known.is_known() && shown.as_deref() != Some(name.as_str()) {
                self.note(stream, cause, |state: &Person| state.rename(person, name)).await?;
            }
        }
        Ok(())
    }
}
