//! What became of tasks, counted: by region with tier, trigger and purpose, by who has them, and by how the customer is
//! looked after (behaviour: Outcomes of tasks).

use super::figures::Figures;
use crate::engine::codec::Problem;
use crate::model::{Assignee, CustomerKind, Purpose, Task, Tier};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of all tasks of a shard.
///
/// Every task counts as it stands at its last revision: a revision takes back what the one before it counted, and
/// counts anew. So an outcome that corrects another takes its place, and a task that is opened again no longer counts
/// as closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// By region path.
    pub regions: BTreeMap<String, Region>,
    /// By who has the tasks.
    pub holders: BTreeMap<Holder, BTreeMap<Purpose, Figures>>,
    /// By how the customer is looked after.
    pub customers: BTreeMap<(CustomerKind, Purpose), Figures>,
}

/// What became of the tasks of one region.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Region {
    /// Each task once.
    pub tasks: BTreeMap<(Purpose, Tier), Figures>,
    /// Each task once for every trigger among its reasons.
    pub triggers: BTreeMap<(Cow<'static, str>, Tier), Figures>,
}

/// Who has a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// The customer's account manager.
    Manager(String),
    /// Those who work on a queue: the customer has no account manager.
    Queue(String),
    /// A holder beyond the number that is told apart.
    Other,
}

/// Regions told apart in a shard: more than any operator names cities. Paths come from outside, and a state must not
/// grow with what somebody writes into them.
pub(super) const REGIONS: usize = 512;
/// Holders told apart in a shard: more managers than look after one partition's key customers. Bounded for the same
/// reason.
const HOLDERS: usize = 4096;
/// The path of regions beyond them.
pub const OTHER: &str = "other";
/// Between the names of a path.
const STEP: char = '/';

impl Holder {
    /// Who has the tasks of an assignee.
    pub fn of(assignee: &Assignee) -> Self {
        Self::named(assignee.account_manager.as_deref(), &assignee.queue)
    }

    /// The account manager, or the queue where there is none.
    pub fn named(manager: Option<&str>, queue: &str) -> Self {
        match manager {
            Some(manager) => Self::Manager(manager.to_owned()),
            None => Self::Queue(queue.to_owned()),
        }
    }
}

impl Tally {
    /// Counts a task as it is now instead of as it was before.
    pub fn revise(&mut self, before: Option<&Task>, task: &Task) {
        let (former, now) = (before.map(Figures::of), Figures::of(task));
        let region = self.region_key(&task.assignee.region);
        let region = self.regions.entry(region).or_default();
        let sum = region.tasks.entry((task.purpose, task.tier)).or_default();
        sum.replace(former.as_ref(), &now);
        for signal in &task.signals {
            let joined = |before: &Task| before.signals.iter().any(|s| s.trigger == signal.trigger);
            let former = former.as_ref().filter(|_| before.is_some_and(joined));
            let key = (signal.trigger.clone(), task.tier);
            let sum = region.triggers.entry(key).or_default();
            sum.replace(former, &now);
        }
        let kind = (task.customer_kind, task.purpose);
        let sum = self.customers.entry(kind).or_default();
        sum.replace(former.as_ref(), &now);
        if let Some((before, former)) = before.zip(former) {
            let holder = self.holder_key(Holder::of(&before.assignee));
            let sum = self.holders.get_mut(&holder);
            if let Some(sum) = sum.and_then(|holder| holder.get_mut(&before.purpose)) {
                sum.take_back(&former);
            }
        }
        let holder = self.holder_key(Holder::of(&task.assignee));
        let holder = self.holders.entry(holder).or_default();
        holder.entry(task.purpose).or_default().add(&now);
    }

    /// What became of tasks by trigger and tier, over all regions.
    pub fn by_trigger(&self) -> BTreeMap<(&str, Tier), Figures> {
        let mut sums: BTreeMap<(&str, Tier), Figures> = BTreeMap::new();
        for ((trigger, tier), figures) in self.regions.values().flat_map(|region| &region.triggers)
        {
            sums.entry((&**trigger, *tier)).or_default().add(figures);
        }
        sums
    }

    /// Under which path a region's tasks are counted.
    pub fn region_key(&self, region: &[Arc<str>]) -> String {
        let path = path(region);
        let known = self.regions.len() < REGIONS || self.regions.contains_key(&path);
        if known { path } else { OTHER.to_owned() }
    }

    /// Under whom the tasks of somebody are counted.
    pub fn holder_key(&self, holder: Holder) -> Holder {
        let known = self.holders.len() < HOLDERS || self.holders.contains_key(&holder);
        if known { holder } else { Holder::Other }
    }

    /// Refuses what the engine would never write of a book with so many open tasks, `tasks` being these and those that can
    /// be corrected: what may still be taken back must be there.
    pub fn check<'t>(
        &self,
        open_tasks: usize,
        mut tasks: impl Iterator<Item = &'t Task>,
    ) -> Result<(), Problem> {
        if self.regions.len() > REGIONS + 1 || self.holders.len() > HOLDERS + 1 {
            return Err("has a tally of too many regions or managers");
        }
        let regions = self.regions.values();
        let by_region = sum(regions.flat_map(|region| region.tasks.values()));
        let by_holder = sum(self.holders.values().flat_map(BTreeMap::values));
        let by_customer = sum(self.customers.values());
        let mut rest = self.clone();
        let whole = [by_holder, by_customer].iter().all(|sum| *sum == by_region)
            && by_region.open() == Some(open_tasks as u64);
        match whole && tasks.all(|task| rest.give_back(task).is_some()) {
            true => Ok(()),
            false => Err("has a tally that is not that of its tasks"),
        }
    }

    /// Takes out what a task counts for; nothing if it is not there.
    fn give_back(&mut self, task: &Task) -> Option<()> {
        let figures = Figures::of(task);
        let region = self.region_key(&task.assignee.region);
        let holder = self.holder_key(Holder::of(&task.assignee));
        let region = self.regions.get_mut(&region)?;
        let sum = region.tasks.get_mut(&(task.purpose, task.tier))?;
        sum.give_back(&figures)?;
        for signal in &task.signals {
            let key = (signal.trigger.clone(), task.tier);
            region.triggers.get_mut(&key)?.give_back(&figures)?;
        }
        let kind = (task.customer_kind, task.purpose);
        self.customers.get_mut(&kind)?.give_back(&figures)?;
        let sum = self.holders.get_mut(&holder)?.get_mut(&task.purpose)?;
        sum.give_back(&figures)
    }
}

fn sum<'f>(all: impl Iterator<Item = &'f Figures>) -> Figures {
    let mut sum = Figures::default();
    all.for_each(|figures| sum.add(figures));
    sum
}

/// A region's names as one path; empty for a customer of no known region.
pub(super) fn path(region: &[Arc<str>]) -> String {
    let mut path = String::new();
    for name in region.iter().filter(|name| !name.is_empty()) {
        if !path.is_empty() {
            path.push(STEP);
        }
        // A name with the mark in it would look like two levels.
        path.extend(name.chars().map(|c| if c == STEP { '_' } else { c }));
    }
    path
}
