//! What the triggers see of a closed day of one subscriber.

use super::account::AccountView;
use super::baseline::Baseline;
use super::population::{ClosedDay, Population};
use super::service_history::ServiceHistory;
use super::usage::Usage;
use super::win_back::Said;
use churnwatch::engine::Rules;
use churnwatch::model::{Day, Msisdn};

/// A closed day of one subscriber.
pub struct DayView<'a> {
    pub msisdn: Msisdn,
    pub today: &'a ClosedDay,
    pub known_days: usize,
    pub usage: &'a Usage,
    pub standing: &'a AccountView,
    pub service_history: &'a ServiceHistory,
    pub said: &'a Said,
    pub baselines: [Baseline; 2],
    pub population: &'a Population,
    /// The subscriber's own population factor of the day.
    pub factor: [f64; 2],
    pub rules: &'a Rules,
}

impl DayView<'_> {
    /// Whether what there is of a channel is all there was.
    pub fn known(&self, channel: usize, day: Day) -> bool {
        self.population.known(channel, day) && !self.barred(day)
    }

    /// The channels in which use on a day can be compared with baselines.
    pub fn comparable(&self, day: Day) -> Vec<usize> {
        let last = self.usage.last_active();
        match self.barred(day) || self.service_history.abroad(day, last) {
            true => Vec::new(),
            false => self.population.comparable(day),
        }
    }

    /// Whether anything can be made of the day's use.
    pub fn is_comparable(&self) -> bool {
        !self.comparable(self.today.day).is_empty()
    }

    pub fn barred(&self, day: Day) -> bool {
        self.standing.barred(day, self.rules)
    }

    /// mu = b * dow * f.
    pub fn expected(&self, channel: usize, day: Day) -> f64 {
        self.baselines[channel].level * self.share(channel, day)
    }

    /// dow * f.
    pub fn share(&self, channel: usize, day: Day) -> f64 {
        let closed = self.population.day(day).unwrap();
        let factor = if day == self.today.day {
            self.factor[channel]
        } else {
            self.population.factor(channel, closed)
        };
        closed.dow[channel] * factor
    }

    /// k, less where the expectation itself is unsure.
    pub fn dispersion(&self, channel: usize, uncertainty: f64) -> f64 {
        let population = self.population.dispersion(channel, self.rules);
        let k = self.baselines[channel].dispersion(population, self.rules);
        k / (1.0 + uncertainty * k)
    }
}
