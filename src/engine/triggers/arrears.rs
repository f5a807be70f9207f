use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::{DayView, EventView};
use crate::engine::settings::{Competitors, TriggerWeight};
use crate::engine::state::account::Account;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{
    Body, BodyKind, CloseReason, Event, Evidence, Fact, SuspensionReason, Text, plural,
};
use serde::Deserialize;

/// An invoice unpaid long after it was due, or a suspension for arrears (behaviour: Churn triggers). Day close and
/// immediate.
///
/// After `policy.churned_after_suspended_days` of suspension the subscriber counts as churned.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrears {
    overdue_days: u16,
    amount_min: f64,
    cooldown_days: u16,
    overdue_strength: f64,
    suspended_strength: f64,
}

/// An unpaid invoice was reported and something is still overdue.
const OVERDUE: u8 = 1;
/// A suspension was reported and has not ended.
const SUSPENDED: u8 = 2;

/// A suspension is over once the account says so, however old the record of the reactivation was.
fn note_standing(account: Option<&Account>, state: &mut TriggerState) {
    if account.is_none_or(|account| account.suspended_on.is_none()) {
        state.note &= !SUSPENDED;
    }
}

impl TriggerSpec for Arrears {
    const NAME: &'static str = "arrears";
    const LISTENS: &'static [BodyKind] = &[BodyKind::Suspension, BodyKind::Reactivation];
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(2.5, 30.0);
    const DEFAULTS: &'static str = "\
# Days past `due_on` after which an unpaid invoice fires. 1..90
overdue_days = 15
# Least amount unpaid that counts: a rounding difference is no reason to call anybody. 0..1000
amount_min = 1.0
# Days until the same arrears may fire again; once paid, new arrears fire at once. 1..365
cooldown_days = 30
# Strength of an unpaid invoice and of a suspension for arrears. 0..1
overdue_strength = 0.6
suspended_strength = 0.9
";
}

impl Trigger for Arrears {
    fn wants(&self, event: &Event<'_>, _: &Competitors) -> bool {
        matches!(
            &event.body,
            Body::Suspension(SuspensionReason::Arrears) | Body::Reactivation(_)
        )
    }

    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        note_standing(view.account, state);
        // A suspension that was over before its record came is no news.
        let suspended = view
            .account
            .is_some_and(|account| account.suspended_on.is_some());
        if !suspended || matches!(view.event.body, Body::Reactivation(_)) {
            return None;
        }
        let again = state.note & SUSPENDED != 0;
        state.note |= SUSPENDED;
        if again && state.cooling(view.day, self.cooldown_days) {
            return None;
        }
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.suspended_strength,
            evidence: Evidence {
                observed: 1.0,
                expected: 0.0,
                unit: "suspensions".into(),
                window_days: 0,
                threshold: 1.0,
                facts: vec![("suspended_on".into(), Fact::Date(view.day))],
                source: Some(view.source.clone()),
            },
            text: Text {
                zh: format!("因欠费于{}停机", view.day),
                en: format!("Suspended for arrears on {}", view.day),
            },
        })
    }

    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        note_standing(view.account, state);
        let overdue = view
            .account
            .and_then(|a| a.billing.overdue(view.day, self.overdue_days))
            .filter(|(_, owed)| owed.0 as f64 >= 100.0 * self.amount_min);
        let Some((due_on, owed)) = overdue else {
            state.note &= !OVERDUE;
            return None;
        };
        let reported = state.note & (OVERDUE | SUSPENDED) != 0;
        if reported && state.cooling(view.day, self.cooldown_days) {
            return None;
        }
        state.note |= OVERDUE;
        let days = view.day.since(due_on);
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.overdue_strength,
            evidence: Evidence {
                observed: f64::from(days),
                expected: 0.0,
                unit: "days_overdue".into(),
                window_days: 0,
                threshold: f64::from(self.overdue_days),
                facts: vec![
                    ("owed".into(), Fact::Amount(owed)),
                    ("due_on".into(), Fact::Date(due_on)),
                ],
                source: None,
            },
            text: Text {
                zh: format!("账单逾期{days}天未缴（到期日{due_on}），欠费{owed}元"),
                en: format!(
                    "{owed} unpaid {days} {} after it was due on {due_on}",
                    plural(days, "day", "days")
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note & (OVERDUE | SUSPENDED) == 0).then_some(CloseReason::ArrearsPaid)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match (state.note & OVERDUE != 0, state.note & SUSPENDED != 0) {
            (false, false) => "no arrears",
            (true, false) => "an overdue invoice, which was reported",
            (false, true) => "a suspension, which was reported",
            (true, true) => "an overdue invoice and a suspension, which were reported",
        };
        text.to_owned()
    }
}
