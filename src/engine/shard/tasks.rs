//! Everything that happens between a shard and its taskbook: this is where tasks are made.

use super::Shard;
use super::shadow::Shadow;
use crate::engine::policy::{BudgetShare, Case, Taskbook, WorkedOut};
use crate::engine::rules::Rules;
use crate::engine::state::line_state::{DayEvidence, LineBelief, Report};
use crate::engine::state::window::UsageChannel;
use crate::engine::triggers::{self, FALLS};
use crate::model::{Day, Effect, Purpose, Tier, Timestamp};
use std::cmp::Reverse;
use std::sync::Arc;

/// The taskbook, and what is needed to work on it.
pub(super) struct TaskContext<'a> {
    pub book: &'a mut Taskbook,
    pub shadow: &'a Shadow,
    pub share: BudgetShare,
}

impl Shard {
    /// Works on the tasks of a subscriber at a moment; a moment of the engine's own has the last closed day.
    pub(super) fn with_tasks<T>(
        &mut self,
        slot: u32,
        now: Timestamp,
        day: Day,
        work: impl FnOnce(&mut TaskContext<'_>, &Case<'_>) -> T,
    ) -> Option<T> {
        let backlog = self.in_backlog();
        let msisdn = self.store.msisdn(slot)?;
        let subscriber = self.store.entry(slot)?.subscriber;
        let account = subscriber
            .account
            .and_then(|id| self.accounts.item(id.index()));
        let case = Case {
            slot,
            msisdn,
            now,
            day,
            account,
            trigger_states: subscriber.trigger_states(account),
            backlog,
            rules: &self.rules,
            worked_out: WorkedOut::default(),
        };
        let mut context = TaskContext {
            book: &mut self.taskbook,
            shadow: &self.shadow,
            share: self.share,
        };
        let done = work(&mut context, &case);
        subscriber.in_book = self.taskbook.knows(slot);
        Some(done)
    }

    /// Does what the clock has made due, in order of time: tasks go up a rung, and the day's candidates are ranked.
    pub(super) fn do_what_is_due(&mut self, effects: &mut Vec<Effect>) {
        if self.closing.is_some_and(|it| it.is_urgent(self.clock)) {
            self.sweep(usize::MAX, effects);
        }
        loop {
            let due = |at: &Timestamp| *at <= self.clock;
            let release = self.collecting.map(|since| since.until).filter(due);
            let escalation = self.taskbook.next_escalation().filter(|(at, _)| due(at));
            match (release, escalation) {
                (None, None) => return,
                (Some(release), Some((at, _))) if release <= at => self.release(effects),
                (Some(_), None) => self.release(effects),
                (_, Some((at, slot))) => self.escalate(at, slot, effects),
            }
        }
    }

    /// Which candidates of a close have room is known when all have been found: nothing happens to one before.
    pub(super) fn finish_if_waiting(&mut self, slot: u32, effects: &mut Vec<Effect>) {
        if self.closing.is_some() && self.taskbook.waits(slot) {
            self.sweep(usize::MAX, effects);
        }
    }

    /// A task's time on its rung is over; the day's close, if it has not come by yet, may have ended it.
    fn escalate(&mut self, at: Timestamp, slot: u32, effects: &mut Vec<Effect>) {
        self.visit_if_due(slot, effects);
        if self.taskbook.next_escalation() == Some((at, slot)) {
            let (now, day) = (self.clock, self.closed);
            self.with_tasks(slot, now, day, |context, case| {
                context.book.escalate(case, effects)
            });
        }
    }

    /// Finishes the day's close and gives its candidates their places in the budget, the best ranked first. In a backlog they
    /// wait on, those that still call for something.
    pub(super) fn release(&mut self, effects: &mut Vec<Effect>) {
        self.sweep(usize::MAX, effects);
        let Some(collected) = self.collecting.take() else {
            return;
        };
        let now = self.clock.max(collected.from);
        for purpose in Purpose::ALL {
            self.release_purpose(purpose, now, effects);
        }
        self.taskbook.urgent = Default::default();
    }

    /// Notes that a line is used again on the day after the last closed one, if that ends its fall: nobody is asked about it
    /// any more. Rules on trial take note as well.
    fn note_return(&mut self, slot: u32) {
        let rules = Arc::clone(&self.rules);
        if self.ends_fall(slot, self.store.record(slot).map(|it| it.line), &rules)
            && let Some(entry) = self.store.entry(slot)
        {
            entry.subscriber.line.clear();
            for place in FALLS {
                if let Some(state) = entry.subscriber.trigger_states.get_mut(place) {
                    triggers::end_fall(state);
                }
            }
        }
        if let Some(trial) = rules.shadow.as_deref() {
            let mut line = self.shadow.line(slot);
            if self.ends_fall(slot, Some(line), trial) {
                line.clear();
                self.shadow.keep_line(slot, line);
            }
        }
    }

    /// Whether a line's use so far of the day after the last closed one ends a fall that was reported. What is missing of the
    /// day can only make the fall less likely.
    fn ends_fall(&self, slot: u32, line: Option<LineBelief>, rules: &Rules) -> bool {
        let today = self.closed.next();
        let reported = line.filter(|line| matches!(line.report(), Report::Drop | Report::Stop));
        let used = self.store.window(slot).map(|window| window.day(today));
        let used = used.filter(|used| used.active());
        let Some(((subscriber, line), used)) = self.store.record(slot).zip(reported).zip(used)
        else {
            return false;
        };
        let mut evidence = DayEvidence::default();
        for channel in UsageChannel::ALL {
            let baseline = &subscriber.baselines[channel as usize];
            let expected = baseline.level() * self.population.weekday(channel, today);
            if DayEvidence::says(expected) {
                let k = self.population.dispersion(channel);
                let k = baseline.dispersion(k, &rules.baseline);
                let events = f64::from(used.events(channel));
                evidence.add(channel as usize, events, expected, k, &rules.line_state);
            }
        }
        line.is_over_after(&evidence, &rules.line_state)
    }

    fn release_purpose(&mut self, purpose: Purpose, now: Timestamp, effects: &mut Vec<Effect>) {
        let day = self.closed;
        let mut ranked = Vec::new();
        for slot in self.taskbook.candidates(purpose) {
            self.note_return(slot);
            let rank = self.with_tasks(slot, now, day, |context, case| {
                context.book.drop_obsolete(purpose, case, effects);
                if case.backlog {
                    return None;
                }
                let (rank, tier) = context.book.revalidate(purpose, case, effects)?;
                Some((Reverse(rank), case.msisdn, slot, tier))
            });
            ranked.extend(rank.flatten());
        }
        ranked.sort_unstable();
        let spent = self.taskbook.urgent;
        let budget = &self.rules.policy.budget;
        let mut room = Tier::ALL.map(|tier| self.share.room(budget, purpose, tier, day));
        let mut left = Tier::ALL.map(|tier| {
            let quota = self.share.quota(budget, purpose, tier, day);
            match purpose {
                Purpose::Churn => quota.saturating_sub(spent[tier as usize]),
                Purpose::Care | Purpose::Grow => quota,
            }
        });
        for (_, _, slot, tier) in ranked {
            let (left, room) = (&mut left[tier as usize], &mut room[tier as usize]);
            let (placed, waits) = (*left > 0, *room > 0);
            match placed {
                true => *left -= 1,
                false => *room = room.saturating_sub(1),
            }
            self.with_tasks(slot, now, day, |context, case| match placed {
                true => context.book.open_released(purpose, case, effects),
                false => context.book.keep_waiting(purpose, waits, case, effects),
            });
        }
    }
}
