//! Calls that drop too often to be chance.

use super::churn::{QUALITY, daily, rising};
use super::population::near;
use super::triggers::{Firing, Kind, Memory};
use super::usage::VOICE;
use super::view::DayView;
use churnwatch::model::Fact;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct QualitySettings {
    share: f64,
    normal_share: f64,
    probability: f64,
    calls_min: u64,
    known_days: usize,
    cooldown_days: u16,
    strength: f64,
}

impl Memory {
    pub fn quality(&mut self, view: &DayView<'_>, settings: &QualitySettings) -> Option<Firing> {
        let today = view.today.day;
        if !view.known(VOICE, today) {
            return None;
        }
        let days = (0..i32::from(view.rules.window.days)).map(|age| today - age);
        let days = days.filter(|day| view.known(VOICE, *day));
        let counted = days
            .take(settings.known_days)
            .map(|day| view.usage.calls(day));
        let (calls, dropped) =
            counted.fold((0, 0), |(a, b), (calls, dropped)| (a + calls, b + dropped));
        if calls < settings.calls_min {
            return None;
        }
        let share = dropped as f64 / calls as f64;
        self.churn.poor &= share >= settings.share / 2.0;
        let cooling = self.cooling(QUALITY, today, settings.cooldown_days);
        let (_, dropped_today) = view.usage.calls(today);
        if dropped_today == 0 || share < settings.share || (self.churn.poor && cooling) {
            return None;
        }
        let chance = at_least(dropped, calls, settings.normal_share);
        self.undecided |= near(chance, settings.probability);
        if chance >= settings.probability {
            return None;
        }
        self.churn.poor = true;
        let strength = rising(settings.strength, share / settings.share - 1.0);
        Some(daily(
            QUALITY,
            Kind::Full,
            strength,
            (share, 0.0, settings.share),
            ("share_of_calls", settings.known_days as u16),
            vec![
                ("dropped_calls", Fact::Count(dropped as i64)),
                ("calls", Fact::Count(calls as i64)),
            ],
        ))
    }
}

/// The probability of at least so many of so many: what is left when fewer are taken away one by one, or the sum of
/// those terms where that would be lost in rounding.
fn at_least(dropped: u64, calls: u64, share: f64) -> f64 {
    let log_of = |count: u64| -> f64 {
        let choices = (1..=count).map(|i| ((calls - count + i) as f64 / i as f64).ln());
        choices.sum::<f64>()
            + count as f64 * share.ln()
            + (calls - count) as f64 * (1.0 - share).ln()
    };
    (dropped..=calls).map(|count| log_of(count).exp()).sum()
}
