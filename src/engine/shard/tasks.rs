//! Everything that happens between a shard and its taskbook: this is where tasks are made.

use super::Shard;
use super::close::trip;
use super::shadow::Shadow;
use crate::engine::policy::{Case, Taskbook, WorkedOut};
use crate::engine::rules::Rules;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::line_state::{DayEvidence, LineBelief, Report};
use crate::engine::state::trigger_state::SparseStates;
use crate::engine::triggers::{self, FALLS, is_worrying};
use crate::model::{Day, Effect, Purpose, Tier, Timestamp};
use std::cmp::Reverse;
use std::sync::Arc;

/// The taskbook, and what is needed to work on it.
pub(super) struct TaskContext<'a> {
    pub book: &'a mut Taskbook,
    pub shadow: &'a Shadow,
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
            share: self.share,
            rules: &self.rules,
            worked_out: WorkedOut::default(),
        };
        let mut context = TaskContext {
            book: &mut self.taskbook,
            shadow: &self.shadow,
        };
        let done = work(&mut context, &case);
        subscriber.in_book = self.taskbook.knows(slot);
        if let Some(entrant) = self.taskbook.entrant.take() {
            self.enter(slot, now, entrant);
        }
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
        self.taskbook
            .loads
            .begin_release(self.rules.calendar.day_of(now));
        for purpose in Purpose::ALL {
            self.release_purpose(purpose, now, effects);
        }
        self.taskbook.loads.end_release();
        self.taskbook.urgent = Default::default();
    }

    /// Notes that a line is used again on the day after the last closed one, if that ends its fall: nobody is asked about it
    /// any more. Rules on trial take note as well.
    fn note_return(&mut self, slot: u32) {
        let rules = Arc::clone(&self.rules);
        let record = self.store.record(slot);
        let account = record.and_then(|record| record.account);
        let account = account.and_then(|id| self.accounts.item(id.index()));
        let last_active = record.map_or(Day::MIN, |record| record.last_active);
        let abroad = trip(account, last_active).is_some_and(|trip| trip.has(self.closed.next()));
        if abroad {
            return;
        }
        let states = account.map(|account| &account.trigger_states);
        if self.ends_fall(slot, record.map(|record| record.line), states, &rules)
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
            let states = self.shadow.trigger_states(slot);
            if self.ends_fall(slot, Some(line), states, trial) {
                line.clear();
                self.shadow.keep_line(slot, line);
            }
        }
    }

    /// Whether a line's use so far of the day after the last closed one ends a fall that was reported. What is missing of the
    /// day can only make the fall less likely.
    fn ends_fall(
        &self,
        slot: u32,
        line: Option<LineBelief>,
        states: Option<&SparseStates>,
        rules: &Rules,
    ) -> bool {
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
            let baseline = subscriber.baselines.of(channel);
            let expected = baseline.level() * self.population.weekday(channel, today);
            if DayEvidence::says(expected) {
                let k = self.population.dispersion(channel);
                let k = baseline.dispersion(k, &rules.baseline);
                let events = f64::from(used.events(channel));
                evidence.add(channel as usize, events, expected, k, &rules.line_state);
            }
        }
        let days = rules.line_state.worry_days;
        let worried = states.is_some_and(|states| is_worrying(states, today, days));
        line.is_over_after(&evidence, worried, &rules.line_state)
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
                let ranked = context.book.revalidate(purpose, case, effects)?;
                Some((Reverse(ranked.rank), case.msisdn, slot, ranked))
            });
            ranked.extend(rank.flatten());
        }
        ranked.sort_unstable_by_key(|(rank, msisdn, slot, _)| (*rank, *msisdn, *slot));
        let spent = self.taskbook.urgent[purpose as usize];
        let budget = &self.rules.policy.budget;
        let mut room = Tier::ALL.map(|tier| self.share.room(budget, purpose, tier, day));
        let mut left = Tier::ALL.map(|tier| {
            let quota = self.share.quota(budget, purpose, tier, day);
            quota.saturating_sub(spent[tier as usize])
        });
        let mut held_out_room = room;
        for (_, _, slot, candidate) in ranked {
            let tier = candidate.tier as usize;
            let (left, room) = (&mut left[tier], &mut room[tier]);
            let held_out_room = &mut held_out_room[tier];
            let may_wait = *room > 0 && (!candidate.held_out || *held_out_room > 0);
            let in_budget = *left > 0;
            let placed = self.with_tasks(slot, now, day, |context, case| {
                context
                    .book
                    .settle(purpose, in_budget, may_wait, case, effects)
            });
            // Those held out get what they would get if they were not, and leave as many places to the others.
            match (placed == Some(true), candidate.held_out) {
                (true, true) => {}
                (true, false) => *left -= 1,
                (false, true) => *held_out_room = held_out_room.saturating_sub(1),
                (false, false) => *room = room.saturating_sub(1),
            }
        }
    }
}
