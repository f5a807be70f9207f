//! The program installed on a broker: its topics, its configuration file, and processes that run it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use churnwatch::kafka::partition_of;
use tempfile::TempDir;

use super::broker::{Broker, ProxiedBroker};
use super::client::{Client, NewRecord, ReadRecord, unique};
use super::forms;
use super::http::{Metrics, get};
use super::process::Process;
use super::registry::StandIn;

/// The feeds, and the configuration keys of their topics.
pub const FEEDS: [&str; 6] = [
    "cdr",
    "billing",
    "subscriber",
    "service",
    "outcome",
    "group",
];
/// The configuration keys of the topics that are written.
pub const OUTPUTS: [&str; 6] = [
    "tasks",
    "signals",
    "shadow_signals",
    "dead_letters",
    "erasures",
    "uplift",
];

/// Topics of one's own and a configuration file for them.
pub struct Installation {
    pub client: Client,
    pub group: String,
    pub partitions: i32,
    /// The registry of the output's schemas, where there is one.
    pub registry: Option<StandIn>,
    name: String,
    one_topic: bool,
    folder: TempDir,
}

impl Installation {
    /// On the broker that all tests of this process share, with every topic created. `extra` is more TOML.
    pub fn new(name: &str, partitions: i32, extra: &str) -> Installation {
        Installation::bare(name, partitions, extra).with_topics()
    }

    /// Like [`Installation::new`], with all feeds in one topic.
    pub fn one_topic(name: &str, partitions: i32, extra: &str) -> Installation {
        let bootstrap = Broker::shared().bootstrap();
        Installation::describe(name, &bootstrap, &bootstrap, partitions, extra, true).with_topics()
    }

    /// Like [`Installation::new`], without any topic.
    pub fn bare(name: &str, partitions: i32, extra: &str) -> Installation {
        let bootstrap = Broker::shared().bootstrap();
        Installation::describe(name, &bootstrap, &bootstrap, partitions, extra, false)
    }

    /// Behind the proxy of a broker, with all feeds in one topic and the clock of the events: what comes out depends on
    /// nothing but the topic's records, so that `detect` over the same records says what it must be. Snapshots are taken
    /// often, unless `extra` says when.
    pub fn behind_proxy(
        broker: &ProxiedBroker,
        name: &str,
        partitions: i32,
        extra: &str,
    ) -> Installation {
        let snapshots = unless_stated(extra, "snapshot_", "state.snapshot_interval_seconds = 1");
        let extra = format!(
            "window.clock = \"event\"\n\
             kafka.properties.\"reconnect.backoff.max.ms\" = \"200\"\n\
             {snapshots}\n{extra}"
        );
        let (direct, proxied) = (broker.bootstrap(), broker.proxy().bootstrap());
        Installation::describe(name, &direct, &proxied, partitions, &extra, true).with_topics()
    }

    fn with_topics(self) -> Installation {
        let keys = FEEDS.into_iter().chain(OUTPUTS);
        let topics: BTreeSet<String> = keys.map(|key| self.topic(key)).collect();
        for topic in topics {
            self.client.create_topic(&topic, self.partitions, &[]);
        }
        self
    }

    /// With a client for the test at one address, and another for the program.
    fn describe(
        name: &str,
        direct: &str,
        bootstrap: &str,
        partitions: i32,
        extra: &str,
        one_topic: bool,
    ) -> Installation {
        let name = unique(name);
        let installation = Installation {
            client: Client::new(direct),
            group: format!("{name}-group"),
            partitions,
            registry: None,
            folder: tempfile::tempdir().unwrap(),
            one_topic,
            name,
        };
        let topics: Vec<String> = FEEDS
            .into_iter()
            .chain(OUTPUTS)
            .chain(["board"])
            .map(|key| format!("{key} = \"{}\"", installation.topic(key)))
            .collect();
        let text = format!(
            "\
kafka.bootstrap = \"{bootstrap}\"
kafka.group = \"{group}\"
{session}
{workers}
http.listen = \"127.0.0.1:0\"
log.format = \"json\"
state.snapshots = \"{snapshots}\"
board.listen = \"127.0.0.1:0\"
board.metrics_listen = \"127.0.0.1:0\"
board.store = \"{board}\"
{extra}

[topics]
{topics}
",
            session = unless_stated(extra, "session.timeout.ms", SESSION),
            workers = unless_stated(extra, "run.workers", "run.workers = 1"),
            snapshots = installation.snapshots().display(),
            board = installation.folder().join("board").display(),
            group = installation.group,
            topics = topics.join("\n"),
        );
        fs::write(installation.config(), text).unwrap();
        installation
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("churnwatch.toml")
    }

    /// Where a test may put its own files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The topic behind a configuration key.
    pub fn topic(&self, key: &str) -> String {
        let key = if self.one_topic && FEEDS.contains(&key) {
            "events"
        } else {
            key
        };
        format!("{}-{}", self.name, key.replace('_', "-"))
    }

    /// Starts a command with this configuration.
    pub fn start(&self, command: &str, arguments: &[&str]) -> Process {
        let config = self.config();
        let mut all = vec![command, "--config", config.to_str().unwrap()];
        all.extend(arguments);
        Process::start(all)
    }

    /// Starts `run` and waits until it is ready.
    pub fn run(&self) -> Running {
        let mut running = self.run_unready();
        running.wait_ready();
        running
    }

    /// Starts the board, with a store in a folder of this name, and waits until its pages are up.
    pub fn board(&self, store: &str) -> Running {
        let config = self.config();
        let arguments = ["board", "--config", config.to_str().unwrap()];
        let store = self.folder().join(store);
        let environment = [("CHURNWATCH_BOARD__STORE", store.to_str().unwrap())];
        Running::new(Process::start_with(arguments, &environment))
    }

    /// Starts `run` with these variables in its environment, and waits until its pages are up.
    pub fn run_with(&self, environment: &[(&str, &str)]) -> Running {
        let config = self.config();
        let arguments = ["run", "--config", config.to_str().unwrap()];
        Running::new(Process::start_with(arguments, environment))
    }

    /// Starts `run` as this member of the group, who keeps its partitions while it is away for less than the session
    /// time-out, and waits until its pages are up.
    pub fn run_member(&self, name: &str) -> Running {
        self.run_with(&[("CHURNWATCH_RUN__INSTANCE_ID", name)])
    }

    /// Starts `route` under a name that stays the same over restarts, and waits until its pages are up.
    pub fn route(&self, name: &str) -> Running {
        let config = self.config();
        let arguments = ["route", "--config", config.to_str().unwrap()];
        let environment = [("CHURNWATCH_RUN__INSTANCE_ID", name)];
        Running::new(Process::start_with(arguments, &environment))
    }

    /// Starts to load a file of events into the topics, past the proxy.
    pub fn load(&self, events: &Path) -> Process {
        let config = self.config();
        let arguments = [
            "produce",
            "--config",
            config.to_str().unwrap(),
            events.to_str().unwrap(),
        ];
        let direct = self.client.bootstrap();
        Process::start_with(arguments, &[("CHURNWATCH_KAFKA__BOOTSTRAP", direct)])
    }

    /// The members that the group has now, as [`Client::members`] names them.
    pub fn members(&self) -> Vec<String> {
        self.client.members(&self.group)
    }

    /// Starts `run` beside others of its group, under a name of its own, and waits until it is ready.
    pub fn run_as(&self, name: &str) -> Running {
        let mut running = self.run_other(name);
        running.wait_ready();
        running
    }

    /// As [`Installation::run_as`], but waits only until its pages are up.
    pub fn run_other(&self, name: &str) -> Running {
        let prefix = format!("{}-{name}", self.name);
        self.run_with(&[("CHURNWATCH_RUN__TRANSACTIONAL_ID_PREFIX", &prefix)])
    }

    /// Where the program keeps snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.folder.path().join("snapshots")
    }

    /// The topic that the program creates for its journal.
    pub fn journal(&self) -> String {
        format!("{}-journal", self.group)
    }

    /// Starts `run` and waits until its pages are up.
    pub fn run_unready(&self) -> Running {
        Running::new(self.start("run", &[]))
    }

    /// A record in the partition of its key.
    pub fn keyed(&self, key: &str, value: impl Into<Vec<u8>>) -> NewRecord {
        NewRecord::new(key, value).on(partition_of(key.as_bytes(), self.partitions))
    }

    /// Produces to the topic behind a key.
    pub fn produce(&self, key: &str, records: impl IntoIterator<Item = NewRecord>) {
        self.client.produce(&self.topic(key), records);
    }

    /// All committed records of the topic behind a key.
    pub fn read(&self, key: &str) -> Vec<ReadRecord> {
        self.client.read_committed(&self.topic(key))
    }

    /// The same as JSON, in whichever form they were written.
    pub fn read_json(&self, key: &str) -> Vec<ReadRecord> {
        let schema = |id| self.registry.as_ref().expect("a registry").schema(id);
        let json = |bytes: Vec<u8>| forms::json(&bytes, schema).to_string().into_bytes();
        let records = self.read(key).into_iter();
        records
            .map(|record| ReadRecord {
                value: record.value.map(json),
                ..record
            })
            .collect()
    }

    /// How far the group has come in the topic of a feed: the sum over its partitions.
    pub fn committed(&self, feed: &str) -> i64 {
        let offsets = self
            .client
            .committed_offsets(&self.group, &self.topic(feed));
        offsets.into_values().map(Option::unwrap_or_default).sum()
    }

    /// Offsets in the topic behind a key, control records and records of open transactions included: the sum over its
    /// partitions.
    pub fn length(&self, key: &str) -> i64 {
        self.client
            .end_offsets(&self.topic(key))
            .into_values()
            .sum()
    }

    /// Waits until the group has come to the ends of all feeds.
    pub fn wait_processed(&self, running: &mut Running) {
        for feed in FEEDS {
            let end = self.length(feed);
            let what = format!("feed {feed} is processed to {end}");
            running
                .process
                .wait_for(&what, |_| (self.committed(feed) == end).then_some(()));
        }
    }
}

/// The group's patience with a member that is silent: the broker forgets a killed process soon.
const SESSION: &str = "\
kafka.properties.\"session.timeout.ms\" = \"2000\"
kafka.properties.\"heartbeat.interval.ms\" = \"500\"";

/// These lines of configuration, or none if a test states such a key itself.
fn unless_stated<'a>(extra: &str, key: &str, lines: &'a str) -> &'a str {
    if extra.contains(key) { "" } else { lines }
}

/// A `run` with its pages up.
pub struct Running {
    pub process: Process,
    pub address: SocketAddr,
}

impl Running {
    fn new(mut process: Process) -> Running {
        let address = process.wait_for("its pages are up", |process| {
            let log = process.stderr();
            let line = log.lines().find(|line| line.contains("\"address\""))?;
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            line["address"].as_str()?.parse().ok()
        });
        Running { process, address }
    }

    /// Waits until it says that it is ready.
    pub fn wait_ready(&mut self) {
        let address = self.address;
        self.process.wait_for("it is ready", |_| {
            get(address, "/readyz").filter(|page| page.status == 200)
        });
    }

    /// Its metrics now.
    pub fn metrics(&self) -> Metrics {
        Metrics::parse(&get(self.address, "/metrics").expect("its metrics").body)
    }

    /// Records by outcome, and that they add up to the records received.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let metrics = self.metrics();
        let mut counts = BTreeMap::new();
        for sample in metrics.samples("churnwatch_records_total", &[]) {
            *counts.entry(sample.labels["outcome"].clone()).or_default() += sample.value as u64;
        }
        let received = metrics
            .value("churnwatch_records_received_total", &[])
            .unwrap() as u64;
        assert_eq!(
            counts.values().sum::<u64>(),
            received,
            "records are conserved: {counts:?}"
        );
        counts
    }

    /// Waits until this many records have come in.
    pub fn wait_received(&mut self, records: u64) {
        let address = self.address;
        self.process
            .wait_for(&format!("{records} records have come in"), |_| {
                let page = get(address, "/metrics")?;
                let received =
                    Metrics::parse(&page.body).value("churnwatch_records_received_total", &[])?;
                (received as u64 >= records).then_some(())
            });
    }
}

/// How many records a `run` has replayed, as its log says.
pub fn replayed(log: &str) -> u64 {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines
        .filter(|line| line["message"] == "replaying the journal")
        .filter_map(|line| line["records"].as_u64())
        .sum()
}

/// A call-detail record of a call.
pub fn call(record_id: &str, msisdn: &str, other: &str, at: &str) -> String {
    format!(
        r#"{{"record_id":"{record_id}","record_type":"mo_call","msisdn":"{msisdn}","event_timestamp":"{at}","other_number":"{other}","duration_seconds":60,"cause_for_termination":"normal_release"}}"#
    )
}

/// A moment some minutes before now, in RFC 3339.
pub fn minutes_ago(minutes: i64) -> String {
    let at = churnwatch::runtime::clock::now().0 - minutes * 60_000;
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

/// Waits until a topic holds this many committed records, and returns them.
pub fn wait_records(
    installation: &Installation,
    running: &mut Running,
    key: &str,
    count: usize,
) -> Vec<ReadRecord> {
    running
        .process
        .wait_for(&format!("{key} holds {count} records"), |_| {
            let records = installation.read(key);
            (records.len() >= count).then_some(records)
        })
}
