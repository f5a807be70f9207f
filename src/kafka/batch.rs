//! Taking many records at a time from librdkafka, through its raw interface.
//!
//! The safe client hands over one record per call and allocates for each. `rd_kafka_consume_batch_queue` hands over
//! thousands, and most of the speed of consuming comes from that. The price is raw pointers, and all of them stay in
//! this file.
//!
//! Records get a queue of their own, apart from the consumer's. Otherwise `rd_kafka_consume_batch_queue` would answer a
//! rebalance found among the records with a callback that the safe client does not set, and silently give up the
//! partitions. With separate queues, rebalances, errors and logs come from the safe `poll`, and records from here.
#![allow(unsafe_code)]

use super::events::Events;
use super::topics::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka_sys as sys;
use std::ffi::{CStr, CString, NulError, c_int};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

/// A queue of fetched records of some partitions of one consumer.
///
/// Raw pointers keep it on the thread that made it, and every call that touches the queue takes `&mut self`, so two
/// batch calls on one queue, which librdkafka does not define, cannot happen.
pub(super) struct RecordQueue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    /// Handles of the topics by index: held so that no other topic can get the same address.
    topics: Vec<NonNull<sys::rd_kafka_topic_t>>,
    names: Vec<CString>,
    /// Messages fetched and not yet given back. All are valid and owned by this queue.
    fetched: Vec<NonNull<sys::rd_kafka_message_t>>,
    /// Messages of `fetched` already passed over.
    passed: usize,
    /// Kept alive behind the pointers above, which `drop` gives back first.
    consumer: Arc<BaseConsumer<Events>>,
}

/// What a queue holds, in the order of each partition's offsets.
pub enum Item<'a> {
    /// A record.
    Record(ConsumedRecord<'a>),
    /// Everything of a partition below an offset has been handed over, control records included.
    End {
        /// Which partition.
        at: TopicPartition,
        /// Offset of the next record to come.
        offset: i64,
    },
    /// Fetching failed.
    Error {
        /// Which partition, if it is about one.
        at: Option<TopicPartition>,
        /// The client's code.
        code: RDKafkaErrorCode,
        /// The client's words.
        reason: String,
    },
}

/// One record, borrowed from the client's memory.
#[derive(Clone, Copy)]
pub struct ConsumedRecord<'a> {
    /// Where it was read.
    pub at: TopicPartition,
    /// Its offset.
    pub offset: i64,
    backing: Backing<'a>,
}

/// Where a record's bytes are.
#[derive(Clone, Copy)]
enum Backing<'a> {
    Client(&'a sys::rd_kafka_message_t),
    Memory(&'a StoredRecord),
}

/// A record that does not come from the client: the simulator's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredRecord {
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Kafka's timestamp, in milliseconds since 1970.
    pub timestamp_ms: i64,
}

impl StoredRecord {
    /// A copy of a record.
    pub fn copy_of(record: &ConsumedRecord<'_>) -> Self {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let headers = record.headers().into_iter();
        Self {
            key: owned(record.key()),
            value: owned(record.value()),
            headers: headers
                .map(|(name, value)| (name.to_owned(), owned(value)))
                .collect(),
            timestamp_ms: record.timestamp_ms().unwrap_or(-1),
        }
    }

    /// Bytes of key and value.
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        length(&self.key) + length(&self.value)
    }
}

impl RecordQueue {
    /// An empty queue for partitions of the topics named, which [`TopicPartition::topic`] counts from 0.
    pub(super) fn new<'n>(
        consumer: Arc<BaseConsumer<Events>>,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, String> {
        let names = names.into_iter().map(CString::new);
        let names: Vec<CString> = names
            .collect::<Result<_, NulError>>()
            .map_err(|_| "a topic's name holds a zero byte".to_owned())?;
        let client = consumer.client().native_ptr();
        // SAFETY: `client` is the live handle of `consumer`, which this struct keeps alive.
        let queue = NonNull::new(unsafe { sys::rd_kafka_queue_new(client) });
        let queue = queue.ok_or("the client made no queue")?;
        let mut made = Self {
            queue,
            topics: Vec::new(),
            names,
            fetched: Vec::new(),
            passed: 0,
            consumer,
        };
        for name in &made.names {
            // SAFETY: `client` as above; `name` is a C string; no topic configuration is passed.
            let topic = unsafe { sys::rd_kafka_topic_new(client, name.as_ptr(), ptr::null_mut()) };
            // Dropping `made` gives back what there is so far.
            let topic = NonNull::new(topic).ok_or("the client made no topic handle")?;
            made.topics.push(topic);
        }
        Ok(made)
    }

    /// Lets the records of a partition come to this queue. To be called before each assignment of the partition: the
    /// client forgets it when it stops fetching.
    pub(super) fn route(&mut self, at: TopicPartition) -> Result<(), String> {
        let name = self.names.get(at.topic).ok_or("no such topic")?;
        let client = self.consumer.client().native_ptr();
        // SAFETY: live client, C string. The partition's queue is a new reference, given back after it has been
        // forwarded to our live queue; the client then keeps a reference to ours as long as it forwards.
        unsafe {
            let own = sys::rd_kafka_queue_get_partition(client, name.as_ptr(), at.partition);
            let own = NonNull::new(own).ok_or("the client knows no such partition")?;
            sys::rd_kafka_queue_forward(own.as_ptr(), self.queue.as_ptr());
            sys::rd_kafka_queue_destroy(own.as_ptr());
        }
        Ok(())
    }

    /// Gives back what was received before and receives up to `records_max` records (at least one): all that is there, or
    /// else the first to come within `wait_ms`. Returns how many items came.
    pub(super) fn receive(&mut self, records_max: usize, wait_ms: u32) -> usize {
        self.clear();
        let records_max = records_max.max(1);
        self.fetched.reserve(records_max);
        // A batch call with a timeout would wait for a full batch; so wait for one record, then poll for what else is there.
        if self.poll(0, records_max) == 0 && wait_ms > 0 {
            let wait_ms = c_int::try_from(wait_ms).unwrap_or(c_int::MAX);
            if self.poll(wait_ms, 1) == 1 && records_max > 1 {
                self.poll(0, records_max - 1);
            }
        }
        self.fetched.len()
    }

    /// Appends up to `records_max` messages to `fetched`, which must have room for them. Returns how many.
    fn poll(&mut self, wait_ms: c_int, records_max: usize) -> usize {
        let room = self.fetched.spare_capacity_mut();
        let records_max = records_max.min(room.len());
        // SAFETY: the queue is live and not used elsewhere meanwhile (`&mut self`). `room` has at least `records_max`
        // elements, and NonNull<T> has the layout of the *mut T that are written there. The count returned says how
        // many were written, none of them null, and each is ours until rd_kafka_message_destroy.
        unsafe {
            let polled = sys::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                wait_ms,
                room.as_mut_ptr().cast(),
                records_max,
            );
            let polled = usize::try_from(polled).unwrap_or(0);
            self.fetched.set_len(self.fetched.len() + polled);
            polled
        }
    }

    /// What was fetched and not passed over.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let rest = self.fetched.get(self.passed..).unwrap_or_default();
        rest.iter().map(|message| self.item(message))
    }

    /// The first of [`items`](Self::items).
    pub(super) fn first(&self) -> Option<Item<'_>> {
        self.items().next()
    }

    /// Passes over the first of [`items`](Self::items).
    pub(super) fn pass(&mut self) {
        self.passed = (self.passed + 1).min(self.fetched.len());
    }

    /// Gives all records back.
    pub(super) fn clear(&mut self) {
        self.passed = 0;
        for message in self.fetched.drain(..) {
            // SAFETY: each message of `fetched` is valid and ours, and is forgotten here.
            unsafe { sys::rd_kafka_message_destroy(message.as_ptr()) };
        }
    }

    fn item<'a>(&'a self, message: &'a NonNull<sys::rd_kafka_message_t>) -> Item<'a> {
        // SAFETY: messages of `fetched` are valid until `clear`, which needs `&mut self`.
        let message = unsafe { message.as_ref() };
        let topic = self
            .topics
            .iter()
            .position(|topic| topic.as_ptr() == message.rkt);
        let at = topic.map(|topic| TopicPartition {
            topic,
            partition: message.partition,
        });
        match (RDKafkaErrorCode::from(message.err), at) {
            (RDKafkaErrorCode::NoError, Some(at)) => Item::Record(ConsumedRecord {
                at,
                offset: message.offset,
                backing: Backing::Client(message),
            }),
            (RDKafkaErrorCode::PartitionEOF, Some(at)) => Item::End {
                at,
                offset: message.offset,
            },
            (code, at) => Item::Error {
                at,
                code,
                reason: reason(message),
            },
        }
    }
}

impl Drop for RecordQueue {
    fn drop(&mut self) {
        self.clear();
        // SAFETY: queue and topics are live, ours and not used again; the client outlives them in `consumer`.
        unsafe {
            for topic in &self.topics {
                sys::rd_kafka_topic_destroy(topic.as_ptr());
            }
            sys::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

fn reason(message: &sys::rd_kafka_message_t) -> String {
    // SAFETY: a valid message; the client returns null or a C string that lives as long as the message.
    unsafe {
        let text = sys::rd_kafka_message_errstr(message);
        if text.is_null() {
            return "a record of a topic that nobody asked for".to_owned();
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

impl<'a> ConsumedRecord<'a> {
    /// A record from memory.
    pub fn of(at: TopicPartition, offset: i64, stored: &'a StoredRecord) -> Self {
        Self {
            at,
            offset,
            backing: Backing::Memory(stored),
        }
    }

    /// The key's bytes, if it has one.
    pub fn key(&self) -> Option<&'a [u8]> {
        match self.backing {
            // SAFETY: the client sets key and length together, and they live as long as the message.
            Backing::Client(message) => unsafe { bytes(message.key.cast(), message.key_len) },
            Backing::Memory(stored) => stored.key.as_deref(),
        }
    }

    /// The value's bytes; none for a tombstone.
    pub fn value(&self) -> Option<&'a [u8]> {
        match self.backing {
            // SAFETY: for a message without error, payload and length belong together and live as long as the message.
            Backing::Client(message) => unsafe { bytes(message.payload.cast(), message.len) },
            Backing::Memory(stored) => stored.value.as_deref(),
        }
    }

    /// The record's timestamp as Kafka has it, in milliseconds since 1970; none if it has none.
    pub fn timestamp_ms(&self) -> Option<i64> {
        let timestamp = match self.backing {
            // SAFETY: a valid message; the kind of timestamp is not asked for.
            Backing::Client(message) => unsafe {
                sys::rd_kafka_message_timestamp(message, ptr::null_mut())
            },
            Backing::Memory(stored) => stored.timestamp_ms,
        };
        (timestamp >= 0).then_some(timestamp)
    }

    /// The record's headers in their order. A name that is not UTF-8 is shown as `?`.
    pub fn headers(&self) -> Vec<(&'a str, Option<&'a [u8]>)> {
        match self.backing {
            Backing::Client(message) => headers(message),
            Backing::Memory(stored) => {
                let headers = stored.headers.iter();
                headers
                    .map(|(name, value)| (name.as_str(), value.as_deref()))
                    .collect()
            }
        }
    }
}

fn headers(message: &sys::rd_kafka_message_t) -> Vec<(&str, Option<&[u8]>)> {
    let mut list = ptr::null_mut();
    let mut headers = Vec::new();
    // SAFETY: a valid message, which the client parses in place, once; only this thread can reach it, as the queue's
    // pointers are not Sync. The list, its names and values live as long as the message.
    unsafe {
        let none = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        if sys::rd_kafka_message_headers(message, &mut list) != none {
            return headers;
        }
        for index in 0..sys::rd_kafka_header_cnt(list) {
            let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
            let found =
                sys::rd_kafka_header_get_all(list, index, &mut name, &mut value, &mut length);
            if found != none {
                break;
            }
            let name = CStr::from_ptr(name).to_str().unwrap_or("?");
            headers.push((name, bytes(value.cast(), length)));
        }
    }
    headers
}

/// A slice of the client's memory, none for null.
///
/// # Safety
/// If `start` is not null, `length` bytes from it must be valid and unchanged for `'a`.
unsafe fn bytes<'a>(start: *const u8, length: usize) -> Option<&'a [u8]> {
    // SAFETY: passed on to the caller.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, length) })
}
