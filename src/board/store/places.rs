//! The names that tasks have for where they belong, to choose from.

use super::base::{Store, Stored};
use super::filter::Scope;
use rusqlite::{Connection, params};

/// Names that tasks have.
#[derive(Debug, Default)]
pub struct Places {
    /// First-responsible account managers.
    pub managers: Vec<String>,
    /// Work queues.
    pub queues: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
}

/// Names of a kind, at most: a page must not grow with the network.
const NAMES: u32 = 300;

impl Store {
    /// The names that whoever has a scope may know.
    ///
    /// # Errors
    /// The store refuses.
    pub fn places(&self, scope: &Scope) -> Stored<Places> {
        let own = match scope {
            Scope::Own {
                managers, queues, ..
            } => {
                return Ok(Places {
                    managers: managers.clone(),
                    queues: queues.clone(),
                    regions: Vec::new(),
                });
            }
            Scope::Region(region) => Some(region),
            Scope::All => None,
        };
        self.read(|connection| {
            let regions = names(connection, "region", own.map_or("", String::as_str))?;
            // Managers and queues have no region of their own: whoever sees a part chooses among the tasks' names there.
            let (managers, queues) = match own {
                Some(_) => (Vec::new(), Vec::new()),
                None => (
                    names(connection, "manager", "")?,
                    names(connection, "queue", "")?,
                ),
            };
            Ok(Places {
                managers,
                queues,
                regions,
            })
        })
    }
}

/// The different names in a column from one on, each found by the index and not by reading all tasks.
fn names(connection: &Connection, column: &str, from: &str) -> Stored<Vec<String>> {
    let sql = format!(
        "WITH RECURSIVE name(it) AS (
           SELECT min({column}) FROM task WHERE {column} >= ?1
           UNION ALL SELECT (SELECT min({column}) FROM task WHERE {column} > it) FROM name WHERE it IS NOT NULL
         ) SELECT it FROM name WHERE it <> '' LIMIT ?2"
    );
    let mut find = connection.prepare_cached(&sql)?;
    let found = find.query_map(params![from, NAMES], |row| row.get(0))?;
    let all: Vec<String> = found.collect::<Result<_, _>>()?;
    let inside =
        |name: &String| from.is_empty() || name == from || name.starts_with(&format!("{from}/"));
    Ok(all.into_iter().take_while(inside).collect())
}
