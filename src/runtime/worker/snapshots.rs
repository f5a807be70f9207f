//! When snapshots are taken, and what becomes of them.

use super::state::Worker;
use super::transaction::Ending;
use crate::journal::Manifest;
use crate::kafka::{Fault, Link};
use crate::runtime::clock::{self, Stopwatch};
use crate::snapshot::{SnapshotRequest, earliest_seq};
use crate::telemetry::{SnapshotReport, troubles};
use std::time::Duration;
use tracing::info;

/// Pause between two looks at a snapshot that somebody waits for.
const LOOK: Duration = Duration::from_millis(10);

impl<L: Link> Worker<'_, L> {
    /// Takes note of snapshots that were written or failed, and decides whether another is to be taken.
    pub(super) fn look_at_snapshots(&mut self) {
        while let Some((number, result)) = self.repository.written() {
            let report = SnapshotReport {
                written: result.is_ok(),
            };
            report.emit(&self.setup.telemetry);
            let partition = self.partitions.get_mut(&number);
            match (result, partition) {
                // It goes into the journal with the next transaction, which fails if the partition is not ours any more.
                (Ok(manifest), Some(partition)) => {
                    partition.snapshots.written = Some(manifest);
                    self.uncommitted.begin();
                }
                (Err(reason), Some(partition)) => {
                    partition.snapshots.failed();
                    let text = format!("no snapshot was written, the one before is kept: {reason}");
                    troubles::warn(&format!("snapshot of partition {number}"), &text);
                }
                (_, None) => {}
            }
        }
        let wanted = self.partitions.values().any(|p| p.snapshots.wanted);
        if wanted || self.repository.busy() {
            return;
        }
        let state = &self.setup.config.state;
        let interval = Duration::from_secs(state.snapshot_interval_seconds.into());
        let debt: u64 = self.partitions.values().map(|p| p.snapshots.debt).sum();
        // Half of the time is for what comes while a snapshot is written.
        let heavy = debt >= self.replay_speed.records_in(state.recovery_seconds_max) / 2;
        let able = self.partitions.values_mut().filter(|p| p.snapshots.able());
        let largest = able.max_by_key(|partition| partition.snapshots.debt);
        let due = match largest.filter(|_| heavy) {
            Some(largest) => Some(largest),
            None => {
                let mut partitions = self.partitions.values_mut();
                partitions.find(|partition| partition.snapshots.due(interval))
            }
        };
        if let Some(partition) = due {
            partition.snapshots.wanted = true;
            self.uncommitted.begin();
        }
    }

    /// Takes the snapshot that is wanted, if any: to be called when everything is committed, so that the state is the
    /// one after the last entry.
    pub(super) fn take_snapshot(&mut self) {
        if self.repository.busy() {
            return;
        }
        let mut partitions = self.partitions.values_mut();
        let Some(partition) = partitions.find(|partition| partition.snapshots.wanted) else {
            return;
        };
        partition.snapshots.begin();
        let image = partition.shard.image();
        let manifest = Manifest {
            format: 0,
            partition: partition.number,
            seq: partition.journal_position.seq,
            // Its parts get names that no other worker uses, however late one of them writes.
            writer: self.writer,
            journal_from: partition.journal_position.next,
            next_offsets: partition
                .positions
                .iter()
                .map(|position| position.next)
                .collect(),
            epoch: partition.active_rules().epoch.clone(),
            taken_ms: clock::now().0,
            subscribers: image.subscribers(),
            parts: Vec::new(),
        };
        self.repository.begin(SnapshotRequest { image, manifest });
    }

    /// A snapshot's manifest is in the journal: what came before the ones that are kept may go.
    pub(super) fn published(&mut self, number: i32, manifest: Manifest) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        self.repository.published(&manifest);
        let bytes: u64 = manifest.parts.iter().map(|part| part.bytes).sum();
        info!(
            partition = number,
            subscribers = manifest.subscribers,
            bytes,
            parts = manifest.parts.len(),
            seq = manifest.seq,
            "snapshot written"
        );
        let kept = &mut partition.snapshots.kept;
        kept.push(manifest);
        let most = usize::from(self.setup.config.state.snapshots_kept);
        if kept.len() <= most {
            return;
        }
        kept.drain(..kept.len() - most);
        let journal_from = kept.first().map(|manifest| manifest.journal_from);
        let floor = kept.iter().map(earliest_seq).min();
        if let (Some(journal_from), Some(floor)) = (journal_from, floor) {
            self.repository.prune(number, floor);
            self.link.trim_journal(number, journal_from);
        }
    }

    /// Takes snapshots of all that the next start would have to replay.
    pub(super) fn last_snapshots(&mut self, patience: Duration) -> Result<Ending, Fault> {
        let watch = Stopwatch::start();
        for partition in self.partitions.values_mut() {
            partition.snapshots.wanted = partition.snapshots.debt > 0;
        }
        loop {
            self.health.beat();
            self.look_at_snapshots();
            let mut left = self.partitions.values().map(|p| &p.snapshots);
            let waiting = left.any(|snapshots| snapshots.wanted || snapshots.written.is_some());
            if !waiting && !self.repository.busy() {
                return Ok(Ending::Through);
            }
            if watch.reached(patience) {
                return Ok(Ending::Late);
            }
            if waiting && !self.repository.busy() {
                let ending = self.commit_within(patience.saturating_sub(watch.elapsed()))?;
                if ending != Ending::Through {
                    return Ok(ending);
                }
            }
            self.link.wait(LOOK);
        }
    }
}
