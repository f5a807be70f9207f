//! Lines that are gone for good are forgotten, so that memory does not grow for ever (behaviour: Forgotten lines).

use super::Shard;
use crate::model::{Day, Effect, Timestamp};

impl Shard {
    /// Whether nothing was heard of a line for so long, and no contract says that it is anybody's. One compare decides for
    /// nearly all.
    pub(super) fn is_gone(&self, slot: u32, day: Day) -> bool {
        let before = day - i32::from(self.rules.window.forget_days);
        let silent = self.store.record(slot).filter(|it| it.newest <= before);
        let Some(subscriber) = silent else {
            return false;
        };
        let account = subscriber.account;
        let account = account.and_then(|id| self.accounts.item(id.index()));
        account.is_none_or(|account| account.is_over(before))
            && self.taskbook.of(slot).next().is_none()
            && self.taskbook.candidates_of(slot).next().is_none()
    }

    /// Forgets a line at the close of a day.
    pub(super) fn forget(&mut self, slot: u32, at: Timestamp, effects: &mut Vec<Effect>) {
        self.leave_group(slot, at, effects);
        self.taskbook.forget(slot);
        self.stop_following(slot);
        self.vacate(slot);
        self.forgotten += 1;
        self.stats.forgotten += 1;
    }

    /// Subscribers, with those who were forgotten at the last close: how far a sweep has come must not matter.
    pub(super) fn subscribers_at_close(&self) -> u32 {
        self.store.len() + self.forgotten
    }
}
