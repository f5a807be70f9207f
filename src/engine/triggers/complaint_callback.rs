use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::service_history::Complaint;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Evidence, Fact, Purpose, Text};
use serde::Deserialize;

/// A complaint that is settled, says the operator; nobody has asked the customer (behaviour: Care and growth triggers). Day
/// close. The level holds the day of the settlement that was reported, while it is still the last word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintCallback {
    within_days: u16,
    strength: f64,
}

impl TriggerSpec for ComplaintCallback {
    const NAME: &'static str = "complaint_callback";
    const PURPOSE: Purpose = Purpose::Care;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Fires if the latest complaint was resolved without a mark of satisfaction at most this many days before the day after the
# close. What becomes known later is not asked about any more. 1..30
within_days = 3
# Strength. 0..1
strength = 0.5
";
}

impl Trigger for ComplaintCallback {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let latest = view.account?.service_history().complaint();
        let unmarked = |latest: &&Complaint| latest.resolved && latest.satisfaction.is_none();
        let Some(settled_on) = latest.filter(unmarked).map(|latest| latest.day) else {
            state.level = 0.0;
            return None;
        };
        let days = view.today().since(settled_on);
        let in_time = (1..=i32::from(self.within_days)).contains(&days);
        if state.kept_day() == settled_on || !in_time || view.is_barred() {
            return None;
        }
        state.keep_day(settled_on);
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence::days_since(
                days,
                i32::from(self.within_days),
                vec![("settled_on".into(), Fact::Date(settled_on))],
            ),
            text: Text {
                zh: format!("客户投诉于{settled_on}办结，但没有满意度评价，应回访"),
                en: format!(
                    "A complaint was settled on {settled_on} without a mark of satisfaction; ask whether the customer is content"
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.level == 0.0).then_some(CloseReason::OccasionOver)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match state.level {
            0.0 => "no settled complaint to call back about".to_owned(),
            _ => format!(
                "a complaint settled on {}, which was reported",
                state.kept_day()
            ),
        }
    }
}
