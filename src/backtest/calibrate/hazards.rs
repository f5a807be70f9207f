//! The hazards of `[line_state]` from history.
//!
//! Those of falls are counted: labelled beginnings over the days on which one could have begun. Those of harmless states, which
//! nobody labels, are fitted by expectation and maximisation (Baum and Welch): what each day says of each state, as the
//! engine's filter worked it out, tells how often every move was made. Falls are never fitted so, for a free hazard makes a
//! passing dip of them. Everything has a prior of [`PRIOR_DAYS`] at the hazards of the rules.

use super::moves::{Expected, Moves};
use crate::backtest::cohort::{Cohort, Person};
use crate::backtest::labels::Episode;
use crate::engine::Rules;
use crate::engine::settings::LineState::{
    self, Decay, Drift, Drop, LongAbsence, ShortAbsence, Stop,
};

/// Person-days that the hazards of the rules are worth.
const PRIOR_DAYS: f64 = 3_000.0;
/// Rounds at most.
const ROUNDS: usize = 40;
/// Still is where no hazard has changed by more than this share.
const STILL: f64 = 1e-3;

/// A hazard of `[line_state]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hazard {
    /// Its section: `onset` or `back`.
    pub section: &'static str,
    /// The state that begins or ends.
    pub state: LineState,
    /// In the rules.
    pub before: f64,
    /// Fitted.
    pub after: f64,
    /// Beginnings or ends seen, without the prior.
    pub seen: f64,
    /// Days on which it could have happened.
    pub days: f64,
}

/// What was fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct HazardFit {
    /// First the hazards of harmless states, then the hazards of falls.
    pub hazards: Vec<Hazard>,
    /// Lines that the harmless ones rest on.
    pub lines: usize,
    /// One line in so many was looked at.
    pub one_in: u64,
    /// How the hazards of falls were fitted.
    pub falls: Falls,
}

/// How the hazards of falls were fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Falls {
    /// Labels name the kinds of falls.
    ByKind,
    /// They tell only who left, so that all have one factor.
    ByFactor,
    /// There are no labels, and nothing was fitted.
    Unlabelled,
}

/// The falls whose beginnings labels tell, by the name of their kind.
const LABELLED: [LineState; 3] = [Drop, Stop, Decay];
const ONSETS: [LineState; 3] = [Drift, ShortAbsence, LongAbsence];

/// Fits the hazards to the lines of a cohort. Days from a labelled fall on are left out.
pub fn fit(cohort: &Cohort<'_>, rules: &Rules) -> HazardFit {
    let start = Moves::of(&rules.line_state.moves);
    let (of_falls, falls) = falls(cohort, &start);
    let mut moves = start.clone();
    for hazard in &of_falls {
        moves.begin(hazard.state, hazard.after);
    }
    let lines: Vec<_> = cohort
        .recording
        .lines
        .iter()
        .filter_map(|(line, days)| {
            let person = cohort.person(line)?;
            let from = person.from?;
            let sound = days.partition_point(|day| day.day <= person.sound_until);
            let days = days.get(..sound)?;
            (person.regular && days.last()?.day >= from).then_some((from, days))
        })
        .collect();
    let mut seen = Expected::default();
    for _ in 0..ROUNDS {
        seen = Expected::default();
        for (from, days) in &lines {
            moves.expect(days, *from, &mut seen);
        }
        let mut all = seen.clone();
        all.add_life(&start, PRIOR_DAYS);
        let next = moves.maximised(&all);
        let change = next.change_from(&moves);
        moves = next;
        if change < STILL {
            break;
        }
    }
    let onsets = ONSETS.into_iter().map(|state| {
        let (count, days) = seen.begun(state);
        hazard(
            "onset",
            state,
            (start.onset(state), moves.onset(state)),
            (count, days),
        )
    });
    let backs = ONSETS.into_iter().map(|state| {
        let (count, days) = seen.ended(state);
        hazard(
            "back",
            state,
            (start.back(state), moves.back(state)),
            (count, days),
        )
    });
    HazardFit {
        hazards: onsets.chain(backs).chain(of_falls).collect(),
        lines: lines.len(),
        one_in: cohort.recording.lines.one_in(),
        falls,
    }
}

/// The hazards of falls: labelled beginnings over the days on which one could have begun, of each kind that labels name. Where
/// they name none, all three have one factor: how many left of those who should have.
fn falls(cohort: &Cohort<'_>, start: &Moves) -> (Vec<Hazard>, Falls) {
    let regular = |person: &&Person| person.regular && person.from.is_some();
    let first = cohort.recording.rows.first;
    let sound = |person: &Person| f64::from(cohort.sound_days(person, first, cohort.last));
    let days: f64 = cohort.people.iter().filter(regular).map(sound).sum();
    // Only a first episode begins on a sound day.
    let counts = |episode: &&Episode| {
        let person = cohort.person(episode.subscriber).filter(regular);
        person.is_some_and(|person| {
            cohort.onset(episode) == person.sound_until.next()
                && cohort.judgeable(person, episode, 0)
        })
    };
    let counted = || cohort.labels.churn.iter().filter(counts);
    let kind = |episode: &Episode| cohort.labels.name(episode.kind);
    let fitted = |seen: f64, before: f64| (seen + PRIOR_DAYS * before) / (days + PRIOR_DAYS);
    let named = |state: &LineState| {
        let mut episodes = cohort.labels.churn.iter();
        episodes.any(|episode| kind(episode) == state.name())
    };
    let of_kind = |state: LineState| {
        let seen = counted().filter(|episode| kind(episode) == state.name());
        let (seen, before) = (seen.count() as f64, start.onset(state));
        hazard("onset", state, (before, fitted(seen, before)), (seen, days))
    };
    let named: Vec<LineState> = LABELLED.into_iter().filter(named).collect();
    let together: f64 = LABELLED.iter().map(|state| start.onset(*state)).sum();
    if !named.is_empty() {
        (named.into_iter().map(of_kind).collect(), Falls::ByKind)
    } else if cohort.labels.churn.is_empty() || together == 0.0 {
        (Vec::new(), Falls::Unlabelled)
    } else {
        let seen = counted().count() as f64;
        let factor = fitted(seen, together) / together;
        let scaled = |state: LineState| {
            let before = start.onset(state);
            let seen = seen * before / together;
            hazard("onset", state, (before, factor * before), (seen, days))
        };
        (LABELLED.map(scaled).into(), Falls::ByFactor)
    }
}

fn hazard(
    section: &'static str,
    state: LineState,
    (before, after): (f64, f64),
    (seen, days): (f64, f64),
) -> Hazard {
    Hazard {
        section,
        state,
        before,
        after,
        seen,
        days,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::tests::{calendar, labels, recording};

    #[test]
    fn falls_are_counted_over_the_days_on_which_one_could_begin() {
        let calls: Vec<&dyn Fn(i32) -> u32> = vec![&|_| 2; 30];
        let recording = recording(&calls);
        let calendar = calendar();
        // All have 92 days after the warm-up of 28; three fall on day 60, after 32 of them, and one in the warm-up.
        let days = f64::from(26 * 92 + 3 * 32);
        let of = |kind: &str| {
            let line = |(who, from): (u32, &str)| {
                format!(
                    r#"{{"msisdn":"138001380{who:02}","class":"churn","kind":"{kind}","from":"{from}"}}"#
                )
            };
            let late = [0, 1, 2].map(|who| (who, "2026-03-06"));
            let lines: Vec<String> = late
                .into_iter()
                .chain([(3, "2026-01-20")])
                .map(line)
                .collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let labels = labels(&recording, if kind.is_empty() { &[] } else { &lines });
            let cohort = Cohort::new(&recording, &labels, &calendar, 28);
            let mut start = Moves::of(&Default::default());
            for state in LABELLED {
                start.begin(state, 0.001);
            }
            falls(&cohort, &start)
        };
        let (hazards, falls) = of("stop");
        assert_eq!((hazards.len(), falls), (1, Falls::ByKind));
        let stop = &hazards[0];
        assert_eq!((stop.state, stop.seen, stop.days), (Stop, 3.0, days));
        assert!((stop.after - 6.0 / (days + 3_000.0)).abs() < 1e-12);
        let (hazards, falls) = of("lost");
        assert_eq!((hazards.len(), falls), (3, Falls::ByFactor));
        for hazard in hazards {
            assert!((hazard.after - 4.0 / (days + 3_000.0)).abs() < 1e-12);
        }
        assert_eq!(of("").1, Falls::Unlabelled);
    }
}
