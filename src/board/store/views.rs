//! Views that people saved: a name for a list's filters, order and columns.

use super::base::{Store, Stored};
use super::outbox;
use super::topics::Topics;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct View {
    query: String,
}

impl Store {
    /// Keeps a view, or with no query removes it.
    ///
    /// # Errors
    /// The store refuses.
    pub fn save_view(
        &self,
        topics: &Topics,
        who: &str,
        name: &str,
        query: Option<&str>,
        at: i64,
    ) -> Stored<()> {
        self.write_aside(|connection| {
            let value = match query {
                Some(query) => {
                    keep(connection, who, name, query)?;
                    let query = query.to_owned();
                    Some(serde_json::to_vec(&View { query })?)
                }
                None => {
                    remove(connection, who, name)?;
                    None
                }
            };
            let letter = outbox::Letter {
                topic: topics.board.clone(),
                key: format!("view/{who}/{name}"),
                value,
            };
            outbox::put(connection, &letter, at)
        })
    }

    /// The views of somebody: names and queries.
    ///
    /// # Errors
    /// The store refuses.
    pub fn views(&self, who: &str) -> Stored<Vec<(String, String)>> {
        self.read(|connection| {
            let sql = "SELECT name, query FROM view WHERE who = ?1 ORDER BY name";
            let mut find = connection.prepare_cached(sql)?;
            let views = find.query_map([who], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(views.collect::<Result<_, _>>()?)
        })
    }
}

fn keep(connection: &Connection, who: &str, name: &str, query: &str) -> Stored<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO view VALUES (?1, ?2, ?3)")?
        .execute([who, name, query])?;
    Ok(())
}

fn remove(connection: &Connection, who: &str, name: &str) -> Stored<()> {
    connection
        .prepare_cached("DELETE FROM view WHERE who = ?1 AND name = ?2")?
        .execute([who, name])?;
    Ok(())
}

/// Takes in what a board has noted. Names of users have no slash.
pub(super) fn take(
    connection: &Connection,
    key: &str,
    value: Option<&[u8]>,
) -> Stored<Result<(), serde_json::Error>> {
    let Some((who, name)) = key.split_once('/') else {
        return Ok(Ok(()));
    };
    let Some(bytes) = value else {
        return remove(connection, who, name).map(Ok);
    };
    match serde_json::from_slice::<View>(bytes) {
        Ok(view) => keep(connection, who, name, &view.query).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}
