//! One transaction from begin to end, with everything that can go wrong in between.

use super::faults::{Disruption, Step};
use super::link::{PATIENCE_MS, SimLink};
use super::transactions::{Refusal, Session};
use super::world::{Timer, World};
use churnwatch::kafka::link::{Attempt, Receipt};
use churnwatch::kafka::{Fault, Outbound, StoredRecord, TopicPartition, partition_of};
use std::rc::Rc;

/// How a request to commit fares.
enum End {
    /// It arrives, and so does its answer.
    Heard,
    /// It arrives, and its answer is lost.
    AnswerLost,
    /// It is lost.
    RequestLost,
    /// It arrives, but only after so many milliseconds.
    Late(i64),
}

/// Why a transaction was not committed.
enum Failed {
    /// The process is dead, or must not go on.
    Fault(Fault),
    /// Nothing is visible, and nothing will be.
    Attempt(Attempt),
    /// The end was asked for and may come.
    Unknown,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl SimLink<'_> {
    /// Connects a producer. One that died within a transaction keeps the coordinator busy for a while.
    pub(super) fn connect(&mut self) -> Result<Result<(), String>, Fault> {
        self.step(Step::Fence)?;
        let until_ms = self.scheduler.now_ms() + PATIENCE_MS;
        loop {
            self.scheduler.alive(self.process)?;
            if self.scheduler.world.borrow_mut().answers() {
                let session = self.scheduler.world.borrow_mut().init_producer(&self.id);
                if let Ok(session) = session {
                    self.session = Some(session);
                    return Ok(Ok(()));
                }
            } else {
                self.scheduler.pass(900);
            }
            if self.scheduler.now_ms() >= until_ms {
                self.scheduler.alive(self.process)?;
                return Ok(Err("the coordinator does not answer".to_owned()));
            }
            self.scheduler.pass(100);
        }
    }

    /// Writes records and offsets, and commits them.
    pub(super) fn transact(
        &mut self,
        outbound: &[Outbound],
        offsets: &[(TopicPartition, i64)],
    ) -> Result<Attempt, Fault> {
        self.step(Step::Produce)?;
        if self.session.is_none()
            && let Err(reason) = self.connect()?
        {
            return Ok(Attempt::Again(reason));
        }
        let Some(session) = self.session.take() else {
            return Ok(Attempt::Again("there is no producer".to_owned()));
        };
        match self.cycle(&session, outbound, offsets) {
            Ok(receipt) => {
                self.session = Some(session);
                Ok(Attempt::Committed(receipt))
            }
            Err(Failed::Fault(fault)) => Err(fault),
            Err(Failed::Attempt(attempt)) => {
                // The client aborts before it drops the producer, if the coordinator hears it.
                let mut world = self.scheduler.world.borrow_mut();
                if world.dice.chance(500) && !world.outage {
                    let _ = world.end_transaction(&session, false);
                }
                world.note("not committed", &[self.process as i64]);
                Ok(attempt)
            }
            Err(Failed::Unknown) => {
                self.scheduler
                    .world
                    .borrow_mut()
                    .note("outcome unknown", &[self.process as i64]);
                let waits_ms = self.dice(0, PATIENCE_MS);
                self.scheduler.pass(waits_ms);
                self.scheduler.alive(self.process)?;
                Ok(Attempt::Unknown(
                    "the coordinator did not say how it ended".to_owned(),
                ))
            }
        }
    }

    fn cycle(
        &mut self,
        session: &Session,
        outbound: &[Outbound],
        offsets: &[(TopicPartition, i64)],
    ) -> Result<Receipt, Failed> {
        let refused = self.world(|world| world.happens(|rates| rates.abort));
        let count = outbound.len() as i64;
        let (hit_at, refused_at) = (self.dice(0, count), self.dice(0, count));
        let refusal = || Attempt::Again("a record was not delivered".to_owned());
        let mut receipt = Receipt::default();
        for (index, outbound) in (0..).zip(outbound) {
            if index == hit_at {
                self.step(Step::Produced)?;
            }
            if refused && index == refused_at {
                return Err(Failed::Attempt(refusal()));
            }
            let offset = self.send(session, outbound)?;
            if outbound.partition.is_some() {
                receipt.placed.push((index as usize, offset));
            }
        }
        self.step(Step::SendOffsets)?;
        if refused {
            return Err(Failed::Attempt(refusal()));
        }
        // A client that the group has thrown out knows so at the latest now.
        let membership = self.scheduler.world.borrow().membership(self.process);
        let membership = membership.ok_or_else(|| {
            Failed::Attempt(Attempt::Membership("not a member any more".to_owned()))
        })?;
        self.retry(|world| world.send_offsets(session, &membership, offsets))?;
        self.step(Step::OffsetsSent)?;
        self.end(session)?;
        receipt.polls = self.dice(1, 20) as u32;
        Ok(receipt)
    }

    /// Asks for the commit.
    fn end(&self, session: &Session) -> Result<(), Failed> {
        let end = self.world(|world| match world.happens(|rates| rates.unknown) {
            _ if world.outage => End::RequestLost,
            false => End::Heard,
            true => match world.dice.below(3) {
                0 => End::AnswerLost,
                1 => End::RequestLost,
                _ => End::Late(world.dice.between(1, 20_000)),
            },
        });
        match end {
            End::RequestLost => return Err(Failed::Unknown),
            End::Late(delay_ms) => {
                let late = Timer::LateEnd(session.clone());
                self.world(|world| world.within(delay_ms, delay_ms, late));
                return Err(Failed::Unknown);
            }
            End::Heard | End::AnswerLost => {}
        }
        let disruption = self.world(|world| {
            let disruption = world.disruption(Step::EndSent);
            if disruption == Some(Disruption::Crash) {
                // The request is on its way, and arrives all the same.
                world.within(0, 3_000, Timer::LateEnd(session.clone()));
            }
            disruption
        });
        if disruption == Some(Disruption::Crash) {
            self.scheduler
                .suffer(self.slot, self.process, Step::EndSent, disruption)?;
        }
        let answer = self.retry(|world| world.end_transaction(session, true));
        answer.map_err(|failed| match failed {
            // It was sent, and sent again, and nobody answered.
            Failed::Attempt(Attempt::Again(_)) => Failed::Unknown,
            failed => failed,
        })?;
        // Who stands still meanwhile reads the answer later.
        self.scheduler
            .suffer(self.slot, self.process, Step::EndSent, disruption)?;
        self.step(Step::Ended)?;
        if matches!(end, End::AnswerLost) {
            return Err(Failed::Unknown);
        }
        Ok(())
    }

    /// Writes one record. Returns its offset.
    fn send(&self, session: &Session, outbound: &Outbound) -> Result<i64, Failed> {
        let place = self.world(|world| {
            let partition = match (outbound.partition, &outbound.key) {
                (Some(partition), _) => partition,
                (None, Some(key)) => partition_of(key, world.partitions),
                (None, None) => world.dice.between(0, i64::from(world.partitions) - 1) as i32,
            };
            world.place(&outbound.topic, partition)
        });
        let why = || Fault::Halt(format!("there is no topic {}", outbound.topic));
        let place = place.ok_or_else(why)?;
        let record = Rc::new(stored(outbound, self.scheduler.now_ms()));
        self.retry(|world| world.produce(session, place, Rc::clone(&record)))
    }

    /// Sends a request, and again while the coordinator is busy with the transaction before or does not answer.
    fn retry<T>(
        &self,
        mut request: impl FnMut(&mut World) -> Result<T, Refusal>,
    ) -> Result<T, Failed> {
        let until_ms = self.scheduler.now_ms() + PATIENCE_MS;
        while self.scheduler.now_ms() <= until_ms {
            let outage = self.scheduler.world.borrow().outage;
            if !outage {
                let answer = request(&mut self.scheduler.world.borrow_mut());
                match answer {
                    Ok(answer) => return Ok(answer),
                    Err(Refusal::Busy) => {}
                    Err(Refusal::Membership(reason)) => {
                        return Err(Failed::Attempt(Attempt::Membership(reason.to_owned())));
                    }
                    Err(Refusal::Fenced | Refusal::Invalid) => {
                        let why = format!("the transactional id {} was taken over", self.id);
                        return Err(Failed::Fault(Fault::Restart(why)));
                    }
                }
            }
            self.scheduler.pass(100);
            self.scheduler.alive(self.process)?;
        }
        Err(Failed::Attempt(Attempt::Again(
            "the brokers do not answer".to_owned(),
        )))
    }

    fn dice(&self, low: i64, high: i64) -> i64 {
        self.world(|world| world.dice.between(low, high))
    }

    fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.scheduler.world.borrow_mut())
    }
}

fn stored(outbound: &Outbound, timestamp_ms: i64) -> StoredRecord {
    let headers = outbound.headers.iter();
    StoredRecord {
        key: outbound.key.clone(),
        value: outbound.value.clone(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect(),
        timestamp_ms,
    }
}
