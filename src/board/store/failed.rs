//! Alerts that were given up, and that an admin has sent again.

use super::alerts::{WaitingAlert, forget, key, put_waiting};
use super::base::{Store, Stored};
use super::filter::Scope;
use super::outbox;
use super::topics::Topics;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use serde::{Deserialize, Serialize};

/// An alert that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAlert {
    /// Who was to be told.
    #[serde(default)]
    pub receiver: String,
    /// Its name.
    #[serde(default)]
    pub alert_id: String,
    /// Of which task.
    pub task_id: String,
    /// `new`, `escalated`, `due_soon` or `overdue`.
    pub kind: String,
    /// When it was given up, in milliseconds since 1970.
    pub at: i64,
    /// What went wrong the last time.
    pub reason: String,
    /// What it said, to be sent again. Lists are without it, and records of earlier versions of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<FailedText>,
}

/// What an alert said that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedText {
    /// Whoever has this partition of the tasks' topic delivers it.
    pub partition: i32,
    /// What is said.
    pub alert: serde_json::Value,
}

impl Store {
    /// Alerts that were given up, the latest first: of tasks of a scope, and how many there are.
    ///
    /// # Errors
    /// The store refuses.
    pub fn failed_alerts(&self, scope: &Scope, most: u32) -> Stored<(Vec<FailedAlert>, u64)> {
        self.read(|connection| {
            let condition = scope.condition();
            let from = format!(
                "FROM alert_failed WHERE task_id IN (SELECT id FROM task WHERE {})",
                condition.sql
            );
            let count = connection
                .prepare_cached(&format!("SELECT count(*) {from}"))?
                .query_row(params_from_iter(&condition.values), |row| row.get(0))?;
            let sql = format!("SELECT {FAILED} {from} ORDER BY at DESC, alert_id LIMIT ?");
            let values = condition.values.iter().cloned().chain([Value::from(most)]);
            let mut find = connection.prepare_cached(&sql)?;
            let failed = find.query_map(params_from_iter(values), failed_of)?;
            Ok((failed.collect::<Result<_, _>>()?, count))
        })
    }

    /// Alerts of a receiver that were given up and can be sent again: one, or with an empty name all.
    ///
    /// # Errors
    /// The store refuses.
    pub fn resendable(&self, receiver: &str, alert_id: &str) -> Stored<Vec<FailedAlert>> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {FAILED}, said FROM alert_failed
                 WHERE receiver = ?1 AND (?2 = '' OR alert_id = ?2) AND said IS NOT NULL"
            );
            let mut find = connection.prepare_cached(&sql)?;
            let found = find.query_map([receiver, alert_id], |row| {
                let said: String = row.get(6)?;
                Ok(FailedAlert {
                    said: serde_json::from_str(&said).ok(),
                    ..failed_of(row)?
                })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
    }

    /// Notes that alerts that were given up wait again. The board that has their partition sends them.
    ///
    /// # Errors
    /// The store refuses.
    pub fn resend(&self, topics: &Topics, failed: Vec<FailedAlert>, now: i64) -> Stored<()> {
        self.write_aside(|connection| {
            for failed in failed {
                let Some(said) = failed.said else { continue };
                let (receiver, alert_id) = (failed.receiver, failed.alert_id);
                forget(connection, "alert_failed", &receiver, &alert_id)?;
                let letter = outbox::removal(&topics.board, &key("failed", &receiver, &alert_id));
                outbox::put(connection, &letter, now)?;
                let waiting = WaitingAlert {
                    receiver,
                    alert_id,
                    partition: said.partition,
                    since: now,
                    alert: said.alert,
                    resent: true,
                };
                put_waiting(connection, topics, &waiting)?;
            }
            Ok(())
        })
    }
}

pub(super) fn keep(
    connection: &Connection,
    receiver: &str,
    alert_id: &str,
    failed: &FailedAlert,
) -> Stored<()> {
    let said = failed
        .said
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO alert_failed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            receiver,
            alert_id,
            failed.task_id,
            failed.kind,
            failed.at,
            failed.reason,
            said
        ])?;
    Ok(())
}

/// The columns that [`failed_of`] reads.
const FAILED: &str = "receiver, alert_id, task_id, kind, at, reason";

fn failed_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<FailedAlert> {
    Ok(FailedAlert {
        receiver: row.get(0)?,
        alert_id: row.get(1)?,
        task_id: row.get(2)?,
        kind: row.get(3)?,
        at: row.get(4)?,
        reason: row.get(5)?,
        said: None,
    })
}
