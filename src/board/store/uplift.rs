//! What tasks achieve, as the detector counts it: the latest count of each partition and region.

use super::base::Stored;
use super::filter::Scope;
use crate::model::{Comparison, Fates, Followed, HORIZON_DAYS};
use rusqlite::{Connection, params, params_from_iter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the tasks that a trigger raised achieve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpliftRow {
    /// The trigger, which was the first reason; empty for all together.
    pub trigger: String,
    /// Subscribers who got a task and were followed.
    pub with_task: u64,
    /// Subscribers who were held out and followed.
    pub held_out: u64,
    /// What became of them, by horizon.
    pub horizons: Vec<UpliftHorizon>,
}

/// Both groups at the end of a horizon.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpliftHorizon {
    /// Days after the task.
    pub days: u16,
    /// Those with a task.
    pub with_task: Fates,
    /// Those held out.
    pub held_out: Fates,
    /// The difference, and what may be said of it.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// A record of the topic.
#[derive(Deserialize)]
struct Counts {
    partition: i32,
    region: String,
    counts: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    trigger: String,
    with_task: Group,
    held_out: Group,
}

#[derive(Deserialize)]
struct Group {
    entered: u64,
    horizons: Vec<End>,
}

#[derive(Deserialize)]
struct End {
    days: u16,
    #[serde(flatten)]
    fates: Fates,
}

/// Those with a task, and those held out.
#[derive(Default)]
struct Groups([Followed; 2]);

impl Groups {
    fn add(&mut self, row: &Row) {
        for (sum, group) in self.0.iter_mut().zip([&row.with_task, &row.held_out]) {
            let mut followed = Followed {
                entered: group.entered,
                ..Followed::default()
            };
            for (fates, days) in followed.horizons.iter_mut().zip(HORIZON_DAYS) {
                let end = group.horizons.iter().find(|end| end.days == days);
                *fates = end.map(|end| end.fates).unwrap_or_default();
            }
            sum.add(&followed);
        }
    }

    fn row(&self, trigger: &str) -> UpliftRow {
        let [with_task, held_out] = &self.0;
        let fates = with_task.horizons.into_iter().zip(held_out.horizons);
        let horizons = HORIZON_DAYS.into_iter().zip(fates).enumerate();
        UpliftRow {
            trigger: trigger.to_owned(),
            with_task: with_task.entered,
            held_out: held_out.entered,
            horizons: horizons
                .map(|(place, (days, fates))| UpliftHorizon {
                    days,
                    with_task: fates.0,
                    held_out: fates.1,
                    comparison: Comparison::new(with_task.share(place), held_out.share(place)),
                })
                .collect(),
        }
    }
}

/// Takes a record in, or why it does not read.
pub(super) fn take(connection: &Connection, value: &[u8]) -> Stored<Result<(), serde_json::Error>> {
    let counts: Counts = match serde_json::from_slice(value) {
        Ok(counts) => counts,
        Err(error) => return Ok(Err(error)),
    };
    let text = String::from_utf8_lossy(value);
    connection
        .prepare_cached("INSERT OR REPLACE INTO uplift VALUES (?1, ?2, ?3)")?
        .execute(params![counts.partition, counts.region, text])?;
    Ok(Ok(()))
}

/// What tasks achieve in a scope: all together first, then by trigger. Nothing where nobody was held out.
pub(super) fn within(connection: &Connection, scope: &Scope) -> Stored<Vec<UpliftRow>> {
    let condition = scope.condition();
    let sql = format!("SELECT counts FROM uplift WHERE {}", condition.sql);
    let mut find = connection.prepare_cached(&sql)?;
    let texts = find.query_map(params_from_iter(&condition.values), |row| {
        row.get::<_, String>(0)
    })?;
    let (mut all, mut triggers) = (Groups::default(), BTreeMap::<String, Groups>::new());
    for text in texts {
        // It was read once already.
        let Ok(counts) = serde_json::from_str::<Counts>(&text?) else {
            continue;
        };
        for row in &counts.counts {
            all.add(row);
            triggers.entry(row.trigger.clone()).or_default().add(row);
        }
    }
    if triggers.is_empty() {
        return Ok(Vec::new());
    }
    let triggers = triggers.iter().map(|(name, groups)| groups.row(name));
    Ok(std::iter::once(all.row("")).chain(triggers).collect())
}
