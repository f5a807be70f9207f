//! While a partition catches up, its topics are read as one: in the order of their records' times (behaviour: Clock and
//! watermarks). Each at its own pace, small topics would run weeks ahead of the call detail.

use super::PartitionPosition;
use crate::kafka::StoredRecord;
use crate::model::Timestamp;
use std::collections::VecDeque;

/// Records held of a topic before it is paused. It goes on when half of them are left.
const HELD_RECORDS: usize = 1_024;
/// The same for their bytes.
const HELD_BYTES: usize = 1 << 20;
/// A topic that has more, but gives nothing for this long, is not waited for.
const PATIENCE_MS: i64 = 30_000;
/// Records behind a topic's first that show whether its clock is wrong.
const WITNESSES: usize = 4;

/// What a partition holds back of topics that are ahead of others.
#[derive(Debug, Default)]
pub struct Alignment {
    topics: Vec<Ahead>,
    now: Timestamp,
}

/// What is held of one topic.
#[derive(Debug)]
struct Ahead {
    held: VecDeque<Held>,
    bytes: usize,
    paused: bool,
    /// When something was last held of it, or it was at its end.
    moved: Timestamp,
}

/// A record that waits.
#[derive(Debug)]
pub struct Held {
    /// Its offset.
    pub offset: i64,
    /// Its bytes.
    pub record: StoredRecord,
    /// When what it tells of happened; of records that cannot be read nobody knows.
    at: Option<Timestamp>,
}

impl Alignment {
    /// Nothing is held of any topic yet.
    pub fn new(topics: usize) -> Self {
        let nothing = || Ahead {
            held: VecDeque::new(),
            bytes: 0,
            paused: false,
            moved: Timestamp::MIN,
        };
        Self {
            topics: std::iter::repeat_with(nothing).take(topics).collect(),
            now: Timestamp::MIN,
        }
    }

    /// Notes the time.
    pub fn tick(&mut self, now: Timestamp, positions: &[PartitionPosition]) {
        self.now = self.now.max(now);
        for (ahead, position) in self.topics.iter_mut().zip(positions) {
            let first = ahead.moved == Timestamp::MIN;
            if first || !position.behind() || !ahead.held.is_empty() {
                ahead.moved = self.now;
            }
        }
    }

    /// Notes that a topic gives records.
    pub fn moves(&mut self, topic: usize) {
        if let Some(ahead) = self.topics.get_mut(topic) {
            ahead.moved = self.now;
        }
    }

    /// Whether a topic has more, but has given nothing for long.
    pub fn stalled(&self, topic: usize) -> bool {
        let ahead = self.topics.get(topic);
        ahead.is_some_and(|ahead| self.now.since_ms(ahead.moved) > PATIENCE_MS)
    }

    /// Whether anything is held of a topic.
    pub fn holds(&self, topic: usize) -> bool {
        let ahead = self.topics.get(topic);
        ahead.is_some_and(|ahead| !ahead.held.is_empty())
    }

    /// Whether the next record of a topic must wait for older ones of others, or behind its own.
    pub fn must_wait(
        &self,
        topic: usize,
        at: Option<Timestamp>,
        positions: &[PartitionPosition],
    ) -> bool {
        let at = at.map(|at| at.min(self.now));
        self.holds(topic) || at.is_some_and(|at| self.older_may_come(topic, at, positions))
    }

    /// Holds a record back.
    pub fn hold(&mut self, topic: usize, offset: i64, at: Option<Timestamp>, record: StoredRecord) {
        // What claims to come from the future comes last.
        let at = at.map(|at| at.min(self.now));
        if let Some(ahead) = self.topics.get_mut(topic) {
            ahead.bytes += record.bytes();
            ahead.held.push_back(Held { offset, record, at });
        }
    }

    /// Offset of the last record held of a topic.
    pub fn last_offset(&self, topic: usize) -> Option<i64> {
        let last = self.topics.get(topic)?.held.back();
        last.map(|held| held.offset)
    }

    /// Takes out the oldest record that is held, if no older one can come from elsewhere.
    pub fn next(&mut self, positions: &[PartitionPosition]) -> Option<(usize, Held)> {
        let fronts = self.topics.iter().enumerate();
        let fronts = fronts.filter_map(|(topic, ahead)| Some((ahead.front()?, topic)));
        let (at, topic) = fronts.min()?;
        if self.older_may_come(topic, at, positions) {
            return None;
        }
        let ahead = self.topics.get_mut(topic)?;
        let held = ahead.held.pop_front()?;
        ahead.bytes -= held.record.bytes();
        Some((topic, held))
    }

    /// Which topics the client should stop or go on fetching from now on.
    pub fn turns(&mut self) -> impl Iterator<Item = (usize, Turn)> {
        let topics = self.topics.iter_mut().enumerate();
        topics.filter_map(|(topic, ahead)| ahead.turn().map(|turn| (topic, turn)))
    }

    /// Drops what is held: it will be read again.
    pub fn clear(&mut self) {
        *self = Self::new(self.topics.len());
    }

    /// Whether another topic has something older than a time, or may have and has not been seen yet. Nothing is older than
    /// an unknown time.
    fn older_may_come(&self, topic: usize, at: Timestamp, positions: &[PartitionPosition]) -> bool {
        if at == Timestamp::MIN {
            return false;
        }
        let others = self.topics.iter().zip(positions).enumerate();
        let mut others = others.filter(|(other, _)| *other != topic);
        others.any(|(other, (ahead, position))| match ahead.front() {
            Some(front) => front < at,
            None => position.behind() && !self.stalled(other),
        })
    }
}

/// What the client should do with a topic's partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Stop fetching.
    Pause,
    /// Go on.
    Resume,
}

impl Ahead {
    /// The time of the next record. A wrong clock must not make its whole topic wait: if two of those right behind are older,
    /// their time counts. Records without a time say nothing about that.
    fn front(&self) -> Option<Timestamp> {
        let Some(first) = self.held.front()?.at else {
            return Some(Timestamp::MIN);
        };
        let behind = self.held.iter().skip(1).filter_map(|held| held.at);
        let behind = behind.take(WITNESSES);
        let mut lowest = [first; 2];
        for at in behind {
            if at < lowest[0] {
                lowest = [at, lowest[0]];
            } else if at < lowest[1] {
                lowest[1] = at;
            }
        }
        Some(lowest[1])
    }

    fn turn(&mut self) -> Option<Turn> {
        let full =
            |part: usize| self.held.len() >= HELD_RECORDS / part || self.bytes >= HELD_BYTES / part;
        let turn = match self.paused {
            false => full(1).then_some(Turn::Pause),
            true => (!full(2)).then_some(Turn::Resume),
        };
        self.paused ^= turn.is_some();
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A partition of as many topics as there are counts of records still to come.
    fn alignment(to_come: &[i64]) -> (Alignment, Vec<PartitionPosition>) {
        let positions = to_come
            .iter()
            .map(|end| PartitionPosition::new(0, None, *end));
        let positions: Vec<_> = positions.collect();
        let mut alignment = Alignment::new(to_come.len());
        alignment.tick(Timestamp(1_000_000), &positions);
        (alignment, positions)
    }

    fn hold(alignment: &mut Alignment, topic: usize, times: &[i64]) {
        for (offset, at) in (0..).zip(times) {
            alignment.hold(topic, offset, Some(Timestamp(*at)), StoredRecord::default());
        }
    }

    fn order(alignment: &mut Alignment, positions: &[PartitionPosition]) -> Vec<(usize, i64)> {
        std::iter::from_fn(|| alignment.next(positions))
            .map(|(topic, held)| (topic, held.offset))
            .collect()
    }

    #[test]
    fn records_of_all_topics_come_in_the_order_of_their_times() {
        let (mut alignment, positions) = alignment(&[3, 2, 0]);
        hold(&mut alignment, 1, &[20, 40]);
        assert!(
            alignment.must_wait(1, Some(Timestamp(50)), &positions),
            "behind its own"
        );
        assert!(
            order(&mut alignment, &positions).is_empty(),
            "topic 0 may have older ones"
        );
        assert!(!alignment.must_wait(0, Some(Timestamp(20)), &positions));
        assert!(alignment.must_wait(0, Some(Timestamp(21)), &positions));
        hold(&mut alignment, 0, &[10, 30, 50]);
        let expected = [(0, 0), (1, 0), (0, 1), (1, 1)];
        assert_eq!(
            order(&mut alignment, &positions),
            expected,
            "topic 1 may have more"
        );
    }

    #[test]
    fn a_wrong_clock_does_not_hold_its_topic_back() {
        let (mut alignment, positions) = alignment(&[5, 5]);
        hold(&mut alignment, 0, &[90_000, 11, 12, 13, 14]);
        hold(&mut alignment, 1, &[10, 20]);
        let expected = [(1, 0), (0, 0), (0, 1), (0, 2), (0, 3), (0, 4)];
        assert_eq!(order(&mut alignment, &positions), expected);
    }

    #[test]
    fn what_claims_to_come_from_the_future_comes_last() {
        let (mut alignment, positions) = alignment(&[0, 5]);
        assert!(alignment.must_wait(0, Some(Timestamp(1_000_001)), &positions));
        hold(&mut alignment, 0, &[1_000_001]);
        hold(&mut alignment, 1, &[1_000_000, 1_000_009]);
        let expected = [(0, 0), (1, 0), (1, 1)];
        assert_eq!(
            order(&mut alignment, &positions),
            expected,
            "all are of now"
        );
    }

    #[test]
    fn records_without_a_time_do_not_let_those_before_them_pass() {
        let (mut alignment, positions) = alignment(&[5, 5]);
        hold(&mut alignment, 0, &[900_000, 900_001]);
        for offset in 2..5 {
            alignment.hold(0, offset, None, StoredRecord::default());
        }
        hold(&mut alignment, 1, &[10, 20]);
        assert_eq!(order(&mut alignment, &positions), [(1, 0), (1, 1)]);
    }

    #[test]
    fn a_topic_that_gives_nothing_is_not_waited_for_for_ever() {
        let (mut alignment, positions) = alignment(&[5, 5]);
        hold(&mut alignment, 0, &[10]);
        alignment.tick(Timestamp(1_000_000 + PATIENCE_MS), &positions);
        assert_eq!(order(&mut alignment, &positions), []);
        alignment.tick(Timestamp(1_000_001 + PATIENCE_MS), &positions);
        assert!(alignment.stalled(1) && !alignment.stalled(0));
        assert_eq!(order(&mut alignment, &positions), [(0, 0)]);
    }

    #[test]
    fn a_topic_is_paused_while_much_of_it_is_held() {
        let (mut alignment, positions) = alignment(&[5, 0]);
        hold(&mut alignment, 1, &[10; HELD_RECORDS - 1]);
        assert_eq!(alignment.turns().count(), 0);
        hold(&mut alignment, 1, &[10]);
        assert_eq!(alignment.turns().collect::<Vec<_>>(), [(1, Turn::Pause)]);
        assert_eq!(alignment.turns().count(), 0);
        alignment.tick(Timestamp(1_000_001 + PATIENCE_MS), &positions);
        for _ in 0..HELD_RECORDS / 2 {
            assert_eq!(alignment.turns().count(), 0);
            assert!(alignment.next(&positions).is_some());
        }
        assert!(alignment.next(&positions).is_some());
        assert_eq!(alignment.turns().collect::<Vec<_>>(), [(1, Turn::Resume)]);
    }
}
