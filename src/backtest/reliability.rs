//! Whether probabilities come true: what was predicted, beside what was seen.

use super::aftermath::{Aftermath, aftermath};
use super::alarms::Alarm;
use super::bootstrap::{FEW, MISS};
use super::cohort::{Cohort, Verdict};
use super::exact::share_bounds;
use super::measures::counts;
use super::recording::Run;
use super::scores::{HORIZON_DAYS, WeightedTriggers, by_subscriber, sample, score};
use crate::engine::Rules;
use serde::Serialize;
use std::fmt::{Result, Write};

/// A probability under one set of rules, in bands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// Set of rules.
    pub rules: String,
    /// What is predicted: [`FALL`] or [`SCORE`].
    pub predicted: &'static str,
    /// What may be seen of it, last what is predicted; every band has the shares in this order.
    pub outcomes: Vec<&'static str>,
    /// Bands, the probability rising.
    pub bands: Vec<Band>,
    /// All cases together.
    pub total: Band,
    /// Alarms left out as they came after the leaving.
    pub late: u64,
    /// Alarms left out as it is not known yet what became of them.
    pub not_known_yet: u64,
}

/// Cases with about the same probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// The least probability.
    pub from: f64,
    /// The greatest.
    pub to: f64,
    /// The mean; nothing without a case.
    pub mean: Option<f64>,
    /// How many cases.
    pub count: u64,
    /// How often each outcome was seen.
    pub seen: Vec<Seen>,
}

/// How often an outcome was seen, with the bounds of the exact 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Seen {
    /// Cases with the outcome.
    pub count: u64,
    /// Their share; nothing without a case.
    pub share: Option<f64>,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// The probability of a fall, P, at the alarm that reports it.
pub const FALL: &str = "fall";
/// The churn score of a subscriber on a day.
pub const SCORE: &str = "churn_score";
/// The alarm is right.
pub const FOUND: &str = "found";
/// It is not, and use stayed low.
pub const STAYED_LOW: &str = "stayed_low";
/// One of the two: what P is meant to be the probability of.
pub const EITHER: &str = "found_or_stayed_low";
/// The subscriber left within the horizon.
pub const LEFT: &str = "left_within_30_days";

/// Bounds of the bands of P.
const BOUNDS: [f64; 8] = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// Scores above that of nobody's signal are divided into so many bands of as many cases.
const PARTS: usize = 10;

/// Alarms of the usage triggers by P. Late ones are left out, and false ones of which it is not known yet what became of them.
pub fn of_falls(cohort: &Cohort<'_>, rules: &str, alarms: &[Alarm]) -> Reliability {
    let mut cases: Vec<(f64, [bool; 3])> = Vec::new();
    let (mut late, mut not_known_yet) = (0, 0);
    for alarm in alarms {
        let person = cohort.person(alarm.subscriber);
        if !person.is_some_and(|person| person.regular && counts(person, alarm)) {
            continue;
        }
        let found = match cohort.verdict(alarm.subscriber, alarm.seen_at, alarm.day) {
            Verdict::Found => true,
            Verdict::False => false,
            Verdict::Late => {
                late += 1;
                continue;
            }
        };
        let low = match aftermath(cohort, alarm) {
            _ if found => false,
            Aftermath::NotKnownYet => {
                not_known_yet += 1;
                continue;
            }
            became => became == Aftermath::StayedLow,
        };
        cases.push((f64::from(alarm.fall), [found, low, found || low]));
    }
    let bands = BOUNDS.windows(2).map(|ends| {
        let (from, to) = (ends[0], ends[1]);
        // Certainty belongs to the last band.
        let inside = |p: f64| p >= from && (p < to || to == 1.0);
        let cases: Vec<_> = cases.iter().filter(|(p, _)| inside(*p)).copied().collect();
        band((from, to), &cases)
    });
    Reliability {
        rules: rules.to_owned(),
        predicted: FALL,
        outcomes: vec![FOUND, STAYED_LOW, EITHER],
        bands: bands.collect(),
        total: band((0.0, 1.0), &cases),
        late,
        not_known_yet,
    }
}

/// The churn scores of every subscriber, once in every horizon, so that whoever leaves counts once. Those without a signal are a band of their own.
pub fn of_scores(cohort: &Cohort<'_>, name: &str, rules: &Rules, run: &Run) -> Reliability {
    let weighted = WeightedTriggers::of(rules);
    let base = rules.policy.score.base;
    let mut cases: Vec<(f64, [bool; 1])> = Vec::new();
    let firings = by_subscriber(run);
    sample(
        cohort,
        &firings,
        &weighted,
        HORIZON_DAYS,
        |features, left| {
            cases.push((score(base, &weighted.weights, features), [left]));
        },
    );
    cases.sort_by(|a, b| a.0.total_cmp(&b.0));
    let silent = score(base, &[], &[]);
    // A signal whose age has left next to nothing of it is none.
    let signals = cases.partition_point(|(score, _)| *score < 1.02 * silent);
    let (without, with) = cases.split_at(signals);
    let mut bands = vec![of_sorted(without)];
    let part = with.len().div_ceil(PARTS).max(1);
    bands.extend(with.chunks(part).map(of_sorted));
    bands.retain(|band| band.count > 0);
    Reliability {
        rules: name.to_owned(),
        predicted: SCORE,
        outcomes: vec![LEFT],
        bands,
        total: of_sorted(&cases),
        late: 0,
        not_known_yet: 0,
    }
}

/// A band from its least to its greatest probability.
fn of_sorted<const N: usize>(cases: &[(f64, [bool; N])]) -> Band {
    let ends = cases.first().zip(cases.last());
    let ends = ends.map_or((0.0, 0.0), |(first, last)| (first.0, last.0));
    band(ends, cases)
}

fn band<const N: usize>((from, to): (f64, f64), cases: &[(f64, [bool; N])]) -> Band {
    let count = cases.len() as u64;
    let share = |of: f64| (count > 0).then(|| of / count as f64);
    let seen = (0..N).map(|outcome| {
        let seen = cases.iter().filter(|(_, seen)| seen[outcome]).count() as u64;
        Seen::of(seen, count)
    });
    Band {
        from,
        to,
        mean: share(cases.iter().map(|(p, _)| p).sum()),
        count,
        seen: seen.collect(),
    }
}

impl Reliability {
    /// A table of plain text.
    pub fn write(&self, to: &mut impl Write) -> Result {
        let (heading, what, digits) = match self.predicted {
            FALL => (
                "what P of a fall came to, by its value at the alarm (exact 95 % intervals)",
                "alarms",
                2,
            ),
            _ => (
                "churn score every 30 days, and who left within 30 days (exact 95 % intervals)",
                "cases",
                3,
            ),
        };
        write!(to, "{heading}\n  {:<16}{what:>9}{:>8}", "from..to", "mean")?;
        for outcome in &self.outcomes {
            write!(to, "{:>21}", outcome.replace('_', " "))?;
        }
        let has_lift = self.predicted == SCORE;
        writeln!(to, "{}", if has_lift { "    lift" } else { "" })?;
        for band in &self.bands {
            let mean = band
                .mean
                .map_or("-".to_owned(), |mean| format!("{mean:.digits$}"));
            write!(to, "  {:<16}{:>9}{mean:>8}", band.ends(digits), band.count)?;
            for seen in &band.seen {
                write!(to, "{:>21}", seen.text(band.count, digits))?;
            }
            if has_lift {
                let lift = self.lift(band);
                let lift = lift.map_or("-".to_owned(), |lift| format!("{lift:.1}"));
                write!(to, "{lift:>8}")?;
            }
            writeln!(to)?;
        }
        if let Some(sum) = self.sum() {
            writeln!(to, "  {sum}")?;
        }
        match self.predicted {
            FALL => writeln!(
                to,
                "  left out: {} late and {} of which it is not known yet",
                self.late, self.not_known_yet
            ),
            _ => Ok(()),
        }
    }

    /// What was seen of the predicted outcome, among all cases.
    pub fn seen(&self) -> Option<&Seen> {
        // The last one is what is predicted.
        self.total.seen.last()
    }

    /// Expected and seen of all cases, as a sentence; nothing without a case.
    pub fn sum(&self) -> Option<String> {
        let (mean, seen) = (self.total.mean?, self.seen()?);
        let (count, share) = (self.total.count, seen.share?);
        let expected = mean * count as f64;
        Some(format!(
            "expected {expected:.1} ({mean:.3}), seen {} of {count}: {share:.3} ({:.3}..{:.3})",
            seen.count, seen.low, seen.high
        ))
    }

    /// Whether so many were to be expected: the mean lies within the exact interval of what was seen.
    pub fn comes_true(&self) -> bool {
        let ends = self.total.mean.zip(self.seen());
        ends.is_none_or(|(mean, seen)| (seen.low..=seen.high).contains(&mean))
    }

    /// How many times as often as among all cases the outcome was seen in a band; nothing of too few.
    pub fn lift(&self, band: &Band) -> Option<f64> {
        let base_rate = self.seen()?.share.filter(|share| *share > 0.0)?;
        let share = band.seen.last()?.share.filter(|_| band.count >= FEW)?;
        Some(share / base_rate)
    }
}

impl Band {
    /// Its ends, or one of them if no digit tells them apart.
    pub fn ends(&self, digits: usize) -> String {
        let [from, to] = [self.from, self.to].map(|end| format!("{end:.digits$}"));
        if from == to {
            from
        } else {
            format!("{from}..{to}")
        }
    }
}

impl Seen {
    /// So many of so many cases.
    pub fn of(count: u64, cases: u64) -> Self {
        let (low, high) = share_bounds(count, cases, MISS);
        Self {
            count,
            share: (cases > 0).then(|| count as f64 / cases as f64),
            low,
            high,
        }
    }

    /// The share among so many cases, with its interval, if they are enough.
    pub fn text(&self, cases: u64, digits: usize) -> String {
        let (low, high) = (self.low, self.high);
        match self.share {
            None => "-".to_owned(),
            Some(_) if cases < FEW => "few".to_owned(),
            Some(share) => format!("{share:.digits$} ({low:.digits$}..{high:.digits$})"),
        }
    }
}
