//! The moves of a line between its states, and how often each was made as far as the days tell.

use crate::backtest::line_days::KnownDay;
use crate::engine::settings::LineState::{self, Drift, LongAbsence, Normal, ShortAbsence};
use crate::model::Day;

const STATES: usize = LineState::COUNT;
/// Where every onset but that of a drift begins.
const SOUND: [LineState; 2] = [Normal, Drift];
/// States that are no falls.
const HARMLESS: [LineState; 4] = [Normal, Drift, ShortAbsence, LongAbsence];

type Matrix = [[f64; STATES]; STATES];
type Vector = [f64; STATES];

/// The probability a day of every move; that of staying is among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Moves(Matrix);

/// How many moves were made, by the states before and after.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected(Matrix);

impl Moves {
    /// The moves of rules.
    pub fn of(moves: &Matrix) -> Self {
        Self(*moves)
    }

    /// How likely normal use gives way to a state.
    pub fn onset(&self, state: LineState) -> f64 {
        self.0[Normal as usize][state as usize]
    }

    /// How likely a state ends in normal use.
    pub fn back(&self, state: LineState) -> f64 {
        self.0[state as usize][Normal as usize]
    }

    /// Sets the onset of a state.
    pub fn begin(&mut self, state: LineState, hazard: f64) {
        for from in origins(state) {
            self.set(*from, state, hazard);
        }
    }

    fn set(&mut self, from: LineState, to: LineState, hazard: f64) {
        let row = &mut self.0[from as usize];
        row[from as usize] += row[to as usize] - hazard;
        row[to as usize] = hazard;
    }

    /// The moves with those between harmless states made as often as expected.
    pub fn maximised(&self, expected: &Expected) -> Self {
        let mut next = self.clone();
        let share = |(count, days): (f64, f64)| count / days.max(f64::MIN_POSITIVE);
        for state in [Drift, ShortAbsence, LongAbsence] {
            next.begin(state, share(expected.begun(state)));
            next.set(state, Normal, share(expected.ended(state)));
        }
        next
    }

    /// The largest change of a move, as a share of it.
    pub fn change_from(&self, before: &Self) -> f64 {
        let (now, before) = (self.0.as_flattened(), before.0.as_flattened());
        let change = |(now, before): (&f64, &f64)| match *now > 0.0 {
            true => (now - before).abs() / now,
            false => 0.0,
        };
        now.iter().zip(before).map(change).fold(0.0, f64::max)
    }

    /// Adds the moves that a line is expected to have made, from a day on. Like the engine's filter, it knows nothing but
    /// normal use before the first day and after a bar, and passes over days that nothing is known of.
    pub fn expect(&self, days: &[KnownDay], from: Day, to: &mut Expected) {
        for run in days.split(|day| day.likelihoods.is_none()) {
            self.expect_run(run, from, to);
        }
    }

    fn expect_run(&self, days: &[KnownDay], from: Day, to: &mut Expected) {
        let likely = |day: &KnownDay| {
            let eighths = day.likelihoods.unwrap_or_default();
            eighths.map(|eighths| libm::exp2(-f64::from(eighths) / 8.0))
        };
        let likely: Vec<Vector> = days.iter().map(likely).collect();
        let mut before = [0.0; STATES];
        before[Normal as usize] = 1.0;
        // The probabilities before each day, given the days up to it, and what the day was worth.
        let mut forward = Vec::with_capacity(days.len());
        for likely in &likely {
            let mut after = [0.0; STATES];
            for (p, row) in before.iter().zip(&self.0) {
                for (to, share) in after.iter_mut().zip(row) {
                    *to += p * share;
                }
            }
            for (p, likely) in after.iter_mut().zip(likely) {
                *p *= likely;
            }
            let worth = after.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            forward.push((before, worth));
            before = after.map(|p| p / worth);
        }
        // How likely the days after are, given each state.
        let mut later = [1.0; STATES];
        for ((day, likely), (before, worth)) in days.iter().zip(&likely).zip(&forward).rev() {
            let seen: Vector = std::array::from_fn(|to| likely[to] * later[to] / worth);
            let counted = day.day >= from;
            for (state, row) in self.0.iter().enumerate() {
                let mut sum = 0.0;
                for (to_state, share) in row.iter().enumerate() {
                    let part = share * seen[to_state];
                    sum += part;
                    if counted {
                        to.0[state][to_state] += before[state] * part;
                    }
                }
                later[state] = sum;
            }
        }
    }
}

impl Expected {
    /// Adds the moves of so many person-days without a fall that are lived by these moves.
    pub fn add_life(&mut self, moves: &Moves, days: f64) {
        let back = |state: LineState| moves.onset(state) / moves.back(state).max(f64::MIN_POSITIVE);
        // In balance as many absences begin as end; those out of a drift are as those out of normal use.
        let shares = HARMLESS.map(|state| match state {
            Normal => 1.0,
            Drift => back(Drift),
            state => back(state) * (1.0 + back(Drift)),
        });
        let all: f64 = shares.iter().sum();
        for (state, share) in HARMLESS.into_iter().zip(shares) {
            let state = state as usize;
            for (count, hazard) in self.0[state].iter_mut().zip(&moves.0[state]) {
                *count += days * share / all * hazard;
            }
        }
    }

    /// How often a state began, and on how many days it could have.
    pub fn begun(&self, state: LineState) -> (f64, f64) {
        let of = |from: &LineState| self.0[*from as usize][state as usize];
        let days = |from: &LineState| self.days(*from);
        let origins = origins(state).iter();
        (origins.clone().map(of).sum(), origins.map(days).sum())
    }

    /// How often a state ended in normal use, and how many days it had.
    pub fn ended(&self, state: LineState) -> (f64, f64) {
        (self.0[state as usize][Normal as usize], self.days(state))
    }

    fn days(&self, state: LineState) -> f64 {
        self.0[state as usize].iter().sum()
    }
}

/// The states out of which one begins by its onset.
fn origins(state: LineState) -> &'static [LineState] {
    match state {
        Drift => &SOUND[..1],
        _ => &SOUND,
    }
}

#[cfg(test)]
mod tests;
