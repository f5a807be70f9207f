//! Load against capacity (behaviour: Capacity): every new task is kept, and counted again whenever somebody is to get one.

use super::policy::{Case, Tasks};
use super::tasks::Advance;
use churnwatch::engine::Rules;
use churnwatch::engine::settings::HolderCapacity;
use churnwatch::model::{Assignee, Day, Purpose, TaskStatus, Tier};
use xxhash_rust::xxh3::xxh3_64;

/// Everything that was given to somebody.
#[derive(Clone, Default)]
pub struct Ledger {
    /// The local days of all releases.
    releases: Vec<Day>,
    in_release: bool,
    given: Vec<Given>,
}

#[derive(Clone)]
struct Given {
    to: (bool, String),
    urgent: bool,
    /// How many releases had begun.
    after: usize,
}

/// Whether somebody is an account manager, and the name.
fn whose(assignee: &Assignee) -> (bool, String) {
    match &assignee.account_manager {
        Some(name) => (true, name.to_string()),
        None => (false, assignee.queue.clone()),
    }
}

fn stated<'r>((manager, name): &(bool, String), rules: &'r Rules) -> Option<&'r HolderCapacity> {
    let capacity = &rules.policy.capacity;
    let table = if *manager {
        &capacity.managers
    } else {
        &capacity.queues
    };
    table.get(name)
}

fn per_day(who: &(bool, String), rules: &Rules) -> u32 {
    let capacity = &rules.policy.capacity;
    let usual = if who.0 {
        capacity.manager_per_day
    } else {
        capacity.queue_per_day
    };
    stated(who, rules)
        .and_then(|it| it.per_day)
        .unwrap_or(usual)
}

/// Whether it matters for anybody's task what became of somebody else's.
pub fn limited(rules: &Rules) -> bool {
    let capacity = &rules.policy.capacity;
    let named = capacity.managers.values().chain(capacity.queues.values());
    let stated = named.filter_map(|it| it.per_day).max().unwrap_or(0);
    capacity
        .manager_per_day
        .max(capacity.queue_per_day)
        .max(stated)
        > 0
}

fn present(who: &(bool, String), case: &Case<'_>) -> bool {
    let today = case.days.day_of(case.now);
    let absences = stated(who, case.rules).map_or(&[][..], |it| &it.absent);
    absences
        .iter()
        .all(|absence| today < absence.first || today > absence.last)
}

/// Its own, and up to three deputies.
fn candidates(own: &Assignee, case: &Case<'_>) -> Vec<(bool, String)> {
    let mut all = vec![whose(own)];
    for _ in 0..3 {
        let last = all.last().unwrap();
        let deputy = stated(last, case.rules).and_then(|it| it.deputy.clone());
        match deputy.map(|deputy| (last.0, deputy)) {
            Some(deputy) if !all.contains(&deputy) => all.push(deputy),
            _ => break,
        }
    }
    all.into_iter().filter(|who| present(who, case)).collect()
}

fn hand_to(who: &(bool, String), own: &Assignee) -> Assignee {
    let mut assignee = own.clone();
    let (manager, name) = who.clone();
    if whose(own) != *who {
        assignee.deputy_for = Some(whose(own).1.into());
    }
    match manager {
        true => assignee.account_manager = Some(name.into()),
        false => assignee.queue = name,
    }
    assignee
}

impl Ledger {
    pub fn begin_release(&mut self, today: Day) {
        self.releases.push(today);
        self.in_release = true;
    }

    pub fn end_release(&mut self) {
        self.in_release = false;
    }

    /// A task is somebody else's from now on, and urgent.
    pub fn pass(&mut self, before: &Assignee, assignee: &Assignee) {
        if whose(before) != whose(assignee) {
            self.note(assignee, true);
        }
    }

    pub fn note(&mut self, assignee: &Assignee, urgent: bool) {
        self.given.push(Given {
            to: whose(assignee),
            urgent,
            after: self.releases.len(),
        });
    }

    /// What counts: all since the first release of the last release's day, and in that one the urgent tasks since the one
    /// before it.
    fn load(&self, who: &(bool, String)) -> usize {
        let now = self.releases.len();
        let same = |day: &&Day| Some(*day) == self.releases.last();
        let first = now + 1 - self.releases.iter().rev().take_while(same).count().max(1);
        let counts = |given: &&Given| {
            let carried = self.in_release && first == now && given.urgent && given.after + 1 == now;
            given.to == *who && (given.after >= first || carried)
        };
        self.given.iter().filter(counts).count()
    }

    fn has_room(&self, who: &(bool, String), part: (i32, i32), case: &Case<'_>) -> bool {
        let all = per_day(who, case.rules);
        let today = i64::from(case.days.day_of(case.now).0);
        let shift = i64::from(xxh3_64(who.1.as_bytes()) as u32);
        let turn = (i64::from(part.0) + today + shift) % i64::from(part.1);
        let more = u32::from(turn < i64::from(all) % i64::from(part.1));
        all == 0 || self.load(who) < (all / part.1 as u32 + more) as usize
    }

    /// Who gets a new task.
    pub fn assign(
        &self,
        (purpose, tier): (Purpose, Tier),
        bulk: bool,
        part: (i32, i32),
        case: &Case<'_>,
    ) -> Assignee {
        let own = case.assignee(purpose, tier, bulk);
        let candidates = candidates(&own, case);
        let free = candidates.iter().find(|who| self.has_room(who, part, case));
        let mut assignee = match free.or(candidates.first()) {
            Some(who) => hand_to(who, &own),
            None => own,
        };
        assignee.over_capacity = free.is_none();
        assignee
    }
}

impl Tasks {
    /// Open tasks of somebody absent go to whoever is there.
    pub fn pass_on(&mut self, case: &Case<'_>) {
        for (_, mut task) in self.open.clone() {
            let holder = whose(&task.assignee);
            let mut own = task.assignee.clone();
            if let Some(owner) = own.deputy_for.take() {
                own = hand_to(&(holder.0, owner.to_string()), &own);
                own.deputy_for = None;
            }
            let candidates = candidates(&own, case);
            if let (false, Some(first)) = (present(&holder, case), candidates.first()) {
                task.assignee = hand_to(first, &own);
                task.status = TaskStatus::Updated;
                task.advance(None, case);
                self.publish(task);
            }
        }
    }
}
