use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::account::Account;
use crate::engine::state::billing::Bill;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Day, Evidence, Fact, Money, OrderKind, Purpose, Text, plural};
use serde::Deserialize;

/// Use beyond the plan, invoice after invoice (behaviour: Care and growth triggers; S4 case 4). Day close.
///
/// An invoice's use is the larger of its amount and the worth of its usage, compared with its own plan fee.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanOveruse {
    invoices: u8,
    over_share: f64,
    amount_min: f64,
    recent_days: u16,
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for PlanOveruse {
    const NAME: &'static str = "plan_overuse";
    const PURPOSE: Purpose = Purpose::Grow;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const ANSWERED_BY: &'static [OrderKind] =
        &[OrderKind::Upgrade, OrderKind::PlanChange, OrderKind::Bundle];
    const DEFAULTS: &'static str = "\
# Fires when this many invoices in a row are over their plan fee, ... 2..6
invoices = 3
# ... each by at least this share: the larger of `amount` and `usage_value` counts. Invoices without a plan fee break the
# row, and so does a plan that was enlarged since. 0.01..5
over_share = 0.05
# ... and by at least this amount, in the major unit. 0..1000000
amount_min = 2.0
# Only while the last day to pay the latest of them is at most this many days back. 0..365
recent_days = 31
# Days until it may fire again; after an invoice within the plan, a new row fires at once. 1..365
cooldown_days = 90
# Strength on the bound, rising to 1 for twice the fee. 0..1
strength = 0.5
";
}

impl Trigger for PlanOveruse {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let row = view.account.and_then(|account| self.row(account, view.day));
        let Some(row) = row else {
            state.note = 0;
            return None;
        };
        // The note says that the row was reported.
        if state.note > 0 && state.cooling(view.day, self.cooldown_days) {
            return None;
        }
        state.note = 1;
        let share = row.used.0 as f64 / row.fee.0 as f64 - 1.0;
        let surplus =
            ((share - self.over_share) / (1.0 - self.over_share).max(0.01)).clamp(0.0, 1.0);
        let (count, fee, used) = (self.invoices, row.mean(row.fee), row.mean(row.used));
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength + (1.0 - self.strength) * surplus,
            evidence: Evidence {
                observed: row.used.0 as f64 / 100.0 / f64::from(count),
                expected: row.fee.0 as f64 / 100.0 / f64::from(count),
                unit: "amount_per_invoice".into(),
                window_days: 0,
                threshold: self.over_share,
                facts: vec![
                    ("invoices".into(), Fact::Count(i64::from(count))),
                    ("latest_period".into(), Fact::Date(row.latest)),
                    ("over_share".into(), Fact::Measure(share)),
                ],
                source: None,
            },
            text: Text {
                zh: format!("连续{count}期账单超出套餐：平均{used}元，套餐费{fee}元"),
                en: format!(
                    "{count} {} in a row beyond the plan: {used} on average, the plan costs {fee}",
                    plural(count, "invoice", "invoices")
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::OccasionOver)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match state.note {
            0 => "no invoices in a row beyond the plan".to_owned(),
            _ => "invoices in a row beyond the plan, which were reported".to_owned(),
        }
    }
}

/// Invoices in a row beyond their plan.
struct Row {
    latest: Day,
    count: i64,
    fee: Money,
    used: Money,
}

impl Row {
    fn mean(&self, sum: Money) -> Money {
        Money(sum.0 / self.count)
    }
}

impl PlanOveruse {
    /// The last invoices, if they are recent and all of them lie beyond the plan.
    fn row(&self, account: &Account, day: Day) -> Option<Row> {
        let bills = account.billing.bills();
        let last = bills.last()?;
        if day.since(last.due_on?) > i32::from(self.recent_days) {
            return None;
        }
        let row = bills.get(bills.len().checked_sub(usize::from(self.invoices))?..)?;
        let fee_now = account.profile.plan_fee.or(last.plan_fee);
        let over = |bill: &Bill| self.over(used(bill), bill.plan_fee);
        if !row.iter().all(over) || !self.over(used(last), fee_now) {
            return None;
        }
        Some(Row {
            latest: last.period,
            count: i64::from(self.invoices),
            fee: row
                .iter()
                .filter_map(|bill| bill.plan_fee)
                .fold(Money::ZERO, Money::plus),
            used: row
                .iter()
                .fold(Money::ZERO, |sum, bill| sum.plus(used(bill))),
        })
    }

    fn over(&self, used: Money, fee: Option<Money>) -> bool {
        let over = |fee: Money| {
            used.0 as f64 >= fee.0 as f64 * (1.0 + self.over_share)
                && used.minus(fee).0 as f64 >= 100.0 * self.amount_min
        };
        fee.is_some_and(|fee| fee > Money::ZERO && over(fee))
    }
}

fn used(bill: &Bill) -> Money {
    bill.usage_value
        .map_or(bill.amount, |usage| bill.amount.max(usage))
}
