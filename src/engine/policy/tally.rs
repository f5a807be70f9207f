//! What became of tasks, counted: by region with tier, trigger and purpose, and by who has them (behaviour: Outcomes of
//! tasks).

use crate::engine::codec::Problem;
use crate::model::{CloseReason, Level, Motive, OutcomeResult, Purpose, Task, TaskStatus, Tier};
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

/// What became of some tasks. `opened` is the number of those still open and of those closed, each for one of the reasons
/// from `saved` to `other`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Tasks there were.
    pub opened: u64,
    /// Went up the ladder.
    pub escalated: u64,
    /// Customers spoken to.
    pub reached: u64,
    /// Customers who could not be reached at the last try.
    pub unreachable: u64,
    /// Customers who stay.
    pub saved: u64,
    /// Customers who refused the offer.
    pub refused: u64,
    /// Customers who left, as an outcome says.
    pub lost: u64,
    /// Customers who left, as their contract says.
    pub churned: u64,
    /// Closed because the reason went by itself.
    pub recovered: u64,
    /// Care and growth: closed because the customer was spoken to.
    pub contacted: u64,
    /// Nobody acted in time.
    pub expired: u64,
    /// Closed for any other reason.
    pub other: u64,
    /// Churn tasks that were right, see [`Figures::precision`].
    pub confirmed: u64,
    /// Churn tasks that were wrong.
    pub refuted: u64,
    /// What customers gave as their reasons, and what was found out; one of each for a task.
    pub reasons: BTreeMap<Motive, Mentions>,
}

/// How often a reason was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mentions {
    /// By the customer.
    pub stated: u64,
    /// By whoever found out.
    pub confirmed: u64,
}

/// Regions told apart in a shard: more than any operator names cities. Paths come from outside, and a state must not
/// grow with what somebody writes into them.
const REGIONS: usize = 512;
/// Holders told apart in a shard: more managers than look after one partition's key customers. Bounded for the same
/// reason.
const HOLDERS: usize = 4096;
/// The path of regions beyond them.
pub const OTHER: &str = "other";
/// Between the names of a path.
const STEP: char = '/';

impl Tally {
    /// What some open tasks count for.
    pub fn of<'t>(tasks: impl Iterator<Item = &'t Task>) -> Self {
        let mut tally = Self::default();
        tasks.for_each(|task| tally.revise(None, task));
        tally
    }

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
        let who = &task.assignee;
        let holder = self.holder_key(who.account_manager.as_deref(), &who.queue);
        let holder = self.holders.entry(holder).or_default();
        let sum = holder.entry(task.purpose).or_default();
        sum.replace(former.as_ref(), &now);
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

    /// Under whom tasks of a manager, or of a queue if there is none, are counted.
    pub fn holder_key(&self, manager: Option<&str>, queue: &str) -> Holder {
        let holder = match manager {
            Some(manager) => Holder::Manager(manager.to_owned()),
            None => Holder::Queue(queue.to_owned()),
        };
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
        let mut by_region = Figures::default();
        for figures in regions.flat_map(|region| region.tasks.values()) {
            by_region.add(figures);
        }
        let mut by_holder = Figures::default();
        for figures in self.holders.values().flat_map(BTreeMap::values) {
            by_holder.add(figures);
        }
        let mut rest = self.clone();
        let whole = by_region == by_holder && by_region.open() == Some(open_tasks as u64);
        match whole && tasks.all(|task| rest.give_back(task).is_some()) {
            true => Ok(()),
            false => Err("has a tally that is not that of its tasks"),
        }
    }

    /// Takes out what a task counts for; nothing if it is not there.
    fn give_back(&mut self, task: &Task) -> Option<()> {
        let figures = Figures::of(task);
        let region = self.region_key(&task.assignee.region);
        let who = &task.assignee;
        let holder = self.holder_key(who.account_manager.as_deref(), &who.queue);
        let region = self.regions.get_mut(&region)?;
        let sum = region.tasks.get_mut(&(task.purpose, task.tier))?;
        sum.give_back(&figures)?;
        for signal in &task.signals {
            let key = (signal.trigger.clone(), task.tier);
            region.triggers.get_mut(&key)?.give_back(&figures)?;
        }
        let sum = self.holders.get_mut(&holder)?.get_mut(&task.purpose)?;
        sum.give_back(&figures)
    }
}

impl Figures {
    /// What a task counts for.
    fn of(task: &Task) -> Self {
        let mut figures = Self {
            opened: 1,
            escalated: u64::from(task.assignee.level > Level::AccountManager),
            reached: u64::from(task.contacted_at.is_some()),
            unreachable: u64::from(task.outcome == Some(OutcomeResult::Unreachable)),
            ..Self::default()
        };
        let closed = task
            .close_reason
            .filter(|_| task.status == TaskStatus::Closed);
        if let Some(reason) = closed {
            *figures.closed_for(reason) = 1;
            let no_intention = task.motives.confirmed == Some(Motive::NoIntention);
            if task.purpose == Purpose::Churn {
                match verdict(reason, no_intention) {
                    Some(true) => figures.confirmed = 1,
                    Some(false) => figures.refuted = 1,
                    None => {}
                }
            }
        }
        if let Some(stated) = task.motives.stated {
            figures.reasons.entry(stated).or_default().stated = 1;
        }
        if let Some(confirmed) = task.motives.confirmed {
            figures.reasons.entry(confirmed).or_default().confirmed = 1;
        }
        figures
    }

    /// Where tasks closed for a reason are counted.
    fn closed_for(&mut self, reason: CloseReason) -> &mut u64 {
        match reason {
            CloseReason::Saved => &mut self.saved,
            CloseReason::Refused => &mut self.refused,
            CloseReason::Lost => &mut self.lost,
            CloseReason::Churned => &mut self.churned,
            CloseReason::UsageRecovered
            | CloseReason::ArrearsPaid
            | CloseReason::ContractRenewed
            | CloseReason::ComplaintSettled
            | CloseReason::ForwardingEnded
            | CloseReason::QualityRecovered
            | CloseReason::OccasionOver => &mut self.recovered,
            CloseReason::Contacted => &mut self.contacted,
            CloseReason::Expired => &mut self.expired,
            CloseReason::MnpHold
            | CloseReason::Superseded
            | CloseReason::OptedOut
            | CloseReason::NotPursued
            | CloseReason::Erased => &mut self.other,
        }
    }

    /// The share of churn tasks that were right among those known to be right or wrong: confirmed / (confirmed +
    /// refuted).
    ///
    /// Confirmed are those closed as saved, refused, lost or churned: the customer was about to leave, or has left.
    /// Refuted are those that expired, those whose reason went by itself, and those where an outcome found that the
    /// customer never meant to leave (`confirmed_reason` is `no_intention`). Other tasks say nothing either way, and
    /// neither do care and growth.
    pub fn precision(&self) -> Option<f64> {
        let judged = self.confirmed.saturating_add(self.refuted);
        (judged > 0).then(|| self.confirmed as f64 / judged as f64)
    }

    /// Closed tasks.
    pub fn closed(&self) -> u64 {
        let reasons = [
            self.saved,
            self.refused,
            self.lost,
            self.churned,
            self.recovered,
            self.contacted,
            self.expired,
            self.other,
        ];
        reasons.into_iter().fold(0, u64::saturating_add)
    }

    /// Tasks that are open; nothing if more were closed than opened.
    pub fn open(&self) -> Option<u64> {
        self.opened.checked_sub(self.closed())
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts_mut().into_iter().zip(other.counts()) {
            *sum = sum.saturating_add(count);
        }
        for (motive, mentions) in &other.reasons {
            let sum = self.reasons.entry(*motive).or_default();
            sum.stated = sum.stated.saturating_add(mentions.stated);
            sum.confirmed = sum.confirmed.saturating_add(mentions.confirmed);
        }
    }

    fn replace(&mut self, former: Option<&Self>, now: &Self) {
        if let Some(former) = former {
            self.take_back(former);
        }
        self.add(now);
    }

    fn take_back(&mut self, other: &Self) {
        for (sum, count) in self.counts_mut().into_iter().zip(other.counts()) {
            *sum = sum.saturating_sub(count);
        }
        for (motive, mentions) in &other.reasons {
            let sum = self.reasons.entry(*motive).or_default();
            sum.stated = sum.stated.saturating_sub(mentions.stated);
            sum.confirmed = sum.confirmed.saturating_sub(mentions.confirmed);
            if *sum == Mentions::default() {
                self.reasons.remove(motive);
            }
        }
    }

    /// Takes others back; nothing if they are not all there.
    fn give_back(&mut self, other: &Self) -> Option<()> {
        for (sum, count) in self.counts().into_iter().zip(other.counts()) {
            sum.checked_sub(count)?;
        }
        for (motive, mentions) in &other.reasons {
            let sum = self.reasons.get(motive)?;
            sum.stated.checked_sub(mentions.stated)?;
            sum.confirmed.checked_sub(mentions.confirmed)?;
        }
        self.take_back(other);
        Some(())
    }

    /// The counts with their names, without those of reasons.
    pub fn named(&self) -> [(&'static str, u64); COUNTS.len()] {
        let counts = self.counts();
        std::array::from_fn(|place| (COUNTS[place], counts[place]))
    }

    fn counts(&self) -> [u64; COUNTS.len()] {
        [
            self.opened,
            self.escalated,
            self.reached,
            self.unreachable,
            self.saved,
            self.refused,
            self.lost,
            self.churned,
            self.recovered,
            self.contacted,
            self.expired,
            self.other,
            self.confirmed,
            self.refuted,
        ]
    }

    fn counts_mut(&mut self) -> [&mut u64; COUNTS.len()] {
        [
            &mut self.opened,
            &mut self.escalated,
            &mut self.reached,
            &mut self.unreachable,
            &mut self.saved,
            &mut self.refused,
            &mut self.lost,
            &mut self.churned,
            &mut self.recovered,
            &mut self.contacted,
            &mut self.expired,
            &mut self.other,
            &mut self.confirmed,
            &mut self.refuted,
        ]
    }
}

/// The names of [`Figures::counts`], in its order.
const COUNTS: [&str; 14] = [
    "opened",
    "escalated",
    "reached",
    "unreachable",
    "saved",
    "refused",
    "lost",
    "churned",
    "recovered",
    "contacted",
    "expired",
    "other",
    "confirmed",
    "refuted",
];

/// Whether a closed churn task was right, see [`Figures::precision`].
fn verdict(reason: CloseReason, no_intention: bool) -> Option<bool> {
    match reason {
        CloseReason::Saved | CloseReason::Refused | CloseReason::Lost => Some(!no_intention),
        CloseReason::Churned => Some(true),
        CloseReason::Expired
        | CloseReason::UsageRecovered
        | CloseReason::ArrearsPaid
        | CloseReason::ContractRenewed
        | CloseReason::ComplaintSettled
        | CloseReason::ForwardingEnded
        | CloseReason::QualityRecovered
        | CloseReason::OccasionOver => Some(false),
        CloseReason::Contacted
        | CloseReason::MnpHold
        | CloseReason::Superseded
        | CloseReason::OptedOut
        | CloseReason::NotPursued
        | CloseReason::Erased => None,
    }
}

/// A region's names as one path; empty for a customer of no known region.
fn path(region: &[Arc<str>]) -> String {
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
