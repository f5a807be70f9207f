use super::scale::PARTITIONS;
use super::state::{OPEN, TaskLine, ViewState};
use crate::config::Config;
use crate::kafka::Tail;
use crate::model::{Feed, Msisdn, Purpose, TaskStatus};
use crate::telemetry::Telemetry;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Tasks on show.
const TASKS: usize = 60;

/// Reads the output topics as any consumer would, and keeps the view up to date.
pub struct OutputReader {
    tail: Tail,
    telemetry: Telemetry,
    tasks_topic: String,
    outcomes_topic: String,
    /// How each churn task stands.
    standings: BTreeMap<String, String>,
}

impl OutputReader {
    /// Subscribes to tasks and signals.
    ///
    /// # Errors
    /// What the client says.
    pub fn open(config: &Config, telemetry: Telemetry) -> Result<Self, String> {
        let topics = [config.topics.tasks.as_str(), config.topics.signals.as_str()];
        Ok(Self {
            tail: Tail::open(config, &topics, PARTITIONS)?,
            telemetry,
            tasks_topic: config.topics.tasks.clone(),
            outcomes_topic: config.topics.of(Feed::Outcome).to_owned(),
            standings: BTreeMap::new(),
        })
    }

    /// Brings the view up to date; waits at most `wait` for records. Returns the churn tasks that opened or changed since.
    pub fn update(&mut self, state: &mut ViewState, wait: Duration) -> Vec<TaskLine> {
        let mut changed: Vec<TaskLine> = Vec::new();
        let Self {
            tail,
            tasks_topic,
            outcomes_topic,
            standings,
            ..
        } = self;
        tail.drain(wait, |topic, bytes| {
            let Ok(record) = serde_json::from_slice::<Value>(bytes) else {
                return;
            };
            let churn = record["purpose"] == Purpose::Churn.name();
            let new = record["status"] == TaskStatus::Open.name();
            match (topic == tasks_topic, churn) {
                (true, true) => {
                    count(&record, standings, state);
                    changed.push(task_line(&record, outcomes_topic));
                }
                (true, false) if new => {
                    let trigger = text(&record, "/signals/0/trigger");
                    *state.care.entry(trigger).or_default() += 1;
                }
                (false, true) => {
                    *state.signals.entry(text(&record, "/trigger")).or_default() += 1;
                }
                _ => {}
            }
        });
        for line in &changed {
            state.tasks.retain(|shown| shown.task_id != line.task_id);
            state.tasks.push_front(line.clone());
        }
        let tasks = state.tasks.make_contiguous();
        tasks.sort_by(|one, other| other.changed_at.cmp(&one.changed_at));
        state.tasks.truncate(TASKS);
        let counts = self.telemetry.counts();
        state.events = counts.records;
        state.late = counts.late;
        state.duplicates = counts.duplicate;
        state.dead_lettered = counts.dead_lettered;
        state.days_closed = self.telemetry.day_closes() / u64::from(PARTITIONS.unsigned_abs());
        changed
    }
}

/// Counts a revision of a churn task instead of the one before it.
fn count(record: &Value, standings: &mut BTreeMap<String, String>, state: &mut ViewState) {
    let standing = match record["close_reason"].as_str() {
        Some(reason) => reason.replace('_', " "),
        None => OPEN.to_owned(),
    };
    *state.churn.entry(standing.clone()).or_default() += 1;
    match standings.insert(text(record, "/task_id"), standing) {
        None => state.churn_opened += 1,
        Some(before) => {
            let count = state.churn.entry(before).or_default();
            *count = count.saturating_sub(1);
        }
    }
}

fn text(record: &Value, pointer: &str) -> String {
    record
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn task_line(record: &Value, outcomes_topic: &str) -> TaskLine {
    let signals = record["signals"].as_array();
    let newest = signals
        .and_then(|signals| signals.last())
        .unwrap_or(&Value::Null);
    let minute = |field: &str| {
        let moment = text(record, field).replacen('T', " ", 1);
        moment.chars().take(16).collect::<String>()
    };
    let change = match record["status"].as_str() {
        Some("open") => "new".to_owned(),
        Some("closed") => text(record, "/close_reason"),
        Some("escalated") => "escalated".to_owned(),
        _ if record["source"]["topic"] == outcomes_topic => text(record, "/outcome"),
        _ => "more signs".to_owned(),
    };
    let msisdn = text(record, "/msisdn");
    TaskLine {
        task_id: text(record, "/task_id"),
        severity: text(record, "/severity").replace('_', " "),
        score: record["churn_score"].as_f64().unwrap_or_default(),
        changed_at: minute("/updated_at"),
        subscriber: Msisdn::new(&msisdn).map_or_else(|_| "***".to_owned(), |m| m.to_string()),
        tier: text(record, "/tier"),
        change: change.replace('_', " "),
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
            "msisdn": "13800138000", "severity": "at_risk", "tier": "key", "status": "open",
            "updated_at": "2026-03-09T14:05:11+08:00", "due_at": "2026-03-10T14:05:11+08:00",
            "assignee": {"queue": "key-accounts"},
            "signals": [{"text": {"en": "first"}}, {"text": {"en": "second"}}],
        });
        let line = task_line(&record, "outcomes");
        assert_eq!(line.subscriber, "138***00");
        assert_eq!(
            (&*line.changed_at, &*line.change, &*line.reason),
            ("2026-03-09 14:05", "new", "second")
        );
        assert_eq!(task_line(&Value::Null, "outcomes").subscriber, "***");
    }

    #[test]
    fn a_task_counts_once_as_it_stands_last() {
        let mut state = ViewState::default();
        let mut standings = BTreeMap::new();
        let mut say = |id: &str, reason: Option<&str>| {
            let record = serde_json::json!({"task_id": id, "close_reason": reason});
            count(&record, &mut standings, &mut state);
        };
        say("1", None);
        say("2", None);
        say("1", Some("lost"));
        say("1", Some("saved"));
        assert_eq!(state.churn_opened, 2);
        assert_eq!(state.standings(), [("open", 1), ("saved", 1)]);
    }
}
