//! When somebody may be contacted: quiet hours, the gap between contacts, the cap on their number (behaviour: Contact
//! rules).

use crate::engine::rules::Rules;
use crate::model::{Purpose, Suppression, Tier, Timestamp};
use serde::{Deserialize, Serialize};

/// A contact that was reported, or that may have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// When.
    pub at: Timestamp,
    /// What it was for.
    pub purpose: Purpose,
}

/// When a subscriber may be contacted next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextContact {
    /// When gap and cap allow it.
    pub allowed_from: Timestamp,
    /// The first moment from then on outside of quiet hours.
    pub at: Timestamp,
    /// What delayed it, if anything did.
    pub delayed_by: Suppression,
}

impl NextContact {
    /// The first moment from `now` on at which a contact may be made, given those that count.
    pub fn next(now: Timestamp, contacts: &[Timestamp], tier: Tier, rules: &Rules) -> Self {
        let limits = &rules.policy.contact;
        let days = |days: u16| 24 * i64::from(days);
        let newest = contacts.iter().max();
        let gap = newest.map(|at| at.plus_hours(days(limits.gap_days)));
        let window_hours = days(limits.cap_window_days);
        let since = now.plus_hours(-window_hours);
        let mut counted: Vec<Timestamp> =
            contacts.iter().copied().filter(|at| *at > since).collect();
        counted.sort_unstable_by(|a, b| b.cmp(a));
        let last_of_cap = counted.get(usize::from(limits.cap.of(tier)).saturating_sub(1));
        let cap = last_of_cap.map(|at| at.plus_hours(window_hours));
        let from = now.max(gap.unwrap_or(now)).max(cap.unwrap_or(now));
        Self {
            allowed_from: from,
            at: after_quiet_hours(from, rules),
            delayed_by: match cap > gap {
                true => Suppression::ContactCap,
                false => Suppression::ContactGap,
            },
        }
    }

    /// When a new task may contact the subscriber; the reason why it may not if that would be too late.
    ///
    /// `bound` is the time by which a competitor's offer has to be answered.
    pub fn for_new_task(
        self,
        now: Timestamp,
        purpose: Purpose,
        bound: Option<Timestamp>,
        rules: &Rules,
    ) -> Result<Timestamp, Suppression> {
        let wait_hours = match purpose {
            Purpose::Churn | Purpose::WinBack => 24 * i64::from(rules.policy.contact.wait_days),
            Purpose::Care | Purpose::Grow => 0,
        };
        let late = self.allowed_from > now.plus_hours(wait_hours);
        let answers_late = bound.is_some_and(|bound| self.at > bound) && self.allowed_from > now;
        match late || answers_late {
            true => Err(self.delayed_by),
            false => Ok(self.at),
        }
    }
}

/// A moment, or the end of the quiet hours it lies in.
pub fn after_quiet_hours(at: Timestamp, rules: &Rules) -> Timestamp {
    let end = rules.policy.quiet.end(at, &rules.calendar);
    end.unwrap_or(at)
}
