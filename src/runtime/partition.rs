use crate::engine::{self, Shard, ShardStats};
use crate::kafka::{Committed, NextOffset, Note, TopicPartition, Topics};
use crate::model::{Feed, FeedSet, Timestamp};
use crate::telemetry::{FeedDelay, LagReport, ShardReport, Telemetry};

/// The end is asked for once a second.
const STILL_MAX: u32 = 30;

/// What a worker holds of one partition number: its shard, and how far each input topic has been processed.
pub(super) struct Partition {
    /// The number.
    pub number: i32,
    /// State of its subscribers.
    pub shard: Shard,
    /// By topic.
    pub lanes: Vec<Lane>,
    /// Newest Kafka timestamp of the records so far, in milliseconds since 1970.
    pub newest_ms: i64,
    /// It has said something since the last commit.
    pub spoke: bool,
    /// A day is being closed.
    pub sweeping: bool,
    /// Figures last reported.
    reported: ShardStats,
}

/// How far one topic's partition has been processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    /// Offset of the next record to process.
    pub next: i64,
    /// What the group has committed.
    pub committed: Option<i64>,
    /// The transaction that committed it; empty if unknown.
    pub transaction: String,
    /// Offset behind the last record, when last asked.
    pub end: i64,
    /// Position and end when last asked, and how often in a row they were the same.
    seen: (i64, i64),
    still: u32,
    /// Kafka timestamp of the last record processed.
    pub last_ms: Option<i64>,
}

impl Lane {
    /// A lane that goes on at `next`, where the group stands.
    pub fn new(next: i64, committed: &Committed, end: i64) -> Self {
        let note = Note::parse(&committed.note);
        Self {
            next,
            committed: committed.offset,
            transaction: note.map(|note| note.transaction).unwrap_or_default(),
            end,
            seen: (next, end),
            still: 0,
            last_ms: None,
        }
    }

    /// Records not yet processed, at most.
    pub fn lag(&self) -> i64 {
        (self.end - self.next).max(0)
    }

    /// Notes where the partition ends. `reading`: what there was to read of it has been read.
    pub fn ends_at(&mut self, end: i64, reading: bool) {
        let seen = (self.next, self.end.max(end));
        let still = reading && self.seen == seen;
        self.still = if still {
            self.still.saturating_add(1)
        } else {
            0
        };
        (self.seen, self.end) = (seen, seen.1);
    }

    /// Whether records are still to come. Where compaction took the last ones, the end is never reached; what does
    /// not come for long is taken for such a gap.
    pub fn behind(&self) -> bool {
        self.lag() > 0 && self.still < STILL_MAX
    }
}

impl Partition {
    /// A partition that goes on where its lanes say, in the order of the topics.
    pub fn new(number: i32, shard: Shard, lanes: Vec<Lane>) -> Self {
        Self {
            number,
            reported: shard.stats(),
            shard,
            lanes,
            newest_ms: 0,
            spoke: false,
            sweeping: false,
        }
    }

    /// Records not yet processed, over all topics.
    pub fn lag(&self) -> i64 {
        self.lanes.iter().map(Lane::lag).sum()
    }

    /// Notes that a record was processed.
    pub fn passed(&mut self, topic: usize, offset: i64, timestamp_ms: Option<i64>) {
        if let Some(lane) = self.lanes.get_mut(topic) {
            lane.next = offset + 1;
            lane.end = lane.end.max(lane.next);
            lane.last_ms = timestamp_ms;
        }
        self.newest_ms = self.newest_ms.max(timestamp_ms.unwrap_or(0));
    }

    /// Forgets figures that were not of the live run.
    pub fn begin_reports(&mut self) {
        self.reported = self.shard.stats();
    }

    /// Reports lag and figures.
    pub fn report(&mut self, topics: &Topics, now: Timestamp, telemetry: &Telemetry) {
        for (topic, lane) in topics.iter().zip(&self.lanes) {
            let age_ms = lane
                .last_ms
                .map_or(0, |last_ms| now.0.saturating_sub(last_ms).max(0));
            let lag = LagReport {
                topic: &topic.name,
                partition: self.number,
                records: lane.lag(),
                seconds: if lane.lag() == 0 {
                    0.0
                } else {
                    age_ms as f64 / 1000.0
                },
            };
            lag.emit(telemetry);
        }
        let stats = self.shard.stats();
        let delay = |feed: Feed| {
            let watermark = stats.watermarks[feed as usize];
            (watermark > Timestamp::MIN).then(|| FeedDelay {
                feed,
                watermark_delay_seconds: stats.clock.since_ms(watermark).max(0) as f64 / 1000.0,
                outage_days: stats.outage_days[feed as usize]
                    - self.reported.outage_days[feed as usize],
            })
        };
        let report = ShardReport {
            partition: self.number,
            subscribers: stats.subscribers,
            store_bytes: stats.store_bytes,
            open_tasks: stats.open_tasks,
            rebuild_remaining_records: 0,
            days_closed: stats.day_closes - self.reported.day_closes,
            feeds: Feed::ALL.into_iter().filter_map(delay).collect(),
        };
        report.emit(telemetry);
        self.reported = stats;
    }

    /// Its part of a topic.
    pub fn at(&self, topic: usize) -> TopicPartition {
        TopicPartition {
            topic,
            partition: self.number,
        }
    }

    /// How far the inputs have been read, in the engine's terms. `fresh`: the ends are known as they are now.
    pub fn inputs(&self, topics: &Topics, fresh: bool) -> engine::Inputs {
        let behind = |topic: usize| self.lanes.get(topic).is_some_and(Lane::behind);
        let inputs = engine_inputs(topics, behind);
        engine::Inputs {
            caught_up: inputs.caught_up && fresh,
            ..inputs
        }
    }

    /// What the next transaction has to say about this partition: the offsets that moved, or any one if it only
    /// spoke, so that every transaction leaves its note with each partition it concerns.
    pub fn moved(&self) -> Vec<NextOffset> {
        let offset = |(topic, lane): (usize, &Lane)| NextOffset {
            at: TopicPartition {
                topic,
                partition: self.number,
            },
            offset: lane.next,
            newest_ms: self.newest_ms,
        };
        let lanes = self.lanes.iter().enumerate();
        let moved = lanes.filter(|(_, lane)| lane.committed != Some(lane.next));
        let mut moved: Vec<NextOffset> = moved.map(offset).collect();
        if moved.is_empty() && self.spoke {
            moved.extend(self.lanes.iter().enumerate().map(offset).next());
        }
        moved
    }

    /// Notes that everything up to here was committed by a transaction.
    pub fn settle(&mut self, transaction: &str) {
        let mut settled = self.moved();
        for next in settled.drain(..) {
            if let Some(lane) = self.lanes.get_mut(next.at.topic) {
                lane.committed = Some(next.offset);
                transaction.clone_into(&mut lane.transaction);
            }
        }
        self.spoke = false;
    }

    /// Whether the group stands exactly where this state does: nobody has processed anything for it since.
    pub fn stands_at(&self, committed: &[Committed]) -> bool {
        let settled = self.moved().is_empty();
        settled
            && committed.len() == self.lanes.len()
            && committed.iter().all(|found| {
                let note = Note::parse(&found.note).map(|note| note.transaction);
                self.lanes.get(found.at.topic).is_some_and(|lane| {
                    lane.committed == found.offset && lane.transaction == note.unwrap_or_default()
                })
            })
    }
}

/// What the engine is told when some topics have not been read to their ends.
pub(super) fn engine_inputs(topics: &Topics, behind: impl Fn(usize) -> bool) -> engine::Inputs {
    let mut inputs = engine::Inputs::default();
    for (_, topic) in topics
        .iter()
        .enumerate()
        .filter(|(index, _)| behind(*index))
    {
        inputs.caught_up = false;
        // With one topic there is nobody to fall behind.
        if topics.len() > 1 {
            let feeds = Feed::ALL
                .into_iter()
                .filter(|feed| topic.feeds.contains(*feed));
            inputs.lagging = feeds.fold(inputs.lagging, FeedSet::with);
        }
    }
    inputs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::sync::Arc;

    fn committed(topic: usize, offset: Option<i64>, note: &str) -> Committed {
        Committed {
            at: TopicPartition {
                topic,
                partition: 3,
            },
            offset,
            note: note.to_owned(),
        }
    }

    /// Two topics: one that stands at 10 of 20, one where nothing was ever committed.
    fn partition() -> Partition {
        let rules = Arc::clone(&Config::embedded().unwrap().rules);
        let note = "v1 newest_ms=5 transaction=before";
        let lanes = vec![
            Lane::new(10, &committed(0, Some(10), note), 20),
            Lane::new(0, &committed(1, None, ""), 0),
        ];
        Partition::new(3, Shard::new(rules), lanes)
    }

    fn offsets(partition: &Partition) -> Vec<(usize, i64)> {
        let moved = partition.moved().into_iter();
        moved.map(|next| (next.at.topic, next.offset)).collect()
    }

    #[test]
    fn a_transaction_names_what_moved_or_any_offset_of_what_spoke() {
        let mut partition = partition();
        assert_eq!(offsets(&partition), [(1, 0)], "not committed yet");
        partition.settle("first");
        assert_eq!(offsets(&partition), []);
        partition.passed(0, 10, Some(7));
        assert_eq!(offsets(&partition), [(0, 11)]);
        assert_eq!(partition.moved()[0].newest_ms, 7);
        partition.settle("second");
        partition.spoke = true;
        assert_eq!(offsets(&partition).len(), 1);
        partition.settle("third");
        assert_eq!(offsets(&partition), []);
    }

    #[test]
    fn parked_state_is_good_only_if_nobody_committed_since() {
        let mut partition = partition();
        let found = |first: &str, second: &str| {
            [
                committed(0, Some(10), &format!("v1 newest_ms=5 transaction={first}")),
                committed(1, Some(0), &format!("v1 newest_ms=5 transaction={second}")),
            ]
        };
        assert!(
            !partition.stands_at(&found("before", "first")),
            "it has moved itself"
        );
        partition.settle("first");
        assert!(partition.stands_at(&found("before", "first")));
        assert!(
            !partition.stands_at(&found("before", "theirs")),
            "same offset, other hand"
        );
        assert!(!partition.stands_at(&found("before", "first")[..1]));
        let mut reset = found("before", "first");
        reset[0].offset = Some(9);
        assert!(!partition.stands_at(&reset));
    }

    #[test]
    fn an_end_that_is_never_reached_stops_counting_as_a_backlog() {
        let mut lane = Lane::new(10, &committed(0, Some(10), ""), 20);
        assert!(lane.behind());
        for _ in 0..2 * STILL_MAX {
            lane.ends_at(20, false);
        }
        assert!(lane.behind(), "it was not being read");
        for _ in 0..STILL_MAX {
            lane.ends_at(20, true);
        }
        assert!(!lane.behind());
        assert_eq!(lane.lag(), 10, "what is committed stays true");
        lane.ends_at(21, true);
        assert!(lane.behind(), "something came");
    }

    #[test]
    fn a_topic_behind_its_end_holds_its_feeds_back() {
        let topics = Topics::new(&Config::embedded().unwrap());
        let inputs = engine_inputs(&topics, |_| false);
        assert_eq!(inputs, engine::Inputs::default());
        let billing = topics.of(Feed::Billing).unwrap();
        let inputs = engine_inputs(&topics, |topic| topic == billing);
        assert!(!inputs.caught_up);
        assert_eq!(inputs.lagging, FeedSet::NONE.with(Feed::Billing));
        assert!(!partition().inputs(&topics, true).caught_up);
        assert!(!partition().inputs(&topics, false).caught_up);
    }
}
