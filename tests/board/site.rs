//! A board on brokers of its own, with the people who use it.

use crate::caller::Caller;
use crate::records;
use crate::support::client::{Client, NewRecord};
use crate::support::http::{self, Metrics};
use crate::support::wait_for;
use churnwatch::board::{self, Board};
use churnwatch::config::Config;
use churnwatch::kafka::EmbeddedBroker;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use tempfile::TempDir;

/// Whoever uses the board. Li-na and Ma-li answer the same tasks, and only Li-na may see numbers.
const PEOPLE: [(&str, &str); 6] = [
    (
        "li-na",
        "role = \"manager\"\nmanagers = [\"am-17\"]\nqueues = [\"outbound-calls/Shenzhen\"]\nmay_call = true",
    ),
    ("ma-li", "role = \"manager\"\nmanagers = [\"am-17\"]"),
    ("zhao", "role = \"manager\"\nmanagers = [\"am-99\"]"),
    ("wang", "role = \"lead\"\nregion = \"HQ/广东\""),
    ("chen", "role = \"admin\"\nmay_call = true"),
    ("robot", "role = \"admin\""),
];

const PARTITIONS: i32 = 2;

/// A board. It ends when dropped.
pub struct Site {
    pub config: Config,
    pub client: Client,
    board: Option<Board>,
    folder: TempDir,
    broker: Option<EmbeddedBroker>,
}

/// The token of a person.
pub fn token(name: &str) -> String {
    format!("the-token-of-{name}")
}

impl Site {
    /// A board with a few people.
    pub fn new() -> Self {
        Self::with("")
    }

    /// The same with further lines in `[board]`.
    pub fn with(lines: &str) -> Self {
        let people = PEOPLE.map(|(name, settings)| {
            let hash = board::hash(&token(name));
            format!("[board.users.{name}]\n{settings}\ntoken_sha256 = \"{hash}\"\n")
        });
        Self::of(lines, &people.concat())
    }

    /// A board that asks nobody who they are.
    pub fn open() -> Self {
        Self::of("", "")
    }

    fn of(lines: &str, people: &str) -> Self {
        let defaults = Config::embedded().unwrap();
        let broker = EmbeddedBroker::start(&defaults, PARTITIONS).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[kafka]\nbootstrap = \"{}\"\nproperties = {{ \"session.timeout.ms\" = \"3000\", \"heartbeat.interval.ms\" = \"500\" }}\n\
             [board]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\nstore = \"{}\"\n{lines}\n{people}",
            broker.bootstrap(),
            folder.path().join("store").display(),
        );
        let config = Config::from_toml_str(&text, "the test's configuration").unwrap();
        let client = Client::new(&broker.bootstrap());
        let board = Board::start(&config, false).unwrap();
        Self {
            config,
            client,
            board: Some(board),
            folder,
            broker: Some(broker),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.board.as_ref().unwrap().address()
    }

    /// The address of its metrics.
    pub fn metrics_address(&self) -> SocketAddr {
        self.board.as_ref().unwrap().metrics_address()
    }

    /// Its metrics.
    pub fn metrics(&self) -> Metrics {
        let page = http::get(self.metrics_address(), "/metrics").unwrap();
        assert_eq!(page.status, 200, "{page:?}");
        Metrics::parse(&page.body)
    }

    /// Somebody who is signed in.
    pub fn person(&self, name: &str) -> Caller {
        Caller::stranger(self.address()).signed_in(&token(name))
    }

    /// A program of somebody.
    pub fn program(&self, name: &str) -> Caller {
        let bearer = format!("Bearer {}", token(name));
        Caller::stranger(self.address()).with("authorization", &bearer)
    }

    /// Whoever sees everything, for looking after what a test has done. Without people that is anybody.
    fn watcher(&self) -> Caller {
        match self.config.board.users.is_empty() {
            true => Caller::stranger(self.address()),
            false => self.program("robot"),
        }
    }

    /// Publishes tasks, and waits until the board shows them.
    pub fn publish(&self, tasks: &[Value]) {
        self.put(tasks);
        for task in tasks {
            self.await_revision(task);
        }
    }

    /// Publishes tasks.
    pub fn put(&self, tasks: &[Value]) {
        self.write(&self.config.topics.tasks, tasks);
    }

    /// Waits until the board shows a revision, or a later one.
    pub fn await_revision(&self, task: &Value) {
        let path = format!("/api/tasks/{}", task["task_id"].as_str().unwrap());
        let wanted = task["revision"].as_i64();
        wait_for("the board shows a task", || {
            let answer = self.watcher().get(&path);
            (answer.status == 200 && answer.json()["task"]["revision"].as_i64() >= wanted)
                .then_some(())
        });
    }

    /// Publishes signals.
    pub fn put_signals(&self, signals: &[Value]) {
        self.write(&self.config.topics.signals, signals);
    }

    fn write(&self, topic: &str, records: &[Value]) {
        let records = records.iter().map(|record| {
            let key = record["msisdn"].as_str().unwrap_or_default();
            NewRecord::new(key, record.to_string())
        });
        self.client.produce(topic, records);
    }

    /// Waits until nothing that people did waits to be sent, and all of it was read back.
    pub fn settle(&self) {
        wait_for("nothing waits to be sent", || {
            let status = self.watcher().get("/api/status").json();
            (status["waiting"] == 0).then_some(())
        });
    }

    /// So many tasks, as the first ones of the board.
    pub fn publish_some(&self, count: u32) -> Vec<Value> {
        let tasks: Vec<Value> = (1..=count).map(records::task).collect();
        self.put(&tasks);
        self.await_count("", u64::from(count));
        tasks
    }

    /// Waits until a list has so many tasks.
    pub fn await_count(&self, query: &str, count: u64) {
        wait_for("a list has its tasks", || {
            let answer = self.watcher().get(&format!("/api/tasks?{query}")).json();
            (answer["all"] == count).then_some(())
        });
    }

    /// Ends the board.
    pub fn stop(&mut self) {
        self.board = None;
    }

    /// Ends the board if it runs, and starts it again.
    pub fn restart(&mut self) {
        self.stop();
        self.board = Some(Board::start(&self.config, false).unwrap());
    }

    /// Ends the brokers.
    pub fn lose_brokers(&mut self) {
        self.broker = None;
    }

    /// Folder of the store.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }
}
