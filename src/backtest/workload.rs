//! The burden of the tasks, as it falls on people.

use super::cohort::Cohort;
use super::recording::Run;
use super::report::ALL_TIERS;
use crate::model::{Day, Purpose, Tier};
use std::collections::BTreeMap;

/// Measures of the churn tasks of one run, by tier: name, tier, value, and what it is taken from.
pub fn measures(cohort: &Cohort<'_>, run: &Run) -> Vec<(&'static str, &'static str, f64, u64)> {
    let days = f64::from(cohort.last.since(cohort.first).max(0) + 1);
    let mut measures = Vec::new();
    for tier in std::iter::once(None).chain(Tier::ALL.map(Some)) {
        let name = tier.map_or(ALL_TIERS, Tier::name);
        let mut opened = 0;
        let mut by_assignee: BTreeMap<u32, BTreeMap<Day, u64>> = BTreeMap::new();
        for task in &run.tasks {
            if task.purpose != Purpose::Churn || tier.is_some_and(|tier| tier != task.tier) {
                continue;
            }
            opened += 1;
            let day = cohort.calendar.day_of(task.opened_at);
            *by_assignee
                .entry(task.assignee)
                .or_default()
                .entry(day)
                .or_default() += 1;
        }
        let busiest = by_assignee.values().flat_map(BTreeMap::values).max();
        let people = by_assignee.len() as f64;
        measures.push(("tasks_per_day", name, opened as f64 / days, opened));
        // Only key subscribers have somebody of their own; the others' queues are worked by many.
        if tier == Some(Tier::Key) && opened > 0 {
            let mean = opened as f64 / days / people;
            measures.push(("tasks_per_manager_and_day_mean", name, mean, opened));
            let most = busiest.copied().unwrap_or_default();
            measures.push(("tasks_per_manager_and_day_max", name, most as f64, opened));
        }
    }
    measures
}
