use crate::engine::settings::BaselineRules;
use crate::engine::state::bar::BarredDays;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::population::Population;
use crate::engine::state::store::Subscriber;
use crate::engine::state::window::Window;
use crate::model::Day;

/// A day is part of an absence if there was hardly any use on it and the days before it, so many in all ...
const DAYS: i32 = 3;
/// ... unless there was as little over so many: few are away for so long, and it may be ordinary now.
const DAYS_MAX: i32 = 21;
/// Lines with fewer expected events a day are silent for days without an absence.
const EXPECTED_MIN: f64 = 1.0;

/// Whether somebody was away on a day that has left the lag, so that it teaches nothing (behaviour: Expectation).
pub fn is_absence(
    day: Day,
    subscriber: &Subscriber,
    window: &Window<'_>,
    population: &Population,
    barred: Option<BarredDays>,
    rules: &BaselineRules,
) -> bool {
    let known_days = i32::from(subscriber.known_days) - i32::from(rules.lag_days);
    let levels = subscriber.baselines.all().map(|baseline| baseline.level());
    if known_days < DAYS_MAX || levels.iter().sum::<f64>() < EXPECTED_MIN {
        return false;
    }
    let is_known = |day: &Day| {
        let is_barred = barred.is_some_and(|days| days.has(*day));
        *day > subscriber.first_active && window.holds(*day) && !is_barred
    };
    let is_low = |days: i32| {
        let days = (0..days).map(|age| day - age).filter(is_known);
        let (mut used, mut expected) = (0, 0.0);
        for facts in days.filter_map(|day| population.facts(day)) {
            for channel in UsageChannel::ALL.into_iter().filter(|c| facts.known(*c)) {
                used += window.day(facts.day).events(channel);
                expected += levels[channel as usize] * facts.share(channel);
            }
        }
        f64::from(used) < rules.absence_below * expected
    };
    is_low(DAYS) && !is_low(DAYS_MAX)
}
