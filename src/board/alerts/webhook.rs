//! What a webhook carries: `schemas/alert.schema.json`.

use super::alert::Alert;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The body of a webhook.
pub fn payload(alert: &Alert, task_url: &str) -> Value {
    let time = |at: i64| {
        Timestamp::from_millisecond(at)
            .unwrap_or_default()
            .to_string()
    };
    json!({
        "type": format!("task.{}", alert.kind.name()),
        "timestamp": time(alert.at),
        "data": {
            "task_id": alert.task_id,
            "revision": alert.revision,
            "url": task_url,
            "subscriber": alert.subscriber,
            "purpose": alert.purpose,
            "severity": alert.severity,
            "tier": alert.tier,
            "churn_score": alert.churn_score,
            "trigger": alert.trigger,
            "text": { "zh-CN": alert.text_zh, "en": alert.text_en },
            "assignee": {
                "account_manager": alert.manager, "queue": alert.queue, "region": alert.region, "level": alert.level,
            },
            "due_at": time(alert.due_at),
        },
    })
}
