use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Evidence, Fact, Text, plural};
use serde::Deserialize;

/// The contract ends soon (behaviour: Churn triggers). Day close.
///
/// A profile with another end starts anew; a later end is a renewal, and ends the reason. A profile without an end, or
/// with one that has passed, changes nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractExpiry {
    steps_days: Vec<i32>,
    strengths: Vec<f64>,
}

impl TriggerSpec for ContractExpiry {
    const NAME: &'static str = "contract_expiry";
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    // An occasion rather than a sign, which takes long to work out; alone it stays `early`.
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(1.0, 30.0);
    const DEFAULTS: &'static str = "\
# Fires so many days before `contract_end_on`; each step once for each end of a contract. Of steps that were missed, because
# the profile came late, only the last one fires. Falling, 1..365
steps_days = [60, 30, 7]
# Strength of each step. Rising, 0..1
strengths = [0.3, 0.5, 0.8]
";
}

impl Trigger for ContractExpiry {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let end = view.account?.profile.contract_end_on?;
        if state.note != 0 && state.kept_day() != end {
            *state = TriggerState::default();
        }
        let days_left = end.since(view.day);
        let reached = self.steps_days.iter().filter(|step| days_left <= **step);
        let reached = reached.count();
        if days_left < 0 || reached <= usize::from(state.note) {
            return None;
        }
        let step = *self.steps_days.get(reached - 1)?;
        let strength = *self.strengths.get(reached - 1)?;
        state.keep_day(end);
        state.note = reached as u8;
        Some(Firing {
            kind: FiringKind::Full,
            strength,
            evidence: Evidence {
                observed: f64::from(days_left),
                expected: f64::from(step),
                unit: "days_left".into(),
                window_days: 0,
                threshold: f64::from(step),
                facts: vec![("contract_end_on".into(), Fact::Date(end))],
                source: None,
            },
            text: Text {
                zh: format!(
                    "合约将于{end}到期，截至{}（还剩{days_left}天）尚未续约",
                    view.day
                ),
                en: format!(
                    "The contract ends on {end} and was not renewed by {} (days left then: {days_left})",
                    view.day
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::ContractRenewed)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let step = usize::from(state.note).checked_sub(1);
        match step.and_then(|step| self.steps_days.get(step)) {
            Some(days) => format!(
                "the end of the contract, last reported {days} {} ahead",
                plural(*days, "day", "days")
            ),
            None => "no end of a contract".to_owned(),
        }
    }

    fn conflict(&self) -> Option<(&'static str, &'static str)> {
        let differ = self.strengths.len() != self.steps_days.len();
        differ.then_some(("strengths", "must be as many as `steps_days`"))
    }
}
