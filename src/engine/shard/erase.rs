//! Erasure: everything about one subscriber goes, and a record confirms it.

use super::Shard;
use crate::engine::state::account::Account;
use crate::model::{CloseReason, Effect, Erasure, Event, Source};

impl Shard {
    /// Erases the event's subscriber and confirms it, whether or not anything was known.
    ///
    /// A day close under way visits the subscriber first, so that its output does not depend on how far it had come.
    /// What the population learnt from everybody stays.
    pub(super) fn erase(
        &mut self,
        event: &Event<'_>,
        request: &str,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) {
        let now = self.clock.max(event.at);
        if let Some(slot) = self.store.slot_of(&event.msisdn) {
            self.visit_if_due(slot, effects);
        }
        let slot = self.store.slot_of(&event.msisdn);
        let mut tasks_closed = 0;
        if let Some(slot) = slot {
            self.leave_group(slot, now, effects);
            self.finish_if_waiting(slot, effects);
            let day = self.rules.calendar.day_of(event.at);
            let closed = self.with_tasks(slot, now, day, |context, case| {
                let open = context.book.of(slot).count() as u32;
                let reason = CloseReason::Erased;
                context
                    .book
                    .close_if(case, reason, Some(source), effects, |_| true);
                // Closing a task notes a possible contact, and that must not stay either.
                context.book.forget(slot);
                open
            });
            tasks_closed = closed.unwrap_or_default();
            self.stop_following(slot);
            self.vacate(slot);
            self.erased = self.store.stamp();
        }
        effects.push(Effect::Erased(Box::new(Erasure {
            request: request.to_owned(),
            known: slot.is_some(),
            tasks_closed,
            at: now,
            source: source.clone(),
        })));
    }

    /// Empties a slot. The taskbook must already have forgotten it.
    pub(super) fn vacate(&mut self, slot: u32) {
        if let Some(subscriber) = self.store.record(slot) {
            let machine = u64::from(subscriber.machine_detector.machine());
            self.stats.machines = self.stats.machines.saturating_sub(machine);
            let account = subscriber.account;
            let account = account.and_then(|id| self.accounts.edit_item(id.index()));
            if let Some(account) = account {
                *account = Account::default();
            }
        }
        self.shadow.forget(slot);
        for watermark in &mut self.watermarks {
            watermark.forget(slot);
        }
        self.store.erase(slot);
    }
}
