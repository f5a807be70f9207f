//! Figures for leads: load, what became of tasks, signals over time.

use super::base::{Store, Stored};
use super::filter::Scope;
use super::sums::{RollupRow, Sums, busiest};
use super::uplift::{self, UpliftRow};
use rusqlite::{Connection, params, params_from_iter};
use serde::Serialize;

/// All figures of a scope.
#[derive(Debug, Default, Serialize)]
pub struct Rollup {
    /// The scope itself.
    pub all: RollupRow,
    /// One level below.
    pub regions: Vec<RollupRow>,
    /// By first-responsible account manager, or queue where there is none.
    pub managers: Vec<RollupRow>,
    /// Who has taken tasks.
    pub holders: Vec<RollupRow>,
    /// By how the customer is looked after.
    pub customers: Vec<RollupRow>,
    /// By trigger.
    pub triggers: Vec<TriggerRow>,
    /// By day, the oldest first.
    pub trend: Vec<TrendDay>,
    /// Why customers would leave, as found out or else as they said.
    pub reasons: Vec<Reasons>,
    /// Why signals raised no task, of all regions: signals have none.
    pub suppressed: Vec<Reasons>,
    /// What tasks achieve: all together first, then by trigger. Since ever: it takes weeks to see who leaves.
    pub uplift: Vec<UpliftRow>,
}

/// A trigger's signals and tasks.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct TriggerRow {
    /// The trigger.
    pub name: String,
    /// Signals of the period, of all regions.
    pub signals: u64,
    /// The tasks whose newest reason it is.
    pub tasks: RollupRow,
}

/// A day's figures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub struct TrendDay {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Signals, of all regions.
    pub signals: u64,
    /// Tasks opened.
    pub opened: u64,
    /// Customers that stay.
    pub saved: u64,
    /// Customers that left.
    pub lost: u64,
    /// Signals that the day's budget had no room for, of all regions.
    pub over_budget: u64,
}

/// How often a reason was given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reasons {
    /// The reason.
    pub name: String,
    /// How often.
    pub times: u64,
}

impl Store {
    /// Figures of a region (empty for all) within a scope, for the days from `first_day` on, which began at `since`. `depth` is
    /// the number of levels of the region.
    ///
    /// # Errors
    /// The store refuses.
    pub fn rollup(
        &self,
        scope: &Scope,
        now: i64,
        first_day: i32,
        since: i64,
        depth: usize,
    ) -> Stored<Rollup> {
        self.read(|connection| {
            let sums = Sums::of(connection, scope, now, since)?;
            let mut triggers: Vec<TriggerRow> = sums
                .triggers
                .into_values()
                .map(|tasks| TriggerRow {
                    signals: 0,
                    name: tasks.name.clone(),
                    tasks,
                })
                .collect();
            for (name, signals) in signals_by_trigger(connection, first_day)? {
                match triggers.iter_mut().find(|row| row.name == name) {
                    Some(row) => row.signals = signals,
                    None => triggers.push(TriggerRow {
                        name,
                        signals,
                        ..TriggerRow::default()
                    }),
                }
            }
            triggers.sort_by(|a, b| (b.signals, &a.name).cmp(&(a.signals, &b.name)));
            let regions: Vec<RollupRow> = sums.regions.into_values().collect();
            Ok(Rollup {
                all: sums.all,
                regions: below(&regions, depth),
                managers: busiest(sums.managers),
                holders: busiest(sums.holders),
                customers: busiest(sums.customers),
                triggers,
                trend: trend(connection, scope, first_day, since)?,
                reasons: reasons(connection, scope, since)?,
                suppressed: suppressed(connection, first_day)?,
                uplift: uplift::within(connection, scope)?,
            })
        })
    }
}

/// Adds regions up that are one at a depth; deeper where that tells nothing apart.
fn below(regions: &[RollupRow], depth: usize) -> Vec<RollupRow> {
    let deepest = regions
        .iter()
        .map(|row| row.name.split('/').count())
        .max()
        .unwrap_or(0);
    let added = (depth..deepest).map(|depth| at_depth(regions, depth));
    let mut added = added.skip_while(|parts| parts.len() == 1 && deepest > depth + 1);
    added.next().unwrap_or_else(|| at_depth(regions, depth))
}

fn at_depth(regions: &[RollupRow], depth: usize) -> Vec<RollupRow> {
    let mut parts: Vec<RollupRow> = Vec::new();
    for row in regions {
        let levels: Vec<&str> = row.name.split('/').take(depth + 1).collect();
        let name = levels.join("/");
        let part = match parts.iter_mut().find(|part| part.name == name) {
            Some(part) => part,
            None => {
                parts.push(RollupRow {
                    name,
                    ..RollupRow::default()
                });
                match parts.last_mut() {
                    Some(part) => part,
                    None => continue,
                }
            }
        };
        part.add(row);
    }
    parts.sort_by(|a, b| (b.overdue, b.open, &a.name).cmp(&(a.overdue, a.open, &b.name)));
    parts
}

fn signals_by_trigger(connection: &Connection, first_day: i32) -> Stored<Vec<(String, u64)>> {
    let sql = "SELECT trigger, sum(signals) FROM signal_day WHERE day >= ?1 GROUP BY trigger";
    let mut find = connection.prepare_cached(sql)?;
    let rows = find.query_map([first_day], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn suppressed(connection: &Connection, first_day: i32) -> Stored<Vec<Reasons>> {
    let sql = "SELECT suppressed, sum(signals) FROM signal_day WHERE day >= ?1 AND suppressed <> ''
        GROUP BY suppressed ORDER BY 2 DESC, 1";
    let mut find = connection.prepare_cached(sql)?;
    let rows = find.query_map([first_day], reasons_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn reasons(connection: &Connection, scope: &Scope, since: i64) -> Stored<Vec<Reasons>> {
    let condition = scope.condition();
    let sql = format!(
        "SELECT coalesce(confirmed_reason, stated_reason) AS reason, count(*) FROM task
         WHERE reason IS NOT NULL AND purpose = 0 AND updated_at >= {since} AND {} GROUP BY reason ORDER BY 2 DESC, 1",
        condition.sql
    );
    let mut find = connection.prepare_cached(&sql)?;
    let rows = find.query_map(params_from_iter(&condition.values), reasons_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn reasons_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Reasons> {
    Ok(Reasons {
        name: row.get(0)?,
        times: row.get(1)?,
    })
}

/// Days are told apart by the length of 24 hours from `since` on, which daylight saving moves by an hour.
fn trend(
    connection: &Connection,
    scope: &Scope,
    first_day: i32,
    since: i64,
) -> Stored<Vec<TrendDay>> {
    let mut days: Vec<TrendDay> = Vec::new();
    let mut at = |day: i32| -> Option<usize> {
        let index = usize::try_from(day - first_day)
            .ok()
            .filter(|index| *index < 400)?;
        while days.len() <= index {
            let day = first_day + days.len() as i32;
            days.push(TrendDay {
                day,
                ..TrendDay::default()
            });
        }
        Some(index)
    };
    let mut found: Vec<(usize, usize, u64)> = Vec::new();
    let sql = "SELECT day, suppressed IN ('over_budget', 'over_capacity'), sum(signals) FROM signal_day WHERE day >= ?1 GROUP BY 1, 2";
    let mut find = connection.prepare_cached(sql)?;
    let mut rows = find.query(params![first_day])?;
    while let Some(row) = rows.next()? {
        if let Some(index) = at(row.get(0)?) {
            found.push((index, if row.get(1)? { 4 } else { 0 }, row.get(2)?));
        }
    }
    let condition = scope.condition();
    for (field, column, further) in [
        (1, "opened_at", "1"),
        (2, "closed_at", "close_reason = 'saved'"),
        (3, "closed_at", "close_reason IN ('lost', 'churned')"),
    ] {
        let sql = format!(
            "SELECT ({column} - {since}) / 86400000, count(*) FROM task
             WHERE {column} >= {since} AND {further} AND {} GROUP BY 1",
            condition.sql
        );
        let mut find = connection.prepare_cached(&sql)?;
        let mut rows = find.query(params_from_iter(&condition.values))?;
        while let Some(row) = rows.next()? {
            if let Some(index) = at(first_day.saturating_add(row.get(0)?)) {
                found.push((index, field, row.get(1)?));
            }
        }
    }
    for (index, field, count) in found {
        let day = &mut days[index];
        match field {
            0 => day.signals += count,
            1 => day.opened += count,
            2 => day.saved += count,
            3 => day.lost += count,
            _ => {
                day.signals += count;
                day.over_budget += count;
            }
        }
    }
    Ok(days)
}
