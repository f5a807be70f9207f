use super::brokers::Brokers;
use super::partition::partition_of;
use super::{client, error};
use crate::config::Config;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Sends records to the input topics, for loading files and for tests. Idempotent, in the order of the calls.
pub struct Loader {
    producer: BaseProducer<Deliveries>,
    brokers: Brokers,
}

/// Key of a mediation's statements.
pub const STATEMENT_KEY: &[u8] = b"feed_progress";

/// Which partition a record goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The partition of a key.
    Keyed(&'a [u8]),
    /// A partition that was found in another way, with a key.
    Placed(&'a [u8], i32),
    /// One partition, as a mediation's statement: it concerns no subscriber, and a compacted topic takes no record
    /// without a key.
    Statement(i32),
    /// One partition, with no key.
    Keyless(i32),
}

impl Loader {
    /// A loader for the brokers of a configuration.
    ///
    /// # Errors
    /// What the client says about its properties.
    pub fn new(config: &Config) -> Result<Self, String> {
        let mut properties = client::producer(config);
        // Loading is about throughput: full batches, compressed.
        properties
            .set("linger.ms", "20")
            .set("compression.type", "lz4");
        let producer = properties
            .create_with_context(Deliveries::default())
            .map_err(|error| error::plain(&error))?;
        Ok(Self {
            producer,
            brokers: Brokers::new(config)?,
        })
    }

    /// Partitions of a topic; none if there is no such topic.
    ///
    /// # Errors
    /// The brokers do not answer.
    pub fn partitions(&self, topic: &str) -> Result<Option<i32>, String> {
        self.brokers.partitions(topic)
    }

    /// Hands a record over; waits while the client's buffer is full.
    ///
    /// # Errors
    /// This record, or one before it, cannot be sent.
    pub fn send(
        &self,
        topic: &str,
        partitions: i32,
        to: Delivery<'_>,
        value: Option<&[u8]>,
    ) -> Result<(), String> {
        let (key, partition) = match to {
            Delivery::Keyed(key) => (Some(key), partition_of(key, partitions)),
            Delivery::Placed(key, partition) => (Some(key), partition),
            Delivery::Statement(partition) => (Some(STATEMENT_KEY), partition),
            Delivery::Keyless(partition) => (None, partition),
        };
        let mut record = BaseRecord {
            topic,
            partition: Some(partition),
            payload: value,
            key,
            timestamp: None,
            headers: None,
            delivery_opaque: (),
        };
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(10));
                    self.problem()?;
                }
                Err((error, _)) => {
                    return Err(format!("topic `{topic}`: {}", error::plain(&error)));
                }
            }
        }
        self.producer.poll(Duration::ZERO);
        self.problem()
    }

    /// Waits until the brokers have acknowledged everything.
    ///
    /// # Errors
    /// A record cannot be sent.
    pub fn finish(&self) -> Result<(), String> {
        while !self.is_finished()? {}
        Ok(())
    }

    /// Whether the brokers have acknowledged everything; waits a moment for it.
    ///
    /// # Errors
    /// A record cannot be sent.
    pub fn is_finished(&self) -> Result<bool, String> {
        if self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_millis(10));
        }
        self.problem()?;
        Ok(self.producer.in_flight_count() == 0)
    }

    fn problem(&self) -> Result<(), String> {
        let failure = &self.producer.context().failure;
        let failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            None => Ok(()),
            Some((topic, reason)) => Err(format!("topic `{topic}`: {reason}")),
        }
    }
}

/// What the brokers answered.
#[derive(Default)]
struct Deliveries {
    /// Topic and reason of the first record that was refused.
    failure: Mutex<Option<(String, String)>>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::log_error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use rdkafka::Message as _;
        if let Err((error, message)) = result {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert_with(|| (message.topic().to_owned(), error::plain(error)));
        }
    }
}
