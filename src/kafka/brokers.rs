//! Questions about the cluster, and what is asked of its topics as a whole.

use super::{client, error};
use crate::config::Config;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
/// How often, and how many times, it is looked whether a new topic is there.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 100;

/// A client for questions about the cluster.
pub(super) struct Brokers {
    properties: ClientConfig,
    client: BaseConsumer<Quiet>,
    /// From the first request on that needs it: it has a thread of its own.
    admin: OnceLock<AdminClient<Quiet>>,
    bootstrap: String,
}

impl Brokers {
    pub fn new(config: &Config) -> Result<Self, String> {
        let properties = client::common(config);
        // The ends are the log's, not the earlier ends that open transactions leave to readers.
        let client = properties
            .clone()
            .set("isolation.level", "read_uncommitted")
            .create_with_context(Quiet)
            .map_err(|error| format!("kafka.properties: {}", error::plain(&error)))?;
        Ok(Self {
            properties,
            client,
            admin: OnceLock::new(),
            bootstrap: config.kafka.bootstrap.clone(),
        })
    }

    /// How many brokers there are.
    pub fn count(&self) -> Result<usize, String> {
        match self.client.fetch_metadata(None, PATIENCE) {
            Ok(metadata) => Ok(metadata.brokers().len()),
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    /// Partitions of a topic; none if there is no such topic.
    pub fn partitions(&self, topic: &str) -> Result<Option<i32>, String> {
        let metadata = self
            .client
            .fetch_metadata(Some(topic), PATIENCE)
            .map_err(|error| self.unreachable(&error))?;
        let Some(found) = metadata.topics().first() else {
            return Ok(None);
        };
        match found.error().map(Code::from) {
            None => Ok(i32::try_from(found.partitions().len()).ok()),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(None),
            Some(code) => {
                let remedy =
                    error::remedy(code).map_or(String::new(), |remedy| format!("; {remedy}"));
                Err(format!("topic `{topic}`: {code}{remedy}"))
            }
        }
    }

    /// First offset of a partition, and the offset behind its last record; records of open transactions count.
    pub fn bounds(&self, topic: &str, partition: i32) -> KafkaResult<Range<i64>> {
        let (low, high) = self.client.fetch_watermarks(topic, partition, PATIENCE)?;
        Ok(low..high)
    }

    /// The same as readers of committed records see it: up to the first transaction that is still open.
    pub fn committed_bounds(&self, topic: &str, partition: i32) -> KafkaResult<Range<i64>> {
        let client: BaseConsumer<Quiet> = self
            .properties
            .clone()
            .set("isolation.level", "read_committed")
            .create_with_context(Quiet)?;
        let (low, high) = client.fetch_watermarks(topic, partition, PATIENCE)?;
        Ok(low..high)
    }

    /// A topic's settings; none if this user may not see them, or the brokers cannot tell.
    pub fn settings(&self, topic: &str) -> Result<Option<BTreeMap<String, String>>, String> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let answer = self.ask(|admin, options| admin.describe_configs(&asked, options));
        let code = match answer {
            Ok(found) => match found.into_iter().next() {
                Some(Ok(resource)) => {
                    let entries = resource.entries.into_iter();
                    let stated = entries.filter_map(|entry| Some((entry.name, entry.value?)));
                    return Ok(Some(stated.collect()));
                }
                Some(Err(code)) => code,
                None => return Ok(None),
            },
            Err(error) => match error::code_of(&error) {
                Some(code) => code,
                None => return Err(self.unreachable(&error)),
            },
        };
        match code {
            Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::UnsupportedFeature
            | Code::UnsupportedVersion => Ok(None),
            code => Err(self.unreachable(&KafkaError::AdminOp(code))),
        }
    }

    /// Creates a topic, replicated as the brokers do by default, and waits until it can be used. One that is there
    /// already is left as it is.
    pub fn create(
        &self,
        topic: &str,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> Result<(), String> {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
        let new = settings
            .iter()
            .fold(new, |new, (key, value)| new.set(key, value));
        let answer = self.ask(|admin, options| admin.create_topics([&new], options));
        let created = answer.map_err(|error| self.unreachable(&error))?;
        if let Some(Err((_, code))) = created.first()
            && *code != Code::TopicAlreadyExists
        {
            return Err(code.to_string());
        }
        // The controller has decided; the brokers follow a moment later.
        for _ in 0..LOOKS {
            if self.partitions(topic)?.is_some() {
                return Ok(());
            }
            std::thread::park_timeout(LOOK);
        }
        Err("it was created, but the brokers do not show it".to_owned())
    }

    /// Asks to delete the records of a partition before an offset, and does not wait for the answer.
    pub fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        before: i64,
    ) -> KafkaResult<impl Future<Output = KafkaResult<TopicPartitionList>> + use<>> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(before))?;
        Ok(self.admin()?.delete_records(&list, &options()))
    }

    fn ask<T, F: Future<Output = KafkaResult<T>>>(
        &self,
        question: impl FnOnce(&AdminClient<Quiet>, &AdminOptions) -> F,
    ) -> KafkaResult<T> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| KafkaError::AdminOpCreation(error.to_string()))?;
        runtime.block_on(question(self.admin()?, &options()))
    }

    fn admin(&self) -> KafkaResult<&AdminClient<Quiet>> {
        match self.admin.get() {
            Some(admin) => Ok(admin),
            None => {
                let made = self.properties.create_with_context(Quiet)?;
                Ok(self.admin.get_or_init(|| made))
            }
        }
    }

    fn unreachable(&self, error: &KafkaError) -> String {
        let remedy = error::code_of(error).and_then(error::remedy).unwrap_or(
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

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}

/// Says nothing: what goes wrong is in the answers.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}
