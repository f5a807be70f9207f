//! Lines drawn from known hazards, and what the fit makes of them.

#![allow(clippy::unwrap_used)]

use super::{Expected, Moves};
use crate::backtest::bootstrap::Chance;
use crate::backtest::line_days::KnownDay;
use crate::engine::settings::LineState::{self, Drift, LongAbsence, Normal, ShortAbsence};
use crate::model::Day;

const PER_DAY: f64 = 6.0;

/// The share of use that is left in each state.
const LEFT: [f64; LineState::COUNT] = [1.0, 0.65, 0.05, 0.05, 0.33, 0.004, 0.58, 0.05];

/// Hazards like those of the defaults, with absences so many times as frequent.
fn moves(absences: f64) -> Moves {
    let mut moves = Moves([[0.0; LineState::COUNT]; LineState::COUNT]);
    for state in 0..LineState::COUNT {
        moves.0[state][state] = 1.0;
    }
    moves.begin(Drift, 0.01);
    moves.begin(ShortAbsence, 0.0036 * absences);
    moves.begin(LongAbsence, 0.0024 * absences);
    moves.set(Drift, Normal, 0.025);
    moves.set(ShortAbsence, Normal, 0.25);
    moves.set(LongAbsence, Normal, 0.1);
    moves
}

/// A place among shares, drawn by how large they are.
fn draw(shares: &[f64], chance: &mut Chance) -> usize {
    let drawn = chance.below(1_000_000) as f64 / 1e6 * shares.iter().sum::<f64>();
    let mut sum = 0.0;
    let place = shares.iter().position(|share| {
        sum += share;
        drawn < sum
    });
    place.unwrap_or(shares.len() - 1)
}

/// The chance of so many events, by Poisson.
fn likelihood(events: usize, left: f64) -> f64 {
    let expected = PER_DAY * left;
    let events = events as f64;
    libm::exp(events * libm::log(expected) - expected - libm::lgamma(events + 1.0))
}

/// A line that lives by these moves.
fn line(moves: &Moves, days: i32, chance: &mut Chance) -> Vec<KnownDay> {
    let mut state = Normal as usize;
    let day = |day: i32| {
        state = draw(&moves.0[state], chance);
        let counts: Vec<f64> = (0..30).map(|n| likelihood(n, LEFT[state])).collect();
        let events = draw(&counts, chance);
        let likely = LEFT.map(|left| likelihood(events, left));
        let most = likely.into_iter().fold(0.0, f64::max);
        let eighths = likely.map(|p| (-8.0 * libm::log2(p / most)).round().min(255.0) as u8);
        KnownDay {
            day: Day(day),
            likelihoods: Some(eighths),
        }
    };
    (0..days).map(day).collect()
}

/// The fit from the moves of the defaults to lines that live by others.
fn fitted(lived: &Moves) -> Moves {
    let mut chance = Chance::new(5, 1);
    let lines: Vec<_> = (0..150).map(|_| line(lived, 200, &mut chance)).collect();
    let start = moves(1.0);
    let mut moves = start.clone();
    for _ in 0..40 {
        let mut all = Expected::default();
        for days in &lines {
            moves.expect(days, Day(0), &mut all);
        }
        all.add_life(&start, 3_000.0);
        moves = moves.maximised(&all);
    }
    moves
}

#[test]
fn hazards_are_found_again() {
    for (absences, least, most) in [(1.0, 0.75, 1.3), (2.0, 1.6, 2.3)] {
        let fitted = fitted(&moves(absences));
        let begun = fitted.onset(ShortAbsence) + fitted.onset(LongAbsence);
        let ratio = begun / (0.0036 + 0.0024);
        assert!((least..most).contains(&ratio), "{absences}: {ratio}");
        let drift = fitted.onset(Drift) / 0.01;
        assert!((0.7..1.4).contains(&drift), "{drift}");
        let back = fitted.back(ShortAbsence) / 0.25;
        assert!((0.6..1.6).contains(&back), "{back}");
        for row in fitted.0 {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn days_before_the_beginning_and_beyond_a_bar_are_passed_over() {
    let moves = moves(1.0);
    let mut days = line(&moves, 50, &mut Chance::new(1, 1));
    days[20].likelihoods = None;
    let mut seen = Expected::default();
    moves.expect(&days, Day(10), &mut seen);
    let all: f64 = seen.0.iter().flatten().sum();
    // Days 10 to 19 and 21 to 49.
    assert!((all - 39.0).abs() < 1e-9, "{all}");
    // The prior is a life of so many days.
    let mut prior = Expected::default();
    prior.add_life(&moves, 3_000.0);
    let all: f64 = prior.0.iter().flatten().sum();
    assert!((all - 3_000.0).abs() < 1e-6, "{all}");
    let next = moves.maximised(&prior);
    assert!(next.change_from(&moves) < 1e-9);
}
