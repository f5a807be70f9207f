//! How people use a telephone: irregularly (behaviour: How irregular people are).
//!
//! A person's daily count of calls and messages is negative binomial around a mean that moves in four ways: slowly (a
//! drifting rate), between ordinary and quiet days that come in runs, with the weekday, and now and then to nothing at
//! all when the telephone is off. `tests/calibration.rs` compares the result with the specification's figures.

use crate::sim::random::Dice;
use crate::sim::scenario::Scenario;
use crate::sim::today::Today;

/// The usage of one line.
pub struct Habits {
    /// Calls and messages on a mean day.
    pub rate: f64,
    /// Data sessions on a mean day.
    pub data_rate: f64,
    /// Long-run share of quiet days, and the chance that a quiet day follows a quiet day.
    quiet_share: f64,
    quiet_stay: f64,
    /// Activity on a quiet day, as a share of an ordinary day's.
    quiet_level: f64,
    /// Shape of the gamma noise of a day: small is wild.
    shape: f64,
    data_shape: f64,
    /// Standard deviation of the logarithm of the drifting rate.
    drift_sigma: f64,
    /// Chance that the telephone goes off for days, and that it stays off another day.
    off_start: f64,
    off_stay: f64,
    week: Week,
    rhythm: &'static [u8; 256],
    /// Upper ends, of 256, of the shares of outgoing calls, incoming calls and outgoing messages.
    pub mix: [u8; 3],
    /// Share of conversations that drop.
    pub dropped: f64,
    pub talk_median_seconds: f64,
    pub session_median_bytes: f64,
    /// People in the social circle.
    pub circle: u16,
    drift: f64,
    data_drift: f64,
    quiet: bool,
    off: bool,
}

/// Which of the scenario's weeks a line follows.
#[derive(Debug, Clone, Copy)]
enum Week {
    Office,
    Shop,
    Even,
    /// All days are the same.
    Flat,
}

/// How much of everything a day asks for.
pub struct Demand {
    /// Calls and messages.
    pub voice: u32,
    /// Data sessions.
    pub data: u32,
}

/// List prices.
pub const CENTS_A_SECOND: f64 = 0.25;
pub const CENTS_A_MESSAGE: f64 = 10.0;
pub const CENTS_A_MEGABYTE: f64 = 0.5;
/// Spreads of the log-normal talk time and session volume.
pub const TALK_SIGMA: f64 = 1.0;
pub const SESSION_SIGMA: f64 = 1.2;
/// Share of calls in which people talk.
pub const ANSWERED: f64 = 0.82;

const WORKER: [u8; 256] = slots([
    1, 1, 0, 0, 0, 1, 4, 10, 18, 22, 22, 20, 16, 14, 18, 19, 19, 20, 20, 16, 13, 10, 6, 3,
]);
const STUDENT: [u8; 256] = slots([
    5, 3, 1, 1, 0, 0, 1, 5, 8, 9, 10, 14, 18, 14, 10, 10, 11, 16, 20, 20, 20, 20, 18, 12,
]);
const ELDER: [u8; 256] = slots([
    0, 0, 0, 0, 1, 4, 10, 18, 22, 24, 22, 16, 10, 8, 12, 15, 16, 16, 16, 18, 14, 6, 2, 0,
]);
const ALL_DAY: [u8; 256] = slots([1; 24]);

/// Spreads 24 hourly weights over 256 equally likely slots.
const fn slots(weights: [u16; 24]) -> [u8; 256] {
    let mut total = 0;
    let mut hour = 0;
    while hour < 24 {
        total += weights[hour];
        hour += 1;
    }
    let mut table = [0; 256];
    let mut slot = 0;
    let mut reached = weights[0];
    hour = 0;
    while slot < 256 {
        while hour < 23 && slot as u32 * total as u32 >= reached as u32 * 256 {
            hour += 1;
            reached += weights[hour];
        }
        table[slot] = hour as u8;
        slot += 1;
    }
    table
}

impl Habits {
    /// A human being.
    pub fn human(scenario: &Scenario, dice: &mut Dice, student: bool, poor_coverage: bool) -> Self {
        let Scenario { usage, lines, .. } = scenario;
        let office = scenario.week.office_share;
        let shop = office + scenario.week.shop_share;
        // Of those with an even week, six in ten are elderly.
        let elder = shop + 0.6 * (1.0 - shop);
        let (week, rhythm, circle) = match dice.unit() {
            _ if student => (Week::Even, &STUDENT, 14),
            u if u < office => (Week::Office, &WORKER, 18),
            u if u < shop => (Week::Shop, &WORKER, 24),
            u if u < elder => (Week::Even, &ELDER, 8),
            _ => (Week::Even, &STUDENT, 12),
        };
        let quiet_share = dice.within(usage.quiet_share);
        let calls = dice.within(usage.call_share);
        let outgoing = dice.within(usage.outgoing_share);
        let written = dice.within(usage.written_share);
        let share = |part: f64| (part * 256.0) as u8;
        let no_data = dice.chance(lines.no_data_share);
        Self {
            rate: dice
                .log_normal(usage.rate_median, usage.rate_sigma)
                .clamp(0.1, 60.0),
            data_rate: if no_data {
                0.0
            } else {
                dice.log_normal(usage.data_rate_median, usage.data_rate_sigma)
                    .clamp(0.1, 60.0)
            },
            quiet_share,
            quiet_stay: quiet_share + (1.0 - quiet_share) * dice.within(usage.quiet_persistence),
            quiet_level: dice.within(usage.quiet_level),
            shape: dice.log_normal(usage.shape_median, usage.shape_sigma),
            data_shape: dice.log_normal(usage.data_shape_median, usage.data_shape_sigma),
            drift_sigma: dice.within(usage.drift_sigma),
            off_start: dice
                .log_normal(usage.off_start_median, usage.off_start_sigma)
                .min(0.05),
            off_stay: dice.within(usage.off_stay),
            week,
            rhythm,
            mix: [
                share(calls * outgoing),
                share(calls),
                share(calls + (1.0 - calls) * written),
            ],
            dropped: if poor_coverage {
                dice.within(usage.poor_dropped_share)
            } else {
                dice.within(usage.dropped_share)
            },
            talk_median_seconds: dice
                .log_normal(usage.talk_seconds_median, usage.talk_seconds_sigma),
            session_median_bytes: 1e6
                * dice.log_normal(
                    usage.session_megabytes_median,
                    usage.session_megabytes_sigma,
                ),
            circle: circle / 2 + dice.below(u32::from(circle)) as u16,
            drift: 0.0,
            data_drift: 0.0,
            quiet: false,
            off: false,
        }
    }

    /// A machine that reports home.
    pub fn machine(dice: &mut Dice) -> Self {
        Self {
            rate: 0.0,
            data_rate: dice.log_normal(5.0, 0.8),
            shape: 50.0,
            data_shape: 200.0,
            session_median_bytes: 20_000.0,
            ..Self::steady()
        }
    }

    /// A call robot, or a bank of SIM cards.
    pub fn robot(scenario: &Scenario, dice: &mut Dice) -> Self {
        Self {
            rate: dice.log_normal(scenario.lines.robot_calls_median, 0.3),
            data_rate: 0.0,
            mix: [225, 230, 254],
            talk_median_seconds: 15.0,
            circle: 60_000,
            ..Self::steady()
        }
    }

    fn steady() -> Self {
        Self {
            rate: 0.0,
            data_rate: 0.0,
            quiet_share: 0.0,
            quiet_stay: 0.0,
            quiet_level: 1.0,
            shape: 20.0,
            data_shape: 20.0,
            drift_sigma: 0.05,
            off_start: 0.0,
            off_stay: 0.0,
            week: Week::Flat,
            rhythm: &ALL_DAY,
            mix: [85, 170, 213],
            dropped: 0.005,
            talk_median_seconds: 30.0,
            session_median_bytes: 1e6,
            circle: 10,
            drift: 0.0,
            data_drift: 0.0,
            quiet: false,
            off: false,
        }
    }

    /// What a month's usage is worth at list prices, in cents: what goes out, and data.
    pub fn monthly_value(&self) -> f64 {
        let calls = f64::from(self.mix[0]) / 256.0;
        let messages = f64::from(self.mix[2] - self.mix[1]) / 256.0;
        // Means of the log-normal talk time and session volume, at the spreads used below.
        let talk_seconds = self.talk_median_seconds * libm::exp(0.5 * TALK_SIGMA * TALK_SIGMA);
        let session_mb =
            self.session_median_bytes / 1e6 * libm::exp(0.5 * SESSION_SIGMA * SESSION_SIGMA);
        let voice = self.rate * calls * ANSWERED * talk_seconds * CENTS_A_SECOND;
        let messages = self.rate * messages * CENTS_A_MESSAGE;
        let data = self.data_rate * session_mb * CENTS_A_MEGABYTE;
        (30.0 * (voice + messages + data)).max(100.0)
    }

    /// Moves on to a day and says how much of everything it asks for, at a level of trouble for calls and messages
    /// and one for data.
    pub fn demand(&mut self, today: &Today, level: (f64, f64), dice: &mut Dice) -> Demand {
        let scenario = &today.config.scenario;
        let stay = scenario.usage.drift_persistence;
        let step = self.drift_sigma * libm::sqrt(1.0 - stay * stay);
        let common = dice.normal();
        if today.number == 0 {
            self.drift = self.drift_sigma * common;
            self.data_drift = self.drift_sigma * dice.normal();
        }
        self.drift = stay * self.drift + step * common;
        self.data_drift = stay * self.data_drift + step * dice.normal();
        let leave_ordinary = self.quiet_share * (1.0 - self.quiet_stay) / (1.0 - self.quiet_share);
        self.quiet = dice.chance(if self.quiet {
            self.quiet_stay
        } else {
            leave_ordinary
        });
        self.off = dice.chance(if self.off {
            self.off_stay
        } else {
            self.off_start
        });
        let noise = dice.gamma(self.shape);
        let data_noise = dice.gamma(self.data_shape);
        if self.off {
            return Demand { voice: 0, data: 0 };
        }
        let day_level = |quiet_level: f64| {
            let ordinary = 1.0 - self.quiet_share + self.quiet_share * quiet_level;
            if self.quiet {
                quiet_level / ordinary
            } else {
                1.0 / ordinary
            }
        };
        let centre = 0.5 * self.drift_sigma * self.drift_sigma;
        let week = match self.week {
            Week::Office => scenario.week.office[today.weekday],
            Week::Shop => scenario.week.shop[today.weekday],
            Week::Even => scenario.week.even[today.weekday],
            Week::Flat => 1.0,
        };
        let voice = self.rate * libm::exp(self.drift - centre) * day_level(self.quiet_level);
        let data = self.data_rate
            * libm::exp(self.data_drift - centre)
            * day_level(scenario.usage.quiet_data_level);
        Demand {
            voice: dice.poisson(voice * week * noise * level.0 * today.voice_factor),
            data: dice.poisson(data * data_noise * level.1 * today.data_factor),
        }
    }

    /// A time of day, in milliseconds of a day of 24 hours.
    pub fn time_of_day_ms(&self, dice: &mut Dice) -> u32 {
        let bits = dice.bits();
        let hour = u32::from(self.rhythm[(bits & 0xff) as usize]);
        let within = (u64::from(bits >> 8) * 3_600_000) >> 24;
        hour * 3_600_000 + within as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_follow_their_weights() {
        assert_eq!(WORKER.iter().filter(|hour| **hour == 3).count(), 0);
        let nine = WORKER.iter().filter(|hour| **hour == 9).count();
        assert!((18..=24).contains(&nine), "{nine}");
        assert_eq!(WORKER[255], 23);
        assert!(
            ALL_DAY
                .iter()
                .filter(|hour| **hour == 12)
                .count()
                .abs_diff(11)
                <= 1
        );
    }
}
