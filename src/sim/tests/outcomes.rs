//! Account managers: people answer as they are, tasks are worked on as they stand.

use crate::engine::settings::QuietRules;
use crate::model::Calendar;
use crate::sim::{AccountManagers, Answer, City, CityConfig, Scenario};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const OPENED: &str = "2026-04-01T10:00:00+08:00";

fn task(number: u32, status: &str, channel: &str, updated_at: &str) -> Vec<u8> {
    let line = json!({
        "task_id": format!("task-{number}"), "msisdn": format!("86139{number:08}"), "status": status,
        "purpose": "churn", "severity": "early",
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
fn managers(channel: &str) -> AccountManagers {
    let mut managers = AccountManagers::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
    for number in 0..4_000 {
        managers
            .add_task_line(&task(number, "open", channel, OPENED))
            .unwrap();
        let left_at = match number / 1_000 {
            0 => continue,
            1 => Value::Null,
            2 => "2026-04-11T00:00:00+08:00".into(),
            _ => "2026-03-22T00:00:00+08:00".into(),
        };
        managers.add_truth_line(&truth(number, left_at)).unwrap();
    }
    managers
}

fn count(answers: &[Answer], group: u32) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let record: Value = serde_json::from_str(&answer.json).unwrap();
        let number: u32 = record["msisdn"].as_str().unwrap()[5..].parse().unwrap();
        if number / 1_000 == group {
            let result = record["result"].as_str().unwrap().to_owned();
            *counts.entry(result).or_default() += 1;
        }
    }
    counts
}

#[test]
fn people_answer_as_they_are() {
    let answers = managers("outbound_call").answers();
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
    assert_eq!(answers, managers("outbound_call").answers());
}

#[test]
fn campaigns_are_rarely_answered_and_silence_is_no_outcome() {
    let answers = managers("bulk_campaign").answers();
    let counts = count(&answers, 0);
    assert!(!counts.contains_key("unreachable"));
    assert!(
        (90..210).contains(&counts.values().sum::<u32>()),
        "{counts:?}"
    );
}

#[test]
fn a_few_of_the_lost_come_back_and_nobody_reports_their_loss() {
    let mut managers = AccountManagers::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
    for number in 0..1_000 {
        let line = task(number, "open", "outbound_call", OPENED);
        let line = String::from_utf8(line).unwrap();
        let line = line.replace("churn", "win_back");
        managers.add_task_line(line.as_bytes()).unwrap();
        let left_at = "2026-03-22T00:00:00+08:00".into();
        managers.add_truth_line(&truth(number, left_at)).unwrap();
    }
    let counts = count(&managers.answers(), 0);
    for (result, expected) in [
        ("reached", 372),
        ("saved", 48),
        ("refused", 180),
        ("lost", 2),
    ] {
        let found = counts.get(result).copied().unwrap_or_default();
        assert!(
            found.abs_diff(expected) < 40,
            "{result}: {found}, not {expected}"
        );
    }
    let back = managers.take_won_back().len();
    assert!(back.abs_diff(48) < 25, "{back}");
}

#[test]
fn closed_tasks_are_not_worked_on() {
    let mut managers = managers("outbound_call");
    for number in 0..4_000 {
        let closed = task(
            number,
            "closed",
            "outbound_call",
            "2026-04-01T10:10:00+08:00",
        );
        managers.add_task_line(&closed).unwrap();
    }
    assert_eq!(managers.tasks(), 4_000);
    assert!(managers.answers().is_empty());
}

#[test]
fn lines_that_are_something_else_are_refused() {
    let mut managers = AccountManagers::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
    let error = managers
        .add_task_line(b"{\"task_id\":\"x\"}")
        .unwrap_err()
        .to_string();
    assert_eq!(error, "not a task: stops making sense at column 15");
    let line = truth(1, "soon".into());
    let error = managers.add_truth_line(&line).unwrap_err().to_string();
    assert_eq!(error, "`left_at` is not RFC 3339");
    assert!(AccountManagers::new(&Scenario::default(), "Middle/Earth", 5).is_err());
}

/// Account managers by other rates, with some churn episodes known, and tasks of content customers.
fn managers_by(settings: &[&str], tasks: u32) -> AccountManagers {
    let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
    let scenario = Scenario::load(None, &settings).unwrap();
    let mut managers = AccountManagers::new(&scenario, "Asia/Shanghai", 5).unwrap();
    for number in 0..tasks {
        managers
            .add_task_line(&task(number, "open", "outbound_call", OPENED))
            .unwrap();
    }
    managers
}

/// A revision that sets another date.
fn planned_for(number: u32, updated_at: &str, not_before: &str) -> Vec<u8> {
    let line = task(number, "updated", "outbound_call", updated_at);
    let text = String::from_utf8(line).unwrap();
    let [old, new] = [OPENED, not_before].map(|at| format!("\"not_before\":\"{at}\""));
    text.replace(&old, &new).into_bytes()
}

fn by_task(answers: &[Answer]) -> BTreeMap<String, Vec<Value>> {
    let mut tasks: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for answer in answers {
        let record: Value = serde_json::from_str(&answer.json).unwrap();
        let id = record["task_id"].as_str().unwrap().to_owned();
        tasks.entry(id).or_default().push(record);
    }
    tasks
}

#[test]
fn whoever_is_not_reached_is_tried_again_a_few_times() {
    let mut managers = managers_by(&["outcomes.reached_share=0"], 50);
    for day in [3, 6, 9, 12] {
        let [updated_at, not_before] =
            [9, 12].map(|hour| format!("2026-04-{day:02}T{hour:02}:00:00+08:00"));
        for number in 0..50 {
            managers
                .add_task_line(&planned_for(number, &updated_at, &not_before))
                .unwrap();
        }
    }
    let answers = managers.answers();
    assert!(answers.iter().all(|answer| !answer.talk));
    for records in by_task(&answers).values() {
        let at: Vec<&str> = records
            .iter()
            .map(|record| record["event_timestamp"].as_str().unwrap())
            .collect();
        assert_eq!(at.len(), 3, "{at:?}");
        assert!(
            at[1] > "2026-04-03T12:00" && at[2] > "2026-04-06T12:00",
            "{at:?}"
        );
        assert!(
            records
                .iter()
                .all(|record| record["result"] == "unreachable")
        );
        let ids: BTreeSet<_> = records.iter().map(|r| r["record_id"].as_str()).collect();
        assert_eq!(ids.len(), 3);
    }
}

#[test]
fn whoever_was_spoken_to_is_left_in_peace_until_the_next_date() {
    let undecided = [
        "outcomes.reached_share=1",
        "outcomes.content_saved_share=0",
        "outcomes.annoyed_share=0",
        "outcomes.mistake_share=0",
    ];
    let mut managers = managers_by(&undecided, 40);
    for number in 0..40 {
        let same = planned_for(number, "2026-04-05T09:00:00+08:00", OPENED);
        managers.add_task_line(&same).unwrap();
        if number < 20 {
            let later = "2026-04-09T09:00:00+08:00";
            managers
                .add_task_line(&planned_for(number, later, later))
                .unwrap();
        }
    }
    let tasks = by_task(&managers.answers());
    for number in 0..40 {
        let records = &tasks[&format!("task-{number}")];
        assert_eq!(records.len(), if number < 20 { 2 } else { 1 });
    }
}

#[test]
fn a_wrong_result_is_corrected_within_a_day() {
    let mut managers = managers_by(
        &["outcomes.mistake_share=1", "outcomes.reached_share=1"],
        300,
    );
    let answers = managers.answers();
    assert_eq!(answers.iter().filter(|answer| answer.talk).count(), 300);
    let mut right = BTreeMap::new();
    for records in by_task(&answers).values() {
        let [wrong, corrected] = &records[..] else {
            panic!("{records:?}");
        };
        let at = |record: &Value| -> jiff::Timestamp {
            record["event_timestamp"].as_str().unwrap().parse().unwrap()
        };
        let hours = at(corrected).duration_since(at(wrong)).as_hours();
        assert!((0..=24).contains(&hours), "{hours}");
        assert_ne!(wrong["result"], corrected["result"]);
        assert!(["saved", "refused", "lost"].contains(&wrong["result"].as_str().unwrap()));
        let result = corrected["result"].as_str().unwrap().to_owned();
        *right.entry(result).or_insert(0) += 1;
    }
    assert!(right["reached"] > 200, "{right:?}");
}

#[test]
fn reasons_are_those_of_the_truth() {
    let always = [
        "outcomes.reached_share=1",
        "outcomes.reason_share=1",
        "outcomes.confirmed_share=1",
        "outcomes.mistake_share=0",
    ];
    let mut managers = managers_by(&always, 6);
    let paths = [
        json!({"kind": "port_out", "details": {}}),
        json!({"kind": "complaint", "details": {"category": "network"}}),
        json!({"kind": "arrears"}),
        json!({"kind": "drop"}),
        // The last use is still to come; the mind is made up.
        json!({"kind": "stop", "from": "2026-04-20T10:00:00+08:00", "details": {"decided_on": "2026-03-25"}}),
    ];
    for (number, path) in paths.iter().enumerate() {
        let mut line: Value = serde_json::from_slice(&truth(number as u32, Value::Null)).unwrap();
        let fields = line.as_object_mut().unwrap();
        fields.extend(path.as_object().unwrap().clone());
        managers
            .add_truth_line(line.to_string().as_bytes())
            .unwrap();
    }
    let tasks = by_task(&managers.answers());
    for (number, reason) in [
        "competitor_offer",
        "network",
        "price",
        "second_sim",
        "competitor_offer",
        "no_intention",
    ]
    .into_iter()
    .enumerate()
    {
        let record = &tasks[&format!("task-{number}")][0];
        assert_eq!(record["confirmed_reason"], reason);
        let stated = (reason != "no_intention").then_some(reason);
        assert_eq!(record["stated_reason"].as_str(), stated);
    }
}

/// What a city tells while it lives is what its truth file would say.
#[test]
fn a_city_is_heard_as_its_file_is_read() {
    let scenario = Scenario::parse("churn.scale = 10", "test").unwrap();
    let mut city = City::new(CityConfig {
        scenario: scenario.clone(),
        ..CityConfig::new(150, 40, 9)
    })
    .unwrap();
    while city.next_event().is_some() {}
    let [mut heard, mut read] =
        [(); 2].map(|()| AccountManagers::new(&scenario, "Asia/Shanghai", 5).unwrap());
    heard.set_truth(city.full_truth());
    let mut numbers = BTreeSet::new();
    for line in city.full_truth() {
        read.add_truth_line(line.to_json(city.calendar()).as_bytes())
            .unwrap();
        numbers.extend(line.msisdn);
    }
    for (place, number) in numbers.iter().enumerate() {
        let line = String::from_utf8(task(place as u32, "open", "outbound_call", OPENED)).unwrap();
        let line = line.replace(&format!("86139{place:08}"), &number.to_string());
        heard.add_task_line(line.as_bytes()).unwrap();
        read.add_task_line(line.as_bytes()).unwrap();
    }
    let answers = heard.answers();
    assert_eq!(answers, read.answers());
    let told = |result: &str| answers.iter().any(|answer| answer.json.contains(result));
    assert!(told("\"refused\"") && told("\"saved\"") && told("\"competitor_offer\""));
}

#[test]
fn quiet_hours_are_kept_as_told() {
    let calendar = Calendar::new("Asia/Shanghai").unwrap();
    for (from, to) in [(18, 10), (0, 23), (3, 3)] {
        let mut managers = AccountManagers::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
        managers.set_quiet_hours(QuietRules {
            from_hour: from,
            to_hour: to,
        });
        for number in 0..200 {
            managers
                .add_task_line(&task(number, "open", "outbound_call", OPENED))
                .unwrap();
        }
        let quiet = |hour: u8| match from > to {
            true => hour >= from || hour < to,
            false => (from..to).contains(&hour),
        };
        let hours: BTreeSet<u8> = managers
            .answers()
            .iter()
            .map(|answer| calendar.hour_of(answer.at))
            .collect();
        assert!(
            !hours.is_empty() && !hours.iter().any(|hour| quiet(*hour)),
            "{hours:?}"
        );
    }
}
