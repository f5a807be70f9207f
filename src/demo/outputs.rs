use super::state::{TaskLine, ViewState};
use crate::config::Config;
use crate::kafka::Tail;
use crate::model::Msisdn;
use crate::telemetry::Telemetry;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Tasks on show.
const TASKS: usize = 12;

/// Reads the output topics as any consumer would, and keeps the view up to date.
pub struct OutputReader {
    tail: Tail,
    telemetry: Telemetry,
    tasks_topic: String,
    partitions: u64,
    signals: BTreeMap<String, u64>,
    /// Tasks opened by their first trigger.
    pub opened: BTreeMap<String, u64>,
}

impl OutputReader {
    /// Subscribes to tasks and signals.
    ///
    /// # Errors
    /// What the client says.
    pub fn open(config: &Config, telemetry: Telemetry, partitions: i32) -> Result<Self, String> {
        let topics = [config.topics.tasks.as_str(), config.topics.signals.as_str()];
        Ok(Self {
            tail: Tail::open(config, &topics, partitions)?,
            telemetry,
            tasks_topic: config.topics.tasks.clone(),
            partitions: u64::from(partitions.unsigned_abs()).max(1),
            signals: BTreeMap::new(),
            opened: BTreeMap::new(),
        })
    }

    /// Brings the view up to date; waits at most `wait` for records. Returns the tasks that opened or changed since.
    pub fn update(&mut self, state: &mut ViewState, wait: Duration) -> Vec<TaskLine> {
        let mut changed = Vec::new();
        let Self {
            tail,
            tasks_topic,
            signals,
            opened,
            ..
        } = self;
        tail.drain(wait, |topic, bytes| {
            let Ok(record) = serde_json::from_slice::<Value>(bytes) else {
                return;
            };
            if topic != tasks_topic {
                *signals.entry(text(&record, "/trigger")).or_default() += 1;
            } else if record["status"] == "closed" {
                state.tasks_closed += 1;
            } else {
                if record["status"] == "open" {
                    state.tasks_opened += 1;
                    *opened
                        .entry(text(&record, "/signals/0/trigger"))
                        .or_default() += 1;
                }
                changed.push(task_line(&record));
            }
        });
        for line in &changed {
            state.tasks.retain(|shown| shown.task_id != line.task_id);
            state.tasks.push_front(line.clone());
        }
        state.tasks.truncate(TASKS);
        state.signals = signals
            .iter()
            .map(|(name, count)| (name.clone(), *count))
            .collect();
        let counts = self.telemetry.counts();
        state.events = counts.records;
        state.late = counts.late;
        state.duplicates = counts.duplicate;
        state.dead_lettered = counts.dead_lettered;
        state.days_closed = self.telemetry.day_closes() / self.partitions;
        changed
    }
}

fn text(record: &Value, pointer: &str) -> String {
    record
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn task_line(record: &Value) -> TaskLine {
    let signals = record["signals"].as_array();
    let newest = signals
        .and_then(|signals| signals.last())
        .unwrap_or(&Value::Null);
    let minute = |field: &str| {
        text(record, field)
            .replacen('T', " ", 1)
            .chars()
            .take(16)
            .collect()
    };
    let msisdn = text(record, "/msisdn");
    TaskLine {
        task_id: text(record, "/task_id"),
        severity: text(record, "/severity"),
        opened_at: minute("/opened_at"),
        subscriber: Msisdn::new(&msisdn).map_or_else(|_| "***".to_owned(), |m| m.to_string()),
        tier: text(record, "/tier"),
        queue: text(record, "/assignee/queue"),
        due_at: minute("/due_at"),
        reason: text(newest, "/text/en"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_becomes_a_line_without_its_number_in_the_clear() {
        let record = serde_json::json!({
            "msisdn": "13800138000", "severity": "at_risk", "tier": "key",
            "opened_at": "2026-03-09T14:05:11+08:00", "due_at": "2026-03-10T14:05:11+08:00",
            "assignee": {"queue": "key-accounts"},
            "signals": [{"text": {"en": "first"}}, {"text": {"en": "second"}}],
        });
        let line = task_line(&record);
        assert_eq!(line.subscriber, "138***00");
        assert_eq!(
            (line.opened_at.as_str(), line.reason.as_str()),
            ("2026-03-09 14:05", "second")
        );
        assert_eq!(task_line(&Value::Null).subscriber, "***");
    }
}
