//! Load against capacity: who gets a new task, and who takes over when somebody is absent (behaviour: Capacity).

use super::case::Case;
use super::tally::Holder;
use crate::engine::settings::{CapacityRules, HolderCapacity};
use crate::model::{Assignee, Day};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// New tasks that managers and queues with a limit were given lately.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Loads {
    /// The local day of the last release.
    day: Option<Day>,
    holders: BTreeMap<Holder, Load>,
}

/// The new tasks of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Load {
    /// On the local day of the last release, up to that release.
    released: u32,
    /// Urgent ones since.
    urgent: u32,
}

/// A task may go from its own manager or queue to so many deputies, one after the other.
const DEPUTIES: usize = 3;

impl Loads {
    /// Who gets a new task: the first of its own manager or queue and the deputies who is there and has room. Where nobody
    /// has, it is the first who is there, or else its own.
    pub fn assign(&self, own: Assignee, case: &Case<'_>) -> Assignee {
        let chain = chain(&own, case);
        let free = chain.iter().find(|holder| self.has_room(holder, case));
        match free.or(chain.first()) {
            Some(holder) => Assignee {
                over_capacity: free.is_none(),
                ..given_to(holder, own)
            },
            None => Assignee {
                over_capacity: true,
                ..own
            },
        }
    }

    fn has_room(&self, holder: &Holder, case: &Case<'_>) -> bool {
        let per_day = holder.per_day(&case.rules.policy.capacity);
        let load = self.holders.get(holder).copied().unwrap_or_default();
        // Not all have their remainder in the same shards: who has none today may have a deputy with one.
        let turn = i64::from(case.today().0) + i64::from(xxh3_64(holder.name().as_bytes()) as u32);
        let part = case.share.part_of(per_day, turn);
        per_day == 0 || load.released.saturating_add(load.urgent) < part
    }

    /// Counts a new task.
    pub fn count(&mut self, assignee: &Assignee, urgent: bool, rules: &CapacityRules) {
        let holder = Holder::of(assignee);
        if holder.per_day(rules) > 0 {
            let load = self.holders.entry(holder).or_default();
            let count = match urgent {
                true => &mut load.urgent,
                false => &mut load.released,
            };
            *count = count.saturating_add(1);
        }
    }

    /// Places are given out on a local day: as many as there are, less the urgent tasks since the last time.
    pub fn begin_release(&mut self, today: Day) {
        for load in self.holders.values_mut() {
            *load = match self.day == Some(today) {
                true => Load {
                    released: load.released.saturating_add(load.urgent),
                    urgent: 0,
                },
                false => Load {
                    released: 0,
                    ..*load
                },
            };
        }
        self.day = Some(today);
    }

    /// All places are given out.
    pub fn end_release(&mut self) {
        self.holders.retain(|_, load| {
            load.urgent = 0;
            load.released > 0
        });
    }
}

/// Who has an open task on, if its manager or queue is absent today and a deputy is there.
pub fn successor(assignee: &Assignee, case: &Case<'_>) -> Option<Assignee> {
    let rules = &case.rules.policy.capacity;
    if Holder::of(assignee).is_present(rules, case.today()) {
        return None;
    }
    let mut own = assignee.clone();
    if let Some(name) = own.deputy_for.take() {
        match &mut own.account_manager {
            Some(manager) => *manager = name,
            None => own.queue = name.to_string(),
        }
    }
    let chain = chain(&own, case);
    let first = chain.first()?;
    Some(given_to(first, own))
}

/// The manager or queue whose task it is, then the deputies, as far as they are there today. Where deputies stand in for each
/// other, the chain ends with the last who was not in it.
fn chain(own: &Assignee, case: &Case<'_>) -> Vec<Holder> {
    let rules = &case.rules.policy.capacity;
    let mut chain = vec![Holder::of(own)];
    while let Some(last) = chain.last().filter(|_| chain.len() <= DEPUTIES) {
        match last.deputy(rules).filter(|deputy| !chain.contains(deputy)) {
            Some(deputy) => chain.push(deputy),
            None => break,
        }
    }
    chain.retain(|holder| holder.is_present(rules, case.today()));
    chain
}

/// An assignee, or somebody in the place of it.
fn given_to(holder: &Holder, own: Assignee) -> Assignee {
    let owner = Holder::of(&own);
    let mut assignee = own;
    if *holder == owner {
        return assignee;
    }
    assignee.deputy_for = Some(owner.name().into());
    match holder {
        Holder::Queue(queue) => assignee.queue.clone_from(queue),
        Holder::Manager(_) | Holder::Other => assignee.account_manager = Some(holder.name().into()),
    }
    assignee
}

impl Holder {
    /// The name of the manager or queue.
    pub fn name(&self) -> &str {
        match self {
            Self::Manager(name) | Self::Queue(name) => name,
            Self::Other => "other",
        }
    }

    /// New tasks a day that it can take, over all partitions; 0 for no limit.
    pub fn per_day(&self, rules: &CapacityRules) -> u32 {
        let all = match self {
            Self::Manager(_) => rules.manager_per_day,
            Self::Queue(_) => rules.queue_per_day,
            Self::Other => 0,
        };
        let own = self.stated(rules).and_then(|it| it.per_day);
        own.unwrap_or(all)
    }

    /// Whether it takes tasks on a local day.
    pub fn is_present(&self, rules: &CapacityRules, day: Day) -> bool {
        self.stated(rules).is_none_or(|it| it.is_present(day))
    }

    fn stated<'r>(&self, rules: &'r CapacityRules) -> Option<&'r HolderCapacity> {
        match self {
            Self::Manager(name) => rules.managers.get(name),
            Self::Queue(name) => rules.queues.get(name),
            Self::Other => None,
        }
    }

    fn deputy(&self, rules: &CapacityRules) -> Option<Self> {
        let deputy = self.stated(rules)?.deputy.clone()?;
        Some(match self {
            Self::Queue(_) => Self::Queue(deputy),
            Self::Manager(_) | Self::Other => Self::Manager(deputy),
        })
    }
}
