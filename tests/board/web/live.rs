//! Pages that change by themselves, over a bad line too.

use super::browser::Browser;
use crate::cutter::Cutter;
use crate::records::{id, revised, task};
use crate::site::Site;
use crate::support::wait_for;
use serde_json::{Value, json};
use std::time::Duration;

/// Connections that are cut off.
const CUTS: usize = 1_000;

/// Where each row is.
fn places(browser: &Browser) -> Value {
    browser.script(
        "return [...document.querySelectorAll('#rows tr')].map((row) => [row.dataset.id, Math.round(row.getBoundingClientRect().top)])",
    )
}

fn cell(number: u32, column: &str) -> String {
    format!("#t-{} .c-{column}", id(number))
}

#[test]
fn rows_change_in_their_place_and_new_tasks_wait_for_a_click() {
    let site = Site::new();
    let tasks = site.publish_some(5);
    let browser = Browser::of(&site, "li-na", "en");
    browser.await_path("/tasks");
    let before = places(&browser);
    // Due before all others, so it would be the first row.
    let new = crate::records::with(task(9), json!({ "due_at": crate::records::hours(1) }));
    site.publish(&[new]);
    browser.await_text("#fresh", "1 new: show");
    let text = json!({ "signals": [{ "trigger": "complaint", "fired_at": crate::records::hours(0),
        "text": { "en": "Complained about the bill.", "zh-CN": "投诉账单。" } }] });
    site.publish(&[revised(&tasks[3], text)]);
    browser.await_text(&cell(4, "reason"), "Complained about the bill.");
    let taken = site
        .program("ma-li")
        .call("/api/tasks/task-0002/actions", &json!({ "action": "take" }));
    assert_eq!(taken.status, 200);
    browser.await_text(&cell(2, "holder"), "ma-li");
    assert_eq!(places(&browser), before, "no row has moved");
    browser.press(".");
    wait_for("the new task is shown", || {
        (browser.rows().first() == Some(&id(9))).then_some(())
    });
    assert_eq!(browser.rows().len(), 6);

    // The page of a task changes by itself too.
    browser.goto("/tasks/task-0005");
    let taken = site
        .program("ma-li")
        .call("/api/tasks/task-0005/actions", &json!({ "action": "take" }));
    assert_eq!(taken.status, 200);
    browser.await_text("#state", "Taken by ma-li");
}

#[test]
fn a_hidden_tab_asks_nothing_and_knows_all_once_it_is_seen() {
    let site = Site::new();
    let mut tasks = site.publish_some(1);
    let browser = Browser::of(&site, "li-na", "en");
    browser.goto("/tasks");
    browser.script(
        "const ask = window.fetch;
         let asked = 0;
         window.fetch = (...what) => { asked++; return ask(...what); };
         document.addEventListener('visibilitychange', () => { if (!document.hidden) window.askedUnseen = asked; });",
    );
    // A browser has six connections to the board, and each question keeps one.
    let first = browser.tab();
    browser.goto("/tasks");
    for tier in ["small", "ordinary", "small"] {
        tasks[0] = revised(&tasks[0], json!({ "tier": tier }));
        site.publish(&tasks);
        browser.await_text(&cell(1, "tier"), tier);
    }
    browser.look_into(&first);
    browser.chromium("Page.bringToFront", json!({}));
    let asked = wait_for("the tab is seen", || {
        let asked = browser.script("return window.askedUnseen");
        asked.is_number().then_some(asked)
    });
    assert_eq!(asked, 0);
    browser.await_text(&cell(1, "tier"), "small");
}

/// What the page shows, and what a page made now would show: the text of each cell by task.
const SHOWN: &str = "
    const done = arguments[0];
    const shown = (root) => Object.fromEntries([...root.querySelectorAll('#rows tr')].map((row) =>
        [row.dataset.id, [...row.cells].map((cell) => cell.textContent)]));
    fetch(location.href).then((answer) => answer.text()).then((text) => {
        const fresh = new DOMParser().parseFromString(text, 'text/html');
        done([shown(document), shown(fresh)]);
    }, () => done(null));";

#[test]
fn after_a_thousand_cut_connections_the_page_shows_what_there_is() {
    let site = Site::new();
    let mut tasks = site.publish_some(8);
    let cutter = Cutter::before(site.address());
    let browser = Browser::open(cutter.address());
    browser.sign_in("li-na", "en");
    browser.await_path("/tasks");
    // Pauses between attempts last a thousandth, or the test would last a thousand times as long.
    browser.script("const set = window.setTimeout; window.setTimeout = (done, pause) => set(done, pause / 1000);");
    let mut cuts = 0;
    for round in 0.. {
        if cuts >= CUTS {
            break;
        }
        if round % 50 == 0 {
            let at = (round / 50) % tasks.len();
            let text = json!({ "signals": [{ "trigger": "complaint", "fired_at": crate::records::hours(0),
                "text": { "en": format!("Round {round}"), "zh-CN": "." } }] });
            tasks[at] = revised(&tasks[at], text);
            site.put(&[tasks[at].clone()]);
        }
        // Now and then a connection lives long enough for an answer.
        let life = if round % 50 == 49 {
            400
        } else {
            round as u64 % 7
        };
        cuts += wait_for("the page asks again", || {
            std::thread::sleep(Duration::from_millis(life));
            Some(cutter.cut()).filter(|cut| *cut > 0)
        });
    }
    assert!(cutter.rest() >= CUTS);
    for task in &tasks {
        site.await_revision(task);
    }
    let shown = wait_for("the page shows what there is", || {
        let both = browser.wait_script(SHOWN);
        (both[0] == both[1] && both[0].is_object()).then(|| both[0].clone())
    });
    let listed = site.program("li-na").get("/api/tasks").json();
    let listed = listed["tasks"].as_array().unwrap();
    assert_eq!(listed.len(), tasks.len());
    for task in listed {
        let cells = shown[task["id"].as_str().unwrap()].as_array().unwrap();
        assert!(cells.contains(&task["text_en"]), "{task} is not {cells:?}");
    }
    // It still lives.
    site.publish(&[revised(&tasks[0], json!({ "tier": "small" }))]);
    browser.await_text(&cell(1, "tier"), "small");
}
