use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::trigger_state::TriggerState;
use crate::model::{Body, BodyKind, Evidence, Fact, Money, Text, plural};
use serde::Deserialize;

/// A bill or a charge far above what the customer is used to, or a charge nobody asked for (behaviour: Churn triggers;
/// S0). Immediate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillShock {
    earlier_min: usize,
    deviations: f64,
    excess_share: f64,
    amount_min: f64,
    cooldown_days: u16,
    strength: f64,
    unasked_strength: f64,
}

/// Earlier amounts that one is compared with, at most.
const EARLIER: usize = 6;

impl TriggerSpec for BillShock {
    const NAME: &'static str = "bill_shock";
    const LISTENS: &'static [BodyKind] = &[BodyKind::Invoice, BodyKind::Charge];
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(2.0, 21.0);
    const DEFAULTS: &'static str = "\
# An invoice is compared with those of the 6 months billed before its own, a charge for a service the customer asked for
# with the 6 before it. Fewer will do, but not fewer than this. 1..6
earlier_min = 3
# Fires when it lies above their median by more than so many times their median absolute deviation, ... 0..100
deviations = 3.5
# ... and by at least this share of the median. 0..100
excess_share = 0.3
# ... and by at least this amount, in the major unit: after free months any bill is many times what was usual. 0..1000000
amount_min = 5.0
# Days after a firing in which a further shock only raises its strength. 1..365
cooldown_days = 30
# Strength of a shock just above those bounds, rising to 1 at twice as much. 0..1
strength = 0.5
# Strength of a charge that the customer did not ask for, however small. 0..1
unasked_strength = 0.7
";
}

/// What a shock rests on.
struct Shock {
    amount: Money,
    strength: f64,
    /// Median of the earlier amounts, and the bound that was passed; zero for an unasked charge.
    median: f64,
    bound: f64,
    /// Earlier amounts.
    earlier: usize,
}

impl BillShock {
    /// Compares an amount with earlier ones.
    fn against(&self, amount: Money, earlier: Vec<f64>) -> Option<Shock> {
        let count = earlier.len();
        if count < self.earlier_min {
            return None;
        }
        let median = median(earlier.clone())?;
        let deviations = earlier.iter().map(|earlier| (earlier - median).abs());
        let spread = self.deviations * self::median(deviations.collect())?;
        let fen = amount.0 as f64;
        let excess = fen - median;
        // A share of nothing says nothing.
        let share = if median > 0.0 { excess / median } else { 1.0 };
        let small = share < self.excess_share || excess < 100.0 * self.amount_min;
        if excess <= spread || fen <= 0.0 || small {
            return None;
        }
        let bound = (median + spread).max(median * (1.0 + self.excess_share));
        let bound = bound.max(median + 100.0 * self.amount_min);
        let surplus = if bound > 0.0 { fen / bound - 1.0 } else { 1.0 };
        Some(Shock {
            amount,
            strength: self.strength + (1.0 - self.strength) * surplus.clamp(0.0, 1.0),
            median,
            bound,
            earlier: count,
        })
    }

    fn shock(&self, view: &EventView<'_>) -> Option<Shock> {
        let account = view.account?;
        match &view.event.body {
            Body::Invoice(invoice) => {
                // A credit note is no bill, and one that was replaced before its record came is no news.
                let charged = invoice.amount >= Money::ZERO;
                let billing = &account.billing;
                let bill = billing.in_force(invoice.period, view.event.at);
                let bill = bill.filter(|_| charged)?;
                let bills = billing.bills().iter().rev();
                let before = bills.filter(|bill| bill.period < invoice.period);
                let earlier = before.take(EARLIER).map(|bill| bill.billed().0 as f64);
                self.against(bill.amount, earlier.collect())
            }
            Body::Charge {
                amount,
                subscribed_by_customer: Some(true) | None,
            } => {
                // The newest is this one.
                let charges = account.service_history().charges().iter().rev();
                let earlier = charges.skip(1).map(|charge| charge.0 as f64);
                self.against(*amount, earlier.collect())
            }
            Body::Charge { amount, .. } if *amount > Money::ZERO => Some(Shock {
                amount: *amount,
                strength: self.unasked_strength,
                median: 0.0,
                bound: 0.0,
                earlier: 0,
            }),
            _ => None,
        }
    }
}

impl Trigger for BillShock {
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let shock = self.shock(view)?;
        let kind = state.news(shock.strength, view.day, self.cooldown_days)?;
        let (amount, median) = (shock.amount, Money(shock.median as i64));
        let earlier = shock.earlier;
        let (about, zh, en) = match view.event.body {
            Body::Invoice(_) => (
                "invoice",
                format!("账单{amount}元，远高于此前{earlier}期的中位数{median}元"),
                format!(
                    "A bill of {amount}; the median of {earlier} earlier {} is {median}",
                    plural(earlier, "bill", "bills")
                ),
            ),
            _ if earlier > 0 => (
                "charge",
                format!("单笔收费{amount}元，远高于此前{earlier}笔的中位数{median}元"),
                format!(
                    "A charge of {amount}; the median of {earlier} earlier {} is {median}",
                    plural(earlier, "charge", "charges")
                ),
            ),
            _ => (
                "unasked_charge",
                format!("被收取未订购业务的费用{amount}元"),
                format!("Charged {amount} for a service the customer did not ask for"),
            ),
        };
        Some(Firing {
            kind,
            strength: shock.strength,
            evidence: Evidence {
                observed: amount.0 as f64 / 100.0,
                expected: shock.median / 100.0,
                unit: "amount".into(),
                window_days: 0,
                threshold: shock.bound / 100.0,
                facts: vec![
                    ("of".into(), Fact::Name(about.to_owned())),
                    ("amount".into(), Fact::Amount(amount)),
                    ("compared_with".into(), Fact::Count(earlier as i64)),
                ],
                source: Some(view.source.clone()),
            },
            text: Text { zh, en },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match state.fired_on() {
            None => "no bill or charge that was a shock",
            Some(_) => "a bill or charge that was a shock, which was reported",
        };
        text.to_owned()
    }
}

/// The median of some figures; nothing if there are none.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let (low, high) = (figures.len().checked_sub(1)? / 2, figures.len() / 2);
    Some((figures.get(low)? + figures.get(high)?) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_earlier_invoices_can_be_asked_for_as_are_looked_at() {
        assert!(BillShock::DEFAULTS.contains(&format!("1..{EARLIER}\nearlier_min = ")));
    }
}
