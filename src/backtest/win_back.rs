//! Winning back (behaviour: Winning back): who of those who left was asked back and how soon, why the others were not, and
//! who was asked who had not left.

use super::bootstrap::{FEW, quantile};
use super::cohort::Cohort;
use super::recording::{Firing, Run};
use super::reliability::Seen;
use super::report::ALL_TIERS;
use super::wrap::wrapped;
use crate::engine::LossKind;
use crate::engine::triggers::index_of;
use crate::model::{Day, Purpose, Tier, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Result, Write};

/// Winning back under one set of rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WinBack {
    /// Set of rules.
    pub rules: String,
    /// All tiers together, then each.
    pub tiers: Vec<OfTier>,
    /// Those who left and have no task, by why there is none: `not_seen` where the records do not show that they are lost,
    /// `ported` and `not_open` where nobody may ask, `not_due` where no step of the plan was due by the end of the data, `over`
    /// where the loss is too long ago; else what suppressed the signal, or `waiting` where it waits for a place.
    pub without_task: BTreeMap<&'static str, u64>,
}

/// Those of one tier on the last day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfTier {
    /// The tier, or all.
    pub tier: &'static str,
    /// Who left after the warm-up, by the labels.
    pub left: u64,
    /// Those of them for whom a step of a plan was due afterwards, whatever came of it.
    pub planned: u64,
    /// Those of them with a task afterwards.
    pub with_task: Seen,
    /// Days from the leaving to the first task, median.
    pub first_task_days_p50: Option<f64>,
    /// Those of them who used the line again later, on at least two days.
    pub came_back: u64,
    /// Those of the latter with a task.
    pub came_back_with_task: u64,
    /// Plans for lines that had not left by the labels.
    pub wrong: u64,
}

/// What became of one who left.
struct Fate {
    tier: Tier,
    planned: bool,
    first_task_days: Option<i32>,
    came_back: bool,
    /// Why there is no task.
    without: Option<&'static str>,
}

/// Days of use from which on somebody who left is back: a single one may be a wrong clock.
const BACK_DAYS: usize = 2;

impl WinBack {
    /// Measures a run.
    pub fn of(cohort: &Cohort<'_>, rules: &str, run: &Run) -> Self {
        let index = index_of("win_back");
        let steps = run.firings.iter();
        let steps = steps.filter(|firing| Some(usize::from(firing.trigger)) == index);
        let mut plans: BTreeMap<u32, Vec<&Firing>> = BTreeMap::new();
        for step in steps {
            plans.entry(step.subscriber).or_default().push(step);
        }
        let mut tasks: BTreeMap<u32, Vec<Timestamp>> = BTreeMap::new();
        for task in &run.tasks {
            if task.purpose == Purpose::WinBack {
                tasks
                    .entry(task.subscriber)
                    .or_default()
                    .push(task.opened_at);
            }
        }
        let left_at = |subscriber: u32| {
            let episodes = cohort.labels.churn_of(subscriber).iter();
            episodes.filter_map(|episode| episode.left_at).min()
        };
        let fate = |subscriber: &u32| {
            let left_at = left_at(*subscriber)?;
            let mut steps = plans.get(subscriber).into_iter().flatten();
            let step = steps.rfind(|step| step.raised_at >= left_at).copied();
            let tasks = tasks.get(subscriber).into_iter().flatten();
            let first = tasks.copied().find(|opened_at| *opened_at >= left_at);
            fate(cohort, run, *subscriber, left_at, step, first)
        };
        let fates: Vec<Fate> = cohort.leavers().iter().filter_map(fate).collect();
        let wrong = |subscriber: &&u32| {
            let Some(from) = cohort.person(**subscriber).and_then(|person| person.from) else {
                return false;
            };
            let steps = plans.get(*subscriber).into_iter().flatten();
            let judged = |step: &&&Firing| cohort.calendar.day_of(step.raised_at) >= from;
            let mut steps = steps.filter(judged);
            steps.any(|step| left_at(**subscriber).is_none_or(|left| step.raised_at < left))
        };
        let wrong: BTreeSet<u32> = plans.keys().filter(wrong).copied().collect();
        let mut without_task = BTreeMap::new();
        for why in fates.iter().filter_map(|fate| fate.without) {
            *without_task.entry(why).or_default() += 1;
        }
        let tiers = std::iter::once(None).chain(Tier::ALL.map(Some));
        Self {
            rules: rules.to_owned(),
            tiers: tiers
                .map(|tier| of_tier(cohort, tier, &fates, &wrong))
                .collect(),
            without_task,
        }
    }

    /// A table of plain text.
    pub fn write(&self, to: &mut impl Write) -> Result {
        writeln!(
            to,
            "{:<27}{:>7}{:>7}{:>22}{:>8}{:>12}{:>15}",
            "winning back who left", "left", "plan", "task", "days*", "came back", "wrong plans**"
        )?;
        for tier in &self.tiers {
            writeln!(
                to,
                "  {:<25}{:>7}{:>7}{:>22}{:>8}{:>12}{:>15}",
                tier.tier,
                tier.left,
                tier.planned,
                tier.with_task.text(tier.left, 2),
                tier.days(),
                tier.came_back,
                tier.wrong
            )?;
        }
        writeln!(
            to,
            "  without a task: {}\n  \
             * from the leaving to the first task, median; ** of lines that had not left",
            wrapped(self.without_task().into_iter(), "    ")
        )
    }

    /// Why those without a task have none, with their numbers, most of them first.
    pub fn without_task(&self) -> Vec<String> {
        let mut reasons: Vec<_> = self.without_task.iter().collect();
        reasons.sort_by_key(|(why, count)| (std::cmp::Reverse(**count), **why));
        if reasons.is_empty() {
            return vec!["nobody".to_owned()];
        }
        let reasons = reasons.iter();
        reasons
            .map(|(why, count)| format!("{why} {count}"))
            .collect()
    }
}

impl OfTier {
    /// The median of the days to the first task, if it rests on enough.
    pub fn days(&self) -> String {
        match self.first_task_days_p50 {
            Some(_) if self.with_task.count < FEW => "few".to_owned(),
            Some(days) => format!("{days:.0}"),
            None => "-".to_owned(),
        }
    }
}

/// What became of a subscriber, whose last step of a plan and first task since the leaving are given.
fn fate(
    cohort: &Cohort<'_>,
    run: &Run,
    subscriber: u32,
    left_at: Timestamp,
    step: Option<&Firing>,
    first: Option<Timestamp>,
) -> Option<Fate> {
    let left_on = cohort.calendar.day_of(left_at);
    let loss = run.losses.get(subscriber as usize).copied().flatten();
    let without = match (step, loss) {
        _ if first.is_some() => None,
        (Some(step), _) => Some(step.suppressed.map_or("waiting", |why| why.name())),
        (None, None) => Some("not_seen"),
        (None, Some(loss)) if loss.over => Some("over"),
        (None, Some(loss)) => Some(match (loss.open_from, loss.kind) {
            (Some(_), _) => "not_due",
            (None, LossKind::Ported) => "ported",
            (None, _) => "not_open",
        }),
    };
    Some(Fate {
        tier: cohort.person(subscriber)?.tier,
        planned: step.is_some(),
        first_task_days: first.map(|at| cohort.calendar.day_of(at).since(left_on)),
        came_back: came_back(cohort, subscriber, left_on),
        without,
    })
}

/// Whether a line is used again after the day of the leaving.
fn came_back(cohort: &Cohort<'_>, subscriber: u32, left_on: Day) -> bool {
    let rows = &cohort.recording.rows;
    let row = rows.row(subscriber);
    let Some(after) = rows.index(left_on.next()) else {
        return false;
    };
    let used = (after..rows.days).filter(|day| row.total(*day) > 0);
    used.take(BACK_DAYS).count() == BACK_DAYS
}

fn of_tier(
    cohort: &Cohort<'_>,
    tier: Option<Tier>,
    fates: &[Fate],
    wrong: &BTreeSet<u32>,
) -> OfTier {
    let own = |other: Tier| tier.is_none_or(|tier| tier == other);
    let fates = || fates.iter().filter(|fate| own(fate.tier));
    let count = |test: fn(&&Fate) -> bool| fates().filter(test).count() as u64;
    let left = count(|_| true);
    let days = fates().filter_map(|fate| fate.first_task_days);
    let mut days: Vec<f64> = days.map(f64::from).collect();
    days.sort_by(f64::total_cmp);
    let wrong = wrong.iter().filter(|subscriber| {
        let person = cohort.person(**subscriber);
        person.is_some_and(|person| own(person.tier))
    });
    OfTier {
        tier: tier.map_or(ALL_TIERS, Tier::name),
        left,
        planned: count(|fate| fate.planned),
        with_task: Seen::of(days.len() as u64, left),
        first_task_days_p50: quantile(&days, 0.5),
        came_back: count(|fate| fate.came_back),
        came_back_with_task: count(|fate| fate.came_back && fate.first_task_days.is_some()),
        wrong: wrong.count() as u64,
    }
}
