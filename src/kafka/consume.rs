use super::batch::{Item, RecordQueue};
use super::error::{self, Fault};
use super::{TopicPartition, Topics, client};
use crate::config::Config;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The consumer of one worker: a member of the group that reads the input topics in batches.
pub struct Consumer {
    topics: Arc<Topics>,
    /// Why the consumer cannot go on.
    fault: Option<Fault>,
    // Before `client`: it must be gone when the client is closed.
    records: RecordQueue,
    client: Arc<BaseConsumer<Events>>,
}

/// The group gave or took partitions. The consumer waits for [`Consumer::assign`] or [`Consumer::unassign`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These partitions are ours now.
    Assigned(Vec<TopicPartition>),
    /// All partitions are to be given up.
    Revoked {
        /// They are another member's already: nothing can be committed any more.
        lost: bool,
    },
}

/// What the group has committed for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Which partition.
    pub at: TopicPartition,
    /// Offset of the next record to process; none if nothing was committed.
    pub offset: Option<i64>,
    /// The note that was committed with it; empty if there was none.
    pub note: String,
}

impl Consumer {
    /// Joins the group.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses its properties or the subscription.
    pub fn new(config: &Config, topics: Arc<Topics>, worker: usize) -> Result<Self, Fault> {
        let member = client::member(config, worker);
        let made = client::consumer(config, member.as_deref())
            .create_with_context(Events::new(Arc::clone(&topics)))
            .map_err(|error| Fault::of("making a consumer", &error))?;
        let client: Arc<BaseConsumer<Events>> = Arc::new(made);
        let names: Vec<&str> = topics.iter().map(|topic| &*topic.name).collect();
        client
            .subscribe(&names)
            .map_err(|error| Fault::of("subscribing to the input topics", &error))?;
        let records = RecordQueue::new(Arc::clone(&client), names).map_err(Fault::Restart)?;
        Ok(Self {
            topics,
            fault: None,
            records,
            client,
        })
    }

    /// Serves the client's events and returns the next change of our partitions. To be called often, while records
    /// wait as well: it is what tells the group that we are alive.
    ///
    /// # Errors
    /// [`Fault`] if the consumer cannot go on.
    pub fn serve(&mut self) -> Result<Option<Change>, Fault> {
        self.wait(Duration::ZERO);
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(lock(&self.client.context().changes).pop_front()),
        }
    }

    /// Serves the client's events until there was one, or for some time; [`serve`](Self::serve) tells of them.
    pub fn wait(&mut self, pause: Duration) {
        let fault = match self.client.poll(pause) {
            None => return,
            // Every partition is routed to the batch queue before it is assigned.
            Some(Ok(_)) => Some(Fault::Restart(
                "a record came past the batch queue".to_owned(),
            )),
            Some(Err(error)) => {
                let fault = Fault::of("consuming", &error);
                let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
                // Anything else the context has logged, and the client goes on by itself.
                (fatal || matches!(fault, Fault::Halt(_))).then_some(fault)
            }
        };
        self.fault = self.fault.take().or(fault);
    }

    /// Takes up to `records_max` records, waiting up to `wait_ms` for the first; [`items`](Self::items) shows them.
    /// Returns how many items there are.
    pub fn fill(&mut self, records_max: usize, wait_ms: u32) -> usize {
        self.records.fill(records_max, wait_ms)
    }

    /// What the last [`fill`](Self::fill) took.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.records.items()
    }

    /// Gives the records of the last [`fill`](Self::fill) back to the client.
    pub fn clear(&mut self) {
        self.records.clear();
    }

    /// Starts to read partitions, each at an offset.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    pub fn assign(&mut self, starts: &[(TopicPartition, i64)]) -> Result<(), Fault> {
        for (at, _) in starts {
            self.records.route(*at).map_err(Fault::Restart)?;
        }
        let list = list(
            &self.topics,
            starts.iter().map(|(at, from)| (*at, Offset::Offset(*from))),
        );
        list.and_then(|list| self.client.assign(&list))
            .map_err(|error| Fault::of("taking over partitions", &error))
    }

    /// Gives up all partitions.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    pub fn unassign(&mut self) -> Result<(), Fault> {
        self.records.clear();
        self.client
            .unassign()
            .map_err(|error| Fault::of("giving up partitions", &error))
    }

    /// What the group has committed. Offsets of a transaction that is still open are waited for.
    ///
    /// # Errors
    /// The client's message; worth trying again.
    pub fn committed(
        &self,
        of: &[TopicPartition],
        patience: Duration,
    ) -> Result<Vec<Committed>, Fault> {
        let what = "reading the group's offsets";
        let asked = list(&self.topics, of.iter().map(|at| (*at, Offset::Invalid)));
        let found = asked
            .and_then(|asked| self.client.committed_offsets(asked, patience))
            .map_err(|error| Fault::of(what, &error))?;
        let committed = found.elements().into_iter().filter_map(|element| {
            let topic = self.topics.index(element.topic())?;
            Some(element.error().map(|()| Committed {
                at: TopicPartition {
                    topic,
                    partition: element.partition(),
                },
                offset: match element.offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                },
                note: element.metadata().to_owned(),
            }))
        });
        committed
            .collect::<KafkaResult<_>>()
            .map_err(|error| Fault::of(what, &error))
    }

    /// Offset behind the last record of each partition that a read-committed reader can have now.
    ///
    /// # Errors
    /// The client's message; worth trying again.
    pub fn ends(
        &self,
        of: &[TopicPartition],
        patience: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.offsets(of, Offset::End, patience)
    }

    /// Offset of the first record of each partition that retention has left.
    ///
    /// # Errors
    /// The client's message; worth trying again.
    pub fn starts(
        &self,
        of: &[TopicPartition],
        patience: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.offsets(of, Offset::Beginning, patience)
    }

    /// Offset of the first record of each partition whose timestamp is `at_ms` (since 1970) or later; the end of the
    /// partition if there is none.
    ///
    /// # Errors
    /// The client's message; worth trying again.
    pub fn since(
        &self,
        of: &[TopicPartition],
        at_ms: i64,
        patience: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.offsets(of, Offset::Offset(at_ms.max(0)), patience)
    }

    fn offsets(
        &self,
        of: &[TopicPartition],
        question: Offset,
        patience: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        let what = "asking for offsets of the input topics";
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let asked = list(&self.topics, of.iter().map(|at| (*at, question)));
        let found = asked
            .and_then(|asked| self.client.offsets_for_times(asked, patience))
            .map_err(|error| Fault::of(what, &error))?;
        let mut offsets = Vec::with_capacity(of.len());
        let mut at_end = Vec::new();
        for element in found.elements() {
            element.error().map_err(|error| Fault::of(what, &error))?;
            let Some(topic) = self.topics.index(element.topic()) else {
                continue;
            };
            let at = TopicPartition {
                topic,
                partition: element.partition(),
            };
            match element.offset() {
                Offset::Offset(offset) => offsets.push((at, offset)),
                _ => at_end.push(at),
            }
        }
        if !at_end.is_empty() && question != Offset::End {
            offsets.extend(self.offsets(&at_end, Offset::End, patience)?);
        }
        Ok(offsets)
    }

    /// Our membership of the group, which a transaction's offsets are checked against.
    ///
    /// # Errors
    /// [`Fault`] if the client has none.
    pub fn membership(&self) -> Result<ConsumerGroupMetadata, Fault> {
        let membership = self.client.group_metadata();
        membership.ok_or_else(|| Fault::Restart("the consumer is in no group".to_owned()))
    }

    /// Builds the client's form of some partitions and their offsets.
    pub(super) fn list<'a>(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)> + 'a,
    ) -> KafkaResult<TopicPartitionList> {
        list(&self.topics, offsets)
    }

    /// Names of the input topics.
    pub fn topics(&self) -> &Arc<Topics> {
        &self.topics
    }

    /// The fault behind an [`Item::Error`]. There is no going on after one: taken from the batch queue, it moves the
    /// client's own position past a record that was not read.
    pub fn fault(&self, at: Option<TopicPartition>, code: RDKafkaErrorCode, reason: &str) -> Fault {
        fault(&self.topics, at, code, reason)
    }

    /// How far each of our partitions was handed over, control records included; only those of which something was.
    ///
    /// # Errors
    /// [`Fault`] if the client has lost track of its partitions.
    pub fn positions(&self) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        let found = self.client.position();
        let found = found.map_err(|error| Fault::of("asking for positions", &error))?;
        let known = found.elements().into_iter().filter_map(|element| {
            let topic = self.topics.index(element.topic())?;
            let partition = element.partition();
            match element.offset() {
                Offset::Offset(offset) => Some((TopicPartition { topic, partition }, offset)),
                _ => None,
            }
        });
        Ok(known.collect())
    }
}

impl Drop for Consumer {
    /// Leaves the group, so that its other members need not wait for us to time out.
    fn drop(&mut self) {
        self.client.context().closing.store(true, Ordering::Relaxed);
        // A change that was reported but not answered would keep the client from closing; nobody will answer it now.
        let _ = self.unassign();
    }
}

/// The fault behind an error that came in place of records.
pub fn fault(
    topics: &Topics,
    at: Option<TopicPartition>,
    code: RDKafkaErrorCode,
    reason: &str,
) -> Fault {
    use RDKafkaErrorCode as Code;
    let place = match at {
        Some(at) => format!("topic {} partition {}", topics.name(at.topic), at.partition),
        None => "the input topics".to_owned(),
    };
    match code {
        Code::AutoOffsetReset | Code::OffsetOutOfRange => Fault::Halt(format!(
            "{place}: the next record to process is not there any more ({reason}); {LOST_REMEDY}"
        )),
        // If the topic is gone, the next start says so and what to do.
        code => match error::remedy(code) {
            Some(remedy) => Fault::Halt(format!("reading {place}: {reason}; {remedy}")),
            None => Fault::Restart(format!("reading {place}: {reason}")),
        },
    }
}

/// The fault of a partition whose next record to process is not among those it holds.
pub fn lost_records(topic: &str, partition: i32, next: i64, start: i64, end: i64) -> Fault {
    Fault::Halt(format!(
        "topic {topic} partition {partition}: the group stands at offset {next}, but the partition holds offsets \
         {start} to {end}; {LOST_REMEDY}"
    ))
}

/// What to do when retention or a re-created topic took records away before they were processed.
const LOST_REMEDY: &str = "records were deleted before they were processed, or the topic was created anew: \
     raise the topic's retention, restore the records, or accept the loss by moving the group's offsets with \
     `kafka-consumer-groups.sh --reset-offsets`";

fn list(
    topics: &Topics,
    offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (at, offset) in offsets {
        list.add_partition_offset(topics.name(at.topic), at.partition, offset)?;
    }
    Ok(list)
}

/// Takes what the client has to say besides records. Changes of partitions are kept for the worker, which answers them
/// when its transaction has ended, rather than inside the client's callback.
pub(super) struct Events {
    topics: Arc<Topics>,
    changes: Mutex<VecDeque<Change>>,
    closing: AtomicBool,
}

impl Events {
    pub(super) fn new(topics: Arc<Topics>) -> Self {
        Self {
            topics,
            changes: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }
}

impl ClientContext for Events {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::log_error(&error, reason);
    }
}

impl ConsumerContext for Events {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.closing.load(Ordering::Relaxed) {
            // Nobody is there to answer; the client is waiting for it to leave the group.
            let _ = consumer.unassign();
            return;
        }
        let change = if kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let known = partitions.elements().into_iter().filter_map(|element| {
                let topic = self.topics.index(element.topic())?;
                Some(TopicPartition {
                    topic,
                    partition: element.partition(),
                })
            });
            Change::Assigned(known.collect())
        } else {
            Change::Revoked {
                lost: consumer.assignment_lost(),
            }
        };
        lock(&self.changes).push_back(change);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
