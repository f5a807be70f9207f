//! Who may see and do what, and what other sites cannot.

use crate::caller::{Answer, Caller};
use crate::records::{id, msisdn, task, with};
use crate::site::Site;
use serde_json::json;

/// Four tasks: of two managers in one province, of another province, and of a queue.
fn four_tasks(site: &Site) {
    let elsewhere = json!({ "account_manager": "am-99", "region": ["HQ", "广东", "广州"] });
    let far = json!({ "account_manager": "am-99", "region": ["HQ", "四川", "成都"] });
    let queued = json!({ "account_manager": "", "queue": "outbound-calls/Shenzhen" });
    site.publish(&[
        task(1),
        with(task(2), json!({ "assignee": elsewhere })),
        with(task(3), json!({ "assignee": far })),
        with(task(4), json!({ "assignee": queued })),
    ]);
}

/// The numbers of the four tasks that a text names.
fn named(text: &str) -> Vec<u32> {
    (1..=4)
        .filter(|number| text.contains(&id(*number)))
        .collect()
}

#[test]
fn everybody_sees_their_own_tasks_and_no_others() {
    let site = Site::new();
    four_tasks(&site);
    for (name, seen) in [
        ("li-na", vec![1, 4]),
        ("ma-li", vec![1]),
        ("zhao", vec![2, 3]),
        ("wang", vec![1, 2, 4]),
        ("chen", vec![1, 2, 3, 4]),
    ] {
        let person = site.person(name);
        let ids: Vec<String> = (1..=4).map(id).collect();
        let changes = format!("/changes?since=0&made=0&ids={}", ids.join(","));
        for path in [
            "/tasks",
            "/tasks?status=all",
            "/tasks.csv",
            "/api/tasks",
            &changes,
        ] {
            let answer = person.get(path);
            assert_eq!(answer.status, 200, "{name} {path}");
            assert_eq!(named(&answer.body), seen, "{name} {path}");
        }
        for number in 1..=4 {
            let expected = if seen.contains(&number) { 200 } else { 404 };
            let id = id(number);
            for path in [format!("/tasks/{id}"), format!("/api/tasks/{id}")] {
                assert_eq!(person.get(&path).status, expected, "{name} {path}");
            }
            let program = site.program(name);
            let note = program.call(
                &format!("/api/tasks/{id}/actions"),
                &json!({ "action": "note", "text": "." }),
            );
            assert_eq!(note.status, expected, "{name} writes to {id}");
            let may_call = ["li-na", "chen"].contains(&name);
            let number = program.call(&format!("/api/tasks/{id}/number"), &json!({}));
            let expected = if may_call { expected } else { 403 };
            assert_eq!(number.status, expected, "{name} calls {id}");
        }
        // A search for somebody else's subscriber finds nothing.
        let found = person.get(&format!("/api/tasks?q={}", msisdn(3)));
        assert_eq!(named(&found.body).is_empty(), !seen.contains(&3), "{name}");
    }
}

#[test]
fn pages_of_leads_and_admins_are_theirs() {
    let site = Site::new();
    four_tasks(&site);
    let statuses = |name: &str| {
        let person = site.person(name);
        let program = site.program(name);
        let bulk = json!({ "query": "", "act": { "action": "release" } });
        [
            person.get("/lead").status,
            person.get("/api/rollup").status,
            person.get("/lead?region=HQ/%E5%9B%9B%E5%B7%9D").status,
            program.call("/api/bulk", &bulk).status,
            person.get("/audit").status,
            person.get("/api/audit").status,
        ]
    };
    assert_eq!(statuses("li-na"), [403, 403, 403, 403, 403, 403]);
    assert_eq!(statuses("wang"), [200, 200, 403, 200, 403, 403]);
    assert_eq!(statuses("chen"), [200, 200, 200, 200, 200, 200]);
    // A lead's bulk action ends at the region's border.
    let hand_over = json!({ "act": { "action": "hand_over", "to": "ma-li" } });
    let done = site.program("wang").call("/api/bulk", &hand_over).json();
    assert_eq!(done["matched"], 3);
    let far = site.program("chen").get("/api/tasks/task-0003").json();
    assert_eq!(far["holder"], json!(null));
}

/// Every form and every call that changes something.
fn changes(person: &Caller) -> Vec<(String, Answer)> {
    let forms = [
        ("/tasks/task-0001/act", ("action", "take")),
        ("/tasks/next", ("query", "")),
        ("/tasks/task-0001/number", ("query", "")),
        ("/bulk", ("action", "release")),
        ("/views", ("name", "mine")),
        ("/sign-out", ("", "")),
    ];
    let calls = [
        ("/api/tasks/task-0001/actions", json!({ "action": "take" })),
        ("/api/tasks/task-0001/number", json!({})),
        ("/api/bulk", json!({ "act": { "action": "release" } })),
    ];
    let forms = forms.map(|(path, field)| (path.to_owned(), person.post(path, &[field])));
    let calls = calls.map(|(path, body)| (path.to_owned(), person.call(path, &body)));
    forms.into_iter().chain(calls).collect()
}

#[test]
fn every_change_needs_the_token_of_its_session() {
    let site = Site::new();
    four_tasks(&site);
    let person = site.person("chen");
    let other = site.person("li-na");
    for csrf in ["", "wrong", &other.csrf] {
        let mut without = person.clone();
        without.csrf = csrf.to_owned();
        for (path, answer) in changes(&without.with("x-csrf", csrf)) {
            assert_eq!(answer.status, 403, "{path} with {csrf:?}");
        }
        // A form may be sent as plain text by any site.
        let plain = without.ask("POST", "/tasks/task-0001/act", "text/plain", b"action=take");
        assert_eq!(plain.status, 403);
    }
    let task = person.get("/api/tasks/task-0001").json();
    assert_eq!(task["holder"], json!(null));
    let call = person.with("x-csrf", &person.csrf);
    let taken = call.call("/api/tasks/task-0001/actions", &json!({ "action": "take" }));
    assert_eq!(taken.status, 200, "{taken:?}");
}

#[test]
fn another_site_cannot_change_anything() {
    let site = Site::new();
    four_tasks(&site);
    let person = site.person("chen");
    let person = person.with("x-csrf", &person.csrf);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for (path, answer) in changes(&person.with(name, value)) {
            assert_eq!(answer.status, 403, "{path} with {name}: {value}");
        }
    }
    let own = format!("http://{}", site.address());
    let taken = person
        .with("origin", &own)
        .with("sec-fetch-site", "same-origin")
        .post("/tasks/task-0001/act", &[("action", "take")]);
    assert_eq!(taken.status, 303, "{taken:?}");
}

#[test]
fn a_board_for_one_machine_is_closed_to_other_sites_too() {
    let site = Site::open();
    site.publish(&[task(1)]);
    let anybody = Caller::stranger(site.address());
    let take = json!({ "action": "take" });
    let path = "/api/tasks/task-0001/actions";
    let foreign = anybody.with("origin", "https://evil.example");
    assert_eq!(foreign.call(path, &take).status, 403);
    // A browser has a session, and a page of another site does not know its token.
    let own = format!("http://{}", site.address());
    assert_eq!(anybody.with("origin", &own).call(path, &take).status, 403);
    let rebound = anybody.with("host", "evil.example");
    assert_eq!(rebound.get("/api/tasks").status, 421);
    let session = anybody.in_session(&anybody.get("/tasks"));
    let form = session.with("origin", &own);
    let taken = form.post("/tasks/task-0001/act", &[("action", "take")]);
    assert_eq!(taken.status, 303, "{taken:?}");
    assert_eq!(anybody.call(path, &take).status, 200);
}

#[test]
fn every_answer_tells_browsers_what_they_may_do() {
    let site = Site::new();
    four_tasks(&site);
    let person = site.person("chen");
    let stranger = Caller::stranger(site.address());
    let answers = [
        (200, person.get("/tasks")),
        (200, person.get("/tasks/task-0001")),
        (200, person.get("/tasks.csv")),
        (200, person.get("/api/tasks")),
        (200, person.get("/api/openapi.json")),
        (200, person.get("/assets/board.js")),
        (200, person.get("/healthz")),
        (404, person.get("/assets/nothing")),
        (404, person.get("/tasks/nothing")),
        (404, person.get("/nothing")),
        (400, person.get("/tasks?nothing=1")),
        (405, person.get("/bulk")),
        (403, person.with("origin", "null").post("/bulk", &[])),
        (200, stranger.get("/sign-in")),
        (303, stranger.get("/tasks")),
        (401, stranger.get("/api/tasks")),
        (401, stranger.post("/sign-in", &[("token", "wrong")])),
        (421, stranger.with("host", "evil.example").get("/tasks")),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{answer:?}");
        let policy = answer
            .header("content-security-policy")
            .unwrap_or_default()
            .to_owned();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{answer:?}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
        let kept = answer.header("cache-control").unwrap_or_default();
        let asset = kept.starts_with("public") && status == 200;
        assert!(kept == "no-store" || asset, "{answer:?}");
    }
}

#[test]
fn a_long_body_is_refused() {
    let site = Site::new();
    site.publish(&[task(1)]);
    let person = site.person("chen");
    let long = "x".repeat(100_000);
    let form = person.post(
        "/tasks/task-0001/act",
        &[("action", "note"), ("text", &long)],
    );
    assert_eq!(form.status, 413, "{form:?}");
    let call = site.program("chen").call(
        "/api/tasks/task-0001/actions",
        &json!({ "action": "note", "text": long }),
    );
    assert_eq!(call.status, 413, "{call:?}");
    let longest = "字".repeat(2_000);
    let form = person.post(
        "/tasks/task-0001/act",
        &[("action", "note"), ("text", &longest)],
    );
    assert_eq!(form.status, 303, "{form:?}");
}

/// The task of a group names its members as every number is named, and says what is the matter with each.
#[test]
fn members_of_a_group_are_shown_masked_until_somebody_asks() {
    let site = Site::new();
    let members = json!([
        { "msisdn": msisdn(7), "severity": "critical", "triggers": ["complaint", "cancel_enquiry"] },
        { "msisdn": msisdn(8), "severity": "early", "triggers": ["competitor_hotline"] },
    ]);
    let group = json!({ "group_id": "G-7", "kind": "leaving", "head_count": 40, "members": members, "more_signals": 0 });
    let changes = json!({ "group": group, "customer_kind": "group" });
    site.publish(&[with(task(1), changes), task(2)]);
    let person = site.person("chen");
    let page = person.get(&format!("/tasks/{}", id(1))).body;
    let shown = person.get(&format!("/api/tasks/{}", id(1))).body;
    for text in [&page, &shown] {
        assert!(
            !text.contains(&msisdn(7)) && !text.contains(&msisdn(8)),
            "{text}"
        );
    }
    assert!(page.contains("危急 · 投诉"), "{page}");
    assert!(shown.contains("cancel_enquiry"), "{shown}");
    let asked = site.program("chen");
    let numbers = asked.call(&format!("/api/tasks/{}/number", id(1)), &json!({}));
    assert!(numbers.body.contains(&msisdn(7)) && numbers.body.contains(&msisdn(8)));
    // Leads see groups apart from others, and their lists.
    let lead = person.get("/lead").body;
    assert!(
        lead.contains("customer_kind=group&amp;channel=all"),
        "{lead}"
    );
    let list = person.get("/api/tasks?customer_kind=group").body;
    assert!(list.contains(&id(1)) && !list.contains(&id(2)), "{list}");
}
