use super::reminder::{self, GREETING_GRACE_DAYS, Schedule};
use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Day, Evidence, Fact, Purpose, Text, plural};
use serde::Deserialize;

/// Another completed year of service (behaviour: Care and growth triggers). Day close.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anniversary {
    lead_days: u16,
    years_min: u32,
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for Anniversary {
    const NAME: &'static str = "anniversary";
    const PURPOSE: Purpose = Purpose::Care;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Days before the anniversary of `activated_on` on which it fires; 0 for the morning of the day. Where the date becomes
# known later than that, it fires at once, up to the day itself. 29 February is completed on 1 March of a common year, as
# tenure is. 0..30
lead_days = 0
# Completed years from which on they count. 1..50
years_min = 1
# Days until the next one, so that a corrected date is not celebrated twice. 30..360
cooldown_days = 300
# Strength. 0..1
strength = 0.4
";
}

impl Trigger for Anniversary {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let since = view.account?.profile.activated_on?;
        let (month, day) = since.month_and_day();
        let next = view.today().next_yearly(month, day);
        let years = |on: &Day| since.years_until(*on);
        let next = next.filter(|on| years(on) >= self.years_min);
        let schedule = Schedule {
            days_before: &[self.lead_days],
            cooldown_days: self.cooldown_days,
            grace_days: GREETING_GRACE_DAYS,
        };
        let due = schedule.due(view.today(), next, state)?;
        let (on, years) = (due.on, years(&due.on));
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence {
                observed: f64::from(years),
                expected: 0.0,
                unit: "years".into(),
                window_days: 0,
                threshold: f64::from(self.years_min),
                facts: vec![
                    ("activated_on".into(), Fact::Date(since)),
                    ("anniversary_on".into(), Fact::Date(on)),
                ],
                source: None,
            },
            text: Text {
                zh: format!("{on}是客户入网{years}周年"),
                en: format!(
                    "With us for {years} {} on {on}",
                    plural(years, "year", "years")
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::OccasionOver)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        reminder::describe_state(state, "anniversary")
    }
}
