//! The churn tasks: their burden, as it falls on people, and whom they reach in time.

use super::alarms::basis;
use super::bootstrap::MISS;
use super::cohort::Cohort;
use super::exact::share_bounds;
use super::measures::LEAD_HOURS;
use super::recording::{Firing, Run, TaskSpan};
use super::report::ALL_TIERS;
use super::scores::by_subscriber;
use crate::model::{Day, Purpose, Tier};
use std::collections::{BTreeMap, BTreeSet};

/// A measure of the churn tasks of a tier, or of all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Its name.
    pub measure: &'static str,
    /// The tier.
    pub tier: &'static str,
    /// Nothing where there was nothing to measure.
    pub value: Option<f64>,
    /// The exact interval of a share.
    pub bounds: Option<(f64, f64)>,
    /// What it is taken from.
    pub count: u64,
}

/// Tasks a day.
pub const PER_DAY: &str = "tasks_per_day";
/// Tasks for 1,000 subscribers and 30 days.
pub const PER_1000: &str = "tasks_per_1000_30d";
/// Tasks of an account manager on a day.
pub const MANAGER_MEAN: &str = "tasks_per_manager_and_day_mean";
/// The most on one day.
pub const MANAGER_MOST: &str = "tasks_per_manager_and_day_max";
/// Share of the tasks that came after an onset and before the leaving.
pub const TASK_PRECISION: &str = "task_precision";
/// Share of those who left with such a task.
pub const REACHED: &str = "leavers_with_task_before";
/// Share of those who left with one more than 72 hours before.
pub const REACHED_72: &str = "leavers_with_task_72h_before";

/// A task after the warm-up.
struct Counted {
    subscriber: u32,
    tier: Tier,
    assignee: u32,
    day: Day,
    /// Hours before the leaving, if it came after an onset and in time.
    lead: Option<f64>,
}

/// Measures of one run, by tier: that of the subscriber on the last day. Nothing of the warm-up counts.
pub fn measures(cohort: &Cohort<'_>, run: &Run) -> Vec<Load> {
    let tasks = counted(cohort, run);
    let froms = cohort.people.iter().filter_map(|person| person.from);
    let days = froms.min().map_or(0, |from| cohort.last.since(from) + 1);
    let days = f64::from(days.max(1));
    let leavers = cohort.leavers();
    let mut loads = Vec::new();
    for tier in std::iter::once(None).chain(Tier::ALL.map(Some)) {
        let mut add = |measure, value, bounds, count| {
            loads.push(Load {
                measure,
                tier: tier.map_or(ALL_TIERS, Tier::name),
                value,
                bounds,
                count,
            });
        };
        let of_tier = |other: Tier| tier.is_none_or(|tier| tier == other);
        let tasks = || tasks.iter().filter(|task| of_tier(task.tier));
        let opened = tasks().count() as u64;
        add(PER_DAY, Some(opened as f64 / days), None, opened);
        let judged = judged_days(cohort, tier);
        add(PER_1000, Some(rate(opened, judged)), None, judged);
        let mut share = |measure, hits, among| {
            let value = (among > 0).then(|| hits as f64 / among as f64);
            let bounds = value.map(|_| share_bounds(hits, among, MISS));
            add(measure, value, bounds, among);
        };
        let right = tasks().filter(|task| task.lead.is_some()).count();
        share(TASK_PRECISION, right as u64, opened);
        let person_tier = |subscriber| cohort.person(subscriber).map(|person| person.tier);
        let leavers = leavers
            .iter()
            .filter(|subscriber| person_tier(**subscriber).is_some_and(of_tier));
        let leavers: BTreeSet<u32> = leavers.copied().collect();
        for (measure, least) in [(REACHED, f64::NEG_INFINITY), (REACHED_72, LEAD_HOURS)] {
            let early = tasks().filter(|task| task.lead.is_some_and(|lead| lead > least));
            let reached: BTreeSet<u32> = early.map(|task| task.subscriber).collect();
            let reached = reached.intersection(&leavers).count();
            share(measure, reached as u64, leavers.len() as u64);
        }
        // Only key subscribers have somebody of their own; the others' queues are worked by many.
        if tier == Some(Tier::Key) && opened > 0 {
            let (people, most) = of_people(tasks());
            let mean = opened as f64 / days / people as f64;
            add(MANAGER_MEAN, Some(mean), None, opened);
            add(MANAGER_MOST, Some(most as f64), None, opened);
        }
    }
    loads
}

/// Churn tasks of a run for 1,000 subscribers of a tier and 30 days, after the warm-up.
pub fn task_rate(cohort: &Cohort<'_>, run: &Run, tier: Tier) -> f64 {
    let tasks = counted(cohort, run);
    let own = tasks.iter().filter(|task| task.tier == tier).count();
    rate(own as u64, judged_days(cohort, Some(tier)))
}

fn rate(tasks: u64, judged_days: u64) -> f64 {
    30_000.0 * tasks as f64 / judged_days.max(1) as f64
}

fn judged_days(cohort: &Cohort<'_>, tier: Option<Tier>) -> u64 {
    let people = cohort.people.iter();
    let people = people.filter(|person| tier.is_none_or(|tier| tier == person.tier));
    people
        .map(|person| u64::from(cohort.judged_days(person)))
        .sum()
}

/// The churn tasks after the warm-up.
fn counted(cohort: &Cohort<'_>, run: &Run) -> Vec<Counted> {
    let firings = by_subscriber(run);
    let counted = |task: &TaskSpan| {
        let person = cohort.person(task.subscriber)?;
        let day = cohort.calendar.day_of(task.opened_at);
        if task.purpose != Purpose::Churn || day < person.from? {
            return None;
        }
        let seen_at =
            opening(&firings, task).map_or(task.opened_at, |firing| basis(cohort.calendar, firing));
        Some(Counted {
            subscriber: task.subscriber,
            tier: person.tier,
            assignee: task.assignee,
            day,
            lead: cohort.hours_before_leaving(task.subscriber, seen_at, task.opened_at),
        })
    };
    run.tasks.iter().filter_map(counted).collect()
}

/// The firing that opened a task, at once or a while before.
fn opening<'f>(firings: &'f [Firing], task: &TaskSpan) -> Option<&'f Firing> {
    let until = firings.partition_point(|firing| {
        (firing.subscriber, firing.raised_at) <= (task.subscriber, task.opened_at)
    });
    let before = firings.get(..until)?.iter().rev();
    let mut own = before.take_while(|firing| firing.subscriber == task.subscriber);
    own.find(|firing| firing.trigger == task.trigger)
}

/// How many people have tasks, and the most that one of them gets on a day.
fn of_people<'t>(tasks: impl Iterator<Item = &'t Counted>) -> (usize, u64) {
    let mut by_person: BTreeMap<u32, BTreeMap<Day, u64>> = BTreeMap::new();
    for task in tasks {
        let days = by_person.entry(task.assignee).or_default();
        *days.entry(task.day).or_default() += 1;
    }
    let most = by_person.values().flat_map(BTreeMap::values).max();
    (by_person.len(), most.copied().unwrap_or_default())
}
