use super::{Topics, client, error};
use crate::config::Config;
use crate::model::Feed;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
/// Suggested where nothing says how many partitions there should be.
const PARTITIONS_SUGGESTED: i32 = 12;

/// What the brokers say about our topics, found fit to run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Partitions of every input topic, which is the number of shards.
    pub partitions: i32,
    /// What was found, a line each, for people.
    pub facts: Vec<String>,
}

/// Asks the brokers whether `run` could start.
///
/// # Errors
/// Every problem, each with its remedy.
pub fn connect(config: &Config) -> Result<Vec<String>, Vec<String>> {
    Cluster::inspect(config).map(|cluster| cluster.facts)
}

impl Cluster {
    /// Looks at the topics: all must exist, and those of the feeds must have equally many partitions, because a
    /// subscriber's records must lie in the same partition of each.
    ///
    /// # Errors
    /// Every problem, each with its remedy.
    pub fn inspect(config: &Config) -> Result<Self, Vec<String>> {
        let brokers = Brokers::new(config).map_err(|problem| vec![problem])?;
        let mut facts = vec![format!(
            "brokers at {}: {} in the cluster",
            config.kafka.bootstrap,
            brokers.count().map_err(|problem| vec![problem])?
        )];
        let mut problems = Vec::new();
        let mut missing = Vec::new();
        let mut counts = Vec::new();
        for topic in Topics::new(config).iter() {
            match brokers.partitions(&topic.name) {
                Ok(Some(count)) => counts.push((topic.name.to_string(), count)),
                Ok(None) => missing.push((key_of(config, &topic.name), topic.name.to_string())),
                Err(problem) => problems.push(problem),
            }
        }
        let partitions = counts.iter().map(|(_, count)| *count).max();
        for (key, topic) in config.topics.outputs() {
            match brokers.partitions(topic) {
                Ok(Some(count)) => facts.push(format!("output topic {topic}: partitions: {count}")),
                Ok(None) => missing.push((format!("topics.{key}"), topic.to_owned())),
                Err(problem) => problems.push(problem),
            }
        }
        for (key, topic) in missing {
            let count = partitions.unwrap_or(PARTITIONS_SUGGESTED);
            problems.push(format!(
                "topic `{topic}` ({key}) does not exist; create it: kafka-topics.sh --bootstrap-server {} --create \
                 --topic {topic} --partitions {count}",
                config.kafka.bootstrap
            ));
        }
        let partitions = partitions.unwrap_or(0);
        if counts.iter().any(|(_, count)| *count != partitions) {
            problems.push(mismatch(&counts, partitions));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        for (topic, count) in counts {
            facts.push(format!("input topic {topic}: partitions: {count}"));
        }
        Ok(Self { partitions, facts })
    }
}

fn mismatch(counts: &[(String, i32)], most: i32) -> String {
    let all: Vec<String> = counts
        .iter()
        .map(|(topic, count)| format!("{topic} has {count}"))
        .collect();
    let fewer: Vec<&str> = counts
        .iter()
        .filter(|(_, count)| *count != most)
        .map(|(topic, _)| topic.as_str())
        .collect();
    format!(
        "the input topics have different numbers of partitions ({}), but a subscriber's records must lie in the same \
         partition of every feed; create {} anew with {most} partitions, keyed by msisdn, and load the records again \
         (adding partitions would leave the records there in the wrong ones)",
        all.join(", "),
        fewer.join(", ")
    )
}

/// The configuration keys that name an input topic.
fn key_of(config: &Config, topic: &str) -> String {
    let keys: Vec<String> = Feed::ALL
        .into_iter()
        .filter(|feed| config.topics.of(*feed) == topic)
        .map(|feed| format!("topics.{}", feed.name()))
        .collect();
    keys.join(", ")
}

/// A client for questions about the cluster.
pub(super) struct Brokers {
    client: BaseConsumer<Quiet>,
    bootstrap: String,
}

impl Brokers {
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        let properties: ClientConfig = client::common(config);
        let client = properties
            .create_with_context(Quiet)
            .map_err(|error| format!("kafka.properties: {}", error::plain(&error)))?;
        Ok(Self {
            client,
            bootstrap: config.kafka.bootstrap.clone(),
        })
    }

    fn count(&self) -> Result<usize, String> {
        let metadata = self.client.fetch_metadata(None, PATIENCE);
        match metadata {
            Ok(metadata) => Ok(metadata.brokers().len()),
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    /// Partitions of a topic; none if there is no such topic.
    pub(super) fn partitions(&self, topic: &str) -> Result<Option<i32>, String> {
        let metadata = self
            .client
            .fetch_metadata(Some(topic), PATIENCE)
            .map_err(|error| self.unreachable(&error))?;
        let Some(found) = metadata.topics().first() else {
            return Ok(None);
        };
        match found.error().map(RDKafkaErrorCode::from) {
            None => Ok(i32::try_from(found.partitions().len()).ok()),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                Ok(None)
            }
            Some(code) => {
                let remedy =
                    error::remedy(code).map_or(String::new(), |remedy| format!("; {remedy}"));
                Err(format!("topic `{topic}`: {code}{remedy}"))
            }
        }
    }

    fn unreachable(&self, error: &KafkaError) -> String {
        let remedy = error.rdkafka_error_code().and_then(error::remedy).unwrap_or(
            "check the address in `kafka.bootstrap`, and security.protocol in `kafka.properties` if the brokers want \
             TLS or a login",
        );
        format!(
            "no answer from the brokers at {} within {} s ({}); {remedy}",
            self.bootstrap,
            PATIENCE.as_secs(),
            error::plain(error)
        )
    }
}

/// Says nothing: what goes wrong is in the answers.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_names_topics_counts_and_remedy() {
        let counts = [("cdr".to_owned(), 6), ("billing".to_owned(), 4)];
        let problem = mismatch(&counts, 6);
        for part in [
            "cdr has 6",
            "billing has 4",
            "create billing anew with 6 partitions",
        ] {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn shared_topics_name_all_their_keys() {
        let mut config = Config::embedded().unwrap();
        config.topics.service = config.topics.cdr.clone();
        assert_eq!(
            key_of(&config, &config.topics.cdr),
            "topics.cdr, topics.service"
        );
    }
}
