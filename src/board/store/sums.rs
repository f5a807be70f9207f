//! Sums of tasks.

use super::base::{Store, Stored};
use super::filter::Scope;
use crate::board::task::TIERS;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Rows shown of a breakdown.
const ROWS: usize = 200;

/// Load and results of a part.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct RollupRow {
    /// Which part.
    pub name: String,
    /// Whether that is a queue, of tasks without an account manager.
    pub is_queue: bool,
    /// Open tasks.
    pub open: u64,
    /// Of those that people do: their time is over, and nobody has reported a contact.
    pub overdue: u64,
    /// Handed up the ladder.
    pub escalated: u64,
    /// Somebody has taken them.
    pub taken: u64,
    /// Put off until later.
    pub snoozed: u64,
    /// Closed since the beginning of the period.
    pub closed: u64,
    /// Closed since then because the customer stays.
    pub saved: u64,
    /// Because the customer refused.
    pub refused: u64,
    /// Because the customer left.
    pub lost: u64,
    /// Churn tasks of which somebody found out that the customer never meant to leave.
    pub false_alarms: u64,
    /// Churn tasks with any result of a talk.
    pub answered: u64,
}

impl RollupRow {
    pub(super) fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.overdue += other.overdue;
        self.escalated += other.escalated;
        self.taken += other.taken;
        self.snoozed += other.snoozed;
        self.closed += other.closed;
        self.saved += other.saved;
        self.refused += other.refused;
        self.lost += other.lost;
        self.false_alarms += other.false_alarms;
        self.answered += other.answered;
    }

    /// The share of answered tasks that were no false alarms; nothing while nobody has answered.
    pub fn precision(&self) -> Option<f64> {
        (self.answered > 0).then(|| 1.0 - self.false_alarms as f64 / self.answered as f64)
    }
}

/// Whether people do a task, and its time is over without a contact.
fn is_overdue(now: i64) -> String {
    format!("open AND due_at < {now} AND contacted_at IS NULL AND channel <> 'bulk_campaign'")
}

impl Store {
    /// By tier: open tasks, and those of them that are overdue.
    ///
    /// # Errors
    /// The store refuses.
    pub fn tasks_by_tier(&self, now: i64) -> Stored<Vec<(&'static str, u64, u64)>> {
        self.read(|connection| {
            let sql = format!(
                "SELECT count(*), coalesce(sum({}), 0) FROM task WHERE open = 1 AND tier = ?1",
                is_overdue(now)
            );
            let mut find = connection.prepare(&sql)?;
            let of = |(place, tier): (usize, &&'static str)| {
                let found = find.query_row([place], |row| Ok((row.get(0)?, row.get(1)?)));
                found.map(|(open, overdue)| (*tier, open, overdue))
            };
            Ok(TIERS.iter().enumerate().map(of).collect::<Result<_, _>>()?)
        })
    }
}

/// Sums of the tasks of a scope, as a whole and by what leads ask for.
#[derive(Default)]
pub(super) struct Sums {
    pub all: RollupRow,
    pub regions: Parts,
    /// By first-responsible account manager, or queue where there is none.
    pub managers: Parts,
    pub holders: Parts,
    /// By newest reason.
    pub triggers: Parts,
    /// By how the customer is looked after.
    pub customers: Parts,
}

/// Sums by the name of a part.
type Parts = BTreeMap<String, RollupRow>;

/// Counts a task for its part.
fn count(parts: &mut Parts, name: &str, task: &RollupRow) {
    if let Some(part) = parts.get_mut(name) {
        return part.add(task);
    }
    let name = name.to_owned();
    let part = RollupRow {
        name: name.clone(),
        ..task.clone()
    };
    parts.insert(name, part);
}

impl Sums {
    /// Reads each task once: to let SQLite group them five times takes three times as long.
    pub fn of(connection: &Connection, scope: &Scope, now: i64, since: i64) -> Stored<Self> {
        let condition = scope.condition();
        // Numbers stand in the text: they come from clocks, not from people.
        let sql = format!(
            "SELECT region, manager, queue, coalesce(holder, ''), trigger, open,
               {}, open AND level > 0,
               open AND snoozed_until > {now}, coalesce(closed_at >= {since}, 0), coalesce(close_reason, ''),
               purpose = 0 AND coalesce(confirmed_reason, '') = 'no_intention',
               purpose = 0 AND (confirmed_reason IS NOT NULL OR coalesce(outcome, '') IN ('reached', 'saved', 'refused', 'lost')),
               customer_kind
             FROM task WHERE (open OR closed_at >= {since}) AND {}",
            is_overdue(now),
            condition.sql
        );
        let mut find = connection.prepare_cached(&sql)?;
        let mut rows = find.query(params_from_iter(&condition.values))?;
        let mut sums = Self::default();
        while let Some(row) = rows.next()? {
            let text = |index: usize| {
                row.get_ref(index)
                    .map(|text| text.as_str().unwrap_or_default())
            };
            let flag = |index: usize| row.get::<_, bool>(index);
            let (manager, holder) = (text(1)?, text(3)?);
            let recent = flag(9)?;
            let closed_as =
                |reasons: &[&str]| text(10).map(|it| u64::from(recent && reasons.contains(&it)));
            let task = RollupRow {
                is_queue: false,
                name: String::new(),
                open: flag(5)?.into(),
                overdue: flag(6)?.into(),
                escalated: flag(7)?.into(),
                taken: (flag(5)? && !holder.is_empty()).into(),
                snoozed: flag(8)?.into(),
                closed: recent.into(),
                saved: closed_as(&["saved"])?,
                refused: closed_as(&["refused"])?,
                lost: closed_as(&["lost", "churned"])?,
                false_alarms: flag(11)?.into(),
                answered: flag(12)?.into(),
            };
            sums.all.add(&task);
            count(&mut sums.regions, text(0)?, &task);
            count(&mut sums.triggers, text(4)?, &task);
            count(&mut sums.customers, text(13)?, &task);
            if !holder.is_empty() {
                count(&mut sums.holders, holder, &task);
            }
            if manager.is_empty() {
                let task = RollupRow {
                    is_queue: true,
                    ..task
                };
                count(&mut sums.managers, text(2)?, &task);
            } else {
                count(&mut sums.managers, manager, &task);
            }
        }
        Ok(sums)
    }
}

/// The parts with the most that is overdue first, and then with the most open tasks.
pub(super) fn busiest(parts: Parts) -> Vec<RollupRow> {
    let mut rows: Vec<RollupRow> = parts.into_values().collect();
    rows.sort_by_key(|row| Reverse((row.overdue, row.open)));
    rows.truncate(ROWS);
    rows
}
