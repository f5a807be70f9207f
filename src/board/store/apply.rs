//! Records of topics into the tables.

use super::base::{Store, Stored};
use super::topics::Topics;
use super::{alerts, audit, desks, outbox, uplift, views};
use crate::board::task::{
    Assignee, BULK_CAMPAIGN, LEVELS, PURPOSES, SEVERITIES, Signal, TIERS, Task,
};
use crate::model::{Calendar, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// Records on their way into the store, all in one transaction.
pub struct Batch<'a> {
    connection: &'a Connection,
    seq: i64,
    topics: &'a Topics,
    calendar: &'a Calendar,
    /// The latest time that a record states, in milliseconds since 1970.
    pub latest: i64,
    /// Records that do not read.
    pub broken: u64,
}

impl Store {
    /// Takes records in, all or none.
    ///
    /// # Errors
    /// The store refuses.
    pub fn batch<T>(
        &self,
        topics: &Topics,
        calendar: &Calendar,
        fill: impl FnOnce(&mut Batch<'_>) -> Stored<T>,
    ) -> Stored<T> {
        self.write(|connection, seq| {
            fill(&mut Batch {
                connection,
                seq,
                topics,
                calendar,
                latest: 0,
                broken: 0,
            })
        })
    }

    /// The offset to go on from, by topic and partition.
    ///
    /// # Errors
    /// The store refuses.
    pub fn position(&self, topic: &str, partition: i32) -> Stored<Option<i64>> {
        self.read(|connection| {
            let found = connection
                .prepare_cached("SELECT next FROM position WHERE topic = ?1 AND partition = ?2")?
                .query_row(params![topic, partition], |row| row.get(0))
                .optional()?;
            Ok(found)
        })
    }

    /// Forgets what is older than some moment: closed tasks, signals, audit. The topics keep it for other boards.
    ///
    /// # Errors
    /// The store refuses.
    pub fn forget_before(&self, moment: i64) -> Stored<usize> {
        self.write_aside(|connection| {
            let old = "SELECT id FROM task WHERE open = 0 AND updated_at < ?1 LIMIT 1000";
            let ids: Vec<String> = connection
                .prepare_cached(old)?
                .query_map([moment], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for id in &ids {
                drop_task(connection, id)?;
                desks::remove(connection, id)?;
            }
            connection.execute("DELETE FROM signal WHERE fired_at < ?1", [moment])?;
            connection.execute("DELETE FROM audit WHERE at < ?1", [moment])?;
            Ok(ids.len())
        })
    }
}

impl Batch<'_> {
    /// Takes a record in. What does not read is counted and passed over.
    ///
    /// # Errors
    /// The store refuses.
    pub fn record(&mut self, topic: &str, key: &[u8], value: Option<&[u8]>) -> Stored<()> {
        if topic == self.topics.tasks {
            let Some(bytes) = value else { return Ok(()) };
            match serde_json::from_slice::<Task>(bytes) {
                Ok(task) => return self.task(&task, bytes),
                Err(error) => self.refuse(topic, &error),
            }
        } else if topic == self.topics.signals {
            let Some(bytes) = value else { return Ok(()) };
            match serde_json::from_slice::<Signal>(bytes) {
                Ok(signal) => return self.signal(&signal),
                Err(error) => self.refuse(topic, &error),
            }
        } else if topic == self.topics.board {
            let key = str::from_utf8(key).unwrap_or_default();
            if let Err(error) = self.own(key, value)? {
                self.refuse(topic, &error);
            }
        } else if self.topics.uplift.as_deref() == Some(topic) {
            let Some(bytes) = value else { return Ok(()) };
            if let Err(error) = uplift::take(self.connection, bytes)? {
                self.refuse(topic, &error);
            }
        }
        Ok(())
    }

    /// Notes how far a partition was read.
    ///
    /// # Errors
    /// The store refuses.
    pub fn position(&self, topic: &str, partition: i32, next: i64) -> Stored<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO position VALUES (?1, ?2, ?3)")?
            .execute(params![topic, partition, next])?;
        Ok(())
    }

    /// Removes everything about a subscriber that began until a moment, from the board's topic too. What began later is of
    /// whoever has the number now.
    ///
    /// # Errors
    /// The store refuses.
    pub fn erase(&self, msisdn: &str, until: i64) -> Stored<()> {
        let ids: Vec<String> = self
            .connection
            .prepare_cached("SELECT id FROM task WHERE msisdn = ?1 AND opened_at <= ?2")?
            .query_map(params![msisdn, until], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in &ids {
            remove_task(self.connection, id, self.topics, self.latest)?;
        }
        self.connection
            .prepare_cached("DELETE FROM signal WHERE msisdn = ?1 AND fired_at <= ?2")?
            .execute(params![msisdn, until])?;
        Ok(())
    }

    fn refuse(&mut self, topic: &str, error: &serde_json::Error) {
        // Not the error's own display of data: it may hold a number.
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        self.pass_over(
            topic,
            format_args!("{kind:?} error in line {line} column {column}"),
        );
    }

    /// Counts a record that does not read, and says why.
    pub fn pass_over(&mut self, topic: &str, why: impl std::fmt::Display) {
        self.broken += 1;
        let kind = format!("board {topic}");
        let text = format!("a record of `{topic}` does not read and is passed over: {why}");
        crate::telemetry::troubles::warn(&kind, &text);
    }

    fn task(&mut self, task: &Task, bytes: &[u8]) -> Stored<()> {
        let updated_at = task.updated_at.as_millisecond();
        self.latest = self.latest.max(updated_at);
        if task.close_reason.as_deref() == Some("erased") {
            return self.erase(&task.msisdn, updated_at);
        }
        let known: Option<i64> = self
            .connection
            .prepare_cached("SELECT revision FROM task WHERE id = ?1")?
            .query_row([&task.task_id], |row| row.get(0))
            .optional()?;
        if known.is_some_and(|known| known >= task.revision) {
            return Ok(());
        }
        self.step(task)?;
        let newest = task.newest_signal();
        let text = |language: &str| {
            let text = newest.and_then(|signal| signal.text.get(language));
            text.map_or("", String::as_str)
        };
        let ms = |at: Option<jiff::Timestamp>| at.map(|at| at.as_millisecond());
        let body = zstd::bulk::compress(bytes, 1).unwrap_or_default();
        let value: f64 = task.monthly_value.parse().unwrap_or_default();
        let sql = "INSERT INTO task (id, msisdn, revision, open, close_reason, purpose, severity, score, tier, value, stage,
              trigger, text_zh, text_en, manager, queue, region, level, opened_at, not_before, due_at, updated_at,
              contacted_at, closed_at, outcome, stated_reason, confirmed_reason, first_seq, seq, channel, campaign_at, customer_kind)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
              ?24, ?25, ?26, ?27, ?28, ?28, ?29, ?30, ?31)
            ON CONFLICT (id) DO UPDATE SET revision = ?3, open = ?4, close_reason = ?5, purpose = ?6, severity = ?7,
              score = ?8, tier = ?9, value = ?10, stage = ?11, trigger = ?12, text_zh = ?13, text_en = ?14, manager = ?15,
              queue = ?16, region = ?17, level = ?18, not_before = ?20, due_at = ?21, updated_at = ?22, contacted_at = ?23,
              closed_at = ?24, outcome = ?25, stated_reason = ?26, confirmed_reason = ?27, seq = ?28,
              channel = ?29, campaign_at = coalesce(campaign_at, ?30),
              customer_kind = ?31 RETURNING number";
        let number: i64 = self.connection.prepare_cached(sql)?.query_row(
            params![
                task.task_id,
                task.msisdn,
                task.revision,
                task.is_open(),
                task.close_reason,
                place(&PURPOSES, &task.purpose),
                place(&SEVERITIES, &task.severity),
                task.churn_score,
                place(&TIERS, &task.tier),
                value,
                task.stage,
                newest.map_or("", |signal| &signal.trigger),
                text("zh-CN"),
                text("en"),
                task.assignee.account_manager,
                task.assignee.queue,
                task.assignee.region.join("/"),
                place(&LEVELS, &task.assignee.level),
                ms(task.opened_at).unwrap_or(updated_at),
                ms(task.not_before).unwrap_or(updated_at),
                ms(task.due_at).unwrap_or(updated_at),
                updated_at,
                ms(task.contacted_at),
                (!task.is_open()).then_some(updated_at),
                task.outcome,
                task.stated_reason,
                task.confirmed_reason,
                self.seq,
                task.recommended_action.channel,
                (task.recommended_action.channel == BULK_CAMPAIGN).then_some(updated_at),
                task.customer_kind,
            ],
            |row| row.get(0),
        )?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO record VALUES (?1, ?2)")?
            .execute(params![number, body])?;
        if known.is_none() {
            // People may have acted on it before this store was built.
            desks::show(self.connection, &task.task_id, self.seq)?;
        }
        Ok(())
    }

    /// What is new in a revision, for the history of the task.
    fn step(&self, task: &Task) -> Stored<()> {
        let (what, detail) = match task.status.as_str() {
            "closed" => ("closed", task.close_reason.clone().unwrap_or_default()),
            "escalated" => ("escalated", task.assignee.level.clone()),
            "open" => ("open", String::new()),
            _ => {
                let before: Option<(Option<String>, Option<i64>, [String; 2])> = self
                    .connection
                    .prepare_cached(
                        "SELECT outcome, contacted_at, manager, queue FROM task WHERE id = ?1",
                    )?
                    .query_row([&task.task_id], |row| {
                        Ok((row.get(0)?, row.get(1)?, [row.get(2)?, row.get(3)?]))
                    })
                    .optional()?;
                let contacted_at = task.contacted_at.map(|at| at.as_millisecond());
                let Assignee {
                    account_manager,
                    queue,
                    ..
                } = &task.assignee;
                match before {
                    Some((outcome, at, _)) if outcome != task.outcome || at != contacted_at => {
                        ("answered", task.outcome.clone().unwrap_or_default())
                    }
                    Some((_, _, [manager, _])) if manager != *account_manager => {
                        ("passed_on", account_manager.clone())
                    }
                    Some((_, _, [_, former])) if former != *queue => ("passed_on", queue.clone()),
                    _ => {
                        let newest = task.newest_signal();
                        (
                            "updated",
                            newest.map_or_else(String::new, |s| s.trigger.clone()),
                        )
                    }
                }
            }
        };
        let at = task.updated_at.as_millisecond();
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO step VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![task.task_id, task.revision, at, what, detail])?;
        Ok(())
    }

    fn signal(&mut self, signal: &Signal) -> Stored<()> {
        let fired_at = signal.fired_at.as_millisecond();
        self.latest = self.latest.max(fired_at);
        let suppressed = signal.suppressed.as_deref();
        self.connection
            .prepare_cached("INSERT INTO signal VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![signal.msisdn, fired_at, signal.trigger, suppressed])?;
        let day = self.calendar.day_of(Timestamp(fired_at)).0;
        self.connection
            .prepare_cached(
                "INSERT INTO signal_day VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT DO UPDATE SET signals = signals + 1",
            )?
            .execute(params![day, signal.trigger, suppressed.unwrap_or_default()])?;
        Ok(())
    }

    /// A record of the board's own topic.
    fn own(&self, key: &str, value: Option<&[u8]>) -> Stored<Result<(), serde_json::Error>> {
        match key.split_once('/') {
            Some(("task", id)) => self.desk(id, value),
            Some(("view", key)) => views::take(self.connection, key, value),
            Some(("audit", id)) => audit::take(self.connection, id, value),
            Some(("alert", key)) => alerts::take(self.connection, key, value),
            // Of a newer version of the program.
            _ => Ok(Ok(())),
        }
    }

    fn desk(&self, id: &str, value: Option<&[u8]>) -> Stored<Result<(), serde_json::Error>> {
        let Some(bytes) = value else {
            desks::remove(self.connection, id)?;
            return Ok(Ok(()));
        };
        let record = match serde_json::from_slice(bytes) {
            Ok(record) => record,
            Err(error) => return Ok(Err(error)),
        };
        let mut known = desks::known(self.connection, id)?;
        if known.take(record) {
            let letter = outbox::desk_letter(&self.topics.board, id, &known.latest)?;
            outbox::put(self.connection, &letter, self.latest)?;
        }
        desks::keep(self.connection, id, &known, self.seq)?;
        Ok(Ok(()))
    }
}

/// Removes a task with all that people did, and says so in the board's topic.
fn remove_task(connection: &Connection, id: &str, topics: &Topics, at: i64) -> Stored<()> {
    drop_task(connection, id)?;
    if desks::remove(connection, id)? {
        let letter = outbox::removal(&topics.board, &format!("task/{id}"));
        outbox::put(connection, &letter, at)?;
    }
    alerts::erase(connection, id, topics, at)?;
    audit::forget(connection, id, topics, at)
}

fn drop_task(connection: &Connection, id: &str) -> Stored<()> {
    for sql in [
        "DELETE FROM record WHERE number = (SELECT number FROM task WHERE id = ?1)",
        "DELETE FROM task WHERE id = ?1",
        "DELETE FROM step WHERE task_id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

/// The place of a name in a list; names of newer versions come last.
fn place(names: &[&str], name: &str) -> i64 {
    let found = names.iter().position(|known| *known == name);
    found.unwrap_or(names.len()) as i64
}
