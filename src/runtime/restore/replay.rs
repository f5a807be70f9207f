//! Applies journal entries to a shard again, with its output suppressed and compared.

use crate::decode::Scratch;
use crate::encode::Form;
use crate::engine;
use crate::journal::{JournalEntry, Run, Step};
use crate::kafka::{Fault, Front, Link, Reader, Span};
use crate::model::Source;
use crate::runtime::active_rules::ActiveRules;
use crate::runtime::partition::{GroupOffsets, JournalPosition, Partition, PendingOutput};
use crate::runtime::setup::Setup;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Records applied in one step, so that the group is served often.
const STEP_RECORDS: usize = 4_096;

/// A shard on its way to the journal's end.
pub(super) struct Replay<R> {
    partition: Partition,
    reader: R,
    /// By topic, the index of its stretch.
    spans: Vec<Option<usize>>,
    entries: VecDeque<JournalEntry>,
    /// The step of the first entry that is being done.
    step: usize,
    /// Records of that step already applied.
    applied: u32,
    records_left: u64,
    /// Never sent.
    scratch: Scratch,
    output: PendingOutput,
    /// Offset in the journal behind the last entry.
    next: i64,
}

impl<R: Reader> Replay<R> {
    /// Starts to read what the entries name.
    pub fn begin<L: Link<Reader = R>>(
        setup: &Setup,
        link: &L,
        partition: Partition,
        entries: VecDeque<JournalEntry>,
        group_offsets: &[GroupOffsets],
        next: i64,
    ) -> Result<Self, Fault> {
        let mut stretches = Vec::new();
        let mut spans = Vec::new();
        for (topic, offsets) in group_offsets.iter().enumerate() {
            let from = Self::first_offset(&entries, topic);
            let to = runs(&entries, topic).map(|run| run.to).max();
            spans.push(None);
            let (Some(from), Some(to)) = (from, to) else {
                continue;
            };
            if from < offsets.start {
                let name = setup.topics.name(topic);
                return Err(Fault::Halt(format!(
                    "topic {name} partition {}: the newest snapshot needs the records from offset {from} on, but the \
                     topic now begins at {}: retention passed the snapshot. Restore the records, or begin anew with \
                     another `kafka.group`; then raise the topic's retention.ms well above \
                     `state.snapshot_interval_seconds` and the longest time the detector may be away",
                    partition.number, offsets.start
                )));
            }
            spans[topic] = Some(stretches.len());
            let at = offsets.at;
            stretches.push(Span { at, from, to });
        }
        Ok(Self {
            reader: link.reader(&stretches)?,
            scratch: Scratch::default(),
            // Nothing of it leaves.
            output: PendingOutput::new(&setup.config, &setup.aligned_outputs, Form::Json),
            records_left: entries.iter().map(JournalEntry::records).sum(),
            partition,
            spans,
            entries,
            step: 0,
            applied: 0,
            next,
        })
    }

    /// Offset of the first record of a topic that some entries name.
    pub fn first_offset(entries: &VecDeque<JournalEntry>, topic: usize) -> Option<i64> {
        runs(entries, topic).map(|run| run.from).min()
    }

    /// Records still to be applied.
    pub fn records_left(&self) -> u64 {
        self.records_left
    }

    /// The finished partition.
    pub fn into_partition(self) -> Partition {
        self.partition
    }

    /// Applies some more. Returns whether everything is applied.
    pub fn step(&mut self, setup: &Setup) -> Result<bool, Fault> {
        let done = self.apply(setup);
        // It was published then, and must not be published again.
        self.output.clear();
        done
    }

    fn apply(&mut self, setup: &Setup) -> Result<bool, Fault> {
        let mut budget = STEP_RECORDS;
        while let Some(entry) = self.entries.front() {
            let Some(step) = entry.steps.get(self.step) else {
                self.verify(setup)?;
                continue;
            };
            match step.clone() {
                Step::Epoch(epoch) => {
                    let active_rules = ActiveRules::of(&epoch, &setup.rules_handle.current())
                        .map_err(|problems| {
                            self.halt(setup, &format!("its rules cannot be read: {problems}"))
                        })?;
                    self.partition.adopt(&active_rules);
                }
                Step::Run(run) => {
                    if !self.run(setup, run, &mut budget)? {
                        return Ok(false);
                    }
                }
                Step::Tick { now, inputs } => {
                    self.partition.tick(now, inputs, &mut self.output);
                }
                Step::Sweep { subscribers } => {
                    self.partition.sweep(subscribers, &mut self.output);
                }
            }
            self.step += 1;
            self.applied = 0;
        }
        Ok(true)
    }

    /// Applies records of a run. Returns whether it is done.
    fn run(&mut self, setup: &Setup, run: Run, budget: &mut usize) -> Result<bool, Fault> {
        let topic = usize::from(run.topic);
        if run.records == 0 && topic < self.spans.len() {
            self.partition.skip_to(topic, run.to);
            return Ok(true);
        }
        let (Some(carrier), Some(span)) = (
            setup.topics.get(topic),
            self.spans.get(topic).copied().flatten(),
        ) else {
            return Err(self.halt(setup, "it names a topic that is not there"));
        };
        let mut source = Source {
            topic: Arc::clone(&carrier.name),
            partition: self.partition.number,
            offset: 0,
        };
        while self.applied < run.records {
            if *budget == 0 {
                return Ok(false);
            }
            match self.reader.front(span, Duration::ZERO)? {
                Front::Pending => return Ok(false),
                Front::Record(record) if record.offset < run.to => {
                    source.offset = record.offset;
                    let output = &mut self.output;
                    self.partition
                        .apply(carrier, &record, &source, &mut self.scratch, output);
                }
                Front::Record(_) | Front::Done => {
                    let reason = format!(
                        "{} records of topic {} between offsets {} and {} were applied, but only {} are still there: \
                         compaction or deletion has passed the snapshot. Restore them, or begin anew with another \
                         `kafka.group`; then raise the topic's min.compaction.lag.ms or retention.ms",
                        run.records, carrier.name, run.from, run.to, self.applied
                    );
                    return Err(self.halt(setup, &reason));
                }
            }
            self.reader.pass(span);
            self.applied += 1;
            self.records_left = self.records_left.saturating_sub(1);
            *budget -= 1;
        }
        self.partition.skip_to(topic, run.to);
        Ok(true)
    }

    /// An entry is done: its output must be the same as then.
    fn verify(&mut self, setup: &Setup) -> Result<(), Fault> {
        let Some(entry) = self.entries.front() else {
            return Ok(());
        };
        let again = self.partition.entry(entry.writer);
        if again.output_digest != entry.output_digest {
            let version = self.partition.active_rules().epoch.engine;
            let reason = if version == engine::VERSION {
                "replayed, it does not give what it gave then. The input topics or the journal were changed by other \
                 hands, or this is a fault of the program; begin anew with another `kafka.group`"
                    .to_owned()
            } else {
                format!(
                    "it was written by another behaviour of the engine ({version}, this program has {}), and replayed \
                     gives something else. Start the program that wrote it once more and end it with SIGTERM: it \
                     leaves a snapshot with nothing to replay, from which this one goes on",
                    engine::VERSION
                )
            };
            return Err(self.halt(setup, &reason));
        }
        self.partition.mark_committed(JournalPosition {
            seq: entry.seq,
            next: self.next,
        });
        self.entries.pop_front();
        self.step = 0;
        Ok(())
    }

    fn halt(&self, setup: &Setup, reason: &str) -> Fault {
        let journal = setup.topics.name(setup.topics.journal());
        let seq = self.entries.front().map_or(0, |entry| entry.seq);
        Fault::Halt(format!(
            "topic {journal} partition {}, entry {seq}: {reason}",
            self.partition.number
        ))
    }
}

/// The runs of a topic that have records.
fn runs(entries: &VecDeque<JournalEntry>, topic: usize) -> impl Iterator<Item = Run> + '_ {
    let steps = entries.iter().flat_map(|entry| &entry.steps);
    steps.filter_map(move |step| match step {
        Step::Run(run) if usize::from(run.topic) == topic && run.records > 0 => Some(*run),
        _ => None,
    })
}
