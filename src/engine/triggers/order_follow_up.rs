use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::{DayView, EventView};
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, Evidence, Fact, OrderKind, Purpose, Text};
use serde::Deserialize;

/// Some days after an order the customer is asked whether it works as it was sold (behaviour: Care and growth triggers).
/// Day close; the level holds the day of the last order that is still to be asked about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFollowUp {
    after_days: u16,
    strength: f64,
}

impl TriggerSpec for OrderFollowUp {
    const NAME: &'static str = "order_follow_up";
    const PURPOSE: Purpose = Purpose::Care;
    const LISTENS: &'static [BodyKind] = &[BodyKind::ServiceOrder];
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Days after the last order of a customer until somebody asks whether it works as it was sold. 1..30
after_days = 5
# Strength. 0..1
strength = 0.3
";
}

impl Trigger for OrderFollowUp {
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let Body::ServiceOrder(kind) = view.event.body else {
            return None;
        };
        match kind {
            OrderKind::Upgrade
            | OrderKind::PlanChange
            | OrderKind::Broadband
            | OrderKind::Bundle
            | OrderKind::ValueAdded
            | OrderKind::SecondLine
            | OrderKind::Downgrade => state.keep_day(state.kept_day().max(view.day)),
            // What was cancelled may be what was ordered.
            OrderKind::Cancelled => state.level = 0.0,
            OrderKind::Unasked | OrderKind::Unknown => {}
        }
        None
    }

    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let ordered_on = state.pending_day()?;
        let days = view.today().since(ordered_on);
        if days < i32::from(self.after_days) {
            return None;
        }
        state.level = 0.0;
        if view.is_barred() {
            return None;
        }
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence::days_since(
                days,
                i32::from(self.after_days),
                vec![("ordered_on".into(), Fact::Date(ordered_on))],
            ),
            text: Text {
                zh: format!("客户{ordered_on}办理了业务，至今{days}天，应回访使用是否正常"),
                en: format!(
                    "The customer ordered something on {ordered_on} (days since: {days}); ask whether it works as it was sold"
                ),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.pending_day(), state.fired_on()) {
            (Some(day), _) => format!("an order on {day}, to be asked about"),
            (None, Some(day)) => format!("asked about an order on {day}"),
            (None, None) => "no order to ask about".to_owned(),
        }
    }
}
