//! How people use a telephone: irregularly (DOMAIN section 8).
//!
//! A person's daily count of calls and messages is negative binomial around a mean that moves in four ways: slowly
//! (a drifting rate), between ordinary and quiet days that come in runs, with the weekday, and now and then to
//! nothing at all when the telephone is off. `calibration` measures the result and holds it to the figures of DOMAIN.

use super::event::{Body, Call, Cause};
use super::person::{Person, stranger};
use super::random::Dice;
use super::today::Today;

/// The usage of one line.
pub(super) struct Habits {
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
    week: &'static [f64; 7],
    rhythm: &'static [u8; 256],
    /// Upper ends, of 256, of the shares of outgoing calls, incoming calls and outgoing messages.
    mix: [u8; 3],
    /// Share of conversations that drop.
    dropped: f64,
    talk_median_seconds: f64,
    session_median_bytes: f64,
    /// People in the social circle.
    pub circle: u16,
    drift: f64,
    data_drift: f64,
    quiet: bool,
    off: bool,
}

/// How much of everything a day asks for.
pub(super) struct Demand {
    /// Calls and messages.
    pub voice: u32,
    /// Data sessions.
    pub data: u32,
}

/// List prices.
pub(super) const CENTS_A_SECOND: f64 = 0.25;
pub(super) const CENTS_A_MESSAGE: f64 = 10.0;
pub(super) const CENTS_A_MEGABYTE: f64 = 0.5;
/// How much of the drift stays from one day to the next.
const DRIFT_STAY: f64 = 0.97;
/// How strongly quiet days touch data sessions.
const QUIET_DATA_LEVEL: f64 = 0.55;

// Monday first; each row has mean 1.
const OFFICE_WEEK: [f64; 7] = [1.08, 1.06, 1.06, 1.08, 1.14, 0.88, 0.70];
const SHOP_WEEK: [f64; 7] = [0.88, 0.90, 0.92, 0.96, 1.08, 1.20, 1.06];
const EVEN_WEEK: [f64; 7] = [1.0, 1.0, 1.0, 1.0, 1.04, 1.02, 0.94];

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
    pub fn human(dice: &mut Dice, student: bool, poor_coverage: bool) -> Self {
        let (week, rhythm, circle) = match dice.unit() {
            _ if student => (&EVEN_WEEK, &STUDENT, 14),
            u if u < 0.55 => (&OFFICE_WEEK, &WORKER, 18),
            u if u < 0.70 => (&SHOP_WEEK, &WORKER, 24),
            u if u < 0.88 => (&EVEN_WEEK, &ELDER, 8),
            _ => (&EVEN_WEEK, &STUDENT, 12),
        };
        let quiet_share = dice.uniform(0.18, 0.47);
        let calls = dice.uniform(0.50, 0.90);
        let outgoing = dice.uniform(0.38, 0.58);
        let written = dice.uniform(0.25, 0.55);
        let share = |part: f64| (part * 256.0) as u8;
        let no_data = dice.chance(0.02);
        Self {
            rate: dice.log_normal(5.7, 0.6).clamp(0.3, 60.0),
            data_rate: if no_data {
                0.0
            } else {
                dice.log_normal(6.0, 0.6).clamp(0.3, 40.0)
            },
            quiet_share,
            quiet_stay: quiet_share + (1.0 - quiet_share) * dice.uniform(0.10, 0.52),
            quiet_level: dice.uniform(0.02, 0.18),
            shape: dice.log_normal(2.4, 0.35),
            data_shape: dice.log_normal(1.1, 0.35),
            drift_sigma: dice.uniform(0.2, 0.5),
            off_start: dice.log_normal(0.0035, 0.7).min(0.05),
            off_stay: dice.uniform(0.2, 0.6),
            week,
            rhythm,
            mix: [
                share(calls * outgoing),
                share(calls),
                share(calls + (1.0 - calls) * written),
            ],
            dropped: if poor_coverage {
                dice.uniform(0.10, 0.25)
            } else {
                dice.uniform(0.002, 0.02)
            },
            talk_median_seconds: dice.log_normal(55.0, 0.4),
            session_median_bytes: dice.log_normal(8e6, 0.7),
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
    pub fn robot(dice: &mut Dice) -> Self {
        Self {
            rate: dice.log_normal(2_000.0, 0.3),
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
            week: &EVEN_WEEK,
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
        let step = self.drift_sigma * libm::sqrt(1.0 - DRIFT_STAY * DRIFT_STAY);
        let common = dice.normal();
        if today.number == 0 {
            self.drift = self.drift_sigma * common;
            self.data_drift = self.drift_sigma * dice.normal();
        }
        self.drift = DRIFT_STAY * self.drift + step * common;
        self.data_drift = DRIFT_STAY * self.data_drift + step * dice.normal();
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
        let week = self.week[today.weekday];
        let voice = self.rate * libm::exp(self.drift - centre) * day_level(self.quiet_level);
        let data =
            self.data_rate * libm::exp(self.data_drift - centre) * day_level(QUIET_DATA_LEVEL);
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

const TALK_SIGMA: f64 = 1.0;
const SESSION_SIGMA: f64 = 1.2;
/// Share of calls in which people talk.
const ANSWERED: f64 = 0.82;

/// One ordinary call or message.
pub(super) fn call_or_message(person: &Person, dice: &mut Dice) -> Body {
    let bits = dice.bits();
    let kind = (bits & 0xff) as u8;
    let habits = &person.habits;
    let outgoing = kind < habits.mix[0] || (habits.mix[1]..habits.mix[2]).contains(&kind);
    if kind >= habits.mix[1] {
        // Most messages that come in are codes and notices of services.
        let service = !outgoing && bits >> 30 != 0;
        let other = if service {
            10_690_000_000 + u64::from((bits >> 8) % 4_000)
        } else {
            person.acquaintance(dice)
        };
        return Body::Message { outgoing, other };
    }
    let other = match bits >> 28 {
        0 => stranger(dice),
        _ => person.acquaintance(dice),
    };
    let mut call = answered_call(person, outgoing, other, dice);
    let fate = f64::from(bits >> 8 & 0xffff) / 65_536.0;
    (call.cause, call.duration_seconds) = match fate {
        f if f < ANSWERED * habits.dropped => (Cause::Dropped, 1 + call.duration_seconds / 2),
        f if f < ANSWERED => (Cause::NormalRelease, call.duration_seconds),
        f if f < 0.94 => (Cause::Unanswered, 0),
        f if f < 0.985 => (Cause::Busy, 0),
        _ => (Cause::Failed, 0),
    };
    Body::Call(call)
}

/// A conversation.
pub(super) fn answered_call(person: &Person, outgoing: bool, other: u64, dice: &mut Dice) -> Call {
    let seconds = dice.log_normal(person.habits.talk_median_seconds, TALK_SIGMA);
    Call {
        outgoing,
        other,
        duration_seconds: (seconds as u32).clamp(1, 7_200),
        cause: Cause::NormalRelease,
        cell: ((person.index * 7) % 180) as u16 + dice.below(6) as u16,
        handset: person.handsets,
    }
}

/// One data session.
pub(super) fn data_session(person: &Person, dice: &mut Dice) -> Body {
    let bytes = dice.log_normal(person.habits.session_median_bytes, SESSION_SIGMA);
    let bytes = bytes.clamp(200.0, 4e9) as u32;
    let uplink_bytes = bytes / dice.between(6, 20);
    Body::Data {
        uplink_bytes,
        downlink_bytes: bytes - uplink_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_average_to_one() {
        for week in [OFFICE_WEEK, SHOP_WEEK, EVEN_WEEK] {
            assert!((week.iter().sum::<f64>() / 7.0 - 1.0).abs() < 1e-9);
        }
    }

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
