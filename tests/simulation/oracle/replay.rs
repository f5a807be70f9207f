//! What follows from a partition's journal and its input, by a fresh shard that knows nothing else.

use super::OutputOracle;
use super::books::Books;
use crate::log::Txn;
use crate::world::World;
use churnwatch::config::Ruleset;
use churnwatch::decode;
use churnwatch::encode::{Encoder, Kind, Original, Outgoing};
use churnwatch::engine::Shard;
use churnwatch::journal::{Epoch, Run, Step};
use churnwatch::kafka::{StoredRecord, TopicPartition};
use churnwatch::model::{Counts, Effect, FeedSet, Outcome, Reject, Source};
use std::sync::Arc;

/// A record that must lie in the output.
pub struct ExpectedRecord {
    pub topic: String,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The partition of the subscriber who is told, if this is what a group's shard tells.
    pub meant: Option<u32>,
}

/// What a partition came to.
pub struct Replay {
    /// Of each transaction the records due, in order.
    pub due: Vec<(Txn, Vec<ExpectedRecord>)>,
    pub counts: Counts,
    pub epochs: u64,
}

/// Rules in force, and the shard under them.
pub struct ReplayShard<'j> {
    oracle: &'j OutputOracle,
    pub shard: Shard,
    ruleset: Ruleset,
    encoder: Encoder,
    effects: Vec<Effect>,
}

/// Replays a partition.
pub fn replay(
    oracle: &OutputOracle,
    world: &World,
    partition: i32,
    books: &Books,
) -> Result<Replay, String> {
    let mut shard_under_rules: Option<ReplayShard<'_>> = None;
    let mut replay = Replay {
        due: Vec::new(),
        counts: Counts::default(),
        epochs: 0,
    };
    for (transaction, entry) in &books.entries {
        let mut due = Vec::new();
        for step in &entry.steps {
            if let Step::Epoch(epoch) = step {
                replay.epochs += 1;
                check_epoch(world, epoch)?;
                shard_under_rules = Some(match shard_under_rules.take() {
                    Some(shard_under_rules) => shard_under_rules.adopt(epoch)?,
                    None => {
                        let mut begun = ReplayShard::new(oracle, epoch)?;
                        // What members tell their group names their partition.
                        begun.shard.share_budget(partition, 1);
                        begun
                    }
                });
                continue;
            }
            let shard_under_rules = shard_under_rules
                .as_mut()
                .ok_or_else(|| format!("entry {} comes before any rules", entry.seq))?;
            match step {
                Step::Run(run) => shard_under_rules.run(world, partition, run, &mut due),
                Step::Tick { now, inputs } => {
                    shard_under_rules
                        .shard
                        .tick(*now, *inputs, &mut shard_under_rules.effects);
                    shard_under_rules.speak(&mut due);
                }
                Step::Sweep { subscribers } => {
                    shard_under_rules
                        .shard
                        .sweep(*subscribers as usize, &mut shard_under_rules.effects);
                    shard_under_rules.speak(&mut due);
                }
                Step::Epoch(_) => {}
            }
        }
        if due.len() != entry.output_digest.records as usize {
            let (seq, stated) = (entry.seq, entry.output_digest.records);
            return Err(format!(
                "entry {seq} states {stated} records of output, not {}",
                due.len()
            ));
        }
        replay.due.push((*transaction, due));
    }
    if let Some(shard_under_rules) = shard_under_rules {
        replay.counts = *shard_under_rules.shard.counts();
    }
    if !replay.counts.conserved() {
        return Err(format!("records are not conserved: {:?}", replay.counts));
    }
    Ok(replay)
}

fn check_epoch(world: &World, epoch: &Epoch) -> Result<(), String> {
    let mut stated = epoch.topics.iter().zip(world.topics.iter());
    let same = stated.all(|(stated, topic)| stated.split(' ').next() == Some(&*topic.name));
    if !same || epoch.topics.len() != world.topics.len() {
        return Err(format!("an epoch of the topics {:?}", epoch.topics));
    }
    Ok(())
}

impl<'j> ReplayShard<'j> {
    pub fn new(oracle: &'j OutputOracle, epoch: &Epoch) -> Result<Self, String> {
        let ruleset = oracle.ruleset(&epoch.ruleset)?;
        Ok(Self::under(oracle, ruleset, &epoch.group))
    }

    /// An empty shard under rules.
    pub fn under(oracle: &'j OutputOracle, ruleset: Ruleset, group: &str) -> Self {
        let source = format!("{}/{group}", Encoder::SOURCE_DEFAULT);
        Self {
            oracle,
            shard: Shard::new(Arc::clone(&ruleset.rules)),
            encoder: Encoder::new(
                ruleset.rules.calendar.clone(),
                source,
                ruleset.rules.words(),
            ),
            ruleset,
            effects: Vec::new(),
        }
    }

    fn adopt(mut self, epoch: &Epoch) -> Result<Self, String> {
        let fresh = Self::new(self.oracle, epoch)?;
        self.shard.adopt(Arc::clone(&fresh.ruleset.rules));
        Ok(Self {
            shard: self.shard,
            ..fresh
        })
    }

    /// Applies the records of a run.
    fn run(&mut self, world: &World, partition: i32, run: &Run, due: &mut Vec<ExpectedRecord>) {
        let at = TopicPartition {
            topic: run.topic.into(),
            partition,
        };
        for offset in run.from..run.to {
            if let Some(record) = world.logs[&at].visible(offset) {
                self.apply(world, at, offset, record, due);
            }
        }
    }

    /// Applies a record.
    pub fn apply(
        &mut self,
        world: &World,
        at: TopicPartition,
        offset: i64,
        record: &StoredRecord,
        due: &mut Vec<ExpectedRecord>,
    ) {
        let topic = world.topics.get(at.topic).unwrap();
        let source = Source {
            topic: Arc::clone(&topic.name),
            partition: at.partition,
            offset,
        };
        let outcome = match self.decode(record, topic.feeds) {
            Ok(Some(decode::Decoded::Event(event, _))) => {
                self.shard.apply(&event, &source, &mut self.effects)
            }
            Ok(Some(decode::Decoded::Progress {
                feed,
                complete_until,
            })) => self.shard.progress(feed, complete_until, &mut self.effects),
            Ok(None) => self.count(Outcome::Ignored),
            Err(reject) => self.count(Outcome::Rejected(reject)),
        };
        if let Outcome::Rejected(reject) = &outcome {
            let headers = record.headers.iter();
            let headers: Vec<_> = headers
                .map(|(name, value)| (&**name, value.as_deref()))
                .collect();
            let original = Original {
                source: &source,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: &headers,
            };
            let outgoing = self.encoder.dead_letter(&original, reject);
            due.push(ExpectedRecord::new(&self.oracle.dead_letters, outgoing));
        }
        self.speak(due);
    }

    fn decode<'a>(
        &self,
        record: &'a StoredRecord,
        feeds: FeedSet,
    ) -> Result<Option<decode::Decoded<'a>>, Reject> {
        let Some(value) = &record.value else {
            return Ok(None);
        };
        let decoded = self.ruleset.decoder.decode(value)?;
        let (feed, event) = match &decoded {
            decode::Decoded::Event(event, _) => (event.body.feed(), Some(event)),
            decode::Decoded::Progress { feed, .. } => (*feed, None),
        };
        if !feeds.contains(feed) {
            return Err(Reject::WrongFeed);
        }
        if let Some(event) = event {
            self.ruleset
                .decoder
                .check_key_of(record.key.as_deref(), event)?;
        }
        Ok(Some(decoded))
    }

    fn count(&mut self, outcome: Outcome) -> Outcome {
        self.shard.count(&outcome);
        outcome
    }

    /// Goes on with the closing of days to its end.
    pub fn sweep(&mut self, due: &mut Vec<ExpectedRecord>) {
        self.shard.sweep(usize::MAX, &mut self.effects);
        self.speak(due);
    }

    fn speak(&mut self, due: &mut Vec<ExpectedRecord>) {
        for effect in self.effects.drain(..) {
            let OutputOracle {
                tasks,
                signals,
                shadow_signals,
                erasures,
                groups,
                form,
                ..
            } = self.oracle;
            if let Effect::Group(record) = &effect {
                due.push(ExpectedRecord {
                    meant: record.partition,
                    ..ExpectedRecord::new(groups, self.encoder.group(record))
                });
                continue;
            }
            let (topic, kind, outgoing) = match &effect {
                Effect::Group(_) => continue,
                Effect::Task(task) => (tasks, Kind::Task, self.encoder.task(task)),
                Effect::Signal(signal) => (signals, Kind::Signal, self.encoder.signal(signal)),
                Effect::Erased(erasure) => (erasures, Kind::Erasure, self.encoder.erasure(erasure)),
                Effect::Shadow(shadow) => (
                    shadow_signals,
                    Kind::ShadowSignal,
                    self.encoder.shadow_signal(shadow),
                ),
            };
            let written = form.write(kind, outgoing).unwrap();
            due.push(ExpectedRecord::new(topic, written));
        }
    }
}

impl ExpectedRecord {
    fn new(topic: &str, outgoing: Outgoing) -> Self {
        let headers = outgoing.headers.into_iter();
        Self {
            topic: topic.to_owned(),
            key: outgoing.key,
            value: outgoing.value,
            headers: headers
                .map(|(name, value)| (name.into_owned(), value))
                .collect(),
            meant: None,
        }
    }

    /// Whether a record is this one.
    pub fn is(&self, record: &StoredRecord) -> bool {
        (&self.key, &self.value, &self.headers) == (&record.key, &record.value, &record.headers)
    }
}
