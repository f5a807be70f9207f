//! What people do with tasks.

use crate::caller::Caller;
use crate::records::{closed, hours, id, msisdn, revised, task, with};
use crate::site::Site;
use churnwatch::decode::Decoded;
use churnwatch::model::{Body, OutcomeResult};
use jsonschema::{Retrieve, Uri, Validator};
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

struct Files;

impl Retrieve for Files {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let name = uri.path().as_str().trim_start_matches('/');
        let text = std::fs::read_to_string(schemas().join(name))?;
        Ok(serde_json::from_str(&text)?)
    }
}

fn validator(file: &str) -> Validator {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("json-schema:///{file}"),
    });
    let options = jsonschema::options().with_retriever(Files);
    options
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn act(program: &Caller, number: u32, action: &Value) -> u16 {
    let path = format!("/api/tasks/{}/actions", id(number));
    program.call(&path, action).status
}

fn desk(site: &Site, number: u32) -> Value {
    let path = format!("/api/tasks/{}", id(number));
    site.program("chen").get(&path).json()
}

/// The records that the board has sent to the outcome feed, by task.
fn outcomes(site: &Site) -> Vec<(Value, Vec<u8>)> {
    site.settle();
    let records = site.client.read_committed(&site.config.topics.outcome);
    let read = records.into_iter().map(|record| {
        let bytes = record.value.unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            record.key.unwrap(),
            value["msisdn"]
                .as_str()
                .unwrap()
                .trim_start_matches('+')
                .as_bytes()
        );
        (value, bytes)
    });
    let mut read: Vec<_> = read.collect();
    read.sort_by_key(|(value, _)| value["task_id"].as_str().unwrap().to_owned());
    read
}

#[test]
fn answers_are_outcomes_that_the_detector_reads() {
    let site = Site::new();
    site.publish_some(7);
    let foreign = with(task(8), json!({ "msisdn": "4915112345678" }));
    site.publish(&[foreign]);
    let program = site.program("li-na");
    let answers = [
        json!({ "result": "reached" }),
        json!({ "result": "unreachable" }),
        json!({ "result": "saved", "stated_reason": "price", "confirmed_reason": "network" }),
        json!({ "result": "refused", "stated_reason": "other", "do_not_contact": true }),
        json!({ "result": "lost", "confirmed_reason": "competitor_offer", "note": "gone\u{202e}<b>" }),
    ];
    for (number, answer) in (1..).zip(&answers) {
        let answer = with(answer.clone(), json!({ "action": "answer" }));
        assert_eq!(act(&program, number, &answer), 200);
    }
    let form = site.person("li-na").post(
        "/tasks/task-0008/act",
        &[
            ("action", "answer"),
            ("result", "saved"),
            ("stated_reason", ""),
            ("snooze_until", ""),
        ],
    );
    assert_eq!(form.status, 303, "{form:?}");
    for wrong in [
        json!({ "result": "undecided" }),
        json!({ "result": "saved", "stated_reason": "weather" }),
        json!({ "result": "saved", "colour": "red" }),
        json!({ "result": "saved", "note": "x".repeat(2_001) }),
        json!({ "result": "saved", "snooze_until": 1 }),
        json!({}),
    ] {
        let wrong = with(wrong, json!({ "action": "answer" }));
        assert_eq!(act(&program, 7, &wrong), 400, "{wrong}");
    }

    let schema = validator("outcome.schema.json");
    let sent = outcomes(&site);
    assert_eq!(sent.len(), 6, "{sent:?}");
    for (record, bytes) in &sent {
        let errors: Vec<String> = schema
            .iter_errors(record)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{record}: {errors:?}");
        let Ok(Decoded::Event(event, faults)) = site.config.decoder.decode(bytes) else {
            panic!("not an event: {record}");
        };
        assert!(faults.is_empty(), "{record}");
        let Body::TaskOutcome(outcome) = &event.body else {
            panic!("not an outcome: {record}");
        };
        assert_eq!(outcome.task_id, record["task_id"].as_str().unwrap());
        let number = record["msisdn"].as_str().unwrap().trim_start_matches('+');
        assert_eq!(event.msisdn.as_str(), number);
        let refused = outcome.result == Some(OutcomeResult::Refused);
        assert_eq!(outcome.do_not_contact, refused);
    }
    assert_eq!(sent[5].0["msisdn"], "+4915112345678");
    assert_eq!(sent[0].0["msisdn"], msisdn(1));
    // Whoever has answered is done with it; who must try again keeps it, and notes stay here.
    let last = desk(&site, 5);
    assert_eq!(last["answers"][0]["result"], "lost");
    assert_eq!(last["notes"][0]["text"], "gone\u{202e}<b>");
    assert_eq!(last["sent"], true);
}

#[test]
fn of_two_who_take_a_task_at_once_one_gets_it() {
    let site = Site::new();
    let rounds = 20;
    site.publish_some(rounds);
    let together = Barrier::new(2);
    let take = json!({ "action": "take" });
    let takes = |program: Caller| -> Vec<u16> {
        let take = |number| {
            together.wait();
            act(&program, number, &take)
        };
        (1..=rounds).map(take).collect()
    };
    let people = ["li-na", "ma-li"].map(|name| site.program(name));
    let (a, b) = std::thread::scope(|scope| {
        let [a, b] = people.map(|program| scope.spawn(|| takes(program)));
        (a.join().unwrap(), b.join().unwrap())
    });
    for (number, pair) in (1..).zip(a.into_iter().zip(b)) {
        assert!(
            [(200, 409), (409, 200)].contains(&pair),
            "task {number}: {pair:?}"
        );
        let winner = if pair.0 == 200 { "li-na" } else { "ma-li" };
        assert_eq!(desk(&site, number)["holder"], winner);
    }
    site.settle();
    let take_over = json!({ "action": "take_over" });
    assert_eq!(act(&site.program("ma-li"), 1, &take_over), 200);
    assert_eq!(desk(&site, 1)["holder"], "ma-li");
}

#[test]
fn next_task_hands_out_each_task_once() {
    let site = Site::new();
    site.publish_some(20);
    let takes = |person: Caller| -> Vec<String> {
        let next = || {
            let answer = person.post("/tasks/next", &[("query", "due=later"), ("query", "")]);
            answer.header("location").unwrap().to_owned()
        };
        (0..10).map(|_| next()).collect()
    };
    let people = ["li-na", "ma-li"].map(|name| site.person(name));
    let mut taken = std::thread::scope(|scope| {
        let [a, b] = people.map(|person| scope.spawn(|| takes(person)));
        [a.join().unwrap(), b.join().unwrap()].concat()
    });
    taken.sort();
    let all: Vec<String> = (1..=20)
        .map(|number| format!("/tasks/{}", id(number)))
        .collect();
    assert_eq!(taken, all);
    let none = site.person("li-na").post("/tasks/next", &[]);
    assert_eq!(none.header("location"), Some("/tasks?none=1&"));
}

#[test]
fn a_task_is_handed_over_put_off_and_annotated() {
    let site = Site::new();
    site.publish_some(3);
    let (li_na, ma_li, wang) = (
        site.program("li-na"),
        site.program("ma-li"),
        site.program("wang"),
    );
    let hand_over = |to: &str| json!({ "action": "hand_over", "to": to });
    assert_eq!(act(&li_na, 1, &hand_over("nobody")), 400);
    assert_eq!(act(&li_na, 1, &hand_over("zhao")), 200);
    assert_eq!(act(&ma_li, 1, &hand_over("ma-li")), 409, "it is zhao's");
    assert_eq!(act(&ma_li, 1, &json!({ "action": "release" })), 409);
    // What was handed to somebody is theirs to see.
    assert_eq!(site.program("zhao").get("/api/tasks/task-0001").status, 200);
    assert_eq!(act(&wang, 1, &hand_over("ma-li")), 200);
    assert_eq!(site.program("zhao").get("/api/tasks/task-0001").status, 404);

    let now = site.program("chen").get("/api/status").json()["now"]
        .as_i64()
        .unwrap();
    let snooze = |until: i64| json!({ "action": "snooze", "until": until });
    let day = 86_400_000;
    assert_eq!(act(&li_na, 2, &snooze(now - 1)), 400);
    assert_eq!(act(&li_na, 2, &snooze(now + 91 * day)), 400);
    assert_eq!(act(&li_na, 2, &snooze(now + day)), 200);
    let count = |query: &str| li_na.get(&format!("/api/tasks?{query}")).json()["all"].clone();
    assert_eq!((count(""), count("snoozed=true")), (json!(2), json!(3)));
    assert_eq!(act(&li_na, 2, &snooze(0)), 200);
    assert_eq!(count(""), 3);
    let past = [("action", "snooze"), ("until", "2020-01-01T00:00")];
    assert_eq!(
        site.person("li-na")
            .post("/tasks/task-0002/act", &past)
            .status,
        400
    );
    let no_time = [("action", "snooze"), ("until", "tomorrow")];
    assert_eq!(
        site.person("li-na")
            .post("/tasks/task-0002/act", &no_time)
            .status,
        400
    );

    let note = |text: &str| json!({ "action": "note", "text": text });
    assert_eq!(act(&li_na, 3, &note("  ")), 400);
    assert_eq!(act(&li_na, 3, &note(&"字".repeat(2_001))), 400);
    assert_eq!(act(&li_na, 3, &note("calls <b>back</b> & again")), 200);
    let page = site.person("ma-li").get("/tasks/task-0003").body;
    assert!(page.contains("li-na: calls &lt;b&gt;back&lt;/b&gt; &amp; again"));

    // A closed task is not worked on any more, but what became of it may be corrected.
    site.publish(&[closed(&task(3), "expired")]);
    assert_eq!(act(&li_na, 3, &json!({ "action": "take" })), 409);
    assert_eq!(
        act(&li_na, 3, &json!({ "action": "answer", "result": "saved" })),
        200
    );
}

#[test]
fn views_are_kept_for_whoever_saved_them() {
    let site = Site::new();
    site.publish(&[with(task(1), json!({ "due_at": hours(-1) }))]);
    let person = site.person("li-na");
    let save = |name: &str, query: &str| person.post("/views", &[("name", name), ("query", query)]);
    assert_eq!(save("late & lost", "due=overdue&sort=value").status, 303);
    assert_eq!(save("", "due=overdue").status, 400);
    assert_eq!(save("a/b", "due=overdue").status, 400);
    assert_eq!(save(&"x".repeat(61), "due=overdue").status, 400);
    assert_eq!(save("wrong", "colour=red").status, 400);
    let page = person.get("/tasks").body;
    assert!(page.contains("late &amp; lost"));
    assert!(page.contains("/tasks?due=overdue&amp;sort=value"));
    assert!(
        !site
            .person("ma-li")
            .get("/tasks")
            .body
            .contains("late &amp; lost")
    );
    person.post("/views", &[("name", "late & lost"), ("remove", "1")]);
    assert!(!person.get("/tasks").body.contains("late &amp; lost"));
}

#[test]
fn a_bulk_action_is_for_the_whole_list_and_says_what_it_did() {
    let site = Site::new();
    let tasks = site.publish_some(250);
    let shut: Vec<Value> = tasks[..10]
        .iter()
        .map(|task| closed(task, "expired"))
        .collect();
    site.put(&shut);
    site.await_count("status=closed", 10);
    let lead = site.program("wang");
    let bulk = |query: &str, ids: &[String], act: Value| {
        let answer = lead.call(
            "/api/bulk",
            &json!({ "query": query, "ids": ids, "act": act }),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let hand_over = json!({ "action": "hand_over", "to": "ma-li" });
    let done = bulk("status=all", &[], hand_over.clone());
    assert_eq!(
        (&done["matched"], &done["done"]),
        (&json!(250), &json!(240))
    );
    assert_eq!(done["failed"], json!({ "the task is closed": 10 }));
    site.await_count("holder=ma-li", 240);
    let two = [id(20), id(21), "task-of-nobody".to_owned()];
    let done = bulk("", &two, json!({ "action": "release" }));
    assert_eq!((&done["matched"], &done["done"]), (&json!(2), &json!(2)));
    site.await_count("holder=ma-li", 238);

    let person = site.person("wang");
    let mut fields = vec![
        ("query", "holder=-"),
        ("action", "hand_over"),
        ("to", "li-na"),
    ];
    let asked = person.post("/bulk", &fields);
    assert_eq!(asked.status, 200, "{asked:?}");
    assert!(asked.body.contains("2 "), "{}", asked.body);
    site.await_count("holder=li-na", 0);
    fields.push(("sure", "1"));
    let form = person.post("/bulk", &fields);
    assert_eq!(form.status, 200, "{form:?}");
    site.await_count("holder=li-na", 2);
    let entries = site.program("chen").get("/api/audit?what=bulk").json()["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 3);
    for wrong in [
        json!({ "query": "colour=red", "act": hand_over }),
        json!({ "act": { "action": "take" } }),
        json!({ "act": { "action": "hand_over" } }),
        json!({ "acts": [] }),
    ] {
        assert_eq!(lead.call("/api/bulk", &wrong).status, 400, "{wrong}");
    }
}

#[test]
fn an_answered_task_comes_again_once_the_detector_has_taken_the_answer_in() {
    let site = Site::new();
    let first = task(1);
    site.publish(std::slice::from_ref(&first));
    let li_na = site.person("li-na");
    let next = || {
        let answer = li_na.post("/tasks/next", &[]);
        answer.header("location").unwrap().to_owned()
    };
    let answer = json!({ "action": "answer", "result": "reached" });
    assert_eq!(act(&site.program("li-na"), 1, &answer), 200);
    assert_eq!(next(), "/tasks?none=1&");
    let second_talk = json!({ "outcome": "reached", "contacted_at": hours(0), "not_before": hours(-1), "due_at": hours(5) });
    let second = revised(&first, second_talk);
    site.publish(std::slice::from_ref(&second));
    assert_eq!(next(), "/tasks/task-0001");
    let page = li_na
        .with("accept-language", "en")
        .get("/tasks/task-0001")
        .body;
    assert!(
        page.contains("contacted 2")
            || page.contains("contacted 0")
            || page.contains("contacted 1"),
        "{page}"
    );
    assert_eq!(
        act(&site.program("li-na"), 1, &json!({ "action": "release" })),
        200
    );
    // The time for the second talk is over.
    site.publish(&[revised(&second, json!({ "due_at": hours(-1) }))]);
    assert_eq!(next(), "/tasks?none=1&");
}

#[test]
fn the_history_says_who_passed_a_task_on_and_an_answer_may_lead_to_the_next() {
    let site = Site::new();
    site.publish_some(2);
    let li_na = site.person("li-na").with("accept-language", "en");
    assert_eq!(
        act(&site.program("li-na"), 1, &json!({ "action": "release" })),
        409
    );
    for action in [
        json!({ "action": "take" }),
        json!({ "action": "hand_over", "to": "ma-li" }),
    ] {
        assert_eq!(act(&site.program("li-na"), 1, &action), 200);
    }
    let page = li_na.get("/tasks/task-0001").body;
    assert!(page.contains("li-na took"), "{page}");
    assert!(page.contains("li-na handed over ma-li"), "{page}");
    let form = [("action", "answer"), ("result", "saved"), ("then", "next")];
    let answered = site.person("ma-li").post("/tasks/task-0001/act", &form);
    assert_eq!(answered.header("location"), Some("/tasks/task-0002"));
    assert_eq!(desk(&site, 2)["holder"], "ma-li");
}
