//! Customers who are lost (behaviour: Winning back).

use super::account::Account;
use super::credit::Credit;
use super::marketing::Marketing;
use crate::engine::settings::{Consent, PolicyRules};
use crate::model::{Day, Motive, Tier};

/// How a customer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossKind {
    /// The contract was closed at the counter.
    Closed,
    /// The number was taken elsewhere.
    Ported,
    /// Suspended for arrears for so long that it counts as churned.
    Arrears,
    /// Silent since a talk in which the customer was given up.
    Silent,
}

impl LossKind {
    /// The name used in facts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Ported => "ported",
            Self::Arrears => "arrears",
            Self::Silent => "silent",
        }
    }
}

/// A customer who is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How.
    pub kind: LossKind,
    /// Since when.
    pub on: Day,
    /// By value.
    pub tier: Tier,
    /// The first day on which somebody may try to win the customer back, if there is one.
    pub open_from: Option<Day>,
    /// It is too long ago.
    pub over: bool,
    /// The reason, if one was confirmed or stated.
    pub motive: Option<Motive>,
    /// The day on which the customer refused what was offered before.
    pub refused_on: Option<Day>,
}

/// With a port-out applied for, the number has gone elsewhere if it was not used here in the last so many days of the hold.
const PORTED_DAYS: i32 = 7;

impl Loss {
    /// How a subscriber was lost, if it is, by the end of a day. `last_active` is [`Day::MIN`] where no use was ever seen; then
    /// silence says nothing.
    pub fn of(account: &Account, last_active: Day, day: Day, rules: &PolicyRules) -> Option<Self> {
        let leaving = account.service_history().leaving;
        let hold_days = i32::from(rules.mnp_hold_days);
        let used = last_active > Day::MIN;
        let ported = |on: Day| match account.cancelled_on {
            Some(cancelled) => (0..hold_days).contains(&cancelled.since(on)),
            None => {
                let silent = last_active < on + hold_days - PORTED_DAYS;
                day.since(on) >= hold_days && used && silent
            }
        };
        let port_out_on = account.port_out_on.filter(|on| ported(*on));
        let silent_days = i32::from(rules.win_back.silent_days);
        let in_arrears = |since: Day| since + i32::from(rules.churned_after_suspended_days);
        let (kind, on) = if let Some(on) = port_out_on {
            (LossKind::Ported, account.cancelled_on.unwrap_or(on))
        } else if let Some(on) = account.cancelled_on {
            (LossKind::Closed, on)
        } else if let Some(on) = account.suspended_on.map(in_arrears) {
            (LossKind::Arrears, on)
        } else {
            let given_up = leaving?
                .lost_on
                .filter(|_| used && account.bar().is_none())?;
            (LossKind::Silent, given_up.max(last_active) + silent_days)
        };
        // Whoever uses a number again is not lost, whatever became of the record that says so.
        let is_back = matches!(kind, LossKind::Closed | LossKind::Ported) && last_active > on;
        if is_back || (matches!(kind, LossKind::Arrears | LossKind::Silent) && on > day) {
            return None;
        }
        let win_back = &rules.win_back;
        let may_be_asked = match win_back.consent {
            Consent::Nobody => false,
            Consent::Agreed => account.profile.marketing == Marketing::Agreed,
            Consent::NotRefused => true,
        };
        let held_until = account.port_out_on.map_or(on, |on| on + hold_days);
        let open_from = match (kind, win_back.after_port_days) {
            (LossKind::Ported, 0) => None,
            (LossKind::Ported, days) => Some(held_until.max(on + i32::from(days))),
            _ => Some(held_until.max(on)),
        };
        let leaving = leaving.unwrap_or_default();
        let closed = leaving.closed_on >= Some(on);
        Some(Self {
            kind,
            on,
            tier: Credit::rate(Some(account), day, &rules.credit).tier,
            open_from: open_from.filter(|_| may_be_asked && !closed),
            over: day.since(on) >= i32::from(win_back.keep_days),
            motive: leaving.motives.confirmed.or(leaving.motives.stated),
            refused_on: leaving.refused_on,
        })
    }
}
