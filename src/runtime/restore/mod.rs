//! The one way to a shard's state, at start, on assignment and in doubt: read the journal, load the newest snapshot that
//! is whole, apply again what came after it, and prove with every digest that it came out the same.

mod journal;
mod replay;

pub use journal::{foreign, journal_record, stateless, unreadable};

use super::active_rules::ActiveRules;
use super::clock::Stopwatch;
use super::partition::{GroupOffsets, JournalPosition, Partition, PartitionPosition};
use super::setup::Setup;
use crate::engine::Shard;
use crate::journal::{Epoch, JournalEntry, JournalRecord, Manifest};
use crate::kafka::{Fault, Front, Link, Reader, Span};
use crate::snapshot::SnapshotRepository;
use crate::telemetry::{RestoreReport, Telemetry};
use journal::halt;
use replay::Replay;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Journal records read in one step, so that the group is served often.
const STEP_RECORDS: usize = 4_096;

/// A partition whose state is being restored.
pub(super) struct Restore<R> {
    pub number: i32,
    group_offsets: Vec<GroupOffsets>,
    active_rules: Arc<ActiveRules>,
    watch: Stopwatch,
    entries: VecDeque<JournalEntry>,
    manifests: Vec<Manifest>,
    /// Offset in the journal behind the last entry.
    next: i64,
    failures: Vec<String>,
    stage: Stage<R>,
}

enum Stage<R> {
    /// The journal is to be read up to here.
    Waiting(Span),
    /// Reading the journal.
    Journal(R),
    /// Waiting for the snapshot on top of the list.
    Snapshot,
    /// Applying entries.
    Replay(Box<Replay<R>>),
}

impl<R: Reader> Restore<R> {
    /// Prepares to read a stretch of the journal. Clients are made when it is this partition's turn.
    pub fn new(
        journal: Span,
        group_offsets: Vec<GroupOffsets>,
        active_rules: &Arc<ActiveRules>,
    ) -> Self {
        Self {
            number: journal.at.partition,
            group_offsets,
            active_rules: Arc::clone(active_rules),
            watch: Stopwatch::start(),
            entries: VecDeque::new(),
            manifests: Vec::new(),
            next: journal.from,
            failures: Vec::new(),
            stage: Stage::Waiting(journal),
        }
    }

    /// Goes on. Returns the partition when its state is there.
    pub fn step<L: Link<Reader = R>>(
        &mut self,
        setup: &Setup,
        link: &L,
        repository: &mut SnapshotRepository,
    ) -> Result<Option<Partition>, Fault> {
        match &mut self.stage {
            Stage::Waiting(journal) => {
                self.stage = Stage::Journal(link.reader(&[*journal])?);
                Ok(None)
            }
            Stage::Journal(reader) => {
                for _ in 0..STEP_RECORDS {
                    match reader.front(0, Duration::ZERO)? {
                        Front::Pending => return Ok(None),
                        Front::Done => return self.choose(setup, link, repository),
                        Front::Record(record) => {
                            match journal_record(setup, &record)? {
                                JournalRecord::Entry(entry) => self.entries.push_back(entry),
                                JournalRecord::Manifest(manifest) => {
                                    self.manifests.push(*manifest);
                                }
                            }
                            self.next = record.offset + 1;
                        }
                    }
                    reader.pass(0);
                }
                Ok(None)
            }
            Stage::Snapshot => Ok(None),
            Stage::Replay(replay) => match replay.step(setup)? {
                true => self.finish(setup).map(Some),
                false => Ok(None),
            },
        }
    }

    /// What the repository made of the snapshot that was asked for.
    pub fn loaded<L: Link<Reader = R>>(
        &mut self,
        result: Result<Shard, String>,
        setup: &Setup,
        link: &L,
        repository: &mut SnapshotRepository,
    ) -> Result<Option<Partition>, Fault> {
        let Some(manifest) = self.manifests.last().cloned() else {
            return Ok(None);
        };
        match result {
            Ok(shard) => self
                .replay(setup, link, Some((manifest, shard)))
                .map(|()| None),
            Err(reason) => {
                warn!(
                    partition = self.number,
                    seq = manifest.seq,
                    "a snapshot cannot be used, the one before is tried: {reason}"
                );
                setup.telemetry.snapshot_refused();
                self.failures.push(reason);
                self.manifests.pop();
                self.choose(setup, link, repository)
            }
        }
    }

    /// A fault of this restore, in the light of what the group has done since it began: who stood still for long finds
    /// the traces of its successor, and takes them for a loss.
    pub fn explain<L: Link<Reader = R>>(&self, link: &L, fault: Fault) -> Fault {
        let Fault::Halt(reason) = fault else {
            return fault;
        };
        let at: Vec<_> = self
            .group_offsets
            .iter()
            .map(|offsets| offsets.at)
            .collect();
        let mut begun = self
            .group_offsets
            .iter()
            .map(|offsets| (offsets.at, offsets.committed));
        match link.committed(&at) {
            Ok(now) if begun.all(|offsets| now.contains(&offsets)) => Fault::Halt(reason),
            Ok(_) => Fault::Restart(format!(
                "partition {}: another member has gone on with it while it was restored",
                self.number
            )),
            Err(fault) => fault,
        }
    }

    /// Records still to be applied.
    pub fn records_left(&self) -> u64 {
        match &self.stage {
            Stage::Replay(replay) => replay.records_left(),
            _ => self.entries.iter().map(|entry| entry.records()).sum(),
        }
    }

    /// Records that a replay that is under way has still to apply.
    pub fn records_to_replay(&self) -> u64 {
        match &self.stage {
            Stage::Replay(replay) => replay.records_left(),
            Stage::Waiting(_) | Stage::Journal(_) | Stage::Snapshot => 0,
        }
    }

    /// Whether the journal is not read yet, so that what is to be applied is not known.
    pub fn unread(&self) -> bool {
        matches!(self.stage, Stage::Waiting(_) | Stage::Journal(_))
    }

    /// Reports how much is left.
    pub fn report(&self, telemetry: &Telemetry) {
        let report = RestoreReport {
            partition: self.number,
            remaining_records: self.records_left(),
            seconds: self.watch.elapsed().as_secs_f64(),
        };
        report.emit(telemetry);
    }

    /// The journal is read: asks for the newest snapshot, or goes back to the beginning.
    fn choose<L: Link<Reader = R>>(
        &mut self,
        setup: &Setup,
        link: &L,
        repository: &mut SnapshotRepository,
    ) -> Result<Option<Partition>, Fault> {
        if self.entries.is_empty() && self.manifests.is_empty() && self.failures.is_empty() {
            return self.without_journal(setup).map(Some);
        }
        let from_the_beginning = self.entries.front().is_some_and(|entry| entry.seq == 1);
        self.manifests.sort_by_key(|manifest| manifest.seq);
        if let Some(manifest) = self.manifests.last() {
            let active_rules = self.rules_of(setup, &manifest.epoch)?;
            repository.load(manifest, Arc::clone(&active_rules.ruleset.rules));
            self.stage = Stage::Snapshot;
            return Ok(None);
        }
        if !from_the_beginning {
            let failures = match &*self.failures {
                [] => "it names none".to_owned(),
                failures => failures.join("; "),
            };
            let reason = format!(
                "the journal begins in the middle and no snapshot can be read ({failures}); make the snapshots of \
                 `state.snapshots` reachable (processes on several machines need a store that all of them share), or \
                 begin anew with another `kafka.group`"
            );
            return Err(self.halt(setup, &reason));
        }
        self.replay(setup, link, None).map(|()| None)
    }

    /// Nothing was ever journalled: the state is empty.
    fn without_journal(&mut self, setup: &Setup) -> Result<Partition, Fault> {
        if let Some(reason) = stateless(&setup.config, &setup.topics, &self.group_offsets) {
            return Err(self.halt(setup, &reason));
        }
        let positions = self
            .group_offsets
            .iter()
            .map(GroupOffsets::position)
            .collect();
        let shard = Shard::new(Arc::clone(&self.active_rules.ruleset.rules));
        let journal_position = JournalPosition {
            next: self.next,
            ..JournalPosition::default()
        };
        let active_rules = Arc::clone(&self.active_rules);
        let mut partition = self.partition(setup, shard, positions, active_rules, journal_position);
        partition.adopt(&self.active_rules);
        Ok(partition)
    }

    /// The partition of a shard, with its part of the budget.
    fn partition(
        &self,
        setup: &Setup,
        mut shard: Shard,
        positions: Vec<PartitionPosition>,
        active_rules: Arc<ActiveRules>,
        journal_position: JournalPosition,
    ) -> Partition {
        shard.share_budget(self.number, setup.partitions);
        Partition::new(
            self.number,
            shard,
            positions,
            active_rules,
            journal_position,
        )
    }

    /// Prepares to apply what came after a snapshot, or everything.
    fn replay<L: Link<Reader = R>>(
        &mut self,
        setup: &Setup,
        link: &L,
        snapshot: Option<(Manifest, Shard)>,
    ) -> Result<(), Fault> {
        let mut entries = std::mem::take(&mut self.entries);
        let epoch = match (&snapshot, entries.front()) {
            (Some((manifest, _)), _) => Some(&manifest.epoch),
            (None, entry) => entry.and_then(JournalEntry::first_epoch),
        };
        let Some(epoch) = epoch else {
            return Err(self.halt(
                setup,
                "its first entry does not say which rules were in force",
            ));
        };
        let active_rules = self.rules_of(setup, epoch)?;
        let (shard, journal_position, next_offsets) = match snapshot {
            Some((manifest, shard)) => {
                entries.retain(|entry| entry.seq > manifest.seq);
                let journal_position = JournalPosition {
                    seq: manifest.seq,
                    next: manifest.journal_from,
                };
                (shard, journal_position, Some(manifest.next_offsets))
            }
            None => {
                let shard = Shard::new(Arc::clone(&active_rules.ruleset.rules));
                (shard, JournalPosition::default(), None)
            }
        };
        if let Some(entry) = entries
            .iter()
            .zip(journal_position.seq + 1..)
            .find(|(e, seq)| e.seq != *seq)
        {
            let reason = format!("entry {} is where entry {} should be", entry.0.seq, entry.1);
            return Err(self.halt(setup, &reason));
        }
        let position = |(topic, offsets): (usize, &GroupOffsets)| {
            let next = match &next_offsets {
                Some(next_offsets) => next_offsets.get(topic).copied(),
                None => Replay::<R>::first_offset(&entries, topic),
            };
            PartitionPosition::new(next.unwrap_or(offsets.next), offsets.committed, offsets.end)
        };
        let positions: Vec<PartitionPosition> = self
            .group_offsets
            .iter()
            .enumerate()
            .map(position)
            .collect();
        let partition = self.partition(setup, shard, positions, active_rules, journal_position);
        let replay = Replay::begin(
            setup,
            link,
            partition,
            entries,
            &self.group_offsets,
            self.next,
        )?;
        info!(
            partition = self.number,
            from_seq = journal_position.seq,
            records = replay.records_left(),
            "replaying the journal"
        );
        self.stage = Stage::Replay(Box::new(replay));
        Ok(())
    }

    /// Everything is applied: the state must agree with the group's offsets.
    fn finish(&mut self, setup: &Setup) -> Result<Partition, Fault> {
        let Stage::Replay(replay) = std::mem::replace(&mut self.stage, Stage::Snapshot) else {
            return Err(self.halt(setup, "the replay is gone; this is a fault of the program"));
        };
        let mut partition = replay.into_partition();
        for (offsets, position) in self.group_offsets.iter().zip(&mut partition.positions) {
            if offsets.committed != Some(position.next) {
                let topic = setup.topics.name(offsets.at.topic);
                let group = match offsets.committed {
                    Some(offset) => format!("stands at offset {offset}"),
                    None => "has no offset".to_owned(),
                };
                let reason = format!(
                    "topic {topic}: the journal ends before offset {}, but the group {group}; the topic was created \
                     anew or the group's offsets were changed by other hands. Put them back (kafka-consumer-groups.sh \
                     --bootstrap-server {} --group {} --topic {topic}:{} --reset-offsets --to-offset {} --execute), or \
                     begin anew with another `kafka.group`",
                    position.next,
                    setup.config.kafka.bootstrap,
                    setup.config.kafka.group,
                    self.number,
                    position.next
                );
                return Err(self.halt(setup, &reason));
            }
            *position = PartitionPosition::new(position.next, offsets.committed, offsets.end);
        }
        let newest = self.manifests.len();
        let most = usize::from(setup.config.state.snapshots_kept);
        partition.snapshots.kept = self.manifests.split_off(newest.saturating_sub(most));
        let subscribers = partition.shard.stats().subscribers;
        let seconds = self.watch.elapsed().as_secs_f64();
        info!(
            partition = self.number,
            subscribers, seconds, "state restored"
        );
        Ok(partition)
    }

    /// The rules of an epoch, if a journal written under it can be gone on with by this program.
    fn rules_of(&self, setup: &Setup, was: &Epoch) -> Result<Arc<ActiveRules>, Fault> {
        if let Some(reason) = foreign(was, &self.active_rules.epoch) {
            return Err(self.halt(setup, &reason));
        }
        ActiveRules::of(was, &self.active_rules)
            .map_err(|problems| self.halt(setup, &problems.to_string()))
    }

    fn halt(&self, setup: &Setup, reason: &str) -> Fault {
        halt(setup, self.number, reason)
    }
}
