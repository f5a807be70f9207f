//! The example consumers of `deploy/consumers`, which other systems begin with.

use crate::support::client::{Client, NewRecord, unique};
use crate::support::wait_for;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

const PARTITIONS: i32 = 2;
const PATIENCE: Duration = Duration::from_secs(30);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The example of a task in its schema, as another revision of another task.
fn task(name: &str, revision: u32) -> Value {
    let path = root().join("schemas/retention-task.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut task = schema["examples"][0].clone();
    task["task_id"] = json!(name);
    task["revision"] = json!(revision);
    task
}

fn name(number: u32) -> String {
    format!("{number:032x}")
}

fn record(task: &Value) -> NewRecord {
    NewRecord::new(task["msisdn"].as_str().unwrap(), task.to_string())
}

/// Writes a task in a transaction that is given up.
fn take_back(bootstrap: &str, topic: &str, task: &Value) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("transactional.id", unique("taken-back"))
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let value = task.to_string();
    let key = task["msisdn"].as_str().unwrap();
    producer
        .send(BaseRecord::to(topic).key(key).payload(&value))
        .unwrap();
    wait_for("the record is written", || {
        producer.poll(Duration::ZERO);
        (producer.in_flight_count() == 0).then_some(())
    });
    producer.abort_transaction(PATIENCE).unwrap();
}

/// Runs a consumer until it has read all there is; what it printed, sorted.
fn run(mut command: Command) -> Vec<String> {
    let output = command.current_dir(root()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Both consumers are made ready once: a second compilation would delete the classes that the first left.
static READY: LazyLock<()> = LazyLock::new(|| {
    let fetched = Command::new(root().join("tests/support/fetch-consumers")).status();
    assert!(
        fetched.unwrap().success(),
        "tests/support/fetch-consumers fails"
    );
});

/// Each revision reaches the database once, whatever came twice, late, broken or was taken back.
fn takes_each_revision_once(consumer: impl Fn(&str, &str, &Path) -> Command) {
    LazyLock::force(&READY);
    let client = Client::shared();
    let (bootstrap, topic) = (client.bootstrap(), unique("tasks"));
    client.create_topic(&topic, PARTITIONS, &[]);
    let folder = tempfile::tempdir().unwrap();
    let database: PathBuf = folder.path().join("tasks.sqlite");
    let told = || run(consumer(bootstrap, &topic, &database));
    let line = |number: u32, revision: u32| {
        let status = &task(&name(number), revision)["status"];
        format!("{} {revision} {}", name(number), status.as_str().unwrap())
    };

    let mut newer = task(&name(1), 2);
    newer["field_of_a_newer_detector"] = json!({ "kept": true });
    let mut wrong = task(&name(3), 1);
    wrong["revision"] = json!("first");
    let records = [
        task(&name(1), 1),
        newer,
        task(&name(1), 1),
        task(&name(2), 1),
        wrong,
    ];
    client.produce(&topic, records.iter().map(record));
    client.produce(&topic, [NewRecord::new("8613800138000", "{ broken")]);
    take_back(bootstrap, &topic, &task(&name(4), 1));
    assert_eq!(told(), [line(1, 1), line(1, 2), line(2, 1)]);
    assert_eq!(told(), [""; 0], "nothing is told twice");

    client.produce(
        &topic,
        [task(&name(2), 1), task(&name(2), 3)].iter().map(record),
    );
    assert_eq!(told(), [line(2, 3)]);

    let kept = Connection::open(&database).unwrap();
    let count = |sql: &str| kept.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM task"), 2);
    assert_eq!(count("SELECT count(*) FROM refused"), 2);
    assert_eq!(
        count("SELECT count(*) FROM task WHERE body LIKE '%field_of_a_newer_detector%'"),
        1
    );
    assert_eq!(
        count("SELECT count(*) FROM refused WHERE why LIKE '%13800138000%'"),
        0
    );

    // A database that was put back to an earlier state takes in again what it lacks.
    kept.execute_batch("DELETE FROM position; DELETE FROM task")
        .unwrap();
    drop(kept);
    assert_eq!(told(), [line(1, 1), line(1, 2), line(2, 1), line(2, 3)]);
}

#[test]
fn the_python_consumer_takes_each_revision_once() {
    takes_each_revision_once(|bootstrap, topic, database| {
        let mut command = Command::new(root().join(".consumers/python/bin/python"));
        command.arg("deploy/consumers/consume_tasks.py");
        command.args(["--bootstrap", bootstrap, "--topic", topic, "--group", topic]);
        command.arg("--database").arg(database).arg("--until-end");
        command
    });
}

#[test]
fn the_java_consumer_takes_each_revision_once() {
    takes_each_revision_once(|bootstrap, topic, database| {
        let libraries = std::fs::read_to_string(root().join(".consumers/java/classpath")).unwrap();
        let mut command = Command::new("java");
        command.args([
            "-cp",
            &format!(".consumers/java/target/classes:{}", libraries.trim()),
        ]);
        command.args(["ConsumeTasks", bootstrap, topic]);
        command.arg(database).args(["schemas", "until-end"]);
        command
    });
}
