//! Lines that behave like machines (behaviour: Machines).

use super::population::Population;
use super::usage::{Usage, VOICE};
use churnwatch::engine::Rules;
use churnwatch::model::Day;

/// Whether a line is taken for a machine by what it does.
#[derive(Default)]
pub struct Behaviour {
    /// Of a machine, the days on which it behaved like a person.
    calm_days: Option<u8>,
}

impl Behaviour {
    pub fn machine(&self) -> bool {
        self.calm_days.is_some()
    }

    /// Takes a known closed day; whether it made a person of a machine.
    pub fn close(
        &mut self,
        day: Day,
        usage: &Usage,
        population: &Population,
        rules: &Rules,
    ) -> bool {
        let (window_days, rules) = (i32::from(rules.window.days), &rules.machines);
        let busy = |day: Day| usage.sent(day) >= u64::from(rules.sent_a_day);
        let known = (0..window_days).map(|age| day - age);
        let known = known.filter(|day| population.known(VOICE, *day));
        let recent = known.take(usize::from(rules.of_days));
        let busy_days = recent.filter(|day| busy(*day)).count();
        self.calm_days = match self.calm_days {
            None => (busy(day) && busy_days >= usize::from(rules.busy_days)).then_some(0),
            Some(_) if busy(day) => Some(0),
            Some(calm) if usage.active(day) => {
                let calm = calm + 1;
                if calm >= rules.calm_days {
                    self.calm_days = None;
                    return true;
                }
                Some(calm)
            }
            calm => calm,
        };
        false
    }
}
