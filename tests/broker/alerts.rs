//! Alerts on a real broker: kill -9 between delivery and commit, two boards, and what the log says.

use crate::support::http::get;
use crate::support::installation::{Installation, Running, call, minutes_ago};
use crate::support::process::Signal;
use crate::support::receiver::{Receiver, Reply};
use crate::support::wait_for;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// A part of a bot's address, which nobody may know.
const TOKEN: &str = "the-token-of-the-bot";

/// Lines of configuration for receivers of everything.
fn lines(receivers: &[(&str, &str, SocketAddr)]) -> String {
    // Strangers count as key customers: tasks of bulk campaigns are told to nobody.
    let mut text = "policy.credit.star_points = [-5, -4, -3, -2, -1]\n\
        board.public_url = \"https://board.example.com\"\n\
        [board.alerts]\nretry_seconds = [1]\ntimeout_seconds = 2\n"
        .to_owned();
    let names: Vec<String> = receivers
        .iter()
        .map(|(name, ..)| format!("\"{name}\""))
        .collect();
    for (name, kind, address) in receivers {
        let secret = if *kind == "webhook" {
            format!("secret = \"whsec_{SECRET}\"")
        } else {
            String::new()
        };
        text += &format!(
            "[board.alerts.receivers.{name}]\nkind = \"{kind}\"\nallow_private = true\nurl = \"http://{address}/{TOKEN}\"\n{secret}\n"
        );
    }
    text + &format!(
        "[[board.alerts.rules]]\nalerts = [\"new\"]\nreceivers = [{}]\n",
        names.join(", ")
    )
}

/// A task for each of some subscribers.
fn raise_tasks(installation: &Installation, subscribers: std::ops::Range<usize>) {
    let records = subscribers.map(|number| {
        let who = format!("86138002{number:05}");
        installation.keyed(
            &who,
            call(&format!("call-{number}"), &who, "10010", &minutes_ago(60)),
        )
    });
    installation.produce("cdr", records);
}

/// Waits until boards share the partitions of the tasks: each has some.
fn await_members(installation: &Installation, count: usize) {
    let group = format!("{}-alerts", installation.group);
    wait_for("the boards are in the group", || {
        (installation.client.members(&group).len() == count).then_some(())
    });
    let topic = installation.topic("tasks");
    wait_for("the group stands somewhere in every partition", || {
        let offsets = installation.client.committed_offsets(&group, &topic);
        (!offsets.is_empty() && offsets.values().all(Option::is_some)).then_some(())
    });
}

/// How often each webhook was taken.
fn taken(hook: &Receiver) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for id in hook.taken() {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

fn sent(board: &Running, receiver: &str) -> u64 {
    let status: Value =
        serde_json::from_str(&get(board.address, "/api/status").unwrap().body).unwrap();
    let receivers = status["alerts"]["receivers"].as_array().unwrap();
    let found = receivers
        .iter()
        .find(|found| found["name"] == receiver)
        .unwrap();
    found["sent"]["new"].as_u64().unwrap()
}

#[test]
fn two_boards_alert_once() {
    const TASKS: usize = 60;
    let hook = Receiver::willing();
    let installation =
        Installation::new("alerts-two", 4, &lines(&[("crm", "webhook", hook.address)]));
    let _run = installation.run();
    let mut one = installation.board("one");
    await_members(&installation, 1);
    raise_tasks(&installation, 0..TASKS / 3);
    hook.wait_taken(TASKS / 3);
    let two = installation.board("two");
    await_members(&installation, 2);
    // Some of these come while partitions change hands.
    raise_tasks(&installation, TASKS / 3..2 * TASKS / 3);
    hook.wait_taken(2 * TASKS / 3);
    let mut raised = 2 * TASKS / 3;
    while sent(&two, "crm") == 0 {
        raise_tasks(&installation, raised..raised + 5);
        raised += 5;
        hook.wait_taken(raised);
        assert!(raised < 1_000, "the second board tells of nothing");
    }
    // The one that is left goes on alone.
    one.process.signal(Signal::Term);
    one.process.wait();
    wait_for("the other board has all partitions", || {
        let group = format!("{}-alerts", installation.group);
        (installation.client.members(&group).len() == 1).then_some(())
    });
    raise_tasks(&installation, raised..raised + 10);
    hook.wait_taken(raised + 10);
    let counts = taken(&hook);
    assert_eq!(counts.len(), raised + 10);
    let again: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn kill9_between_delivery_and_commit_loses_nothing_and_sends_the_same_id_again() {
    const TASKS: usize = 40;
    // It takes its time to answer, so that the board dies with deliveries on their way.
    let hook = Receiver::start(|_, _| {
        std::thread::park_timeout(Duration::from_millis(30));
        Reply::status(200)
    });
    let installation = Installation::new(
        "alerts-kill",
        2,
        &lines(&[("crm", "webhook", hook.address)]),
    );
    let _run = installation.run();
    let mut board = installation.board("board");
    await_members(&installation, 1);
    raise_tasks(&installation, 0..TASKS);
    for part in 1..=3 {
        hook.wait_taken(part * TASKS / 8);
        board.process.signal(Signal::Kill);
        board.process.wait();
        board = installation.board("board");
    }
    let counts = wait_for("every task is told of", || {
        Some(taken(&hook)).filter(|counts| counts.len() == TASKS)
    });
    let bodies: BTreeSet<(String, String)> = hook
        .asked()
        .into_iter()
        .map(|asked| (asked.headers["webhook-id"].clone(), asked.body))
        .collect();
    assert_eq!(
        bodies.len(),
        TASKS,
        "the same id says the same whenever it is sent"
    );
    let again: usize = counts.values().map(|count| count - 1).sum();
    // Eight are on their way at a time, and what was delivered within the last tenth of a second may not be committed.
    assert!(again <= 3 * 16, "{again} were sent again");
    drop(board);
}

#[test]
fn no_secret_is_in_the_log_whatever_receivers_do() {
    let replies = [
        Reply::status(500),
        Reply::Says(
            302,
            "Location: http://127.0.0.1:1/the-token-of-the-bot\r\n",
            "",
        ),
        Reply::Breaks,
        Reply::Hangs(Duration::from_secs(5)),
        Reply::Says(
            200,
            "",
            "the-token-of-the-bot MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
        Reply::status(410),
    ];
    let answers = move |number: usize, _: &_| replies[number.min(replies.len() - 1)].clone();
    let (hook, bot) = (Receiver::start(answers.clone()), Receiver::start(answers));
    let receivers = [
        ("crm", "webhook", hook.address),
        ("bot", "slack", bot.address),
    ];
    let installation = Installation::new("alerts-log", 1, &lines(&receivers));
    let _run = installation.run();
    let board = installation.board("board");
    await_members(&installation, 1);
    raise_tasks(&installation, 0..1);
    bot.wait_asked(6);
    hook.wait_asked(5);
    wait_for("the log says that the bot wants no more", || {
        board
            .process
            .stderr()
            .contains("wants no alerts any more")
            .then_some(())
    });
    let page = get(board.address, "/alerts").unwrap().body;
    let status = get(board.address, "/api/status").unwrap().body;
    let topic: String = installation
        .read("board")
        .iter()
        .filter(|record| record.value.is_some())
        .map(|record| record.text().to_owned())
        .collect();
    for text in [board.process.stderr(), page, status, topic] {
        assert!(
            !text.contains(TOKEN) && !text.contains(SECRET) && !text.contains("8613800200000"),
            "{text}"
        );
    }
}
