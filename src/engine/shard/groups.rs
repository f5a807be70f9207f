//! What shards tell each other of groups (behaviour: Groups): the shard of a group hears its members, and members hear of
//! their group.

use super::Shard;
use crate::engine::state::account::Account;
use crate::engine::state::groups::{Groups, Moment};
use crate::model::{Body, Effect, Event, GroupRecord, MemberSignal, Msisdn, Outcome, Timestamp};
use std::sync::Arc;

impl Shard {
    /// Hears a signal of a member of a group of this shard's.
    pub(super) fn hear_member(
        &mut self,
        event: &Event<'_>,
        signal: &MemberSignal,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        if !self.rules.policy.group.enabled {
            return Outcome::Ignored;
        }
        let mut told = Vec::new();
        let now = self.clock.max(event.at);
        let outcome = self.with_groups(now, |groups, moment| {
            groups.hear(event.msisdn, event.at, signal, moment, &mut told)
        });
        effects.extend(told.into_iter().map(effect));
        outcome
    }

    /// Forgets groups without signals, and tells of members who joined those with a task.
    pub(super) fn review_groups(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.groups.len() > 0 {
            let told = self.with_groups(now, |groups, moment| groups.review(moment));
            effects.extend(told.into_iter().map(effect));
        }
    }

    /// Tells the group of a subscriber who is erased.
    pub(super) fn leave_group(&self, slot: u32, now: Timestamp, effects: &mut Vec<Effect>) {
        let account = self.store.record(slot).and_then(|record| record.account);
        let account = account.and_then(|id| self.accounts.item(id.index()));
        let membership = account.and_then(Account::membership);
        let Some((membership, msisdn)) = membership.zip(self.store.msisdn(slot)) else {
            return;
        };
        let (group, partition) = (Arc::clone(&membership.id), self.share.part);
        let record = GroupRecord::of_departure(msisdn, now, group, partition);
        effects.push(effect(record));
    }

    /// Whether a record is for an unknown subscriber: what shards say adds none.
    pub(super) fn is_for_a_stranger(&self, event: &Event<'_>) -> bool {
        let told = matches!(event.body, Body::GroupAlert(_) | Body::GroupCovered(_));
        told && self
            .account_of(&event.msisdn)
            .is_none_or(|account| account.membership().is_none())
    }

    fn account_of(&self, msisdn: &Msisdn) -> Option<&Account> {
        let record = self.store.record(self.store.slot_of(msisdn)?)?;
        self.accounts.item(record.account?.index())
    }

    fn with_groups<T>(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut Groups, &Moment<'_>) -> T,
    ) -> T {
        let calendar = &self.rules.calendar;
        let moment = Moment {
            now,
            today: calendar.day_of(now),
            day_of: &|at| calendar.day_of(at),
            end_of: &|day| calendar.start_of(day.next()),
            backlog: self.in_backlog(),
            rules: &self.rules.policy.group,
        };
        work(&mut self.groups, &moment)
    }
}

fn effect(record: GroupRecord) -> Effect {
    Effect::Group(Box::new(record))
}
