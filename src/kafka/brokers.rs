//! Questions about the cluster, and what is asked of its topics as a whole.

use super::{client, error};
use crate::config::Config;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
/// A question about topics is asked so many times within that, so that a refusal is seen at once.
const TRIES: u32 = 10;
/// What the client has to say is taken in so many pieces at most.
const SAYINGS: usize = 100;
/// How often, and how many times, it is looked whether a new topic is there.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 100;

/// A client for questions about the cluster.
pub(super) struct Brokers {
    properties: ClientConfig,
    client: BaseConsumer<Listener>,
    /// From the first request on that needs it: it has a thread of its own.
    admin: OnceLock<AdminClient<Listener>>,
    bootstrap: String,
    away: AtomicBool,
}

impl Brokers {
    pub fn new(config: &Config) -> Result<Self, String> {
        let properties = client::common(config);
        // The ends are the log's, not the earlier ends that open transactions leave to readers.
        let client = properties
            .clone()
            .set("isolation.level", "read_uncommitted")
            .create_with_context(Listener::default())
            .map_err(|error| format!("kafka.properties: {}", error::plain(&error)))?;
        Ok(Self {
            properties,
            client,
            admin: OnceLock::new(),
            bootstrap: config.kafka.bootstrap.clone(),
            away: AtomicBool::new(false),
        })
    }

    /// How many brokers there are.
    pub fn count(&self) -> Result<usize, String> {
        match self.metadata(None) {
            Ok(metadata) => Ok(metadata.brokers().len()),
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    /// Every topic that we may see with its partitions, by name.
    pub fn topics(&self) -> Result<Vec<(String, i32)>, String> {
        let metadata = self.metadata(None);
        let metadata = metadata.map_err(|error| self.unreachable(&error))?;
        let found = metadata
            .topics()
            .iter()
            .filter(|topic| topic.error().is_none());
        let count = |partitions: usize| i32::try_from(partitions).unwrap_or(i32::MAX);
        let counted = found.map(|topic| (topic.name().to_owned(), count(topic.partitions().len())));
        let mut topics: Vec<_> = counted.collect();
        topics.sort();
        Ok(topics)
    }

    /// Partitions of a topic; none if there is no such topic.
    pub fn partitions(&self, topic: &str) -> Result<Option<i32>, String> {
        let metadata = self
            .metadata(Some(topic))
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
        let client = self.committed_reader()?;
        let (low, high) = client.fetch_watermarks(topic, partition, PATIENCE)?;
        Ok(low..high)
    }

    /// Finds the offsets that beginnings and ends of partitions stand for, as readers of committed records see them.
    pub fn committed_offsets(
        &self,
        asked: TopicPartitionList,
    ) -> Result<TopicPartitionList, String> {
        let reader = self.committed_reader();
        let found = reader.and_then(|reader| reader.offsets_for_times(asked, PATIENCE));
        found.map_err(|error| self.unreachable(&error))
    }

    fn committed_reader(&self) -> KafkaResult<BaseConsumer<Listener>> {
        let mut properties = self.properties.clone();
        properties
            .set("isolation.level", "read_committed")
            .create_with_context(Listener::default())
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
        question: impl FnOnce(&AdminClient<Listener>, &AdminOptions) -> F,
    ) -> KafkaResult<T> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| KafkaError::AdminOpCreation(error.to_string()))?;
        runtime.block_on(question(self.admin()?, &options()))
    }

    fn admin(&self) -> KafkaResult<&AdminClient<Listener>> {
        match self.admin.get() {
            Some(admin) => Ok(admin),
            None => {
                let made = self.properties.create_with_context(Listener::default())?;
                Ok(self.admin.get_or_init(|| made))
            }
        }
    }

    fn metadata(&self, topic: Option<&str>) -> KafkaResult<Metadata> {
        let mut tries = 1;
        loop {
            let answer = self.client.fetch_metadata(topic, PATIENCE / TRIES);
            // The client gives its reasons only to those who poll.
            for _ in 0..SAYINGS {
                self.client.poll(Duration::ZERO);
            }
            let hopeless = self.heard().is_some_and(|(code, _)| refused(code));
            if answer.is_ok() || hopeless || tries == TRIES {
                return answer;
            }
            tries += 1;
        }
    }

    /// Why the brokers could not be reached, as far as the client has said.
    fn heard(&self) -> Option<(Code, String)> {
        self.client.context().heard()
    }

    /// Whether a question stayed without an answer that may come later.
    pub fn away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    fn unreachable(&self, error: &KafkaError) -> String {
        let code = error::code_of(error);
        let heard = self.heard();
        let codes = heard.iter().map(|(code, _)| *code).chain(code);
        let remedy = codes.clone().find_map(error::remedy);
        if remedy.is_none() {
            self.away.store(true, Ordering::Relaxed);
        }
        let advice = remedy.unwrap_or(match heard {
            Some((Code::Resolve, _)) => "check the host names in `kafka.bootstrap`",
            Some((Code::SSL, _)) => {
                "check security.protocol and the certificates in `kafka.properties`, and the port in `kafka.bootstrap`"
            }
            _ => {
                "check the address in `kafka.bootstrap`, and security.protocol in `kafka.properties` if the brokers \
                 want TLS or a login"
            }
        });
        let reason = match &heard {
            Some((_, reason)) => reason.clone(),
            None => error::plain(error),
        };
        let within = match heard {
            Some((code, _)) if refused(code) => String::new(),
            _ => format!(" within {} s", PATIENCE.as_secs()),
        };
        format!(
            "no answer from the brokers at {}{within} ({reason}); {advice}",
            self.bootstrap
        )
    }
}

/// Whether the brokers have refused us for good.
fn refused(code: Code) -> bool {
    matches!(code, Code::Authentication | Code::SaslAuthenticationFailed)
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}

/// Remembers the most telling reason why the brokers cannot be reached. Nothing is logged: it goes into the answers.
#[derive(Default)]
pub(super) struct Listener(Mutex<Option<(Code, String)>>);

impl Listener {
    fn heard(&self) -> Option<(Code, String)> {
        self.reason().clone()
    }

    fn hear(&self, code: Code, reason: &str) {
        let mut heard = self.reason();
        if heard
            .as_ref()
            .is_none_or(|(known, _)| telling(code) >= telling(*known))
        {
            *heard = Some((code, client::without_thread(reason).to_owned()));
        }
    }

    fn reason(&self) -> MutexGuard<'_, Option<(Code, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much a reason explains: that all brokers are down explains nothing.
fn telling(code: Code) -> u8 {
    match code {
        code if refused(code) => 3,
        Code::SSL | Code::Resolve => 2,
        Code::AllBrokersDown => 0,
        _ => 1,
    }
}

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(code) = error::code_of(&error) {
            self.hear(code, reason);
        }
    }
}

impl ConsumerContext for Listener {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_that_explains_most_is_kept() {
        let listener = Listener::default();
        listener.hear(Code::BrokerTransportFailure, "Connection refused");
        listener.hear(Code::AllBrokersDown, "1/1 brokers are down");
        let heard = |listener: &Listener| listener.heard().unwrap().1;
        assert_eq!(heard(&listener), "Connection refused");
        listener.hear(
            Code::Resolve,
            "[thrd:x:1/bootstrap]: x:1/bootstrap: unknown",
        );
        assert_eq!(heard(&listener), "x:1/bootstrap: unknown");
        listener.hear(Code::Authentication, "wrong password");
        listener.hear(Code::BrokerTransportFailure, "Disconnected");
        assert_eq!(heard(&listener), "wrong password");
    }
}
