use super::chance;
use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Evidence, Fact, Text, plural};
use serde::Deserialize;

/// Too many of the subscriber's calls drop (behaviour: Churn triggers; S4: weak-coverage care). Day close.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoorQuality {
    share: f64,
    normal_share: f64,
    probability: f64,
    calls_min: u32,
    known_days: usize,
    cooldown_days: u16,
    strength: f64,
}

/// Dropped calls were reported, and their share has not fallen to half since.
const REPORTED: u8 = 1;

impl TriggerSpec for PoorQuality {
    const NAME: &'static str = "poor_quality";
    const DAILY: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(1.5, 14.0);
    const DEFAULTS: &'static str = "\
# Fires on a day with a dropped call when at least this share of the calls both ways dropped, ... >0..1
share = 0.1
# ... and so many of them would drop with less than this probability ... >0..<1
probability = 1e-3
# ... if this share of all calls dropped by chance, as in an ordinary network. >0..<1
normal_share = 0.02
# ... of at least so many calls, ... 1..1000
calls_min = 20
# ... on the last so many known days. Recovered when the share is below half of it, of as many calls. 1..28
known_days = 7
# Days until it may fire again without a recovery in between. 1..365
cooldown_days = 30
# Strength at just that share, rising to 1 at twice the share. 0..1
strength = 0.4
";
}

impl Trigger for PoorQuality {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        // Nearly nobody has dropped calls, and that is soon seen.
        let dropped_today = view.window.day(view.day).dropped > 0;
        if !(dropped_today || state.note != 0) || !view.known(UsageChannel::Voice, view.day) {
            return None;
        }
        let known = view.known_days(UsageChannel::Voice).take(self.known_days);
        let (mut calls, mut dropped) = (0_u32, 0_u32);
        for bucket in known.map(|day| view.window.day(day)) {
            calls += u32::from(bucket.outgoing) + u32::from(bucket.incoming);
            dropped += u32::from(bucket.dropped);
        }
        if calls < self.calls_min {
            return None;
        }
        let share = f64::from(dropped) / f64::from(calls);
        if share < self.share / 2.0 {
            state.note = 0;
        }
        let silenced = state.note != 0 && state.cooling(view.day, self.cooldown_days);
        if !dropped_today || share < self.share || silenced {
            return None;
        }
        let chance = chance::of_so_many(dropped, calls, self.normal_share);
        if chance >= self.probability {
            return None;
        }
        state.note = REPORTED;
        let surplus = (share / self.share - 1.0).clamp(0.0, 1.0);
        let days = self.known_days;
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength + (1.0 - self.strength) * surplus,
            evidence: Evidence {
                observed: share,
                expected: 0.0,
                unit: "share_of_calls".into(),
                window_days: days as u16,
                threshold: self.share,
                facts: vec![
                    ("dropped_calls".into(), Fact::Count(i64::from(dropped))),
                    ("calls".into(), Fact::Count(i64::from(calls))),
                ],
                source: None,
            },
            text: Text {
                zh: format!("近{days}天{calls}次通话中掉话{dropped}次"),
                en: format!(
                    "{dropped} of {calls} {} dropped within {days} {}",
                    plural(calls, "call", "calls"),
                    plural(days, "day", "days")
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::QualityRecovered)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match state.note {
            0 => "no run of dropped calls",
            _ => "a run of dropped calls, which was reported",
        };
        text.to_owned()
    }
}
