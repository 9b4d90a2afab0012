//! What has been handed to RabbitMQ and not yet confirmed.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use vouchsafe_events::{Position, Stream, Timestamp};

/// How many messages may be on their way at once. What waits beyond them waits in the log.
const MOST: usize = 256;

/// How many events may stand in the window: those on their way, those that wait for one of their stream, and those
/// behind one that is slow to be confirmed.
const MOST_ENTRIES: usize = 1024;

/// An event that was read.
#[derive(Debug)]
struct Entry {
    position: Position,
    /// When it happened.
    at: Timestamp,
    /// Where the order matters: its stream.
    stream: Option<Stream>,
    /// Since when it is on its way.
    since: Instant,
    over: bool,
}

/// The events from the first unconfirmed one on, in the order of the log. Of an organisation's or a person's stream only
/// one message is on its way at any time, so that none overtakes another, whatever RabbitMQ refuses; the others wait
/// here. What reactors note is in no order.
#[derive(Debug)]
pub(super) struct Window<T> {
    entries: VecDeque<Entry>,
    /// The number of the first entry; entries are numbered on from there.
    first: u64,
    on_their_way: usize,
    /// The streams of which a message is on its way, with those that wait for it.
    busy: HashMap<Stream, VecDeque<(u64, T)>>,
    /// Up to where everything is confirmed.
    reached: Position,
}

impl<T> Window<T> {
    /// An empty one, after a position up to which everything is confirmed.
    pub(super) fn after(reached: Position) -> Self {
        Self { entries: VecDeque::new(), first: 0, on_their_way: 0, busy: HashMap::new(), reached }
    }

    /// Up to where everything is confirmed.
    pub(super) const fn reached(&self) -> Position {
        self.reached
    }

    /// Whether all is confirmed.
    pub(super) fn is_clear(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether one more event may be read.
    pub(super) fn has_room(&self) -> bool {
        self.on_their_way < MOST && self.entries.len() < MOST_ENTRIES
    }

    /// Takes a message in. Answers it with its number if it is to go now.
    pub(super) fn enter(
        &mut self,
        position: Position,
        at: Timestamp,
        stream: Stream,
        message: T,
        now: Instant,
    ) -> Option<(u64, T)> {
        let number = self.first + self.entries.len() as u64;
        let ordered = !matches!(stream, Stream::Reactor(_));
        self.entries.push_back(Entry {
            position,
            at,
            stream: ordered.then_some(stream),
            since: now,
            over: false,
        });
        if ordered {
            if let Some(waiting) = self.busy.get_mut(&stream) {
                waiting.push_back((number, message));
                return None;
            }
            self.busy.insert(stream, VecDeque::new());
        }
        self.on_their_way += 1;
        Some((number, message))
    }

    /// Takes note of an event that is not published.
    pub(super) fn pass_over(&mut self, position: Position, at: Timestamp, now: Instant) {
        match self.entries.back_mut() {
            None => self.reached = position,
            // What follows something that is over is over with it: so many events take no more room than one.
            Some(last) if last.over => last.position = position,
            Some(_) => self.entries.push_back(Entry { position, at, stream: None, since: now, over: true }),
        }
    }

    /// Takes note that a message is confirmed. Answers the next of its stream, which is to go now.
    pub(super) fn confirm(&mut self, number: u64, now: Instant) -> Option<(u64, T)> {
        let entry = self.entry(number).filter(|entry| !entry.over)?;
        entry.over = true;
        let stream = entry.stream;
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.over) {
            self.reached = entry.position;
            self.first += 1;
        }
        let next = stream.and_then(|stream| {
            let next = self.busy.get_mut(&stream)?.pop_front();
            if next.is_none() {
                self.busy.remove(&stream);
            }
            next
        });
        match &next {
            Some((number, _)) => {
                if let Some(entry) = self.entry(*number) {
                    entry.since = now;
                }
            }
            None => self.on_their_way -= 1,
        }
        next
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(place)
    }

    /// When the first event happened that is not confirmed. None if all are.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.entries.front().map(|entry| entry.at)
    }

    /// For how long the oldest unconfirmed message has been on its way. The first in the window never waits: what it
    /// would wait for stands before it.
    pub(super) fn waited(&self, now: Instant) -> Duration {
        self.entries.front().map_or(Duration::ZERO, |entry| now.saturating_duration_since(entry.since))
    }

    /// Counts the waiting from now on.
    pub(super) fn forgive(&mut self, now: Instant) {
        for entry in &mut self.entries {
            entry.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use vouchsafe_events::{PersonId, Reactor, Uuid};

    use super::*;

    /// When events happened, where it does not matter.
    const AT: Timestamp = Timestamp::from_micros(0);

    fn person(number: u128) -> Stream {
        Stream::Person(PersonId::from_uuid(Uuid::from_u128(number)))
    }

    fn position(number: u64) -> Position {
        Position::new(number)
    }

    #[test]
    fn it_has_reached_what_is_confirmed_without_a_gap() {
        let now = Instant::now();
        let mut window = Window::after(position(10));
        let numbers: Vec<u64> = (1..=3)
            .map(|n| window.enter(position(10 + 2 * n), AT, person(n.into()), (), now).unwrap().0)
            .collect();
        assert_eq!((window.reached(), window.is_clear()), (position(10), false));
        window.confirm(numbers[1], now);
        assert_eq!(window.reached(), position(10));
        window.confirm(numbers[0], now);
        assert_eq!(window.reached(), position(14));
        // Twice is once.
        window.confirm(numbers[0], now);
        window.confirm(numbers[2], now);
        assert_eq!((window.reached(), window.is_clear(), window.on_their_way), (position(16), true, 0));
    }

    #[test]
    fn what_is_passed_over_counts_once_all_before_it_is_confirmed_and_takes_no_room() {
        let now = Instant::now();
        let mut window = Window::after(Position::START);
        window.pass_over(position(3), AT, now);
        assert_eq!(window.reached(), position(3));
        let (first, ()) = window.enter(position(4), AT, person(1), (), now).unwrap();
        for number in 5..5000 {
            window.pass_over(position(number), AT, now);
        }
        assert_eq!((window.reached(), window.entries.len()), (position(3), 2));
        let (second, ()) = window.enter(position(5000), AT, person(2), (), now).unwrap();
        window.confirm(second, now);
        assert_eq!(window.reached(), position(3));
        window.confirm(first, now);
        assert_eq!((window.reached(), window.entries.len()), (position(5000), 0));
    }

    #[test]
    fn one_message_of_a_stream_is_on_its_way_and_the_others_follow_in_order() {
        let now = Instant::now();
        let mut window = Window::after(Position::START);
        let (a, _) = window.enter(position(1), AT, person(0), "a", now).unwrap();
        assert_eq!(window.enter(position(2), AT, person(0), "b", now), None);
        let (x, _) = window.enter(position(3), AT, person(1), "x", now).unwrap();
        assert_eq!(window.enter(position(4), AT, person(0), "c", now), None);
        let (b, message) = window.confirm(a, now).unwrap();
        assert_eq!((message, window.reached(), window.on_their_way), ("b", position(1), 2));
        assert_eq!(window.confirm(x, now), None);
        let (c, message) = window.confirm(b, now).unwrap();
        assert_eq!((message, window.reached()), ("c", position(3)));
        assert_eq!(window.confirm(c, now), None);
        assert!(window.is_clear() && window.busy.is_empty() && window.on_their_way == 0);
        assert!(window.enter(position(5), AT, person(0), "d", now).is_some());
    }

    #[test]
    fn no_more_is_read_than_may_be_on_its_way_or_wait() {
        let now = Instant::now();
        let mut window = Window::after(Position::START);
        let mail = Stream::Reactor(Reactor::Mail);
        for number in 0..MOST as u64 {
            assert!(window.has_room());
            assert!(window.enter(position(number + 1), AT, mail, (), now).is_some());
        }
        assert!(!window.has_room());
        let mut window = Window::after(Position::START);
        for number in 0..MOST_ENTRIES as u64 {
            assert!(window.has_room());
            assert_eq!(window.enter(position(number + 1), AT, person(0), (), now).is_some(), number == 0);
        }
        assert!(!window.has_room());
    }

    #[test]
    fn the_oldest_says_how_long_was_waited() {
        let now = Instant::now();
        let mut window = Window::after(Position::START);
        window.enter(position(1), AT, person(0), (), now);
        window.enter(position(2), AT, person(1), (), now + Duration::from_secs(5));
        let later = now + Duration::from_secs(7);
        assert_eq!(window.waited(later), Duration::from_secs(7));
        window.forgive(later);
        assert_eq!(window.waited(later), Duration::ZERO);
        window.enter(position(3), AT, person(0), (), later);
        window.confirm(0, later + Duration::from_secs(1));
        window.confirm(1, later + Duration::from_secs(1));
        assert_eq!(window.waited(later + Duration::from_secs(4)), Duration::from_secs(3));
    }
    #[test]
    fn it_tells_when_the_first_that_is_not_confirmed_happened() {
        let (now, at) = (Instant::now(), |seconds| AT.plus_seconds(seconds));
        let mut window = Window::after(Position::START);
        window.pass_over(position(1), at(1), now);
        assert_eq!(window.oldest(), None);
        for number in 2..=4 {
            window.enter(position(number), at(number.cast_signed()), person(number.into()), (), now);
        }
        window.pass_over(position(5), at(5), now);
        for (confirmed, oldest) in [(1, Some(at(2))), (0, Some(at(4))), (2, None)] {
            window.confirm(confirmed, now);
            assert_eq!(window.oldest(), oldest, "{confirmed}");
        }
    }
}
