//! The clerk: people answer as they are, tasks are worked on as they stand.

use crate::model::{Calendar, Timestamp};
use crate::sim::{Answer, Clerk, Scenario};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OPENED: &str = "2026-04-01T10:00:00+08:00";

fn task(number: u32, status: &str, channel: &str, updated_at: &str) -> Vec<u8> {
    let line = json!({
        "task_id": format!("task-{number}"), "msisdn": format!("139{number:08}"), "status": status,
        "not_before": OPENED, "expires_at": "2026-05-01T10:00:00+08:00", "updated_at": updated_at,
        "recommended_action": {"channel": channel, "playbook": []},
    });
    line.to_string().into_bytes()
}

fn truth(number: u32, left_at: Value) -> Vec<u8> {
    let line = json!({
        "msisdn": format!("86139{number:08}"), "class": "churn", "kind": "decay",
        "from": "2026-03-20T00:00:00+08:00", "left_at": left_at,
    });
    line.to_string().into_bytes()
}

/// A thousand content customers, a thousand who waver, a thousand who leave on the 11th, and a thousand who are gone.
fn clerk(channel: &str) -> Clerk {
    let mut clerk = Clerk::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
    for number in 0..4_000 {
        clerk.take(&task(number, "open", channel, OPENED)).unwrap();
        let left_at = match number / 1_000 {
            0 => continue,
            1 => Value::Null,
            2 => "2026-04-11T00:00:00+08:00".into(),
            _ => "2026-03-22T00:00:00+08:00".into(),
        };
        clerk.learn(&truth(number, left_at)).unwrap();
    }
    clerk
}

fn count(answers: &[Answer], group: u32) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let record: Value = serde_json::from_str(&answer.json).unwrap();
        let number: u32 = record["msisdn"].as_str().unwrap()[3..].parse().unwrap();
        if number / 1_000 == group {
            let result = record["result"].as_str().unwrap().to_owned();
            *counts.entry(result).or_default() += 1;
        }
    }
    counts
}

#[test]
fn people_answer_as_they_are() {
    let answers = clerk("outbound_call").answers();
    assert!(answers.is_sorted());
    let about = |found: Option<&u32>, expected: u32| {
        let found = found.copied().unwrap_or_default();
        assert!(found.abs_diff(expected) < 60, "{found}, not {expected}");
    };
    for (group, expected) in [
        (
            0,
            [
                ("reached", 492),
                ("saved", 60),
                ("refused", 48),
                ("lost", 0),
            ],
        ),
        (
            1,
            [
                ("reached", 300),
                ("saved", 300),
                ("refused", 0),
                ("lost", 0),
            ],
        ),
        (
            2,
            [
                ("reached", 300),
                ("saved", 0),
                ("refused", 300),
                ("lost", 700),
            ],
        ),
        (
            3,
            [("reached", 0), ("saved", 0), ("refused", 0), ("lost", 600)],
        ),
    ] {
        let counts = count(&answers, group);
        about(counts.get("unreachable"), 400);
        for (result, expected) in expected {
            about(counts.get(result), expected);
        }
    }
    let calendar = Calendar::new("Asia/Shanghai").unwrap();
    assert!(
        answers
            .iter()
            .all(|a| (9..21).contains(&calendar.hour_of(a.at)))
    );
    assert!(
        answers
            .iter()
            .all(|a| calendar.rfc3339(a.at).as_str() > OPENED)
    );
    assert_eq!(answers, clerk("outbound_call").answers());
}

#[test]
fn campaigns_are_rarely_answered_and_silence_is_no_outcome() {
    let answers = clerk("bulk_campaign").answers();
    let counts = count(&answers, 0);
    assert!(!counts.contains_key("unreachable"));
    assert!(
        (90..210).contains(&counts.values().sum::<u32>()),
        "{counts:?}"
    );
}

#[test]
fn closed_tasks_are_not_worked_on() {
    let mut clerk = clerk("outbound_call");
    for number in 0..4_000 {
        let closed = task(
            number,
            "closed",
            "outbound_call",
            "2026-04-01T10:10:00+08:00",
        );
        clerk.take(&closed).unwrap();
    }
    assert_eq!(clerk.tasks(), 4_000);
    assert!(clerk.answers().is_empty());
}

#[test]
fn lines_that_are_something_else_are_refused() {
    let mut clerk = Clerk::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
    let error = clerk.take(b"{\"task_id\":\"x\"}").unwrap_err().to_string();
    assert_eq!(error, "not a task: stops making sense at column 15");
    let line = truth(1, "soon".into());
    let error = clerk.learn(&line).unwrap_err().to_string();
    assert_eq!(error, "`left_at` is not RFC 3339");
    assert!(Clerk::new(&Scenario::default(), "Middle/Earth", 5).is_err());
}
