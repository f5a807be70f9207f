use crate::engine::{self, Shard, ShardStats};
use crate::kafka::{TopicPartition, Topics};
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
    pub fn new(next: i64, committed: Option<i64>, end: i64) -> Self {
        Self {
            next,
            committed,
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
    pub fn moved(&self) -> Vec<(TopicPartition, i64)> {
        let offset = |(topic, lane): (usize, &Lane)| (self.at(topic), lane.next);
        let lanes = self.lanes.iter().enumerate();
        let moved = lanes.filter(|(_, lane)| lane.committed != Some(lane.next));
        let mut moved: Vec<(TopicPartition, i64)> = moved.map(offset).collect();
        if moved.is_empty() && self.spoke {
            moved.extend(self.lanes.iter().enumerate().map(offset).next());
        }
        moved
    }

    /// Notes that everything up to here was committed by a transaction.
    pub fn settle(&mut self) {
        let mut settled = self.moved();
        for (at, next) in settled.drain(..) {
            if let Some(lane) = self.lanes.get_mut(at.topic) {
                lane.committed = Some(next);
            }
        }
        self.spoke = false;
    }

    /// Whether the group stands exactly where this state does: nobody has processed anything for it since.
    pub fn stands_at(&self, committed: &[(TopicPartition, Option<i64>)]) -> bool {
        let settled = self.moved().is_empty();
        settled
            && committed.len() == self.lanes.len()
            && committed.iter().all(|(at, offset)| {
                self.lanes
                    .get(at.topic)
                    .is_some_and(|lane| lane.committed == *offset)
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
