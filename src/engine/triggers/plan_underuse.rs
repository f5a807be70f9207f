use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::billing::Bill;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Evidence, Fact, Money, Stage, Text, plural};
use serde::Deserialize;

/// The usage is worth far less than the plan costs, month after month (behaviour: Churn triggers; S4 case 3). Day
/// close, so that invoices that came late or were corrected count as they stand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanUnderuse {
    share: f64,
    amount_min: f64,
    invoices: usize,
    cooldown_days: u16,
    strength: f64,
}

/// Underuse was reported, and no invoice has been above since.
const REPORTED: u8 = 1;
/// More than a month can have.
const MONTH_DAYS_MAX: i32 = 31;

impl TriggerSpec for PlanUnderuse {
    const NAME: &'static str = "plan_underuse";
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(1.5, 45.0);
    const DEFAULTS: &'static str = "\
# Fires when `usage_value` is below this share of `plan_fee`, ... >0..1
share = 0.5
# ... and below the fee by at least this amount, in the major unit, ... 0..1000000
amount_min = 5.0
# ... on so many invoices of consecutive months. An invoice without a plan fee counts as above. 1..6
invoices = 2
# Days until a further such invoice fires again; an invoice that is not below ends it. 1..365
cooldown_days = 30
# Strength at just under the share, rising to 1 for no usage at all. 0..1
strength = 0.5
";
}

impl PlanUnderuse {
    fn below(&self, bill: &Bill) -> bool {
        let (Some(usage), Some(fee)) = (bill.usage_value, bill.plan_fee) else {
            return false;
        };
        // In a free month nobody pays for what is not used.
        fee > Money::ZERO
            && bill.billed() > Money::ZERO
            && used(usage, fee) < self.share
            && fee.minus(usage).0 as f64 >= 100.0 * self.amount_min
    }
}

impl Trigger for PlanUnderuse {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let bills = view.account?.billing.bills();
        let newest = bills.last()?;
        // A line that was barred could not be used.
        let barred =
            |bill: &Bill| view.barred_from(bill.period, bill.period + (MONTH_DAYS_MAX - 1));
        if barred(newest) {
            return None;
        }
        if !self.below(newest) {
            state.note = 0;
            return None;
        }
        let (_, last) = bills.split_at_checked(bills.len().checked_sub(self.invoices)?)?;
        let consecutive =
            last.is_sorted_by(|bill, next| next.period.since(bill.period) <= MONTH_DAYS_MAX);
        let below = |bill: &Bill| self.below(bill) && !barred(bill);
        if !consecutive || !last.iter().all(below) {
            return None;
        }
        let period = newest.period;
        let known = state.note != 0
            && (state.kept_day() == period || state.cooling(view.day, self.cooldown_days));
        if known {
            return None;
        }
        state.note = REPORTED;
        state.keep_day(period);
        let sum = |of: fn(&Bill) -> Option<Money>| {
            last.iter().filter_map(of).fold(Money::ZERO, Money::plus)
        };
        let (usage, fees) = (sum(|bill| bill.usage_value), sum(|bill| bill.plan_fee));
        let used = used(usage, fees);
        let months = self.invoices;
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength
                + (1.0 - self.strength) * (1.0 - used / self.share).clamp(0.0, 1.0),
            evidence: Evidence {
                observed: used,
                expected: 1.0,
                unit: "share_of_plan_fee".into(),
                window_days: 30 * months as u16,
                threshold: self.share,
                facts: vec![
                    ("usage_value".into(), Fact::Amount(usage)),
                    ("plan_fees".into(), Fact::Amount(fees)),
                    ("invoices".into(), Fact::Count(months as i64)),
                ],
                source: None,
            },
            text: Text {
                zh: format!(
                    "连续{months}个月套餐使用不足：套餐费共{fees}元，实际使用价值仅{usage}元"
                ),
                en: format!(
                    "Used {usage} of {fees} paid for the plan over {months} {} in a row",
                    plural(months, "month", "months")
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::UsageRecovered)
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Decline)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match state.note {
            0 => "no run of invoices far below the plan's price",
            _ => "a run of invoices far below the plan's price, which was reported",
        };
        text.to_owned()
    }
}

/// The worth of the usage as a share of the fee.
fn used(usage_value: Money, plan_fee: Money) -> f64 {
    usage_value.0 as f64 / plan_fee.0 as f64
}
