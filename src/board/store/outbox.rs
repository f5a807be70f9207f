//! What is to be sent. It waits here until the brokers have taken it.

use super::base::{Store, Stored};
use crate::board::desk::Desk;
use rusqlite::{Connection, params};

/// A record to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where to.
    pub topic: String,
    /// Decides the partition.
    pub key: String,
    /// Nothing removes what the topic has under the key.
    pub value: Option<Vec<u8>>,
}

/// What waits for the brokers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many records.
    pub letters: u64,
    /// Since when the oldest does, in milliseconds since 1970.
    pub since: i64,
}

impl Store {
    /// The next records to send, with their numbers.
    ///
    /// # Errors
    /// The store refuses.
    pub fn unsent(&self, most: u32) -> Stored<Vec<(i64, Letter)>> {
        self.read(|connection| letters(connection, most))
    }

    /// The brokers have taken all records up to a number.
    ///
    /// # Errors
    /// The store refuses.
    pub fn sent(&self, number: i64) -> Stored<()> {
        self.write_aside(|connection| {
            connection
                .prepare_cached("DELETE FROM outbox WHERE number <= ?1")?
                .execute([number])?;
            Ok(())
        })
    }

    /// What waits.
    ///
    /// # Errors
    /// The store refuses.
    pub fn waiting(&self) -> Stored<Waiting> {
        self.read(|connection| {
            let sql = "SELECT count(*), coalesce(min(at), 0) FROM outbox";
            let waiting = connection.prepare_cached(sql)?.query_row([], |row| {
                Ok(Waiting {
                    letters: row.get(0)?,
                    since: row.get(1)?,
                })
            })?;
            Ok(waiting)
        })
    }
}

pub(super) fn put(connection: &Connection, letter: &Letter, at: i64) -> Stored<()> {
    connection
        .prepare_cached("INSERT INTO outbox (topic, key, value, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![letter.topic, letter.key, letter.value, at])?;
    Ok(())
}

/// The state of a desk for the board's topic.
pub(super) fn desk_letter(topic: &str, id: &str, desk: &Desk) -> Stored<Letter> {
    Ok(Letter {
        topic: topic.to_owned(),
        key: format!("task/{id}"),
        value: Some(serde_json::to_vec(desk)?),
    })
}

/// Removes what the topic has under a key.
pub(super) fn removal(topic: &str, key: &str) -> Letter {
    Letter {
        topic: topic.to_owned(),
        key: key.to_owned(),
        value: None,
    }
}

/// The first records that wait, with their numbers.
pub(super) fn letters(connection: &Connection, most: u32) -> Stored<Vec<(i64, Letter)>> {
    let sql = "SELECT number, topic, key, value FROM outbox ORDER BY number LIMIT ?1";
    let mut find = connection.prepare_cached(sql)?;
    let letters = find.query_map([most], |row| {
        let letter = Letter {
            topic: row.get(1)?,
            key: row.get(2)?,
            value: row.get(3)?,
        };
        Ok((row.get(0)?, letter))
    })?;
    Ok(letters.collect::<Result<_, _>>()?)
}
