use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::{DayView, EventView};
use crate::engine::settings::TriggerWeight;
use crate::engine::state::trigger_state::TriggerState;
use crate::model::{Body, BodyKind, Evidence, Fact, OrderKind, Text};
use serde::Deserialize;

/// The customer pays less from now on, or has cancelled a service: a weak sign of leaving (behaviour: Churn triggers). Day
/// close, so that it is ranked with others: it is not worth an urgent task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downgrade {
    cooldown_days: u16,
    strength: f64,
}

/// A downgrade is to be reported.
const DOWNGRADED: u8 = 1;
/// It was a cancelled service.
const CANCELLED: u8 = 2;

impl TriggerSpec for Downgrade {
    const NAME: &'static str = "downgrade";
    const LISTENS: &'static [BodyKind] = &[BodyKind::ServiceOrder];
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(1.0, 30.0);
    const DEFAULTS: &'static str = "\
# Days after a firing in which no other order fires. 1..365
cooldown_days = 30
# Strength of a `service_order` that cancels a service or lowers the monthly fee. 0..1
strength = 0.5
";
}

impl Trigger for Downgrade {
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        match view.event.body {
            Body::ServiceOrder(OrderKind::Downgrade) => state.note = DOWNGRADED,
            Body::ServiceOrder(OrderKind::Cancelled) => state.note = CANCELLED,
            _ => return None,
        }
        state.keep_day(view.day);
        None
    }

    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let (kind, zh, en) = match std::mem::take(&mut state.note) {
            DOWNGRADED => (
                OrderKind::Downgrade,
                "降低了月费",
                "lowered the monthly fee",
            ),
            CANCELLED => (OrderKind::Cancelled, "退订了业务", "cancelled a service"),
            _ => return None,
        };
        let ordered_on = state.kept_day();
        state.level = 0.0;
        Some(Firing {
            kind: state.news(self.strength, view.day, self.cooldown_days)?,
            strength: self.strength,
            evidence: Evidence {
                observed: 1.0,
                expected: 0.0,
                unit: "orders".into(),
                window_days: 0,
                threshold: 1.0,
                facts: vec![
                    ("kind".into(), Fact::Name(kind.name().to_owned())),
                    ("ordered_on".into(), Fact::Date(ordered_on)),
                ],
                source: None,
            },
            text: Text {
                zh: format!("客户{ordered_on}{zh}"),
                en: format!("The customer {en} on {ordered_on}"),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.note, state.fired_on()) {
            (0, None) => "no downgrade".to_owned(),
            (0, Some(day)) => format!("a downgrade, which was reported on {day}"),
            _ => format!("a downgrade on {}, to be reported", state.kept_day()),
        }
    }
}
