//! `rehearse`: the figures are those of the tasks it published, nobody is contacted more often than the rules say, and the same
//! seed gives the same bytes.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

const CITY: [&str; 12] = [
    "rehearse",
    "--subscribers",
    "250",
    "--warm-up-days",
    "20",
    "--days",
    "20",
    "--seed",
    "5",
    "--set",
    "churn.scale=6",
    "--show-task=json",
];

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_churnwatch"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

struct Played {
    text: String,
    report: Value,
    tasks: Vec<Value>,
    signals: Vec<Value>,
}

fn play(folder: &Path, more: &[&str]) -> Played {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (tasks, signals, json) = (path("tasks"), path("signals"), path("json"));
    let files = [
        "--force",
        "--tasks",
        &tasks,
        "--signals",
        &signals,
        "--json",
        &json,
    ];
    let ran = run(CITY.iter().chain(&files).chain(more));
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    Played {
        text: ran.stdout,
        report: serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap(),
        tasks: lines(&tasks),
        signals: lines(&signals),
    }
}

fn lines(path: &str) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// The sum of all numbers below a value.
fn sum(value: &Value) -> u64 {
    match value {
        Value::Object(fields) => fields.values().map(sum).sum(),
        other => number(other),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Whether a line was said on a day that counts: from 22 March on.
fn counts(moment: &Value) -> bool {
    text(moment) >= "2026-03-22"
}

#[test]
fn the_figures_add_up_and_are_those_of_the_published_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let played = play(folder.path(), &[]);
    let report = &played.report;
    assert_eq!(report["city"]["first_day"], "2026-03-22");
    assert_eq!(report["city"]["last_day"], "2026-04-10");

    let tasks = &report["tasks"];
    let figure = |name: &str| number(&tasks[name]);
    assert!(figure("opened") > 30, "{tasks}");
    assert_eq!(
        figure("open_at_start") + figure("opened") + figure("reopened"),
        figure("closed") + figure("open_at_end")
    );
    let opened: u64 = report["opened"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| number(&row["opened"]))
        .sum();
    assert_eq!(opened, figure("opened"));
    let queues = report["queues"].as_array().unwrap().iter();
    let queued: u64 = queues.map(|load| number(&load["opened"])).sum();
    assert_eq!(queued + number(&report["managers"]["opened"]), opened);
    let rows = report["purposes"].as_array().unwrap();
    let total = |name: &str| rows.iter().map(|row| number(&row[name])).sum::<u64>();
    assert_eq!(total("opened"), opened);
    let ends = [
        "saved",
        "refused",
        "lost",
        "churned",
        "recovered",
        "contacted",
        "expired",
        "other",
    ];
    let ended: u64 = ends.iter().map(|name| total(name)).sum();
    assert_eq!(
        ended + figure("open_at_end"),
        figure("open_at_start") + opened
    );
    let by_reason = sum(&report["closed"]);
    assert!(by_reason <= figure("closed") && by_reason + figure("reopened") >= figure("closed"));
    let saved = report["triggers"].as_array().unwrap().iter();
    let saved = saved.map(|row| number(&row["saved"])).sum::<u64>();
    assert!(saved >= total("saved") && saved > 0);

    let new = played.tasks.iter().filter(|task| task["revision"] == 1);
    let new = new.filter(|task| counts(&task["opened_at"])).count() as u64;
    assert_eq!(new, opened);
    let escalated = played
        .tasks
        .iter()
        .filter(|task| task["status"] == "escalated");
    let escalated = escalated.filter(|task| counts(&task["updated_at"])).count() as u64;
    assert!(escalated > 0);
    assert_eq!(escalated, sum(&report["escalations"]));
    assert!(sum(&report["suppressed"]) > 0);
    assert!(sum(&report["suppressed"]) < played.signals.len() as u64);
    let records = &report["records"];
    let fates = [
        "applied",
        "duplicate",
        "expired",
        "ignored",
        "dead_lettered",
    ];
    let fates: u64 = fates.iter().map(|name| number(&records[*name])).sum();
    assert_eq!(fates, number(&records["records"]));
}

#[test]
fn outcomes_close_tasks_and_send_them_round_again() {
    let folder = tempfile::tempdir().unwrap();
    let played = play(folder.path(), &["--set", "outcomes.mistake_share=0.3"]);
    let outcomes = &played.report["outcomes"];
    for result in ["reached", "unreachable", "saved", "refused", "lost"] {
        assert!(number(&outcomes[result]) > 0, "no {result}: {outcomes}");
    }
    let closed: BTreeSet<&str> = played
        .tasks
        .iter()
        .filter_map(|task| task["close_reason"].as_str())
        .collect();
    for reason in ["saved", "refused", "lost", "contacted"] {
        assert!(closed.contains(reason), "{closed:?}");
    }
    assert!(number(&played.report["tasks"]["corrected"]) > 0);
    assert!(number(&played.report["tasks"]["reopened"]) > 0);

    // Revisions of a task follow each other, and times never go back.
    let mut last: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for task in &played.tasks {
        let now = (number(&task["revision"]), text(&task["updated_at"]));
        if let Some(before) = last.insert(text(&task["task_id"]), now) {
            assert!(now.0 == before.0 + 1 && now.1 >= before.1, "{task}");
        }
    }
    // At most one open task of a purpose.
    let mut open: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for task in &played.tasks {
        let key = (text(&task["msisdn"]), text(&task["purpose"]));
        let id = text(&task["task_id"]);
        if task["status"] == "closed" {
            if open.get(&key) == Some(&id) {
                open.remove(&key);
            }
        } else {
            let other = open.insert(key, id);
            assert!(other.is_none_or(|other| other == id), "{task}");
        }
    }
}

#[test]
fn nobody_is_contacted_more_often_than_the_rules_allow() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("strict.toml");
    let rules =
        "[policy.contact]\ncap = { key = 1, ordinary = 1, small = 1 }\ncap_window_days = 20\n";
    fs::write(&config, rules).unwrap();
    // Everybody answers, and nobody makes up his mind, so that a task is worked on again and again.
    let busy = [
        "--set",
        "outcomes.reached_share=1",
        "--set",
        "outcomes.saved_share=0",
        "--set",
        "outcomes.refused_share=0",
        "--set",
        "outcomes.contacts_max=20",
    ];
    let strict = ["--config", config.to_str().unwrap()];
    for (cap_of, more) in [([4, 2, 2], &[][..]), ([1, 1, 1], &strict[..])] {
        let more: Vec<&str> = busy.iter().chain(more).copied().collect();
        let played = play(folder.path(), &more);
        let contacts = &played.report["contacts"];
        assert!(number(&contacts["contacts"]) > 20, "{contacts}");
        let rows = contacts["highest"].as_array().unwrap();
        for (row, cap) in rows.iter().zip(cap_of) {
            assert_eq!(number(&row["cap"]), cap);
            assert!(number(&row["churn"]) <= cap, "{row}");
            assert!(number(&row["care_and_grow"]) <= cap, "{row}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_budget_fewer_tasks() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let first = play(folders[0].path(), &["--partitions", "3"]);
    play(folders[1].path(), &["--partitions", "3"]);
    for name in ["tasks", "signals", "json"] {
        let bytes = |at: usize| fs::read(folders[at].path().join(name)).unwrap();
        assert!(bytes(0) == bytes(1), "{name}");
    }
    let config = folders[2].path().join("small.toml");
    let rules = "[policy.budget]\nwait_days = 1\ncare = { key = 0, ordinary = 1, small = 0 }\n\
                 grow = { key = 0, ordinary = 0, small = 0 }\nchurn = { key = 0, ordinary = 1, small = 1 }\n";
    fs::write(&config, rules).unwrap();
    let small = play(folders[2].path(), &["--config", config.to_str().unwrap()]);
    for row in small.report["opened"].as_array().unwrap() {
        // After the outage two days may close on one.
        let most = number(&row["per_day_most"]);
        let budget = 2 * number(&row["budget_per_day"]) + number(&row["urgent"]);
        assert!(most <= budget, "{row}");
    }
    let opened = |played: &Played| number(&played.report["tasks"]["opened"]);
    assert!(opened(&small) < opened(&first));
    let candidates = &small.report["candidates"];
    assert!(number(&candidates["put_off"]) > 0, "{candidates}");
    assert!(number(&candidates["lapsed"]) > 0, "{candidates}");
}

#[test]
fn capacities_and_absences_change_whose_tasks_they_are() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let without = play(folders[0].path(), &[]).report;
    let busiest = text(&without["managers"]["busiest"][0]["name"]);
    let config = folders[1].path().join("roster.toml");
    let roster = format!(
        "[policy.capacity]\nqueue_per_day = 1\n[policy.capacity.managers]\n\
         {busiest} = {{ deputy = \"AM-0\", absent = [\"2026-03-20/2026-04-30\"] }}\nAM-0 = {{ per_day = 1 }}\n"
    );
    fs::write(&config, roster).unwrap();
    let with = play(folders[1].path(), &["--config", config.to_str().unwrap()]);
    let new = with.tasks.iter().filter(|task| task["revision"] == 1);
    let new = new.filter(|task| counts(&task["opened_at"]));
    let those = |holds: &dyn Fn(&Value) -> bool| {
        new.clone().filter(|task| holds(&task["assignee"])).count() as u64
    };
    assert_eq!(those(&|who| who["account_manager"] == *busiest), 0);
    let (report, changed) = (&with.report, &with.report["capacity"]);
    let deputised = those(&|who| who["deputy_for"] == *busiest);
    assert!(deputised > 0);
    assert_eq!(number(&changed["to_deputies"]), deputised);
    let over = those(&|who| who["over_capacity"] == true);
    assert!(over > 0);
    assert_eq!(number(&changed["over_capacity"]), over);
    assert!(sum(&report["suppressed"]["over_capacity"]) > 0);
    assert_eq!(sum(&without["capacity"]), 0);

    // What is not urgent stays within the capacity of each queue and day.
    let mut released: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let calm = new.filter(|task| task.get("source").is_none());
    for task in calm.filter(|task| task["assignee"].get("account_manager").is_none()) {
        let day = &text(&task["opened_at"])[..10];
        let queue = text(&task["assignee"]["queue"]);
        *released.entry((queue, day)).or_default() += 1;
    }
    assert!(released.values().all(|tasks| *tasks == 1), "{released:?}");
    for load in report["queues"].as_array().unwrap() {
        assert_eq!(load["capacity_per_day"], 1);
        let over = number(&load["per_day_most"]) > 1;
        assert_eq!(number(&load["days_over"]) > 0, over, "{load}");
        assert!(number(&load["per_day_median"]) <= number(&load["per_day_most"]));
    }
    for title in ["can take", "days over", "as deputy", "capacity: "] {
        assert!(with.text.contains(title), "no {title} in\n{}", with.text);
    }
}

#[test]
fn a_task_is_shown_whole_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let played = play(folder.path(), &[]);
    let (report, shown) = played.text.split_once("one churn task\n").unwrap();
    for title in [
        "tasks opened",
        "account managers",
        "no contact by due_at",
        "suppressed: ",
        "tasks closed",
        "precision",
        "contacts with",
    ] {
        assert!(report.contains(title), "no {title} in\n{report}");
    }
    let task: Value = serde_json::from_str(shown).unwrap();
    assert!(played.tasks.contains(&task));
    assert_eq!(task["purpose"], "churn");
    let words = &task["signals"][0]["text"];
    assert!(!text(&words["zh-CN"]).is_ascii() && text(&words["en"]).is_ascii());
    // As it leaves: the fields in their order.
    assert!(shown.find("\"task_id\"").unwrap() < shown.find("\"revision\"").unwrap());
}

#[test]
fn mistakes_are_explained() {
    for (more, status, message) in [
        (&["--set", "outcomes.contacts_max=0"][..], 2, "contacts_max"),
        (&["--config", "/no/such.toml"], 2, "/no/such.toml"),
        (&["--days", "0"], 2, "--days"),
        (&["--subscribers", "0"], 2, "subscribers is 0"),
        (&["--json", "/no/such/folder/x"], 1, "cannot write"),
    ] {
        let ran = run(["rehearse"].iter().chain(more));
        assert_eq!(ran.status, Some(status), "{}", ran.stderr);
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    }
}
