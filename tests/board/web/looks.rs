//! Whether everybody can use the pages: WCAG 2.2 AA as axe-core checks it, narrow screens, light and dark.

use super::browser::Browser;
use crate::alerts;
use crate::records::{closed, hours, revised, signal, task, with};
use crate::site::Site;
use serde_json::{Value, json};
use std::path::Path;

/// The version that tests/support/fetch-axe fetches.
const AXE: &str = ".axe/axe-4.10.3.min.js";

const PAGES: [(&str, &str); 7] = [
    ("list", "/tasks"),
    ("case", "/tasks/task-0001"),
    ("lead", "/lead"),
    ("audit", "/audit"),
    ("alerts", "/alerts"),
    ("sign-in", "/sign-in"),
    ("help", "/tasks?due=soon"),
];

/// A site on which there is something of everything.
fn site() -> Site {
    let site = alerts::site_of_failures();
    let far =
        json!({ "assignee": { "region": ["HQ", "四川", "成都"], "account_manager": "am-99" } });
    let late = json!({ "due_at": hours(-60), "severity": "critical", "stars": 5 });
    let care = json!({ "purpose": "care", "tier": "small", "not_before": hours(4) });
    let early = json!({ "severity": "early", "churn_score": 0.21, "tier": "ordinary" });
    let mut tasks: Vec<Value> = (1..=8).map(task).collect();
    for (number, change) in [(1, late), (2, care), (3, early), (4, far)] {
        tasks[number] = with(tasks[number].clone(), change);
    }
    site.publish(&tasks);
    let said = json!({ "outcome": "reached", "contacted_at": hours(0), "stated_reason": "price" });
    site.publish(&[
        closed(&tasks[5], "saved"),
        closed(&tasks[6], "lost"),
        revised(&tasks[0], said),
    ]);
    let signals: Vec<Value> = (1..=6)
        .map(|number| signal(number, "over_budget"))
        .collect();
    site.put_signals(&signals);
    let program = site.program("li-na");
    for (number, action) in [
        (1, json!({ "action": "take" })),
        (
            1,
            json!({ "action": "note", "text": "Asks to be called in the evening." }),
        ),
        (2, json!({ "action": "take" })),
        (3, json!({ "action": "hand_over", "to": "ma-li" })),
        (4, json!({ "action": "answer", "result": "unreachable" })),
    ] {
        let path = format!("/api/tasks/{}/actions", crate::records::id(number));
        assert_eq!(program.call(&path, &action).status, 200);
    }
    let chen = site.person("chen");
    chen.post("/views", &[("name", "late"), ("query", "due=overdue")]);
    alerts::await_failures(&site);
    site.settle();
    site
}

fn show(browser: &Browser, name: &str, path: &str) {
    browser.goto(path);
    if name == "help" {
        browser.press("?");
    } else {
        // What is folded away counts too.
        browser.script("for (const part of document.querySelectorAll('details')) part.open = true");
    }
}

/// What axe-core finds wrong with a page.
fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script(axe);
    let found = browser.wait_script(
        "const done = arguments[0];
         const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
         axe.run(document, { runOnly: { type: 'tag', values: tags } }).then((found) => done(found.violations.flatMap(
            (rule) => rule.nodes.map((node) => `${rule.id}: ${node.html}: ${node.failureSummary}`))),
            (error) => done([String(error)]));",
    );
    serde_json::from_value(found).unwrap()
}

#[test]
fn every_page_keeps_wcag_2_2_aa_and_fits_a_phone() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
    let axe = std::fs::read_to_string(path).expect("axe-core; tests/setup fetches it");
    let site = site();
    let browser = Browser::of(&site, "chen", "en");
    let mut wrong = Vec::new();
    // A check that finds nothing must be able to find something.
    browser.script("document.querySelector('h1').style.color = '#999'");
    assert_eq!(violations(&browser, &axe).len(), 1);
    for width in [1280, 360] {
        for scheme in ["light", "dark"] {
            browser.look(width, scheme);
            for (name, path) in PAGES {
                show(&browser, name, path);
                let found = violations(&browser, &axe);
                wrong.extend(
                    found
                        .into_iter()
                        .map(|what| format!("{name} {width} {scheme}: {what}")),
                );
                let wide = browser.script("return document.documentElement.scrollWidth");
                if wide.as_u64() > Some(width.into()) {
                    wrong.push(format!("{name} is {wide} wide on a screen of {width}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "makes pictures for people to look at, in target/board-pictures"]
fn pictures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/board-pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let site = site();
    for language in ["en", "zh-CN"] {
        let browser = Browser::of(&site, "chen", language);
        for (width, scheme) in [
            (1280, "light"),
            (1280, "dark"),
            (360, "light"),
            (360, "dark"),
        ] {
            browser.look(width, scheme);
            for (name, path) in PAGES {
                browser.goto(path);
                if name == "help" {
                    browser.press("?");
                }
                let file = format!("{name}-{language}-{width}-{scheme}.png");
                std::fs::write(folder.join(file), browser.picture()).unwrap();
            }
        }
    }
}
