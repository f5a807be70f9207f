use super::absence::is_absence;
use super::evaluation::{Evaluation, Firings};
use super::{Shard, line_days};
use crate::engine::policy::Collecting;
use crate::engine::rules::Rules;
use crate::engine::state::account::Account;
use crate::engine::state::bar::BarredDays;
use crate::engine::state::baseline::Baseline;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::closing::Closing;
use crate::engine::state::credit::Credit;
use crate::engine::state::line_state::LineReading;
use crate::engine::state::loss::Loss;
use crate::engine::state::machines::Change;
use crate::engine::state::population::{DayFacts, SETTLING_DAYS, Volume};
use crate::engine::state::store::AccountId;
use crate::engine::state::trigger_state::{SparseStates, TriggerState};
use crate::engine::triggers::{DAILY, DAILY_OF_USE, DayView, Trigger, is_worrying, read_line};
use crate::model::{Day, Effect, Feed, Timestamp};

/// Days a subscriber must have been known for its baseline to count for the population's.
const STABLE_DAYS: u16 = 14;
/// Silent for more days than this, a subscriber says nothing about the population. Days that are not comparable do not
/// count, or nobody would be left to recognise a long outage by.
const STABLE_SILENCE_DAYS: usize = 3;

/// The days of a subscriber are fetched into the cache so many visits before its own.
const VISITS_AHEAD: u32 = 8;

/// A suspended line that is used on so many days is in service.
const USED_DAYS: usize = 3;

/// What the triggers say of a subscriber's day.
#[derive(Default)]
struct Judgement {
    firings: Firings,
    /// Of the shadow rules.
    in_shadow: Firings,
}

impl Shard {
    /// Visits up to `subscribers_max` further subscribers for the day being closed. Returns whether more are left.
    ///
    /// An event visits its subscriber first if the sweep has not reached it. So the size of the slices changes only the
    /// order between subscribers, never what is published about one.
    pub fn sweep(&mut self, subscribers_max: usize, effects: &mut Vec<Effect>) -> bool {
        let Some(mut closing) = self.closing else {
            return false;
        };
        let budget = u32::try_from(subscribers_max).unwrap_or(u32::MAX);
        let end = closing
            .next_slot
            .saturating_add(budget)
            .min(self.store.slots());
        while closing.next_slot < end {
            self.store
                .fetch_day(closing.next_slot.saturating_add(VISITS_AHEAD));
            self.visit(closing.next_slot, &closing, effects);
            closing.next_slot += 1;
        }
        let left = closing.next_slot < self.store.slots();
        self.closing = left.then_some(closing);
        left
    }

    /// Starts to close the day after the last closed one; finishes the close before it, if that is still going on. Days that
    /// close at once share one budget.
    pub(super) fn begin_close(&mut self, at: Timestamp, effects: &mut Vec<Effect>) {
        self.sweep(usize::MAX, effects);
        self.review_groups(at, effects);
        if self.collecting.is_some_and(|since| since.until <= at) {
            self.release(effects);
        }
        let day = self.closed.next();
        let complete = Feed::ALL.map(|feed| self.complete(feed, day));
        let cdr = Feed::Cdr as usize;
        let facts = self
            .population
            .close(day, complete[cdr], &self.rules.population);
        self.closed = day;
        self.forgotten = 0;
        self.stats.day_closes += 1;
        for feed in Feed::ALL.map(|feed| feed as usize) {
            let mut channels = UsageChannel::ALL.iter();
            let unknown = feed == cdr && !channels.all(|channel| facts.known(*channel));
            let outage = !complete[feed] || unknown;
            self.stats.outage_days[feed] += u64::from(outage);
        }
        self.closing = Some(Closing {
            facts,
            at,
            next_slot: 0,
        });
        self.collecting = Some(Collecting::since(at, &self.rules.policy.budget));
    }

    /// Visits a subscriber an event is about to touch, if the sweep has not come by yet. Afterwards the line may be forgotten, and
    /// its slot vacant.
    pub(super) fn visit_if_due(&mut self, slot: u32, effects: &mut Vec<Effect>) {
        if let Some(closing) = self.closing {
            self.visit(slot, &closing, effects);
        }
    }

    /// One subscriber's close of the day: judge it against the baseline, then let the baseline learn.
    fn visit(&mut self, slot: u32, closing: &Closing, effects: &mut Vec<Effect>) {
        let Some(subscriber) = self.store.record(slot) else {
            return;
        };
        if subscriber.is_vacant() || subscriber.visited >= closing.facts.day {
            return;
        }
        let account = subscriber.account;
        self.settle(slot, &closing.facts);
        if let Some(id) = account {
            self.end_suspension(slot, id, closing.facts.day);
            self.follow(slot, id, closing.facts.day);
        }
        let judgement = self.judge(slot, &closing.facts);
        self.publish(slot, closing, judgement, effects);
        match self.is_gone(slot, closing.facts.day) {
            true => self.forget(slot, closing.at, effects),
            false => self.learn(slot, closing.facts.day),
        }
    }

    /// Where the volume has settled on another level, what is ordinary is learnt anew from the days it took.
    fn settle(&mut self, slot: u32, facts: &DayFacts) {
        let settled = |channel: &UsageChannel| facts.volume[*channel as usize] == Volume::Settled;
        if !UsageChannel::ALL.iter().any(settled) {
            return;
        }
        let Some(mut entry) = self.store.entry(slot) else {
            return;
        };
        let (subscriber, window) = entry.split();
        for channel in UsageChannel::ALL.into_iter().filter(settled) {
            let mut baseline = Baseline::default();
            let days = (0..SETTLING_DAYS).rev().map(|age| facts.day - age);
            for day in days.filter(|day| *day > subscriber.first_active) {
                let facts = self.population.facts(day);
                if let Some(facts) = facts.filter(|facts| facts.known(channel)) {
                    let (events, share) = (window.day(day).events(channel), facts.share(channel));
                    baseline.learn(events, share, &self.rules.baseline);
                }
            }
            subscriber.baselines.set(channel, baseline);
        }
    }

    /// A suspended line that is used is not suspended any more, whatever became of the record that said so.
    fn end_suspension(&mut self, slot: u32, id: AccountId, day: Day) {
        let account = self.accounts.item(id.index());
        let Some(since) = account.and_then(|account| account.suspended_before(day)) else {
            return;
        };
        let Some(mut entry) = self.store.entry(slot) else {
            return;
        };
        let (_, window) = entry.split();
        if !window.day(day).is_used() {
            return;
        }
        let days = (0..window.days()).map(|age| day - age);
        let used = days
            .take_while(|day| *day > since)
            .filter(|day| window.day(*day).is_used());
        if used.count() >= USED_DAYS
            && let Some(account) = self.accounts.edit_item(id.index())
        {
            account.reactivate(None, self.rules.calendar.start_of(day), day);
        }
    }

    /// Shows the day to every trigger.
    fn judge(&mut self, slot: u32, facts: &DayFacts) -> Judgement {
        let record = self.store.record(slot);
        let named = record.is_some_and(|record| record.account.is_some());
        // Making the number of its key takes longer than most visits.
        let msisdn = match named || self.line_days.is_some() {
            true => self.store.msisdn(slot),
            false => None,
        };
        let Some(mut entry) = self.store.entry(slot) else {
            return Judgement::default();
        };
        let (subscriber, window) = entry.split();
        let day = facts.day;
        subscriber.visited = day;
        let account = subscriber
            .account
            .and_then(|id| self.accounts.item(id.index()));
        let barred = barred(account, &self.rules);
        let free = !barred.is_some_and(|days| days.has(day));
        if free && facts.partly_known() && subscriber.first_active <= day {
            subscriber.known_days = subscriber.known_days.saturating_add(1);
        }
        if facts.known(UsageChannel::Voice) {
            let rules = &self.rules.machines;
            let change = subscriber
                .machine_detector
                .close(day, &window, &self.population, rules);
            match change {
                Change::None => {}
                Change::Machine => self.stats.machines += 1,
                Change::Person => {
                    self.stats.machines = self.stats.machines.saturating_sub(1);
                    subscriber.unlearn();
                    self.shadow.unlearn(slot);
                }
            }
        }
        if subscriber.is_machine(account) {
            return Judgement::default();
        }
        let credit =
            account.and_then(|account| Credit::rate_known(account, day, &self.rules.policy.credit));
        let unread = LineReading::default();
        let (line, line_on_trial);
        let mut view = DayView {
            msisdn,
            day,
            known_days: subscriber.known_days,
            last_active: subscriber.last_active,
            window: &window,
            account,
            barred,
            trip: trip(account, subscriber.last_active),
            loss: account.and_then(|account| {
                Loss::of(account, subscriber.last_active, day, &self.rules.policy)
            }),
            credit,
            worried: false,
            line: &unread,
            line_state_rules: &self.rules.line_state,
            baseline_rules: &self.rules.baseline,
            baselines: subscriber.baselines.all(),
            population: &self.population,
            facts,
            factor: facts.factor,
        };
        if subscriber.stable {
            for channel in UsageChannel::ALL {
                let (events, level) = (view.observed(channel, day), view.level(channel));
                view.factor[channel as usize] =
                    facts.factor_without(channel, events, level, &self.rules.population);
            }
        }
        let (dense, rules) = (&mut subscriber.trigger_states, &self.rules);
        let tier = |rules: &Rules| Credit::rate(account, day, &rules.policy.credit).tier;
        let sparse = account.map(|account| &account.trigger_states);
        let worries = |states: &SparseStates, rules: &Rules| {
            is_worrying(states, day, rules.line_state.worry_days)
        };
        view.worried = sparse.is_some_and(|states| worries(states, rules));
        line = read_line(&mut subscriber.line, &view, || tier(rules));
        view.line = &line;
        if let Some(days) = &mut self.line_days {
            days.extend(line_days::of_view(&view));
        }
        let look = |trigger: &dyn Trigger, state: &mut TriggerState| trigger.on_day(&view, state);
        let daily = match account {
            Some(_) => DAILY,
            None => DAILY_OF_USE,
        };
        let evaluation = Evaluation::of(daily, dense, sparse, day, &rules.triggers, look);
        let mut in_shadow = Firings::new();
        if let Some(trial) = rules.shadow.as_deref() {
            let mut belief = self.shadow.line(slot);
            view.line_state_rules = &trial.line_state;
            let states = self.shadow.trigger_states(slot);
            view.worried = states.is_some_and(|states| worries(states, trial));
            line_on_trial = read_line(&mut belief, &view, || tier(trial));
            view.line = &line_on_trial;
            self.shadow.keep_line(slot, belief);
            let look =
                |trigger: &dyn Trigger, state: &mut TriggerState| trigger.on_day(&view, state);
            in_shadow = self
                .shadow
                .evaluate(slot, DAILY, day, &trial.triggers, look);
        }
        let rated = credit.map(|credit| credit.stars);
        let rises = account.is_some_and(|account| rated.is_some() && account.rated_stars != rated);
        let keep_days = rules.policy.win_back.keep_days;
        let leaving = account.and_then(|account| account.service_history().leaving);
        let counts = view.loss.is_some_and(|loss| !loss.over);
        let stale = leaving.is_some_and(|leaving| !counts && leaving.is_over(day, keep_days));
        let id = subscriber.account.filter(|_| rises || stale);
        if let Some(account) = id.and_then(|id| self.accounts.edit_item(id.index())) {
            account.rated_stars = rated.or(account.rated_stars);
            if stale {
                account.forget_leaving();
            }
        }
        Judgement {
            firings: self.keep_states(slot, evaluation),
            in_shadow,
        }
    }

    /// Reviews what the taskbook has of the subscriber and publishes what fired.
    fn publish(
        &mut self,
        slot: u32,
        closing: &Closing,
        judgement: Judgement,
        effects: &mut Vec<Effect>,
    ) {
        let Judgement { firings, in_shadow } = judgement;
        let in_book = self.store.record(slot).is_some_and(|record| record.in_book);
        if !in_book && firings.is_empty() && in_shadow.is_empty() {
            return;
        }
        self.with_tasks(slot, closing.at, closing.facts.day, |context, case| {
            context.book.review(case, effects);
            for (trigger, firing) in firings {
                context
                    .book
                    .raise(trigger, firing, closing.at, case, effects);
            }
            if !in_shadow.is_empty() {
                context.shadow.publish(in_shadow, closing.at, case, effects);
            }
        });
    }

    /// Teaches the baseline the newest day outside the lag, and counts the subscriber for the population's next day.
    fn learn(&mut self, slot: u32, day: Day) {
        let Some(mut entry) = self.store.entry(slot) else {
            return;
        };
        let (subscriber, window) = entry.split();
        let rules = &self.rules.baseline;
        let learnt = day - i32::from(rules.lag_days);
        let account = subscriber
            .account
            .and_then(|id| self.accounts.item(id.index()));
        let barred = barred(account, &self.rules);
        let trip = trip(account, subscriber.last_active);
        let is_barred = |day: Day| [barred, trip].iter().flatten().any(|days| days.has(day));
        // The first day is only part of one.
        let teaches = learnt > subscriber.first_active
            && !is_barred(learnt)
            && !is_absence(learnt, subscriber, &window, &self.population, barred, rules);
        if let Some(facts) = self.population.facts(learnt).filter(|_| teaches) {
            for channel in UsageChannel::ALL.into_iter().filter(|c| facts.known(*c)) {
                let events = window.day(learnt).events(channel);
                let mut baseline = subscriber.baselines.of(channel);
                baseline.learn(events, facts.share(channel), rules);
                subscriber.baselines.set(channel, baseline);
            }
        }
        // Meters and robots keep no holidays, and one of them has more traffic than a hundred people.
        subscriber.stable = !subscriber.is_machine(account)
            && !is_barred(day.next())
            && subscriber.known_days >= STABLE_DAYS
            && self
                .population
                .active_within(STABLE_SILENCE_DAYS, subscriber.last_active, day);
        if subscriber.stable {
            let baselines = subscriber.baselines.all();
            self.population
                .enrol(baselines.map(|b| b.level()), baselines.map(|b| b.spread()));
            for channel in UsageChannel::ALL {
                let events = window.day(day.next()).events(channel);
                self.population.count(channel, events);
            }
        }
    }
}

/// The days of an account's last trip.
pub(super) fn trip(account: Option<&Account>, last_active: Day) -> Option<BarredDays> {
    let trip = account?.service_history().trip;
    trip.map(|trip| trip.days(last_active))
}

/// The days on which an account's line is barred, or was a few days before.
fn barred(account: Option<&Account>, rules: &Rules) -> Option<BarredDays> {
    account?.barred(rules.baseline.after_bar_days)
}
