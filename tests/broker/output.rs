//! Records that leave in every form: what a consumer reads is what the JSON says, through changes of the form and kill -9;
//! and what a start does with a registry that is away, or does not take a schema.

use crate::support::fault_scenario::FaultScenario;
use crate::support::forms::{json, plain};
use crate::support::http::get;
use crate::support::installation::{Installation, Running, call, minutes_ago, wait_records};
use crate::support::oracle::strip_source;
use crate::support::process::{Process, Signal};
use crate::support::receiver::Reply;
use crate::support::registry::StandIn;
use crate::support::wait_for;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Format, envelope, and the media type that the headers name.
const FORMS: [(&str, &str, &str); 4] = [
    ("json", "none", "application/json"),
    ("json", "cloudevents", "application/cloudevents+json"),
    ("avro", "none", "application/avro"),
    ("protobuf", "none", "application/protobuf"),
];

/// A call to it opens a task at once.
const HOTLINE: &str = "10010";

fn run(installation: &Installation, (format, envelope, _): (&str, &str, &str)) -> Running {
    installation.run_with(&[
        ("CHURNWATCH_OUTPUT__FORMAT", format),
        ("CHURNWATCH_OUTPUT__ENVELOPE", envelope),
    ])
}

fn kill(running: &mut Running) {
    running.process.signal(Signal::Kill);
    running.process.wait();
}

/// A call of a subscriber to the hotline.
fn raise_task(installation: &Installation, who: &str) {
    let value = call(&format!("call-{who}"), who, HOTLINE, &minutes_ago(60));
    installation.produce("cdr", [installation.keyed(who, value)]);
}

#[test]
fn changes_of_the_form_and_crashes_lose_nothing() {
    let registry = StandIn::start();
    let extra = format!(
        "run.instance_id = \"one\"\nrun.batch_records_max = 500\nregistry.url = \"{}\"\n\
         kafka.properties.\"session.timeout.ms\" = \"60000\"\n",
        registry.url()
    );
    let mut scenario = FaultScenario::new("output", 100, 4, &extra);
    scenario.installation.registry = Some(registry);
    for form in FORMS.into_iter().chain(FORMS) {
        let mut running = run(&scenario.installation, form);
        scenario.load_share(0.06);
        scenario.wait_processed(&mut [&mut running]);
        // What it was doing is done again by the next one, in the next form.
        scenario.load_share(0.05);
        kill(&mut running);
    }
    let mut running = run(&scenario.installation, FORMS[0]);
    scenario.finish(&mut [&mut running]);
    scenario.stop(&mut [&mut running]);
    let installation = &scenario.installation;
    for key in ["tasks", "signals"] {
        let mut forms: BTreeMap<String, usize> = BTreeMap::new();
        for record in installation.read(key) {
            let named = record.header("content-type").unwrap().to_owned();
            let value = record.value.unwrap();
            let found = match (value[0], value.starts_with(b"{\"id\"")) {
                (0, _) => {
                    let id = u32::from_be_bytes(value[1..5].try_into().unwrap());
                    let registry = installation.registry.as_ref().unwrap();
                    format!("application/{}", registry.schema(id).0.to_lowercase())
                }
                (_, true) => "application/cloudevents+json".to_owned(),
                _ => "application/json".to_owned(),
            };
            assert_eq!(named, found);
            *forms.entry(found).or_default() += 1;
        }
        let expected = BTreeSet::from(FORMS.map(|(_, _, media_type)| media_type));
        let found: BTreeSet<_> = forms.keys().map(String::as_str).collect();
        assert_eq!(found, expected, "{key}: {forms:?}");
    }
    let registry = installation.registry.as_ref().unwrap();
    let keys = ["tasks", "signals", "shadow_signals", "erasures", "uplift"];
    let subjects = keys.map(|key| format!("{}-value", installation.topic(key)));
    assert_eq!(
        registry.subjects().into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from(subjects)
    );
}

/// Two processes that read the same records have nothing in common but these, and the ids of the schemas.
#[test]
fn the_same_records_give_the_same_bytes() {
    let registry = StandIn::start();
    let extra = format!(
        "window.clock = \"event\"\noutput.source = \"/south\"\nregistry.url = \"{}\"\n",
        registry.url()
    );
    let mut installation = Installation::one_topic("output-same", 2, &extra);
    installation.registry = Some(registry);
    let city = crate::support::city::City::build(installation.folder(), 60, 50, 9);
    let mut load = installation.load(&city.events);
    assert_eq!(load.wait().code(), Some(0), "{}", load.stderr());
    let end = installation.length("cdr");
    for (format, envelope, _) in &FORMS[1..] {
        let written = ["one", "two"].map(|name| {
            let of = |key: &str| format!("{}-{format}-{name}", installation.topic(key));
            let (group, keys) = (of("group"), ["tasks", "signals"]);
            let topics = keys.map(of);
            for topic in &topics {
                installation.client.create_topic(topic, 2, &[]);
            }
            let mut running = installation.run_with(&[
                ("CHURNWATCH_OUTPUT__FORMAT", format),
                ("CHURNWATCH_OUTPUT__ENVELOPE", envelope),
                ("CHURNWATCH_KAFKA__GROUP", &group),
                ("CHURNWATCH_TOPICS__TASKS", &topics[0]),
                ("CHURNWATCH_TOPICS__SIGNALS", &topics[1]),
            ]);
            running.process.wait_for("all is processed", |_| {
                let offsets = installation
                    .client
                    .committed_offsets(&group, &installation.topic("cdr"));
                let at: i64 = offsets.into_values().flatten().sum();
                (at == end).then_some(())
            });
            kill(&mut running);
            topics.map(|topic| {
                let mut by_subscriber: BTreeMap<_, Vec<_>> = BTreeMap::new();
                for record in installation.client.read_committed(&topic) {
                    let values = by_subscriber.entry(record.key.unwrap());
                    values.or_default().push(record.value.unwrap());
                }
                by_subscriber
            })
        });
        let [one, two] = &written;
        assert!(one.iter().all(|topic| topic.len() > 10), "{format}");
        assert!(one == two, "{format} {envelope}: other bytes");
    }
}

#[test]
fn a_start_waits_for_a_registry_that_is_away_and_then_needs_it_no_more() {
    let registry = StandIn::start();
    let extra = format!(
        "output.format = \"avro\"\nregistry.url = \"{}\"\n",
        registry.url()
    );
    let mut installation = Installation::new("output-away", 1, &extra);
    registry.away(Some(Reply::status(503)));
    let mut running = installation.run_unready();
    let address = running.address;
    running.process.wait_for("it says what it waits for", |_| {
        let page = get(address, "/readyz")?;
        (page.status == 503 && page.body.contains("status 503")).then_some(())
    });
    let log = running.process.stderr();
    assert!(log.contains("waiting for the schema registry: "), "{log}");
    assert_eq!(get(address, "/healthz").unwrap().status, 200);
    // Another one is asked to end meanwhile.
    let mut asked = installation.run_unready();
    asked.process.signal(Signal::Term);
    assert_eq!(asked.process.wait().code(), Some(0));

    registry.away(None);
    running.wait_ready();
    let log = running.process.stderr();
    assert!(log.contains("the schema registry answers"), "{log}");
    registry.away(Some(Reply::Breaks));
    raise_task(&installation, "8613800138000");
    let tasks = wait_records(&installation, &mut running, "tasks", 1);
    let task = json(tasks[0].value.as_deref().unwrap(), |id| registry.schema(id));
    assert_eq!(task["msisdn"], "8613800138000");
    assert_eq!(task["signals"][0]["trigger"], "competitor_hotline");
    installation.registry = Some(registry);
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
}

fn ends_with(process: &mut Process, expected: &[&str]) {
    let status = process.wait();
    let log = process.stderr();
    assert_eq!(status.code(), Some(1), "{log}");
    for text in expected {
        assert!(log.contains(text), "{text}: {log}");
    }
}

#[test]
fn a_start_ends_where_the_registry_does_not_take_a_schema_or_lacks_it() {
    let registry = StandIn::start();
    let extra = format!(
        "output.format = \"protobuf\"\nregistry.url = \"{}\"\n",
        registry.url()
    );
    let installation = Installation::new("output-refused", 1, &extra);
    let signals = format!("{}-value", installation.topic("signals"));
    let unregistered = [("CHURNWATCH_OUTPUT__REGISTER", "false")];
    let mut lacking = installation.run_with(&unregistered);
    let tasks = format!("{}-value", installation.topic("tasks"));
    ends_with(
        &mut lacking.process,
        &[
            &tasks,
            "retention-task",
            "Subject not found",
            "output.register",
        ],
    );
    assert!(registry.subjects().is_empty());

    registry.refuse(&signals, "field 4 of ChurnSignal has another type");
    let mut refused = installation.run_unready();
    ends_with(
        &mut refused.process,
        &[
            &signals,
            "churn-signal",
            "field 4 of ChurnSignal has another type",
        ],
    );

    // What another subject has is not registered under this one.
    let other = Installation::new("output-found", 1, &extra);
    let mut registers = other.run();
    registers.process.signal(Signal::Term);
    assert!(registers.process.wait().success());
    let asked = registry.asked().len();
    let mut found = other.run_with(&unregistered);
    found.wait_ready();
    let asked = registry.asked().split_off(asked);
    assert_eq!(asked.len(), 5);
    assert!(asked.iter().all(|asked| !asked.path.contains("versions")));
}

#[test]
fn the_board_reads_every_form_in_one_topic() {
    let registry = StandIn::start();
    let extra = format!(
        "registry.url = \"{}\"\nrun.instance_id = \"one\"\n",
        registry.url()
    );
    let installation = Installation::new("output-board", 1, &extra);
    let who = |number: usize| format!("861380013800{number}");
    for (number, form) in FORMS.into_iter().enumerate() {
        let mut running = run(&installation, form);
        raise_task(&installation, &who(number));
        wait_records(&installation, &mut running, "tasks", number + 1);
        running.process.signal(Signal::Term);
        assert!(running.process.wait().success());
    }
    registry.away(Some(Reply::status(500)));
    let mut board = installation.board("board");
    let ask = |path: &str| -> Value {
        let answer = get(board.address, path).expect("the board's pages");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    };
    let tasks = || {
        ask("/api/tasks?rows=10&channel=all")["tasks"]
            .as_array()
            .unwrap()
            .clone()
    };
    wait_for("the board says what it waits for", || {
        let away = ask("/api/status")["away_since"].is_i64();
        let log = board.process.stderr();
        (away && log.contains("the board cannot read its topics") && log.contains("status 500"))
            .then_some(())
    });
    // Where a signal that must wait is read before any task, it takes another turn.
    wait_for("those before the first that must wait", || {
        (tasks().len() == 2).then_some(())
    });
    registry.away(None);
    let tasks = wait_for("all tasks", || {
        Some(tasks()).filter(|tasks| tasks.len() == 4)
    });
    // But for who and when, the tasks are the same.
    let shared: BTreeSet<String> = tasks
        .iter()
        .map(|task| {
            let id = task["id"].as_str().unwrap();
            let mut task = plain(ask(&format!("/api/tasks/{id}"))["task"].clone());
            strip_source(&mut task);
            let signal = &task["signals"][0];
            let parts = [&signal["evidence"], &signal["text"], &task["score_parts"]];
            let others = ["recommended_action", "assignee", "stars", "monthly_value"];
            let others = others.map(|name| &task[name]);
            format!("{parts:?} {others:?}")
        })
        .collect();
    assert_eq!(shared.len(), 1, "{shared:#?}");
    let id = tasks[0]["id"].as_str().unwrap();
    let page = get(board.address, &format!("/tasks/{id}")).unwrap();
    assert!(page.body.contains("unicom"), "{}", page.body);

    // A confirmed erasure in Avro is understood, though it does not name the subscriber.
    let mut running = run(&installation, FORMS[2]);
    let request = format!(
        r#"{{"record_id":"dpo-1","record_type":"erase","msisdn":"{}","event_timestamp":"{}"}}"#,
        who(3),
        minutes_ago(1)
    );
    installation.produce("subscriber", [installation.keyed(&who(3), request)]);
    running.process.wait_for("the erasure is confirmed", |_| {
        installation
            .read("erasures")
            .pop()
            .filter(|record| record.value.as_deref().unwrap()[0] == 0)
    });
    wait_for("the erased subscriber is gone", || {
        let left = ask("/api/tasks?rows=10&channel=all&status=all")["tasks"]
            .as_array()
            .unwrap()
            .len();
        (left == 3).then_some(())
    });
    board.process.signal(Signal::Term);
    assert!(board.process.wait().success());
}
