use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Evidence, Fact, Purpose, Text};
use serde::Deserialize;

/// A customer who was lost and is back is welcomed some days later, whoever won it back (behaviour: Winning back). Day close; the
/// level holds the day of the loss, and later the day of the return.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WelcomeBack {
    after_days: u16,
    strength: f64,
}

impl TriggerSpec for WelcomeBack {
    const NAME: &'static str = "welcome_back";
    const PURPOSE: Purpose = Purpose::Care;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Days after the return. With less than `gap_days` of [policy.contact] and one, that rule forbids the call after a talk that won the
# customer back. 1..60
after_days = 8
# Strength. 0..1
strength = 0.4
";
}

/// The level holds the day of the return.
const RETURNED: u8 = 1;

impl Trigger for WelcomeBack {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        match view.loss {
            Some(loss) if !loss.over => {
                state.keep_day(loss.on);
                state.note = 0;
                return None;
            }
            Some(_) => {
                state.level = 0.0;
                return None;
            }
            None if state.level == 0.0 => return None,
            None if state.note != RETURNED => {
                state.keep_day(view.day);
                state.note = RETURNED;
            }
            None => {}
        }
        let returned_on = state.kept_day();
        let days = view.today().since(returned_on);
        if days < i32::from(self.after_days) {
            return None;
        }
        (state.level, state.note) = (0.0, 0);
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence::days_since(
                days,
                i32::from(self.after_days),
                vec![("returned_on".into(), Fact::Date(returned_on))],
            ),
            text: Text {
                zh: format!("流失客户{returned_on}已回归，至今{days}天，应欢迎并确认使用正常"),
                en: format!(
                    "The customer, who was lost, is back since {returned_on} (days since: {days}); welcome, and ask whether all works"
                ),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.level > 0.0, state.note, state.fired_on()) {
            (true, RETURNED, _) => format!("back since {}, to be welcomed", state.kept_day()),
            (true, _, _) => format!("lost on {}", state.kept_day()),
            (false, _, Some(day)) => format!("welcomed back on {day}"),
            (false, _, None) => "never lost".to_owned(),
        }
    }
}
