use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::Competitors;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, Day, Event, Evidence, Fact, OrderKind, Purpose, Text, plural};
use serde::Deserialize;

/// A new handset, once the old one has been out of use for some days and calls (behaviour: Care and growth triggers).
/// Immediate.
///
/// The first handset seen is the known one. A call from it starts the count of calls from other handsets again, so a
/// borrowed SIM, a lent handset or two handsets used in turn do not fire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalChange {
    calls_min: u8,
    days_min: u16,
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for TerminalChange {
    const NAME: &'static str = "terminal_change";
    const PURPOSE: Purpose = Purpose::Grow;
    const LISTENS: &'static [BodyKind] = &[BodyKind::Call];
    const DENSE: bool = true;
    const ANSWERED_BY: &'static [OrderKind] =
        &[OrderKind::Upgrade, OrderKind::PlanChange, OrderKind::Bundle];
    const DEFAULTS: &'static str = "\
# Fires with a call from another handset than the known one, when this many calls in a row came from other handsets, ...
# 1..200
calls_min = 5
# ... and the first of them was made at least this many days before. Calls without `imei` say nothing. 0..60
days_min = 3
# Days in which a further change is noted but does not fire. 1..365
cooldown_days = 90
# Strength. 0..1
strength = 0.4
";
}

impl Trigger for TerminalChange {
    fn wants(&self, event: &Event<'_>, _: &Competitors) -> bool {
        handset(&event.body).is_some()
    }

    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let seen = handset(&view.event.body)?;
        let mut known = Known::of(state);
        if known.handset == 0 || known.handset == seen {
            known.handset = seen;
            known.since = 0;
            state.note = 0;
            known.keep(state);
            return None;
        }
        if state.note == 0 {
            known.since = low_byte(view.day);
        }
        state.note = state.note.saturating_add(1);
        let days = known.days_away(view.day);
        if state.note < self.calls_min || days < self.days_min {
            known.keep(state);
            return None;
        }
        let calls = std::mem::take(&mut state.note);
        Known {
            handset: seen,
            since: 0,
        }
        .keep(state);
        if state.cooling(view.day, self.cooldown_days) {
            return None;
        }
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence {
                observed: f64::from(calls),
                expected: 0.0,
                unit: "calls".into(),
                window_days: days,
                threshold: f64::from(self.calls_min),
                facts: vec![("new_since".into(), Fact::Date(view.day - i32::from(days)))],
                source: Some(view.source.clone()),
            },
            text: Text {
                zh: format!(
                    "客户自{}起更换了手机（已用新手机通话{calls}次）",
                    view.day - i32::from(days)
                ),
                en: format!(
                    "A new handset since {} ({calls} {} from it)",
                    view.day - i32::from(days),
                    plural(calls, "call", "calls")
                ),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (Known::of(state).handset, state.note) {
            (0, _) => "no handset known".to_owned(),
            (_, 0) => "one handset known, last seen in use".to_owned(),
            (_, calls) => format!(
                "one handset known; the last {calls} {} came from others",
                plural(calls, "call", "calls")
            ),
        }
    }
}

/// What the state's level holds: 16 bits of the known handset's fingerprint and the day of the first call from another.
/// The note counts the calls from others since.
struct Known {
    /// 0 for none.
    handset: u16,
    /// The day's lowest byte.
    since: u8,
}

impl Known {
    fn of(state: &TriggerState) -> Self {
        let packed = state.number();
        Self {
            handset: (packed >> 8) as u16,
            since: packed as u8,
        }
    }

    fn keep(&self, state: &mut TriggerState) {
        state.set_number(u32::from(self.handset) << 8 | u32::from(self.since));
    }

    /// Days since the first call from another handset. A record that came late may lie before that: no days.
    fn days_away(&self, day: Day) -> u16 {
        match low_byte(day).wrapping_sub(self.since) {
            days @ 0..=127 => u16::from(days),
            _ => 0,
        }
    }
}

fn low_byte(day: Day) -> u8 {
    day.0.rem_euclid(256) as u8
}

/// Two handsets in 65,536 look alike; their exchange goes unnoticed.
fn handset(body: &Body<'_>) -> Option<u16> {
    match body {
        Body::Call {
            handset: Some(fingerprint),
            ..
        } => Some(((fingerprint >> 48) as u16).max(1)),
        _ => None,
    }
}
