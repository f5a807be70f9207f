//! The modelled Kafka: topics, coordinators, clients, and the virtual time in which things happen to them.
//!
//! A [`World`] is a state and nothing else. What happens next is in its timers and in the calls of the processes, and
//! both take their chances from one stream of dice, so a seed decides everything.

use super::client::Client;
use super::dice::Dice;
use super::faults::{Disruption, Faults, Rates, Step};
use super::group::Group;
use super::log::{Log, Txn};
use super::trace::Trace;
use super::transactions::{Coordinator, Session};
use churnwatch::kafka::{StoredRecord, TopicPartition, Topics};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// A process, counted from the beginning of the world: every start makes another one.
pub type ProcessId = usize;

/// Something that happens when its time has come.
pub enum Timer {
    /// A record comes in, or a producer of records ends its transaction.
    Arrival(usize),
    /// A partition, or the group's offsets (`None`), learn how a transaction ended.
    Marker {
        id: Rc<str>,
        transaction: Txn,
        place: Option<TopicPartition>,
        commit: bool,
    },
    /// A transaction has been open for too long.
    TransactionTimeout { id: Rc<str>, transaction: Txn },
    /// A request to commit that was long under way arrives.
    LateEnd(Session),
    /// A client (again) asks to join the group.
    Join(ProcessId),
    /// A client's heartbeat tells it what has become of its group.
    Heartbeat(ProcessId),
    /// A client hears of its new partitions.
    Assigned(ProcessId, u32),
    /// A member was not heard of for as long as its session lasts.
    SessionTimeout(ProcessId),
    /// The group waits no longer for members to join.
    JoinTimeout(u32),
    /// Retention.
    Trim(TopicPartition, i64),
    /// The brokers may go away now.
    Weather,
    /// The brokers answer again.
    OutageOver,
}

/// What producers of input do.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// A record, in the producer's transaction of that number if it has one.
    Record {
        place: TopicPartition,
        record: StoredRecord,
        transaction: Option<u32>,
    },
    /// The end of such a transaction.
    End { transaction: u32, commit: bool },
}

/// The whole of it.
pub struct World {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    pub dice: Dice,
    pub faults: Faults,
    /// The input topics as the worker counts them.
    pub topics: Arc<Topics>,
    /// Names of all topics: inputs, journal, outputs. Places count them in this order.
    pub names: Vec<String>,
    /// Every topic has as many.
    pub partitions: i32,
    pub logs: BTreeMap<TopicPartition, Log>,
    pub coordinator: Coordinator,
    pub group: Group,
    pub clients: Vec<Client>,
    pub trace: Trace,
    /// Something happened that a sleeping process would wake up from.
    pub stirred: bool,
    /// No request is answered.
    pub outage: bool,
    /// Arrivals that have not come yet.
    pub expected: usize,
    arrivals: Vec<Arrival>,
    /// Transactions of input producers: number in the world, and where they wrote.
    foreign: BTreeMap<u32, (Txn, BTreeSet<TopicPartition>)>,
    timers: BTreeMap<(i64, u64), Timer>,
    timers_set: u64,
}

/// What a world is made from.
pub struct Plan {
    /// When it begins, in milliseconds since 1970.
    pub begins_ms: i64,
    pub topics: Arc<Topics>,
    /// Name of the journal's topic.
    pub journal: String,
    /// Names of the topics that are only written.
    pub outputs: Vec<String>,
    pub partitions: i32,
    pub faults: Faults,
    /// What comes in, and when.
    pub arrivals: Vec<(i64, Arrival)>,
    pub trace: Trace,
}

impl World {
    /// A world in which nothing has happened yet.
    pub fn new(plan: Plan, dice: Dice) -> Self {
        let inputs = plan.topics.iter().map(|topic| topic.name.to_string());
        let names: Vec<String> = inputs.chain([plan.journal]).chain(plan.outputs).collect();
        let places = (0..names.len()).flat_map(|topic| {
            (0..plan.partitions).map(move |partition| TopicPartition { topic, partition })
        });
        let mut world = Self {
            now_ms: plan.begins_ms,
            dice,
            faults: plan.faults,
            topics: plan.topics,
            partitions: plan.partitions,
            logs: places.map(|place| (place, Log::default())).collect(),
            names,
            coordinator: Coordinator::default(),
            group: Group::default(),
            clients: Vec::new(),
            trace: plan.trace,
            stirred: false,
            outage: false,
            expected: plan.arrivals.len(),
            arrivals: Vec::new(),
            foreign: BTreeMap::new(),
            timers: BTreeMap::new(),
            timers_set: 0,
        };
        for (at_ms, arrival) in plan.arrivals {
            world.at(at_ms, Timer::Arrival(world.arrivals.len()));
            world.arrivals.push(arrival);
        }
        world.expect_weather();
        world
    }

    /// Sets a timer.
    pub fn at(&mut self, at_ms: i64, timer: Timer) {
        self.timers_set += 1;
        self.timers
            .insert((at_ms.max(self.now_ms), self.timers_set), timer);
    }

    /// Sets a timer some milliseconds from now, any number of them between two bounds.
    pub fn within(&mut self, low_ms: i64, high_ms: i64, timer: Timer) {
        let delay_ms = self.dice.between(low_ms, high_ms);
        self.at(self.now_ms + delay_ms, timer);
    }

    /// When the next timer is due.
    pub fn next_timer_ms(&self) -> Option<i64> {
        self.timers.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// Moves the time on, and lets happen what is due by then.
    pub fn advance(&mut self, to_ms: i64) {
        while let Some(entry) = self
            .timers
            .first_entry()
            .filter(|timer| timer.key().0 <= to_ms)
        {
            let ((at_ms, _), timer) = entry.remove_entry();
            self.now_ms = self.now_ms.max(at_ms);
            self.happen(timer);
        }
        self.now_ms = self.now_ms.max(to_ms);
    }

    fn happen(&mut self, timer: Timer) {
        match timer {
            Timer::Arrival(index) => self.arrive(index),
            Timer::Marker {
                id,
                transaction,
                place,
                commit,
            } => {
                self.mark(&id, transaction, place, commit);
            }
            Timer::TransactionTimeout { id, transaction } => {
                self.expire_transaction(&id, transaction);
            }
            Timer::LateEnd(session) => {
                let ended = self.end_transaction(&session, true).is_ok();
                self.note(
                    "late end of transaction",
                    &[i64::from(session.epoch), ended.into()],
                );
            }
            Timer::Join(process) => self.join(process),
            Timer::Heartbeat(process) => self.heartbeat(process),
            Timer::Assigned(process, generation) => self.deliver(process, generation),
            Timer::SessionTimeout(process) => self.expire_session(process),
            Timer::JoinTimeout(round) => self.stop_waiting(round),
            Timer::Trim(place, before) => {
                if let Some(log) = self.logs.get_mut(&place) {
                    log.trim(before);
                }
            }
            Timer::Weather => self.weather(),
            Timer::OutageOver => {
                self.outage = false;
                self.note("brokers are back", &[]);
            }
        }
    }

    /// The brokers stop answering for some time, as if they were away or their coordinators loading.
    fn weather(&mut self) {
        if self.faults.over || self.faults.rates.outage == 0 {
            return;
        }
        self.outage = true;
        self.note("brokers are away", &[]);
        self.within(200, 15_000, Timer::OutageOver);
        self.expect_weather();
    }

    fn expect_weather(&mut self) {
        if let Some(mean_ms) = 1_000_000_u32.checked_div(self.faults.rates.outage) {
            self.within(0, 2 * i64::from(mean_ms), Timer::Weather);
        }
    }

    /// Whether a request of a client gets an answer now.
    pub fn answers(&mut self) -> bool {
        !self.outage && !self.happens(|rates| rates.unanswered)
    }

    /// Whether a fault that occurs at a rate occurs now.
    pub fn happens(&mut self, rate: fn(&Rates) -> u32) -> bool {
        self.faults.happens(&mut self.dice, rate)
    }

    /// What hits a process that comes to a step.
    pub fn disruption(&mut self, step: Step) -> Option<Disruption> {
        self.faults.disruption(&mut self.dice, step)
    }

    /// A record or an end of transaction comes in.
    fn arrive(&mut self, index: usize) {
        self.expected -= 1;
        self.stirred = true;
        match self.arrivals[index].clone() {
            Arrival::Record {
                place,
                record,
                transaction,
            } => {
                let transaction = transaction.map(|number| {
                    let fresh = &mut self.coordinator;
                    let entry = self.foreign.entry(number);
                    let (transaction, places) =
                        entry.or_insert_with(|| (fresh.number(), BTreeSet::new()));
                    places.insert(place);
                    *transaction
                });
                self.append(place, Rc::new(record), transaction);
            }
            Arrival::End {
                transaction,
                commit,
            } => {
                if let Some((transaction, places)) = self.foreign.remove(&transaction) {
                    for place in places {
                        self.mark_log(place, transaction, commit);
                    }
                }
            }
        }
    }

    /// Appends to a partition.
    pub fn append(
        &mut self,
        place: TopicPartition,
        record: Rc<StoredRecord>,
        of: Option<Txn>,
    ) -> i64 {
        let value = record.value.as_deref().unwrap_or_default();
        let numbers = [
            place.topic as i64,
            place.partition.into(),
            of.map_or(-1, |of| of as i64),
        ];
        self.trace.note(self.now_ms, "append", &numbers, value);
        self.log(place).append(record, of)
    }

    /// Writes a marker into a partition.
    pub fn mark_log(&mut self, place: TopicPartition, transaction: Txn, commit: bool) {
        let numbers = [
            place.topic as i64,
            place.partition.into(),
            transaction as i64,
            commit.into(),
        ];
        self.note("marker", &numbers);
        self.log(place).mark(transaction, commit);
        self.stirred = true;
    }

    /// A partition's log. Places are made with the world, so there is one.
    pub fn log(&mut self, place: TopicPartition) -> &mut Log {
        self.logs.entry(place).or_default()
    }

    /// A place by the name of its topic.
    pub fn place(&self, topic: &str, partition: i32) -> Option<TopicPartition> {
        let topic = self.names.iter().position(|name| name == topic)?;
        Some(TopicPartition { topic, partition })
    }

    /// A partition's journal.
    pub fn journal(&self, partition: i32) -> TopicPartition {
        TopicPartition {
            topic: self.topics.journal(),
            partition,
        }
    }

    /// All partitions of the input topics.
    pub fn inputs(&self) -> impl Iterator<Item = TopicPartition> {
        let (topics, partitions) = (self.topics.len(), self.partitions);
        (0..topics).flat_map(move |topic| {
            (0..partitions).map(move |partition| TopicPartition { topic, partition })
        })
    }

    /// Notes that something happened.
    pub fn note(&mut self, what: &str, numbers: &[i64]) {
        self.trace.note(self.now_ms, what, numbers, &[]);
    }

    /// Whether everything that came in was processed and committed, and no transaction is open.
    pub fn is_drained(&self) -> bool {
        let committed = |place| self.group.committed(place).unwrap_or(0);
        let processed = |place| {
            let log = &self.logs[&place];
            (committed(place)..log.end()).all(|offset| log.visible(offset).is_none())
        };
        let settled = self.logs.values().all(|log| log.stable_end() == log.end());
        self.expected == 0 && settled && self.coordinator.is_idle() && self.inputs().all(processed)
    }
}
