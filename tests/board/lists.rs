//! Lists and pages: filters, hostile texts, and numbers that nobody may read.

use crate::records::{closed, id, msisdn, revised, signal, task, with};
use crate::site::Site;
use serde_json::{Value, json};

#[test]
fn a_name_that_is_none_is_refused_by_name() {
    let site = Site::new();
    let person = site.person("chen");
    for path in [
        "/tasks",
        "/api/tasks",
        "/tasks.csv",
        "/lead",
        "/api/rollup",
        "/audit",
        "/api/audit",
    ] {
        let answer = person.get(&format!("{path}?colour=red"));
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains("colour"), "{answer:?}");
    }
    for query in [
        "status=red",
        "due=red",
        "sort=red",
        "snoozed=red",
        "snoozed=1",
    ] {
        let answer = person.get(&format!("/api/tasks?{query}"));
        assert_eq!(answer.status, 400, "{query}");
    }
    let unread = person.get("/changes?since=x&made=1&ids=");
    assert_eq!(unread.status, 400);
    // What a form sends of fields that were left empty.
    assert_eq!(person.get("/tasks?q=&due=&severity=&page=").status, 200);
}

#[test]
fn filters_find_what_they_say() {
    let site = Site::new();
    let late = json!({ "due_at": crate::records::hours(-1), "severity": "critical", "monthly_value": "900.00" });
    let care =
        json!({ "purpose": "care", "tier": "small", "not_before": crate::records::hours(5) });
    let shut = task(4);
    site.publish(&[
        task(1),
        with(task(2), late),
        with(task(3), care),
        shut.clone(),
    ]);
    site.publish(&[closed(&shut, "saved")]);
    let person = site.person("chen");
    let found = |query: &str| -> Vec<String> {
        let list = person.get(&format!("/api/tasks?{query}")).json();
        let tasks = list["tasks"].as_array().unwrap().clone();
        let ids = tasks
            .iter()
            .map(|task| task["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    let ids = |numbers: &[u32]| -> Vec<String> { numbers.iter().copied().map(id).collect() };
    assert_eq!(found(""), ids(&[2, 1, 3]));
    assert_eq!(found("reverse=true"), ids(&[3, 1, 2]));
    assert_eq!(found("status=closed"), ids(&[4]));
    assert_eq!(found("status=all&sort=value"), ids(&[2, 1, 3, 4]));
    assert_eq!(found("due=overdue"), ids(&[2]));
    assert_eq!(found("due=later"), ids(&[3]));
    assert_eq!(found("purpose=care"), ids(&[3]));
    assert_eq!(found("severity=critical"), ids(&[2]));
    assert_eq!(found("tier=small"), ids(&[3]));
    assert_eq!(found("trigger=usage_drop&manager=am-17"), ids(&[2, 1, 3]));
    assert_eq!(found("region=HQ/%E5%B9%BF%E4%B8%9C"), ids(&[2, 1, 3]));
    assert_eq!(found("region=HQ/%E5%B9%BF"), ids(&[]));
    assert_eq!(found("close_reason=saved&status=all"), ids(&[4]));
    assert_eq!(found("q=0002"), ids(&[2]));
    assert_eq!(found(&format!("q={}", msisdn(1))), ids(&[1]));
    let grouped = format!("q={}%20{}", &msisdn(1)[..6], &msisdn(1)[6..]);
    assert_eq!(found(&grouped), ids(&[1]));
    assert_eq!(found("q=TASK-0003"), ids(&[3]));
    assert_eq!(found("q=002"), ids(&[]), "three digits say nothing");
    assert_eq!(found("q=task-0003"), ids(&[3]));
    assert_eq!(found("q=%25"), ids(&[]));
    assert_eq!(found("q=0004"), ids(&[4]), "closed ones too");
    assert_eq!(found("status=all&close_reason=lost,saved"), ids(&[4]));
    assert_eq!(found("status=closed&days=1"), ids(&[4]));
    assert_eq!(
        (found("level=%2B"), found("holder=*")),
        (ids(&[]), ids(&[]))
    );
    assert_eq!(found("rows=1&page=1"), ids(&[1]));
}

/// What a page would do if it did not write it as text.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "</textarea></title><svg onload=alert(1)>",
    "\u{202e}\u{2066}txt.exe\u{2069}",
    "a\u{0}b",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "{{7*7}}${7*7}",
];

/// A task with the same text wherever a record may have one.
fn hostile(number: u32, text: &str) -> Value {
    let long = text.repeat(10_000 / text.len());
    let mut task = with(
        task(number),
        json!({
            "purpose": text, "severity": text, "tier": text, "stage": text, "monthly_value": text, "outcome": text,
            "stated_reason": text, "confirmed_reason": text, "rules_version": text,
            "suspension": { "reason": text, "since": text },
            "assignee": { "account_manager": text, "queue": text, "level": text, "region": ["HQ", text] },
            "recommended_action": {
                "channel": text, "playbook": [{ "zh-CN": long, "en": long }], "talk": { "listen": { "en": text } },
            },
        }),
    );
    let signal = &mut task["signals"][0];
    signal["trigger"] = json!(text);
    signal["text"] = json!({ "zh-CN": long, "en": long });
    signal["evidence"]["facts"]["history_from"] = json!(text);
    task
}

#[test]
fn hostile_texts_are_texts_everywhere() {
    let site = Site::new();
    let tasks: Vec<Value> = (1..)
        .zip(HOSTILE)
        .map(|(number, text)| hostile(number, text))
        .collect();
    let mut spoken = signal(1, "over_budget");
    spoken["trigger"] = json!(HOSTILE[0]);
    site.put_signals(&[spoken]);
    site.publish(&tasks);
    for task in &tasks {
        let closed = closed(task, task["outcome"].as_str().unwrap());
        let open = with(
            revised(&closed, json!({})),
            json!({ "status": "escalated" }),
        );
        site.publish(&[closed]);
        site.publish(&[open]);
    }
    let program = site.program("chen");
    for (number, text) in (1..).zip(HOSTILE) {
        let act = format!("/api/tasks/{}/actions", id(number));
        let note = json!({ "action": "note", "text": text });
        assert_eq!(program.call(&act, &note).status, 200);
    }
    let person = site.person("chen");
    for text in HOSTILE {
        let fields = [("name", text), ("query", "due=soon")];
        let saved = person.post("/views", &fields).status;
        assert_eq!(
            saved,
            if text.contains(|c: char| c == '/' || c.is_control()) {
                400
            } else {
                303
            },
            "{text}"
        );
    }
    let encoded = |text: &str| serde_urlencoded::to_string([("", text)]).unwrap();
    let columns = "columns=severity,subscriber,tier,value,score,stage,reason,manager,queue,region,level,outcome,holder";
    let mut paths = vec![
        format!("/tasks?{columns}"),
        "/lead".to_owned(),
        "/audit".to_owned(),
        format!("/changes?since=0&made=0&ids=task-0001,task-0002&{columns}"),
    ];
    for (number, text) in (1..).zip(HOSTILE) {
        paths.push(format!("/tasks/{}", id(number)));
        paths.push(format!(
            "/tasks?q{}&manager{}",
            encoded(text),
            encoded(text)
        ));
        paths.push(format!("/tasks?nothing{}", encoded(text)));
        paths.push(format!("/lead?region{}", encoded(text)));
        paths.push(format!("/audit?who{}", encoded(text)));
        paths.push(format!("/tasks/x?q{}", encoded(text)));
    }
    for language in ["en", "zh-CN"] {
        let person = person.with("accept-language", language);
        for path in &paths {
            let answer = person.get(path);
            assert!(
                [200, 400, 404].contains(&answer.status),
                "{path}: {answer:?}"
            );
            for mark in [
                "<script>alert",
                "<img src=x",
                "<svg onload",
                "\" onmouseover",
            ] {
                // JSON writes a page's parts as they are; they are escaped within.
                assert!(!answer.body.contains(mark), "{path} has {mark}");
            }
        }
    }
    let page = person.get(&format!("/tasks/{}", id(1))).body;
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn a_csv_holds_texts_and_no_formulas() {
    let site = Site::new();
    let texts = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\n=1",
        "＝1",
        "a,\"b\"\r\nc",
    ];
    let tasks: Vec<Value> = (1..)
        .zip(texts)
        .map(|(number, text)| {
            with(
                task(number),
                json!({ "assignee": { "account_manager": text } }),
            )
        })
        .collect();
    site.publish(&tasks);
    let answer = site.person("chen").get("/tasks.csv?columns=manager");
    let disposition = answer.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    let (_, cells) = answer.body.split_once("\r\n").unwrap();
    let expected = "task-0001,'=1+1\r\ntask-0002,'+1\r\ntask-0003,'-1\r\ntask-0004,'@SUM(A1)\r\n\
        task-0005,'\t=1\r\ntask-0006,\"'\n=1\"\r\ntask-0007,'＝1\r\ntask-0008,\"a,\"\"b\"\"\r\nc\"\r\n";
    assert_eq!(cells, expected);
    // An export of more than one page has all of it.
    let site = Site::new();
    site.publish_some(250);
    let answer = site.person("chen").get("/tasks.csv");
    assert_eq!(answer.body.matches("\r\n").count(), 251);
}

#[test]
fn numbers_are_masked_but_for_those_who_ask() {
    let site = Site::new();
    let first = task(1);
    site.put_signals(&[signal(1, "over_budget")]);
    site.publish(&[
        first.clone(),
        with(task(2), json!({ "msisdn": msisdn(1) })),
        task(3),
    ]);
    site.publish(&[revised(
        &first,
        json!({ "outcome": "reached", "contacted_at": crate::records::hours(0) }),
    )]);
    let columns = "columns=severity,subscriber,tier,value,score,stage,reason,manager,queue,region,level,opened,updated,due,outcome,holder";
    for name in ["li-na", "ma-li", "wang", "chen"] {
        let person = site.person(name);
        for path in [
            "/tasks".to_owned(),
            format!("/tasks?{columns}"),
            format!("/tasks.csv?{columns}"),
            "/tasks?q=0001".to_owned(),
            "/tasks/task-0001".to_owned(),
            "/lead".to_owned(),
            "/audit".to_owned(),
            "/api/tasks".to_owned(),
            "/api/tasks/task-0001".to_owned(),
            "/api/rollup".to_owned(),
            "/api/audit".to_owned(),
            "/api/status".to_owned(),
            "/changes?since=0&made=0&ids=task-0001,task-0002".to_owned(),
        ] {
            let answer = person.get(&path);
            for number in [1, 3] {
                let number = msisdn(number);
                assert!(!answer.body.contains(&number[2..]), "{name} {path}");
            }
        }
    }
    // Of a search the last four digits are kept.
    let person = site.person("chen");
    let search = format!("q={}", msisdn(1));
    assert_eq!(person.get(&format!("/tasks.csv?{search}")).status, 200);
    let page = person.get(&format!("/tasks?{search}"));
    assert_eq!(page.header("location"), Some("/tasks?q=0001"));
    person.post("/views", &[("name", "one"), ("query", &search)]);
    let kept = person.get("/tasks").body + &person.get("/api/audit?what=export").body;
    assert_eq!(kept.matches("q=0001").count(), 2, "{kept}");
    assert!(!kept.contains(&msisdn(1)[2..]));
    let audit = |query: &str| {
        site.program("chen")
            .get(&format!("/api/audit?{query}"))
            .json()
    };
    assert_eq!(audit("what=number")["entries"], json!([]));
    let shown = site.person("li-na").post("/tasks/task-0001/number", &[]);
    assert!(
        shown.body.contains(&format!("tel:{}", msisdn(1))),
        "{shown:?}"
    );
    let plain = site.person("li-na").with("accept", "text/plain");
    assert_eq!(plain.post("/tasks/task-0001/number", &[]).body, msisdn(1));
    let json = site
        .program("chen")
        .call("/api/tasks/task-0001/number", &json!({}))
        .json();
    assert_eq!(json["msisdn"], msisdn(1));
    let refused = site.person("ma-li").post("/tasks/task-0001/number", &[]);
    assert_eq!(refused.status, 403);
    let entries = audit("what=number&task=task-0001")["entries"].clone();
    let entries = entries.as_array().unwrap().iter();
    let mut whose: Vec<&str> = entries.filter_map(|entry| entry["who"].as_str()).collect();
    // Deeds of one millisecond have no order.
    whose.sort_unstable();
    assert_eq!(whose, ["chen", "li-na", "li-na"]);
    let page = site.person("chen").get("/audit?what=number&who=li-na").body;
    assert_eq!(page.matches("/tasks/task-0001").count(), 2);
}
