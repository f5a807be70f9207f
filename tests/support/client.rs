//! What a test does to a broker's topics: create, fill, read back, and look at a group's offsets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use super::broker::Broker;
use super::{PATIENCE, wait_for};

/// A record to be produced. Without a partition the client's own hash of the key picks it.
#[derive(Clone, Debug, Default)]
pub struct NewRecord {
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    /// `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl NewRecord {
    pub fn new(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> NewRecord {
        NewRecord {
            key: Some(key.into()),
            value: Some(value.into()),
            ..NewRecord::default()
        }
    }

    pub fn on(self, partition: i32) -> NewRecord {
        NewRecord {
            partition: Some(partition),
            ..self
        }
    }
}

/// A record as it was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRecord {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl ReadRecord {
    /// The value as text.
    ///
    /// # Panics
    ///
    /// For a tombstone and for bytes that are not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().expect("a value, not a tombstone"))
            .expect("a value in UTF-8")
    }

    /// The first header of this name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        Some(std::str::from_utf8(value).expect("a header in UTF-8"))
    }
}

/// How a test ends its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Commit,
    Abort,
}

/// A client of one broker. Every method panics, naming topic or group, when the broker refuses.
pub struct Client {
    bootstrap: String,
    admin: AdminClient<DefaultClientContext>,
    runtime: tokio::runtime::Runtime,
    /// Asks for the ends of partitions.
    ends: BaseConsumer,
    /// By group, asks for its offsets.
    offsets: RefCell<BTreeMap<String, Rc<BaseConsumer>>>,
}

impl Client {
    /// A client of the broker that all tests of this process share.
    pub fn shared() -> Client {
        Client::new(&Broker::shared().bootstrap())
    }

    pub fn new(bootstrap: &str) -> Client {
        Client {
            bootstrap: bootstrap.to_owned(),
            admin: config(bootstrap).create().expect("an admin client"),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime"),
            ends: config(bootstrap)
                .set("isolation.level", "read_uncommitted")
                .create()
                .expect("a consumer"),
            offsets: RefCell::default(),
        }
    }

    /// The broker's address, as `bootstrap.servers` takes it.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Gives a topic more partitions.
    pub fn add_partitions(&self, topic: &str, partitions: usize) {
        let more = NewPartitions::new(topic, partitions);
        let grown = self
            .runtime
            .block_on(self.admin.create_partitions([&more], &AdminOptions::new()));
        assert!(matches!(&grown.unwrap()[..], [Ok(_)]));
    }

    /// Creates a topic and waits until its partitions can be used. `settings` are topic settings such as
    /// `("max.message.bytes", "2000000")`.
    pub fn create_topic(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (key, value) in settings {
            new = new.set(key, value);
        }
        let created = self
            .runtime
            .block_on(self.admin.create_topics([&new], &AdminOptions::new()))
            .unwrap_or_else(|error| panic!("creating topic {topic}: {error}"));
        if let Err((_, code)) = &created[0] {
            panic!("creating topic {topic}: {code}");
        }
        // The controller has decided; the broker follows a moment later.
        wait_for(&format!("topic {topic} has its leaders"), || {
            let metadata = self
                .admin
                .inner()
                .fetch_metadata(Some(topic), PATIENCE)
                .ok()?;
            let found = metadata.topics().first()?;
            let led = found
                .partitions()
                .iter()
                .filter(|partition| partition.leader() >= 0);
            (found.error().is_none() && led.count() == usize::try_from(partitions).ok()?)
                .then_some(())
        });
    }

    /// Deletes a topic and waits until the broker no longer knows it.
    pub fn delete_topic(&self, topic: &str) {
        let deleted = self
            .runtime
            .block_on(self.admin.delete_topics(&[topic], &AdminOptions::new()))
            .unwrap_or_else(|error| panic!("deleting topic {topic}: {error}"));
        if let Err((_, code)) = &deleted[0] {
            panic!("deleting topic {topic}: {code}");
        }
        wait_for(&format!("topic {topic} is gone"), || {
            let metadata = self
                .admin
                .inner()
                .fetch_metadata(Some(topic), PATIENCE)
                .ok()?;
            let known = metadata
                .topics()
                .iter()
                .any(|found| found.error().is_none());
            (!known).then_some(())
        });
    }

    /// Lets the broker delete what lies before an offset of a partition, as retention would.
    pub fn delete_records(&self, topic: &str, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(before))
            .expect("an offset");
        let deleted = self
            .runtime
            .block_on(self.admin.delete_records(&list, &AdminOptions::new()))
            .unwrap_or_else(|error| panic!("deleting records of topic {topic}: {error}"));
        for element in deleted.elements() {
            if let Err(error) = element.error() {
                panic!("deleting records of topic {topic} partition {partition}: {error}");
            }
        }
    }

    /// Produces records, each acknowledged by the broker when this returns.
    pub fn produce(&self, topic: &str, records: impl IntoIterator<Item = NewRecord>) {
        let producer = self.producer(&[]);
        send(&producer, topic, records);
    }

    /// Produces records in one transaction and ends it so.
    pub fn produce_in_transaction(
        &self,
        transactional_id: &str,
        topic: &str,
        records: impl IntoIterator<Item = NewRecord>,
        outcome: Outcome,
    ) {
        let producer = self.producer(&[("transactional.id", transactional_id)]);
        let ended = producer
            .init_transactions(PATIENCE)
            .and_then(|()| producer.begin_transaction())
            .and_then(|()| {
                send(&producer, topic, records);
                match outcome {
                    Outcome::Commit => producer.commit_transaction(PATIENCE),
                    Outcome::Abort => producer.abort_transaction(PATIENCE),
                }
            });
        ended.unwrap_or_else(|error| {
            panic!("{outcome:?} of transaction {transactional_id}: {error}")
        });
    }

    /// Writes a record in a transaction that stays open until the test ends it.
    pub fn open_transaction(&self, topic: &str) -> BaseProducer {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .set("transactional.id", format!("{topic}-open"))
            .create()
            .unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        let record = BaseRecord::to(topic)
            .partition(0)
            .key("key")
            .payload("open");
        producer.send(record).map_err(|(error, _)| error).unwrap();
        wait_for("the record is written", || {
            producer.poll(Duration::from_millis(20));
            (producer.in_flight_count() == 0).then_some(())
        });
        producer
    }

    /// All records of a topic that a read-committed reader sees, up to each partition's last stable offset at the time it
    /// is reached, in the order of partition and offset.
    pub fn read_committed(&self, topic: &str) -> Vec<ReadRecord> {
        let consumer: BaseConsumer = config(&self.bootstrap)
            .set("group.id", "reads-without-a-group")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", "10")
            .create()
            .expect("a consumer");
        let mut unfinished = self.partitions(topic);
        let mut assignment = TopicPartitionList::new();
        for partition in &unfinished {
            assignment
                .add_partition_offset(topic, *partition, Offset::Beginning)
                .expect("an offset");
        }
        consumer.assign(&assignment).expect("an assignment");

        let mut records = Vec::new();
        while !unfinished.is_empty() {
            match consumer.poll(PATIENCE) {
                Some(Ok(message)) => records.push(ReadRecord {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: message.headers().map(owned_headers).unwrap_or_default(),
                }),
                Some(Err(KafkaError::PartitionEOF(ended))) => {
                    unfinished.retain(|partition| *partition != ended)
                }
                // What was to be read next has been deleted meanwhile, as a journal's first records are.
                Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                    return self.read_committed(topic);
                }
                Some(Err(error)) => panic!("reading topic {topic}: {error}"),
                None => panic!(
                    "reading topic {topic}: nothing came; partitions {unfinished:?} have not ended"
                ),
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// The offset that a group has committed for each partition of a topic: the next it will read. `None` where it has
    /// committed nothing. Offsets in a transaction that is still open are waited for.
    pub fn committed_offsets(&self, group: &str, topic: &str) -> BTreeMap<i32, Option<i64>> {
        let consumer = Rc::clone(
            self.offsets
                .borrow_mut()
                .entry(group.to_owned())
                .or_insert_with(|| {
                    let made: BaseConsumer = config(&self.bootstrap)
                        .set("group.id", group)
                        .set("isolation.level", "read_committed")
                        .create()
                        .expect("a consumer");
                    Rc::new(made)
                }),
        );
        let mut asked = TopicPartitionList::new();
        for partition in self.partitions(topic) {
            asked.add_partition(topic, partition);
        }
        let what = format!("the offsets of group {group} on topic {topic} are known");
        let committed = unless_starting_up(&what, || {
            consumer.committed_offsets(asked.clone(), PATIENCE)
        });
        committed
            .elements()
            .iter()
            .map(|element| match element.offset() {
                Offset::Offset(next) => (element.partition(), Some(next)),
                _ => (element.partition(), None),
            })
            .collect()
    }

    /// The offset behind the last record of each partition (the high watermark: control records and the records of open
    /// transactions are below it).
    pub fn end_offsets(&self, topic: &str) -> BTreeMap<i32, i64> {
        let partitions = self.partitions(topic).into_iter();
        partitions
            .map(|partition| (partition, self.watermarks(topic, partition).1))
            .collect()
    }

    /// The offset of the first record that a partition still has.
    pub fn first_offset(&self, topic: &str, partition: i32) -> i64 {
        self.watermarks(topic, partition).0
    }

    fn watermarks(&self, topic: &str, partition: i32) -> (i64, i64) {
        let what = format!("the ends of partition {partition} of topic {topic} are known");
        unless_starting_up(&what, || {
            self.ends.fetch_watermarks(topic, partition, PATIENCE)
        })
    }

    /// The members that a group has now: another id for each time that one joined anew.
    pub fn members(&self, group: &str) -> Vec<String> {
        let groups = self
            .admin
            .inner()
            .fetch_group_list(Some(group), PATIENCE)
            .unwrap_or_else(|error| panic!("members of group {group}: {error}"));
        let members = groups.groups().iter().flat_map(|group| group.members());
        members.map(|member| member.id().to_owned()).collect()
    }

    fn partitions(&self, topic: &str) -> Vec<i32> {
        let metadata = self
            .admin
            .inner()
            .fetch_metadata(Some(topic), PATIENCE)
            .unwrap_or_else(|error| panic!("metadata of topic {topic}: {error}"));
        let found = &metadata.topics()[0];
        assert!(
            found.error().is_none(),
            "topic {topic}: {:?}",
            found.error()
        );
        found
            .partitions()
            .iter()
            .map(|partition| partition.id())
            .collect()
    }

    fn producer(&self, settings: &[(&str, &str)]) -> BaseProducer<FirstFailure> {
        let mut config = config(&self.bootstrap);
        config
            .set("enable.idempotence", "true")
            .set("linger.ms", "2");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config
            .create_with_context(FirstFailure::default())
            .expect("a producer")
    }
}

/// A name that no other test of this process uses, for topics and groups.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Keeps the first record that the broker refused.
#[derive(Default)]
struct FirstFailure(std::sync::OnceLock<KafkaError>);

impl ClientContext for FirstFailure {}

impl ProducerContext for FirstFailure {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let _ = self.0.set(error.clone());
        }
    }
}

/// Asks a broker, and again while it has just started and is still taking up its duties.
fn unless_starting_up<T>(what: &str, mut ask: impl FnMut() -> Result<T, KafkaError>) -> T {
    use RDKafkaErrorCode::{
        CoordinatorLoadInProgress, CoordinatorNotAvailable, LeaderNotAvailable, NotCoordinator,
        NotLeaderForPartition,
    };
    let passes = |code| {
        matches!(
            code,
            CoordinatorLoadInProgress
                | CoordinatorNotAvailable
                | LeaderNotAvailable
                | NotCoordinator
                | NotLeaderForPartition
        )
    };
    wait_for(what, || match ask() {
        Ok(answer) => Some(answer),
        Err(error) if error.rdkafka_error_code().is_some_and(passes) => None,
        Err(error) => panic!("waiting until {what}: {error}"),
    })
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        // By default a client that has lost its broker waits longer and longer, up to 10 s.
        .set("reconnect.backoff.max.ms", "200");
    config
}

/// Hands over the records and waits until all are acknowledged.
fn send(
    producer: &BaseProducer<FirstFailure>,
    topic: &str,
    records: impl IntoIterator<Item = NewRecord>,
) {
    for record in records {
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            });
        let mut message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).headers(headers);
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        message.partition = record.partition;
        loop {
            match producer.send(message) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    message = again;
                    producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => panic!("producing to topic {topic}: {error}"),
            }
        }
    }
    wait_for(
        &format!("the records for topic {topic} are acknowledged"),
        || {
            producer.poll(Duration::from_millis(10));
            (producer.in_flight_count() == 0).then_some(())
        },
    );
    if let Some(error) = producer.context().0.get() {
        panic!("producing to topic {topic}: {error}");
    }
}

fn owned_headers(headers: &impl Headers) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|header| {
            (
                header.key.to_owned(),
                header.value.unwrap_or_default().to_vec(),
            )
        })
        .collect()
}
