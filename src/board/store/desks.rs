//! What people did with tasks.

use super::base::{Store, StoreError, Stored};
use super::topics::Topics;
use super::{audit, outbox};
use crate::board::desk::{Desk, Known};
use rusqlite::{Connection, OptionalExtension as _, params};

impl Store {
    /// Changes what people did with a task, puts the change and further letters into the outbox, and notes it in the audit.
    /// `change` may refuse.
    ///
    /// # Errors
    /// The store refuses; or within, what `change` says.
    pub fn act<R>(
        &self,
        topics: &Topics,
        entry: &audit::AuditEntry,
        change: impl FnOnce(&mut Known) -> Result<Vec<outbox::Letter>, R>,
    ) -> Stored<Result<Desk, R>> {
        let done = self.write(|connection, seq| {
            let id = &entry.task_id;
            let mut known = known(connection, id)?;
            let letters = match change(&mut known) {
                Ok(letters) => letters,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if !known.is_settled() {
                let letter = outbox::desk_letter(&topics.board, id, &known.latest)?;
                outbox::put(connection, &letter, entry.at)?;
                keep(connection, id, &known, seq)?;
            }
            for letter in letters {
                outbox::put(connection, &letter, entry.at)?;
            }
            audit::note(connection, entry, topics)?;
            Ok(Ok(known.latest))
        })?;
        Ok(done)
    }
}

/// What is known of a desk; nothing where nobody did anything.
pub(super) fn known(connection: &Connection, id: &str) -> Stored<Known> {
    let found: Option<(String, String)> = connection
        .prepare_cached("SELECT settled, latest FROM desk WHERE task_id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((settled, latest)) = found else {
        return Ok(Known::default());
    };
    let read = |text: &str| serde_json::from_str(text).map_err(StoreError::from);
    Ok(Known {
        settled: read(&settled)?,
        latest: read(&latest)?,
    })
}

pub(super) fn keep(connection: &Connection, id: &str, known: &Known, seq: i64) -> Stored<()> {
    let settled = serde_json::to_string(&known.settled)?;
    let latest = serde_json::to_string(&known.latest)?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO desk VALUES (?1, ?2, ?3)")?
        .execute([id, &settled, &latest])?;
    show_desk(connection, id, &known.latest, seq)
}

/// Copies what lists show into the task's row, if there is one.
pub(super) fn show(connection: &Connection, id: &str, seq: i64) -> Stored<()> {
    let known = known(connection, id)?;
    if known.latest.version == 0 {
        return Ok(());
    }
    show_desk(connection, id, &known.latest, seq)
}

fn show_desk(connection: &Connection, id: &str, desk: &Desk, seq: i64) -> Stored<()> {
    let answered_at = desk.answers.last().map(|answer| answer.at);
    connection
        .prepare_cached(
            "UPDATE task SET holder = ?2, snoozed_until = ?3, answered_at = ?4, seq = ?5 WHERE id = ?1",
        )?
        .execute(params![id, desk.holder, desk.snoozed_until.unwrap_or(0), answered_at, seq])?;
    Ok(())
}

/// Returns whether there was anything.
pub(super) fn remove(connection: &Connection, id: &str) -> Stored<bool> {
    let gone = connection
        .prepare_cached("DELETE FROM desk WHERE task_id = ?1")?
        .execute([id])?;
    connection
        .prepare_cached(
            "UPDATE task SET holder = NULL, snoozed_until = 0, answered_at = NULL WHERE id = ?1",
        )?
        .execute([id])?;
    Ok(gone > 0)
}
