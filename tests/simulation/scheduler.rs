//! Who runs when: processes take turns in virtual time, on one thread.
//!
//! A process has a turn by a call of [`Process::turn`](super::slot::Process::turn), and everything it does in it goes through its link. Where a
//! call of the link takes time, because it waits or because the process is made to stand still in the middle of it,
//! the others have their turns meanwhile, on the same stack: that is how a process can be overtaken between writing
//! the records of a transaction and committing them.

use super::dice::Dice;
use super::slot::{ProcessPlan, ProcessSlot, StartProcess, State};
use super::store::{FaultyStore, Job, Jobs};
use super::world::{ProcessId, World};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Processes that can be in the middle of a turn at the same time.
const TURNS_MAX: usize = 6;

/// A world with processes in it.
pub struct Scheduler<'a> {
    pub world: RefCell<World>,
    pub faulty_store: Arc<FaultyStore>,
    pub processes: ProcessPlan,
    pub(super) slots: RefCell<Vec<Rc<ProcessSlot<'a>>>>,
    pub(super) start_process: StartProcess<'a>,
    pub(super) jobs: Jobs,
    jobs_due: RefCell<BTreeMap<(i64, u64), (ProcessId, Job)>>,
    jobs_seen: Cell<u64>,
    /// Told of every change of the time.
    clock: fn(i64),
    pub turns: Cell<u64>,
    /// Why a process said that only an operator can help.
    pub halted: RefCell<Option<String>>,
}

impl<'a> Scheduler<'a> {
    /// Puts processes into a world. They start within the first seconds.
    pub fn new(
        world: World,
        faulty_store: Arc<FaultyStore>,
        processes: ProcessPlan,
        start_process: StartProcess<'a>,
        clock: fn(i64),
    ) -> Rc<Self> {
        let begins_ms = world.now_ms;
        let scheduler = Self {
            world: RefCell::new(world),
            faulty_store,
            slots: RefCell::default(),
            start_process,
            jobs: Jobs::default(),
            jobs_due: RefCell::default(),
            jobs_seen: Cell::new(0),
            clock,
            turns: Cell::new(0),
            halted: RefCell::new(None),
            processes,
        };
        for number in 0..scheduler.processes.slots {
            let next_ms = Some(begins_ms + scheduler.dice(|dice| dice.between(0, 2_000)));
            let state = State {
                next_ms,
                ..State::default()
            };
            scheduler
                .slots
                .borrow_mut()
                .push(ProcessSlot::new(format!("w{number}"), state));
        }
        for (number, (comes_ms, goes_ms)) in scheduler.processes.visits.iter().enumerate() {
            let next_ms = Some(begins_ms + comes_ms);
            let leaves_ms = Some(begins_ms + goes_ms);
            let state = State {
                next_ms,
                leaves_ms,
                ..State::default()
            };
            scheduler
                .slots
                .borrow_mut()
                .push(ProcessSlot::new(format!("v{number}"), state));
        }
        clock(begins_ms);
        Rc::new(scheduler)
    }

    pub(super) fn dice<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(&mut self.world.borrow_mut().dice)
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.world.borrow().now_ms
    }

    /// Lets the world go on until a time, and the processes in it that are not in the middle of a turn.
    pub fn run_until(self: &Rc<Self>, until_ms: i64) {
        // When nothing more can be learnt, time passes and nobody acts.
        while self.halted.borrow().is_none() {
            self.collect_jobs();
            let next_ms = self.next_ms().filter(|next_ms| *next_ms <= until_ms);
            let to_ms = next_ms.unwrap_or(until_ms);
            let stirred = {
                let mut world = self.world.borrow_mut();
                world.advance(to_ms);
                std::mem::take(&mut world.stirred)
            };
            (self.clock)(self.now_ms());
            if stirred {
                self.wake_all();
            }
            if next_ms.is_none() {
                return;
            }
            self.work();
            self.act();
        }
        self.world.borrow_mut().advance(until_ms);
    }

    /// What is due next: a timer, a turn, a piece of background work.
    fn next_ms(&self) -> Option<i64> {
        let timer = self.world.borrow().next_timer_ms();
        let job = self
            .jobs_due
            .borrow()
            .first_key_value()
            .map(|((at_ms, _), _)| *at_ms);
        let slots = self.slots.borrow();
        let turns = slots
            .iter()
            .map(|slot| slot.state.get())
            .filter(|state| !state.busy && !self.is_deep());
        turns
            .filter_map(|state| state.next_ms)
            .chain(timer)
            .chain(job)
            .min()
    }

    /// Whether so many processes are in the middle of a turn that the others have to wait: turns in the middle of others
    /// lie on one stack.
    pub(super) fn is_deep(&self) -> bool {
        let slots = self.slots.borrow();
        slots.iter().filter(|slot| slot.state.get().busy).count() >= TURNS_MAX
    }

    fn wake_all(&self) {
        for slot in self.slots.borrow().iter() {
            let mut state = slot.state.get();
            if state.process.is_some() && !state.busy {
                let soon_ms = self.now_ms() + self.dice(|dice| dice.between(1, 20));
                state.next_ms = state.next_ms.map(|next_ms| next_ms.min(soon_ms));
                state.idle = 0;
                slot.state.set(state);
            }
        }
    }

    /// Finds a time for background work that was begun.
    fn collect_jobs(&self) {
        for (process, job) in self.jobs.take() {
            let delay_ms = self.dice(|dice| dice.between(1, 3_000));
            self.put_off(process, job, delay_ms);
        }
    }

    fn put_off(&self, process: ProcessId, job: Job, delay_ms: i64) {
        self.jobs_seen.set(self.jobs_seen.get() + 1);
        let due = (self.now_ms() + delay_ms, self.jobs_seen.get());
        self.jobs_due.borrow_mut().insert(due, (process, job));
    }

    /// Does the background work that is due. That of a dead process is forgotten, that of one that stands still waits.
    fn work(&self) {
        loop {
            let now_ms = self.now_ms();
            let mut due = self.jobs_due.borrow_mut();
            let Some(entry) = due.first_entry().filter(|job| job.key().0 <= now_ms) else {
                return;
            };
            let (process, job) = entry.remove();
            drop(due);
            let (dead, silent) = {
                let client = &self.world.borrow().clients[process];
                (client.dead, client.silent_since_ms.is_some())
            };
            if dead {
                continue;
            }
            if silent {
                self.put_off(process, job, 100);
                continue;
            }
            job();
            let killed = self.faulty_store.killed();
            let mut world = self.world.borrow_mut();
            world.note("job", &[process as i64, killed.into()]);
            if killed {
                world.kill(process);
            }
            world.stirred = true;
        }
    }

    /// Time passes for a process in the middle of a turn.
    pub fn pass(self: &Rc<Self>, pause_ms: i64) {
        self.run_until(self.now_ms() + pause_ms);
    }

    /// Asks all processes to end, and starts no more.
    pub fn ask_all_to_stop(&self) {
        let now_ms = self.now_ms();
        for slot in self.slots.borrow().iter() {
            let mut state = slot.state.get();
            state.last = true;
            state.leaves_ms = Some(now_ms);
            state.next_ms = state.process.map(|_| now_ms);
            slot.state.set(state);
        }
    }

    /// Kills all processes, and starts no more.
    pub fn kill_all(&self) {
        for slot in self.slots.borrow().iter() {
            let state = slot.state.replace(State::default());
            if let Some(process) = state.process {
                self.world.borrow_mut().kill(process);
            }
            drop(slot.process.borrow_mut().take());
        }
    }

    /// Whether no process is left.
    pub fn is_empty(&self) -> bool {
        let slots = self.slots.borrow();
        slots.iter().all(|slot| slot.state.get().process.is_none())
    }
}
