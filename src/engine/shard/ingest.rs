//! What becomes of one event: rejected, a duplicate, or counted and shown to the triggers.

use super::Shard;
use super::evaluation::{Evaluation, Firings};
use crate::engine::state::bucket::{Bucket, UsageChannel};
use crate::engine::state::service_history::ServiceEvent;
use crate::engine::state::store::SubscriberEntry;
use crate::engine::state::trigger_state::TriggerState;
use crate::engine::state::watermark::Needed;
use crate::engine::triggers::{self, EventView, Trigger, TriggerSet, too_old};
use crate::model::{
    Body, CallOutcome, Day, Direction, Effect, Event, Feed, OrderKind, Outcome, Purpose, Reject,
    Source, Timestamp,
};

/// With fewer subscribers than this, few may be left who ever have records on the same day.
const SMALL: u32 = 20;

/// Wrong clocks grow in number with the shard: the watermark needs one of this many subscribers, up to a bound.
const CROWD: u32 = 256;
const CROWD_MAX: u32 = 64;

/// A month may be billed ahead, but one far ahead would take the place of the latest bill for years.
const PERIOD_AHEAD_DAYS_MAX: i32 = 62;

impl Shard {
    pub(super) fn ingest(
        &mut self,
        event: &Event<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        if self.ahead_of_time(event.at) {
            return Outcome::Rejected(Reject::Future);
        }
        if let Body::Erase { request } = &event.body {
            self.erase(event, request, source, effects);
            return Outcome::Applied { late: false };
        }
        if let Body::MemberSignal(signal) = &event.body {
            return self.hear_member(event, signal, effects);
        }
        if self.is_for_a_stranger(event) {
            return Outcome::Ignored;
        }
        let day = self.rules.calendar.day_of(event.at);
        if let Body::Invoice(invoice) = &event.body
            && invoice.period.since(day) > PERIOD_AHEAD_DAYS_MAX
        {
            return Outcome::Rejected(Reject::InvalidField {
                field: "period",
                problem: "begins more than 62 days after event_timestamp".into(),
            });
        }
        // A profile is a state, not an event: it never grows too old and says nothing about time.
        let feed = event.body.feed();
        let timeless = is_timeless(event);
        if !timeless {
            // What holds until something else is said never grows too old to count.
            if !event.body.is_state() && self.expired(day) {
                return Outcome::Expired;
            }
            self.begin(day);
        }
        if self.closing.is_some()
            && let Some(slot) = self.store.slot_of(&event.msisdn)
        {
            self.visit_if_due(slot, effects);
        }
        let slot = self.store.slot(&event.msisdn, self.closed);
        let late = !timeless && day <= self.closed;
        if feed != Feed::Cdr {
            self.finish_if_waiting(slot, effects);
        }
        let counted = match feed {
            Feed::Cdr => self.count_usage(slot, day, event).map(|()| false),
            _ => self.count_in_account(slot, day, event),
        };
        match counted {
            Ok(false) => {}
            Ok(true) => self.hand_over(slot, day, event, source, effects),
            Err(outcome) => return outcome,
        }
        self.count_in_service_history(slot, day, event);
        if !timeless {
            let all = self.subscribers_at_close();
            let enough = u32::from(self.rules.window.day_entry_subscribers);
            let enough = enough.max((all / CROWD).min(CROWD_MAX)).min(all);
            let needed = Needed {
                subscribers: enough as usize,
                or_days: all < SMALL,
            };
            self.watermarks[feed as usize].observe(event.at, day, slot, needed);
            self.move_clock();
        }
        self.note_leaving(slot, day, event);
        let known = self.react(slot, day, event, source, effects);
        self.follow_clock(effects);
        match known {
            true => Outcome::Applied { late },
            // What was opened before the history that is read again, nobody can know.
            false if self.in_backlog() => Outcome::Applied { late },
            false => Outcome::Rejected(Reject::UnknownTask),
        }
    }

    fn expired(&self, day: Day) -> bool {
        self.clock > Timestamp::MIN
            && self.rules.calendar.day_of(self.clock).since(day)
                >= i32::from(self.rules.window.days)
    }

    /// Adds a call-detail record to its day; gives the outcome of one that adds nothing.
    fn count_usage(&mut self, slot: u32, day: Day, event: &Event<'_>) -> Result<(), Outcome> {
        let Some(mut entry) = self.store.entry(slot) else {
            return Err(Outcome::Expired);
        };
        if entry.too_old(day) {
            return Err(Outcome::Expired);
        }
        if day <= self.closed {
            let account = entry.subscriber.account;
            let account = account.and_then(|id| self.accounts.item(id.index()));
            if account.is_some_and(|account| account.is_earlier_owners(day)) {
                return Err(Outcome::Expired);
            }
        }
        let identity = match event.body {
            Body::Data {
                session: Some(session),
                ..
            } => session,
            _ => event.record,
        };
        if entry.subscriber.seen(identity) {
            return Err(Outcome::Duplicate);
        }
        let mebibytes = match event.body {
            Body::Data { volume_bytes, .. } => entry.subscriber.carry_data(volume_bytes),
            _ => 0,
        };
        let counted = entry.change_day(day, |bucket| {
            let before = UsageChannel::ALL.map(|channel| bucket.events(channel));
            add(bucket, &event.body, mebibytes);
            let added =
                UsageChannel::ALL.map(|channel| bucket.events(channel) - before[channel as usize]);
            (added, bucket.active())
        });
        let Some((added, active)) = counted else {
            return Err(Outcome::Expired);
        };
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
        Ok(())
    }

    /// Adds any other record to the subscriber's account, and says whether the number has a new owner; gives the outcome of
    /// one that adds nothing.
    fn count_in_account(
        &mut self,
        slot: u32,
        day: Day,
        event: &Event<'_>,
    ) -> Result<bool, Outcome> {
        let Some(id) = self.account_id(slot) else {
            return Err(Outcome::Expired);
        };
        let Some(account) = self.accounts.edit_item(id.index()) else {
            return Err(Outcome::Expired);
        };
        let of_body = match &event.body {
            Body::Cancellation | Body::PortOutApplication | Body::PortOutWithdrawn => {
                account.is_departure(event.at, day)
            }
            Body::Invoice(invoice) => account.is_earlier_owners_bill(invoice.period),
            _ => false,
        };
        if !is_timeless(event) && (of_body || account.is_earlier_owners(day)) {
            return Err(Outcome::Expired);
        }
        if account.seen(event.record) {
            return Err(Outcome::Duplicate);
        }
        account.heard_on = account.heard_on.max(day);
        let after_bar = self.rules.baseline.after_bar_days;
        match &event.body {
            Body::Profile(profile) => {
                let (policy, names) = (&self.rules.policy, &mut self.names);
                return Ok(account.update_profile(event.at, day, profile, policy, names));
            }
            Body::Invoice(invoice) => account.billing.invoice(event.at, invoice),
            Body::Payment { amount } => account.billing.pay(*amount),
            Body::Suspension(reason) => account.suspend(event, *reason, day, after_bar),
            Body::Reactivation(reason) => account.reactivate(*reason, event.at, day),
            Body::Cancellation => return Ok(account.cancel(event.at, day)),
            Body::PortOutApplication => account.port_out(event.at, day, true),
            Body::PortOutWithdrawn => account.port_out(event.at, day, false),
            Body::ServiceOrder(OrderKind::Upgrade) => account.upgrade(day),
            Body::GroupAlert(alert) => account
                .membership_mut()
                .into_iter()
                .for_each(|it| it.lead(alert)),
            Body::GroupCovered(covered) => {
                account
                    .membership_mut()
                    .into_iter()
                    .for_each(|it| it.cover(covered));
            }
            Body::TaskOutcome(outcome) if outcome.do_not_contact => account.refuse_contact(day),
            _ => {}
        }
        Ok(false)
    }

    /// The number was given to somebody else, whose profile this is: all that was known of the one before goes.
    fn hand_over(
        &mut self,
        slot: u32,
        day: Day,
        event: &Event<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) {
        let now = self.clock.max(event.at);
        self.with_tasks(slot, now, day, |context, case| {
            context.book.hand_over(source, case, effects);
        });
        self.stop_following(slot);
        if let Some(mut entry) = self.store.entry(slot) {
            let machine = u64::from(entry.subscriber.machine_detector.machine());
            self.stats.machines = self.stats.machines.saturating_sub(machine);
            entry.reset_for_new_owner();
            self.shadow.forget(slot);
        }
    }

    /// Adds a record to what triggers look back on.
    fn count_in_service_history(&mut self, slot: u32, day: Day, event: &Event<'_>) {
        let abroad = event.visited.map(|_| ServiceEvent::Abroad);
        let other = ServiceEvent::of(event, day, &self.rules.competitors);
        if abroad.is_none() && other.is_none() {
            return;
        }
        let id = self.account_id(slot);
        if let Some(account) = id.and_then(|id| self.accounts.edit_item(id.index())) {
            let history = account.service_history_mut();
            for service_event in abroad.into_iter().chain(other) {
                history.record(event.at, day, service_event);
            }
        }
    }

    /// If the event is an outcome that decides a task: that task's purpose.
    fn decides(&self, slot: u32, event: &Event<'_>) -> Option<Purpose> {
        let Body::TaskOutcome(outcome) = &event.body else {
            return None;
        };
        let now = self.clock.max(event.at);
        self.taskbook
            .decided_by(slot, &outcome.task_id, event.at, now, &self.rules)
    }

    /// Keeps what the outcome of a task says of a customer who goes.
    fn note_leaving(&mut self, slot: u32, day: Day, event: &Event<'_>) {
        let Body::TaskOutcome(outcome) = &event.body else {
            return;
        };
        let Some(purpose) = self.decides(slot, event) else {
            return;
        };
        let id = self.account_id(slot);
        if let Some(account) = id.and_then(|id| self.accounts.edit_item(id.index())) {
            account.learn_leaving(purpose, outcome, day);
        }
    }

    /// Shows an event to the immediate triggers that want to see it, and last to those of the shadow rules.
    fn evaluate(
        &mut self,
        slot: u32,
        day: Day,
        event: &Event<'_>,
        source: &Source,
    ) -> (Evaluation, Firings) {
        let rules = &self.rules;
        let on_trial = rules.shadow.as_deref();
        let wanting = |triggers| triggers::wanting(event, triggers, &rules.competitors);
        let places = wanting(&rules.triggers);
        let trial_places = on_trial.map_or(TriggerSet::NONE, |trial| wanting(&trial.triggers));
        let wanted = !places.is_empty() || !trial_places.is_empty();
        if !wanted || too_old(self.clock, event.at, rules.window.immediate_hours) {
            return Default::default();
        }
        let decides = self.decides(slot, event);
        let Some(SubscriberEntry { subscriber, .. }) = self.store.entry(slot) else {
            return Default::default();
        };
        let account = subscriber
            .account
            .and_then(|id| self.accounts.item(id.index()));
        if subscriber.is_machine(account) {
            return Default::default();
        }
        let view = EventView {
            event,
            day,
            source,
            account,
            decides,
            competitors: &rules.competitors,
        };
        let dense = &mut subscriber.trigger_states;
        let sparse = account.map(|account| &account.trigger_states);
        let look = |trigger: &dyn Trigger, state: &mut TriggerState| trigger.on_event(&view, state);
        let evaluation = Evaluation::of(places, dense, sparse, day, &rules.triggers, look);
        let in_shadow = on_trial.map_or_else(Vec::new, |trial| {
            self.shadow
                .evaluate(slot, trial_places, day, &trial.triggers, look)
        });
        (evaluation, in_shadow)
    }

    /// Lets the immediate triggers look, and the taskbook note what changes a task. Returns false if it is the outcome of
    /// a task that is not known.
    fn react(
        &mut self,
        slot: u32,
        day: Day,
        event: &Event<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let (evaluation, in_shadow) = self.evaluate(slot, day, event, source);
        let firings = self.keep_states(slot, evaluation);
        let concerns_tasks = match event.body {
            Body::TaskOutcome(_)
            | Body::Cancellation
            | Body::PortOutApplication
            | Body::GroupCovered(_)
            | Body::ServiceOrder(_) => true,
            Body::Profile(_) => self.store.record(slot).is_some_and(|record| record.in_book),
            _ => false,
        };
        if firings.is_empty() && in_shadow.is_empty() && !concerns_tasks {
            return true;
        }
        self.finish_if_waiting(slot, effects);
        let now = self.clock.max(event.at);
        let known = self.with_tasks(slot, now, day, |context, case| {
            for (trigger, firing) in firings {
                context.book.raise(trigger, firing, event.at, case, effects);
            }
            let known = context.book.apply(event, source, case, effects);
            if !in_shadow.is_empty() {
                context.shadow.publish(in_shadow, event.at, case, effects);
            }
            known
        });
        known.unwrap_or(true)
    }
}

/// Whether a record says nothing about time: a state that holds however old it is, or what shards tell each other.
fn is_timeless(event: &Event<'_>) -> bool {
    matches!(event.body, Body::Profile(_)) || event.body.feed() == Feed::Group
}

/// Adds a call-detail record to its day.
fn add(bucket: &mut Bucket, body: &Body<'_>, mebibytes: u64) {
    match body {
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
            let dropped = u8::from(*outcome == CallOutcome::Dropped);
            bucket.dropped = bucket.dropped.saturating_add(dropped);
            bucket.add_voice_seconds(*duration_seconds);
        }
        Body::Message { .. } => bucket.messages = bucket.messages.saturating_add(1),
        Body::Data { .. } => {
            bucket.sessions = bucket.sessions.saturating_add(1);
            bucket.add_data_mebibytes(mebibytes);
        }
        _ => {}
    }
}
