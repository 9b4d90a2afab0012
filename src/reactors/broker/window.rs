//! What has been handed to RabbitMQ and not yet confirmed.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use vouchsafe_events::{Position, Stream};

/// How many messages may be unconfirmed at once. What waits beyond them waits in the log.
const MOST: usize = 256;

/// How many events may stand in the window, if the first of them is slow to be confirmed.
const MOST_ENTRIES: usize = 4096;

/// An event that was read: published, or passed over.
#[derive(Debug)]
struct Entry {
    position: Position,
    stream: Option<Stream>,
    since: Instant,
    over: bool,
}

/// The events from the first unconfirmed one on, in the order of the log.
#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    /// The number of the first entry; entries are numbered on from there.
    first: u64,
    unconfirmed: usize,
    /// The streams of which a message is unconfirmed.
    busy: HashSet<Stream>,
    /// Up to where everything is confirmed.
    reached: Position,
}

impl Window {
    /// An empty one, after a position up to which everything is confirmed.
    pub(super) fn after(reached: Position) -> Self {
        Self { entries: VecDeque::new(), first: 0, unconfirmed: 0, busy: HashSet::new(), reached }
    }

    /// Up to where everything is confirmed.
    pub(super) const fn reached(&self) -> Position {
        self.reached
    }

    /// Whether all is confirmed.
    pub(super) const fn is_clear(&self) -> bool {
        self.unconfirmed == 0
    }

    /// Whether a message of this stream may go now. Of an organisation's or a person's stream only one is on its way at
    /// any time, so that none overtakes another, whatever RabbitMQ refuses. What reactors note is in no order.
    pub(super) fn has_room_for(&self, stream: Stream) -> bool {
        self.unconfirmed < MOST && self.entries.len() < MOST_ENTRIES && !self.busy.contains(&stream)
    }

    /// Takes note of a message that goes now; answers its number.
    pub(super) fn enter(&mut self, position: Position, stream: Stream, now: Instant) -> u64 {
        let ordered = !matches!(stream, Stream::Reactor(_));
        if ordered {
            self.busy.insert(stream);
        }
        self.unconfirmed += 1;
        let stream = ordered.then_some(stream);
        self.entries.push_back(Entry { position, stream, since: now, over: false });
        self.first + self.entries.len() as u64 - 1
    }

    /// Takes note of an event that is not published.
    pub(super) fn pass_over(&mut self, position: Position, now: Instant) {
        match self.entries.back_mut() {
            None => self.reached = position,
            // What follows something that is over is over with it: so many events take no more room than one.
            Some(last) if last.over => last.position = position,
            Some(_) => self.entries.push_back(Entry { position, stream: None, since: now, over: true }),
        }
    }

    /// Takes note that a message is confirmed.
    pub(super) fn confirm(&mut self, number: u64) {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let Some(entry) = place.and_then(|place| self.entries.get_mut(place)).filter(|entry| !entry.over)
        else {
            return;
        };
        entry.over = true;
        if let Some(stream) = entry.stream.take() {
            self.busy.remove(&stream);
        }
        self.unconfirmed -= 1;
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.over) {
            self.reached = entry.position;
            self.first += 1;
        }
    }

    /// For how long the oldest unconfirmed message has been on its way.
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

    fn person(number: u128) -> Stream {
        Stream::Person(PersonId::from_uuid(Uuid::from_u128(number)))
    }

    #[test]
    fn it_has_reached_what_is_confirmed_without_a_gap() {
        let now = Instant::now();
        let mut window = Window::after(Position::new(10));
        let numbers: Vec<u64> =
            (1..=3).map(|n| window.enter(Position::new(10 + 2 * n), person(n.into()), now)).collect();
        assert_eq!((window.reached(), window.is_clear()), (Position::new(10), false));
        window.confirm(numbers[1]);
        assert_eq!(window.reached(), Position::new(10));
        window.confirm(numbers[0]);
        assert_eq!(window.reached(), Position::new(14));
        // Twice is once.
        window.confirm(numbers[0]);
        window.confirm(numbers[2]);
        assert_eq!((window.reached(), window.is_clear()), (Position::new(16), true));
    }

    #[test]
    fn what_is_passed_over_counts_once_all_before_it_is_confirmed_and_takes_no_room() {
        let now = Instant::now();
        let mut window = Window::after(Position::START);
        window.pass_over(Position::new(3), now);
        assert_eq!(window.reached(), Position::new(3));
        let first = window.enter(Position::new(4), person(1), now);
        for position in 5..5000 {
            window.pass_over(Position::new(position), now);
        }
        assert_eq!((window.reached(), window.entries.len()), (Position::new(3), 2));
        let second = window.enter(Position::new(5000), person(2), now);
        window.confirm(second);
        assert_eq!(window.reached(), Position::new(3));
        window.confirm(first);
        assert_eq!((window.reached(), window.entries.len()), (Position::new(5000), 0));
    }

    #[test]
    fn one_message_of_a_stream_is_on_its_way_and_no_more_than_fit() {
        let now = Instant::now();
        let mut window = Window::after(Position::START);
        let first = window.enter(Position::new(1), person(0), now);
        assert!(!window.has_room_for(person(0)) && window.has_room_for(person(1)));
        window.confirm(first);
        assert!(window.has_room_for(person(0)));
        let mail = Stream::Reactor(Reactor::Mail);
        for position in 2..2 + MOST as u64 {
            assert!(window.has_room_for(mail));
            window.enter(Position::new(position), mail, now);
        }
        assert!(!window.has_room_for(mail) && !window.has_room_for(person(0)));
    }

    #[test]
    fn the_oldest_says_how_long_was_waited() {
        let now = Instant::now();
        let mut window = Window::after(Position::START);
        window.enter(Position::new(1), person(0), now);
        window.enter(Position::new(2), person(1), now + Duration::from_secs(5));
        let later = now + Duration::from_secs(7);
        assert_eq!(window.waited(later), Duration::from_secs(7));
        window.forgive(later);
        assert_eq!(window.waited(later), Duration::ZERO);
    }
}
