//! Who saw a number, took something away or changed something.

use super::base::{Store, Stored};
use super::outbox;
use super::topics::Topics;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// One deed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its name.
    #[serde(skip)]
    pub id: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// With which task; empty for none, and after its subscriber was erased.
    pub task_id: String,
    /// More of it; never a number.
    pub detail: String,
}

/// Which deeds to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFilter {
    /// Of whom; empty for all.
    #[serde(default)]
    pub who: String,
    /// Of which kind; empty for all.
    #[serde(default)]
    pub what: String,
    /// With which task; empty for all.
    #[serde(default)]
    pub task: String,
    /// Only those before a moment, in milliseconds since 1970; 0 for the latest.
    #[serde(default)]
    pub before: i64,
}

/// Deeds shown at most.
const SHOWN: u32 = 500;

impl Store {
    /// Notes a deed that changes nothing here.
    ///
    /// # Errors
    /// The store refuses.
    pub fn note(&self, entry: &AuditEntry, topics: &Topics) -> Stored<()> {
        self.write_aside(|connection| note(connection, entry, topics))
    }

    /// The latest deeds, the last first.
    ///
    /// # Errors
    /// The store refuses.
    pub fn audit(&self, filter: &AuditFilter) -> Stored<Vec<AuditEntry>> {
        self.read(|connection| {
            let sql = "SELECT id, at, who, what, task_id, detail FROM audit
                WHERE (?1 = '' OR who = ?1) AND (?2 = '' OR what = ?2) AND (?3 = '' OR task_id = ?3)
                  AND (?5 = 0 OR at < ?5)
                ORDER BY at DESC, id LIMIT ?4";
            let mut find = connection.prepare_cached(sql)?;
            let of = params![filter.who, filter.what, filter.task, SHOWN, filter.before];
            let entries = find.query_map(of, entry_of)?;
            Ok(entries.collect::<Result<_, _>>()?)
        })
    }
}

/// Who took a task, put it off or passed it on. What people wrote and answered is kept with the task itself.
pub(super) fn of_task(connection: &Connection, id: &str) -> Stored<Vec<AuditEntry>> {
    let sql = "SELECT id, at, who, what, task_id, detail FROM audit WHERE task_id = ?1
        AND what IN ('take', 'take_over', 'release', 'hand_over', 'snooze') ORDER BY at, id";
    let mut find = connection.prepare_cached(sql)?;
    let entries = find.query_map([id], entry_of)?;
    Ok(entries.collect::<Result<_, _>>()?)
}

fn entry_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get(0)?,
        at: row.get(1)?,
        who: row.get(2)?,
        what: row.get(3)?,
        task_id: row.get(4)?,
        detail: row.get(5)?,
    })
}

pub(super) fn note(connection: &Connection, entry: &AuditEntry, topics: &Topics) -> Stored<()> {
    keep(connection, entry)?;
    outbox::put(connection, &letter(entry, topics)?, entry.at)
}

fn letter(entry: &AuditEntry, topics: &Topics) -> Stored<outbox::Letter> {
    Ok(outbox::Letter {
        topic: topics.board.clone(),
        key: format!("audit/{}", entry.id),
        value: Some(serde_json::to_vec(entry)?),
    })
}

fn keep(connection: &Connection, entry: &AuditEntry) -> Stored<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            entry.id,
            entry.at,
            entry.who,
            entry.what,
            entry.task_id,
            entry.detail
        ])?;
    Ok(())
}

/// Takes in what a board has noted.
pub(super) fn take(
    connection: &Connection,
    id: &str,
    value: Option<&[u8]>,
) -> Stored<Result<(), serde_json::Error>> {
    let Some(bytes) = value else {
        connection
            .prepare_cached("DELETE FROM audit WHERE id = ?1")?
            .execute([id])?;
        return Ok(Ok(()));
    };
    match serde_json::from_slice::<AuditEntry>(bytes) {
        Ok(entry) => {
            let id = id.to_owned();
            keep(connection, &AuditEntry { id, ..entry }).map(Ok)
        }
        Err(error) => Ok(Err(error)),
    }
}

/// That something was done stays; with which task, and what it said, goes.
pub(super) fn forget(connection: &Connection, task: &str, topics: &Topics, at: i64) -> Stored<()> {
    let sql = "SELECT id, at, who, what, task_id, detail FROM audit WHERE task_id = ?1";
    let entries: Vec<AuditEntry> = connection
        .prepare_cached(sql)?
        .query_map([task], entry_of)?
        .collect::<Result<_, _>>()?;
    for entry in entries {
        let entry = AuditEntry {
            task_id: String::new(),
            detail: String::new(),
            ..entry
        };
        keep(connection, &entry)?;
        outbox::put(connection, &letter(&entry, topics)?, at)?;
    }
    Ok(())
}
