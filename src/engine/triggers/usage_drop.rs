use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::engine::state::window::UsageChannel;
use crate::model::{CloseReason, Evidence, Fact, Stage, Text};
use serde::Deserialize;

/// The subscriber's activity falls and stays below its own baseline, over all channels together: a joint, bounded CUSUM
/// of negative-binomial log-likelihood ratios (behaviour: Churn triggers). Day close.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageDrop {
    ratio: f64,
    threshold: f64,
    step_min: f64,
    step_max: f64,
    uncertainty: f64,
    today_max: f64,
    known_days_min: u16,
    expected_min: f64,
    cooldown_days: u16,
    report_days: u16,
    strength: f64,
}

/// Nine days at the upper bound of the step add up to the threshold exactly, and a call every other day is half an event
/// a day: how the stored figures are rounded must not decide on which side of a bound that is. It is on it.
const TIE: f64 = 1e-3;
/// The drop was reported and usage has not recovered since.
const RAISED: u8 = 1;
/// Then the line was barred.
const BARRED: u8 = 2;

impl TriggerSpec for UsageDrop {
    const NAME: &'static str = "usage_drop";
    const DAILY: bool = true;
    const DENSE: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(2.5, 21.0);
    const DEFAULTS: &'static str = "\
# The fall that is tested for: activity down to this share of its old level. >0..<1
ratio = 0.45
# Fires when the summed evidence passes this, in natural logs. 1..50
threshold = 5.5
# One day's evidence, over all channels together, is at least this, ... -50..<0
step_min = -2.0
# ... and at most this, which keeps a week's travel from alarming. >0..50
step_max = 0.6
# How unsure the expectation itself is: variance of its relative error. People drift, and the baseline lags behind; it
# widens every day's distribution, so that heavy and light users need about as many days. 0..5
uncertainty = 0.4
# Fires only on a day with at most this share of the expected events: nobody is accused on a day of ordinary use. 0.1..10
today_max = 0.8
# Fewest known days for a judgement. 1..365
known_days_min = 14
# Fewest expected events a day for a judgement. >0..
expected_min = 0.5
# Days until it may fire again without a recovery in between. Usage counts as recovered when the evidence has fallen to
# half the threshold. 1..365
cooldown_days = 30
# Days over which the signal states observed and expected activity. 1..28
report_days = 14
# Strength of a fall to just under `ratio`, rising to 1 for one to nothing. 0..1
strength = 0.5
";
}

impl Trigger for UsageDrop {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        if view.is_barred() {
            state.level = 0.0;
            state.note = if state.note == 0 { 0 } else { BARRED };
            return None;
        }
        let channels = || view.comparable(view.day);
        let expected: f64 = channels().map(|c| view.level(c)).sum();
        let too_little = expected < self.expected_min - TIE;
        if !view.is_comparable() || view.known_days < self.known_days_min || too_little {
            return None;
        }
        let step: f64 = channels().map(|c| self.evidence(c, view)).sum();
        let sum = f64::from(state.level) + step.clamp(self.step_min, self.step_max);
        // Held at twice the threshold, so that a recovery after months shows within weeks.
        state.level = sum.clamp(0.0, 2.0 * self.threshold) as f32;
        let sum = f64::from(state.level);
        if sum < self.threshold / 2.0 - TIE {
            state.note &= !RAISED;
        }
        let silenced = state.note & RAISED != 0 && state.cooling(view.day, self.cooldown_days);
        if sum <= self.threshold + TIE || silenced || self.ordinary(view) {
            return None;
        }
        state.note = RAISED;
        Some(self.firing(view, sum))
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        match state.note {
            0 => Some(CloseReason::UsageRecovered),
            BARRED => Some(CloseReason::LineBarred),
            _ => None,
        }
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Decline)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let reported = match state.note {
            0 => "",
            BARRED => "; a drop was reported, then the line was barred",
            _ => "; a drop was reported and usage has not recovered",
        };
        format!(
            "evidence for a drop {:.2}, which fires above {}{reported}",
            state.level, self.threshold
        )
    }
}

impl UsageDrop {
    /// The closed day's log-likelihood ratio for "fallen to `ratio`" in one channel.
    fn evidence(&self, channel: UsageChannel, view: &DayView<'_>) -> f64 {
        let x = f64::from(view.observed(channel, view.day));
        let mu = view.expected(channel, view.day);
        let k = 1.0 / (1.0 / view.dispersion(channel) + self.uncertainty);
        let r = self.ratio;
        x * libm::log(r) - (x + k) * libm::log((k + r * mu) / (k + mu))
    }

    /// Whether the closed day saw about as much use as the subscriber's days do.
    fn ordinary(&self, view: &DayView<'_>) -> bool {
        let (mut observed, mut expected) = (0.0, 0.0);
        for channel in view.comparable(view.day) {
            observed += f64::from(view.observed(channel, view.day));
            expected += view.expected(channel, view.day);
        }
        observed > self.today_max * expected + TIE
    }

    fn firing(&self, view: &DayView<'_>, sum: f64) -> Firing {
        let days = (0..i32::from(self.report_days)).map(|age| view.day - age);
        let (mut known, mut observed, mut expected) = (0u16, 0.0, 0.0);
        for day in days {
            known += u16::from(view.comparable(day).next().is_some());
            for channel in view.comparable(day) {
                observed += f64::from(view.observed(channel, day));
                expected += view.expected(channel, day);
            }
        }
        let per_day = 1.0 / f64::from(known.max(1));
        let (observed, expected) = (observed * per_day, expected * per_day);
        let level = observed / expected.max(f64::MIN_POSITIVE);
        let depth = (1.0 - level / self.ratio).clamp(0.0, 1.0);
        let percent = (100.0 * (1.0 - level)).clamp(0.0, 100.0);
        let window = self.report_days;
        Firing {
            kind: FiringKind::Full,
            strength: self.strength + (1.0 - self.strength) * depth,
            evidence: Evidence {
                observed,
                expected,
                unit: "events_per_day".into(),
                window_days: window,
                threshold: self.threshold,
                facts: vec![
                    ("evidence".into(), Fact::Measure(sum)),
                    ("known_days".into(), Fact::Count(i64::from(known))),
                ],
                source: None,
            },
            text: Text {
                zh: format!(
                    "近{window}天日均使用{observed:.1}次，低于平时的{expected:.1}次（下降{percent:.0}%）"
                ),
                en: format!(
                    "{observed:.1} events a day over the last {window} days against {expected:.1} expected (down {percent:.0} %)"
                ),
            },
        }
    }
}
