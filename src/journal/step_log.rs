use super::{Epoch, Run, Step};
use crate::model::{Inputs, Timestamp};

/// The steps of a transaction while it grows. Whatever is done to a shard is noted here, in order.
///
/// Neighbouring steps are merged where the engine cannot tell the difference; each method explains why. Anything done
/// between two steps keeps them apart, because only the last step is ever extended.
#[derive(Debug, Clone)]
pub struct StepLog {
    steps: Vec<Step>,
    positions: Vec<i64>,
}

impl StepLog {
    /// An empty log. By topic, the offset of the next record to apply.
    pub fn new(positions: Vec<i64>) -> Self {
        Self {
            steps: Vec::new(),
            positions,
        }
    }

    /// A record was applied. Records of one topic in a row become one run: the engine applies them one by one in the order
    /// of their offsets, now as in a replay, and offsets that are skipped hold no record a reader could be given.
    pub fn run(&mut self, topic: u8, offset: i64) {
        let to = offset.saturating_add(1);
        match self.steps.last_mut() {
            Some(Step::Run(run)) if run.topic == topic => {
                run.to = to;
                run.records = run.records.saturating_add(1);
            }
            _ => self.steps.push(Step::Run(Run {
                topic,
                from: offset,
                to,
                records: 1,
            })),
        }
        self.advance(topic, to);
    }

    /// A topic was read on to `next` without a record: markers of transactions lie there. They reach no shard, so that
    /// it does not matter to which step they are counted.
    pub fn skip_to(&mut self, topic: u8, next: i64) {
        let position = self.positions.get(usize::from(topic)).copied();
        let Some(from) = position.filter(|position| *position < next) else {
            return;
        };
        match self.steps.last_mut() {
            Some(Step::Run(run)) if run.topic == topic => run.to = next,
            _ => self.steps.push(Step::Run(Run {
                topic,
                from,
                to: next,
                records: 0,
            })),
        }
        self.advance(topic, next);
    }

    /// The shard was told the time and how far its inputs had been read.
    ///
    /// With `replace`, the tick directly before is forgotten if its inputs were the same. The caller asks for it if
    /// that tick began no day close and had no output: it then left only its time, and a shard keeps just the latest
    /// time. (A close carries the time at which it began, so a tick that began one must stay.)
    pub fn tick(&mut self, now: Timestamp, inputs: Inputs, replace: bool) {
        if let Some(Step::Tick {
            now: before,
            inputs: inputs_before,
        }) = self.steps.last_mut()
            && replace
            && *inputs_before == inputs
        {
            *before = now.max(*before);
            return;
        }
        self.steps.push(Step::Tick { now, inputs });
    }

    /// The day close went on by up to this many visits. Slices in a row are merged: the sweep visits subscribers in
    /// slot order, and nothing that could add one came in between (invariant I6). A sum too large to be written covers
    /// every subscriber that a shard can have.
    pub fn sweep(&mut self, subscribers: u32) {
        match self.steps.last_mut() {
            Some(Step::Sweep { subscribers: sum }) => *sum = sum.saturating_add(subscribers),
            _ => self.steps.push(Step::Sweep { subscribers }),
        }
    }

    /// These rules are in force from here on. Never merged with anything.
    pub fn epoch(&mut self, epoch: Epoch) {
        self.steps.push(Step::Epoch(Box::new(epoch)));
    }

    /// The steps so far, for an entry; the log goes on from the same positions.
    pub fn take(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// The steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether nothing was done since the last [`take`](Self::take).
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// By topic, the offset of the next record to apply.
    pub fn positions(&self) -> &[i64] {
        &self.positions
    }

    fn advance(&mut self, topic: u8, at: i64) {
        if let Some(position) = self.positions.get_mut(usize::from(topic)) {
            *position = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Feed, FeedSet};

    fn run(topic: u8, from: i64, to: i64, records: u32) -> Step {
        Step::Run(Run {
            topic,
            from,
            to,
            records,
        })
    }

    #[test]
    fn records_in_a_row_are_one_run_across_markers() {
        let mut step_log = StepLog::new(vec![10, 0]);
        for offset in [10, 11, 13] {
            step_log.run(0, offset);
        }
        step_log.run(1, 0);
        step_log.skip_to(1, 2);
        step_log.run(0, 14);
        assert_eq!(step_log.positions(), [15, 2]);
        let steps = [run(0, 10, 14, 3), run(1, 0, 2, 1), run(0, 14, 15, 1)];
        assert_eq!(step_log.take(), steps);
        assert!(step_log.is_empty());
        assert_eq!(step_log.positions(), [15, 2]);
    }

    #[test]
    fn markers_alone_are_a_run_without_records() {
        let mut step_log = StepLog::new(vec![10, 0]);
        step_log.skip_to(0, 10);
        assert!(step_log.is_empty(), "nothing was passed over");
        step_log.skip_to(0, 12);
        step_log.skip_to(0, 13);
        step_log.run(0, 15);
        assert_eq!(step_log.take(), [run(0, 10, 16, 1)]);
    }

    #[test]
    fn only_a_tick_that_left_nothing_but_its_time_is_replaced() {
        let tick = |now, inputs| Step::Tick {
            now: Timestamp(now),
            inputs,
        };
        let caught_up = Inputs::default();
        let lagging = Inputs {
            lagging: FeedSet::NONE.with(Feed::Cdr),
            ..caught_up
        };
        let behind = Inputs {
            caught_up: false,
            ..lagging
        };
        let mut step_log = StepLog::new(vec![0]);
        step_log.tick(Timestamp(1), caught_up, true);
        step_log.tick(Timestamp(3), caught_up, true);
        step_log.tick(Timestamp(2), caught_up, true);
        step_log.tick(Timestamp(4), caught_up, false);
        step_log.tick(Timestamp(5), lagging, true);
        step_log.tick(Timestamp(6), behind, true);
        step_log.run(0, 0);
        step_log.tick(Timestamp(7), behind, true);
        let expected = [
            tick(3, caught_up),
            tick(4, caught_up),
            tick(5, lagging),
            tick(6, behind),
            run(0, 0, 1, 1),
            tick(7, behind),
        ];
        assert_eq!(step_log.take(), expected);
    }

    #[test]
    fn slices_of_a_sweep_are_one_until_something_else_is_done() {
        let mut step_log = StepLog::new(vec![0]);
        step_log.sweep(100);
        step_log.sweep(u32::MAX);
        step_log.run(0, 0);
        step_log.sweep(7);
        let sweep = |subscribers| Step::Sweep { subscribers };
        assert_eq!(
            step_log.take(),
            [sweep(u32::MAX), run(0, 0, 1, 1), sweep(7)]
        );
    }
}
