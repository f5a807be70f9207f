//! The work of the process's partitions as it was last rolled up: as metrics, and as answers for the pages.

use super::catalog;
use super::register::{float_gauges, gauges};
use crate::engine::triggers::{REGISTRY, Registration};
use crate::engine::{
    Customers, GroupComparison, Groups, Holder, HolderWork, OpenTaskCounts, RegionLevel,
    RegionOutcomes, RegionUplift, Rollup,
};
use crate::model::{Purpose, Tier, Verdict};
use prometheus::{GaugeVec, IntGaugeVec, Registry};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How open tasks stand: the label `state`.
pub(super) const STATES: [&str; 5] = ["open", "due", "overdue", "escalated", "at_top"];
/// What becomes of tasks: the label `outcome`. Being unreachable passes.
pub(super) const OUTCOMES: [&str; 12] = [
    "opened",
    "escalated",
    "reached",
    "saved",
    "refused",
    "lost",
    "churned",
    "recovered",
    "contacted",
    "returned",
    "expired",
    "other",
];
/// Whether tasks were right: the label `verdict`.
pub(super) const VERDICTS: [&str; 2] = ["confirmed", "refuted"];

/// Who is compared: the label `group`.
const GROUPS: [&str; 2] = ["with_task", "held_out"];
/// What became of them: the label `fate`.
const FATES: [&str; 4] = ["stayed", "left", "dropped", "unfinished"];
/// The difference and the ends of its interval: the label `bound`.
const BOUNDS: [&str; 3] = ["value", "low", "high"];
/// All triggers together.
const ALL_TRIGGERS: &str = "all";

/// Regions with series of their own; the rest is `other`. China has 34 provinces.
const REGIONS: usize = 64;
const OTHER_REGIONS: &str = "other";
/// Customers without a known region; an empty label would count as none at all.
const NO_REGION: &str = "none";
/// Levels of a region path in labels: HQ and province.
const REGION_LEVELS: usize = 2;

/// The metrics of the work, and the roll-ups they are made of; clones share both.
#[derive(Debug, Clone)]
pub(super) struct Work {
    tasks: IntGaugeVec,
    region_tasks: IntGaugeVec,
    outcomes: IntGaugeVec,
    judged: IntGaugeVec,
    followed: IntGaugeVec,
    uplift: GaugeVec,
    rollups: Arc<Mutex<BTreeMap<i32, Rollup>>>,
}

/// What an answer says of itself.
const SCOPE: &str = "this process's partitions only";

/// An answer of this process, which may have only some of the partitions. The answers of all processes add up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessAnswer<T> {
    /// [`SCOPE`].
    pub scope: &'static str,
    /// Up to when events are known, by the partition that is furthest behind, in milliseconds since 1970; absent without
    /// partitions.
    pub clock_ms: Option<i64>,
    /// Partitions in the answer.
    pub partitions: Vec<i32>,
    /// How many there are, over all processes; 0 if this one has none.
    pub partitions_total: u32,
    /// What was asked for.
    #[serde(flatten)]
    pub content: T,
}

/// Those who have tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Holders {
    /// By kind and name.
    pub holders: Vec<HolderWork>,
}

impl Work {
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let work = Self {
            tasks: gauges(registry, &catalog::TASKS)?,
            region_tasks: gauges(registry, &catalog::REGION_TASKS)?,
            outcomes: gauges(registry, &catalog::TASK_OUTCOMES)?,
            judged: gauges(registry, &catalog::TASKS_JUDGED)?,
            followed: gauges(registry, &catalog::FOLLOWED)?,
            uplift: float_gauges(registry, &catalog::UPLIFT)?,
            rollups: Arc::default(),
        };
        work.refresh();
        Ok(work)
    }

    /// Keeps a partition's new roll-up.
    pub fn update(&self, partition: i32, rollup: Rollup) {
        self.rollups().insert(partition, rollup);
    }

    /// Drops the roll-up of a partition that is not ours any more.
    pub fn forget(&self, partition: i32) {
        self.rollups().remove(&partition);
    }

    /// States the gauges as of the last roll-ups.
    pub fn refresh(&self) {
        let mut tasks: BTreeMap<(Purpose, Tier), OpenTaskCounts> = BTreeMap::new();
        let mut regions: BTreeMap<String, BTreeMap<Purpose, OpenTaskCounts>> = BTreeMap::new();
        for rollup in self.rollups().values() {
            for (path, work) in &rollup.regions {
                let region = regions.entry(province(path)).or_default();
                for ((purpose, tier), standing) in work {
                    tasks.entry((*purpose, *tier)).or_default().add(standing);
                    region.entry(*purpose).or_default().add(standing);
                }
            }
        }
        for purpose in Purpose::ALL {
            for tier in Tier::ALL {
                let standing = tasks.remove(&(purpose, tier)).unwrap_or_default();
                let labels = |state| [state, purpose.name(), tier.name()];
                set(&self.tasks, &standing, labels);
            }
        }
        self.state_outcomes();
        self.state_uplift();
        // Regions without open tasks any more leave.
        self.region_tasks.reset();
        for (region, work) in largest(regions) {
            for purpose in Purpose::ALL {
                let standing = work.get(&purpose).copied().unwrap_or_default();
                let labels = |state| [&*region, state, purpose.name()];
                set(&self.region_tasks, &standing, labels);
            }
        }
    }

    /// States what became of tasks in the partitions that are here. It comes from their state, so it moves with them and
    /// survives every end of a process.
    fn state_outcomes(&self) {
        self.outcomes.reset();
        self.judged.reset();
        for trigger in REGISTRY.iter().map(|registration| registration.name) {
            for tier in Tier::ALL {
                for outcome in OUTCOMES {
                    let labels = [outcome, trigger, tier.name()];
                    self.outcomes.with_label_values(&labels);
                }
            }
            for verdict in VERDICTS {
                self.judged.with_label_values(&[verdict, trigger]);
            }
        }
        for rollup in self.rollups().values() {
            for ((trigger, tier), figures) in rollup.tally.by_trigger() {
                for (name, count) in figures.named() {
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    if OUTCOMES.contains(&name) {
                        let labels = [name, trigger, tier.name()];
                        self.outcomes.with_label_values(&labels).add(count);
                    } else if VERDICTS.contains(&name) {
                        self.judged.with_label_values(&[name, trigger]).add(count);
                    }
                }
            }
        }
    }

    /// States what tasks achieve in the partitions that are here, from the state as well.
    fn state_uplift(&self) {
        self.followed.reset();
        self.uplift.reset();
        let churn = |registered: &&Registration| registered.purpose == Purpose::Churn;
        for registration in REGISTRY.iter().filter(churn) {
            self.add_followed(registration.name, &Groups::default().compared());
        }
        let uplift = Rollup::uplift(self.rollups().values(), "");
        self.set_uplift(ALL_TRIGGERS, &uplift.total);
        for row in &uplift.triggers {
            self.add_followed(&row.trigger, &row.total);
            self.set_uplift(&row.trigger, &row.total);
        }
    }

    fn add_followed(&self, trigger: &str, horizons: &[GroupComparison]) {
        for horizon in horizons {
            let days = horizon.days.to_string();
            let groups = [horizon.with_task, horizon.held_out];
            for (group, fates) in GROUPS.into_iter().zip(groups) {
                let counts = [fates.stayed, fates.left, fates.dropped, fates.unfinished];
                for (fate, count) in FATES.into_iter().zip(counts) {
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    let followed = self
                        .followed
                        .with_label_values(&[group, fate, &*days, trigger]);
                    followed.add(count);
                }
            }
        }
    }

    fn set_uplift(&self, trigger: &str, horizons: &[GroupComparison]) {
        for horizon in horizons {
            let days = horizon.days.to_string();
            let said = horizon.comparison.difference;
            let said = said.filter(|_| horizon.comparison.verdict != Verdict::TooFew);
            let bounds = said.map_or([f64::NAN; 3], |it| [it.value, it.low, it.high]);
            for (bound, value) in BOUNDS.into_iter().zip(bounds) {
                let uplift = self.uplift.with_label_values(&[bound, &*days, trigger]);
                uplift.set(value);
            }
        }
    }

    /// Whether there is or was a task in a region, as far as this process knows. Everything is always known.
    pub fn has(&self, region: &str) -> bool {
        region.is_empty() || self.rollups().values().any(|rollup| rollup.has(region))
    }

    /// A region and those one level below it.
    pub fn level(&self, region: &str) -> ProcessAnswer<RegionLevel> {
        self.answer(|rollups| Rollup::level(rollups.values(), region))
    }

    /// What became of the tasks of a region.
    pub fn outcomes(&self, region: &str) -> ProcessAnswer<RegionOutcomes> {
        self.answer(|rollups| Rollup::outcomes(rollups.values(), region))
    }

    /// What tasks achieve in a region.
    pub fn uplift(&self, region: &str) -> ProcessAnswer<RegionUplift> {
        self.answer(|rollups| Rollup::uplift(rollups.values(), region))
    }

    /// Those who have tasks, or one manager.
    pub fn holders(&self, manager: Option<&str>) -> ProcessAnswer<Holders> {
        let only = manager.map(|name| Holder::Manager(name.to_owned()));
        self.answer(|rollups| Holders {
            holders: Rollup::holders(rollups.values(), only.as_ref()),
        })
    }

    /// The work by how customers are looked after.
    pub fn customers(&self) -> ProcessAnswer<Customers> {
        self.answer(|rollups| Customers::of(rollups.values()))
    }

    fn answer<T>(&self, content: impl FnOnce(&BTreeMap<i32, Rollup>) -> T) -> ProcessAnswer<T> {
        let rollups = self.rollups();
        let all = rollups.values();
        ProcessAnswer {
            scope: SCOPE,
            clock_ms: all.clone().map(|rollup| rollup.clock.0).min(),
            partitions: rollups.keys().copied().collect(),
            partitions_total: all.map(|rollup| rollup.partitions).max().unwrap_or(0),
            content: content(&rollups),
        }
    }

    fn rollups(&self) -> MutexGuard<'_, BTreeMap<i32, Rollup>> {
        self.rollups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set<'l, const N: usize>(
    gauge: &IntGaugeVec,
    standing: &OpenTaskCounts,
    labels: impl Fn(&'static str) -> [&'l str; N],
) {
    let OpenTaskCounts {
        open,
        due,
        overdue,
        escalated,
        at_top,
    } = *standing;
    let values = [open, due, overdue, escalated, at_top];
    for (state, value) in STATES.into_iter().zip(values) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        gauge.with_label_values(&labels(state)).set(value);
    }
}

/// The upper levels of a region path.
fn province(path: &str) -> String {
    if path.is_empty() {
        return NO_REGION.to_owned();
    }
    let names: Vec<&str> = path.split('/').take(REGION_LEVELS).collect();
    names.join("/")
}

/// The regions with most open tasks by name, and the rest together, be it nothing.
fn largest(
    regions: BTreeMap<String, BTreeMap<Purpose, OpenTaskCounts>>,
) -> BTreeMap<Cow<'static, str>, BTreeMap<Purpose, OpenTaskCounts>> {
    let open =
        |work: &BTreeMap<Purpose, OpenTaskCounts>| work.values().map(|s| s.open).sum::<u64>();
    let mut regions: Vec<_> = regions.into_iter().collect();
    regions.sort_by_key(|(_, work)| std::cmp::Reverse(open(work)));
    let mut largest = BTreeMap::from([(OTHER_REGIONS.into(), BTreeMap::new())]);
    for (place, (region, work)) in regions.into_iter().enumerate() {
        let region: Cow<'static, str> = match place < REGIONS {
            true => region.into(),
            false => OTHER_REGIONS.into(),
        };
        let sum: &mut BTreeMap<Purpose, OpenTaskCounts> = largest.entry(region).or_default();
        for (purpose, standing) in work {
            sum.entry(purpose).or_default().add(&standing);
        }
    }
    largest
}
