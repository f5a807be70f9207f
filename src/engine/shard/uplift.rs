//! What tasks achieve, over several shards (behaviour: What tasks achieve).

use super::Shard;
use super::rollup::{Rollup, below};
use crate::engine::policy::Groups;
use crate::model::{Comparison, Followed, HORIZON_DAYS, Tier, UpliftCounts, UpliftRow};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What tasks achieve in a region and those below it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionUplift {
    /// Its path; empty for everything.
    pub region: String,
    /// All of it, by horizon.
    pub total: Vec<GroupComparison>,
    /// By tier.
    pub tiers: BTreeMap<&'static str, Vec<GroupComparison>>,
    /// By the first reason.
    pub triggers: Vec<TriggerUplift>,
    /// By path, those one level below.
    pub regions: BTreeMap<String, Vec<GroupComparison>>,
}

/// What the tasks that a trigger raised achieve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriggerUplift {
    /// The trigger.
    pub trigger: Cow<'static, str>,
    /// All of it, by horizon.
    pub total: Vec<GroupComparison>,
    /// By tier.
    pub tiers: BTreeMap<&'static str, Vec<GroupComparison>>,
}

/// Both groups at the end of a horizon, and how they differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GroupComparison {
    /// The horizon.
    pub days: u16,
    /// Those with a task.
    pub with_task: GroupFates,
    /// Those held out.
    pub held_out: GroupFates,
    /// The difference, and what may be said of it.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// What had become of a group by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GroupFates {
    /// All who were ever followed.
    pub entered: u64,
    /// Still subscribers.
    pub stayed: u64,
    /// Not any more.
    pub left: u64,
    /// Nothing can be learnt of them.
    pub dropped: u64,
    /// Not known yet.
    pub unfinished: u64,
}

impl Groups {
    /// Both groups at every horizon.
    pub fn compared(&self) -> Vec<GroupComparison> {
        let compared = |(horizon, days)| GroupComparison {
            days,
            with_task: GroupFates::of(&self.with_task, horizon),
            held_out: GroupFates::of(&self.held_out, horizon),
            comparison: Comparison::new(
                self.with_task.share(horizon),
                self.held_out.share(horizon),
            ),
        };
        HORIZON_DAYS.into_iter().enumerate().map(compared).collect()
    }
}

impl GroupFates {
    fn of(followed: &Followed, horizon: usize) -> Self {
        let fates = followed.horizons.get(horizon).copied().unwrap_or_default();
        Self {
            entered: followed.entered,
            stayed: fates.stayed,
            left: fates.left,
            dropped: fates.dropped,
            unfinished: followed.unfinished(horizon).unwrap_or_default(),
        }
    }
}

impl Shard {
    /// All that was counted so far, by region.
    pub fn uplift_counts(&self) -> Vec<UpliftCounts> {
        let regions = self.taskbook.uplift.regions.iter();
        let row = |((trigger, tier), groups): (&(Cow<'static, str>, Tier), &Groups)| UpliftRow {
            trigger: trigger.clone(),
            tier: *tier,
            with_task: groups.with_task,
            held_out: groups.held_out,
        };
        let counts = regions.map(|(region, counted)| UpliftCounts {
            partition: self.share.part,
            region: region.clone(),
            as_of: self.clock,
            rows: counted.iter().map(row).collect(),
        });
        counts.collect()
    }
}

impl Rollup {
    /// What tasks achieve in a region and those below it, over several shards.
    pub fn uplift<'r>(rollups: impl IntoIterator<Item = &'r Rollup>, region: &str) -> RegionUplift {
        let mut total = Groups::default();
        let mut tiers: BTreeMap<&'static str, Groups> = BTreeMap::new();
        let mut triggers: BTreeMap<&Cow<'static, str>, BTreeMap<&'static str, Groups>> =
            BTreeMap::new();
        let mut regions: BTreeMap<String, Groups> = BTreeMap::new();
        for rollup in rollups {
            for (path, counted) in &rollup.uplift.regions {
                let Some(rest) = below(path, region) else {
                    continue;
                };
                let name = rest.split('/').next().unwrap_or_default();
                let child = path.strip_suffix(rest).unwrap_or_default().to_owned() + name;
                for ((trigger, tier), groups) in counted {
                    total.add(groups);
                    tiers.entry(tier.name()).or_default().add(groups);
                    let of_trigger = triggers.entry(trigger).or_default();
                    of_trigger.entry(tier.name()).or_default().add(groups);
                    if !name.is_empty() {
                        regions.entry(child.clone()).or_default().add(groups);
                    }
                }
            }
        }
        let triggers = triggers.into_iter().map(|(trigger, tiers)| {
            let mut total = Groups::default();
            tiers.values().for_each(|groups| total.add(groups));
            TriggerUplift {
                trigger: trigger.clone(),
                total: total.compared(),
                tiers: compared(tiers),
            }
        });
        RegionUplift {
            region: region.to_owned(),
            total: total.compared(),
            tiers: compared(tiers),
            triggers: triggers.collect(),
            regions: compared(regions),
        }
    }
}

fn compared<K: Ord>(groups: BTreeMap<K, Groups>) -> BTreeMap<K, Vec<GroupComparison>> {
    let groups = groups.into_iter();
    groups
        .map(|(key, groups)| (key, groups.compared()))
        .collect()
}
