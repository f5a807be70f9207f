//! New tasks of each account manager and queue, day by day, beside what they can take.

use super::report::{CapacityFigures, Load, ManagerFigures};
use crate::engine::Holder;
use crate::engine::settings::CapacityRules;
use crate::model::{Assignee, Day, Purpose};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Who was given how many tasks on the days that count.
pub struct Loads {
    days: usize,
    holders: BTreeMap<Holder, Given>,
    pub figures: CapacityFigures,
}

#[derive(Default)]
struct Given {
    by_day: Vec<u64>,
    by_purpose: BTreeMap<&'static str, u64>,
    as_deputy: u64,
}

/// Managers listed by name, beside those whom the rules name.
const BUSIEST: usize = 5;

impl Loads {
    /// Nobody has a task yet; so many days will count.
    pub fn new(days: usize) -> Self {
        Self {
            days,
            holders: BTreeMap::new(),
            figures: CapacityFigures::default(),
        }
    }

    /// A new task for a purpose on a day, counted from 0.
    pub fn open(&mut self, assignee: &Assignee, purpose: Purpose, day: usize) {
        let deputy = u64::from(assignee.deputy_for.is_some());
        self.figures.to_deputies += deputy;
        self.figures.over_capacity += u64::from(assignee.over_capacity);
        let given = self.holders.entry(Holder::of(assignee)).or_default();
        given.as_deputy += deputy;
        given.by_day.resize(self.days, 0);
        if let Some(count) = given.by_day.get_mut(day) {
            *count += 1;
            *given.by_purpose.entry(purpose.name()).or_default() += 1;
        }
    }

    /// The loads of account managers and of queues, the longest first.
    pub fn finish(&self, first_day: Day, rules: &CapacityRules) -> (ManagerFigures, Vec<Load>) {
        // Whoever the rules name is shown, with or without a task.
        let managers = rules.managers.keys().cloned().map(Holder::Manager);
        let queues = rules.queues.keys().cloned().map(Holder::Queue);
        let named: BTreeSet<Holder> = managers.chain(queues).collect();
        let idle = Given::default();
        let without = named
            .iter()
            .filter(|holder| !self.holders.contains_key(holder));
        let loads = self
            .holders
            .iter()
            .chain(without.map(|holder| (holder, &idle)));
        let loads = loads.map(|(holder, given)| (holder, given.load(holder, first_day, rules)));
        let (managers, queues): (Vec<_>, Vec<_>) =
            loads.partition(|(holder, _)| matches!(holder, Holder::Manager(_)));
        let is_named = |load: &Load| rules.managers.contains_key(&load.name);
        let managers = managers_of(busiest_first(managers), self.days, is_named);
        (managers, busiest_first(queues))
    }
}

impl Given {
    fn load(&self, holder: &Holder, first_day: Day, rules: &CapacityRules) -> Load {
        let capacity = u64::from(holder.per_day(rules));
        let over = |(day, count): (i32, &u64)| {
            let present = holder.is_present(rules, first_day + day);
            *count > 0 && (!present || (capacity > 0 && *count > capacity))
        };
        let opened = self.by_day.iter().sum();
        let mut sorted = self.by_day.clone();
        sorted.sort_unstable();
        Load {
            name: holder.name().to_owned(),
            opened,
            per_day_mean: mean(opened, self.by_day.len()),
            per_day_median: sorted.get(sorted.len() / 2).copied().unwrap_or_default(),
            per_day_most: sorted.last().copied().unwrap_or_default(),
            capacity_per_day: capacity,
            days_over: (0..).zip(&self.by_day).filter(|day| over(*day)).count() as u64,
            as_deputy: self.as_deputy,
            purposes: self.by_purpose.clone(),
        }
    }
}

pub fn mean(all: u64, days: usize) -> f64 {
    all as f64 / days.max(1) as f64
}

fn busiest_first(loads: Vec<(&Holder, Load)>) -> Vec<Load> {
    let mut loads: Vec<Load> = loads.into_iter().map(|(_, load)| load).collect();
    loads.sort_by_key(|load| Reverse(load.opened));
    loads
}

/// Of all managers, those shown: the busiest, and those whom the rules name.
fn managers_of(
    mut loads: Vec<Load>,
    days: usize,
    is_named: impl Fn(&Load) -> bool,
) -> ManagerFigures {
    let sum = |of: fn(&Load) -> u64| loads.iter().map(of).sum::<u64>();
    let (opened, days_over) = (sum(|load| load.opened), sum(|load| load.days_over));
    let as_deputy = sum(|load| load.as_deputy);
    let managers = loads.iter().filter(|load| load.opened > 0).count();
    let mut purposes = BTreeMap::new();
    for (purpose, tasks) in loads.iter().flat_map(|load| &load.purposes) {
        *purposes.entry(*purpose).or_default() += tasks;
    }
    let per_day_most = loads.iter().map(|load| load.per_day_most).max();
    let mut place = 0;
    loads.retain(|load| {
        place += 1;
        place <= BUSIEST || is_named(load)
    });
    ManagerFigures {
        managers: managers as u64,
        opened,
        per_day_mean: mean(opened, days * managers),
        per_day_most: per_day_most.unwrap_or_default(),
        days_over,
        as_deputy,
        purposes,
        busiest: loads,
    }
}
