//! What the board keeps, builds anew and forgets.

use crate::records::{closed, hours, id, msisdn, revised, signal, task, with};
use crate::site::Site;
use crate::support::client::NewRecord;
use crate::support::wait_for;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn records_that_do_not_read_and_newer_ones_stop_nothing() {
    let site = Site::new();
    let topics = &site.config.topics;
    for (topic, value) in [
        (&topics.tasks, "not JSON"),
        (&topics.tasks, "{}"),
        (&topics.signals, "[1, 2]"),
        (&topics.board, "{}"),
        (&topics.erasures, "nothing"),
    ] {
        let record = NewRecord::new("task/task-0001", value);
        site.client.produce(topic, [record]);
    }
    let board = NewRecord::new("constellation/1", "of a newer version");
    site.client.produce(&topics.board, [board]);
    let tombstone = NewRecord {
        key: Some(msisdn(9).into()),
        ..NewRecord::default()
    };
    site.client.produce(&topics.tasks, [tombstone]);
    let mut newer = with(
        task(1),
        json!({
            "severity": "desperate", "tier": "royal", "stage": "reborn", "purpose": "amuse", "mood": { "of": "the day" },
            "assignee": { "level": "chairman", "deputy": "am-18" },
        }),
    );
    newer["signals"][0]["trigger"] = json!("full_moon");
    site.publish(&[newer, task(2)]);
    let person = site.person("chen").with("accept-language", "en");
    let status = wait_for("the broken records were read", || {
        let status = person.get("/api/status").json();
        (status["broken"].as_i64() >= Some(4)).then_some(status)
    });
    assert_eq!(status["broken"], 4, "{status}");
    for path in [
        "/tasks",
        "/tasks/task-0001",
        "/lead",
        "/api/tasks",
        "/api/tasks/task-0001",
    ] {
        let answer = person.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.body.contains("task-0001") || answer.body.contains("full_moon"),
            "{path}"
        );
    }
    let page = person.get("/tasks/task-0001").body;
    assert!(
        page.contains("full_moon") && page.contains("reborn"),
        "{page}"
    );
    let record = person.get("/api/tasks/task-0001").json()["task"].clone();
    assert_eq!(record["mood"]["of"], "the day");
}

#[test]
fn a_task_says_for_whom_its_deputy_stands_in() {
    let site = Site::new();
    let first = task(1);
    site.publish(std::slice::from_ref(&first));
    let assignee = json!({ "assignee": { "account_manager": "am-18", "deputy_for": "am-17", "over_capacity": true } });
    site.publish(&[revised(&first, assignee)]);
    for (language, words) in [
        (
            "en",
            [
                "Stands in for",
                "nobody had room that day",
                "Passed on to am-18",
            ],
        ),
        ("zh-CN", ["代班", "当日人手不足", "转交 am-18"]),
    ] {
        let person = site.person("chen").with("accept-language", language);
        let page = person.get("/tasks/task-0001").body;
        assert!(page.contains("<dd>am-17</dd>"), "{page}");
        for words in words {
            assert!(page.contains(words), "no {words} in {page}");
        }
    }
    let site_of_deputy = site.program("chen").get("/api/tasks?manager=am-18").json();
    assert_eq!(
        site_of_deputy["tasks"][0]["id"], "task-0001",
        "{site_of_deputy}"
    );
}

/// What people see of the tasks, the views and the audit.
fn seen(site: &Site) -> Vec<Value> {
    let program = site.program("chen");
    let mut seen = Vec::new();
    for number in 1..=3 {
        let mut task = program.get(&format!("/api/tasks/{}", id(number))).json();
        task.as_object_mut().unwrap().remove("sent");
        seen.push(task);
    }
    seen.push(program.get("/api/audit").json());
    seen
}

fn work(site: &Site) {
    let tasks = site.publish_some(3);
    site.publish(&[closed(&tasks[2], "saved")]);
    let program = site.program("li-na");
    for (number, action) in [
        (1, json!({ "action": "take" })),
        (1, json!({ "action": "note", "text": "before" })),
        (2, json!({ "action": "hand_over", "to": "ma-li" })),
        (2, json!({ "action": "answer", "result": "saved" })),
        (3, json!({ "action": "note", "text": "after" })),
    ] {
        let path = format!("/api/tasks/{}/actions", id(number));
        let answer = program.call(&path, &action);
        // Only who has it may answer.
        let expected = if action["action"] == "answer" {
            409
        } else {
            200
        };
        assert_eq!(answer.status, expected, "{action}");
    }
    let person = site.person("li-na");
    person.post("/views", &[("name", "late"), ("query", "due=overdue")]);
    site.settle();
}

#[test]
fn a_store_is_built_anew_from_the_topics() {
    let mut site = Site::new();
    work(&site);
    let before = seen(&site);
    assert_eq!(before[0]["holder"], "li-na");
    assert_eq!(before[0]["notes"][0]["text"], "before");
    site.stop();
    std::fs::remove_dir_all(site.store()).unwrap();
    site.restart();
    wait_for("everything is there again", || {
        let there = site.program("chen").get("/api/tasks/task-0003").status == 200;
        (there && seen(&site) == before).then_some(())
    });
    assert!(site.person("li-na").get("/tasks").body.contains("late"));
    assert!(
        site.person("li-na")
            .get("/tasks?status=all")
            .body
            .contains("due=overdue")
    );
}

#[test]
fn a_kept_store_goes_on_where_it_was() {
    let mut site = Site::new();
    work(&site);
    let before = seen(&site);
    let seq = site.program("chen").get("/api/status").json()["seq"].as_i64();
    site.restart();
    assert_eq!(seen(&site), before, "at once");
    let rights = std::fs::metadata(site.store())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(rights & 0o077, 0, "nobody else may read it");
    assert!(
        site.program("chen").get("/api/status").json()["seq"].as_i64() >= seq.map(|seq| seq - 1)
    );
    site.publish(&[task(4)]);
    let take = json!({ "action": "take" });
    let taken = site
        .program("li-na")
        .call("/api/tasks/task-0004/actions", &take);
    assert_eq!(taken.status, 200);
    // Read once more, a signal would be counted twice.
    site.put_signals(&[signal(1, "over_budget")]);
    let once = json!([{ "name": "over_budget", "times": 1 }]);
    let counted =
        |site: &Site| site.program("chen").get("/api/rollup").json()["suppressed"].clone();
    wait_for("a signal is counted", || {
        (counted(&site) == once).then_some(())
    });
    site.restart();
    site.publish(&[task(5)]);
    assert_eq!(counted(&site), once);
}

#[test]
fn a_store_of_another_layout_is_built_anew() {
    let mut site = Site::new();
    work(&site);
    let before = seen(&site);
    site.stop();
    let file = rusqlite::Connection::open(site.store().join("board.sqlite")).unwrap();
    let other = "DROP TABLE task; CREATE TABLE task (colour TEXT); PRAGMA user_version = 77";
    file.execute_batch(other).unwrap();
    let letter =
        "INSERT INTO outbox (topic, key, value, at) VALUES (?1, 'other/waited', x'7b7d', 0)";
    file.execute(letter, [&site.config.topics.board]).unwrap();
    drop(file);
    site.restart();
    wait_for("everything is there again", || {
        let there = site.program("chen").get("/api/tasks/task-0003").status == 200;
        (there && seen(&site) == before).then_some(())
    });
    site.settle();
    assert_eq!(last_of(&site, "other/waited"), Some(Some(b"{}".to_vec())));
}

/// Whether any file of the store has some bytes.
fn store_has(site: &Site, bytes: &str) -> bool {
    let files = std::fs::read_dir(site.store()).unwrap();
    files.into_iter().any(|file| {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        content
            .windows(bytes.len())
            .any(|found| found == bytes.as_bytes())
    })
}

/// The last record of the board's topic under a key; within, nothing for a removal.
fn last_of(site: &Site, key: &str) -> Option<Option<Vec<u8>>> {
    let records = site.client.read_committed(&site.config.topics.board);
    let mut of_key = records
        .into_iter()
        .filter(|record| record.key.as_deref() == Some(key.as_bytes()));
    of_key.next_back().map(|record| record.value)
}

#[test]
fn an_erased_subscriber_is_forgotten() {
    let mut site = Site::new();
    let secret = "a secret of the customer";
    site.publish_some(3);
    site.put_signals(&[signal(1, "over_budget"), signal(2, "over_budget")]);
    let program = site.program("li-na");
    for number in [1, 2, 3] {
        let path = format!("/api/tasks/{}", id(number));
        let note = json!({ "action": "note", "text": secret });
        assert_eq!(program.call(&format!("{path}/actions"), &note).status, 200);
        assert_eq!(
            program.call(&format!("{path}/number"), &json!({})).status,
            200
        );
        let answer = json!({ "action": "answer", "result": "reached" });
        assert_eq!(
            program.call(&format!("{path}/actions"), &answer).status,
            200
        );
    }
    site.settle();
    assert!(last_of(&site, "task/task-0001").unwrap().is_some());

    // One is erased by request: its confirmation names the place of the request.
    let topics = &site.config.topics;
    let request = json!({
        "record_id": "dpo-1", "record_type": "erase", "msisdn": msisdn(1), "event_timestamp": hours(0),
    });
    let request = NewRecord::new(msisdn(1), request.to_string()).on(1);
    site.client.produce(&topics.subscriber, [request]);
    let confirmation = json!({
        "record_type": "erased", "request": "dpo-1", "known": true, "tasks_closed": 1, "erased_at": hours(0),
        "source": { "topic": topics.subscriber, "partition": 1, "offset": 0 },
    });
    site.client.produce(
        &topics.erasures,
        [NewRecord::new("dpo-1", confirmation.to_string())],
    );
    // Of the other the detector has closed a task.
    site.put(&[closed(&task(2), "erased")]);
    site.await_count("status=all", 1);
    site.settle();

    let person = site.person("chen");
    for number in [1, 2] {
        for path in [
            format!("/tasks/{}", id(number)),
            format!("/api/tasks/{}", id(number)),
        ] {
            assert_eq!(person.get(&path).status, 404, "{path}");
        }
        let key = format!("task/{}", id(number));
        wait_for("the board's topic has a tombstone", || {
            (last_of(&site, &key) == Some(None)).then_some(())
        });
        let audit = person
            .get(&format!("/api/audit?task={}", id(number)))
            .json();
        assert_eq!(audit["entries"], json!([]));
    }
    let shown = person.get("/api/audit?what=number").json()["entries"].clone();
    assert_eq!(
        shown.as_array().unwrap().len(),
        3,
        "that somebody did something stays"
    );
    for path in [
        "/tasks?status=all",
        "/lead",
        "/audit",
        "/tasks.csv?status=all",
        "/tasks/task-0003",
    ] {
        let page = person.get(path).body;
        assert!(
            !page.contains("task-0001") && !page.contains("task-0002"),
            "{path}"
        );
    }
    // The last connection that closes writes everything into the file.
    site.stop();
    for number in [1, 2] {
        assert!(
            !store_has(&site, &msisdn(number)[2..]),
            "the number of task {number}"
        );
        assert!(!store_has(&site, &id(number)), "task {number}");
    }
    assert!(store_has(&site, &msisdn(3)) && store_has(&site, secret));
    // It does not come back with a store that is built anew either.
    std::fs::remove_dir_all(site.store()).unwrap();
    site.restart();
    site.await_count("status=all", 1);
    // Whoever has the number now is another subscriber, and stays.
    site.publish(&[with(
        task(4),
        json!({ "msisdn": msisdn(2), "opened_at": hours(1) }),
    )]);
    site.restart();
    site.publish(&[task(5)]);
    site.await_count("status=all", 3);
    site.settle();
    site.stop();
    assert!(!store_has(&site, &msisdn(1)) && !store_has(&site, &id(2)));
}

#[test]
fn while_the_brokers_are_away_people_go_on_and_are_told() {
    let mut site = Site::new();
    site.publish_some(2);
    let person = site.person("li-na").with("accept-language", "en");
    assert!(!person.get("/tasks").body.contains("have not answered"));
    site.lose_brokers();
    let take = person.post("/tasks/task-0001/act", &[("action", "take")]);
    assert_eq!(take.status, 303, "{take:?}");
    let status = wait_for("the board knows that the brokers are away", || {
        let status = person.get("/api/status").json();
        status["away_since"].is_i64().then_some(status)
    });
    assert!(status["waiting"].as_i64() >= Some(2), "{status}");
    let page = person.get("/tasks").body;
    assert!(
        page.contains("The brokers have not answered since"),
        "{page}"
    );
    assert!(page.contains("wait to be sent"), "{page}");
    let case = person.get("/tasks/task-0001").body;
    assert!(case.contains("Being sent"), "{case}");
    assert!(case.contains("You have this task."), "{case}");
    // What waits outlives the process.
    site.stop();
    assert!(store_has(&site, "task-0001"));
}
