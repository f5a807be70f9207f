use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::Competitors;
use crate::engine::state::service_history::TRIP_PAUSE_DAYS;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, Day, Event, Evidence, Fact, Network, Purpose, Text};
use serde::Deserialize;

/// A customer abroad is told at once what it costs, and again before the bill grows (behaviour: Care and growth triggers).
/// Immediate; the level holds the last day abroad.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoamingCare {
    quiet_days: u16,
    strength: f64,
    charges_min: f64,
    charges_strength: f64,
}

/// The charges of the trip were reported.
const WARNED: u8 = 1;

impl TriggerSpec for RoamingCare {
    const NAME: &'static str = "roaming_care";
    const PURPOSE: Purpose = Purpose::Care;
    const LISTENS: &'static [BodyKind] = &[
        BodyKind::Call,
        BodyKind::Message,
        BodyKind::Data,
        BodyKind::Charge,
    ];
    const AT_ONCE: bool = true;
    const DEFAULTS: &'static str = "\
# Fires at the first use abroad when there was none for more than this many days. 1..365
quiet_days = 30
# Strength. 0..1
strength = 0.4
# Fires once more when charges of a trip come to this much, in the major unit. 0..1000000
charges_min = 100.0
# Strength of that. 0..1
charges_strength = 0.6
";
}

impl Trigger for RoamingCare {
    fn wants(&self, event: &Event<'_>, _: &Competitors) -> bool {
        event.visited.is_some() || matches!(event.body, Body::Charge { .. })
    }

    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        match view.event.visited {
            Some(network) => self.abroad(network, view, state),
            None => self.charged(view, state),
        }
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.level, state.note) {
            (0.0, _) => "never abroad".to_owned(),
            (_, WARNED) => format!("abroad on {}, charges reported", state.kept_day()),
            _ => format!("abroad on {}", state.kept_day()),
        }
    }
}

impl RoamingCare {
    fn abroad(
        &self,
        network: Network,
        view: &EventView<'_>,
        state: &mut TriggerState,
    ) -> Option<Firing> {
        let before = Some(state.kept_day()).filter(|day| *day > Day(0));
        if before >= Some(view.day) {
            return None;
        }
        state.keep_day(view.day);
        let days = before.map(|before| view.day.since(before));
        if days.is_none_or(|days| days > TRIP_PAUSE_DAYS) {
            state.note = 0;
        }
        if days.is_some_and(|days| days <= i32::from(self.quiet_days)) {
            return None;
        }
        let evidence = Evidence {
            observed: 1.0,
            expected: 0.0,
            unit: "networks".into(),
            window_days: self.quiet_days,
            threshold: 1.0,
            facts: vec![("network".into(), Fact::Name(network.to_string()))],
            source: Some(view.source.clone()),
        };
        let text = Text {
            zh: format!("客户正在异地或境外漫游（网络{network}）"),
            en: format!("The customer is abroad, or in another region (network {network})"),
        };
        Some(firing(self.strength, evidence, text))
    }

    fn charged(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let trip = view.account?.service_history().trip?;
        let charged = trip.charged;
        let little = charged.major() < self.charges_min || charged.0 <= 0;
        if state.note == WARNED || little || !trip.may_have(view.day) {
            return None;
        }
        state.note = WARNED;
        let evidence = Evidence {
            observed: charged.major(),
            expected: 0.0,
            unit: "amount".into(),
            window_days: 0,
            threshold: self.charges_min,
            facts: vec![("charged".into(), Fact::Amount(charged))],
            source: Some(view.source.clone()),
        };
        let text = Text {
            zh: format!("客户漫游期间已产生费用{charged}元"),
            en: format!("Charges while abroad: {charged}"),
        };
        Some(firing(self.charges_strength, evidence, text))
    }
}

fn firing(strength: f64, evidence: Evidence, text: Text) -> Firing {
    Firing {
        kind: FiringKind::Full,
        strength,
        evidence,
        text,
    }
}
