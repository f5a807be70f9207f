//! The board on a real broker: what people do reaches the detector once, survives kill -9, brokers that are away, and the
//! loss of the store; and two boards agree.

use crate::support::broker::ProxiedBroker;
use crate::support::http::{get, post};
use crate::support::installation::{Installation, Running, call, minutes_ago};
use crate::support::process::Signal;
use crate::support::wait_for;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// A competitor's hotline: a call to it opens a task at once.
const HOTLINE: &str = "10010";

fn subscriber(number: usize) -> String {
    format!("86138001{number:05}")
}

/// A task for each of so many subscribers.
fn raise_tasks(installation: &Installation, subscribers: usize) {
    raise_tasks_keyed(installation, subscribers, "");
}

/// The same with keys that lack a prefix.
fn raise_tasks_keyed(installation: &Installation, subscribers: usize, without: &str) {
    let records = (0..subscribers).map(|number| {
        let who = subscriber(number);
        let value = call(&format!("call-{number}"), &who, HOTLINE, &minutes_ago(60));
        installation.keyed(who.strip_prefix(without).unwrap(), value)
    });
    installation.produce("cdr", records);
}

fn ask(board: &Running, path: &str) -> Value {
    let answer = get(board.address, path).expect("the board's pages");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The ids of the tasks that a list has.
fn ids(board: &Running, query: &str) -> BTreeSet<String> {
    let list = ask(board, &format!("/api/tasks?rows=1000&channel=all&{query}"));
    let tasks = list["tasks"].as_array().unwrap().iter();
    tasks
        .map(|task| task["id"].as_str().unwrap().to_owned())
        .collect()
}

fn wait_ids(board: &Running, query: &str, count: usize) -> BTreeSet<String> {
    wait_for(&format!("the board has {count} tasks of {query:?}"), || {
        Some(ids(board, query)).filter(|found| found.len() == count)
    })
}

fn act(board: &Running, id: &str, action: &Value) -> u16 {
    let path = format!("/api/tasks/{id}/actions");
    post(board.address, &path, &action.to_string())
        .expect("the board's pages")
        .status
}

/// The outcomes in their topic by name, with the task that each is of.
fn outcomes(installation: &Installation) -> BTreeMap<String, String> {
    let records = installation.read("outcome").into_iter();
    let records = records.map(|record| serde_json::from_str::<Value>(record.text()).unwrap());
    // Other feeds may share the topic.
    let records = records.filter(|record| record["record_type"] == "task_outcome");
    let of = |record: Value, name: &str| record[name].as_str().unwrap().to_owned();
    records
        .map(|record| (of(record.clone(), "record_id"), of(record, "task_id")))
        .collect()
}

fn kill(board: &mut Running) {
    board.process.signal(Signal::Kill);
    board.process.wait();
}

#[test]
fn answers_survive_kill9_and_the_loss_of_the_store() {
    const TASKS: usize = 30;
    let installation = Installation::new("board-kill", 4, "");
    let _run = installation.run();
    // In the feeds' own form of keys: an answer must meet the subscriber's other records.
    raise_tasks_keyed(&installation, TASKS, "86");
    let mut board = installation.board("board");
    let tasks = wait_ids(&board, "", TASKS);
    for (number, id) in tasks.iter().enumerate() {
        let noted = json!({ "action": "note", "text": format!("note {number}") });
        assert_eq!(act(&board, id, &noted), 200);
        let answer = json!({ "action": "answer", "result": "saved", "stated_reason": "price" });
        assert_eq!(act(&board, id, &answer), 200);
        // Whatever was said to be done is done, although nothing may have been sent yet.
        if number % 5 == 4 {
            kill(&mut board);
            board = installation.board("board");
        }
    }
    let closed = wait_ids(&board, "status=closed&close_reason=saved", TASKS);
    assert_eq!(closed, tasks);
    let outcomes = outcomes(&installation);
    assert_eq!(outcomes.len(), TASKS, "one outcome for each answer");
    assert_eq!(outcomes.values().collect::<BTreeSet<_>>().len(), TASKS);

    kill(&mut board);
    fs::remove_dir_all(installation.folder().join("board")).unwrap();
    let board = installation.board("board");
    wait_ids(&board, "status=closed", TASKS);
    for (number, id) in tasks.iter().enumerate() {
        let address = board.address;
        wait_for("notes and answers are back", || {
            let task: Value =
                serde_json::from_str(&get(address, &format!("/api/tasks/{id}"))?.body).unwrap();
            let note = task["notes"][0]["text"] == format!("note {number}");
            (note && task["answers"][0]["result"] == "saved" && task["sent"] == true).then_some(())
        });
    }
    assert_eq!(
        self::outcomes(&installation).len(),
        TASKS,
        "nothing is sent again"
    );
}

#[test]
fn answers_wait_for_brokers_that_are_away() {
    let broker = ProxiedBroker::shared();
    let installation = Installation::behind_proxy(&broker, "board-away", 2, "");
    let _run = installation.run();
    raise_tasks(&installation, 3);
    let board = installation.board("board");
    let tasks = wait_ids(&board, "", 3);
    broker.proxy().sever();
    let address = board.address;
    let status =
        || -> Value { serde_json::from_str(&get(address, "/api/status").unwrap().body).unwrap() };
    wait_for("the board says that the brokers are away", || {
        status()["away_since"].is_i64().then_some(())
    });
    for id in &tasks {
        let answer = json!({ "action": "answer", "result": "refused" });
        assert_eq!(act(&board, id, &answer), 200);
    }
    assert!(status()["waiting"].as_u64() >= Some(3), "{}", status());
    let page = get(address, "/tasks").unwrap().body;
    assert!(
        page.contains("class=\"warning\""),
        "the page does not say so"
    );
    broker.proxy().mend();
    wait_ids(&board, "status=closed&close_reason=refused", 3);
    wait_for("the brokers are back", || {
        (status()["away_since"].is_null() && status()["waiting"] == 0).then_some(())
    });
    assert_eq!(outcomes(&installation).len(), 3);
}

#[test]
fn two_boards_agree_on_who_has_a_task() {
    const TASKS: usize = 20;
    let installation = Installation::new("board-two", 2, "");
    let _run = installation.run();
    raise_tasks(&installation, TASKS);
    let boards = [installation.board("one"), installation.board("two")];
    let tasks = wait_ids(&boards[0], "", TASKS);
    wait_ids(&boards[1], "", TASKS);
    let [one, two] = &boards;
    std::thread::scope(|threads| {
        for (name, board) in [("anna", one), ("bert", two)] {
            let tasks = &tasks;
            threads.spawn(move || {
                for id in tasks {
                    let noted = json!({ "action": "note", "text": format!("by {name}") });
                    assert_eq!(act(board, id, &noted), 200);
                    act(board, id, &json!({ "action": "hand_over", "to": name }));
                }
            });
        }
    });
    for id in &tasks {
        wait_for("both say the same", || {
            let [a, b] = [one, two].map(|board| {
                let mut task = ask(board, &format!("/api/tasks/{id}"));
                task["notes"]
                    .as_array_mut()
                    .unwrap()
                    .sort_by_key(|note| note["text"].to_string());
                task
            });
            let both = a["notes"].as_array().map(Vec::len) == Some(2);
            let agree = a["notes"] == b["notes"] && a["holder"] == b["holder"];
            (both && agree && a["sent"] == true && b["sent"] == true).then_some(())
        });
    }
}

#[test]
fn an_erased_subscriber_goes_from_the_board_though_no_task_is_open() {
    let installation = Installation::new("board-erase", 2, "");
    let _run = installation.run();
    raise_tasks(&installation, 2);
    let board = installation.board("board");
    let tasks = wait_ids(&board, "", 2);
    for id in &tasks {
        let answer = json!({ "action": "answer", "result": "saved", "note": "secret words" });
        assert_eq!(act(&board, id, &answer), 200);
    }
    wait_ids(&board, "status=closed", 2);
    let who = subscriber(0);
    let request = format!(
        r#"{{"record_id":"dpo-1","record_type":"erase","msisdn":"{who}","event_timestamp":"{}"}}"#,
        minutes_ago(1)
    );
    installation.produce("subscriber", [installation.keyed(&who, request)]);
    let left = wait_ids(&board, "status=all", 1);
    let gone = tasks.difference(&left).next().unwrap();
    wait_for("the board's topic forgets the task", || {
        let mut records = installation.read("board").into_iter();
        let key = format!("task/{gone}");
        let last = records.rfind(|record| record.key.as_deref() == Some(key.as_bytes()));
        last.is_some_and(|record| record.value.is_none())
            .then_some(())
    });
    let audit = ask(&board, "/api/audit").to_string();
    assert!(!audit.contains(gone.as_str()), "{audit}");
}
