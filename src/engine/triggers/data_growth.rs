use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Day, Evidence, Fact, OrderKind, Purpose, Stage, Text, plural};
use serde::Deserialize;

/// Much more data than in the weeks before, on most days (behaviour: Care and growth triggers). Day close.
///
/// Only known days still in the window count. What everybody does more of is nobody's growth, so days are weighed by
/// weekday and population factor, as every expectation is (behaviour: Expectation).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataGrowth {
    span_days: u16,
    known_days_min: u16,
    factor: f64,
    mebibytes_min: f64,
    higher_days_min: u16,
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for DataGrowth {
    const NAME: &'static str = "data_growth";
    const PURPOSE: Purpose = Purpose::Grow;
    const DAILY: bool = true;
    const ANSWERED_BY: &'static [OrderKind] = &[
        OrderKind::Upgrade,
        OrderKind::PlanChange,
        OrderKind::Bundle,
        OrderKind::ValueAdded,
    ];
    const DEFAULTS: &'static str = "\
# On a day with data, it compares the last `span_days` closed days with as many days before them, by volume. Both must fit into
# `window.days`, which is 28 or more. 7..13
span_days = 13
# Fewest known days of either span. 1..span_days
known_days_min = 10
# It fires when the volume is at least this many times what it was, ... 1.1..100
factor = 2.0
# ... at least this many MiB a day, ... 1..65535
mebibytes_min = 200.0
# ... and above the earlier mean on this many days, so that one film is no growth. 1..span_days
higher_days_min = 8
# Days until it may fire again. 1..365
cooldown_days = 60
# Strength at `factor`, rising to 1 at twice that. 0..1
strength = 0.5
";
}

impl Trigger for DataGrowth {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        if view.window.day(view.day).data_mebibytes() == 0 {
            return None;
        }
        let span = i32::from(self.span_days);
        let long_enough = i32::from(view.known_days) >= 2 * span;
        let comparable = comparable(view, view.day);
        if !comparable || !long_enough || state.cooling(view.day, self.cooldown_days) {
            return None;
        }
        // Nearly nobody has so much on any days, and that is soon seen.
        let days = (0..span).map(|age| view.window.day(view.day - age));
        let all: u32 = days.map(|day| u32::from(day.data_mebibytes())).sum();
        if f64::from(all) < self.mebibytes_min * f64::from(self.known_days_min) {
            return None;
        }
        let after = Volume::of(view, view.day - (span - 1), view.day, 0.0);
        if after.mebibytes < self.mebibytes_min * f64::from(after.days) {
            return None;
        }
        let before = Volume::of(view, view.day - (2 * span - 1), view.day - span, 0.0);
        let enough = |volume: &Volume| volume.days >= self.known_days_min && volume.shares > 0.0;
        if !enough(&before) || !enough(&after) {
            return None;
        }
        let ordinary = before.mebibytes / before.shares;
        let expected = ordinary * after.shares;
        let after = Volume::of(view, view.day - (span - 1), view.day, ordinary);
        if after.mebibytes < self.factor * expected || after.higher_days < self.higher_days_min {
            return None;
        }
        let surplus = (after.mebibytes / (self.factor * expected.max(1.0)) - 1.0).min(1.0);
        let days = f64::from(after.days);
        let (observed, expected) = (after.mebibytes / days, expected / days);
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength + (1.0 - self.strength) * surplus.max(0.0),
            evidence: Evidence {
                observed,
                expected,
                unit: "mebibytes_per_day".into(),
                window_days: self.span_days,
                threshold: self.factor,
                facts: vec![
                    ("known_days".into(), Fact::Count(i64::from(after.days))),
                    (
                        "higher_days".into(),
                        Fact::Count(i64::from(after.higher_days)),
                    ),
                ],
                source: None,
            },
            text: Text {
                zh: format!(
                    "最近{}天日均流量{observed:.0}MB，此前为{expected:.0}MB",
                    self.span_days
                ),
                en: format!(
                    "{observed:.0} MiB of data a day in the last {} {}; {expected:.0} before",
                    self.span_days,
                    plural(self.span_days, "day", "days")
                ),
            },
        })
    }

    fn stage(&self, _: &TriggerState) -> Option<Stage> {
        Some(Stage::Promote)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match state.fired_on() {
            None => "no growth of data".to_owned(),
            Some(day) => format!("growth of data, reported on {day}"),
        }
    }
}

fn comparable(view: &DayView<'_>, day: Day) -> bool {
    view.comparable(day)
        .any(|channel| channel == UsageChannel::Data)
}

/// Data on the known days of a stretch.
struct Volume {
    days: u16,
    mebibytes: f64,
    /// How many ordinary days they are worth.
    shares: f64,
    /// Those with more than an ordinary day's volume.
    higher_days: u16,
}

impl Volume {
    fn of(view: &DayView<'_>, from: Day, to: Day, ordinary: f64) -> Self {
        let mut volume = Self {
            days: 0,
            mebibytes: 0.0,
            shares: 0.0,
            higher_days: 0,
        };
        let days = (from.0..=to.0).map(Day);
        for day in days.filter(|day| comparable(view, *day) && view.window.holds(*day)) {
            let mebibytes = f64::from(view.window.day(day).data_mebibytes());
            let share = view.share(UsageChannel::Data, day);
            volume.days += 1;
            volume.mebibytes += mebibytes;
            volume.shares += share;
            volume.higher_days += u16::from(mebibytes > ordinary * share);
        }
        volume
    }
}
