//! The board with a large store: how fast it reads its topics, answers lists, and tells open pages of a task; and how long it
//! takes from a call to a competitor's hotline, among 20,000 records a second, to the page of the account manager;
//! and how long until a program is alerted. `-- campaign` measures the file of a large campaign instead.
//!
//! Starts a real broker and the release program. Run with `cargo bench --bench board`; `CHURNWATCH_BENCH_TASKS="open:closed"`
//! changes the sizes (50000:50000), `CHURNWATCH_BENCH_PAGES` the open pages (200), `CHURNWATCH_BENCH_TRAFFIC` the records a second that the
//! same broker takes while alerts are measured (20000), `CHURNWATCH_BENCH_CAMPAIGN` the tasks of the campaign (1000000).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

#[path = "../tests/support/mod.rs"]
mod support;

use churnwatch::config::Config;
use churnwatch::kafka::{Delivery, Loader};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::client::Client;
use support::http;
use support::process::Process;
use support::receiver::Receiver;

const PARTITIONS: i32 = 4;
const TOPICS: [&str; 6] = ["tasks", "signals", "erasures", "events", "board", "dead"];
/// Requests of each kind.
const REQUESTS: usize = 40;
/// Tasks published while pages are open, and the pause between two.
const PUBLISHED: usize = 400;
const PAUSE: Duration = Duration::from_millis(50);
/// Calls sent in each pause while the detector runs, and to how many subscribers they belong.
const CALLS: usize = 1_000;
const CALLERS: usize = 200_000;
/// The topic of other traffic.
const TRAFFIC: &str = "traffic";

fn main() {
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let stated = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let sizes = stated("CHURNWATCH_BENCH_TASKS", "50000:50000");
    let (open, closed) = sizes.split_once(':').expect("open:closed");
    let (open, closed): (usize, usize) = (open.parse().unwrap(), closed.parse().unwrap());
    let pages: usize = stated("CHURNWATCH_BENCH_PAGES", "200").parse().unwrap();

    let client = Client::shared();
    client.create_topic(TRAFFIC, PARTITIONS, &[]);
    for topic in TOPICS {
        client.create_topic(topic, PARTITIONS, &[]);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("churnwatch.toml");
    let store = folder.path().join("board");
    let hook = Receiver::willing();
    let text = format!(
        "kafka.bootstrap = \"{}\"\nkafka.properties.\"session.timeout.ms\" = \"6000\"\nlog.format = \"json\"\n\
         [topics]\ntasks = \"tasks\"\nsignals = \"signals\"\nerasures = \"erasures\"\nboard = \"board\"\ndead_letters = \"dead\"\n\
         cdr = \"events\"\nbilling = \"events\"\nsubscriber = \"events\"\nservice = \"events\"\noutcome = \"events\"\ngroup = \"events\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\n[state]\nsnapshots = \"memory:\"\n\
         [board]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\nstore = \"{}\"\npublic_url = \"http://localhost\"\n\
         [board.alerts.receivers.hook]\nkind = \"webhook\"\nallow_private = true\nurl = \"http://{}/\"\n\
         secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n\
         [[board.alerts.rules]]\nalerts = [\"new\"]\nreceivers = [\"hook\"]\n",
        client.bootstrap(),
        store.display(),
        hook.address
    );
    std::fs::write(&file, text).unwrap();
    let config = Config::load_with(Some(&file), std::iter::empty()).unwrap();
    let loader = Loader::new(&config).unwrap();
    if std::env::args().any(|argument| argument == "campaign") {
        let tasks = stated("CHURNWATCH_BENCH_CAMPAIGN", "1000000");
        return campaign(&file, &loader, &config, tasks.parse().unwrap());
    }
    for number in 0..open + closed {
        publish(&loader, number, number >= open);
    }
    loader.finish().unwrap();

    let begin = Instant::now();
    let (mut board, address) = start(&file);
    wait_for_tasks(address, open + closed);
    let seconds = begin.elapsed().as_secs_f64();
    let rate = (open + closed) as f64 / seconds;
    let size = std::fs::metadata(store.join("board.sqlite")).unwrap().len() >> 20;
    println!(
        "store of {} tasks, {open} open: built in {seconds:.1} s ({rate:.0} a second), {size} MiB, {} MiB of memory",
        open + closed,
        board.memory_kilobytes() >> 10
    );
    for (name, path) in [
        ("list, all open", "/api/tasks?channel=all"),
        (
            "list, a region by value",
            "/api/tasks?region=HQ/R3&sort=value",
        ),
        (
            "list, a manager, overdue",
            "/api/tasks?manager=AM-7&due=overdue",
        ),
        ("list, the last digits of a number", "/api/tasks?q=4242"),
        ("page of a list", "/tasks"),
        ("page of a task", "/tasks/task-42"),
        ("overview", "/lead"),
    ] {
        let mut times: Vec<f64> = (0..REQUESTS).map(|_| millis(address, path)).collect();
        times.sort_by(f64::total_cmp);
        println!(
            "  {name:<36}{:8.1} ms median {:8.1} ms worst",
            times[REQUESTS / 2],
            times[REQUESTS - 1]
        );
    }
    let parts = [
        "/tasks",
        "/assets/board.css",
        "/assets/board.js",
        "/assets/icon.svg",
    ];
    let bytes = parts.map(|path| http::get(address, path).unwrap().body.len());
    println!(
        "first load of a list of 100 rows: {} kB",
        bytes.iter().sum::<usize>() / 1000
    );
    drop(board);
    let begin = Instant::now();
    (board, _) = start(&file);
    println!(
        "restart with the store: up in {:.2} s",
        begin.elapsed().as_secs_f64()
    );
    drop(board);
    let told = live(&file, pages, |number| {
        publish(&loader, open + closed + number, false);
    });
    println!("{told}, from the task in its topic");
    alerted(&file, &loader, &hook, open + closed + PUBLISHED + 1);
    let mut detector = Process::start(["run", "--config", file.to_str().unwrap()]);
    detector.wait_for("it reads", |process| {
        process.stderr().contains("starting").then_some(())
    });
    let told = live(&file, 1, |number| {
        for call in 0..CALLS {
            let caller = (number * CALLS + call) * 7_919 % CALLERS;
            event(&loader, caller, number * CALLS + call, "13900000001");
        }
        event(
            &loader,
            CALLERS + number,
            CALLS * PUBLISHED + number,
            "10010",
        );
    });
    println!("{told}, from a call among {} records a second", CALLS * 20);
}

/// The tasks of yesterday's campaign as a file: how long it takes, and what memory the board takes for it.
fn campaign(file: &std::path::Path, loader: &Loader, config: &Config, tasks: usize) {
    let day = churnwatch::runtime::clock::now().0 - 24 * 3_600_000;
    let at = jiff::Timestamp::from_millisecond(day).unwrap().to_string();
    for number in 0..tasks {
        let mut task = task(number, false);
        task["recommended_action"]["channel"] = json!("bulk_campaign");
        task["updated_at"] = json!(at);
        send(loader, &task);
    }
    loader.finish().unwrap();
    let (board, address) = start(file);
    wait_for_tasks(address, tasks);
    let day = config
        .rules
        .calendar
        .day_of(churnwatch::model::Timestamp(day));
    for form in ["csv", "ndjson"] {
        let before = board.memory_kilobytes();
        let mut most = before;
        let (begin, worked) = (Instant::now(), cpu_seconds(&board));
        let mut stream = TcpStream::connect(address).unwrap();
        let ask = format!("GET /api/campaigns/{day}.{form} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(ask.as_bytes()).unwrap();
        let (mut bytes, mut lines) = (0, 0);
        let mut chunk = vec![0; 1 << 20];
        loop {
            let length = stream.read(&mut chunk).unwrap();
            if length == 0 {
                break;
            }
            bytes += length;
            lines += chunk[..length]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            most = most.max(board.memory_kilobytes());
        }
        let seconds = begin.elapsed().as_secs_f64();
        let worked = cpu_seconds(&board) - worked;
        assert!(lines >= tasks, "{lines} lines for {tasks} tasks");
        println!(
            "{form} of a campaign of {tasks} tasks: {seconds:.1} s, {worked:.1} s of CPU, {} MB; memory of the board {} MiB before, {} MiB at most",
            bytes / 1_000_000,
            before >> 10,
            most >> 10
        );
    }
}

/// Pages that wait for changes, while something makes a new task in each pause: how much the board works, and how long it takes.
fn live(file: &std::path::Path, pages: usize, make: impl Fn(usize)) -> String {
    let (board, address) = start(file);
    let made = status(address)["seq"].as_i64().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let told: Arc<Mutex<Vec<(usize, Instant)>>> = Arc::default();
    let before = cpu_seconds(&board);
    let begin = Instant::now();
    let mut sent = Vec::new();
    std::thread::scope(|threads| {
        for page in 0..pages {
            let (done, told) = (Arc::clone(&done), Arc::clone(&told));
            threads.spawn(move || {
                let (mut since, mut seen) = (made, 0);
                while !done.load(Ordering::Relaxed) {
                    let path =
                        format!("/changes?channel=all&made={made}&since={since}&ids=task-1,task-2");
                    let answer = http::get(address, &path).unwrap();
                    let answer: Value = serde_json::from_str(&answer.body).unwrap();
                    since = answer["seq"].as_i64().unwrap();
                    let new = answer["new"].as_u64().unwrap() as usize;
                    if page == 0 && new > seen {
                        seen = new;
                        told.lock().unwrap().push((new, Instant::now()));
                    }
                }
            });
        }
        for number in 0..PUBLISHED {
            let next = begin + PAUSE * u32::try_from(number).unwrap();
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            sent.push(Instant::now());
            make(number);
        }
        std::thread::sleep(Duration::from_secs(5));
        done.store(true, Ordering::Relaxed);
        // One more, for what still waits.
        make(PUBLISHED);
    });
    let seconds = begin.elapsed().as_secs_f64();
    let cpu = cpu_seconds(&board) - before;
    let told = told.lock().unwrap();
    let waits = sent.iter().enumerate().filter_map(|(number, sent)| {
        let (_, at) = told.iter().find(|(new, _)| *new > number)?;
        Some(at.duration_since(*sent).as_secs_f64() * 1000.0)
    });
    let mut waits: Vec<f64> = waits.collect();
    waits.sort_by(f64::total_cmp);
    format!(
        "{pages} open pages, {:.0} tasks a second: {:.2} cores; {:.0} ms median, {:.0} ms p99 ({} of {PUBLISHED}) until a page is told",
        1.0 / PAUSE.as_secs_f64(),
        cpu / seconds,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
        waits.len()
    )
}

/// A call, now.
fn event(loader: &Loader, caller: usize, record: usize, callee: &str) {
    let msisdn = format!("86139{caller:08}");
    let now = jiff::Timestamp::from_millisecond(churnwatch::runtime::clock::now().0).unwrap();
    let call = json!({ "record_type": "mo_call", "record_id": format!("call-{record}"), "msisdn": msisdn,
        "other_number": callee, "event_timestamp": now.to_string(), "duration_seconds": 64,
        "cause_for_termination": "normal_release" });
    let to = Delivery::Keyed(msisdn.as_bytes());
    loader
        .send("events", PARTITIONS, to, Some(call.to_string().as_bytes()))
        .unwrap();
}

/// From sending a task to the program that is alerted, while the same broker takes other traffic.
fn alerted(file: &std::path::Path, loader: &Loader, hook: &Receiver, first: usize) {
    let traffic = std::env::var("CHURNWATCH_BENCH_TRAFFIC").unwrap_or_else(|_| "20000".to_owned());
    let traffic: usize = traffic.parse().unwrap();
    let (_board, address) = start(file);
    // What the program had not heard of when the board was stopped comes first.
    publish(loader, first, false);
    loader.finish().unwrap();
    let name = |number: usize| format!("task-{number}-new-1");
    support::wait_for("the board alerts", || {
        hook.taken().contains(&name(first)).then_some(())
    });
    let config = Config::load_with(Some(file), std::iter::empty()).unwrap();
    let done = AtomicBool::new(false);
    let mut sent = Vec::new();
    let carried = std::thread::scope(|threads| {
        let load = threads.spawn(|| {
            let loader = Loader::new(&config).unwrap();
            let (begin, mut records) = (Instant::now(), 0);
            while !done.load(Ordering::Relaxed) {
                let due = (begin.elapsed().as_secs_f64() * traffic as f64) as usize;
                for number in records..due {
                    let to = Delivery::Keyless((number % PARTITIONS as usize) as i32);
                    loader
                        .send(TRAFFIC, PARTITIONS, to, Some(&[b'x'; 200]))
                        .unwrap();
                }
                records = due.max(records);
                std::thread::sleep(Duration::from_millis(5));
            }
            records as f64 / begin.elapsed().as_secs_f64()
        });
        for number in 1..=PUBLISHED {
            // Before the brokers have it: the producer's own wait counts too.
            sent.push((name(first + number), Instant::now()));
            publish(loader, first + number, false);
            loader.finish().unwrap();
            std::thread::sleep(PAUSE);
        }
        support::wait_for("all tasks are told of", || {
            let taken: BTreeSet<String> = hook.taken().into_iter().collect();
            let all = sent.iter().all(|(name, _)| taken.contains(name));
            all.then_some(())
        });
        done.store(true, Ordering::Relaxed);
        load.join().unwrap()
    });
    let asked = hook.asked();
    let mut waits: Vec<f64> = sent
        .iter()
        .filter_map(|(id, sent)| {
            let found = asked
                .iter()
                .find(|asked| asked.headers["webhook-id"] == *id)?;
            Some(found.at.duration_since(*sent).as_secs_f64() * 1000.0)
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    let waiting = status(address)["alerts"]["receivers"][0]["waiting"].clone();
    println!(
        "{:.0} tasks a second beside {carried:.0} other records: from sending a task to the webhook {:.0} ms median, {:.0} ms \
         p95, {:.0} ms worst ({} of {PUBLISHED}, {waiting} wait)",
        1.0 / PAUSE.as_secs_f64(),
        waits[waits.len() / 2],
        waits[waits.len() * 95 / 100],
        waits[waits.len() - 1],
        waits.len(),
    );
}

fn start(file: &std::path::Path) -> (Process, SocketAddr) {
    let mut board = Process::start(["board", "--config", file.to_str().unwrap()]);
    let address = board.wait_for("its pages are up", |process| {
        let log = process.stderr();
        let line = log.lines().find(|line| line.contains("\"address\""))?;
        let line: Value = serde_json::from_str(line).ok()?;
        line["address"].as_str()?.parse().ok()
    });
    (board, address)
}

fn status(address: SocketAddr) -> Value {
    serde_json::from_str(&http::get(address, "/api/status").unwrap().body).unwrap()
}

fn wait_for_tasks(address: SocketAddr, tasks: usize) {
    let path = "/api/tasks?rows=1&status=all&channel=all&snoozed=true";
    support::wait_while_moving("all tasks are there", || {
        let answer = http::get(address, path).unwrap();
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let all = answer["all"].as_u64().unwrap() as usize;
        if all == tasks { Ok(()) } else { Err(all) }
    });
}

fn millis(address: SocketAddr, path: &str) -> f64 {
    let begin = Instant::now();
    let answer = http::get(address, path).unwrap();
    assert_eq!(answer.status, 200, "{path}");
    begin.elapsed().as_secs_f64() * 1000.0
}

fn cpu_seconds(process: &Process) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let behind = stat.rsplit_once(") ").unwrap().1;
    let fields: Vec<&str> = behind.split(' ').collect();
    // In hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn publish(loader: &Loader, number: usize, closed: bool) {
    send(loader, &task(number, closed));
}

fn send(loader: &Loader, task: &Value) {
    let to = Delivery::Keyed(task["msisdn"].as_str().unwrap().as_bytes());
    loader
        .send("tasks", PARTITIONS, to, Some(task.to_string().as_bytes()))
        .unwrap();
}

/// A task with the evidence of a fall, as the detector publishes it.
fn task(number: usize, closed: bool) -> Value {
    let now = churnwatch::runtime::clock::now().0;
    let at = |hours: i64| {
        jiff::Timestamp::from_millisecond(now + hours * 3_600_000)
            .unwrap()
            .to_string()
    };
    let days: Vec<usize> = (0..35).map(|day| (day * 7 + number) % 30).collect();
    let msisdn = format!("861380{:07}", number % 10_000_000);
    // Open ones began within a month; closed ones are the history of the half year that a board keeps.
    let since = (number % if closed { 4_300 } else { 700 }) as i64;
    json!({
        "task_id": format!("task-{number}"), "revision": 1, "status": if closed { "closed" } else { "open" },
        "close_reason": closed.then_some("saved"), "purpose": "churn", "severity": (["early", "at_risk", "critical"][number % 3]),
        "churn_score": 0.3, "msisdn": msisdn, "tier": (["small", "ordinary", "key"][number % 3]), "stars": 3,
        "monthly_value": format!("{}.00", number % 300), "stage": "mature",
        "signals": [{
            "signal_id": format!("signal-{number}"), "trigger": "usage_drop", "purpose": "churn", "fired_at": at(-since),
            "strength": 0.7, "churn_score": 0.3,
            "evidence": { "facts": { "history_from": "2026-03-01", "voice_seen": days, "voice_expected": days, "data_seen": days, "data_expected": days } },
            "text": { "zh-CN": "使用骤降且未恢复，始于2026-03-20：8天内使用59次，按平时应约174次",
                "en": "Use has been low since 2026-03-20: 59 events in 8 days, 174 expected" },
        }],
        "recommended_action": { "channel": "outbound_call", "playbook": [
            { "action": "a", "zh-CN": "了解用量下降原因", "en": "Ask why usage fell; offer a spend incentive" },
            { "action": "b", "zh-CN": "推荐保底套餐", "en": "Offer a floor plan: lower prices for a promised least spend a month" },
        ]},
        "assignee": { "account_manager": format!("AM-{}", number % 500), "queue": "key-accounts",
            "region": ["HQ", format!("R{}", number % 20), format!("C{}", number % 200)], "level": "account_manager" },
        "opened_at": at(-since), "not_before": at(-since), "due_at": at(24 - since), "expires_at": at(720), "updated_at": at(-since),
        "rules_version": "bench",
    })
}
