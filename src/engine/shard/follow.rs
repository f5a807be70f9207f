//! Who is followed to see what tasks achieve: they enter, are judged at the close of a day, and leave the count (behaviour:
//! What tasks achieve).

use super::Shard;
use crate::engine::policy::Entrant;
use crate::engine::settings::PolicyRules;
use crate::engine::state::account::Account;
use crate::engine::state::follow_up::FollowUp;
use crate::engine::state::store::AccountId;
use crate::model::{Day, HORIZON_DAYS, Timestamp};
use std::sync::Arc;

/// Days without any use after which a line counts as left.
const SILENT_DAYS: i32 = 30;
/// The same while a port-out is applied for: then the number is used elsewhere.
const PORTED_DAYS: i32 = 7;

impl Shard {
    /// Follows a subscriber from now on, unless it was followed lately.
    pub(super) fn enter(&mut self, slot: u32, now: Timestamp, entrant: Entrant) {
        let day = self.rules.calendar.day_of(now);
        let again_days = i32::from(self.rules.policy.hold_out.again_days);
        let Some(id) = self.account_id(slot) else {
            return;
        };
        let account = self.accounts.item(id.index());
        let last = account.and_then(Account::follow_up);
        if let Some(last) = last
            && (day.since(last.day) < again_days || !last.is_over())
        {
            // Share or salt are others now: the subscriber has been on both sides.
            if last.cohort.held_out != entrant.held_out {
                Arc::make_mut(&mut self.taskbook.uplift).drop(last);
                self.count_judged(id, HORIZON_DAYS.len() as u8);
            }
            return;
        }
        let names = &mut self.names;
        let uplift = Arc::make_mut(&mut self.taskbook.uplift);
        let cohort = uplift.enter(entrant, |name| names.intern(name));
        if let Some(account) = self.accounts.edit_item(id.index()) {
            account.begin_follow_up(FollowUp::begin(day, cohort));
        }
    }

    /// Judges a subscriber whose horizon ends with a day.
    pub(super) fn follow(&mut self, slot: u32, id: AccountId, day: Day) {
        let Some(account) = self.accounts.item(id.index()) else {
            return;
        };
        let follow_up = account.follow_up();
        let Some((follow_up, horizon)) = follow_up.and_then(|it| Some((it, it.due(day)?))) else {
            return;
        };
        let record = self.store.record(slot);
        let last_active = record.map_or(Day::MIN, |record| record.last_active);
        let left = has_left(account, last_active, day, &self.rules.policy);
        Arc::make_mut(&mut self.taskbook.uplift).judge(&follow_up.cohort, horizon, left);
        self.count_judged(id, 1);
    }

    /// The customer is not there any more, or must not be known any more: nothing can be learnt of it.
    pub(super) fn stop_following(&mut self, slot: u32) {
        let record = self.store.record(slot);
        let id = record.and_then(|record| record.account);
        let account = id.and_then(|id| self.accounts.item(id.index()));
        if account.is_none_or(|account| account.follow_up().is_none()) {
            return;
        }
        let account = id.and_then(|id| self.accounts.edit_item(id.index()));
        if let Some(follow_up) = account.and_then(Account::take_follow_up) {
            Arc::make_mut(&mut self.taskbook.uplift).drop(&follow_up);
        }
    }

    fn count_judged(&mut self, id: AccountId, horizons: u8) {
        let account = self.accounts.edit_item(id.index());
        if let Some(follow_up) = account.and_then(Account::follow_up_mut) {
            let all = HORIZON_DAYS.len() as u8;
            follow_up.judged = follow_up.judged.saturating_add(horizons).min(all);
        }
    }
}

/// Whether a subscriber has left by the end of a day: its contract says so, its number has gone elsewhere, or the line has
/// been silent for long. `last_active` is [`Day::MIN`] where no use was ever seen; then silence says nothing.
fn has_left(account: &Account, last_active: Day, day: Day, rules: &PolicyRules) -> bool {
    if account.churned(day, rules.churned_after_suspended_days) {
        return true;
    }
    let silent_days = match account.held(day, rules.mnp_hold_days) {
        true => PORTED_DAYS,
        false => SILENT_DAYS,
    };
    last_active > Day::MIN && account.bar().is_none() && day.since(last_active) >= silent_days
}
