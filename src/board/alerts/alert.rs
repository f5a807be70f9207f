//! What is said of a task.

use crate::board::store::Row;
use crate::board::task::{BULK_CAMPAIGN, LEVELS, PURPOSES, SEVERITIES, TIERS, Task, masked};
use serde::{Deserialize, Serialize};

/// Digits in a row that may be somebody's number.
const DIGITS: usize = 7;
/// Longest text of a detector that a message carries, in characters.
const TEXT_MAX: usize = 300;

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The task was published.
    New,
    /// It went up a rung.
    Escalated,
    /// Its time is nearly over.
    DueSoon,
    /// Its time is over.
    Overdue,
}

impl Kind {
    /// All, in the order of a digest.
    pub const ALL: [Self; 4] = [Self::Overdue, Self::DueSoon, Self::Escalated, Self::New];

    /// As configuration, records and webhooks name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Escalated => "escalated",
            Self::DueSoon => "due_soon",
            Self::Overdue => "overdue",
        }
    }
}

/// What is said of a task. It has no number in full. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Why.
    pub kind: Kind,
    /// When that was.
    pub at: i64,
    /// Which task.
    pub task_id: String,
    /// Which revision of it; nothing where time has passed and the task is as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Whom it concerns, masked.
    pub subscriber: String,
    /// `churn`, `care`, `grow` or `win_back`.
    pub purpose: String,
    /// How far the subscriber is.
    pub severity: String,
    /// How much effort the subscriber is worth.
    pub tier: String,
    /// How likely the subscriber leaves.
    pub churn_score: f64,
    /// First-responsible account manager.
    pub manager: String,
    /// Work queue.
    pub queue: String,
    /// From the top, with slashes.
    pub region: String,
    /// Rung of the ladder.
    pub level: String,
    /// The newest reason.
    pub trigger: String,
    /// The same in words.
    pub text_zh: String,
    /// The same.
    pub text_en: String,
    /// When the contact must have happened.
    pub due_at: i64,
}

impl Alert {
    /// What a record of the tasks' topic says, if somebody may be told of it.
    pub fn of_record(task: &Task) -> Option<Self> {
        let kind = match task.status.as_str() {
            "open" => Kind::New,
            "escalated" => Kind::Escalated,
            _ => return None,
        };
        // Tasks of bulk campaigns are for campaign systems.
        if task.recommended_action.channel == BULK_CAMPAIGN {
            return None;
        }
        let at = task.updated_at.as_millisecond();
        let newest = task.newest_signal();
        let text = |language: &str| {
            let text = newest.and_then(|signal| signal.text.get(language));
            plain(text.map_or("", String::as_str))
        };
        Some(Self {
            kind,
            at,
            task_id: task.task_id.clone(),
            revision: Some(task.revision),
            subscriber: masked(&task.msisdn),
            purpose: task.purpose.clone(),
            severity: task.severity.clone(),
            tier: task.tier.clone(),
            churn_score: task.churn_score,
            manager: plain(&task.assignee.account_manager),
            queue: plain(&task.assignee.queue),
            region: plain(&task.assignee.region.join("/")),
            level: task.assignee.level.clone(),
            trigger: newest.map_or_else(String::new, |signal| signal.trigger.clone()),
            text_zh: text("zh-CN"),
            text_en: text("en"),
            due_at: task.due_at.map_or(at, |due| due.as_millisecond()),
        })
    }

    /// What time says of a task that the board has.
    pub fn of_row(kind: Kind, row: &Row, at: i64) -> Self {
        let name =
            |names: &[&str], place: usize| names.get(place).map_or("", |name| *name).to_owned();
        Self {
            kind,
            at,
            task_id: row.id.clone(),
            revision: None,
            subscriber: masked(&row.msisdn),
            purpose: name(&PURPOSES, row.purpose),
            severity: name(&SEVERITIES, row.severity),
            tier: name(&TIERS, row.tier),
            churn_score: row.score,
            manager: plain(&row.manager),
            queue: plain(&row.queue),
            region: plain(&row.region),
            level: name(&LEVELS, row.level),
            trigger: row.trigger.clone(),
            text_zh: plain(&row.text_zh),
            text_en: plain(&row.text_en),
            due_at: row.due_at,
        }
    }

    /// Its name: the same however often it is said, and without the full stop that webhooks separate by.
    pub fn id(&self) -> String {
        let name = match self.revision {
            Some(revision) => format!("{}-{}-{revision}", self.task_id, self.kind.name()),
            None => format!("{}-{}", self.task_id, self.kind.name()),
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        name.chars()
            .map(|c| if is_plain(c) { c } else { '_' })
            .collect()
    }
}

/// A text on one line, not too long, and without what may be a number in full.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut digits = String::new();
    let keep = |plain: &mut String, digits: &mut String| {
        plain.push_str(if digits.len() < DIGITS { digits } else { "***" });
        digits.clear();
    };
    for c in text.chars().take(TEXT_MAX) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        keep(&mut plain, &mut digits);
        plain.push(if c.is_control() || is_invisible(c) {
            ' '
        } else {
            c
        });
    }
    keep(&mut plain, &mut digits);
    if text.chars().nth(TEXT_MAX).is_some() {
        plain.push('…');
    }
    plain
}

/// Marks that change how what follows is read, such as from right to left.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A task's revision, as the detector publishes it.
    pub fn task(number: u32, status: &str) -> Task {
        let task = json!({
            "task_id": format!("task-{number}"), "revision": 3, "status": status, "purpose": "churn", "severity": "critical",
            "churn_score": 0.412, "msisdn": "8613800138000", "tier": "key",
            "signals": [{
                "trigger": "usage_drop", "fired_at": "2026-03-05T02:00:00Z",
                "text": { "zh-CN": "近7天用量比平时少92%。", "en": "Use in the last 7 days is 92 % below the usual." },
            }],
            "recommended_action": { "channel": "outbound_call" },
            "assignee": {
                "account_manager": "AM-17", "queue": "key-accounts", "region": ["HQ", "广东", "深圳"], "level": "account_manager",
            },
            "opened_at": "2026-03-05T02:00:01Z", "due_at": "2026-03-05T06:00:00Z", "updated_at": "2026-03-05T02:00:01Z",
        });
        serde_json::from_value(task).unwrap()
    }

    /// What is said of it.
    pub fn alert(number: u32) -> Alert {
        Alert::of_record(&task(number, "open")).unwrap()
    }

    #[test]
    fn only_new_and_escalated_records_are_said() {
        for (status, kind) in [
            ("open", Some(Kind::New)),
            ("escalated", Some(Kind::Escalated)),
            ("updated", None),
            ("closed", None),
        ] {
            assert_eq!(
                Alert::of_record(&task(1, status)).map(|alert| alert.kind),
                kind
            );
        }
        let mut campaign = task(1, "open");
        campaign.recommended_action.channel = "bulk_campaign".to_owned();
        assert_eq!(Alert::of_record(&campaign), None);
    }

    #[test]
    fn no_number_is_said_and_no_line_is_broken() {
        let alert = serde_json::to_string(&alert(1)).unwrap();
        assert!(!alert.contains("13800138000"), "{alert}");
        assert_eq!(plain("call 13800138000\nat 9:30"), "call *** at 9:30");
        assert_eq!(plain("2026-03-05, 123456"), "2026-03-05, 123456");
        assert_eq!(plain("a\u{202e}b"), "a b");
        assert_eq!(plain(&"字".repeat(400)).chars().count(), TEXT_MAX + 1);
    }

    #[test]
    fn a_name_has_no_full_stop() {
        let mut alert = alert(1);
        assert_eq!(alert.id(), "task-1-new-3");
        alert.task_id = "a.b/c".to_owned();
        alert.revision = None;
        assert_eq!(alert.id(), "a_b_c-new");
    }
}
