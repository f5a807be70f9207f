//! The taskbook as an image holds it, and back.

use super::budget::{Candidate, Waiting};
use super::capacity::Loads;
use super::contact_history::ContactHistoryRecord;
use super::tally::Tally;
use super::taskbook::{AtOnce, Taskbook};
use super::uplift::Uplift;
use crate::engine::codec::Problem;
use crate::model::{Msisdn, Purpose, Task};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything in a book, by slot.
pub struct TaskbookRecord {
    /// Open tasks.
    pub tasks: Vec<(u32, Task)>,
    /// What is known of those contacted lately.
    pub contact_histories: Vec<(u32, ContactHistoryRecord)>,
    /// What waits.
    pub candidates: Vec<(u32, Candidate)>,
    /// What became of tasks.
    pub tally: Tally,
    /// What tasks achieve.
    pub uplift: Uplift,
}

impl Taskbook {
    /// Open tasks.
    pub fn open_tasks(&self) -> usize {
        self.open.len()
    }

    /// Subscribers with a contact history.
    pub fn contact_histories(&self) -> usize {
        self.contact_histories.len()
    }

    /// Candidates of all purposes.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The book of an archive.
    pub fn restored(record: TaskbookRecord, urgent: AtOnce, loads: Loads) -> Result<Self, Problem> {
        let mut book = Self {
            urgent,
            loads,
            ..Self::default()
        };
        for (slot, task) in record.tasks {
            let key = (slot, task.purpose);
            if book
                .open
                .last_key_value()
                .is_some_and(|(last, _)| *last >= key)
            {
                return Err("has tasks out of order");
            }
            book.schedule_escalation(slot, &task);
            book.open.insert(key, Arc::new(task));
        }
        for (slot, record) in record.contact_histories {
            let last = book.contact_histories.last_key_value();
            if last.is_some_and(|(last, _)| *last >= slot) {
                return Err("has contact histories out of order");
            }
            book.contact_histories.insert(slot, Arc::new(record.into()));
        }
        book.waiting = waiting(record.candidates)?;
        let tally = record.tally;
        tally.check(book.open_tasks(), book.all_tasks().map(|(_, task)| task))?;
        book.tally = Arc::new(tally);
        book.uplift = Arc::new(record.uplift);
        Ok(book)
    }

    /// The slots the book knows something about.
    pub fn slots(&self) -> BTreeSet<u32> {
        let tasks = self.open.keys().map(|(slot, _)| *slot);
        let candidates = self.waiting.iter().map(|(slot, _)| slot);
        tasks
            .chain(self.contact_histories.keys().copied())
            .chain(candidates)
            .collect()
    }

    /// Whose each task and candidate says it is, with its slot.
    pub fn owners(&self) -> impl Iterator<Item = (u32, Msisdn)> {
        let tasks = self.all_tasks().map(|(slot, task)| (slot, task.msisdn));
        let candidates = self.waiting.iter();
        tasks.chain(candidates.filter_map(|(slot, candidate)| Some((slot, candidate.owner()?.1))))
    }

    /// The open tasks by slot.
    pub fn tasks(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.open.iter().map(|((slot, _), task)| (*slot, &**task))
    }

    /// The open tasks and those that can be corrected, each with its slot.
    pub fn all_tasks(&self) -> impl Iterator<Item = (u32, &Task)> {
        let correctable = self
            .contact_histories
            .iter()
            .flat_map(|(slot, contact_history)| {
                let correctable = contact_history.correctable.iter();
                correctable.map(|task| (*slot, &**task))
            });
        self.tasks().chain(correctable)
    }

    /// The contact histories by slot.
    pub fn records(&self) -> impl Iterator<Item = (u32, ContactHistoryRecord)> {
        let all = self.contact_histories.iter();
        all.map(|(slot, contact_history)| (*slot, (&**contact_history).into()))
    }

    /// The candidates by slot and purpose.
    pub fn waiting_list(&self) -> impl Iterator<Item = (u32, &Candidate)> {
        self.waiting.iter()
    }
}

fn waiting(candidates: Vec<(u32, Candidate)>) -> Result<Waiting, Problem> {
    let mut waiting = Waiting::default();
    let mut last: Option<(u32, Purpose)> = None;
    for (slot, candidate) in candidates {
        if candidate.published > candidate.signals.len() {
            return Err("has a candidate with more signals published than it has");
        }
        let owner = candidate.owner();
        let Some((purpose, _)) = owner else {
            return Err("has a candidate without signals");
        };
        let mut signals = candidate.signals.iter();
        if signals.any(|signal| Some((signal.purpose, signal.msisdn)) != owner) {
            return Err("has a candidate of several purposes or subscribers");
        }
        if last.replace((slot, purpose)) >= Some((slot, purpose)) {
            return Err("has candidates out of order");
        }
        waiting.insert(slot, candidate);
    }
    Ok(waiting)
}
