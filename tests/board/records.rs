//! Tasks and signals as a detector publishes them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::Path;

const HOUR: i64 = 3_600;
/// Days of a history of use.
const DAYS: i64 = 35;

/// The number of a task's subscriber.
pub fn msisdn(number: u32) -> String {
    format!("861380013{number:04}")
}

/// The name of a task.
pub fn id(number: u32) -> String {
    format!("task-{number:04}")
}

/// So many hours from now.
pub fn hours(hours: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(hours * HOUR)).to_string()
}

/// A new churn task of the account manager `am-17` in Shenzhen, due in three and a half days and as many minutes as its number.
pub fn task(number: u32) -> Value {
    let due = SignedDuration::from_secs(84 * HOUR + 60 * i64::from(number));
    let mut task = example();
    merge(
        &mut task,
        json!({
            "task_id": id(number),
            "msisdn": msisdn(number),
            "opened_at": hours(-3),
            "updated_at": hours(-3),
            "not_before": hours(-2),
            "due_at": (Timestamp::now() + due).to_string(),
            "escalates_at": (Timestamp::now() + due).to_string(),
            "expires_at": hours(600),
            "signals": [usage_drop()],
        }),
    );
    task
}

/// The same task, changed in some fields.
pub fn with(mut task: Value, changes: Value) -> Value {
    merge(&mut task, changes);
    task
}

/// A task's next revision.
pub fn revised(task: &Value, changes: Value) -> Value {
    let revision = task["revision"].as_i64().unwrap() + 1;
    let next = json!({ "revision": revision, "status": "updated", "updated_at": Timestamp::now().to_string() });
    with(with(task.clone(), next), changes)
}

/// A task's last revision.
pub fn closed(task: &Value, reason: &str) -> Value {
    revised(task, json!({ "status": "closed", "close_reason": reason }))
}

/// A signal of its own, which raised no task.
pub fn signal(number: u32, suppressed: &str) -> Value {
    let mut signal = usage_drop();
    merge(
        &mut signal,
        json!({ "msisdn": msisdn(number), "suppressed": suppressed }),
    );
    signal
}

/// The example of a task in its schema.
fn example() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/retention-task.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    schema["examples"][0].clone()
}

/// A fall of use, with the daily use behind it.
fn usage_drop() -> Value {
    let since = Timestamp::now() - SignedDuration::from_secs(DAYS * 24 * HOUR);
    let from = since.strftime("%Y-%m-%d").to_string();
    let seen = (0..DAYS).map(|day| match day {
        5 => Value::Null,
        day if day < 28 => json!(5 + day % 4),
        _ => json!(0),
    });
    let seen: Vec<Value> = seen.collect();
    let expected = vec![json!(6.5); seen.len()];
    json!({
        "signal_id": "0f6c3a1f5b9f4f5ab6a1c3de90aa4b72",
        "trigger": "usage_drop",
        "purpose": "churn",
        "fired_at": hours(-3),
        "strength": 0.8,
        "churn_score": 0.412,
        "evidence": {
            "observed": 0.5, "expected": 6.5, "unit": "events", "window_days": 7, "threshold": 0.5,
            "facts": {
                "history_from": from,
                "voice_seen": seen, "voice_expected": expected,
                "data_seen": seen, "data_expected": expected,
            },
            "source": { "topic": "cdr", "partition": 0, "offset": 1 },
        },
        "text": {
            "zh-CN": "近7天用量比平时少92%。",
            "en": "Use in the last 7 days is 92 % below the usual.",
        },
    })
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}
