use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::engine::state::window::UsageChannel;
use crate::model::{CloseReason, Day, Evidence, Fact, Stage, Text};
use serde::Deserialize;

/// A run of known days without any event that is too improbable to be chance (behaviour: Churn triggers). Day close.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroUsageDays {
    run_days_min: u16,
    probability: f64,
    weak_probability: f64,
    uncertainty: f64,
    own_run_factor: f64,
    own_run_days_max: u16,
    own_run_memory_days: f64,
    active_days_min: u16,
    active_window_days: u16,
    strength: f64,
    weak_strength: f64,
}

/// How far off the stored longest run may be.
const TIE: f64 = 1e-3;
/// The run's subscriber was active enough before it.
const ELIGIBLE: u8 = 1;
/// The run was judged for eligibility.
const JUDGED: u8 = 2;
/// The run gave its weak sign.
const WEAK: u8 = 4;
/// The run gave its signal.
const FIRED: u8 = 8;
/// The line was barred, which is why it was silent.
const BARRED: u8 = 16;

impl TriggerSpec for ZeroUsageDays {
    const NAME: &'static str = "zero_usage_days";
    const DAILY: bool = true;
    const DENSE: bool = true;
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(3.5, 14.0);
    const DEFAULTS: &'static str = "\
# Fewest silent days of a run. 2..14
run_days_min = 3
# A run fires when its probability under the subscriber's own baseline is below this. >0..<1
probability = 3e-5
# Below this it is a weak sign, which feeds the score but raises no task. probability..<1
weak_probability = 1e-3
# How unsure the expectation itself is: variance of its relative error; it makes silence of heavy users less improbable.
# 0..5
uncertainty = 0.0
# A run fires only when it is this many times as long as the subscriber's longest one of `run_days_min` days or more that
# ended with a return. Until then it is a weak sign. 0..5
own_run_factor = 1.2
# A run this long fires whatever the longest one was. 2..28
own_run_days_max = 10
# The longest run shrinks by one part in so many with every active day. 7..3650
own_run_memory_days = 300.0
# Only for subscribers active on at least so many ... 0..active_window_days
active_days_min = 14
# ... of so many days before the run. 1..28
active_window_days = 28
# Strength when it fires, rising to 1 as the run becomes twice as improbable, and as a weak sign. 0..1
strength = 0.8
weak_strength = 0.3
";
}

impl Trigger for ZeroUsageDays {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        if view.last_active >= view.day {
            state.note = 0;
            if view.is_comparable() && view.window.day(view.day).active() {
                self.learn(view, state);
            }
            return None;
        }
        if view.is_barred() {
            state.note = match state.note & (FIRED | BARRED) {
                0 => 0,
                _ => BARRED,
            };
            return None;
        }
        let settled = state.note & FIRED != 0 || state.note & (JUDGED | ELIGIBLE) == JUDGED;
        if settled || !view.is_comparable() {
            return None;
        }
        let since = view.last_active.max(view.day - view.window.days());
        let run = Run::since(since, view, self.uncertainty);
        if run.days < self.run_days_min {
            state.note = 0;
            return None;
        }
        if state.note & JUDGED == 0 {
            state.note |= JUDGED
                | if self.active_before(since, view) {
                    ELIGIBLE
                } else {
                    0
                };
        }
        if state.note & ELIGIBLE == 0 {
            return None;
        }
        let threshold = -libm::log(self.probability);
        let longest = f64::from(state.level);
        let usual = (self.own_run_factor * longest).min(f64::from(self.own_run_days_max));
        if run.improbability > threshold && f64::from(run.days) >= usual - TIE {
            state.note = (state.note | FIRED | WEAK) & !BARRED;
            let surplus = (run.improbability / threshold - 1.0).min(1.0);
            let strength = self.strength + (1.0 - self.strength) * surplus;
            return Some(run.firing(FiringKind::Full, strength, threshold, longest));
        }
        let threshold = -libm::log(self.weak_probability);
        if run.improbability > threshold && state.note & WEAK == 0 {
            state.note |= WEAK;
            return Some(run.firing(FiringKind::Weak, self.weak_strength, threshold, longest));
        }
        None
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        match state.note & (FIRED | BARRED) {
            0 => Some(CloseReason::UsageRecovered),
            BARRED => Some(CloseReason::LineBarred),
            _ => None,
        }
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Leave)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let note = state.note;
        let text = if note & FIRED != 0 {
            "a silent run, which was reported"
        } else if note & (JUDGED | ELIGIBLE) == JUDGED {
            "a silent run, which does not count: there was too little activity before it"
        } else if note & WEAK != 0 {
            "a silent run, which gave a weak sign"
        } else if note & BARRED != 0 {
            "a silent run, which was reported; then the line was barred"
        } else if note & JUDGED != 0 {
            "a silent run, which may still be chance"
        } else {
            "no silent run"
        };
        match state.level {
            0.0 => text.to_owned(),
            longest => {
                format!("{text}; the longest one so far that ended counts as {longest:.1} days")
            }
        }
    }
}

impl ZeroUsageDays {
    /// Whether the subscriber was active on enough of the days up to `last`.
    fn active_before(&self, last: Day, view: &DayView<'_>) -> bool {
        let days = (0..i32::from(self.active_window_days)).map(|age| last - age);
        let active = days.filter(|day| view.window.day(*day).active()).count();
        active >= usize::from(self.active_days_min)
    }

    /// On an active day: forgets a little of the longest run, and takes in the one that ends here, if one does.
    fn learn(&self, view: &DayView<'_>, state: &mut TriggerState) {
        let days = (1..view.window.days()).map(|age| view.day - age);
        let silent = days.take_while(|day| !view.window.day(*day).active());
        let known = silent.filter(|day| view.comparable(*day).count() == UsageChannel::COUNT);
        // Before its first day the subscriber was not silent, but absent.
        let ended = known
            .count()
            .min(usize::from(view.known_days.saturating_sub(1)));
        state.level *= (1.0 - 1.0 / self.own_run_memory_days) as f32;
        if ended >= usize::from(self.run_days_min) {
            state.level = state.level.max(ended as f32);
        }
    }
}

/// The silent days since the last activity.
struct Run {
    days: u16,
    last_active: Day,
    expected: f64,
    improbability: f64,
}

impl Run {
    fn since(last_active: Day, view: &DayView<'_>, uncertainty: f64) -> Self {
        let mut run = Self {
            days: 0,
            last_active,
            expected: 0.0,
            improbability: 0.0,
        };
        let dispersion = UsageChannel::ALL.map(|c| 1.0 / (1.0 / view.dispersion(c) + uncertainty));
        // A run does not go on over a bar.
        let free = view.barred.filter(|barred| barred.last < view.day);
        let since = free.map_or(last_active, |barred| last_active.max(barred.last));
        let mut day = since.next();
        while day <= view.day {
            run.days += u16::from(view.comparable(day).next().is_some());
            for channel in view.comparable(day) {
                let mu = view.expected(channel, day);
                let k = dispersion[channel as usize];
                run.expected += mu;
                run.improbability += k * libm::log1p(mu / k);
            }
            day = day.next();
        }
        run
    }

    fn firing(&self, kind: FiringKind, strength: f64, threshold: f64, longest: f64) -> Firing {
        let (days, last) = (self.days, self.last_active);
        let mut facts = vec![
            ("improbability".into(), Fact::Measure(self.improbability)),
            ("last_active_on".into(), Fact::Date(last)),
        ];
        if longest > 0.0 {
            facts.push(("longest_run_days".into(), Fact::Measure(longest)));
        }
        Firing {
            kind,
            strength,
            evidence: Evidence {
                observed: 0.0,
                expected: self.expected / f64::from(days.max(1)),
                unit: "events_per_day".into(),
                window_days: days,
                threshold,
                facts,
                source: None,
            },
            text: Text {
                zh: format!(
                    "连续{days}天没有任何使用（最后使用日{last}），平时同期约有{:.0}次",
                    self.expected
                ),
                en: format!(
                    "No activity for {days} days (last on {last}); usually about {:.0} events in that time",
                    self.expected
                ),
            },
        }
    }
}
