//! How usage is spread over a day.

use crate::sim::person::Habits;
use crate::sim::random::Dice;
use crate::sim::scenario::Usage;
use crate::sim::today::DAY_MS;

/// How events follow one another within a day: in bursts, with gaps from moments to hours.
pub struct BurstTiming {
    /// Of 2^32: the chance that another event of the burst follows, for calls and messages, and for data.
    pub calls: u32,
    /// The same of data sessions.
    pub sessions: u32,
    /// Equally likely gaps, milliseconds.
    gaps_ms: [u32; 256],
}

impl BurstTiming {
    pub fn new(usage: &Usage) -> Self {
        let go_on = |mean: f64| ((1.0 - 1.0 / mean) * 4_294_967_295.0) as u32;
        let gap_ms = |place: usize| {
            let u = (place as f64 + 0.5) / 256.0;
            let odds = libm::pow(u / (1.0 - u), 1.0 / usage.burst_gap_shape);
            (usage.burst_gap_seconds_median * 1_000.0 * odds).min(DAY_MS as f64) as u32
        };
        Self {
            calls: go_on(usage.burst_calls),
            sessions: go_on(usage.burst_sessions),
            gaps_ms: std::array::from_fn(gap_ms),
        }
    }

    /// The time of day of the event after one at `before`; of the day's first event if there is none.
    pub fn next(&self, go_on: u32, before: Option<u32>, habits: &Habits, dice: &mut Dice) -> u32 {
        let bits = dice.bits();
        let gap_ms = self.gaps_ms[(bits & 0xff) as usize];
        match before {
            Some(before) if bits < go_on && before + gap_ms < DAY_MS as u32 => before + gap_ms,
            _ => habits.time_of_day_ms(dice),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Purpose;
    use crate::sim::scenario::Scenario;

    #[test]
    fn bursts_have_their_mean_and_stay_in_the_day() {
        let scenario = Scenario::default();
        let timing = BurstTiming::new(&scenario.usage);
        let dice = &mut Dice::new(1, 0, 0, Purpose::Behaviour);
        let habits = Habits::human(&scenario, dice, false, false);
        let (mut before, mut close, mut events) = (None, 0, 0);
        for _ in 0..20_000 {
            let at = timing.next(timing.calls, before, &habits, dice);
            assert!(i64::from(at) < DAY_MS);
            close += u32::from(
                before.is_some_and(|before: u32| (before..before + 600_000).contains(&at)),
            );
            events += 1;
            before = Some(at);
        }
        // Of 2.5 events, 1.5 follow another; about nine in ten of them within ten minutes. Evenly spread over the
        // waking hours it would be one in a hundred.
        let share = f64::from(close) / f64::from(events);
        assert!((0.45..0.6).contains(&share), "{share}");
    }
}
