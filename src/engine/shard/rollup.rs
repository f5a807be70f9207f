//! The work rolled up for those who look after it: tasks that are open now and what became of the others, by region
//! path, by who has them and by kind of customer (behaviour: Outcomes of tasks).

use super::Shard;
use crate::engine::policy::{Figures, Holder, Tally, Uplift};
use crate::engine::triggers::registered;
use crate::model::{CustomerKind, Level, Purpose, Task, Tier, Timestamp};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The work of one shard at one moment. Those of several shards add up: see [`Rollup::level`].
#[derive(Debug, Clone, PartialEq)]
pub struct Rollup {
    /// Which partition it is of.
    pub partition: u32,
    /// Of how many.
    pub partitions: u32,
    /// What the shard took for now.
    pub clock: Timestamp,
    /// Open tasks by region path, as the tally tells regions apart.
    pub regions: BTreeMap<String, ByTier>,
    /// Open tasks by who has them.
    pub holders: BTreeMap<Holder, ByPurpose>,
    /// Open tasks by how the customer is looked after.
    pub customers: BTreeMap<(CustomerKind, Purpose), OpenTaskCounts>,
    /// What became of all tasks.
    pub tally: Arc<Tally>,
    /// What tasks achieve.
    pub uplift: Arc<Uplift>,
}

/// How open tasks stand, by purpose and tier.
pub type ByTier = BTreeMap<(Purpose, Tier), OpenTaskCounts>;
/// How open tasks stand, by purpose.
pub type ByPurpose = BTreeMap<Purpose, OpenTaskCounts>;

/// How open tasks stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OpenTaskCounts {
    /// Open tasks.
    pub open: u64,
    /// Those whose customer may be contacted now, and that are not overdue.
    pub due: u64,
    /// Open tasks past their due time without a contact.
    pub overdue: u64,
    /// Open tasks above the first rung of the ladder.
    pub escalated: u64,
    /// Open tasks on the top rung.
    pub at_top: u64,
}

/// The work of one purpose.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Work {
    /// Open tasks.
    pub now: OpenTaskCounts,
    /// What became of all tasks, the open ones among them.
    #[serde(serialize_with = "judged")]
    pub outcomes: Figures,
}

/// The work of every purpose.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Purposes {
    /// To keep subscribers.
    pub churn: Work,
    /// To look after them.
    pub care: Work,
    /// To offer more.
    pub grow: Work,
    /// To win them back.
    pub win_back: Work,
}

/// A region and those one level below it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RegionLevel {
    /// Its path, such as `HQ/Guangdong`; empty for everything.
    pub region: String,
    /// All of its work: the children's and `here`.
    pub total: Purposes,
    /// Work of customers without a known lower region.
    pub here: Purposes,
    /// By path, those one level below.
    pub children: BTreeMap<String, Purposes>,
}

/// Who has tasks, and which.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HolderWork {
    /// Who.
    pub holder: Holder,
    /// The tasks.
    pub work: Purposes,
}

/// The work by how customers are looked after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Customers {
    /// By kind.
    pub customers: BTreeMap<&'static str, Purposes>,
}

/// What became of tasks by tier.
pub type Tiers = BTreeMap<&'static str, Judged>;

/// What became of tasks, and how many of them were right.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Judged(#[serde(serialize_with = "judged")] pub Figures);

/// What became of the tasks of a region and those below it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RegionOutcomes {
    /// Its path; empty for everything.
    pub region: String,
    /// Each task once, by purpose and tier.
    pub tasks: BTreeMap<&'static str, Tiers>,
    /// Each task once for every trigger among its reasons.
    pub triggers: Vec<TriggerOutcomes>,
}

/// What became of the tasks that a trigger had a part in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriggerOutcomes {
    /// The trigger.
    pub trigger: Cow<'static, str>,
    /// What its tasks are for; nothing if this version has no such trigger.
    pub purpose: Option<&'static str>,
    /// By tier.
    pub tiers: Tiers,
}

impl Shard {
    /// What became of all tasks so far.
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.taskbook.tally)
    }

    /// The work as it is now. Looks at every open task.
    pub fn rollup(&self) -> Rollup {
        let mut rollup = Rollup {
            partition: self.share.part,
            partitions: self.share.of,
            clock: self.clock,
            regions: BTreeMap::new(),
            holders: BTreeMap::new(),
            customers: BTreeMap::new(),
            tally: self.tally(),
            uplift: Arc::clone(&self.taskbook.uplift),
        };
        // Grouped by the tasks' own words first: tasks are many, regions and holders few, so fewer keys are made.
        let mut regions: BTreeMap<&[Arc<str>], ByTier> = BTreeMap::new();
        let mut holders: BTreeMap<(Option<&str>, &str), ByPurpose> = BTreeMap::new();
        for (_, task) in self.taskbook.tasks() {
            let (counts, who) = (OpenTaskCounts::of(task, self.clock), &task.assignee);
            let region = regions.entry(&who.region).or_default();
            let sum = region.entry((task.purpose, task.tier)).or_default();
            sum.add(&counts);
            let holder = match who.account_manager.as_deref() {
                Some(manager) => (Some(manager), ""),
                None => (None, &*who.queue),
            };
            let holder = holders.entry(holder).or_default();
            holder.entry(task.purpose).or_default().add(&counts);
            let kind = (task.customer_kind, task.purpose);
            rollup.customers.entry(kind).or_default().add(&counts);
        }
        for (region, tasks) in regions {
            let key = rollup.tally.region_key(region);
            let region = rollup.regions.entry(key).or_default();
            for (key, counts) in tasks {
                region.entry(key).or_default().add(&counts);
            }
        }
        for ((manager, queue), tasks) in holders {
            let key = rollup.tally.holder_key(Holder::named(manager, queue));
            let holder = rollup.holders.entry(key).or_default();
            for (key, counts) in tasks {
                holder.entry(key).or_default().add(&counts);
            }
        }
        rollup
    }
}

impl Rollup {
    /// Whether there is or was a task in a region or below it, or somebody was held out.
    pub fn has(&self, region: &str) -> bool {
        let counted = self.tally.regions.keys().chain(self.uplift.regions.keys());
        let mut paths = self.regions.keys().chain(counted);
        paths.any(|path| below(path, region).is_some())
    }

    /// The work of a region and of those one level below it, over several shards.
    pub fn level<'r>(rollups: impl IntoIterator<Item = &'r Rollup>, region: &str) -> RegionLevel {
        let mut level = RegionLevel {
            region: region.to_owned(),
            ..RegionLevel::default()
        };
        for rollup in rollups {
            for (path, tasks) in &rollup.regions {
                for ((purpose, _), counts) in tasks {
                    level.each(path, *purpose, |work| work.now.add(counts));
                }
            }
            for (path, counted) in &rollup.tally.regions {
                for ((purpose, _), figures) in &counted.tasks {
                    level.each(path, *purpose, |work| work.outcomes.add(figures));
                }
            }
        }
        level
    }

    /// What became of the tasks of a region and those below it, over several shards.
    pub fn outcomes<'r>(
        rollups: impl IntoIterator<Item = &'r Rollup>,
        region: &str,
    ) -> RegionOutcomes {
        let mut tasks: BTreeMap<&'static str, Tiers> = BTreeMap::new();
        let mut triggers: BTreeMap<&Cow<'static, str>, Tiers> = BTreeMap::new();
        for rollup in rollups {
            let regions = rollup.tally.regions.iter();
            for (_, counted) in regions.filter(|(path, _)| below(path, region).is_some()) {
                for ((purpose, tier), figures) in &counted.tasks {
                    let tiers = tasks.entry(purpose.name()).or_default();
                    tiers.entry(tier.name()).or_default().0.add(figures);
                }
                for ((trigger, tier), figures) in &counted.triggers {
                    let tiers = triggers.entry(trigger).or_default();
                    tiers.entry(tier.name()).or_default().0.add(figures);
                }
            }
        }
        let purpose = |trigger: &str| Some(registered(trigger)?.purpose.name());
        let triggers = triggers.into_iter();
        RegionOutcomes {
            region: region.to_owned(),
            tasks,
            triggers: triggers
                .map(|(trigger, tiers)| TriggerOutcomes {
                    purpose: purpose(trigger),
                    trigger: trigger.clone(),
                    tiers,
                })
                .collect(),
        }
    }

    /// The work of those who have tasks, over several shards; of one of them only if one is asked for.
    pub fn holders<'r>(
        rollups: impl IntoIterator<Item = &'r Rollup>,
        only: Option<&Holder>,
    ) -> Vec<HolderWork> {
        let mut holders: BTreeMap<&Holder, Purposes> = BTreeMap::new();
        let wanted = |holder: &Holder| only.is_none_or(|only| only == holder);
        for rollup in rollups {
            for (holder, tasks) in rollup.holders.iter().filter(|(holder, _)| wanted(holder)) {
                let work = holders.entry(holder).or_default();
                for (purpose, counts) in tasks {
                    work.of(*purpose).now.add(counts);
                }
            }
            let counted = rollup.tally.holders.iter();
            for (holder, tasks) in counted.filter(|(holder, _)| wanted(holder)) {
                let work = holders.entry(holder).or_default();
                for (purpose, figures) in tasks {
                    work.of(*purpose).outcomes.add(figures);
                }
            }
        }
        let holders = holders.into_iter().map(|(holder, work)| HolderWork {
            holder: holder.clone(),
            work,
        });
        holders.collect()
    }
}

impl Customers {
    /// The work over several shards.
    pub fn of<'r>(rollups: impl IntoIterator<Item = &'r Rollup>) -> Self {
        let kinds = CustomerKind::ALL.map(|kind| (kind.name(), Purposes::default()));
        let mut customers = BTreeMap::from(kinds);
        for rollup in rollups {
            for ((kind, purpose), counts) in &rollup.customers {
                let work = customers.entry(kind.name()).or_default();
                work.of(*purpose).now.add(counts);
            }
            for ((kind, purpose), figures) in &rollup.tally.customers {
                let work = customers.entry(kind.name()).or_default();
                work.of(*purpose).outcomes.add(figures);
            }
        }
        Self { customers }
    }
}

impl RegionLevel {
    /// Adds to the work of a purpose wherever a path belongs.
    fn each(&mut self, path: &str, purpose: Purpose, add: impl Fn(&mut Work)) {
        let Some(rest) = below(path, &self.region) else {
            return;
        };
        add(self.total.of(purpose));
        let name = rest.split('/').next().unwrap_or_default();
        if name.is_empty() {
            return add(self.here.of(purpose));
        }
        let child = path.strip_suffix(rest).unwrap_or_default().to_owned() + name;
        add(self.children.entry(child).or_default().of(purpose));
    }
}

impl Purposes {
    /// The work of one purpose.
    pub fn of(&mut self, purpose: Purpose) -> &mut Work {
        match purpose {
            Purpose::Churn => &mut self.churn,
            Purpose::Care => &mut self.care,
            Purpose::Grow => &mut self.grow,
            Purpose::WinBack => &mut self.win_back,
        }
    }
}

impl OpenTaskCounts {
    /// How one open task stands.
    fn of(task: &Task, clock: Timestamp) -> Self {
        let late = clock > task.due_at;
        let overdue = late && task.contacted_at.is_none();
        Self {
            open: 1,
            due: u64::from(clock >= task.not_before && !overdue),
            overdue: u64::from(overdue),
            escalated: u64::from(task.assignee.level > Level::AccountManager),
            at_top: u64::from(task.assignee.level.above().is_none()),
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.due += other.due;
        self.overdue += other.overdue;
        self.escalated += other.escalated;
        self.at_top += other.at_top;
    }
}

/// The rest of a path below a region, if it is that region or one below it.
pub(super) fn below<'p>(path: &'p str, region: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(region)?;
    if rest.is_empty() || region.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

/// Figures by their names, with the precision they give.
fn judged<S: Serializer>(figures: &Figures, to: S) -> Result<S::Ok, S::Error> {
    let counts = figures.named();
    let mut map = to.serialize_map(Some(counts.len() + 2))?;
    for (name, count) in counts {
        map.serialize_entry(name, &count)?;
    }
    map.serialize_entry("reasons", &figures.reasons)?;
    map.serialize_entry("precision", &figures.precision())?;
    map.end()
}
