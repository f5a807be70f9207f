//! Lists of tasks, and one task with all that is known of its customer.

use super::audit::{self, AuditEntry};
use super::base::{Store, StoreError, Stored};
use super::desks;
use super::filter::{Filter, Scope};
use crate::board::desk::Desk;
use crate::board::task::Task;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params, params_from_iter};
use serde::Serialize;

/// A task as a list shows it. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// Whom it concerns; masked before anybody sees it.
    #[serde(skip)]
    pub msisdn: String,
    /// Whether there is something to do.
    pub open: bool,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// Place among the purposes.
    pub purpose: usize,
    /// Place among the severities.
    pub severity: usize,
    /// How likely the subscriber leaves.
    pub score: f64,
    /// Place among the tiers.
    pub tier: usize,
    /// How the customer is looked after.
    pub customer_kind: String,
    /// Worth a month.
    pub value: f64,
    /// Lifecycle stage.
    pub stage: String,
    /// The newest reason.
    pub trigger: String,
    /// The newest reason in words.
    pub text_zh: String,
    /// The same.
    pub text_en: String,
    /// First-responsible account manager.
    pub manager: String,
    /// Work queue.
    pub queue: String,
    /// From the top, with slashes.
    pub region: String,
    /// Place among the rungs.
    pub level: usize,
    /// When it began.
    pub opened_at: i64,
    /// Nobody is contacted earlier.
    pub not_before: i64,
    /// When the contact must have happened.
    pub due_at: i64,
    /// Time of the latest revision.
    pub updated_at: i64,
    /// The last contact.
    pub contacted_at: Option<i64>,
    /// What became of it last.
    pub outcome: Option<String>,
    /// How the customer is reached.
    pub channel: String,
    /// Who has taken it.
    pub holder: Option<String>,
    /// Not to be shown before; 0 for at any time.
    pub snoozed_until: i64,
    /// When somebody answered it here.
    pub answered_at: Option<i64>,
    /// Of its first appearance here.
    pub first_seq: i64,
    /// Of its latest change.
    pub seq: i64,
}

/// What [`row_of`] reads, in its order.
pub(super) const COLUMNS: &str = "id, msisdn, open, close_reason, purpose, severity, score, tier, value, stage, trigger, text_zh, text_en,
    manager, queue, region, level, opened_at, not_before, due_at, updated_at, contacted_at, outcome, holder, snoozed_until,
    answered_at, first_seq, seq, channel, customer_kind";

pub(super) fn row_of(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        msisdn: row.get(1)?,
        open: row.get(2)?,
        close_reason: row.get(3)?,
        purpose: row.get(4)?,
        severity: row.get(5)?,
        score: row.get(6)?,
        tier: row.get(7)?,
        value: row.get(8)?,
        stage: row.get(9)?,
        trigger: row.get(10)?,
        text_zh: row.get(11)?,
        text_en: row.get(12)?,
        manager: row.get(13)?,
        queue: row.get(14)?,
        region: row.get(15)?,
        level: row.get(16)?,
        opened_at: row.get(17)?,
        not_before: row.get(18)?,
        due_at: row.get(19)?,
        updated_at: row.get(20)?,
        contacted_at: row.get(21)?,
        outcome: row.get(22)?,
        holder: row.get(23)?,
        snoozed_until: row.get(24)?,
        answered_at: row.get(25)?,
        first_seq: row.get(26)?,
        seq: row.get(27)?,
        channel: row.get(28)?,
        customer_kind: row.get(29)?,
    })
}

/// What has changed in a list since a page was made.
#[derive(Debug, Default)]
pub struct Changes {
    /// The number of the latest change.
    pub seq: i64,
    /// Tasks that came to the list since the page was made.
    pub new: u64,
    /// Those of the page that have changed, and whether they still belong to the list.
    pub rows: Vec<(Row, bool)>,
}

/// A task with all that is known of its customer.
#[derive(Debug)]
pub struct Dossier {
    /// As a list shows it.
    pub row: Row,
    /// As it was published.
    pub task: Task,
    /// The record itself, with fields that are not known here.
    pub body: serde_json::Value,
    /// What people did.
    pub desk: Desk,
    /// Whether the brokers have what people did.
    pub settled: bool,
    /// What happened.
    pub steps: Vec<Step>,
    /// Who took it, put it off or passed it on.
    pub deeds: Vec<AuditEntry>,
    /// Other tasks and signals of the customer.
    pub customer: Customer,
}

/// Something that happened to a task.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// When.
    pub at: i64,
    /// `open`, `updated`, `escalated`, `answered` or `closed`.
    pub what: String,
    /// A trigger, a rung, an outcome or a reason.
    pub detail: String,
}

/// What else is known of a customer.
#[derive(Debug, Default)]
pub struct Customer {
    /// Other tasks, the latest first.
    pub tasks: Vec<Row>,
    /// When which trigger fired, the latest first, and why no task came of it.
    pub signals: Vec<(i64, String, Option<String>)>,
}

/// Other tasks and signals of a customer that are shown.
const OTHERS: u32 = 20;

impl Store {
    /// A page of a list, and how many tasks the whole list has.
    ///
    /// # Errors
    /// The store refuses.
    pub fn tasks(
        &self,
        filter: &Filter,
        scope: &Scope,
        now: i64,
        limit: u32,
        offset: u32,
    ) -> Stored<(Vec<Row>, u64)> {
        self.read(|connection| {
            let condition = filter.condition(scope, now);
            let count = format!("SELECT count(*) FROM task WHERE {}", condition.sql);
            let all = connection
                .prepare_cached(&count)?
                .query_row(params_from_iter(&condition.values), |row| row.get(0))?;
            let sql = format!(
                "SELECT {COLUMNS} FROM task WHERE {} ORDER BY {} LIMIT {limit} OFFSET {offset}",
                condition.sql,
                filter.order()
            );
            let mut find = connection.prepare_cached(&sql)?;
            let rows = find.query_map(params_from_iter(&condition.values), row_of)?;
            Ok((rows.collect::<Result<_, _>>()?, all))
        })
    }

    /// Hands every task of a list to `each` until it says stop.
    ///
    /// # Errors
    /// The store refuses.
    pub fn each_task(
        &self,
        filter: &Filter,
        scope: &Scope,
        now: i64,
        mut each: impl FnMut(Row) -> bool,
    ) -> Stored<()> {
        self.read_long(|connection| {
            let condition = filter.condition(scope, now);
            let order = filter.order();
            let sql = format!(
                "SELECT {COLUMNS} FROM task WHERE {} ORDER BY {order}",
                condition.sql
            );
            let mut find = connection.prepare_cached(&sql)?;
            let rows = find.query_map(params_from_iter(&condition.values), row_of)?;
            for row in rows {
                if !each(row?) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The task to take next from a list: the first that nobody has taken, but for `after`.
    ///
    /// # Errors
    /// The store refuses.
    pub fn next_task(
        &self,
        filter: &Filter,
        scope: &Scope,
        now: i64,
        after: &str,
    ) -> Stored<Option<String>> {
        self.read(|connection| {
            let mut condition = filter.condition(scope, now);
            condition.and(
                // Not again before the detector has taken an answer in, and for a second talk only while there is time for it.
                "holder IS NULL AND id <> ? AND not_before <= ? AND (answered_at IS NULL OR updated_at >= answered_at)
                 AND (contacted_at IS NULL OR due_at >= ?)",
                [after.to_owned().into(), now.into(), now.into()],
            );
            let order = filter.order();
            let sql = format!(
                "SELECT id FROM task WHERE {} ORDER BY {order} LIMIT 1",
                condition.sql
            );
            let found = connection
                .prepare_cached(&sql)?
                .query_row(params_from_iter(&condition.values), |row| row.get(0))
                .optional()?;
            Ok(found)
        })
    }

    /// What has changed since a moment of the tasks of a page, which was made at `made`, and what came to its list.
    ///
    /// # Errors
    /// The store refuses.
    pub fn task_changes(
        &self,
        filter: &Filter,
        scope: &Scope,
        now: i64,
        since: i64,
        made: i64,
        ids: &[&str],
    ) -> Stored<Changes> {
        self.read(|connection| {
            // Before the rows: what changes meanwhile is told twice rather than not at all.
            let seq = self.seq();
            let mut condition = filter.condition(scope, now);
            condition.and("first_seq > ?", [made.into()]);
            // SQLite would rather go through all open tasks.
            let sql = format!(
                "SELECT count(*) FROM task INDEXED BY task_first WHERE {}",
                condition.sql
            );
            let new = connection
                .prepare_cached(&sql)?
                .query_row(params_from_iter(&condition.values), |row| row.get(0))?;
            let mut asked = scope.condition();
            let marks = vec!["?"; ids.len()].join(", ");
            let names = ids.iter().map(|id| Value::from((*id).to_owned()));
            asked.and(&format!("seq > {since} AND id IN ({marks})"), names);
            let within = filter.condition(scope, now);
            let sql = format!(
                "SELECT {COLUMNS}, ({}) AS within FROM task WHERE {}",
                within.sql, asked.sql
            );
            let values: Vec<Value> = within.values.into_iter().chain(asked.values).collect();
            let mut find = connection.prepare_cached(&sql)?;
            let rows = find.query_map(params_from_iter(&values), |row| {
                Ok((row_of(row)?, row.get("within")?))
            })?;
            let rows = rows.collect::<Result<_, _>>()?;
            Ok(Changes { seq, new, rows })
        })
    }

    /// One task, if the scope has it.
    ///
    /// # Errors
    /// The store refuses.
    pub fn dossier(&self, id: &str, scope: &Scope) -> Stored<Option<Dossier>> {
        self.read(|connection| {
            let Some((row, body)) = find(connection, id, scope)? else {
                return Ok(None);
            };
            let bytes = zstd::stream::decode_all(&body[..]).unwrap_or_default();
            let known = desks::known(connection, id)?;
            let steps = connection
                .prepare_cached(
                    "SELECT at, what, detail FROM step WHERE task_id = ?1 ORDER BY revision",
                )?
                .query_map([id], |row| {
                    Ok(Step {
                        at: row.get(0)?,
                        what: row.get(1)?,
                        detail: row.get(2)?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(Some(Dossier {
                customer: customer(connection, &row, scope)?,
                row,
                task: serde_json::from_slice(&bytes)?,
                body: serde_json::from_slice(&bytes)?,
                settled: known.is_settled(),
                desk: known.latest,
                steps,
                deeds: audit::of_task(connection, id)?,
            }))
        })
    }
}

fn find(connection: &Connection, id: &str, scope: &Scope) -> Stored<Option<(Row, Vec<u8>)>> {
    let mut condition = scope.condition();
    condition.and("id = ?", [id.to_owned().into()]);
    let sql = format!(
        "SELECT {COLUMNS}, body FROM task JOIN record USING (number) WHERE {}",
        condition.sql
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(&condition.values), |row| {
            Ok((row_of(row)?, row.get("body")?))
        })
        .optional()?;
    Ok(found)
}

fn customer(connection: &Connection, of: &Row, scope: &Scope) -> Result<Customer, StoreError> {
    let mut condition = scope.condition();
    let others = [of.msisdn.clone().into(), of.id.clone().into()];
    condition.and("msisdn = ? AND id <> ?", others);
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE {} ORDER BY opened_at DESC LIMIT {OTHERS}",
        condition.sql
    );
    let tasks = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&condition.values), row_of)?
        .collect::<Result<_, _>>()?;
    let sql = "SELECT fired_at, trigger, suppressed FROM signal WHERE msisdn = ?1 ORDER BY fired_at DESC LIMIT ?2";
    let signals = connection
        .prepare_cached(sql)?
        .query_map(params![of.msisdn, OTHERS], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    Ok(Customer { tasks, signals })
}
