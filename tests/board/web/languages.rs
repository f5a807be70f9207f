//! Both languages, and none in the other's page.

use super::browser::Browser;
use crate::alerts;
use crate::records::{closed, revised, signal, task, with};
use crate::site::Site;
use serde_json::{Value, json};

/// Every text of a page that a person may see or hear, but for the link to the other language.
const TEXTS: &str = "
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        if (!walker.currentNode.parentElement.closest('script, style, a.language')) texts.push(walker.currentNode.data);
    }
    for (const element of document.querySelectorAll('*')) {
        for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'data-label', 'data-one', 'data-many', 'data-picked']) {
            if (element.hasAttribute(name)) texts.push(element.getAttribute(name));
        }
    }
    return texts.map((text) => text.trim()).filter((text) => text);";

/// Names of people, of things and of keys, which are the same in every language.
const NAMES: [&str; 17] = [
    "churnwatch",
    "Asia/Shanghai",
    "CSV",
    "Webhook",
    "Enter",
    "Esc",
    "HQ/44/03",
    "HQ/44",
    "HQ",
    "am-17",
    "bot",
    "crm",
    "li-na",
    "ma-li",
    "chen",
    "wang",
    "task-",
];

/// A site with a bit of everything, and with names that belong to no language.
fn site() -> Site {
    let site = alerts::site_of_failures();
    let assignee = json!({ "assignee": { "region": ["HQ", "44", "03"], "queue": "001" } });
    let made = |number: u32, more: Value| with(with(task(number), assignee.clone()), more);
    let held = json!({ "not_before": crate::records::hours(3) });
    let late = json!({ "due_at": crate::records::hours(-60), "severity": "critical" });
    let care =
        json!({ "purpose": "care", "suspension": { "reason": "arrears", "since": "2026-01-01" } });
    let tasks = [
        made(1, json!({})),
        made(2, held),
        made(3, late),
        made(4, care),
        made(5, json!({})),
    ];
    site.publish(&tasks);
    let up = json!({ "status": "escalated", "assignee": { "level": "regional_manager" } });
    let up = revised(&tasks[0], up);
    let said = json!({ "outcome": "reached", "contacted_at": crate::records::hours(0), "stated_reason": "price" });
    site.publish(&[up.clone(), closed(&tasks[4], "saved")]);
    site.publish(&[revised(&up, said)]);
    let reasons = ["over_budget", "low_score", "hold_out"];
    let signals: Vec<Value> = reasons.iter().map(|reason| signal(1, reason)).collect();
    site.put_signals(&signals);
    let program = site.program("li-na");
    for (number, action) in [
        (1, json!({ "action": "take" })),
        (2, json!({ "action": "hand_over", "to": "ma-li" })),
        (
            3,
            json!({ "action": "answer", "result": "unreachable", "note": "12345" }),
        ),
        (4, json!({ "action": "note", "text": "67890" })),
    ] {
        let path = format!("/api/tasks/{}/actions", crate::records::id(number));
        assert_eq!(program.call(&path, &action).status, 200);
    }
    alerts::await_failures(&site);
    site.person("chen").post("/alerts/crm/ask", &[]);
    let all = [("receiver", "crm"), ("alert_id", "")];
    site.person("chen").post("/alerts/resend", &all);
    alerts::await_failures(&site);
    site.settle();
    site
}

/// The words of a page that are of the wrong language.
fn foreign(browser: &Browser, language: &str) -> Vec<String> {
    let texts: Vec<String> = serde_json::from_value(browser.script(TEXTS)).unwrap();
    let foreign = texts.into_iter().filter(|text| {
        let mut rest = text.clone();
        for name in NAMES {
            rest = rest.replace(name, " ");
        }
        match language {
            "en" => rest
                .chars()
                .any(|letter| ('\u{2e80}'..='\u{9fff}').contains(&letter)),
            // A letter alone is a key.
            _ => rest
                .split(|letter: char| !letter.is_ascii_alphabetic())
                .any(|word| word.len() > 1),
        }
    });
    foreign.collect()
}

#[test]
fn no_page_mixes_its_languages() {
    let site = site();
    for language in ["en", "zh-CN"] {
        let browser = Browser::of(&site, "chen", language);
        let mut paths = vec![
            "/tasks",
            "/tasks?status=all&columns=severity,subscriber,tier,value,score,stage,reason,manager,queue,region,level,opened,updated,due,outcome,holder",
            "/tasks?q=000000",
            "/lead",
            "/lead?region=HQ/44",
            "/audit",
            "/alerts",
            "/tasks/nothing",
        ];
        let cases: Vec<String> = (1..=5)
            .map(|number| format!("/tasks/{}", crate::records::id(number)))
            .collect();
        paths.extend(cases.iter().map(String::as_str));
        for path in paths {
            browser.goto(path);
            assert_eq!(foreign(&browser, language), [""; 0], "{language} {path}");
        }
        // What could not be done is said in the reader's words.
        browser.goto("/tasks?status=all");
        browser.click(".bulk summary");
        browser.fill("#bulk input[name=to]", "li-na");
        browser.click("#bulk button[value=hand_over]");
        browser.await_text("#bulk-sure", "5");
        assert_eq!(foreign(&browser, language), [""; 0], "{language} question");
        browser.click("#sure");
        browser.await_text("#bulk-done", "5");
        assert_eq!(foreign(&browser, language), [""; 0], "{language} bulk");
        browser.goto(&format!("/language/{language}?to=/sign-in"));
        assert_eq!(foreign(&browser, language), [""; 0], "{language} sign-in");
        browser.fill("input", "wrong");
        browser.click("button");
        assert_eq!(
            foreign(&browser, language),
            [""; 0],
            "{language} wrong token"
        );
    }
}
