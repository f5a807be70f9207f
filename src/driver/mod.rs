//! From the bytes of a record to the engine's effects: decode, apply, sweep, finish, count.
//!
//! [`read`] and [`apply`] are the steps for one record and one shard. `run` uses them directly, because it slices its
//! sweeps and journals every step. [`Driver`] has the shards of all partitions and sweeps to the end after every
//! record. Everything that runs without Kafka uses it: `detect`, `backtest`, `calibrate` and `rehearse`.
//!
//! Like the engine, it reads no clock and no file, and the same calls give the same effects.

use crate::decode::{Decoded, Decoder, FieldFaults, Form, Scratch};
use crate::engine::{LineDay, Rules, Shard};
use crate::model::{Counts, Effect, Feed, GroupRecord, Inputs, Outcome, Reject, Source, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the value of a record says; nothing if it is a tombstone, or its layout skips it.
pub type Reading<'a> = Result<Option<Decoded<'a>>, Reject>;

/// Reads the value of a record of some form.
///
/// # Errors
/// Why the record must be dead-lettered.
pub fn read<'a>(
    decoder: &Decoder,
    form: &Form,
    value: Option<&'a [u8]>,
    scratch: &'a mut Scratch,
) -> Reading<'a> {
    match value {
        Some(bytes) => decoder.decode_as(form, bytes, scratch),
        None => Ok(None),
    }
}

/// The feed that a record says it belongs to.
pub fn feed_of(reading: &Reading<'_>) -> Option<Feed> {
    let decoded = reading.as_ref().ok()?.as_ref();
    decoded.map(Decoded::feed)
}

/// The fields of a record that could not be used, though the record can.
pub fn field_faults_of(reading: &Reading<'_>) -> FieldFaults {
    match reading {
        Ok(Some(Decoded::Event(_, faults))) => *faults,
        _ => FieldFaults::default(),
    }
}

/// Applies one record to one shard and appends the effects.
pub fn apply(
    shard: &mut Shard,
    reading: &Reading<'_>,
    source: &Source,
    effects: &mut Vec<Effect>,
) -> Outcome {
    let outcome = match reading {
        Ok(Some(Decoded::Event(event, _))) => return shard.apply(event, source, effects),
        Ok(Some(Decoded::Progress {
            feed,
            complete_until,
        })) => return shard.progress(*feed, *complete_until, effects),
        Ok(None) => Outcome::Ignored,
        Err(reject) => Outcome::Rejected(reject.clone()),
    };
    shard.count(&outcome);
    outcome
}

/// Chooses the partition of a key among so many.
pub type Partitioner = fn(&[u8], i32) -> i32;

/// One set of rules at work on a stream of records: a shard for each partition.
pub struct Driver {
    partitions: Vec<Partition>,
    partitioner: Partitioner,
    now: Timestamp,
    counts: Counts,
    /// Records that shards have told each other.
    told: i64,
}

/// A shard, and the time that it was last told.
struct Partition {
    shard: Shard,
    now: Timestamp,
}

impl Driver {
    /// Empty shards, each with its share of the budget.
    pub fn new(rules: &Arc<Rules>, partitions: i32, partitioner: Partitioner) -> Self {
        let partitions = partitions.max(1);
        let partition = |number| {
            let mut shard = Shard::new(Arc::clone(rules));
            shard.share_budget(number, partitions);
            Partition {
                shard,
                now: Timestamp::MIN,
            }
        };
        Self {
            partitions: (0..partitions).map(partition).collect(),
            partitioner,
            now: Timestamp::MIN,
            counts: Counts::default(),
            told: 0,
        }
    }

    /// Sets the real time. Each shard is told it just before its next record.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// The partition of a subscriber's event. Other records belong to no partition: a statement of progress goes to all.
    pub fn partition_of(&self, reading: &Reading<'_>) -> Option<i32> {
        let Ok(Some(Decoded::Event(event, _))) = reading else {
            return None;
        };
        let partitions = self.partitions.len() as i32;
        Some((self.partitioner)(event.key(), partitions))
    }

    /// Applies one record, which lies in the partition that `source` names, and appends the effects.
    pub fn apply(
        &mut self,
        reading: &Reading<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        if let Ok(Some(Decoded::Progress {
            feed,
            complete_until,
        })) = reading
        {
            return self.progress(&[*feed], *complete_until, effects);
        }
        let now = self.now;
        let index = source.partition.unsigned_abs() as usize;
        let before = effects.len();
        let outcome = match self.partitions.get_mut(index) {
            Some(partition) => partition.step(now, effects, |shard, effects| {
                apply(shard, reading, source, effects)
            }),
            None => Outcome::Ignored,
        };
        self.counts.count(&outcome);
        self.hand_over(before, effects);
        outcome
    }

    /// Tells every shard that these feeds are complete up to a moment: one record, whatever the number of feeds.
    pub fn progress(
        &mut self,
        feeds: &[Feed],
        complete_until: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let mut outcome = None;
        let before = effects.len();
        for partition in &mut self.partitions {
            for feed in feeds {
                let of_shard = partition.step(self.now, effects, |shard, effects| {
                    shard.progress(*feed, complete_until, effects)
                });
                // It is refused only where no shard can make anything of it.
                outcome = outcome
                    .filter(|known| *known == Outcome::Ignored)
                    .or(Some(of_shard));
            }
        }
        let outcome = outcome.unwrap_or(Outcome::Ignored);
        self.counts.count(&outcome);
        self.hand_over(before, effects);
        outcome
    }

    /// Shows shards what others tell them among the effects from a place on, and what these tell in turn, in order and at once.
    fn hand_over(&mut self, before: usize, effects: &mut Vec<Effect>) {
        let mut told: VecDeque<GroupRecord> = take_told(before, effects).into();
        while let Some(record) = told.pop_front() {
            let partitions = self.partitions.len() as i32;
            let meant = record
                .partition
                .and_then(|number| i32::try_from(number).ok());
            let number =
                meant.unwrap_or_else(|| (self.partitioner)(record.event.key(), partitions));
            let source = Source {
                topic: Feed::Group.name().into(),
                partition: number,
                offset: self.told,
            };
            self.told += 1;
            let before = effects.len();
            if let Some(partition) = self.partitions.get_mut(number.unsigned_abs() as usize) {
                partition.step(self.now, effects, |shard, effects| {
                    shard.apply(&record.event, &source, effects)
                });
            }
            told.extend(take_told(before, effects));
        }
    }

    /// Closes every day up to the last event's.
    pub fn finish(&mut self, effects: &mut Vec<Effect>) {
        let before = effects.len();
        for partition in &mut self.partitions {
            partition.shard.finish(effects);
        }
        self.hand_over(before, effects);
    }

    /// Keeps what each closed day says of every line, from now on.
    pub fn keep_line_days(&mut self) {
        for partition in &mut self.partitions {
            partition.shard.keep_line_days();
        }
    }

    /// What closed days said of lines since the last call.
    pub fn take_line_days(&mut self) -> impl Iterator<Item = LineDay> {
        let shards = self.partitions.iter_mut();
        shards.flat_map(|partition| partition.shard.take_line_days())
    }

    /// What became of the records.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The shards in the order of their partitions.
    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.partitions.iter().map(|partition| &partition.shard)
    }
}

/// Takes out what is for other shards among the effects from a place on.
fn take_told(before: usize, effects: &mut Vec<Effect>) -> Vec<GroupRecord> {
    let told = effects.extract_if(before.., |effect| matches!(effect, Effect::Group(_)));
    let records = told.filter_map(|effect| match effect {
        Effect::Group(record) => Some(*record),
        _ => None,
    });
    records.collect()
}

impl Partition {
    /// Tells the shard the time, does one thing to it, and visits every subscriber if a day close has begun.
    fn step(
        &mut self,
        now: Timestamp,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Shard, &mut Vec<Effect>) -> Outcome,
    ) -> Outcome {
        if self.now < now {
            self.now = now;
            self.shard.tick(now, Inputs::default(), effects);
        }
        let outcome = act(&mut self.shard, effects);
        self.shard.sweep(usize::MAX, effects);
        outcome
    }
}
