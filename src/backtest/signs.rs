//! What each sign of the churn score says of who leaves.

use super::alarms::of_firings;
use super::bootstrap::FEW;
use super::cohort::Cohort;
use super::recording::Run;
use super::reliability::{Reliability, Seen};
use super::scores::{HORIZON_DAYS, WeightedTriggers};
use crate::engine::Rules;
use crate::engine::triggers::index_of;
use crate::model::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::{Result, Write};

/// The signs of one set of rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signs {
    /// Set of rules.
    pub rules: String,
    /// Share of all subscribers who leave within 30 days, asked every 30 days.
    pub base_rate: Option<f64>,
    /// Subscribers who left at least 30 days after their warm-up.
    pub leavers: u64,
    /// By trigger.
    pub signs: Vec<Sign>,
}

/// A trigger with a weight in the churn score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sign {
    /// The trigger.
    pub trigger: &'static str,
    /// Its weight under the rules.
    pub weight: f64,
    /// Alarms after the warm-up of subscribers who had not left, at least 30 days before the end of the data.
    pub alarms: u64,
    /// Those of them after which the subscriber left within 30 days.
    pub left: Seen,
    /// That share over the base rate; nothing of too few.
    pub lift: Option<f64>,
    /// Those of the leavers who had it within 30 days before.
    pub leavers: Seen,
}

impl Signs {
    /// Measures the signs of a run; `scores` tells the base rate.
    pub fn of(cohort: &Cohort<'_>, rules: &Rules, run: &Run, scores: &Reliability) -> Self {
        let base_rate = scores.seen().and_then(|seen| seen.share);
        let leavers = leavers(cohort);
        let weighted = WeightedTriggers::of(rules);
        let signs = weighted.names().zip(&weighted.weights);
        Self {
            rules: scores.rules.clone(),
            base_rate,
            leavers: leavers.len() as u64,
            signs: signs
                .map(|(trigger, weight)| sign(cohort, run, trigger, *weight, &leavers, base_rate))
                .collect(),
        }
    }

    /// A table of plain text.
    pub fn write(&self, to: &mut impl Write) -> Result {
        writeln!(
            to,
            "{:<33}{:>7}{:>26}{:>7}{:>18}{:>9}",
            "signs of the churn score",
            "alarms",
            "left within 30 days*",
            "lift",
            "leavers**",
            "weight"
        )?;
        for sign in &self.signs {
            let lift = sign
                .lift
                .map_or("-".to_owned(), |lift| format!("{lift:.1}"));
            let leavers = match sign.leavers.share {
                Some(share) if self.leavers >= FEW => format!("{share:.2} of {}", self.leavers),
                Some(_) => format!("few of {}", self.leavers),
                None => "-".to_owned(),
            };
            writeln!(
                to,
                "  {:<31}{:>7}{:>26}{lift:>7}{leavers:>18}{:>9.2}",
                sign.trigger,
                sign.alarms,
                sign.left.text(sign.alarms, 3),
                sign.weight,
            )?;
        }
        writeln!(
            to,
            "  * of the alarms; lift: over the share of all who leave within 30 days, {}\n  \
             ** of those who left, those who had it within 30 days before",
            self.base_rate
                .map_or("-".to_owned(), |share| format!("{share:.3}"))
        )
    }
}

fn sign(
    cohort: &Cohort<'_>,
    run: &Run,
    trigger: &'static str,
    weight: f64,
    leavers: &BTreeSet<u32>,
    base_rate: Option<f64>,
) -> Sign {
    let index = index_of(trigger);
    let alarms = of_firings(cohort, &run.firings, |firing| {
        Some(usize::from(firing.trigger)) == index
    });
    let (mut count, mut left_after) = (0, 0);
    let mut warned = BTreeSet::new();
    for alarm in &alarms {
        let person = cohort.person(alarm.subscriber);
        let from = person.and_then(|person| person.from);
        let left_at = cohort.left_at(alarm.subscriber);
        let gone = left_at.is_some_and(|left_at| left_at <= alarm.raised_at);
        if gone || from.is_none_or(|from| alarm.day < from) {
            continue;
        }
        let leaves = left_at.is_some_and(|left_at| left_at <= horizon(cohort, alarm.raised_at));
        if leaves && leavers.contains(&alarm.subscriber) {
            warned.insert(alarm.subscriber);
        }
        if alarm.day + HORIZON_DAYS <= cohort.last {
            count += 1;
            left_after += u64::from(leaves);
        }
    }
    let left = Seen::of(left_after, count);
    let base_rate = base_rate.filter(|share| *share > 0.0);
    let share = left.share.filter(|_| count >= FEW);
    Sign {
        trigger,
        weight,
        alarms: count,
        left,
        lift: share.zip(base_rate).map(|(share, base)| share / base),
        leavers: Seen::of(warned.len() as u64, leavers.len() as u64),
    }
}

/// The last moment at which a leaving still counts for an alarm.
fn horizon(cohort: &Cohort<'_>, raised_at: Timestamp) -> Timestamp {
    cohort.end_of(cohort.calendar.day_of(raised_at) + HORIZON_DAYS)
}

/// Who left, and was looked at for all of the 30 days before.
fn leavers(cohort: &Cohort<'_>) -> BTreeSet<u32> {
    let looked_at = |subscriber: &u32| {
        let from = cohort.person(*subscriber).and_then(|person| person.from);
        let left_on = cohort.left_at(*subscriber);
        let left_on = left_on.map(|left_at| cohort.calendar.day_of(left_at));
        from.zip(left_on)
            .is_some_and(|(from, left_on)| left_on >= from + HORIZON_DAYS)
    };
    (0..cohort.people.len() as u32).filter(looked_at).collect()
}
