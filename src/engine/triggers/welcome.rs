use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Day, Evidence, Fact, Purpose, Text};
use serde::Deserialize;

/// A line that has just been activated (behaviour: Care and growth triggers). Day close, on the first day on which the
/// profile says so.
///
/// A line that was used before its first day of service is an old line with a changed profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    within_days: u16,
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for Welcome {
    const NAME: &'static str = "welcome";
    const PURPOSE: Purpose = Purpose::Care;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Fires if `activated_on` of the profile lies at most this many days back when it becomes known. A line with usage before
# that day is not new. 1..28
within_days = 7
# Days after a welcome in which another date of activation is taken for a correction. A new owner of the number is
# welcomed at once. 30..3650
cooldown_days = 365
# Strength. 0..1
strength = 0.4
";
}

impl Trigger for Welcome {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let since = view.account?.profile.activated_on?;
        let age_days = view.today().since(since);
        let fresh = (0..=i32::from(self.within_days)).contains(&age_days);
        if !fresh || state.cooling(view.day, self.cooldown_days) || used_before(since, view) {
            return None;
        }
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence {
                observed: f64::from(age_days),
                expected: 0.0,
                unit: "days_since_activation".into(),
                window_days: 0,
                threshold: f64::from(self.within_days),
                facts: vec![("activated_on".into(), Fact::Date(since))],
                source: None,
            },
            text: Text {
                zh: format!("客户于{since}新入网"),
                en: format!("New customer since {since}"),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match state.fired_on() {
            None => "not welcomed".to_owned(),
            Some(day) => format!("welcomed on {day}"),
        }
    }
}

fn used_before(since: Day, view: &DayView<'_>) -> bool {
    let mut days = view.window.iter();
    days.any(|(day, bucket)| day < since && bucket.active())
}
