use super::powers::{exp2, log2, of_eighths, to_eighths};
use crate::engine::codec::{Encoded, Problem, Reader, Writer};
use crate::engine::settings::{LineState, LineStateRules};
use crate::model::Day;

/// What is believed of a line (behaviour: State of a line), in 10 bytes: the probability of each state, and whether a fall
/// was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineBelief {
    /// Eighths of a bit, by state.
    weights: [u8; LineState::COUNT],
    /// The report, and in the other 14 bits the day of the last one since 1999-12-31.
    report: [u8; 2],
}

/// How a fall of a line was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Report {
    /// It was not, or the fall is over.
    #[default]
    None,
    /// As a drop.
    Drop,
    /// As a stop.
    Stop,
    /// It was, and then the line was barred.
    Barred,
}

/// The probability of each state.
pub type Probabilities = [f64; LineState::COUNT];

/// What is believed of a line after a closed day.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineReading {
    /// Nothing where no fall is likely.
    pub probabilities: Probabilities,
    /// How a fall was reported, if it lasts.
    pub report: Report,
    /// The probability that the report had to reach, if it was made on this day.
    pub news: Option<f64>,
    /// What the day's use said, if it was looked at.
    pub evidence: Option<DayEvidence>,
}

/// How likely the use of a day is at each level, against normal use, as a binary logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DayEvidence([f64; LineState::LEVELS]);

/// As few expected events a day say nothing.
const EXPECTED_MIN: f64 = 0.02;
/// No day makes a state less likely than this against the likeliest.
const LEAST: f64 = -25.0 * std::f64::consts::LOG2_E;
/// 1999-12-31.
const DAY_ZERO: Day = Day(10_956);
/// Days are kept in so many bits: they begin anew after 44 years, and no report is as old.
const DAY_BITS: u32 = 14;
const DAY_MASK: u16 = (1 << DAY_BITS) - 1;

fn days_since_zero(day: Day) -> u16 {
    day.since(DAY_ZERO) as u16
}

/// The probability of all falls together.
pub fn fall(probabilities: &Probabilities) -> f64 {
    let of = |state: LineState| probabilities[state as usize];
    LineState::FALLS.map(of).iter().sum()
}

impl Default for LineBelief {
    fn default() -> Self {
        let mut weights = [u8::MAX; LineState::COUNT];
        weights[LineState::Normal as usize] = 0;
        Self {
            weights,
            report: [0; 2],
        }
    }
}

impl DayEvidence {
    /// Whether a channel says anything where so much is expected.
    pub fn says(expected: f64) -> bool {
        expected > EXPECTED_MIN
    }

    /// Adds what a channel says: so many events on a day with so many expected, by a negative binomial.
    pub fn add(
        &mut self,
        channel: usize,
        events: f64,
        expected: f64,
        dispersion: f64,
        rules: &LineStateRules,
    ) {
        // 1/k grows by the uncertainty.
        let k = dispersion / (1.0 + rules.uncertainty * dispersion);
        let per_normal = 1.0 / (k + expected);
        let levels = rules.left[channel].iter().zip(rules.left_log2[channel]);
        for (sum, (left, left_log2)) in self.0.iter_mut().zip(levels) {
            let spread = log2((k + left * expected) * per_normal);
            *sum += events * left_log2 - (events + k) * spread;
        }
    }

    /// For a state against normal use.
    pub fn of(&self, state: LineState) -> f64 {
        state.level().map_or(0.0, |level| self.0[level])
    }

    /// The likelihood of every state, up to a common factor.
    pub fn likelihoods(&self, rules: &LineStateRules) -> Probabilities {
        let [drift, absence, drop, stop, decay] = self.0;
        let most = self.0.iter().fold(0.0, |most: f64, log| most.max(*log));
        let of = |log: f64| exp2((log - most).max(LEAST));
        let (trickle, stop) = (of(absence), of(stop));
        // On some days of an absence the phone is off altogether.
        let silent = rules.absence_silent;
        let absence = (1.0 - silent) * trickle + silent * stop;
        [
            of(0.0),
            of(drift),
            absence,
            absence,
            of(drop),
            stop,
            of(decay),
            trickle,
        ]
    }
}

impl LineBelief {
    /// Takes in a known day. `worried`: the customer has given cause for worry.
    pub fn observe(
        &mut self,
        evidence: &DayEvidence,
        worried: bool,
        rules: &LineStateRules,
    ) -> Probabilities {
        let moves = match worried {
            true => &rules.worried_moves,
            false => &rules.moves,
        };
        let mut moved = [0.0; LineState::COUNT];
        for (weight, row) in self.weights.iter().zip(moves) {
            let before = of_eighths(*weight);
            for (to, share) in moved.iter_mut().zip(row) {
                *to += before * share;
            }
        }
        for (to, likelihood) in moved.iter_mut().zip(evidence.likelihoods(rules)) {
            *to *= likelihood;
        }
        let all = 1.0 / moved.iter().sum::<f64>();
        let probabilities = moved.map(|of| of * all);
        self.weights = probabilities.map(to_eighths);
        probabilities
    }

    /// Whether a day of such use ends every fall.
    pub fn is_over_after(
        mut self,
        evidence: &DayEvidence,
        worried: bool,
        rules: &LineStateRules,
    ) -> bool {
        fall(&self.observe(evidence, worried, rules)) < rules.cleared_below
    }

    /// The probabilities as they are kept.
    pub fn probabilities(&self) -> Probabilities {
        let kept = self.weights.map(of_eighths);
        let all = 1.0 / kept.iter().sum::<f64>();
        kept.map(|of| of * all)
    }

    /// How the fall of the line was reported, if it was and lasts.
    pub fn report(&self) -> Report {
        match u16::from_le_bytes(self.report) >> DAY_BITS {
            0 => Report::None,
            1 => Report::Drop,
            2 => Report::Stop,
            _ => Report::Barred,
        }
    }

    fn set(&mut self, report: Report, since: u16) {
        let bits = (report as u16) << DAY_BITS | since & DAY_MASK;
        self.report = bits.to_le_bytes();
    }

    /// The line is barred: what was believed of it says nothing about what comes after.
    pub fn bar(&mut self) {
        let reported = self.report() != Report::None;
        *self = Self::default();
        if reported {
            self.set(Report::Barred, 0);
        }
    }

    /// The fall is over.
    pub fn clear(&mut self) {
        self.set(Report::None, 0);
    }

    /// Whether a fall of a kind may be reported on a day: a new one, or a drop that has become a stop.
    pub fn is_news(&self, report: Report, day: Day, rules: &LineStateRules) -> bool {
        match (self.report(), report) {
            (Report::None | Report::Barred, _) => true,
            (Report::Drop, Report::Stop) => {
                let days = days_since_zero(day).wrapping_sub(u16::from_le_bytes(self.report));
                days & DAY_MASK >= rules.deeper_days
            }
            _ => false,
        }
    }

    /// Notes a report.
    pub fn reported(&mut self, report: Report, day: Day) {
        self.set(report, days_since_zero(day));
    }
}

impl Encoded for LineBelief {
    fn put(&self, to: &mut Writer) {
        self.weights.put(to);
        self.report.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        Ok(Self {
            weights: Encoded::get(from)?,
            report: Encoded::get(from)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_belief_is_ten_bytes() {
        assert_eq!(size_of::<LineBelief>(), 10);
        let mut belief = LineBelief::default();
        assert!(belief.probabilities()[0] > 0.999_999);
        belief.reported(Report::Stop, Day(20_000));
        let mut to = Writer::default();
        belief.put(&mut to);
        let bytes = to.into_bytes();
        assert_eq!(bytes.len(), 10);
        assert_eq!(LineBelief::get(&mut Reader::new(&bytes)), Ok(belief));
    }
}
