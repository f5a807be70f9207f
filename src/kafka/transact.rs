//! The owner of the transaction: output and input offsets become visible together, or not at all.
//!
//! A transaction begins, fills and ends within one call, but for records that were handed over ahead of it: they travel while
//! more is read. After anything but a clean
//! commit, a new producer with the same transactional id replaces the old one: that aborts whatever the old one had
//! open and fences its late requests. If the answer to a commit was lost, the journal then tells whether it took
//! effect.
//!
//! A clean commit is one that succeeded on connections that held. The client repeats a request if its connection broke
//! or no answer came in time. Requests to end a transaction carry no number, so a first copy that arrives late would
//! end the next transaction too early. A producer that has ever lost a connection or a request is therefore not used
//! again, even if the commit went through.

use super::client;
use super::error::{self, Class, Fault};
use super::link::{Attempt, Outbound, Receipt};
use crate::config::Config;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::{ClientConfig, Message as _, TopicPartitionList};
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::info;

/// How often deliveries are asked for while a transaction waits for them.
const POLL: Duration = Duration::from_micros(500);
/// How often it is looked, while a producer connects, whether the worker is to end.
const FENCE_SLICE: Duration = Duration::from_millis(200);
/// For each of the two ways to end a transaction that failed.
const ABORT_PATIENCE: Duration = Duration::from_secs(1);

/// The transactional producer of one worker.
pub(super) struct Transactor {
    properties: ClientConfig,
    id: String,
    patience: Duration,
    producer: Option<BaseProducer<Deliveries>>,
    /// Of a transaction that has begun: how many of its records were sent, or why no more were.
    ahead: Option<KafkaResult<usize>>,
}

impl Transactor {
    /// Prepares the producer of a worker; it connects with [`fence`](Self::fence) or the first commit.
    pub fn new(config: &Config, worker: usize) -> Self {
        let id = client::transactional_id(config, worker);
        Self {
            properties: client::transactional(config, &id),
            id,
            patience: Duration::from_secs(config.run.transaction_timeout_seconds.into()),
            producer: None,
            ahead: None,
        }
    }

    /// Drops the producer, if there is one, and connects a new one. That ends whatever a predecessor with our
    /// transactional id left open, so its offsets and output are settled.
    ///
    /// # Errors
    /// [`Fault`] if an operator must help; otherwise the reason why it is worth trying again.
    pub fn fence(&mut self) -> Result<Result<(), String>, Fault> {
        self.fence_within(self.patience, || false)
    }

    /// The same as long as nobody asks to end.
    ///
    /// # Errors
    /// As [`fence`](Self::fence).
    pub fn fence_unless(&mut self, asked: impl Fn() -> bool) -> Result<Result<(), String>, Fault> {
        self.fence_within(self.patience, asked)
    }

    fn fence_within(
        &mut self,
        patience: Duration,
        asked: impl Fn() -> bool,
    ) -> Result<Result<(), String>, Fault> {
        self.producer = None;
        self.ahead = None;
        let what = format!("starting transactions as {}", self.id);
        let producer: BaseProducer<Deliveries> = self
            .properties
            .create_with_context(Deliveries::default())
            .map_err(|error| Fault::Halt(format!("{what}: {}", error::plain(&error))))?;
        let mut slices = polls_in(patience, FENCE_SLICE);
        let made = loop {
            slices = slices.saturating_sub(1);
            // Called again, it goes on.
            match producer.init_transactions(FENCE_SLICE) {
                Err(KafkaError::Transaction(error))
                    if error.is_retriable() && slices > 0 && !asked() => {}
                made => break made,
            }
        };
        match made {
            Ok(()) => {
                self.producer = Some(producer);
                Ok(Ok(()))
            }
            Err(error) => match Fault::of(&what, &error) {
                Fault::Restart(reason) => Ok(Err(reason)),
                halt => Err(halt),
            },
        }
    }

    /// Sends records that the next commit begins with, if a producer is connected.
    pub fn prepare(&mut self, outbound: &[Outbound]) {
        let Some(producer) = &self.producer else {
            return;
        };
        let mut cycle = Cycle::new(producer, self.patience);
        let begun = self.ahead.take().unwrap_or_else(|| cycle.begin());
        self.ahead = Some(begun.and_then(|sent| cycle.send_all(sent, outbound)));
    }

    /// Sends the records, but for those that were sent ahead, and commits them together with the offsets.
    ///
    /// # Errors
    /// [`Fault`] if the worker cannot go on.
    pub fn commit(
        &mut self,
        outbound: &[Outbound],
        offsets: &TopicPartitionList,
        membership: &ConsumerGroupMetadata,
    ) -> Result<Attempt, Fault> {
        if self.producer.is_none()
            && let Err(reason) = self.fence()?
        {
            return Ok(Attempt::Again(reason));
        }
        let Some(producer) = &self.producer else {
            return Ok(Attempt::Again("the producer is gone".to_owned()));
        };
        let mut cycle = Cycle::new(producer, self.patience);
        let ended = cycle.run(self.ahead.take(), outbound, offsets, membership);
        let (polls, ending) = (cycle.polls, cycle.ending);
        let deliveries = producer.context();
        let error = match ended {
            Ok(()) => {
                let placed = deliveries.take_placed();
                if deliveries.disturbed.load(Ordering::Relaxed) {
                    info!("the brokers were out of reach for a moment: the producer is replaced");
                    self.producer = None;
                }
                return Ok(Attempt::Committed(Receipt { placed, polls }));
            }
            Err(error) => error,
        };
        let too_large = deliveries.too_large();
        let reason = error::plain(&error);
        let class = error::classify(&error);
        self.retire(ending, class);
        if class == Class::Fenced {
            return Err(Fault::Restart(format!(
                "the transactional id {} was taken over ({reason}): this process was away for longer than \
                 `run.transaction_timeout_seconds`; {}",
                self.id,
                error::TWINS
            )));
        }
        if let Fault::Halt(message) = Fault::of("committing", &error) {
            return Err(Fault::Halt(message));
        }
        Ok(match class {
            // Whatever the error says: once the brokers were asked, only the journal can tell.
            _ if ending => Attempt::Unknown(reason),
            Class::Membership => Attempt::Membership(reason),
            _ if !too_large.is_empty() => Attempt::TooLarge(too_large),
            _ => Attempt::Again(reason),
        })
    }

    /// Drops the producer. If its transaction cannot have been committed, ends it first: readers of the output, and
    /// whoever restores our partitions, would wait for the coordinator's time-out.
    fn retire(&mut self, ending: bool, class: Class) {
        let Some(producer) = self.producer.take() else {
            return;
        };
        if ending {
            return;
        }
        producer.purge(PurgeConfig::default().queue().inflight());
        // An abort flushes, and a flush waits for reports that nobody else takes.
        for _ in 0..polls_in(ABORT_PATIENCE, POLL) {
            if producer.in_flight_count() == 0 {
                break;
            }
            producer.poll(Duration::ZERO);
            std::thread::park_timeout(POLL);
        }
        let aborted = producer.abort_transaction(ABORT_PATIENCE);
        drop(producer);
        // Whoever fenced us has ended the transaction, and must not be fenced in turn.
        if aborted.is_err() && class != Class::Fenced {
            // Without an answer the next commit tries again.
            let _ = self.fence_within(ABORT_PATIENCE, || false);
        }
    }

    /// Lets the client say what happened since the last transaction, so that the log has it then.
    pub fn look(&self) {
        if let Some(producer) = &self.producer {
            producer.poll(Duration::ZERO);
        }
    }
}

/// How many pauses fill a time: waits are counted in these rather than by a clock.
const fn polls_in(time: Duration, pause: Duration) -> u128 {
    time.as_micros() / pause.as_micros()
}

/// One transaction from begin to end.
struct Cycle<'p> {
    producer: &'p BaseProducer<Deliveries>,
    patience: Duration,
    polls: u32,
    /// The brokers have been asked to commit.
    ending: bool,
}

impl<'p> Cycle<'p> {
    fn new(producer: &'p BaseProducer<Deliveries>, patience: Duration) -> Self {
        Self {
            producer,
            patience,
            polls: 0,
            ending: false,
        }
    }

    /// Begins a transaction, of which nothing was sent.
    fn begin(&self) -> KafkaResult<usize> {
        self.producer.begin_transaction().map(|()| 0)
    }

    fn run(
        &mut self,
        ahead: Option<KafkaResult<usize>>,
        outbound: &[Outbound],
        offsets: &TopicPartitionList,
        membership: &ConsumerGroupMetadata,
    ) -> KafkaResult<()> {
        let ahead = match ahead {
            Some(ahead) => ahead,
            None => Ok(self.begin()?),
        };
        self.write(ahead, outbound, offsets, membership)
            .map_err(|error| self.cause(error, offsets, membership))?;
        self.ending = true;
        self.producer.commit_transaction(self.patience)?;
        // What the client has logged meanwhile is in its queue.
        self.wait_until(|producer| producer.in_flight_count() == 0)
    }

    /// Sends all records but the first so many, and returns how many there are.
    fn send_all(&mut self, sent: usize, outbound: &[Outbound]) -> KafkaResult<usize> {
        for (index, outbound) in outbound.iter().enumerate().skip(sent) {
            self.send(index, outbound)?;
        }
        Ok(outbound.len())
    }

    fn write(
        &mut self,
        ahead: KafkaResult<usize>,
        outbound: &[Outbound],
        offsets: &TopicPartitionList,
        membership: &ConsumerGroupMetadata,
    ) -> KafkaResult<()> {
        let sent = ahead?;
        // First, because the broker may still be ending the last transaction: it then refuses offsets and records alike, and
        // the client asks again after 1 ms for offsets, but after 20 ms for records.
        self.producer
            .send_offsets_to_transaction(offsets, membership, self.patience)?;
        self.send_all(sent, outbound)?;
        // `Producer::flush`, which `commit_transaction` begins with, waits in slices of 100 ms while records are under
        // way; with none left it returns at once.
        self.wait_until(|producer| producer.in_flight_count() == 0)?;
        match self.producer.context().first_failure() {
            Some(code) => Err(KafkaError::MessageProduction(code)),
            None => Ok(()),
        }
    }

    /// Why the client took a record no more, or gave it up: because its transaction had failed, which it tells at the
    /// next call about that.
    fn cause(
        &self,
        error: KafkaError,
        offsets: &TopicPartitionList,
        membership: &ConsumerGroupMetadata,
    ) -> KafkaError {
        use RDKafkaErrorCode::{Fatal, PurgeInflight, PurgeQueue, State};
        let consequence = KafkaError::MessageProduction;
        let consequences = [Fatal, PurgeInflight, PurgeQueue, State].map(consequence);
        if !consequences.contains(&error) {
            return error;
        }
        let answer = self
            .producer
            .send_offsets_to_transaction(offsets, membership, self.patience);
        answer.err().unwrap_or(error)
    }

    fn send(&mut self, index: usize, outbound: &Outbound) -> KafkaResult<()> {
        let headers = (!outbound.headers.is_empty()).then(|| owned(&outbound.headers));
        let mut record = BaseRecord {
            topic: &outbound.topic,
            partition: outbound.partition,
            payload: outbound.value.as_deref(),
            key: outbound.key.as_deref(),
            timestamp: outbound.timestamp_ms,
            headers,
            delivery_opaque: Box::new(ReportedRecord {
                index,
                stated: outbound.partition.is_some(),
            }),
        };
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    let queued = self.producer.in_flight_count();
                    self.wait_until(|producer| producer.in_flight_count() < queued)?;
                }
                Err((error, _)) => {
                    self.producer.context().failed(index, &error);
                    return Err(error);
                }
            }
        }
    }

    fn wait_until(&mut self, done: impl Fn(&BaseProducer<Deliveries>) -> bool) -> KafkaResult<()> {
        for _ in 0..=polls_in(self.patience, POLL) {
            if done(self.producer) {
                return Ok(());
            }
            self.producer.poll(Duration::ZERO);
            self.polls += 1;
            // The client's own poll spins through its last millisecond, and takes the core from the broker's answer.
            std::thread::park_timeout(POLL);
        }
        Err(KafkaError::MessageProduction(
            RDKafkaErrorCode::MessageTimedOut,
        ))
    }
}

fn owned(headers: &[(Cow<'static, str>, Option<Vec<u8>>)]) -> OwnedHeaders {
    let owned = OwnedHeaders::new_with_capacity(headers.len());
    headers.iter().fold(owned, |owned, (key, value)| {
        owned.insert(Header {
            key,
            value: value.as_deref(),
        })
    })
}

/// Which record a delivery report is about.
struct ReportedRecord {
    index: usize,
    /// Its partition was stated, so its offset is of interest.
    stated: bool,
}

/// Keeps what the brokers reported about records and connections.
#[derive(Default)]
struct Deliveries {
    /// Index and reason of every record that was refused.
    failed: Mutex<Vec<(usize, RDKafkaErrorCode)>>,
    /// Index and offset of the records of this transaction with a stated partition.
    placed: Mutex<Vec<(usize, i64)>>,
    /// A connection broke, or a request was not answered in time, since the producer was made.
    disturbed: AtomicBool,
}

impl Deliveries {
    fn failed(&self, index: usize, error: &KafkaError) {
        if let Some(code) = error.rdkafka_error_code() {
            lock(&self.failed).push((index, code));
        }
    }

    fn first_failure(&self) -> Option<RDKafkaErrorCode> {
        lock(&self.failed).first().map(|(_, code)| *code)
    }

    fn take_placed(&self) -> Vec<(usize, i64)> {
        std::mem::take(&mut *lock(&self.placed))
    }

    fn too_large(&self) -> Vec<usize> {
        let large = |code: &RDKafkaErrorCode| matches!(code, RDKafkaErrorCode::MessageSizeTooLarge);
        lock(&self.failed)
            .iter()
            .filter(|(_, code)| large(code))
            .map(|(index, _)| *index)
            .collect()
    }
}

/// Whether a line of the client's log says that a request may be on its way twice. FAIL is a connection that ended;
/// only one that was never up cannot have carried a request. REQTMOUT is a request given up. The client's error
/// callback reports only some of these, but its log has them all, and before anything is repeated. The client swallows
/// repeated lines, which does no harm: after the first one the producer makes no further transaction.
fn disturbs(facility: &str, message: &str) -> bool {
    let connecting = ["in state TRY_CONNECT", "in state CONNECT"];
    match facility {
        "REQTMOUT" => true,
        "FAIL" => !connecting.iter().any(|state| message.contains(state)),
        _ => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if disturbs(facility, message) {
            self.disturbed.store(true, Ordering::Relaxed);
        }
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::log_error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<ReportedRecord>;

    fn delivery(&self, result: &DeliveryResult<'_>, record: Box<ReportedRecord>) {
        match result {
            Err((error, _)) => self.failed(record.index, error),
            Ok(message) if record.stated => {
                lock(&self.placed).push((record.index, message.offset()));
            }
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_repeated_a_request_is_told_from_what_cannot() {
        let lost = "localhost:9092/1: Disconnected (after 312ms in state UP)";
        assert!(disturbs("FAIL", lost));
        assert!(disturbs("REQTMOUT", "Timed out 1 in-flight"));
        assert!(!disturbs("GETPID", "Failed to acquire a producer id"));
        let refused = "localhost:9092/1: Connect to ipv4#127.0.0.1:9092 failed: Connection refused \
                       (after 0ms in state CONNECT, 3 identical error(s) suppressed)";
        assert!(!disturbs("FAIL", refused));
    }
}
