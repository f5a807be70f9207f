use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Evidence, Fact, Stage, Text, plural};
use serde::Deserialize;

/// All calls go elsewhere, for weeks (behaviour: Churn triggers; S4 case 2). Day close.
///
/// Forwarding is in force from an `activate` record to a `deactivate` record, however late they came. If calls are
/// forwarded without an `activate`, it is in force from the first of them until none has been seen for a week.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallForwarding {
    days_min: u16,
    cooldown_days: u16,
    strength: f64,
    elsewhere_strength: f64,
}

/// The forwarding in force was reported.
const REPORTED: u8 = 1;

impl TriggerSpec for CallForwarding {
    const NAME: &'static str = "call_forwarding";
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(2.0, 30.0);
    const DEFAULTS: &'static str = "\
# Fires when forwarding is in force for so many days, its first and last included. Forwarding that was never set up by a
# record is in force from the first forwarded call until none was seen for 7 days; days unknown are not judged. 2..365
days_min = 14
# Days until the same forwarding may fire again; one that was ended and set up anew fires as soon as it is long enough.
# 1..365
cooldown_days = 30
# Strength, and strength where calls last went to a service or marketing number of a competitor, or to a number that cannot
# be read. Whose customer a mobile number is, its prefix does not say: numbers are ported. 0..1
strength = 0.5
elsewhere_strength = 0.8
";
}

impl Trigger for CallForwarding {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let forwarding = view.account?.service_history().forwarding;
        if !view.known(UsageChannel::Voice, view.day) {
            return None;
        }
        let since = forwarding
            .since(view.day)
            .filter(|since| view.day.since(*since) + 1 >= i32::from(self.days_min));
        let Some(since) = since else {
            state.note = 0;
            return None;
        };
        let (strength, to, zh, en) = match forwarding.elsewhere {
            true => (
                self.elsewhere_strength,
                "competitor_or_unreadable",
                "竞争对手或无法识别的号码",
                "a competitor's or an unreadable number",
            ),
            false => (self.strength, "other", "其他号码", "another number"),
        };
        let kind = match state.note {
            0 => FiringKind::Full,
            _ => state.news(strength, view.day, self.cooldown_days)?,
        };
        state.note = REPORTED;
        let days = view.day.since(since) + 1;
        Some(Firing {
            kind,
            strength,
            evidence: Evidence {
                observed: f64::from(days),
                expected: 0.0,
                unit: "days_forwarding".into(),
                window_days: u16::try_from(days).unwrap_or(u16::MAX),
                threshold: f64::from(self.days_min),
                facts: vec![
                    ("since".into(), Fact::Date(since)),
                    ("to".into(), Fact::Name(to.to_owned())),
                ],
                source: None,
            },
            text: Text {
                zh: format!("来电转移已持续{days}天（自{since}起），转移到{zh}"),
                en: format!(
                    "Calls forwarded to {en} for {days} {}, since {since}",
                    plural(days, "day", "days")
                ),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::ForwardingEnded)
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Decline)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match state.note {
            0 => "no long forwarding of calls",
            _ => "a long forwarding of calls, which was reported",
        };
        text.to_owned()
    }
}
