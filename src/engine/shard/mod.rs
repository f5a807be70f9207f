mod absence;
mod clock;
mod close;
pub mod describe;
mod erase;
mod evaluation;
mod fingerprint;
mod follow;
mod forget;
mod groups;
mod image;
mod ingest;
pub mod line_days;
pub mod rollup;
pub mod shadow;
pub mod stats;
mod tasks;
pub mod uplift;

use crate::engine::codec::Interner;
use crate::engine::policy::{BudgetShare, Collecting, Taskbook};
use crate::engine::rules::Rules;
use crate::engine::state::account::Account;
use crate::engine::state::bucket::Bucket;
use crate::engine::state::closing::Closing;
use crate::engine::state::groups::Groups;
use crate::engine::state::pages::{EPOCH_ZERO, List};
use crate::engine::state::population::Population;
use crate::engine::state::store::{AccountId, Store};
use crate::engine::state::trigger_state::TriggerState;
use crate::engine::state::watermark::Watermark;
use crate::model::{
    Counts, Day, Effect, Event, Feed, Inputs, Msisdn, Outcome, Reject, Source, Timestamp,
};
use evaluation::{Evaluation, Firings};
use line_days::LineDay;
use shadow::Shadow;
use stats::ShardStats;
use std::sync::Arc;

/// Partition p of every feed: its subscribers, windows, watermarks, day closes and open tasks.
pub struct Shard {
    rules: Arc<Rules>,
    store: Store,
    accounts: List<Account>,
    taskbook: Taskbook,
    /// Its part of the daily budget.
    share: BudgetShare,
    /// The candidates of the last close, if they have not been ranked.
    collecting: Option<Collecting>,
    shadow: Shadow,
    /// Groups whose keys lead here, whoever their members are.
    groups: Groups,
    population: Population,
    closing: Option<Closing>,
    /// The last closed day; [`Day::MIN`] before the first event.
    closed: Day,
    stats: ShardStats,
    watermarks: [Watermark; Feed::ALL.len()],
    inputs: Inputs,
    now: Timestamp,
    clock: Timestamp,
    names: Interner,
    counts: Counts,
    /// Lines that were forgotten at the last close.
    forgotten: u32,
    /// When a subscriber was last erased, in the stamps of the store's pages.
    erased: u32,
    /// What closed days said of every line, if anybody wants it. It is no part of the state.
    line_days: Option<Vec<LineDay>>,
}

impl Shard {
    /// An empty shard.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            store: Store::new(rules.window.days),
            accounts: List::default(),
            taskbook: Taskbook::default(),
            share: BudgetShare::WHOLE,
            collecting: None,
            shadow: Shadow::default(),
            groups: Groups::default(),
            population: Population::new(rules.window.days, &rules.baseline),
            closing: None,
            closed: Day::MIN,
            stats: ShardStats::default(),
            watermarks: Default::default(),
            inputs: Inputs::default(),
            now: Timestamp::MIN,
            clock: Timestamp::MIN,
            names: Interner::default(),
            counts: Counts::default(),
            forgotten: 0,
            erased: EPOCH_ZERO,
            line_days: None,
            rules,
        }
    }

    /// Gives the shard its part of the daily budget: it is one partition among so many.
    pub fn share_budget(&mut self, part: i32, of: i32) {
        self.share = BudgetShare {
            part: part.unsigned_abs(),
            of: of.unsigned_abs(),
        };
    }

    /// Puts other rules in force from the next call on. Everything known is kept; if `window.days` changes, only the
    /// newest days are. Rules on trial take over the states of those before them, trigger by trigger.
    pub fn adopt(&mut self, rules: Arc<Rules>) {
        self.store.resize_windows(rules.window.days);
        self.population.keep(usize::from(rules.window.days));
        if rules.shadow.is_none() {
            self.shadow.clear();
        }
        self.rules = rules;
    }

    /// Applies one event and appends what follows from it.
    pub fn apply(
        &mut self,
        event: &Event<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let outcome = self.ingest(event, source, effects);
        self.counts.count(&outcome);
        outcome
    }

    /// Takes a mediation's statement that nothing of a feed before `complete_until` is missing.
    pub fn progress(
        &mut self,
        feed: Feed,
        complete_until: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let outcome = if self.ahead_of_time(complete_until) {
            Outcome::Rejected(Reject::FutureStatement)
        } else if !self.has_records() {
            Outcome::Ignored
        } else if !self.is_founded(complete_until) {
            Outcome::Rejected(Reject::UnfoundedStatement)
        } else {
            let day = self.rules.calendar.day_of(complete_until);
            self.watermarks[feed as usize].progress(complete_until, day);
            self.begin(day);
            self.move_clock();
            self.follow_clock(effects);
            Outcome::Ignored
        };
        self.counts.count(&outcome);
        outcome
    }

    /// Counts a record that never became an event: a tombstone or a reject of `decode`.
    pub fn count(&mut self, outcome: &Outcome) {
        self.counts.count(outcome);
    }

    /// Tells the shard what time it is and how far its inputs have been read.
    ///
    /// With `clock = "wall"`, `now` becomes the clock. With `clock = "event"`, it only decides which records come from
    /// the future. With `clock = "auto"`, the first holds once there is no backlog, and the second until then.
    pub fn tick(&mut self, now: Timestamp, inputs: Inputs, effects: &mut Vec<Effect>) {
        let in_backlog = self.in_backlog();
        self.now = self.now.max(now);
        self.inputs = inputs;
        self.move_clock();
        self.follow_clock(effects);
        // What waited for the end of the backlog waits for the close of a day too, if one has begun.
        if in_backlog && !self.in_backlog() && self.collecting.is_none() {
            self.collecting = Some(Collecting::until(self.clock));
            self.release(effects);
        }
        if in_backlog && !self.in_backlog() {
            self.review_groups(self.clock, effects);
        }
    }

    /// Closes every day up to the last event's, as if the feeds had ended.
    pub fn finish(&mut self, effects: &mut Vec<Effect>) {
        self.watermarks
            .iter_mut()
            .for_each(Watermark::enter_days_ahead);
        self.move_clock();
        let last = self.watermarks.iter().map(Watermark::at).max();
        let Some(last) = last.filter(|last| *last > Timestamp::MIN) else {
            return;
        };
        let last = self.rules.calendar.day_of(last);
        while self.closed < last {
            let end = self.rules.calendar.start_of(self.closed + 2);
            self.begin_close(self.clock.max(end), effects);
        }
        self.release(effects);
        self.do_what_is_due(effects);
    }

    /// Whether a day is being closed, so that [`sweep`](Self::sweep) has something to do.
    pub fn sweeping(&self) -> bool {
        self.closing.is_some()
    }

    /// What became of the records so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Figures for metrics.
    pub fn stats(&self) -> ShardStats {
        ShardStats {
            subscribers: u64::from(self.store.len()),
            store_bytes: (self.store.bytes() + self.accounts.bytes() + self.shadow.bytes()) as u64,
            open_tasks: self.taskbook.open_tasks() as u64,
            clock: self.clock,
            watermarks: std::array::from_fn(|feed| self.watermarks[feed].at()),
            closed: self.closed,
            ..self.stats
        }
    }

    /// A subscriber's window, oldest day first and empty before the first call-detail record; nothing if the subscriber
    /// was never seen. For inspection.
    pub fn window(&self, msisdn: &Msisdn) -> Option<Vec<(Day, Bucket)>> {
        let slot = self.store.slot_of(msisdn)?;
        self.store
            .window(slot)
            .map(|window| window.iter().collect())
    }

    /// See [`Store::aim`].
    pub fn aim(key: &[u8]) -> Option<u64> {
        Store::aim(key)
    }

    /// See [`Store::fetch_record`].
    pub fn fetch_record(&self, aim: u64) -> Option<u32> {
        self.store.fetch_record(aim)
    }

    /// See [`Store::fetch_day`].
    pub fn fetch_day(&self, slot: u32) {
        self.store.fetch_day(slot);
    }

    fn account_id(&mut self, slot: u32) -> Option<AccountId> {
        let subscriber = self.store.entry(slot)?.subscriber;
        if subscriber.account.is_none() {
            subscriber.account = AccountId::from_index(self.accounts.items());
            self.accounts.append(Account::default());
        }
        subscriber.account
    }

    /// Keeps the changed trigger states of a subscriber, and hands out what fired.
    fn keep_states(&mut self, slot: u32, evaluation: Evaluation) -> Firings {
        for (place, state) in evaluation.changed {
            self.keep_state(slot, place, state);
        }
        evaluation.firings
    }

    /// Keeps the state of a sparse trigger.
    fn keep_state(&mut self, slot: u32, place: usize, state: TriggerState) {
        let id = self.account_id(slot);
        if let Some(account) = id.and_then(|id| self.accounts.edit_item(id.index())) {
            account.trigger_states.set(place, state);
        }
    }
}
