use super::account::{Account, Interner};
use super::close::Closing;
use super::evaluation::{Evaluation, Firings};
use super::pages::{EPOCH_ZERO, List};
use super::policy::{Share, Taskbook};
use super::population::Population;
use super::rules::ClockKind;
use super::shadow::Shadow;
use super::store::{AccountId, Entry, Store};
use super::task_context::Collecting;
use super::triggers::{self, EventView, Trigger, TriggerState, too_old};
use super::watermark::{Needed, Watermark};
use super::window::{Bucket, UsageChannel};
use super::{Rules, ShardStats};
use crate::model::{
    Body, CallOutcome, Counts, Day, Direction, Effect, Event, Feed, FeedSet, Msisdn, Outcome,
    Reject, Source, SuspensionReason, Timestamp,
};
use std::sync::Arc;

/// Partition p of every feed: its subscribers, windows, watermarks, day closes and open tasks.
pub struct Shard {
    pub(super) rules: Arc<Rules>,
    pub(super) store: Store,
    pub(super) accounts: List<Account>,
    pub(super) taskbook: Taskbook,
    /// Its part of the daily budget.
    pub(super) share: Share,
    /// The candidates of the last close, if they have not been ranked.
    pub(super) collecting: Option<Collecting>,
    pub(super) shadow: Shadow,
    pub(super) population: Population,
    pub(super) closing: Option<Closing>,
    /// The last closed day; [`Day::MIN`] before the first event.
    pub(super) closed: Day,
    pub(super) stats: ShardStats,
    pub(super) watermarks: [Watermark; Feed::ALL.len()],
    pub(super) inputs: Inputs,
    pub(super) now: Timestamp,
    pub(super) clock: Timestamp,
    pub(super) names: Interner,
    pub(super) counts: Counts,
    /// When a subscriber was last erased, in the stamps of the store's pages.
    pub(super) erased: u32,
}

/// With fewer subscribers than this, few may be left who ever have records on the same day.
const SMALL: u32 = 20;

/// Wrong clocks grow in number with the shard: the watermark needs one of this many subscribers, up to a bound.
const CROWD: u32 = 256;
const CROWD_MAX: u32 = 64;

/// How far the inputs of a shard have been read. Over files there is nothing more to say than the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inputs {
    /// Feeds behind their ends whose unread records may be older than those of other feeds: their watermarks hold
    /// day closes back. Feeds that all share one topic cannot fall behind each other and are never named.
    pub lagging: FeedSet,
    /// Whether every input has been read to its end, so that silence is not a backlog.
    pub caught_up: bool,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            lagging: FeedSet::NONE,
            caught_up: true,
        }
    }
}

impl Shard {
    /// An empty shard.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            store: Store::new(rules.window.days),
            accounts: List::default(),
            taskbook: Taskbook::default(),
            share: Share::WHOLE,
            collecting: None,
            shadow: Shadow::default(),
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
            erased: EPOCH_ZERO,
            rules,
        }
    }

    /// Gives the shard its part of the daily budget: that of a partition among so many.
    pub fn share_budget(&mut self, part: i32, of: i32) {
        self.share = Share {
            part: part.unsigned_abs(),
            of: of.unsigned_abs(),
        };
    }

    /// Applies one event and appends what follows from it.
    pub fn apply(
        &mut self,
        event: &Event<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let outcome = self.take(event, source, effects);
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
            Outcome::Rejected(Reject::Future)
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
    /// With `clock = "wall"`, `now` becomes the clock; with `clock = "event"` it only bounds the future.
    pub fn tick(&mut self, now: Timestamp, inputs: Inputs, effects: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        self.inputs = inputs;
        self.move_clock();
        self.follow_clock(effects);
    }

    /// Closes every day up to the last event's, as if the feeds had ended.
    pub fn finish(&mut self, effects: &mut Vec<Effect>) {
        self.watermarks.iter_mut().for_each(Watermark::settle);
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
        self.keep_appointments(effects);
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

    fn take(&mut self, event: &Event<'_>, source: &Source, effects: &mut Vec<Effect>) -> Outcome {
        if self.ahead_of_time(event.at) {
            return Outcome::Rejected(Reject::Future);
        }
        if let Body::Erase { request } = &event.body {
            self.erase(event, request, source, effects);
            return Outcome::Applied { late: false };
        }
        let day = self.rules.calendar.day_of(event.at);
        // A profile is a state, not an event: it never grows too old and says nothing about time.
        let timeless = matches!(event.body, Body::Profile(_));
        if !timeless {
            if self.expired(day) {
                return Outcome::Expired;
            }
            self.begin(day);
        }
        let slot = self.store.slot(&event.msisdn, self.closed);
        self.visit_if_due(slot, effects);
        let late = !timeless && day <= self.closed;
        let feed = event.body.feed();
        let fresh = match feed {
            Feed::Cdr => self.count_usage(slot, day, event),
            _ => self.note(slot, day, event),
        };
        match fresh {
            Fresh::Yes => self.note_service_history(slot, day, event),
            Fresh::Seen => return Outcome::Duplicate,
            Fresh::TooOld => return Outcome::Expired,
        }
        if !timeless {
            let all = self.store.len();
            let enough = u32::from(self.rules.window.day_entry_subscribers);
            let enough = enough.max((all / CROWD).min(CROWD_MAX)).min(all);
            let needed = Needed {
                subscribers: enough as usize,
                or_days: all < SMALL,
            };
            self.watermarks[feed as usize].observe(event.at, day, slot, needed);
            self.move_clock();
        }
        self.react(slot, day, event, source, effects);
        self.follow_clock(effects);
        Outcome::Applied { late }
    }

    fn ahead_of_time(&self, at: Timestamp) -> bool {
        let tolerance = i64::from(self.rules.window.future_minutes) * 60 * Timestamp::SECOND_MS;
        self.now > Timestamp::MIN && at.since_ms(self.now) > tolerance
    }

    /// The first event's day is the first day that can close.
    fn begin(&mut self, day: Day) {
        if self.closed == Day::MIN {
            self.closed = day - 1;
        }
    }

    fn expired(&self, day: Day) -> bool {
        self.clock > Timestamp::MIN
            && self.rules.calendar.day_of(self.clock).since(day)
                >= i32::from(self.rules.window.days)
    }

    /// Adds a call-detail record to its day.
    fn count_usage(&mut self, slot: u32, day: Day, event: &Event<'_>) -> Fresh {
        let Some(mut entry) = self.store.entry(slot) else {
            return Fresh::TooOld;
        };
        if entry.too_old(day) {
            return Fresh::TooOld;
        }
        let identity = match event.body {
            Body::Data {
                session: Some(session),
                ..
            } => session,
            _ => event.record,
        };
        if entry.subscriber.seen(identity) {
            return Fresh::Seen;
        }
        let mebibytes = match event.body {
            Body::Data { volume_bytes, .. } => entry.subscriber.carry_data(volume_bytes),
            _ => 0,
        };
        let Some(bucket) = entry.day(day) else {
            return Fresh::TooOld;
        };
        let before = UsageChannel::ALL.map(|channel| bucket.events(channel));
        match event.body {
            Body::Call {
                direction,
                duration_seconds,
                outcome,
                ..
            } => {
                let calls = match direction {
                    Direction::Outgoing => &mut bucket.outgoing,
                    Direction::Incoming => &mut bucket.incoming,
                };
                *calls = calls.saturating_add(1);
                let dropped = u8::from(outcome == CallOutcome::Dropped);
                bucket.dropped = bucket.dropped.saturating_add(dropped);
                bucket.add_voice_seconds(duration_seconds);
            }
            Body::Message { .. } => bucket.messages = bucket.messages.saturating_add(1),
            Body::Data { .. } => {
                bucket.sessions = bucket.sessions.saturating_add(1);
                bucket.add_data_mebibytes(mebibytes);
            }
            _ => {}
        }
        let active = bucket.active();
        let added =
            UsageChannel::ALL.map(|channel| bucket.events(channel) - before[channel as usize]);
        let subscriber = entry.subscriber;
        if active {
            subscriber.last_active = subscriber.last_active.max(day);
            subscriber.first_active = subscriber.first_active.min(day);
        }
        if subscriber.stable && day == subscriber.visited.next() {
            for channel in UsageChannel::ALL {
                self.population.count(channel, added[channel as usize]);
            }
        }
        Fresh::Yes
    }

    /// Adds any other record to the subscriber's account.
    fn note(&mut self, slot: u32, day: Day, event: &Event<'_>) -> Fresh {
        let Some(id) = self.account_id(slot) else {
            return Fresh::TooOld;
        };
        let Some(account) = self.accounts.edit_item(id.index()) else {
            return Fresh::TooOld;
        };
        if account.seen(event.record) {
            return Fresh::Seen;
        }
        match &event.body {
            Body::Profile(profile) => {
                let new_owner = account.take_profile(event.at, day, profile, &mut self.names);
                if new_owner {
                    self.taskbook.forget(slot);
                }
                if let Some(mut entry) = self.store.entry(slot).filter(|_| new_owner) {
                    let robot = u64::from(entry.subscriber.machine_detector.machine());
                    self.stats.robots = self.stats.robots.saturating_sub(robot);
                    entry.start_afresh();
                    self.shadow.forget(slot);
                }
            }
            Body::Invoice(invoice) => account.ledger.invoice(invoice),
            Body::Payment { amount } => account.ledger.pay(*amount),
            Body::Suspension(SuspensionReason::Arrears) => account.suspend(event.at, day),
            Body::Reactivation => account.reactivate(event.at),
            Body::Cancellation => account.cancel(day),
            Body::PortOutApplication => account.port_out_on = account.port_out_on.max(Some(day)),
            Body::TaskOutcome(outcome) => account.do_not_contact |= outcome.do_not_contact,
            _ => {}
        }
        Fresh::Yes
    }

    pub(super) fn account_id(&mut self, slot: u32) -> Option<AccountId> {
        let subscriber = self.store.entry(slot)?.subscriber;
        if subscriber.account.is_none() {
            subscriber.account = AccountId::from_index(self.accounts.items());
            self.accounts.append(Account::default());
        }
        subscriber.account
    }

    /// Shows an event to the immediate triggers that want to see it; last, what those of the shadow rules say.
    fn ask(
        &mut self,
        slot: u32,
        day: Day,
        event: &Event<'_>,
        source: &Source,
    ) -> (Evaluation, Firings) {
        let rules = &self.rules;
        let on_trial = rules.shadow.as_deref();
        let mut places = triggers::wanting(&event.body, rules).peekable();
        let in_shadow = on_trial.map(|rules| triggers::wanting(&event.body, rules));
        let mut in_shadow = in_shadow.into_iter().flatten().peekable();
        let asked_for = places.peek().is_some() || in_shadow.peek().is_some();
        if !asked_for || too_old(self.clock, event.at, rules.window.immediate_hours) {
            return Default::default();
        }
        let Some(Entry { subscriber, .. }) = self.store.entry(slot) else {
            return Default::default();
        };
        let account = subscriber
            .account
            .and_then(|id| self.accounts.item(id.index()));
        if subscriber.is_machine(account) {
            return Default::default();
        }
        let settles = match &event.body {
            Body::TaskOutcome(outcome) => self.taskbook.purpose_of(slot, &outcome.task_id),
            _ => None,
        };
        let view = EventView {
            event,
            day,
            source,
            account,
            settles,
            rules,
        };
        let dense = &mut subscriber.trigger_states;
        let sparse = account.map(|account| &account.trigger_states);
        let evaluation = Evaluation::ask(places, dense, sparse, day, rules, |trigger, state| {
            trigger.on_event(&view, state)
        });
        let mut said_in_shadow = Vec::new();
        if let Some(rules) = rules.shadow.as_deref() {
            let view = EventView { rules, ..view };
            let look =
                |trigger: &dyn Trigger, state: &mut TriggerState| trigger.on_event(&view, state);
            said_in_shadow = self.shadow.ask(slot, in_shadow, day, rules, look);
        }
        (evaluation, said_in_shadow)
    }

    /// Lets the immediate triggers look, and the taskbook take note of what changes a task.
    fn react(
        &mut self,
        slot: u32,
        day: Day,
        event: &Event<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) {
        let (evaluation, in_shadow) = self.ask(slot, day, event, source);
        let firings = self.keep(slot, evaluation);
        let concerns_tasks = match event.body {
            Body::TaskOutcome(_) | Body::Cancellation | Body::PortOutApplication => true,
            Body::Profile(_) => self.store.record(slot).is_some_and(|record| record.in_book),
            _ => false,
        };
        if firings.is_empty() && in_shadow.is_empty() && !concerns_tasks {
            return;
        }
        let now = self.clock.max(event.at);
        self.with_tasks(slot, now, day, |context, case| {
            for (trigger, firing) in firings {
                context.take(trigger, firing, event.at, case, effects);
            }
            context.note(event, source, case, effects);
            if !in_shadow.is_empty() {
                context.shadow.publish(in_shadow, event.at, case, effects);
            }
        });
    }

    /// Wall time as handed in; over files the highest event time accepted, held back by lagging feeds.
    fn move_clock(&mut self) {
        let clock = match self.rules.window.clock {
            ClockKind::Wall => self.now,
            ClockKind::Event => {
                let highest = self.watermarks.iter().map(Watermark::at).max();
                let lagging = Feed::ALL
                    .iter()
                    .filter(|feed| self.inputs.lagging.contains(**feed));
                let slowest = lagging
                    .map(|feed| self.watermarks[*feed as usize].at())
                    .min();
                highest.min(slowest.or(highest)).unwrap_or(Timestamp::MIN)
            }
        };
        self.clock = self.clock.max(clock);
    }

    /// The shard's watermark: the slowest of the feeds that are not idle.
    fn watermark(&self) -> Timestamp {
        let idle = self
            .clock
            .plus_hours(-i64::from(self.rules.window.idle_feed_hours));
        let holds = |feed: &Feed| {
            let at = self.watermarks[*feed as usize].at();
            self.inputs.lagging.contains(*feed) || (at > Timestamp::MIN && at >= idle)
        };
        let holding = Feed::ALL.into_iter().filter(holds);
        holding
            .map(|feed| self.watermarks[feed as usize].at())
            .min()
            .unwrap_or(Timestamp::MIN)
    }

    /// Whether the day after the last closed one is over (DOMAIN section 3, day close).
    ///
    /// A mediation that makes statements is waited for, but no longer than for an idle feed.
    fn day_is_over(&self) -> bool {
        if self.closed == Day::MIN {
            return false;
        }
        let (window, day) = (&self.rules.window, self.closed.next());
        let end = self.rules.calendar.start_of(day.next());
        let (soon, late) = (
            end.plus_hours(i64::from(window.grace_hours)),
            end.plus_hours(i64::from(window.idle_feed_hours)),
        );
        let watermark = self.watermark();
        (watermark >= soon && self.complete(Feed::Cdr, day))
            || watermark >= late
            || (window.clock == ClockKind::Wall && self.inputs.caught_up && self.clock >= late)
    }

    /// Does what the clock has made due: closes days, then keeps appointments.
    fn follow_clock(&mut self, effects: &mut Vec<Effect>) {
        // No day closes before the clock has reached its end; most events stop here.
        while self.clock >= self.rules.calendar.start_of(self.closed + 2) && self.day_is_over() {
            self.begin_close(self.clock, effects);
        }
        self.keep_appointments(effects);
    }

    /// Whether the mediation, where it makes statements, has said that a feed's day is complete.
    pub(super) fn complete(&self, feed: Feed, day: Day) -> bool {
        let end = self.rules.calendar.start_of(day.next());
        let said = self.watermarks[feed as usize].complete_until();
        said.is_none_or(|until| until >= end)
    }
}

/// Whether a record is new to its subscriber.
enum Fresh {
    Yes,
    Seen,
    TooOld,
}
