//! Who gets tasks, as an observer may check it who knows capacities and absences (behaviour: Capacity).

use churnwatch::engine::{Holder, Rules};
use churnwatch::model::{Day, Task};
use std::collections::BTreeMap;

/// New tasks that were not urgent, by holder and local day.
#[derive(Default)]
pub struct Given(BTreeMap<(Holder, Day), u32>);

/// Whose task it would be if everybody were there and had room.
fn owner(task: &Task) -> Holder {
    match (&task.assignee.deputy_for, Holder::of(&task.assignee)) {
        (Some(owner), Holder::Queue(_)) => Holder::Queue(owner.to_string()),
        (Some(owner), _) => Holder::Manager(owner.to_string()),
        (None, own) => own,
    }
}

/// Whether anybody in the chain of deputies is there.
fn anybody(owner: &Holder, today: Day, rules: &Rules) -> bool {
    let capacity = &rules.policy.capacity;
    let mut next = Some(owner.clone());
    (0..4).any(|_| {
        let Some(holder) = next.take() else {
            return false;
        };
        next = match &holder {
            Holder::Manager(name) => capacity.managers.get(name),
            Holder::Queue(name) => capacity.queues.get(name),
            Holder::Other => None,
        }
        .and_then(|it| it.deputy.clone())
        .map(|deputy| match holder {
            Holder::Queue(_) => Holder::Queue(deputy),
            _ => Holder::Manager(deputy),
        });
        holder.is_present(capacity, today)
    })
}

/// Whether a task is with somebody who is there, if anybody is.
pub fn is_with_somebody(task: &Task, today: Day, rules: &Rules) -> bool {
    let holder = Holder::of(&task.assignee);
    holder.is_present(&rules.policy.capacity, today) || !anybody(&owner(task), today, rules)
}

impl Given {
    /// A new task that was not urgent. Returns whether there was room for it.
    pub fn released(&mut self, task: &Task, today: Day, rules: &Rules) -> bool {
        let holder = Holder::of(&task.assignee);
        let per_day = holder.per_day(&rules.policy.capacity);
        let given = self.0.entry((holder, today)).or_default();
        *given += 1;
        !task.assignee.over_capacity && (per_day == 0 || *given <= per_day)
    }
}
