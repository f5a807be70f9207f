//! What people do, from the first page to the last.

use super::browser::{Browser, ENTER, ESCAPE, TAB};
use crate::records::{closed, id, msisdn, task, with};
use crate::site::{Site, token};
use crate::support::wait_for;
use serde_json::json;

fn holder(site: &Site, number: u32) -> String {
    let path = format!("/api/tasks/{}", id(number));
    let task = site.program("chen").get(&path).json();
    task["holder"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_manager_takes_the_next_task_calls_and_answers_with_two_keys() {
    let site = Site::new();
    let tasks = site.publish_some(3);
    let browser = Browser::of(&site, "li-na", "en");
    browser.await_path("/tasks");
    assert_eq!(browser.rows(), [id(1), id(2), id(3)]);
    browser.press("n");
    browser.await_path("/tasks/task-0001");
    browser.await_text("#state", "You have this task.");
    assert_eq!(holder(&site, 1), "li-na");
    browser.press("c");
    browser.await_text("#number", &msisdn(1));
    browser.press("3");
    browser.press(ENTER);
    browser.await_text("#state", "stays reported by li-na");
    let records = wait_for("the answer was sent", || {
        let records = site.client.read_committed(&site.config.topics.outcome);
        (!records.is_empty()).then_some(records)
    });
    assert!(records[0].text().contains("\"result\":\"saved\""));
    browser.press(ESCAPE);
    browser.await_path("/tasks");
    // The detector closes the task: the row stays where it is and is struck through.
    site.publish(&[closed(&tasks[0], "saved")]);
    wait_for("the row is struck through", || {
        let gone = "return document.getElementById('t-task-0001').classList.contains('gone')";
        (browser.script(gone) == json!(true)).then_some(())
    });
    assert_eq!(browser.rows(), [id(1), id(2), id(3)]);
    browser.goto("/tasks");
    assert_eq!(browser.rows(), [id(2), id(3)]);
}

#[test]
fn a_keyboard_is_enough() {
    let site = Site::new();
    site.publish_some(3);
    let browser = Browser::open(site.address());
    browser.goto("/language/en?to=/sign-in");
    // The field has the focus from the beginning.
    browser.press(&token("li-na"));
    browser.press(ENTER);
    browser.await_path("/tasks");
    browser.press(TAB);
    let focus = "return document.activeElement.className + document.activeElement.id";
    assert_eq!(browser.script(focus), "skip");
    browser.press(ENTER);
    wait_for("the content has the focus", || {
        (browser.script(focus) == "main").then_some(())
    });
    browser.press("jjk");
    browser.press("j");
    browser.press(ENTER);
    browser.await_path("/tasks/task-0002");
    browser.press("t");
    browser.await_text("#state", "You have this task.");
    browser.press("m");
    browser.press("calls back");
    browser.press(TAB);
    browser.press(ENTER);
    browser.await_text(".history", "li-na: calls back");
    browser.press("?");
    let open = "return document.getElementById('help').open";
    assert_eq!(browser.script(open), true);
    browser.press(ESCAPE);
    wait_for("the keys are gone", || {
        (browser.script(open) == false).then_some(())
    });
    browser.await_path("/tasks/task-0002");
    browser.press("t");
    wait_for("the task is given back", || {
        holder(&site, 2).is_empty().then_some(())
    });
    browser.press(ESCAPE);
    wait_for("the list is back", || {
        browser
            .path()
            .starts_with("/tasks?")
            .then_some(())
            .or((browser.path() == "/tasks").then_some(()))
    });
    browser.press("/");
    browser.press("0003");
    browser.press(ENTER);
    wait_for("the search has one task", || {
        (browser.rows() == [id(3)]).then_some(())
    });
}

#[test]
fn a_lead_goes_from_a_figure_to_its_list_and_hands_it_over() {
    let site = Site::new();
    let elsewhere = json!({ "assignee": { "region": ["HQ", "广东", "广州"] } });
    let tasks = [task(1), task(2), with(task(3), elsewhere)];
    site.publish(&tasks);
    let browser = Browser::of(&site, "wang", "en");
    browser.await_path("/lead");
    let region = "%E6%B7%B1%E5%9C%B3";
    browser.click(&format!("th a[href*='{region}']"));
    wait_for("the region's page", || {
        browser.path().contains(region).then_some(())
    });
    browser.click(".tiles a");
    wait_for("the region's list", || {
        browser.path().starts_with("/tasks?").then_some(())
    });
    assert_eq!(browser.rows(), [id(1), id(2)]);
    browser.click(".bulk summary");
    browser.fill("#bulk input[name=to]", "ma-li");
    browser.click("#bulk button[value=hand_over]");
    browser.await_text("#bulk-sure", "Hand 2 tasks over?");
    browser.click("#sure");
    browser.await_text("#bulk-done", "Matched: 2. Done: 2.");
    assert_eq!(
        [holder(&site, 1), holder(&site, 2), holder(&site, 3)],
        ["ma-li", "ma-li", ""]
    );
    // Only those that are ticked.
    browser.goto("/tasks");
    browser.click("#t-task-0002 input");
    browser.await_text("#scope", "For the tasks picked: 1");
    browser.click("#bulk button[value=release]");
    browser.await_text("#bulk-sure", "Give one task back?");
    browser.click("#sure");
    browser.await_text("#bulk-done", "Matched: 1. Done: 1.");
    assert_eq!([holder(&site, 1), holder(&site, 2)], ["ma-li", ""]);
}

#[test]
fn of_two_managers_one_gets_the_task_and_the_other_is_told() {
    let site = Site::new();
    site.publish_some(1);
    let browsers = ["li-na", "ma-li"].map(|name| Browser::of(&site, name, "en"));
    for browser in &browsers {
        browser.goto("/tasks/task-0001");
    }
    std::thread::scope(|scope| {
        for browser in &browsers {
            scope.spawn(|| browser.click("#take"));
        }
    });
    let winner = wait_for("somebody has it", || {
        Some(holder(&site, 1)).filter(|name| !name.is_empty())
    });
    for (browser, name) in browsers.iter().zip(["li-na", "ma-li"]) {
        match name == winner {
            true => browser.await_text("#state", "You have this task."),
            // By the answer to the click, or by the page itself if it was told before.
            false => browser.await_text("main", &format!("Taken by {winner}")),
        }
    }
}

#[test]
fn a_task_can_be_read_and_answered_without_a_script() {
    let site = Site::new();
    site.publish_some(2);
    let browser = Browser::open(site.address());
    browser.chromium(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    );
    browser.sign_in("li-na", "en");
    browser.await_path("/tasks");
    assert_eq!(browser.rows(), [id(1), id(2)]);
    browser.click("#next");
    browser.await_path("/tasks/task-0001");
    browser.await_text(
        ".reasons",
        "Use in the last 7 days is 92 % below the usual.",
    );
    browser.click("#call");
    browser.await_text("h1", &msisdn(1));
    browser.click("main p a");
    browser.click("input[value=lost]");
    browser.fill("textarea[name=note]", "moved abroad");
    browser.click("#answer button");
    browser.await_text(".history", "moved abroad");
    browser.await_text("#state", "left reported by li-na");
    browser.click("#back");
    browser.await_path("/tasks");
}
