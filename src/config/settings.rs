//! The sections around the engine: brokers, topics, workers, admin pages, logs.

use crate::decode::Decoder;
use crate::layers::{Key, Layers};
use crate::model::{Feed, FeedSet};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::thread::available_parallelism;

/// librdkafka's properties: flat names with dots in them.
pub const PROPERTIES: &str = "kafka.properties";

/// `[kafka]`: how to reach the brokers.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// `host:port`, several separated by commas.
    pub bootstrap: String,
    /// Consumer group.
    pub group: String,
    /// Name in the brokers' logs and quotas.
    pub client_id: String,
    /// Further properties of librdkafka by name; none that the program sets itself. May hold passwords.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for KafkaSettings {
    /// The values of properties are not shown: some are passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("bootstrap", &self.bootstrap)
            .field("group", &self.group)
            .field("client_id", &self.client_id)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

/// `[topics]`: where records are read from and written to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSettings {
    /// Call-detail records.
    pub cdr: String,
    /// Invoices, payments, suspensions.
    pub billing: String,
    /// Profiles.
    pub subscriber: String,
    /// Complaints, enquiries.
    pub service: String,
    /// What became of tasks.
    pub outcome: String,
    /// What shards tell each other of groups: read, and written.
    pub group: String,
    /// Retention tasks out.
    pub tasks: String,
    /// Signals out.
    pub signals: String,
    /// Signals of the shadow rules out.
    pub shadow_signals: String,
    /// Unusable records out.
    pub dead_letters: String,
    /// Where erasures are confirmed.
    pub erasures: String,
    /// What tasks achieve.
    pub uplift: String,
    /// The state's journal; empty for the group's own, as [`TopicSettings::journal`] names it.
    pub journal: String,
    /// What people do with tasks.
    pub board: String,
}

impl TopicSettings {
    /// The topic a feed is read from.
    pub fn of(&self, feed: Feed) -> &str {
        match feed {
            Feed::Cdr => &self.cdr,
            Feed::Billing => &self.billing,
            Feed::Subscriber => &self.subscriber,
            Feed::Service => &self.service,
            Feed::Outcome => &self.outcome,
            Feed::Group => &self.group,
        }
    }

    /// The topics to read, each once, with the feeds it carries.
    pub fn inputs(&self) -> BTreeMap<&str, FeedSet> {
        let mut inputs = BTreeMap::new();
        for feed in Feed::ALL {
            let feeds: &mut FeedSet = inputs.entry(self.of(feed)).or_default();
            *feeds = feeds.with(feed);
        }
        inputs
    }

    /// The topic of the journal of a consumer group.
    pub fn journal(&self, group: &str) -> String {
        match self.journal.as_str() {
            "" => format!("{group}-journal"),
            stated => stated.to_owned(),
        }
    }

    /// Whether a topic is one of these, or the journal of a consumer group.
    pub fn is_ours(&self, topic: &str, group: &str) -> bool {
        let outputs = self.outputs().into_iter().map(|(_, output)| output);
        let inputs = Feed::ALL.into_iter().map(|feed| self.of(feed));
        let mut all = inputs.chain(outputs).chain([self.board.as_str()]);
        all.any(|ours| ours == topic) || self.journal(group) == topic
    }

    /// The topics to write for others, by their keys in the configuration.
    pub fn outputs(&self) -> [(&'static str, &str); 6] {
        [
            ("tasks", &self.tasks),
            ("signals", &self.signals),
            (SHADOW_SIGNALS, &self.shadow_signals),
            ("dead_letters", &self.dead_letters),
            ("erasures", &self.erasures),
            (UPLIFT, &self.uplift),
        ]
    }
}

/// Key of the topic of shadow signals.
pub(super) const SHADOW_SIGNALS: &str = "shadow_signals";
/// Key of the topic of what tasks achieve.
pub(super) const UPLIFT: &str = "uplift";

/// `[run]`: workers and their transactions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// Worker threads.
    #[serde(deserialize_with = "threads")]
    pub workers: u16,
    /// A transaction that holds output ends with this many records.
    pub batch_records_max: u32,
    /// Longest wait of a transaction for more records.
    pub batch_wait_ms: u16,
    /// The brokers abort a transaction open for longer.
    pub transaction_timeout_seconds: u16,
    /// What each worker's `transactional.id` begins with; never empty, the group's name if none was stated.
    pub transactional_id_prefix: String,
    /// Name of this process for static membership; empty for none.
    pub instance_id: String,
    /// Memory of a worker's fetched records.
    pub queued_kilobytes_max: u32,
    /// Time to end and leave after SIGTERM.
    pub shutdown_seconds: u16,
}

/// Threads as they are written.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Threads {
    Number(u16),
    Cores(Auto),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Auto {
    Auto,
}

fn threads<'de, D: Deserializer<'de>>(text: D) -> Result<u16, D::Error> {
    Ok(match Threads::deserialize(text)? {
        Threads::Number(number) => number,
        Threads::Cores(Auto::Auto) => available_parallelism()
            .ok()
            .and_then(|cores| cores.get().try_into().ok())
            .unwrap_or(1),
    })
}

/// `[state]`: what is kept of the subscribers' state beside the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateSettings {
    /// Directory or URL of the snapshots.
    pub snapshots: String,
    /// Time between two snapshots of a partition.
    pub snapshot_interval_seconds: u32,
    /// Time that a worker may take to replay what the snapshots of its partitions lack.
    pub recovery_seconds_max: u16,
    /// Snapshots kept of each partition.
    pub snapshots_kept: u16,
    /// Whether to begin with empty windows where the state cannot be restored.
    pub start_without_state: bool,
}

/// `[http]`: metrics and health pages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port; port 0 for any free one.
    pub listen: SocketAddr,
    /// Names by which the pages may be asked for.
    pub hosts: Vec<String>,
    /// Connections at a time.
    pub connections_max: u16,
    /// Size of a request's header.
    pub header_bytes_max: u32,
    /// Time to send a request's header.
    pub header_seconds: u16,
    /// Life of a connection.
    pub connection_seconds: u16,
    /// Longest silence of a worker that still counts as alive.
    pub stalled_seconds: u16,
}

/// `[log]`: what is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// Filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub level: String,
}

/// `[shadow]`: rules on trial.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowSettings {
    /// File of the rules that differ from those in force; empty for no shadow rules.
    pub rules: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Properties the program sets itself, and what to do or know instead.
const OWN_PROPERTIES: &[(&[&str], &str)] = &[
    (
        &["bootstrap.servers", "metadata.broker.list"],
        "set kafka.bootstrap",
    ),
    (&["group.id"], "set kafka.group"),
    (&["client.id"], "set kafka.client_id"),
    (&["group.instance.id"], "set run.instance_id"),
    (&["transactional.id"], "set run.transactional_id_prefix"),
    (
        &["transaction.timeout.ms"],
        "set run.transaction_timeout_seconds",
    ),
    (
        &["queued.max.messages.kbytes"],
        "set run.queued_kilobytes_max",
    ),
    (
        &[
            "enable.auto.commit",
            "auto.commit.enable",
            "auto.commit.interval.ms",
            "enable.auto.offset.store",
        ],
        "offsets are committed in the transaction that holds the tasks",
    ),
    (
        &["isolation.level"],
        "records of aborted transactions must not be counted",
    ),
    (
        &["auto.offset.reset"],
        "a lost position must be an error, not a silent skip",
    ),
    (
        &["enable.idempotence", "acks", "request.required.acks"],
        "transactions need idempotence and the acknowledgement of all replicas",
    ),
    (
        &["partition.assignment.strategy", "group.protocol"],
        "equal partitions of all feeds must go to the same worker",
    ),
    (
        &["partitioner", "partitioner_cb"],
        "every producer must put a subscriber into the same partition",
    ),
    (
        &["enable.partition.eof"],
        "the end of a partition tells when it was read again",
    ),
    (
        &[
            "linger.ms",
            "queue.buffering.max.ms",
            "retry.backoff.ms",
            "fetch.queue.backoff.ms",
            "batch.size",
            "message.max.bytes",
        ],
        "it is tuned to the cycle of transactions",
    ),
    (
        &["log.connection.close"],
        "a lost connection decides whether a producer may be used again",
    ),
];

/// Reads and checks `[kafka]`.
pub(super) fn kafka(layers: &mut Layers) -> Option<KafkaSettings> {
    let settings: KafkaSettings = layers.read("kafka")?;
    for (key, text) in [
        ("kafka.group", &settings.group),
        ("kafka.client_id", &settings.client_id),
    ] {
        if text.trim().is_empty() {
            layers.problem(&Key::of(key), "is empty", "give it a name");
        }
    }
    for broker in settings.bootstrap.split(',') {
        if !is_broker(broker.trim()) {
            let key = Key::of("kafka.bootstrap");
            let what = format!("`{}` is not a broker's address", broker.trim());
            layers.problem(
                &key,
                what,
                "write host:port, such as kafka1:9092, several separated by commas",
            );
        }
    }
    for (name, value) in &settings.properties {
        let key = Key::of(PROPERTIES).child(name);
        let own = OWN_PROPERTIES
            .iter()
            .find(|(own, _)| own.contains(&name.as_str()));
        if let Some((_, reason)) = own {
            let remedy = format!("remove it: {reason}");
            layers.problem(&key, "is set by churnwatch itself", remedy);
        }
        if name == "security.protocol"
            && value.to_lowercase().ends_with("ssl")
            && !cfg!(feature = "tls")
        {
            let remedy = "build churnwatch with `cargo build --release --features tls`";
            layers.problem(
                &key,
                "needs TLS, which this build of churnwatch is without",
                remedy,
            );
        }
    }
    Some(settings)
}

/// `[protocol://]host[:port]`, the host in brackets if it is an IPv6 address.
fn is_broker(text: &str) -> bool {
    let address = text.split_once("://").map_or(text, |(_, address)| address);
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host_fits = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(is_host),
    };
    host_fits && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Reads and checks `[topics]`.
pub(super) fn topics(layers: &mut Layers, kafka: Option<&KafkaSettings>) -> Option<TopicSettings> {
    let settings: TopicSettings = layers.read("topics")?;
    let mut used: BTreeMap<&str, &str> = BTreeMap::new();
    let inputs = Feed::ALL.map(|feed| (feed.name(), settings.of(feed)));
    let journal = settings.journal(&kafka?.group);
    // A group without a name is a problem of its own.
    let journal = (journal.trim() != "-journal").then_some(("journal", &*journal));
    let board = [("board", &*settings.board)];
    let outputs = settings.outputs().into_iter().chain(journal).chain(board);
    for (name, topic) in inputs.into_iter().chain(outputs) {
        let key = Key::of("topics").child(name);
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let legal = (1..=249).contains(&topic.len()) && topic.chars().all(is_legal);
        if !legal || topic == "." || topic == ".." {
            let what = format!("`{topic}` is not a topic's name");
            layers.problem(
                &key,
                what,
                "use 1 to 249 of the characters a-z A-Z 0-9 . _ -",
            );
        }
        let earlier = used.insert(topic, name);
        let is_output = Feed::from_name(name).is_none();
        if let Some(earlier) = earlier.filter(|_| is_output) {
            let what = format!("`{topic}` is the topic of topics.{earlier} as well");
            layers.problem(
                &key,
                what,
                "give each output a topic of its own; only feeds may share one",
            );
        }
    }
    Some(settings)
}

/// Reads and checks `[state]`.
pub(super) fn state(layers: &mut Layers) -> Option<StateSettings> {
    let settings: StateSettings = layers.read("state")?;
    if settings.snapshots.trim().is_empty() {
        let remedy = "name a directory, or a URL such as s3://bucket/prefix";
        layers.problem(&Key::of("state.snapshots"), "is empty", remedy);
    }
    Some(settings)
}

/// Reads and checks `[run]`.
pub(super) fn run(layers: &mut Layers, kafka: Option<&KafkaSettings>) -> Option<RunSettings> {
    let mut settings: RunSettings = layers.read("run")?;
    let kafka = kafka?;
    let poll_interval = kafka.properties.get("max.poll.interval.ms");
    if let Some(poll_ms) = poll_interval.and_then(|text| text.parse::<u64>().ok())
        && poll_ms <= u64::from(settings.transaction_timeout_seconds) * 1000
    {
        let what = "is not longer than run.transaction_timeout_seconds";
        let remedy = "raise it, so that a worker slow to commit is not thrown out of the group";
        let key = Key::of(PROPERTIES).child("max.poll.interval.ms");
        layers.problem(&key, what, remedy);
    }
    if settings.transactional_id_prefix.is_empty() {
        settings.transactional_id_prefix.clone_from(&kafka.group);
    }
    Some(settings)
}

/// Reads and checks `[log]`.
pub(super) fn log(layers: &mut Layers) -> Option<LogSettings> {
    let settings: LogSettings = layers.read("log")?;
    if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(&settings.level) {
        let what = format!("`{}` is not a log filter: {error}", settings.level);
        let remedy =
            "write error, warn, info, debug or trace, or such as \"info,churnwatch::kafka=debug\"";
        layers.problem(&Key::of("log.level"), what, remedy);
    }
    Some(settings)
}

/// Reads and checks `[decode]`.
pub(super) fn decoder(layers: &mut Layers) -> Option<Decoder> {
    let layouts = super::layouts::layouts(layers)?;
    let problems = match Decoder::new(layers.read("decode")?) {
        Ok(decoder) => return Some(decoder.with_layouts(layouts)),
        Err(problems) => problems,
    };
    for problem in problems {
        layers.refuse(&Key::of("decode").child(problem.key), problem.problem);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_told_from_nonsense() {
        for good in [
            "localhost:9092",
            "kafka-1.example.com",
            "[::1]:9092",
            "10.0.0.1:1",
            "SSL://k:9093",
            "[::1]",
        ] {
            assert!(is_broker(good), "{good}");
        }
        for bad in [
            "",
            ":9092",
            "k:0",
            "k:99999",
            "k:http",
            "::1",
            "[::g]:9092",
            "a b:1",
            "k:9092;l:9092",
        ] {
            assert!(!is_broker(bad), "{bad}");
        }
    }
}
