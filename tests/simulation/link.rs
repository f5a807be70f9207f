//! A process's way to the modelled Kafka: the same [`Link`] that the client implements for the real one.

use super::faults::Step;
use super::reader::SimReader;
use super::scheduler::Scheduler;
use super::transactions::Session;
use super::world::{ProcessId, Timer, World};
use churnwatch::kafka::link::{Attempt, Link};
use churnwatch::kafka::{
    ConsumedRecord, Fault, Item, Outbound, Rebalance, Span, StoredRecord, TopicPartition,
};
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

/// Longest wait for an answer that has to wait for somebody else's transaction.
pub const PATIENCE_MS: i64 = 10_000;

/// One process's membership, producer and readers.
pub struct SimLink<'a> {
    pub(super) scheduler: Rc<Scheduler<'a>>,
    pub(super) slot: usize,
    pub(super) process: ProcessId,
    /// Its `transactional.id`.
    pub(super) id: Rc<str>,
    /// Its producer, if that is connected.
    pub(super) session: Option<Session>,
    taken: Vec<Taken>,
}

/// What was taken by the last `fill`.
enum Taken {
    Record(TopicPartition, i64, Rc<StoredRecord>),
    End(TopicPartition, i64),
}

impl<'a> SimLink<'a> {
    pub fn new(scheduler: Rc<Scheduler<'a>>, slot: usize, process: ProcessId, id: Rc<str>) -> Self {
        Self {
            scheduler,
            slot,
            process,
            id,
            session: None,
            taken: Vec::new(),
        }
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.scheduler.now_ms()
    }

    /// The process comes to a step, where it may be hit.
    pub(super) fn step(&self, step: Step) -> Result<(), Fault> {
        self.scheduler.step(self.slot, self.process, step)
    }

    /// Asks the brokers something.
    fn ask<T>(&self, question: impl FnOnce(&mut World) -> T) -> Result<T, Fault> {
        self.scheduler.alive(self.process)?;
        if self.scheduler.world.borrow_mut().answers() {
            return Ok(question(&mut self.scheduler.world.borrow_mut()));
        }
        self.scheduler.pass(1_000);
        self.scheduler.alive(self.process)?;
        Err(Fault::Restart("the brokers do not answer".to_owned()))
    }

    /// Asks the same of several partitions.
    fn ask_each(
        &self,
        of: &[TopicPartition],
        question: impl Fn(&World, TopicPartition) -> i64,
    ) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.ask(|world| {
            of.iter()
                .map(|place| (*place, question(world, *place)))
                .collect()
        })
    }
}

impl<'a> Link for SimLink<'a> {
    type Reader = SimReader<'a>;

    fn serve(&mut self) -> Result<Option<Rebalance>, Fault> {
        self.step(Step::Serve)?;
        let change = self
            .scheduler
            .world
            .borrow_mut()
            .next_change(self.process)?;
        if change.is_some() {
            self.scheduler.stir(self.slot);
        }
        Ok(change)
    }

    fn wait(&mut self, pause: Duration) {
        if self.scheduler.alive(self.process).is_ok() {
            self.scheduler.pass(pause.as_millis() as i64);
        }
    }

    fn assign(&mut self, starts: &[(TopicPartition, i64)]) -> Result<(), Fault> {
        self.step(Step::Assign)?;
        self.scheduler
            .world
            .borrow_mut()
            .take_lanes(self.process, starts);
        Ok(())
    }

    fn unassign(&mut self) -> Result<(), Fault> {
        self.taken.clear();
        self.step(Step::Unassign)?;
        self.scheduler
            .world
            .borrow_mut()
            .give_up_lanes(self.process);
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
        self.scheduler.alive(self.process)?;
        self.scheduler
            .world
            .borrow_mut()
            .pause_lanes(self.process, partitions, true);
        Ok(())
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
        self.scheduler.alive(self.process)?;
        self.scheduler
            .world
            .borrow_mut()
            .pause_lanes(self.process, partitions, false);
        Ok(())
    }

    /// Hands over what was fetched by now: of any assigned partition any stretch, in any order of the partitions, and
    /// sometimes nothing at all, as the network has it. With nothing there, the process gets its next turn later.
    fn receive(&mut self, records_max: usize, wait: Duration) -> usize {
        self.taken.clear();
        if self.scheduler.alive(self.process).is_err() {
            return 0;
        }
        let mut world = self.scheduler.world.borrow_mut();
        let mut places: Vec<TopicPartition> = world.fetching(self.process);
        world.dice.shuffle(&mut places);
        let mut records = 0;
        for place in places {
            if world.outage || world.dice.chance(150) {
                continue;
            }
            let stretch = world.dice.pick(&[1, 3, 10, 40, 200, 1_000]);
            let room = stretch.min(records_max.saturating_sub(records));
            let fetched = world.fetch(self.process, place, room);
            records += fetched.len();
            let fetched = fetched.into_iter();
            self.taken
                .extend(fetched.map(|(offset, record)| Taken::Record(place, offset, record)));
            if let Some(end) = world.told_end(self.process, place) {
                self.taken.push(Taken::End(place, end));
            }
        }
        drop(world);
        if records > 0 {
            self.scheduler.stir(self.slot);
        } else {
            self.scheduler.nap(self.slot, wait.as_millis() as i64);
        }
        self.taken.len()
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.taken.iter().map(|taken| match taken {
            Taken::Record(at, offset, stored) => {
                Item::Record(ConsumedRecord::of(*at, *offset, stored))
            }
            Taken::End(at, offset) => Item::End {
                at: *at,
                offset: *offset,
            },
        })
    }

    fn clear(&mut self) {
        self.taken.clear();
    }

    fn positions(&self) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.scheduler.alive(self.process)?;
        let world = self.scheduler.world.borrow();
        let lanes = world.clients[self.process].lanes.iter();
        Ok(lanes
            .filter(|(_, lane)| lane.handed)
            .map(|(place, lane)| (*place, lane.position))
            .collect())
    }

    fn committed(
        &self,
        of: &[TopicPartition],
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, Fault> {
        self.step(Step::Committed)?;
        let until_ms = self.scheduler.now_ms() + PATIENCE_MS;
        loop {
            let settled =
                self.ask(|world| !of.iter().any(|place| world.group.is_promised(*place)))?;
            if settled {
                let world = self.scheduler.world.borrow();
                return Ok(of
                    .iter()
                    .map(|place| (*place, world.group.committed(*place)))
                    .collect());
            }
            if self.scheduler.now_ms() >= until_ms {
                let why = "offsets of an open transaction are not settled yet";
                return Err(Fault::Restart(why.to_owned()));
            }
            self.scheduler.pass(100);
        }
    }

    fn starts(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.ask_each(of, |world, place| world.logs[&place].start())
    }

    fn ends(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault> {
        self.ask_each(of, |world, place| world.logs[&place].stable_end())
    }

    fn journal_bounds(&self, partition: i32) -> Result<Range<i64>, Fault> {
        self.step(Step::Committed)?;
        self.ask(|world| {
            let log = &world.logs[&world.journal(partition)];
            log.start()..log.end()
        })
    }

    fn reader(&self, spans: &[Span]) -> Result<SimReader<'a>, Fault> {
        self.scheduler.alive(self.process)?;
        Ok(SimReader::new(
            Rc::clone(&self.scheduler),
            self.slot,
            self.process,
            spans,
        ))
    }

    fn fence(&mut self) -> Result<Result<(), String>, Fault> {
        self.session = None;
        self.connect()
    }

    fn commit(
        &mut self,
        outbound: &[Outbound],
        offsets: &[(TopicPartition, i64)],
    ) -> Result<Attempt, Fault> {
        self.scheduler.stir(self.slot);
        self.transact(outbound, offsets)
    }

    fn trim_journal(&mut self, partition: i32, before: i64) {
        let mut world = self.scheduler.world.borrow_mut();
        // Where snapshots get lost the journal is all there is: then brokers keep it whole to the end.
        let fails = world.faults.rates.damage > 0 || world.happens(|rates| rates.trim_fails);
        if !fails && !world.clients[self.process].dead && !world.outage {
            let place = world.journal(partition);
            world.note("trim", &[partition.into(), before]);
            world.within(0, 5_000, Timer::Trim(place, before));
        }
    }
}

impl Drop for SimLink<'_> {
    fn drop(&mut self) {
        self.scheduler.world.borrow_mut().close(self.process);
    }
}
