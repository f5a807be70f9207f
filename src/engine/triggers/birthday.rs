use super::reminder::{self, GREETING_GRACE_DAYS, Schedule};
use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Purpose, Text};
use serde::Deserialize;

/// The subscriber's birthday (behaviour: Care and growth triggers). Day close.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Birthday {
    lead_days: u16,
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for Birthday {
    const NAME: &'static str = "birthday";
    const PURPOSE: Purpose = Purpose::Care;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Days before the birthday on which it fires; 0 for the morning of the day. Where the birthday becomes known later than
# that, it fires at once, up to the day itself. In common years 1 March stands in for 29 February. 0..30
lead_days = 1
# Days until the next greeting, so that a corrected birthday is not greeted twice. 30..360
cooldown_days = 300
# Strength. 0..1
strength = 0.5
";
}

impl Trigger for Birthday {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let birthday = view.account?.profile.birthday;
        let next = birthday.and_then(|(month, day)| view.today().next_yearly(month, day));
        let schedule = Schedule {
            days_before: &[self.lead_days],
            cooldown_days: self.cooldown_days,
            grace_days: GREETING_GRACE_DAYS,
        };
        let due = schedule.due(view.today(), next, state)?;
        let on = due.on;
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: due.evidence("birthday_on"),
            text: Text {
                zh: format!("客户生日是{on}"),
                en: format!("The customer's birthday is on {on}"),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::OccasionOver)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        reminder::describe_state(state, "birthday")
    }
}
