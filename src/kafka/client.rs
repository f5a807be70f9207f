//! The properties of our Kafka clients.

use super::error;
use crate::config::Config;
use crate::telemetry::troubles;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::BaseProducer;
use tracing::{debug, error, info};

const BATCH_SIZE: &str = "batch.size";
/// How long the brokers may wait for records before they answer a request.
const FETCH_WAIT: &str = "fetch.wait.max.ms";
/// A partition that was restored or resumed is part of the next request only. The default of 500 ms would be a third of a restart.
const FETCH_WAIT_MS: &str = "50";
/// As much as topics take by default.
const ROUTE_BATCH_BYTES: &str = "1000000";

/// What every client has in common: the brokers, our name, and the operator's own properties.
///
/// Our properties are set after the operator's, so that nothing exactly-once depends on can be turned off.
pub(super) fn common(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    for (key, value) in &config.kafka.properties {
        client.set(key, value);
    }
    client
        .set("bootstrap.servers", &config.kafka.bootstrap)
        .set("client.id", &config.kafka.client_id)
        .set_log_level(RDKafkaLogLevel::Info);
    client
}

/// Whether the client takes the operator's properties. No broker is asked.
///
/// # Errors
/// What is wrong with them, and the remedy.
pub fn check_properties(config: &Config) -> Result<(), String> {
    let reads: KafkaResult<BaseConsumer> = consumer(config, None).create();
    let writes: KafkaResult<BaseProducer> = producer(config).create();
    let made = reads.map(drop).and(writes.map(drop));
    made.map_err(|error| error::plain(&error))
}

/// A consumer of the input topics. `member` is its name for static group membership, if it has one.
pub(super) fn consumer(config: &Config, member: Option<&str>) -> ClientConfig {
    let mut client = common(config);
    let queued_kilobytes_max = config.run.queued_kilobytes_max.to_string();
    client
        .set("group.id", &config.kafka.group)
        // Records of aborted and open transactions are not there for us.
        .set("isolation.level", "read_committed")
        // Offsets are committed in our transactions, and nowhere else.
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Records that retention deleted before we read them are an operator's decision, not a silent jump.
        .set("auto.offset.reset", "error")
        // Gives the same partition numbers of all topics to the same worker, and all of a worker's at once.
        .set("partition.assignment.strategy", "range")
        // The default of a second costs up to half of the rate while the queue is full now and then.
        .set("fetch.queue.backoff.ms", "2")
        .set("queued.max.messages.kbytes", queued_kilobytes_max);
    let own = config.kafka.properties.get(FETCH_WAIT);
    client.set(FETCH_WAIT, own.map_or(FETCH_WAIT_MS, String::as_str));
    if let Some(member) = member {
        client.set("group.instance.id", member);
    }
    client
}

/// Readers of a worker at a time, which share `run.queued_kilobytes_max`.
pub const READERS: usize = 4;

/// A consumer that re-reads partitions without being a member of the group.
pub(super) fn reader(config: &Config, partitions: usize) -> ClientConfig {
    let mut client = consumer(config, None);
    // Here the limit holds for each partition's queue, not for all of them together.
    let each = config.run.queued_kilobytes_max as usize / READERS / partitions.max(1);
    client
        .set("queued.max.messages.kbytes", each.max(1024).to_string())
        // Says where a partition ends, behind control records and what compaction took...
        .set("enable.partition.eof", "true")
        // ...once the broker has stopped waiting for more.
        .set(FETCH_WAIT, "10");
    client
}

/// The producer of one worker's transactions.
pub(super) fn transactional(config: &Config, transactional_id: &str) -> ClientConfig {
    let mut client = producer(config);
    let timeout_ms = u64::from(config.run.transaction_timeout_seconds) * 1000;
    client
        .set("transactional.id", transactional_id)
        .set("transaction.timeout.ms", timeout_ms.to_string())
        // A record is sent when its transaction is about to end; waiting for company would only add latency.
        .set("linger.ms", "0")
        // Whether a connection was lost decides whether the producer may be used again; the log is what tells of it.
        .set("log.connection.close", "true")
        // The broker writes the markers of the last transaction while the next one begins; the default backoff would
        // add 100 ms to every commit.
        .set("retry.backoff.ms", "1");
    if config.is_of_route() {
        // A router sends thousands of records at once: with large requests it does 1.5 times as many in the same time.
        client.set("linger.ms", "20");
        let own = config.kafka.properties.get(BATCH_SIZE);
        client.set(BATCH_SIZE, own.map_or(ROUTE_BATCH_BYTES, String::as_str));
    }
    client
}

/// A producer whose records are keyed as ours are.
pub(super) fn producer(config: &Config) -> ClientConfig {
    let mut client = common(config);
    client
        .set("enable.idempotence", "true")
        // Java's hash, so that every producer of the cluster puts a subscriber into the same partition.
        .set("partitioner", "murmur2_random")
        // The topic's own limit decides, not the client's: a dead letter is larger than the record it carries.
        .set("message.max.bytes", "33554432")
        // Topics limit whole batches, and the client does not split one that is refused.
        .set(BATCH_SIZE, "131072");
    client
}

/// The transactional id of a worker. Every worker of the group needs a different one, because equal ones would fence
/// each other for ever. With `run.instance_id`, or with admin pages on a fixed port, it stays the same over a restart,
/// so the restart need not wait for a killed predecessor's transaction to time out.
pub(super) fn transactional_id(config: &Config, worker: usize) -> String {
    let prefix = &config.run.transactional_id_prefix;
    let instance = match config.run.instance_id.as_str() {
        "" => match config.http.listen.port() {
            0 => format!("{}-{}", host_name(), std::process::id()),
            // Processes of one host cannot share the port of their admin pages, and keep it after a restart.
            port => format!("{}-{port}", host_name()),
        },
        instance => instance.to_owned(),
    };
    format!("{prefix}-{instance}-{worker}")
}

/// The name of a worker for static group membership, if the process has one.
pub(super) fn member(config: &Config, worker: usize) -> Option<String> {
    match config.run.instance_id.as_str() {
        "" => None,
        instance => Some(format!("{instance}-{worker}")),
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "host".to_owned())
}

/// Passes a line of the client's log on to ours.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
    let message = without_thread(message);
    // An operator's properties go to consumers and producers alike; and a new producer may have to wait until the brokers
    // have ended its predecessor's transaction.
    let ordinary = (facility == "CONFWARN" && message.contains("will be ignored by this"))
        || (facility == "GETPID" && message.ends_with("retrying"));
    if ordinary {
        debug!(facility, "Kafka client: {message}");
        return;
    }
    match level {
        Emerg | Alert | Critical => error!(facility, "Kafka client: {message}"),
        // Lost connections and the like, which the client mends by itself.
        Error | Warning => trouble(facility, message),
        // Alone it is no trouble: brokers close connections that are idle.
        Notice | Info if is_of_connections(facility) => {
            troubles::aside(troubles::BROKERS, &format!("Kafka client: {message}"));
        }
        Notice | Info => info!(facility, "Kafka client: {message}"),
        Debug => debug!(facility, "Kafka client: {message}"),
    }
}

/// Logs an error that the client reports besides its results.
pub(super) fn log_error(error: &KafkaError, reason: &str) {
    trouble(&super::error::plain(error), without_thread(reason));
}

/// The client says the same of every broker and every connection, in several ways: all of that is one trouble.
fn trouble(what: &str, message: &str) {
    let said = format!("Kafka client: {message}");
    match is_of_connections(what) {
        true => troubles::warn(troubles::BROKERS, &said),
        false => troubles::warn(&format!("client {what}"), &said),
    }
}

fn is_of_connections(what: &str) -> bool {
    const CONNECTION: [&str; 7] = [
        "FAIL",
        "REQTMOUT",
        "ERROR",
        "BrokerTransportFailure",
        "AllBrokersDown",
        "OperationTimedOut",
        "Resolve",
    ];
    CONNECTION.iter().any(|known| what.starts_with(known))
}

/// The client's threads mean nothing to a reader.
pub(super) fn without_thread(message: &str) -> &str {
    let threaded = message.strip_prefix("[thrd:");
    let behind = threaded.and_then(|rest| rest.split_once("]: "));
    behind.map_or(message, |(_, behind)| behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_without_the_thread_it_came_from() {
        let line = "[thrd:localhost:9092/1]: localhost:9092/1: Disconnected";
        assert_eq!(without_thread(line), "localhost:9092/1: Disconnected");
        assert_eq!(without_thread("Disconnected"), "Disconnected");
    }
}
