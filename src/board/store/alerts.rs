//! What the board has told of tasks, and could not tell. Each row is a record of the board's topic, so that the board that
//! takes a partition over knows it.

use super::base::{Store, Stored};
use super::failed::{self, FailedAlert};
use super::outbox::{self, Letter};
use super::tasks::{self, Row};
use super::topics::Topics;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An alert that could not be delivered yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitingAlert {
    /// Of whom.
    #[serde(skip)]
    pub receiver: String,
    /// Its name.
    #[serde(skip)]
    pub alert_id: String,
    /// Whoever has this partition of the tasks' topic delivers it.
    pub partition: i32,
    /// Since when it waits, in milliseconds since 1970.
    pub since: i64,
    /// What is said.
    pub alert: serde_json::Value,
    /// Whether an admin has it sent again, after it had failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resent: bool,
}

/// A receiver that wants nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneReceiver {
    /// Since when, in milliseconds since 1970.
    pub at: i64,
    /// A hash of where it was: somewhere else it may want alerts again.
    pub target: String,
}

/// That it was said that time has passed.
#[derive(Serialize, Deserialize)]
struct Said {
    at: i64,
}

/// What an alert's record is named by.
pub(super) fn key(what: &str, first: &str, second: &str) -> String {
    format!("alert/{what}/{first}/{second}")
}

impl Store {
    /// Notes an alert that waits. Returns the number of its letter.
    ///
    /// # Errors
    /// The store refuses.
    pub fn note_waiting_alert(&self, topics: &Topics, waiting: &WaitingAlert) -> Stored<i64> {
        self.write_aside(|connection| {
            put_waiting(connection, topics, waiting)?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Notes that an alert waits no more, because it was delivered or, with `failed`, given up.
    ///
    /// # Errors
    /// The store refuses.
    pub fn end_alert(
        &self,
        topics: &Topics,
        receiver: &str,
        alert_id: &str,
        failed: Option<&FailedAlert>,
    ) -> Stored<i64> {
        self.write_aside(|connection| {
            if forget(connection, "alert_waiting", receiver, alert_id)? {
                let letter = outbox::removal(&topics.board, &key("waiting", receiver, alert_id));
                outbox::put(connection, &letter, 0)?;
            }
            if let Some(failed) = failed {
                failed::keep(connection, receiver, alert_id, failed)?;
                let letter = Letter {
                    topic: topics.board.clone(),
                    key: key("failed", receiver, alert_id),
                    value: Some(serde_json::to_vec(failed)?),
                };
                outbox::put(connection, &letter, failed.at)?;
            }
            Ok(connection.last_insert_rowid())
        })
    }

    /// Notes that it was said that time has passed.
    ///
    /// # Errors
    /// The store refuses.
    pub fn note_said(&self, topics: &Topics, task_id: &str, kind: &str, at: i64) -> Stored<()> {
        self.write_aside(|connection| {
            keep_said(connection, task_id, kind, at)?;
            let letter = Letter {
                topic: topics.board.clone(),
                key: key("said", task_id, kind),
                value: Some(serde_json::to_vec(&Said { at })?),
            };
            outbox::put(connection, &letter, at)
        })
    }

    /// Notes that a receiver wants nothing any more, or with nothing that it does.
    ///
    /// # Errors
    /// The store refuses.
    pub fn note_gone(
        &self,
        topics: &Topics,
        receiver: &str,
        gone: Option<&GoneReceiver>,
        at: i64,
    ) -> Stored<()> {
        self.write_aside(|connection| {
            let name = format!("alert/gone/{receiver}");
            let letter = match gone {
                Some(gone) => {
                    keep_gone(connection, receiver, gone)?;
                    let value = Some(serde_json::to_vec(gone)?);
                    Letter {
                        topic: topics.board.clone(),
                        key: name,
                        value,
                    }
                }
                None => {
                    connection.execute("DELETE FROM alert_gone WHERE receiver = ?1", [receiver])?;
                    outbox::removal(&topics.board, &name)
                }
            };
            outbox::put(connection, &letter, at)
        })
    }

    /// Receivers that want nothing any more.
    ///
    /// # Errors
    /// The store refuses.
    pub fn gone_receivers(&self) -> Stored<BTreeMap<String, GoneReceiver>> {
        self.read(|connection| {
            let mut find =
                connection.prepare_cached("SELECT receiver, at, target FROM alert_gone")?;
            let gone = find.query_map([], |row| {
                Ok((
                    row.get(0)?,
                    GoneReceiver {
                        at: row.get(1)?,
                        target: row.get(2)?,
                    },
                ))
            })?;
            Ok(gone.collect::<Result<_, _>>()?)
        })
    }

    /// Alerts of some partitions that wait, the oldest first: all, or those that were sent again.
    ///
    /// # Errors
    /// The store refuses.
    pub fn waiting_alerts(
        &self,
        partitions: &[i32],
        resent_only: bool,
    ) -> Stored<Vec<WaitingAlert>> {
        self.read(|connection| {
            let sql =
                "SELECT receiver, alert_id, partition, since, alert, resent FROM alert_waiting
                WHERE resent >= ?1 ORDER BY since";
            let mut find = connection.prepare_cached(sql)?;
            let waiting = find.query_map([resent_only], |row| {
                let alert: String = row.get(4)?;
                Ok(WaitingAlert {
                    receiver: row.get(0)?,
                    alert_id: row.get(1)?,
                    partition: row.get(2)?,
                    since: row.get(3)?,
                    alert: serde_json::from_str(&alert).unwrap_or_default(),
                    resent: row.get(5)?,
                })
            })?;
            let ours = waiting.filter(|waiting| {
                waiting
                    .as_ref()
                    .map_or(true, |waiting| partitions.contains(&waiting.partition))
            });
            Ok(ours.collect::<Result<_, _>>()?)
        })
    }

    /// Open tasks that nobody has contacted, whose time is over since `from` or will be until `until`, and of which that was not
    /// said. `of` says whether a task is ours. With each, whether its time is over.
    ///
    /// # Errors
    /// The store refuses.
    pub fn tasks_due(
        &self,
        now: i64,
        from: i64,
        until: i64,
        of: impl Fn(&str) -> bool,
    ) -> Stored<Vec<(Row, bool)>> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {} FROM task WHERE open = 1 AND contacted_at IS NULL AND answered_at IS NULL AND due_at BETWEEN ?1 AND ?2
                   AND channel <> 'bulk_campaign'
                   AND NOT EXISTS (SELECT 1 FROM alert_said WHERE task_id = task.id
                     AND kind = CASE WHEN due_at <= ?3 THEN 'overdue' ELSE 'due_soon' END)",
                tasks::COLUMNS
            );
            let mut find = connection.prepare_cached(&sql)?;
            let mut rows = find.query(params![from, until, now])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                let id = row.get_ref(0)?.as_str().unwrap_or_default();
                if of(id) {
                    let row = tasks::row_of(row)?;
                    let is_over = row.due_at <= now;
                    due.push((row, is_over));
                }
            }
            Ok(due)
        })
    }

    /// Whether the brokers have taken a letter and all before it.
    ///
    /// # Errors
    /// The store refuses.
    pub fn oldest_letter(&self) -> Stored<Option<i64>> {
        self.read(|connection| {
            let sql = "SELECT min(number) FROM outbox";
            Ok(connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))?)
        })
    }

    /// Forgets what was said of tasks that are done with before a moment, and what failed for tasks that are gone.
    ///
    /// # Errors
    /// The store refuses.
    pub fn tidy_alerts(&self, topics: &Topics, before: i64) -> Stored<()> {
        self.write_aside(|connection| {
            let pairs = |sql: &str| -> Stored<Vec<(String, String)>> {
                let mut find = connection.prepare_cached(sql)?;
                let found = find.query_map([before], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(found.collect::<Result<_, _>>()?)
            };
            let said = "SELECT task_id, kind FROM alert_said WHERE at < ?1
                AND NOT EXISTS (SELECT 1 FROM task WHERE id = task_id AND open = 1) LIMIT 1000";
            for (task_id, kind) in pairs(said)? {
                forget(connection, "alert_said", &task_id, &kind)?;
                let letter = outbox::removal(&topics.board, &key("said", &task_id, &kind));
                outbox::put(connection, &letter, before)?;
            }
            let failed = "SELECT receiver, alert_id FROM alert_failed WHERE at < ?1
                AND NOT EXISTS (SELECT 1 FROM task WHERE id = task_id) LIMIT 1000";
            for (receiver, alert_id) in pairs(failed)? {
                forget(connection, "alert_failed", &receiver, &alert_id)?;
                let letter = outbox::removal(&topics.board, &key("failed", &receiver, &alert_id));
                outbox::put(connection, &letter, before)?;
            }
            Ok(())
        })
    }
}

/// Forgets all alerts of a task, and says so in the board's topic.
pub(super) fn erase(
    connection: &Connection,
    task_id: &str,
    topics: &Topics,
    at: i64,
) -> Stored<()> {
    for (what, table, condition) in [
        ("said", "alert_said", "task_id = ?1"),
        (
            "waiting",
            "alert_waiting",
            "json_extract(alert, '$.task_id') = ?1",
        ),
        ("failed", "alert_failed", "task_id = ?1"),
    ] {
        let [first, second] = columns(table);
        let sql = format!("DELETE FROM {table} WHERE {condition} RETURNING {first}, {second}");
        let mut gone = connection.prepare_cached(&sql)?;
        let gone = gone.query_map([task_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let gone: Vec<(String, String)> = gone.collect::<Result<_, _>>()?;
        for (first, second) in gone {
            let letter = outbox::removal(&topics.board, &key(what, &first, &second));
            outbox::put(connection, &letter, at)?;
        }
    }
    Ok(())
}

/// Takes in what a board has noted; `key` is what stands behind `alert/`.
pub(super) fn take(
    connection: &Connection,
    key: &str,
    value: Option<&[u8]>,
) -> Stored<Result<(), serde_json::Error>> {
    let Some((what, name)) = key.split_once('/') else {
        return Ok(Ok(()));
    };
    if what == "gone" {
        let Some(bytes) = value else {
            connection.execute("DELETE FROM alert_gone WHERE receiver = ?1", [name])?;
            return Ok(Ok(()));
        };
        return read(bytes, |gone| keep_gone(connection, name, &gone));
    }
    // Names of receivers and kinds have no slash; those of tasks may.
    let split = if what == "said" {
        name.rsplit_once('/')
    } else {
        name.split_once('/')
    };
    let Some((first, second)) = split else {
        return Ok(Ok(()));
    };
    let table = match what {
        "said" => "alert_said",
        "waiting" => "alert_waiting",
        "failed" => "alert_failed",
        // Of a newer version of the program.
        _ => return Ok(Ok(())),
    };
    let Some(bytes) = value else {
        return forget(connection, table, first, second).map(|_| Ok(()));
    };
    match what {
        "said" => read(bytes, |said: Said| {
            keep_said(connection, first, second, said.at)
        }),
        "failed" => read(bytes, |failed| {
            failed::keep(connection, first, second, &failed)
        }),
        _ => read(bytes, |waiting: WaitingAlert| {
            let (receiver, alert_id) = (first.to_owned(), second.to_owned());
            keep_waiting(
                connection,
                &WaitingAlert {
                    receiver,
                    alert_id,
                    ..waiting
                },
            )
        }),
    }
}

fn read<T: serde::de::DeserializeOwned>(
    bytes: &[u8],
    keep: impl FnOnce(T) -> Stored<()>,
) -> Stored<Result<(), serde_json::Error>> {
    match serde_json::from_slice(bytes) {
        Ok(record) => keep(record).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

fn keep_said(connection: &Connection, task_id: &str, kind: &str, at: i64) -> Stored<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO alert_said VALUES (?1, ?2, ?3)")?
        .execute(params![task_id, kind, at])?;
    Ok(())
}

pub(super) fn put_waiting(
    connection: &Connection,
    topics: &Topics,
    waiting: &WaitingAlert,
) -> Stored<()> {
    keep_waiting(connection, waiting)?;
    let letter = Letter {
        topic: topics.board.clone(),
        key: key("waiting", &waiting.receiver, &waiting.alert_id),
        value: Some(serde_json::to_vec(waiting)?),
    };
    outbox::put(connection, &letter, waiting.since)
}

fn keep_waiting(connection: &Connection, waiting: &WaitingAlert) -> Stored<()> {
    let alert = serde_json::to_string(&waiting.alert)?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO alert_waiting VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            waiting.receiver,
            waiting.alert_id,
            waiting.partition,
            waiting.since,
            alert,
            waiting.resent
        ])?;
    Ok(())
}

fn keep_gone(connection: &Connection, receiver: &str, gone: &GoneReceiver) -> Stored<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO alert_gone VALUES (?1, ?2, ?3)")?
        .execute(params![receiver, gone.at, gone.target])?;
    Ok(())
}

/// Returns whether there was anything.
pub(super) fn forget(
    connection: &Connection,
    table: &str,
    first: &str,
    second: &str,
) -> Stored<bool> {
    let [one, two] = columns(table);
    let sql = format!("DELETE FROM {table} WHERE {one} = ?1 AND {two} = ?2 RETURNING 1");
    let gone: Option<i64> = connection
        .prepare_cached(&sql)?
        .query_row([first, second], |row| row.get(0))
        .optional()?;
    Ok(gone.is_some())
}

/// The columns that name a row.
fn columns(table: &str) -> [&'static str; 2] {
    match table {
        "alert_said" => ["task_id", "kind"],
        _ => ["receiver", "alert_id"],
    }
}
