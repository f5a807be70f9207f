use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::{DayView, EventView};
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, Evidence, Fact, OutcomeResult, Purpose, TaskOutcome, Text};
use serde::Deserialize;

/// A customer who was kept is asked some days later whether what was promised has come true: the fourth step of a talk
/// (behaviour: Care and growth triggers). Day close, after an outcome that settled a churn task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    after_days: u16,
    strength: f64,
}

impl TriggerSpec for FollowUp {
    const NAME: &'static str = "follow_up";
    const PURPOSE: Purpose = Purpose::Care;
    const LISTENS: &'static [BodyKind] = &[BodyKind::TaskOutcome];
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Days after a talk that kept a customer, as an outcome `saved` of a churn task says, until somebody asks whether what was
# promised has come true. With less than `gap_days` of [policy.contact] and one, that rule forbids the call. 1..30
after_days = 8
# Strength. 0..1
strength = 0.3
";
}

impl Trigger for FollowUp {
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let Body::TaskOutcome(TaskOutcome { result, .. }) = view.event.body else {
            return None;
        };
        match (result, view.decides) {
            (Some(OutcomeResult::Saved), Some(Purpose::Churn)) => state.keep_day(view.day),
            (Some(OutcomeResult::Refused | OutcomeResult::Lost), Some(Purpose::Churn)) => {
                state.level = 0.0;
            }
            _ => {}
        }
        None
    }

    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let saved_on = state.pending_day()?;
        let days = view.today().since(saved_on);
        if days < i32::from(self.after_days) {
            return None;
        }
        state.level = 0.0;
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence::days_since(
                days,
                i32::from(self.after_days),
                vec![("saved_on".into(), Fact::Date(saved_on))],
            ),
            text: Text {
                zh: format!("客户{saved_on}经挽留留网，至今{days}天，应回访承诺是否兑现"),
                en: format!(
                    "The customer was kept on {saved_on} (days since: {days}); ask whether what was promised has come true"
                ),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.pending_day(), state.fired_on()) {
            (Some(day), _) => format!("kept by a talk on {day}, to be followed up"),
            (None, Some(day)) => format!("followed up on {day}"),
            (None, None) => "nothing to follow up".to_owned(),
        }
    }
}
