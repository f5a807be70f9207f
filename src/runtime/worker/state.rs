use super::end_offsets::EndOffsetPoll;
use super::key_watch::KeyWatch;
use super::replay_speed::ReplaySpeed;
use super::transaction::{Retry, Uncommitted};
use crate::decode::Scratch;
use crate::health::{Condition, WorkerHealth};
use crate::kafka::Link;
use crate::runtime::active_rules::ActiveRules;
use crate::runtime::clock::Stopwatch;
use crate::runtime::partition::{Partition, PendingOutput};
use crate::runtime::restore::Restore;
use crate::runtime::setup::Setup;
use crate::runtime::stop::Stop;
use crate::snapshot::SnapshotRepository;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// One thread's consumer, producer and shards. Shares nothing with other workers.
pub struct Worker<'a, L: Link> {
    pub(super) setup: &'a Setup,
    pub(super) stop: &'a Stop,
    pub(super) health: &'a WorkerHealth,
    pub(super) link: L,
    pub(super) repository: SnapshotRepository,
    /// Names this start of the worker in the journal.
    pub(super) writer: u64,
    pub(super) active_rules: Arc<ActiveRules>,
    pub(super) partitions: BTreeMap<i32, Partition>,
    /// State of partitions that were taken away; good if they come back untouched.
    pub(super) parked: BTreeMap<i32, Partition>,
    pub(super) restores: VecDeque<Restore<L::Reader>>,
    /// Before restoring goes on: none while there is something to apply.
    pub(super) restore_wait: Duration,
    pub(super) key_watch: KeyWatch,
    /// Room for records of other systems.
    pub(super) scratch: Scratch,
    pub(super) output: PendingOutput,
    pub(super) uncommitted: Uncommitted,
    pub(super) retry: Option<Retry>,
    /// Nothing more was waiting when records were last received.
    pub(super) drained: bool,
    /// Records left to read when some were last received.
    pub(super) behind: i64,
    pub(super) commit_took: Duration,
    /// Since the start.
    pub(super) records_processed: u64,
    pub(super) end_offsets: EndOffsetPoll,
    pub(super) replay_speed: ReplaySpeed,
    /// Since the log last said how far restoring is.
    pub(super) progress_logged: Stopwatch,
    /// Since the shards were last told the time.
    pub(super) ticked: Stopwatch,
}

impl<'a, L: Link> Worker<'a, L> {
    /// A worker whose link has joined the group. `writer` must be another number for every start of every worker.
    pub fn new(
        setup: &'a Setup,
        stop: &'a Stop,
        health: &'a WorkerHealth,
        link: L,
        repository: SnapshotRepository,
        writer: u64,
    ) -> Self {
        health.set(Condition::Connected, true);
        // The feeds hold plain JSON.
        health.set(Condition::Schemas, true);
        Self {
            setup,
            stop,
            health,
            link,
            repository,
            writer,
            active_rules: setup.rules_handle.current(),
            partitions: BTreeMap::new(),
            parked: BTreeMap::new(),
            restores: VecDeque::new(),
            restore_wait: Duration::ZERO,
            key_watch: KeyWatch::new(setup),
            scratch: Scratch::default(),
            output: PendingOutput::new(&setup.config, &setup.aligned_outputs, setup.form.clone()),
            uncommitted: Uncommitted::default(),
            retry: None,
            drained: false,
            behind: 0,
            commit_took: Duration::ZERO,
            records_processed: 0,
            end_offsets: EndOffsetPoll::unknown(),
            replay_speed: ReplaySpeed::default(),
            progress_logged: Stopwatch::start(),
            ticked: Stopwatch::start(),
        }
    }

    /// A partition is not ours any more: its figures leave the pages.
    pub(super) fn withdraw_figures(&self, number: i32) {
        let topics: Vec<&str> = self.setup.topics.iter().map(|topic| &*topic.name).collect();
        self.setup.telemetry.forget_partition(&topics, number);
    }
}

impl<L: Link> Drop for Worker<'_, L> {
    /// Others may have the partitions from now on: here nothing is said of them any more.
    fn drop(&mut self) {
        let restoring = self.restores.iter().map(|restore| restore.number);
        let numbers: Vec<i32> = self.partitions.keys().copied().chain(restoring).collect();
        for number in numbers {
            self.withdraw_figures(number);
        }
    }
}
