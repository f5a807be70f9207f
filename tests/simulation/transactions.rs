//! The transaction coordinator, and what partition leaders and the group do at its word.
//!
//! It speaks the protocol as librdkafka does (EndTxn version 1): the epoch grows with `InitProducerId` and when a
//! transaction times out, and not with every transaction. A late EndTxn of the same epoch therefore ends whatever
//! transaction that producer has open by then, which is why a producer must not be used again after a doubtful end.

use super::group::Membership;
use super::log::Txn;
use super::world::{Timer, World};
use churnwatch::kafka::{StoredRecord, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A transaction open for longer is aborted.
pub const TRANSACTION_TIMEOUT_MS: i64 = 10_000;

/// What the coordinator knows, by transactional id.
#[derive(Debug, Default)]
pub struct Coordinator {
    producers: BTreeMap<Rc<str>, Producer>,
    numbered: Txn,
}

#[derive(Debug, Default)]
struct Producer {
    epoch: u32,
    state: State,
    /// How the last transaction of this epoch ended: asked for once more, the same end is no error.
    ended: Option<bool>,
}

#[derive(Debug, Default)]
enum State {
    /// Empty, or complete.
    #[default]
    Idle,
    /// Records or offsets were added.
    Ongoing(Open),
    /// The end is decided, and not all markers are written: PrepareCommit or PrepareAbort.
    Ending {
        transaction: Txn,
        markers_left: usize,
    },
}

#[derive(Debug)]
struct Open {
    transaction: Txn,
    places: BTreeSet<TopicPartition>,
    /// Whether the group's offsets take part.
    offsets: bool,
}

/// A producer as the coordinator let it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: Rc<str>,
    pub epoch: u32,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A newer producer has this id, or the coordinator gave this one up.
    Fenced,
    /// The transaction before is still being ended: ask again.
    Busy,
    /// There is nothing to end.
    Invalid,
    /// The group does not know this member in this generation.
    Membership(&'static str),
}

impl Coordinator {
    /// A number for a transaction.
    pub fn number(&mut self) -> Txn {
        self.numbered += 1;
        self.numbered
    }

    /// Whether no transaction is open or being ended.
    pub fn is_idle(&self) -> bool {
        self.producers
            .values()
            .all(|producer| matches!(producer.state, State::Idle))
    }

    fn current(&mut self, session: &Session) -> Result<&mut Producer, Refusal> {
        let producer = self.producers.get_mut(&session.id).ok_or(Refusal::Fenced)?;
        if producer.epoch == session.epoch {
            Ok(producer)
        } else {
            Err(Refusal::Fenced)
        }
    }
}

impl World {
    /// InitProducerId: lets a producer in and shuts out all before it with the same id. One of them may have a
    /// transaction open: it is aborted first, and the newcomer has to ask again.
    pub fn init_producer(&mut self, id: &Rc<str>) -> Result<Session, Refusal> {
        let producer = self.coordinator.producers.entry(Rc::clone(id)).or_default();
        match producer.state {
            State::Idle => {
                producer.epoch += 1;
                producer.ended = None;
                let epoch = producer.epoch;
                self.trace
                    .note(self.now_ms, "producer", &[epoch.into()], id.as_bytes());
                Ok(Session {
                    id: Rc::clone(id),
                    epoch,
                })
            }
            State::Ongoing(_) => {
                producer.epoch += 1;
                self.finish(id, false);
                Err(Refusal::Busy)
            }
            State::Ending { .. } => Err(Refusal::Busy),
        }
    }

    /// AddPartitionsToTxn and Produce.
    pub fn produce(
        &mut self,
        session: &Session,
        place: TopicPartition,
        record: Rc<StoredRecord>,
    ) -> Result<i64, Refusal> {
        let transaction = self.open(session, |open| {
            open.places.insert(place);
        })?;
        Ok(self.append(place, record, Some(transaction)))
    }

    /// AddOffsetsToTxn and TxnOffsetCommit: offsets that count if and when the transaction is committed. The group
    /// refuses those of a member it does not know, or knows from another generation; by then they are part of the
    /// transaction as far as its coordinator is concerned.
    pub fn send_offsets(
        &mut self,
        session: &Session,
        membership: &Membership,
        offsets: &[(TopicPartition, i64)],
    ) -> Result<(), Refusal> {
        let transaction = self.open(session, |open| open.offsets = true)?;
        self.group.check(membership).map_err(Refusal::Membership)?;
        for (place, offset) in offsets {
            self.group.promise(transaction, *place, *offset);
            let numbers = [
                place.topic as i64,
                place.partition.into(),
                *offset,
                transaction as i64,
            ];
            self.note("offset", &numbers);
        }
        Ok(())
    }

    /// EndTxn. The answer comes when the end is decided; markers may be written later.
    pub fn end_transaction(&mut self, session: &Session, commit: bool) -> Result<(), Refusal> {
        let producer = self.coordinator.current(session)?;
        match producer.state {
            State::Ongoing(_) => {
                self.finish(&session.id, commit);
                Ok(())
            }
            // A request that was sent twice.
            _ if producer.ended == Some(commit) => Ok(()),
            _ => Err(Refusal::Invalid),
        }
    }

    /// The transaction of a producer, begun if there is none.
    fn open(&mut self, session: &Session, add: impl FnOnce(&mut Open)) -> Result<Txn, Refusal> {
        let producer = self.coordinator.current(session)?;
        if matches!(producer.state, State::Ending { .. }) {
            return Err(Refusal::Busy);
        }
        if matches!(producer.state, State::Idle) {
            let transaction = self.coordinator.number();
            let open = Open {
                transaction,
                places: BTreeSet::new(),
                offsets: false,
            };
            self.coordinator.current(session)?.state = State::Ongoing(open);
            let id = Rc::clone(&session.id);
            let timeout = Timer::TransactionTimeout { id, transaction };
            self.at(self.now_ms + TRANSACTION_TIMEOUT_MS, timeout);
        }
        match &mut self.coordinator.current(session)?.state {
            State::Ongoing(open) => {
                add(open);
                Ok(open.transaction)
            }
            _ => Err(Refusal::Busy),
        }
    }

    /// Aborts a transaction that was open for too long, and shuts its producer out.
    pub fn expire_transaction(&mut self, id: &Rc<str>, transaction: Txn) {
        let Some(producer) = self.coordinator.producers.get_mut(id) else {
            return;
        };
        if matches!(&producer.state, State::Ongoing(open) if open.transaction == transaction) {
            producer.epoch += 1;
            self.note("transaction timed out", &[transaction as i64]);
            self.finish(id, false);
        }
    }

    /// Decides the end of an open transaction and has its markers written, at once or one after the other.
    fn finish(&mut self, id: &Rc<str>, commit: bool) {
        let Some(producer) = self.coordinator.producers.get_mut(id) else {
            return;
        };
        let State::Ongoing(open) = std::mem::take(&mut producer.state) else {
            return;
        };
        let Open {
            transaction,
            places,
            offsets,
        } = open;
        producer.ended = Some(commit);
        producer.state = State::Ending {
            transaction,
            markers_left: places.len() + usize::from(offsets),
        };
        self.trace.note(
            self.now_ms,
            "end",
            &[transaction as i64, commit.into()],
            id.as_bytes(),
        );
        let slow = self.happens(|rates| rates.slow_markers);
        let places = places.into_iter().map(Some);
        let mut places: Vec<_> = places.chain(offsets.then_some(None)).collect();
        self.dice.shuffle(&mut places);
        for place in places {
            if slow {
                let id = Rc::clone(id);
                self.within(
                    1,
                    3_000,
                    Timer::Marker {
                        id,
                        transaction,
                        place,
                        commit,
                    },
                );
            } else {
                self.mark(id, transaction, place, commit);
            }
        }
    }

    /// One of the markers is written.
    pub fn mark(&mut self, id: &Rc<str>, of: Txn, place: Option<TopicPartition>, commit: bool) {
        match place {
            Some(place) => self.mark_log(place, of, commit),
            None => self.group.settle(of, commit),
        }
        let Some(producer) = self.coordinator.producers.get_mut(id) else {
            return;
        };
        if let State::Ending {
            transaction,
            markers_left,
        } = &mut producer.state
            && *transaction == of
        {
            *markers_left -= 1;
            if *markers_left == 0 {
                producer.state = State::Idle;
            }
        }
    }
}
