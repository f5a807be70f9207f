use super::batch::{Item, RecordQueue};
use super::brokers::Brokers;
use super::client;
use super::error::Fault;
use super::events::{Events, Rebalance, list};
use super::link::{Attempt, Link, Outbound, Span};
use super::reader::SpanReader;
use super::topics::{TopicPartition, Topics};
use super::transact::Transactor;
use super::trim::Trims;
use crate::config::Config;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::thread::{Builder, park_timeout};
use std::time::Duration;

/// For one answer about offsets. The brokers wait for another member's open transaction.
const ASK_PATIENCE: Duration = Duration::from_secs(10);
/// For one answer about ends, which are asked for again and again while records wait.
const ENDS_PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether a client has become nobody else's.
const LOOK: Duration = Duration::from_millis(1);

/// One worker's clients: its consumer, a member of the group that reads the input topics in batches; its transactional
/// producer; and what looks after its part of the journal.
pub struct Member {
    config: Config,
    topics: Arc<Topics>,
    /// Why the consumer cannot go on.
    fault: Option<Fault>,
    /// Partitions are assigned, so that the group does not wait for anybody.
    joined: bool,
    /// The client would remember them beyond an assignment.
    paused: BTreeSet<TopicPartition>,
    // Before `client`: it must be gone when the client is closed.
    records: RecordQueue,
    client: Arc<BaseConsumer<Events>>,
    transactor: Transactor,
    brokers: Brokers,
    trims: Trims,
}

impl Member {
    /// Ends what a predecessor with our transactional id left open, so that its offsets and output are settled before
    /// anything is read. Then joins the group as worker number `worker`, unless it is `asked` to end meanwhile.
    ///
    /// # Errors
    /// [`Fault`] if a client refuses its properties or the subscription, or the brokers do not answer.
    pub fn join(
        config: &Config,
        topics: Arc<Topics>,
        worker: usize,
        asked: impl Fn() -> bool,
    ) -> Result<Self, Fault> {
        let mut transactor = Transactor::new(config, worker);
        let fenced = transactor.fence_unless(asked)?;
        fenced.map_err(Fault::Restart)?;
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
            config: config.clone(),
            topics,
            fault: None,
            joined: false,
            paused: BTreeSet::new(),
            records,
            client,
            transactor,
            brokers: Brokers::new(config).map_err(Fault::Halt)?,
            trims: Trims::default(),
        })
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
        for element in found.elements() {
            element.error().map_err(|error| Fault::of(what, &error))?;
            if let (Some(at), Offset::Offset(offset)) = (self.place(&element), element.offset()) {
                offsets.push((at, offset));
            }
        }
        Ok(offsets)
    }

    fn place(&self, element: &TopicPartitionListElem<'_>) -> Option<TopicPartition> {
        Some(TopicPartition {
            topic: self.topics.index(element.topic())?,
            partition: element.partition(),
        })
    }

    fn list_of(&self, partitions: &[TopicPartition]) -> KafkaResult<TopicPartitionList> {
        list(
            &self.topics,
            partitions.iter().map(|at| (*at, Offset::Invalid)),
        )
    }
}

impl Link for Member {
    type Reader = SpanReader;

    fn serve(&mut self) -> Result<Option<Rebalance>, Fault> {
        self.wait(Duration::ZERO);
        self.trims.look();
        self.transactor.look();
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(self.client.context().next_change()),
        }
    }

    fn wait(&mut self, pause: Duration) {
        let fault = match self.client.poll(pause) {
            None => return,
            // Every partition is routed to the batch queue before it is assigned.
            Some(Ok(_)) => Some(Fault::Restart(
                "a record came past the batch queue".to_owned(),
            )),
            Some(Err(error)) => {
                let fault = match self.client.client().fatal_error() {
                    Some((code, reason)) => Fault::fatal("consuming", code, &reason),
                    None => Fault::of("consuming", &error),
                };
                let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
                // Anything else the context has logged, and the client goes on by itself.
                (fatal || matches!(fault, Fault::Halt(_))).then_some(fault)
            }
        };
        self.fault = self.fault.take().or(fault);
    }

    fn assign(&mut self, starts: &[(TopicPartition, i64)]) -> Result<(), Fault> {
        for (at, _) in starts {
            self.records.route(*at).map_err(Fault::Restart)?;
        }
        let list = list(
            &self.topics,
            starts.iter().map(|(at, from)| (*at, Offset::Offset(*from))),
        );
        list.and_then(|list| self.client.assign(&list))
            .map_err(|error| Fault::of("taking over partitions", &error))?;
        self.joined = true;
        Ok(())
    }

    fn unassign(&mut self) -> Result<(), Fault> {
        self.joined = false;
        self.records.clear();
        let paused: Vec<TopicPartition> = self.paused.iter().copied().collect();
        self.resume(&paused)?;
        self.client
            .unassign()
            .map_err(|error| Fault::of("giving up partitions", &error))
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
        let paused = self.list_of(partitions).and_then(|list| {
            self.client.pause(&list)?;
            list.elements()
                .iter()
                .try_for_each(|element| element.error())
        });
        paused.map_err(|error| Fault::of("holding partitions back", &error))?;
        self.paused.extend(partitions);
        Ok(())
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
        if partitions.is_empty() {
            return Ok(());
        }
        let resumed = self.list_of(partitions).and_then(|list| {
            self.client.resume(&list)?;
            list.elements()
                .iter()
                .try_for_each(|element| element.error())
        });
        resumed.map_err(|error| Fault::of("reading partitions that were held back", &error))?;
        self.paused.retain(|at| !partitions.contains(at));
        Ok(())
    }

    fn receive(&mut self, records_max: usize, wait: Duration) -> usize {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        self.records.receive(records_max, wait_ms)
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.records.items()
    }

    fn clear(&mut self) {
        self.records.clear();
    }

    fn positions(&self) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        let found = self.client.position();
        let found = found.map_err(|error| Fault::of("asking for positions", &error))?;
        let known = found.elements().into_iter().filter_map(|element| {
            match (self.place(&element), element.offset()) {
                (Some(at), Offset::Offset(offset)) => Some((at, offset)),
                _ => None,
            }
        });
        Ok(known.collect())
    }

    fn committed(
        &self,
        of: &[TopicPartition],
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, Fault> {
        let what = "reading the group's offsets";
        // A read-committed client asks for stable offsets only, and again as long as there is a transaction about them.
        let found = self
            .list_of(of)
            .and_then(|asked| self.client.committed_offsets(asked, ASK_PATIENCE))
            .map_err(|error| Fault::of(what, &error))?;
        let mut committed = Vec::with_capacity(of.len());
        for element in found.elements() {
            element.error().map_err(|error| Fault::of(what, &error))?;
            let Some(at) = self.place(&element) else {
                continue;
            };
            let offset = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            committed.push((at, offset));
        }
        Ok(committed)
    }

    fn starts(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.offsets(of, Offset::Beginning, ASK_PATIENCE)
    }

    fn ends(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.offsets(of, Offset::End, ENDS_PATIENCE)
    }

    fn journal_bounds(&self, partition: i32) -> Result<Range<i64>, Fault> {
        let journal = self.topics.name(self.topics.journal());
        self.brokers
            .bounds(journal, partition)
            .map_err(|error| Fault::of("asking for the ends of the journal", &error))
    }

    fn reader(&self, spans: &[Span]) -> Result<SpanReader, Fault> {
        SpanReader::new(&self.config, Arc::clone(&self.topics), spans)
    }

    fn fence(&mut self) -> Result<Result<(), String>, Fault> {
        self.transactor.fence()
    }

    fn prepare(&mut self, outbound: &[Outbound]) {
        self.transactor.prepare(outbound);
    }

    fn commit(
        &mut self,
        outbound: &[Outbound],
        offsets: &[(TopicPartition, i64)],
    ) -> Result<Attempt, Fault> {
        let membership = self.client.group_metadata();
        let membership =
            membership.ok_or_else(|| Fault::Restart("the consumer is in no group".to_owned()))?;
        let offsets = offsets
            .iter()
            .map(|(at, next)| (*at, Offset::Offset(*next)));
        let offsets =
            list(&self.topics, offsets).map_err(|error| Fault::of("listing offsets", &error))?;
        self.transactor.commit(outbound, &offsets, &membership)
    }

    fn trim_journal(&mut self, partition: i32, before: i64) {
        let journal = self.topics.name(self.topics.journal());
        self.trims.begin(&self.brokers, journal, partition, before);
    }
}

impl Drop for Member {
    /// Leaves the group, so that its other members need not wait for us to time out.
    fn drop(&mut self) {
        self.trims.finish();
        self.client.context().close();
        let joined = self.joined;
        // A change that was reported but not answered would keep the client from closing; nobody will answer it now.
        let _ = self.unassign();
        if !joined {
            // A request to leave is answered after the one to join, which waits for all members. We do not.
            let client = Arc::clone(&self.client);
            let leave = Builder::new().name("leaving".to_owned());
            let _ = leave.spawn(move || drop_last(client));
        }
    }
}

/// Drops a client when nobody else has it any more: whoever does closes it, and waits for that.
fn drop_last(client: Arc<BaseConsumer<Events>>) {
    while Arc::strong_count(&client) > 1 {
        park_timeout(LOOK);
    }
}
