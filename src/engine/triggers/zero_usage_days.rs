use super::fall;
use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::line_state::Report;
use crate::engine::state::trigger_state::TriggerState;
use crate::model::{CloseReason, Stage};
use serde::Deserialize;

/// The line is used no more, and it is no absence (behaviour: State of a line). Day close.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroUsageDays {
    strength: f64,
}

impl TriggerSpec for ZeroUsageDays {
    const NAME: &'static str = "zero_usage_days";
    const DAILY: bool = true;
    const DENSE: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(3.5, 14.0);
    const DEFAULTS: &'static str = "\
# Strength of a stop that is just likely enough to be reported (line_state.threshold), rising to 1 for a certain one. 0..1
strength = 0.8
";
}

impl Trigger for ZeroUsageDays {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        fall::on_day(Report::Stop, self.strength, view, state)
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        fall::recovered(state)
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Leave)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        fall::describe(state)
    }
}
