//! The figures of some tasks: how many there were, what became of them, and which reasons were named.

use crate::model::{CloseReason, Level, Motive, OutcomeResult, Purpose, Task, TaskStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

/// What is counted of tasks. `Opened` is the number of those still open and of those closed; each closed one has one of
/// the reasons from `Saved` to `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskCount {
    /// Tasks there were.
    Opened,
    /// Went up the ladder.
    Escalated,
    /// Customers spoken to.
    Reached,
    /// Customers who could not be reached at the last try.
    Unreachable,
    /// Customers who stay.
    Saved,
    /// Customers who refused the offer.
    Refused,
    /// Customers who left, as an outcome says.
    Lost,
    /// Customers who left, as their contract says.
    Churned,
    /// Closed because the reason went by itself.
    Recovered,
    /// Care and growth: closed because the customer was spoken to.
    Contacted,
    /// Winning back: customers who are back.
    Returned,
    /// Nobody acted in time.
    Expired,
    /// Closed for any other reason.
    Other,
    /// Churn tasks that were right, see [`Figures::precision`].
    Confirmed,
    /// Churn tasks that were wrong.
    Refuted,
}

/// What became of some tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// By [`TaskCount`].
    counts: [u64; TaskCount::ALL.len()],
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

impl TaskCount {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 15] = [
        Self::Opened,
        Self::Escalated,
        Self::Reached,
        Self::Unreachable,
        Self::Saved,
        Self::Refused,
        Self::Lost,
        Self::Churned,
        Self::Recovered,
        Self::Contacted,
        Self::Returned,
        Self::Expired,
        Self::Other,
        Self::Confirmed,
        Self::Refuted,
    ];
    /// Those that only an outcome can make.
    const REPORTED: [Self; 5] = [
        Self::Reached,
        Self::Unreachable,
        Self::Saved,
        Self::Refused,
        Self::Lost,
    ];
    /// Those of closed tasks, by reason.
    const CLOSED: [Self; 9] = [
        Self::Saved,
        Self::Refused,
        Self::Lost,
        Self::Churned,
        Self::Recovered,
        Self::Contacted,
        Self::Returned,
        Self::Expired,
        Self::Other,
    ];

    /// Its name in JSON, metrics and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Escalated => "escalated",
            Self::Reached => "reached",
            Self::Unreachable => "unreachable",
            Self::Saved => "saved",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::Churned => "churned",
            Self::Recovered => "recovered",
            Self::Contacted => "contacted",
            Self::Returned => "returned",
            Self::Expired => "expired",
            Self::Other => "other",
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
        }
    }

    /// Where tasks closed for a reason are counted.
    const fn closed_for(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Saved => Self::Saved,
            CloseReason::Refused => Self::Refused,
            CloseReason::Lost => Self::Lost,
            CloseReason::Churned => Self::Churned,
            CloseReason::UsageRecovered
            | CloseReason::ArrearsPaid
            | CloseReason::ContractRenewed
            | CloseReason::ComplaintSettled
            | CloseReason::ForwardingEnded
            | CloseReason::QualityRecovered
            | CloseReason::LineBarred
            | CloseReason::OccasionOver => Self::Recovered,
            CloseReason::Contacted => Self::Contacted,
            CloseReason::Returned => Self::Returned,
            CloseReason::Expired => Self::Expired,
            CloseReason::MnpHold
            | CloseReason::Superseded
            | CloseReason::OptedOut
            | CloseReason::NotPursued
            | CloseReason::Erased
            | CloseReason::Group => Self::Other,
        }
    }
}

impl Figures {
    /// What a task counts for.
    pub fn of(task: &Task) -> Self {
        let mut figures = Self::default();
        let unreachable = task.outcome == Some(OutcomeResult::Unreachable);
        figures[TaskCount::Opened] = 1;
        figures[TaskCount::Escalated] = u64::from(task.assignee.level > Level::AccountManager);
        figures[TaskCount::Reached] = u64::from(task.contacted_at.is_some());
        figures[TaskCount::Unreachable] = u64::from(unreachable);
        let closed = task
            .close_reason
            .filter(|_| task.status == TaskStatus::Closed);
        if let Some(reason) = closed {
            figures[TaskCount::closed_for(reason)] = 1;
            let no_intention = task.motives.confirmed == Some(Motive::NoIntention);
            if task.purpose == Purpose::Churn {
                match verdict(reason, no_intention) {
                    Some(true) => figures[TaskCount::Confirmed] = 1,
                    Some(false) => figures[TaskCount::Refuted] = 1,
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

    /// The share of churn tasks that were right among those known to be right or wrong: confirmed / (confirmed +
    /// refuted).
    ///
    /// Confirmed are those closed as saved, refused, lost or churned: the customer was about to leave, or has left.
    /// Refuted are those that expired, those whose reason went by itself, and those where an outcome found that the
    /// customer never meant to leave (`confirmed_reason` is `no_intention`). Other tasks say nothing either way, and
    /// neither do care and growth. While nobody reports, tasks can only expire or recover, and there is no precision.
    pub fn precision(&self) -> Option<f64> {
        let (confirmed, refuted) = (self[TaskCount::Confirmed], self[TaskCount::Refuted]);
        let judged = confirmed.saturating_add(refuted);
        let reported = TaskCount::REPORTED.iter().any(|count| self[*count] > 0);
        (judged > 0 && reported).then(|| confirmed as f64 / judged as f64)
    }

    /// Closed tasks.
    pub fn closed(&self) -> u64 {
        TaskCount::CLOSED
            .into_iter()
            .fold(0, |sum, count| sum.saturating_add(self[count]))
    }

    /// Tasks that are open; nothing if more were closed than opened.
    pub fn open(&self) -> Option<u64> {
        self[TaskCount::Opened].checked_sub(self.closed())
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.saturating_add(count);
        }
        for (motive, mentions) in &other.reasons {
            let sum = self.reasons.entry(*motive).or_default();
            sum.stated = sum.stated.saturating_add(mentions.stated);
            sum.confirmed = sum.confirmed.saturating_add(mentions.confirmed);
        }
    }

    /// Counts a task as it is now instead of as it was before.
    pub fn replace(&mut self, former: Option<&Self>, now: &Self) {
        if let Some(former) = former {
            self.take_back(former);
        }
        self.add(now);
    }

    /// Takes back what others count, as far as it is there.
    pub fn take_back(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
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
    pub fn give_back(&mut self, other: &Self) -> Option<()> {
        for (sum, count) in self.counts.iter().zip(other.counts) {
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
    pub fn named(&self) -> [(&'static str, u64); TaskCount::ALL.len()] {
        TaskCount::ALL.map(|count| (count.name(), self[count]))
    }
}

impl Index<TaskCount> for Figures {
    type Output = u64;

    fn index(&self, count: TaskCount) -> &u64 {
        &self.counts[count as usize]
    }
}

impl IndexMut<TaskCount> for Figures {
    fn index_mut(&mut self, count: TaskCount) -> &mut u64 {
        &mut self.counts[count as usize]
    }
}

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
        | CloseReason::LineBarred
        | CloseReason::OccasionOver => Some(false),
        CloseReason::Contacted
        | CloseReason::Returned
        | CloseReason::MnpHold
        | CloseReason::Superseded
        | CloseReason::OptedOut
        | CloseReason::NotPursued
        | CloseReason::Erased
        | CloseReason::Group => None,
    }
}
